"""Exports and programming interfaces of platforms: `exports.toml` says what is where, this module reads it.

XML is turned into the objects and lists that JSON would hold, so that one reader serves both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from stance.errors import NotAPageError, PageError
from stance.extract.assemble import assemble
from stance.extract.draft import Draft
from stance.extract.forms import Form, exports, find, first, form_of
from stance.extract.json_tree import TREE, read_tree
from stance.extract.page import Page
from stance.records import Thread

#: Tags of an XML export: an element takes half a kilobyte, and a comment of an export has some twenty tags.
MOST_TAGS = 5_000_000


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
    if page.data.count(b"<") > MOST_TAGS:
        raise PageError(f"more than {MOST_TAGS:,} tags of XML", where=page.name, fix="split the export")
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
        # Only a line feed ends a line; str.splitlines would also cut at U+2028 inside a post.
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if not any(_is_object(line) for _, line in lines):
            raise PageError(f"not JSON ({error})", where=page.name, fix="export it again") from error
    except RecursionError as error:
        raise PageError("JSON nested too deep", where=page.name, fix="export it again") from error
    return [_json_line(line, f"{page.name}, line {number}", page.name) for number, line in lines]


def _is_object(line: str) -> bool:
    # Of a whole export no line but the first could be one, and few begin as one.
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _json_line(line: str, where: str, name: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        fix = f"mend it; `stance label {name} -o OUT` puts such lines aside"
        # The line that the decoder counts is within this one.
        problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise PageError(f"not JSON ({problem})", where=where, fix=fix) from error


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


def _read(page: Page, root: Any) -> list[Thread]:
    name = form_of(root)
    if name is not None:
        return list(_Export(page, Form.of(name)).threads(root))
    drafts = read_tree(root)
    if drafts:
        return [assemble(page, drafts, platform=TREE, title=None)]
    fix = "see exports.toml for the forms, or give a posts table"
    raise NotAPageError("no export that stance knows", where=page.name, fix=fix)


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
            return list(_Export(page, Form.of(name)).threads(roots[0]))
    return []


@dataclass(slots=True)
class _Export:
    """One file read by one entry of the table."""

    page: Page
    form: Form
    people: dict[str | None, str | None] = field(default_factory=dict)

    @property
    def _entry(self) -> Mapping[str, Any]:
        return self.form.entry

    def threads(self, root: Any) -> Iterator[Thread]:
        """Read every thread of the file, those without posts left out where there are several."""
        self.people = self._authors(root)
        containers = find(root, self._entry["threads"]) if "threads" in self._entry else [root]
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
            if self.form.says(node, "more"):
                hidden += int(first(node, [self._entry["count"]]) or len(find(node, self._entry["counted"])))
                continue
            key = self.form.value(node, "thread")
            groups.setdefault(key, []).append((node, parent))
        for key, nodes in groups.items() or [(None, [])]:
            yield key, nodes, hidden

    def _walk(self, container: Any) -> Iterator[tuple[Any, str | None]]:
        """All posts and stubs in page order, each with the id of the post it is nested in."""
        stack = [(node, None) for node in reversed(self._posts(container))]
        while stack:
            node, parent = stack.pop()
            if not isinstance(node, dict) or self.form.says(node, "not"):
                continue
            if self.form.says(node, "more") or not self._entry.get("only") or self.form.says(node, "only"):
                yield node, parent
            name = self.form.value(node, "id")
            for child in reversed(find(node, self._entry["children"])) if "children" in self._entry else ():
                stack.append((child, name))  # type: ignore[arg-type]

    def _posts(self, container: Any) -> list[Any]:
        """Posts of the first level; where answers hang on the item around a post ("^"), they are moved into it."""
        posts: list[Any] = find(container, self._entry["posts"])
        outer = [value for key in ("children", "withheld") for value in [self._entry.get(key)] if value]
        if not any(str(value if isinstance(value, str) else value[0]).startswith("^") for value in outer):
            return posts
        step = self._entry["posts"].split(".")[0]
        items = find(container, step)
        rest = self._entry["posts"].partition(".")[2]
        return [
            {**post, **{f"^{key}": value for key, value in item.items()}} for item in items for post in find(item, rest)
        ]

    def _thread(
        self, container: Any, root: Any, key: str | None, nodes: list[tuple[Any, str | None]], hidden: int
    ) -> Thread:
        drafts = self._drafts(nodes)
        declared = self.form.value(container, "declared")
        title = self._title(container, root, key)
        counted = [node for node, _ in nodes] if "withheld" in self._entry else []
        withheld = sum(int(first(node, self._entry["withheld"]) or 0) for node in counted)
        if "withheld" in self._entry:
            hidden += max(0, withheld - sum(parent is not None for _, parent in nodes))
        return assemble(
            self.page,
            drafts,
            platform=self.form.name,
            title=title,
            declared=int(declared) if declared else None,
            hidden=hidden if "more" in self._entry or "withheld" in self._entry else None,
        )

    def _title(self, container: Any, root: Any, key: str | None) -> str | None:
        titles = self._entry.get("titles")
        if titles:
            matching = (item for item in find(root, titles["path"]) if first(item, [titles["id"]]) == key)
            node = next(matching, None)
            return first(node, [titles["title"]])
        return self.form.value(container, "title")

    def _authors(self, root: Any) -> dict[str | None, str | None]:
        """Names of the writers by their ids, where posts name a writer by an id alone."""
        names = self._entry.get("authors")
        if not names:
            return {}
        return {
            first(node, [names["id"]]): first(node, names["name"])
            for node in find(root, names["path"])
            if all(value in find(node, path) for path, value in names["only"].items())
        }

    def _drafts(self, nodes: list[tuple[Any, str | None]]) -> list[Draft]:
        ids = [self.form.value(node, "id") for node, _ in nodes]
        key = self._entry["authors"]["key"] if "authors" in self._entry else ""
        places = {name: place for place, name in enumerate(ids) if name}
        drafts = []
        for place, (node, around) in enumerate(nodes):
            text, quote, quoted = self.form.words(node)
            parent = self.form.parent(node) or around
            drafts.append(
                Draft(
                    id=ids[place],
                    text=text,
                    quote=quote,
                    author=self.form.value(node, "author") or self.people.get(first(node, [key])),
                    date=self.form.value(node, "date"),
                    place=place,
                    parent=places.get(parent) if parent else None,
                    quoted=quoted,
                    has_media="<img" in (first(node, self._entry.get("html", [])) or ""),
                )
            )
        return drafts


def _renamed(thread: Thread, key: str) -> Thread:
    return Thread(
        f"{thread.id}#{key}", thread.posts, thread.title, thread.url, thread.platform, thread.hidden, thread.notes
    )
