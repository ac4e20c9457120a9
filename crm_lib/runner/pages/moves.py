"""What moved between two publications: by how much, and whether by more than their intervals allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_lib.runner.pages import figures
from crm_lib.theme.words import gettext as _

_TECHNICAL = ("holdout_", "peer_", "spend_")


@dataclass(frozen=True)
class Move:
    """One figure on two dates.

    `beyond`: its intervals do not touch; None where it has none to compare. `alike`: both dates asked the same.
    """

    topic: str
    unit: str
    before: Mapping[str, Any]
    now: Mapping[str, Any]
    beyond: bool | None
    alike: bool = True

    @property
    def label(self) -> str:
        """What the figure is called."""
        return figures.label(self.now)

    @property
    def rose(self) -> bool:
        """Whether it is more than it was."""
        return self.now["value"] > self.before["value"]

    @property
    def money(self) -> float:
        """Size of the move in money; 0 for what is no money."""
        return abs(self.now["value"] - self.before["value"]) if figures.is_money(self.unit) else 0.0

    @property
    def size(self) -> float:
        """Size of the move as `figures.moved` measures it, to rank figures that are no money."""
        return abs(figures.moved(self.now["value"], self.before["value"], self.unit) or 0.0)

    @property
    def change(self) -> str:
        """The move in words with its direction; money also in money."""
        arrow = "▲" if self.rose else "▼"
        moved = figures.change(self.now["value"], self.before["value"], self.unit)
        if moved and not any(digit in moved for digit in "123456789"):
            return _("unchanged")
        if not self.money:
            return f"{arrow} {moved}".strip()
        amount = figures.said(self.money, self.unit, brief=True)
        return f"{arrow} {amount}" + (f" ({moved})" if moved else "")

    @property
    def technical(self) -> bool:
        """Whether the figure is about a model's test, not about customers."""
        return self.now["name"].startswith(_TECHNICAL)

    @property
    def verdict(self) -> str:
        """Whether the move may be chance, or comes from what was asked."""
        if not self.alike:
            return _("asked differently")
        if self.beyond is None:
            return _("counted, no interval")
        return _("beyond the intervals") if self.beyond else _("may be chance")


def between(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[Move]:
    """The figures that both publications of a topic know and that differ as they are said."""
    known = figures.by_name(before)
    pairs = ((known[name], figure) for name, figure in figures.by_name(now).items() if name in known)
    topic = str((now or {}).get("topic", ""))
    return [
        Move(topic, new["unit"], old, new, beyond(old, new))
        for old, new in pairs
        if None not in (old["value"], new["value"]) and old["unit"] == new["unit"] and _differ(old, new)
    ]


def ranked(moves: list[Move]) -> list[Move]:
    """What moved most money first, then what moved most."""
    return sorted(moves, key=lambda move: (-move.money, -move.size))


def _differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old["value"] == new["value"]:
        return False
    changed = figures.change(new["value"], old["value"], new["unit"])
    return not changed or any(digit in changed for digit in "123456789")


def beyond(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
    """Whether the intervals of a figure on two dates do not touch; None where one of them has none."""
    ends = [old["low"], old["high"], new["low"], new["high"]]
    if any(end is None for end in ends):
        return None
    return old["high"] < new["low"] or new["high"] < old["low"]
