"""The rules of a table as predicates, each with the words for one value, for many, and for what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import ibis

from crm_lib.contract.settings import Scale
from crm_lib.contract.tables import COUNT, DAY, FLAG, MONEY, NUMBER, TEXT, TIME, Column, TableContract
from crm_lib.errors import part

ROW = "__row"
SEEN = "__seen"  # suffix of the column that keeps the text a value was typed from
KNOWN = "__known"  # suffix of the column that is null where the table an id refers to lacks it

EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2100, 12, 31)

# Survey questions and the scale each is answered on; the aspects share one.
SCALE_OF = {
    "surveys": {"nps": "nps", "csat": "csat", "ces": "ces"},
    "survey_items": {"expected": "items", "perceived": "items", "score": "items"},
}

# Days that may lie in the future of any run.
FORWARD = (
    "contract_end",
    "expected_close_on",
    "period_start",
    "period_end",
    "starts_on",
    "ends_on",
    "launched_on",
)


@dataclass(frozen=True)
class Surroundings:
    """What a check needs besides the table: other checked tables, declared scales and signs, the share allowed.

    `parts` holds name and rows of each file, where several files are one table.
    """

    others: Mapping[str, ibis.Table] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    no_later_than: dt.date | None = None
    max_rejected_share: float = 0.01
    decimal: str = "."
    n_broken_lines: int = 0
    parts: tuple[tuple[str, int], ...] = ()

    def place(self, row: int) -> tuple[int, str]:
        """A row as its own file counts it, and that file; no name where there is but one file."""
        for name, n in self.parts:
            if row <= n:
                return row, name
            row -= n
        return row, ""


@dataclass(frozen=True)
class Rule:
    """A rule: its column, the reason on the page, what is said of one value and of many, what is needed and to do.

    `broken` is true where a row breaks it; null counts as kept.
    """

    column: str
    reason: str
    one: str
    many: str
    need: str
    broken: ibis.Value
    quotes: bool = False


def rules_of(contract: TableContract, table: ibis.Table, around: Surroundings) -> Iterator[Rule]:
    """Every rule that the table must keep, in the order in which a row's reason is chosen."""
    for column in contract.columns:
        if column.name in table.columns:
            yield from _column_rules(contract, column, table, around)
    known = {c.name for c in contract.columns}
    for name in table.columns:  # attributes that were given a type
        if name not in known and name + SEEN in table.columns:
            yield from _typed_rules(Column(name, _kind(table[name].type()), ""), table)


def _kind(dtype) -> str:
    for kind, fits in ((DAY, dtype.is_date()), (TIME, dtype.is_timestamp()), (MONEY, dtype.is_decimal())):
        if fits:
            return kind
    return COUNT if dtype.is_integer() else FLAG if dtype.is_boolean() else NUMBER


def _column_rules(contract, column: Column, table: ibis.Table, around: Surroundings) -> Iterator[Rule]:
    value = table[column.name]
    yield from _typed_rules(column, table)
    if column.required:
        empty = value.isnull()
        if column.name + SEEN in table.columns:
            empty &= table[column.name + SEEN].isnull()
        yield Rule(column.name, "empty", "values is empty", "values are empty", "Every row needs one.", empty)
    if column.type in (DAY, TIME):
        yield from _date_rules(column, value, around)
    if column.one_of:
        words = ", ".join(column.one_of)
        need = part(f"It must be one of: {words}. Correct the file, or translate their values in crm.toml.")
        broken = value.notin(column.one_of)
        yield Rule(column.name, f"none of {words}", "values is not known", "values are not known", need, broken)
    yield from _range_rules(contract, column, value, around)
    if column.name + KNOWN in table.columns:
        need = part(f"Every {column.name} must exist in {column.refers_to}. Correct one of the two files.")
        broken = value.notnull() & table[column.name + KNOWN].isnull()
        many = part(f"values do not exist in {column.refers_to}")
        yield Rule(column.name, "unknown id", f"values does not exist in {column.refers_to}", many, need, broken)


def with_known(contract: TableContract, table: ibis.Table, around: Surroundings) -> ibis.Table:
    """The table with a column `<id>__known` for each id whose other table is there.

    Joined, since Spark knows no IN of another table within a count, and PostgreSQL has a slow one.
    """
    for column in contract.columns:
        other = around.others.get(column.refers_to) if column.refers_to else None
        if other is None or column.name not in table.columns:
            continue
        name = column.name + KNOWN
        ids = other.select(**{name: other[_key_of(column, other)]}).distinct()
        table = table.left_join(ids, table[column.name] == ids[name])
    return table


def _key_of(column: Column, other: ibis.Table) -> str:
    return column.name if column.name in other.columns else other.columns[0]


