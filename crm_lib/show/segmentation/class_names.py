"""Schemes and their classes in the reader's words."""

from __future__ import annotations

from typing import Any

from crm_lib.analysis.segmentation import KINDS, LEVELS, Scheme
from crm_lib.analysis.segmentation.behaviour import Behaviour
from crm_lib.show.segmentation import names
from crm_lib.show.segmentation.names import rule_words
from crm_lib.theme.words import _, money, name, number

RULES = {rule.segment: rule for rule in (*LEVELS, *KINDS)}


def scheme_name(scheme: Scheme | str) -> str:
    """What a scheme groups by; a column of the source by its own name."""
    column = scheme if isinstance(scheme, str) else scheme.name
    if isinstance(scheme, Scheme) and scheme.behaviour:
        return behaviour_words(scheme.behaviour)
    known = {
        "value_grade": _("Value grade"),
        "value_level": _("Value level"),
        "value_kind": _("Kind of customer"),
        "segment": _("Segment"),
        "score_band": _("Score"),
        "channels": _("Channels used"),
        "channel_mix": _("Which channels"),
        "age_band": _("Age"),
        "gender": _("Gender"),
        "region": _("Region"),
        "city": _("City"),
    }
    return known.get(column) or name(column)


def class_name(scheme: Scheme, row: Any) -> str:
    """The name of a class: `row` has its `name` and `kind`."""
    if row.kind == "unknown":
        return _("(not known)")
    if row.kind == "others":
        return _("(all others)")
    if scheme.behaviour:
        return _("yes") if row.name == "yes" else _("no")
    if scheme.name == "segment":
        return names.segments()[row.name].name
    if scheme.name == "channels":
        return _("one channel") if row.name == "single" else _("several channels")
    return _class_words().get((scheme.name, row.name)) or name(row.name)


def _class_words() -> dict[tuple[str, str], str]:
    return {
        ("value_level", "high"): _("High value"),
        ("value_level", "mid"): _("Mid value"),
        ("value_level", "low"): _("Low value"),
        ("value_kind", "value"): _("Value customers"),
        ("value_kind", "cash_flow"): _("Cash-flow customers"),
        ("value_kind", "relationship"): _("Relationship customers"),
        ("value_kind", "growth"): _("Growth customers"),
        ("value_kind", "none"): _("Other customers"),
        ("score_band", "under_2"): _("Score under 2"),
        ("score_band", "2_to_3"): _("Score 2 to 3"),
        ("score_band", "3_to_4"): _("Score 3 to 4"),
        ("score_band", "4_to_5"): _("Score 4 to 5"),
    }


def class_meaning(scheme: Scheme, row: Any) -> str:
    """The rule of a class in words, with its grades; empty where the class is a plain value."""
    said = {
        "high": _("the grades of orders and money add up to 8 or more"),
        "mid": _("the grades of orders and money add up to 5, 6 or 7"),
        "low": _("the grades of orders and money add up to 4 or less"),
        "value": _("much money, many orders, and still buying: worth most in the long run"),
        "cash_flow": _("much money, but few orders or not lately: it brings profit now"),
        "relationship": _("orders steadily and still does, spends little: stable dealings"),
        "growth": _("bought lately, few orders and little money so far: room to grow"),
        "none": _("none of these rules fits"),
    }
    if scheme.name == "value_level":
        return said[row.name]
    if scheme.name != "value_kind":
        return ""
    rule = RULES[row.name].holds
    return said[row.name] + ("" if row.name == "none" else f" ({rule_words(rule)})")


def behaviour_words(rule: Behaviour) -> str:
    """A rule on behaviour in words: `more than 10 orders`."""
    return _(" and ").join(_condition(c.dimension, c.sign, c.limit) for c in rule.conditions)


def _condition(dimension: str, sign: str, limit: float) -> str:
    said = {
        "r": _("silent {limit} days"),
        "f": _("{limit} orders"),
        "m": _("{limit} spent"),
    }[dimension]
    words = {
        ">": _("more than {n}"),
        ">=": _("at least {n}"),
        "<": _("under {n}"),
        "<=": _("at most {n}"),
        "=": _("just {n}"),
    }[sign]
    amount = money(limit) if dimension == "m" else number(limit, 0 if limit == int(limit) else 1)
    return said.format(limit=words.format(n=amount))
