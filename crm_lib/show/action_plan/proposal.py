"""What is proposed: plays, budgets, who is protected, what goes with what."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.action_plan import Plan
from crm_lib.analysis.action_plan.recommend import FEWEST_BOTH
from crm_lib.show.action_plan import names
from crm_lib.show.action_plan.names import cash
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, day, is_missing, name, ngettext, number, percent, points, signed
from crm_lib.theme.words import gettext as _

_MOST_PAIRS = 8


def plays(result: Plan) -> Part:
    """Bars of the gain expected of each play, most first; offer, arms and cost in the fold."""
    frame = result.account.by_play
    frame = frame[frame["n"] > 0]
    if frame.empty:
        return sentence(_("Nothing is proposed for this date."))
    frame = frame.assign(
        title=[names.title(result, p) for p in frame["play"]],
        offer=[name(result.play(p).offer, 80) for p in frame["play"]],
        bounds=[between(a, b, cash) for a, b in zip(frame["low"], frame["high"], strict=True)],
        said=[names.sources()[s] for s in frame["source"]],
    ).sort_values("gain", ascending=False, kind="stable", ignore_index=True)
    best, total = frame.iloc[0], float(frame["gain"].sum())
    share = best["gain"] / total if total > 0 else None
    labels = Labels(
        _("{play}: {share} of the expected gain").format(play=best["title"], share=percent(share)),
        _("Expected gain of contacts by play, after cost; thin line: what the uplift leaves open"),
        _("Bars, most first: {list}.").format(
            list="; ".join(f"{r.title} {cash(r.gain)}" for r in frame.itertuples(index=False))
        ),
    )
    chart = bars(
        frame, "title", "gain", labels, cash, "low", "high", best["title"], sideways=True, numbers=_offers(frame)
    )
    return together(chart, _lists(frame), sentence(_assumed(frame)))


def _lists(frame: pd.DataFrame) -> Part:
    fields = [
        Field("title", _("Play")),
        Field("n_treated", _("To contact"), number),
        Field("n_control", _("Held out"), number),
        Field("cost", _("Cost"), cash),
        Field("gain", _("Expected gain"), cash),
        Field("bounds", _("90 % interval"), str),
        Field("uplift", _("More orders"), lambda x: points(x)),
        Field("said", _("That is")),
    ]
    return table(frame, fields, _("The lists proposed, highest gain first"))


def _offers(frame: pd.DataFrame) -> Part:
    fields = [
        Field("title", _("Play")),
        Field("channel", _("Channel")),
        Field("n_eligible", _("Fits and may be contacted"), number),
        Field("n", _("On the list"), number),
        Field("gain", _("Expected gain"), cash),
        Field("offer", _("Offer")),
    ]
    return table(frame, fields, _("Plays, their channels and offers"))


def _assumed(frame: pd.DataFrame) -> str:
    n = int((frame["source"] == "assumed").sum())
    if not n:
        return _("Every expected effect rests on a measurement.")
    return ngettext(
        "The effect of {n} play is an **assumption** of crm.toml until a hold-out has measured it.",
        "The effects of {n} plays are **assumptions** of crm.toml until a hold-out has measured them.",
        n,
    ).format(n=number(n))


def budgets(result: Plan) -> Part:
    """Each channel: budget, what is spent, what one more unit of money would bring."""
    frame = result.account.by_channel
    if frame.empty:
        return sentence(_("No channel is in use."))
    fields = [
        Field("channel", _("Channel")),
        Field("budget", _("Budget"), cash),
        Field("spent", _("Spent"), cash),
        Field("n", _("Contacts"), number),
        Field("money_price", _("One more unit of money brings"), lambda x: number(x, 2)),
        Field("more", _("10 % more budget"), lambda x: signed(x, cash)),
        Field("less", _("10 % less budget"), lambda x: signed(x, cash)),
    ]
    shown = table(frame, fields, _("Gain, after its cost, that the budget of each channel hangs on"))
    return together(shown, sentence(_dearest(frame), _bound(result)))


def _dearest(frame: pd.DataFrame) -> str:
    bound = frame[frame["money_price"] > 0]
    if bound.empty:
        return _("No budget is used up: more money would bring nothing.")
    best = bound.loc[bound["money_price"].astype(float).idxmax()]
    text = _("Money is scarcest in **{channel}**: one more unit there brings {price} on top of itself.")
    return text.format(channel=name(best["channel"]), price=number(best["money_price"], 2))


def _bound(result: Plan) -> str:
    made = result.account
    if made.bound <= 0 or not made.total.n:
        return ""
    text = _("No other choice under these budgets could bring more than {bound}; this one brings {share} of that.")
    return text.format(bound=cash(made.bound), share=percent(min(made.total.value / made.bound, 1.0)))


def peace(result: Plan) -> Part:
    """The conflict report: whom the guard protects, by first reason, and all whom each reason touches."""
    report = result.guarded.report
    if not result.guarded.n_wanted:
        return sentence(_("No play fits any customer, so nobody had to be protected."))
    shown = report.assign(
        said=report["reason"].map(names.guards()), share=report["n"] / max(result.guarded.n_wanted, 1)
    )
    fields = [
        Field("said", _("The customer …")),
        Field("n", _("Protected"), number),
        Field("share", _("Of all whom a play fits"), percent),
        Field("n_all", _("Touched by the rule"), number),
    ]
    foot = _("A customer counts as protected by the first rule that applies, from the top.")
    guarded = table(shown, fields, _("Who is not contacted, and why"), foot)
    rest = result.customers["reason"].value_counts()
    texts = []
    if rest.get("no_budget", 0):
        text = _("For {n} customers a contact would pay, but the budget ends before them.")
        texts.append(text.format(n=number(rest["no_budget"])))
    if rest.get("not_worth_it", 0):
        text = _("For {n} customers no contact is expected to bring more than it costs.")
        texts.append(text.format(n=number(rest["not_worth_it"])))
    return together(guarded, sentence(" ".join(texts)))


def goes_with(result: Plan, products: pd.DataFrame | None = None) -> Part:
    """Pairs of products with lift and support, and which rule chose better on unseen months.

    `products` has `product_id` and `name`.
    """
    found = result.affinity
    if found is None:
        return sentence(_("The source knows no products, so that none can be recommended."))
    called = {} if products is None else dict(zip(products["product_id"], products["name"], strict=True))
    pairs = found.pairs[(found.pairs["n_both"] >= FEWEST_BOTH) & (found.pairs["n_then"] > 0)]
    pairs = _once(pairs).head(_MOST_PAIRS)
    if pairs.empty:
        text = _("No two products were bought by {n} or more of the same customers: too few to recommend from.")
        return together(sentence(text.format(n=number(FEWEST_BOTH))), sentence(_tested(result)))
    shown = pairs.assign(
        a=[_product(called, p) for p in pairs["bought"]], b=[_product(called, p) for p in pairs["next"]]
    )
    fields = [
        Field("a", _("Who bought")),
        Field("b", _("also bought")),
        Field("n_both", _("Customers with both"), number),
        Field("n_then", _("of them later"), number),
        Field("support", _("Support"), lambda x: percent(x, 1)),
        Field("lift", _("Lift"), lambda x: number(x, 1)),
    ]
    shown_part = table(shown, fields, _("Products that go together, most lift first"))
    return together(sentence(_tested(result)), shown_part)


def _once(pairs: pd.DataFrame) -> pd.DataFrame:
    """Each pair in the direction that is commoner."""
    either = [tuple(sorted(pair)) for pair in zip(pairs["bought"], pairs["next"], strict=True)]
    commoner = pairs.assign(either=either).sort_values("n_then", ascending=False, kind="stable")
    return pairs.loc[commoner.drop_duplicates("either").index.sort_values()]


def _product(called: dict[str, str], key: str) -> str:
    told = called.get(key)
    return name(key) if is_missing(told) or not told else name(told)


def _tested(result: Plan) -> str:
    found = result.affinity
    if not found.by_sequence:
        return _("Nobody bought anything new after {day}: the rules can't be tested.").format(
            day=day(found.split_on)
        )
    text = _(
        "Of {n} customers who bought something new after {day}, what others bought next named it for {ours} "
        "({a}), the most popular product for {plain} ({b}). **{winner}** is used."
    )
    winner = _("What others bought next") if found.wins == "sequence" else _("The popular product")
    a, b = found.by_sequence, found.by_popularity
    return text.format(
        n=number(a.n),
        day=day(found.split_on),
        ours=percent(a.value),
        a=between(a.low, a.high, percent),
        plain=percent(b.value),
        b=between(b.low, b.high, percent),
        winner=winner,
    )
