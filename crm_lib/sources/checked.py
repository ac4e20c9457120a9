"""Sections of `crm.toml` as dataclasses: every key known, every type right, the wrong one named."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from crm_lib.errors import ConfigError, part


def nearest(word: str, words: Iterable[str]) -> str:
    """` Did you mean "…"?` for the nearest known word; empty where none is near."""
    near = difflib.get_close_matches(word, [str(w) for w in words], n=1, cutoff=0.6)
    return part(f' Did you mean "{near[0]}"?') if near else ""


def section(value: Any, where: str) -> dict[str, Any]:
    """The value, when it is a section."""
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a section of crm.toml.")
    return value


def known(body: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    """Refuse a key that nobody reads."""
    keys = tuple(keys)
    for key in body:
        if key not in keys:
            place = f"{where}.{key}" if where else key
            raise ConfigError(f"crm.toml: {place} is not known.{nearest(key, keys)}")


def build(cls: Any, body: Any, where: str) -> Any:
    """A dataclass out of a section of crm.toml, nested ones included, with every key and type checked."""
    body = section(body, where)
    hints = typing.get_type_hints(cls)
    known(body, hints, where)
    for f in fields(cls):
        if f.name not in body and f.default is MISSING and f.default_factory is MISSING:
            raise ConfigError(f"crm.toml: {where}.{f.name} is missing.")
    return cls(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in body.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        text = str in inner and isinstance(value, str)
        return None if value is None else value if text else _value(inner[0], value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"crm.toml: {where} must be a list.")
        return tuple(_value(inner[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        return {str(k): _value(inner[1], v, f"{where}.{k}") for k, v in section(value, where).items()}
    if is_dataclass(hint):
        return build(hint, value, where)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        words = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}
        raise ConfigError(f"crm.toml: {where} must be {words[hint]}.")
    return value
