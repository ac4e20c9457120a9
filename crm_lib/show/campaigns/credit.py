"""Credit beside cause: what attribution gives to campaigns, and what they brought."""

from __future__ import annotations

from crm_lib.analysis.campaigns import MODELS, Evaluation
from crm_lib.show.campaigns.headline import anyway
from crm_lib.show.campaigns.names import brief, frame_of, models, span, titles
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import _, between, day, interval, ngettext, number, percent

N_SHOWN = 12


def credit(result: Evaluation) -> Part:
    """The gap as a picture, then every rule of attribution beside what the hold-outs show."""
    return together(_gap_chart(result), _rules(result), _all_rules(result))


def _gap_chart(result: Evaluation) -> Part:
    found = anyway(result)
    if found is None:
        return note(
            _("No hold-out can be read, so credit can't be told from cause: the table below only divides.")
        )
    gap = result.gap
    caused = gap.caused
    rows = frame_of(
        [
            {"name": _("Credited by attribution"), "value": gap.credited, "low": None, "high": None},
            {
                "name": _("Brought, by the hold-outs"),
                "value": caused.value,
                "low": caused.low,
                "high": caused.high,
            },
        ]
    )
    in_ten = round(10 * found[0])
    labels = Labels(
        _("About {n} of 10 credited buyers would have come anyway").format(n=number(in_ten)),
        ngettext(
            "Customers contacted by a tested campaign who bought, and those who bought because of it; {n} "
            "campaign, up to {day}",
            "Customers contacted by a tested campaign who bought, and those who bought because of it; {n} "
            "campaigns, up to {day}",
            len(result.tested),
        ).format(n=number(len(result.tested)), day=day(result.as_of)),
        _("Two bars: credited {credited}, brought {caused} ({range}).").format(
            credited=number(gap.credited),
            caused=number(caused.value),
            range=between(caused.low, caused.high, number),
        ),
    )
    chart = bars(
        rows,
        "name",
        "value",
        labels,
        number,
        "low",
        "high",
        highlight=_("Brought, by the hold-outs"),
        sideways=True,
    )
    return together(chart, sentence(_in_money(result)))


def _in_money(result: Evaluation) -> str:
    gap = result.gap
    if gap.credited_amount is None or not gap.caused_amount:
        return ""
    found = gap.caused_amount
    return _("In sales: **{credited}** credited, **{caused}** brought ({range}).").format(
        credited=brief(gap.credited_amount),
        caused=brief(found.value),
        range=interval(found.low, found.high, brief),
    )


def _rules(result: Evaluation) -> Part:
    found = result.attribution
    if found is None or found.rows.empty:
        return note(_("No order follows a contact closely enough to be credited to a campaign."))
    proven = {u.campaign_id: u for u in result.tested}
    rows = []
    for row in (
        found.rows.sort_values(["linear", "campaign_id"], ascending=[False, True]).head(N_SHOWN).itertuples()
    ):
        credits = [getattr(row, m) for m in MODELS]
        u = proven.get(row.campaign_id)
        rows.append(
            {
                "name": titles(result)[row.campaign_id],
                "credit": number(credits[0])
                if max(credits) - min(credits) < 0.5
                else between(min(credits), max(credits), number),
                "amount": row.linear_amount,
                "window": None if u is None else round(u.treated_share * u.n_treated),
                "caused": None if u is None else u.extra_buyers.value,
                "bounds": _("no hold-out") if u is None else span(u.extra_buyers.low, u.extra_buyers.high, number),
            }
        )
    fields = [
        Field("name", _("Campaign")),
        Field("credit", _("Orders credited, by rule"), str),
        Field("amount", _("Sales credited, equal parts"), brief),
        Field("window", _("Contacted who bought"), number),
        Field("caused", _("Of them brought"), number),
        Field("bounds", _("90 % interval"), str),
    ]
    return together(table(frame_of(rows), fields, _caption(result)), sentence(_shared(result)))


def _caption(result: Evaluation) -> str:
    if not result.counted:
        return _("Credit divided among campaigns, beside what they brought")
    return ngettext(
        "Orders with a contact in the {n} day before, divided among campaigns, beside what they brought",
        "Orders with a contact in the {n} days before, divided among campaigns, beside what they brought",
        result.options.look_back_days,
    ).format(n=number(result.options.look_back_days))


def _shared(result: Evaluation) -> str:
    found = result.attribution
    if found.n_all is None or not found.n_orders:
        return ""
    if not found.n_paths_shared:
        return _("No order has contacts of two campaigns before it, so every rule gives the same.")
    return ngettext(
        "{share} of all orders since the first contact have a contact before them; on {n} of them campaigns "
        "have to share, and only there rules differ.",
        "{share} of all orders since the first contact have a contact before them; on {n} of them campaigns "
        "have to share, and only there rules differ.",
        found.n_paths_shared,
    ).format(share=percent(found.n_orders / found.n_all if found.n_all else None), n=number(found.n_paths_shared))


def _all_rules(result: Evaluation) -> Part:
    found = result.attribution
    if found is None or found.rows.empty:
        return Part()
    total = {"name": _("All"), **{m: found.rows[m].sum() for m in MODELS}}
    names = titles(result)
    rows = [{"name": names[r.campaign_id], **{m: getattr(r, m) for m in MODELS}} for r in found.rows.itertuples()]
    fields = [
        Field("name", _("Campaign")),
        *(Field(m, words, lambda x: number(x, 1)) for m, words in models().items()),
    ]
    foot = _("Every column adds up to the {n} orders credited: a division, not a cause.").format(
        n=number(found.n_orders)
    )
    made = table(frame_of([*rows, total]), fields, _("Orders credited by every rule"), foot)
    return render("rows", summary=_("Every rule of attribution"), parts=[made], warn=False)
