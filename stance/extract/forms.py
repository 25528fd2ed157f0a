"""The forms in `exports.toml`: which one an object has, and what one post of it says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stance.extract.markup import text_and_quote

_QUOTED_LINE = re.compile(r"^\s*>+\s?(.*)$")
_MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
#: Seconds since 1970 that may be the time of a post: those of 2001 and since.
_FIRST_TIME = 1e9
_EMPHASIS = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")


@cache
def exports() -> dict[str, dict[str, Any]]:
    """Return the entries of `exports.toml`."""
    return tomllib.loads(Path(__file__).with_name("exports.toml").read_text(encoding="utf-8"))


def find(node: Any, path: str) -> list[Any]:
    """Follow a dotted path through objects and lists; "a|b" takes both.

    Examples
    --------
    >>> find({"a": [{"b": 1}, {"b": 2}, {"c": 3}]}, "a.b")
    [1, 2]
    """
    nodes = node if isinstance(node, list) else [node]
    for step in path.split(".") if path else ():
        found: list[Any] = []
        for item in nodes:
            for key in step.split("|"):
                value = item.get(key) if isinstance(item, dict) else None
                found.extend(value if isinstance(value, list) else [] if value is None or value == "" else [value])
        nodes = found
    return nodes


def first(node: Any, paths: list[str]) -> str | None:
    """The first value that is there, as a string; an XML element is its text."""
    for path in paths:
        for value in find(node, path):
            if isinstance(value, dict):
                value = value.get("#")
            if value is not None and value != "" and not isinstance(value, dict | list | bool):
                # Times as numbers come with a fraction of a second, which no reader of dates takes.
                whole = isinstance(value, float) and (value.is_integer() or value >= _FIRST_TIME)
                return str(int(value) if whole else value)
    return None


def is_known(root: Any) -> bool:
    """Tell whether an object or a list of them has one of the forms in `exports.toml`.

    Examples
    --------
    >>> is_known({"body": "Who says so?", "link_id": "t3_b", "parent_id": "t1_a", "created_utc": 1556878500})
    True
    """
    return form_of(root) is not None


def form_of(root: Any) -> str | None:
    """Name the first form in `exports.toml` that an object or a list of them has."""
    for name, entry in exports().items():
        if all(find(root, mark) for mark in entry["marks"]) and _is_titled(root, entry):
            return name
    return None


def _is_titled(root: Any, entry: Mapping[str, Any]) -> bool:
    pattern = entry.get("titled")
    return not pattern or bool(re.search(pattern, first(root, entry["title"]) or "", re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Form:
    """One entry of the table, and how it reads a post."""

    name: str
    entry: Mapping[str, Any]

    @classmethod
    def of(cls, name: str) -> Form:
        """The entry of that name."""
        return cls(name, exports()[name])

    def says(self, node: Mapping[str, Any], key: str) -> bool:
        """Whether a post is what the entry tells by `more`, `not` or `only`."""
        for path, wanted in self.entry.get(key, {}).items():
            values = [value.get("#") if isinstance(value, dict) else value for value in find(node, path)]
            if any(value in wanted if isinstance(wanted, list) else value == wanted for value in values):
                return True
        return False

    def value(self, node: Any, key: str) -> str | None:
        """What stands under one of the paths of a key of the entry: `id`, `thread`, `author` or `date`."""
        paths = self.entry.get(key, [])
        return first(node, [paths] if isinstance(paths, str) else paths)

    def parent(self, node: Any) -> str | None:
        """Id of the post that it answers, or of what stands above the discussion."""
        if "ancestors" in self.entry:
            # Lemmy's path names all ancestors from the root on: "0.12.34".
            path = (first(node, [self.entry["ancestors"]]) or "").split(".")
            return path[-2] if len(path) > 2 else None
        named = first(node, self.entry.get("parent", []))
        # On Reddit a comment may answer a link, which is no post of the discussion: "t3_" and its id.
        return re.sub(r"^t\d_", "", named) if named and not named.startswith("t3_") else None

    def words(self, node: Any) -> tuple[str, str | None, str | None]:
        """Text, quoted text and the id of the quoted post, from the first key that holds any."""
        for kind in ("html", "pieces", "text", "markdown", "markup"):
            paths = self.entry.get(kind, [])
            value = _joined(find(node, paths)) if kind == "pieces" and paths else first(node, paths)
            if not value:
                continue
            if kind == "html" or (kind == "markup" and re.search(r"<(?:p|br|a|em|strong|blockquote)\b", value)):
                # Reddit escapes the HTML once more.
                value = value if "<" in value else _unescaped(value)
                quoted = re.search(rf'{self.entry["quoted"]}="(\w+)"', value) if "quoted" in self.entry else None
                return *text_and_quote(value), quoted.group(1) if quoted else None
            return *_text_and_quote_of_lines(value if kind in ("text", "pieces") else _without_marks(value)), None
        return "", None, None


def _joined(pieces: list[Any]) -> str:
    return "".join(str(piece.get("text", "") if isinstance(piece, dict) else piece) for piece in pieces)


def _unescaped(value: str) -> str:
    return value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _without_marks(markdown: str) -> str:
    """Take links and emphasis off Markdown; what is left is what a reader sees."""
    markdown = _MARKDOWN_LINK.sub(r"\1", _unescaped(markdown))
    return _EMPHASIS.sub(r"\2", markdown)


def _text_and_quote_of_lines(text: str) -> tuple[str, str | None]:
    own: list[str] = []
    quoted: list[str] = []
    for line in text.splitlines():
        found = _QUOTED_LINE.match(line)
        (quoted if found else own).append(" ".join((found.group(1) if found else line).split()))
    words = "\n".join(line for line in own if line)
    quote = "\n".join(line for line in quoted if line)
    return (words, quote or None) if words else (quote, None)
