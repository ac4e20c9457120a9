"""Who of the good customers keeps frequency and amount; tiers and points; contracts."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.contracts import Contracts
from crm_lib.analysis.retention.loyalty import KEPT_FROM, Index, Loyalty
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.retention.said import about, band, days, ranged, why_nothing
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, day, ngettext, number, percent, pgettext


def loyalty(result: Retention) -> Part:
    """The loyalty index over time, what all good customers kept together, and the tiers of the programme."""
    if result.reason:
        return note(why_nothing(result))
    now = result.loyalty.now
    index = (
        note(_("Loyalty compares two periods of the same length; the data hold no good customers in a first one."))
        if now is None
        else together(_index(result.loyalty), sentence(_parts(result.loyalty), _caveat(result.loyalty)))
    )
    return together(index, _tiers(result))


def _index(loyalty: Loyalty) -> Part:
    now = loyalty.now
    rows = pd.DataFrame(
        [{"on": i.on, "kept": i.kept.value, "low": i.kept.low, "high": i.kept.high, "n": i.kept.n,
          "orders": ranged(i.kept_orders), "money": ranged(i.kept_amount), "said": ranged(i.kept),
          "f": ranged(i.orders_ratio), "m": ranged(i.amount_ratio)} for i in loyalty.indexes]
    )  # fmt: skip
    title = _("{n} of {all} good customers kept both").format(
        n=number(round(now.kept.value * now.kept.n)), all=number(now.kept.n)
    )
    subtitle = _(
        "Share of A and B customers whose orders and money of {days} are at least {share} of their own in the "
        "{days} before; lines: 90 % interval"
    ).format(days=days(now.days), share=percent(KEPT_FROM))
    alt = _("Bars: {list}.").format(list=", ".join(f"{day(r.on)} {percent(r.kept)}" for r in rows.itertuples()))
    fields = [
        Field("on", _("Up to"), day),
        Field("n", _("A and B customers"), number),
        Field("said", _("Kept both"), str),
        Field("orders", _("Kept orders"), str),
        Field("money", _("Kept money"), str),
        Field("f", _("All orders ÷ before"), str),
        Field("m", _("All money ÷ before"), str),
    ]
    numbers = table(rows, fields, _("The loyalty index with its parts, 90 % intervals"))
    if len(rows) == 1:
        return _one(now, Labels(title, subtitle, alt), numbers)
    named = rows.assign(name=[day(d) for d in rows["on"]])
    return bars(
        named,
        "name",
        "kept",
        Labels(title, subtitle, alt),
        percent,
        "low",
        "high",
        named["name"].iloc[-1],
        numbers=numbers,
    )


def _one(now: Index, labels: Labels, numbers: Part) -> Part:
    """With a single index its parts are drawn: orders, money, both."""
    parts = [(_("orders"), now.kept_orders), (_("money"), now.kept_amount), (_("both"), now.kept)]
    rows = pd.DataFrame([{"name": n, "kept": i.value, "low": i.low, "high": i.high} for n, i in parts])
    return bars(rows, "name", "kept", labels, percent, "low", "high", _("both"), numbers=numbers)


def _parts(loyalty: Loyalty) -> str:
    now = loyalty.now
    text = _("{orders} kept their orders, {money} their money.").format(
        orders=percent(now.kept_orders.value), money=percent(now.kept_amount.value)
    )
    if now.n_surely_fewer:
        text += " " + ngettext(
            "{n} orders less often than chance alone explains.",
            "{n} order less often than chance alone explains.",
            now.n_surely_fewer,
        ).format(n=number(now.n_surely_fewer))
    by = now.by_grade
    if len(by) == 2:
        text += " " + _("Of grade A {a} kept both, of grade B {b}.").format(
            a=percent(by["kept"].iloc[0]), b=percent(by["kept"].iloc[1])
        )
    return text


def _caveat(loyalty: Loyalty) -> str:
    text = _(
        "Customers are called good after a good year, so some fall back by chance alone: read the index against "
        "its own earlier values, not against 100 %."
    )
    if len(loyalty.indexes) > 1:
        one, other = loyalty.indexes[-2].kept, loyalty.now.kept
        apart = other.low > one.high or other.high < one.low
        text += " " + (
            _("It has moved beyond chance since {day}.")
            if apart
            else _("Since {day} it has not moved beyond chance.")
        ).format(day=day(loyalty.indexes[-2].on))
    return text


def _tiers(result: Retention) -> Part:
    rows = result.loyalty.tiers
    if rows is None or rows.empty:
        return Part()
    has_points = rows["points"].notna().any()
    shown = rows.assign(
        tier=[t or _("none") for t in rows["tier"]],
        said=[band(r.lost_share, r.low, r.high) for r in rows.itertuples()],
    )
    fields = [
        Field("tier", _("Tier today")),
        Field("amount", _("Brought last year"), about),
        Field("n", _("Customers"), number),
        Field("said", _("Churned (90 %)"), str),
    ]
    foot = _("Tiers are as they stand today, earned by the same purchases that churn is counted from.")
    if has_points:
        fields += [Field("points", _("Points"), number), Field("points_lost", _("of them with churned"), number)]
        asleep = rows["points_lost"].sum() / max(rows["points"].sum(), 1)
        foot += " " + _("{share} of all points lie with customers who have churned.").format(share=percent(asleep))
    return table(shown, fields, _("Tiers of the loyalty programme"), foot)


def contracts(result: Retention) -> Part:
    """Which contracts end soon, how many ended without a further order, and what the renewal model says."""
    if result.reason:
        return note(why_nothing(result))
    found = result.contracts
    if found is None:
        return sentence(_("The customers' table has no contract ends: nothing here is by contract."))
    return together(_soon(found), sentence(_ended(found), _renewal(found)), _years(found))


def _soon(found: Contracts) -> Part:
    shown = found.soon.assign(name=[_("within {days}").format(days=days(d)) for d in found.soon["days"]])
    fields = [
        Field("name", _("Contract ends")),
        Field("n", _("Customers"), number),
        Field("amount", _("Brought last year"), about),
    ]
    caption = _("Of {n} running contracts").format(n=number(found.n_running))
    return table(shown, fields, caption)


def _ended(found: Contracts) -> str:
    if not found.n_ended:
        return _("No contract has ended yet.")
    return _("{n} contracts have ended; {share} of these customers have not ordered since.").format(
        n=number(found.n_ended), share=ranged(found.gone)
    )


def _renewal(found: Contracts) -> str:
    model = found.model
    if model is None:
        return _("Too few contracts have ended, or over too few years, to fit a model of renewal (sBG).")
    if model.all_alike:
        share = model.a / (model.a + model.b)
        return _(
            "The renewal model (sBG) finds no difference between customers in the chance to leave: {share} a "
            "year for all."
        ).format(share=percent(share))
    ahead = len(found.by_year) + 1
    return _(
        "By the renewal model (sBG) {now} of those in their first year stay, and {later} of those who reach "
        "year {year}: who has stayed longer is surer to stay."
    ).format(now=percent(model.kept_at(1)), later=percent(model.kept_at(ahead)), year=number(ahead))


def _years(found: Contracts) -> Part:
    rows = found.by_year
    if rows.empty:
        return Part()
    shown = rows.assign(said=[band(r.kept, r.low, r.high) for r in rows.itertuples()])
    fields = [
        Field("year", _("Year as a customer"), number),
        Field("n_at_start", _("With a contract"), number),
        Field("n_left", pgettext("customers", "Left"), number),
        Field("said", _("Stayed (90 %)"), str),
    ]
    if "fitted" in rows.columns:
        fields.append(Field("fitted", _("By the model"), percent))
    foot = _(
        "Left: the contract ended in that year and no order came since. Only years that are over count; the "
        "table holds one contract end per customer, the latest."
    )
    return table(shown, fields, _("Staying with a contract, by year"), foot)
