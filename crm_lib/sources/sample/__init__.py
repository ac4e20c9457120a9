"""The sample company "Xudong", which sells integrated stoves: every table, from one seed, with known truth.

Orders follow BG/NBD and Gamma-Gamma exactly; deals, answers and campaigns follow rates that stand in
`truth.json` beside the tables. A refund is a row of its own on a later day without orders: it lowers money
and is no order. The clock is never read: the same seed gives the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from crm_lib.errors import ParameterError
from crm_lib.sources.sample import campaigns, company, customers, derived, purchases, sales, voices
from crm_lib.sources.sample.columns import stream
from crm_lib.sources.sample.truth import END, LAST_DAY, N_CUSTOMERS, N_DAYS, SEED, START, Truth

FEWEST_CUSTOMERS = 100
_NOTES = (
    "Orders are BG/NBD in weeks: nobody drops out before the first repeat order. Order ids begin with S.",
    "Orders that campaigns bring come on top, with ids that begin with X; nothing else depends on them.",
    "A refund gives a whole S order back on a later day without orders: it lowers money and is no order.",
    "A won deal with a customer is an S order placed within three weeks of signing, and has its amount.",
    "Figures of the weeks ahead are of S orders: what these customers will do if no campaign comes.",
    "Answers of everyone asked are known here; the tables hold those of customers who answered.",
)

__all__ = ["END", "N_CUSTOMERS", "SEED", "START", "Sample", "Truth", "make_sample", "save", "write_sample"]


@dataclass(frozen=True)
class Sample:
    """All tables by name, and everything that is true of them, as it goes into `truth.json`."""

    tables: dict[str, pa.Table]
    truth: dict[str, Any]


def write_sample(
    folder: str | Path,
    *,
    seed: int = SEED,
    n_customers: int = N_CUSTOMERS,
    campaign_effects: bool = True,
    format: Literal["csv", "parquet"] = "csv",
) -> list[Path]:
    """Write the tables of the sample company and `truth.json` into a folder, and say which files these are."""
    sample = make_sample(seed=seed, n_customers=n_customers, campaign_effects=campaign_effects)
    return save(sample, folder, format)


def save(sample: Sample, folder: str | Path, format: Literal["csv", "parquet"] = "csv") -> list[Path]:
    """Write a sample into a folder, and say which files these are."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write = {"csv": _write_csv, "parquet": pa.parquet.write_table}[format]
    files = []
    for name, table in sample.tables.items():
        files.append(folder / f"{name}.{format}")
        write(table, files[-1])
    files.append(folder / "truth.json")
    text = json.dumps(sample.truth, indent=1, ensure_ascii=False)
    files[-1].write_text(text + "\n", encoding="utf-8", newline="\n")
    return files


def _write_csv(table: pa.Table, file: Path) -> None:
    frame = pa.table({field.name: _text(table[field.name]) for field in table.schema}).to_pandas()
    frame.to_csv(file, index=False, lineterminator="\n", encoding="utf-8")


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%d %H:%M")
    return column.cast(pa.string())


def make_sample(
    *,
    seed: int = SEED,
    n_customers: int = N_CUSTOMERS,
    campaign_effects: bool = True,
    truth: Truth | None = None,
) -> Sample:
    """Make all tables in memory; without `campaign_effects` no campaign brings an order.

    Raises
    ------
    ParameterError
        If there are too few customers for every table to have rows.
    """
    if n_customers < FEWEST_CUSTOMERS:
        raise ParameterError(
            f"A sample of {n_customers} customers is too small. It needs at least {FEWEST_CUSTOMERS}."
        )
    truth = truth or Truth()
    latent, orders = purchases.history(stream(seed, "purchases"), truth.purchases, n_customers)
    past = orders.day <= LAST_DAY
    base = _ledger(seed, truth, orders.where(past))
    people = customers.attributes(stream(seed, "customers"), truth.customers, latent)
    sent, unsubscribed = campaigns.contacts(stream(seed, "campaigns"), truth.campaigns, latent, people, base)
    rng = stream(seed, "extra_orders")
    extra = campaigns.extra_orders(rng, truth.purchases, latent, sent, base)
    extra = extra if campaign_effects else extra.where(np.zeros(len(extra), dtype=bool))
    none = np.zeros(0, dtype=np.int64)
    ledgers = {
        "S": base,
        "X": purchases.Ledger(extra, purchases.lines(rng, truth.purchases, extra), none, none),
    }
    people = customers.Attributes(**{**vars(people), "unsubscribed_day": unsubscribed})
    world = _World(seed, truth, latent, people, ledgers, sent)
    tables, facts = _tables(world)
    facts["purchases"] = derived.purchases(truth.purchases, latent, orders.where(~past), base)
    facts["campaigns"] = derived.campaigns(sent, extra, campaign_effects)
    return Sample(tables, _all_truth(seed, campaign_effects, truth, facts))


