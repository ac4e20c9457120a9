"""The findings: what will come, who brings it, whom we might lose, what to do."""

from __future__ import annotations

import datetime as dt

import numpy as np

from crm_lib.analysis.clv import Forecast, Outlook
from crm_lib.show.charts import Labels, bars
from crm_lib.show.clv.said import about, range_in_words, value_word, verdict, why_no_model
from crm_lib.show.parts import Card, Part, cards, note, sentence, steps, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import day, interval, month, name, ngettext, number, percent
from crm_lib.theme.words import gettext as _

SHOWN = 6
# Below this share the first tenth does not stand out.
STANDS_OUT = 0.2
REFIT_AFTER = 0.25


def headline(forecast: Forecast) -> Part:
    """The three figures that answer the question, or why there are none."""
    outlook = forecast.outlook
    if outlook is None:
        return together(_known(forecast), note(why_no_model(forecast)))
    return cards(_value_card(forecast, outlook), _orders_card(forecast, outlook), _silent_card(outlook))


def _known(forecast: Forecast) -> Part:
    if not forecast.n_customers:
        return Part()
    customers = Card(_("Customers with an order"), number(forecast.n_customers))
    orders = Card(_("Orders so far"), number(int(forecast.customers["n_orders"].sum())))
    spent = Card(_("Spent so far, refunds taken off"), about(float(forecast.customers["amount"].sum())))
    plain = forecast.plain
    if plain is None:
        return cards(customers, orders, spent)
    expected = Card(
        _("Repeat orders in {weeks} weeks, one pace for all").format(weeks=number(forecast.options.horizon_weeks)),
        number(plain.value, 1 if plain.value < 10 else 0),
        interval(plain.low, plain.high, lambda x: number(x, 1 if x < 10 else 0), plain.n),
    )
    return cards(customers, spent, expected)


def _value_card(forecast: Forecast, outlook: Outlook) -> Card:
    kind = (
        _("Profit expected from today's customers")
        if forecast.options.value_is_profit
        else _("Revenue expected from today's customers")
    )
    return Card(
        kind,
        about(outlook.value.value),
        range_in_words(outlook.value, forecast.value_range, about),
        _("of it **{share}** from one customer in ten; {weeks} weeks before brought {was}.").format(
            share=percent(outlook.top_tenth_share),
            weeks=number(forecast.options.horizon_weeks),
            was=about(forecast.realised.total("value_amount")),
        ),
    )


def _orders_card(forecast: Forecast, outlook: Outlook) -> Card:
    return Card(
        _("Orders in the next {weeks} weeks").format(weeks=number(forecast.options.horizon_weeks)),
        number(outlook.orders.value),
        range_in_words(outlook.orders, forecast.orders_range, number),
        badge=verdict(forecast),
    )


def _silent_card(outlook: Outlook) -> Card:
    risk = outlook.risk
    rule = _("over {amount} of repeat orders, P(buy) under {share}").format(
        amount=about(risk.good_from_amount), share=percent(risk.silent_below_share)
    )
    said = _("At their old pace they would bring **{amount}**.").format(amount=about(risk.amount))
    return Card(_("Once good, now silent"), number(risk.n), rule, said if risk.n else "")


def value_by_tenth(forecast: Forecast) -> Part:
    """The share of expected value by tenth of customers."""
    outlook = forecast.outlook
    if outlook is None:
        return note(why_no_model(forecast))
    tenths, first = outlook.tenths, outlook.top_tenth_share
    title = _("No tenth of customers stands out")
    if first >= STANDS_OUT:
        title = _("The top tenth brings {share} of what is to come").format(share=percent(first))
    labels = Labels(title, _tenths_subtitle(forecast), _tenths_alt(outlook))
    numbers = table(
        tenths,
        [
            Field("tenth", _("Tenth"), number),
            Field("n_customers", _("Customers"), number),
            Field("amount", _("Expected"), about),
            Field("share", _("Share"), lambda share: percent(share, 1)),
        ],
        _("Share of what is expected, by tenth"),
    )
    said = _("The second tenth brings {second}; the lower seven together {rest}.").format(
        second=percent(tenths["share"].iloc[1]), rest=percent(tenths["share"].iloc[3:].sum())
    )
    chart = bars(tenths, "tenth", "share", labels, percent, highlight=1, numbers=numbers)
    return together(chart, sentence(said))


