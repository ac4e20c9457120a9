"""What the data say about themselves: missing closings, names that join nothing, gaps."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from crm_lib.analysis.funnel.deals import History, fetched
from crm_lib.analysis.funnel.incidence import incidence
from crm_lib.analysis.funnel.results import Truncation
from crm_lib.contract.settings import FunnelSettings

_EXPECTED_AT_LEAST = 10  # none seen where ten are due: chance 1 in 22,000


def truncation(deals: pd.DataFrame) -> Truncation | None:
    """Whether closings are missing at the start: none before a day by which many were due.

    Due are, of the deals opened before the first closing, those that would have ended by then at the pace
    (Aalen–Johansen) of the deals opened from that day on.
    """
    first_closed = deals.loc[deals["opened_on"].notna(), "closed_on"].min()
    if pd.isna(first_closed):
        return None
    early = deals[deals["opened_on"] < first_closed]
    later = deals[deals["opened_on"] >= first_closed]
    days = later["days_to_close"].fillna(later["age_days"])
    known = days.notna()
    fit = incidence(days[known], later.loc[known, "outcome"]) if known.any() else None
    if fit is None or early.empty:
        return None
    open_for = (first_closed - early["opened_on"]).dt.days.to_numpy(float) - 1
    expected = float(np.sum(fit.at(fit.won + fit.lost, open_for)))
    if expected < _EXPECTED_AT_LEAST:
        return None
    return Truncation(early["opened_on"].min().date(), first_closed.date(), len(early), expected)


def unknown_products(deals: pd.DataFrame, products: ibis.Table | None) -> pd.DataFrame:
    """Products of deals that join no product by id or name: product, n, won_amount, looks_like (or None)."""
    columns = ["product", "n", "won_amount", "looks_like"]
    if products is None or deals["product"].isna().all():
        return pd.DataFrame(columns=columns)
    names = [c for c in ("product_id", "name") if c in products.columns]
    known = {v for c in names for v in fetched(products.select(c).distinct())[c].dropna()}
    plain = {_plain(name): name for name in sorted(known, reverse=True)}
    lost = deals[deals["product"].notna() & ~deals["product"].isin(known)]
    amount = lost["amount"].where(lost["outcome"] == "won", 0.0)
    counted = (
        lost.assign(won_amount=amount)
        .groupby("product")
        .agg(n=("product", "size"), won_amount=("won_amount", "sum"))
    )
    table = counted.reset_index().sort_values(["n", "product"], ascending=[False, True], ignore_index=True)
    return table.assign(looks_like=[plain.get(_plain(name)) for name in table["product"]])[columns]


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def n_false(answers: pd.Series) -> int | None:
    """How many answers are no; None where nothing was asked."""
    return None if answers.isna().all() else int((answers == False).sum())  # noqa: E712


def moves(spells: pd.DataFrame) -> dict[str, int]:
    """Moves between listed stages: all, forward over a stage, back, and after the close."""
    listed = spells[(spells["rank"] >= 0) & (spells["next_rank"] >= 0)]
    step = listed["next_rank"] - listed["rank"]
    return {
        "n_moves": int(listed["n"].sum()),
        "n_skips": int(listed.loc[step > 1, "n"].sum()),
        "n_reversals": int(listed.loc[step < 0, "n"].sum()),
        "n_reopened": int(spells.loc[spells["after_close"], "n"].sum()),
    }


def n_before_opening(history: History) -> int:
    """Deals that entered a stage on a day before they were opened."""
    if history.entries is None:
        return 0
    first = history.entries["first_on"].reindex(history.deals["opportunity_id"]).to_numpy()
    return int((first < history.deals["opened_on"].to_numpy()).sum())


def unused(history: History, settings: FunnelSettings) -> tuple[str, ...]:
    """Stages that the settings list and no deal was ever seen in."""
    if history.entries is None:
        seen = set(history.deals["stage"].dropna())
    else:
        seen = {s for i, s in enumerate(history.stages) if history.entries[f"stage_{i}"].notna().any()}
    return tuple(s for s in history.stages if s in settings.stages and s not in seen)
