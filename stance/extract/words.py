"""The vocabulary of `words.toml` as regular expressions."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def any_of(name: str) -> str:
    """Join one list of the table to a group that matches any of it, the longest first; "month" is any month's name.

    Examples
    --------
    >>> import re
    >>> bool(re.fullmatch(any_of("says"), "wrote"))
    True
    """
    found = " ".join(_table()["months"]).split() if name == "month" else _table()[name]
    return "(?:" + "|".join(sorted(found, key=len, reverse=True)) + ")"


def words(name: str) -> list[str]:
    """One list of the table as it stands."""
    return list(_table()[name])


def emoji() -> dict[str, str]:
    """Emoticons by their names."""
    return dict(_table()["emoji"])
