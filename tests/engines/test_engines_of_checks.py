"""The same mapping and the same check give the same rows, reasons and words on DuckDB, PostgreSQL and Spark."""

import datetime as dt
import decimal

import ibis
import pyarrow as pa
import pytest

from crm_lib.contract.check import check
from crm_lib.contract.cut import cut
from crm_lib.contract.rules import ROW, Surroundings, without_missing_codes
from crm_lib.contract.settings import Scale
from crm_lib.contract.tables import TABLES
from crm_lib.errors import DataContractError
from crm_lib.sources.files import Raw
from crm_lib.sources.findings import findings_of
from crm_lib.sources.mapping import mapped, settle_dates
from crm_lib.sources.settings import ColumnMapping, Lookup, Reading, TableMapping
from crm_lib.sources.typed import currencies_of

IDEOGRAPHIC_BLANK = "\u3000"


def cells(text):
    """Values written with | between them."""
    return text.split("|")


HOSTILE = (*cells("'; DROP TABLE x; --|=1+1|\\|%|１２|0x10|1_000|nan|inf|-|."), "\u202e1", "1\n2")
AMOUNTS = (
    *cells("12.50|0012.00|-3|+7|1e5|12.345|12.355|-0.005|.5|12.| 12 |1,234.50|￥1,234.50|-￥3|+￥ 7|￥-3"),
    *cells("(12.50)|(￥5)|()|9 元|CNY 5|USD|999999999999999.99|99999999999999999999|1.234,50|1'234.50"),
    *("12\n", "9\u00a0€", "9\u202f€", "", None),
)
NUMBERS = (*cells("1|-0|1e2|1E+99|1e400|1e-400|0.1|3,5|1.5e|e5"), "", None)
COUNTS = (*cells("5|5.0|5.5|-1|+1|1,000|999999999999999|99999999999999999999"), "", None)
FLAGS = (*cells("yes|Y|是|否|TRUE|f|0|2| no "), "", None)
DATES = (
    *cells("2026-01-05|2026-01-05 10:30|2026-01-05T10:30:59.123456|2026-01-05 10:30:00+08:00|2026-01-05Z"),
    *cells("2024-02-29|2025-02-29|2000-02-29|1900-02-29|2026-02-30|2026-13-01|2026-00-10|1899-12-31"),
    *cells("2101-01-01|0000-01-01|2026-1-5|20260105|2026-01-05 24:00|2026-01-05 10:60|05.01.2026|today"),
    *cells("05/01/2026|5.1.2026|31-01-2026|31/02/2026|29/02/2024|1/2/24|13/13/2026|5/1/2026 8:03|infinity"),
    *("25/12/2025 10:30:59", "12/25/2025", "2026年1月5日", "2026-01-05\n", "", None),
)
LENIENT = Surroundings(max_rejected_share=1.0, no_later_than=dt.date(2026, 11, 1))


def raw(place, **columns):
    """A raw table as `sources.files` hands it over."""
    n = max(len(v) for v in columns.values())
    padded = {f"c{i}": [*v, *[None] * (n - len(v))] for i, v in enumerate(columns.values())}
    types = {c: pa.string() for c, v in padded.items() if all(isinstance(x, str | None) for x in v)}
    made = {c: pa.array(v, types.get(c)) for c, v in padded.items()}
    names = {name: f"c{i}" for i, name in enumerate(columns)}
    return Raw(ibis.memtable(pa.table({**made, ROW: pa.array(range(1, n + 1), pa.int64())})), names, place)


def there(move, data):
    """The same raw table in the other engine."""
    return Raw(move(f"raw_{data.place}", data.table), data.names, data.place)


def told(name, data, reading, around=LENIENT, columns=None, read_other=None):
    """All that becomes of a raw table: typed rows, those set aside with their reason, counts and words."""
    mapping = TableMapping("", reading=reading, columns=columns or {})
    try:
        table, note = settle_dates(mapped(TABLES[name], data, mapping, read_other), name, reading)
        signs = currencies_of(TABLES[name], table)
        found = check(TABLES[name], table, around)
    except DataContractError as error:
        return str(error)
    rejected = [] if found.rejected is None else found.rejected.to_pyarrow().to_pylist()
    # Spark hands NaN over as nothing; either is set aside.
    rejected = [{c: None if v != v else v for c, v in row.items()} for row in rejected]
    return {
        "kept": found.table.to_pyarrow().to_pylist(),
        "set aside": rejected,
        "reasons": found.reasons,
        "messages": found.messages,
        "counts": (found.n_read, found.n_rejected),
        "note": note,
        "currencies": signs,
    }


