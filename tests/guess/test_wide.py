"""Surveys with a column for each question: asked about, then read as one row for each answer."""

import datetime as dt

from crm_lib.sources import connect
from crm_lib.sources.guess import block

RUN_DATE = dt.date(2026, 11, 21)
HEAD = "答卷编号,发送时间,客户编号,性别,总体满意度,1、产品质量,2、送货速度,3、售后服务,意见\n"


def survey(n=30, head=HEAD):
    rows = (
        f"R{i},2026-09-{i % 28 + 1:02d},K{i % 9},{i % 2 + 1},{i % 5 + 1},"
        f"{i % 5 + 1},{(i + 1) % 5 + 1},{i % 4 + 2},\n"
        for i in range(n)
    )
    return head + "".join(rows)


def read_back(folder, proposal, monkeypatch):
    path = folder / "crm.toml"
    path.unlink(missing_ok=True)
    block.write(path, "shop", block.block("shop", "Shop", "files", proposal, RUN_DATE, {}))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CRM_CONFIG", raising=False)
    return connect("shop", as_of="2026-11-20"), path.read_text(encoding="utf-8")


def test_columns_on_a_scale_are_asked_about(proposed):
    (question,) = proposed({"调查.csv": survey()}).questions
    assert question.key == "调查.csv:aspects"
    assert "(1、产品质量, 2、送货速度, 3、售后服务)" in question.words, "neither the score of all nor the sex"
    assert [value for value, _what in question.choices] == ["yes", "no"]


def test_after_a_yes_each_answer_is_a_row(proposed, tmp_path, monkeypatch):
    proposal = proposed({"调查.csv": survey()}, {"aspects": "yes"})
    surveys, items = proposal.tables
    assert (surveys.table, items.table) == ("surveys", "survey_items")
    assert [a.aspect for a in items.aspects] == ["产品质量", "送货速度", "售后服务"]
    assert not {a.score for a in items.aspects} & set(surveys.unused)
    crm, text = read_back(tmp_path, proposal, monkeypatch)
    assert "unpivot = [" in text
    assert "{lowest = 1, highest = 5}" in text
    answers = crm.survey_items.to_pandas()
    assert len(answers) == 90
    first = answers[answers["response_id"] == "R3"].set_index("aspect")["score"]
    assert first.to_dict() == {"产品质量": 4, "送货速度": 5, "售后服务": 5}


def test_after_a_no_there_are_no_items(proposed):
    (table,) = proposed({"调查.csv": survey()}, {"aspects": "no"}).tables
    assert table.table == "surveys"


def test_what_was_expected_and_what_was_got_are_one_aspect(proposed, tmp_path, monkeypatch):
    sides = "Expected - price,Perceived - price,Expected - help,Perceived - help"
    head = f"response id,sent at,customer id,{sides},Speed\n"
    rows = "".join(
        f"R{i},2026-09-{i % 28 + 1:02d},K{i},{i % 3 + 5},{i % 5 + 1},7,{i % 7 + 1},{i % 7 + 1}\n"
        for i in range(40)
    )
    rows = rows.replace(",7,", ",6,", 9).replace(",6,", ",4,", 3)
    proposal = proposed({"survey.csv": head + rows}, {"aspects": "yes"})
    items = proposal.tables[1]
    assert [(a.aspect, a.expected, a.perceived, a.score) for a in items.aspects] == [
        ("price", "Expected - price", "Perceived - price", ""),
        ("help", "Expected - help", "Perceived - help", ""),
        ("Speed", "", "", "Speed"),
    ]
    crm, _text = read_back(tmp_path, proposal, monkeypatch)
    found = crm.survey_items.to_pandas().set_index(["response_id", "aspect"])
    assert found.loc[("R10", "price"), "expected"] == 6
    assert found.loc[("R10", "price"), "perceived"] == 1


def test_a_rare_high_answer_decides_the_scale(proposed):
    text = survey(4000).replace(",意见", ",意见", 1)
    text += "R9999,2026-09-01,K1,1,5,9,9,9,\n"
    items = proposed({"调查.csv": text}, {"aspects": "yes"}).tables[1]
    assert (items.scales["items"].lowest, items.scales["items"].highest) == (1, 10)


def test_two_columns_or_large_numbers_are_no_questions(proposed):
    head = "答卷编号,发送时间,客户编号,总体满意度,停留秒数,访问页数,年龄,收入\n"
    rows = "".join(
        f"R{i},2026-09-{i % 28 + 1:02d},K{i},{i % 5 + 1},{i * 7},{i % 4},{20 + i},{i % 5}\n" for i in range(30)
    )
    (table,) = proposed({"调查.csv": head + rows}).tables
    assert table.table == "surveys"
