"""Which table a file is: by the columns it can fill, by its name, and by whether its key is one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crm_lib.contract.tables import TABLES
from crm_lib.errors import DataContractError
from crm_lib.sources.guess.columns import CERTAIN, GENERAL, NAMED, PARTLY, Match, fits, is_unique, matches
from crm_lib.sources.guess.pieces import Answers, Piece
from crm_lib.sources.guess.profiles import Profile, profile_of
from crm_lib.sources.guess.proposal import NONE, Question
from crm_lib.sources.guess.shapes import plain
from crm_lib.sources.guess.vocabulary import CASE_KINDS, HINTS

WEIGHT = {CERTAIN: 2.0, GENERAL: 1.0, NAMED: 1.0, PARTLY: 0.5}
_HINTED, _CLEAR, _ENOUGH = 3.0, 2.0, 3.0
# Words in a fixed set that no export uses as they are: without one of them the file is no such table.
_TELLTALE = {"opportunities": ("stage", "outcome", "expected_close_on")}


@dataclass(frozen=True)
class Choice:
    """The table that a piece is, what could be each column, the export it was recognised as, or a question."""

    table: str
    matches: dict[str, list[Match]]
    profile: Profile | None = None
    question: Question | None = None


def choose_table(piece: Piece, answers: Answers) -> Choice:
    """The table of a piece; table `none` where it is none of ours."""
    said = answers.get(piece.label, "table")
    if said and said != NONE and said not in TABLES:
        raise DataContractError(f'There is no table "{said}"; there are {", ".join(TABLES)}.')
    profile = profile_of([c.name for c in piece.columns])
    if said:
        same = profile if profile and profile.table == said else None
        return Choice(said, {} if said == NONE else _by_profile(piece, said, same), same)
    if profile:
        return Choice(profile.table, _by_profile(piece, profile.table, profile), profile)
    found = {table: matches(table, list(piece.columns)) for table in TABLES}
    ranked = sorted(((_score(piece, t, m), t) for t, m in found.items() if _possible(piece, t, m)), reverse=True)
    if not ranked:
        near = _nearest(piece, found)
        return Choice(near, found.get(near, {}))
    best, table = ranked[0]
    rivals = [t for score, t in ranked[1:] if best - score < _CLEAR]
    if rivals or best < _ENOUGH:
        choices = (*((t, TABLES[t].meaning) for t in (table, *rivals)), (NONE, "leave it out"))
        words = f"{piece.label}: which table is it?"
        return Choice(table, found[table], question=Question(f"{piece.label}:table", words, choices))
    return Choice(table, found[table])


def _by_profile(piece: Piece, table: str, profile: Profile | None) -> dict[str, list[Match]]:
    """What the vocabulary finds, with the profile's columns first."""
    found = matches(table, list(piece.columns))
    if profile:
        by_name = {plain(c.name): c for c in piece.columns}
        for target, header in profile.columns.items():
            theirs = by_name.get(plain(header))
            if theirs and fits(TABLES[table].column(target), theirs):
                found[target] = [Match(target, theirs, CERTAIN)]
    return {target: those for target, those in found.items() if those}


def _possible(piece: Piece, table: str, found: dict[str, list[Match]]) -> bool:
    contract = TABLES[table]
    key = contract.key[0] if len(contract.key) == 1 else ""
    needed = {*contract.required, *([key] if key else [])}
    if any(name not in found or found[name][0].by == PARTLY for name in needed):
        return False
    if table in _TELLTALE and not any(name in found for name in _TELLTALE[table]):
        return False
    if not all(
        _translatable(piece, found[c.name][0], c.name) for c in contract.columns if c.required and c.one_of
    ):
        return False
    return not key or is_unique(piece.raw, found[key][0].column.name)


def _translatable(piece: Piece, match: Match, target: str) -> bool:
    values = {plain(v) for v in match.column.values}
    ours = set().union(*CASE_KINDS.values()) if target == "kind" else set()
    column = TABLES["campaign_costs"].column(match.target)
    known = ours | {plain(w) for w in (column.one_of if column else ())}
    return values <= known


def _score(piece: Piece, table: str, found: dict[str, list[Match]]) -> float:
    """Columns found, each of theirs counted once, and what the file is called."""
    used: dict[str, float] = {}
    for those in found.values():
        best = those[0]
        used[best.column.name] = max(used.get(best.column.name, 0.0), WEIGHT[best.by])
    return sum(used.values()) + (_HINTED if _hinted(piece.label, table) else 0.0)


def _hinted(label: str, table: str) -> bool:
    """Whether a word of the file's or the sheet's name is one by which such tables go."""
    words = {plain(w) for w in re.split(r"[^A-Za-z\u4e00-\u9fff]+", label)}
    chinese = {h for h in HINTS.get(table, ()) if not h.isascii()}
    return bool(words & HINTS.get(table, frozenset())) or any(h in w for w in words for h in chinese)


def _nearest(piece: Piece, found: dict[str, dict[str, list[Match]]]) -> str:
    """The table that the file nearly is, so that what it lacks can be asked or named; `none` where far off."""
    best, nearest = 0.0, NONE
    for table, contract in TABLES.items():
        needed = contract.required
        there = sum(name in found[table] for name in needed)
        hinted = _hinted(piece.label, table)
        enough = there >= 2 or (there and hinted) or (hinted and table in ("transactions", "customers"))
        score = there / len(needed) + (1.0 if hinted else 0.0) + (0.1 if table == "transactions" else 0.0)
        if enough and len(needed) - there <= 2 and score > best and not _key_broken(piece, table, found[table]):
            best, nearest = score, table
    return nearest


def _key_broken(piece: Piece, table: str, found: dict[str, list[Match]]) -> bool:
    contract = TABLES[table]
    if len(contract.key) != 1 or contract.key[0] not in found:
        return False
    return not is_unique(piece.raw, found[contract.key[0]][0].column.name)
