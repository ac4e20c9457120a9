"""Tables of a PostgreSQL database are read as those of files are, by a session that can't write."""

import datetime as dt
import gc
from decimal import Decimal

import ibis
import pandas as pd
import pytest

from crm_lib.errors import ConfigError, DataContractError, Unreachable
from crm_lib.sources import check, connect, remote, tables_of
from tests.engines.collation import orders_as_a_dictionary
from tests.runner.processes import wait_for

BOUGHT = "customer_id text, at timestamp, amount numeric(12,2)"
THREE = [("A", "2026-01-05", "10.00"), ("A", "2026-02-05", "12.50"), ("B", "2026-03-05", "3.10")]


def rows_of(table):
    """All rows as text, in an order of their own."""
    return sorted(repr(tuple(row.values())) for row in table.to_pyarrow().to_pylist())


@pytest.mark.parametrize("kind", ["text", "typed"])
def test_the_sample_gives_the_same_account_and_the_same_rows_as_from_files(kind, sample, both):
    both(getattr(sample, kind))
    crm = connect("shop")
    assert crm.card.tables == sample.crm.card.tables
    assert crm.card.problems == ()
    assert set(crm.tables) == set(sample.crm.tables)
    for name, table in sample.crm.tables.items():
        assert rows_of(crm.tables[name].select(table.columns)) == rows_of(table), name


def test_the_same_data_have_the_same_fingerprint_and_a_new_row_another(project, database):
    project(database.schema("shop", transactions=(BOUGHT, THREE)))
    first = connect("shop").card.fingerprint
    assert connect("shop").card.fingerprint == first
    database.admin.execute("INSERT INTO shop.transactions VALUES ('B', '2026-03-06', 1)")
    assert connect("shop").card.fingerprint != first


def test_nothing_can_be_written(project, database):
    from psycopg.errors import ReadOnlySqlTransaction

    project(database.schema("shop", transactions=(BOUGHT, THREE)))
    database.admin.execute(
        "GRANT ALL ON ALL TABLES IN SCHEMA shop TO crm_reader; GRANT ALL ON SCHEMA shop TO crm_reader"
    )
    con = connect("shop").transactions.get_backend()
    for write in (
        "INSERT INTO shop.transactions VALUES ('C')",
        "CREATE TABLE shop.t (a int)",
        "CREATE TEMP TABLE t (a int)",
    ):
        with pytest.raises(ReadOnlySqlTransaction):
            con.con.execute(write)
    with pytest.raises(ReadOnlySqlTransaction):
        con.create_table("t", ibis.memtable({"a": [1]}), temp=True)


def test_small_tables_in_line_hold_any_text_and_nothing_is_written(project, database):
    project(database.schema("shop", transactions=(BOUGHT, THREE)))
    bought = connect("shop").transactions
    frame = pd.DataFrame(
        {
            "customer_id": ["A", "it's; DROP", "a\x1fb \\ 徐", "", None],
            "n": [1, -2, 3, 4, 5],
            "x": [0.1, 1e-300, -2.5, 3.0, None],
            "on": [dt.date(2026, 1, 1), None, dt.date(1999, 12, 31), None, None],
            "yes": [True, False, True, None, False],
        }
    )
    schema = {"customer_id": "string", "n": "int64", "x": "float64", "on": "date", "yes": "boolean"}
    small = ibis.memtable(frame, schema=schema)
    con = bought.get_backend()
    assert con.to_pyarrow(small.order_by("n")).to_pylist() == small.order_by("n").to_pyarrow().to_pylist()
    joined = bought.inner_join(small, "customer_id").group_by("n").agg(total=bought.amount.sum())
    assert joined.to_pyarrow().to_pylist() == [{"n": 1, "total": Decimal("22.50")}]
    nobody = ibis.memtable(frame.head(0), schema=schema)
    assert bought.semi_join(nobody, "customer_id").count().to_pyarrow().as_py() == 0
    assert bought.group_by("customer_id").agg(n=ibis._.count()).cache().count().to_pyarrow().as_py() == 2


