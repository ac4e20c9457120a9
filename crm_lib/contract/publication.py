"""What a notebook hands over: figures and tables, written beside the page and read again by name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from crm_lib.errors import DataContractError

LEVEL = 0.90

# Figures that the index always shows, whichever topic publishes them.
INDICATORS = ("satisfaction", "loyalty", "conversion", "lifetime_value", "participation")


@dataclass(frozen=True)
class Figure:
    """One number with what a decision needs: interval, level, n, unit, and its name in the reader's words.

    `unit` is one of: a currency code (`CNY`), `share` (0–1), `ratio`, `points`, or a plural noun (`orders`).
    `value` is None where the data can't bear a number; `words` then says why.
    """

    name: str
    value: float | None
    unit: str
    n: int | None = None
    low: float | None = None
    high: float | None = None
    words: str = ""

    @property
    def level(self) -> float | None:
        """Level of the interval: 0.90 everywhere, None without an interval."""
        return LEVEL if self.low is not None else None


@dataclass(frozen=True)
class Publication:
    """What a topic publishes: figures, tables by name, one line for the index, and notes to read with care.

    A publication without notes is fine; with notes the index says "read the notes".
    """

    topic: str
    figures: tuple[Figure, ...]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    summary: str = ""
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Figure:
        """The figure of this name; KeyError where there is none."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def worded(self, words: Mapping[str, str], summary: str, notes: tuple[str, ...] = ()) -> Publication:
        """The same publication in the reader's language: `words` names each figure."""
        figures = tuple(replace(f, words=words.get(f.name, f.words)) for f in self.figures)
        return replace(self, figures=figures, summary=summary, notes=notes)


@dataclass(frozen=True)
class KeyFigures:
    """Published figures as a text table with four significant digits, for JupyterLab and for checked notebooks."""

    publication: Publication

    def __repr__(self) -> str:
        """One line per figure: name, value, interval, n, unit."""
        rows = [(f.name, *(_four_digits(v) for v in (f.value, f.low, f.high)), f.n or "", f.unit) for f in self]
        frame = pd.DataFrame(rows, columns=["figure", "value", "low", "high", "n", "unit"])
        return frame.to_string(index=False)

    def __iter__(self) -> Iterator[Figure]:
        """The figures, in the order of publication."""
        return iter(self.publication.figures)


def _four_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def check_publication(publication: Publication) -> None:
    """Refuse figures that no reader should see: NaN, a name twice, an interval that misses its value."""
    seen = set()
    for f in publication.figures:
        numbers = [v for v in (f.value, f.low, f.high) if v is not None]
        if not all(math.isfinite(v) for v in numbers):
            raise DataContractError(f"{publication.topic}: figure {f.name} holds a value that is not finite.")
        if f.name in seen:
            raise DataContractError(f"{publication.topic}: figure {f.name} is published twice.")
        if (f.low is None) != (f.high is None) or (f.low is not None and f.low > f.high):
            raise DataContractError(f"{publication.topic}: figure {f.name} has a broken interval.")
        seen.add(f.name)


def write(publication: Publication, folder: Path, about: Mapping[str, Any]) -> Path:
    """Write `<topic>.figures.json` and `<topic>/<table>.parquet` into `folder`; `about` describes the data."""
    check_publication(publication)
    for name, frame in publication.tables.items():
        (folder / publication.topic).mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / publication.topic / f"{name}.parquet", index=False)
    document = {
        "topic": publication.topic,
        "summary": publication.summary,
        "notes": list(publication.notes),
        "figures": [asdict(f) | {"level": f.level} for f in publication.figures],
        "tables": sorted(publication.tables),
        "about": dict(about),
    }
    path = folder / f"{publication.topic}.figures.json"
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def read(folder: Path, topic: str) -> Publication:
    """The publication of `topic` in `folder`, tables included; FileNotFoundError where there is none."""
    document = json.loads((folder / f"{topic}.figures.json").read_text(encoding="utf-8"))
    figures = tuple(Figure(**{k: v for k, v in f.items() if k != "level"}) for f in document["figures"])
    tables = {name: pd.read_parquet(folder / topic / f"{name}.parquet") for name in document["tables"]}
    return Publication(topic, figures, tables, document["summary"], tuple(document["notes"]))
