"""Data that a page carries for its script: the state of React, Vue, Svelte and their like, as JSON.

Where such a page was saved before its script ran, the discussion stands there and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

from stance.extract.document import Document
from stance.extract.draft import Draft
from stance.extract.json_tree import read_tree

#: Shorter scripts hold no discussion.
_SHORT = 120

#: Places in one script where data may begin; a program has many, the state of a page has one or two.
_TRIES = 30

_ASSIGNED = re.compile(r"=\s*(?=[\[{]\s*[\"\[{])|JSON\.parse\(\s*(?:decodeURIComponent\(\s*)?(?=[\"'])|\.push\((?=\[)")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"\\(['\"\\/])")
_ATTRIBUTE = re.compile(r'="((?:\[\{|\{)(?:&quot;|&#34;)[^"]{100,})"')

#: What JavaScript writes and JSON does not know.
_UNDEFINED = re.compile(r"(?<=[:,\[])\s*undefined(?=\s*[,}\]])")
_NEW_DATE = re.compile(r"new Date\((\"[^\"]*\"|\d+)\)")

_FLIGHT = re.compile(r"^[0-9a-f]+:(?=[\[{])", re.MULTILINE)


def read_page_data(page: Document) -> list[Draft]:
    """Read the posts in a page's data: of the piece that holds most of them."""
    found = [read_tree(root) for root in _roots(page)]
    return max(found, key=len, default=[])


def _roots(page: Document) -> Iterator[Any]:
    flight: list[str] = []
    for node in page.tree.css("script"):
        text = node.text() or ""
        kind = node.attributes.get("type") or ""
        if len(text) < _SHORT or "ld+json" in kind:
            continue
        for root in _values(text, "json" in kind):
            if _is_flight(root):
                flight.append(root[1])
            else:
                yield _unflattened(root) if "data-nuxt-data" in node.attributes else root
    # A row may reach from one push into the next.
    yield from _flight_rows("".join(flight))
    escaped = "{&quot;" in page.html or "{&#34;" in page.html
    for value in _ATTRIBUTE.findall(page.html) if escaped else ():
        yield from _values(unescape(value), True)


def _values(text: str, is_data: bool) -> Iterator[Any]:
    """JSON values in a script, each read as far as it goes."""
    if "undefined" in text or "new Date(" in text:
        text = _NEW_DATE.sub(r"\1", _UNDEFINED.sub("null", text))
    if is_data:
        value = _decoded(text, len(text) - len(text.lstrip()))[0]
        yield from () if value is None else (value,)
        return
    end = 0
    for _ in range(_TRIES):
        start = _ASSIGNED.search(text, end)
        if not start:
            return
        value, end = _decoded(text, start.end())
        if value is not None:
            yield value


def _decoded(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at a place, None where none does, and where it ends."""
    quoted = _QUOTED.match(text, start)
    try:
        if quoted:
            value, end = _ESCAPED.sub(r"\1", quoted.group(1)), quoted.end()
        else:
            value, end = json.JSONDecoder(strict=False).raw_decode(text, start)
        if isinstance(value, str):
            value = json.loads(unquote(value) if value.startswith("%") else value, strict=False)
    except (ValueError, RecursionError):
        return None, start + 1
    return value, end


def _is_flight(root: Any) -> bool:
    """Tell a piece of what React's server components send: `self.__next_f.push([1, "…"])`."""
    return isinstance(root, list) and len(root) == 2 and root[0] == 1 and isinstance(root[1], str)


def _flight_rows(text: str) -> Iterator[Any]:
    for row in _FLIGHT.finditer(text):
        value, _ = _decoded(text, row.end())
        if value is not None:
            yield value


def _unflattened(values: Any) -> Any:
    """Undo devalue, which writes each value once and names it by its place (Nuxt 3, SvelteKit).

    Examples
    --------
    >>> _unflattened([{"comments": 1}, [2], {"body": 3}, "Who says so?"])
    {'comments': [{'body': 'Who says so?'}]}
    """
    if not isinstance(values, list) or not values:
        return values
    made: list[Any] = [{} if isinstance(value, dict) else [] if isinstance(value, list) else value for value in values]

    def at(place: Any) -> Any:
        return made[place] if isinstance(place, int) and 0 <= place < len(made) else None

    for value, target in zip(values, made, strict=True):
        if isinstance(value, dict):
            target.update({key: at(place) for key, place in value.items()})
        elif isinstance(value, list):
            target.extend(at(place) for place in value)
    return made[0]