def test_declared_forms_lookups_words_and_left_out_rows_hold_as_for_files(project, database, tmp_path):
    rows = [
        ("A", "05/01/2026 10:00", "1.234,50 €", "sold", "N", "7"),
        ("A", "06/01/2026", "(3,10)", "sold", "S", None),
        ("B", "31/12/2025", "EUR 2", "storno", "N", "1"),
        ("C", "29/02/2024", "12", "sold", "X", "2"),
    ]
    columns = "who text, day text, paid text, state text, area text, pieces text"
    areas = [("N", "North"), ("S", "South")]
    database.schema("shop", sales=(columns, rows), areas=("code text, name text", areas))
    mapping = """dates = "day-first"
decimal = ","
thousands = "."
{tables}
[sources.{name}.tables.transactions]
file = "{sales}"
leave_out = {{ state = ["storno"] }}
[sources.{name}.tables.transactions.columns]
customer_id = "who"
at = "day"
amount = "paid"
quantity = "pieces"
order_id = {{ row_id = "R" }}
channel = {{ column = "state", values = {{ sold = "shop" }} }}
category = {{ lookup = {{ file = "{areas}", on = "area", column = "name", key = "code" }} }}
"""
    project("shop", mapping.format(name="shop", sales="sales", areas="areas", tables=""))
    data = tmp_path / "data"
    data.mkdir()
    for name, head, lines in (("sales", columns, rows), ("areas", "code text, name text", areas)):
        names = ";".join(part.split()[0] for part in head.split(", "))
        body = "\n".join(";".join(value or "" for value in line) for line in lines)
        (data / f"{name}.csv").write_text(f"{names}\n{body}\n", encoding="utf-8")
    files = '\n[sources.files]\npath = "data"\nas_of = "2026-10-31"\nseparator = ";"\n'
    with (tmp_path / "crm.toml").open("a", encoding="utf-8") as file:
        file.write(files + mapping.format(name="files", sales="sales.csv", areas="areas.csv", tables=""))
    there, here = connect("shop"), connect("files")
    assert there.card.tables == here.card.tables
    same = [c for c in here.transactions.columns if c != "order_id"]
    assert rows_of(there.transactions.select(same)) == rows_of(here.transactions.select(same))
    numbers = there.transactions.order_by("order_id").order_id.to_pyarrow().to_pylist()
    assert numbers == ["R1", "R2", "R4"]  # the row left out was counted, as in a file


def test_wide_surveys_are_unpivoted_with_the_same_row_numbers(project, database):
    wide = [("9", "7", "6"), ("3", "2", None), ("3", "2", None)]
    database.schema("shop", answers=("nps text, e1 text, p1 text", wide))
    tables = """
[sources.shop.tables.surveys]
file = "answers"
[sources.shop.tables.surveys.columns]
response_id = { row_id = "R" }
asked_at = { value = "2026-01-01" }
answered_at = { value = "2026-01-01" }
nps = "nps"
[sources.shop.tables.survey_items]
file = "answers"
unpivot = [{ aspect = "One", expected = "e1" }, { aspect = "Two", perceived = "p1" }]
[sources.shop.tables.survey_items.columns]
response_id = { row_id = "R" }
"""
    project("shop", tables)
    crm = connect("shop")
    assert crm.card.problems == ()
    joined = crm.surveys.inner_join(crm.survey_items, "response_id").filter(ibis._.aspect == "One")
    assert rows_of(joined.select("nps", "expected")) == ["(3.0, 2.0)", "(3.0, 2.0)", "(9.0, 7.0)"]


