"""What a refused table or a failed notebook quotes is found in no file of a run; every page passes the scan."""

import datetime as dt
import email
import email.policy
import re

import nbformat
import pandas as pd
import pytest

from crm_lib.contract.card import DataCard
from crm_lib.contract.reporting import Reporting
from crm_lib.runner import run
from crm_lib.runner.delivery import deliver
from crm_lib.runner.evidence import lint, verdict
from crm_lib.runner.job import Job
from crm_lib.runner.pages import checkup, compare, index
from crm_lib.runner.store import archive
from tests.runner.pages.test_compare import dated

PHONE, ADDRESS, NAMED = "13800001234", "jo@example.org", "sk-0123456789abcdefghij"
QUOTED = f'transactions.at: 2 of 9 values are not dates (first: row 3, "{PHONE}"; then "{ADDRESS}").'
PIECES = (PHONE, ADDRESS, NAMED)


def told(path):
    """A file as text; a mail with its parts decoded."""
    content = path.read_bytes()
    texts = [content.decode("utf-8", "replace")]
    if path.suffix == ".eml":
        parts = email.message_from_bytes(content, policy=email.policy.default).walk()
        texts += [str(part.get_content()) for part in parts if not part.is_multipart()]
    return "\n".join(texts)


def assert_clean(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [(path.name, piece) for path in files for piece in PIECES if piece in told(path)] == []
    for page in folder.rglob("*.html"):
        assert lint.problems(page.read_text(encoding="utf-8")) == [], page.name
    return {path.name for path in files}


def refused(tmp_path, order, job, **more):
    return run.report(order(tmp_path, job("good"), refused={"good": QUOTED}, **more))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_refused_data_that_quote_a_phone_number_show_it_in_no_file(tmp_path, order, job, language, capfd):
    done = refused(tmp_path, order, job, language=language)
    deliver.run(done.index.parent, Reporting())
    assert (done.exit_code, done.outcomes[0].verdict.state) == (2, verdict.NO_DATA)
    names = assert_clean(tmp_path)
    assert {".html", ".json", ".log", ".eml"} <= {f".{name.rpartition('.')[2]}" for name in names}
    assert not [piece for piece in PIECES for said in capfd.readouterr() if piece in said]
    assert "2 of 9" in done.outcomes[0].verdict.line


def test_an_error_of_a_notebook_that_quotes_one_shows_it_in_no_file(tmp_path, order, job):
    notebook = nbformat.read(job("good").notebook, as_version=4)
    line = f"from crm_lib.errors import DataContractError\nraise DataContractError({QUOTED[::-1]!r}[::-1])"
    notebook.cells.insert(2, nbformat.v4.new_code_cell(line))
    nbformat.write(notebook, tmp_path / "good.ipynb")
    asked = Job("good", "Good", "Good?", tmp_path / "good.ipynb", dict(job("good").parameters))
    done = run.report(order(tmp_path / "reports", asked))
    deliver.run(done.index.parent, Reporting())
    assert done.exit_code == 2
    assert "good.author.html" in assert_clean(tmp_path / "reports")


def test_pages_made_again_of_what_an_earlier_version_wrote_pass_the_scan(tmp_path):
    for day in ("2026-09-30", "2026-10-31"):
        folder = dated(tmp_path, day, asked=f"{day} {PHONE}")
        (run_,) = archive.records(folder)
        report = {"title": "T", "question": "Q?", "state": "no data", "message": QUOTED, "page": "clv.failed.html"}
        reports = [run_["reports"][0] | report]
        archive.write_record(folder, "a", run_ | {"source_title": f"Shop {NAMED}", "reports": reports})
    index.rebuild(tmp_path)
    compare.write(tmp_path, "sample", "2026-09-30", "2026-10-31")
    pages = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert set(pages) == {"index.html", "compare.2026-09-30.html"}
    assert [piece for text in pages.values() for piece in PIECES if piece in text] == []
    assert "2 of 9 values are not dates" in (tmp_path / "sample/2026-10-31/index.html").read_text(encoding="utf-8")
    assert all(lint.problems(text) == [] for text in pages.values())


def test_a_check_that_quotes_one_has_a_clean_page(tmp_path):
    card = DataCard("shop", f"Shop {NAMED}", dt.date(2026, 10, 31), "f" * 64, (), ())
    page = checkup.write(
        tmp_path, card, (), {"transactions": QUOTED}, (QUOTED,), "2026-11-01 12:00", f"crm check {ADDRESS}"
    )
    assert_clean(page.parent)


def test_whom_to_ask_may_be_an_address(tmp_path, order, job):
    done = refused(tmp_path, order, job, reporting=Reporting(contact="li@example.org"))
    mail = deliver.run(done.index.parent, Reporting(contact="li@example.org")).mail
    assert "Whom to ask: li@example.org" in done.outcomes[0].page.read_text(encoding="utf-8")
    assert set(re.findall(r"Whom to ask: (\S+)", told(mail))) == {"li@example.org"}
    assert ADDRESS not in told(mail)


@pytest.mark.parametrize("allowed", [True, False])
def test_ids_that_look_like_phone_numbers_are_compared_where_the_source_allows_them(tmp_path, allowed):
    for day, value in (("2026-09-30", 1.0), ("2026-10-31", 900.0)):
        customers = pd.DataFrame({"customer_id": [PHONE, "b"], "clv_mid": [value, 1.0]})
        folder = dated(tmp_path, day, topic="clv", tables={"customers": customers})
        (run_,) = archive.records(folder)
        archive.write_record(folder, "a", run_ | {"phone_like_ids": allowed})
    page = compare.write(tmp_path, "sample", "2026-09-30", "2026-10-31").read_text(encoding="utf-8")
    assert (PHONE in page) is allowed


def test_the_record_says_whether_ids_may_look_like_phone_numbers(tmp_path, order, job):
    for allowed in (True, False):
        done = refused(tmp_path, order, job, reporting=Reporting(phone_like_ids=allowed))
        assert archive.records(done.index.parent)[-1]["phone_like_ids"] is allowed
