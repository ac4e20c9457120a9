"""The same notebooks on real data, with the published numbers on the page."""

import re

import pytest

pytestmark = pytest.mark.slow


def body(path):
    """What a reader sees, tags out and blanks folded."""
    html = re.sub(r"(?s)<style.*?</style>", "", path.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.fixture(scope="module")
def cdnow(project):
    run = project.crm(
        *("report", "segmentation", "clv", "--source", "cdnow", "--as-of", "1998-06-30"),
        *("--set", "clv.holdout_weeks=39", "--set", "clv.horizon_weeks=39"),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return project


def test_cdnow_page_shows_the_published_fit(cdnow):
    figures = cdnow.figures("cdnow", "1998-06-30", "clv")
    fit = [figures[f"holdout_{name}"]["value"] for name in ("r", "alpha", "a", "b", "log_likelihood")]
    assert fit == pytest.approx([0.2426, 4.4136, 0.7929, 2.4259, -9582.43], rel=1e-4)
    text = body(cdnow.page("cdnow", "1998-06-30", "clv"))
    assert all(printed in text for printed in ("1,653", "1,882")), text[:3000]


def test_cdnow_headline_is_fitted_on_all_data(cdnow):
    figures = cdnow.figures("cdnow", "1998-06-30", "clv")
    fit = [figures[name]["value"] for name in ("r", "alpha", "a", "b")]
    assert fit == pytest.approx([0.2536, 5.447, 0.607, 2.647], rel=1e-3)
    assert figures["orders_expected"]["value"] == pytest.approx(1517, abs=1)
    assert figures["lifetime_value"]["value"] == pytest.approx(55_600, rel=5e-3)
    text = body(cdnow.page("cdnow", "1998-06-30", "clv"))
    assert "1,517" in text


@pytest.mark.parametrize(
    ("topic", "source"),
    [("funnel", "pipeline"), ("satisfaction", "mobi"), ("segmentation", "textbook"), ("campaigns", "hillstrom")],
)
def test_real_source_becomes_a_page(project, topic, source):
    run = project.crm("report", topic, "--source", source)
    assert run.returncode == 0, run.stdout + run.stderr
    (page,) = (project.folder / "reports" / source).glob(f"*/{topic}.html")
    assert len(body(page)) > 2000


def test_textbook_page_shows_the_hundred_printed_scores(project):
    project.crm("report", "segmentation", "--source", "textbook")
    (page,) = (project.folder / "reports" / "textbook").glob("*/segmentation.html")
    table = project.folder / "data" / "textbook" / "textbook_rfm.csv"
    shown = re.findall(r"<td[^>]*>(?:<[^>]+>)*(\d\.\d\d)(?:<[^>]+>)*</td>", page.read_text(encoding="utf-8"))
    printed = sorted(f"{float(line.split(',')[-1]):.2f}" for line in table.read_text().splitlines()[1:])
    for score in set(printed):
        assert shown.count(score) >= printed.count(score), score
