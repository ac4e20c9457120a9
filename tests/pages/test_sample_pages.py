"""The pages of the sample company, as the command writes them and as a browser shows them."""

import csv
import http.server
import itertools
import re
import threading
from collections import Counter

import pytest

from crm_lib.contract.settings import Settings
from crm_lib.contract.topics import TOPICS

AS_OF = "2026-10-31"
HOSTILE = "<script>alert(1)</script>"
PAGES = [*TOPICS, "index"]


@pytest.fixture
def page(project):
    return lambda name: project.page("sample", AS_OF, name)


def test_the_run_ends_well_with_one_line_per_report(sample_run):
    assert sample_run.returncode == 0, sample_run.stdout + sample_run.stderr
    for topic in TOPICS:
        assert sum(topic in line.split() for line in sample_run.stdout.splitlines()) == 1, sample_run.stdout


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_written_and_is_small(page, name):
    assert 5_000 < page(name).stat().st_size < 1_500_000


def test_both_index_pages_are_written(project):
    assert (project.folder / "reports" / "index.html").exists()
    assert project.page("sample", AS_OF, "index").exists()


def test_nothing_temporary_stays_behind(project):
    names = [p.name for p in (project.folder / "reports").rglob("*") if p.name != ".lock"]
    assert not [n for n in names if n.endswith(("~", ".tmp", ".part")) or n.startswith(".")]


@pytest.mark.parametrize("topic", TOPICS)
def test_key_figures_have_interval_and_n(project, topic):
    figures = project.figures("sample", AS_OF, topic)
    assert any(f["low"] is not None and f["n"] and f["level"] == 0.9 for f in figures.values())


@pytest.mark.parametrize("topic", TOPICS)
def test_every_table_that_a_page_shows_lies_beside_it_as_csv(page, topic):
    path = page(topic)
    text = path.read_text(encoding="utf-8")
    addresses = re.findall(r'<caption><span>[^\n]*? <a class="csv" href="([^"]+)" download="', text)
    assert len(set(addresses)) == text.count("<table") > 5
    assert {a for a in addresses if not (path.parent / a).is_file()} == set()
    there = {f"{topic}/{file.name}" for file in (path.parent / topic).glob("table-*.csv")}
    assert there == set(addresses)


def test_a_table_beside_the_page_says_what_the_browser_shows(browser, page):
    browser.open(page("funnel"))
    shown = browser.js(
        "[...document.querySelectorAll('table:not(:has(th.r[scope=row]))')].map(t => ["
        " t.querySelector('.csv').getAttribute('href'),"
        " [...t.tBodies[0].rows].map(r => r.cells[0].textContent.replace(/[\\u2066-\\u2069]/g, '').trim())])"
    )
    assert len(shown) > 10
    for address, firsts in shown:
        with (page("funnel").parent / address).open(encoding="utf-8-sig", newline="") as file:
            _heads, *rows = csv.reader(file)
        assert [row[0].lstrip("'") for row in rows] == [" ".join(first.split()) for first in firsts], address


def test_no_group_by_age_gender_place_or_kind_in_a_published_table_is_small(page):
    attributes = {"birth_year", "age_band", "gender", "region", "city", "industry", "size", "tier"}
    files = [f for f in page("index").parent.glob("*/*.csv") if not f.name.startswith("table-")]
    assert len(files) > 10
    for path in files:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = sorted(attributes & set(rows[0] if rows else ()))
        groups = Counter(tuple(row[c] for c in columns) for row in rows) if columns else Counter()
        assert [group for group, n in groups.items() if n < Settings().suppress_below] == [], path.name


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1440])
def test_no_request_leaves_the_page(browser, page, name, width):
    path = page(name)
    assert browser.open(path, width).requests() == [path.resolve().as_uri()]


@pytest.mark.parametrize("name", PAGES)
def test_no_hostile_text_becomes_markup(browser, page, name):
    browser.open(page(name))
    assert browser.js("document.scripts.length") == 0
    names = browser.js("[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())")
    assert not [name for name in names if name.startswith("on")]
    assert browser.js("document.querySelectorAll('iframe, object, embed, form, base').length") == 0


@pytest.mark.parametrize("name", PAGES)
def test_no_tone_is_said_by_colour_alone(browser, page, name):
    browser.open(page(name))
    toned = browser.js(
        "[...document.querySelectorAll(':is(.ok, .no, .care, .good, .bad)')].map(e => e.textContent)"
    )
    assert [text for text in toned if not re.match(r"\W*[✓✗▲▼◐◌◷=]", text.strip())] == []


def test_hostile_text_is_shown_as_the_text_it_is(browser, page):
    shown = []
    for topic in TOPICS:
        browser.open(page(topic))
        shown.append(HOSTILE in browser.js("document.body.textContent"))
    assert any(shown), "the sample's hostile names reach no page: the test would prove nothing"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(browser, page, name, width):
    browser.open(page(name), width)
    assert browser.js("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("topic", TOPICS)
def test_charts_are_not_shrunk_on_a_phone(browser, page, topic):
    browser.open(page(topic), 390)
    scales = browser.js("[...document.images].map(i => i.clientWidth / i.naturalWidth)")
    assert scales
    assert min(scales) >= 0.97, "chart text would fall under 11 px"


@pytest.mark.parametrize("name", PAGES)
def test_a_screen_reader_finds_its_way(browser, page, name):
    browser.open(page(name))
    assert browser.js("document.documentElement.lang") == "en"
    assert browser.js("document.querySelectorAll('h1').length") == 1
    levels = browser.js("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert browser.js("[...document.images].filter(i => (i.alt || '').length < 15).length") == 0
    anchors = browser.js("[...document.querySelectorAll('a')].map(a => a.hash.slice(1)).filter(h => h)")
    assert not [a for a in anchors if not browser.js(f"document.getElementById({a!r}) !== null")]


@pytest.mark.parametrize("topic", TOPICS)
def test_no_placeholder_and_no_nan_reaches_a_reader(browser, page, topic):
    browser.open(page(topic))
    for fold in ("details.code", "footer", ".technical"):
        browser.driver.execute_script(f"document.querySelectorAll('{fold}').forEach(e => e.remove())")
    text = browser.js("document.querySelector('main').innerText")
    for ugly in ("nan", "NaN", "None", "inf ", "_share", "_amount", "{horizon", "Traceback"):
        assert ugly not in text.replace("finance", "").replace("dominant", "").split(), ugly


class Listener(http.server.BaseHTTPRequestHandler):
    hits: list[str]

    def do_GET(self):
        type(self).hits.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def listener():
    Listener.hits = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_even_smuggled_markup_reaches_no_server(browser, page, listener, tmp_path):
    html = page("clv").read_text(encoding="utf-8")
    address = f"http://127.0.0.1:{listener}"
    smuggled = (
        f'<img src="{address}/img"><link rel="stylesheet" href="{address}/css">'
        f'<iframe src="{address}/frame"></iframe>'
        f'<style>body{{background:url({address}/bg)}}</style><script>fetch("{address}/js")</script></main>'
    )
    policy = html[html.index('<meta http-equiv="Content-Security-Policy"') :]
    policy = policy[: policy.index(">") + 1]
    (tmp_path / "with.html").write_text(html.replace("</main>", smuggled), encoding="utf-8")
    (tmp_path / "without.html").write_text(html.replace("</main>", smuggled).replace(policy, ""), encoding="utf-8")
    browser.open(tmp_path / "with.html")
    assert Listener.hits == []
    browser.open(tmp_path / "without.html")
    assert Listener.hits, "the control must reach the listener, or the test proves nothing"
