import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from crm_lib.errors import ConfigError, CrmError, DataContractError

BROKEN = "from crm_lib.errors import DataContractError\nraise DataContractError('Seen: 3 rows without a day.')"


def shown(code, **environment):
    """Text of the error that a kernel shows for a cell of code."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    env = {k: v for k, v in os.environ.items() if k != "CRM_PUBLISH_TO"} | environment
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute(env=env)
    (output,) = notebook.cells[0].outputs
    return output


def test_jupyter_shows_the_message_in_a_box_and_no_traceback():
    output = shown(BROKEN)
    text = "\n".join(output["traceback"])
    assert "The data are not as agreed" in text
    assert "Seen: 3 rows without a day." in text
    assert "Traceback" not in text
    assert output["ename"] == "DataContractError"


def test_a_scheduled_run_keeps_the_traceback(tmp_path):
    assert "Traceback" in "\n".join(shown(BROKEN, CRM_PUBLISH_TO=str(tmp_path))["traceback"])


def test_other_errors_keep_their_traceback():
    assert "ZeroDivisionError" in "\n".join(shown("1 / 0")["traceback"])


def test_the_box_holds_long_words_and_several_lines():
    lines = ConfigError("one " * 60 + "\n\n" + "x" * 200)._render_traceback_()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].startswith("┌─ crm.toml needs a look ─")


@pytest.mark.parametrize("error", [CrmError, DataContractError])
def test_python_itself_shows_the_usual_traceback(error):
    code = f"from crm_lib.errors import {error.__name__}\nraise {error.__name__}('why')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Traceback (most recent call last)" in done.stderr
