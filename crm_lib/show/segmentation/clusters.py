"""Clusters in words: the groups that hold together and what they add to the grades, or why there are none."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_lib.analysis.segmentation.clusters import (
    FEWEST_CUSTOMERS,
    NO_GROUPS,
    NOT_TESTED,
    PASSES,
    SMALL,
    SMALLEST_SHARE,
    STABLE_FROM,
    UNSTABLE,
    Clusters,
)
from crm_lib.analysis.segmentation.clusters.meaning import FOLLOWS_FROM
from crm_lib.analysis.segmentation.clusters.search import CLEARER_BY
from crm_lib.analysis.segmentation.clusters.stability import N_BOOTSTRAPS, N_REFERENCES
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.segmentation import names
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, between, interval, money, ngettext, number, percent

MOVED_FAR = 0.5  # spreads


def clusters(found: Clusters) -> Part:
    """The groups as a table and what they add to the grades; the tests and the named segments in a fold."""
    if found.k is None:
        return together(note(_refused(found)), _fold(found))
    return together(
        sentence(_how_many(found)), _groups(found), sentence(_against(found), _before(found)), _fold(found)
    )


def cluster_names(found: Clusters) -> dict[str, str]:
    """A name in words for each cluster, by its number as text; empty where there are none."""
    return {str(row.cluster): _name(row) for row in found.groups.itertuples()}


def cluster_figures() -> dict[str, str]:
    """Names of the figures that clusters publish."""
    return {
        "n_clusters": _("Groups of customers that hold together"),
        "clusters_silhouette": _("Clearness of these groups (silhouette)"),
        "clusters_lowest_jaccard": _("How well the weakest group is found again (Jaccard)"),
        "clusters_rand": _("Agreement of these groups with the segments (adjusted Rand index)"),
        "clusters_told_by_grades": _("Customers whose group follows from their grades"),
    }


def _name(row: Any) -> str:
    when = {
        "lately": _("bought lately"),
        "between": _("bought some time ago"),
        "long_ago": _("not seen for long"),
    }[row.when]
    how_often = {
        "once": _("one order"),
        "seldom": _("few orders"),
        "sometimes": _("some orders"),
        "often": _("many orders"),
    }[row.how_often]
    how_much = {
        "little": _("little money"),
        "middling": _("middling money"),
        "much": _("much money"),
    }[row.how_much]
    said = _("{when}, {how_often}, {how_much}").format(when=when, how_often=how_often, how_much=how_much)
    return _("{n}: {description}").format(n=number(row.cluster + 1), description=said)


def _how_many(found: Clusters) -> str:
    best = found.best
    return _(
        "The customers fall into **{k}** groups. When customers are drawn anew {n} times, the weakest group keeps "
        "{jaccard} of its customers on average ({limit} is asked for), and the groups are clearer (silhouette "
        "{silhouette}) than what customers without groups could reach ({reference})."
    ).format(
        k=number(found.k),
        n=number(N_BOOTSTRAPS),
        jaccard=percent(best["lowest_jaccard"]),
        limit=percent(STABLE_FROM),
        silhouette=number(best["silhouette"], 2),
        reference=number(best["to_beat"], 2),
    )


def _groups(found: Clusters) -> Part:
    total = found.groups["amount"].sum()
    digits = 0 if total / found.n_customers >= 100 else 1
    shown = found.groups.assign(
        name=[_name(row) for row in found.groups.itertuples()],
        bounds=[
            between(low, high, lambda x: money(x, digits))
            for low, high in zip(found.groups["low"], found.groups["high"], strict=True)
        ],
    )
    fields = [
        Field("name", _("Group")),
        Field("n_customers", _("Customers"), number),
        Field("amount_share", _("Share of money"), percent),
        Field("mean_amount", _("Per customer"), lambda x: money(x, digits)),
        Field("bounds", _("90 % interval"), str),
        Field("typical_days_since_last", _("Days silent"), number),
        Field("typical_n_orders", _("Orders"), number),
        Field("typical_amount", _("Money"), lambda x: money(x, digits)),
        Field("jaccard", _("Found again"), percent),
    ]
    foot = _(
        "Days, orders and money are those of the customer in the middle of the group. “Found again”: how much the "
        "group has in common with its like when customers are drawn anew."
    )
    caption = _("Groups found by days, orders and money together")
    if found.refusal:
        caption = _("The clearest cut all the same: it lasts, but parts what belongs together")
    return table(shown, fields, caption, foot)


def _against(found: Clusters) -> str:
    if found.against is None:
        return ""
    told = found.against.follows
    facts = {"share": percent(told.value), "interval": interval(told.low, told.high, percent, told.n)}
    facts["rand"] = number(found.against.rand, 2)
    if not found.against.adds:
        return _(
            "**They add little to the simple grades**: the group of {share} of the customers follows from their "
            "three grades ({interval}; {limit} or more counts as all). With the named segments they agree to "
            "{rand} (adjusted Rand index, 1 is the same). Work with the segments: their rules can be read."
        ).format(limit=percent(FOLLOWS_FROM), **facts)
    return _(
        "**They add something to the simple grades**: only {share} of the customers are in the group that their "
        "three grades suggest ({interval}). With the named segments they agree to {rand} (adjusted Rand index, "
        "1 is the same)."
    ).format(**facts)


def _before(found: Clusters) -> str:
    if not found.has_before:
        return ""
    far = int((found.groups["moved"] > MOVED_FAR).sum())
    fresh = int(found.groups["moved"].isna().sum())
    said = [_("Groups keep the numbers they had in the last report.")]
    if far:
        said.append(
            ngettext("{n} group has moved since.", "{n} groups have moved since.", far).format(n=number(far))
        )
    if fresh:
        said.append(ngettext("{n} group is new.", "{n} groups are new.", fresh).format(n=number(fresh)))
    return " ".join(said)


def _refused(found: Clusters) -> str:
    """Why there are no groups, in numbers, and what serves instead."""
    best = found.best
    reason = {
        "few": _("There are {n} customers, and fewer than {least} are too few to look for groups."),
        "alike": _("All customers are alike in days, orders and money, so there is nothing to group them by."),
        SMALL: _("However the customers are cut, one group holds fewer than {smallest} of them."),
        UNSTABLE: _(
            "The clearest way to cut the customers makes {k} groups, but they don't last: when customers are "
            "drawn anew, one of them keeps only {jaccard} of its customers on average, and {limit} is asked for."
        ),
        NO_GROUPS: _(
            "The clearest way to cut the customers makes {k} groups, but they are hardly clearer (silhouette "
            "{silhouette}) than the groups that any such crowd would make; {reference} is asked for."
        ),
    }[found.refusal]
    facts = {
        "n": number(found.n_customers),
        "least": number(FEWEST_CUSTOMERS),
        "smallest": percent(SMALLEST_SHARE),
        "limit": percent(STABLE_FROM),
    }
    if best is not None:
        facts |= {
            "k": number(best["k"]),
            "jaccard": percent(best["lowest_jaccard"]),
            "silhouette": number(best["silhouette"], 2),
            "reference": number(best["to_beat"], 2),
        }
    said = _("**No groups are shown: these customers shade into one another.**")
    if found.refusal in ("few", "alike"):
        said = _("**No groups are shown.**")
    return f"{said} {reason.format(**facts)} " + _("The named segments are the better tool.")


def _fold(found: Clusters) -> Part:
    cut = together(_groups(found), sentence(_against(found))) if found.refusal and len(found.groups) else Part()
    parts = [p for p in (cut, _trials(found), _beside_segments(found), sentence(*_remarks(found))) if p.html]
    if not parts:
        return Part()
    return render("rows", summary=_("How the number of groups was chosen"), warn=False, parts=parts)


def _trials(found: Clusters) -> Part:
    if found.trials.empty:
        return Part()
    words = {
        PASSES: _("holds"),
        SMALL: _("a group is too small"),
        UNSTABLE: _("does not last"),
        NO_GROUPS: _("hardly clearer than any crowd"),
        NOT_TESTED: _("not among the two clearest"),
    }
    chosen = found.trials["k"] == found.k
    verdict = found.trials["verdict"].map(words).mask(chosen, _("✓ taken"))
    fields = [
        Field("k", _("Groups"), number),
        Field("silhouette", _("Silhouette"), lambda x: number(x, 3)),
        Field("to_beat", _("Asked for"), lambda x: number(x, 3)),
        Field("smallest_share", _("Smallest"), lambda x: percent(x, 1)),
        Field("lowest_jaccard", _("Weakest found again"), percent),
        Field("rand", _("Same pairs (Rand)"), lambda x: number(x, 2)),
        Field("bic", _("BIC of a mixture"), number),
        Field("verdict", _("Verdict")),
    ]
    foot = _(
        "“Asked for”: the highest silhouette of the same cut in {n} draws of invented customers, and at least "
        "{margin} above their mean. Their days, orders and money are spread and related as here, without groups."
    ).format(n=number(N_REFERENCES), margin=number(CLEARER_BY, 2))
    return table(found.trials.assign(verdict=verdict), fields, _("Every number of groups tried"), foot)


def _beside_segments(found: Clusters) -> Part:
    if found.against is None:
        return Part()
    words, named = names.segments(), cluster_names(found)
    counts = found.against.table
    shown = counts.T.reindex([s for s in words if s in counts.columns])
    frame = pd.DataFrame({f"c{c}": shown[c] for c in shown.columns}).assign(
        segment=[words[s].name for s in shown.index]
    )
    heads = [Field(f"c{c}", named[str(c)].split(":")[0], number) for c in shown.columns]
    fields = [Field("segment", _("Segment")), *heads]
    foot = "; ".join(named[str(c)] for c in shown.columns)
    return table(frame, fields, _("Customers per segment (rows) and group (columns)"), foot)


def _remarks(found: Clusters) -> list[str]:
    said = []
    if found.left_out:
        words = names.dimensions()
        letters = {"days_since_last": "r", "n_orders": "f", "amount": "m"}
        listed = ", ".join(words[letters[m]] for m in found.left_out)
        said.append(_("The same for everyone, so left out: {list}.").format(list=listed))
    if found.n_below_zero:
        said.append(
            ngettext(
                "{n} customer was paid back more than was paid and counts here as having paid nothing.",
                "{n} customers were paid back more than they paid and count here as having paid nothing.",
                found.n_below_zero,
            ).format(n=number(found.n_below_zero))
        )
    if found.n_fitted and found.n_fitted < found.n_customers:
        said.append(
            _("Groups were sought among {n} of {all} customers, drawn by their ids; then everyone was put in one.")
            .format(n=number(found.n_fitted), all=number(found.n_customers))
        )  # fmt: skip
    if found.mixture_k is not None:
        mixture = _("A mixture of normal distributions would take {k} by BIC").format(k=number(found.mixture_k))
        if found.mixture_rand is not None:
            mixture = _(
                "{mixture}; with as many groups as here it agrees with them to {rand} (adjusted Rand)"
            ).format(mixture=mixture, rand=number(found.mixture_rand, 2))
        said.append(f"{mixture}.")
    return said
