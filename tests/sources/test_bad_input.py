"""Everything a person can get wrong, with the words that tell them what to do."""

import datetime as dt
import os

import pandas as pd
import pytest

from crm_lib.errors import ConfigError, DataContractError, ParameterError
from crm_lib.sources import check, connect

SOUND = "customer_id,at,amount\nA,2026-01-05,10.00\nB,2026-01-06,20.00\nA,2026-02-07,30.00\n"


def refused(table="transactions", source="shop"):
    with pytest.raises(DataContractError) as caught:
        getattr(connect(source), table)
    return str(caught.value)


def saved(project, at):
    """Let the file of transactions look as if it was saved at that time."""
    os.utime(project.folder / "transactions.csv", (at.timestamp(), at.timestamp()))


def many(bad_line, n=200):
    """A table in which one row of `n` + 1 is wrong, so that it is set aside and the rest used."""
    return "customer_id,at,amount\n" + "A,2026-01-05,10.00\n" * n + bad_line + "\n"


def test_a_missing_file_is_named_with_the_folder_and_the_nearest_name(project):
    project.configure('[sources.shop.tables.transactions]\nfile = "sales.csv"')
    project.write("sale.csv", SOUND)
    assert refused() == (
        'transactions: the file sales.csv is missing from shop/. Did you mean "sale.csv"? '
        "Put it there, or correct file in crm.toml."
    )


def test_a_missing_column_is_named_with_the_columns_there_are(project):
    project.write("transactions.csv", "customer_id,day,amount\nA,2026-01-05,1\n")
    assert refused() == (
        'transactions: transactions.csv has no column "at". Its columns are: customer_id, day, amount. '
        "Correct the file, or name their column under columns in crm.toml."
    )


def test_a_mapped_column_that_is_not_in_the_file_is_named_with_the_nearest(project):
    project.configure('[sources.shop.tables.transactions.columns]\nat = "Dates"')
    project.write("transactions.csv", "customer_id,Date,amount\nA,2026-01-05,1\n")
    assert refused() == (
        'transactions: transactions.csv has no column "Dates". Did you mean "Date"? '
        "Its columns are: customer_id, Date, amount. "
        "Correct the file, or name their column under columns in crm.toml."
    )


@pytest.mark.parametrize(("sign", "name"), [(";", ";"), ("\t", "tab"), ("|", "|")])
def test_a_wrong_separator_is_recognised(project, sign, name):
    project.write("transactions.csv", SOUND.replace(",", sign))
    assert refused().endswith(f'Its columns are not told apart: set separator="{name}" for this source.')


def test_a_first_line_of_data_is_recognised_and_not_quoted(project):
    project.write("transactions.csv", "Ann Lee,2026-01-05,10.00\nBob,2026-01-06,20.00\n")
    assert refused() == (
        'transactions: transactions.csv has no column "customer_id". '
        "Its first line looks like data: set header = false and names = [...] for this source."
    )


def test_an_empty_table_is_refused(project):
    project.write("transactions.csv", "customer_id,at,amount\n")
    assert refused() == (
        "transactions: the table has no rows. It needs at least one: look at the file, or leave it out."
    )


def test_a_file_without_a_byte_is_refused(project):
    project.write("transactions.csv", "")
    assert refused() == "transactions: transactions.csv is empty: its first line must name the columns."


def test_text_in_amounts_is_counted_and_quoted_with_the_row(project):
    lines = ["A,2026-01-05,10.00"] * 6919
    lines[1041], lines[2000], lines[3000] = 'A,2026-01-05,"12,5O"', "A,2026-01-05,free", "A,2026-01-05,-"
    project.write("transactions.csv", "customer_id,at,amount\n" + "\n".join(lines) + "\n")
    assert check("shop").warnings == (
        'transactions.amount: 3 of 6,919 values are not numbers (first: row 1,042, "12,5O"). '
        'Amounts must be decimal numbers. Correct the file, or set decimal="," for this source.',
    )


def test_a_thousands_sign_that_was_not_declared_is_not_guessed(project):
    project.write("transactions.csv", many('A,2026-01-05,"1,234.50"'))
    assert check("shop").warnings[0].endswith('Correct the file, or set thousands="," for this source.')


