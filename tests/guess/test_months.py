"""Files of one table: proposed as one, read as one, and an error names the file."""

import datetime as dt

import pytest

from crm_lib.errors import ConfigError, DataContractError
from crm_lib.sources import connect
from crm_lib.sources.files import engine
from crm_lib.sources.guess import block, files_in, months, propose
from crm_lib.sources.settings import read_config

HEAD = "客户编号,下单时间,实付金额"
RUN_DATE = dt.date(2026, 11, 21)


def month(m, head=HEAD, n=20, first=0):
    rows = "".join(f"K{i % 7},2026-{m:02d}-{i % 28 + 1:02d},{first + i}.{m:02d}\n" for i in range(n))
    return f"{head}\n{rows}"


YEAR = {f"orders_2026-{m:02d}.csv": month(m) for m in (1, 2, 3)}


def written(folder, proposal, monkeypatch):
    """The source as crm.toml has it."""
    text = block.block("shop", "Shop", "files", proposal, RUN_DATE, {})
    path = folder / "crm.toml"
    path.unlink(missing_ok=True)
    block.write(path, "shop", text)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    return text


def test_monthly_files_are_one_table_with_a_pattern(proposed, tmp_path, monkeypatch):
    proposal = proposed(YEAR)
    (table,) = proposal.tables
    assert proposal.questions == ()
    assert (table.table, table.label, table.n_rows) == ("transactions", "orders_????-??.csv", 60)
    assert any("3 files are read as one table: orders_2026-01.csv, " in note for note in table.notes)
    assert 'files = ["orders_????-??.csv"]' in written(tmp_path, proposal, monkeypatch)
    orders = connect("shop", as_of="2026-11-20").transactions.to_pandas()
    assert len(orders) == 60
    assert round(orders["amount"].astype(float).sum(), 2) == 3 * 190 + 20 * 0.06
    assert (str(orders["at"].min().date()), str(orders["at"].max().date())) == ("2026-01-01", "2026-03-20")


def test_next_months_file_is_read_with_the_others(proposed, tmp_path, monkeypatch):
    written(tmp_path, proposed(YEAR), monkeypatch)
    (tmp_path / "files/orders_2026-04.csv").write_text(month(4), encoding="utf-8")
    crm = connect("shop", as_of="2026-11-20")
    assert crm.transactions.count().to_pyarrow().as_py() == 80


def test_a_month_may_have_its_columns_in_another_order(proposed, tmp_path, monkeypatch):
    turned = "实付金额,客户编号,下单时间\n" + "".join(f"5.00,K{i},2026-04-{i + 1:02d}\n" for i in range(10))
    proposal = proposed(YEAR | {"orders_2026-04.csv": turned})
    assert proposal.questions == ()
    written(tmp_path, proposal, monkeypatch)
    orders = connect("shop", as_of="2026-11-20").transactions.to_pandas()
    assert set(orders["customer_id"]) == {f"K{i}" for i in range(10)}


def test_one_month_decides_the_order_of_days_for_all(proposed):
    def days(m, last):
        return f"{HEAD}\n" + "".join(f"K{i},{i + 1:02d}/{m:02d}/2026,{i}.5\n" for i in range(last))

    (table,) = proposed({"a1.csv": days(1, 12), "a2.csv": days(2, 28)}).tables
    assert table.reading.dates == ("day-first",)


def test_a_month_with_another_header_is_asked_about(proposed):
    odd = YEAR | {"orders_2026-04.csv": month(4, "客户编号,下单时间,订单金额")}
    (question,) = proposed(odd).questions
    assert question.key == "orders_2026-04.csv:leave_out"
    assert "orders_2026-04.csv has other columns than orders_2026-01.csv" in question.words
    assert "it lacks 实付金额, and has 订单金额 instead." in question.words
    proposal = proposed({}, {"orders_2026-04.csv:leave_out": "yes"})
    (table,) = proposal.tables
    assert table.files == tuple(YEAR), "the pattern would take the odd month in again"
    assert any("orders_2026-04.csv: left out, as you said." in reason for reason in proposal.left_out)


def test_exports_that_repeat_what_was_before_are_asked_about(proposed):
    """Each file holds all orders up to its day: together they would count twice."""
    all_before = {
        "orders_2026-01.csv": month(1),
        "orders_2026-02.csv": month(1) + month(2).partition("\n")[2],
    }
    (question,) = proposed(all_before).questions
    assert question.key == "transactions_from"
    assert "or they hold the same rows" in question.words


