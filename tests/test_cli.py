import json
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib import cli
from crm_lib.contract.topics import TOPICS

SMALL = Path(__file__).parent / "notebooks" / "good.ipynb"
CONFIG = """
[default]
source = "shop"

[sources.shop]
title = "The shop"
path = "data/shop"
as_of = "2026-10-31"
currency = "USD"
"""
ROWS = "customer_id,at,amount\n007,2026-10-01,12.50\n008,2026-10-02,3.00\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one small source and a small notebook under the name of every topic."""
    (tmp_path / "crm.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "data/shop").mkdir(parents=True)
    (tmp_path / "data/shop/transactions.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    for topic in TOPICS:
        text = SMALL.read_text(encoding="utf-8").replace('Publication(\\"good\\"', f'Publication(\\"{topic}\\"')
        (tmp_path / "notebooks" / f"{topic}.ipynb").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("CRM_CONFIG", "CRM_PUBLISH_TO", "CRM_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-01")
    return tmp_path


@pytest.fixture
def crm(project, monkeypatch, capsys):
    """A function that runs the command: exit code, what it printed, what it complained of."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["crm", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


def test_a_report_is_made_with_its_index_and_the_rest_left_out(crm, project):
    code, out, err = crm("report", "--set", "clv.horizon_weeks=39", "--jobs", "2")
    assert (code, err) == (0, "")
    assert "✓ clv" in out
    assert out.endswith("Index: reports/shop/2026-10-31/index.html\n")
    folder = project / "reports/shop/2026-10-31"
    page = (folder / "clv.html").read_text(encoding="utf-8")
    assert "What comes in the next 39 weeks?" in page
    assert "crm report clv --source shop --as-of 2026-10-31 --set clv.horizon_weeks=39" in page
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "needs the table surveys" in index
    assert "needs the table opportunities" in index
    assert (project / "reports/index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("clw",), 'There is no topic "clw". Did you mean "clv"?'),
        (("clv", "--source", "shopp"), 'There is no source "shopp" in crm.toml. Did you mean "shop"?'),
        (("clv", "--set", "clv.horizon=39"), 'clv has no parameter "horizon".'),
        (("clv", "--set", "clv.horizon_weeks=many"), 'clv.horizon_weeks is "many"; it must be a whole number'),
        (("clv", "--set", "clv.horizon_weeks=500"), "must lie between 4 and 156"),
        (("clv", "--set", "funnel.horizon_weeks=39"), '"funnel" is not among the reports of this run'),
        (("clv", "--as-of", "31.10.2026"), "must be a date like 2026-10-31"),
        (("clv", "--language", "tlh"), 'language="tlh" is not one of the languages'),
        (("clv", "--label", "../x"), '--label is "../x"'),
        (("funnel",), 'funnel needs the table opportunities, which the source "shop" does not have'),
    ],
)
def test_a_wrong_choice_ends_before_anything_starts(crm, project, arguments, words):
    code, _out, err = crm("report", *arguments)
    assert code == 2
    assert words in err
    assert err.startswith("crm: ")
    assert "Traceback" not in err
    assert not (project / "reports").exists()


def test_an_unknown_option_is_bad_input_too(crm):
    code, _out, err = crm("report", "--sauce", "shop")
    assert code == 2
    assert "--sauce" in err


def test_a_table_that_breaks_the_contract_refuses_the_topics_that_need_it(crm, project):
    (project / "data/shop/transactions.csv").write_text("customer_id,at\n007,2026-10-01\n", encoding="utf-8")
    code, out, err = crm("report")
    assert code == 2
    assert "amount" in out
    assert "could not be made" in err
    pages = {p.name for p in (project / "reports/shop/2026-10-31").glob("*.html")}
    assert pages == {"index.html", "clv.failed.html", "segmentation.failed.html"}


def test_check_says_what_each_table_holds(crm):
    code, out, err = crm("check")
    assert (code, err) == (0, "")
    assert "The shop (shop), data up to 2026-10-31" in out
    assert "transactions: 2 rows read, 2 used, 2026-10-01 to 2026-10-02" in out


def test_check_names_what_can_not_be_used(crm, project):
    (project / "data/shop/transactions.csv").write_text("customer_id,at\n007,2026-10-01\n", encoding="utf-8")
    code, _out, err = crm("check", "--source", "shop")
    assert code == 2
    assert "transactions can't be used" in err


def test_topics_lists_questions_tables_and_parameters(crm):
    code, out, _err = crm("topics")
    assert code == 0
    assert [topic.question in out for topic in TOPICS.values()] == [True] * len(TOPICS)
    assert "--set clv.horizon_weeks=52  (int, 4 to 156)  how far ahead to look, 4 to 156" in out
    assert "needs transactions or customer_summaries" in out


def test_the_sample_is_written_where_it_is_wanted(crm, project):
    code, out, _err = crm("sample", "--customers", "120", "--seed", "3", "--out", "small")
    assert code == 0
    assert "files in small" in out
    assert json.loads((project / "small/truth.json").read_text(encoding="utf-8"))
    assert (project / "small/transactions.csv").exists()


def test_the_index_can_be_made_again(crm, project):
    (project / "reports").mkdir()
    code, out, _err = crm("index")
    assert (code, out) == (0, "Index: reports/index.html\n")
    assert "No report has been made yet" in (project / "reports/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [(), ("report",), ("check",), ("sample",), ("topics",), ("index",)])
def test_every_command_has_help(crm, command):
    code, out, _err = crm(*command, "--help")
    assert code == 0
    assert "Usage: crm" in out


def test_help_names_all_exit_codes_and_examples(crm):
    _code, out, _err = crm("report", "--help")
    said = " ".join(out.split())
    assert (
        "Exit codes: 0 all is well (reports with notes to read included), 1 some report failed, 2 bad input."
        in said
    )
    assert "crm report segmentation clv --source cdnow --as-of 1998-06-30" in said


def test_help_loads_no_heavy_library():
    heavy = "('pandas', 'ibis', 'papermill', 'nbconvert')"
    code = f"import sys, crm_lib.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_without_a_project_gets_plain_words(crm, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, _out, err = crm("report")
    assert code == 2
    assert "There is no crm.toml" in err
