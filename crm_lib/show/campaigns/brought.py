"""What each campaign brought: a bar with its range per test, the verdicts, and how the money was judged."""

from __future__ import annotations

from crm_lib.analysis.campaigns import Evaluation, Uplift
from crm_lib.analysis.intervals import Interval
from crm_lib.show.campaigns.feeling import felt
from crm_lib.show.campaigns.likeness import indications_table
from crm_lib.show.campaigns.names import (
    brief,
    estimate,
    frame_of,
    per_head,
    refusals,
    said_test,
    span,
    test_title,
    verdicts,
)
from crm_lib.show.charts import Labels, bars
from crm_lib.show.parts import Part, note, render, sentence, together
from crm_lib.show.tables import Field, table
from crm_lib.theme.words import (
    _,
    between,
    day,
    money,
    ngettext,
    number,
    percent,
    pgettext,
    points,
)

N_DRAWN = 12


def brought(result: Evaluation) -> Part:
    """Profit (or sales, or buyers) brought by each tested campaign, the tests in a table, purposes in a fold."""
    tests = shown_tests(result)
    if not tests:
        return together(note(_no_test(result)), _indicated(result))
    kind, drawn = _measure(tests)
    return together(
        _chart(result, kind, drawn),
        sentence(_detectable(result, tests)),
        _tests(result, tests),
        _visits(result, tests),
        _plays(result),
        _indicated(result),
        sentence(felt(result)),
    )


def shown_tests(result: Evaluation) -> list[Uplift]:
    """Tests that may be read, variants in place of their campaign."""
    with_variants = {u.campaign_id for u in result.uplifts if u.variant}
    return [u for u in result.uplifts if u.readable and (u.variant or u.campaign_id not in with_variants)]


def _no_test(result: Evaluation) -> str:
    if not result.uplifts:
        return _("No contacts are recorded, so what a campaign brought can't be measured.")
    return _("No campaign can be tested: {why}.").format(
        why=", ".join(sorted({refusals()[u.why] for u in result.uplifts if u.why}))
    )


def _measure(tests: list[Uplift]) -> tuple[str, list[tuple[Uplift, Interval]]]:
    for kind in ("profit", "extra_revenue", "extra_buyers"):
        found = [(u, getattr(u, kind)) for u in tests if getattr(u, kind)]
        if found:
            return kind, sorted(found, key=lambda pair: -pair[1].value)[:N_DRAWN]
    return "extra_buyers", []


def _chart(result: Evaluation, kind: str, drawn: list[tuple[Uplift, Interval]]) -> Part:
    if not drawn:
        return note(_("Nothing was bought in any arm: there is no difference to draw."))
    form = number if kind == "extra_buyers" else _short
    whole = number if kind == "extra_buyers" else brief
    rows = frame_of(
        [{"name": test_title(result, u), "value": i.value, "low": i.low, "high": i.high} for u, i in drawn]
    )
    labels = Labels(_title(kind, drawn), _subtitle(kind, result), _alt(rows, form))
    lit = [r.name for r in rows.itertuples(index=False) if r.low > 0]
    fields = [
        Field("name", _("Campaign")),
        Field("value", _what(kind), whole),
        Field("low", _("At least (90 %)"), whole),
        Field("high", _("At most (90 %)"), whole),
    ]
    numbers = table(rows, fields, _("What each campaign brought"))
    return bars(rows, "name", "value", labels, form, "low", "high", highlight=lit, sideways=True, numbers=numbers)


def _short(x: float) -> str:
    """Money short enough for a phone."""
    return money(x, compact=True)


def _what(kind: str) -> str:
    return {"profit": _("Profit"), "extra_revenue": _("More sales"), "extra_buyers": _("More buyers")}[kind]


def _title(kind: str, drawn: list[tuple[Uplift, Interval]]) -> str:
    """How many are above zero for sure (all tests judged together), else likely (each alone)."""
    sure, likely = sum(_surely(u, kind) for u, _i in drawn), sum(i.low > 0 for _u, i in drawn)
    n = len(drawn)
    if not likely:
        return _("No campaign is proven to be above zero")
    if not sure:
        said = ngettext(
            "{k} of {n} campaign likely paid, none surely", "{k} of {n} campaigns likely paid, none surely", n
        )
        if kind != "profit":
            said = ngettext(
                "{k} of {n} mailing likely worked, none surely",
                "{k} of {n} mailings likely worked, none surely",
                n,
            )
        return said.format(k=number(likely), n=number(n))
    many = {
        "profit": ngettext("{k} of {n} campaign surely paid", "{k} of {n} campaigns surely paid", n),
        "extra_revenue": ngettext(
            "{k} of {n} mailing surely sold more", "{k} of {n} mailings surely sold more", n
        ),
        "extra_buyers": ngettext(
            "{k} of {n} mailing surely won buyers", "{k} of {n} mailings surely won buyers", n
        ),
    }
    return many[kind].format(k=number(sure), n=number(n))


def _surely(u: Uplift, kind: str) -> bool:
    """Whether the bound that holds for all tests together lies above zero."""
    return {"profit": u.joint_profit_low, "extra_revenue": u.joint_revenue.low, "extra_buyers": u.joint.low}[
        kind
    ] > 0


