"""Fifty-four ways to write the same orders: right or asked, never wrong."""

import datetime as dt
import importlib.util
from pathlib import Path

import pytest

from crm_lib.sources import connect
from crm_lib.sources.files import engine
from crm_lib.sources.guess import block, propose

spec = importlib.util.spec_from_file_location("variants", Path(__file__).with_name("variants.py"))
variants = importlib.util.module_from_spec(spec)
spec.loader.exec_module(variants)

RUN_DATE = dt.date(2026, 11, 21)
RIGHT_AT_LEAST = 41


def read_back(proposal, folder, said):
    """What a report would see: customers, day of the first order, sum in cents."""
    text = block.block("shop", "Shop", "files", proposal, RUN_DATE, said)
    path = folder / "crm.toml"
    path.unlink(missing_ok=True)
    block.write(path, "shop", text)
    orders = connect("shop", as_of="2026-11-20").transactions.to_pandas()
    return (
        sorted(orders["customer_id"].unique()),
        orders["at"].min().date(),
        round(orders["amount"].sum() * 100),
    )


def verdict(variant, proposal, folder, said):
    """`asked`, `right`, or what is wrong."""
    if proposal.questions:
        return "asked"
    (table,) = proposal.tables
    if table.table != "transactions":
        return f"wrong: taken for {table.table}"
    found = {c.target: c.theirs.name for c in table.columns if c.target in variant.expected}
    if found != variant.expected:
        return f"wrong: {found}"
    customers, first, total = read_back(proposal, folder, said)
    truth = (sorted({c.strip() for c, *_ in variant.orders}), min(d for _, d, _ in variant.orders), variant.sum)
    return "right" if (customers, first, total) == truth else f"wrong: {(customers, first, total)} for {truth}"


def judged(variant, tmp_path, monkeypatch, xlsx, said):
    folder = tmp_path / "files"
    folder.mkdir(exist_ok=True)
    path = variant.write(folder, xlsx)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    return verdict(variant, propose(engine(), [path], said), tmp_path, said)


def some_slow():
    """Every fifth variant in the fast tests, all in the slow ones."""
    for i, variant in enumerate(variants.VARIANTS):
        yield pytest.param(variant, id=variant.name, marks=[] if i % 5 == 1 else [pytest.mark.slow])


@pytest.mark.parametrize("variant", list(some_slow()))
def test_a_variant_is_right_or_asked_and_right_once_answered(variant, tmp_path, monkeypatch, xlsx):
    first = judged(variant, tmp_path, monkeypatch, xlsx, {})
    assert first == ("asked" if variant.answers else "right")
    if variant.answers:
        assert judged(variant, tmp_path, monkeypatch, xlsx, dict(variant.answers)) == "right"


def test_most_variants_need_no_answer():
    assert sum(not variant.answers for variant in variants.VARIANTS) >= RIGHT_AT_LEAST
