"""Whom to call first, and whether such a list was right before."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.retention import Retention
from crm_lib.analysis.retention.warning import Test
from crm_lib.show.charts import Labels, lines
from crm_lib.show.parts import Part, note, sentence, together
from crm_lib.show.retention.headline import SHOWN
from crm_lib.show.retention.lifecycle import stage_names
from crm_lib.show.retention.said import about, why_nothing
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, day, name, ngettext, number, percent


def early_warning(result: Retention) -> Part:
    """The customers not yet churned with most value at risk, and how much of it each grade holds."""
    if result.reason or result.warning is None:
        return note(why_nothing(result) or _cannot())
    top = result.first(SHOWN)
    if top.empty:
        return sentence(_("Nobody is left to be called: every customer counts as churned."))
    return together(_list(result, top), sentence(_first(top.iloc[0])), _grades(result))


def _cannot() -> str:
    return _("Fewer than 10 customers have bought a second time, so a chance to buy again can't be worked out.")


def _list(result: Retention, top: pd.DataFrame) -> Part:
    names = stage_names()
    shown = top.assign(stage=[names[s].name for s in top["stage"]])
    fields = [
        Field("customer_id", _("Customer")),
        Field("at_risk_amount", _("At risk"), about),
        Field("p_silent", _("Chance of no order"), percent),
        Field("pace_amount", _("At the old pace"), about),
        Field("n_orders", _("Orders"), number),
        Field("days_since_last", _("Days silent"), number),
        Field("own_days", _("Own limit"), number),
        Field("stage", _("Stage"), str),
    ]
    caption = _("{shown} of {n} customers not yet churned, by sales at risk").format(
        shown=number(len(top)), n=number(result.n_listed)
    )
    foot = _(
        "At risk: what the customer would bring in {weeks} weeks at the old pace × chance of no order. Own "
        "limit: days within which 95 % of returning customers of this pace have ordered. Everybody is listed "
        "beside this page (retention/customers.parquet)."
    ).format(weeks=number(result.options.horizon_weeks))
    return table(shown, fields, caption, foot)


def _first(first: pd.Series) -> str:
    text = ngettext(
        "Customer {customer} has ordered {n} time, was last seen {days} days ago, and with a chance of {share} "
        "will not order: {amount} at risk.",
        "Customer {customer} has ordered {n} times, was last seen {days} days ago, and with a chance of {share} "
        "will not order: {amount} at risk.",
        int(first["n_orders"]),
    )
    return text.format(
        customer=name(first["customer_id"]),
        n=number(first["n_orders"]),
        days=number(first["days_since_last"]),
        share=percent(first["p_silent"]),
        amount=about(first["at_risk_amount"]),
    )


def _grades(result: Retention) -> Part:
    rows = result.by_grade[result.by_grade["n"] > 0]
    if len(rows) < 2:
        return Part()
    total = float(rows["at_risk_amount"].sum())
    shown = rows.assign(
        each=rows["at_risk_amount"] / rows["n"], share=rows["at_risk_amount"] / total if total > 0 else 0.0
    )
    fields = [
        Field("value_grade", _("Grade")),
        Field("at_risk_amount", _("At risk"), about),
        Field("share", _("Share"), percent),
        Field("each", _("Per customer"), about),
        Field("n", _("Customers"), number),
        Field("amount", _("Brought last year"), about),
    ]
    foot = _(
        "Grades of those not churned, by the money of the last year: A holds half of it, B up to 80 %, C up to "
        "95 %."
    )
    return table(shown, fields, _("Sales at risk by value grade"), foot)


def trust(result: Retention) -> Part:
    """Rows used, the list on weeks it had not seen, and the simple rules beside it."""
    if result.reason:
        return note(why_nothing(result))
    test = result.warning.test if result.warning else None
    if test is None:
        return together(sentence(_rows(result)), note(_no_test()))
    return together(
        _chances(result, test), sentence(_came_true(result, test)), _contests(test), sentence(_rows(result))
    )


def _no_test() -> str:
    return _("Too little was known so many weeks ago to make the list then: it has not been tested.")


def _rows(result: Retention) -> str:
    book = result.book
    text = _("{orders} orders of {customers} customers since {first} were used.").format(
        orders=number(book.n_orders), customers=number(book.n_customers), first=day(book.first_on)
    )
    if book.n_without_order:
        text += " " + ngettext(
            "{n} customer with refunds only is left out.",
            "{n} customers with refunds only are left out.",
            book.n_without_order,
        ).format(n=number(book.n_without_order))
    return text


def _chances(result: Retention, test: Test) -> Part:
    groups = test.chances.assign(group=range(1, len(test.chances) + 1))
    worst = (groups["said"] - groups["came"]).abs().max()
    title = _("Chances held within {points} points").format(points=number(100 * worst))
    subtitle = _(
        "Share who ordered in the {weeks} weeks after {day}, {n} customers active then, in groups by the chance "
        "said"
    ).format(weeks=number(result.options.horizon_weeks), day=day(test.on), n=number(test.n))
    alt = _("Two lines over groups: said {said}; came {came}.").format(
        said=", ".join(percent(v) for v in groups["said"]), came=", ".join(percent(v) for v in groups["came"])
    )
    numbers = table(
        groups,
        [
            Field("group", _("Group"), number),
            Field("n_customers", _("Customers"), number),
            Field("said", _("Chance said"), percent),
            Field("came", _("Ordered"), percent),
        ],
        _("Chance to order, said and seen"),
    )
    if len(groups) < 3:
        return numbers
    ys = {"said": _("said"), "came": _("ordered")}
    return lines(groups, "group", ys, Labels(title, subtitle, alt), percent, numbers=numbers)


def _came_true(result: Retention, test: Test) -> str:
    return _(
        "On {day} the same method said that {expected} of {n} active customers would not order in {weeks} "
        "weeks; {seen} did not. Of {amount} said to be at risk, {came} came true."
    ).format(
        day=day(test.on),
        expected=number(test.expected_silent),
        n=number(test.n),
        weeks=number(result.options.horizon_weeks),
        seen=number(test.n_silent),
        amount=about(test.expected_amount),
        came=percent(test.missed),
    )


def _contests(test: Test) -> Part:
    questions = {
        "buys_again": _("Who orders again (AUC)"),
        "money": _("Missed money in the first tenth of the list"),
    }
    rules = {"days_since_last": _("days since last order"), "pace": _("money at the old pace")}
    rows = []
    for contest in test.contests:
        form = _three_digits if contest.question == "buys_again" else percent
        rows.append(
            {
                "question": questions[contest.question],
                "model": form(contest.model),
                "rule": form(contest.rule),
                "which": rules[contest.rule_name],
                "won": _("this list") if contest.model_won else _("the rule"),
            }
        )
    fields = [
        Field("question", _("Question")),
        Field("model", _("This list"), str),
        Field("rule", _("Simple rule"), str),
        Field("which", _("The rule")),
        Field("won", _("Which won")),
    ]
    foot = _("AUC: chance that one who orders is ranked above one who does not; 0.5 is a coin.")
    return table(pd.DataFrame(rows), fields, _("The list beside the simplest rules, on unseen weeks"), foot)


def _three_digits(x: float) -> str:
    return number(x, 3)
