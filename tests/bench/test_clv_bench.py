"""The benchmark of customer value runs, and its systems agree."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parent.parent.parent / "bench"
N = 2_000


def python(*arguments):
    run = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=BENCH,
        env=dict(os.environ),
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    made = tmp_path_factory.mktemp("bench") / "orders.parquet"
    python("-c", f"import clv_data, pathlib; clv_data.write(pathlib.Path({str(made)!r}), {N})")
    return made


@pytest.fixture(scope="module")
def measured(file):
    """What each system found, each in a process of its own."""
    return {
        system: json.loads(python("clv_measure.py", system, file).splitlines()[-1])
        for system in ("floor", "crm_lib", "lifetimes")
    }


def test_every_system_finds_every_customer(measured):
    assert {found["n_customers"] for found in measured.values()} == {N}


def test_parameters_agree_with_lifetimes_to_four_digits(measured):
    np.testing.assert_allclose(measured["crm_lib"]["parameters"], measured["lifetimes"]["parameters"], rtol=1e-4)


def test_scores_agree_with_lifetimes(measured):
    ours, theirs = measured["crm_lib"]["means"], measured["lifetimes"]["means"]
    for name in ("p_alive", "expected_orders", "expected_spend"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4)
    # lifetimes' months have 4.345 weeks, and its year 52.14; ours ends after 52.
    assert ours["clv_mid"] == pytest.approx(theirs["clv"], rel=0.005)


def test_every_score_of_every_customer_is_a_number(measured):
    """A single NaN or infinity would spoil the mean of its column."""
    assert len(measured["crm_lib"]["means"]) == 6
    assert np.isfinite(list(measured["crm_lib"]["means"].values())).all()


def test_seconds_and_memory_are_measured_by_stage(measured):
    assert set(measured["crm_lib"]["seconds"]) == {"prepare", "fit", "score"}
    assert all(s > 0 for s in measured["crm_lib"]["seconds"].values())
    assert measured["crm_lib"]["mb"] > 0


def test_the_same_size_gives_the_same_orders(file, tmp_path):
    again = tmp_path / "again.parquet"
    python("-c", f"import clv_data, pathlib; clv_data.write(pathlib.Path({str(again)!r}), {N})")
    assert again.read_bytes() == file.read_bytes()


def test_a_system_that_fails_has_its_reason_in_the_table(tmp_path):
    said = python(
        "-c",
        "import clv, clv_page, pathlib, sys;"
        "run = clv.measured(sys.executable, 'crm_lib', pathlib.Path('missing.parquet'), 600);"
        "print(clv_page.line(10, 'crm_lib', {'crm_lib': run}))",
    )
    assert "missing.parquet" in said


def test_a_system_over_the_limit_is_stopped(file):
    said = python(
        "-c",
        f"import clv, pathlib, sys; print(clv.measured(sys.executable, 'lifetimes', {str(file)!r}, 0.1))",
    )
    assert "over 0 s" in said
