"""What the next weeks will bring, and how fast money comes."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Forecast, Pipeline, Velocity
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import cash, chance
from crm_lib.show.funnel.target import goal_at_length
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, day, is_missing, number, percent, signed
from crm_lib.theme.words import gettext as _


def ahead(result: Pipeline) -> Part:
    """The forecast of the horizon: of open deals, of deals to come, together, beside what to reach."""
    f = result.forecast
    if f is None:
        return note(_("Nothing can be forecast: that needs won deals with an amount and a known start."))
    frame = _sums(f)
    labels = Labels(
        _("{money} likely in the next {days} days").format(money=cash(f.total.value), days=number(f.horizon_days)),
        _("Money won up to {day}, {level}; {n} open deals").format(
            day=day(f.until), level=_level(f), n=number(f.of_open.n)
        ),
        "; ".join(f"{row.label}: {cash(row.value)}" for row in frame.itertuples()),
    )
    chart = bars(
        frame,
        "label",
        "value",
        labels,
        cash,
        low="low",
        high="high",
        highlight=_("Together"),
        sideways=True,
        numbers=_sum_table(frame),
    )
    goal = goal_at_length(result.goal) if result.goal else ""
    return together(chart, sentence(goal, _target(f), _new(f)), note(_range(f)))


def _sums(f: Forecast) -> pd.DataFrame:
    rows = [
        (_("Deals open today"), f.of_open.value, f.of_open.low, f.of_open.high),
        (_("Deals yet to be opened"), f.of_new.value, f.of_new.low, f.of_new.high),
        (_("Together"), f.total.value, f.total.low, f.total.high),
        (_target_name(f), f.target, None, None),
    ]
    return pd.DataFrame(rows, columns=["label", "value", "low", "high"])


def _target_name(f: Forecast) -> str:
    if f.is_given:
        return _("Target")
    return _("Won in the {days} days before").format(days=number(f.horizon_days))


def _sum_table(frame: pd.DataFrame) -> Part:
    shown = frame.assign(bounds=[between(a, b, cash) for a, b in zip(frame["low"], frame["high"], strict=True)])
    fields = [Field("label", _("What")), Field("value", _("Money"), cash), Field("bounds", _("Range"), str)]
    return table(shown, fields, _("The forecast"))


def _level(f: Forecast) -> str:
    return _("a range that holds the largest miss so far") if f.is_range else _("90 % intervals")


def _target(f: Forecast) -> str:
    if not f.target:
        return ""
    text = (
        _("The chance to reach the target of {target} by {day} is **{share}**.")
        if f.is_given
        else _("The chance to win by {day} as much as in the {days} days before, {target}, is **{share}**.")
    )
    return text.format(
        target=cash(f.target), day=day(f.until), days=number(f.horizon_days), share=chance(f.p_target)
    )


def _new(f: Forecast) -> str:
    if not f.n_new:
        return _(
            "Deals that are not open yet are left out: too little time has been recorded to say how many come."
        )
    text = _(
        "As many new deals are expected as were opened in the last {days} days: **{n}**. In the {days} days "
        "before that, {earlier} were opened."
    )
    return text.format(days=number(f.horizon_days), n=number(f.n_new), earlier=number(f.n_new_earlier))


def _range(f: Forecast) -> str:
    if not f.is_range:
        return ""
    if not f.n_tested:
        return _(
            "The forecast could not be tested on past days, so its range takes deals as independent: too narrow."
        )
    text = _(
        "The forecast could be tested on {n} past days only. Its range therefore holds the largest miss seen; how "
        "often it will be right can't be said, and the chance is a rough one."
    )
    return text.format(n=number(f.n_tested))


def speed(result: Pipeline) -> Part:
    """Sales velocity now and before, and what each lever did to it, in money per day."""
    v = result.velocity
    if v is None:
        text = _("Two stretches of time with thirty sales each are needed to say how fast money comes.")
        return note(text)
    frame = v.parts.assign(label=[_lever_names()[name] for name in v.parts["lever"]])
    labels = Labels(
        _speed_title(v),
        _("Change of money won per day, by lever; {days} days up to {now} against those up to {before}").format(
            days=number(v.length_days), now=day(v.now.until), before=day(v.before.until)
        ),
        "; ".join(f"{row.label}: {signed(row.change, cash)}" for row in frame.itertuples()),
    )
    top = frame.loc[frame["change"].abs().idxmax(), "label"]
    chart = bars(
        frame,
        "label",
        "change",
        labels,
        lambda x: signed(x, cash),
        low="low",
        high="high",
        highlight=top,
        sideways=True,
        numbers=_lever_table(frame),
    )
    return together(chart, sentence(_pace(v), _median(v)))


def _speed_title(v: Velocity) -> str:
    if v.change.low <= 0 <= v.change.high:
        return _("Money per day has not clearly changed")
    facts = {"before": cash(v.before.per_day.value), "now": cash(v.now.per_day.value)}
    if v.change.value > 0:
        return _("Money per day rose from {before} to {now}").format(**facts)
    return _("Money per day fell from {before} to {now}").format(**facts)


def _lever_names() -> dict[str, str]:
    return {
        "n_open": _("Open deals"),
        "amount": _("Amount per sale"),
        "win_rate": _("Win rate"),
        "days": _("Days to win"),
    }


def _lever_forms() -> dict[str, object]:
    return {"n_open": number, "amount": cash, "win_rate": lambda x: percent(x, 1), "days": lambda x: number(x, 1)}


def _lever_table(frame: pd.DataFrame) -> Part:
    forms = _lever_forms()
    shown = frame.assign(
        before=[forms[k](x) for k, x in zip(frame["lever"], frame["before"], strict=True)],
        now=[forms[k](x) for k, x in zip(frame["lever"], frame["now"], strict=True)],
        bounds=[_bounds(a, b) for a, b in zip(frame["low"], frame["high"], strict=True)],
    )
    fields = [
        Field("label", _("Lever")),
        Field("before", _("Before"), str),
        Field("now", _("Now"), str),
        Field("ratio", _("Ratio"), lambda x: number(x, 3)),
        Field("change", _("Money per day"), lambda x: signed(x, cash)),
        Field("bounds", _("90 % interval"), str),
    ]
    foot = _(
        "Money per day = open deals × amount × win rate ÷ days. The parts add up to the whole change. The number "
        "of open deals is a count and has no interval."
    )
    return table(shown, fields, _("What changed the pace"), foot)


def _bounds(low: float, high: float) -> str | None:
    return None if is_missing(low) else between(low, high, lambda x: signed(x, cash))


def _pace(v: Velocity) -> str:
    now, text = v.now.per_day, _("**{now}** a day now ({low} – {high}; n = {n}), {before} before: {change} a day.")
    return text.format(
        now=cash(now.value),
        low=cash(now.low),
        high=cash(now.high),
        n=number(now.n),
        before=cash(v.before.per_day.value),
        change=signed(v.change.value, cash),
    )


def _median(v: Velocity) -> str:
    text = _("Half of the sales took {now} days or less, {before} before; the mean was {mean} and {earlier}.")
    return text.format(
        now=number(v.now.median_days),
        before=number(v.before.median_days),
        mean=number(v.now.days),
        earlier=number(v.before.days),
    )
