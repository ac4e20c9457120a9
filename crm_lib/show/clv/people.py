"""Customer by customer: who will be worth most, and when the next order is due."""

from __future__ import annotations

from typing import Any

from crm_lib.analysis.clv import Forecast
from crm_lib.show.clv.said import about, why_no_model
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, name, number, percent, short_day
from crm_lib.theme.words import gettext as _

SHOWN = 8


def most_valuable(forecast: Forecast) -> Part:
    """The customers expected to bring most, with the range of each and the day of the next order."""
    if forecast.outlook is None:
        return note(why_no_model(forecast))
    top = forecast.customers.sort_values(["clv_mid", "customer_id"], ascending=[False, True]).head(SHOWN)
    top = top.assign(
        range=[between(low, high, about) for low, high in zip(top["clv_low"], top["clv_high"], strict=True)],
        due=[_due(row) for row in top.itertuples()],
    )
    fields = [
        Field("customer_id", _("Customer")),
        Field("clv_mid", _("Expected"), about),
        Field("range", _("90 %"), str),
        Field("period_value_amount", _("Brought before"), about),
        Field("expected_orders", _("Orders"), lambda x: number(x, 1)),
        Field("expected_spend", _("Per order"), about),
        Field("p_buy", _("P(buy)"), percent),
        Field("p_alive", _("P(alive)"), percent),
        Field("due", _("Next order by"), str),
    ]
    caption = _("The {n} customers expected to bring most in the next {weeks} weeks").format(
        n=number(len(top)), weeks=number(forecast.options.horizon_weeks)
    )
    foot = _(
        "Next order by: half of such customers who order within these weeks have done so by the first day, "
        "nineteen in twenty by the second. All customers are listed beside this page (clv/customers.parquet)."
    )
    return together(table(top, fields, caption, foot), sentence(_first(top.iloc[0])))


def _due(row: Any) -> str:
    return between(row.next_order_mid, row.next_order_late, short_day)


def _first(first: Any) -> str:
    if first["clv_mid"] <= 0:
        return _("Nobody is expected to bring anything.")
    said = _("Customer {customer} leads: {orders} orders are expected at {spend} each; value {amount}.")
    return said.format(
        customer=name(first["customer_id"]),
        orders=number(first["expected_orders"], 1),
        spend=about(first["expected_spend"]),
        amount=about(first["clv_mid"]),
    )
