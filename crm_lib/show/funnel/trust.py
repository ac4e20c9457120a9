"""How far to trust the page: what the data lack, what happened on the way, and whether the forecast held."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis.funnel import Findings, Pipeline
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.funnel.tested import tested
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import clean, day, interval, money, name, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def trust(result: Pipeline, published: Sequence[PublishedFigure] = ()) -> Part:
    """Rows used, what the data lack, the test on past deals, and published figures beside ours."""
    figures = {f.name: f.value for f in result.publication.figures if f.value is not None}
    return together(
        sentence(_used(result), _strict(result)),
        tested(result.backtest, result.horizon_days),
        *(note(text) for text in (_truncated(result.findings), _history(result), _unlisted(result.findings))),
        note(" ".join(_lacking(result))),
        _unknown_products(result.findings),
        _audit(result),
        published_table(figures, published, "funnel"),
    )


def _used(result: Pipeline) -> str:
    text = _("{n} deals: {won} won, {lost} lost, {open} open on {day}.")
    return text.format(
        n=number(result.n_deals),
        won=number(result.n_won),
        lost=number(result.n_lost),
        open=number(result.n_open),
        day=day(result.as_of),
    )


def _strict(result: Pipeline) -> str:
    rate, strict = result.win_rate, result.strict_win_rate
    if not rate or not result.overdue.n_stuck:
        return ""
    text = _(
        "Win rate of closed deals: **{share}** ({bounds}); stuck and overdue deals counted as lost: **{strict}** "
        "({also})."
    )
    return text.format(
        share=percent(rate.value, 1),
        bounds=interval(rate.low, rate.high, lambda x: percent(x, 1), n=rate.n),
        strict=percent(strict.value, 1),
        also=interval(strict.low, strict.high, lambda x: percent(x, 1), n=strict.n),
    )


def _lacking(result: Pipeline) -> list[str]:
    found, n_deals, said = result.findings, result.n_deals, []
    if found.n_open_without_amount:
        text = _("{n} of {of} open deals carry no amount: each stands at the mean of won deals of its product.")
        said.append(text.format(n=number(found.n_open_without_amount), of=number(result.n_open)))
    if found.n_without_customer:
        text = _("{n} of {of} deals ({share}) name no customer.")
        share = percent(found.n_without_customer / n_deals)
        said.append(text.format(n=number(found.n_without_customer), of=number(n_deals), share=share))
    if found.n_without_opening:
        text = _("{n} deals have no opening day: they are counted, but have no age.")
        said.append(text.format(n=number(found.n_without_opening)))
    if found.n_without_stage:
        said.append(_("{n} open deals have no stage.").format(n=number(found.n_without_stage)))
    return said + _odd(found)


def _odd(found: Findings) -> list[str]:
    """Rows that contradict themselves, and what becomes of them."""
    texts = [
        (
            found.n_closed_before_opened,
            _("{n} deals closed before they were opened: they count as won or lost, without a duration."),
        ),
        (
            found.n_ended_without_day,
            _("{n} deals are won or lost without a day of closing: they count in the win rate, not over time."),
        ),
        (
            found.n_events_before_opening,
            _("{n} deals entered a stage before they were opened: their stay counts from the stage event on."),
        ),
    ]
    said = [text.format(n=number(n)) for n, text in texts if n]
    if found.unused_stages:
        text = _("No deal was ever in these stages of the settings: {stages}.")
        said.append(text.format(stages=", ".join(name(s) for s in found.unused_stages)))
    return said


def _audit(result: Pipeline) -> Part:
    """What did not go straight: counted, with what it is counted of."""
    found, late = result.findings, result.overdue
    rows = [
        (_("Stuck: longer in place than most won deals"), result.stale.n, result.stale.n_dated),
        (_("Overdue: past the expected day of closing"), late.n, late.n_dated),
        (
            _("Closed later than expected"),
            round((late.closed_late.value or 0) * late.closed_late.n),
            late.closed_late.n,
        ),
        (_("Moves that skipped a stage"), found.n_skips, found.n_moves),
        (_("Moves back to an earlier stage"), found.n_reversals, found.n_moves),
        (_("Stages entered after the close"), found.n_reopened, found.n_moves),
        (_("Closed before opened"), found.n_closed_before_opened, result.n_deals),
    ]
    frame = pd.DataFrame([row for row in rows if row[2]], columns=["what", "n", "of"])
    frame["share"] = frame["n"] / frame["of"]
    fields = [
        Field("what", _("What")),
        Field("n", _("Times"), number),
        Field("of", _("Of"), number),
        Field("share", _("Share"), lambda x: percent(x, 1)),
    ]
    return render(
        "rows",
        summary=_("What did not go straight, counted"),
        parts=(table(frame, fields, _("Audit")),),
        warn=False,
    )


def _truncated(found: Findings) -> str:
    t = found.truncation
    if t is None:
        return ""
    text = _(
        "No deal closed before {closed}, though {n} were opened from {opened} on and about {expected} of them "
        "were due by then. Early closings are missing, so rates of that time can't be compared: deals opened "
        "before {closed} are left out of conversions, and durations and chances count them from that day on only "
        "(left truncation)."
    )
    return text.format(
        closed=day(t.first_closed_on),
        opened=day(t.first_opened_on),
        n=number(t.n_opened_before),
        expected=number(t.n_expected),
    )


def _history(result: Pipeline) -> str:
    if result.has_history or not result.n_open:
        return ""
    return _(
        "Without a stage history every deal has the chance of its age, whatever its stage; a deal without an "
        "opening day has that of a new one. Early stages are therefore valued too high."
    )


def _unlisted(found: Findings) -> str:
    if found.unknown_stages.empty:
        return ""
    stages = ", ".join(name(s) for s in found.unknown_stages["stage"].head(5))
    n = int(found.unknown_stages["n"].sum())
    text = ngettext(
        "{n} entry is in a stage that the settings don't list: {stages}.",
        "{n} entries are in stages that the settings don't list: {stages}.",
        n,
    )
    return text.format(n=number(n), stages=stages)


def _unknown_products(found: Findings) -> Part:
    frame = found.unknown_products
    if frame.empty:
        return Part()
    shown = frame.head(10).assign(
        product=[clean(p) for p in frame["product"].head(10)],
        looks_like=[None if pd.isna(p) else clean(p) for p in frame["looks_like"].head(10)],
    )
    fields = [
        Field("product", _("Product of the deal")),
        Field("n", _("Deals"), number),
        Field("won_amount", _("Won"), money),
        Field("looks_like", _("Perhaps meant")),
    ]
    return table(shown, fields, _("Products that are not in the table of products"))
