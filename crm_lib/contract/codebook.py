"""Writes the codebook `data/README.md` out of the contract: `python -m crm_lib.contract.codebook`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crm_lib.contract.datasets import DATASETS, Dataset
from crm_lib.contract.tables import COUNT, DAY, FLAG, MONEY, NUMBER, TABLES, TEXT, TIME, Column, TableContract
from crm_lib.contract.topics import TOPICS

PLAIN = {
    TEXT: "text",
    DAY: "day",
    TIME: "time",
    MONEY: "money",
    COUNT: "whole number",
    NUMBER: "number",
    FLAG: "yes/no",
}

TOP = """\
# Codebook

*Written by `python -m crm_lib.contract.codebook`; a test holds it true. Change the contract, not this page.*

What each table and column means, which of them each report needs, how `crm.toml` says where they come from,
and where the data in this folder are from. `data/raw/` is yours: git ignores it.
"""

RULES = """\
## Rules for all tables

- Ids are text: leading zeros stay. Money has two decimals. Days are compared with the as-of date, not hours.
- **Needed** columns must exist and hold a value in every row; any other column may be missing.
- **Known on** is the column that says when a row came to be known. With an earlier as-of date, rows known later
  are left out and *outcomes* (in italics) dated later are blank: a deal closed later is open again. Targets,
  market figures and contract ends stay. An outcome without a date of its own stays with its row.
- **Key** columns are different in every row. Tables without a key may hold exact duplicates.
- Several rows of one customer and day are one order, if their sum is not negative. A day with a negative sum
  lowers money and is no order.
- Rows that break a rule are set aside into `rejected/<source>/` with the reason, counted and priced on the page;
  when more than `max_rejected_share` (1 %) of a table would go, the table is refused. So is a table without rows,
  with a missing column, in another encoding than declared, or with a key that occurs twice.
- Dates lie between 1900 and 2100. Further columns of `customers` and `customer_summaries` are kept as attributes.
"""

SETTINGS = """\
## How crm.toml says where data come from

`crm init FILE` writes such a block from your own files: it proposes, asks what it can't know, and you correct it here.

A source without `tables` is a folder (or a DuckDB file) that holds the tables under the names and columns above.
Anything else is declared; nothing is guessed. Reading keys may stand at the source, for all its tables, or at
a table.

| key of `[sources.NAME]` | meaning |
|---|---|
| `path` | folder of the files, or the DuckDB file; relative to `crm.toml`; a server has none |
| `kind` | `folder` (default), `duckdb`, `postgres` or `spark`: see `docs/engines.md` |
| `title` | name for readers |
| `as_of` | default last day of data |
| `currency` | currency code, such as `CNY` |
| `settings` | facts of the company: margin, stages, scales …; `[company]` holds those common to all sources |
| `published` | figures printed elsewhere that a page recomputes: topic, figure, value, within, citation, words, and `up_to`, the last day of their data |

| key of a source with `kind = "postgres"` | meaning | default |
|---|---|---|
| `url_env` | the environment variable that holds the address and the password of the database; never the address itself | |
| `schema` | the schema of the tables | `public` |
| `statement_timeout_s` | seconds after which the database ends a query; 0: never | 600 |

| key of a source with `kind = "spark"` | meaning | default |
|---|---|---|
| `path` | folder of the tables; with `://` an address that Spark reads itself | |
| `schema` | tables of its catalog instead: `database` or `catalog.database` | |
| `format` | `parquet` or `delta` | `parquet` |
| `address_env` | the environment variable that holds the address of a Spark Connect server; without it Spark starts here | |
| `master`, `memory`, `conf` | of a Spark that starts here: where it works, its memory, further properties | `local[*]`, `2g`, none |

