"""Whether campaigns change satisfaction, in the reader's words."""

from __future__ import annotations

from crm_lib.analysis.campaigns import Evaluation
from crm_lib.show.campaigns.names import span
from crm_lib.theme.words import _, interval, ngettext, number, signed


def felt(result: Evaluation) -> str:
    """Satisfaction of those contacted beside that of those held out, and the difference."""
    found = result.felt
    if found is None:
        return ""
    if not found.comparable:
        n = min(found.treated.n, found.control.n)
        return ngettext(
            "Whether campaigns change satisfaction can't be told: only {n} answer came from one of the arms.",
            "Whether campaigns change satisfaction can't be told: only {n} answers came from one of the arms.",
            n,
        ).format(n=number(n))
    t, c, more = found.treated, found.control, found.difference
    return _(
        "Satisfaction (perceived ÷ expected) of those contacted: {a}; of those held out: {b}; difference: "
        "**{more}** ({range})."
    ).format(
        a=f"{number(t.value, 2)} ({interval(t.low, t.high, lambda x: number(x, 2), t.n)})",
        b=f"{number(c.value, 2)} ({interval(c.low, c.high, lambda x: number(x, 2), c.n)})",
        more=signed(more.value, lambda x: number(x, 2)),
        range=span(more.low, more.high, lambda x: number(x, 2)),
    )
