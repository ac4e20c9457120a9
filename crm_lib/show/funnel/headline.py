"""The answer first, and the publication in the reader's words."""

from __future__ import annotations

from crm_lib.analysis.funnel import Pipeline
from crm_lib.contract.publication import Publication
from crm_lib.show.funnel.said import all_estimated, cash, chance
from crm_lib.show.funnel.target import goal_in_short
from crm_lib.show.parts import Badge, Card, Part, cards
from crm_lib.theme.words import between, day, interval, ngettext, number, percent
from crm_lib.theme.words import gettext as _


def headline(result: Pipeline) -> Part:
    """Boxes: what will come, what is in the pipe, what is stuck in it, how much becomes a sale."""
    boxes = [_ahead(result), _open(result), _stale(result), _conversion(result)]
    return cards(*[box for box in boxes if box])


def _ahead(result: Pipeline) -> Card | None:
    f, goal = result.forecast, result.goal
    if f is None:
        return None
    label = _("Likely to be won in {days} days").format(days=number(f.horizon_days))
    bounds = interval(f.total.low, f.total.high, cash)
    if f.is_range:
        bounds = _("range: {range}").format(range=between(f.total.low, f.total.high, cash))
    said = [
        _("**{open}** from open deals, {new} from deals yet to come.").format(
            open=cash(f.of_open.value), new=cash(f.of_new.value)
        )
    ]
    if goal:
        said.append(goal_in_short(goal))
    elif f.target:
        text = (
            _("Chance to reach the target of {target}: **{share}**.")
            if f.is_given
            else _("Chance to reach the {target} of the {days} days before: **{share}**.")
        )
        said.append(text.format(target=cash(f.target), days=number(f.horizon_days), share=chance(f.p_target)))
    badge = Badge(_("use with care"), "care") if f.is_range or _misses(result) else None
    return Card(label, cash(f.total.value), bounds, " ".join(said), badge)


def _conversion(result: Pipeline) -> Card:
    c = result.conversion
    label = _("Leads that became a sale") if c.of == "leads" else _("Opened deals that were won")
    if not c.share:
        needs = _("No entry is {n} days old yet: too early to judge.").format(n=number(result.maturity_days))
        return Card(label, number(None), sentence=needs, badge=Badge(_("too early"), "care"))
    said = _("Came in from {since} to {until}, judged on {today}.")
    sentences = [said.format(since=day(c.since), until=day(c.until), today=day(result.as_of))]
    if result.win_rate:
        won = _("Of closed deals **{share}** were won.").format(share=percent(result.win_rate.value))
        sentences.append(won)
    digits = 1 if c.share.value < 0.1 else 0
    low, high = c.share.low, c.share.high
    bounds = interval(low, high, lambda x: percent(x, digits), n=c.share.n)
    return Card(label, percent(c.share.value, digits), bounds, " ".join(sentences))


def _open(result: Pipeline) -> Card:
    value, n_open = result.open_value, result.n_open
    if value.amount is None:
        said = _("No amounts are recorded, so the pipe can't be valued.")
        return Card(_("Deals open"), number(n_open), sentence=said)
    if not n_open:
        return Card(_("Deals open"), number(0), sentence=_("Nothing is open: the pipe is empty."))
    label = _("Value of open deals, estimated") if all_estimated(result) else _("Value of open deals")
    bounds = interval(value.total.low, value.total.high, cash, n=n_open)
    if not value.weighted:
        return Card(label, cash(value.amount), bounds, _("Nothing has closed yet, so no chance can be given."))
    likely = _("Likely to be won in the end: **{money}** ({range}).")
    said = likely.format(
        money=cash(value.weighted.value), range=between(value.weighted.low, value.weighted.high, cash)
    )
    return Card(label, cash(value.amount), bounds, f"{said} {_last_test(result)}".strip(), _judged(result))


def _misses(result: Pipeline) -> bool:
    test = result.backtest
    return test is None or abs(test.expected - test.n_won) > 0.1 * max(test.n_won, 1)


def _judged(result: Pipeline) -> Badge | None:
    return Badge(_("use with care"), "care") if _misses(result) else None


def _last_test(result: Pipeline) -> str:
    """What the same chances said before, where they missed by more than a tenth."""
    if result.backtest is None or not _misses(result):
        return ""
    text = _("On past days {expected} sales were expected of open deals and {came} came.")
    test = result.backtest
    return text.format(expected=number(test.expected), came=number(test.n_won))


