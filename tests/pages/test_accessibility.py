"""Every kind of page under axe-core, light and dark, wide and narrow, with all folds open."""

import os
from pathlib import Path

import pytest

from crm_lib.contract.topics import TOPICS

AS_OF, EARLIER = "2026-10-31", "2026-09-30"
# `.ci/run` fetches it with npm; a copy elsewhere is named by CRM_AXE.
AXE = Path(os.environ.get("CRM_AXE") or Path(__file__).parents[2] / ".ci" / "axe-core" / "axe.min.js")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is missing (.ci/run fetches it where npm is)"),
]

OTHERS = ["index", "all", "compare", "failed", "author", "check"]


@pytest.fixture(scope="module")
def pages(project):
    """Pages by kind: two dates of the sample, so that the indexes and the comparison have something to say."""
    assert project.crm("report", "satisfaction", "--as-of", EARLIER).returncode == 0
    assert project.crm("report", "satisfaction").returncode == 0
    assert project.crm("check").returncode == 0
    broken = project.folder / "notebooks" / "satisfaction.ipynb"
    whole = broken.read_text(encoding="utf-8")
    broken.write_text(whole.replace("satisfaction.", "satisfaction_that_is_not."), encoding="utf-8")
    try:
        assert project.crm("report", "satisfaction", "--as-of", "2026-08-31").returncode == 1
    finally:
        broken.write_text(whole, encoding="utf-8")
    kinds = {topic: project.page("sample", AS_OF, topic) for topic in TOPICS}
    return kinds | {
        "index": project.page("sample", AS_OF, "index"),
        "all": project.folder / "reports" / "index.html",
        "compare": project.page("sample", AS_OF, f"compare.{EARLIER}"),
        "failed": project.page("sample", "2026-08-31", "satisfaction.failed"),
        "author": project.page("sample", "2026-08-31", "satisfaction.author"),
        "check": project.folder / "reports" / "sample" / "check.html",
    }


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("kind", [*TOPICS, *OTHERS])
def test_axe_finds_nothing(browser, pages, kind, width):
    """One load for both colour schemes."""
    assert browser.open(pages[kind], width).violations(AXE, "light", "dark") == []


@pytest.mark.parametrize("kind", ["satisfaction", *OTHERS])
def test_the_first_tab_stop_skips_to_what_matters(browser, pages, kind):
    browser.open(pages[kind])
    first = browser.js("document.querySelector('a, summary, [tabindex]').className")
    assert first == "skip"
    target = browser.js("document.querySelector('a.skip').hash.slice(1)")
    assert browser.js(f"document.getElementById({target!r}) !== null")


@pytest.mark.parametrize("kind", ["satisfaction", *OTHERS])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(browser, pages, kind, width):
    browser.open(pages[kind], width)
    assert browser.js("document.documentElement.scrollWidth") <= width


def test_no_table_of_a_report_is_cut_on_a_desk(browser, pages):
    for topic in TOPICS:
        browser.open(pages[topic], 1440)
        cut = browser.js(
            "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)"
            ".filter(e => e.clientWidth).map(e => e.getAttribute('aria-label'))"
        )
        assert cut == [], topic


def test_print_shows_parameters_but_no_code(browser, pages):
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        browser.open(pages["satisfaction"])
        text = browser.js("document.querySelector('main').innerText")
        assert "a source in crm.toml" in text
        assert "import connect" not in text
        assert "Numbers behind this chart" not in text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
