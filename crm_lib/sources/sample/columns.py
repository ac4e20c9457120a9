"""Small builders: streams of chance, and arrow columns out of numpy arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib.sources.sample.truth import START

_STREAMS = (
    "purchases",
    "lines",
    "refunds",
    "customers",
    "campaigns",
    "extra_orders",
    "leads",
    "opportunities",
    "links",
    "surveys",
    "cases",
    "profiles",
    "bought_in",
    "visits",
    "said",
    "items",
    "closing",
    "costs",
    "targets",
    "market",
    "discounts",
    "response",
)
_START_DAY = np.datetime64(START, "D").astype(int)


def stream(seed: int, part: str) -> np.random.Generator:
    """Random numbers of one part: parts don't disturb one another."""
    return np.random.default_rng([seed, _STREAMS.index(part)])


def ids(prefix: str, numbers: np.ndarray, width: int, missing: np.ndarray | None = None) -> pa.Array:
    """Ids such as C00042: prefix and number with leading zeros; empty where `missing`."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers, mask=missing), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def pick(labels: tuple[str, ...], codes: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Label of each code, as a dictionary column; empty where `missing`."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=missing), pa.array(labels))


def days(numbers: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Dates of day numbers (0 is the first day of the sample)."""
    return pa.array((numbers + _START_DAY).astype(np.int32), mask=missing).cast(pa.date32())


def times(numbers: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Timestamps of fractional day numbers: the day, and its fraction as a minute between 8:30 and 19:30."""
    kept = numbers if missing is None else np.where(missing, 0.0, numbers)
    day = np.floor(kept)
    minutes = ((day + _START_DAY) * 1440 + np.floor(510 + 660 * (kept - day))).astype(np.int64)
    return pa.array(minutes * 60, mask=missing).cast(pa.timestamp("s"))


def money(cents: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Exact amounts with two decimals out of whole cents."""
    whole = pa.array(cents.astype(np.int64), mask=missing).cast(pa.decimal128(19, 0))
    scaled = pa.Array.from_buffers(pa.decimal128(19, 2), len(whole), whole.buffers(), whole.null_count)
    return scaled.cast(pa.decimal128(18, 2))


def counts(numbers: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Whole numbers; empty where `missing`."""
    return pa.array(numbers.astype(np.int64), mask=missing)


def choose(rng: np.random.Generator, shares: tuple[float, ...], size: int) -> np.ndarray:
    """Codes drawn by share; shares need not sum to one."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.searchsorted(edges[:-1], rng.random(size), side="right")


def months(day: np.ndarray) -> np.ndarray:
    """Month (1–12) of days since the first day of the sample."""
    return (day + _START_DAY).astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1
