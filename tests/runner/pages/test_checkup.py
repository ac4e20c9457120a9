"""The page of a check: what was set aside and what may mislead, with what each does; safe to show."""

import datetime as dt
import re

import pytest

from crm_lib.contract import findings as kinds
from crm_lib.contract.card import DataCard, Rejected, TableCard
from crm_lib.contract.findings import Finding
from crm_lib.runner.evidence import lint
from crm_lib.runner.pages import checkup
from crm_lib.theme import words

DAY = dt.date(2026, 10, 31)
ROWS = TableCard(
    "transactions", 120, 3, 1, 116, dt.date(2026, 1, 1), DAY, (Rejected("at", "after the run", 3, 75.0),)
)
CARD = DataCard("shop", "The <b>shop</b>", DAY, "f" * 64, (ROWS,), ())
EVERY = [Finding(kind, "transactions", "amount", 2, 116, -5.0, DAY, DAY, ("CNY", "USD")) for kind in kinds.KINDS]


@pytest.fixture(autouse=True)
def money():
    words.use("en", "USD")
    yield
    words.use()


def made(card=CARD, findings=EVERY, problems=None, notes=("a note <script>",)):
    return checkup.page(card, findings, problems or {}, notes, "2026-11-21 08:00", "crm check --source shop")


def test_every_finding_is_said_with_count_money_and_effect():
    said = checkup.said(CARD, EVERY)
    assert said.headline == "116 rows can be used, 3 were set aside"
    (aside,) = said.aside
    assert (aside.where, aside.count, aside.money) == ("transactions.at", "3", "$75")
    assert aside.effect == "Left out of every figure; often a wrong year or a wrong order of day and month."
    assert len(said.misleading) == len(kinds.KINDS) - 1
    assert len(said.missing) == 1
    assert all(line.what and line.effect and line.count.startswith("2 (1.7") for line in said.misleading)
    assert len({line.effect for line in said.misleading}) == len(said.misleading)


def test_the_page_holds_nothing_that_a_page_may_not_hold():
    html = made(problems={"customers": "customers: the table has no rows. <img src=x>"})
    assert lint.problems(html) == []
    assert "<script" not in html
    assert "The &lt;b&gt;shop" in html


def test_a_note_that_quotes_a_phone_number_is_scrubbed():
    html = made(notes=('transactions.at: 1 value is not a date ("13800001234").',))
    assert "13800001234" not in html
    assert lint.problems(html) == []


def test_sound_data_are_called_so():
    sound = DataCard("shop", "Shop", DAY, "f" * 64, (TableCard("transactions", 5, 0, 0, 5, DAY, DAY),))
    html = made(sound, (), notes=())
    assert "All 5 rows can be used" in html
    assert "Nothing: every row keeps the rules of its table." in html
    assert "Nothing was seen" in html


def test_a_source_without_a_usable_table_says_so():
    html = made(DataCard("shop", "Shop", DAY, "f" * 64, ()), (), {"transactions": "no rows"}, ())
    assert "No table can be used" in html
    assert "Left out: transactions. no rows" in html


def test_what_its_tables_show_lies_beside_as_csv(tmp_path):
    page = checkup.write(tmp_path, CARD, EVERY, {}, (), "2026-11-21 08:00", "crm check --source shop")
    linked = re.findall(r'class="csv" href="([^"]+)"', page.read_text(encoding="utf-8"))
    assert linked[0] == "check/table-01.csv"
    assert sorted(linked) == sorted(f"check/{path.name}" for path in (page.parent / "check").iterdir())
    assert '"transactions.at"' in (page.parent / linked[0]).read_text(encoding="utf-8")
