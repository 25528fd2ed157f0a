"""Posts in a tree of objects and lists that nobody described: each says words, by someone, at some time.

What programs call these things varies less than what pages call them, so the keys alone tell most of it; what only
looks like a post (an article, a product, a review, an event) has keys of its own.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stance.extract.dates import date_in
from stance.extract.draft import Draft
from stance.extract.markup import text_and_quote
from stance.extract.words import any_of

#: What a thread read from such a tree is said to come from.
TREE = "data of a form unknown"

#: Objects and lists that are looked at; a thread of ten thousand posts holds as many.
_MOST = 80_000

#: Names on the way from the root that are remembered.
_NEAR = 6


def _keys(name: str) -> re.Pattern[str]:
    return re.compile(rf"^_*{any_of(name)}$", re.IGNORECASE)


_ROLES = {name: _keys(f"{name}_keys") for name in (
    "text", "inner_text", "author", "name", "person", "date", "id", "parent", "answers", "article", "no_post",
)}  # fmt: skip

_DISCUSSION = re.compile(any_of("in_discussion"), re.IGNORECASE)
_ELSEWHERE = re.compile(any_of("not_discussion"), re.IGNORECASE)
_SHOP = re.compile(r"product|review|faq|shop|listing", re.IGNORECASE)

_PEOPLE = re.compile(r"user|author|member|people|person|profile|account|participant", re.IGNORECASE)

_TAG = re.compile(r"<(?:p|br|div|span|a|b|i|em|strong|blockquote|ul|ol|li|code|pre)\b", re.IGNORECASE)
_NAMED = re.compile(r"[A-Za-z_$][A-Za-z_$-]*")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class _Said:
    """One object that may be a post: where it stands, what it says, and the object of its kind around it."""

    node: Mapping[str, Any]
    path: tuple[str, ...]
    keys: tuple[str, str]
    text: str
    around: int | None


def read_tree(root: Any) -> list[Draft]:
    """Read the posts of a tree, or none where nothing in it looks like a discussion.

    Examples
    --------
    >>> tree = {"comments": [{"id": 7, "body": "Who says so?", "user": {"name": "Ada"}, "created_at": "2019-05-03"}]}
    >>> [(post.id, post.author, post.text) for post in read_tree(tree)]
    [('7', 'Ada', 'Who says so?')]
    """
    tree = _Tree(root)
    kinds: dict[tuple[str, str], list[_Said]] = defaultdict(list)
    for said in tree.said:
        kinds[said.keys].append(said)
    found = [tree.drafts(kind) for kind in kinds.values() if tree.is_discussion(kind)]
    return max(found, key=lambda drafts: sum(len(draft.text) for draft in drafts), default=[])


class _Tree:
    """A tree, read once: what may be a post, and objects that others name by a reference or an id."""

    def __init__(self, root: Any) -> None:
        self.said: list[_Said] = []
        self.people: dict[str, str] = {}
        self.objects: dict[str, Mapping[str, Any]] = {}
        self.references: dict[int, str] = {}
        self.answered: dict[str, int] = {}
        for node, path, said in _walk(root):
            self._note(node, path)
            if said:
                self.said.append(said)

    def _note(self, node: Mapping[str, Any], path: tuple[str, ...]) -> None:
        for key, value in node.items():
            if ":" in key and isinstance(value, dict):
                self.objects[key] = value
                self.references[id(value)] = key
            elif isinstance(value, list) and "answers" in _roles(key):
                self.answered.update({name: id(node) for item in value for name in [_reference(item)] if name})
        if path and _PEOPLE.search(path[-1]):
            name, own = _first(node, "name"), _first(node, "id")
            if isinstance(name, str) and isinstance(own, str | int):
                self.people.setdefault(str(own), name)

    def target(self, value: Any) -> Any:
        """What a reference points at, as Apollo's cache writes it; anything else is itself."""
        key = _reference(value)
        return self.objects.get(key) if key else value

    def author(self, node: Mapping[str, Any]) -> str | None:
        """The writer's name: as it stands, of the person in the object, or of the one whose id it names."""
        for key in _matching(node, "author"):
            value = self.target(node[key])
            if isinstance(value, list) and value:
                value = self.target(value[0])
            name = _name_in(value) if isinstance(value, dict) else value
            if isinstance(name, str) and name.strip() and not (name.isdigit() and name in self.people):
                return name.strip()
            if isinstance(name, int | str) and str(name) in self.people:
                return self.people[str(name)]
        return None

    def is_discussion(self, kind: Sequence[_Said]) -> bool:
        """Tell a discussion by what its list is called, or by posts that answer others; most must name a writer."""
        if sum(self.author(said.node) is not None for said in kind) * 2 < len(kind):
            return False
        if any(_SHOP.search(name) for said in kind[:3] for name in said.path):
            return False
        answers = sum(any("parent" in _roles(key) or "answers" in _roles(key) for key in said.node) for said in kind)
        named = sum(_is_called_discussion(said) for said in kind)
        return max(named, answers) * 2 > len(kind)

    def drafts(self, kind: Sequence[_Said]) -> list[Draft]:
        """Make posts of the objects of one kind, each once."""
        once = {(_id(said.node) or str(id(said.node)), said.text): said for said in reversed(kind)}
        kept = list(reversed(once.values()))
        places = {id(said.node): place for place, said in enumerate(kept)}
        by_id = {name: place for place, said in enumerate(kept) for name in [_id(said.node)] if name}
        return [self._draft(said, place, places, by_id) for place, said in enumerate(kept)]

    def _draft(self, said: _Said, place: int, places: Mapping[int, int], by_id: Mapping[str, int]) -> Draft:
        text, quote = _text_and_quote(said.text)
        named = self._parent(said.node)
        around = self.answered.get(self.references.get(id(said.node), ""), said.around)
        parent = by_id.get(named) if named else places.get(around) if around is not None else None
        return Draft(
            id=_id(said.node),
            text=text,
            quote=quote,
            author=self.author(said.node),
            date=_date_of(said.node[said.keys[1]]),
            place=place,
            parent=None if parent == place else parent,
        )

    def _parent(self, node: Mapping[str, Any]) -> str | None:
        for key in _matching(node, "parent"):
            value = self.target(node[key])
            value = _first(value, "id") if isinstance(value, dict) else value
            if isinstance(value, str | int) and value and not isinstance(value, bool):
                return str(value)
        return None


