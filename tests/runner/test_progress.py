import io

import pytest
from rich.console import Console

from crm_lib.runner.evidence.verdict import FAILED, FINE, Verdict
from crm_lib.runner.progress import Board, Lines, Quiet, for_terminal


def test_without_a_terminal_there_is_one_line_per_report(capsys):
    with Lines() as seen:
        for topic in ("clv", "funnel"):
            seen.waiting(topic)
            seen.started(topic)
        seen.finished("clv", Verdict(FINE), 2.34)
        seen.finished("funnel", Verdict(FAILED, "no rows", 1), 1)
    assert capsys.readouterr().out == "✓ clv  2.3 s  fine\n✗ funnel  1.0 s  failed: no rows\n"


def test_of_a_message_of_several_lines_the_first_is_told(capsys):
    broken = Verdict(FAILED, "2 columns can't be used:\n  at: no date\n  amount: no number", 2)
    for lines in (Lines(), Quiet()):
        lines.finished("clv", broken, 1)
    said = capsys.readouterr()
    assert said.out == "✗ clv  1.0 s  failed: 2 columns can't be used:\n"
    assert said.err == "✗ clv: failed: 2 columns can't be used:\n"


def test_a_pipe_is_no_terminal():
    assert type(for_terminal()) is Lines


@pytest.fixture
def screen():
    return Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)


def test_on_a_terminal_each_report_has_a_row_with_seconds_and_result(screen):
    with Board(screen) as seen:
        seen.waiting("clv")
        seen.waiting("funnel")
        seen.started("clv")
        seen.finished("clv", Verdict(FAILED, "a [bold] message", 1), 2.34)
    last = screen.file.getvalue().rsplit("report", 1)[-1]
    assert "clv" in last
    assert "2.3" in last
    assert "✗ failed: a [bold] message" in last
    assert "waits" in last
