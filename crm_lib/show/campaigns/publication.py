"""What the page hands over: figures in the reader's words, the tables, one line for the index, the notes."""

from __future__ import annotations

from dataclasses import replace

from crm_lib.analysis import campaigns
from crm_lib.analysis.campaigns import MOST_TESTS, Evaluation, name_of
from crm_lib.contract.publication import Figure, Publication
from crm_lib.show.campaigns.cautions import cautions
from crm_lib.show.campaigns.headline import anyway
from crm_lib.show.campaigns.names import brief, test_title
from crm_lib.theme.words import _, between, clean, currency, ngettext, number, percent


def publication(result: Evaluation) -> Publication:
    """The figures in the reader's words, with the line for the index and what to read with care."""
    made = campaigns.publication(result)
    figures = tuple(_unit(f) for f in made.figures)
    return replace(made, figures=figures).worded(_words(result), _summary(result), cautions(result))


def _unit(figure: Figure) -> Figure:
    return replace(figure, unit=currency() or "money") if figure.unit == "money" else figure


def _summary(result: Evaluation) -> str:
    n = len(result.tested)
    if not n:
        return _("No campaign held anybody out, so what they brought can't be told.")
    found = result.profit
    if found:
        said = ngettext(
            "{n} tested campaign brought {money} of profit ({range}).",
            "{n} tested campaigns brought {money} of profit ({range}).",
            n,
        )
    elif result.revenue:
        found = result.revenue
        said = ngettext(
            "{n} tested campaign brought {money} of sales ({range}).",
            "{n} tested campaigns brought {money} of sales ({range}).",
            n,
        )
    else:
        return _("Campaigns brought {n} more buyers.").format(n=number(result.gap.caused.value))
    told = said.format(n=number(n), money=brief(found.value), range=between(found.low, found.high, brief))
    share = anyway(result)
    if share is None:
        return told
    return (
        told
        + " "
        + _("{share} of the buyers credited to them would have come anyway.").format(share=percent(share[0]))
    )


def _words(result: Evaluation) -> dict[str, str]:
    words = {
        "participation": _("Customers contacted who took part at least once"),
        "n_campaigns": _("Campaigns"),
        "n_contacts": _("Assignments of people to campaigns"),
        "n_tested": _("Campaigns with a hold-out that can be read"),
        "n_proven": _("Campaigns proven to have brought orders"),
        "incremental_profit": _("Profit that tested campaigns brought"),
        "incremental_revenue": _("Sales that tested campaigns brought"),
        "contacts_per_year": _("Contacts a year of a customer contacted"),
        "credited_buyers": _("Buyers credited to tested campaigns"),
        "caused_buyers": _("Buyers that tested campaigns brought"),
        "spent_amount": _("Spent on marketing"),
        "budget_amount": _("Budget of what has begun"),
        "overhead_amount": _("Overhead that belongs to no campaign"),
        "credited_amount": _("Sales credited by attribution"),
        "market_share": _("Share of the market"),
        "discounted_order_share": _("Orders with a discount"),
        "discounted_sales_share": _("Sales at a discount"),
        "discount_amount": _("Given up by discounts"),
    }
    if not result.tested:
        words |= {
            "incremental_profit": _("Profit that campaigns brought: nobody was held out"),
            "incremental_revenue": _("Sales that campaigns brought: nobody was held out"),
        }
    if not result.participation.share:
        words["participation"] = _("the source does not tell who took part")
    return words | _test_words(result)


def _test_words(result: Evaluation) -> dict[str, str]:
    suffixes = {
        "n": _("contacted"),
        "bought_share": _("share who bought"),
        "visited_share": _("share who visited"),
        "bought_uplift": _("more who bought"),
        "visited_uplift": _("more who visited"),
        "revenue_uplift": _("more sales per head"),
        "cuped_uplift": _("more sales per head, history set aside"),
        "revenue_t": _("t of sales per head"),
        "profit": _("profit brought"),
        "control_n": _("held out"),
        "control_bought_share": _("share of those held out who bought"),
        "control_visited_share": _("share of those held out who visited"),
    }
    said = _("{name}: {what}")
    return {
        f"{name_of(u)}_{suffix}": said.format(name=clean(test_title(result, u)), what=what)
        for u in result.uplifts[:MOST_TESTS]
        for suffix, what in suffixes.items()
    }
