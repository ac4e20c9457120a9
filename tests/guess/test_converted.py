"""Large text files are converted to Parquet once, give the same rows, and are made again when they change."""

import pytest

from crm_lib.errors import DataContractError
from crm_lib.sources import check, connect, converted, files

CONFIG = '[sources.shop]\npath = "data"\nas_of = "2026-10-31"\n{more}\n'
LINES = "".join(f"K{i % 50},2026-0{i % 9 + 1}-11,{i}.25\n" for i in range(3000))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setattr(converted, "LARGE", 1000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-01")
    (tmp_path / "data").mkdir()
    (tmp_path / "crm.toml").write_text(CONFIG.format(more=""), encoding="utf-8")
    write(tmp_path)
    return tmp_path


def write(shop, more=""):
    (shop / "data/transactions.csv").write_text("customer_id,at,amount\n" + LINES + more, encoding="utf-8")


def made(shop):
    return sorted(p.name for p in (shop / ".crm/.text").glob("*.parquet"))


def total(crm):
    return str(crm.transactions.amount.sum().to_pyarrow().as_py())


def test_a_check_converts_and_the_rows_are_the_same(shop, monkeypatch):
    plain = connect("shop")
    assert made(shop) == []
    before = (total(plain), plain.transactions.count().to_pyarrow().as_py())
    first = check("shop")
    assert len(made(shop)) == 1
    assert (shop / ".crm").stat().st_mode & 0o077 == 0

    def forbidden(*_arguments, **_options):
        raise AssertionError("the text was read again")

    monkeypatch.setattr(files, "decode", forbidden)
    again = connect("shop", as_of="2026-10-30")  # another date: nothing is kept for it
    assert (total(again), again.transactions.count().to_pyarrow().as_py()) == before
    assert first.card.tables[0].n_used == 3000


def test_lines_without_a_value_are_no_rows_of_a_converted_file_either(shop):
    write(shop, ",,\n" * 7)
    for _again in range(2):
        seen = check("shop")
        assert seen.card.tables[0].n_read == 3000
        assert any("7 lines without a value" in warning for warning in seen.warnings)
    assert len(made(shop)) == 1


def test_progress_is_told_up_to_the_end(shop):
    told = []
    check("shop", progress=lambda path, share: told.append((path.name, share)))
    assert told[-1] == ("transactions.csv", 1.0)


@pytest.mark.parametrize("change", ["bytes", "reading"])
def test_a_change_converts_again(shop, change):
    check("shop")
    if change == "bytes":
        write(shop, "K1,2026-09-30,1.00\n")
    else:
        (shop / "crm.toml").write_text(CONFIG.format(more='encoding = "gb18030"'), encoding="utf-8")
    found = check("shop")
    assert len(made(shop)) == 2
    assert found.card.tables[0].n_used == 3000 + (change == "bytes")


def test_broken_lines_are_counted_from_what_is_kept(shop):
    write(shop, "K1,2026-09-30\n")
    counts = [check("shop", day).card.tables[0].n_rejected for day in ("2026-10-31", "2026-10-30")]
    assert counts == [1, 1]


def test_only_the_newest_stay(shop):
    for i in range(converted.MOST_KEPT + 2):
        write(shop, f"K1,2026-09-30,{i}.00\n")
        check("shop")
    assert len(made(shop)) == converted.MOST_KEPT


def test_a_file_that_breaks_off_leaves_nothing_behind(shop):
    write(shop, '"K1,2026-09-30,1.00\n')
    assert "never closed" in check("shop").problems["transactions"]
    assert list((shop / ".crm/.text").glob("*.part")) == []
    with pytest.raises(DataContractError):
        _ = connect("shop").transactions
