import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib import cli
from crm_lib.contract.topics import TOPICS
from crm_lib.errors import ConfigError, Unreachable
from crm_lib.runner import transient
from crm_lib.runner.kernels import forked
from crm_lib.runner.store import archive

SMALL = Path(__file__).parent / "notebooks" / "good.ipynb"
CONFIG = """
[default]
source = "shop"

[sources.shop]
title = "The shop"
path = "data/shop"
as_of = "2026-10-31"
currency = "USD"

[sources.web]
path = "data/web"
currency = "USD"
time_zone = "Asia/Shanghai"
"""
ROWS = "customer_id,at,amount\n007,2026-10-01,12.50\n008,2026-10-02,3.00\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one small source and a small notebook under the name of every topic."""
    (tmp_path / "crm.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "data/shop").mkdir(parents=True)
    (tmp_path / "data/web").mkdir(parents=True)
    for source in ("shop", "web"):
        (tmp_path / f"data/{source}/transactions.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    for topic in TOPICS:
        text = SMALL.read_text(encoding="utf-8").replace('Publication(\\"good\\"', f'Publication(\\"{topic}\\"')
        (tmp_path / "notebooks" / f"{topic}.ipynb").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("CRM_CONFIG", "CRM_PUBLISH_TO", "CRM_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_RUN_DATE", "2026-11-01")
    monkeypatch.setattr(forked, "possible", lambda: False)  # warm processes pay for long notebooks only
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
        (("clv", "--as-of", "31.10.2026"), "must be a day like 2026-10-31"),
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
    refused = {name for name, topic in TOPICS.items() if topic.missing(set()) == ("transactions",)}
    assert {"action_plan", "clv", "retention", "segmentation"} <= refused
    assert pages == {"index.html", *(f"{topic}.failed.html" for topic in refused)}


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
    assert "--set clv.horizon_weeks=52  (whole number, 4 to 156)  how far ahead to look" in out
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
    codes = ("0 all is well", "1 some report failed", "2 bad input", "3 some data are stale", "75 another run")
    more = ("124 a report took too long", "130 or 143 stopped", "137 a report was cut off")
    assert [code for code in (*codes, *more) if code not in said] == []
    assert "crm report segmentation clv --source cdnow --as-of 1998-06-30" in said


def test_help_loads_no_heavy_library():
    heavy = "('pandas', 'ibis', 'papermill', 'nbconvert')"
    code = f"import sys, crm_lib.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def folders(project, source):
    return sorted(p.name for p in (project / "reports" / source).glob("20*"))


@pytest.mark.slow
@pytest.mark.skipif(not forked.possible(), reason="warm processes need Linux")
def test_pages_are_made_by_warm_processes_too(crm, project, monkeypatch):
    monkeypatch.setattr(forked, "possible", lambda: True)
    code, out, err = crm("report", "clv", "segmentation")
    assert (code, err) == (0, "")
    assert ("✓ clv" in out, "✓ segmentation" in out) == (True, True)


def test_a_second_run_finds_nothing_to_do_unless_it_is_forced(crm):
    crm("report", "clv")
    code, out, _err = crm("report", "clv")
    assert (code, out.splitlines()[0]) == (0, "= clv  0.0 s  unchanged")
    _code, out, _err = crm("report", "clv", "--force", "--plain-kernels")
    assert "✓ clv" in out


@pytest.mark.slow
def test_warm_processes_begin_only_when_something_is_run(crm, project, monkeypatch):
    from crm_lib.runner import run

    begun, pairs = [], []
    monkeypatch.setattr(forked, "possible", lambda: True)
    monkeypatch.setattr(forked.WarmPair, "begin", lambda pair: begun.append(pair))
    real = run.report
    monkeypatch.setattr(run, "report", lambda *a, warm, **k: (pairs.append(warm), real(*a, **k))[1])
    crm("report", "clv")
    assert begun, "the first run of a source begins them before anything is checked"
    begun.clear()
    code, out, _err = crm("report", "clv")
    assert (code, "unchanged" in out, begun) == (0, True, [])
    crm("report", "clv", "--as-of", "2026-10-30")
    assert begun, "a date that has never been run"
    assert all(isinstance(pair, forked.WarmPair) for pair in pairs)


def test_a_threshold_that_guards_nothing_is_said(crm, project):
    config = project / "crm.toml"
    limits = '[thresholds]\norders = { at_least = 1 }\n"clv.order" = { at_least = 1 }\n'
    config.write_text(limits + config.read_text(encoding="utf-8"), encoding="utf-8")
    assert "clv.order" not in crm("check")[1], "nothing has been published yet: nobody can know"
    code, _out, err = crm("report", "clv", "--quiet")
    slip = 'no report publishes a figure "clv.order", so that nothing is compared. Did you mean "clv.orders"?'
    assert (code, err) == (0, f"crm: shop: thresholds: {slip}\n")
    assert f"note: thresholds: {slip}" in crm("check")[1]


@pytest.mark.slow
def test_several_sources_each_have_their_own_day(crm, project):
    code, out, err = crm("report", "clv", "--source", "shop", "--source", "web")
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if not line.startswith("✓")] == [
        "shop 2026-10-31",
        "web 2026-10-31",
        "Index: reports/index.html",
    ]


def test_a_source_that_can_not_be_read_stops_no_other(crm, project):
    (project / "data/web/transactions.csv").unlink()
    (project / "data/web/customers.csv").write_text("x\n", encoding="utf-8")
    code, _out, err = crm("report", "clv", "--source", "web", "--source", "shop")
    assert code == 2
    assert err == 'crm: web: The tables of "web" allow none of the reports asked for.\n'
    assert folders(project, "shop") == ["2026-10-31"]


@pytest.mark.parametrize("named", [("shop", "web"), ("web", "shop")])
def test_a_source_whose_folder_is_missing_stops_no_other(crm, project, named):
    shutil.rmtree(project / "data/web")
    code, _out, err = crm("report", "clv", "-s", named[0], "-s", named[1])
    assert code == 2
    assert err.startswith("crm: web: ")
    assert len(err.splitlines()) == 1
    assert (folders(project, "shop"), folders(project, "web")) == (["2026-10-31"], [])


def test_what_would_be_made_is_told_of_every_source_that_can_be_read(crm, project):
    shutil.rmtree(project / "data/web")
    code, out, err = crm("report", "clv", "-s", "web", "-s", "shop", "--dry-run")
    assert code == 2
    assert out.startswith("would make  reports/shop/2026-10-31/clv.html: ")
    assert err.startswith("crm: web: ")


@pytest.mark.slow
def test_a_parameter_of_a_topic_that_only_a_missing_source_may_have_is_no_wrong_choice(crm, project):
    shutil.rmtree(project / "data/web")
    code, _out, err = crm("report", "-s", "web", "-s", "shop", "--set", "funnel.horizon_weeks=39")
    assert code == 2
    assert err.startswith("crm: web: ")
    assert folders(project, "shop") == ["2026-10-31"]


def test_an_unknown_source_among_several_is_a_wrong_choice(crm, project):
    code, _out, err = crm("report", "clv", "-s", "shop", "-s", "wbe")
    assert (code, err.startswith('crm: There is no source "wbe"')) == (2, True)
    assert folders(project, "shop") == []


def test_nothing_is_called_missed_when_no_source_could_be_read(crm, project):
    for source in ("shop", "web"):
        shutil.rmtree(project / "data" / source)
    code, out, err = crm("report", "-s", "shop", "-s", "web")
    assert (code, out, len(err.splitlines())) == (2, "", 2)


@pytest.mark.parametrize("asked", ["check", "tables_of"])
@pytest.mark.parametrize(
    ("error", "n_errors", "n_tries", "code"),
    [
        (Unreachable("The database does not answer."), 1, 2, 0),
        (Unreachable("The database does not answer."), 9, 2, 2),
        (ConfigError("crm.toml is wrong."), 1, 1, 2),
    ],
    ids=["starts again", "is down", "is no server's"],
)
def test_a_database_that_starts_again_is_asked_twice_by_the_check(
    crm, monkeypatch, asked, error, n_errors, n_tries, code
):
    from crm_lib import sources

    tries, real = [], getattr(sources, asked)

    def ask(*given):
        tries.append(given)
        if len(tries) <= n_errors:
            raise error
        return real(*given)

    monkeypatch.setattr(transient, "PAUSE_S", 0.0)
    monkeypatch.setattr(sources, asked, ask)
    ended, _out, err = crm("report", "clv")
    assert (ended, err) == (code, f"crm: {error}\n" if code else "")
    assert len(tries[:2] if code == 0 else tries) == n_tries


@pytest.mark.parametrize(
    ("as_of", "folder"),
    [
        ("last-month", "2026-10-31"),
        ("2026-W40", "2026-10-04"),
        ("2026-09", "2026-09-30"),
        ("yesterday", "2026-11-09"),
    ],
)
def test_a_date_may_be_named_against_the_run_date(crm, project, as_of, folder):
    code, out, _err = crm("report", "clv", "--as-of", as_of, "--run-date", "2026-11-10", "--dry-run")
    assert code == 0
    assert f"would make  reports/shop/{folder}/clv.html: crm report clv --source shop --as-of {folder}" in out
    assert not (project / "reports").exists()


def test_missed_dates_are_made_and_those_that_are_there_left_alone(crm, project):
    crm("report", "clv", "--as-of", "2026-09-30")
    code, out, _err = crm("report", "clv", "--since", "2026-08-01", "--every", "month", "--dry-run")
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "would make  reports/shop/2026-08-31/clv.html",
        "would make  reports/shop/2026-10-31/clv.html",
    ]