def _walk(root: Any) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...], _Said | None]]:
    """All objects in the order of the text, each once, with the names on the way to it and what it says."""
    stack: list[tuple[Any, tuple[str, ...], int | None]] = [(root, (), None)]
    seen: set[int] = set()
    while stack and len(seen) < _MOST:
        value, path, around = stack.pop()
        if isinstance(value, str):
            value = _written(value)
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list):
            stack.extend((item, path, around) for item in reversed(value))
            continue
        said = _said_by(value, path, around)
        yield value, path, said
        inside = id(value) if said else around
        stack.extend((inner, _extended(path, key), inside) for key, inner in reversed(list(value.items())))


def _written(value: str) -> Any:
    """JSON that stands in a string, as frameworks keep the answers of servers."""
    if len(value) < 60 or not value.startswith(('{"', "[{")):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _extended(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    """The names on the way; a number or an id is the object's own and no name ("Comment:12" is called "Comment")."""
    name = key.partition(":")[0].partition("(")[0]
    return (*path[1 - _NEAR :], _HUMP.sub("-", name)) if _NAMED.fullmatch(name) else path


def _said_by(node: Mapping[str, Any], path: tuple[str, ...], around: int | None) -> _Said | None:
    found = _text(node)
    date = next((key for key in _matching(node, "date") if _date_of(node[key])), None)
    if (
        found is None
        or date is None
        or _is_article(node)
        or any("no_post" in _roles(key) and node[key] for key in node)
    ):
        return None
    return _Said(node, path, (found[0], date), found[1], around)


def _is_article(node: Mapping[str, Any]) -> bool:
    """Tell what has a title of its own and is answered by nobody."""
    titled = any("article" in _roles(key) and node[key] for key in node)
    return titled and not any("parent" in _roles(key) for key in node)


def _is_called_discussion(said: _Said) -> bool:
    kind = said.node.get("__typename") or said.node.get("type") or said.node.get("kind")
    own = " ".join([*said.path[-2:], kind if isinstance(kind, str) else ""])
    return bool(_DISCUSSION.search(own)) and not _ELSEWHERE.search(own)


def _text(node: Mapping[str, Any]) -> tuple[str, str] | None:
    for key in _matching(node, "text"):
        text = _words_in(node[key], 6).strip()
        if re.search(r"\w", text):
            return key, text
    return None


def _words_in(value: Any, depth: int) -> str:
    """Words of a text that may stand in an object (`{"rendered": …}`) or in pieces (rich text)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth:
        return "\n".join(filter(None, (_words_in(item, depth - 1) for item in value if isinstance(item, dict))))
    if isinstance(value, dict) and depth:
        return next(
            (words for key in _matching(value, "inner_text") if (words := _words_in(value[key], depth - 1))), ""
        )
    return ""


def _text_and_quote(text: str) -> tuple[str, str | None]:
    """The words and those they quote, of HTML, or of plain text by the mark before a line."""
    if _TAG.search(text):
        return text_and_quote(text)
    if ">" not in text:
        return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines()))), None
    lines = text.replace("&", "&amp;").replace("<", "&lt;").splitlines()
    marked = (f"<blockquote>{line.lstrip('> ')}</blockquote>" if line[:1] == ">" else line for line in lines)
    return text_and_quote("<br>".join(marked))


def _name_in(person: Mapping[str, Any]) -> Any:
    """A person's name, of the object itself or of a profile in it."""
    name = _first(person, "name")
    if name is not None:
        return name
    inner = (person[key] for key in _matching(person, "person") if isinstance(person[key], dict))
    return next(
        (found for found in (_first(item, "name") for item in inner) if found is not None), _first(person, "id")
    )


def _date_of(value: Any) -> str | None:
    """A date as a string, or seconds or milliseconds since 1970 between 2000 and 2050."""
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        seconds = value / 1000 if value > 1e11 else value
        return str(int(seconds)) if 946_684_800 < seconds < 2_524_608_000 else None
    if isinstance(value, str) and re.fullmatch(r"\d{10}(?:\d{3})?", value):
        return value
    return value if isinstance(value, str) and len(value) < 60 and date_in(value) else None


def _id(node: Mapping[str, Any]) -> str | None:
    value = _first(node, "id")
    return str(value) if isinstance(value, str | int) else None


def _reference(value: Any) -> str | None:
    if not isinstance(value, dict) or len(value) > 4:
        return None
    key = value.get("__ref") or (value.get("id") if value.get("type") == "id" else None)
    return key if isinstance(key, str) else None


@lru_cache(maxsize=8192)
def _roles(key: str) -> frozenset[str]:
    """What may stand under a key."""
    return frozenset(role for role, pattern in _ROLES.items() if len(key) < 40 and pattern.match(key))


def _matching(node: Mapping[str, Any], role: str) -> list[str]:
    return [key for key, value in node.items() if value is not None and value != "" and role in _roles(key)]


def _first(node: Any, role: str) -> Any:
    keys = _matching(node, role) if isinstance(node, dict) else []
    return next((node[key] for key in keys if not isinstance(node[key], dict | list)), None)
