"""Servers without one: settings, and refusals in words."""

import sys
from types import SimpleNamespace

import pytest

from crm_lib.contract.reporting import Reporting
from crm_lib.errors import ConfigError, DataContractError, Unreachable
from crm_lib.sources import connect, mapping
from crm_lib.sources.postgres import session
from crm_lib.sources.servers import PostgresServer
from crm_lib.sources.settings import Reading

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
    with pytest.raises(ConfigError, match=r"make engines, or pip install '\.\[postgres\]'") as error:
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


def test_a_form_that_no_server_reads_is_refused():
    with pytest.raises(ConfigError, match="can't be read on a server"):
        mapping.refuse_unreadable(Reading(dates=("%d %b %Y",)))
    mapping.refuse_unreadable(Reading(dates=("%d/%m/%Y", "day-first", "excel")))