def test_yearly_lists_of_all_customers_are_asked_about(proposed):
    people = {
        f"customers_{year}.csv": "客户编号,客户名称,注册日期,城市\n"
        + "".join(f"K{i},某{i},2020-01-{i + 1:02d},{('北京', '上海')[(i + year) % 2]}\n" for i in range(20))
        for year in (2025, 2026)
    }
    (question,) = proposed(people).questions
    assert question.key == "customers_from"


def test_workbooks_of_months_are_one_table(proposed, tmp_path, xlsx):
    files = {}
    for m in (9, 10):
        rows = [HEAD.split(",")] + [[f"K{i}", dt.date(2026, m, i + 1), i + 0.5] for i in range(10)]
        files[f"订单{m}月.xlsx"] = xlsx(tmp_path / f"{m}.xlsx", {"订单": rows}).read_bytes()
    (table,) = proposed(files).tables
    assert (table.n_rows, table.files) == (20, ("订单*月.xlsx",))


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A source of monthly files as crm.toml declares it; what is in them is given."""

    def make(files, more=""):
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        columns = 'columns = { customer_id = "客户编号", at = "下单时间", amount = "实付金额" }'
        (tmp_path / "crm.toml").write_text(
            '[sources.shop]\npath = "files"\n[sources.shop.tables.transactions]\n'
            f'files = ["orders_*.csv"]\n{columns}\n{more}',
            encoding="utf-8",
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("CRM_CONFIG", raising=False)
        return lambda: connect("shop", as_of="2026-11-20").transactions

    return make


def test_an_error_names_the_file_and_its_row(source):
    broken = YEAR | {"orders_2026-02.csv": month(2).replace(",3.02\n", ",drei\n")}
    with pytest.raises(DataContractError) as caught:
        source(broken)()
    assert '(first: row 4 of the file orders_2026-02.csv, "drei")' in str(caught.value)


def test_lines_without_a_value_do_not_move_the_rows_of_the_files_after(source):
    first = month(1).replace("K3,", ",,\nK3,", 1) + ",,\n"
    broken = YEAR | {"orders_2026-01.csv": first, "orders_2026-02.csv": month(2).replace(",3.02\n", ",drei\n")}
    with pytest.raises(DataContractError) as caught:
        source(broken)()
    assert '(first: row 4 of the file orders_2026-02.csv, "drei")' in str(caught.value)


def test_a_broken_line_names_its_file(source):
    broken = YEAR | {"orders_2026-03.csv": month(3).replace(",3.03\n", ",3.03,x\n")}
    with pytest.raises(DataContractError) as caught:
        source(broken)()
    assert "(first: line 5 of the file orders_2026-03.csv)" in str(caught.value)


def test_a_later_month_with_another_header_is_refused_by_its_name(source):
    with pytest.raises(DataContractError) as caught:
        source(YEAR | {"orders_2026-04.csv": month(4, "客户编号,下单时间")})()
    assert "orders_2026-04.csv has fewer columns than orders_2026-01.csv: it lacks 实付金额." in str(caught.value)


def test_a_pattern_that_fits_no_file_is_said(source):
    with pytest.raises(DataContractError, match=r"transactions: no file orders_\*.csv lies in files/\."):
        source({"order.csv": month(1)})()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('files = "orders.csv"', "files must be a list of names"),
        ('file = "a.csv"\nfiles = ["b.csv"]', "give file or files, not both"),
        ('files = ["../b.csv"]', "must name files below the source's path"),
    ],
)
def test_a_wrong_list_of_files_is_refused(tmp_path, line, words):
    path = tmp_path / "crm.toml"
    path.write_text(f'[sources.a]\npath = "x"\n[sources.a.tables.transactions]\n{line}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_config(path)


def test_two_runs_read_the_same_rows_in_the_same_order(source):
    read = source(YEAR)
    assert read().to_pandas().equals(read().to_pandas())


@pytest.mark.parametrize(
    ("names", "others", "pattern"),
    [
        (["a_1.csv", "a_2.csv"], [], "a_?.csv"),
        (["a_9.csv", "a_10.csv"], [], "a_*.csv"),
        (["a_1.csv", "a_2.csv"], ["a_x.csv"], ""),
        (["a24_1.csv", "a24_2.csv"], [], "a24_?.csv"),
    ],
)
def test_a_pattern_fits_the_files_and_no_other(names, others, pattern):
    assert months.pattern_of(names, names + others) == pattern


def test_a_folder_without_such_files_is_as_before(tmp_path):
    (tmp_path / "orders.csv").write_text(month(1), encoding="utf-8")
    (table,) = propose(engine(), files_in(tmp_path), {}).tables
    assert (table.file, table.files) == ("orders.csv", ())