def test_an_unknown_id_is_counted_but_never_quoted(project):
    project.write("customers.csv", "customer_id\nA\n")
    project.write("transactions.csv", many("Mallory,2026-01-05,10.00"))
    assert check("shop").warnings == (
        "transactions.customer_id: 1 of 201 values does not exist in customers (first: row 201). "
        "Every customer_id must exist in customers. Correct one of the two files.",
    )


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "tomorrow", "26-1-5"])
def test_an_impossible_date_is_counted_and_quoted(project, day):
    project.write("transactions.csv", many(f"A,{day},10.00"))
    assert check("shop").warnings == (
        f'transactions.at: 1 of 201 values is not a date (first: row 201, "{day}"). '
        "Dates must exist, such as 2026-10-31. Correct the file, or set dates for this source.",
    )


@pytest.mark.parametrize("day", ["1026-02-03", "2206-02-03", "0001-01-01"])
def test_a_date_outside_any_plausible_year_is_set_aside(project, day):
    project.write("transactions.csv", many(f"A,{day},10.00"))
    (warning,) = check("shop").warnings
    assert warning.startswith(
        f'transactions.at: 1 of 201 dates lies before 1900 or after 2100 (first: row 201, "{day}")'
    )


def test_a_date_after_the_day_of_the_run_is_set_aside(project, monkeypatch):
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-01")
    project.write("transactions.csv", many("A,2026-11-02,10.00"))
    saved(project, dt.datetime(2026, 10, 15))
    (warning,) = check("shop").warnings
    assert "1 of 201 dates lies after the day of the run" in warning
    assert "Nothing can have happened after 2026-11-01." in warning


def test_a_run_of_an_earlier_day_repeated_later_calls_no_date_impossible(project, monkeypatch):
    monkeypatch.setenv("CRM_RUN_DATE", "2026-02-01")
    project.configure(head="")
    project.write("transactions.csv", many("A,2026-06-02,10.00"))
    saved(project, dt.datetime(2026, 10, 15))
    found = check("shop")
    assert found.warnings == ()
    assert (found.card.tables[0].n_after, found.card.as_of) == (1, dt.date(2026, 1, 31))


def test_ambiguous_dates_are_refused_with_both_counts(project):
    project.write("transactions.csv", "customer_id,at,amount\nA,01/02/2026,1\nB,03/04/2026,2\n")
    assert refused() == (
        'transactions.at: 2 dates (such as "01/02/2026") can be read day-first and month-first: 2 fit day-first, '
        '2 fit month-first. A date is never guessed. Set dates="day-first" or dates="month-first" '
        'for this source, or a form such as dates="%Y%m%d".'
    )


def test_dates_in_no_known_form_are_refused(project):
    project.write("transactions.csv", "customer_id,at,amount\nA,20260102,1\nB,20260304,2\n")
    assert 'transactions.at: 2 dates (such as "20260102") follow no one form' in refused()


def test_a_duplicate_key_is_refused_without_the_id(project):
    project.write("customers.csv", "customer_id\nA\nB\nA\n")
    project.write("transactions.csv", SOUND)
    assert refused("customers") == (
        "customers.customer_id: 1 value occurs more than once, in 2 rows (first: row 1). "
        "It must be different in every row. Remove the duplicates."
    )


def test_a_broken_table_leaves_the_others_usable_and_is_named_on_the_card(project):
    project.write("customers.csv", "customer_id\nA\nA\n")
    project.write("transactions.csv", SOUND)
    crm = connect("shop")
    assert crm.transactions.count().to_pyarrow().as_py() == 3
    assert crm.get("customers") is None
    assert [table for table, _ in crm.card.problems] == ["customers"]


def test_exact_duplicates_of_transactions_are_legal(project):
    project.write("transactions.csv", SOUND + "A,2026-02-07,30.00\n")
    assert connect("shop").transactions.count().to_pyarrow().as_py() == 4


def test_a_wrong_encoding_names_line_byte_and_what_it_reads_as(project):
    text = "customer_id,at,amount,channel\nA,2026-01-05,1,web\nB,2026-01-05,1,门店\n"
    project.write("transactions.csv", text, "gb18030")
    assert refused() == (
        "transactions: transactions.csv is not utf-8: line 3 holds the byte 0xC3, which is no text in utf-8. "
        "Declare the encoding that the file was saved in (utf-8, utf-8-sig, utf-16, gb18030, latin-1, cp1252). "
        'It reads as gb18030: set encoding="gb18030" for this source.'
    )


def test_a_utf_16_file_that_was_not_declared_is_recognised(project):
    project.write("transactions.csv", SOUND, "utf-16")
    assert refused().endswith('It reads as utf-16: set encoding="utf-16" for this source.')


