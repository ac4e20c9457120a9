"""What is in the pipe, what is stuck in it, and who converts better."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.charts import Labels, bars
from crm_lib.show.funnel.said import all_estimated, bounds, cash, has_money, stage
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import clean, day, money, name, ngettext, number, percent, points
from crm_lib.theme.words import gettext as _

_MOST_ROWS = 10
_MOST_BARS = 15


def in_the_pipe(result: Pipeline) -> Part:
    """Open value by stage as bars, with the table behind; counts where nothing can be valued."""
    if not result.n_open:
        return sentence(_("Nothing is open: every deal is won or lost."))
    valued = has_money(result)
    frame = result.stages.assign(label=[clean(stage(s)) for s in result.stages["stage"]])
    y, form = ("open_amount", cash) if valued else ("n_now", number)
    top = frame.loc[frame[y].astype(float).idxmax()]
    share = top[y] / frame[y].sum() if frame[y].sum() else 0
    said = [(row.label, form(getattr(row, y))) for row in frame.itertuples()]
    labels = Labels(
        _title(stage(top["stage"], 24), share, valued),
        _subtitle(result, valued),
        "; ".join(f"{label}: {value}" for label, value in said),
    )
    chart = bars(frame, "label", y, labels, form, highlight=top["label"], numbers=_stage_table(frame, result))
    return together(chart, _weighing(result))


def _title(where: str, share: float, valued: bool) -> str:
    if valued:
        return _("{stage} holds {share} of the open value").format(stage=where, share=percent(share))
    return _("{stage} holds {share} of the open deals").format(stage=where, share=percent(share))


def _subtitle(result: Pipeline, valued: bool) -> str:
    facts = {"day": day(result.as_of), "n": number(result.n_open)}
    if not valued:
        return _("Open deals by stage on {day}; {n} in all").format(**facts)
    if all_estimated(result):
        return _("Open value by stage on {day}, estimated from won deals; {n} deals").format(**facts)
    return _("Open value by stage on {day}; {n} deals").format(**facts)


def _stage_table(frame: pd.DataFrame, result: Pipeline) -> Part:
    fields = [Field("label", _("Stage")), Field("n_now", _("Deals now"), number)]
    if has_money(result):
        fields.append(Field("open_amount", _("Value"), money))
    if result.has_history:
        fields.append(Field("n_reached", _("Ever reached it"), number))
        fields.append(Field("n_reached_year", _("In the last 365 days"), number))
    return table(frame, fields, _("Deals by stage"))


def _weighing(result: Pipeline) -> Part:
    value = result.open_value
    if not value.weighted:
        return Part()
    said = _(
        "Weighted by the chance of each deal to be won, **{money}** of the {total} is likely to come "
        "(90 %: {low} – {high})."
    )
    weighted = value.weighted
    text = said.format(
        money=cash(weighted.value), total=cash(value.amount), low=cash(weighted.low), high=cash(weighted.high)
    )
    p = value.by_deal["p_win"]
    n_hopeless = int((p == 0).sum())
    caveat = ngettext(
        "{n} deal counts for nothing in it: none as old was ever won.",
        "{n} deals count for nothing in it: none as old was ever won.",
        n_hopeless,
    ).format(n=number(n_hopeless))
    return sentence(text, caveat if n_hopeless else "")


def stuck(result: Pipeline) -> Part:
    """The stale deals that stand for most money, by id and owner."""
    stale = result.stale
    if stale.limit_days is None:
        return note(_("Fewer than ten deals were won: too few to say from when on a deal is old."))
    if not stale.n:
        text = _("No open deal is older than {days} days, the age by which {share} of won deals had closed.")
        return sentence(text.format(days=number(stale.limit_days), share=percent(stale.percentile / 100)))
    shown = stale.deals.head(_MOST_ROWS)
    n = number(len(shown))
    caption = _("{n} of {all}, by money at stake").format(n=n, all=number(stale.n))
    fields = [
        Field("opportunity_id", _("Deal")),
        *_typed(shown, {"owner": _("Owner"), "product": _("Product"), "stage": _("Stage")}),
        Field("age_days", _("Days open"), number),
        Field("p_win", _("Chance to win"), percent),
        Field("value", _("Value, estimated") if shown["estimated"].all() else _("Value"), money),
    ]
    return together(table(shown, fields, caption), sentence(*_about_stuck(result, shown)))


def _typed(frame: pd.DataFrame, labels: dict[str, str]) -> list[Field]:
    return [Field(column, label) for column, label in labels.items() if frame[column].notna().any()]


def _about_stuck(result: Pipeline, shown: pd.DataFrame) -> list[str]:
    stale, said = result.stale, []
    if stale.amount:
        text = _("These {n} stand for **{money}**, {share} of all that is stuck.")
        together_worth = float(shown["value"].sum())
        share = percent(together_worth / stale.amount)
        said.append(text.format(n=number(len(shown)), money=cash(together_worth), share=share))
    if stale.n_older_than_any:
        text = _("**{n} of {all}** open deals are older than any deal ever was when it closed ({days} days).")
        n, all_open = number(stale.n_older_than_any), number(stale.n_dated)
        said.append(text.format(n=n, all=all_open, days=number(stale.longest_closed_days)))
    return said


def who(result: Pipeline) -> Part:
    """Win rates by owner, region and product, each against the rest; refused where too few have closed."""
    if not result.groups:
        text = _("Nothing is compared: that needs two owners, regions or products with {n} closed deals each.")
        return note(text.format(n=number(result.compare_from)))
    return together(*(_group(result, column, frame) for column, frame in result.groups.items()))


def _group(result: Pipeline, column: str, frame: pd.DataFrame) -> Part:
    compared = frame[frame["share"].notna()]
    shown = pd.concat([compared.head(_MOST_BARS - 5), compared.tail(5)]).drop_duplicates("name")
    shown = shown if len(compared) > _MOST_BARS else compared
    shown = shown.assign(label=[clean(n) for n in shown["name"]])
    apart = compared[compared["stands_out"]]
    labels = Labels(
        _group_title(column, apart),
        _group_subtitle(column, len(shown), len(compared)),
        "; ".join(f"{row.label}: {percent(row.share)}" for row in shown.itertuples()),
    )
    chart = bars(
        shown,
        "label",
        "share",
        labels,
        percent,
        low="low",
        high="high",
        highlight=[clean(n) for n in apart["name"]],
        sideways=True,
        numbers=_group_table(frame, column),
    )
    n_small = len(frame) - len(compared)
    text = ngettext(
        "{n} with fewer than {least} closed deals is not compared.",
        "{n} with fewer than {least} closed deals are not compared.",
        n_small,
    )
    small = text.format(n=number(n_small), least=number(result.compare_from)) if n_small else ""
    return together(chart, sentence(small))


def _group_title(column: str, apart: pd.DataFrame) -> str:
    if apart.empty:
        nobody = {
            "owner": _("No owner stands out from the rest"),
            "region": _("No region stands out from the rest"),
            "product": _("No product stands out from the rest"),
        }
        return nobody[column]
    first = apart.loc[apart["difference"].abs().idxmax()]
    which, by = name(first["name"], 24), points(first["difference"], 0)
    return _("{name}: {points} against the rest").format(name=which, points=by)


def _group_subtitle(column: str, n_shown: int, n_all: int) -> str:
    what = {
        "owner": _("Win rate of closed deals by owner, with 90 % intervals"),
        "region": _("Win rate of closed deals by region, with 90 % intervals"),
        "product": _("Win rate of closed deals by product, with 90 % intervals"),
    }[column]
    if n_shown == n_all:
        return what
    return _("{what}; best and last of {n}").format(what=what, n=number(n_all))


def _group_table(frame: pd.DataFrame, column: str) -> Part:
    label = {"owner": _("Owner"), "region": _("Region"), "product": _("Product")}[column]
    shown = frame.assign(
        bounds=bounds(frame),
        apart=[
            _("{low} to {high}").format(low=points(low), high=points(high)) if not pd.isna(low) else None
            for low, high in zip(frame["diff_low"], frame["diff_high"], strict=True)
        ],
    )
    fields = [
        Field("name", label),
        Field("n", _("Closed"), number),
        Field("share", _("Won"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("difference", _("Against the rest"), points),
        Field("apart", _("90 % interval of the difference"), str),
    ]
    foot = _("A group stands out when it differs from the rest after correction for the number of groups (Holm).")
    return table(shown, fields, _("Win rates, best first"), foot)
