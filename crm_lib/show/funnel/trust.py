"""How far to trust the page: what the data lack, and whether the chances held."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crm_lib.analysis.funnel import Backtest, Findings, Pipeline
from crm_lib.contract.settings import PublishedFigure
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import clean, day, interval, money, name, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def trust(result: Pipeline, published: Sequence[PublishedFigure] = ()) -> Part:
    """Rows used, what the data lack, the test on past deals, and published figures beside ours."""
    figures = {f.name: f.value for f in result.publication.figures if f.value is not None}
    return together(
        sentence(_used(result), _strict(result)),
        *(note(text) for text in _warnings(result)),
        _unknown_products(result.findings),
        _backtest(result.backtest, result.horizon_days),
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
    if not rate or not result.stale.n:
        return ""
    text = _(
        "Win rate of closed deals: **{share}** ({bounds}); stuck deals counted as lost: **{strict}** ({also})."
    )
    return text.format(
        share=percent(rate.value, 1),
        bounds=interval(rate.low, rate.high, lambda x: percent(x, 1), n=rate.n),
        strict=percent(strict.value, 1),
        also=interval(strict.low, strict.high, lambda x: percent(x, 1), n=strict.n),
    )


def _warnings(result: Pipeline) -> list[str]:
    found, n_deals = result.findings, result.n_deals
    said = [_truncated(found), _history(result), _unlisted(found)]
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
    if found.n_closed_before_opened:
        text = _("{n} deals closed before they were opened: they count as won or lost, without a duration.")
        said.append(text.format(n=number(found.n_closed_before_opened)))
    return [text for text in said if text]


def _truncated(found: Findings) -> str:
    t = found.truncation
    if t is None:
        return ""
    text = _(
        "No deal closed before {closed}, though {n} were opened from {opened} on and about {expected} of them "
        "were due by then. Early closings are missing, so rates of that time can't be compared: deals opened "
        "before {closed} are left out of conversion and chances."
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


def _backtest(test: Backtest | None, horizon_days: int) -> Part:
    if test is None:
        text = _("The chances could not be tested: too few deals were open or closed {n} days ago.")
        return sentence(text.format(n=number(horizon_days)))
    model_won = test.error <= test.error_of_rule
    rows = pd.DataFrame(
        {
            "question": [_("Sales in {n} days").format(n=number(horizon_days)), _("Error per deal (Brier)")],
            "came": [number(test.n_won), None],
            "model": [number(test.expected), number(test.error, 3)],
            "rule": [number(test.expected_by_rule), number(test.error_of_rule, 3)],
            "winner": [
                _nearer(test),
                _("the model") if model_won else _("the rule"),
            ],
        }
    )
    fields = [
        Field("question", _("Question")),
        Field("came", _("Came"), str),
        Field("model", _("Model"), str),
        Field("rule", _("Simple rule"), str),
        Field("winner", _("Which won")),
    ]
    caption = _("Tested on the {n} deals open on {day}").format(n=number(test.n_open), day=day(test.cut_on))
    foot = _("Simple rule: every open deal is won with the win rate of closed deals, whatever its age.")
    return together(table(rows, fields, caption, foot), note(_miss(test)))


def _nearer(test: Backtest) -> str:
    near = abs(test.expected - test.n_won) <= abs(test.expected_by_rule - test.n_won)
    return _("the model") if near else _("the rule")


def _miss(test: Backtest) -> str:
    """What a miss of more than a tenth says of the weighted value today."""
    if not test.n_won or not test.expected or abs(test.expected / test.n_won - 1) < 0.1:
        return ""
    text = (
        _("Fewer sales came than the model expected. If it errs so again, the weighted value is {share} too high.")
        if test.expected > test.n_won
        else _(
            "More sales came than the model expected. If it errs so again, the weighted value is {share} too low."
        )
    )
    return text.format(share=percent(abs(test.expected / test.n_won - 1)))
