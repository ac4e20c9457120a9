import datetime as dt
from pathlib import Path

import pytest

from crm_lib.runner import parameters, run
from crm_lib.runner.job import Job, Order
from crm_lib.theme import words

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
