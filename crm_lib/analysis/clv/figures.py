"""The figures that the topic publishes, by name."""

from __future__ import annotations

from collections.abc import Iterator

from crm_lib.analysis.clv.forecast import Forecast
from crm_lib.analysis.clv.layers import Layers
from crm_lib.analysis.clv.value import Fitted
from crm_lib.analysis.intervals import Interval, nothing
from crm_lib.contract.publication import Figure

NO_CURRENCY = "money"
CONTESTS = (
    ("mean_absolute_error", "orders_error", "same_rate"),
    ("brier", "chance", "base"),
    ("auc", "buys_again", "days_since_last"),
    ("auc_alive", "is_there", "days_since_last"),
    ("top_tenth_share", "top_tenth", "orders_so_far"),
)


def figures(forecast: Forecast) -> tuple[Figure, ...]:
    """All figures of a forecast; `lifetime_value` and `orders_expected` are there without a value when unknown."""
    return tuple(_headline(forecast)) + tuple(_models(forecast)) + tuple(_test(forecast))


def _headline(forecast: Forecast) -> Iterator[Figure]:
    money, outlook, n = forecast.options.currency or NO_CURRENCY, forecast.outlook, forecast.n_customers
    yield Figure("period_value", forecast.realised.total("value_amount"), money, n)
    if outlook is None:
        plain = forecast.plain or nothing(n)
        yield Figure("lifetime_value", None, money, n)
        yield Figure("orders_expected", plain.value, "orders", n, plain.low, plain.high)
        return
    value, orders = _best(outlook.value, outlook.value_layers), _best(outlook.orders, outlook.orders_layers)
    yield Figure("lifetime_value", value.value, money, n, value.low, value.high)
    yield Figure("orders_expected", orders.value, "orders", n, orders.low, orders.high)
    yield Figure("at_risk_amount", outlook.risk.amount, money, outlook.risk.n)
    yield Figure("n_at_risk", float(outlook.risk.n), "customers", outlook.risk.n)
    yield Figure("top_tenth_share", outlook.top_tenth_share, "share", n)
    if forecast.orders_range and not forecast.orders_range.has_level:
        yield Figure("orders_range_low", forecast.orders_range.range.low, "orders", n)
        yield Figure("orders_range_high", forecast.orders_range.range.high, "orders", n)
        yield Figure("value_range_low", forecast.value_range.range.low, money, n)
        yield Figure("value_range_high", forecast.value_range.range.high, money, n)


def _best(two: Interval, layers: Layers) -> Interval:
    """The interval with all three layers where it bears 90 %, else that of the first two."""
    return layers.range if layers.has_level else two


def _process(fitted: Fitted, prefix: str) -> Iterator[Figure]:
    model = fitted.model
    units = ("ratio", model.unit, "ratio", "ratio")
    for name, value, unit in zip(model.parameters._fields, model.parameters, units, strict=True):
        yield Figure(f"{prefix}{name}", value, unit, model.n_customers)
    yield Figure(f"{prefix}log_likelihood", model.log_likelihood, "nats", model.n_customers)


def _spend(fitted: Fitted, prefix: str, money: str) -> Iterator[Figure]:
    s = fitted.spend
    if s.p is None:
        return
    for name, value, unit in (("p", s.p, "ratio"), ("q", s.q, "ratio"), ("v", s.v, money)):
        yield Figure(f"{prefix}{name}", value, unit, s.n)


def _models(forecast: Forecast) -> Iterator[Figure]:
    if forecast.outlook:
        yield from _process(forecast.outlook.fitted, "")
        prefix = "spend_now_" if forecast.holdout else "spend_"
        yield from _spend(forecast.outlook.fitted, prefix, forecast.options.currency or NO_CURRENCY)


def _test(forecast: Forecast) -> Iterator[Figure]:
    test, money = forecast.holdout, forecast.options.currency or NO_CURRENCY
    if test is None:
        return
    n = len(test.fitted.customers)
    yield from _process(test.fitted, "holdout_")
    yield from _spend(test.fitted, "spend_", money)
    yield Figure("holdout_orders_expected", test.expected_orders, "orders", n)
    yield Figure("holdout_orders_seen", float(test.seen_orders), "orders", n)
    yield Figure("holdout_amount_expected", test.expected_amount, money, n)
    yield Figure("holdout_amount_seen", test.seen_amount, money, n)
    yield Figure("holdout_miss", test.miss, "ratio", n)
    yield Figure("holdout_covered_share", test.covered_share, "share", n)
    yield Figure("n_holdouts", float(len(forecast.origins)), "tests", n)
    for name, question, rule in CONTESTS:
        contest = test.contest(question, rule)
        if contest:
            yield Figure(f"holdout_{name}", contest.model, "orders" if question == "orders_error" else "ratio", n)
            yield Figure(f"holdout_{name}_{rule}", contest.rule, "ratio", n)
    if forecast.peer:
        yield Figure("peer_log_likelihood", forecast.peer.log_likelihood, "nats", n)
