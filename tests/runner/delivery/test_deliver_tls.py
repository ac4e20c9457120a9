"""Mail over encrypted lines, through a real server with a certificate of its own: STARTTLS and smtps."""

import email
import email.policy

import pytest

from crm_lib.contract.reporting import Delivery, Reporting
from crm_lib.runner.delivery import deliver
from crm_lib.runner.store import archive

TOLD = Reporting(deliver=Delivery(to=("a@example.org",), smtp_env="POST_URL"))


@pytest.fixture(scope="module")
def trusted(tmp_path_factory, certificate):
    """The certificate of localhost, and a server's context with it."""
    return certificate(tmp_path_factory.mktemp("trusted"))


@pytest.fixture
def folder(tmp_path):
    """A dated folder with one good report."""
    made = tmp_path / "sample" / "2026-10-31"
    report = {"topic": "clv", "state": "fine", "page": "clv.html", "message": "", "notes": [], "question": "Q?"}
    report["summary"] = "1,517 orders to come"
    record = {
        "start": "2026-11-01T12-00-00", "started_at": "2026-11-01T12:00:00+00:00", "made_at": "2026-11-01 12:00",
        "source": "sample", "source_title": "Xudong", "as_of": "2026-10-31", "label": "", "language": "en",
        "version": "0.1.0", "commit": "", "left_out": {}, "reports": [report],
    }  # fmt: skip
    archive.write_record(made, record["start"], record)
    return made


def sent(folder, server, scheme, host="localhost"):
    url = f"{scheme}://crm:hunter2@{host}:{server.port}"
    return deliver.run(folder, TOLD, {"POST_URL": url})


@pytest.mark.parametrize(
    ("scheme", "implicit"), [("smtp+starttls", False), ("smtp", False), ("smtps", True)], ids=lambda x: str(x)
)
def test_mail_and_password_go_over_an_encrypted_line(folder, serving, trusted, monkeypatch, scheme, implicit):
    """Also with smtp://, where the server offers STARTTLS."""
    made, context = trusted
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    with serving(context, implicit) as server:
        done = sent(folder, server, scheme)
    assert (done.problems, done.n_sent) == ((), 1)
    assert server.given == [
        (True, "AUTH", "PLAIN"),
        (True, "MAIL", "crm-reports@localhost"),
        (True, "RCPT", "a@example.org"),
        (True, "DATA", ""),
    ]
    got = email.message_from_bytes(server.mail, policy=email.policy.default)
    assert "1,517 orders to come" in got.get_body(("plain",)).get_content()


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp+starttls", False), ("smtp", False), ("smtps", True)])
def test_a_certificate_that_nobody_vouches_for_is_refused_in_words(
    folder, serving, trusted, monkeypatch, scheme, implicit
):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serving(trusted[1], implicit) as server:
        done = sent(folder, server, scheme)
    (said,) = done.problems
    assert said.startswith("No mail was sent: the server's certificate is not trusted (self-signed certificate).")
    assert "SSL_CERT_FILE" in said
    assert done.n_sent == 0
    assert_nothing_was_given(server)


def test_a_certificate_of_another_name_is_refused_in_words(
    folder, serving, certificate, tmp_path_factory, monkeypatch
):
    made, context = certificate(tmp_path_factory.mktemp("other"), "mail.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    with serving(context, implicit_tls=True) as server:
        (said,) = sent(folder, server, "smtps").problems
    assert "certificate is not trusted" in said
    assert "localhost" in said
    assert_nothing_was_given(server)


def test_a_server_that_offers_no_encryption_is_not_used_where_it_was_asked_for(folder, serving):
    with serving() as server:
        (said,) = sent(folder, server, "smtp+starttls").problems
    assert "STARTTLS" in said
    assert_nothing_was_given(server)


def assert_nothing_was_given(server):
    assert (server.given, server.mail) == ([], b"")
