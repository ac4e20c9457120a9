"""The campaigns of three years, as planned: dates, money, whom they reach and what they bring."""

from __future__ import annotations

from dataclasses import dataclass

from crm_lib.sources.sample.names import HOSTILE_CAMPAIGN


@dataclass(frozen=True)
class Plan:
    """A campaign. `contacted` is a share of all customers; `uplift` the chance of an extra order if treated."""

    name: str
    kind: str
    purpose: str
    channel: str
    applied: str
    starts: str | None
    ends: str | None
    status: str
    budget: int
    parent: int | None = None
    lead_weight: float = 0.0
    contacted: float = 0.0
    control_share: float = 0.25
    uplift: float = 0.0
    delivered: float = 0.96
    opened: float = 0.42
    clicked: float = 0.30
    answered: float = 0.35
    yes: float = 0.70


PLANS = (
    Plan("Programme 2024", "online", "brand", "all", "2023-11-01", "2023-11-01", "2024-10-31", "settled", 36_000),
    Plan("Programme 2025", "online", "brand", "all", "2024-10-08", "2024-11-01", "2025-10-31", "settled", 42_000),
    Plan("Programme 2026", "online", "brand", "all", "2025-10-09", "2025-11-01", "2026-10-31", "running", 45_000),
    Plan(
        "Kitchen fair Hangzhou 2024",
        "exhibition",
        "new customers",
        "store",
        "2024-01-15",
        "2024-03-14",
        "2024-03-17",
        "settled",
        88_000,
        1,
        0.22,
    ),
    Plan(
        "Clean hob e-mail",
        "e-mail",
        "cross-sell",
        "e-mail",
        "2024-04-20",
        "2024-05-20",
        "2024-06-10",
        "settled",
        9_000,
        1,
        contacted=0.11,
        uplift=0.05,
    ),
    Plan(
        "Metro posters Shanghai",
        "advertisement",
        "brand",
        "outdoor",
        "2024-07-30",
        "2024-09-01",
        "2024-10-15",
        "settled",
        120_000,
        1,
        0.20,
    ),
    Plan(
        "Come back 2024",
        "e-mail",
        "win-back",
        "e-mail",
        "2024-09-12",
        "2024-10-21",
        "2024-11-15",
        "settled",
        12_000,
        1,
        contacted=0.12,
        uplift=0.03,
    ),
    Plan(
        "Partner fair Guangzhou 2025",
        "exhibition",
        "partners",
        "partner",
        "2025-01-10",
        "2025-03-20",
        "2025-03-23",
        "settled",
        96_000,
        2,
        0.22,
    ),
    Plan(
        HOSTILE_CAMPAIGN,
        "e-mail",
        "cross-sell",
        "e-mail",
        "2025-04-15",
        "2025-05-19",
        "2025-06-09",
        "settled",
        11_000,
        2,
        contacted=0.16,
        uplift=0.08,
        opened=0.48,
    ),
    Plan(
        "How do you cook? questionnaire",
        "questionnaire",
        "retention",
        "online",
        "2025-08-11",
        "2025-09-08",
        "2025-09-30",
        "settled",
        15_000,
        2,
        contacted=0.15,
        uplift=0.02,
        answered=0.52,
    ),
    Plan(
        "618 online week",
        "online",
        "new customers",
        "web shop",
        "2026-04-20",
        "2026-06-01",
        "2026-06-20",
        "settled",
        75_000,
        3,
        0.36,
    ),
    Plan(
        "Come back voucher 2026",
        "e-mail",
        "win-back",
        "e-mail",
        "2026-03-02",
        "2026-04-13",
        "2026-05-08",
        "settled",
        18_000,
        3,
        contacted=0.18,
        uplift=0.06,
    ),
    Plan(
        "Double care letter",
        "e-mail",
        "retention",
        "post",
        "2026-06-29",
        "2026-08-03",
        "2026-08-21",
        "settled",
        22_000,
        3,
        contacted=0.16,
        uplift=0.0,
        opened=0.60,
    ),
    Plan(
        "Stove owners try the purifier",
        "e-mail",
        "cross-sell",
        "e-mail",
        "2026-08-31",
        "2026-10-12",
        "2026-10-31",
        "running",
        13_000,
        3,
        contacted=0.10,
        uplift=0.05,
    ),
    Plan("Double 11 2026", "online", "new customers", "web shop", "2026-09-21", None, None, "approved", 90_000, 3),
    Plan(
        "Kitchen fair Hangzhou 2027",
        "exhibition",
        "new customers",
        "store",
        "2026-10-19",
        None,
        None,
        "applied",
        98_000,
    ),
)

PERIODS = (tuple(p.starts for p in PLANS), tuple(p.ends for p in PLANS))
