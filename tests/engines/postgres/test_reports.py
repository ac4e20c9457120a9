"""`crm report` on a PostgreSQL database: the same page, no secret in any byte, clear pages where there is none."""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from crm_lib.contract import publication
from crm_lib.contract.topics import TOPICS
from tests.engines.agreement import assert_same

ROOT = Path(__file__).parents[3]
ORDER = "customer_id text, at timestamp, amount numeric(12,2)"


def crm(*arguments):
    """The command's exit code and all that it says."""
    command = [sys.executable, "-m", "crm_lib.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    return done.returncode, done.stdout + done.stderr


def made(folder, source):
    """Figures and customers of a source's segmentation."""
    place = folder / "reports" / source / "2026-10-31"
    document = json.loads((place / "segmentation.figures.json").read_text(encoding="utf-8"))
    return document, pd.read_parquet(place / "segmentation" / "customers.parquet")


def secrets_in(folder, database):
    """Files below the folder that hold the password or the address."""
    wanted = [secret.encode() for secret in database.secrets]
    files = [p for p in folder.rglob("*") if p.is_file()]
    return [p for p in files if any(secret in p.read_bytes() for secret in wanted)]


def words_of(folder, topic="segmentation"):
    """The failure page of a topic, as text."""
    (page,) = folder.glob(f"reports/shop/*/{topic}.failed.html")
    return unescape(page.read_text(encoding="utf-8"))


def test_the_pages_of_the_sample_have_the_figures_and_cents_of_those_from_files(
    both, sample, database, sample_run
):
    folder = both(sample.typed)
    code, said = crm("report", "--source", "shop")
    assert code == 0, said
    from_files = sample_run.folder / "reports/sample/2026-10-31"
    for topic in TOPICS:
        assert_same(
            publication.read(from_files, topic), publication.read(folder / "reports/shop/2026-10-31", topic)
        )
    (files, customers), (server, same) = made(sample_run.folder, "sample"), made(folder, "shop")
    assert server["about"]["rows"] == files["about"]["rows"]
    assert server["about"]["last_on"] == files["about"]["last_on"]
    pd.testing.assert_frame_equal(same, customers, check_exact=True)
    assert not list(folder.glob(".crm/shop/*"))
    assert secrets_in(folder, database) == []
    code, said = crm("report", "segmentation", "--source", "shop")
    assert (code, "unchanged" in said) == (0, True), said


@pytest.fixture
def small(project, database):
    """A project with the shipped notebooks and two hundred orders in the database."""

    def write(rows=None, more=""):
        bought = [(f"C{i % 60:02}", f"2026-{1 + i % 9:02}-{1 + i % 27:02}", str(i % 7 + 1)) for i in range(200)]
        database.schema("shop", transactions=(ORDER, bought if rows is None else rows))
        folder = project("shop", more)
        shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
        return folder

    return write


@pytest.mark.parametrize(("losses", "code", "tries"), [(1, 0, 2), (2, 1, 2)], ids=["lost once", "lost twice"])
def test_a_connection_lost_in_mid_run_is_tried_once_more(losses, code, tries, small, database):
    folder = small()
    path = folder / "notebooks" / "segmentation.ipynb"
    notebook = nbformat.read(path, 4)
    at = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code" and "connect(" in c.source)
    lose = (
        "from pathlib import Path\n"
        f"tries = Path({str(folder / 'tries')!r})\n"
        "tries.open('a').write('x')\n"
        "session = crm.transactions.get_backend().con\n"
        f"lost = len(tries.read_text()) <= {losses}\n"
        "session.execute('SELECT pg_terminate_backend(pg_backend_pid())') if lost else None"
    )
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(lose))
    nbformat.write(notebook, path)
    found, said = crm("report", "segmentation", "--source", "shop")
    assert (found, (folder / "tries").read_text()) == (code, "x" * tries), said
    (record,) = folder.glob("reports/shop/2026-10-31/runs/*.json")
    (report,) = json.loads(record.read_text(encoding="utf-8"))["reports"]
    assert report["retried"] == "the connection to the data was lost"
    assert secrets_in(folder, database) == []
    if code:
        assert "The notebook stopped, since the connection to the data was lost." in words_of(folder)
        assert "Traceback" not in words_of(folder)


def test_a_query_of_a_notebook_that_takes_too_long_is_said_so(small, database):
    folder = small(more="")
    text = (folder / "crm.toml").read_text(encoding="utf-8")
    (folder / "crm.toml").write_text(
        text.replace("schema =", "statement_timeout_s = 2\nschema ="), encoding="utf-8"
    )
    path = folder / "notebooks" / "segmentation.ipynb"
    notebook = nbformat.read(path, 4)
    at = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code" and "connect(" in c.source)
    slow = "crm.transactions.get_backend().con.execute('SELECT pg_sleep(60)')"
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(slow))
    nbformat.write(notebook, path)
    code, said = crm("report", "segmentation", "--source", "shop")
    assert (code, "took longer than statement_timeout_s" in said) == (1, True), said


def test_empty_tables_are_refused_in_words(small, database):
    folder = small(rows=[])
    code, said = crm("report", "segmentation", "--source", "shop")
    assert code == 2, said
    assert "transactions: the table has no rows." in words_of(folder)
    assert "Traceback" not in said
    assert secrets_in(folder, database) == []


OF_ONE = {
    "segmentation": "There is only one customer: there is nobody to compare with",
    "clv": "0 of 1 customers have bought a second time. A forecast by customer needs at least 10 of them.",
    "retention": "Fewer than 10 customers have bought a second time: who will buy again can't be forecast.",
    "action_plan": "names no plays for this source (settings.action_plan.plays): there is nothing to choose.",
}


def test_one_customer_gives_a_page_in_words_in_every_topic_of_purchases(small):
    folder = small(rows=[("A", "2026-03-01", "5.00")])
    code, said = crm("report", *OF_ONE, "--source", "shop")
    assert code == 0, said
    assert "nobody foresaw" not in said
    for topic, sentence in OF_ONE.items():
        page = (folder / f"reports/shop/2026-10-31/{topic}.html").read_text(encoding="utf-8")
        assert ">nan<" not in page.lower(), topic
        text = " ".join(unescape(re.sub("<[^>]+>", "", page)).split())
        assert sentence in text, topic
        assert "Traceback" not in text, topic


def test_a_wrong_password_ends_the_command_in_words(small, database, monkeypatch):
    folder = small()
    monkeypatch.setenv("CRM_DATABASE_URL", database.url.replace("word%3A1", "wrong%3A2"))
    code, said = crm("report", "segmentation", "--source", "shop")
    assert code == 2
    assert "it refuses the user or the password" in said
    assert "Traceback" not in said
    assert "wrong" not in said
    assert not any("wrong%3A2" in p.read_text(errors="replace") for p in folder.rglob("*.html"))
    assert os.environ["CRM_DATABASE_URL"] not in said
