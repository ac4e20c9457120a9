"""Whether the forecast held: past days, calibration of the chances, and the simple rule beside the model."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Backtest
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import bounds, cash
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, day, is_missing, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def tested(test: Backtest | None, horizon_days: int) -> Part:
    """Sum up the past days, then draw the calibration, then list the days."""
    if test is None:
        text = _("The forecast could not be tested: too few deals were open or closed {n} days ago.")
        return sentence(text.format(n=number(horizon_days)))
    return together(_summary(test), note(_miss(test)), _calibration(test), _days(test))


def _summary(test: Backtest) -> Part:
    rows = [
        {
            "question": _("Sales from deals then open"),
            "came": number(test.n_won),
            "model": number(test.expected),
            "rule": number(test.expected_by_rule),
            "winner": _nearer(abs(test.expected - test.n_won), abs(test.expected_by_rule - test.n_won)),
        },
        {
            "question": _("Error per deal (Brier)"),
            "came": None,
            "model": number(test.error, 3),
            "rule": number(test.error_of_rule, 3),
            "winner": _nearer(test.error, test.error_of_rule),
        },
        *_money_row(test.origins),
    ]
    fields = [
        Field("question", _("Question")),
        Field("came", _("Came"), str),
        Field("model", _("Model"), str),
        Field("rule", _("Simple rule"), str),
        Field("winner", _("Which won")),
    ]
    n = len(test.origins)
    caption = ngettext(
        "The forecast made again on {n} past day, {days} days ahead",
        "The forecast made again on {n} past days, {days} days ahead each",
        n,
    ).format(n=number(n), days=number(test.horizon_days))
    foot = _(
        "Simple rule: the share of open deals that was won in the stretch before; for money, as much as in the "
        "stretch before."
    )
    return table(pd.DataFrame(rows), fields, caption, foot)


def _money_row(origins: pd.DataFrame) -> list[dict[str, str | None]]:
    known = origins[origins["amount"].notna()]
    if known.empty:
        return []
    came = known["came_amount"].astype(float)
    by_model, by_rule = ((known[c].astype(float) - came).abs().mean() for c in ("amount", "rule_amount"))
    return [
        {
            "question": _("Miss of all money won, mean of the days"),
            "came": None,
            "model": cash(by_model),
            "rule": cash(by_rule),
            "winner": _nearer(by_model, by_rule),
        }
    ]


def _nearer(model: float, rule: float) -> str:
    return _("the model") if model <= rule else _("the rule")


def _miss(test: Backtest) -> str:
    """What a miss of more than a tenth says of the forecast today."""
    if not test.n_won or not test.expected or abs(test.expected / test.n_won - 1) < 0.1:
        return ""
    text = (
        _(
            "Fewer sales came than the model expected. If it errs so again, what is "
            "said of open deals is {share} too high."
        )
        if test.expected > test.n_won
        else _(
            "More sales came than the model expected. If it errs so again, what is "
            "said of open deals is {share} too low."
        )
    )
    return text.format(share=percent(abs(test.expected / test.n_won - 1)))


def _calibration(test: Backtest) -> Part:
    frame = test.calibration
    if frame.empty:
        return Part()
    frame = frame.assign(label=[_("said {share}").format(share=percent(x)) for x in frame["said"]])
    held = int(((frame["low"] <= frame["said"]) & (frame["said"] <= frame["high"])).sum())
    shown = frame.assign(bounds=bounds(frame))
    fields = [
        Field("said", _("Chance said"), percent),
        Field("share", _("Won"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("n", _("Deals"), number),
    ]
    labels = Labels(
        _("{k} of {n} classes of chances held").format(k=number(held), n=number(len(frame))),
        _("Share won within {days} days by the chance said before, with 90 % intervals; n = {n}").format(
            days=number(test.horizon_days), n=number(test.n_open)
        ),
        "; ".join(f"{row.label}: {percent(row.share)}" for row in frame.itertuples()),
    )
    numbers = table(shown, fields, _("Calibration"))
    return bars(frame, "label", "share", labels, percent, low="low", high="high", sideways=True, numbers=numbers)


def _days(test: Backtest) -> Part:
    frame = test.origins.assign(
        bounds=[between(a, b, cash) for a, b in zip(test.origins["low"], test.origins["high"], strict=True)],
        held=[_held(x) for x in test.origins["is_within"]],
    )
    fields = [
        Field("cut_on", _("Forecast of"), day),
        Field("n_open", _("Open deals"), number),
        Field("expected", _("Sales expected"), number),
        Field("n_won", _("Came"), number),
        Field("amount", _("All money expected"), cash),
        Field("bounds", _("Range"), str),
        Field("came_amount", _("Came"), cash),
        Field("held", _("Held")),
    ]
    known = test.origins["is_within"].dropna()
    summary = _("{k} of {n} past ranges held what came").format(k=number(int(known.sum())), n=number(len(known)))
    foot = _("Each range was drawn with what the other days taught.")
    return render("rows", summary=summary, parts=(table(frame, fields, _("Day by day"), foot),), warn=False)


def _held(within: object) -> str | None:
    if is_missing(within):
        return None
    return _("yes") if within else _("no")
