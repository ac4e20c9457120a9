import email
import email.policy
import json
import sys

import pytest

from crm_lib.contract.reporting import Delivery, Reporting
from crm_lib.runner.delivery import deliver, digest
from crm_lib.runner.pages import shown_tables
from crm_lib.runner.store import archive

PAGE = """<main><h1>Q</h1><p>before</p><section id="in-short"><h2>In short</h2><p class="how">How to read.</p>
<dl class="short"><div><dt>Orders <b>to come</b></dt><dd><div class="n">1,517</div>
<div class="i">90 %: 1,411 – 1,678</div><div class="s">of it 63 % &lt;b&gt;</div>
<div class="s"><span class="badge care">◐ use with care</span></div></dd></div></dl>
<details><summary>more</summary><p>hidden</p></details><p>All is well.</p></section>
<section><p>later</p></section></main>"""


@pytest.fixture
def post(serving):
    with serving() as server:
        yield server


@pytest.fixture
def folder(tmp_path):
    """A dated folder with one good report, one with notes and no page on disk, and one that failed."""
    made = tmp_path / "sample" / "2026-10-31"
    reports = [
        ("clv", "fine", "clv.html", "", "1,517 orders to come", []),
        ("funnel", "notes", "funnel.html", "", "35 % won", ["Read <this>."]),
        ("satisfaction", "failed", "satisfaction.failed.html", "No answers.", "", []),
    ]
    names = ("topic", "state", "page", "message", "summary", "notes")
    record = {
        "start": "2026-11-01T12-00-00", "started_at": "2026-11-01T12:00:00+00:00", "made_at": "2026-11-01 12:00",
        "source": "sample", "source_title": "Xudong", "as_of": "2026-10-31", "label": "", "language": "en",
        "version": "0.1.0", "commit": "", "left_out": {},
        "reports": [dict(zip(names, r, strict=True)) | {"question": f"What of {r[0]}?"} for r in reports],
    }  # fmt: skip
    archive.write_record(made, record["start"], record)
    (made / "clv.html").write_text(PAGE, encoding="utf-8")
    (made / "satisfaction.failed.html").write_text("<h1>failed</h1>", encoding="utf-8")
    (made / "satisfaction.author.html").write_text("<h1>private</h1>", encoding="utf-8")
    return made