def _tenths_subtitle(forecast: Forecast) -> str:
    said = _(
        "Share of expected {value} in per cent, next {weeks} weeks, by tenth of customers, most valuable first; "
        "{n} customers whose first order came in {first} – {last}"
    )
    return said.format(
        value=value_word(forecast),
        weeks=number(forecast.options.horizon_weeks),
        n=number(forecast.n_customers),
        first=month(forecast.first_on),
        last=month(forecast.newest_on),
    )


def _tenths_alt(outlook: Outlook) -> str:
    shares = outlook.tenths["share"]
    said = _("Ten bars. The first tenth holds {first} of what is expected, the second {second}, the last {last}.")
    return said.format(
        first=percent(shares.iloc[0]), second=percent(shares.iloc[1]), last=percent(shares.iloc[-1])
    )


def at_risk(forecast: Forecast) -> Part:
    """The silent good customers with most money at stake."""
    outlook = forecast.outlook
    if outlook is None:
        return note(why_no_model(forecast))
    risk = outlook.risk
    rule = _(
        "Good: more than {amount} of repeat orders. Silent: less than a {share} chance to buy in {weeks} weeks."
    ).format(
        amount=about(risk.good_from_amount),
        share=percent(risk.silent_below_share),
        weeks=number(forecast.options.horizon_weeks),
    )
    if not risk.n:
        return sentence(_("Nobody: no good customer has gone silent."), rule)
    top = risk.customers.head(SHOWN)
    fields = [
        Field("customer_id", _("Customer")),
        Field("at_risk_amount", _("At stake"), about),
        Field("n_orders", _("Orders"), number),
        Field("weeks_silent", _("Weeks silent"), number),
        Field("expected_spend", _("Per order"), about),
        Field("p_buy", _("P(buy)"), percent),
    ]
    caption = _("{shown} of {n}, by money at stake").format(shown=number(len(top)), n=number(risk.n))
    return together(table(top, fields, caption, rule), sentence(f"{_stake(outlook)} {_first_at_risk(outlook)}"))


def _stake(outlook: Outlook) -> str:
    risk = outlook.risk
    top = risk.customers.head(SHOWN)
    amount = float(top["at_risk_amount"].sum())
    said = ngettext(
        "This one holds {amount}, {share} of all that is at stake.",
        "These {n} hold {amount}, {share} of all that is at stake.",
        len(top),
    )
    return said.format(n=number(len(top)), amount=about(amount), share=percent(amount / risk.amount))


def _first_at_risk(outlook: Outlook) -> str:
    first = outlook.risk.customers.iloc[0]
    said = _("Customer {customer} made {orders} orders within {active} weeks and has been silent for {silent}.")
    return said.format(
        customer=name(first["customer_id"]),
        orders=number(first["n_orders"]),
        active=number(max(1, np.ceil(first["weeks_active"]))),
        silent=number(first["weeks_silent"]),
    )


def next_steps(forecast: Forecast) -> Part:
    """What to do next, most money first."""
    outlook = forecast.outlook
    if outlook is None:
        return steps(why_no_model(forecast))
    ranked = sorted([_keep(forecast, outlook), *_call(outlook)], key=lambda step: -step[0])
    return steps(*(text for _amount, text in ranked), _again(forecast))


def _keep(forecast: Forecast, outlook: Outlook) -> tuple[float, str]:
    tenths = outlook.tenths
    n, amount = int(tenths["n_customers"].iloc[0]), float(tenths["amount"].iloc[0])
    others = tenths["amount"].iloc[1:].sum() / max(tenths["n_customers"].iloc[1:].sum(), 1)
    said = _(
        "Give the top tenth ({n} customers) the service that keeps them: {amount} in all, {each} each in {weeks} "
        "weeks; everyone else brings {others} each."
    )
    return amount, said.format(
        n=number(n),
        amount=about(amount),
        each=about(amount / n),
        weeks=number(forecast.options.horizon_weeks),
        others=about(others, 2),
    )


def _call(outlook: Outlook) -> list[tuple[float, str]]:
    top = outlook.risk.customers.head(SHOWN)
    if top.empty:
        return []
    amount = float(top["at_risk_amount"].sum())
    said = ngettext(
        "Call the silent customer above: {amount} at stake, one call.",
        "Call the {n} silent customers above: {amount} at stake, {n} calls.",
        len(top),
    )
    return [(amount, said.format(n=number(len(top)), amount=about(amount)))]


def _again(forecast: Forecast) -> str:
    later = max(round(forecast.options.horizon_weeks * REFIT_AFTER), 1)
    on = forecast.as_of + dt.timedelta(weeks=later)
    return ngettext(
        "Fit again when {n} more week is in, on {day}.", "Fit again when {n} more weeks are in, on {day}.", later
    ).format(n=number(later), day=day(on))
