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
def test_print_is_as_wide_as_the_sheet_and_cuts_nothing(browser, project, kind):
    page = project.page("sample", AS_OF, kind)
    with browser.on_paper(page):
        assert browser.cut_on_paper() == []
        heights = browser.js("[...document.querySelectorAll('.chart img')].map(i => i.clientHeight)")
        assert all(height <= 300 for height in heights), "one chart and its words fill no more than a third"
    assert 1 <= pdf_pages(browser, page) <= 15