def read(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def test_the_digest_holds_the_cards_and_the_first_sentences():
    found = digest.of_page(PAGE)
    box = digest.Box("Orders to come", "1,517", "90 %: 1,411 – 1,678", ("of it 63 % <b>", "◐ use with care"))
    assert found == digest.Digest((box,), ("All is well.",))
    assert digest.of_page("<h1>x</h1><p>y</p>") == digest.Digest()


def test_the_mail_says_in_short_what_the_pages_say_and_carries_the_good_ones(folder):
    done = deliver.run(folder, Reporting(contact="Li Na, 3rd floor"), {})
    assert (done.n_sent, done.problems) == (0, ())
    assert done.mail == folder / "runs" / "2026-11-01T12-00-00.eml"
    mail = read(done.mail)
    assert mail["subject"] == "Xudong, 31 October 2026: One report is fine, one needs care, one failed"
    text = mail.get_body(("plain",)).get_content().replace("\xa0", " ")
    for said in ("– Orders to come: 1,517 (90 %: 1,411 – 1,678)", "All is well.", "▲ Read <this>.", "No answers.",
                 "Whom to ask: Li Na, 3rd floor"):  # fmt: skip
        assert said in text
    html = mail.get_body(("html",)).get_content()
    assert '<b style="font-size:18px">1,517</b>' in html
    assert "Read &lt;this&gt;." in html
    assert [part.get_filename() for part in mail.iter_attachments()] == ["clv.html"]
    assert b"private" not in done.mail.read_bytes()


def test_a_page_in_a_mail_has_no_links_to_tables_that_do_not_travel_with_it(folder):
    page = folder / "clv.html"
    table = "<table><caption><span>Deals</span></caption><tbody><tr><td>1</td></tr></tbody></table>"
    page.write_text(shown_tables.linked(table, "clv", "en"), encoding="utf-8")
    assert "CSV" in page.read_text(encoding="utf-8")
    (attached,) = read(deliver.run(folder, Reporting(), {}).mail).iter_attachments()
    assert attached.get_content().strip() == table


def test_the_same_run_gives_the_same_mail_but_for_its_boundaries(folder):
    first, second = (read(deliver.run(folder, Reporting(), {}).mail) for _time in range(2))
    for part in ("plain", "html"):
        assert first.get_body((part,)).get_content() == second.get_body((part,)).get_content()
    assert first["message-id"] == second["message-id"]


def test_a_mail_goes_through_a_real_server(folder, post):
    told = Delivery(to=("a@example.org", "b@example.org"), sender="crm@example.org", smtp_env="POST")
    url = f"smtp://crm:p%40ss@127.0.0.1:{post.port}"
    done = deliver.run(folder, Reporting(deliver=told), {"POST": url})
    assert (done.n_sent, done.problems) == (2, ())
    assert [(verb, what) for _encrypted, verb, what in post.given] == [
        ("AUTH", "PLAIN"),
        ("MAIL", "crm@example.org"),
        ("RCPT", "a@example.org"),
        ("RCPT", "b@example.org"),
        ("DATA", ""),
    ]
    got = email.message_from_bytes(post.mail, policy=email.policy.default)
    assert got["subject"] == read(done.mail)["subject"]
    assert "All is well." in got.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "No mail was sent: the environment variable POST is not set."),
        ({"POST": "http://127.0.0.1"}, "must begin with one of smtp://, smtp+starttls://, smtps://"),
        ({"POST": "smtp://127.0.0.1:1"}, "No mail was sent: "),
    ],
)
def test_a_mail_that_can_not_go_is_a_problem_in_words(folder, environment, words):
    told = Delivery(to=("a@example.org",), smtp_env="POST")
    (said,) = deliver.run(folder, Reporting(deliver=told), environment).problems
    assert words in said


def test_a_password_never_goes_over_an_open_line_to_another_machine(folder, post, monkeypatch):
    monkeypatch.setattr(deliver, "_LOOPBACK", ())
    told = Delivery(to=("a@example.org",), smtp_env="POST")
    url = f"smtp://crm:hunter2@127.0.0.1:{post.port}"
    (said,) = deliver.run(folder, Reporting(deliver=told), {"POST": url}).problems
    assert "the password was kept back" in said
    assert "AUTH" not in post.verbs()


def test_the_command_finds_the_facts_of_the_run(folder, tmp_path):
    script = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    command = (sys.executable, "-c", script, str(tmp_path / "seen.json"))
    told = Delivery(on_done=command, smtp_env="POST")
    done = deliver.run(folder, Reporting(deliver=told), {"POST": "secret", "PATH": "/bin"})
    assert done.problems == ()
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert seen["CRM_DONE_SOURCE"] == "sample"
    assert seen["CRM_DONE_STATE"] == "failed"
    assert seen["CRM_DONE_FAILED"] == "satisfaction"
    assert seen["CRM_DONE_MAIL"] == str(done.mail)
    assert "POST" not in seen


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("no-such-command-here",), "The command no-such-command-here could not be run (FileNotFoundError)."),
        ((sys.executable, "-c", "print('no room'); raise SystemExit(3)"), "ended with 3: no room"),
    ],
)
def test_a_command_that_fails_is_a_problem_in_words(folder, command, words):
    (said,) = deliver.run(folder, Reporting(deliver=Delivery(on_done=command)), {}).problems
    assert words in said


def test_pages_too_large_for_a_mail_stay_where_they_are(folder, monkeypatch):
    monkeypatch.setattr(deliver.letter, "MOST_BYTES", 10)
    mail = read(deliver.run(folder, Reporting(), {}).mail)
    assert list(mail.iter_attachments()) == []
    assert "too large for a mail" in mail.get_body(("plain",)).get_content()
