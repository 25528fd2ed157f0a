"""What a page says of posts that it does not show: counts, collapsed branches, comments that load elsewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from stance.extract.document import Document
from stance.extract.platforms import Platform, Rule

#: Characters of an element in which its count is looked for: a heading, never the posts below it.
_NEAR = 1000


@cache
def _frames() -> dict[str, list[str]]:
    return tomllib.loads(Path(__file__).with_name("frames.toml").read_text(encoding="utf-8"))


def frames_in(html: str) -> list[str]:
    """Names of the comment services that load into a page.

    Examples
    --------
    >>> frames_in('<div id="disqus_thread"></div>')
    ['Disqus']
    """
    return [name for name, marks in _frames().items() if any(mark in html for mark in marks)]


def declared_count(page: Document, platform: Platform) -> int | None:
    """How many posts the page says the thread has, or None."""
    return next(_numbers(page, platform.declared), None)


def collapsed_count(page: Document, platform: Platform) -> int | None:
    """How many posts stand behind "load more" links, or None where there are none."""
    return sum(_numbers(page, platform.more)) or None


def _numbers(page: Document, rules: Iterable[Rule]) -> Iterator[int]:
    for rule in rules:
        for node in page.css(rule.css):
            value = re.match(r"(\d[\d.,]*)(k?)", rule.read(node, (node.html or "")[:_NEAR]) or "", re.IGNORECASE)
            if value and value.group(2):
                yield int(float(value.group(1).replace(",", ".")) * 1000)
            elif value:
                yield int(re.sub(r"\D", "", value.group(1)))