READINGS = {
    "plain": Reading(),
    "western": Reading(decimal=",", thousands="."),
    "grouped": Reading(thousands=","),
    "apostrophes": Reading(thousands="'"),
    "day_first": Reading(dates=("day-first",)),
    "month_first": Reading(dates=("month-first",)),
    "forms": Reading(dates=("%Y年%m月%d日", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y %H:%M")),
}


@pytest.mark.parametrize("reading", READINGS)
def test_texts_become_the_same_values(reading, move):
    values = (*AMOUNTS, *HOSTILE)
    n = len(values) + len(DATES) - 5
    data = raw(
        f"sales_{reading}",
        transaction_id=[f"T{i}" for i in range(len(values) + len(DATES))],
        customer_id=[" C1", "\tC2 \t", f"{IDEOGRAPHIC_BLANK}C3", "\u00a0C4", "", *["c5"] * n],
        at=[*["2026年1月5日" if reading == "forms" else "2026-01-05"] * len(values), *DATES],
        amount=[*values, *["1.00"] * len(DATES)],
        quantity=[*NUMBERS, *HOSTILE],
    )
    expected = told("transactions", data, READINGS[reading])
    assert len(expected["reasons"]) >= 4
    assert expected["kept"]
    assert told("transactions", there(move, data), READINGS[reading]) == expected


def test_counts_flags_and_days_become_the_same_values(move):
    n = 2 * len(DATES) + len(HOSTILE)
    data = raw(
        "people",
        customer_id=[f"K{i}" for i in range(n)],
        since=[*DATES, *HOSTILE, *["2026-01-05"] * len(DATES)],
        consent=[*FLAGS, *HOSTILE],
        points=[*COUNTS, *HOSTILE],
    )
    expected = told("customers", data, Reading())
    assert {r.reason for r in expected["reasons"]} >= {"not a number", "not a date", "not yes or no", "too low"}
    assert told("customers", there(move, data), Reading()) == expected


def test_a_date_that_can_be_two_days_is_refused_in_the_same_words(move):
    data = raw("doubtful", customer_id=["A", "B"], at=["01/02/2026", "3.4.2026"], amount=["1", "2"])
    expected = told("transactions", data, Reading())
    assert "can be read day-first and month-first" in expected
    assert told("transactions", there(move, data), Reading()) == expected


def test_dates_that_fit_one_order_are_read_so(move):
    data = raw("settled", customer_id=["A", "B"], at=["01/02/2026", "25.12.2025"], amount=["1", "2"])
    expected = told("transactions", data, Reading())
    assert "read day-first" in expected["note"]
    assert told("transactions", there(move, data), Reading()) == expected


def test_typed_columns_become_the_same_values(move):
    floats = [
        1.005,
        0.125,
        2.675,
        -1.005,
        1e18,
        float("nan"),
        float("inf"),
        12345678.91,
        99999999999999999.0,
        None,
    ]
    data = raw(
        "typed",
        customer_id=[17.0, 18.5, None, 1e15, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
        at=[dt.datetime(2026, 1, d, 10, 30, d, 500) for d in range(1, 10)],
        amount=floats,
        quantity=[1, 2, 3, 4, 5, 6, 7, 8, 9, 2**40],
        cost_amount=[decimal.Decimal(x) for x in ("1.005", "0.125", "-2.675", "99999999999999.999")],
        discount_amount=[1, 2, 3, 2**62],
    )
    expected = told("transactions", data, Reading())
    assert {(r.column, r.reason) for r in expected["reasons"]} >= {("amount", "not a number"), ("at", "empty")}
    assert told("transactions", there(move, data), Reading()) == expected


def test_numbers_that_are_not_finite_are_set_aside_for_the_same_reason(move):
    scores = [9.0, float("nan"), float("inf"), -float("inf"), None, 11.0, 99.0]
    data = raw("scores", response_id=list("ABCDEFG"), asked_at=["2026-01-05"] * 7, nps=scores)
    around = Surroundings(max_rejected_share=1, scales={"nps": Scale(0, 10)})
    expected = told("surveys", data, Reading(), around)
    assert [(r.reason, r.n) for r in expected["reasons"]] == [("not finite", 3), ("off the scale", 2)]
    assert told("surveys", there(move, data), Reading(), around) == expected


def test_ids_are_held_against_the_other_table_alike(move):
    others = {"customers": raw("known_people", customer_id=["A", "B", "b"])}
    data = raw("orders", customer_id=["A", "a", "B ", "X", None], at=["2026-01-05"] * 5, amount=["1"] * 5)

    def looked(where):
        known = {n: check(TABLES[n], mapped(TABLES[n], d, TableMapping(""), None)).table for n, d in where.items()}
        return Surroundings(others=known, max_rejected_share=1)

    expected = told("transactions", data, Reading(), looked(others))
    assert [(r.reason, r.n) for r in expected["reasons"]] == [("empty", 1), ("unknown id", 2)]
    moved = looked({name: there(move, d) for name, d in others.items()})
    assert told("transactions", there(move, data), Reading(), moved) == expected


def test_words_lookups_and_keys_are_mapped_alike(move):
    stores = raw("stores", store=["S1", "S2 "], town=["Bern", "Basel"])
    data = raw(
        "calls",
        no=["1", "2", "3"],
        day=["2026-01-05"] * 3,
        what=["Reklamation", "Frage", "Lob"],
        store=["S1", "S2", "S9"],
    )
    words = {"Reklamation": "complaint", "Frage": "question"}
    columns = {
        "case_id": ColumnMapping(column="no"),
        "kind": ColumnMapping(column="what", values=words),
        "opened_at": ColumnMapping(column="day"),
        "aspect": ColumnMapping(column="town", lookup=Lookup(file="stores", on="store", column="town")),
    }
    columns["aspect"] = ColumnMapping(lookup=Lookup(file="stores", on="store", column="town"))
    expected = told("cases", data, Reading(), columns=columns, read_other=lambda _file: stores)
    assert [r["aspect"] for r in expected["kept"]] == ["Bern", "Basel"]
    in_engine = there(move, stores)
    found = told("cases", there(move, data), Reading(), columns=columns, read_other=lambda _file: in_engine)
    assert found == expected


def test_a_repeated_key_is_refused_in_the_same_words(move):
    data = raw("twice", customer_id=["A", "B", "A", " B", "C"])
    expected = told("customers", data, Reading())
    assert "2 values occur more than once, in 4 rows (first: row 1)" in expected
    assert told("customers", there(move, data), Reading()) == expected


def test_codes_for_no_answer_are_blanked_alike(move):
    data = raw("coded", response_id=list("ABCD"), asked_at=["2026-01-05"] * 4, nps=["9", "99", "n/a ", "12"])
    scales = {"nps": Scale(0, 10, missing=(99, "n/a"))}

    def cleaned(where):
        table = mapped(TABLES["surveys"], where, TableMapping(""), None)
        found = check(
            TABLES["surveys"],
            without_missing_codes(TABLES["surveys"], table, scales),
            Surroundings(scales=scales, max_rejected_share=1),
        )
        return found.table.to_pyarrow().to_pylist(), found.reasons

    assert cleaned(there(move, data)) == cleaned(data)


def test_a_day_is_cut_alike(duckdb, engine):
    for day in (dt.date(2025, 6, 30), dt.date(2024, 1, 1)):
        here, elsewhere = cut(duckdb.tables, day), cut(engine.tables, day)
        assert {n: summary(t) for n, t in elsewhere.items()} == {n: summary(t) for n, t in here.items()}


def summary(table):
    """Rows, filled values and sums of money of a table."""
    asked = {f"n_{c}": table[c].count() for c in table.columns}
    asked |= {f"sum_{c}": table[c].sum() for c in table.columns if table[c].type().is_decimal()}
    return table.aggregate(rows=table.count(), **asked).to_pyarrow().to_pylist()[0]


def test_a_check_finds_the_same(duckdb, engine):
    assert findings_of(engine.tables, engine.card) == findings_of(duckdb.tables, duckdb.card)
