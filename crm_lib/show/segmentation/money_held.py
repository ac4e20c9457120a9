"""Who holds the money: bars per segment, the top customers, the pyramid of value grades."""

from __future__ import annotations

import math

import pandas as pd

from crm_lib.analysis import segmentation
from crm_lib.analysis.segmentation import Segmentation
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.names import brief, own_money, rule_words
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, between, currency_name, day, interval, ngettext, number, percent

RULE_OF_80_20 = 0.80


def _money_words() -> str:
    return _("in {currency}").format(currency=currency_name()) if currency_name() else _("in the source's money")


def money_by_segment(result: Segmentation) -> Part:
    """Bars of money per segment, most first; what the words mean here; every segment in the fold."""
    words = names.segments()
    shown = result.by_segment.assign(
        name=result.by_segment["segment"].map(lambda s: words[s].name),
        meaning=result.by_segment["segment"].map(lambda s: words[s].meaning),
        rule=result.by_segment["segment"].map(_rule_words()),
        bounds=[
            between(low, high, percent)
            for low, high in zip(result.by_segment["low"], result.by_segment["high"], strict=True)
        ],
    )
    present = shown[shown["n_customers"] > 0]
    richest = present.iloc[0]
    labels = Labels(
        _("“{name}”: {share} of the money").format(name=richest["name"], share=percent(richest["amount_share"]))
        if result.top_fifth
        else _("No segment holds any money"),
        _("Net amount of each segment up to {day}, {money}; {n} customers").format(
            day=day(result.as_of), money=_money_words(), n=number(result.n_customers)
        ),
        _("Bars, most money first: {list}.").format(
            list="; ".join(f"{row.name} {brief(result, row.amount)}" for row in present.itertuples(index=False))
        ),
    )
    fields = [
        Field("name", _("Segment")),
        Field("meaning", _("What it means")),
        Field("n_customers", _("Customers"), number),
        Field("amount", _("Money"), lambda x: own_money(result, x)),
        Field("amount_share", _("Share of money"), lambda x: percent(x, 1)),
        Field("bounds", _("90 % interval"), str),
        Field("rule", _("Rule on grades, first match")),
    ]
    numbers = table(shown, fields, _("All segments, most money first"))
    chart = bars(
        present,
        "name",
        "amount",
        labels,
        lambda x: brief(result, x),
        highlight=richest["name"],
        sideways=True,
        numbers=numbers,
    )
    return together(chart, sentence(_second_segment(result, present), _lately(result)))


def _second_segment(result: Segmentation, present: pd.DataFrame) -> str:
    if len(present) < 2 or not result.top_fifth:
        return _("All customers are in one segment.") if len(present) < 2 else ""
    second, last = present.iloc[1], present["n_customers"].idxmax()
    largest = present.loc[last]
    return _(
        "Next comes “{second}” with {share}. Most customers ({n}) are in “{largest}”, with {rest} of the money."
    ).format(
        second=second["name"],
        share=percent(second["amount_share"]),
        n=number(largest["n_customers"]),
        largest=largest["name"],
        rest=percent(largest["amount_share"]),
    )


def _lately(result: Segmentation) -> str:
    """What "lately", "often" and "much" mean here, from the cut points of grades 4 and 5."""
    days, orders, amount = result.cut("r", 2), result.cut("f", 3), result.cut("m", 3)
    said = []
    if days is not None:
        lately = ngettext("**lately** means at most {n} day ago", "**lately** means at most {n} days ago", days)
        said.append(lately.format(n=number(days)))
    if orders is not None:
        least = math.floor(orders) + 1
        often = ngettext("**often** means at least {n} order", "**often** means at least {n} orders", least)
        said.append(often.format(n=number(least)))
    if amount is not None:
        said.append(_("**much** means more than {money} in all").format(money=own_money(result, amount)))
    return _("Here {meanings}.").format(meanings=", ".join(said)) if said else ""


def _rule_words() -> dict[str, str]:
    """Rules as a reader writes them."""
    said = {rule.segment: rule_words(rule.holds) for rule in segmentation.RULES}
    said[segmentation.RULES[-1].segment] = _("everyone else")
    return said


def pyramid(result: Segmentation) -> Part:
    """Share of money of the top customers with intervals, the grades A–D, and a word on 80/20."""
    if not result.top_fifth:
        return note(_("Nobody has paid more than was paid back: there is no pyramid to draw."))
    shown = result.tops.assign(
        name=[_("top {share}").format(share=percent(top)) for top in result.tops["top"]],
        bounds=[
            between(low, high, percent) for low, high in zip(result.tops["low"], result.tops["high"], strict=True)
        ],
    ).drop_duplicates("n_customers", keep="last")
    fifth = _("top {share}").format(share=percent(0.20))
    labels = Labels(
        _("The top fifth holds {share} of the money").format(share=percent(result.top_fifth.value)),
        _("Share of the net amount held by the customers who spent most, up to {day}; {n} customers").format(
            day=day(result.as_of), n=number(result.n_customers)
        ),
        _("Bars: {list}.").format(
            list="; ".join(f"{row.name} {percent(row.share)}" for row in shown.itertuples(index=False))
        ),
    )
    fields = [
        Field("name", _("Customers who spent most")),
        Field("n_customers", _("Customers"), number),
        Field("share", _("Share of money"), lambda x: percent(x, 1)),
        Field("bounds", _("90 % interval"), str),
    ]
    numbers = table(shown, fields, _("How much the top customers hold"))
    chart = bars(shown, "name", "share", labels, percent, "low", "high", highlight=fifth, numbers=numbers)
    return together(chart, sentence(_verdict_80_20(result)), _grade_table(result))


def _verdict_80_20(result: Segmentation) -> str:
    top = result.top_fifth
    if not top or top.low is None:
        return ""
    if top.high < RULE_OF_80_20:
        verdict = _("The 80/20 rule would have {rule}: money is spread more evenly here.")
    elif top.low > RULE_OF_80_20:
        verdict = _("The 80/20 rule would have {rule}: money hangs on fewer customers here.")
    else:
        verdict = _("That agrees with the 80/20 rule, as {rule} lies within the interval.")
    gini = result.gini
    spread = _("Gini coefficient {value} ({interval}).").format(
        value=number(gini.value, 2), interval=interval(gini.low, gini.high, lambda x: number(x, 2), gini.n)
    )
    return f"{verdict.format(rule=percent(RULE_OF_80_20))} {spread}"


def _grade_table(result: Segmentation) -> Part:
    fields = [
        Field("value_grade", _("Grade")),
        Field("n_customers", _("Customers"), number),
        Field("customer_share", _("Share of customers"), lambda x: percent(x, 1)),
        Field("amount", _("Money"), lambda x: own_money(result, x)),
        Field("amount_share", _("Share of money"), lambda x: percent(x, 1)),
        Field("mean_amount", _("Money per customer"), lambda x: own_money(result, x)),
        Field("lowest_amount", _("From"), lambda x: own_money(result, x)),
    ]
    n_minus = int((result.customers["amount"] < 0).sum())
    foot = _("Customers with equal amounts share a grade.")
    if n_minus:
        foot += " " + ngettext(
            "{n} customer was paid back more than was paid: that counts as zero in shares, in full in sums.",
            "{n} customers were paid back more than they paid: they count as zero in shares, in full in sums.",
            n_minus,
        ).format(n=number(n_minus))
    return table(result.by_grade, fields, _("The pyramid: value grades A to D"), foot)