| key of `[sources.NAME.tables.TABLE]` | meaning |
|---|---|
| `file` | file name (`.csv`, `.tsv`, `.txt`, `.gz`, `.xlsx`, `.xls`, `.parquet`), or the table's name in a database |
| `files` | several files that are one table, instead of `file`: names, or patterns such as `"orders_????-??.csv"` |
| `columns` | where each of our columns comes from, see below; columns that bear our name need no entry |
| `keep` | further columns kept as attributes, as they are |
| `leave_out` | values of their columns whose rows are no rows of the table: `{ "State" = ["cancelled"] }` |
| `currency_column` | their column that names the currency of each row's amounts; `crm check` counts its values |
| `unpivot` | for wide surveys: a list of aspects with their `expected`, `perceived` or `score` column |

| reading key | meaning | default |
|---|---|---|
| `encoding` | `utf-8`, `utf-8-sig`, `utf-16`, `gb18030`, `latin-1`, `cp1252` | `utf-8` |
| `separator` | `","` `";"` `"\\|"` `"tab"` `"whitespace"` | `","` |
| `skip` | lines, or rows of a sheet, above the header | 0 |
| `sheet` | the sheet of a workbook; needed where it has several | |
| `header` | whether the first line names the columns | `true` |
| `names` | the columns in order, where there is no header | |
| `decimal` | decimal sign | `"."` |
| `thousands` | sign between thousands | none |
| `dates` | `"day-first"`, `"month-first"`, `"excel"` (days as numbers: 45292), or forms such as `"%Y%m%d"` (several: a list) | ISO: 2026-10-31 |

| fact in `settings` | meaning | default |
|---|---|---|
| `company` | name of the company | |
| `margin_share` | share of revenue that is margin; unknown: pages speak of revenue, not profit | unknown |
| `annual_discount_share` | yearly discount on money to come | 0 |
| `max_rejected_share` | share of a table's rows that may be set aside | 0.01 |
| `suppress_below` | smallest number of answers shown | 5 |
| `compare_from` | smallest number that is compared | 30 |
| `funnel.stages`, `funnel.parts` | stages in order, and the part of each: outside, top, middle, bottom | |
| `funnel.maturity_days` | age from which a deal counts in conversion | 90 |
| `satisfaction.scales` | by question (`nps`, `csat`, `ces`, `items`): `lowest`, `highest`, `missing` codes (numbers, or texts such as `"N/A"`), `top_from` | |
| `campaigns.control_share` | planned share of contacts held out, to check that arms came out as planned | none |
| `satisfaction.touchpoints` | touchpoints in the order of the journey | |
| `satisfaction.drivers` | aspects held against contentment, at most 12 | all |
| `satisfaction.comments` | by category, the words that put a comment into it; comments are only ever counted | |
| `action_plan.plays` | the moves, in order: `name`, `title`, `channel` (none: leave alone), `offer`, `cost` of a contact, `when`, `bought`, `not_yet`, `priority` (1 before 2), `owner`, `uplift` with `uplift_low`, `uplift_high` and `uplift_source`, `ignores` | |
| … `when` | conditions that must all hold: `column` of the customer table, and `any_of`, or `at_least` and `at_most` | |
| … `uplift` | expected rise (0–1) of the chance of an order within the outcome window; without `uplift_source` it is shown as an assumption | |
| … `ignores` | guards that don't hold for the play: `complaint`, `purchase` | |
| `action_plan.channels` | channel → `budget` in money and contacts `per_owner` of one plan | no limit |
| `action_plan.guard` | `caps` (days → contacts), `after_complaint_days`, `after_purchase_days`, `global_holdout_share` | 7 → 1, 30 → 4; 30; 7; 0.02 |
| `action_plan.outcome_days` | days after sending within which a contact is judged | 42 |
| `action_plan.valid_days` | days within which a plan may be approved | 30 |
| `action_plan.holdout_least_share`, `action_plan.holdout_most_share` | bounds of the hold-out, whose size follows from its power | 0.1, 0.3 |

