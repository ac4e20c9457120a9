"""Servers without one: settings, refusals in words, and casts that look at a text first."""

import sys
from types import SimpleNamespace

import ibis
import pytest

from crm_lib.contract.reporting import Reporting
from crm_lib.contract.tables import COUNT, DAY, MONEY, NUMBER, TIME
from crm_lib.errors import ConfigError, DataContractError, Unreachable
from crm_lib.sources import careful, connect
from crm_lib.sources.postgres import session
from crm_lib.sources.servers import PostgresServer
from crm_lib.sources.settings import Reading
from crm_lib.sources.typed import typed

SOURCE = SimpleNamespace(name="shop", server=PostgresServer("CRM_DATABASE_URL"), reporting=Reporting())
URL = "postgresql://reader:hush-hush@db.example.org/shop"


def write(project, body):
    (project.root / "crm.toml").write_text(
        f'[sources.shop]\nkind = "postgres"\nas_of = "2026-10-31"\n{body}\n', encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "crm.toml: sources.shop.url_env is missing."),
        ('url = "x"', 'crm.toml: sources.shop.url is not known. Did you mean "url_env"?'),
        ('url_env = "X"\nstatement_timeout_s = "1"', "sources.shop.statement_timeout_s must be a whole number."),
        ('url_env = "X"', "the environment variable X, which is not set"),
    ],
)
def test_what_is_wrong_in_the_settings_is_said(body, said, project, monkeypatch):
    monkeypatch.delenv("X", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "crm_lib.sources.postgres.backend", SimpleNamespace(Backend=None))
    write(project, body)
    with pytest.raises(ConfigError) as error:
        connect("shop")
    assert said in str(error.value)


def test_a_missing_package_names_the_command_that_installs_it(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv("CRM_DATABASE_URL", URL)
    write(project, 'url_env = "CRM_DATABASE_URL"')
    with pytest.raises(ConfigError, match=r"pip install 'crm-reports\[postgres\]'.*make engines") as error:
        connect("shop")
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            'FATAL: password authentication failed for user "reader"',
            ConfigError,
            "refuses the user or the password",
        ),
        ('FATAL:  database "shop" does not exist', ConfigError, "no such database"),
        ('FATAL:  role "reader" does not exist', ConfigError, "no such user"),
        ("failed to resolve host 'db.example.org': Name or service not known", ConfigError, "no such host"),
        ("server does not support SSL, but SSL was required", ConfigError, "encryption"),
        (
            'connection to server at "10.0.0.1", port 5432 failed: Connection refused',
            Unreachable,
            "does not answer",
        ),
        ("FATAL: the database system is starting up", Unreachable, "does not answer"),
    ],
)
def test_a_refused_session_is_said_without_what_the_server_said(said, kind, words, monkeypatch):
    found = session.refused(SOURCE, said)
    assert type(found) is kind
    assert words in str(found)
    assert not any(secret in str(found) for secret in ("reader", "example.org", "10.0.0.1"))


@pytest.mark.parametrize(
    ("kind", "code", "expected", "words"),
    [
        ("AdminShutdown", "57P01", Unreachable, "ended the connection"),
        ("OperationalError", None, Unreachable, "ended the connection"),
        ("QueryCanceled", "57014", ConfigError, "longer than 600 s"),
        ("InsufficientPrivilege", "42501", DataContractError, "customers: the database user may not read it"),
        ("UndefinedFunction", "42883", DataContractError, "refuses a query (UndefinedFunction, 42883)"),
    ],
)
def test_an_error_of_a_query_is_said_without_values(kind, code, expected, words):
    error = type(kind, (Exception,), {"sqlstate": code})("customer 4711 has 12,50")
    found = session.in_words(SOURCE, error, "customers")
    assert type(found) is expected
    assert words in str(found)
    assert "4711" not in str(found)


NUMBERS = [
    "1",
    "-1.005",
    "+3",
    "1234567.891",
    "12,5O",
    "",
    None,
    "1e3",
    "--1",
    "1.2.3",
    "٣",
    "99999999999999999999",
    "($4)",
]
NUMBERS += ["(12.50)", "¥ 12.50", "-€3.10", "12.50 元", "007", ".5", "5."]
DAYS = [
    "2026-10-31",
    "2026-02-30",
    "2024-02-29",
    "2023-02-29",
    "1900-02-29",
    "2000-02-29",
    "2026-13-01",
    "31.12.2025",
]
DAYS += ["2026-10-31 23:59", "2026-10-31T23:59:59.5", "2026-10-31 24:00", "2026-10-31 10:00+08:00", "x", "", None]


@pytest.mark.parametrize("kind", [MONEY, COUNT, NUMBER, DAY, TIME])
@pytest.mark.parametrize("times", [1, 100])
def test_a_careful_cast_gives_what_the_embedded_engine_gives(kind, times):
    texts = DAYS if kind in (DAY, TIME) else NUMBERS
    table = ibis.memtable({"i": range(len(texts)), "x": texts}, schema={"i": "int64", "x": "string"})
    both = table.select(
        "i",
        one=typed(table.x, kind, Reading(), times),
        other=typed(table.x, kind, Reading(), times, on_server=True),
    )
    for row in both.order_by("i").to_pyarrow().to_pylist():
        assert row["one"] == row["other"], (texts[row["i"]], row)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("%d.%m.%Y", ["31.12.2025", "1.2.2026", "30.02.2026", "2026-01-01", "", None]),
        ("%Y%m%d", ["20261031", "20260231", "2026103", "2026-10-31"]),
        ("%d/%m/%y %H:%M:%S", ["05/01/26 10:20:30", "05/01/70 1:2:3", "05/13/26 10:20:30", "05/01/26 25:00:00"]),
        ("day-first", ["31/12/2025", "12-31-2025", "1.2.2026 10:00", "2026-01-01"]),
    ],
)
def test_forms_of_dates_are_read_alike(form, texts):
    table = ibis.memtable({"i": range(len(texts)), "x": texts}, schema={"i": "int64", "x": "string"})
    reading = Reading(dates=(form,))
    both = table.select(
        "i", one=typed(table.x, TIME, reading), other=typed(table.x, TIME, reading, on_server=True)
    )
    rows = both.order_by("i").to_pyarrow().to_pylist()
    assert [row["one"] for row in rows] == [row["other"] for row in rows]
    assert any(row["one"] for row in rows)


def test_a_form_that_no_server_reads_is_refused():
    text = ibis.memtable({"x": ["1 Jan 2026"]}).x
    with pytest.raises(ConfigError, match="can't be read on a server"):
        careful.strptime(text, "%d %b %Y")
