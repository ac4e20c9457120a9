"""What campaigns cost and whether it paid: ROI under every way to divide overhead; budget and progress."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis.campaigns import Evaluation
from crm_lib.show.campaigns.names import (
    brief,
    categories,
    frame_of,
    listed,
    methods,
    said,
    span,
    states,
    times,
    titles,
)
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, day, money, ngettext, number, percent, pgettext, signed

N_SHOWN = 12


def paid(result: Evaluation) -> Part:
    """ROI (ROAS where no margin is known) as a range over the ways to divide overhead; every way in the fold."""
    rows = result.returns.rows
    if rows.empty:
        return note(_("No cost of a campaign is recorded, so return on it can't be told."))
    judged = "roi" if rows["roi_low"].notna().any() else "roas"
    known = rows[rows[f"{judged}_low"].notna()].sort_values(
        [f"{judged}_low", "campaign_id"], ascending=[False, True]
    )
    return together(
        _order(result, judged, known),
        _table(result, judged),
        _methods(result, judged),
        sentence(_not_profit(result)),
    )


def _order(result: Evaluation, judged: str, known: pd.DataFrame) -> Part:
    found = result.returns
    if known.empty:
        return note(_("No sale names a campaign with a cost."))
    sure = known[known["roi_low"] > 0] if judged == "roi" else known[known["roas_low"] > 1]
    texts = []
    if judged == "roi":
        texts.append(
            ngettext(
                "By the sales that name them, **{k}** of {n} campaign earns its cost back under every way "
                "to divide overhead.",
                "By the sales that name them, **{k}** of {n} campaigns earn their cost back under every "
                "way to divide overhead.",
                len(known),
            ).format(k=number(len(sure)), n=number(len(known)))
        )
    if found.overhead:
        flips = ngettext(
            "The order of {n} pair of campaigns hangs on the way overhead is divided: judge by the range, "
            "not by one figure.",
            "The order of {n} pairs of campaigns hangs on the way overhead is divided: judge by the range, "
            "not by one figure.",
            found.n_flips,
        )
        texts.append(
            _("{overhead} of overhead belongs to no campaign.").format(overhead=brief(found.overhead))
            + " "
            + (
                flips.format(n=number(found.n_flips))
                if found.n_flips
                else _("However it is divided, the order stays.")
            )
        )
    return sentence(*texts)


def _table(result: Evaluation, judged: str) -> Part:
    rows = result.returns.rows.head(N_SHOWN)
    names = titles(result)
    ranged = {
        "roi": lambda x: percent(x),
        "roas": times,
        "cost": money,
        "cost_per_lead": money,
        "cost_per_sale": money,
    }
    shown = frame_of(
        [
            {
                "name": names[row["campaign_id"]],
                "direct": row["direct_cost"],
                "revenue": row["revenue"],
                **{k: _range(row, k, form) for k, form in ranged.items()},
            }
            for row in rows.to_dict("records")
        ]
    )
    per = [
        (k, label)
        for k, label in (("cost_per_lead", _("Cost per lead")), ("cost_per_sale", _("Cost per sale")))
        if (shown[k] != "–").any()
    ]
    fields = [
        Field("name", _("Campaign")),
        Field("direct", _("Direct cost"), money),
        Field("cost", _("With overhead"), str),
        Field("revenue", _("Sales that name it"), money),
        *([Field("roi", _("ROI"), str)] if judged == "roi" else []),
        Field("roas", _("Sales ÷ cost"), str),
    ]
    foot = _("Ranges: lowest and highest of {ways}.").format(ways=listed(_ways(result)))
    made = table(shown, fields, _("Cost and return, most expensive first"), foot)
    if not per:
        return made
    each = table(
        shown,
        [fields[0], *(Field(k, label, str) for k, label in per)],
        _("Cost per lead, and per sale that names the campaign"),
    )
    return together(made, render("rows", summary=_("Cost per lead and per sale"), parts=[each], warn=False))


def _ways(result: Evaluation) -> list[str]:
    return [words for m, words in methods().items() if m not in result.returns.left_out]


def _range(row: dict, column: str, form) -> str:
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    if pd.isna(low):
        return "–"
    return span(low, high, form)


def _methods(result: Evaluation, judged: str) -> Part:
    by = result.returns.by_method
    names = titles(result)
    wide = by.pivot(index="campaign_id", columns="method", values="overhead").reset_index()
    wide.insert(0, "name", wide["campaign_id"].map(names))
    used = [m for m in methods() if m in wide.columns]
    total = {"name": _("All"), **{m: wide[m].sum() for m in used}}
    fields = [Field("name", _("Campaign")), *(Field(m, methods()[m], lambda x: money(x, 2)) for m in used)]
    rows = pd.concat([wide[["name", *used]], pd.DataFrame([total])], ignore_index=True)
    foot = _("Divided by largest remainders, so that every column adds up to the cent.")
    made = table(rows, fields, _("Overhead of each campaign under every way to divide it"), foot)
    return render("rows", summary=_("Overhead, to the cent"), parts=[made], warn=False)


def _not_profit(result: Evaluation) -> str:
    if result.options.margin_share is None:
        return _("Neither production cost nor a margin is known, so this is sales for money spent, not profit.")
    return _(
        "ROI = (sales × {margin} margin − cost) ÷ cost, of the orders and won deals in which the source itself "
        "names the campaign. Named is not brought: the first section says what was."
    ).format(margin=percent(result.options.margin_share))


def budget(result: Evaluation) -> Part:
    """Budget against actual by category, each campaign's settlement in the fold."""
    rows = result.budget
    if rows.empty:
        return note(_("Neither budget nor cost is recorded."))
    over = rows.assign(over=rows["actual"] - rows["budget"], name=rows["category"].map(categories()))
    worst = over.loc[over["over"].idxmax()]
    spent, planned = rows["actual"].sum(), rows["budget"].sum()
    title = _("{share} of the budget is spent").format(share=percent(spent / planned if planned else None))
    if not planned:
        title = _("{money} spent without a budget").format(money=brief(spent))
    labels = Labels(
        title,
        _("Over (+) or under (−) budget by category, up to {day}, of what has begun; overhead included").format(
            day=day(result.as_of)
        ),
        _("Bars: {list}.").format(
            list="; ".join(f"{r.name} {signed(r.over, brief)}" for r in over.itertuples(index=False))
        ),
    )
    fields = [
        Field("name", _("Category")),
        Field("budget", _("Budget"), money),
        Field("actual", _("Actual"), money),
        Field("over", _("Over (+) or under (−)"), lambda x: signed(x, money)),
        Field("spent_share", _("Spent"), percent),
    ]
    drawn = over.sort_values("over", ascending=False)
    above = drawn.loc[drawn["over"] > 0, "name"].tolist()
    numbers = table(over, fields, _("Budget against actual by category"))
    chart = bars(
        drawn, "name", "over", labels, lambda x: signed(x, brief), highlight=above, sideways=True, numbers=numbers
    )
    said_worst = ""
    if planned and worst["over"] > 0:
        said_worst = _("Most over budget: {category}, by {money} ({share} of its budget).").format(
            category=worst["name"], money=money(worst["over"]), share=percent(worst["spent_share"])
        )
    return together(chart, sentence(said_worst, _overspent(result)), _settlement(result))