def _ledger(seed: int, truth: Truth, orders: purchases.Orders) -> purchases.Ledger:
    lines = purchases.lines(stream(seed, "lines"), truth.purchases, orders)
    return purchases.Ledger(orders, lines, *purchases.refunds(stream(seed, "refunds"), truth.purchases, orders))


@dataclass(frozen=True)
class _World:
    seed: int
    truth: Truth
    latent: purchases.Latent
    people: customers.Attributes
    ledgers: dict[str, purchases.Ledger]
    sent: campaigns.Contacts


def _tables(world: _World) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """All tables and what is true of sales and voices."""
    seed, truth, base, n = world.seed, world.truth, world.ledgers["S"], len(world.latent.nu)
    sold, since, facts = _sales_tables(world)
    said = voices.answers(stream(seed, "surveys"), truth.voices, base, n)
    facts["voices"] = derived.voices(truth, said)
    found = voices.cases(stream(seed, "cases"), truth.voices, base)
    paid = purchases.Orders.joined(*(ledger.orders for ledger in world.ledgers.values()))
    tables = {
        "customers": customers.table(
            stream(seed, "profiles"), truth.customers, world.people, since, world.ledgers
        ),
        "transactions": purchases.transactions(
            stream(seed, "bought_in"),
            truth.purchases,
            world.ledgers,
            world.people.channel,
            stream(seed, "discounts"),
        ),
        "products": company.product_table(truth.purchases),
        **sold,
        "campaigns": campaigns.table(),
        "campaign_costs": campaigns.costs(stream(seed, "costs")),
        "contacts": campaigns.contact_table(stream(seed, "visits"), truth.campaigns, world.sent, paid, n),
        "surveys": voices.survey_table(stream(seed, "said"), truth.voices, said, n),
        "survey_items": voices.item_table(stream(seed, "items"), truth.voices, said),
        "cases": voices.case_table(stream(seed, "closing"), truth.voices, found, n),
        "targets": company.target_table(stream(seed, "targets"), base.orders),
        "market": company.market_table(stream(seed, "market"), n),
    }
    return tables, facts


def _sales_tables(world: _World) -> tuple[dict[str, pa.Table], np.ndarray, dict[str, Any]]:
    """Leads, opportunities and stage events, and the day since which each customer is known."""
    seed, truth, n = world.seed, world.truth, len(world.latent.nu)
    found = sales.leads(stream(seed, "leads"), truth.sales, truth.purchases, n)
    pursued = sales.deals(stream(seed, "opportunities"), truth.sales, found)
    rng = stream(seed, "links")
    linked = sales.links(rng, truth.sales, truth.purchases, pursued, world.people, world.ledgers["S"])
    known = linked.customer >= 0
    since = world.latent.first_day.copy()
    np.minimum.at(since, linked.customer[known], np.floor(pursued.opened[known]).astype(np.int64))
    tables = {
        "leads": sales.lead_table(found, pursued, linked, world.latent.first_day),
        "opportunities": sales.opportunity_table(rng, truth.sales, found, pursued, linked, n),
        "stage_events": sales.stage_table(truth.sales, found, pursued),
    }
    return tables, since, {"sales": derived.sales(truth.sales, truth.purchases, found, pursued, int(known.sum()))}


def _all_truth(seed: int, campaign_effects: bool, truth: Truth, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "company": "Xudong",
        "currency": "CNY",
        "first_day": START.isoformat(),
        "last_day": END.isoformat(),
        "n_days": N_DAYS,
        "seed": seed,
        "campaign_effects": campaign_effects,
        "notes": list(_NOTES),
        "parameters": asdict(truth),
        "follows": facts,
    }
