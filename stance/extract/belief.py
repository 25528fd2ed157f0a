"""What speaks for blocks being posts, and what against it: teasers, profiles, products, events, lists of threads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from selectolax.lexbor import LexborNode

from stance.extract.markup import line_of, text_of
from stance.extract.survey import PROFILE, UNSPACED, Kind, way_up
from stance.extract.words import any_of

#: Blocks are believed to be posts from the first on, and believed no more beyond the second.
LIKELY, SURE = 0.89, 1.5

#: What stands above a discussion, and what answers to a post.
HEADING = re.compile(
    rf"^\W*(?:\d[\d.,]*\s+)?(?:{any_of('discussion')}|{any_of('heading')})\b[\s\W]*(?:\d[\d.,]*)?\W*$", re.IGNORECASE
)
_ANSWERED = re.compile(rf">\s*{any_of('answer')}\s*<", re.IGNORECASE)
_ANSWERS = re.compile(r"(?:^|\bsubject: ?)(?:re|aw|sv|antw) ?:", re.IGNORECASE | re.MULTILINE)
_HEAD_TAGS = frozenset(
    ["h1", "h2", "h3", "h4", "h5", "h6", "strong", "legend", "summary", "header", "p", "div", "span"]
)

_DISCUSSION = re.compile(any_of("in_discussion"), re.IGNORECASE)
_ELSEWHERE = re.compile(any_of("not_discussion"), re.IGNORECASE)
_ELSEWHERE_HEADING = re.compile(rf"\b{any_of('not_discussion')}", re.IGNORECASE)
_LEADS_ON = re.compile(rf"<a\b[^>]*>\s*{any_of('leads_on')}\b", re.IGNORECASE)
_LISTED = re.compile(any_of("in_thread_list"), re.IGNORECASE)

_WORD = re.compile(r"\w+")
_LINK = re.compile(r"<a\b[^>]*>(.*?)</a>", re.DOTALL)
_HEADING_LINK = re.compile(
    r"<h[1-6]\b[^>]*>(?:(?!</h[1-6]>).)*?<a\b[^>]*?href=\"([^\"]*)\"|<a\b[^>]*?href=\"([^\"]*)\"[^>]*>(?:(?!</a>).)*?<h[1-6]\b",
    re.DOTALL,
)
#: Addresses that a post's own heading leads to.
_OWN_ADDRESS = re.compile(r"#|\b(?:comment|reply|replies|cid|pid|mid|msg|message)(?:_?id)?[=/-]?\d", re.IGNORECASE)

_MINUTE = re.compile(r"(?<![:\d])[012]?\d[:h](\d\d)\b(?!:\d)")
_CLOCK = re.compile(r"\d:\d\d|\bago\b|\d\s?[ap]m\b|\dT\d\d", re.IGNORECASE)
_SPAN = re.compile(r"\b\d{1,3}\s?(?:h|hrs?|min|d|w)\b")


def belief(kind: Kind, texts: Sequence[str], words: Sequence[int]) -> float:
    """Sum plain points; `LIKELY` is enough.

    Parameters
    ----------
    texts : sequence of str
        Each block's whole text.
    words : sequence of int
        How many words of its own each block says, of those that say any.
    """
    own, around, heading = names_around(kind, 1), names_around(kind, 5), _heading(kind)
    is_headed, is_named = bool(HEADING.match(heading)), bool(_DISCUSSION.search(own))
    called = 1.2 if is_named else 0.9 if is_headed else 0.8 if _DISCUSSION.search(around) else 0.0
    points = called + 0.2 + 0.3 * (median(words) > 8) + 0.3 * (len(words) > 3) - 0.6 * (len(words) == 1)
    points -= 1.2 if _ELSEWHERE.search(own) else 0.2 if is_named else 1.0 if _ELSEWHERE.search(around) else 0.0
    points -= 0.8 * (len(heading.split()) < 6 and bool(_ELSEWHERE_HEADING.search(heading)) and not is_headed)
    answers = max(_share(kind.html, _ANSWERED.search), _share(texts, _ANSWERS.search))
    points += 0.7 * (answers > 0.5) + _timed(kind.html, texts, called > 0)
    points -= 1.5 * (_share(_with_titles(kind), _leads_away) > 0.4) + 1.5 * (_share(texts, _LISTED.search) > 0.5)
    points -= 1.5 * (_share(kind.html, _LEADS_ON.search) > 0.5) + 0.6 * (median(words) < 3)
    points -= 1.0 * (_mean_link_share(kind.html) > 0.6) + 1.0 * (_mean_link_share(kind.html, least=4) > 0.35)
    return points


def names_around(kind: Kind, levels: int) -> str:
    """Class names and ids of a block and of what is close around it."""
    names = []
    for node in way_up(kind.sample[0], levels):
        attributes = node.attributes
        names += [attributes.get(key) or "" for key in ("class", "id", "itemprop", "itemtype", "aria-label")]
        names.append((node.tag or "") if "-" in (node.tag or "") else "")
    return " ".join(names)


def count_words(text: str) -> int:
    """How many words; scripts that put no spaces between them have one in two letters."""
    return len(_WORD.findall(text)) + len(UNSPACED.findall(text)) // 2


def own_words(texts: Sequence[str]) -> list[int]:
    """How many words each text says that not nearly all of them say: labels and counts are nobody's words.

    Examples
    --------
    >>> own_words(["Joined 2019, from Upper Ford", "Joined 2020, from the mill", "Joined 2021, from far away"])
    [2, 2, 2]
    """
    bags = [Counter(word for word in _WORD.findall(text.lower()) if not word.isdigit()) for text in texts]
    spread = Counter(word for bag in bags for word in bag)
    common = {word for word, count in spread.items() if len(bags) > 2 and count * 10 >= len(bags) * 9}
    return [
        sum(count for word, count in bag.items() if word not in common) + len(UNSPACED.findall(text)) // 2
        for bag, text in zip(bags, texts, strict=True)
    ]


def _heading(kind: Kind) -> str:
    """The last short text above the blocks, or above what is around them."""
    for around in way_up(kind.sample[0], 4):
        before = around.prev
        for _ in range(4):
            if before is None:
                break
            text = line_of(before.html or "") if before.is_element_node and before.tag in _HEAD_TAGS else ""
            if 2 < len(text) < 60:
                return text
            before = before.prev
    return ""


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(bool(test(value)) for value in values) / len(values)


def _timed(pieces: Sequence[str], texts: Iterable[str], is_discussion: bool) -> float:
    """What clock times say: people write at any minute, what is planned begins at a round one."""
    minutes = [int(found.group(1)) for text in texts for found in [_MINUTE.search(text)] if found]
    if not is_discussion and len(minutes) > 2 and not any(minute % 5 for minute in minutes):
        return -0.5
    return 0.5 * _share(pieces, lambda html: _CLOCK.search(html) or _SPAN.search(html))


def _leads_away(html: str) -> bool:
    """Tell a teaser: its heading is a link to another page."""
    found = _HEADING_LINK.search(html)
    href = (found.group(1) or found.group(2) or "") if found else ""
    return bool(found) and not _OWN_ADDRESS.search(href) and not PROFILE.search(href)


def _with_titles(kind: Kind) -> list[str]:
    """Each block's HTML; where words follow heads, with what stands above a head, for that may be the title."""
    if not kind.siblings:
        return kind.html
    above = [previous_element(node) for node in kind.sample]
    return [f"{node.html if node else ''}{html}" for node, html in zip(above, kind.html, strict=True)]


def previous_element(node: LexborNode) -> LexborNode | None:
    """The element before a node, text left out."""
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before


def _mean_link_share(pieces: Sequence[str], least: int = 1) -> float:
    """How much of the words stands in links of at least so many words."""
    return sum(_link_share(html, least) for html in pieces) / len(pieces)


def _link_share(html: str, least: int) -> float:
    total = count_words(text_of(html))
    links = [count_words(text_of(link)) for link in _LINK.findall(html)]
    return sum(words for words in links if words >= least) / total if total else 1.0
