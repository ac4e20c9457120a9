"""Secrets of the environment: every byte that a run writes or says is looked through for them."""

import base64
import email
import email.policy
import json
import re
import sys

import pyarrow.parquet as pq
import pytest

from crm_lib.contract.reporting import Delivery, Reporting
from crm_lib.runner import run
from crm_lib.runner.delivery import deliver
from crm_lib.runner.evidence import privacy, verdict
from crm_lib.runner.job import Job

TOKEN, URL = 'tok<en>"&-4711', "postgresql://reader:s3cret-pw@db.example:5432/crm"
PIECES = ("4711", "s3cret-pw", "postgresql://reader", "smtp-pw-0815")
TELL = "import json, os, sys; json.dump([sys.argv, dict(os.environ)], open(sys.argv[1], 'w'))"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("CRM_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("CRM_DATABASE_URL", URL)
    monkeypatch.setenv("CRM_SMTP_URL", "smtp://crm:smtp-pw-0815@127.0.0.1:1")


def readable(path):
    """All that somebody could read out of a file: Parquet cell by cell, mails decoded, pictures unpacked."""
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield str([table.column_names, table.to_pylist(), table.schema.metadata])
    if path.suffix == ".eml":
        parts = email.message_from_bytes(content, policy=email.policy.default).walk()
        yield from (str(part.get_content()) for part in parts if not part.is_multipart())
    for packed in re.findall(rb"base64,([\w+/=]+)", content):
        yield base64.b64decode(packed).decode("utf-8", "replace")


def assert_clean(folder, *said):
    files = [p for p in folder.rglob("*") if p.is_file()]
    texts = [(p.name, text) for p in files for text in (p.name, *readable(p))] + [("said", text) for text in said]
    assert [(name, piece) for name, text in texts for piece in PIECES if piece in text] == []
    return {p.suffix for p in files}


def delivered(folder, tmp_path):
    """The run told of by mail and command; what the command was given of the run."""
    seen = tmp_path.parent / f"{tmp_path.name}-seen.json"
    told = Delivery(to=("a@example.org",), on_done=(sys.executable, "-c", TELL, str(seen)))
    done = deliver.run(folder, Reporting(contact="Li Na", deliver=told))
    arguments, environment = json.loads(seen.read_text(encoding="utf-8"))
    facts = {name: value for name, value in environment.items() if name.startswith("CRM_DONE_")}
    return [*done.problems, str(arguments), str(facts)]


@pytest.mark.parametrize(("name", "code"), [("tells_secrets", 0), ("cell_error", 1)])
def test_secrets_of_the_environment_are_found_nowhere(tmp_path, report, name, code, capfd):
    done = report(tmp_path, name)
    assert done.exit_code == code
    said = delivered(done.index.parent, tmp_path)
    kinds = assert_clean(tmp_path, *said, *capfd.readouterr())
    assert {".json", ".log", ".eml", ".html"} <= kinds
    if name == "tells_secrets":
        assert {".parquet", ".csv"} <= kinds
        assert privacy.HIDDEN in done.outcomes[0].page.read_text(encoding="utf-8")
        table = pq.read_table(tmp_path / "sample/2026-10-31/tells_secrets/plain.parquet")
        assert table.column("customer_id").to_pylist() == ["a", privacy.HIDDEN]
        assert table.column("n").to_pylist() == [1, 2]


def test_a_secret_in_the_words_of_an_order_is_found_nowhere(tmp_path, order, job, capfd):
    """Refused data, a command line and a title that quote one, as settings written by hand may."""
    good = job("good")
    quoted = Job(
        "good", "Good", "Good?", good.notebook, dict(good.parameters), f"crm report good --set good.x={TOKEN}"
    )
    done = run.report(
        order(tmp_path, quoted, refused={"good": f"{URL} can't be read."}, source_title=f"Shop {TOKEN}")
    )
    assert (done.exit_code, done.outcomes[0].verdict.state) == (2, verdict.NO_DATA)
    assert_clean(
        tmp_path, done.outcomes[0].verdict.message, *delivered(done.index.parent, tmp_path), *capfd.readouterr()
    )


def test_tables_without_a_secret_keep_their_bytes(tmp_path, report, monkeypatch):
    with_secrets = report(tmp_path / "a", "good")
    for name in ("CRM_TEST_TOKEN", "CRM_DATABASE_URL", "CRM_SMTP_URL"):
        monkeypatch.delenv(name)
    without = report(tmp_path / "b", "good")
    both = [done.index.parent / "good.figures.json" for done in (with_secrets, without)]
    assert both[0].read_bytes() == both[1].read_bytes()