def test_nothing_missed_is_said_and_is_no_error(crm):
    crm("report", "clv", "--as-of", "2026-10-31")
    code, out, err = crm("report", "clv", "--since", "2026-10-31")
    assert (code, out, err) == (0, "Nothing was missed.\n", "")


def test_catching_up_from_the_future_is_refused(crm):
    code, _out, err = crm("report", "--since", "2026-12-01")
    assert code == 2
    assert "No month ended from 2026-12-01 to 2026-10-31" in err


def test_quiet_is_silent_when_all_is_well(crm):
    assert crm("report", "clv", "--quiet") == (0, "", "")


def test_quiet_says_one_line_for_a_failure(crm, project):
    broken = SMALL.with_name("cell_error.ipynb").read_text(encoding="utf-8")
    (project / "notebooks/clv.ipynb").write_text(broken, encoding="utf-8")
    code, out, err = crm("report", "segmentation", "clv", "--quiet")
    assert (code, out) == (1, "")
    assert err == (
        "✗ shop 2026-10-31 clv: failed: The notebook stopped with an error that nobody foresaw (ValueError).\n"
    )


@pytest.mark.parametrize("more", [(), ("--quiet",)])
def test_refused_data_are_named_on_one_line_for_all_their_topics(crm, project, more):
    rows = "".join(f"{i},2026-10-0{i},a lot\n" for i in range(1, 8)) + ",2026-10-01,1\n" * 7
    (project / "data/shop/transactions.csv").write_text(f"customer_id,at,amount\n{rows}", encoding="utf-8")
    code, out, err = crm("report", "clv", "segmentation", "action_plan", *more)
    assert code == 2
    named = [line for line in (out + err).splitlines() if "transactions" in line or "amount" in line]
    assert len(named) == 1
    assert "clv, segmentation, action_plan" in named[0]
    assert not more or err.splitlines() == named
    page = (project / "reports/shop/2026-10-31/clv.failed.html").read_text(encoding="utf-8")
    assert "customer_id" in page, "the page has the rest"
    assert "customer_id" not in named[0]


