"""Forums that a user describes for himself, in the form of `platforms.toml`; they come before those that we know.

The file is named by an environment variable and not by an option: every command reads pages, so do notebooks and the
worker processes of a long run, and all of them must read a page alike.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from stance.errors import DataError
from stance.extract.platforms import Platform, Rule, read_entry
from stance.tables import read_bytes

#: Names the file.
VARIABLE = "STANCE_PLATFORMS"

_KEYS = tuple(field.name for field in fields(Platform) if field.name != "name")


def own_platforms() -> tuple[Platform, ...]:
    """Return the entries of the file that `STANCE_PLATFORMS` names, none where it is not set.

    Raises
    ------
    DataError
        If there is no such file, or an entry has an unknown key, a damaged rule, or no `post` and `text`.
    """
    path = os.environ.get(VARIABLE)
    return _read(path) if path else ()


@cache
def _read(path: str) -> tuple[Platform, ...]:
    try:
        table = tomllib.loads(read_bytes(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"not TOML ({error})", where=path, fix="correct it, or unset STANCE_PLATFORMS") from error
    return tuple(_checked(name, entry, f"{path}, [{name}]") for name, entry in table.items())


def _checked(name: str, entry: Any, where: str) -> Platform:
    if not isinstance(entry, dict):
        raise DataError("not an entry", where=where, fix=f"begin it with a line [{name}]")
    unknown = sorted(entry.keys() - set(_KEYS))
    if unknown:
        raise DataError(f"unknown key {unknown[0]!r}", where=where, fix=f"use {', '.join(_KEYS)}")
    for key in ("post", "text"):
        if not entry.get(key):
            raise DataError(f"no {key!r}", where=where, fix=f"say by {key} = [...] where a post's {key} stands")
    try:
        platform = read_entry(name, {"origin": "described by the user", **entry})
    except (re.error, TypeError, AttributeError) as error:
        raise DataError(
            f"a rule that cannot be read ({error})", where=where, fix="write css @attribute ~ pattern"
        ) from error
    for css in _selectors(platform):
        _check_selector(css, where)
    return platform


def _selectors(platform: Platform) -> Iterator[str]:
    for key in _KEYS:
        value = getattr(platform, key)
        if key in ("post", "skip", "indent", "quote", "drop"):
            yield from (value,) if isinstance(value, str) else value
        elif key != "marks" and isinstance(value, tuple):
            yield from (rule.css for rule in value if isinstance(rule, Rule))


def _check_selector(css: str, where: str) -> None:
    try:
        if css:
            LexborHTMLParser("<p>").css(css)
    except Exception as error:  # selectolax has no class of its own that it promises
        raise DataError(f"no CSS selector: {css!r}", where=where, fix="try it in the browser's console") from error
