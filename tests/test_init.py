"""`crm init`: from files that nobody has seen to a source, its check and its reports."""

import datetime as dt
import functools
import http.server
import importlib.util
import io
import json
import random
import shutil
import sys
import threading
from pathlib import Path

import pytest

from crm_lib import cli

ROOT = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("guess_files", ROOT / "tests/guess/conftest.py")
guess_files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guess_files)

ORDERS = "客户编号,下单时间,实付金额\n" + "".join(f"K{i},2026-10-{i + 1:02d},1{i}.50\n" for i in range(20))
TWO_AMOUNTS = "客户编号,下单时间,实付金额,订单金额\n" + "".join(
    f"K{i},2026-10-{i + 1:02d},1{i}.50,2{i}.50\n" for i in range(20)
)
OTHER = '# mine\n[default]\nsource = "old"\n\n[sources.old]\npath = "data/old"  # stays\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CRM_CONFIG", "CRM_REPORTS", "CRM_PUBLISH_TO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-21")
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def crm(project, monkeypatch, capsys):
    """A function that runs the command with what is typed: exit code, what it printed, what it complained of."""

    def run(*arguments, typed=""):
        monkeypatch.setattr(sys, "argv", ["crm", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


def test_a_proposal_is_shown_and_written_after_a_yes(crm, project):
    code, out, err = crm("init", "orders.csv", typed="y\n")
    assert (code, err) == (0, "")
    assert "orders.csv → transactions" in out
    for seen in ("客户编号", "sure", "K0 · K1 · K2 · K3 · K4", "10.50 · 11.50"):
        assert seen in out
    assert "Written: [sources.orders] in crm.toml" in out
    assert "transactions: 20 rows read, 20 used" in out
    assert "✓ clv" in out
    assert "needs the table opportunities" in out
    assert "Next: crm report --source orders" in out
    assert (project / "reports/orders/check.html").exists()
    text = (project / "crm.toml").read_text(encoding="utf-8")
    assert text.startswith('[default]\nsource = "orders"')
    assert 'customer_id = "客户编号"' in text


def test_nothing_is_written_without_a_yes(crm, project):
    for typed in ("n\n", ""):
        code, out, err = crm("init", "orders.csv", typed=typed)
        assert code == 2
        assert "This goes into crm.toml" in out
        assert "Nothing was written" in err
        assert sorted(p.name for p in project.iterdir()) == ["orders.csv"]


def test_what_else_stands_in_the_file_stays_byte_for_byte(crm, project):
    (project / "crm.toml").write_text(OTHER, encoding="utf-8")
    assert crm("init", "orders.csv", "--yes", "--name", "shop")[0] == 0
    text = (project / "crm.toml").read_text(encoding="utf-8")
    assert text.startswith(OTHER.rstrip())


def test_a_block_of_the_same_name_is_replaced_only_on_request(crm, project):
    assert crm("init", "orders.csv", "--yes")[0] == 0
    before = (project / "crm.toml").read_text(encoding="utf-8")
    code, _out, err = crm("init", "orders.csv", "--yes")
    assert code == 2
    assert "crm.toml has a source orders already. Choose another --name, or --replace it." in err
    assert crm("init", "orders.csv", typed="n\n")[0] == 2
    assert (project / "crm.toml").read_text(encoding="utf-8") == before
    assert crm("init", "orders.csv", "--title", "Our shop", typed="y\ny\n")[0] == 0
    after = (project / "crm.toml").read_text(encoding="utf-8")
    assert after.count("[sources.orders]") == 1
    assert 'title = "Our shop"' in after
    assert crm("init", "orders.csv", "--yes", "--replace")[0] == 0


def test_a_question_is_answered_by_number_or_by_option(crm, project):
    (project / "orders.csv").write_text(TWO_AMOUNTS, encoding="utf-8")
    code, out, _err = crm("init", "orders.csv", typed="9\n2\ny\n")
    assert code == 0
    assert "which column is amount" in out
    assert 'amount = "订单金额"' in (project / "crm.toml").read_text(encoding="utf-8")
    code, out, _err = crm("init", "orders.csv", "--yes", "--replace", "--set", "amount=实付金额")
    assert code == 0
    assert "as you said" in out


def test_an_open_question_ends_a_script_with_the_option_that_answers_it(crm, project):
    (project / "orders.csv").write_text(TWO_AMOUNTS, encoding="utf-8")
    code, _out, err = crm("init", "orders.csv", "--yes")
    assert code == 2
    assert "1 question is open; nothing was written." in err
    assert "--set 'orders.csv:amount=…'  one of: 实付金额 | 订单金额" in err
    assert "10.50" not in err
    assert not (project / "crm.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.csv",), "There is no file or folder nowhere.csv here."),
        (("orders.pdf",), "orders.pdf is of no kind that can be read here"),
        (("orders.csv", "--set", "amount"), '--set is "amount"; it must be KEY=VALUE'),
        (("orders.csv", "--set", "amount=Preis"), 'orders.csv has no column "Preis" for amount.'),
        (("orders.csv", "--name", "a b"), '--name is "a b"'),
        (("orders.csv", "--as-of", "31.10.2026"), "it must be a day such as 2026-10-31"),
        (("orders.csv", "--table", "order"), 'There is no table "order"'),
        (("ftp://example.com/a.csv",), "ftp:// can't be read here"),
        (("https://me:word@example.com/a.csv",), "The address holds a user or a password."),
    ],
)
def test_a_wrong_choice_is_said_in_words(crm, project, arguments, words):
    (project / "orders.pdf").write_bytes(b"%PDF")
    code, _out, err = crm("init", *arguments, "--yes")
    assert code == 2
    assert words in err
    assert "word@" not in err
    assert not (project / "crm.toml").exists()


