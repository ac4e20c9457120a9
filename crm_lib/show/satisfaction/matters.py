"""What goes with contentment: importance against performance, and the figures behind it."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.analysis.satisfaction import drivers as why
from crm_lib.analysis.satisfaction.drivers import Drivers
from crm_lib.show.charts import Labels
from crm_lib.show.parts import Part, fold, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.satisfaction.pictures import quadrants
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, interval, name, ngettext, number, percent
from crm_lib.theme.words import gettext as _

ENTANGLED = 5  # customary bound of variance inflation


def matters(said: Voices, found: Evidence) -> Part:
    """Aspects by how much goes with them and how well they do; what matters and falls short stands top left."""
    if not found.drivers:
        return sentence(_refused(said, found.drivers))
    ranked = found.drivers.table.assign(place=range(1, len(found.drivers.table) + 1))
    return together(
        _picture(said, found.drivers, ranked),
        _key(ranked),
        sentence(" ".join(t for t in _sentences(found.drivers) if t), _left_out(found.drivers)),
        fold(_("Other measures of importance"), _depth(ranked)),
    )


def _refused(said: Voices, found: Drivers) -> str:
    few = _("{n} answers hold both contentment and every aspect: too few to tell what matters. {need} are needed.")
    need = max(said.limits.compare_from, 2 * why.PER_DRIVER)
    return {
        why.NO_ASPECTS: _("Fewer than two aspects were asked of most people, so what matters can't be told."),
        why.NO_OUTCOME: _(
            "Nobody was asked how content they are on a declared scale, so what matters can't be told."
        ),
        why.TOO_MANY: _(
            "More than 12 aspects: name in crm.toml which of them to hold against contentment (drivers)."
        ),
        why.ALIKE: _("Contentment does not go with any aspect at all in these answers."),
        why.FEW: few.format(n=number(found.n), need=number(need)),
    }[found.why]


def mend_first(found: Drivers) -> pd.DataFrame:
    """Aspects that score clearly below the others and matter at least as much as an equal share."""
    if not found:
        return found.table
    return found.weak[found.weak.shapley_high >= found.equal_share]


def _title(found: Drivers) -> str:
    if len(found.leading):
        return _("{aspect} matters most").format(aspect=name(found.leading.aspect.iloc[0], most=30))
    if not (found.table.apart != 0).any():
        return _("All aspects matter about equally")
    return _("No aspect clearly matters more than the rest")


def _picture(said: Voices, found: Drivers, ranked: pd.DataFrame) -> Part:
    labels = Labels(
        _title(found),
        _(
            "Up: share of what goes with “{outcome}”; right: mean answer. Lines: equal share, mean of all. "
            "Crosses: {level} intervals"
        ).format(outcome=wording.question_name(found.outcome), level=wording.level()),
        _("Importance and mean answer: {values}.").format(
            values="; ".join(
                _("{aspect} {share} and {score}").format(
                    aspect=name(r.aspect), share=percent(r.shapley), score=wording.score(r.performance)
                )
                for r in ranked.itertuples()
            )
        ),
    )
    corners = (_("matters, does less well"), _("matters, does well"))
    return quadrants(ranked, labels, corners, found.equal_share)


def _key(ranked: pd.DataFrame) -> Part:
    shown = ranked.assign(
        range_text=wording.ranges(ranked, "shapley", percent),
        mean_range=wording.ranges(ranked, "performance", lambda x: number(x, 2)),
    )
    fields = [
        Field("aspect", _("Aspect")),
        Field("place", _("No."), number),
        Field("shapley", _("Importance"), percent),
        Field("range_text", wording.interval_head(), str),
        Field("performance", _("Mean answer"), lambda x: number(x, 2)),
        Field("mean_range", wording.interval_head(), str),
    ]
    return table(shown, fields, _("Aspects of the picture, most important first"))


def _sentences(found: Drivers) -> list[str]:
    texts = [
        _("Together the aspects account for {share} of the differences in “{outcome}” ({interval}).").format(
            share=percent(found.explained.value),
            outcome=wording.question_name(found.outcome),
            interval=interval(found.explained.low, found.explained.high, percent, found.explained.n),
        )
    ]
    if not (found.table.apart != 0).any():
        texts.append(_("No aspect is shown to matter more than an equal share of {share}.").format(
            share=percent(found.equal_share)
        ))  # fmt: skip
    first = mend_first(found)
    if len(first):
        text = _("**{aspect}** scores below the others and matters no less: mending it comes first.")
        texts.append(text.format(aspect=name(first.aspect.iloc[0])))
    return [*texts, _("What goes with contentment need not bring it about.")]


def _left_out(found: Drivers) -> str:
    parts = []
    if found.n_incomplete:
        text = ngettext(
            "{n} answer lacks an aspect and is left out here.",
            "{n} answers lack an aspect and are left out here.",
            found.n_incomplete,
        )
        parts.append(text.format(n=number(found.n_incomplete)))
    if found.left_out:
        text = _("Asked of too few: {list}.")
        parts.append(text.format(list=", ".join(name(a) for a in found.left_out)))
    return " ".join(parts)


def _depth(ranked: pd.DataFrame) -> Part:
    shown = ranked.assign(
        relative_range=wording.ranges(ranked, "relative", percent),
        correlation_range=[
            between(a, b, wording.ratio)
            for a, b in zip(ranked.correlation_low, ranked.correlation_high, strict=True)
        ],
    )
    fields = [
        Field("aspect", _("Aspect")),
        Field("shapley", _("Shapley"), percent),
        Field("relative", _("Relative weight"), percent),
        Field("relative_range", wording.interval_head(), str),
        Field("correlation", _("Correlation"), wording.ratio),
        Field("correlation_range", wording.interval_head(), str),
        Field("vif", _("Inflation"), wording.score),
    ]
    foot = _(
        "Shapley: what the aspect adds to R², averaged over all orders (LMG). Relative weight: Johnson 2000. "
        "Inflation (VIF) above {bound}: other aspects say nearly the same, so shares between them are unsure."
    ).format(bound=number(ENTANGLED))
    return table(shown, fields, _("Importance by other measures"), foot)
