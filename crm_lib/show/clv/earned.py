"""What customers brought and what they will bring, side by side, cost by cost."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from crm_lib.analysis.clv import Forecast
from crm_lib.analysis.clv.profit import COST, MARGIN
from crm_lib.show.clv.said import about, why_no_model
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import day, number, percent
from crm_lib.theme.words import gettext as _


def realised(forecast: Forecast) -> Part:
    """Value of the last period beside that expected of the next, as profit where cost is known."""
    period, outlook = forecast.realised, forecast.outlook
    if outlook is None:
        return together(note(why_no_model(forecast)), sentence(_brought(forecast), _basis(forecast)))
    if not period.is_profit:
        return sentence(_both(forecast) or _brought(forecast), _basis(forecast))
    fields = [
        Field("what", _("What")),
        Field("was", _("{weeks} weeks to {day}").format(weeks=_weeks(forecast), day=day(forecast.as_of)), about),
        Field("share", _("Of sales"), lambda share: percent(share, 1)),
        Field("expected", _("Next {weeks} weeks").format(weeks=_weeks(forecast)), about),
    ]
    caption = _("What customers brought, and what today's customers are expected to bring")
    foot = _(
        "Expected costs: the same shares of sales as before. Customers still to be won come on top of what is "
        "expected, and are within what was brought."
    )
    return together(table(_lines(forecast), fields, caption, foot), sentence(_both(forecast), _basis(forecast)))


def _lines(forecast: Forecast) -> pd.DataFrame:
    """One row per step from sales to value; a cost that nobody recorded has none."""
    period = forecast.realised
    sales = period.total("sales_amount")
    expected_sales = forecast.outlook.value.value / period.value_share if period.value_share else 0.0
    steps = [
        (_("Sales, refunds taken off"), "sales_amount", 1),
        (_("− production cost"), "production_amount", -1),
    ]
    if period.has_campaign_costs:
        steps.append((_("− direct cost: campaigns, by customer contacted"), "direct_amount", -1))
        steps.append((_("− other campaign cost and overhead, by sales"), "overhead_amount", -1))
    rows = [_line(what, sign * period.total(column), sales) for what, column, sign in steps]
    rows.append(_line(_("= value"), period.total("value_amount"), sales))
    frame = pd.DataFrame(rows)
    frame["expected"] = frame["share"] * expected_sales
    return frame


def _line(what: str, amount: float, sales: float) -> dict[str, object]:
    return {"what": what, "was": amount, "share": amount / sales if sales > 0 else 0.0}


def _weeks(forecast: Forecast) -> str:
    return number(forecast.options.horizon_weeks)


def _brought(forecast: Forecast) -> str:
    period = forecast.realised
    said = _("In the {weeks} weeks to {day} customers brought **{amount}**.")
    amount = about(period.total("value_amount"))
    return said.format(weeks=_weeks(forecast), day=day(forecast.as_of), amount=amount)


def _both(forecast: Forecast) -> str:
    was, comes = forecast.realised.total("value_amount"), forecast.outlook.value.value
    mine = float(forecast.customers["period_value_amount"].sum())
    said = _(
        "Today's customers brought **{mine}** in the {weeks} weeks to {day} and are expected to bring **{comes}** "
        "in the next {weeks}: {both} together."
    )
    if mine == 0 and was == 0:
        return ""
    return said.format(
        mine=about(mine),
        comes=about(comes),
        weeks=_weeks(forecast),
        day=day(forecast.as_of),
        both=about(mine + comes),
    )


def _basis(forecast: Forecast) -> str:
    """Whether money is profit, by what, and what is missing for more."""
    period = forecast.realised
    said: dict[str, Callable[[], str]] = {
        COST: lambda: _("**Profit**, by the production cost of what was sold, known for {share} of sales.").format(
            share=percent(period.known_share)
        ),
        MARGIN: lambda: _(
            "**Profit**, by the margin of {share} in crm.toml: production cost is known for {known} of sales only."
        ).format(
            share=percent(1 - period.total("production_amount") / max(period.total("sales_amount"), 0.01)),
            known=percent(period.known_share),
        ),
    }
    if period.basis not in said:
        return _(
            "**Revenue**, not profit: no production cost is known. Give cost_amount, or unit cost of products, or "
            "margin_share in crm.toml."
        )
    words = said[period.basis]()
    if not period.has_campaign_costs:
        words += " " + _("Costs of campaigns and overhead are not known and not taken off.")
    if period.made_a_loss:
        words += " " + _(
            "**Care:** direct cost and overhead ate up what production left; the forecast is before these."
        )
    return words
