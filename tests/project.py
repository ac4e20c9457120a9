"""A copy of the project to run the command in, and the sample's pages, made once for all who need them."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parent.parent


class Project:
    """A copy of what a run needs, so that tests never write into the person's own reports.

    `made` is the folder of a project whose pages are copied, too.
    """

    def __init__(self, folder, made=None):
        self.folder = folder
        for name in ("data", "notebooks"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "crm.toml", folder)
        if made:
            shutil.copytree(made / "reports", folder / "reports")

    def crm(self, *arguments):
        """Run the command `crm` here; the finished process with its text."""
        command = [str(Path(sys.executable).parent / "crm"), *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    def page(self, source, as_of, name):
        return self.folder / "reports" / source / as_of / f"{name}.html"

    def figures(self, source, as_of, topic):
        path = self.page(source, as_of, topic).with_name(f"{topic}.figures.json")
        return {f["name"]: f for f in json.loads(path.read_text(encoding="utf-8"))["figures"]}


def sample_run(root):
    """The run that `make report` makes: its folder, and the exit code and words of the command.

    The first process of a test run that asks makes them in `root`; the others wait for it, and copy before they
    change anything.
    """
    folder, said = root / "sample-run", root / "sample-run.json"
    with (root / "sample-run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            folder.mkdir()
            done = Project(folder).crm("report")
            told = {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
            said.write_text(json.dumps(told), encoding="utf-8")
    return SimpleNamespace(folder=folder, **json.loads(said.read_text(encoding="utf-8")))
