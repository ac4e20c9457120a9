"""Which customers moved between two dates: from segment to segment, and in what they are expected to bring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Segments:
    """Customers of two dates by segment.

    `moves` has one row per way, most money first: `from`, `to`, `n`, `amount` (spent up to the later date).
    `n_both` customers are on both dates; `n_new` only on the later, `n_gone` only on the earlier one.
    """

    moves: pd.DataFrame
    n_both: int
    n_new: int
    n_gone: int

    @property
    def n_moved(self) -> int:
        """Customers in another segment than before."""
        return int(self.moves["n"].sum())

    @property
    def amount(self) -> float:
        """What they have spent."""
        return float(self.moves["amount"].sum())


def segments(before: Path, now: Path) -> Segments | None:
    """Who changed segment between two dated folders; None where one of them has no segments."""
    wanted = ["customer_id", "segment", "amount"]
    old, new = (_customers(folder, "segmentation", wanted) for folder in (before, now))
    if old is None or new is None:
        return None
    both = old.merge(new, on="customer_id", suffixes=("_before", ""))
    moved = both[both["segment_before"] != both["segment"]]
    ways = moved.groupby(["segment_before", "segment"], as_index=False, observed=True).agg(
        n=("customer_id", "size"), amount=("amount", "sum")
    )
    ways = ways.rename(columns={"segment_before": "from", "segment": "to"})
    ways = ways.sort_values(["amount", "n", "from", "to"], ascending=[False, False, True, True])
    names = segment_names(now)
    for column in ("from", "to"):
        ways[column] = [names.get(segment, str(segment).replace("_", " ")) for segment in ways[column]]
    return Segments(ways.reset_index(drop=True), len(both), len(new) - len(both), len(old) - len(both))


def values(before: Path, now: Path, most: int = 10) -> pd.DataFrame | None:
    """The customers whose expected value moved most: `customer_id`, `before`, `now`; None where none is known."""
    wanted = ["customer_id", "clv_mid"]
    old, new = (_customers(folder, "clv", wanted) for folder in (before, now))
    if old is None or new is None:
        return None
    both = old.merge(new, on="customer_id", suffixes=("_before", "")).dropna()
    both = both.rename(columns={"clv_mid_before": "before", "clv_mid": "now"})
    both["by"] = (both["now"] - both["before"]).abs()
    both = both[both["by"] > 0].sort_values(["by", "customer_id"], ascending=[False, True])
    return both.drop(columns="by").head(most).reset_index(drop=True)


def segment_names(folder: Path) -> dict[str, str]:
    """Segments in the reader's words, from the table that names them; empty where it is not there."""
    found = _table(folder, "segmentation", "segments", ["segment", "name"])
    return {} if found is None else dict(zip(found["segment"], found["name"], strict=True))


def _customers(folder: Path, topic: str, columns: list[str]) -> pd.DataFrame | None:
    return _table(folder, topic, "customers", columns)


def _table(folder: Path, topic: str, name: str, columns: list[str]) -> pd.DataFrame | None:
    try:
        found = pd.read_parquet(folder / topic / f"{name}.parquet")
    except (OSError, ValueError):
        return None
    return found[columns] if set(columns) <= set(found.columns) else None