def test_help_lists_the_parameters_of_the_notebooks(crm):
    _code, out, _err = crm("report", "--help")
    assert "clv.horizon_weeks=52" in out
    assert "whole number, 4 to 156; how far ahead to look" in " ".join(out.split())


def test_two_dates_are_compared(crm, project):
    for day in ("2026-09-30", "2026-10-31"):
        crm("report", "clv", "--as-of", day)
    code, out, _err = crm("compare", "2026-09-30", "2026-10-31")
    assert (code, out) == (0, "Page: reports/shop/2026-10-31/compare.2026-09-30.html\n")
    named = {path.name.partition(".")[0] for path in (project / "reports/shop/2026-10-31").glob("[!.]*")}
    assert named - TOPICS.keys() <= {*archive.OWN}, "a topic of this name would get in the way: see crm new"


@pytest.mark.slow
def test_old_dates_are_tidied_away(crm, project):
    for day in ("2026-08-31", "2026-09-30", "2026-10-31"):
        crm("report", "clv", "--as-of", day)
    code, out, _err = crm("tidy", "--keep", "1", "--dry-run")
    assert (code, out.splitlines()) == (0, ["would go  shop 2026-08-31", "would go  shop 2026-09-30"])
    crm("tidy", "--keep", "1")
    assert folders(project, "shop") == ["2026-10-31"]
    assert "30 September 2026" not in (project / "reports/index.html").read_text(encoding="utf-8")


def test_stale_data_give_their_page_and_exit_code_3(crm, project):
    text = CONFIG.replace('currency = "USD"', 'currency = "USD"\nfresh_days = 7', 1)
    (project / "crm.toml").write_text(text, encoding="utf-8")
    reads = SMALL.with_name("shows_age.ipynb").read_text(encoding="utf-8")
    (project / "notebooks/clv.ipynb").write_text(reads, encoding="utf-8")
    code, out, _err = crm("report", "clv")
    assert code == 3
    assert "◷ clv" in out
    assert "29 days before the date of this report; at most 7 days are allowed." in out
    page = (project / "reports/shop/2026-10-31/clv.html").read_text(encoding="utf-8")
    assert "29 days before the date of this report" in page


