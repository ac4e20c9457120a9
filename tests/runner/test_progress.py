import io

import pytest
from rich.console import Console

from crm_lib.runner.progress import Board, Lines, for_terminal
from crm_lib.runner.verdict import FAILED, FINE, Verdict


def test_without_a_terminal_there_is_one_line_per_report(capsys):
    with Lines() as seen:
        for topic in ("clv", "funnel"):
            seen.waiting(topic)
            seen.started(topic)
        seen.finished("clv", Verdict(FINE), 2.34)
        seen.finished("funnel", Verdict(FAILED, "no rows", 1), 1)
    assert capsys.readouterr().out == "✓ clv  2.3 s  fine\n✗ funnel  1.0 s  failed: no rows\n"


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