def test_a_hostile_file_does_not_steer_the_terminal(crm, project):
    text = ORDERS.replace("K3,", "K\x1b[2J3,").replace("实付金额", "实付金额\x07(元)")
    (project / "orders.csv").write_text(text, encoding="utf-8")
    _code, out, err = crm("init", "orders.csv", "--yes")
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


def test_a_folder_becomes_one_source_with_a_workbook_of_two_sheets(crm, project):
    folder = project / "exports"
    folder.mkdir()
    shutil.move(project / "orders.csv", folder)
    customers = [["客户编号", "客户名称", "注册日期", "城市"]]
    customers += [[f"K{i}", f"某{i}", dt.date(2026, 1, i + 1), ("北京", "上海")[i % 2]] for i in range(20)]
    guess_files.write_xlsx(folder / "book.xlsx", {"客户": customers, "说明": [["说明"], ["无"]]})
    code, out, err = crm("init", "exports", "--yes")
    assert (code, err) == (0, "")
    assert "book.xlsx[客户] → customers" in out
    assert "Left out: book.xlsx[说明]" in out
    assert 'path = "exports"' in (project / "crm.toml").read_text(encoding="utf-8")
    assert "customers: 20 rows read, 20 used" in out


def test_a_fixed_export_gets_its_last_day_whatever_lies_in_the_future(crm, project):
    old = ORDERS.replace("2026-10-", "2026-03-") + "K1,2031-01-01,5.00\n"
    (project / "orders.csv").write_text(old, encoding="utf-8")
    crm("init", "orders.csv", "--yes")
    assert 'as_of = "2026-03-20"' in (project / "crm.toml").read_text(encoding="utf-8")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def address(project):
    folder = project / "served"
    folder.mkdir()
    shutil.move(project / "orders.csv", folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_into_raw_data_after_the_yes(crm, project, address):
    code, _out, err = crm("init", f"{address}/orders.csv?token=secretsecret", typed="n\n")
    assert code == 2
    assert not (project / "data").exists()
    code, out, err = crm("init", f"{address}/orders.csv?token=secretsecret", "--yes")
    assert (code, err) == (0, "")
    assert (project / "data/raw/orders/orders.csv").read_text(encoding="utf-8") == ORDERS
    text = (project / "crm.toml").read_text(encoding="utf-8")
    assert 'path = "data/raw/orders"' in text
    assert "secret" not in out + text


def test_an_address_that_does_not_answer_is_said_without_its_secrets(crm, address):
    code, _out, err = crm("init", f"{address}/gone.csv?token=secretsecret", "--yes")
    assert code == 2
    assert "gone.csv can't be fetched: the server answers 404." in err
    assert "secret" not in err


def drawn(seed):
    """Orders of 250 customers: id, day, cents."""
    draw, rows = random.Random(seed), []
    for i in range(250):
        day = dt.date(2025, 1, 1) + dt.timedelta(days=draw.randrange(300))
        for _order in range(1 + int(draw.expovariate(0.4))):
            rows.append((f"K{i:04d}", day, draw.randrange(500, 500_000)))
            day += dt.timedelta(days=1 + int(draw.expovariate(1 / 60)))
            if day > dt.date(2026, 10, 31):
                break
    draw.shuffle(rows)
    return rows


def grouped(cents, mark, point):
    return f"{cents / 100:,.2f}".replace(",", "\0").replace(".", point).replace("\0", mark)


def as_workbook(rows, folder):
    head = ["订单编号", "客户编号", "客户名称", "下单时间", "订单金额（元）", "备注"]
    body = [
        [f"D{i}", c, "某某", dt.datetime(d.year, d.month, d.day, 10, 30), x / 100, None]
        for i, (c, d, x) in enumerate(rows)
    ]
    return guess_files.write_xlsx(folder / "订单导出.xlsx", {"订单明细": [head, *body]})


def as_chinese_text(rows, folder):
    body = "".join(f'{c},{d.year}/{d.month}/{d.day},"￥{grouped(x, ",", ".")}",一店\r\n' for c, d, x in rows)
    path = folder / "消费记录.csv"
    path.write_bytes(f" 会员号 , 消费日期 , 实付金额 , 门店\r\n{body}".encode("gb18030"))
    return path


def as_german_text(rows, folder):
    body = "".join(f"{i};{c};{d:%d.%m.%Y};{grouped(x, '.', ',')} €\r\n" for i, (c, d, x) in enumerate(rows))
    path = folder / "bestellungen.csv"
    path.write_bytes(f"Bestellnummer;Kundennr;Bestelldatum;Gesamtbetrag\r\n{body}".encode("cp1252"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("write", "seed"), [(as_workbook, 1), (as_chinese_text, 2), (as_german_text, 3)])
def test_a_file_never_seen_becomes_reports_with_right_figures(crm, project, write, seed):
    shutil.copytree(ROOT / "notebooks", project / "notebooks", ignore=shutil.ignore_patterns("scratch", ".*"))
    shutil.copy(ROOT / "crm.toml", project)
    rows = drawn(seed)
    path = write(rows, project)
    code, out, err = crm(
        "init", str(path), "--name", "shop", "--as-of", "2026-10-31", "--yes"
    )  # no question at all
    assert (code, err) == (0, "")
    assert f"{len(rows):,} rows read, {len(rows):,} used" in out
    code, out, err = crm("report", "segmentation", "clv", "--source", "shop")
    assert code == 0, out + err
    folder = project / "reports/shop/2026-10-31"
    figures = {}
    for topic in ("segmentation", "clv"):
        document = json.loads((folder / f"{topic}.figures.json").read_text(encoding="utf-8"))
        figures = {f["name"]: f["value"] for f in document["figures"]} | figures
        assert document["about"]["rows"]["transactions"]["used"] == len(rows)
    customers = {c for c, *_ in rows}
    assert figures["n_customers"] == len(customers) == 250
    import pandas as pd

    table = pd.read_parquet(folder / "segmentation/customers.parquet")
    assert round(float(table["amount"].sum()), 2) == sum(x for *_, x in rows) / 100
    days = pd.DataFrame(rows, columns=["customer", "day", "cents"]).drop_duplicates(["customer", "day"])
    assert int(table["n_orders"].sum()) == len(days)
