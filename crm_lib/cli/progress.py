"""A bar on standard error while a large file is read; nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID


@contextmanager
def progress_bar() -> Iterator[Callable[[Path, float], None]]:
    """A function that is told how far a file is read, drawn on a terminal while it is not finished."""
    console = Console(stderr=True)
    bars: dict[Path, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

        def told(path: Path, share: float) -> None:
            if path not in bars:
                bars[path] = progress.add_task(path.name, total=1.0)
            progress.update(bars[path], completed=share)
            if share >= 1.0:
                progress.remove_task(bars.pop(path))

        yield told
