"""What goes with contentment: the importance of each aspect for one outcome, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis.expr.types import Table
from scipy import stats

from crm_lib.analysis import importance
from crm_lib.analysis.intervals import LEVEL
from crm_lib.analysis.satisfaction import measure, repeats
from crm_lib.analysis.satisfaction.answers import fetched
from crm_lib.analysis.satisfaction.breakdown import Limits
from crm_lib.analysis.satisfaction.measure import Measure
from crm_lib.contract.settings import Scale

OUTCOMES = ("csat", "nps", "ces")  # the first that was asked and has a scale
ASKED_OF = 0.5  # an aspect that fewer of the answers hold is left out
PER_DRIVER = 10  # fewest answers for each driver
N_DRAWS, AT_ONCE = 500, 50
MOST_EXPLAINED = 1 - 1e-9  # Fisher's z of 1 is infinite
MOST_ROWS = 50_000  # answers that the estimate rests on, the first by response id
FEW, NO_OUTCOME, NO_ASPECTS, TOO_MANY, ALIKE = "few", "no outcome", "no aspects", "too many", "alike"
COLUMNS = ("shapley", "relative", "correlation")


@dataclass(frozen=True)
class Drivers:
    """The importance of aspects for `outcome`.

    table: aspect (most important first), performance (mean answer), correlation, shapley and relative (shares of
        what is explained), each with `_low`, `_high`; vif; apart: 1 or −1 where the share is clearly above or
        below an equal one, all aspects judged jointly, else 0. Empty where `why` says so.
    n: answers with the outcome and every aspect; `n_incomplete` lack an aspect; `left_out` were asked too rarely.
    """

    outcome: str = ""
    why: str = ""
    n: int = 0
    n_incomplete: int = 0
    left_out: tuple[str, ...] = ()
    explained: Measure = field(default_factory=Measure)
    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_columns()))

    def __bool__(self) -> bool:
        """Whether there is an estimate."""
        return not self.why

    @property
    def equal_share(self) -> float:
        """The share of each, were all equally important."""
        return 1 / len(self.table)

    @property
    def leading(self) -> pd.DataFrame:
        """Aspects clearly more important than an equal share."""
        return self.table[self.table.apart > 0]

    @property
    def weak(self) -> pd.DataFrame:
        """Aspects that score clearly below the mean of all, those more important first."""
        middle = self.table.performance.mean()
        return self.table[self.table.performance_high < middle]


def _columns() -> list[str]:
    each = [f"{name}{end}" for name in ("performance", *COLUMNS) for end in ("", "_low", "_high")]
    return ["aspect", *each, "vif", "apart"]


def drivers(
    rated: Table | None,
    answers: Table,
    scales: Mapping[str, Scale],
    limits: Limits,
    wanted: Sequence[str] = (),
    *,
    seed: int = 7,
    n_draws: int = N_DRAWS,
) -> Drivers:
    """How much of the outcome goes with each aspect: its perceived value, or its score where that was asked.

    `wanted` names the aspects to hold against the outcome; empty for all. Above 12 an exact share would need more
    than 4,096 fits, and `wanted` must choose.
    """
    outcome = next((q for q in OUTCOMES if q in scales and q in answers.columns), "")
    if rated is None or not outcome:
        return Drivers(why=NO_ASPECTS if rated is None else NO_OUTCOME)
    known = answers.filter(answers.is_answered & answers[outcome].notnull()).select(
        "response_id", _who="customer_id", _y=outcome
    )
    said = rated.mutate(_x=rated.perceived.coalesce(rated.score)).filter(lambda t: t._x.notnull())
    said = said.select("response_id", "aspect", "_x").inner_join(known, "response_id")
    n_outcome = int(known.count().to_pyarrow().as_py())
    if not n_outcome:
        return Drivers(outcome, NO_OUTCOME)
    chosen, left_out = _chosen(said, n_outcome, wanted)
    if len(chosen) < 2 or len(chosen) > importance.MOST_DRIVERS:
        return Drivers(outcome, NO_ASPECTS if len(chosen) < 2 else TOO_MANY, left_out=left_out)
    values, who = _matrix(said, chosen)
    about = {"outcome": outcome, "n": len(values), "n_incomplete": n_outcome - len(values), "left_out": left_out}
    if min(len(values), int(who.max(initial=-1)) + 1) < max(limits.compare_from, PER_DRIVER * len(chosen)):
        return Drivers(why=FEW, **about)
    if importance.correlations(values)[:-1, -1].any():
        explained, table = _estimate(values, chosen, seed, n_draws, who)
        return Drivers(explained=explained, table=table, **about)
    return Drivers(why=ALIKE, **about)


def _chosen(said: Table, n_outcome: int, wanted: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Aspects that enough of the answers hold, by name, and those left out for that."""
    counted = fetched(said.group_by("aspect").aggregate(n=said.count()))
    counts = {a: int(n) for a, n in zip(counted.aspect, counted.n, strict=True) if not wanted or a in wanted}
    chosen = sorted(a for a, n in counts.items() if n >= ASKED_OF * n_outcome)
    return chosen, tuple(sorted(set(counts) - set(chosen)))


