"""`crm report` on Spark: the notebooks as they are make the pages, with the figures of those from files."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib.contract import publication
from tests.engines.agreement import assert_same
from tests.engines.spark.lake import QUICK, needs_spark

ROOT = Path(__file__).parents[3]
# All seven take six minutes on two cores. Segmentation makes its page over Spark Connect (test_connect.py); what
# funnel, campaigns and satisfaction find is compared in test_engines_of_dealings.py. PostgreSQL makes all seven.
TOPICS = ("clv", "retention", "action_plan")
SPARK = f'kind = "spark"\npath = "lake"\n{QUICK}'


@pytest.fixture(scope="module")
def project(duckdb, tmp_path_factory):
    """A project with the sample from files and, as Parquet, in Spark."""
    needs_spark()
    folder = tmp_path_factory.mktemp("spark-pages")
    (folder / "lake").mkdir()
    for name, table in duckdb.tables.items():
        table.to_parquet(folder / "lake" / f"{name}.parquet")
    text = (ROOT / "crm.toml").read_text(encoding="utf-8")
    text = text[: text.index("[sources.cdnow]")]
    own = text[text.index("[sources.sample]") :].replace("sources.sample", "sources.shop")
    files = text.replace("data/sample", str(ROOT / "data" / "sample"))
    (folder / "crm.toml").write_text(files + own.replace('path = "data/sample"', SPARK), encoding="utf-8")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    return folder


def test_pages_of_the_sample_have_the_figures_and_cents_of_those_from_files(project):
    command = [sys.executable, "-m", "crm_lib.cli", "report", *TOPICS, "--source", "sample", "--source", "shop"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    places = [project / "reports" / source / "2026-10-31" for source in ("sample", "shop")]
    for topic in TOPICS:
        files, spark = (publication.read(place, topic) for place in places)
        assert_same(files, spark)
    left = {p.name for p in project.iterdir()}
    assert left <= {"crm.toml", "lake", "notebooks", "reports", ".crm", "rejected"}


def test_a_second_run_on_the_same_tables_finds_nothing_to_do(project):
    command = [sys.executable, "-m", "crm_lib.cli", "report", *TOPICS, "--source", "shop"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("unchanged") >= len(TOPICS)
