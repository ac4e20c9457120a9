import nbformat
import pytest

from crm_lib.runner.evidence import verdict
from crm_lib.runner.kernels import engine

PUBLISHED = {"figures": [{"name": "orders"}], "notes": [], "about": {"rows": {"transactions": {"used": 5}}}}


def notebook(ended=engine.COMPLETED, error=None):
    outputs = [nbformat.v4.new_output("error", ename=error[0], evalue=error[1], traceback=[])] if error else []
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    made.metadata["crm"] = nbformat.NotebookNode(ended=ended)
    return made


def judged(figures=PUBLISHED, **run):
    return verdict.of_run(notebook(**run), figures, minutes=20)


def test_a_run_with_figures_and_no_notes_is_fine():
    assert judged() == verdict.Verdict(verdict.FINE)


def test_notes_are_to_be_read_and_still_a_good_page():
    found = judged(PUBLISHED | {"notes": ["missed by 14 %"]})
    assert (found.state, found.good, found.exit_code) == (verdict.NOTES, True, 0)


def test_a_useful_table_that_could_not_be_used_is_to_be_read_about():
    about = PUBLISHED["about"] | {"problems": {"customers": "customer_id occurs twice."}}
    assert judged(PUBLISHED | {"about": about}).state == verdict.NOTES


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        (engine.TIMED_OUT, verdict.TIMED_OUT),
        (engine.KILLED, verdict.KILLED),
        (engine.EXITED, verdict.FAILED),
        (engine.NEVER_STARTED, verdict.FAILED),
    ],
)
def test_figures_do_not_save_a_run_that_did_not_end(ended, state):
    assert judged(ended=ended).state == state


def test_an_error_that_the_run_survived_still_fails_it():
    assert judged(error=("ValueError", "x")).state == verdict.FAILED


def test_no_figures_no_report():
    assert judged(None).state == verdict.FAILED


@pytest.mark.parametrize("lack", [{"figures": []}, {"about": {"rows": {"surveys": {"used": 0}}}}])
def test_nothing_to_report_on_is_no_data(lack):
    assert judged(PUBLISHED | lack).state == verdict.NO_DATA


@pytest.mark.parametrize(
    ("name", "text", "exit_code"),
    [
        ("DataContractError", "amount is missing.", 2),
        ("ParameterError", "too long.", 2),
        ("ReportFailed", "no.", 1),
    ],
)
def test_words_written_for_people_are_shown(name, text, exit_code):
    assert verdict.of_error(name, text) == verdict.Verdict(verdict.FAILED, text, exit_code)


def test_other_words_may_quote_customers_and_are_not_shown():
    found = verdict.of_error("KeyError", "Mary Smith")
    assert found.message == "The notebook stopped with an error that nobody foresaw (KeyError)."


def test_a_name_that_is_no_name_is_not_shown():
    assert "<b>" not in verdict.of_error("<b>", "x").message


def test_each_state_has_icon_word_and_tone():
    assert [len(verdict.state_words(state)) for state in verdict.STATES] == [3] * len(verdict.STATES)
