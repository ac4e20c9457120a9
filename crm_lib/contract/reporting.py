"""What `crm.toml` says of the reports themselves: whom to ask, what is worth a second look, who is told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Threshold:
    """Bounds of a published figure; beyond them a report that is fine says "read the notes".

    `moves_by` is a change since the date before: of a share, a ratio or points in the figure's own unit
    (0.05 is five percentage points), of money and counts as a share (0.2 is a fifth).
    """

    at_least: float | None = None
    at_most: float | None = None
    moves_by: float | None = None


@dataclass(frozen=True)
class Delivery:
    """Who is told that a run has ended: mail through the server whose URL stands in the environment, a command.

    `smtp_env` names the variable with `smtp://`, `smtps://` or `smtp+starttls://user:password@host:port`.
    `on_done` is a command and its arguments; the facts of the run stand in its environment.
    """

    to: tuple[str, ...] = ()
    sender: str = ""
    smtp_env: str = "CRM_SMTP_URL"
    on_done: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reporting:
    """All of it, for one source.

    `thresholds` has figures by name, or `topic.name` where several topics publish it. `phone_like_ids` lets ids
    of eleven digits pass that would otherwise be taken for mobile numbers. A report is stale when a table that
    it needs ends more than `fresh_days` before its date. `time_zone` (`Asia/Shanghai`) says when a day is over;
    empty: where the machine stands.
    """

    contact: str = ""
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    deliver: Delivery = field(default_factory=Delivery)
    phone_like_ids: bool = False
    fresh_days: int | None = None
    time_zone: str = ""
