"""Every shipped notebook publishes the same bytes, however its engine shares out the work and its rows arrive."""

import csv
import os
import random
import shutil
from pathlib import Path

import ibis
import nbformat
import pytest

from crm_lib.contract import publication

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def project(folder, order):
    """The project in `folder`, with the rows of the sample's files in the order that `order` makes of them."""
    shutil.copy(ROOT / "crm.toml", folder)
    (folder / "data").mkdir()
    for source in (ROOT / "data").iterdir():
        if source.is_dir() and source.name != "sample":
            (folder / "data" / source.name).symlink_to(source)
    (folder / "data" / "sample").mkdir()
    for file in (ROOT / "data" / "sample").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as rows:
            head, *rest = csv.reader(rows)
        with (folder / "data" / "sample" / file.name).open("w", encoding="utf-8", newline="") as written:
            csv.writer(written).writerows([head, *order(rest)])
    return folder


def published(notebook, folder, n_threads, monkeypatch):
    """Bytes of what the notebook publishes from `folder`, DuckDB working with `n_threads`."""
    connect = ibis.duckdb.connect

    def with_threads(*args, **options):
        con = connect(*args, **options)
        con.raw_sql(f"SET threads={n_threads}")
        return con

    monkeypatch.setattr(ibis.duckdb, "connect", with_threads)
    monkeypatch.chdir(folder)
    *cells, last = [c.source for c in nbformat.read(notebook, 4).cells if c.cell_type == "code"]
    names = {}
    for cell in [*cells, last.replace("crm.publish(", "handed_over = (")]:
        exec(compile(cell, str(notebook), "exec"), names)
    monkeypatch.undo()
    to = folder / f"out-{n_threads}"
    to.mkdir()
    publication.write(names["handed_over"], to, {})
    return {str(p.relative_to(to)): p.read_bytes() for p in sorted(to.rglob("*")) if p.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_figures_depend_neither_on_threads_nor_on_the_order_of_rows(notebook, tmp_path, monkeypatch):
    rng = random.Random(11)
    (tmp_path / "as_written").mkdir()
    (tmp_path / "shuffled").mkdir()
    as_written = project(tmp_path / "as_written", list)
    shuffled = project(tmp_path / "shuffled", lambda rows: rng.sample(rows, len(rows)))
    one = published(notebook, as_written, 1, monkeypatch)
    assert one, os.listdir(as_written)
    assert published(notebook, shuffled, 8, monkeypatch) == one
