"""The lists in the reader's words: what to do with each customer, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.analysis.action_plan import Plan
from crm_lib.contract.lists import CONTROL, TargetLists
from crm_lib.contract.settings import Play
from crm_lib.show.action_plan import names
from crm_lib.show.segmentation import names as segments
from crm_lib.theme.words import clean, is_missing, ngettext, number, shorten
from crm_lib.theme.words import gettext as _

_JOINT = "; "

_MOST_LETTERS = 200


def lists(result: Plan, products: pd.DataFrame | None = None) -> TargetLists:
    """What `crm.save_lists` stores: members with action, offer and reason in words, and how each list was made.

    `products` has `product_id` and `name`.
    """
    members = result.members.merge(
        result.customers.drop(columns=["owner", "action", "reason"], errors="ignore"), how="left", on="customer_id"
    )
    titles = {p.name: names.title(result, p.name) for p in result.settings.plays}
    offers = {p.name: _short(p.offer) if p.offer else "" for p in result.settings.plays}
    called = {} if products is None else dict(zip(products["product_id"], products["name"], strict=True))
    kept = result.members.assign(
        action=members["list"].map(titles).to_numpy(object),
        offer=members["list"].map(offers).to_numpy(object),
        product=_worded(members["product_id"], lambda p: _short(called.get(p, p)) if p else ""),
        reason=_reasons(result, members),
        arm_said=np.where(members["arm"] == CONTROL, _("do not contact: held out"), _("contact")),
    )
    text = ["action", "offer", "product", "reason", "arm_said"]
    kept = kept.astype(dict.fromkeys(text, "str"))
    return TargetLists(result.as_of, kept, _about(result), _headings(kept), _facts(result))


def _headings(members: pd.DataFrame) -> dict[str, str]:
    found = {
        "customer_id": _("Customer"),
        "action": _("Action"),
        "arm_said": _("Contact or hold out"),
        "reason": _("Reason"),
        "offer": _("Offer"),
        "product": _("Product to name"),
        "channel": _("Channel"),
        "owner": _("Owner"),
        "gain": _("Expected gain"),
        "contact_cost": _("Cost"),
    }
    return {column: said for column, said in found.items() if column in members}


def _about(result: Plan) -> dict[str, dict[str, Any]]:
    """Each list by its name, as `plan.json` holds it: arms, cost, expectations, how the hold-out was drawn."""
    told = {}
    for row in result.account.by_play.itertuples(index=False):
        told[row.play] = {
            "title": names.title(result, row.play),
            "channel": row.channel,
            **{k: int(getattr(row, k)) for k in ("n", "n_treated", "n_control")},
            **{k: round(float(getattr(row, k)), 2) for k in ("cost", "gain", "low", "high")},
            **{k: round(float(getattr(row, k)), 6) for k in ("uplift", "uplift_low", "uplift_high", "power")},
            "uplift_source": row.source,
            "holdout_share": float(row.share),
        }
    return told


def _facts(result: Plan) -> dict[str, Any]:
    return {
        "seed": result.seed,
        "outcome_days": result.settings.outcome_days,
        "valid_days": result.settings.valid_days,
        "margin_share": result.margin.share,
    }


def _reasons(result: Plan, members: pd.DataFrame) -> np.ndarray:
    """A sentence fragment for each member, out of the conditions of the play; each value is worded once."""
    reasons = np.full(len(members), "", dtype=object)
    for play in result.playable:
        rows = np.flatnonzero((members["list"] == play.name).to_numpy())
        if not len(rows):
            continue
        part = members.iloc[rows]
        columns = dict.fromkeys([c.column for c in play.when])
        words = [_worded(part[column], _form(column)) for column in columns]
        bought = _bought(play)
        words += [np.full(len(rows), bought, dtype=object)] if bought else []
        joined = words[0] if words else np.full(len(rows), _("fits the play"), dtype=object)
        for more in words[1:]:
            joined = joined + _JOINT + more
        reasons[rows] = joined
    return reasons


def _worded(values: pd.Series, form: Callable[[Any], str]) -> np.ndarray:
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    told = np.array([*(form(v) for v in distinct), ""], dtype=object)
    return told[codes]


def _bought(play: Play) -> str:
    if play.bought and play.not_yet:
        return _("bought {a}, not yet {b}").format(a=_short(play.bought), b=_short(play.not_yet))
    if play.bought:
        return _("bought {a}").format(a=_short(play.bought))
    return _("has not bought {b} yet").format(b=_short(play.not_yet)) if play.not_yet else ""


def _form(column: str) -> Callable[[Any], str]:
    def counted(one: str, many: str) -> Callable[[Any], str]:
        return lambda x: ngettext(one, many, x).format(n=number(x))

    known = {
        "days_since_last": counted("last order {n} day ago", "last order {n} days ago"),
        "days_since_complaint": counted("complaint {n} day ago", "complaint {n} days ago"),
        "contract_days_left": counted("contract ends in {n} day", "contract ends in {n} days"),
        "n_orders": counted("{n} order so far", "{n} orders so far"),
        "points": counted("{n} point", "{n} points"),
        "segment": lambda x: _("segment “{name}”").format(name=_segment(x)),
        "value_grade": lambda x: _("value grade {grade}").format(grade=_short(x)),
    }
    return known.get(column, lambda x: f"{_short(column)}: {_plain(x)}")


def _segment(key: str) -> str:
    told = segments.segments().get(key)
    return told.name if told else _short(key)


def _plain(x: Any) -> str:
    if is_missing(x) or isinstance(x, str):
        return _short(x)
    return _short(x) if isinstance(x, bool | np.bool_) else number(x, 0 if float(x).is_integer() else 2)


def _short(typed: Any) -> str:
    """What somebody typed, as plain text of a length that a cell bears."""
    return shorten(clean(typed), _MOST_LETTERS)
