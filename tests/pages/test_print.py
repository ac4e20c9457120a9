"""Pages on paper: as wide as the sheet, nothing cut, few sheets."""

import base64
import re

import pytest

from crm_lib.contract.topics import TOPICS

pytestmark = pytest.mark.slow
AS_OF = "2026-10-31"


def pdf_pages(browser, path):
    """How many sheets of A4 a page prints on."""
    browser.open(path)
    made = browser.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", base64.b64decode(made["data"])))


@pytest.mark.parametrize("kind", [*TOPICS, "index"])
def test_print_is_as_wide_as_the_sheet_and_cuts_nothing(browser, project, sample, kind):
    """A page that is wider than its sheet would be shrunk by the browser, and its text with it."""
    page = project.page("sample", AS_OF, kind)
    driver, sheet = browser.driver, 688  # px: A4 without its margins
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        browser.open(page, sheet)
        wide = browser.js(
            f"[...document.querySelectorAll('table, img, figure, pre, .short')].filter(e => e.clientWidth)"
            f".filter(e => e.getBoundingClientRect().right > {sheet} + 1)"
            ".map(e => (e.caption || e).innerText || e.alt)"
        )
        assert wide == []
        assert browser.js("document.documentElement.scrollWidth") <= sheet
        heights = browser.js("[...document.querySelectorAll('.chart img')].map(i => i.clientHeight)")
        assert all(height <= 300 for height in heights), "one chart and its words fill no more than a third"
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert 1 <= pdf_pages(browser, page) <= 15