def _overspent(result: Evaluation) -> str:
    rows = result.settlement
    over = rows[rows["left"] < 0].sort_values("left")
    if over.empty:
        return _("No campaign spent more than it was granted.")
    first = over.iloc[0]
    return ngettext(
        "**{n}** campaign spent more than it was granted: {name}, by {money}.",
        "**{n}** campaigns spent more than they were granted; furthest {name}, by {money}.",
        len(over),
    ).format(n=number(len(over)), name=said(result, first["campaign_id"]), money=money(-first["left"]))


def _settlement(result: Evaluation) -> Part:
    rows = result.settlement
    names, known = titles(result), states()
    shown = rows.assign(
        name=rows["campaign_id"].map(names), status=rows["status"].map(lambda s: known.get(s, "–"))
    )
    fields = [
        Field("name", _("Campaign")),
        Field("status", _("State")),
        Field("applied_amount", pgettext("money", "Asked for"), money),
        Field("approved_amount", _("Granted"), money),
        Field("actual", _("Spent"), lambda x: money(x, 2)),
        Field("left", pgettext("money", "Left"), lambda x: signed(x, lambda y: money(y, 2))),
        Field("spent_share", _("Spent"), percent),
    ]
    made = table(shown, fields, _("Settlement of each campaign, to the cent"))
    return render(
        "rows", summary=_("Settlement, campaign by campaign"), parts=[_workflow(result), made], warn=False
    )


def _workflow(result: Evaluation) -> Part:
    rows = result.workflow
    if not rows["n"].sum():
        return Part()
    shown = rows.assign(state=rows["state"].map(states()))
    fields = [
        Field("state", _("State")),
        Field("n", _("Reached it"), number),
        Field("n_now", _("Stand there now"), number),
        Field("applied_amount", pgettext("money", "Asked for"), money),
        Field("approved_amount", _("Granted"), money),
        Field("actual", _("Spent"), money),
    ]
    return table(shown, fields, _("From application to settlement"))


def under_way(result: Evaluation) -> Part:
    """Campaigns running now: days and money gone, answers beside what is usual."""
    rows = result.progress
    if rows.empty:
        return sentence(_("No campaign is under way."))
    names = titles(result)
    shown = rows.assign(name=rows["campaign_id"].map(names))
    fields = [
        Field("name", _("Campaign")),
        Field("time_share", _("Days gone"), percent),
        Field("spent_share", _("Money gone"), percent),
        Field("actual", _("Spent"), money),
        Field("granted", _("Granted"), money),
        Field("n_contacted", _("Contacted"), number),
        Field("answered", _("Took part"), percent),
        Field("usual", _("Usual"), percent),
    ]
    return together(
        table(shown, fields, _("Under way on {day}").format(day=day(result.as_of))), sentence(_pace(result, rows))
    )


def _pace(result: Evaluation, rows: pd.DataFrame) -> str:
    fast = rows[(rows["spent_share"] > rows["time_share"] + 0.1)]
    if fast.empty:
        return _("No campaign spends faster than its days go by.")
    return _("Money goes faster than days: {names}.").format(
        names=listed([said(result, c) for c in fast["campaign_id"]])
    )