def _subtitle(kind: str, result: Evaluation) -> str:
    window = ""
    if result.counted:
        window = ngettext(
            " Orders up to {n} day after the contact.",
            " Orders up to {n} days after the contact.",
            result.options.window_days,
        ).format(n=number(result.options.window_days))
    said = {
        "profit": _(
            "Against those held out: more sales × {margin} margin − direct cost, up to {day}; lines are 90 % "
            "intervals."
        ),
        "extra_revenue": _(
            "More sales than those held out bring, over everyone contacted, up to {day}; lines are 90 % intervals."
        ),
        "extra_buyers": _("More buyers than among those held out, up to {day}; lines are 90 % intervals."),
    }[kind]
    return said.format(margin=percent(result.options.margin_share), day=day(result.as_of)) + window


def _alt(rows, form) -> str:
    return _("Bars: {list}.").format(
        list="; ".join(
            f"{r.name} {form(r.value)} ({between(r.low, r.high, form)})" for r in rows.itertuples(index=False)
        )
    )


def _tests(result: Evaluation, tests: list[Uplift]) -> Part:
    rows = [
        {
            "name": test_title(result, u),
            "verdict": verdicts()[u.verdict],
            "n": _("{treated} / {control}").format(treated=number(u.n_treated), control=number(u.n_control)),
            "rates": _("{treated} / {control}").format(
                treated=_rate(u.treated_share), control=_rate(u.control_share)
            ),
            "bought": _lift(u.bought),
            "buyers": u.extra_buyers.value,
            "revenue": estimate(u.revenue),
        }
        for u in tests
    ]
    fields = [
        Field("name", _("Campaign")),
        Field("verdict", pgettext("what is proven", "Orders")),
        Field("n", _("Contacted / held out"), str),
        Field("rates", pgettext("share", "Bought"), str),
        Field("bought", _("Difference (90 %)"), str),
        Field("buyers", _("More buyers"), number),
        Field("revenue", _("More sales per head (90 %)"), str),
    ]
    foot = _(
        "By intention to treat: everyone assigned counts, reached or not. “Proven” holds for all tests of "
        "this page "
        "together, “likely” for this one alone."
    )
    return table(frame_of(rows), fields, _("Contacted against held out"), foot)


def _rate(x: float | None) -> str:
    return percent(x, 2 if x is not None and x < 0.05 else 1)


def _lift(i: Interval) -> str:
    if not i:
        return "–"
    digits = 2 if max(abs(i.low), abs(i.high)) < 0.02 else 1
    return _("{value} ({range})").format(
        value=points(i.value, digits), range=span(100 * i.low, 100 * i.high, lambda x: number(x, digits))
    )


def _detectable(result: Evaluation, tests: list[Uplift]) -> str:
    open_ones = [u for u in tests if u.verdict == "unproven" and u.detectable]
    if not open_ones:
        return ""
    u = max(open_ones, key=lambda t: t.n_treated)
    told = _(
        "Not proven is not the same as no effect: {name} could only have proven a rise of {points} or more."
    ).format(name=said_test(result, u), points=points(u.detectable))
    if u.n_needed:
        told += " " + ngettext(
            "To prove the rise seen, {n} person in each arm would be needed.",
            "To prove the rise seen, {n} people in each arm would be needed.",
            u.n_needed,
        ).format(n=number(u.n_needed))
    return told


def _visits(result: Evaluation, tests: list[Uplift]) -> Part:
    rows = [
        {
            "name": test_title(result, u),
            "treated": u.treated_visited_share,
            "control": u.control_visited_share,
            "more": _lift(u.visited),
        }
        for u in tests
        if u.visited
    ]
    if not rows:
        return Part()
    fields = [
        Field("name", _("Campaign")),
        Field("treated", _("Contacted"), _rate),
        Field("control", _("Held out"), _rate),
        Field("more", _("Difference (90 %)"), str),
    ]
    made = table(frame_of(rows), fields, _("Share who visited"))
    return render("rows", summary=_("And visits?"), parts=[made], warn=False)


def _plays(result: Evaluation) -> Part:
    rows = result.plays
    if len(rows) < 2 or rows["uplift"].isna().all():
        return Part()
    shown = rows.assign(
        bounds=[
            between(100 * a, 100 * b, lambda x: number(x, 1))
            for a, b in zip(rows["low"], rows["high"], strict=True)
        ]
    ).sort_values("uplift", ascending=False)
    fields = [
        Field("purpose", _("Purpose")),
        Field("n_tests", _("Tests"), number),
        Field("n", _("People"), number),
        Field("uplift", _("More who buy"), points),
        Field("bounds", _("90 % interval"), str),
        Field("revenue", _("More sales per head"), per_head),
    ]
    made = table(shown, fields, _("By purpose, tests of one purpose weighted together"))
    return render("rows", summary=_("Which purpose works best?"), parts=[made], warn=False)


def _indicated(result: Evaluation) -> Part:
    """Campaigns without a hold-out, compared with customers like those contacted; labelled as what it is."""
    if not result.indications:
        return Part()
    caption = _("Without a hold-out: indicative only")
    foot = _(
        "Change of spend per head from the weeks before to the weeks after, against customers of the same "
        "RFM cell "
        "who were not contacted. They may differ in what no cell shows."
    )
    return indications_table(result, result.indications, caption, foot)
