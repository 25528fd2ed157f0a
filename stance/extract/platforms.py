"""Markup that a known platform writes: `platforms.toml` says what is where, this module reads it.

A new platform is a new entry in that table and needs no code. All selectors run on the whole page, once each, and what
they find belongs to the nearest post around it: so an answer nested in a comment never lends the comment its author.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from selectolax.lexbor import LexborNode

from stance.extract.document import Document
from stance.extract.markup import line_of


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a value stands: `css @attribute ~ pattern`, each part optional.

    Without a selector the post itself is meant, without an attribute the text, without a pattern the whole value;
    a pattern gives its first group.
    """

    css: str = ""
    attribute: str | None = None
    pattern: re.Pattern[str] | None = None

    @classmethod
    def parse(cls, line: str) -> Rule:
        """Read a rule of the table.

        Examples
        --------
        >>> Rule.parse("a.permalink @href ~ #p([0-9]+)")
        Rule(css='a.permalink', attribute='href', pattern=re.compile('#p([0-9]+)', re.IGNORECASE))
        """
        where, _, pattern = line.partition(" ~ ")
        css, _, attribute = f" {where}".partition(" @")
        return cls(
            css.strip(), attribute.strip() or None, re.compile(pattern.strip(), re.IGNORECASE) if pattern else None
        )

    def read(self, node: LexborNode, html: str) -> str | None:
        """Read the value at a node, given its HTML, or None where it is not there."""
        value = node.attributes.get(self.attribute) if self.attribute else line_of(html)
        if value and self.pattern:
            found = self.pattern.search(value)
            value = found.group(found.lastindex or 0) if found else None
        return value.strip() or None if value else None


@dataclass(frozen=True, slots=True)
class Platform:
    """One entry of the table; see the head of `platforms.toml` for what each key means."""

    name: str
    origin: str
    post: tuple[str, ...]
    text: tuple[Rule, ...]
    marks: tuple[tuple[str, ...], ...] = ()
    skip: str = ""
    id: tuple[Rule, ...] = ()
    author: tuple[Rule, ...] = ()
    date: tuple[Rule, ...] = ()
    parent: tuple[Rule, ...] = ()
    quoted: tuple[Rule, ...] = ()
    depth: tuple[Rule, ...] = ()
    indent: str = ""
    nested: bool = True
    siblings: bool = False
    carries: bool = False
    by_tree: bool = False
    quote: str = ""
    drop: str = ""
    start: re.Pattern[str] | None = None
    end: re.Pattern[str] | None = None
    title: tuple[Rule, ...] = ()
    declared: tuple[Rule, ...] = ()
    next: tuple[Rule, ...] = ()
    more: tuple[Rule, ...] = ()

    def is_marked(self, page: Document) -> bool:
        """Tell whether all strings of one of the entry's marks stand in the page; without marks, any page may be."""
        return not self.marks or any(all(mark in page for mark in group) for group in self.marks)


_RULES = frozenset(["id", "author", "date", "text", "parent", "quoted", "depth", "title", "declared", "next", "more"])


@cache
def platforms() -> tuple[Platform, ...]:
    """Return the entries of `platforms.toml`, in its order: the special before the general."""
    table = tomllib.loads(Path(__file__).with_name("platforms.toml").read_text(encoding="utf-8"))
    return tuple(read_entry(name, entry) for name, entry in table.items())


def read_entry(name: str, entry: dict[str, object]) -> Platform:
    """Make a platform of an entry of the table."""
    values: dict[str, object] = {"name": name}
    for key, value in entry.items():
        if key in _RULES:
            values[key] = tuple(Rule.parse(line) for line in _lines(value))
        elif key == "marks":
            values[key] = tuple(tuple(group) if isinstance(group, list) else (group,) for group in _lines(value))
        elif key == "post":
            values[key] = tuple(_lines(value))
        elif key in ("quote", "drop", "skip"):
            values[key] = ", ".join(_lines(value))
        elif key in ("start", "end"):
            values[key] = re.compile(str(value), re.MULTILINE)
        else:
            values[key] = value
    return Platform(**values)  # type: ignore[arg-type]


def _lines(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]
