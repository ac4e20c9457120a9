"""The shipped notebooks run once through the real command, and a real headless Chromium to read the pages."""

import json
import re
import shutil
from contextlib import contextmanager

import pytest

from tests.project import Project

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--force-device-scale-factor=1"),
)
SHEET = 688  # px: A4 without its margins


class Browser:
    """Chromium with what the tests ask of it: a page at a width, the requests it made, the text it shows."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width=1440):
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get_log("performance")  # forget what came before
        self.driver.get(path.resolve().as_uri())
        return self

    def requests(self):
        """Addresses asked for since the page was opened, data: excluded."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        sent = (m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent")
        return [url for url in sent if not url.startswith("data:")]

    def violations(self, axe, *schemes):
        """What axe-core finds on the open page with all folds open, in each of these colour schemes."""
        ask = (
            "const done = arguments[arguments.length - 1]; axe.run(document).then("
            "r => done(r.violations.map(v => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`)))"
        )
        found = []
        self.driver.set_script_timeout(60)
        self.driver.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
        self.driver.execute_script(axe.read_text(encoding="utf-8"))
        try:
            for scheme in schemes:
                media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
                self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
                found += [(scheme, what) for what in self.driver.execute_async_script(ask)]
        finally:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        return found

    @contextmanager
    def on_paper(self, path):
        """The page as it is printed on A4, as wide as the sheet without its margins."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            yield self.open(path, SHEET)
        finally:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    def cut_on_paper(self):
        """What of the open page is wider than the sheet; a wider page would be shrunk, and its text with it."""
        wide = self.js(
            f"[...document.querySelectorAll('table, img, figure, pre, .short')].filter(e => e.clientWidth)"
            f".filter(e => e.getBoundingClientRect().right > {SHEET} + 1)"
            ".map(e => (e.caption || e).innerText || e.alt)"
        )
        return wide + (["the page"] if self.js("document.documentElement.scrollWidth") > SHEET else [])

    def js(self, expression):
        return self.driver.execute_script(f"return {expression}")


ADDRESS = "http://127.0.0.1:9"
RUN = "document.documentElement.dataset.hit=1"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"<ScRiPt/x>{RUN}</sCrIpT >",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script><a href='javascript:{RUN}'>x</a></svg>",
    f'"><script>{RUN}</script>',
    f"'><img src={ADDRESS}/q.png onerror='{RUN}'>",
    f"</style><script>{RUN}</script>",
    f"</title></head><body onload={RUN}>",
    f"</textarea></select></table></div></main><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script><![CDATA[",
    f'<iframe src="javascript:{RUN}" srcdoc="<script>{RUN}</script>"></iframe>',
    f'<object data="data:text/html,<script>{RUN}</script>"></object>',
    f'<a href="javascript:{RUN}">click</a>',
    f"[click](javascript:{RUN}) and [more](data:text/html,x)",
    f"![picture]({ADDRESS}/a.png) <{ADDRESS}/auto>",
    "**bold** _leaning_ `code` ~~gone~~ [^1] | a | b |",
    "# heading\n\n---\n\n* list\n\n    code",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    f'=HYPERLINK("{ADDRESS}","click")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\uff1d1+1",
    "\t=1+1",
    "\u202egnp.exe\u202c \u2067שלום\u2069 مرحبا",
    "a null \x00 byte and \x07 a bell",
    "zero\u200bwidth\ufeff\u00ad\u2060 blanks",
    "W" * 5000,
    "{{ 7*7 }} {% raw %} {%- include 'x' %}",
    "${7*7} #{7*7} {horizon_weeks} {0} %s %(name)s",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "&lt;script&gt; &#60;script&#62; &amp;lt; &NewLine;",
    "$\\frac{1}{$ \\(x\\) $$y$$ \\input{/etc/passwd}",
    "Robert'); DROP TABLE customers;--",
    f'<meta http-equiv="refresh" content="0;url={ADDRESS}/"><base href="{ADDRESS}/">',
    f'<link rel="stylesheet" href="{ADDRESS}/css"><style>@import url({ADDRESS}/i);</style>',
    f'<form action="{ADDRESS}/f"><input autofocus onfocus="{RUN}"></form>',
    f"<math><mtext><template><script>{RUN}</script></template></mtext></math>",
    f'<div style="background:url({ADDRESS}/bg);position:fixed;inset:0" onmouseover="{RUN}">x</div>',
    "\"'`\\ \\u003cscript\\u003e \\x3cscript\\x3e",
    "👩‍👩‍👧‍👦 é\u0301\u0301\u0301 \ufdd0 集成灶",
)


@pytest.fixture(scope="session")
def hostile():
    """Texts that somebody may have typed into any column."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40
    return HOSTILE


def _assert_harmless(browser, path, folder):
    """Nothing runs and nothing is asked for, not even where the page's policy is taken away."""
    html = path.read_text(encoding="utf-8")
    unguarded = folder / f"unguarded-{path.name}"
    unguarded.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html), encoding="utf-8")
    for one in (path, unguarded):
        browser.open(one)
        assert browser.requests() == [one.resolve().as_uri()]
        assert browser.js("document.documentElement.dataset.hit === undefined")
        assert browser.js("document.scripts.length") == 0
        assert (
            browser.js("document.querySelectorAll('iframe, object, embed, form, base, link, input').length") == 0
        )
        assert browser.js("[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
                          ".filter(n => n.startsWith('on')).length") == 0  # fmt: skip
        links = browser.js("[...document.querySelectorAll('[href], [src]')].map(e => e.href || e.src)")
        assert not [link for link in links if not str(link).startswith(("file:", "data:image/"))]
    return browser.js("document.body.textContent")


@pytest.fixture(scope="session")
def assert_harmless(browser):
    """A function that opens a page with and without its policy and gives back the text that it shows."""
    return lambda path, folder: _assert_harmless(browser, path, folder)


@pytest.fixture(scope="session")
def browser():
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium or chromedriver is missing (Debian: apt-get install chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="session")
def project(tmp_path_factory, sample_run):
    """A project of one's own in which the sample's pages stand."""
    return Project(tmp_path_factory.mktemp("project"), sample_run.folder)
