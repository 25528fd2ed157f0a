"""Posts in markup that nobody described: blocks that repeat, each with a date, a name and words of its own.

The reader does not read: it writes the entry that `platforms.toml` lacks, from the page itself, and hands it to the
same code as any other entry. What repeats is found from the dates upward (every post has one, and little else on a page
has a date and a name and running text); what each part is called is found by what is in most blocks and differs between
them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from selectolax.lexbor import LexborNode

from stance.extract.belief import HEADING, LIKELY, SURE, belief, count_words, names_around, own_words
from stance.extract.dates import date_in, is_date
from stance.extract.document import Document
from stance.extract.markup import line_of, texts_of
from stance.extract.platforms import Platform, Rule
from stance.extract.shapes import in_shapes
from stance.extract.survey import (
    BUTTON,
    PROFILE,
    Kind,
    Survey,
    dates,
    is_name,
    profiles,
    says_dates,
    selectors_of,
    way_up,
)
from stance.extract.words import any_of

#: What a page is said to be read as that nobody has described: a guess.
REPEATED = "repeated blocks"

_AUTHOR = re.compile(any_of("of_author"), re.IGNORECASE)
_NO_AUTHOR = re.compile(any_of("not_author"), re.IGNORECASE)
_DATE = re.compile(any_of("of_date"), re.IGNORECASE)
_TEXT = re.compile(any_of("of_text"), re.IGNORECASE)
_NO_TEXT = re.compile(any_of("not_text"), re.IGNORECASE)

_COMMENT = re.compile(r"comment|kommentar|coment|repl(?:y|ies)|respuesta|antwort|reactie", re.IGNORECASE)
_BESIDE_DATE = re.compile(
    rf"^\W*(?:\d{{1,5}}\s*[.:)\]：]+\s*)?(?:{any_of('by')}\s+)?([^|•·\d][^|•·]{{0,39}}?)\s*(?:\(#?\d+\)\s*)?(?:(?:\||•|·|»|：|,|–|—|-|:|\(|\b(?:on|am|le|at|el|um|{any_of('says')})\b)+\s*(?=.{{0,20}}\d)"
    rf"|(?=\s(?:\d{{1,2}}[. /-]|\d{{4}}|\d+\s\w+\sago|{any_of('month')}\s+\d)))",
    re.IGNORECASE,
)


def learn_platform(page: Document) -> tuple[Document, Platform] | None:
    """Write an entry for the posts of this page, or None where nothing on it looks like posts.

    The entry comes with the page that it reads: where markup names nothing, one written anew.
    """
    dated = Survey(page, dates(page))
    found = _best(dated) or _best(Survey(page, profiles(page), needs_dates=False))
    if found and not found.is_vague:
        return page, found.entry
    shaped = in_shapes(page) if says_dates(page) else None
    by_shape = _best(Survey(shaped, dates(shaped))) if shaped else None
    if shaped and by_shape:
        return shaped, by_shape.entry
    return (page, found.entry) if found else None


@dataclass(frozen=True, slots=True)
class _Learnt:
    """An entry, how believable it is, and whether its selectors find more than they should."""

    entry: Platform
    score: float
    is_vague: bool


def _best(survey: Survey) -> _Learnt | None:
    found = (_Fields(kind, survey).learnt() for kind in survey.kinds())
    return max((learnt for learnt in found if learnt), key=lambda learnt: learnt.score, default=None)


@dataclass(slots=True)
class _Part:
    """One selector inside the blocks of a kind: where it was found and what it says there."""

    css: str
    values: dict[int, str] = field(default_factory=dict)
    words: dict[int, int] = field(default_factory=dict)
    nodes: dict[int, LexborNode] = field(default_factory=dict)
    holds: set[int] = field(default_factory=set)
    hrefs: list[str] = field(default_factory=list)
    times: int = 0

    @property
    def is_vague(self) -> bool:
        """Whether it finds more than the one element of a block that is meant."""
        return self.times * 4 > len(self.values) * 5


class _Fields:
    """The parts of a post, learnt from the blocks of one kind."""

    def __init__(self, kind: Kind, page: Survey) -> None:
        self.kind = kind
        self.page = page
        self.sample = kind.sample
        self.texts = texts_of(kind.html)
        self.date_ids = {date.mem_id for dates in kind.own_dates.values() for date in dates}
        self.parts: dict[str, _Part] = {}

    def learnt(self) -> _Learnt | None:
        """The entry and how believable it is, or None."""
        if not self._is_worth_it():
            return None
        self._collect()
        date = self._date() if self.page.needs_dates else None
        author = self._author()
        name = _naming(author) if author else self._name_beside(date)
        if name is None or (date is None and self.page.needs_dates):
            return None
        content = self._content(author, date)
        is_vague = any(part.is_vague for part in (author, date) if part)
        # One block with several writers or dates is what stands around the posts.
        score = self._score(name, content, is_vague) if len(self.kind.nodes) > 1 or not is_vague else None
        return _Learnt(self._entry(name, date, content), score, is_vague) if score is not None else None

    def _name_beside(self, date: _Part | None) -> Rule | None:
        """A name in the same words as the date: "Ada, 3 May 2019", "by Ada on 3 May"."""
        if date is None:
            return None
        around = [part for part in self.parts.values() if len(part.holds) * 10 >= len(self.sample) * 7]
        for part in (date, *around):
            found = [_BESIDE_DATE.match(value) for value in part.values.values() if len(value) < 120]
            named = [name.group(1) for name in found if name and _is_writer(name)]
            if len(named) * 10 >= len(self.sample) * 7 and (len(named) < 3 or len(set(named)) > 1):
                return Rule(part.css, None, _BESIDE_DATE)
        return None

    def _is_worth_it(self) -> bool:
        total, dated = len(self.kind.nodes), len(self.kind.own_dates)
        if not total or dated * 10 < total * 6 or (total == 1 and not _COMMENT.search(names_around(self.kind, 1))):
            return False
        words = [count_words(text) for text in self.texts]
        return median(words) >= 6 and sum(words) >= (10 if _COMMENT.search(names_around(self.kind, 1)) else 20)

    def _collect(self) -> None:
        places = {node.mem_id for node in self.kind.nodes}
        for place, block in enumerate(self.sample):
            for node in self._elements(block, places):
                value = line_of(self.kind.blocks.html(node))
                if not value and node.tag not in ("time", "meta"):
                    continue
                names = selectors_of(node)
                for name in names:
                    part = self.parts.setdefault(name, _Part(name))
                    part.times += 1
                    if place in part.values:
                        continue
                    part.values[place] = value
                    part.words[place] = count_words(value)
                    part.nodes[place] = node
                    if node.mem_id in self.date_ids or any(
                        child.mem_id in self.date_ids for child in _own(node, places)
                    ):
                        part.holds.add(place)
                    href = node.attributes.get("href")
                    if href:
                        part.hrefs.append(href)

    def _elements(self, block: LexborNode, places: set[int]) -> Iterator[LexborNode]:
        for root in self.kind.roots(block):
            if self.kind.siblings:
                yield root
            yield from _own(root, places)

    def _author(self) -> _Part | None:
        best = max(self.parts.values(), key=self._author_score, default=None)
        return best if best is not None and self._author_score(best) > 0.75 else None

    def _author_score(self, part: _Part) -> float:
        values = [_bare(value) for value in part.values.values() if value]
        if not values:
            return 0.0
        names = [value for value in values if is_name(value) and not HEADING.match(value) and not _TITLED.match(value)]
        coverage = len(names) / len(self.sample)
        if len(names) * 5 < len(values) * 4 or coverage < 0.5:
            return 0.0
        variety = len(set(names)) / len(names)
        if (len(names) > 2 and len(set(names)) == 1) or all(map(_ROLE.match, names)):
            return 0.0
        named = bool(_AUTHOR.search(part.css)) and not _NO_AUTHOR.search(part.css.rpartition(" > ")[2])
        linked = sum(bool(PROFILE.search(href)) for href in part.hrefs) * 2 > len(values)
        links = bool(part.hrefs)
        beside = sum(self._is_beside_date(node) for node in part.nodes.values()) * 10 > len(part.nodes) * 7
        return (
            coverage
            + 0.6 * named
            + 0.6 * linked
            + 0.1 * links
            + 0.25 * beside
            + 0.15 * bool(_BOLD.search(part.css))
            + 0.2 * min(1.0, 2 * variety)
            - 0.4 * bool(_NO_AUTHOR.search(" ".join(_VALUE.findall(part.css))))
            - 0.1 * part.is_vague
            - 0.5
        )

    def _is_beside_date(self, node: LexborNode) -> bool:
        """Tell whether a date comes soon after the element (a rank may stand between), or right before it."""
        for step, most in (("next", 2), ("prev", 1)):
            other = getattr(node, step)
            while other is not None and most:
                if other.mem_id in self.date_ids or (other.is_element_node and is_date(line_of(other.html or "")[:71])):
                    return True
                most -= other.is_element_node and other.tag != "br"
                other = getattr(other, step)
        return False

    def _date(self) -> _Part | None:
        best = max(self.parts.values(), key=self._date_score, default=None)
        return best if best is not None and self._date_score(best) > 0.5 else None

    def _date_score(self, part: _Part) -> float:
        dated = [value for place, value in part.values.items() if place in part.holds and len(value) < 120]
        coverage = len(dated) / len(self.sample)
        pure = sum(is_date(value) for value in dated) / (len(dated) or 1)
        return (
            coverage
            + 0.3 * pure
            + 0.1 * bool(_DATE.search(part.css))
            - 0.3 * part.is_vague
            - 0.001 * median(map(len, dated) if dated else [0])
        )

    def _content(self, author: _Part | None, date: _Part | None) -> _Part | None:
        """The part that holds most words and neither name nor date; of nested ones the innermost with all words."""
        usable = [part for part in self.parts.values() if self._can_be_content(part, author, date)]
        if not usable:
            return None
        most = max(sum(part.words.values()) for part in usable)
        total = sum(count_words(text) for text in self.texts)
        good = [part for part in usable if sum(part.words.values()) >= 0.9 * most]
        named = any(_TEXT.search(part.css.rpartition(" > ")[2]) for part in good)
        if most * (3 if named else 2) < total and most < 15 * len(self.sample):
            return None
        if _PLACED.search(good[0].css) and self._leaves_words(most, total, (author, date)):
            return None
        return max(good, key=lambda part: (len(part.values), bool(_TEXT.search(part.css)), -sum(part.words.values())))

    def _leaves_words(self, most: int, total: int, heads: Iterable[_Part | None]) -> bool:
        """Tell whether a line found by its place is one of several: then the words are all that is no head."""
        around = {part.css: sum(part.words.values()) for part in heads if part}
        return total - most - sum(around.values()) > 0.1 * most

    def _can_be_content(self, part: _Part, author: _Part | None, date: _Part | None) -> bool:
        if len(part.values) * 10 < len(self.sample) * 7 or _NO_TEXT.search(part.css.rpartition(" > ")[2]):
            return False
        tag = re.match(r"\w+", part.css.rpartition(" > ")[2])
        if tag and tag.group() in ("a", "time", "button", "h1", "h2", "h3", "h4"):
            return False
        around = sum(_is_around(part, other, place) for other in (author, date) if other for place in part.nodes)
        return around * 4 < len(part.nodes)

    def _score(self, author: Rule, content: _Part | None, is_vague: bool) -> float | None:
        total = len(self.kind.nodes)
        bodies = [content.values.get(place, "") if content else text for place, text in enumerate(self.texts)]
        filled = [body for body in bodies if body]
        if not filled or len(set(filled)) * 10 < len(filled) * 8:
            return None
        believed = belief(self.kind, self.texts, own_words(filled))
        if believed < LIKELY or (self.kind.siblings and content is None):
            return None
        coverage = len(self.kind.own_dates) / total
        spoken = sum(min(60, count_words(body)) for body in bodies) * total / len(bodies)
        # A block that holds its words is a safer find than a head that words follow, and names that find nothing else
        # are safer than names that do.
        safety = (
            (1.0 if content else 0.6)
            * (0.5 if self.kind.siblings else 1.0)
            * (0.7 if author.pattern is _BESIDE_DATE else 1.0)
            * (0.95 if coverage < 1 else 1.0)
            * (0.9 if is_vague else 1.0)
        )
        # Enough is enough: among kinds that are all believed, the one that holds most words is the posts.
        return float(min(believed, SURE) * math.sqrt(coverage * spoken) * safety)

    def _entry(self, author: Rule, date: _Part | None, content: _Part | None) -> Platform:
        drop = [author.css, *([date.css] if date else [])]
        junk = [part.css for part in self.parts.values() if not part.is_vague and _is_furniture(part, len(self.sample))]
        return Platform(
            name=REPEATED,
            origin="learnt from the page",
            post=(self.kind.css,),
            id=self._that_read(_IDS),
            author=(author,),
            date=(*(Rule(date.css, key) for key in ("datetime", "title")), Rule(date.css)) if date else (),
            text=(Rule(self._with_quotations(content)),) if content else (Rule(),),
            depth=self._that_read(_DEPTHS),
            by_tree=True,
            siblings=self.kind.siblings,
            quote="blockquote, [class~=quote], [class*=quotebox i], [class*=bbcodequote i], [class*=quoteblock i]",
            drop=", ".join([*drop, *junk[:40]]),
        )

    def _with_quotations(self, content: _Part) -> str:
        """The words, and what stands quoted beside them rather than in them."""
        quotes = any("<blockquote" in html for html in self.kind.html)
        return f"{content.css}, {self.kind.css} > blockquote" if quotes and not self.kind.siblings else content.css

    def _that_read(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        """Rules that find an element, or read something off one of the first blocks."""
        return tuple(rule for rule in rules if rule.css or any(rule.read(node, "") for node in self.sample))


_IDS = (
    Rule("", "id", re.compile(r"(\w*\d+)$")),
    Rule("", "data-id"),
    Rule("", "data-comment-id"),
    Rule("a[href*='#']", "href", re.compile(r"#(?:\D*)(\d+)$")),
)
_DEPTHS = (
    Rule("", "style", re.compile(r"(?:margin|padding)-left:\s*(\d+)")),
    Rule("", "class", re.compile(r"(?:level|depth|indent)[-_]?(\d+)")),
    Rule("", "data-depth"),
    Rule("", "data-level"),
    Rule("td[indent]", "indent"),
    Rule("td > img[height='1']", "width"),
    Rule("span", None, re.compile(r"^level (\d+)$")),
)


#: Names that `shapes.py` gives by place.
_PLACED = re.compile(r"data-shape~=\"[nem]\d")
_LABELLED = re.compile(r"label-(?:from|other)\"\]$")
_VALUE = re.compile(r"\"([^\"]*)\"")
_BOLD = re.compile(r"(?:^|> )(?:b|strong|cite|h[2-6]|button|dt|th|legend)\b")


#: A name, and what pages put around it: "by", a number in front, a member's number behind, "writes:".
_NAMED = re.compile(
    rf"^\W?(?:#?\d{{1,5}}[.):]\s+)?(?:{any_of('by')}\s*:?\s+)?(.+?)(?:\s*\(\s*#?\d[\d.,]*\s*\)|\s*[<(\[]\S+@\S+[>)\]])?(?:\s+{any_of('says')}(?:\.\.\.|…)?)?\s*[:»]*$",
    re.IGNORECASE,
)


def _bare(value: str) -> str:
    found = _NAMED.match(value)
    return found.group(1) if found else value


def _naming(author: _Part) -> Rule:
    values = author.values.values()
    if sum(bool(_WITH_TOWN.match(value)) for value in values) * 5 > len(values) * 4:
        return Rule(author.css, None, _WITH_TOWN)
    return Rule(author.css, None, None if all(_bare(value) == value for value in values) else _NAMED)


#: Newspapers print where a writer lives: "Ada Lorne, Upper Ford".
_WITH_TOWN = re.compile(rf"^(?:{any_of('by')}\s*:?\s+)?([^,]+),\s[^,\d]+$", re.IGNORECASE)

#: What a writer is on a site, which is no name.
_ROLE = re.compile(rf"{any_of('role')}$", re.IGNORECASE)

#: What titles and quotations begin with, and names do not.
_TITLED = re.compile(r"(?:re|aw|sv|antw)\s?:|[\"“„«»]", re.IGNORECASE)
_LABEL = re.compile(rf"^(?:{any_of('around_date')}|{any_of('says')}|{any_of('by')})$", re.IGNORECASE)


def _is_writer(name: re.Match[str]) -> bool:
    return is_name(name.group(1)) and not _LABEL.match(name.group(1)) and not _is_in_date(name)


def _is_in_date(name: re.Match[str]) -> bool:
    span = date_in(name.string)
    return span is not None and span[0] < name.end(1)


def _is_around(part: _Part, other: _Part, place: int) -> bool:
    """Tell whether one part of a block stands around, or is, another part of the same block."""
    node, inner = part.nodes[place], other.nodes.get(place)
    return inner is not None and any(above.mem_id == node.mem_id for above in way_up(inner))


def _is_furniture(part: _Part, blocks: int) -> bool:
    """Tell buttons and labels: short, in half of the blocks, and the same in nearly all of these."""
    values = [value for value in part.values.values() if value]
    if _LABELLED.search(part.css):
        return True
    if len(values) < max(2, 0.5 * blocks) or max(map(len, values)) > 60:
        return False
    common = Counter(values).most_common(1)[0][1]
    return (common >= 0.8 * len(values) and len(values) > 2) or all(BUTTON.match(value) for value in values)


def _own(block: LexborNode, places: Iterable[int]) -> Iterator[LexborNode]:
    """Elements inside a block that belong to no block of its kind inside it."""
    stack = [block.first_child]
    count = 0
    while stack and count < 600:
        node = stack.pop()
        if node is None:
            continue
        stack.append(node.next)
        if not node.is_element_node or node.mem_id in places or node.tag in ("script", "style", "noscript", "svg"):
            continue
        count += 1
        yield node
        stack.append(node.first_child)
