"""One notebook in a process of its own: run it, judge it, make its page in a folder aside.

Started as `python -m crm_lib.runner.worker` with a JSON task on standard input. Standard output carries one JSON
line per event: `{"kernel": pid}`, then `{"verdict": {...}}`. Standard error goes to the log of the run.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_lib.runner import figures, parameters, verdict
from crm_lib.theme import words

if TYPE_CHECKING:
    from crm_lib.runner.page import About

EXECUTED = "executed.ipynb"
_events = 1
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def main() -> None:
    """Do the task on standard input; the process ends with 0 whatever the verdict."""
    signal.signal(signal.SIGTERM, _stop)
    _keep_events_to_ourselves()
    _skip_slow_grammar()
    task = json.load(sys.stdin)
    words.use(task["language"])
    try:
        found = make(task)
    except Exception as error:  # the verdict must reach the runner whatever went wrong here
        traceback.print_exc()
        found = verdict.of_error(type(error).__name__, str(error))
    say(verdict=asdict(found))


def make(task: dict[str, Any]) -> verdict.Verdict:
    """Run the notebook of the task, publish into its folder, and write the page there when all is well."""
    folder = Path(task["folder"])
    notebook = execute(task, folder / EXECUTED)
    detail = notebook.metadata.get("crm", {}).get("detail")
    if detail:
        print(_ANSI.sub("", detail), file=sys.stderr)  # noqa: T201
    published = figures.read(folder, task["topic"])
    found = verdict.of_run(notebook, published, task["minutes"])
    if not found.good:
        return found
    from crm_lib.runner import page

    words.use(task["language"], figures.currency(published))
    made, problems = page.make(notebook, about(task, published or {}))
    if problems:
        print("\n".join(problems), file=sys.stderr)  # noqa: T201
        return verdict.bad_page(problems)
    (folder / task["page"]).write_text(made, encoding="utf-8")
    return found


def execute(task: dict[str, Any], output: Path) -> Any:
    """The notebook as the engine left it, whether it ran through or not."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source = nbformat.read(task["notebook"], as_version=4)
    with suppress(PapermillExecutionError):  # the engine wrote down what happened, cell by cell
        papermill.execute_notebook(
            source,
            str(output).replace("{", "{{").replace("}", "}}"),
            parameters={parameters.checked_name(n): v for n, v in task["parameters"].items()},
            engine_name="crm",
            cwd=str(Path(task["notebook"]).parent),
            progress_bar=False,
            run_timeout=task["minutes"] * 60,
            on_kernel=lambda pid: say(kernel=pid),
        )
    return nbformat.read(output, as_version=4)


def about(task: dict[str, Any], published: dict[str, Any]) -> About:
    """What the page says of its making."""
    from crm_lib.runner.page import About

    declared = parameters.declared(Path(task["notebook"]))
    return About(
        topic=task["topic"],
        title=task["title"],
        source_title=task["source_title"],
        as_of=dt.date.fromisoformat(task["as_of"]),
        made_at=task["made_at"],
        command=task["command"],
        version=task["version"],
        commit=task["commit"],
        parameters=task["parameters"],
        help={p.name: p.help for p in declared},
        figures=published,
    )


def say(**event: Any) -> None:
    """Tell the runner."""
    os.write(_events, (json.dumps(event) + "\n").encode())


def _keep_events_to_ourselves() -> None:
    """Let what kernels and libraries print go to the log: the line to the runner is ours alone."""
    global _events
    _events = os.dup(1)
    os.dup2(2, 1)


def _skip_slow_grammar() -> None:
    """Keep jsonschema from compiling a grammar of addresses that no notebook needs: a second of each run."""
    sys.modules.setdefault("rfc3987_syntax", None)


def _stop(_number: int, _frame: Any) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    main()
