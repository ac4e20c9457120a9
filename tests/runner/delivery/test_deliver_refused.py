"""What a run says when a real mail server refuses the password, the sender or a recipient, or never answers."""

import pytest

from crm_lib.contract.reporting import Delivery, Reporting
from crm_lib.runner.delivery import deliver

SENDER, KNOWN, UNKNOWN = "crm@example.org", "a@example.org", "b@example.org"


@pytest.fixture
def post(serving):
    with serving() as server:
        yield server


@pytest.fixture
def sent(tmp_path, report, post):
    """A function that tries to send the mail of a run to two people: what became of it."""
    made = report(tmp_path, "good").index.parent
    told = Delivery(to=(KNOWN, UNKNOWN), sender=SENDER, smtp_env="POST_URL")
    url = f"smtp://crm:hunter2@127.0.0.1:{post.port}"

    def send():
        done = deliver.run(made, Reporting(deliver=told), {"POST_URL": url})
        assert done.mail.exists(), "the mail stays as a file"
        return done.n_sent, done.problems

    return send


def test_a_recipient_whom_the_server_refuses_is_told_of_and_the_others_get_the_mail(sent, post):
    post.refused = (UNKNOWN,)
    said = "The mail went out, but the server refused 1 of 2 recipients: 550 5.1.1 <•••> is unknown here"
    assert sent() == (1, (said,))
    assert b"Subject: " in post.mail


def test_when_all_recipients_are_refused_no_mail_was_sent(sent, post):
    post.refused = (KNOWN, UNKNOWN)
    assert sent() == (0, ("No mail was sent: 550 5.1.1 <•••> is unknown here",))
    assert "DATA" not in post.verbs()


def test_a_sender_whom_the_server_refuses_is_told_of_without_the_address(sent, post):
    post.refused = (SENDER,)
    assert sent() == (0, ("No mail was sent: 550 5.7.1 <•••> may not send from here",))
    assert "DATA" not in post.verbs()


def test_a_wrong_password_is_told_of_without_the_password(sent, post):
    """Also where the server repeats it."""
    post.passwords = ()
    assert sent() == (0, ("No mail was sent: 535 5.7.8 wrong password for crm:•••",))
    assert set(post.verbs()) == {"AUTH"}


def test_a_server_that_never_answers_is_waited_for_no_longer_than_the_limit(sent, post, monkeypatch):
    monkeypatch.setattr(deliver, "_MAIL_S", 0.3)
    post.never_answers = True
    (n_sent, (said,)) = sent()
    assert n_sent == 0
    assert said == "No mail was sent: Connection unexpectedly closed: timed out"
    assert post.verbs()[-1] == "MAIL"
