"""Phone numbers, addresses and secrets are looked for beside a page, too: in CSV tables, words and mail."""

import nbformat
import pytest

from crm_lib.contract.reporting import Delivery, Reporting
from crm_lib.runner import run
from crm_lib.runner.delivery import deliver
from crm_lib.runner.evidence import verdict
from crm_lib.runner.store import archive

PUBLISH = """
import os
from pathlib import Path
import pandas as pd
from crm_lib.contract import publication as p
figures = (p.Figure("orders", 5.0, "orders", words="{words}"[::-1]),)
number = int("87654321831"[::-1])
tables = {{"customers": pd.DataFrame({{"customer_id": ["{text}"[::-1], "C7"], "n": [number, 2]}})}}
done = p.Publication("good", figures, tables, summary="{summary}"[::-1], notes=("{note}"[::-1],))
_ = p.write(done, Path(os.environ["CRM_PUBLISH_TO"]), {{"rows": {{"transactions": {{"used": 5}}}}}})
"""


def made(tmp_path, order, job, phone_like_ids=False, **said):
    notebook = nbformat.read(job("good").notebook, as_version=4)
    said = {"words": "Orders", "text": "C1", "summary": "Five orders", "note": "Read on."} | said
    backwards = {name: text[::-1] for name, text in said.items()}  # the page shows the code, too
    notebook.cells[-1].source = PUBLISH.format(**backwards).strip()
    nbformat.write(notebook, tmp_path / "good.ipynb")
    asked = run.Job("good", "Good", "Good?", tmp_path / "good.ipynb", dict(job("good").parameters))
    reporting = Reporting(phone_like_ids=phone_like_ids)
    done = run.report(order(tmp_path / "reports", asked, reporting=reporting))
    (outcome,) = done.outcomes
    return outcome.verdict, done.exit_code, outcome.page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"text": "+86 138 1234 5678"}, "a phone number, under “customers, customer_id”"),
        ({"text": "jo@example.org"}, "an e-mail address, under “customers, customer_id”"),
        ({"summary": "Ask 138-1234-5678"}, "a phone number, under “figures”"),
        ({"note": "See jo@example.org"}, "an e-mail address, under “figures”"),
        ({"words": "password=hunter22"}, "a secret, under “figures”"),
    ],
)
def test_what_no_reader_must_see_keeps_the_page_back(tmp_path, order, job, said, found):
    judged, code, page = made(tmp_path, order, job, **said)
    assert (judged.state, code) == (verdict.FAILED, 1)
    assert judged.message == f"The page was made but may not be shown: it shows what looks like {found}."
    assert next(iter(said.values())) not in page
    assert not list(tmp_path.glob("reports/sample/*/good/*.csv"))


def test_numbers_and_ids_that_look_like_phone_numbers_pass_where_the_source_says_so(tmp_path, order, job):
    assert made(tmp_path, order, job, phone_like_ids=True, text="13812345678")[1] == 0


def test_a_mail_that_shows_a_phone_number_is_not_sent(tmp_path, serving):
    folder = tmp_path / "sample" / "2026-10-31"
    report = {"topic": "clv", "state": "fine", "page": "clv.html", "message": "", "notes": [], "question": "Q?"}
    record = {
        "start": "a", "started_at": "2026-11-01T12:00:00+00:00", "made_at": "2026-11-01 12:00", "source": "sample",
        "source_title": "Xudong", "as_of": "2026-10-31", "label": "", "language": "en", "version": "0",
        "commit": "", "left_out": {}, "reports": [report | {"summary": "Call 138-1234-5678"}],
    }  # fmt: skip
    archive.write_record(folder, "a", record)
    with serving() as server:
        told = Reporting(contact="li@example.org", deliver=Delivery(to=("a@example.org",), smtp_env="POST"))
        done = deliver.run(folder, told, {"POST": f"smtp://127.0.0.1:{server.port}"})
        assert done.problems == ("No mail was sent: it shows what looks like a phone number",)
        assert (server.given, server.mail) == ([], b"")
        archive.write_record(folder, "a", record | {"reports": [report | {"summary": "All is well"}]})
        done = deliver.run(folder, told, {"POST": f"smtp://127.0.0.1:{server.port}"})
    assert (done.problems, done.n_sent) == ((), 1), "whom to ask may be an address"
