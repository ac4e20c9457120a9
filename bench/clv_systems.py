"""The systems compared: each from the Parquet file to a row of scores for every customer.

`SYSTEMS[name]()` imports what the system needs and gives back its run; a run takes the file and `stage`, a
context manager that measures its block, and returns what it found. Stages are `prepare` (transactions to one
row per customer), `fit` (BG/NBD and Gamma-Gamma) and `score` (for every customer: P(alive), P(buy) where the
system knows it, expected orders, expected spend, and value in the horizon, discounted by month). Every system
is used as its own documentation says, with time in weeks.
"""

from __future__ import annotations

import importlib.metadata
import warnings

from clv_data import AS_OF

HORIZON_WEEKS, HORIZON_MONTHS = 52, 12
ANNUAL_DISCOUNT = 0.10
MONTHLY_DISCOUNT = (1 + ANNUAL_DISCOUNT) ** (1 / HORIZON_MONTHS) - 1


def version(package: str) -> str:
    """The installed version of a package."""
    return f"{package} {importlib.metadata.version(package)}"


def floor():
    """DuckDB alone: the scan and the group-bys without which no customer has a history."""
    import duckdb
    import pandas  # noqa: F401  DuckDB imports it at the first query that has a parameter

    def run(file, stage):
        with stage("prepare"), duckdb.connect() as con:
            rows = con.execute(
                "SELECT count(*), sum(n), sum(t_x), sum(amount) FROM (SELECT count(*) AS n, "
                "max(day) - min(day) AS t_x, sum(amount) AS amount FROM (SELECT customer_id, "
                'CAST(t."at" AS date) AS day, sum(amount) AS amount FROM read_parquet($file) t '
                "GROUP BY ALL) GROUP BY customer_id)",
                {"file": file},
            ).fetchone()
        return {"n_customers": rows[0], "versions": [version("duckdb")]}

    return run


def crm_lib():
    """The value model of this project, without the contract's checks, which no peer has."""
    import ibis.backends.duckdb  # noqa: F401  otherwise imported at the first connection
    import pyarrow as pa
    import pyarrow.compute

    from crm_lib.analysis import btyd, histories, spend
    from crm_lib.analysis.clv import Options, score
    from crm_lib.sources import files

    options = Options(horizon_weeks=HORIZON_WEEKS, annual_discount_share=ANNUAL_DISCOUNT)

    def run(file, stage):
        with stage("prepare"):
            known = histories.known(files.engine().read_parquet(file), AS_OF)
            found = histories.unique(known, AS_OF)
        with stage("fit"):
            process = btyd.fit(found)
            money = spend.fit(*histories.repeat_spend(known))
        with stage("score"):
            rule = score.Rule.of(process, money, options, found)
            rows = pa.Table.from_batches(score.stream(known, rule))
        return {
            "n_customers": rows.num_rows,
            "parameters": [*process.parameters, money.p, money.q, money.v],
            "means": {name: pa.compute.mean(rows[name]).as_py() for name in rows.column_names[1:]},
            "versions": [version(p) for p in ("crm-reports", "duckdb", "numpy", "scipy")],
        }

    return run


def lifetimes(fit: bool = True):
    """The library `lifetimes`; it has no P(buy). Without `fit` it prepares histories and no more."""
    import pandas as pd

    warnings.simplefilter("ignore")
    from lifetimes import BetaGeoFitter, GammaGammaFitter
    from lifetimes.utils import summary_data_from_transaction_data

    def run(file, stage):
        with stage("prepare"):
            rows = pd.read_parquet(file, columns=["customer_id", "at", "amount"])
            known = summary_data_from_transaction_data(
                rows, "customer_id", "at", "amount", observation_period_end=AS_OF, freq="D", freq_multiplier=7
            )
            del rows
        if not fit:
            return {"n_customers": len(known), "versions": [version(p) for p in ("lifetimes", "pandas")]}
        history = known["frequency"], known["recency"], known["T"]
        with stage("fit"):
            process = BetaGeoFitter().fit(*history)
            back = known[(known["frequency"] > 0) & (known["monetary_value"] > 0)]
            money = GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
        with stage("score"):
            scores = pd.DataFrame(index=known.index)
            scores["p_alive"] = process.conditional_probability_alive(*history)
            scores["expected_orders"] = process.conditional_expected_number_of_purchases_up_to_time(
                HORIZON_WEEKS, *history
            )
            spent = known["frequency"], known["monetary_value"]
            scores["expected_spend"] = money.conditional_expected_average_profit(*spent)
            scores["clv"] = money.customer_lifetime_value(
                process, *history, spent[1], time=HORIZON_MONTHS, freq="W", discount_rate=MONTHLY_DISCOUNT
            )
        return {
            "n_customers": len(scores),
            "parameters": [*process.params_[["r", "alpha", "a", "b"]], *money.params_[["p", "q", "v"]]],
            "means": scores.mean().to_dict(),
            "versions": [version(p) for p in ("lifetimes", "pandas")],
        }

    return run


