"""Complaints and failures by aspect: two years side by side, quarter by quarter, and over all the time."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.satisfaction import Voices
from crm_lib.analysis.satisfaction.outside import Outside
from crm_lib.show.parts import Part, fold, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.tables import Cell, Field, cells, table
from crm_lib.theme.words import between, clean, is_missing, name, number
from crm_lib.theme.words import gettext as _

MOST_QUARTERS = 5  # so that the same quarter of the year before is among them
MARK = "✗"


def per_hundred(rate: object) -> str:
    """Write a rate per hundred."""
    return number(None if is_missing(rate) else 100 * float(rate), 1)


def disagreement(outside: Outside) -> str:
    """That answers on an aspect rose in the last quarter while complaints about it rose; empty where none did."""
    found = outside.by_quarter
    last = found[(found.period == found.period.max()) & found.disagrees.astype(bool)]
    if last.empty:
        return ""
    text = _("In {quarter} answers on {list} rose while complaints about the same rose: they disagree.")
    return text.format(quarter=wording.quarter(last.period.iloc[0]), list=", ".join(name(a) for a in last.aspect))


def _surveyed(ratio: float, score: float) -> str:
    return wording.score(score) if is_missing(ratio) else wording.ratio(ratio)


def counts(said: Voices) -> Part:
    """Complaints and failures by aspect over all the time, beside the survey."""
    surveyed = said.aspects[["aspect", "ratio", "score"]]
    shown = said.complaints.merge(surveyed, on="aspect", how="left")
    shown = shown.assign(
        aspect=[a or _("not stated") for a in shown.aspect],
        range_text=wording.ranges(shown, "complaints", number),
        survey=[_surveyed(r, s) for r, s in zip(shown.ratio, shown.score, strict=True)],
    )
    fields = [
        Field("aspect", _("Aspect")),
        Field("complaints", _("Complaints"), number),
        Field("range_text", wording.interval_head(), str),
        Field("n_failures", _("Failures"), number),
        Field("survey", _("Survey"), str),
    ]
    foot = _("Survey: got ÷ expected, or the mean score where no expectation was asked for.")
    total = _("Complaints: {n}; failures: {failures}. They stand beside the survey and do not explain it.")
    return together(
        table(shown, fields, _("Complaints and failures by aspect, most complaints first"), foot),
        sentence(total.format(n=number(shown.complaints.sum()), failures=number(shown.n_failures.sum()))),
    )


def rates(said: Voices, outside: Outside) -> Part:
    """By aspect: two years side by side where there are two; quarters and counts over all the time, folded."""
    aspects, folded = outside.aspects, fold(_("By aspect and quarter"), _quarters(outside))
    if aspects.empty:
        return together(counts(said), folded)
    ranked = aspects.sort_values(["complaints_after", "aspect"], ascending=[False, True])
    shown = ranked.assign(
        range_text=wording.ranges(ranked, "complaints_after", per_hundred),
        verdict=[_("disagree") if d else _("no contradiction") for d in ranked.disagrees],
    )
    fields = [
        Field("aspect", _("Aspect")),
        Field("complaints_after", _("Complaints per 100"), per_hundred),
        Field("range_text", wording.interval_head(), str),
        Field("complaints_before", _("a year before"), per_hundred),
        Field("ratio_after", _("Got ÷ expected"), wording.ratio),
        Field("ratio_before", _("a year before"), wording.ratio),
        Field("verdict", _("Survey and complaints")),
    ]
    foot = _(
        "Four complete quarters and the four before; complaints per 100 customers with an order in a quarter."
    )
    return together(
        table(shown, fields, _("Complaints and survey by aspect, most complaints first"), foot),
        folded,
        fold(_("Counts over all the time"), counts(said)),
    )


def _quarters(outside: Outside) -> Part:
    """Rates of the last quarters with their intervals: complaints, then failures, each over its denominator."""
    found = outside.by_quarter
    periods = sorted(found.period.unique())[-MOST_QUARTERS:]
    found = found[found.period.isin(periods)]
    if found.empty:
        return Part()
    foot = _(
        "Complaints per 100 customers with an order in the quarter, with {level} Poisson intervals. {mark}: since "
        "the quarter before the survey rose while complaints clearly rose, all aspects judged together."
    ).format(level=wording.level(), mark=MARK)
    over = (_("Customers with an order"), "n_customers")
    parts = [_grid(found, "complaints", over, _("Complaints by aspect and quarter"), foot)]
    if found.failures_n.any():
        foot = _("Failures per 100 units sold in the quarter, with {level} Poisson intervals.")
        over = (_("Units sold"), "n_units")
        title = _("Failures by aspect and quarter")
        parts.append(_grid(found, "failures", over, title, foot.format(level=wording.level())))
    return together(*parts)


def _grid(found: pd.DataFrame, rate: str, over: tuple[str, str], title: str, foot: str) -> Part:
    """Aspects down, quarters across, most events first; the last row is what the rates are divided by."""
    events = found.groupby("aspect")[f"{rate}_n"].sum().reset_index(name="n")
    ranked = events[events.n > 0].sort_values(["n", "aspect"], ascending=[False, True])
    rows = [
        [Cell(clean(a) or _("not stated")), *(_rate_cell(r, rate) for r in _rows(found, a))] for a in ranked.aspect
    ]
    label, column = over
    first = _rows(found, found.aspect.iloc[0])
    rows.append([Cell(label), *(Cell(number(r[column]), right=True) for r in first)])
    heads = [Cell(_("Aspect")), *(Cell(wording.quarter(r["period"]), right=True) for r in first)]
    return cells(heads, rows, title, foot)


def _rows(found: pd.DataFrame, aspect: str) -> list[dict[str, object]]:
    return found[found.aspect == aspect].sort_values("period").to_dict("records")


def _rate_cell(row: dict[str, object], rate: str) -> Cell:
    bounds = between(row[f"{rate}_low"], row[f"{rate}_high"], per_hundred)
    marked = rate == "complaints" and bool(row["disagrees"])
    text = f"{per_hundred(row[rate])} ({bounds})"
    return Cell(f"{text} {MARK}" if marked else text, right=True, tone="no" if marked else "")
