"""What docs/schedule.md shows can be typed in: each example is parsed, and its commands are ones that we know."""

import ast
import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from crm_lib import cli
from crm_lib.runner.evidence import verdict

PAGE = (Path(__file__).parent.parent / "docs" / "schedule.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S*)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def block(kind):
    (found,) = [text for name, text in BLOCKS if name == kind]
    return found


def known(line):
    """Parse the arguments of a `crm` command as the command itself does, without running it."""
    words = shlex.split(line)
    arguments = words[next(i for i, word in enumerate(words) if word == "crm" or word.endswith("bin/crm")) + 1 :]
    arguments = arguments[: next((i for i, word in enumerate(arguments) if word in {"&&", "|", ">"}), None)]
    command = typer.main.get_command(cli.app).commands[arguments[0]]
    return command.make_context(arguments[0], arguments[1:])


def cron_lines():
    return [line for line in block("crontab").splitlines() if line and not line.startswith(("#", "MAILTO="))]


@pytest.mark.parametrize("line", cron_lines())
def test_a_crontab_line_has_five_fields_in_their_ranges_and_a_known_command(line):
    *fields, command = line.split(None, 5)
    assert len(fields) == 5
    for field, (low, high) in zip(fields, FIELDS, strict=True):
        assert re.fullmatch(r"\*|\d+(-\d+)?", field)
        assert all(low <= int(number) <= high for number in re.findall(r"\d+", field))
    assert not re.search(r"(?<!\\)%", command), "an unescaped % ends the command in a crontab"
    assert known(command.replace(r"\%", "%"))


def unit(kind):
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read_string(block(kind))
    return parsed


def test_the_systemd_units_belong_together():
    service, timer = unit("systemd-service"), unit("systemd-timer")
    assert service["Service"]["Type"] == "oneshot"
    assert known(service["Service"]["ExecStart"])
    codes = {int(code) for code in service["Service"]["SuccessExitStatus"].split()}
    assert codes == {verdict.EXIT_STALE, verdict.EXIT_BUSY}
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(tmp_path):
    service = block("systemd-service").replace("/srv/crm/.venv/bin/crm", sys.executable)
    service = service.replace("User=crm\n", "").replace("OnFailure=crm-report-failed.service\n", "")
    service = service.replace("WorkingDirectory=/srv/crm", f"WorkingDirectory={tmp_path}")
    (tmp_path / "crm-report.service").write_text(service, encoding="utf-8")
    (tmp_path / "crm-report.timer").write_text(block("systemd-timer"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_airflow_example_is_python_with_a_known_command():
    calls = [node for node in ast.walk(ast.parse(block("python"))) if isinstance(node, ast.Call)]
    plain = [k for call in calls for k in call.keywords if isinstance(k.value, ast.Constant)]
    given = {k.arg: k.value.value for k in plain}
    assert known(given["bash_command"].replace("{{ data_interval_end | ds }}", "2026-11-01"))


def test_the_github_example_is_yaml_with_known_commands():
    steps = yaml.safe_load(block("yaml"))["jobs"]["report"]["steps"]
    commands = [step["run"] for step in steps if "crm" in step.get("run", "")]
    assert [known(command).info_name for command in commands] == ["report"]


def test_commands_in_the_text_are_known():
    (command,) = [text for name, text in BLOCKS if not name]
    assert known(command)
    inline = re.findall(r"`(crm [^`]+)`", PAGE)
    assert [known(line).info_name for line in inline] == ["tidy"]


def test_every_exit_code_is_explained():
    cells = re.findall(r"^\| ([\d, ]+) \|", PAGE, flags=re.MULTILINE)
    told = {int(code) for cell in cells for code in cell.split(",")}
    assert told == {value for name, value in vars(verdict).items() if name.startswith("EXIT_")}
