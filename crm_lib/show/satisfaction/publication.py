"""What the page hands over: figures in the reader's words, one line for the index, notes to read with care."""

from __future__ import annotations

from dataclasses import replace

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.contract.publication import Figure, Publication
from crm_lib.show.satisfaction import wording
from crm_lib.show.satisfaction.outcome import IN_SHORT, MOST_CARDS, asked, doubt, missing
from crm_lib.show.satisfaction.trust import silence
from crm_lib.theme.words import currency, number
from crm_lib.theme.words import gettext as _


def publication(said: Voices, found: Evidence | None = None) -> Publication:
    """The figures of this page with their names, one line for the index, and notes to read with care."""
    names = {
        "satisfaction": _("Satisfaction: got ÷ expected"),
        "satisfaction_median": _("Got ÷ expected, middle respondent"),
        "expectation_gap": _("Got − expected, in steps of the scale"),
        "nps": wording.measure_name(said, "nps"),
        "csat_share": _("Share content"),
        "csat_mean": _("Contentment, mean"),
        "ces_mean": _("Effort, mean"),
        "walked_away_share": _("Share who left for good"),
        "response_share": _("Share of those asked who answered"),
        "ratio_change": _("Got ÷ expected, change since the quarter before"),
        "nps_change": _("Would recommend, change since the quarter before"),
        "answers": _("Answers"),
        "asked": _("Surveys sent"),
    }
    made = said.publication
    if found is not None:
        figures = (*made.figures, *(_unit(f) for f in found.figures))
        made = replace(made, figures=figures, tables=dict(made.tables) | found.tables)
    return made.worded(_with_reasons(said, names | _more_names()), _summary(said), _notes(said, found))


def _unit(figure: Figure) -> Figure:
    return replace(figure, unit=currency() or "money") if figure.unit == "money" else figure


def _more_names() -> dict[str, str]:
    return {
        "satisfaction_weighted": _("Got ÷ expected, weighted to all customers"),
        "nps_weighted": _("Would recommend, weighted to all customers"),
        "csat_share_weighted": _("Share content, weighted to all customers"),
        "answers_effective": _("Answers that the weighted ones are worth"),
        "drivers_explained": _("Share of contentment that goes with the aspects"),
        "complaints_rate": _("Complaints per customer with an order, last complete quarter"),
        "failures_rate": _("Failures per unit sold, last complete quarter"),
        "complaint_days": _("Days until a complaint is closed, middle"),
        "complaint_repeat_share": _("Share who complain again within 90 days"),
        "content_after_complaint_difference": _("Share content after a complaint, less that of all others"),
        "later_buying_difference": _("Bought again later: content less others"),
        "later_buying_difference_alike": _("Bought again later: content less others, with as many orders before"),
        "not_content_amount": _("Purchases of a year of customers who are not content"),
        "left_amount": _("Purchases of a year of customers who say they left for good"),
        "answered_amount": _("Purchases of a year of all customers who answered"),
    }


def _with_reasons(said: Voices, names: dict[str, str]) -> dict[str, str]:
    """Names of figures, with the reason where a figure has no value."""
    measures = {"satisfaction": said.overall.ratio, "nps": said.overall.nps, "csat_share": said.overall.content}
    gone = {
        figure: _("{measure}: {reason}").format(measure=names[figure], reason=wording.reason(said, found))
        for figure, found in measures.items()
        if not found
    }
    return names | gone


def _summary(said: Voices) -> str:
    shown = [m for m in IN_SHORT if getattr(said.overall, m)][:MOST_CARDS]
    if not said.base.n_answered or not shown:
        return asked(said)
    texts = [
        _("{measure} {value}").format(
            measure=wording.measure_name(said, m), value=wording.FORMS[m](getattr(said.overall, m).value)
        )
        for m in shown
    ]
    return _("{list}; {n} answers").format(list=", ".join(texts), n=number(said.base.n_answered))


def _notes(said: Voices, found: Evidence | None) -> tuple[str, ...]:
    return tuple(text for text in (doubt(found), silence(said), missing(said)) if text)
