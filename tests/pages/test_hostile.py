"""What somebody may have typed, in every place where a page can show it: it stays text, in a real browser."""

import csv
import datetime as dt
import json

import nbformat
import pandas as pd
import pytest

from crm_lib.contract.reporting import Reporting
from crm_lib.errors import ParameterError
from crm_lib.runner.delivery import deliver, letter
from crm_lib.runner.evidence import verdict
from crm_lib.runner.evidence.lint import problems
from crm_lib.runner.job import Job, Order
from crm_lib.runner.pages import compare, failure, index, page, spreadsheet
from crm_lib.runner.request.parameters import Parameter
from crm_lib.runner.store import archive
from crm_lib.show import charts, parts, tables
from crm_lib.theme import words
from crm_lib.theme.words import clean, number

A_MEGABYTE = "<b>é" * 250_000
AT = "2026-11-01 12:00"
DAY = dt.date(2026, 10, 31)


@pytest.fixture(autouse=True)
def _plain_words():
    words.use()
    yield
    words.use()


def shown_parts(texts):
    """Every part that the topics build their pages from, with these texts in all its places."""
    frame = pd.DataFrame({"text": texts, "n": range(len(texts))})
    fields = [
        tables.Field("text", texts[0]),
        tables.Field("n", "n", lambda n: f"{number(n)} {texts[int(n)][:60]}"),
    ]
    yield tables.table(frame, fields, texts[1], texts[2])
    yield parts.cards(*(parts.Card(t, words.name(t), t, t, parts.Badge(t)) for t in texts))
    yield parts.sentence(*(f"**{words.name(t)}** {t}" for t in texts))
    yield parts.steps(*texts)
    yield parts.terms({t: t for t in texts})
    yield parts.render("kicker", title=texts[3], facts=texts[4:7])
    yield parts.render("rows", summary=texts[7], warn=True, parts=[])
    yield from (parts.note(t) for t in texts)
    for begin in range(0, len(texts), 8):
        few = frame.iloc[begin : begin + 8]
        label = charts.Labels(*(texts[(begin + i) % len(texts)] for i in range(3)))
        yield charts.bars(few, "text", "n", label, number, highlight=few["text"].iloc[0])
        yield charts.lines(
            few, "text", {"n": texts[begin]}, label, number, mark=(few["text"].iloc[-1], texts[begin])
        )


def notebook(texts):
    """An executed notebook whose outputs, prose and streams hold them."""
    new = nbformat.v4
    outputs = [new.new_output("display_data", {"text/html": part.html}) for part in shown_parts(texts)]
    outputs += [new.new_output("display_data", {"text/plain": t}) for t in texts]
    outputs += [new.new_output("stream", name="stderr", text=t) for t in texts]
    prose = "# What of {typed}?\n\nFor all who typed {typed}.\n\n## Section {typed}\n\nHow to read {typed}."
    return new.new_notebook(cells=[new.new_markdown_cell(prose), new.new_code_cell("x", outputs=outputs)])


def figures(texts):
    return [
        {"name": f"f{i}", "value": 1.0 + i, "unit": "CNY", "n": 9, "low": 0.5 + i, "high": 1.5 + i, "words": t}
        for i, t in enumerate(texts)
    ]  # fmt: skip


def about(texts):
    asked = tuple(Parameter(f"p{i}", "str", "", t) for i, t in enumerate(texts))
    given = {p.name: t for p, t in zip(asked, texts, strict=True)} | {"typed": texts[0]}
    facts = {"figures": figures(texts), "alerts": list(texts)}
    return page.About(
        topic="clv",
        title=texts[5],
        source_title=texts[6],
        as_of=DAY,
        made_at=AT,
        command=f"crm report {texts[0]}",
        version="0",
        declared=asked,
        parameters=given,
        figures=facts,
    )


def said(text):
    """A text as a page may say it: on one line, as far as it can be seen."""
    return clean(clean(text))[:40]


