"""A parsed page that knows which names stand in it: what cannot be there is not looked for.

A search of the tree takes a quarter of a millisecond on a page of usual size, a third of the time that parsing takes,
and an entry asks dozens of questions. Most of them name a class that the page does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

from selectolax.lexbor import LexborNode

from stance.extract.guards import depth_of
from stance.extract.markup import parse, unique

# A literal head lets the search skip through the page.
_CLASS = re.compile(r"class=(\"[^\"]*|'[^']*|[^\s>]+)")
_ID = re.compile(r" id=(\"[^\"]*|'[^']*|[^\s>]+)")

#: The same for a page that shouts; half as fast.
_ANY_CLASS = re.compile(r"class\s*=\s*(\"[^\"]*|'[^']*|[^\s>]+)", re.IGNORECASE)
_ANY_ID = re.compile(r"\sid\s*=\s*(\"[^\"]*|'[^']*|[^\s>]+)", re.IGNORECASE)

#: What looks for something anywhere below each element takes the square of the depth: on deep pages it is left out.
_LOOKS_DOWN = re.compile(r":has\((?!>\s*[^\s>]+\))")
_MANY = 6_000
_DEEP = 2_000

_NAME = re.compile(r"[.#](-?[A-Za-z_][\w-]*)")
_INSIDE = re.compile(r"\([^()]*\)|\[[^\]]*\]")


_TEMPLATE = re.compile(r"<(/?)template\b([^>]*)>", re.IGNORECASE)


def without_shadows(html: str) -> str:
    """Put what stands in declarative shadow roots into the page itself, where selectors find it as a reader does.

    Examples
    --------
    >>> without_shadows("<a-post><template shadowrootmode=open><b>Ada</b></template></a-post>")
    '<a-post><div><b>Ada</b></div></a-post>'
    """
    if "shadowroot" not in html:
        return html
    are_shadows: list[bool] = []

    def plain(tag: re.Match[str]) -> str:
        if not tag[1]:
            are_shadows.append("shadowroot" in tag[2])
            return "<div>" if are_shadows[-1] else tag[0]
        return "</div>" if are_shadows and are_shadows.pop() else tag[0]

    return _TEMPLATE.sub(plain, html)


class Document:
    """One page: its tree, and what it can be recognised by."""

    def __init__(self, html: str, where: str) -> None:
        html = self.html = without_shadows(html)
        self.tree = parse(html, where)
        self._found: dict[str, bool] = {}

    @cached_property
    def _values(self) -> set[str]:
        finders = (_ANY_CLASS, _ANY_ID) if "CLASS=" in self.html else (_CLASS, _ID)
        return {value for finder in finders for value in finder.findall(self.html)}

    @cached_property
    def _text(self) -> str:
        return "\n".join(self._values)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Class names and ids in small letters: the parser matches them without regard to case."""
        return frozenset(self._text.lower().replace('"', " ").replace("'", " ").split())

    def __contains__(self, mark: str) -> bool:
        """Tell whether a mark stands in a class or an id, or after "page:" anywhere in the page."""
        found = self._found.get(mark)
        if found is None:
            text = mark.removeprefix("page:")
            found = self._found[mark] = text in (self._text if text == mark else self.html)
        return found

    def css(self, css: str) -> list[LexborNode]:
        """Elements that fit, each once, in page order for each alternative."""
        possible = self._possible(css)
        if not possible:
            return []
        nodes = self.tree.css(", ".join(possible))
        return nodes if len(possible) == 1 else unique(nodes)

    def css_first(self, css: str) -> LexborNode | None:
        """The first element that fits, or None."""
        possible = self._possible(css)
        return self.tree.css_first(", ".join(possible)) if possible else None

    def _possible(self, css: str) -> list[str]:
        possible = [alternative for alternative, needed in alternatives(css) if needed <= self._names]
        if any(_LOOKS_DOWN.search(alternative) for alternative in possible) and self._is_deep:
            return [alternative for alternative in possible if not _LOOKS_DOWN.search(alternative)]
        return possible

    @cached_property
    def _is_deep(self) -> bool:
        return self.html.count("<") > _MANY and depth_of(self.html) > _DEEP


@lru_cache(maxsize=4096)
def alternatives(css: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Parts of a comma list, each with the class names and ids without which it fits nothing.

    Examples
    --------
    >>> [(css, sorted(needed)) for css, needed in alternatives("li.post:not(.ad, #top), p")]
    [('li.post:not(.ad, #top)', ['post']), ('p', [])]
    """
    return tuple((part.strip(), frozenset(_needed(part))) for part in _split(css))


def _split(css: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(css):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            parts.append(css[start:place])
            start = place + 1
    return [*parts, css[start:]]


def _needed(css: str) -> Iterable[str]:
    """Names outside of brackets: those inside may be what must not be there."""
    while _INSIDE.search(css):
        css = _INSIDE.sub("", css)
    return (name.lower() for name in _NAME.findall(css))
