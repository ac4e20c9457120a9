"""What to do, ranked by the money at stake."""

from __future__ import annotations

from crm_lib.analysis.campaigns import Evaluation, Uplift
from crm_lib.show.campaigns.cautions import named
from crm_lib.show.campaigns.names import brief, per_head, said, said_test
from crm_lib.show.parts import Part, sentence, steps
from crm_lib.theme.words import _, ngettext, number, percent

N_STEPS = 6


def next_steps(result: Evaluation) -> Part:
    """At most six steps, most money first; what can't be priced comes last."""
    found = [*_repeat(result), *_stop(result), *_untested(result), _discount(result), _budget(result)]
    ranked = sorted((pair for pair in found if pair), key=lambda pair: -pair[0])[:N_STEPS]
    texts = [text for _money, text in ranked] + [t for t in (_plan(result), _hold_out(result)) if t]
    if not texts:
        return sentence(_("Nothing stands out: go on, and hold out a part of every campaign."))
    return steps(*texts[: N_STEPS + 1])


def _stake(u: Uplift) -> float:
    found = u.profit or u.extra_revenue
    return abs(found.value) if found else 0.0


def _tests(result: Evaluation) -> list[Uplift]:
    with_variants = {u.campaign_id for u in result.uplifts if u.variant}
    return [u for u in result.uplifts if u.readable and (u.variant or u.campaign_id not in with_variants)]


def _repeat(result: Evaluation) -> list[tuple[float, str]]:
    told = []
    for u in _tests(result):
        if u.verdict not in ("proven", "likely"):
            continue
        if u.profit and u.profit.value > 0:
            text = _(
                "**Repeat {name}**: it brought about {money} of profit, {head} more sales per person contacted."
            )
            text = text.format(
                name=said_test(result, u), money=brief(u.profit.value), head=per_head(u.revenue.value)
            )
        elif u.extra_revenue and not u.profit:
            text = _(
                "**Go on with {name}**: {head} more sales per person contacted, about {money} in all."
            ).format(name=said_test(result, u), money=brief(u.extra_revenue.value), head=per_head(u.revenue.value))
        else:
            continue
        told.append((_stake(u), text))
    return told


def _stop(result: Evaluation) -> list[tuple[float, str]]:
    return [
        (
            _stake(u),
            _(
                "**Don't repeat {name} as it is**: no rise is proven, and the best guess is a loss of {money}."
            ).format(name=said_test(result, u), money=brief(-u.profit.value)),
        )
        for u in result.tested
        if u.verdict in ("unproven", "harmful") and u.profit and u.profit.value < 0
    ]


def _untested(result: Evaluation) -> list[tuple[float, str]]:
    """Money spent on campaigns of which nobody can say what they brought."""
    rows = result.returns.rows
    if rows.empty:
        return []
    tested = {u.campaign_id for u in result.tested}
    blind = rows[~rows["campaign_id"].isin(tested)]
    if blind.empty:
        return []
    cost = float(blind["direct_cost"].sum())
    share = cost / float(rows["direct_cost"].sum())
    text = ngettext(
        "**Make the rest measurable**: {money}, {share} of direct cost, went to {n} campaign without a "
        "hold-out ({names}). Hold out regions or days where people can't be held out.",
        "**Make the rest measurable**: {money}, {share} of direct cost, went to {n} campaigns without a "
        "hold-out ({names}). Hold out regions or days where people can't be held out.",
        len(blind),
    ).format(
        money=brief(cost),
        share=percent(share),
        n=number(len(blind)),
        names=named(result, blind["campaign_id"].tolist()[:3]),
    )
    return [(cost, text)]


def _discount(result: Evaluation) -> tuple[float, str] | None:
    found = result.prices
    if found is None or found.given <= 0:
        return None
    text = _(
        "**Test the discount itself**: {money} was given up in a year, and nobody can say how much of it "
        "bought orders. "
        "Send the same message with and without it."
    ).format(money=brief(found.given))
    return found.given, text


def _budget(result: Evaluation) -> tuple[float, str] | None:
    rows = result.settlement
    over = rows[rows["left"] < 0]
    if over.empty:
        return None
    lost = float(-over["left"].sum())
    text = ngettext(
        "**Settle what went over**: {n} campaign spent {money} more than granted.",
        "**Settle what went over**: {n} campaigns spent {money} more than granted.",
        len(over),
    ).format(n=number(len(over)), money=brief(lost))
    return lost, text


def _plan(result: Evaluation) -> str:
    open_ones = [u for u in result.tested if u.verdict == "unproven" and u.n_needed and u.n_needed < 100_000]
    if not open_ones:
        return ""
    u = min(open_ones, key=lambda t: t.n_needed)
    return _(
        "**Send larger tests**: {name} would need {n} people in each arm to prove the rise it showed."
    ).format(name=said(result, u.campaign_id), n=number(u.n_needed))


def _hold_out(result: Evaluation) -> str:
    if result.tested:
        return ""
    return _(
        "**Hold out every fifth person** of the next campaign, drawn by chance: without it nobody will ever "
        "know what it brought."
    )
