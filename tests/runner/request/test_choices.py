import json
import shlex
from itertools import pairwise

import pytest

from crm_lib.errors import ParameterError
from crm_lib.runner.request import choices

CELL = [
    'source: str = "sample"\nas_of: str = ""\nlanguage: str = "en"\n',
    "horizon_weeks: int = 52  # weeks, 4 to 156\n",
    'stages: list[str] = ["a", "b"]  # in order\n',
]
COMMON = {"source": "cdnow", "as_of": "1998-06-30", "language": "en"}


@pytest.fixture
def notebook(tmp_path):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": CELL}
    path = tmp_path / "clv.ipynb"
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return path


def test_settings_are_told_apart_by_topic():
    given = choices.split(["clv.horizon_weeks=39", "funnel.stages=a=b", "funnel.stages=c"], ["clv", "funnel"])
    assert given == {"clv": {"horizon_weeks": "39"}, "funnel": {"stages": ["a=b", "c"]}}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("horizon_weeks=39", "must look like clv.horizon_weeks=39"),
        ("clv.horizon_weeks", "must look like clv.horizon_weeks=39"),
        ("clw.horizon_weeks=39", 'Did you mean "clv"'),
        ("clv.as_of=1998-06-30", "use --as-of"),
    ],
)
def test_a_setting_that_can_not_be_meant_is_refused(setting, words):
    with pytest.raises(ParameterError, match=words):
        choices.split([setting], ["clv"])


def test_the_command_names_what_differs_from_the_defaults(notebook):
    chosen = choices.values("clv", notebook, {"horizon_weeks": "39", "stages": ["x y", "z"]}) | COMMON
    assert choices.command("clv", notebook, chosen, "quick") == (
        "crm report clv --source cdnow --as-of 1998-06-30 --label quick --set clv.horizon_weeks=39 "
        "--set 'clv.stages=x y' --set clv.stages=z"
    )


@pytest.mark.parametrize("stages", [["a, b"], [], ["a", "b, c"], ["x"]])
def test_the_command_makes_the_same_choice_again(notebook, stages):
    chosen = choices.values("clv", notebook, {}) | COMMON | {"stages": stages}
    words = shlex.split(choices.command("clv", notebook, chosen))
    settings = [word for before, word in pairwise(words) if before == "--set"]
    again = choices.values("clv", notebook, choices.split(settings, ["clv"]).get("clv", {}))
    assert again["stages"] == stages


def test_a_notebook_without_the_common_parameters_is_refused(tmp_path):
    path = tmp_path / "clv.ipynb"
    path.write_text('{"cells": []}', encoding="utf-8")
    with pytest.raises(ParameterError, match=r"clv.ipynb lacks source, as_of, language"):
        choices.values("clv", path, {})