def test_rows_that_break_a_rule_are_set_aside_with_their_reason_and_few_come_to_python(
    project, database, monkeypatch
):
    monkeypatch.setattr(remote, "MOST_SET_ASIDE", 2)
    good = [("A", f"2026-01-{day:02}", "5") for day in range(1, 29)]
    bad = [("A", "2026-02-30", "5"), ("A", "2026-02-03", "12,5O"), ("A", None, "1"), ("Z", "2026-02-03", "1")]
    database.schema(
        "shop",
        transactions=("customer_id text, at text, amount text", good + bad),
        customers=("customer_id text", [("A",)]),
    )
    folder = project("shop", "[sources.shop.settings]\nmax_rejected_share = 0.5")
    found = check("shop")
    (card,) = (t for t in found.card.tables if t.table == "transactions")
    assert (card.n_read, card.n_rejected, card.n_used) == (32, 4, 28)
    assert {(r.column, r.reason): r.n for r in card.rejected} == {
        ("customer_id", "unknown id"): 1,
        ("at", "not a date"): 1,
        ("at", "empty"): 1,
        ("amount", "not a number"): 1,
    }
    said = "\n".join(found.warnings)
    assert 'transactions.at: 1 of 32 values is not a date (such as "2026-02-30").' in said
    assert "row" not in said.replace("Every row", "")
    assert len(pd.read_parquet(folder / "rejected/shop/transactions.parquet")) == 2


def test_columns_of_the_database_s_own_types_are_read(project, database):
    database.admin.execute("DROP TYPE IF EXISTS tier CASCADE; CREATE TYPE tier AS ENUM ('gold', 'plain')")
    kinds = "customer_id uuid, since timestamptz, tier tier, consent int, tags text[], doc jsonb, points int"
    kinds += ", x numeric"
    one = "11111111-2222-3333-4444-555555555555"
    rows = [(one, "2026-01-31 22:30+00", "gold", 1, "{a,b}", '{"a": 1}', 7, "1.25")]
    database.schema("shop", customers=(kinds, rows))
    project("shop", head='as_of = "2026-10-31"\ntime_zone = "Asia/Shanghai"')
    (row,) = connect("shop").customers.to_pyarrow().to_pylist()
    assert (row["customer_id"], row["tier"], row["consent"], row["points"]) == (one, "gold", True, 7)
    assert row["since"] == dt.date(2026, 2, 1)  # the day in the declared time zone
    assert (row["tags"], row["doc"], float(row["x"])) == ("{a,b}", '{"a": 1}', 1.25)


def test_a_run_of_the_past_rejects_no_row_of_today(project, database, monkeypatch):
    monkeypatch.setenv("CRM_RUN_DATE", "2020-01-01")
    project(database.schema("shop", transactions=(BOUGHT, [("A", "2026-01-05", "1"), ("A", "2019-01-05", "1")])))
    (card,) = connect("shop", "2019-12-31").card.tables
    assert (card.n_rejected, card.n_after, card.n_used) == (0, 1, 1)


def test_a_query_that_takes_too_long_is_ended_and_said_so(project, database):
    database.schema("shop", sold=(BOUGHT, THREE))
    database.admin.execute(
        "CREATE VIEW shop.transactions AS SELECT sold.* FROM shop.sold, pg_sleep(30); "
        "GRANT SELECT ON shop.transactions TO crm_reader"
    )
    project("shop", head='as_of = "2026-10-31"\nstatement_timeout_s = 1')
    with pytest.raises(ConfigError, match="ended a query on transactions: it took longer than 1 s") as error:
        connect("shop", topic="segmentation")
    assert "sources.shop.statement_timeout_s" in str(error.value)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (("word%3A1", "wrong"), ConfigError, "it refuses the user or the password"),
        (("/postgres?", "/nowhere?"), ConfigError, "it has no such database"),
        (("/postgres?host=", "/postgres?host=/none"), Unreachable, "does not answer"),
        (("@/postgres?host=", "@127.0.0.1:1/postgres?x="), ConfigError, "does not hold the address of a database"),
        (("@/postgres", "@nowhere.invalid/postgres"), ConfigError, "there is no such host"),
    ],
    ids=["password", "database", "socket", "address", "host"],
)
def test_why_there_is_no_session_is_said_without_the_address(change, kind, said, project, database, monkeypatch):
    project(database.schema("shop", transactions=(BOUGHT, THREE)))
    url = database.url.replace(*change)
    monkeypatch.setenv("CRM_DATABASE_URL", url.partition("?")[0] if "invalid" in url else url)
    with pytest.raises(kind) as error:
        connect("shop")
    assert said in str(error.value)
    assert "CRM_DATABASE_URL" in str(error.value)
    assert not any(
        secret in str(error.value) for secret in (*database.secrets, "crm_reader", str(database.folder))
    )


