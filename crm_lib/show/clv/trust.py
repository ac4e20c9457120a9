"""How far to trust the forecast: unseen weeks, the simplest rules, the layers of the range, other models."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.clv import Forecast, HoldOut
from crm_lib.analysis.clv.judgement import Contest
from crm_lib.show.charts import Labels, lines
from crm_lib.show.clv.models import behind, remarks
from crm_lib.show.clv.said import NO_MISS, about, miss_in_words, more_or_less, verdict, why_no_model, why_no_test
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import day, ngettext, number, percent, signed
from crm_lib.theme.words import gettext as _


def trust(forecast: Forecast) -> Part:
    """All evidence on the forecast; where there is none, why."""
    if forecast.outlook is None:
        return note(why_no_model(forecast))
    return together(
        tracking(forecast),
        _told(forecast),
        rules(forecast),
        layers(forecast),
        sentence(*remarks(forecast)),
        behind(forecast),
    )


def tracking(forecast: Forecast) -> Part:
    """Repeat orders so far, seen and forecast; empty without a test."""
    test = forecast.holdout
    if test is None:
        return Part()
    subtitle = _("Repeat orders by week since {first}, cumulated, several on one day counted once").format(
        first=day(forecast.first_on)
    )
    alt = _(
        "Two rising lines from week 1 to week {last}: {seen} repeat orders seen in the end, {forecast} forecast. "
        "The forecast begins at week {begins}."
    ).format(
        last=number(test.tracking["week"].iloc[-1]),
        seen=number(test.seen_so_far),
        forecast=number(test.forecast_so_far),
        begins=number(_cut_week(forecast, test)),
    )
    fields = [
        Field("week", _("Week"), lambda week: number(week, 0 if week == int(week) else 1)),
        Field("seen", _("Seen"), number),
        Field("forecast", _("Forecast"), number),
    ]
    return lines(
        test.tracking,
        "week",
        {"seen": _("seen"), "forecast": _("forecast")},
        Labels(_tracking_title(test), subtitle, alt),
        number,
        mark=(_cut_week(forecast, test), _("forecast begins")),
        numbers=table(test.tracking, fields, _("Repeat orders so far, week by week")),
    )


def _cut_week(forecast: Forecast, test: HoldOut) -> float:
    return (test.cut_on - forecast.first_on).days / 7


def _tracking_title(test: HoldOut) -> str:
    off = test.forecast_so_far / test.seen_so_far - 1 if test.seen_so_far else 0.0
    said = _("After {weeks} unseen weeks the forecast is right")
    if off < -NO_MISS:
        said = _("After {weeks} unseen weeks the forecast is {share} low")
    elif off > NO_MISS:
        said = _("After {weeks} unseen weeks the forecast is {share} high")
    return said.format(weeks=number(test.weeks), share=percent(abs(off)))


def _told(forecast: Forecast) -> Part:
    """What the test said: a plain sentence where it held, else a warning."""
    return (sentence if verdict(forecast).tone == "good" else note)(_test_note(forecast))


def _test_note(forecast: Forecast) -> str:
    test = forecast.holdout
    if test is None:
        return why_no_test(forecast)
    money = _("In money: {expected} expected, {seen} came, {miss}.").format(
        expected=about(test.expected_amount), seen=about(test.seen_amount), miss=more_or_less(test.amount_miss)
    )
    return " ".join([miss_in_words(forecast), money])


def rules(forecast: Forecast) -> Part:
    """The model beside the simplest rules, on the unseen weeks, and which won; empty without a test."""
    test = forecast.holdout
    if test is None:
        return Part()
    rows = pd.DataFrame([_contest(c) for c in test.contests])
    fields = [
        Field("question", _("Question")),
        Field("model", _("Model"), str),
        Field("rule", _("Simple rule"), str),
        Field("which", _("The rule")),
        Field("won", _("Which won")),
    ]
    caption = _("The model beside the simplest rules, on {weeks} unseen weeks").format(weeks=number(test.weeks))
    foot = _(
        "AUC: chance that one who buys is ranked above one who doesn't; 0.5 is a coin. Brier: mean squared error "
        "of the chance. The range of single customers (90 %) held for {covered} of them."
    ).format(covered=percent(test.covered_share, 1))
    return together(table(rows, fields, caption, foot), sentence(_who_won(test)))


def _contest(contest: Contest) -> dict[str, str]:
    questions = {
        "total": _("Orders in all, off by"),
        "orders_error": _("Orders per customer, mean error"),
        "top_tenth": _("Share of orders by the tenth ranked first"),
        "chance": _("Chance to buy (Brier)"),
        "buys_again": _("Who buys again (AUC of P(buy))"),
        "is_there": _("Who is still there (AUC of P(alive))"),
    }
    rules = {
        "same_rate": _("each goes on at the same rate"),
        "mean": _("all at the mean rate"),
        "base": _("the true share for everybody"),
        "days_since_last": _("days since last order"),
        "orders_so_far": _("orders so far"),
    }

    def form(x: float) -> str:
        return percent(x) if contest.question in ("total", "top_tenth") else number(x, 3)

    return {
        "question": questions[contest.question],
        "model": form(contest.model),
        "rule": form(contest.rule),
        "which": rules[contest.rule_name],
        "won": _("the model") if contest.model_won else _("the rule"),
    }


def _who_won(test: HoldOut) -> str:
    won = sum(c.model_won for c in test.contests)
    said = ngettext(
        "The model won {won} of {n} contest.", "The model won {won} of {n} contests.", len(test.contests)
    ).format(won=number(won), n=number(len(test.contests)))
    again = test.contest("buys_again")
    if again and not again.model_won:
        said += " " + _(
            "To find who buys again, **rank by days since the last order**; for amounts use the model."
        )
    there = test.contest("is_there")
    if again and there and again.model > there.model:
        said += " " + _("For ranking customers P(buy) is the better guide than P(alive).")
    return said


def layers(forecast: Forecast) -> Part:
    """What the ranges are made of: chance, the fit, and the model being wrong; empty without a test."""
    if forecast.orders_range is None:
        return Part()
    orders, value = forecast.orders_range, forecast.value_range
    misfit = ngettext(
        "Misfit: the model being wrong, from {n} test",
        "Misfit: the model being wrong, from {n} tests",
        orders.n_origins,
    ).format(n=number(orders.n_origins))
    rows = [
        (_("Chance: what each customer happens to do"), orders.process, value.process),
        (_("Fit: parameters known only so well"), orders.parameters, value.parameters),
        (misfit, orders.misfit, value.misfit),
    ]
    frame = pd.DataFrame(rows, columns=["layer", "orders", "value"])
    fields = [
        Field("layer", _("Layer")),
        Field("orders", _("Orders ±"), lambda x: percent(x, 1)),
        Field("value", _("Value ±"), lambda x: percent(x, 1)),
    ]
    caption = _("What the ranges are made of (one standard deviation)")
    return together(table(frame, fields, caption, _layers_foot(forecast)), _origins(forecast))


def _layers_foot(forecast: Forecast) -> str:
    orders = forecast.orders_range
    if orders.has_level:
        said = _(
            "{n} hold-outs of {weeks} weeks that don't overlap, each fitted to what was known then. The 90 % "
            "ranges above hold all three layers."
        ).format(n=number(orders.n_origins), weeks=number(forecast.options.holdout_weeks))
        if not orders.misfit:
            said += " " + _("A misfit of 0: the tests strayed no further than chance and fit allow.")
        return said
    return ngettext(
        "The data have room for {n} hold-out only; a misfit needs five. The ranges above hold two layers, and "
        "their stretched end reaches as far as the largest miss: a range, not 90 %.",
        "The data have room for {n} hold-outs only; a misfit needs five. The ranges above hold two layers, and "
        "their stretched ends reach as far as the largest misses: a range, not 90 %.",
        orders.n_origins,
    ).format(n=number(orders.n_origins))


def _origins(forecast: Forecast) -> Part:
    if len(forecast.origins) < 2:
        return Part()
    rows = pd.DataFrame(
        [
            {
                "cut": o.cut_on,
                "said": o.expected_orders,
                "came": o.seen_orders,
                "miss": o.miss - 1,
                "money": o.amount_miss - 1,
            }
            for o in forecast.origins
        ]
    )
    fields = [
        Field("cut", _("Fitted up to"), day),
        Field("said", _("Orders expected"), number),
        Field("came", _("Came"), number),
        Field("miss", _("Orders off"), lambda x: signed(x, percent)),
        Field("money", _("Money off"), lambda x: signed(x, percent)),
    ]
    return table(rows, fields, _("The same forecast made at earlier dates"))
