import datetime as dt
import shutil
import socketserver
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from crm_lib.runner import parameters, run
from crm_lib.runner.job import Job, Order
from crm_lib.theme import words

OPENSSL = shutil.which("openssl")
BROKEN = Path(__file__).parent.parent / "notebooks"
DAY = dt.date(2026, 10, 31)
NOON = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _plain_words():
    words.use()
    yield
    words.use()


def _job(name, **given):
    notebook = BROKEN / f"{name}.ipynb"
    values = {p.name: p.default for p in parameters.declared(notebook)} | {"as_of": DAY.isoformat()} | given
    return Job(name, name.title(), f"What of {name}?", notebook, values, f"crm report {name}")


def _order(reports, *jobs, **options):
    shared = {"source": "sample", "source_title": "Xudong", "as_of": DAY, "reports": reports}
    return Order(**(shared | {"jobs": jobs, "n_at_once": 2, "minutes": 2} | options))


@pytest.fixture(scope="session")
def job():
    """A function that makes a job of a small notebook in tests/notebooks."""
    return _job


@pytest.fixture(scope="session")
def order():
    """A function that makes an order of jobs, for a folder of reports."""
    return _order


@pytest.fixture(scope="session")
def report():
    """A function that runs small notebooks into a folder of reports."""

    def make(reports, *names, now=NOON, **options):
        return run.report(_order(reports, *map(_job, names), **options), now=now)

    make.noon = NOON
    return make


class Post(socketserver.StreamRequestHandler):
    """As much of an SMTP server as smtplib needs, keeping what it is given."""

    timeout = 60

    def setup(self):
        if self.server.implicit_tls:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()
        self.encrypted = self.server.implicit_tls

    def finish(self):
        super().finish()
        self.connection.close()  # wrapped, it is no longer the server's own

    def say(self, *lines):
        for line in lines:
            self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            self.server.kept["lines"].append((self.encrypted, line))
            if self.answer(line.upper()) == "bye":
                return

    def answer(self, verb):
        if verb.startswith("EHLO"):
            offers = ["AUTH PLAIN", *(["STARTTLS"] if self.server.context and not self.encrypted else [])]
            self.say("250-here", *(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")
        elif verb == "STARTTLS":
            self.say("220 go ahead")
            self.rfile.close()
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
            super().setup()
            self.encrypted = True
        elif verb.startswith("AUTH"):
            self.say("535 5.7.8 wrong password for crm:hunter2" if self.server.refuses else "235 come in")
        elif verb == "DATA":
            self.say("354 go on")
            data = b""
            while not data.endswith(b"\r\n.\r\n"):
                data += self.rfile.readline()
            self.server.kept["mail"] = data[:-3]
            self.say("250 taken")
        elif verb == "QUIT":
            self.say("221 bye")
            return "bye"
        else:
            self.say("250 fine")
        return ""


class Server(socketserver.ThreadingTCPServer):
    """A line that a client drops (a certificate it does not trust) is no news."""

    def handle_error(self, request, client_address):
        pass


@contextmanager
def _serving(context=None, implicit_tls=False):
    """A server on a free port of this machine."""
    with Server(("127.0.0.1", 0), Post) as server:
        server.kept, server.refuses = {"lines": [], "mail": b""}, False
        server.context, server.implicit_tls = context, implicit_tls
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _certificate(folder, name="localhost"):
    """A certificate that vouches for itself, and its key: (path of both in one file, context of a server)."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    command = [
        *(OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", str(key), "-out", str(made), "-days", "3650", "-subj", f"/CN={name}"),
        *(
            "-addext",
            f"subjectAltName=DNS:{name},IP:127.0.0.1" if name == "localhost" else f"subjectAltName=DNS:{name}",
        ),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return made, context


@pytest.fixture(scope="session")
def serving():
    """A function that opens a small SMTP server, with TLS where a context is given."""
    return _serving


@pytest.fixture(scope="session")
def certificate():
    """A function that makes a certificate in a folder, for localhost or another name."""
    if OPENSSL is None:
        pytest.skip("openssl is missing (Debian: apt-get install openssl)")
    return _certificate
