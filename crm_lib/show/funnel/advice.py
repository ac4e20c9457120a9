"""What to do next, ranked by the money at stake."""

from __future__ import annotations

import math

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.funnel.said import cash, has_levers, lever
from crm_lib.show.parts import Part, sentence, steps
from crm_lib.theme.words import day, name, number
from crm_lib.theme.words import gettext as _

_CALLS = 10


def next_steps(result: Pipeline) -> Part:
    """Calls, fresh deals, the gap to the target, the dearest step, by money; then what to mend in the data."""
    ranked = sorted([_call(result), _young(result), _lever(result), _gap(result)], key=lambda move: -move[0])
    texts = [text for _money, text in ranked if text] + _mend(result)
    return steps(*texts) if texts else sentence(_("Nothing stands out that needs doing."))


def _call(result: Pipeline) -> tuple[float, str]:
    top = result.stale.deals.head(_CALLS)
    if top.empty:
        return 0.0, ""
    worth = float(top["value"].sum())
    text = _("Call the {n} largest stuck deals and decide each: go on or close. {money} at stake.")
    if not worth:
        text = _("Call the {n} oldest stuck deals and decide each: go on or close.")
    rest = result.stale.n - len(top)
    close = _("Then close the other {n} or date them anew, so that the pipe shows what is alive.") if rest else ""
    return worth, f"{text.format(n=number(len(top)), money=cash(worth))} {close.format(n=number(rest))}".strip()


def _young(result: Pipeline) -> tuple[float, str]:
    weighted = result.open_value.weighted
    if not weighted or not weighted.value:
        return 0.0, ""
    by_deal = result.open_value.by_deal
    fresh = by_deal[~by_deal["opportunity_id"].isin(result.stale.deals["opportunity_id"])]
    worth = float((fresh["value"] * fresh["p_win"]).sum())
    text = _("Put the selling time into the {n} deals that are not stuck: {money} is likely to come of them.")
    return worth, text.format(n=number(len(fresh)), money=cash(worth)) if worth else ""


def _lever(result: Pipeline) -> tuple[float, str]:
    """The step at which one point more is worth most."""
    if not has_levers(result):
        return 0.0, ""
    row = next(result.levers.head(1).itertuples())
    text = _("Work on the step {step}: one point more going on is worth about {money} a year.")
    return row.worth, text.format(step=lever(row), money=cash(row.worth))


def _gap(result: Pipeline) -> tuple[float, str]:
    """What the forecast lacks to the target."""
    f, goal, won = result.forecast, result.goal, result.won_amount
    if f is None or not won:
        return 0.0, ""
    target, likely, until = f.target, f.total.value, f.until
    if goal:
        target, likely, until = goal.amount, goal.so_far + goal.coming.value, goal.until
    gap = target - likely
    if gap <= 0:
        return 0.0, ""
    text = _(
        "To reach {target} by {day}, {money} more is needed than is likely: about {n} sales of the usual size."
    )
    facts = {"target": cash(target), "day": day(until), "money": cash(gap)}
    return gap, text.format(n=number(math.ceil(gap / (won / result.n_won))), **facts)


def _mend(result: Pipeline) -> list[str]:
    found, said = result.findings, []
    if found.n_open_without_amount:
        text = _("Record an amount when a deal is opened: {n} open deals have none.")
        said.append(text.format(n=number(found.n_open_without_amount)))
    products = found.unknown_products
    if len(products):
        text = _("Mend the product name {name}: {n} deals, {money} won, belong to no product.")
        first = products.iloc[0]
        said.append(
            text.format(name=name(first["product"]), n=number(first["n"]), money=cash(first["won_amount"]))
        )
    if not result.has_history:
        said.append(
            _("Export the day on which deals enter each stage: then this page can say where they are lost.")
        )
    return said