def _stale(result: Pipeline) -> Card:
    stale = result.stale
    label = _("Deals that are stuck")
    if stale.limit_days is None:
        return Card(label, number(None), sentence=_("Too few deals were won to say what is old."))
    said = _("Open for more than {days} days; {share} of won deals were closed by then.")
    if stale.limits:
        said = _("Longer in their stage than {share} of won deals were.")
    sentences = [said.format(days=number(stale.limit_days), share=percent(stale.percentile / 100))]
    if stale.amount:
        sentences.append(_("They stand for **{money}**.").format(money=cash(stale.amount)))
    of = _("of {n} open deals with a known start").format(n=number(stale.n_dated))
    tone = "bad" if stale.n * 2 > stale.n_dated > 0 else "care"
    badge = Badge(_("most of the pipe"), "bad") if tone == "bad" else None
    return Card(label, number(stale.n), of, " ".join(sentences), badge)


def publication(result: Pipeline) -> Publication:
    """The figures with their names in the reader's language, one line for the index, and notes."""
    words = _words(result)
    for figure in result.publication.figures:
        if figure.name.startswith("p_won_"):
            days = figure.name.removeprefix("p_won_").removesuffix("_days")
            words[figure.name] = _("Won within {n} days of opening").format(n=days)
    return result.publication.worded(words, summary(result), notes(result))


def _words(result: Pipeline) -> dict[str, str]:
    of_leads = result.conversion.of == "leads"
    return {
        "conversion": _("Leads that became a sale") if of_leads else _("Opened deals that were won"),
        "win_rate": _("Win rate of closed deals"),
        "strict_win_rate": _("Win rate, stuck and overdue deals counted as lost"),
        "forecast_amount": _("Likely to be won in {days} days").format(days=number(result.horizon_days)),
        "forecast_of_open_amount": _("of it from deals open today"),
        **_target_words(result),
        "velocity_per_day": _("Money won per day (sales velocity)"),
        "velocity_change_per_day": _("Change of the sales velocity"),
        "n_overdue": _("Open deals past their expected day"),
        "deal_conversion": _("Opened deals that were won"),
        "n_deals": _("Deals"),
        "n_won": _("Deals won"),
        "n_lost": _("Deals lost"),
        "n_open": _("Deals open"),
        "open_amount": _("Value of open deals"),
        "weighted_open_amount": _("Value of open deals likely to be won"),
        "won_amount": _("Value of won deals"),
        "n_stale": _("Deals that are stuck"),
        "stale_amount": _("Value of deals that are stuck"),
        "n_older_than_any_closed": _("Open deals older than any deal was when it closed"),
        "mean_days_to_close": _("Mean days from opening to close"),
        "median_days_to_close": _("Median days from opening to close"),
        "mean_days_to_win": _("Mean days from opening to sale"),
        "median_days_to_win": _("Median days from opening to sale"),
        "mean_days_to_lose": _("Mean days from opening to loss"),
        "median_days_to_lose": _("Median days from opening to loss"),
    }


def _target_words(result: Pipeline) -> dict[str, str]:
    """Names of the target and the chance to reach it, or why there is none."""
    goal, f = result.goal, result.forecast
    if goal is None and f is not None and f.is_given:
        return {"p_target": _("Chance to reach the target"), "target_amount": _("Target")}
    if goal is None:
        return {
            "p_target": _("Chance to win as much as in the stretch before"),
            "target_amount": _("Won in the stretch before"),
        }
    words = {"target_amount": _("Target for deals up to {day}").format(day=day(goal.until))}
    if goal.share is not None:
        words["target_amount"] = _("Part of deals in the sales target up to {day}").format(day=day(goal.until))
    unknown = _("too little is recorded to tell how many deals will come")
    return words | {"p_target": unknown if goal.p is None else _("Chance to reach the target")}


def summary(result: Pipeline) -> str:
    """One line for the index."""
    n = result.n_open
    said = [ngettext("{n} deal is open", "{n} deals are open", n).format(n=number(n))]
    if result.open_value.amount and n:
        said[0] = _("{n} open deals worth {money}").format(n=number(n), money=cash(result.open_value.amount))
    if result.stale.limit_days is not None and n:
        said.append(_("{n} of them are stuck").format(n=number(result.stale.n)))
    if result.win_rate:
        said.append(_("{share} of closed deals were won").format(share=percent(result.win_rate.value)))
    if result.forecast:
        text = _("{money} likely in {days} days")
        said.append(text.format(money=cash(result.forecast.total.value), days=number(result.horizon_days)))
    return "; ".join(said) + "."


def notes(result: Pipeline) -> tuple[str, ...]:
    """What a reader of the index must know before using a figure."""
    found = result.findings
    said = []
    if found.truncation:
        said.append(_("Closings before {day} are missing.").format(day=day(found.truncation.first_closed_on)))
    if not result.has_history:
        said.append(_("The source keeps no stage history."))
    if found.n_open_without_amount:
        n, of = number(found.n_open_without_amount), number(result.n_open)
        said.append(_("{n} of {of} open deals carry no amount; it is estimated.").format(n=n, of=of))
    return tuple(said)