| key for the reports, at the top of crm.toml or in `[sources.NAME]` | meaning |
|---|---|
| `contact` | whom a reader asks when a report is missing |
| `[thresholds]` | figure (or `"topic.figure"`) → `at_least`, `at_most`, `moves_by`; beyond them a report says "read the notes". `moves_by` is a change since the date before: of shares, ratios and points in their own unit, of money and counts as a share |
| `[deliver]` | with `crm report --deliver`: `to` and `sender` of the mail, `smtp_env`, the variable that holds the server's URL, and `on_done`, a command as a list |
| `fresh_days` | days that may lie between the newest row and the date of the report; a page whose data are older says so and is called stale (exit code 3). Each table that the report needs must be as fresh, not those it can also use; none set: never |
| `time_zone` | says when a day is over, as `Asia/Shanghai`; else the machine's own |
| `phone_like_ids` | `true` lets ids of eleven digits pass that look like mobile numbers; else such a page is not shown |

| a column is | written as |
|---|---|
| theirs | `at = "Order date"` |
| theirs in other words | `outcome = { column = "State", values = { Won = "won" }, other = "" }`: what is not listed becomes `other`, or stays |
| theirs for some rows | `closed_at = { column = "Close date", when = { "Stage" = ["Won", "Lost"] } }`: empty elsewhere |
| theirs in another unit | `amount = { column = "万元", times = 10000 }` |
| an attribute with a type | `staff = { column = "n", type = "count" }` (text, day, time, money, count, number, flag) |
| the same for all rows | `asked_at = { value = "2026-01-01" }` |
| made from the row number | `response_id = { row_id = "R" }` |
| in another file, or another table of the database | `region = { lookup = { file = "teams.csv", on = "agent", column = "office", key = "name" } }` |
"""  # noqa: E501


def codebook() -> str:
    """The whole page as markdown."""
    return "\n".join((TOP, _topics(), RULES, _tables(), SETTINGS, _datasets(DATASETS)))


def _topics() -> str:
    lines = ["## Which report needs what", "", "| report | question | needs | can also use |", "|---|---|---|---|"]
    for topic in TOPICS.values():
        needs = " or ".join(" + ".join(f"`{t}`" for t in way) for way in topic.needs)
        useful = ", ".join(f"`{t}`" for t in topic.useful)
        lines.append(f"| `{topic.name}` | {topic.question} | {needs} | {useful} |")
    return "\n".join(lines) + "\n"


def _tables() -> str:
    return "## Tables\n\n" + "\n".join(_table(t) for t in TABLES.values())


def _table(table: TableContract) -> str:
    key = " + ".join(f"`{k}`" for k in table.key) or "none"
    known = " or ".join(f"`{c}`" for c in table.known_on) or (
        f"through `{table.known_through}`" if table.known_through else "–"
    )
    lines = [f"### {table.name}", "", f"{_sentence(table.meaning)} Key: {key}. Known on: {known}.", ""]
    lines += ["| column | type | needed | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_column(c) for c in table.columns)]) + "\n"


def _column(column: Column) -> str:
    name = f"*{column.name}*" if column.outcome else column.name
    needed = "yes" if column.required else ""
    meaning = "; ".join((column.meaning, *_limits(column)))
    return f"| {name} | {PLAIN[column.type]} | {needed} | {meaning} |"


def _limits(column: Column) -> Iterable[str]:
    if column.one_of:
        yield "one of: " + ", ".join(f"`{v}`" for v in column.one_of)
    if column.at_least is not None:
        yield f"at least {column.at_least:g}"
    if column.at_most is not None:
        yield f"at most {column.at_most:g}"
    if column.refers_to:
        yield f"must exist in `{column.refers_to}`, where that table is given"


def _datasets(datasets: Iterable[Dataset]) -> str:
    lines = [
        "## Data in this folder",
        "",
        "| source | what | rows | default as_of | licence |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| `{d.source}` | {d.what} | {d.rows} | {d.as_of} | {d.licence} |" for d in datasets]
    parts = [f"### {d.source}\n\n{d.origin}\n\n" + "\n".join(f"- {f}" for f in d.facts) + "\n" for d in datasets]
    return "\n".join(lines) + "\n\n" + "\n".join(parts)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def write(path: Path) -> None:
    """Write the codebook to `path`."""
    path.write_text(codebook(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "data" / "README.md")
