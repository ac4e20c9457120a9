"""What the reader must know before using a figure: odd arms, missing costs, missing contacts, open windows."""

from __future__ import annotations

from crm_lib.analysis.campaigns import Evaluation, Uplift
from crm_lib.show.campaigns.names import listed, said
from crm_lib.theme.words import _, ngettext, number

MOST_NAMED = 5


def cautions(result: Evaluation) -> tuple[str, ...]:
    """The cautions that apply, each a sentence or two, gravest first; they are published as notes, too."""
    whole = [u for u in result.uplifts if not u.variant]
    told = [
        *_refused(result, whole),
        *_odd(result, whole),
        _still_open(result, whole),
        _no_cost(result),
        _no_contacts(result),
    ]
    return tuple(text for text in told if text)


def named(result: Evaluation, ids: list[str]) -> str:
    """Up to five names, and how many more there are."""
    words = listed([said(result, c) for c in ids[:MOST_NAMED]])
    more = len(ids) - MOST_NAMED
    if more <= 0:
        return words
    return ngettext("{names} and {n} more", "{names} and {n} more", more).format(names=words, n=number(more))


def _refused(result: Evaluation, tests: list[Uplift]) -> list[str]:
    sentences = {
        "mismatch": _(
            "{names}: the arms did not come out as planned, which chance explains less than once in a "
            "thousand times. "
            "Nothing is concluded from it: look at how people were assigned."
        ),
        "no control": _(
            "{names}: nobody was held out, so what it brought can't be told, only compared with customers "
            "like those "
            "contacted."
        ),
        "no treated": _("{names}: everybody was held out and nobody was contacted."),
        "few": _("{names}: fewer than {least} people in an arm, too few to compare."),
    }
    told = []
    for why, text in sentences.items():
        ids = [u.campaign_id for u in tests if u.why == why]
        if ids:
            told.append(text.format(names=named(result, ids), least=number(result.options.compare_from)))
    return told


def _odd(result: Evaluation, tests: list[Uplift]) -> list[str]:
    told = []
    all_bought = [u.campaign_id for u in tests if "all bought" in u.oddities]
    none_bought = [u.campaign_id for u in tests if "none bought" in u.oddities]
    if all_bought:
        told.append(
            _("{names}: everybody bought in both arms, so no difference can show.").format(
                names=named(result, all_bought)
            )
        )
    if none_bought:
        told.append(
            _("{names}: nobody bought in either arm, so no difference can show.").format(
                names=named(result, none_bought)
            )
        )
    both = sum(u.n_both for u in tests)
    if both:
        told.append(
            ngettext(
                "{n} customer was drawn into both arms of one campaign and is left out.",
                "{n} customers were drawn into both arms of one campaign and are left out.",
                both,
            ).format(n=number(both))
        )
    touched = [u for u in tests if u.n_contaminated]
    if touched:
        n = sum(u.n_contaminated for u in touched)
        told.append(
            ngettext(
                "Hold-outs overlap: {n} person held out got another campaign in the same weeks ({names}). "
                "The uplift is then that beyond the other campaign.",
                "Hold-outs overlap: {n} people held out got another campaign in the same weeks ({names}). "
                "The uplift is then that beyond the other campaign.",
                n,
            ).format(n=number(n), names=named(result, [u.campaign_id for u in touched]))
        )
    return told


def _still_open(result: Evaluation, tests: list[Uplift]) -> str:
    window = result.options.window_days
    still = [u for u in tests if u.readable and result.counted and u.days_seen < window]
    if not still:
        return ""
    days = min(u.days_seen for u in still)
    return ngettext(
        "{names}: only {days} of {window} day after the contact are over, for both arms alike. More may come.",
        "{names}: only {days} of {window} days after the contact are over, for both arms alike. More may come.",
        window,
    ).format(names=named(result, [u.campaign_id for u in still]), days=number(days), window=number(window))


def _no_cost(result: Evaluation) -> str:
    ids = list(result.returns.without_cost)
    if not ids:
        return ""
    return _("{names}: no cost is recorded, so nobody can say whether it paid.").format(names=named(result, ids))


def _no_contacts(result: Evaluation) -> str:
    """Campaigns carried out that name nobody they reached; whether they have leads is said with the chain."""
    rows = result.campaigns.set_index("campaign_id")
    parents = set(rows["parent_id"].dropna())
    ids = [
        c for c in result.without_contacts if rows.loc[c, "status"] in ("running", "settled") and c not in parents
    ]
    if not ids:
        return ""
    return _("{names}: nobody it reached is named, so what it brought beyond its leads can't be measured.").format(
        names=named(result, ids)
    )
