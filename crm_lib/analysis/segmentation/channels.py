"""Channel mix: through which channels each customer has bought, counted in the engine."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.analysis.engine import largest

MOST_CHANNELS = 8
SINGLE, SEVERAL = "single", "several"
JOINED_BY = " + "


def of_customers(transactions: ir.Table | None, as_of: dt.date) -> pd.DataFrame | None:
    """The channels of each customer's purchases up to `as_of`; refunds don't count.

    Returns
    -------
    pd.DataFrame or None
        `customer_id`, `n_channels`, `channel_mix` (names joined by " + ", most customers first; channels
        beyond the eight largest are one, named "…"). None where no purchase names its channel.
    """
    if transactions is None or "channel" not in transactions.columns:
        return None
    bought = transactions.filter(
        (transactions["at"].cast("date") <= ibis.literal(as_of)) & (transactions["amount"] >= 0)
    )
    bought = bought.mutate(channel=bought["channel"].cast("string").strip())
    named = bought.filter(bought["channel"].notnull() & (bought["channel"] != ""))
    counted = named.group_by("channel").agg(n=named["customer_id"].nunique())
    channels = largest(counted, "channel", "n", MOST_CHANNELS + 1)["channel"].tolist()
    if not channels:
        return None
    kept = channels[:MOST_CHANNELS]
    used = {f"c{i}": (named["channel"] == channel).any() for i, channel in enumerate(kept)}
    names = kept
    if len(channels) > MOST_CHANNELS:
        rest = named["channel"].notin(kept)
        used["rest"], names = rest.any(), [*kept, "…"]
        several = named["channel"].min(where=rest) != named["channel"].max(where=rest)
        used["rest_several"] = several.fill_null(False)
    frame = named.group_by("customer_id").agg(**used).to_pandas()
    marks = frame.drop(columns="customer_id").to_numpy(dtype=bool)
    mix = _joined(marks[:, : len(names)], names)
    return pd.DataFrame({"customer_id": frame["customer_id"], "n_channels": marks.sum(axis=1), "channel_mix": mix})


def _joined(used: np.ndarray, names: list[str]) -> np.ndarray:
    """The names that each row marks, each distinct combination joined once."""
    code = used @ (1 << np.arange(len(names)))
    place, codes = pd.factorize(code)
    text = [JOINED_BY.join(n for i, n in enumerate(names) if c >> i & 1) for c in codes.tolist()]
    return np.asarray(text, dtype=object)[place]