def assert_says(shown, texts):
    flat = clean(clean(shown.replace("\ufffd", "")))  # what a browser makes of a null byte
    assert [t for t in texts if said(t) not in flat] == []


def test_on_a_topic_page(hostile, assert_harmless, tmp_path):
    made, found = page.make(notebook(hostile), about(hostile))
    assert found == []
    path = tmp_path / "clv.html"
    path.write_text(made, encoding="utf-8")
    assert_says(assert_harmless(path, tmp_path), hostile)


def one_output(kind, text):
    """A page whose one output is this, and what forbids showing it."""
    output = nbformat.v4.new_output("display_data", {kind: text})
    if kind == "stream":
        output = nbformat.v4.new_output("stream", name="stdout", text=text)
    cells = [nbformat.v4.new_markdown_cell("# Q?\n\n## S"), nbformat.v4.new_code_cell("x", outputs=[output])]
    return page.make(nbformat.v4.new_notebook(cells=cells), about(["x"] * 9))


def test_an_output_in_markdown_is_harmless_or_its_page_is_refused(hostile, assert_harmless, tmp_path):
    accepted = [made for made, found in (one_output("text/markdown", t) for t in hostile) if not found]
    assert len(accepted) >= len(hostile) - 6, "few of them are so much as refused"
    bodies = "".join(made[made.index("<main") : made.index("</main>")] for made in accepted)
    path = tmp_path / "all.html"
    path.write_text(accepted[0].replace("</main>", bodies + "</main>"), encoding="utf-8")
    assert_harmless(path, tmp_path)


def test_a_cell_of_a_megabyte_breaks_no_page(assert_harmless, tmp_path):
    frame = pd.DataFrame({"text": [words.name(A_MEGABYTE), "short", A_MEGABYTE[:200_000]]})
    made, found = one_output("text/html", tables.table(frame, [tables.Field("text", "Text")], "Texts").html)
    path = tmp_path / "clv.html"
    path.write_text(made, encoding="utf-8")
    assert found == []
    assert "short" in assert_harmless(path, tmp_path)
    assert one_output("stream", A_MEGABYTE)[1] == [], "what is printed is cut to what a page can hold"
    (said,) = one_output("text/plain", A_MEGABYTE)[1]
    assert "MB is the most" in said