def test_an_unknown_source_names_the_nearest(project):
    with pytest.raises(ConfigError) as caught:
        connect("shoop")
    assert str(caught.value) == (
        'There is no source "shoop" in crm.toml. Did you mean "shop"? Known sources: shop.'
    )


def test_an_unclosed_quote_names_its_line(project):
    project.write("transactions.csv", 'customer_id,at,amount\nA,2026-01-05,1\n"B,2026-01-06,2\nC,2026-01-07,3\n')
    assert refused() == (
        "transactions: transactions.csv: a quotation mark opened on line 3 is never closed, so the lines after it "
        "can't be told apart. Correct the file."
    )


def test_a_broken_line_is_set_aside_and_counted(project):
    project.write("transactions.csv", many("A,2026-01-05"))
    found = check("shop")
    assert found.warnings == (
        "transactions: 1 of 201 lines has more or fewer values than the header (first: line 202). "
        "Correct the file, or the separator for this source.",
    )
    (card,) = found.card.tables
    assert (card.n_read, card.n_rejected, card.n_after, card.n_used) == (201, 1, 0, 200)
    assert card.rejected[0].reason == "broken line"


def test_too_many_rejected_rows_are_refused_with_the_share_and_the_reasons(project):
    project.write("transactions.csv", "customer_id,at,amount\nA,2026-01-05,1\nB,2026-01-05,x\n,2026-01-05,3\n")
    assert refused() == (
        "transactions: 2 of 3 rows (66.7%) can't be used, more than max_rejected_share = 0.01 allows.\n"
        "  transactions.customer_id: 1 of 3 values is empty (first: row 3). Every row needs one.\n"
        '  transactions.amount: 1 of 3 values is not a number (first: row 2, "x"). Amounts must be decimal '
        "numbers. Correct the file."
    )


def test_rows_set_aside_are_kept_in_private_and_priced(project):
    project.write("customers.csv", "customer_id\nA\n")
    project.write("transactions.csv", many("X,2026-01-05,99.50"))
    crm = connect("shop")
    (reason,) = crm.card.tables[1].rejected
    assert (reason.column, reason.reason, reason.n, reason.amount) == ("customer_id", "unknown id", 1, 99.5)
    kept = pd.read_parquet(project.root / "rejected" / "shop" / "transactions.parquet")
    assert kept[["customer_id", "__row", "__reason"]].to_numpy().tolist() == [
        ["X", 201, "customer_id: unknown id"]
    ]
    assert crm.transactions.count().to_pyarrow().as_py() == 200


def test_rows_set_aside_last_time_are_gone_once_the_file_is_mended(project):
    project.write("transactions.csv", many("A,2026-01-05,x"))
    connect("shop")
    project.write("transactions.csv", SOUND)
    connect("shop")
    assert not (project.root / "rejected" / "shop" / "transactions.parquet").exists()


def test_a_table_the_source_lacks_says_what_it_has(project):
    project.write("transactions.csv", SOUND)
    assert refused("surveys") == (
        'The source "shop" has no table surveys; it has: transactions. '
        "Add the file, or name it under sources.shop.tables in crm.toml."
    )


def test_a_source_without_any_table_is_refused(project):
    with pytest.raises(ConfigError, match='The source "shop" has no table'):
        connect("shop")


def test_a_folder_that_does_not_exist_is_refused(project):
    project.folder.rmdir()
    with pytest.raises(ConfigError, match='The source "shop" lies in shop, which does not exist'):
        connect("shop")


def test_an_as_of_that_is_no_day_is_refused(project):
    project.write("transactions.csv", SOUND)
    with pytest.raises(ParameterError, match='as_of is "2026-02-30"; it must be a day such as'):
        connect("shop", as_of="2026-02-30")


def test_a_lookup_file_that_is_missing_is_named(project):
    project.configure(
        "[sources.shop.tables.opportunities.columns]\n"
        'region = { lookup = { file = "teams.csv", on = "owner", column = "office" } }'
    )
    project.write("opportunities.csv", "opportunity_id,owner\n1,Ann\n")
    assert refused("opportunities") == "opportunities: the file teams.csv is missing from shop/."


def test_a_header_that_repeats_a_column_is_refused(project):
    project.write("transactions.csv", "customer_id,at,amount,amount\nA,2026-01-05,1,2\n")
    assert refused().endswith('the column "amount" stands twice in the header. Rename one.')


def test_a_parquet_file_that_is_none_is_refused(project):
    project.write("transactions.parquet", "not parquet at all")
    assert "transactions: transactions.parquet can't be read" in refused()
