"""Exports and programming interfaces of platforms: `exports.toml` says what is where, this module reads it.

XML is turned into the objects and lists that JSON would hold, so that one reader serves both.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from stance.errors import PageError
from stance.extract.assemble import assemble
from stance.extract.draft import Draft
from stance.extract.json_tree import TREE, read_tree
from stance.extract.markup import text_and_quote
from stance.extract.page import Page
from stance.records import Thread

_QUOTED_LINE = re.compile(r"^\s*>+\s?(.*)$")
_MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")


@cache
def exports() -> dict[str, dict[str, Any]]:
    """Return the entries of `exports.toml`."""
    return tomllib.loads(Path(__file__).with_name("exports.toml").read_text(encoding="utf-8"))


def read_json(page: Page) -> list[Thread]:
    """Read a JSON export, or JSON Lines of one.

    Raises
    ------
    PageError
        If it is no JSON, or none of the forms in `exports.toml`.
    """
    return _read(page, _json(page))


def read_xml(page: Page) -> list[Thread]:
    """Read an XML export, without ever expanding an entity.

    Raises
    ------
    PageError
        If it is no XML, defines entities, or is none of the forms in `exports.toml`.
    """
    try:
        root = fromstring(page.data.lstrip(), forbid_dtd=False)
    except DefusedXmlException as error:
        raise PageError("XML that defines entities", where=page.name, fix="export it again, without a DTD") from error
    except (ParseError, ValueError, LookupError) as error:
        raise PageError(f"not XML ({error})", where=page.name, fix="export it again") from error
    return _read(page, _plain(root))


def _json(page: Page) -> Any:
    text = page.text.lstrip("\ufeff")
    try:
        return json.loads(text)
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise PageError(f"not JSON ({error})", where=page.name, fix="export it again") from error
    except RecursionError as error:
        raise PageError("JSON nested too deep", where=page.name, fix="export it again") from error
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise PageError(f"not JSON ({error})", where=page.name, fix="export it again") from error


def _plain(element: Any) -> Any:
    """Turn an XML tree into objects and lists, bottom up and without recursion."""
    made: dict[Any, dict[str, Any]] = {}
    for node in reversed(list(element.iter())):
        value: dict[str, Any] = {f"@{_local(key)}": text for key, text in node.attrib.items()}
        for child in node:
            value.setdefault(_local(child.tag), []).append(made.pop(child))
        if node.text and node.text.strip():
            value["#"] = node.text.strip()
        made[node] = value
    return made[element]


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


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
                return str(int(value) if isinstance(value, float) and value.is_integer() else value)
    return None


def _read(page: Page, root: Any) -> list[Thread]:
    for name, entry in exports().items():
        if all(find(root, mark) for mark in entry["marks"]) and _is_titled(root, entry):
            return list(_Export(page, name, entry).threads(root))
    drafts = read_tree(root)
    if drafts:
        return [assemble(page, drafts, platform=TREE, title=None)]
    raise PageError(
        "no export that stance knows", where=page.name, fix="see exports.toml for the forms, or give a posts table"
    )


def read_embedded(page: Page) -> list[Thread]:
    """Read an export that a page carries in a script, for the browser to show."""
    for name, entry in exports().items():
        if "embedded" not in entry or entry["embedded"] not in page.text:
            continue
        script = re.search(rf"<script\b[^>]*\bid=[\"']?{entry['embedded']}\b[^>]*>(.*?)</script>", page.text, re.DOTALL)
        try:
            roots = find(json.loads(script.group(1)), entry["inside"]) if script else []
        except (ValueError, RecursionError):
            continue
        if roots and all(find(roots, mark) for mark in entry["marks"]):
            return list(_Export(page, name, entry).threads(roots[0]))
    return []


def _is_titled(root: Any, entry: Mapping[str, Any]) -> bool:
    pattern = entry.get("titled")
    return not pattern or bool(re.search(pattern, first(root, entry["title"]) or "", re.IGNORECASE))


@dataclass(slots=True)
class _Export:
    """One file read by one entry of the table."""

    page: Page
    name: str
    entry: Mapping[str, Any]
    people: dict[str | None, str | None] = field(default_factory=dict)

    def threads(self, root: Any) -> Iterator[Thread]:
        """Read every thread of the file, those without posts left out where there are several."""
        self.people = self._authors(root)
        containers = find(root, self.entry["threads"]) if "threads" in self.entry else [root]
        for number, container in enumerate(containers, start=1):
            for key, nodes, hidden in self._groups(container):
                thread = self._thread(container, root, key, nodes, hidden)
                if thread.posts or len(containers) == 1:
                    yield _renamed(thread, key or str(number)) if key or len(containers) > 1 else thread

    def _groups(self, container: Any) -> Iterator[tuple[str | None, list[tuple[Any, str | None]], int]]:
        """Posts by the id of their thread, with the number of those left out."""
        groups: dict[str | None, list[tuple[Any, str | None]]] = {}
        hidden = 0
        for node, parent in self._walk(container):
            if self._is(node, "more"):
                hidden += int(first(node, [self.entry["count"]]) or len(find(node, self.entry["counted"])))
                continue
            key = first(node, self.entry["thread"]) if "thread" in self.entry else None
            groups.setdefault(key, []).append((node, parent))
        for key, nodes in groups.items() or [(None, [])]:
            yield key, nodes, hidden

    def _walk(self, container: Any) -> Iterator[tuple[Any, str | None]]:
        """All posts and stubs in page order, each with the id of the post it is nested in."""
        stack = [(node, None) for node in reversed(self._posts(container))]
        while stack:
            node, parent = stack.pop()
            if not isinstance(node, dict) or self._is(node, "not"):
                continue
            if self._is(node, "more") or not self.entry.get("only") or self._is(node, "only"):
                yield node, parent
            name = first(node, self.entry["id"])
            for child in reversed(find(node, self.entry["children"])) if "children" in self.entry else ():
                stack.append((child, name))  # type: ignore[arg-type]

    def _posts(self, container: Any) -> list[Any]:
        """Posts of the first level; where answers hang on the item around a post ("^"), they are moved into it."""
        posts: list[Any] = find(container, self.entry["posts"])
        outer = [value for key in ("children", "withheld") for value in [self.entry.get(key)] if value]
        if not any(str(value if isinstance(value, str) else value[0]).startswith("^") for value in outer):
            return posts
        step = self.entry["posts"].split(".")[0]
        items = find(container, step)
        rest = self.entry["posts"].partition(".")[2]
        return [
            {**post, **{f"^{key}": value for key, value in item.items()}} for item in items for post in find(item, rest)
        ]

    def _is(self, node: Mapping[str, Any], key: str) -> bool:
        for path, wanted in self.entry.get(key, {}).items():
            values = [value.get("#") if isinstance(value, dict) else value for value in find(node, path)]
            if any(value in wanted if isinstance(wanted, list) else value == wanted for value in values):
                return True
        return False

    def _thread(
        self, container: Any, root: Any, key: str | None, nodes: list[tuple[Any, str | None]], hidden: int
    ) -> Thread:
        drafts = self._drafts(nodes)
        declared = first(container, self.entry.get("declared", []))
        title = self._title(container, root, key)
        withheld = sum(int(first(node, self.entry["withheld"]) or 0) for node, _ in nodes if "withheld" in self.entry)
        if "withheld" in self.entry:
            hidden += max(0, withheld - sum(parent is not None for _, parent in nodes))
        return assemble(
            self.page,
            drafts,
            platform=self.name,
            title=title,
            declared=int(declared) if declared else None,
            hidden=hidden if "more" in self.entry or "withheld" in self.entry else None,
        )

    def _title(self, container: Any, root: Any, key: str | None) -> str | None:
        titles = self.entry.get("titles")
        if titles:
            matching = (item for item in find(root, titles["path"]) if first(item, [titles["id"]]) == key)
            node = next(matching, None)
            return first(node, [titles["title"]])
        return first(container, self.entry.get("title", []))

    def _authors(self, root: Any) -> dict[str | None, str | None]:
        """Names of the writers by their ids, where posts name a writer by an id alone."""
        names = self.entry.get("authors")
        if not names:
            return {}
        return {
            first(node, [names["id"]]): first(node, names["name"])
            for node in find(root, names["path"])
            if all(value in find(node, path) for path, value in names["only"].items())
        }

    def _drafts(self, nodes: list[tuple[Any, str | None]]) -> list[Draft]:
        ids = [first(node, self.entry["id"]) for node, _ in nodes]
        key = self.entry["authors"]["key"] if "authors" in self.entry else ""
        places = {name: place for place, name in enumerate(ids) if name}
        drafts = []
        for place, (node, around) in enumerate(nodes):
            text, quote, quoted = self._words(node)
            parent = self._parent(node) or around
            drafts.append(
                Draft(
                    id=ids[place],
                    text=text,
                    quote=quote,
                    author=first(node, self.entry["author"]) or self.people.get(first(node, [key])),
                    date=first(node, self.entry["date"]),
                    place=place,
                    parent=places.get(parent) if parent else None,
                    quoted=quoted,
                    has_media="<img" in (first(node, self.entry.get("html", [])) or ""),
                )
            )
        return drafts

    def _parent(self, node: Any) -> str | None:
        if "ancestors" in self.entry:
            # Lemmy's path names all ancestors from the root on: "0.12.34".
            path = (first(node, [self.entry["ancestors"]]) or "").split(".")
            return path[-2] if len(path) > 2 else None
        named = first(node, self.entry.get("parent", []))
        return re.sub(r"^t\d_", "", named) if named else None

    def _words(self, node: Any) -> tuple[str, str | None, str | None]:
        """Text, quoted text and the id of the quoted post, from the first key that holds any."""
        for kind in ("html", "pieces", "text", "markdown", "markup"):
            paths = self.entry.get(kind, [])
            value = "".join(map(str, find(node, paths))) if kind == "pieces" and paths else first(node, paths)
            if not value:
                continue
            if kind == "html" or (kind == "markup" and re.search(r"<(?:p|br|a|em|strong|blockquote)\b", value)):
                # Reddit escapes the HTML once more.
                value = value if "<" in value else _unescaped(value)
                quoted = re.search(rf'{self.entry["quoted"]}="(\w+)"', value) if "quoted" in self.entry else None
                return *text_and_quote(value), quoted.group(1) if quoted else None
            return *_text_and_quote_of_lines(value if kind in ("text", "pieces") else _without_marks(value)), None
        return "", None, None


def _renamed(thread: Thread, key: str) -> Thread:
    return Thread(
        f"{thread.id}#{key}", thread.posts, thread.title, thread.url, thread.platform, thread.hidden, thread.notes
    )


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
