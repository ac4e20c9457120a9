"""Errors in the reader's language: every error that a page can show is recognised and said in Chinese."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from crm_lib import errors
from crm_lib.analysis import btyd
from crm_lib.analysis.clv.options import Options
from crm_lib.analysis.segmentation import weights
from crm_lib.analysis.segmentation.grades import grading
from crm_lib.contract.check import check
from crm_lib.contract.rules import ROW, SEEN, Surroundings
from crm_lib.contract.tables import TABLES
from crm_lib.errors import CrmError
from crm_lib.sources import connect
from crm_lib.sources.postgres import session
from crm_lib.theme import messages, said, words

ROOT = Path(__file__).parent.parent.parent
HAN = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")  # three words running are a sentence, no name
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, CrmError)}
TEMPLATES = messages.in_context("zh", said.CONTEXT)


@pytest.fixture(autouse=True)
def in_chinese():
    with words.speaking("zh"):
        yield


def raised():
    """Every call in the layers below the page that makes an error, by where it stands."""
    paths = [*(ROOT / "crm_lib/analysis").rglob("*.py"), *(ROOT / "crm_lib/contract").glob("*.py")]
    sources = ROOT / "crm_lib/sources"
    for path in sorted([*paths, *sources.glob("*.py"), *sources.glob("postgres/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                yield f"{path.relative_to(ROOT)}: {ast.unparse(node)}", node.args[0]


# Texts made elsewhere and marked there with `part`, and one that a check has kept.
MADE_ELSEWHERE = ("_too_many(", "_ambiguous(", "DataContractError(text)", "{error}')")


def test_every_error_below_the_page_has_a_template_in_the_catalogue():
    for place, text in raised():
        found = said.templates(text)
        assert found or any(name in place for name in MADE_ELSEWHERE), place
        assert set(found) <= TEMPLATES.keys(), place


def filled(template):
    """A text that the template could have made: names that hold marks, blanks and Chinese."""

    def value(place):
        form = place[2] or ""
        return "1.7%" if form.endswith("%") else "1,234" if form else f"{place[1][:2]} 甲-1.csv"

    marked = template.replace("{{", "\0").replace("}}", "\1")
    return said._PLACE.sub(value, marked).replace("\0", "{").replace("\1", "}")


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_a_text_made_from_a_template_is_said_in_chinese(template):
    told = said.error(filled(template))
    assert HAN.search(re.sub("甲", "", told)), told
    if said._letters(template) > 12:
        assert not ENGLISH.search(re.sub(r'["“][^"”]*["”]|crm_lib\S*', "", told)), told


def test_what_is_not_recognised_stays_as_it_is():
    for text in ("Something else went wrong.", "", "客户 has left.", "x: y"):
        assert said.error(text) == text


def test_english_pages_keep_the_words():
    with words.speaking("en"):
        assert said.error("Correct the file.") == "Correct the file."


def test_a_hostile_name_neither_breaks_nor_slows_the_recognition():
    name = "a) (first: row 1). {n} \\1 of 3: " * 300
    advice = f"Its columns are: {name}. Correct the file, or name their column under columns in crm.toml."
    told = said.error(f'transactions: orders.csv has no column "{name}". {advice}')
    assert name.strip() in told
    assert "。 " not in told
    assert "请改正文件" in told


def test_the_first_case_is_quoted_as_it_stands():
    text = failing(CHECKS["too many rows rejected"])
    assert "（第一处：第1行，“12,5O”）。" in said.error(text)
    several = said.error(failing(CHECKS["too many rows rejected, in a file of several"]))
    assert "（第一处：第1行，文件a_2.csv，“drei”）。" in several
    assert "\ntransactions.amount：2行中有1个值不是数字" in several


@pytest.mark.parametrize("reason", [reason for _pattern, reason in session._REFUSALS])
def test_why_a_database_refuses_is_chinese(reason):
    told = said.error(
        f'The database of the source "shop" can\'t be used: {reason}. Correct the environment variable '
        "CRM_DB_URL, or ask whoever keeps the database."
    )
    assert HAN.search(said.error(reason))
    assert not ENGLISH.search(re.sub(r"CRM_DB_URL|（.*）", "", told)), told


def failing(function):
    try:
        function()
    except CrmError as error:
        return str(error)
    raise AssertionError("nothing was raised")


def table(**columns):
    frame = pd.DataFrame(columns)
    frame[ROW] = range(1, len(frame) + 1)
    return ibis.memtable(frame)


def orders(amounts, seen=None, ids=None):
    n = len(amounts)
    more = {"amount" + SEEN: seen} if seen else {}
    at = pd.to_datetime(["2026-01-05"] * n)
    return table(customer_id=ids or [f"K{i}" for i in range(n)], at=at, amount=amounts, **more)


CHECKS = {
    "no rows": lambda: check(TABLES["transactions"], orders([1.0]).limit(0)),
    "a column missing": lambda: check(TABLES["transactions"], orders([1.0]).drop("amount")),
    "too many rows rejected": lambda: check(
        TABLES["transactions"], orders([None, 2.0], ["12,5O", "2"]), Surroundings(max_rejected_share=0.1)
    ),
    "too many rows rejected, in a file of several": lambda: check(
        TABLES["transactions"],
        orders([1.0, None], ["1", "drei"]),
        Surroundings(parts=(("a_1.csv", 1), ("a_2.csv", 1))),
    ),
    "a key twice": lambda: check(TABLES["customers"], table(customer_id=["K1", "K1"])),
    "too few customers": lambda: btyd.fit(SimpleNamespace(n_repeaters=2, n_customers=5)),
    "weights that can't be read": lambda: weights.read("much"),
    "weights that don't add up": lambda: weights.read("days 0.5, orders 0.5, money 0.5"),
    "a wrong rule of grades": lambda: grading("tenths"),
    "a wrong horizon": lambda: Options(horizon_weeks=999),
}


@pytest.mark.parametrize("name", CHECKS)
def test_an_error_of_data_or_parameters_is_chinese(name):
    told = said.error(failing(CHECKS[name]))
    assert HAN.search(told)
    assert not ENGLISH.search(told), told


SOURCE = '[sources.shop]\npath = "files"\n[sources.shop.tables.transactions]\n'
MAPPED = 'columns = {{ customer_id = "{0}", at = "day", amount = "sum" }}\n'
HEAD = "who,day,sum\n"
FILES = {
    "the file is missing": (SOURCE + 'file = "order.csv"\n', {"orders.csv": HEAD}),
    "a column is missing": (
        SOURCE + 'file = "orders.csv"\n' + MAPPED.format("whom"),
        {"orders.csv": HEAD + "K1,2026-01-05,1\n"},
    ),
    "the separator is another": (
        SOURCE + 'file = "orders.csv"\n' + MAPPED.format("who"),
        {"orders.csv": HEAD.replace(",", ";") + "K1;2026-01-05;1\n"},
    ),
    "the encoding is another": (
        SOURCE + 'file = "orders.csv"\n' + MAPPED.format("who"),
        {"orders.csv": (HEAD + "客户,2026-01-05,1\n").encode("gb18030")},
    ),
    "days can be read in two ways": (
        SOURCE + 'file = "orders.csv"\n' + MAPPED.format("who"),
        {"orders.csv": HEAD + "K1,01/02/2026,1\nK2,03/04/2026,2\n"},
    ),
    "a quotation mark is open": (
        SOURCE + 'file = "orders.csv"\n' + MAPPED.format("who"),
        {"orders.csv": HEAD + 'K1,"2026-01-05,1\nK2,2026-01-05,1\n'},
    ),
    "a month has another header": (
        SOURCE + 'files = ["o*.csv"]\n' + MAPPED.format("who"),
        {"o1.csv": HEAD + "K1,2026-01-05,1\n", "o2.csv": "who,day\nK1,2026-01-05\n"},
    ),
    "nothing can be read as a number": (
        SOURCE + 'file = "orders.csv"\n' + MAPPED.format("who"),
        {"orders.csv": HEAD + 'K1,2026-01-05,"1,50"\n'},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_an_error_of_a_file_is_chinese(name, tmp_path, monkeypatch):
    settings, files = FILES[name]
    (tmp_path / "files").mkdir()
    for file, body in files.items():
        (tmp_path / "files" / file).write_bytes(body if isinstance(body, bytes) else body.encode())
    (tmp_path / "crm.toml").write_text(settings, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    text = failing(lambda: connect("shop", as_of="2026-11-20").transactions)
    told = said.error(text)
    assert told != text
    assert not ENGLISH.search(told), told
