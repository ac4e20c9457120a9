"""Phrases that several parts of the customer value page share."""

from __future__ import annotations

import math

from crm_lib.analysis.clv import Forecast
from crm_lib.analysis.clv.layers import Layers
from crm_lib.analysis.intervals import Interval
from crm_lib.show.parts import Badge
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import interval, money, number, percent, short_money_from

# How far the hold-out test may miss for the forecast to be called good, or usable with care.
GOOD_WITHIN, CARE_WITHIN = 0.10, 0.30
# A miss below this is not worth a second range.
NO_MISS = 0.005


def about(amount: float, digits: int = 3) -> str:
    """Money at so many significant digits, from a million on in short: a forecast is not known to the cent."""
    if not amount:
        return money(0)
    size = math.floor(math.log10(abs(amount)))
    rounded = round(amount, digits - 1 - size)
    if size >= short_money_from():
        return money(rounded, 2 if size % 3 == 0 else 1, compact=True)
    return money(rounded, 0 if size >= 1 else 2)


def why_no_model(forecast: Forecast) -> str:
    """Why no model could be fitted, and what to do; empty where one was."""
    reasons = {
        "no_orders": _(
            "There is no order up to this date: every row is a refund, or later. Choose a later date or check "
            "the signs of the amounts."
        ),
        "few_repeaters": _(
            "{repeaters} of {customers} customers have bought a second time. A forecast by customer needs at "
            "least 10 of them. Choose a later date or a longer history."
        ),
    }
    said = reasons.get(forecast.reason, "")
    return said.format(repeaters=number(forecast.n_repeaters), customers=number(forecast.n_customers))


def why_no_test(forecast: Forecast) -> str:
    """Why the forecast could not be tested on unseen weeks; empty where it was."""
    reasons = {
        "not_asked": _("No weeks were held back, so nothing here has been tested."),
        "too_short": _(
            "The history is too short to hold back {weeks} weeks: no customer had bought by then. "
            "The forecast has not been tested."
        ),
        "few_repeaters": _(
            "{weeks} weeks before the end too few customers had bought a second time to fit a model. "
            "The forecast has not been tested; hold back fewer weeks."
        ),
    }
    return reasons.get(forecast.no_holdout, "").format(weeks=number(forecast.options.holdout_weeks))


MODEL_NAMES = {"bg": "BG/NBD", "mbg": "MBG/NBD", "nbd": "NBD"}


def model_name(kind: str) -> str:
    """A purchase model by its name."""
    return MODEL_NAMES.get(kind) or _("BG/NBD, one chance to leave for all")


def value_word(forecast: Forecast) -> str:
    """What money means here: profit where the margin is known, else revenue."""
    return _("profit") if forecast.options.value_is_profit else _("revenue")


def range_in_words(estimate: Interval, layers: Layers | None, form) -> str:
    """The 90 % range with n; where the misfit can't be given per cent, how far it reaches if it misses again."""
    if layers is not None and layers.has_level:
        return interval(layers.range.low, layers.range.high, form, estimate.n)
    said = interval(estimate.low, estimate.high, form, estimate.n)
    if layers is None:
        return said
    wider = layers.range
    up, down = wider.high > estimate.high * (1 + NO_MISS), wider.low < estimate.low * (1 - NO_MISS)
    if up and down:
        said = _("{range}; {low} – {high} if it misses as it did before")
    elif up:
        said = _("{range}; up to {high} if it misses as it did last time")
    elif down:
        said = _("{range}; down to {low} if it misses as it did last time")
    else:
        return said
    plain = interval(estimate.low, estimate.high, form, estimate.n)
    return said.format(range=plain, low=form(wider.low), high=form(wider.high))


def verdict(forecast: Forecast) -> Badge:
    """Whether to use the forecast, judged by the orders of the hold-out test."""
    if forecast.holdout is None:
        return Badge(_("not tested"), "care")
    missed = abs(forecast.holdout.miss - 1)
    if missed <= GOOD_WITHIN:
        return Badge(_("held in the test"), "good")
    if missed <= CARE_WITHIN:
        return Badge(_("use with care"), "care")
    return Badge(_("failed the test"), "bad")


def miss_in_words(forecast: Forecast) -> str:
    """What the hold-out test expected and what came; empty without a test."""
    test = forecast.holdout
    if test is None:
        return ""
    said = _("In those {weeks} weeks alone {expected} orders were expected and {seen} came, {miss}.")
    return said.format(
        weeks=number(test.weeks),
        expected=number(test.expected_orders),
        seen=number(test.seen_orders),
        miss=more_or_less(test.miss),
    )


def more_or_less(ratio: float) -> str:
    """A ratio as "14 % more", "3 % fewer" or "as many"."""
    if abs(ratio - 1) < NO_MISS:
        return _("as many")
    if ratio > 1:
        return _("{share} more").format(share=percent(ratio - 1))
    return _("{share} fewer").format(share=percent(1 - ratio))
