"""The arms of a test, as small as they can be: counts, the money of those who spent, and moments with history."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

_EXACT = "decimal(38,4)"


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm: `n` people of whom `n_bought` bought and `n_visited` visited (None: not recorded).

    `spent` holds every amount that is not 0, rising. `prior` is (Σx, Σx², Σxy) of the money spent before, in
    exact sums, or None where history is not known.
    """

    n: int
    n_bought: int
    n_visited: int | None = None
    n_orders: int = 0
    spent: np.ndarray | None = None
    prior: tuple[float, float, float] | None = None
    days_seen: int = 0

    @property
    def mean(self) -> float | None:
        """Mean money per head; None where money is not recorded."""
        return None if self.spent is None or not self.n else float(self.spent.sum() / self.n)

    @property
    def variance(self) -> float | None:
        """Variance of money per head (n − 1), zeros included."""
        if self.spent is None or self.n < 2:
            return None
        mean = self.spent.sum() / self.n
        squares = ((self.spent - mean) ** 2).sum() + (self.n - len(self.spent)) * mean * mean
        return float(squares / (self.n - 1))

    def capped(self, limit: float) -> Arm:
        """The same arm with money above `limit` set to it (winsorised)."""
        return Arm(self.n, self.n_bought, self.n_visited, self.n_orders, np.minimum(self.spent, limit))


def pooled(arms: list[Arm]) -> Arm:
    """Several arms as one."""
    if len(arms) == 1:
        return arms[0]
    visited, spent = [a.n_visited for a in arms], [a.spent for a in arms]
    priors = [a.prior for a in arms]
    return Arm(
        sum(a.n for a in arms),
        sum(a.n_bought for a in arms),
        None if None in visited else sum(visited),
        sum(a.n_orders for a in arms),
        None if any(s is None for s in spent) else np.sort(np.concatenate(spent)),
        None if any(p is None for p in priors) else tuple(np.sum(priors, axis=0)),
        min(a.days_seen for a in arms),
    )


def arms_of(told: ir.Table) -> dict[str, dict[tuple[bool, str], Arm]]:
    """Arms by campaign, then by (treated, variant); customers drawn into both arms are left out."""
    t = told.filter(~told.both)
    y, x = t.revenue, t.prior
    counted = (
        t.group_by("campaign_id", "treated", "variant")
        .agg(
            n=t.count(),
            n_bought=t.bought.sum(),
            n_outcomes=t.bought.count(),
            n_visited=t.visited.sum(),
            visits_known=t.visited.count(),
            n_orders=t.orders.sum(),
            money_known=y.count(),
            prior_known=x.count(),
            days_seen=t.days_seen.min(),
            x=x.cast(_EXACT).sum(),
            xx=(x.cast("decimal(18,2)") * x.cast("decimal(18,2)")).cast(_EXACT).sum(),
            xy=(x.cast("decimal(18,2)") * y.cast("decimal(18,2)")).cast(_EXACT).sum(),
        )
        .order_by("campaign_id", ibis.desc("treated"), "variant")
        .to_pyarrow()
        .to_pylist()
    )
    money = _money(t)
    found: dict[str, dict[tuple[bool, str], Arm]] = {}
    for row in counted:
        if row["n_outcomes"] == 0:
            continue
        key = (bool(row["treated"]), row["variant"])
        n = int(row["n"])
        has_prior = row["prior_known"] == n and row["money_known"] == n
        found.setdefault(row["campaign_id"], {})[key] = Arm(
            n,
            int(row["n_bought"] or 0),
            int(row["n_visited"]) if row["visits_known"] == n else None,
            int(row["n_orders"] or 0),
            money.get((row["campaign_id"], *key), np.zeros(0)) if row["money_known"] else None,
            tuple(float(row[c] or 0) for c in ("x", "xx", "xy")) if has_prior else None,
            int(row["days_seen"] or 0),
        )
    return found


def _money(t: ir.Table) -> dict[tuple[str, bool, str], np.ndarray]:
    """Every amount that is not 0, by campaign and arm, rising."""
    spent = t.filter(t.revenue != 0)
    keys = ("campaign_id", "treated", "variant", "revenue")
    rows = spent.group_by(*keys).agg(n=spent.count()).order_by(*keys).to_pandas()
    rows["revenue"] = rows["revenue"].astype("float64")
    return {
        (campaign, bool(treated), variant): np.repeat(part["revenue"].to_numpy(), part["n"].to_numpy())
        for (campaign, treated, variant), part in rows.groupby(["campaign_id", "treated", "variant"], sort=True)
    }
