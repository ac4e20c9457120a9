"""What all tests share."""

import os
from collections import Counter

import pytest
from hypothesis import settings

from tests import project

# Examples are the same in every run on CI, where a red result must mean a changed project; elsewhere they wander.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory):
    """The pages of all topics of the sample, made once for all processes of this test run."""
    own = tmp_path_factory.getbasetemp()
    return project.sample_run(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


def pytest_collection_modifyitems(items):
    """nbval compares only cells with an execution count, which nbstripout takes away on commit."""
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is not None and cell.outputs:
            cell.execution_count = 1


def pytest_terminal_summary(terminalreporter):
    """Say at the end what was skipped and why: a browser or an engine that is missing must not go unnoticed."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, n in sorted(reasons.items()):
        terminalreporter.write_line(f"{n} skipped: {reason}")
