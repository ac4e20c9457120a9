"""What stands behind the forecast: models side by side, parameters, another program, calibration."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from crm_lib.analysis.btyd import compare
from crm_lib.analysis.clv import Forecast
from crm_lib.analysis.clv.value import Fitted
from crm_lib.analysis.spend import MOST_CORRELATED, MOST_EXPLAINED, Spend
from crm_lib.show.clv.said import about, model_name
from crm_lib.show.parts import Part, render, sentence
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import between, day, ngettext, number, percent
from crm_lib.theme.words import gettext as _

# From this difference of AIC on one model is called better.
CLEARLY_BETTER = 10


def behind(forecast: Forecast) -> Part:
    """For who wants to look deeper, in a fold."""
    parts = [models(forecast), fitted(forecast), peer(forecast), chances(forecast)]
    return render(
        "rows",
        summary=_("Behind it: models compared, parameters, another program, calibration"),
        warn=False,
        parts=[p for p in parts if p.html],
    )


def models(forecast: Forecast) -> Part:
    """The purchase models beside each other: how well they fit, what they expect, what they said in the test."""
    fit, test = forecast.outlook.fitted, forecast.holdout
    now = {m.kind: m for m in (fit.model, fit.churn, *fit.beside)}
    then = {m.kind: m for m in (test.fitted.model, test.fitted.churn, *test.fitted.beside)} if test else {}
    rows = pd.DataFrame(
        [
            {
                "model": model_name(m.kind),
                "likelihood": m.log_likelihood,
                "aic": above,
                "bic": m.bic - min(other.bic for other in now.values()),
                "orders": fit.total_orders(m, forecast.options.horizon_days),
                "test": test.fitted.total_orders(then[m.kind], test.days) if m.kind in then else None,
            }
            for m, above in compare(list(now.values()))
        ]
    )
    fields = [
        Field("model", _("Model")),
        Field("likelihood", _("Log-likelihood"), lambda x: number(x, 1)),
        Field("aic", _("AIC above best"), lambda x: number(x, 1)),
        Field("bic", _("BIC above best"), lambda x: number(x, 1)),
        Field("orders", _("Orders expected"), number),
    ]
    foot = ""
    if test:
        fields.append(Field("test", _("Expected in the test"), number))
        foot = _("In the test {seen} orders came.").format(seen=number(test.seen_orders))
    return table(rows, fields, _("Purchase models on the same customers"), foot)


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
    """Parameters of all models with 90 % intervals, as fitted for the headline and for the test."""
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
    caption = _("What was fitted, for the figures above and for the test (time in weeks; 90 % intervals)")
    return table(rows, fields, caption)


def _column(fit: Fitted) -> dict[str, str]:
    said = {}
    for model in (fit.model, fit.churn):
        said |= _parameters(model)
    spend = fit.spend
    if spend.p is not None:
        for letter in ("p", "q", "v"):
            said[_("Gamma-Gamma {letter}").format(letter=letter)] = number(getattr(spend, letter), 2)
    said[_("Mean spend per repeat order")] = about(spend.population_mean)
    return said


def _parameters(model) -> dict[str, str]:
    said, shown = {}, {"nbd": 2, "constant": 2}.get(model.kind, 4)
    for letter, found in list(model.intervals._asdict().items())[:shown]:
        what = _("{model} {letter}").format(model=model_name(model.kind), letter=letter)
        said[what] = _("{value} ({range})").format(
            value=number(found.value, 3), range=between(found.low, found.high, lambda x: number(x, 3))
        )
        if letter in model.loose:
            said[what] = _("not settled by the data")
    leave = model.leave_share
    what = _("{model} mean chance to leave after an order").format(model=model_name(model.kind))
    said[what] = _("{value} ({range})").format(
        value=percent(leave.value, 1), range=between(leave.low, leave.high, lambda x: percent(x, 1))
    )
    return said


def remarks(forecast: Forecast) -> Iterator[str]:
    """What a reader should know of the models, one sentence each."""
    fit = forecast.outlook.fitted
    yield from _of_model(fit)
    yield from _of_spend(fit.spend)
    if forecast.outlook.n_simulated < forecast.n_customers:
        yield _(
            "Ranges were simulated for {n} customers, evenly spaced by value; others take theirs from the "
            "customers most like them."
        ).format(n=number(forecast.outlook.n_simulated))


def _of_model(fit: Fitted) -> Iterator[str]:
    model = fit.model
    if model.kind == "nbd":
        yield _(
            "**Simpler model:** nobody seems ever to leave, so the chance to leave can't be told. The NBD model, "
            "in which all customers stay, stands in."
        )
    elif model.kind == "constant":
        yield _(
            "**Simpler model:** the data don't tell how the chance to leave differs between customers. One chance "
            "for all, {share} after each order, stands in."
        ).format(share=percent(model.leave_share.value, 1))
    if model.flat:
        yield _(
            "The data don't settle {names} of the purchase model: totals and chances hold, these parameters don't."
        ).format(names=", ".join(model.loose))
    best, _above = min(compare([model, fit.churn]), key=lambda pair: pair[1])
    if best is not model and best.aic < model.aic - CLEARLY_BETTER:
        yield _(
            "The {other} fits these customers better than the {used} (AIC lower by {by}); the two forecasts stand "
            "side by side in the fold below."
        ).format(other=model_name(best.kind), used=model_name(model.kind), by=number(model.aic - best.aic))


def _of_spend(spend: Spend) -> Iterator[str]:
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
    found = spend.dependence
    if found is None:
        return
    said = _(
        "The spend model assumes that who buys more often does not spend more per order. Here: Pearson {pearson}, "
        "rank correlation {spearman}, share of variance explained {explained}; it bears {limit} and {share}."
    )
    if found.is_strong:
        said = _(
            "**Care:** who buys more often spends differently per order (Pearson {pearson}, rank correlation "
            "{spearman}, share of variance explained {explained}; the spend model bears {limit} and {share}). So "
            "each band of order numbers is drawn towards a mean of its own, not that of all."
        )
    yield said.format(
        pearson=number(found.pearson, 2),
        spearman=number(found.spearman, 2),
        explained=percent(found.explained_share, 1),
        limit=number(MOST_CORRELATED, 2),
        share=percent(MOST_EXPLAINED),
    )
