"""Comments that a page carries as schema.org data in JSON-LD (microdata is an entry of `platforms.toml`).

Answers of an FAQ and questions about products are no comments, whatever their type says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from stance.extract.draft import Draft
from stance.extract.markup import text_and_quote

_POSTS = frozenset({"Comment", "UserComments", "DiscussionForumPosting", "SocialMediaPosting"})
_ANSWERED = frozenset({"Comment", "UserComments", "Answer", "Question"})
_NO_DISCUSSION = frozenset({"FAQPage", "Product", "Review", "HowTo"})


def read_json_ld(tree: LexborHTMLParser) -> list[Draft]:
    """Read the comments of a page's JSON-LD; none where it speaks of a product or an FAQ."""
    roots = list(_roots(tree))
    if any(_types(node) & _NO_DISCUSSION for root in roots for node in _walk(root)):
        return []
    drafts: list[Draft] = []
    for root in roots:
        _collect(root, drafts)
    return drafts


def _roots(tree: LexborHTMLParser) -> Iterator[Any]:
    for node in tree.css("script[type='application/ld+json']"):
        text = re.sub(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*.*?\*/)|(?:-->|//\s*\]\]>)\s*;?\s*$", "", node.text() or "")
        try:
            yield json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _types(node: dict[str, Any]) -> set[str]:
    value = node.get("@type")
    names = value if isinstance(value, list) else [value]
    return {str(name).rpartition("/")[2] for name in names if name}


def _collect(root: Any, drafts: list[Draft]) -> None:
    stack: list[tuple[Any, int | None]] = [(root, None)]
    while stack:
        node, around = stack.pop()
        if isinstance(node, list):
            stack.extend((item, around) for item in reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        place = _take(node, around, drafts)
        inner = [
            value
            for key, value in node.items()
            if isinstance(value, dict | list) and key not in ("author", "publisher", "image")
        ]
        stack.extend((value, place) for value in reversed(inner))


def _take(node: dict[str, Any], around: int | None, drafts: list[Draft]) -> int | None:
    """Note a post and give its place; anything else lets through what is around it."""
    types = _types(node)
    is_answer = "Answer" in types and bool(node.get("author"))
    if not (types & _POSTS or is_answer or ("Question" in types and node.get("author"))):
        return around
    words = next(
        (node[key] for key in ("text", "articleBody", "commentText", "description") if isinstance(node.get(key), str)),
        "",
    )
    if not words.strip():
        return around
    text, quote = text_and_quote(words.replace("\n", "<br>") if "<" not in words else words)
    place = len(drafts)
    drafts.append(
        Draft(
            text=text,
            quote=quote,
            id=_id(node),
            author=_name(node.get("author") or node.get("creator")),
            date=next(
                (str(node[key]) for key in ("datePublished", "dateCreated", "commentTime") if node.get(key)), None
            ),
            place=place,
            parent=around,
            quoted=_reference(node.get("parentItem")),
        )
    )
    # What hangs on the opening post of a thread is the thread, in which everybody answers everybody.
    return place if types & _ANSWERED else None


def _id(node: dict[str, Any]) -> str | None:
    for key in ("identifier", "@id", "url"):
        value = node.get(key)
        found = re.search(r"([\w.-]*\d)/?$", value) if isinstance(value, str) else None
        if found:
            return found.group(1)
    return None


def _reference(node: Any) -> str | None:
    return _id(node) if isinstance(node, dict) else None


def _name(author: Any) -> str | None:
    if isinstance(author, list):
        author = author[0] if author else None
    if isinstance(author, dict):
        author = author.get("name") or author.get("alternateName")
    return str(author) if isinstance(author, str) else None
