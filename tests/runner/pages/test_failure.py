import nbformat
import pytest

from crm_lib.contract.reporting import Reporting
from crm_lib.runner.evidence import verdict
from crm_lib.runner.evidence.lint import problems
from crm_lib.runner.evidence.verdict import FAILED, NO_DATA, TIMED_OUT, Verdict
from crm_lib.runner.pages import failure
from crm_lib.theme import words

BROKEN = Verdict(FAILED, "The notebook stopped.", 1)
AT = "2026-11-01 12:00"


@pytest.fixture
def made(tmp_path):
    """What a worker leaves behind: a cell that ran, one that failed, one that never ran, and its log."""
    folder = tmp_path / "made"
    folder.mkdir()
    new = nbformat.v4
    ran = new.new_code_cell(
        "first()", execution_count=1, outputs=[new.new_output("stream", text="\x1b[31m5\x1b[0m rows")]
    )
    trace = ["\x1b[0;31mValueError\x1b[0m: <script>alert(1)</script> of jo@example.org, key sesame-open"]
    error = new.new_output("error", ename="ValueError", evalue="x", traceback=trace)
    failed = new.new_code_cell("second()", execution_count=2, outputs=[error])
    notebook = new.new_notebook(cells=[ran, failed, new.new_code_cell("third()")])
    nbformat.write(notebook, folder / failure.EXECUTED)
    (folder / failure.ERRORS).write_text("it broke, sesame-open", encoding="utf-8")
    return folder


@pytest.fixture
def order_for(order, job, tmp_path):
    return lambda **more: order(tmp_path / "reports", job("good"), **more)


def write(order, made=None, verdict=BROKEN):
    page = failure.write(order, order.jobs[0], verdict, AT, "2026-11-01T12-00-00.log", made)
    return page.read_text(encoding="utf-8"), page.with_name("good.author.html")


def test_readers_learn_what_when_whom_to_ask_and_see_no_traceback(order_for, made):
    page, _author = write(order_for(reporting=Reporting(contact="Li Na <3rd floor>")), made)
    assert problems(page) == []
    for said in ("The notebook stopped.", "1 November 2026, 12:00", "Whom to ask: Li Na &lt;3rd floor&gt;",
                 "There is no earlier report", "crm report good"):  # fmt: skip
        assert said in page
    assert "ValueError" not in page


def test_the_author_page_is_named_but_never_linked(order_for, made):
    page, author = write(order_for(), made)
    assert author.exists()
    assert "good.author.html and runs/2026-11-01T12-00-00.log" in page
    assert 'href="good.author.html"' not in page


def test_the_author_page_holds_traceback_outputs_so_far_and_the_command(order_for, made):
    _page, author = write(order_for(), made)
    text = author.read_text(encoding="utf-8")
    assert problems(text) == []
    places = [
        text.index(said)
        for said in ("crm report good", "Code cell 2", "second()", "ValueError", "it broke", "5 rows")
    ]
    assert places == sorted(places)
    assert "Code cell 3, never ran" in text
    assert "\x1b" not in text


def test_secrets_and_addresses_are_taken_out(order_for, made, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "sesame-open")
    _page, author = write(order_for(), made)
    text = author.read_text(encoding="utf-8")
    assert "sesame-open" not in text
    assert "jo@example.org" not in text
    assert "&lt;script&gt;" in text


def test_without_a_notebook_the_log_alone_is_told(order_for, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / failure.EXECUTED).write_text("{ half a", encoding="utf-8")
    _page, author = write(order_for(), tmp_path / "made")
    assert "No cell ended with an error" in author.read_text(encoding="utf-8")


def test_data_refused_before_any_notebook_ran_leave_no_author_page(order_for, made):
    _page, author = write(order_for(), made)
    page, author = write(order_for(), None)
    assert not author.exists()
    assert "author" not in page


def test_a_flood_of_output_is_cut_in_the_middle(order_for, made):
    (made / failure.ERRORS).write_text("a" * 500_000 + "end", encoding="utf-8")
    _page, author = write(order_for(), made)
    text = author.read_text(encoding="utf-8")
    assert len(text) < 60_000
    assert "[…]" in text
    assert "aaend" in text


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(FAILED, "x", 2), "must be put right first"),
        (Verdict(NO_DATA, "x", 1), "comes by itself"),
        (Verdict(TIMED_OUT, "x", 1), "--timeout"),
        (BROKEN, "finds the details"),
    ],
)
def test_what_to_do_depends_on_what_happened(order_for, verdict, words):
    assert words in write(order_for(), None, verdict)[0]


REFUSED = (
    "transactions: 2 of 9 rows (22.2%) can't be used, more than max_rejected_share = 0.01 allows.\n"
    '  transactions.amount: 2 of 9 values are not numbers (first: row 3, "1,5"). Amounts must be decimal numbers. '
    'Correct the file, or set decimal="," for this source.'
)


@pytest.mark.parametrize(
    ("judge", "chinese"),
    [
        (lambda: verdict.refused(REFUSED), "9行中有2行（22.2%）不能使用"),
        (
            lambda: verdict.of_error("NotEnoughData", "2 of 5 customers bought a second time; a purchase model "
                                     "needs at least 10. Use a longer history."),
            "5个客户中有2个买过第二次",
        ),
        (
            lambda: verdict.of_error("ParameterError", 'mode is "x"; it must be one of: a, b.'),
            "mode为“x”；须为其中之一",
        ),
    ],
)  # fmt: skip
def test_a_chinese_failure_page_says_the_error_in_chinese(order_for, judge, chinese):
    with words.speaking("zh"):
        found = verdict.both(judge)
        order = order_for(language="zh")
        page = failure.page(order, order.jobs[0], found, AT, "2026-11-01T12-00-00.log")
    assert chinese in page
    assert found.english
    assert found.english not in page
    assert "英文" not in page


def test_an_error_that_no_catalogue_knows_is_shown_in_english_and_says_so(order_for):
    with words.speaking("zh"):
        found = verdict.both(lambda: verdict.refused("Something that nobody translated."))
        order = order_for(language="zh")
        page = failure.page(order, order.jobs[0], found, AT, "2026-11-01T12-00-00.log")
    assert '<div class="note" role="note" lang="en">Something that nobody translated.' in page