def dated(reports, day, texts, value=1.0):
    """A date whose record, figures and tables hold the texts, with a page beside it."""
    folder = reports / "sample" / day
    states = [verdict.FINE, verdict.NOTES, verdict.FAILED, verdict.NO_DATA]
    told = [
        {"topic": f"t{i}", "title": t, "question": t, "state": states[i % 4], "message": t, "summary": t,
         "notes": [t], "page": f"t{i}.html", "seconds": 1.0, "parameters": {"x": t + day}, "command": t}
        for i, t in enumerate(texts)
    ]  # fmt: skip
    told.append(told[0] | {"topic": "segmentation", "state": verdict.FINE, "page": "segmentation.html"})
    record = {
        "start": "a", "started_at": f"{day}T12:00:00", "made_at": AT, "source": "sample", "source_title": texts[0],
        "as_of": day, "label": "", "language": "en", "version": "0", "commit": texts[1], "reports": told,
        "left_out": {"clv": list(texts)},
    }  # fmt: skip
    archive.write_record(folder, "a", record)
    document = {"topic": "segmentation", "figures": [f | {"value": f["value"] * value} for f in figures(texts)],
                "summary": texts[0], "notes": list(texts), "about": {"currency": "CNY"}}  # fmt: skip
    (folder / "segmentation.figures.json").write_text(json.dumps(document), encoding="utf-8")
    shift = [*texts[1:], texts[0]] if value > 1 else texts
    customers = pd.DataFrame(
        {"customer_id": texts, "segment": shift, "amount": 5.0 * value, "clv_mid": 7.0 * value}
    )
    named = pd.DataFrame({"segment": texts, "name": texts})
    for topic, table, frame in (("segmentation", "customers", customers), ("segmentation", "segments", named),
                                ("clv", "customers", customers)):  # fmt: skip
        (folder / topic).mkdir(exist_ok=True)
        frame.to_parquet(folder / topic / f"{table}.parquet")
    made, _found = page.make(notebook(texts[:9]), about(texts))
    (folder / "segmentation.html").write_text(made, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def two_dates(hostile, tmp_path_factory):
    reports = tmp_path_factory.mktemp("reports")
    words.use()
    for day, value in (("2026-09-30", 1.0), ("2026-10-31", 9.0)):
        folder = dated(reports, day, list(hostile), value)
    index.write(reports, folder)
    return folder


def test_on_the_indexes_and_the_comparison(hostile, two_dates, assert_harmless, tmp_path):
    compared = compare.write(two_dates.parent.parent, "sample", "2026-09-30", "2026-10-31")
    for path in (two_dates / "index.html", two_dates.parent.parent / "index.html", compared):
        assert problems(path.read_text(encoding="utf-8")) == []
        shown = assert_harmless(path, tmp_path)
        if path.parent == two_dates:
            assert_says(shown, hostile if path != compared else hostile[:5])


def test_on_the_pages_that_tell_of_a_failure(hostile, assert_harmless, tmp_path):
    new = nbformat.v4
    outputs = [new.new_output("error", ename="E", evalue=t, traceback=[t]) for t in hostile]
    cells = [new.new_code_cell(t, execution_count=1, outputs=[o]) for t, o in zip(hostile, outputs, strict=True)]
    (tmp_path / "made").mkdir()
    nbformat.write(new.new_notebook(cells=cells), tmp_path / "made" / failure.EXECUTED)
    (tmp_path / "made" / failure.ERRORS).write_text("\n".join(hostile), encoding="utf-8")
    everything = " ".join(hostile)
    job = Job("clv", hostile[0], everything, tmp_path / "x.ipynb", {t: t for t in hostile}, everything)
    order = Order("sample", everything, DAY, tmp_path / "r", (job,), reporting=Reporting(contact=everything))
    made = failure.write(order, job, verdict.Verdict(verdict.FAILED, everything, 1), AT, "log", tmp_path / "made")
    for path in (made, made.with_name("clv.author.html")):
        assert problems(path.read_text(encoding="utf-8")) == []
        assert_says(assert_harmless(path, tmp_path), [hostile[0], hostile[3], hostile[33]])


def test_in_a_mail(hostile, two_dates, assert_harmless, tmp_path):
    mail = letter.of_run(two_dates, archive.records(two_dates)[-1], Reporting(contact=hostile[0]))
    body = tmp_path / "mail.html"
    body.write_text(mail.get_body(("html",)).get_content(), encoding="utf-8")
    assert_says(assert_harmless(body, tmp_path), hostile)
    assert len(str(mail["Subject"]).splitlines()) == 1
    assert deliver.run(two_dates, Reporting(), {}).mail.exists()


def test_in_a_table_for_a_spreadsheet(hostile, tmp_path):
    (tmp_path / "clv").mkdir()
    frame = pd.DataFrame({"text": hostile, "kind": pd.Categorical(hostile), hostile[20]: hostile})
    frame.to_parquet(tmp_path / "clv" / "customers.parquet")
    (sheet,) = spreadsheet.write(tmp_path, "clv")
    lines = list(csv.reader((tmp_path / sheet.address).read_text(encoding="utf-8-sig").splitlines(keepends=True)))
    assert len(lines) == len(hostile) + 1
    assert not [cell for line in lines for cell in line if cell.strip()[:1] in tuple("=+-@＝＋－＠|\t")]
    assert not [cell for line in lines for cell in line if any(ord(c) < 32 and c not in "\t\n" for c in cell)]


def test_a_name_that_is_no_path_leads_nowhere():
    for label in ("../x", "a/b", "x" * 50, "..", "a\0b", "<b>"):
        with pytest.raises(ParameterError, match="--label"):
            archive.checked_label(label)
