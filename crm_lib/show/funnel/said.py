"""Turns of phrase that the parts of the funnel page share."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_lib.analysis.funnel import Pipeline
from crm_lib.theme.words import between, is_missing, money, name, percent
from crm_lib.theme.words import gettext as _


def cash(x: Any) -> str:
    """Money without cents, in short form from ten thousand on.

    >>> cash(1234), cash(1234567)
    ('1,234', '1.2M')
    """
    return money(x, compact=not is_missing(x) and abs(x) >= 10_000)


def stage(text: Any, most: int = 40) -> str:
    """A stage as typed, or the words for deals without one."""
    return _("No listed stage") if is_missing(text) else name(text, most)


def target(text: Any, most: int = 40) -> str:
    """Where a step leads: a stage, or the sale after the last one."""
    return _("sale") if is_missing(text) else name(text, most)


def step(row: Any, most: int = 40) -> str:
    """A step in words, from stage to stage."""
    return _("{before} → {after}").format(before=stage(row.from_stage, most), after=target(row.to_stage, most))


def lever(row: Any, most: int = 40) -> str:
    """A step that a point can be won at: from leads, between stages, or from the opening to the sale."""
    if row.is_lead:
        return _("lead → {stage}").format(
            stage=_("deal") if is_missing(row.to_stage) else name(row.to_stage, most)
        )
    if is_missing(row.from_stage):
        return _("opening → sale")
    return step(row, most)


def has_levers(result: Pipeline) -> bool:
    """Whether a point of conversion can be put in money."""
    return not result.levers.empty


def bounds(frame: pd.DataFrame, low: str = "low", high: str = "high") -> list[str]:
    """The 90 % interval of each row's share in words."""
    return [between(a, b, percent) for a, b in zip(frame[low], frame[high], strict=True)]


def all_estimated(result: Pipeline) -> bool:
    """Whether no open deal carries an amount of its own."""
    return 0 < result.n_open == result.open_value.n_estimated


def has_money(result: Pipeline) -> bool:
    """Whether open deals can be valued at all."""
    return result.open_value.amount is not None and result.n_open > 0


def chance(share: float) -> str:
    r"""A simulated chance in words: never certain, never impossible.

    >>> chance(0.0), chance(0.356), chance(1.0)
    ('under 1\xa0%', '36\xa0%', 'over 99\xa0%')
    """
    if share < 0.01:
        return _("under {share}").format(share=percent(0.01))
    if share > 0.99:
        return _("over {share}").format(share=percent(0.99))
    return percent(share)
