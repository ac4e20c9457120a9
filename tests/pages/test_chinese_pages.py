"""The pages of the sample company in Chinese: nothing left in English, nothing cut, every chart legible."""

import base64
import csv
import html
import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from crm_lib.contract.tables import TABLES
from crm_lib.contract.topics import TOPICS

pytestmark = pytest.mark.slow

AS_OF, EARLIER, BROKEN = "2026-10-31", "2026-09-30", "2026-08-31"
AXE = Path(os.environ.get("CRM_AXE") or Path(__file__).parents[2] / ".ci" / "axe-core" / "axe.min.js")
KINDS = [*TOPICS, "index", "all", "compare", "failed", "author", "check"]
# Names of methods, people, files and programs that Chinese writes as they are.
NAMES = {
    "AIC", "AUC", "Aalen", "BG", "BIC", "Batislam", "Brier", "CDNOW", "CLVTools", "CRM", "CSV", "Cramér",
    "Cronbach", "Denizel", "Fader", "Filiztekin", "Gamma", "Hardie", "Holm", "Jaccard", "Johansen", "Kaplan",
    "English", "Kendall", "Lee", "MBG", "Meier", "NBD", "NPS", "RFM", "Rand", "Xudong", "alpha", "crm", "csv",
    "lib", "lifetimes", "parquet", "toml", "AttributeError", "NameError", "entropy", "quantile", "CUPED",
    "Greenwood", "Hillstrom", "Johnson", "LMG", "Mateo", "Domingo", "Ferrer", "Sanz", "ROI", "Shapley", "Spearman",
    "VIF", "Wilson", "log", "rank", "Newcombe", "Welch", "Bonferroni", "raking", "sBG", "Beta",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(project):
    """The sample in Chinese: all topics, a comparison with an earlier date, and a report that failed."""
    assert project.crm("report", "satisfaction", "--as-of", EARLIER, "--language", "zh").returncode == 0
    made = project.crm("report", "--language", "zh")
    assert project.crm("check", "--language", "zh").returncode == 0
    broken = project.folder / "notebooks" / "satisfaction.ipynb"
    whole = broken.read_text(encoding="utf-8")
    broken.write_text(whole.replace("satisfaction.", "satisfaction_that_is_not."), encoding="utf-8")
    try:
        failed = project.crm("report", "satisfaction", "--as-of", BROKEN, "--language", "zh")
    finally:
        broken.write_text(whole, encoding="utf-8")
    assert failed.returncode == 1
    return made, failed


@pytest.fixture(scope="module")
def pages(project, run):
    kinds = {topic: project.page("sample", AS_OF, f"{topic}.zh") for topic in TOPICS}
    return kinds | {
        "index": project.page("sample", AS_OF, "index.zh"),
        "all": project.folder / "reports" / "index.zh.html",
        "compare": project.page("sample", AS_OF, f"compare.{EARLIER}.zh"),
        "failed": project.page("sample", BROKEN, "satisfaction.failed.zh"),
        "check": project.folder / "reports" / "sample" / "check.zh.html",
        "author": project.page("sample", BROKEN, "satisfaction.author"),
    }


@pytest.fixture(scope="module")
def typed(project):
    """What people typed into the data and the settings, longest first, and names of tables and parameters."""
    settings = tomllib.loads((project.folder / "crm.toml").read_text(encoding="utf-8"))
    found = set(_strings({k: v for k, v in settings.items() if k != "sources"}))
    found |= set(_strings({k: v for k, v in settings["sources"]["sample"].items() if k != "published"}))
    for file in (project.folder / "data" / "sample").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            found.update(cell for row in csv.reader(lines) for cell in row)
    for notebook in (project.folder / "notebooks").glob("*.ipynb"):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                found.update(re.findall(r"[A-Za-z_]+", re.sub("#.*", "", "".join(cell["source"]))))
    found |= {*TABLES, *TOPICS, "crm plan approve"}
    return sorted((re.sub("[\u202a-\u202e\u2066-\u2069\x00]", "", t) for t in found if t), key=len, reverse=True)


def _strings(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value


def said(page):
    """What a page says: its text, alt texts and labels; without code, commands and addresses."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<(style|pre)\b.*?</\1>", " ", text, flags=re.DOTALL)
    text = re.sub(r"<code\b.*?</code>", "", text, flags=re.DOTALL)
    labels = re.findall(r'(?:alt|aria-label|data-head|title)="([^"]*)"', text)
    pieces = [html.unescape(piece) for piece in [*re.sub(r"<[^>]+>", "\n", text).split("\n"), *labels]]
    return [re.sub("[\u202a-\u202e\u2066-\u2069]", "", piece.strip()) for piece in pieces if piece.strip()]


@pytest.mark.parametrize("kind", KINDS)
def test_no_english_word_is_left(pages, typed, kind):
    left = []
    for piece in said(pages[kind]):
        words = re.findall(r"[A-Za-zé]{3,}", piece)
        if not words or re.fullmatch(r"[A-Z]?[0-9a-f\d]{5,}", piece):
            continue
        bare = re.sub(r"(指纹：?|提交)[0-9a-f]+|[\w./:-]+\.(html|log|parquet)", " ", piece, flags=re.ASCII)
        for known in typed:
            if len(known) > 2 and known in bare:
                bare = re.sub(rf"(?<![A-Za-z]){re.escape(known)}(?![A-Za-z])", " ", bare)
        left += [(word, piece) for word in re.findall(r"[A-Za-zé]{3,}", bare) if word not in NAMES]
    assert left == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_that_it_is_chinese_and_keeps_the_policy(pages, kind):
    text = pages[kind].read_text(encoding="utf-8")
    assert '<html lang="zh">' in text
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert re.search(r"<title>[^<]*[\u4e00-\u9fff]", text)


@pytest.mark.parametrize("kind", KINDS)
def test_punctuation_between_chinese_is_full_width(pages, kind):
    text = [p for p in said(pages[kind]) if "<script>" not in p]
    wrong = [p for p in text if re.search(r"[\u4e00-\u9fff][,;:?!]|[\u4e00-\u9fff]\.(\s|$)|[，。；：] ", p)]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_has_a_caption(pages, kind):
    text = pages[kind].read_text(encoding="utf-8")
    assert [found for found in re.findall(r"<table\b[^>]*>\s*(<\w+)", text) if found != "<caption"] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_every_table_lies_beside_the_page_in_its_words(pages, topic):
    text = pages[topic].read_text(encoding="utf-8")
    addresses = re.findall(r'class="csv" href="([^"]+)"', text)
    assert len(addresses) == text.count("<table") == len(set(addresses))
    tables = [(pages[topic].parent / address).read_text(encoding="utf-8-sig") for address in addresses]
    assert all(address.endswith(".zh.csv") for address in addresses)
    assert any(re.search("[\u4e00-\u9fff]", table.partition("\n")[0]) for table in tables)


def test_the_command_line_speaks_english(run):
    for done in run:
        assert not re.search(r"[\u4e00-\u9fff]", done.stdout + done.stderr)


@pytest.mark.parametrize("topic", TOPICS)
def test_charts_hold_their_words_as_text_for_the_fonts_of_the_reader(pages, topic):
    charts = re.findall(r"data:image/([a-z+]+);base64,([A-Za-z0-9+/=]+)", pages[topic].read_text(encoding="utf-8"))
    assert charts
    texts = [base64.b64decode(content).decode("utf-8") for kind, content in charts if kind == "svg+xml"]
    assert len(texts) == len(charts), "a picture of dots would need a Chinese font on this machine"
    assert any(re.search(r"<text[^>]*>[^<]*[\u4e00-\u9fff]", text) for text in texts)
    assert not [text for text in texts if "CRM Wide" in text or "CRMWide" in text]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(browser, pages, kind, width):
    browser.open(pages[kind], width)
    assert browser.js("document.documentElement.scrollWidth") <= width
    assert browser.js("document.documentElement.lang") == "zh"


@pytest.mark.parametrize("topic", TOPICS)
def test_no_column_stands_on_single_characters(browser, pages, topic):
    browser.open(pages[topic], 390)
    narrow = browser.js(
        "[...document.querySelectorAll('.scroll :is(td, th)')].filter(e => e.clientWidth && e.innerText.length > 5"
        " && /[\u4e00-\u9fff]{4}/.test(e.innerText))"
        ".filter(e => e.clientWidth < 4 * parseFloat(getComputedStyle(e).fontSize)).map(e => e.innerText)"
    )
    assert narrow == []


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is missing (.ci/run fetches it where npm is)")
@pytest.mark.parametrize(
    ("width", "schemes"), [(1440, ("light", "dark")), (390, ("dark",))], ids=["desk", "phone"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(browser, pages, kind, width, schemes):
    assert browser.open(pages[kind], width).violations(AXE, *schemes) == []


@pytest.mark.parametrize("kind", [*TOPICS, "index"])
def test_print_cuts_nothing(browser, pages, kind):
    with browser.on_paper(pages[kind]):
        assert browser.cut_on_paper() == []


def test_both_languages_stand_side_by_side_and_each_index_leads_to_its_own(project, run, pages):
    assert project.crm("report", "satisfaction").returncode == 0
    english = project.page("sample", AS_OF, "index").read_text(encoding="utf-8")
    chinese = pages["index"].read_text(encoding="utf-8")
    assert '<html lang="en">' in english
    assert 'href="satisfaction.html"' in english
    assert 'href="index.zh.html"' in english
    assert not re.search(r"[\u4e00-\u9fff]", english.replace(">中文<", "><"))
    assert 'href="satisfaction.zh.html"' in chinese
    assert 'href="index.html"' in project.page("sample", AS_OF, "index.zh").read_text(encoding="utf-8")
    figures = json.loads(
        project.page("sample", AS_OF, "satisfaction").with_name("satisfaction.figures.json").read_text()
    )
    assert figures["words"]["zh"]["satisfaction"] == "顾客满意度：感知÷期望"
    english_page = project.page("sample", AS_OF, "satisfaction").read_text(encoding="utf-8")
    assert not re.search(r"[\u4e00-\u9fff]", english_page)
