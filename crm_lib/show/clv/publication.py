"""What the topic hands over, in the reader's words."""

from __future__ import annotations

from crm_lib.analysis.clv import Forecast
from crm_lib.contract.publication import Publication
from crm_lib.show.clv.said import about, miss_in_words, value_word, verdict, why_no_model, why_no_test
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import number, percent


def publication(forecast: Forecast) -> Publication:
    """Figures with their names in words, one line for the index, and notes to read with care."""
    return forecast.publication.worded(_words(forecast), _summary(forecast), _notes(forecast))


def _summary(forecast: Forecast) -> str:
    outlook = forecast.outlook
    if outlook is None:
        return why_no_model(forecast)
    said = _("{amount} of {value} expected in {weeks} weeks, {share} of it from one customer in ten.")
    return said.format(
        amount=about(outlook.value.value),
        value=value_word(forecast),
        weeks=number(forecast.options.horizon_weeks),
        share=percent(outlook.top_tenth_share),
    )


def _notes(forecast: Forecast) -> tuple[str, ...]:
    if forecast.outlook is None:
        return (why_no_model(forecast),)
    if forecast.holdout is None:
        return (why_no_test(forecast),)
    return () if verdict(forecast).tone == "good" else (miss_in_words(forecast),)


def _words(forecast: Forecast) -> dict[str, str]:
    weeks = number(forecast.options.horizon_weeks)
    words = {
        "lifetime_value": _("Expected from today's customers in {weeks} weeks").format(weeks=weeks),
        "orders_expected": _("Orders expected in {weeks} weeks").format(weeks=weeks),
        "at_risk_amount": _("At stake with silent good customers"),
        "n_at_risk": _("Good customers now silent"),
        "top_tenth_share": _("Share of the most valuable tenth"),
        "orders_range_low": _("Fewest orders if the forecast misses as in the test"),
        "orders_range_high": _("Most orders if the forecast misses as in the test"),
        "value_range_low": _("Least value if the forecast misses as in the test"),
        "value_range_high": _("Most value if the forecast misses as in the test"),
        "holdout_orders_expected": _("Test: orders expected"),
        "holdout_orders_seen": _("Test: orders that came"),
        "holdout_amount_expected": _("Test: money expected"),
        "holdout_amount_seen": _("Test: money that came"),
        "holdout_miss": _("Test: orders that came ÷ expected"),
        "holdout_mean_absolute_error": _("Test: error in orders per customer"),
        "holdout_mean_absolute_error_same_rate": _("Test: error of the same rate as before"),
        "holdout_auc": _("Test: AUC of P(buy)"),
        "holdout_auc_days_since_last": _("Test: AUC of days since last order"),
        "holdout_auc_alive": _("Test: AUC of P(alive)"),
        "holdout_auc_alive_days_since_last": _("Test: AUC of days since last order, for who is still there"),
        "holdout_brier": _("Test: squared error of the chance to buy"),
        "holdout_brier_base": _("Test: squared error of one chance for all"),
        "holdout_top_tenth_share": _("Test: share of orders by the tenth ranked first"),
        "holdout_top_tenth_share_orders_so_far": _("Test: the same, ranked by orders so far"),
        "holdout_covered_share": _("Test: customers within their own 90 % range"),
        "n_holdouts": _("Hold-out tests made"),
        "period_value": _("Brought in the {weeks} weeks before").format(weeks=weeks),
        "peer_log_likelihood": _("Log-likelihood by another program"),
    }
    return words | _parameter_words()


def _parameter_words() -> dict[str, str]:
    process, spend = _("Purchase model: {letter}"), _("Spend model: {letter}")
    tested = _("{what}, test fit")
    words = {}
    for letter in ("r", "alpha", "a", "b", "log_likelihood"):
        word = process.format(letter=_("log-likelihood") if letter == "log_likelihood" else letter)
        words |= {letter: word, f"holdout_{letter}": tested.format(what=word)}
    for letter in ("p", "q", "v"):
        word = spend.format(letter=letter)
        words |= {f"spend_now_{letter}": word, f"spend_{letter}": tested.format(what=word)}
    return words
