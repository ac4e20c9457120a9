"""A company whose every text column holds what somebody typed to do harm: all topics, all texts in all columns."""

import csv
import re
import tomllib

import pytest

from crm_lib.contract.tables import TABLES, TEXT
from crm_lib.contract.topics import TOPICS
from crm_lib.runner.lint import problems
from crm_lib.sources.sample import write_sample
from crm_lib.theme.words import clean

pytestmark = pytest.mark.slow

AS_OF = "2026-10-31"
N_ROUNDS = 9  # each column holds five values or more, so that nine rounds bring every text into every column
A_MEGABYTE = "<b>é" * 250_000
LABELS = ("stage", "touchpoint")  # named in crm.toml, too


def typed(table, column):
    """Whether people type what stands in this column: text that the contract does not list."""
    contract = TABLES[table].column(column) if table in TABLES else None
    return contract is None or (contract.type == TEXT and not contract.one_of)


class Poison:
    """The same text for the same value wherever it stands; each column begins elsewhere in the list."""

    def __init__(self, texts, shift):
        self.texts, self.shift, self.known = texts, shift, {}

    def __call__(self, column, value):
        if not value:
            return value
        seen = self.known.setdefault(column, {})
        if value not in seen:
            text = self.texts[(len(seen) + self.shift) % len(self.texts)]
            seen[value] = text if len(seen) < len(self.texts) else f"{text}{value}"
        return seen[value]


def poisoned(project, texts, shift):
    """Write the small sample with hostile texts, and a source that reads it."""
    folder = project.folder / "data" / "hostile"
    write_sample(folder, n_customers=400)
    poison = Poison([t.replace("\x00", "") for t in texts], shift)
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file))
        for row in rows:
            for i, column in enumerate(head):
                if typed(path.stem, column):
                    row[i] = poison(column if column.endswith("_id") else f"{path.stem}.{column}", row[i])
        if path.stem == "products":
            rows[0][head.index("name")] = A_MEGABYTE
        if path.stem == "surveys":
            rows[0][head.index("comment")] = "a\x00b" + A_MEGABYTE
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    declare(project, poison)


def declare(project, poison):
    """The source `hostile` in crm.toml: the sample's, its stages and touchpoints as they stand in the tables."""
    config = project.folder / "crm.toml"
    text = config.read_text(encoding="utf-8").partition("# hostile\n")[0]
    own = re.search(r"\[sources\.sample\].*?(?=\n# -{20})", text, re.DOTALL)[0]
    own = own.replace("sources.sample", "sources.hostile").replace("data/sample", "data/hostile")
    for column in ("stage_events.stage", "surveys.touchpoint"):
        for value, said in poison.known.get(column, {}).items():
            own = own.replace(f'"{value}"', quoted(said))
    own = own.replace('title = "Xudong"', f"title = {quoted(poison.texts[poison.shift])}")
    config.write_text(f"{text}# hostile\n{own}\n", encoding="utf-8")
    tomllib.loads(config.read_text(encoding="utf-8"))


def quoted(text):
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'


@pytest.mark.parametrize("shift", range(0, 5 * N_ROUNDS, 5))
def test_every_text_column_of_every_topic(project, browser, hostile, assert_harmless, shift, tmp_path):
    poisoned(project, hostile, shift)
    run = project.crm("report", "--source", "hostile", "--as-of", AS_OF, "--deliver")
    assert run.returncode in (0, 2), run.stdout + run.stderr
    folder = project.folder / "reports" / "hostile" / AS_OF
    for topic in TOPICS:
        page = folder / f"{topic}.html"
        assert page.exists(), run.stdout + run.stderr
        assert problems(page.read_text(encoding="utf-8")) == []
    shown = ""
    for page in [*folder.glob("*.html"), project.folder / "reports" / "index.html"]:
        shown += clean(clean(assert_harmless(page, tmp_path)))
        for width in (390, 1440):
            browser.open(page, width)
            assert browser.js("document.documentElement.scrollWidth") <= width, (page.name, width)
    n_there = sum(clean(clean(text))[:18] in shown for text in hostile)
    assert n_there >= 20, "few of the texts reach a page: the test would prove little"
    for sheet in folder.glob("*/*.csv"):
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for line in csv.reader(file) for cell in line if not is_number(cell)]
        assert not [cell for cell in cells if cell.strip()[:1] in tuple("=+-@＝＋－＠|\t")]


def is_number(cell):
    try:
        return bool(cell) and float(cell) is not None
    except ValueError:
        return False
