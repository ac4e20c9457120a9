"""How long it takes to plan a million customers, and in how much memory: `python -m bench.action_plan`.

A company is made up in memory; tables go through the same code as a report, up to the lists as CSV files.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path

import duckdb
import ibis

from crm_lib.analysis import action_plan
from crm_lib.analysis.action_plan import Tables
from crm_lib.contract import lists as stored
from crm_lib.runner.store import lists
from crm_lib.show import action_plan as say
from crm_lib.sources.settings import read_config
from crm_lib.theme import words

AS_OF = dt.date(2026, 10, 31)
_ORDERS = """
create table transactions as
select 'C' || lpad(cast(1 + (hash(i * 7) % {n}) as varchar), 8, '0') as customer_id,
       cast(date '2026-10-31' - cast(hash(i) % 1000 as integer) as timestamp) as at,
       cast(20 + (hash(i * 3) % 300000) / 100 as decimal(18, 2)) as amount,
       'P' || lpad(cast(hash(i * 5) % 40 as varchar), 2, '0') as product_id,
       ['stove', 'accessory', 'consumable', 'service'][1 + cast(hash(i * 5) % 4 as integer)] as category,
       cast(10 + (hash(i * 3) % 150000) / 100 as decimal(18, 2)) as cost_amount
from range({rows}) t(i)
"""
_CUSTOMERS = """
create table customers as
select distinct customer_id, hash(customer_id) % 7 > 0 as consent, cast(null as date) as unsubscribed_on,
       'Owner ' || (hash(customer_id) % 200) as owner, cast(hash(customer_id) % 4000 as bigint) as points
from transactions
"""


def company(n_customers: int) -> Tables:
    """Four orders per customer, forty products, two hundred owners."""
    engine = ibis.duckdb.connect()
    raw: duckdb.DuckDBPyConnection = engine.con
    raw.execute(_ORDERS.format(n=n_customers, rows=4 * n_customers))
    raw.execute(_CUSTOMERS)
    return Tables(transactions=engine.table("transactions"), customers=engine.table("customers"))


def main() -> None:
    """Print seconds of each step and the most memory held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    n = parser.parse_args().customers
    clock = time.perf_counter()
    tables = company(n)
    words.use("en", "CNY")
    how = read_config().source("sample").settings.action_plan
    made_in, clock = time.perf_counter() - clock, time.perf_counter()
    plan = action_plan.plan(tables, as_of=AS_OF, settings=_wide(how, n), seed=7)
    planned_in, clock = time.perf_counter() - clock, time.perf_counter()
    told = say.lists(plan)
    worded_in, clock = time.perf_counter() - clock, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        stored.write(told, Path(folder), {})
        lists.write(Path(folder))
        written_in = time.perf_counter() - clock
        n_files = len(list((Path(folder) / "lists").glob("*.csv")))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"processor time with making up {used.ru_utime + used.ru_stime:.0f} s")
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"customers {len(plan.customers):,}, on lists {len(plan.members):,} in {n_files:,} CSV files")
    print(f"made up in {made_in:.1f} s (not counted)")
    print(f"planned {planned_in:.1f} s, worded {worded_in:.1f} s, written {written_in:.1f} s")
    print(f"in all {planned_in + worded_in + written_in:.1f} s, at most {gigabytes:.2f} GB")


def _wide(how: object, n: int) -> object:
    """The sample's plays with budgets as large as the company."""
    from dataclasses import replace

    channels = {
        k: replace(c, budget=(c.budget or 0) * n / 5_000, per_owner=n // 1_000) for k, c in how.channels.items()
    }
    return replace(how, channels=channels)


if __name__ == "__main__":
    main()
