"""What all tests share."""

import os

from hypothesis import settings

# Examples are the same in every run on CI, where a red result must mean a changed project; elsewhere they wander.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_collection_modifyitems(items):
    """nbval compares only cells with an execution count, which nbstripout takes away on commit."""
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is not None and cell.outputs:
            cell.execution_count = 1
