"""One notebook in a process of its own: run it, judge it, make its page in a folder aside.

Started as `python -m crm_lib.runner.worker`, or forked from a warm process, with a task as one line of JSON on
standard input, which then stays open: when it closes, the runner is gone and so are we. Standard output carries
one JSON line per event: `{"kernel": pid}`, then `{"verdict": {...}}`. Standard error goes to the log of the run.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_lib.contract.reporting import Reporting, Threshold
from crm_lib.runner import transient
from crm_lib.runner.evidence import freshness, privacy, thresholds, verdict
from crm_lib.runner.kernels import scrubbing
from crm_lib.runner.kernels.warm import end_group
from crm_lib.runner.pages import figures, shown_tables, spreadsheet
from crm_lib.runner.request import parameters
from crm_lib.runner.store import archive, lists
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

if TYPE_CHECKING:
    from crm_lib.runner.pages.page import About

EXECUTED = "executed.ipynb"
_events = 1
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def main() -> None:
    """Do the task on standard input; the process ends with 0 whatever the verdict."""
    signal.signal(signal.SIGTERM, _stop)
    _keep_events_to_ourselves()
    skip_slow_grammar()
    task = json.loads(sys.stdin.readline())
    kernels: list[int] = []
    threading.Thread(target=_watch, args=(kernels,), daemon=True).start()
    words.use(task["language"])
    cost: dict[str, Any] = {}
    try:
        found = make(task, kernels, cost)
    except Exception as error:  # the verdict must reach the runner whatever went wrong here
        traceback.print_exc()
        name, text = type(error).__name__, str(error)
        found = verdict.both(lambda: verdict.of_error(name, text))
    say(verdict=asdict(found), cost=cost)


def make(task: dict[str, Any], kernels: list[int], cost: dict[str, Any]) -> verdict.Verdict:
    """Run the notebook of the task, publish into its folder, and write the page there when all is well.

    The kernel's process id is added to `kernels`, the seconds that each part took to `cost`.
    """
    folder, clock = Path(task["folder"]), time.monotonic()
    notebook = execute(task, folder / EXECUTED, kernels)
    scrubbing.published(folder, task["topic"], scrubbing.secrets())
    ended = notebook.metadata.get("crm", {})
    parts = ended.get("seconds", {})
    cost.update(parts, runner=round(time.monotonic() - clock - sum(parts.values()), 3))
    cost["memory_mb"] = ended.get("memory_mb", 0)
    cost["kernel_starts"] = ended.get("starts", 1)
    if ended.get("detail"):
        print(_ANSI.sub("", ended["detail"]), file=sys.stderr)  # noqa: T201
    reporting = reporting_of(task)
    published = thresholds.settle(folder, task["topic"], Path(task["place"]), reporting.thresholds)
    published = freshness.settle(folder, published, reporting.fresh_days)
    found = verdict.both(lambda: verdict.of_run(notebook, published, task["minutes"]))
    if not found.good:
        return replace(found, transient=transient.of_notebook(notebook))
    clock = time.monotonic()
    found = _write_page(task, notebook, published or {}, found)
    cost["page"] = round(time.monotonic() - clock, 3)
    return found


def _write_page(
    task: dict[str, Any], notebook: Any, published: dict[str, Any], found: verdict.Verdict
) -> verdict.Verdict:
    from crm_lib.runner.pages import page

    words.use(task["language"], figures.currency(published))
    told = about(task, published)
    made, problems = page.make(notebook, told)
    problems += beside(Path(task["folder"]), task["topic"], published, told.phone_like_ids)
    if problems:
        print("\n".join(problems), file=sys.stderr)  # noqa: T201
        return verdict.both(lambda: verdict.bad_page(problems))
    (Path(task["folder"]) / task["page"]).write_text(made, encoding="utf-8")
    shown_tables.write(Path(task["folder"]), made, task["topic"], task["language"])
    lists.write(Path(task["folder"]))
    return found


def beside(folder: Path, topic: str, published: dict[str, Any], phone_like_ids: bool) -> list[str]:
    """What no reader must see beside the page: in CSV tables, and in words for index, mail and comparison."""
    said = [published.get("summary", ""), *published.get("notes", [])]
    said += [figure.get("words") or "" for figure in published.get("figures", [])]
    texts = [(_("figures"), "\n".join(said)), *spreadsheet.texts(folder, topic)]
    return privacy.problems(texts, privacy.secrets_of(os.environ), phone_like_ids)


def execute(task: dict[str, Any], output: Path, kernels: list[int]) -> Any:
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
            memory_mb=task.get("memory_mb", 0),
            on_kernel=lambda pid: (kernels.append(pid), say(kernel=pid)),
        )
    return nbformat.read(output, as_version=4)


def about(task: dict[str, Any], published: dict[str, Any]) -> About:
    """What the page says of its making."""
    from crm_lib.runner.pages.page import About

    title = task["title"]
    declared = parameters.declared(Path(task["notebook"]))
    return About(
        topic=task["topic"],
        title=words.gettext(title),
        index=archive.index_name(task["language"]),
        source_title=task["source_title"],
        as_of=dt.date.fromisoformat(task["as_of"]),
        made_at=task["made_at"],
        command=task["command"],
        version=task["version"],
        commit=task["commit"],
        parameters=task["parameters"],
        declared=declared,
        figures=published,
        sheets=spreadsheet.write(Path(task["folder"]), task["topic"]),
        phone_like_ids=reporting_of(task).phone_like_ids,
    )


def reporting_of(task: dict[str, Any]) -> Reporting:
    """What crm.toml says of the reports, out of the task: what a worker needs of it."""
    limits = {name: Threshold(**limit) for name, limit in task["thresholds"].items()}
    return Reporting(thresholds=limits, phone_like_ids=task["phone_like_ids"], fresh_days=task.get("fresh_days"))


def say(**event: Any) -> None:
    """Tell the runner."""
    os.write(_events, (json.dumps(event) + "\n").encode())


def _keep_events_to_ourselves() -> None:
    """Let what kernels and libraries print go to the log: the line to the runner is ours alone."""
    global _events
    _events = os.dup(1)
    os.dup2(2, 1)


def skip_slow_grammar() -> None:
    """Keep jsonschema from compiling a grammar of addresses that no notebook needs: a second of each run."""
    sys.modules.setdefault("rfc3987_syntax", None)


def _watch(kernels: list[int]) -> None:
    """End with the runner: its way in is closed when it has gone, however it went."""
    while os.read(0, 4096):
        pass
    for pid in kernels:
        end_group(pid)
    os._exit(1)


def _stop(_number: int, _frame: Any) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    main()
