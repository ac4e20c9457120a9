"""What customers did after they answered, said without a cause."""

from __future__ import annotations

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.analysis.satisfaction import measure as why
from crm_lib.analysis.satisfaction.later import Later
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.satisfaction import wording
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import interval, money, number, percent


def later(said: Voices, found: Evidence) -> Part:
    """Who bought again after the first answer: content customers beside the others, raw and among like ones."""
    watched = found.later
    if not watched:
        return sentence(_refused(said, watched))
    return together(_picture(watched), sentence(*_sentences(watched)), note(_not_a_cause()))


def _refused(said: Voices, watched: Later) -> str:
    if watched.why == why.FEW:
        text = _("Too few customers answered at least {days} days ago: each side needs {n}.")
        return text.format(days=number(watched.lag_days), n=number(said.limits.compare_from))
    return _("This needs purchases of customers whose answers are known; this source has none.")


def clear(found: Measure) -> bool:
    """Whether the interval lies on one side of nought."""
    return bool(found) and found.low is not None and (found.low > 0 or found.high < 0)


def _title(watched: Later) -> str:
    alike = watched.alike if watched.alike else watched.difference
    if not clear(alike):
        return _("Content customers bought again about as often")
    if alike.value > 0:
        return _("Content customers bought again more often")
    return _("Content customers bought again less often")


def _picture(watched: Later) -> Part:
    shown = watched.groups.assign(
        who=[_("content") if c else _("not content") for c in watched.groups.content],
        range_text=wording.ranges(watched.groups, "bought", percent),
        spent_range=wording.ranges(watched.groups, "spent", money),
    )
    labels = Labels(
        _title(watched),
        _("Share with an order in the {days} days after their first answer; lines: {level} interval").format(
            days=number(watched.lag_days), level=wording.level()
        ),
        "; ".join(
            _("{who}: {share}").format(who=w, share=percent(s))
            for w, s in zip(shown.who, shown.bought, strict=True)
        ),
    )
    fields = [
        Field("who", _("Customers")),
        Field("n", _("How many"), number),
        Field("bought", _("Bought again"), percent),
        Field("range_text", wording.interval_head(), str),
        Field("spent", _("Spent, mean"), money),
        Field("spent_range", wording.interval_head(), str),
    ]
    numbers = table(shown, fields, _("In the {days} days after the answer").format(days=number(watched.lag_days)))
    return bars(
        shown, "who", "bought", labels, percent,
        low="bought_low", high="bought_high", highlight=shown.who.iloc[0], sideways=True, numbers=numbers,
    )  # fmt: skip


def _sentences(watched: Later) -> list[str]:
    raw, alike, spent = watched.difference, watched.alike, watched.spent_difference
    content, others = (watched.groups.iloc[i] for i in (0, 1))
    texts = [
        _(
            "{content} of content customers bought again, {others} of the others: {difference} ({interval})."
        ).format(
            content=percent(content.bought),
            others=percent(others.bought),
            difference=wording.share_gap(raw.value),
            interval=interval(raw.low, raw.high, wording.share_gap, watched.n),
        )
    ]
    silent = _("Without any order in that time were {content} of them and {others} of the others.")
    texts[0] += " " + silent.format(content=percent(1 - content.bought), others=percent(1 - others.bought))
    if alike and alike.low is not None:
        texts.append(
            _("Among customers with as many orders before, the difference is {difference} ({interval}).").format(
                difference=wording.share_gap(alike.value),
                interval=interval(alike.low, alike.high, wording.share_gap),
            )
        )
    if spent.low is not None:
        more = _("Content customers spent {difference} more per head in that time ({interval}).")
        less = _("Content customers spent {difference} less per head in that time ({interval}).")
        text = more if spent.value >= 0 else less
        low, high = (spent.low, spent.high) if spent.value >= 0 else (-spent.high, -spent.low)
        texts.append(text.format(difference=money(abs(spent.value)), interval=interval(low, high, money)))
    return texts


def _not_a_cause() -> str:
    return _(
        "This says what came after what, not why: customers who like the company may have bought more all along. "
        "Only a trial with a hold-out could tell what mending brings."
    )
