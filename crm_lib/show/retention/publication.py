"""What the topic hands over, in the reader's words."""

from __future__ import annotations

from crm_lib.analysis.retention import Retention
from crm_lib.contract.publication import Publication
from crm_lib.show.retention.headline import GOOD_WITHIN
from crm_lib.show.retention.lifecycle import stage_names
from crm_lib.show.retention.said import about, why_nothing
from crm_lib.theme.words import _, number, percent


def publication(result: Retention) -> Publication:
    """Figures with their names in words, one line for the index, and notes to read with care."""
    return result.publication.worded(_words(result), _summary(result), _notes(result))


def _summary(result: Retention) -> str:
    if result.reason:
        return why_nothing(result)
    if result.at_risk and result.churn:
        return _(
            "{amount} of sales at risk in {weeks} weeks; {share} of active customers went in the last {period}."
        ).format(
            amount=about(result.at_risk.value),
            weeks=number(result.options.horizon_weeks),
            share=percent(result.churn.last["share"]),
            period=number(result.churn.weeks),
        )
    return _("{share} of {n} customers count as churned.").format(
        share=percent(result.churned_now.value), n=number(result.book.n_customers)
    )


def _notes(result: Retention) -> tuple[str, ...]:
    if result.reason:
        return (why_nothing(result),)
    if result.warning is None:
        return (_("Fewer than 10 customers have bought a second time: who will buy again can't be forecast."),)
    test = result.warning.test
    if test is None:
        return (_("The list of customers to call has not been tested: too little was known so many weeks ago."),)
    if abs(test.missed - 1) > GOOD_WITHIN:
        return (
            _("In the test {share} of the sales said to be at risk came true.").format(share=percent(test.missed)),
        )
    return ()


def _words(result: Retention) -> dict[str, str]:
    weeks = number(result.options.horizon_weeks)
    period = number(result.churn.weeks) if result.churn else number(result.options.period_weeks)
    words = {
        "loyalty": _("Good customers who kept orders and money"),
        "kept_orders_share": _("Good customers who kept their orders"),
        "kept_amount_share": _("Good customers who kept their money"),
        "good_orders_ratio": _("Orders of good customers ÷ those of the year before"),
        "good_amount_ratio": _("Money of good customers ÷ that of the year before"),
        "churned_after_days": _("Days of silence that count as churn"),
        "came_back_share": _("Came back after such a silence"),
        "churned_share": _("Churned, of all who ever bought"),
        "churn_share": _("Active customers lost in {weeks} weeks").format(weeks=period),
        "churn_standardised": _("The same with the mix of grades of all periods"),
        "churn_change": _("Change of churn against the period before, same mix"),
        "churned_amount": _("Money that the lost had brought in the year before"),
        "at_risk_amount": _("Sales at risk in {weeks} weeks").format(weeks=weeks),
        "leave_share": _("Mean chance to leave for good after an order"),
        "median_stay_days": _("Days after which half of all customers have gone"),
        "test_silent_expected": _("Test: customers expected not to order"),
        "test_silent_seen": _("Test: customers who did not order"),
        "test_at_risk_miss": _("Test: sales at risk that came true ÷ expected"),
        "test_auc": _("Test: AUC of the chance to order"),
        "test_auc_days_since_last": _("Test: AUC of days since the last order"),
        "test_top_tenth_share": _("Test: missed money in the first tenth of the list"),
        "test_top_tenth_share_days_since_last": _("Test: the same, ranked by days since the last order"),
        "test_top_tenth_share_pace": _("Test: the same, ranked by money at the old pace"),
    }
    words |= {f"churn_{g}_share": _("Churn of grade {grade}").format(grade=g.upper()) for g in "abcd"}
    names = {} if result.reason else stage_names(result)
    return words | {f"stage_{s}_n": _("Customers: {stage}").format(stage=w.name) for s, w in names.items()}
