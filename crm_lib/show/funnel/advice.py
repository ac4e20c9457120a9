"""What to do next, ranked by the money at stake."""

from __future__ import annotations

from crm_lib.analysis.funnel import Pipeline
from crm_lib.show.funnel.said import cash, step
from crm_lib.show.parts import Part, sentence, steps
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import name, number

_CALLS = 10


def next_steps(result: Pipeline) -> Part:
    """Calls, fresh deals, the weakest step, in the order of money; then what to mend in the data."""
    ranked = sorted([_call(result), _young(result), _weakest(result)], key=lambda move: -move[0])
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
    hopeful = int((result.open_value.by_deal["p_win"] > 0).sum())
    text = _("Put the selling time into the {n} deals that can still be won: {money} is likely to come of them.")
    return weighted.value, text.format(n=number(hopeful), money=cash(weighted.value))


def _weakest(result: Pipeline) -> tuple[float, str]:
    """One point more at the weakest step is worth revenue ÷ conversion ÷ 100."""
    frame = result.steps[result.steps["share"].notna() & (result.steps["share"] > 0)]
    if frame.empty or not result.won_last_year_amount:
        return 0.0, ""
    row = next(frame.loc[[frame["share"].idxmin()]].itertuples())
    worth = result.won_last_year_amount / row.share / 100
    text = _("Work on the step {step}: one point more going on is worth about {money} a year.")
    return worth, text.format(step=step(row), money=cash(worth))


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
