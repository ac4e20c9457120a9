"""The shipped notebooks run once through the real command, and a real headless Chromium to read the pages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--force-device-scale-factor=1"),
)


class Project:
    """A copy of what a run needs, so that tests never write into the person's own reports."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("data", "notebooks"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "crm.toml", folder)

    def crm(self, *arguments):
        """Run the command `crm` here; the finished process with its text."""
        command = [str(Path(sys.executable).parent / "crm"), *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    def page(self, source, as_of, name):
        return self.folder / "reports" / source / as_of / f"{name}.html"

    def figures(self, source, as_of, topic):
        path = self.page(source, as_of, topic).with_name(f"{topic}.figures.json")
        return {f["name"]: f for f in json.loads(path.read_text(encoding="utf-8"))["figures"]}


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

    def violations(self, axe, scheme="light"):
        """What axe-core finds on the open page in a colour scheme, with all folds open."""
        ask = (
            "const done = arguments[arguments.length - 1]; axe.run(document).then("
            "r => done(r.violations.map(v => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`)))"
        )
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.set_script_timeout(60)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        try:
            self.driver.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
            self.driver.execute_script(axe.read_text(encoding="utf-8"))
            return self.driver.execute_async_script(ask)
        finally:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def js(self, expression):
        return self.driver.execute_script(f"return {expression}")


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
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def sample(project):
    """The run that `make report` makes: all topics of the sample."""
    return project.crm("report")
