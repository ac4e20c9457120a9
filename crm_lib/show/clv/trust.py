"""How far to trust the forecast: unseen weeks, the simplest rules, another program, and what print says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import pandas as pd

from crm_lib.analysis.clv import Forecast, HoldOut, published
from crm_lib.analysis.clv.holdout import Contest
from crm_lib.contract.settings import PublishedFigure, Settings
from crm_lib.show.charts import Labels, lines
from crm_lib.show.clv.said import NO_MISS, about, miss_in_words, more_or_less, why_no_model, why_no_test
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.published import published_table
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import day, ngettext, number, percent
from crm_lib.theme.words import gettext as _

# From this rank correlation on, size and number of orders hang together too much for the spend model.
TOO_CORRELATED = 0.30
# A parameter whose standard error is this share of it, or more, says nothing.
UNSETTLED = 0.75


def trust(forecast: Forecast, settings: Settings) -> Part:
    """All evidence on the forecast; where there is none, why."""
    if forecast.outlook is None:
        return note(why_no_model(forecast))
    return together(
        tracking(forecast),
        note(_test_note(forecast)),
        in_print(forecast, settings.published),
        rules(forecast),
        chances(forecast),
        peer(forecast),
        fitted(forecast),
        sentence(*_remarks(forecast)),
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


def _test_note(forecast: Forecast) -> str:
    test = forecast.holdout
    if test is None:
        return why_no_test(forecast)
    money = _("In money: {expected} expected, {seen} came, {miss}.").format(
        expected=about(test.expected_amount), seen=about(test.seen_amount), miss=more_or_less(test.amount_miss)
    )
    few = _("One such test is too few for an honest interval: the ranges above are stretched by what it missed.")
    return " ".join([miss_in_words(forecast), money, few])


def in_print(forecast: Forecast, entries: Sequence[PublishedFigure]) -> Part:
    """Published numbers beside ours, where both stand on data up to the same day; else how to see them."""
    own = [e for e in entries if e.topic == "clv"]
    same = [e for e in own if e.up_to in ("", _fitted_up_to(forecast, e).isoformat())]
    if same or not own:
        return published_table(published(forecast), same, "clv")
    up_to = dt.date.fromisoformat(own[0].up_to)
    said = _("Numbers are in print for data up to {day}: hold back {weeks} weeks to see them beside these.")
    return sentence(said.format(day=day(up_to), weeks=number((forecast.as_of - up_to).days / 7)))


def _fitted_up_to(forecast: Forecast, entry: PublishedFigure) -> dt.date:
    """Last day of the data behind a figure: the test's, or the headline's."""
    tested = entry.figure.startswith(("holdout_", "spend_")) and not entry.figure.startswith("spend_now_")
    return forecast.holdout.cut_on if tested and forecast.holdout else forecast.as_of


def rules(forecast: Forecast) -> Part:
    """The model beside the simplest rule, on the unseen weeks; empty without a test."""
    test = forecast.holdout
    if test is None:
        return Part()
    rows = [
        _contest(_("Orders per customer, mean absolute error"), test.orders_error, _("same rate as before")),
    ]
    if test.bought_again:
        again = _("Who buys again, AUC")
        rows.append(_contest(again, test.bought_again, _("weeks since last order")))
    fields = [
        Field("question", _("Question")),
        Field("model", _("Model"), lambda x: number(x, 3)),
        Field("rule", _("Simple rule"), lambda x: number(x, 3)),
        Field("which", _("The rule")),
        Field("won", _("Which won")),
    ]
    caption = _("Model beside the simplest rule, {weeks} unseen weeks").format(weeks=number(test.weeks))
    foot = _("AUC: chance that one who buys is ranked above one who doesn't; 0.5 is a coin.")
    return table(pd.DataFrame(rows), fields, caption, foot)


def _contest(question: str, contest: Contest, rule: str) -> dict[str, object]:
    won = _("the model") if contest.model_won else _("the rule")
    if not contest.model_won and contest.more_is_better:
        won = _("the rule: rank by silence, value by model")
    return {"question": question, "model": contest.model, "rule": contest.rule, "which": rule, "won": won}


def chances(forecast: Forecast) -> Part:
    """P(buy) as said and as it came, by groups of customers; empty without a test."""
    test = forecast.holdout
    if test is None:
        return Part()
    fields = [
        Field("n_customers", _("Customers"), number),
        Field("said", _("Chance said"), percent),
        Field("came", _("Bought"), percent),
    ]
    caption = _("Did customers buy as often as said? By chance to buy in {weeks} weeks, highest first")
    return table(test.chances.iloc[::-1], fields, caption.format(weeks=number(test.weeks)))


def peer(forecast: Forecast) -> Part:
    """The same histories fitted by another program; a sentence where it failed."""
    p = forecast.peer
    if p is None:
        return sentence(_("The library lifetimes could not fit these histories: there is no second opinion."))
    orders = _("Orders expected in the unseen weeks") if forecast.holdout else _("Orders expected in the horizon")
    rows = pd.DataFrame(
        [
            {"what": _("Log-likelihood"), "ours": p.our_log_likelihood, "theirs": p.log_likelihood, "digits": 2},
            {"what": orders, "ours": p.our_expected_orders, "theirs": p.expected_orders, "digits": 0},
        ]
    )
    for column in ("ours", "theirs"):
        rows[column] = [number(v, d) for v, d in zip(rows[column], rows["digits"], strict=True)]
    fields = [
        Field("what", _("What")),
        Field("ours", _("Here"), str),
        Field("theirs", f"{p.name} {p.version}", str),
    ]
    caption = ngettext(
        "The same {n} history fitted by another program",
        "The same {n} histories fitted by another program",
        p.n_histories,
    )
    foot = _("A fixed sample of the histories, as there are many.") if p.is_sample else ""
    return table(rows, fields, caption.format(n=number(p.n_histories)), foot)


def fitted(forecast: Forecast) -> Part:
    """Parameters of both models, as fitted for the headline and for the test."""
    now = _column(forecast.outlook.fitted)
    rows = pd.DataFrame({"what": list(now), "now": list(now.values())})
    fields = [
        Field("what", _("What")),
        Field("now", _("Data up to {day}").format(day=day(forecast.as_of)), str),
    ]
    if forecast.holdout:
        then = _column(forecast.holdout.fitted)
        rows["then"] = [then.get(what, "") for what in rows["what"]]
        fields.append(Field("then", _("Data up to {day}").format(day=day(forecast.holdout.cut_on)), str))
    return table(rows, fields, _("What was fitted, for the figures above and for the test (time in weeks)"))


def _column(fit) -> dict[str, str]:
    model, errors, spend = fit.model, fit.model.standard_errors, fit.spend
    said = {}
    for letter, value, error in zip(model.parameters._fields, model.parameters, errors, strict=True):
        what = _("BG/NBD {letter} (± standard error)").format(letter=letter)
        settled = error < value * UNSETTLED
        said[what] = f"{number(value, 4)} ± {number(error, 4)}" if settled else _("not settled by the data")
    said[_("BG/NBD log-likelihood")] = number(model.log_likelihood, 1)
    if spend.p is not None:
        for letter in ("p", "q", "v"):
            said[_("Gamma-Gamma {letter}").format(letter=letter)] = number(getattr(spend, letter), 2)
    said[_("Mean spend per repeat order")] = about(spend.population_mean)
    return said


def _remarks(forecast: Forecast) -> Iterator[str]:
    model, spend = forecast.outlook.fitted.model, forecast.outlook.fitted.spend
    if model.flat:
        yield _(
            "The data don't settle every parameter of the purchase model: totals and chances hold, "
            "single parameters don't."
        )
    if spend.p is None:
        yield _(
            "Spend per order could not be modelled (fewer than 10 repeat buyers, or their spend is too even or "
            "too wild): each customer's own mean stands in, drawn towards the mean of all."
        )
    if spend.n_left_out:
        yield ngettext(
            "{n} customer, whose refunds eat up the repeat orders, is given the mean spend of all.",
            "{n} customers, whose refunds eat up their repeat orders, are given the mean spend of all.",
            spend.n_left_out,
        ).format(n=number(spend.n_left_out))
    if spend.rank_correlation is not None:
        yield _correlation(spend.rank_correlation)
    if forecast.outlook.n_simulated < forecast.n_customers:
        yield _(
            "Ranges were simulated for {n} customers, evenly spaced by value; others take theirs from the "
            "customers most like them."
        ).format(n=number(forecast.outlook.n_simulated))


def _correlation(rho: float) -> str:
    said = _(
        "The spend model assumes that who buys more often does not spend more per order. Rank correlation here: "
        "{rho}; up to {limit} that does little harm."
    )
    if abs(rho) >= TOO_CORRELATED:
        said = _(
            "**Care:** who buys more often spends differently per order (rank correlation {rho}; the spend model "
            "assumes none, and {limit} is the most it bears). Money of single customers may be off."
        )
    return said.format(rho=number(rho, 2), limit=number(TOO_CORRELATED, 2))
