"""What the other topics found, ranked by the money at stake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crm_lib.contract.publication import Figure, Publication

# Figures of each topic that say what is at stake; the first that was published counts.
AT_STAKE = {
    "segmentation": ("slipping_amount",),
    "clv": ("at_risk_amount",),
    "funnel": ("stale_amount", "open_amount"),
    "retention": ("at_risk_amount", "value_at_risk_amount", "value_at_risk", "lost_amount"),
    "campaigns": ("loss_amount", "wasted_amount", "profit_amount", "profit"),
    "satisfaction": ("at_risk_amount",),
}


@dataclass(frozen=True)
class Finding:
    """A topic's figure with money at stake (None where it names none) and its one line for the index."""

    topic: str
    figure: Figure | None
    summary: str

    @property
    def amount(self) -> float:
        """Money at stake; 0 where the topic names none."""
        return abs(self.figure.value or 0.0) if self.figure else 0.0


def findings(published: Mapping[str, Publication | None]) -> tuple[Finding, ...]:
    """One finding per topic that has published, most money first."""
    found = []
    for topic, told in published.items():
        if told is None:
            continue
        figures = {f.name: f for f in told.figures if f.value is not None}
        names = [n for n in AT_STAKE.get(topic, ()) if n in figures]
        found.append(Finding(topic, figures[names[0]] if names else None, told.summary))
    return tuple(sorted(found, key=lambda f: (-f.amount, f.topic)))