def test_wrong_names_are_told_with_the_nearest(project, database):
    database.schema("shop", transaction=(BOUGHT, THREE))
    project("shp")
    with pytest.raises(ConfigError, match=r'has no schema shp that its user may use\. Did you mean "shop"'):
        connect("shop")
    project("shop")
    with pytest.raises(ConfigError, match="the schema shop holds none of customers"):
        tables_of("shop")
    project("shop", '[sources.shop.tables.transactions]\nfile = "transactons"')
    with pytest.raises(DataContractError, match=r'has no table transactons\. Did you mean "transaction"'):
        _ = connect("shop").transactions
    columns = '[sources.shop.tables.transactions.columns]\nat = "on"'
    project("shop", f'[sources.shop.tables.transactions]\nfile = "transaction"\n{columns}')
    with pytest.raises(DataContractError, match='the table transaction has no column "on"'):
        _ = connect("shop").transactions


def test_a_table_without_the_right_to_read_it_is_one_problem_and_the_others_are_read(project, database):
    database.schema("shop", transactions=(BOUGHT, THREE), customers=("customer_id text", [("A",), ("B",)]))
    database.admin.execute(
        "REVOKE ALL ON shop.customers FROM crm_reader; GRANT UPDATE ON shop.customers TO crm_reader"
    )
    project("shop")
    crm = connect("shop")
    assert crm.transactions.count().to_pyarrow().as_py() == 3
    with pytest.raises(DataContractError, match="customers: the database user may not read it"):
        _ = crm.customers


def test_a_session_ends_with_its_tables(project, database):
    project(database.schema("shop", transactions=(BOUGHT, THREE)))
    asked = "SELECT pid FROM pg_stat_activity WHERE application_name = 'crm'"
    before = database.admin.execute(asked).fetchall()  # of other tests, whose tables may live on
    crm = connect("shop")
    assert set(database.admin.execute(asked).fetchall()) - set(before)
    del crm
    check("shop")
    gc.collect()
    wait_for(lambda: not set(database.admin.execute(asked).fetchall()) - set(before))


def test_text_is_ordered_by_its_code_points_whatever_the_order_of_the_database(project, database):
    """An English database puts a before B; figures must not hang on that."""
    if not orders_as_a_dictionary(database.admin):
        pytest.skip("this machine can't make a database with the order of a dictionary (Debian: locales)")
    bought = [(name, "2026-01-05", "10.00") for name in ("a", "B", "c", "D")]
    project(database.schema("order_of_text", transactions=(BOUGHT, bought)))
    t = connect("shop").transactions
    assert t.order_by("customer_id").to_pyarrow()["customer_id"].to_pylist() == ["B", "D", "a", "c"]
    ends = t.agg(first=t.customer_id.min(), last=t.customer_id.max()).to_pyarrow().to_pylist()
    assert ends == [{"first": "B", "last": "c"}]
    ranked = t.mutate(place=ibis.row_number().over(order_by=t.customer_id)).filter(ibis._.place == 0)
    assert ranked.to_pyarrow()["customer_id"].to_pylist() == ["B"]
