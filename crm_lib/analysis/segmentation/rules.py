"""Classes by rules on the grades r, f, m (5 is best). The first rule that holds wins, the last takes the rest.

Named segments, high, mid and low value, and the four kinds of customers of the textbook.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pandas as pd

from crm_lib.analysis.segmentation.grades import N_GRADES


@dataclass(frozen=True)
class Rule:
    """A segment: its id, its rule on the grades, and whether these are good customers going quiet."""

    segment: str
    holds: str
    slipping: bool = False


RULES = (
    Rule("best", "r >= 4 and f >= 4 and m >= 4"),
    Rule("big_spenders", "r >= 4 and m >= 4"),
    Rule("loyal", "r >= 4 and f >= 4"),
    Rule("growing", "r >= 4 and (f == 3 or m == 3)"),
    Rule("promising", "r >= 4"),
    Rule("slipping", "r >= 2 and m >= 4", slipping=True),
    Rule("gone_quiet", "m >= 4", slipping=True),
    Rule("steady", "r == 3 and (f >= 3 or m == 3)"),
    Rule("fading", "f >= 3 or m == 3"),
    Rule("passing_by", "r >= 1"),
)
SEGMENTS = tuple(rule.segment for rule in RULES)
SLIPPING = tuple(rule.segment for rule in RULES if rule.slipping)


# High, mid and low value, by what customers spend and how often (高价值 · 中价值 · 低价值).
LEVELS = (
    Rule("high", "f + m >= 8"),
    Rule("mid", "f + m >= 5"),
    Rule("low", "r >= 1"),
)

# 价值 · 现金流 · 关系 · 增长: value for long, profit now, steady dealings, room to grow; and who is none of these.
KINDS = (
    Rule("value", "r >= 3 and f >= 4 and m >= 4"),
    Rule("cash_flow", "m >= 4"),
    Rule("relationship", "r >= 3 and f >= 3"),
    Rule("growth", "r >= 4"),
    Rule("none", "r >= 1"),
)


def every_code(rules: tuple[Rule, ...] = RULES) -> pd.DataFrame:
    """All 125 combinations of grades in order, with the segment of each: columns r, f, m, code, segment."""
    codes = pd.DataFrame(product(range(1, N_GRADES + 1), repeat=3), columns=["r", "f", "m"])
    codes["code"] = [f"{r}{f}{m}" for r, f, m in codes.itertuples(index=False)]
    codes["segment"] = ""
    for rule in rules:
        first = codes.eval(rule.holds) & (codes["segment"] == "")
        codes.loc[first, "segment"] = rule.segment
    return codes


def segment(customers: pd.DataFrame, rules: tuple[Rule, ...] = RULES) -> pd.Series:
    """The segment of each row by its grades `r`, `f`, `m`; `rules` may be those of another scheme.

    >>> segment(pd.DataFrame({"r": [5, 1], "f": [4, 1], "m": [4, 1]})).tolist()
    ['best', 'passing_by']
    """
    place = ((customers["r"] - 1) * N_GRADES + customers["f"] - 1) * N_GRADES + customers["m"] - 1
    names = every_code(rules)["segment"].to_numpy()[place.to_numpy()]
    return pd.Series(names, index=customers.index, name="segment", dtype="str")
