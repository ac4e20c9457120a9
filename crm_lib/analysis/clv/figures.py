"""The figures that the topic publishes, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crm_lib.analysis.clv.forecast import Forecast
from crm_lib.analysis.clv.value import Fitted
from crm_lib.contract.publication import Figure

NO_CURRENCY = "money"


def figures(forecast: Forecast) -> tuple[Figure, ...]:
    """All figures of a forecast; `lifetime_value` and `orders_expected` are there without a value when unknown."""
    return tuple(_headline(forecast)) + tuple(_models(forecast)) + tuple(_test(forecast))


def published(forecast: Forecast) -> Mapping[str, float]:
    """Values by the names under which published numbers are declared."""
    values = {f.name: f.value for f in (*_models(forecast), *_test(forecast)) if f.value is not None}
    return dict(values)


def _headline(forecast: Forecast) -> Iterator[Figure]:
    money, outlook, n = forecast.options.currency or NO_CURRENCY, forecast.outlook, forecast.n_customers
    if outlook is None:
        yield Figure("lifetime_value", None, money, n)
        yield Figure("orders_expected", None, "orders", n)
        return
    value, orders = outlook.value, outlook.orders
    yield Figure("lifetime_value", value.value, money, n, value.low, value.high)
    yield Figure("orders_expected", orders.value, "orders", n, orders.low, orders.high)
    yield Figure("at_risk_amount", outlook.risk.amount, money, outlook.risk.n)
    yield Figure("n_at_risk", float(outlook.risk.n), "customers", outlook.risk.n)
    yield Figure("top_tenth_share", outlook.top_tenth_share, "share", n)
    if forecast.orders_range:
        yield Figure("orders_range_low", forecast.orders_range.low, "orders", n)
        yield Figure("orders_range_high", forecast.orders_range.high, "orders", n)
        yield Figure("value_range_low", forecast.value_range.low, money, n)
        yield Figure("value_range_high", forecast.value_range.high, money, n)


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
    yield Figure("holdout_mean_absolute_error", test.orders_error.model, "orders", n)
    yield Figure("holdout_mean_absolute_error_same_rate", test.orders_error.rule, "orders", n)
    if test.bought_again:
        yield Figure("holdout_auc", test.bought_again.model, "ratio", n)
        yield Figure("holdout_auc_days_since_last", test.bought_again.rule, "ratio", n)
    if forecast.peer:
        yield Figure("peer_log_likelihood", forecast.peer.log_likelihood, "nats", n)
