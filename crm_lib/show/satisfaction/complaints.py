"""Voices from outside the survey: complaints and failures beside it, and how complaints are handled."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.satisfaction import Evidence, Voices
from crm_lib.analysis.satisfaction.by_aspect import changed
from crm_lib.analysis.satisfaction.handling import WINDOW_DAYS, Handling
from crm_lib.analysis.satisfaction.outside import Disagreement, Outside
from crm_lib.show.charts import Labels
from crm_lib.show.parts import Part, fold, note, sentence, together
from crm_lib.show.satisfaction import by_aspect, wording
from crm_lib.show.satisfaction.by_aspect import per_hundred
from crm_lib.show.satisfaction.pictures import line_with_range
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, interval, name, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def complaints(said: Voices, found: Evidence | None = None) -> Part:
    """Complaint and failure rates beside the survey, and what became of complaints; without purchases, counts."""
    if said.complaints.empty:
        return sentence(_("This source has no complaints or failures up to this date."))
    outside, handled = (found.outside, found.handling) if found else (None, None)
    parts = [by_aspect.counts(said)]
    if outside and len(outside.quarters):
        parts = [
            note(disagreement(outside)),
            _rates(outside),
            _together(outside),
            _failures(outside),
            by_aspect.rates(said, outside),
        ]
    return together(*parts, handling(handled) if handled else Part())


def disagreement(outside: Outside) -> str:
    """The plain note where the survey rose while complaints rose; empty where it did not."""
    judged = outside.judged
    if judged is not None and judged.disagrees:
        return _(
            "The survey rose from {before} to {after} in {quarter} while complaints rose from {rate_before} to "
            "{rate} per 100 customers. Take the survey's rise as not proven until you know why. Neither figure "
            "was changed."
        ).format(
            rate_before=per_hundred(judged.rate_before),
            rate=per_hundred(judged.rate_after),
            before=wording.FORMS[outside.survey](judged.survey_before),
            after=wording.FORMS[outside.survey](judged.survey_after),
            quarter=wording.quarter(judged.after),
        )
    apart = outside.aspects[outside.aspects.disagrees.astype(bool)] if len(outside.aspects) else outside.aspects
    if len(apart):
        text = _("Answers on {list} rose within a year while complaints about the same rose: they disagree.")
        return text.format(list=", ".join(name(a) for a in apart.aspect))
    return by_aspect.disagreement(outside)


def _agreement(judged: Disagreement | None) -> str:
    if judged is None or judged.disagrees:
        return ""
    return _("Complaints do not contradict the survey: it did not rise while they did.")


def _rates(outside: Outside) -> Part:
    quarters = outside.quarters.assign(label=[wording.quarter(p) for p in outside.quarters.period])
    last = quarters.iloc[-1]
    before = quarters.iloc[-2] if len(quarters) > 1 else None
    told = _(
        "In {quarter} {n} complaints came from {customers} customers who ordered: {rate} per 100 ({interval})."
    )
    text = told.format(
        quarter=last.label,
        n=number(last.complaints_n),
        customers=number(last.n_customers),
        rate=per_hundred(last.complaints),
        interval=interval(last.complaints_low, last.complaints_high, per_hundred),
    )
    spoken = sentence(text, _agreement(outside.judged))
    if before is None:
        return spoken
    labels = Labels(
        _title(before, last),
        _("Complaints per 100 customers with an order, by complete quarter; band: {level} interval").format(
            level=wording.level()
        ),
        _("Complaints per 100 customers from {first} in {first_quarter} to {last} in {last_quarter}.").format(
            first=per_hundred(quarters.complaints.iloc[0]),
            first_quarter=quarters.label.iloc[0],
            last=per_hundred(last.complaints),
            last_quarter=last.label,
        ),
    )
    return together(line_with_range(quarters, "complaints", labels, per_hundred, _numbers(quarters)), spoken)


def _together(outside: Outside) -> Part:
    """Correlation of survey and complaints by quarter, folded; nothing with few quarters."""
    if not outside.lags:
        return Part()
    lags = pd.DataFrame([{"lag": lag, **found.columns("rho")} for lag, found in outside.lags.items()])
    shown = lags.assign(range_text=wording.ranges(lags, "rho", wording.ratio))
    fields = [
        Field("lag", _("Complaints so many quarters later"), number),
        Field("rho", _("Rank correlation"), wording.ratio),
        Field("range_text", wording.interval_head(), str),
        Field("rho_n", _("Quarters"), number),
    ]
    title = _("Do survey and complaints move together?")
    return fold(title, table(shown, fields, title, _("Below nought: complaints fall as the survey rises.")))


def _title(before: pd.Series, last: pd.Series) -> str:
    words = {0: _("Complaints did not clearly change"), 1: _("Complaints rose"), -1: _("Complaints fell")}
    return words[changed(before, last)]


def _numbers(quarters: pd.DataFrame) -> Part:
    shown = quarters.assign(
        range_text=wording.ranges(quarters, "complaints", per_hundred),
        failure_range=wording.ranges(quarters, "failures", per_hundred),
    )
    fields = [
        Field("label", _("Quarter")),
        Field("complaints_n", _("Complaints"), number),
        Field("complaints", _("per 100 customers"), per_hundred),
        Field("range_text", wording.interval_head(), str),
        Field("failures_n", _("Failures"), number),
        Field("failures", _("per 100 units"), per_hundred),
        Field("failure_range", wording.interval_head(), str),
    ]
    return table(shown, fields, _("Complaints and failures by quarter"))


def _failures(outside: Outside) -> Part:
    """Products that fail most, where the source says which failed."""
    products = outside.products.head(10)
    if products.empty:
        return Part()
    bad = products[products.apart]
    worst = products.sort_values(["failures", "product_id"], ascending=[False, True]).iloc[0]
    text = _(
        "Highest is product {product} with {rate} failures per 100 sold ({interval}), not clearly above others."
    )
    if len(bad):
        worst = bad.sort_values(["failures", "product_id"], ascending=[False, True]).iloc[0]
        text = _("Product **{product}** fails more than the others: {rate} per 100 sold ({interval}).")
    told = text.format(
        product=name(worst.product_id),
        rate=per_hundred(worst.failures),
        interval=interval(worst.failures_low, worst.failures_high, per_hundred),
    )
    shown = products.assign(range_text=wording.ranges(products, "failures", per_hundred))
    fields = [
        Field("product_id", _("Product")),
        Field("failures_n", _("Failures"), number),
        Field("n_units", _("Sold"), number),
        Field("failures", _("per 100 sold"), per_hundred),
        Field("range_text", wording.interval_head(), str),
    ]
    return together(sentence(told), fold(_("Failures by product"), table(shown, fields, _("Failures by product"))))


def handling(handled: Handling) -> Part:
    """How long complaints stay open, who complains again, and how content people are afterwards."""
    kinds = handled.kinds.assign(
        name=[{"complaint": _("Complaints"), "failure": _("Failures")}[k] for k in handled.kinds.kind]
    )
    fields = [
        Field("name", _("What")),
        Field("n", _("Cases"), number),
        Field("n_open", _("Open"), number),
        Field("days", _("Days until closed, middle"), number),
        Field("range_text", wording.interval_head(), str),
        Field("within_7", _("within a week"), percent),
        Field("week_range", wording.interval_head(), str),
        Field("within_30", _("within 30 days"), percent),
    ]
    shown = kinds.assign(
        range_text=[between(a, b, number) for a, b in zip(kinds.days_low, kinds.days_high, strict=True)],
        week_range=wording.ranges(kinds, "within_7", percent),
    )
    foot = _("Open cases count as open so far (Kaplan–Meier), not as closed and not as left out.")
    return together(
        table(shown, fields, _("How long cases stay open"), foot),
        sentence(_again(handled), _after(handled), _backwards(handled)),
    )


def _again(handled: Handling) -> str:
    if not handled.repeats:
        return ""
    return _("{share} of customers who complained did so again within {days} days ({interval}).").format(
        share=percent(handled.repeats.value),
        days=number(WINDOW_DAYS),
        interval=interval(handled.repeats.low, handled.repeats.high, percent, handled.repeats.n),
    )


def _after(handled: Handling) -> str:
    after, others, apart = handled.after, handled.others, handled.difference
    if not after or not others:
        return ""
    values = {
        "after": percent(after.value),
        "n": number(after.n),
        "days": number(WINDOW_DAYS),
        "others": percent(others.value),
    }
    text = _("Of {n} answers within {days} days after a complaint {after} were content, of all others {others}")
    if not apart:
        return _("{text}: too few to compare.").format(text=text.format(**values))
    if apart.low <= 0 <= apart.high:
        return _("{text}: no clear difference.").format(text=text.format(**values))
    return _("{text}: a difference of {difference} ({interval}).").format(
        text=text.format(**values),
        difference=wording.share_gap(apart.value),
        interval=interval(apart.low, apart.high, wording.share_gap),
    )


def _backwards(handled: Handling) -> str:
    n = handled.n_backwards
    text = ngettext(
        "{n} case was closed before it was opened and is left out.",
        "{n} cases were closed before they were opened and are left out.",
        n,
    )
    return text.format(n=number(n)) if n else ""
