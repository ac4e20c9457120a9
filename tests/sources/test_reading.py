"""Files as people have them: encodings, separators, signs, dates, and their own words for things."""

import datetime as dt
import gzip
from decimal import Decimal

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources import check, connect

LINES = "customer_id,at,amount,channel\nA,2026-01-05,10.50,门店\nB,2026-01-06,20.00,网店\n"


def rows(table, *columns):
    return [tuple(r[c] for c in columns) for r in table.select(*columns).to_pyarrow().to_pylist()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_chinese_text_is_read_in_its_declared_encoding(project, encoding):
    project.configure(head=f'as_of = "2026-10-31"\nencoding = "{encoding}"')
    project.write("transactions.csv", LINES, encoding)
    assert rows(connect("shop").transactions, "customer_id", "channel") == [("A", "门店"), ("B", "网店")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_text_is_read_in_its_declared_encoding(project, encoding):
    project.configure(head=f'as_of = "2026-10-31"\nencoding = "{encoding}"')
    project.write("transactions.csv", "customer_id,at,amount,channel\nA,2026-01-05,1,Café\n", encoding)
    assert rows(connect("shop").transactions, "channel") == [("Café",)]


def test_a_byte_order_mark_needs_no_declaration(project):
    project.write("transactions.csv", LINES, "utf-8-sig")
    assert connect("shop").transactions.columns == ("customer_id", "at", "amount", "channel")


def test_an_encoding_that_does_not_exist_is_refused(project):
    project.configure(head='as_of = "2026-10-31"\nencoding = "utf-99"')
    project.write("transactions.csv", LINES)
    with pytest.raises(ConfigError, match='encoding = "utf-99" is not known'):
        connect("shop")


@pytest.mark.parametrize(("name", "sign"), [(";", ";"), ("|", "|"), ("tab", "\t"), ("whitespace", "   ")])
def test_each_separator_is_read_as_declared(project, name, sign):
    project.configure(head=f'as_of = "2026-10-31"\nseparator = "{name}"')
    project.write("transactions.csv", "customer_id,at,amount\nA,2026-01-05,1.50\n".replace(",", sign))
    assert rows(connect("shop").transactions, "customer_id", "amount") == [("A", Decimal("1.50"))]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(project, ending):
    project.write("transactions.csv", LINES.replace("\n", ending))
    assert connect("shop").transactions.count().to_pyarrow().as_py() == 2


def test_quoted_separators_quotes_and_line_breaks_stay_in_their_value(project):
    text = 'customer_id,at,amount,channel\nA,2026-01-05,1,"a, ""b""\nc"\n\nB,2026-01-06,2,plain\n'
    project.write("transactions.csv", text)
    assert rows(connect("shop").transactions, "channel") == [('a, "b"\nc',), ("plain",)]
    assert check("shop").warnings == ()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_null_bytes_are_taken_out_of_texts_so_that_every_query_can_quote_them(project, form):
    typed = ["\0a\0 null\0", "\0", " \0b "]
    frame = pd.DataFrame({"customer_id": ["A\0", "B", "C"], "city": typed, "motto": typed})
    if form == "csv":
        project.write("customers.csv", frame.to_csv(index=False))
    else:
        frame.to_parquet(project.folder / "customers.parquet", index=False)
    found = sorted(rows(connect("shop").customers, "customer_id", "city", "motto"))
    assert found == [("A", "a null", "a null"), ("B", None, None), ("C", "b", "b")]


def test_tabs_around_ids_days_and_amounts_are_no_part_of_them(project):
    project.write("transactions.csv", "customer_id,at,amount\nA\t,2026-01-05\t,1.50\t\n\tB,\t2026-01-06,2\n")
    assert rows(connect("shop").transactions, "customer_id", "amount") == [
        ("A", Decimal("1.50")),
        ("B", Decimal("2.00")),
    ]


def test_lines_of_separators_alone_are_no_rows_and_are_told(project):
    project.write("transactions.csv", LINES + ",,,\n" * 60)
    seen = check("shop")
    assert (seen.card.tables[0].n_read, seen.card.tables[0].n_rejected) == (2, 0)
    assert seen.warnings == ("transactions: 60 lines without a value are no row.",)


def test_leading_zeros_of_ids_are_kept(project):
    project.write("transactions.csv", "customer_id,at,amount\n007,2026-01-05,1\n")
    assert rows(connect("shop").transactions, "customer_id") == [("007",)]


@pytest.mark.parametrize(
    ("head", "text", "amount"),
    [
        ("", "1234.5", "1234.50"),
        ("", "-9.90", "-9.90"),
        ("", "￥12.00", "12.00"),
        ("", "12元", "12.00"),
        ('decimal = ","', '"12,5"', "12.50"),
        ('decimal = ","\nthousands = "."', '"1.234,50"', "1234.50"),
        ('thousands = ","', '"1,234,567.89"', "1234567.89"),
        ('thousands = "\'"', "1'234.50", "1234.50"),
    ],
)
def test_amounts_follow_the_declared_signs(project, head, text, amount):
    project.configure(head=f'as_of = "2026-10-31"\n{head}')
    project.write("transactions.csv", f"customer_id,at,amount\nA,2026-01-05,{text}\n")
    assert rows(connect("shop").transactions, "amount") == [(Decimal(amount),)]


@pytest.mark.parametrize("text", ["1e5", "0x10", "1_000", "nan", "inf", '"1,5"', "１２,", "12.3.4"])
def test_what_is_no_plain_number_is_never_made_one(project, text):
    project.write("transactions.csv", f"customer_id,at,amount\nA,2026-01-05,{text}\n")
    with pytest.raises(DataContractError, match="can't be used"):
        connect("shop").transactions.columns  # noqa: B018


@pytest.mark.parametrize(
    ("dates", "text", "at"),
    [
        ("", "2026-01-05", dt.datetime(2026, 1, 5)),
        ("", "2026-01-05 23:59", dt.datetime(2026, 1, 5, 23, 59)),
        ("", "2026-01-05T23:59:30.5Z", dt.datetime(2026, 1, 5, 23, 59, 30, 500000)),
        ("", "2026-01-05T23:59:30+08:00", dt.datetime(2026, 1, 5, 23, 59, 30)),
        ('dates = "day-first"', "05/01/2026", dt.datetime(2026, 1, 5)),
        ('dates = "month-first"', "05/01/2026 14:30", dt.datetime(2026, 5, 1, 14, 30)),
        ('dates = "day-first"', "5.1.2026", dt.datetime(2026, 1, 5)),
        ('dates = "%Y年%m月%d日"', "2026年1月5日", dt.datetime(2026, 1, 5)),
        ('dates = ["%Y%m%d", "%d.%m.%y"]', "05.01.26", dt.datetime(2026, 1, 5)),
    ],
)
def test_dates_follow_the_declared_form(project, dates, text, at):
    project.configure(head=f'as_of = "2026-10-31"\n{dates}')
    project.write("transactions.csv", f"customer_id,at,amount\nA,{text},1\n")
    assert rows(connect("shop").transactions, "at") == [(at,)]


def test_dates_that_fit_one_order_only_are_read_so_and_said(project):
    project.write("transactions.csv", "customer_id,at,amount\nA,01/02/2026,1\nB,25/12/2025,2\n")
    assert rows(connect("shop").transactions, "at") == [(dt.datetime(2026, 2, 1),), (dt.datetime(2025, 12, 25),)]
    assert check("shop").warnings == (
        'transactions.at: read day-first, the only order that fits all; set dates="day-first".',
    )


def test_their_columns_and_words_become_ours(project):
    project.configure(
        "[sources.shop.tables.opportunities]\n"
        'file = "deals.csv"\n'
        "[sources.shop.tables.opportunities.columns]\n"
        'opportunity_id = { row_id = "D" }\n'
        'amount = { column = "万元", times = 10000 }\n'
        'closed_at = { value = "2026-01-01" }\n'
        'outcome = { column = "状态", values = { "赢单" = "won", "输单" = "lost" }, other = "" }\n'
    )
    project.write("deals.csv", "状态,万元\n赢单,1.5\n输单,0.07\n跟进,2\n")
    assert rows(connect("shop").opportunities, "opportunity_id", "amount", "outcome") == [
        ("D1", Decimal("15000.00"), "won"),
        ("D2", Decimal("700.00"), "lost"),
        ("D3", Decimal("20000.00"), None),
    ]


def test_a_lookup_takes_a_column_from_another_file(project):
    project.configure(
        "[sources.shop.tables.opportunities.columns]\n"
        'region = { lookup = { file = "teams.csv", on = "owner", column = "office", key = "agent" } }'
    )
    project.write("opportunities.csv", "opportunity_id,owner\n1,Ann\n2,Bob\n3,\n")
    project.write("teams.csv", "agent,office\nBob,East\nAnn,West\n")
    table = connect("shop").opportunities
    assert rows(table, "opportunity_id", "region") == [("1", "West"), ("2", "East"), ("3", None)]


def test_a_lookup_with_two_answers_is_refused(project):
    project.configure(
        "[sources.shop.tables.opportunities.columns]\n"
        'region = { lookup = { file = "teams.csv", on = "owner", column = "office" } }'
    )
    project.write("opportunities.csv", "opportunity_id,owner\n1,Ann\n")
    project.write("teams.csv", "owner,office\nAnn,East\nAnn,West\n")
    with pytest.raises(DataContractError, match='several rows for one "owner"'):
        connect("shop").opportunities.columns  # noqa: B018


def test_a_wide_survey_becomes_one_row_per_aspect(project):
    project.configure(
        "[sources.shop.tables.survey_items]\n"
        'file = "wide.csv"\n'
        'unpivot = [{ aspect = "Quality", expected = "e", perceived = "p" }, { aspect = "Price", score = "s" }]\n'
        "[sources.shop.tables.survey_items.columns]\n"
        'response_id = { row_id = "R" }\n'
    )
    project.write("wide.csv", "e,p,s\n8,7,5\n9,,6\n")
    assert rows(connect("shop").survey_items, "response_id", "aspect", "expected", "perceived", "score") == [
        ("R1", "Price", None, None, 5.0),
        ("R1", "Quality", 8.0, 7.0, None),
        ("R2", "Price", None, None, 6.0),
        ("R2", "Quality", 9.0, None, None),
    ]


def test_codes_for_no_answer_become_empty_and_other_answers_must_be_on_the_scale(project):
    project.configure(
        "[sources.shop.settings.satisfaction.scales]\nnps = { lowest = 0, highest = 10, missing = [-99] }",
        head='as_of = "2026-10-31"\nsettings.max_rejected_share = 0.5',
    )
    project.write("surveys.csv", "response_id,asked_at,nps\n1,2026-01-01,10\n2,2026-01-01,-99\n3,2026-01-01,11\n")
    assert rows(connect("shop").surveys, "response_id", "nps") == [("1", 10.0), ("2", None)]
    assert check("shop").warnings == (
        'surveys.nps: 1 of 3 values is off the scale 0 to 10 (first: row 3, "11"). '
        "The declared scale is 0 to 10. Correct the file, or the scale in crm.toml.",
    )


def test_every_further_customer_column_is_an_attribute(project):
    project.write("customers.csv", "customer_id,Lieblingsfarbe\nA,blau\n")
    assert rows(connect("shop").customers, "customer_id", "Lieblingsfarbe") == [("A", "blau")]


def test_a_mapping_keeps_only_the_attributes_it_names(project):
    project.configure(
        '[sources.shop.tables.customers]\nkeep = ["size class"]\n'
        '[sources.shop.tables.customers.columns]\ncustomer_id = "id"\nstaff = { column = "n", type = "count" }\n'
    )
    project.write("customers.csv", "id,size class,n,phone\nA,big,12,555\n")
    table = connect("shop").customers
    assert rows(table, *table.columns) == [("A", 12, "big")]
    assert table.columns == ("customer_id", "staff", "size class")


def test_parquet_is_cast_to_the_contract(project):
    frame = pd.DataFrame(
        {"customer_id": [17.0, 18.0], "at": pd.to_datetime(["2026-01-05"] * 2), "amount": [1.25, 3.0]}
    )
    frame.to_parquet(project.folder / "transactions.parquet", index=False)
    table = connect("shop").transactions
    assert rows(table, "customer_id", "amount") == [("17", Decimal("1.25")), ("18", Decimal("3.00"))]
    assert str(table["amount"].type()) == "decimal(18, 2)"


def test_a_number_that_is_not_finite_is_set_aside_from_parquet_too(project):
    frame = pd.DataFrame({"response_id": ["1", "2"], "asked_at": "2026-01-01", "nps": [9.0, float("inf")]})
    frame.to_parquet(project.folder / "surveys.parquet", index=False)
    with pytest.raises(DataContractError, match=r"surveys\.nps: 1 of 2 values is not finite"):
        connect("shop").surveys.columns  # noqa: B018


def test_a_duckdb_file_is_read_without_being_changed(project):
    path = project.root / "crm.duckdb"
    con = ibis.duckdb.connect(str(path))
    con.create_table("transactions", pa.table({"customer_id": ["A"], "at": ["2026-01-05"], "amount": ["1.50"]}))
    con.create_table("kunden", pa.table({"nr": ["A", "B"]}))
    con.disconnect()
    before = path.read_bytes()
    (project.root / "crm.toml").write_text(
        '[sources.db]\nkind = "duckdb"\npath = "crm.duckdb"\nas_of = "2026-10-31"\n'
        '[sources.mapped]\nkind = "duckdb"\npath = "crm.duckdb"\nas_of = "2026-10-31"\n'
        '[sources.mapped.tables.customers]\nfile = "kunden"\ncolumns = { customer_id = "nr" }\n'
    )
    assert rows(connect("db").transactions, "customer_id", "amount") == [("A", Decimal("1.50"))]
    assert rows(connect("mapped").customers, "customer_id") == [("A",), ("B",)]
    assert path.read_bytes() == before


def test_a_gzipped_file_is_read(project):
    (project.folder / "transactions.csv.gz").write_bytes(gzip.compress(LINES.encode()))
    assert connect("shop").transactions.count().to_pyarrow().as_py() == 2


def test_a_file_without_header_takes_the_declared_names(project):
    names = '["customer_id", "at", "amount"]'
    project.configure(f"[sources.shop.tables.transactions]\nheader = false\nnames = {names}")
    project.write("transactions.csv", "A,2026-01-05,1\nB,2026-01-05,2\n")
    assert rows(connect("shop").transactions, "customer_id") == [("A",), ("B",)]


def test_row_numbers_follow_the_file_when_it_is_long(project):
    lines = [f"C{i},2026-01-05,1.00" for i in range(300_000)]
    lines[250_000] = "C1,2026-01-05,x"
    project.write("transactions.csv", "customer_id,at,amount\n" + "\n".join(lines) + "\n")
    assert "(first: row 250,001" in check("shop").warnings[0]


def test_texts_that_mean_no_answer_are_declared_and_never_guessed(project):
    project.configure(
        "[sources.shop.settings.satisfaction.scales]\n"
        'nps = { lowest = 0, highest = 10, missing = [-99, "N/A"] }\ncsat = { lowest = 1, highest = 5 }'
    )
    head = "response_id,asked_at,answered_at,nps,csat\n"
    lines = [f"r{i},2026-01-05,2026-01-06,{nps},4\n" for i, nps in enumerate(("9", "n/a", " N/A ", "-99", "0"))]
    project.write("surveys.csv", head + "".join(lines))
    found = rows(connect("shop").surveys, "response_id", "nps")
    assert found == [("r0", 9.0), ("r1", None), ("r2", None), ("r3", None), ("r4", 0.0)]
    project.write("surveys.csv", head + "r0,2026-01-05,2026-01-06,9,N/A\n")
    with pytest.raises(DataContractError, match=r'surveys.csat: 1 of 1 values is not a number .*"N/A"'):
        _ = connect("shop").surveys


def test_duplicate_responses_and_scores_off_the_scale_are_named(project):
    project.configure("[sources.shop.settings.satisfaction.scales]\nnps = { lowest = 0, highest = 10 }")
    head = "response_id,asked_at,answered_at,nps\n"
    project.write("surveys.csv", head + "r1,2026-01-05,2026-01-06,9\nr1,2026-01-05,2026-01-06,8\n")
    with pytest.raises(DataContractError, match=r"surveys\.response_id: 1 value occurs more than once, in 2 rows"):
        _ = connect("shop").surveys
    project.write("surveys.csv", head + "r1,2026-01-05,2026-01-06,11\n")
    with pytest.raises(DataContractError, match=r"surveys\.nps: 1 of 1 values is off the scale 0 to 10"):
        _ = connect("shop").surveys