NEEDS = {
    MONEY: part("Amounts must be decimal numbers."),
    COUNT: part("Counts must be whole numbers."),
    NUMBER: part("Values must be numbers."),
}


def _typed_rules(column: Column, table: ibis.Table) -> Iterator[Rule]:
    name = column.name
    if name + SEEN in table.columns:
        lost = table[name].isnull() & table[name + SEEN].notnull()
        if table[name].type().is_floating():  # to Spark, NaN is null as well
            lost &= ~table[name].isnan().fill_null(False)
        if column.type in NEEDS:
            need = NEEDS[column.type]
            yield Rule(name, "not a number", "values is not a number", "values are not numbers", need, lost, True)
        elif column.type in (DAY, TIME):
            need = part("Dates must exist, such as 2026-10-31. Correct the file, or set dates for this source.")
            yield Rule(name, "not a date", "values is not a date", "values are not dates", need, lost, True)
        elif column.type == FLAG:
            need = part("It must be true or false, yes or no, 1 or 0.")
            yield Rule(name, "not yes or no", "values is not yes or no", "values are not yes or no", need, lost)
    if table[name].type().is_floating():
        broken = table[name].isnan() | is_infinite(table[name])
        need = part("Values must be finite numbers. Correct the file.")
        yield Rule(name, "not finite", "values is not finite", "values are not finite", need, broken, True)


def is_infinite(value: ibis.Value) -> ibis.Value:
    """Whether a float is ∞ or −∞, compared by its value: what ibis 12 writes for Spark is never true."""
    return value.abs() == ibis.literal(float("inf"))


def endless_told(value: ibis.Value, text: ibis.Value) -> ibis.Value:
    """The text of a float, with NaN and ∞ spelt alike on every engine."""
    endless = ibis.ifelse(value > 0, "inf", "-inf")
    return ibis.cases((value.isnan(), "nan"), (is_infinite(value), endless), else_=text)


def _date_rules(column: Column, value: ibis.Value, around: Surroundings) -> Iterator[Rule]:
    day = value.date() if column.type == TIME else value
    need = part("Dates must lie between 1900 and 2100. Correct the file, or set dates for this source.")
    early = (day < ibis.literal(EARLIEST)) | (day > ibis.literal(LATEST))
    many = part("dates lie before 1900 or after 2100")
    yield Rule(column.name, "impossible date", "dates lies before 1900 or after 2100", many, need, early, True)
    if around.no_later_than and column.name not in FORWARD:
        late = (day > ibis.literal(around.no_later_than)) & (day <= ibis.literal(LATEST))
        need = part(f"Nothing can have happened after {around.no_later_than.isoformat()}. Correct the file.")
        many = part("dates lie after the day of the run")
        yield Rule(column.name, "after the run", "dates lies after the day of the run", many, need, late, True)


def _range_rules(contract, column: Column, value: ibis.Value, around: Surroundings) -> Iterator[Rule]:
    low, high = column.at_least, column.at_most
    if low is not None:
        need = part(f"It must be at least {low:g}. Correct the file.")
        one, many = part(f"values is below {low:g}"), part(f"values are below {low:g}")
        yield Rule(column.name, "too low", one, many, need, value < low, True)
    if high is not None:
        need = part(f"It must be at most {high:g}. Correct the file.")
        yield Rule(
            column.name,
            "too high",
            f"values is above {high:g}",
            f"values are above {high:g}",
            need,
            value > high,
            True,
        )
    scale = around.scales.get(SCALE_OF.get(contract.name, {}).get(column.name, ""))
    if scale is not None:
        span = f"{scale.lowest:g} to {scale.highest:g}"
        need = part(f"The declared scale is {span}. Correct the file, or the scale in crm.toml.")
        off = (value < scale.lowest) | (value > scale.highest)
        many = part(f"values are off the scale {span}")
        yield Rule(column.name, "off the scale", f"values is off the scale {span}", many, need, off, True)


def without_missing_codes(contract: TableContract, table: ibis.Table, scales: Mapping[str, Scale]) -> ibis.Table:
    """Answers that are codes for "no answer" become empty."""
    questions = SCALE_OF.get(contract.name, {})
    blank = {}
    for column, name in questions.items():
        scale = scales.get(name)
        if scale and scale.missing and column in table.columns and table[column].type().is_numeric():
            value, seen = table[column], column + SEEN
            is_code = value.isin(scale.codes).fill_null(False)
            if seen in table.columns:
                is_code |= table[seen].strip().lower().isin(scale.words).fill_null(False)
                blank[seen] = ibis.ifelse(is_code, ibis.null(TEXT), table[seen])
            blank[column] = ibis.ifelse(is_code, ibis.null(NUMBER), value)
    return table.mutate(**blank) if blank else table