def test_a_place_that_can_not_be_written_to_gets_plain_words(crm, project):
    (project / "reports").write_text("a file", encoding="utf-8")
    code, _out, err = crm("report", "clv")
    assert code == 1
    assert "crm: The reports can't be written: Not a directory" in err or "File exists" in err


def test_a_folder_without_a_project_gets_plain_words(crm, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, _out, err = crm("report")
    assert code == 2
    assert "There is no crm.toml" in err


@pytest.fixture
def copy(project):
    """A function that writes an edited copy of a notebook, with a connect call that names a topic."""

    def write(path, topic="clv"):
        notebook = json.loads((project / "notebooks/clv.ipynb").read_text(encoding="utf-8"))
        code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
        named = f', topic="{topic}"' if topic else ""
        code[1]["source"] = f"def connect(*_, **__): pass\n\n\nconnect(source{named})\n" + "".join(
            code[1]["source"]
        )
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return path

    return write


def test_an_edited_copy_gets_a_page_beside_the_usual_one(crm, project, copy):
    copy(project / "notebooks/clv for Berlin (2).ipynb")
    code, out, err = crm("report", "--notebook", "notebooks/clv for Berlin (2).ipynb")
    assert (code, err) == (0, ""), out
    page = (project / "reports/shop/2026-10-31+clv-for-Berlin-2/clv.html").read_text(encoding="utf-8")
    assert "crm report --notebook &#39;notebooks/clv for Berlin (2).ipynb&#39; --source shop" in page
    assert not (project / "reports/shop/2026-10-31").exists()


def test_a_copy_outside_the_project_finds_its_settings(crm, tmp_path_factory, copy, project):
    elsewhere = copy(tmp_path_factory.mktemp("elsewhere") / "mine.ipynb")
    code, out, err = crm("report", "clv", "--notebook", str(elsewhere), "--label", "try")
    assert (code, err) == (0, ""), out
    assert (project / "reports/shop/2026-10-31+try/clv.html").exists()


def test_the_shipped_notebook_named_by_its_file_is_the_topic(crm, project, copy):
    copy(project / "notebooks/clv.ipynb")
    code, out, _err = crm("report", "--notebook", "notebooks/clv.ipynb", "--dry-run")
    assert code == 0
    assert "reports/shop/2026-10-31/clv.html: crm report clv --source shop" in out


@pytest.mark.parametrize(
    ("name", "topic", "arguments", "words"),
    [
        ("gone.ipynb", None, (), "does not exist. Copy one of notebooks/"),
        ("mine.txt", "clv", (), "is not a notebook"),
        ("mine.ipynb", "", (), "names no topic"),
        ("mine.ipynb", "clw", (), 'Did you mean "clv"?'),
        ("mine.ipynb", "clv", ("funnel",), "a notebook of the topic clv; funnel can't be made of it"),
    ],
)
def test_a_notebook_that_can_not_be_used_is_refused_in_words(crm, project, copy, name, topic, arguments, words):
    if topic is not None:
        copy(project / name, topic)
    code, _out, err = crm("report", *arguments, "--notebook", name)
    assert code == 2
    assert words in err
    assert not (project / "reports").exists()


def test_a_copy_whose_default_was_edited_out_of_its_range_is_refused(crm, project, copy):
    path = copy(project / "mine.ipynb")
    path.write_text(path.read_text(encoding="utf-8").replace("int = 52", "int = 520"), encoding="utf-8")
    code, _out, err = crm("report", "--notebook", "mine.ipynb")
    assert code == 2
    assert "mine.ipynb: the default of horizon_weeks is 520; it must lie between 4 and 156." in err
    assert not (project / "reports").exists()


def test_a_copy_whose_default_names_a_month_is_made_for_its_last_day(crm, project, copy):
    path = copy(project / "mine.ipynb")
    body = json.loads(path.read_text(encoding="utf-8"))
    cell = next(c for c in body["cells"] if c["metadata"].get("tags"))
    cell["source"] = [*cell["source"], '\nsince: str = "last-month"  # from when on, a date']
    path.write_text(json.dumps(body), encoding="utf-8")
    code, out, _err = crm("report", "--notebook", "mine.ipynb", "--dry-run")
    assert code == 0
    assert out.endswith("--set clv.since=2026-10-31\n")


def test_a_notebook_that_is_none_is_refused(crm, project):
    (project / "mine.ipynb").write_text("{}", encoding="utf-8")
    code, _out, err = crm("report", "--notebook", "mine.ipynb")
    assert code == 2
    assert "can't be read as a notebook (KeyError)" in err
