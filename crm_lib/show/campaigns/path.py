"""From contact to sale: the chain per campaign, by answer, by parent; how often customers are contacted."""

from __future__ import annotations

import pandas as pd

from crm_lib.analysis import intervals
from crm_lib.analysis.campaigns import STEPS, Evaluation
from crm_lib.show.campaigns.names import brief, steps, titles, took_part
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, between, day, ngettext, number, percent, pgettext

N_SHOWN = 20


def path(result: Evaluation) -> Part:
    """The chain of all contacts as bars, of each campaign as a table; groups and parents in folds."""
    rows = result.steps
    if rows.empty:
        return note(_("Neither contacts nor leads name a campaign: there is no chain to show."))
    known = [s for s in STEPS if rows[s].notna().any()]
    by = rows.groupby("campaign_id")[[*STEPS, "amount"]].sum(min_count=1).reset_index()
    by = by.sort_values(["amount", "campaign_id"], ascending=[False, True]).head(N_SHOWN)
    by.insert(0, "name", by["campaign_id"].map(titles(result)))
    foot = _(
        "“–”: not recorded for this campaign. Sales: won deals of its leads, or those contacted who bought "
        "in the window, brought or not."
    )
    return together(
        _bars(result, rows),
        table(by, _fields(known), _("From contact to sale, most money first"), foot),
        _groups(result),
        _parents(result, known),
    )


def _fields(known: list[str]) -> list[Field]:
    words = steps()
    return [
        Field("name", _("Campaign")),
        *(Field(s, words[s], number) for s in known),
        Field("amount", _("Money of sales"), brief),
    ]


def _bars(result: Evaluation, rows: pd.DataFrame) -> Part:
    """The steps of campaigns with contacts; of those without, the steps from the lead on."""
    sent = rows[rows["contacted"].notna()]
    if sent.empty or sent["delivered"].isna().all():
        return Part()
    words = steps()
    shown = [
        s for s in ("contacted", "delivered", "opened", "clicked", "responded", "sales") if sent[s].notna().any()
    ]
    counts = pd.DataFrame({"name": [words[s] for s in shown], "n": [sent[s].sum() for s in shown]})
    opened = sent["opened"].sum() / sent["delivered"].sum() if sent["delivered"].sum() else None
    title = _("{share} of what is delivered is opened").format(share=percent(opened))
    if "opened" not in shown or opened is None:
        title = _("{n} contacts").format(n=number(sent["contacted"].sum()))
    labels = Labels(
        title,
        _("Contacts of all campaigns that name whom they reached, up to {day}; sales within the window").format(
            day=day(result.as_of)
        ),
        _("Bars: {list}.").format(
            list="; ".join(f"{r.name} {number(r.n)}" for r in counts.itertuples(index=False))
        ),
    )
    return bars(counts, "name", "n", labels, number, highlight=words["sales"])


def _groups(result: Evaluation) -> Part:
    rows = result.steps
    named = rows[(rows["response_group"] != "") & rows["contacted"].notna()]
    if named["response_group"].nunique() < 2:
        return Part()
    by = named.groupby("response_group", sort=True)[["contacted", "sales", "amount"]].sum().reset_index()
    found = [intervals.wilson(int(r.sales), int(r.contacted)) for r in by.itertuples()]
    by = by.assign(share=[i.value for i in found], bounds=[between(i.low, i.high, percent) for i in found])
    fields = [
        Field("response_group", _("Group")),
        Field("contacted", _("Contacted"), number),
        Field("sales", pgettext("people", "Bought"), number),
        Field("share", _("Share"), percent),
        Field("bounds", _("90 % interval"), str),
        Field("amount", _("Money"), brief),
    ]
    foot = _(
        "Who answers yes is keener to begin with: the difference between groups is not what the campaign brought."
    )
    return table(by, fields, _("By answer"), foot)


def _parents(result: Evaluation, known: list[str]) -> Part:
    if result.parents.empty:
        return Part()
    by = result.parents.copy()
    by.insert(0, "name", by["campaign_id"].map(titles(result)))
    made = table(by, _fields(known), _("Parent campaigns, with everything below them"))
    return render("rows", summary=_("By parent campaign"), parts=[made], warn=False)


def participation(result: Evaluation) -> Part:
    """How often customers are contacted, and how many of them take part."""
    found = result.participation
    counts = found.counts
    if counts.empty:
        return sentence(_("No customer is named in the contacts: nobody knows who was contacted how often."))
    rows = counts.assign(share=counts["n_took_part"] / counts["n_customers"])
    often = int(counts.loc[counts["n_contacts"] >= 3, "n_customers"].sum())
    total = int(counts["n_customers"].sum())
    fields = [
        Field("n_contacts", _("Contacts so far")),
        Field("n_customers", _("Customers"), number),
        *(
            [Field("n_took_part", _("Took part at least once"), number), Field("share", _("Share"), percent)]
            if found.by_what
            else []
        ),
    ]
    said = [_often(often, total)]
    if found.per_year is not None:
        said.append(
            _("A customer contacted at all is contacted {n} times a year.").format(n=number(found.per_year, 1))
        )
    if found.by_what:
        said.append(_("Taking part means: {what}.").format(what=took_part()[found.by_what]))
    return together(table(rows, fields, _("How often customers were contacted")), sentence(" ".join(said)))


def _often(often: int, total: int) -> str:
    if not often:
        return _("Nobody was contacted three times or more.")
    return ngettext(
        "**{n}** of {total} customer was contacted three times or more.",
        "**{n}** of {total} customers were contacted three times or more.",
        often,
    ).format(n=number(often), total=number(total))
