"""A company whose every text column holds what somebody typed to do harm: all topics, all texts in all columns."""

import csv
import json
import re
import tomllib

import pytest

from crm_lib.contract.tables import TABLES, TEXT
from crm_lib.contract.topics import TOPICS
from crm_lib.runner.evidence import verdict
from crm_lib.runner.evidence.lint import problems
from crm_lib.sources.sample import write_sample
from crm_lib.theme.words import clean

pytestmark = pytest.mark.slow
csv.field_size_limit(2_000_000)  # a published text may be a megabyte long

AS_OF = "2026-10-31"
# A column of five values holds every text once in nine rounds, one of ten in the five rounds of all topics.
N_ROUNDS, STEP = 9, 5
A_MEGABYTE = "<b>é" * 250_000
LABELS = ("stage", "touchpoint")  # named in crm.toml, too
# Columns of which every value stands on a page; the others are shown in part, or never (names, comments).
SHOWN = {
    "funnel": ("stage_events.stage", "opportunities.product", "opportunities.source", "opportunities.region"),
    "satisfaction": ("surveys.touchpoint", "survey_items.aspect"),
    "segmentation": ("customers.region",),
}


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
            place = len(seen) + self.shift + 7 * list(self.known).index(column)
            text = self.texts[place % len(self.texts)]
            seen[value] = text if len(seen) < len(self.texts) else f"{text}{value}"
        return seen[value]


def poisoned(project, texts, shift):
    """Write the small sample with hostile texts, and a source that reads it."""
    folder = project.folder / "data" / "hostile"
    write_sample(folder, n_customers=400)
    poison, n_columns = Poison(texts, shift), 0
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file))
        for i, column in enumerate(head):
            if not typed(path.stem, column):
                continue
            is_id = column.endswith("_id")
            for row in rows:
                row[i] = poison(column if is_id else f"{path.stem}.{column}", row[i])
            if not is_id and column not in LABELS:
                n_columns += 1
                if of_all_topics(shift) and n_columns % (N_ROUNDS // 2 + 1) == shift // STEP // 2:
                    rows[i % len(rows)][i] = A_MEGABYTE  # a row of its own: a line of several is refused
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
    declare(project, poison)
    return poison


def of_all_topics(shift):
    """Whether all topics are made in this round, or those of which a page shows whole columns."""
    return shift // STEP % 2 == 0


def declare(project, poison):
    """The source `hostile` in crm.toml: the sample's, its stages and touchpoints as they stand in the tables."""
    config = project.folder / "crm.toml"
    text = config.read_text(encoding="utf-8").partition("# hostile\n")[0]
    own = re.search(r"\[sources\.sample\].*?(?=\n# -{20})", text, re.DOTALL)[0]
    own = own.replace("sources.sample", "sources.hostile").replace("data/sample", "data/hostile")
    for column in ("stage_events.stage", "surveys.touchpoint"):
        for value, said in poison.known.get(column, {}).items():
            own = own.replace(f'"{value}"', quoted(said.replace("\x00", "")))  # as it is read
    own = own.replace('title = "Xudong"', f"title = {quoted(poison.texts[poison.shift])}")
    config.write_text(f"{text}# hostile\n{own}\n", encoding="utf-8")
    tomllib.loads(config.read_text(encoding="utf-8"))


def quoted(text):
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'


@pytest.mark.parametrize("shift", range(0, STEP * N_ROUNDS, STEP))
def test_every_text_column_of_every_topic(project, browser, hostile, assert_harmless, shift, tmp_path):
    assert len(hostile) <= N_ROUNDS * STEP
    poison = poisoned(project, hostile, shift)
    reports = tmp_path / "reports"
    topics = TOPICS if of_all_topics(shift) else SHOWN
    ask = ("report", *topics, "--source", "hostile", "--as-of", AS_OF, "--deliver", "--to", str(reports))
    run = project.crm(*ask)
    assert run.returncode == 0, run.stdout + run.stderr
    folder = reports / "hostile" / AS_OF
    assert_no_topic_was_refused(folder, topics)
    shown = {}
    for page in [*sorted(folder.glob("*.html")), reports / "index.html"]:
        assert problems(page.read_text(encoding="utf-8")) == []
        shown[page.stem] = clean(clean(assert_harmless(page, tmp_path)))
        for width in (390, 1440):
            browser.open(page, width)
            assert browser.js("document.documentElement.scrollWidth") <= width, (page.name, width)
    for topic, columns in SHOWN.items():
        for column in columns:
            texts = list(poison.known[column].values())
            assert len(texts) >= STEP, "the rounds together would leave texts out"
            assert [text for text in texts if said(text) not in shown[topic]] == [], column
    for sheet in folder.glob("*/*.csv"):
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for line in csv.reader(file) for cell in line if not is_number(cell)]
        assert not [cell for cell in cells if cell.strip()[:1] in tuple("=+-@＝＋－＠|\t")]


def said(text):
    """How a text begins where a page says it."""
    return clean(clean(text.replace("\x00", "")))[:18]


def assert_no_topic_was_refused(folder, topics):
    (record,) = (json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("runs/*.json"))
    assert record["left_out"] == {}
    assert {r["topic"]: r["message"] for r in record["reports"]} == dict.fromkeys(topics, "")
    assert {r["state"] for r in record["reports"]} <= {verdict.FINE, verdict.NOTES}


def is_number(cell):
    try:
        return bool(cell) and float(cell) is not None
    except ValueError:
        return False
