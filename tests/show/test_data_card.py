import datetime as dt
from types import SimpleNamespace

import ibis
import pyarrow as pa
import pytest

from crm_lib.contract.card import DataCard, Rejected, TableCard
from crm_lib.contract.settings import Settings
from crm_lib.show.data_card import data_card
from crm_lib.theme import words

DAY = dt.date(1998, 6, 30)
BAD_ROWS = (Rejected("amount", "not a number", 2), Rejected("customer_id", "unknown <id>", 1, 12.5))


@pytest.fixture(autouse=True)
def english_again():
    yield
    words.use()


@pytest.fixture
def on_the_runner(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path))


@pytest.fixture
def in_jupyter(monkeypatch):
    monkeypatch.delenv("CRM_PUBLISH_TO", raising=False)


def make_crm(*tables, title="CDNOW", currency="USD", problems=(), **rows):
    card = DataCard("cdnow", title, DAY, "5f0c9a2e77aa0011", tables, problems)
    return SimpleNamespace(
        card=card,
        title=title,
        as_of=DAY,
        language="en",
        settings=Settings(currency=currency),
        tables=rows,
    )


def clean(name, n):
    return TableCard(name, n, 0, 0, n, dt.date(1997, 1, 1), DAY)


def test_the_kicker_says_source_date_customers_and_currency(on_the_runner):
    html = data_card(make_crm(clean("customers", 2357))).html
    kicker = (
        '<p class="kicker"><b><bdi>CDNOW</bdi></b> · data up to 30 June 1998 · 2,357 customers · US dollars</p>'
    )
    assert html.startswith(kicker)


def test_customers_are_counted_where_only_transactions_exist(on_the_runner):
    bought = ibis.memtable(pa.table({"customer_id": ["1", "1", "2"]}))
    assert "· 2 customers ·" in data_card(make_crm(clean("transactions", 3), transactions=bought)).html


@pytest.mark.parametrize(
    ("table", "n", "said"),
    [("opportunities", 1, "1 opportunity"), ("surveys", 250, "250 surveys"), ("products", 9, "9 rows")],
)
def test_a_source_without_customers_counts_what_it_has(on_the_runner, table, n, said):
    assert f"· {said}</p>" in data_card(make_crm(clean(table, n), currency="")).html


def test_rows_set_aside_are_counted_explained_and_priced(on_the_runner):
    table = TableCard("transactions", 103, 3, 10, 90, dt.date(1997, 1, 1), DAY, BAD_ROWS)
    html = data_card(make_crm(clean("customers", 50), table)).html.replace("\N{NO-BREAK SPACE}", " ")
    assert "140 rows used, 3 set aside (2.0 %, worth $12)" in html
    assert "transactions.amount" in html
    assert "not a number" in html
    assert "unknown &lt;id&gt;" in html
    assert html.index("transactions.amount") < html.index("transactions.customer_id")


def test_a_clean_source_says_so(on_the_runner):
    assert "2,357 rows used, none set aside" in data_card(make_crm(clean("customers", 2357))).html


def test_one_row_is_said_as_one():
    assert "1 row used, none set aside" in data_card(make_crm(clean("customers", 1))).html


def test_a_table_that_can_t_be_used_is_named(on_the_runner):
    crm = make_crm(clean("customers", 5), problems=(("transactions", "The column amount is missing."),))
    assert "Left out: transactions. The column amount is missing." in data_card(crm).html


def test_words_are_in_the_source_s_currency_from_here_on(on_the_runner):
    data_card(make_crm(clean("customers", 5), currency="CNY"))
    assert words.money(5) == "CN¥5"


def test_a_hostile_title_is_text(on_the_runner):
    html = data_card(make_crm(clean("customers", 5), title="<script>alert(1)</script>")).html
    assert "<script" not in html


def test_a_notebook_in_place_brings_its_styles_and_the_runner_its_own(in_jupyter, monkeypatch, tmp_path):
    crm = make_crm(clean("customers", 5))
    in_place = data_card(crm).html
    assert in_place.startswith("<style>")
    for needed in (".short", ".badge", ".note", ".scroll", ".chart", "--accent", "data-jp-theme-light"):
        assert needed in in_place
    assert "body {" not in in_place
    monkeypatch.setenv("CRM_PUBLISH_TO", str(tmp_path))
    assert "<style" not in data_card(crm).html