def _matrix(said: Table, aspects: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """One row per answer that holds every aspect: the aspects, then the outcome; and a number for who gave it.

    An answer without a customer is one's own.
    """
    names = [f"x{i}" for i in range(len(aspects))]
    columns = {x: said._x.max(where=said.aspect == a) for x, a in zip(names, aspects, strict=True)}
    wide = said.group_by("response_id").aggregate(y=said._y.max(), who=said._who.max(), **columns)
    rows = fetched(wide.drop_null(names).order_by("response_id").limit(MOST_ROWS)).sort_values("response_id")
    who = pd.factorize(rows.who.astype("object"))[0]
    alone = who < 0
    who[alone] = who.max(initial=-1) + 1 + np.arange(alone.sum())
    return rows[[*names, "y"]].to_numpy(dtype=float), who


def _estimate(
    values: np.ndarray, aspects: Sequence[str], seed: int, n_draws: int, who: np.ndarray | None = None
) -> tuple[Measure, pd.DataFrame]:
    """Explained share and importances, with intervals over customers drawn again with all of their answers.

    `who` numbers the customer of each row; without it every row is another's.
    """
    rng, n = np.random.default_rng(seed), len(values)
    who = np.arange(n) if who is None else who
    n_people = int(who.max()) + 1
    again = []
    for begin in range(0, n_draws, AT_ONCE):
        draws = rng.integers(0, n_people, (min(AT_ONCE, n_draws - begin), n_people))
        times = np.stack([np.bincount(draw, minlength=n_people)[who] for draw in draws])
        again.append(importance.correlations(values, times))
    whole, drawn = importance.correlations(values), np.concatenate(again)
    means = [_mean(values[:, i], who) for i in range(len(aspects))]
    table = pd.DataFrame(means, columns=["performance", "performance_low", "performance_high"], dtype=float)
    table.insert(0, "aspect", list(aspects))
    tail = _tail(n_people, len(aspects))
    for name, of in {"shapley": _shares, "relative": _weights, "correlation": _plain}.items():
        low, high = np.nanquantile(of(drawn), [tail, 1 - tail], axis=0)
        table[name], table[f"{name}_low"], table[f"{name}_high"] = of(whole), low, high
    table["vif"] = importance.inflation(whole)
    table["apart"] = _apart(table.shapley.to_numpy(), _shares(drawn))
    ranked = table.sort_values(["shapley", "aspect"], ascending=[False, True], ignore_index=True)
    return _explained(whole, drawn, n, n_people), ranked[_columns()]


def _tail(n_people: int, k: int) -> float:
    """Share of draws left out at each end: the expanded percentile interval (Hesterberg 2015).

    Draws spread less than estimates do, by about √((n − k − 1) / n): with few customers for each driver the plain
    percentiles are too narrow.
    """
    free = n_people - k - 1
    return float(stats.norm.cdf(stats.t.ppf((1 - LEVEL) / 2, free) * np.sqrt(n_people / free)))


def _apart(shares: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Which shares differ from an equal one, by Bonferroni's bound over all.

    Were all equal, all would spread alike: hence one spread for all, and not a small one for a small share.
    """
    k = len(shares)
    spread = np.sqrt(np.nanvar(drawn, axis=0, ddof=1).mean())
    beyond = stats.norm.ppf(1 - (1 - LEVEL) / 2 / k) * spread
    return np.where(np.abs(shares - 1 / k) > beyond, np.sign(shares - 1 / k), 0).astype(int)


def _explained(whole: np.ndarray, drawn: np.ndarray, n: int, n_people: int) -> Measure:
    """Adjusted R², and bounds by Fisher's z of its root.

    R² of a sample is too high, and of a sample drawn from it twice so; percentiles of draws would lie above the
    truth. The spread of z is that of the draws, widened as `_tail` says.
    """
    fit, fits = (importance.relative_weights(c).sum(axis=-1) for c in (whole, drawn))
    k = whole.shape[-1] - 1
    adjusted = max(1 - (1 - float(fit)) * (n - 1) / (n - k - 1), 0.0)
    spread = float(np.arctanh(np.sqrt(np.clip(fits, 0, MOST_EXPLAINED))).std(ddof=1))
    half = -stats.norm.ppf(_tail(n_people, k)) * spread
    centre = np.arctanh(np.sqrt(min(adjusted, MOST_EXPLAINED)))
    low, high = np.tanh(np.maximum([centre - half, centre + half], 0)) ** 2
    return Measure(adjusted, float(low), float(high), n)


def _mean(values: np.ndarray, who: np.ndarray) -> list[float | None]:
    effect = repeats.of_values(values, who)
    found = measure.mean(len(values), values.sum(), (values * values).sum(), 1, effect=effect)
    return [found.value, found.low, found.high]


def _shares(correlations: np.ndarray) -> np.ndarray:
    return _of_whole(importance.shapley(correlations))


def _weights(correlations: np.ndarray) -> np.ndarray:
    return _of_whole(importance.relative_weights(correlations))


def _plain(correlations: np.ndarray) -> np.ndarray:
    return correlations[..., :-1, -1]


def _of_whole(parts: np.ndarray) -> np.ndarray:
    whole = parts.sum(axis=-1, keepdims=True)
    return np.divide(parts, whole, out=np.full_like(parts, np.nan), where=whole > 0)
