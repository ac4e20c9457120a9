import datetime as dt
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from crm_lib.runner import run
from crm_lib.runner.job import Job, Order
from crm_lib.runner.request import parameters
from crm_lib.theme import words
from tests.runner import post

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
    """A function that opens an SMTP server, with TLS where a context is given."""
    return post.serving


@pytest.fixture(scope="session")
def certificate():
    """A function that makes a certificate in a folder, for localhost or another name."""
    if OPENSSL is None:
        pytest.skip("openssl is missing (Debian: apt-get install openssl)")
    return _certificate
