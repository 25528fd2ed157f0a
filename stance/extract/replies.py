"""Who answers whom in a flat list, where the page does not say: by a quotation, else by an addressed author.

What names nobody stays without a parent: in a flat list it answers the thread. `reply_trees` reads numbered trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from stance.records import Post

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{12,400})[\"”“»]")
_SPACE = re.compile(r"\W+")


def infer_parents(posts: Sequence[Post]) -> tuple[Post, ...]:
    """Fill in the parents that the page does not give.

    Parameters
    ----------
    posts : sequence of Post
        In page order; parents that are known stay as they are.

    Examples
    --------
    >>> ada = Post("1", "Their phones are safe and nobody showed otherwise.", "Ada")
    >>> bob = Post("2", "@Ada you work for them?", "Bob")
    >>> infer_parents([ada, bob])[1].parent, infer_parents([ada, bob])[1].parent_basis
    ('1', 'address')
    """
    seen = _Seen()
    return tuple(seen.answer(post) for post in posts)


#: Posts before that a quotation is looked for in, and names in a post that are looked up: a page of 30,000 posts that
#: quote and hail shall not take a minute.
_REACH = 1000
_HAILS = 20


class _Seen:
    """The posts read so far, as far as a later one may quote or address them."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, str]] = []
        self._plain: list[str] = []
        self._last_of: dict[str, str] = {}
        self._heads: set[str] = set()

    def answer(self, post: Post) -> Post:
        """Find whom a post answers among those before it, and note it."""
        answered = post if post.parent_basis else self._quoted(post) or self._addressed(post) or post
        self._texts.append((post.id, post.text))
        if post.author:
            name = post.author.strip().casefold()
            self._last_of[name] = post.id
            self._heads.add(name[:3])
        return answered

    def _quoted(self, post: Post) -> Post | None:
        parts = [part for part in _quotations(post) if len(part) > 11]
        if not parts:
            return None
        # Most threads quote nobody, so texts are made plain only when somebody does.
        self._plain += [_plain(text) for _, text in self._texts[len(self._plain) :]]
        for place in range(len(self._texts) - 1, max(-1, len(self._texts) - 1 - _REACH), -1):
            if any(part in self._plain[place] for part in parts):
                return replace(post, parent=self._texts[place][0], parent_basis="quote")
        return None

    def _addressed(self, post: Post) -> Post | None:
        own = (post.author or "").strip().casefold()
        for name in islice(_spoken_to(post), _HAILS):
            for known in _longest_first(name, self._last_of) if name[:3] in self._heads else ():
                if known != own:
                    return replace(post, parent=self._last_of[known], parent_basis="address")
        return None


#: What stands before a name that is spoken to at the head of a post.
_HAIL = re.compile(r"^\W{0,3}(?:(?:re|to|an|hey|hi|hello|dear|hallo|hola|salut|reply to)\b\W{0,3})?", re.IGNORECASE)


_AT = re.compile(r"(?<![\w.])@\s?")


def _spoken_to(post: Post) -> Iterator[str]:
    """Pieces of the post that begin with a name: after each "@", at the head, at the head of the quotation."""
    for found in _AT.finditer(post.text) if "@" in post.text else ():
        yield post.text[found.end() : found.end() + 40].casefold()
    head = post.text[_HAIL.match(post.text).end() : 60]  # type: ignore[union-attr]
    mark = re.search(r"[,:;!–—\n]|\s-", head)
    if mark:
        yield head[: mark.start() + 1].casefold()
    if post.quote:
        yield post.quote.lstrip("\"'“ ")[:50].casefold()


def _longest_first(piece: str, names: Mapping[str, str]) -> Iterator[str]:
    """Names that a piece of text begins with, whole, the longest first."""
    for end in range(min(len(piece), 40), 2, -1):
        name = piece[:end].rstrip()
        if name in names and not piece[end : end + 1].isalnum():
            yield name


def quotes(post: Post, other: Post) -> bool:
    """Tell whether a post repeats words of another: in its quotation, or between quotation marks."""
    parts = [part for part in _quotations(post) if len(part) > 11]
    return bool(parts) and any(part in _plain(other.text) for part in parts)


def _quotations(post: Post) -> Iterator[str]:
    for quotation in _QUOTED.findall(post.text):
        if len(quotation.split()) > 2:
            yield _plain(quotation)
    for line in (post.quote or "").splitlines():
        # A byline of the quotation ("Ada wrote:") or a single word is no evidence.
        if len(line.split()) > 2:
            yield _plain(line)[:200]


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()


def addresses(post: Post, other: Post) -> bool:
    """Tell whether a post speaks to another's author: `@name`, or the name at its head or at that of its quotation."""
    name = (other.author or "").strip().casefold()
    return len(name) > 2 and any(next(_longest_first(piece, {name: ""}), None) for piece in _spoken_to(post))