def pymc_marketing():
    """pymc-marketing by MAP, with the priors that it sets by itself."""
    import logging

    import pandas as pd

    warnings.simplefilter("ignore")
    from pymc_marketing import clv

    logging.disable(logging.WARNING)

    def run(file, stage):
        with stage("prepare"):
            rows = pd.read_parquet(file, columns=["customer_id", "at", "amount"])
            known = clv.utils.rfm_summary(
                rows, "customer_id", "at", "amount", observation_period_end=AS_OF, time_unit="D", time_scaler=7
            )
            del rows
        with stage("fit"):
            process = clv.BetaGeoModel()
            process.fit(known, method="map", progressbar=False)
            money = clv.GammaGammaModel()
            money.fit(known[known["monetary_value"] > 0], method="map", progressbar=False)
        with stage("score"):
            alive = process.expected_probability_alive(known)
            no_order = process.expected_probability_no_purchase(HORIZON_WEEKS, known)
            orders = process.expected_purchases(known, future_t=HORIZON_WEEKS)
            spent = money.expected_customer_spend(known)
            value = money.expected_customer_lifetime_value(
                process, known, future_t=HORIZON_MONTHS, discount_rate=MONTHLY_DISCOUNT, time_unit="W"
            )
            columns = {"p_alive": alive, "p_buy": 1 - no_order, "expected_orders": orders}
            columns |= {"expected_spend": spent, "clv": value}
            scores = pd.DataFrame({name: v.to_numpy().ravel() for name, v in columns.items()})
        fitted = {**process.fit_result, **money.fit_result}
        return {
            "n_customers": len(scores),
            "parameters": [float(fitted[name].item()) for name in ("r", "alpha", "a", "b", "p", "q", "v")],
            "means": scores.mean().to_dict(),
            "versions": [version(p) for p in ("pymc-marketing", "pymc", "pytensor", "pandas")],
        }

    return run


def clvkit():
    """clvkit; it has no P(buy)."""
    import pandas as pd

    warnings.simplefilter("ignore")
    from clvkit import BGNBD, CLV, CustomerBase, GammaGamma

    def run(file, stage):
        with stage("prepare"):
            rows = pd.read_parquet(file, columns=["customer_id", "at", "amount"])
            known = CustomerBase.from_transactions(
                rows, "customer_id", "at", "amount", observation_period_end=AS_OF, time_unit="W", collapse="D"
            )
            del rows
        with stage("fit"):
            process, money = BGNBD(), GammaGamma()
            both = CLV(process, money).fit(known)
        with stage("score"):
            alive = process.probability_alive().to_pandas()
            weekly = (1 + ANNUAL_DISCOUNT) ** (1 / HORIZON_WEEKS) - 1
            scores = both.predict(horizon=HORIZON_WEEKS, discount_rate=weekly).to_pandas()
            scores["p_alive"] = alive.to_numpy().ravel()
        return {
            "n_customers": len(scores),
            "parameters": [*process.params_, *money.params_],
            "means": scores.mean().to_dict(),
            "versions": [version(p) for p in ("clvkit", "pandas")],
        }

    return run


SYSTEMS = {
    "floor": floor,
    "crm_lib": crm_lib,
    "lifetimes": lifetimes,
    "pymc-marketing": pymc_marketing,
    "clvkit": clvkit,
}
