"""The comparison of the runner's benchmark finds whatever differs between papermill's notebooks and our pages."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest

BENCH = Path(__file__).parent.parent.parent / "bench"
SHOWN = '<p class="kicker">shop</p><h3>Ten &amp; two</h3><table><tr><td>1,517</td><td> a  b </td></tr></table>'
PICTURE = '<figure><img alt="A chart" src="data:image/png;base64,AA"><style>p {}</style></figure>'
PAGE = "<html><title>t</title><body><h1>Q</h1>{}<p>Made today</p></body></html>"


@pytest.fixture
def alike(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import alike

    return alike


@pytest.fixture
def both(tmp_path):
    """What papermill and crm report left of one topic, alike."""
    for folder in (tmp_path / "plain", tmp_path / "made"):
        (folder / "clv").mkdir(parents=True)
        figures = {
            "topic": "clv",
            "figures": [{"name": "n", "value": 0.1 + 0.2}],
            "tables": ["customers"],
            "notes": [],
        }
        (folder / "clv.figures.json").write_text(json.dumps(figures), encoding="utf-8")
        pd.DataFrame({"customer_id": ["007"]}).to_parquet(folder / "clv/customers.parquet")
    outputs = [
        nbformat.v4.new_output("execute_result", data={"text/html": SHOWN, "text/plain": "<Block at 0x7f>"}),
        nbformat.v4.new_output("display_data", data={"text/html": PICTURE}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    nbformat.write(notebook, tmp_path / "plain/clv.ipynb")
    (tmp_path / "made/clv.html").write_text(PAGE.format(SHOWN + PICTURE), encoding="utf-8")
    return tmp_path / "plain", tmp_path / "made"


def test_what_is_alike_is_counted(alike, both):
    assert alike.compare(*both, ["clv"]) == ({"figures": 1, "tables": 1, "texts and pictures": 4}, [])


def test_a_figure_that_differs_in_its_last_digit_is_named(alike, both):
    path = both[1] / "clv.figures.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.30000000000000004", "0.3"), encoding="utf-8")
    assert alike.compare(*both, ["clv"])[1] == ["clv: figures"]


def test_a_table_that_differs_is_named(alike, both):
    pd.DataFrame({"customer_id": ["7"]}).to_parquet(both[1] / "clv/customers.parquet")
    assert alike.compare(*both, ["clv"])[1] == ["clv/customers.parquet"]


@pytest.mark.parametrize(
    ("shown", "other", "named"),
    [
        ("1,517", "1,518", "clv.html lacks '1,517'"),
        ("Ten &amp; two", "Two", "clv.html lacks 'Ten & two'"),
        ("base64,AA", "base64,AB", "clv.html lacks 'picture A chart data:image/png;base64,AA'"),
    ],
)
def test_a_text_or_picture_that_the_page_lacks_is_named(alike, both, shown, other, named):
    path = both[1] / "clv.html"
    path.write_text(path.read_text(encoding="utf-8").replace(shown, other), encoding="utf-8")
    assert alike.compare(*both, ["clv"])[1] == [named]
