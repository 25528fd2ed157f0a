"""What repeats on a page: elements around dates, or around links to people, by the selectors they answer to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from selectolax.lexbor import LexborNode

from stance.extract.blocks import Blocks
from stance.extract.dates import date_in, is_date
from stance.extract.document import Document
from stance.extract.markup import line_of
from stance.extract.words import any_of

#: Blocks of a kind that are looked at, and kinds of blocks that are compared.
SAMPLE = 40
_KINDS = 30

#: Dates of a page that are looked at; more posts than these are no page for people.
_MOST = 60_000

#: Letters of scripts that put no spaces between words: Japanese, Chinese, Thai.
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")

BUTTON = re.compile(rf"^{any_of('button')}$", re.IGNORECASE)

#: What stands before the date of a writer's own coming.
MEMBER_DATE = re.compile(rf"\b{any_of('member_since')}\b", re.IGNORECASE)
_SAYS = re.compile(rf"\s{any_of('says')}\s*:?$", re.IGNORECASE)

#: Addresses of people's own pages.
PROFILE = re.compile(
    r"(?:/|\b)(?:u|users?|members?|profiles?|people|person|authors?|account|channel|benutzer|mitglied(?:er)?|utilisateur|membre|usuarios?|perfil)[/=.?-]|/[@~]\w|[?&](?:u|uid|user_?id|user|member)="
)


def selectors_of(node: LexborNode) -> list[str]:
    """Selectors that the element and its like answer to: by its own names, else by way of its parent."""
    return names_of(node) or named_by_parent(node)


def names_of(node: LexborNode) -> list[str]:
    """Selectors that the element and its like answer to, one for each stable part of its markup."""
    attributes = node.attributes
    tag = _tag(node)
    names = [f'{tag}[class~="{token}"]' for token in (attributes.get("class") or "").split() if _is_stable(token)]
    prefix = re.match(r"([A-Za-z][\w-]*?[-_]?)\d+$", attributes.get("id") or "")
    if prefix:
        names.append(f'{tag}[id^="{prefix.group(1)}"]')
    for key in ("itemprop", "rel", "data-testid", "data-role", "component", "slot", "role"):
        value = attributes.get(key)
        if value and re.fullmatch(r"[\w /-]+", value) and len(value) < 40:
            names.append(f'{tag}[{key}="{value}"]')
    if not names:
        names += [f'{tag}[data-shape~="{name}"]' for name in (attributes.get("data-shape") or "").split()]
    return names


def _tag(node: LexborNode) -> str:
    """The element's name as a selector: Word's `<o:p>` and what broken markup makes are no names to CSS."""
    return _tag_name(node.tag or "")


@lru_cache(maxsize=1024)
def _tag_name(tag: str) -> str:
    return tag if re.fullmatch(r"[a-z][a-z0-9-]*", tag) else "*"


#: Names with a number of their own, and those that tell neighbours apart rather than kinds: stripes, ends, states.
_UNSTABLE = re.compile(
    r"[-_]\d+$|\d{3}|^(?:row|item)?[-_]?(?:odd|even)$|^alt\d?$|^(?:first|last|active|current|clear(?:fix)?)$",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def _is_stable(token: str) -> bool:
    # A number at the end is the element's own; digits elsewhere are what build tools put into names.
    return bool(re.fullmatch(r"[A-Za-z_][\w-]*", token)) and not _UNSTABLE.search(token) and len(token) < 60


def named_by_parent(node: LexborNode) -> list[str]:
    """Selectors by way of the parent, for elements without a name of their own."""
    up = node.parent
    if up is None or up.tag in ("html", "-document"):
        return []
    name = up.attributes.get("id") or ""
    above = names_of(up)[: 4 if "data-shape" in up.attributes else 2] or [
        f'{_tag(up)}[id="{name}"]' if _is_stable(name) else _tag(up)
    ]
    return [f"{name} > {_tag(node)}" for name in above]


def way_up(node: LexborNode | None, most: int = 40) -> Iterator[LexborNode]:
    """The element and those around it, below the body."""
    while node is not None and most and node.tag not in ("body", "html", "-document"):
        yield node
        node, most = node.parent, most - 1


@dataclass(slots=True)
class Kind:
    """Elements that answer to one selector.

    Of a sample of them there is each one's own HTML: that of others of its kind inside it left out.
    """

    css: str
    nodes: list[LexborNode]
    sample: list[LexborNode]
    blocks: Blocks
    html: list[str]
    own_dates: dict[int, list[LexborNode]]
    siblings: bool = False

    def roots(self, node: LexborNode) -> Iterator[LexborNode]:
        """Elements that belong to a block: its own, and where its words follow it, those up to the next block."""
        places = {other.mem_id for other in self.nodes} if self.siblings else set()
        yield node
        follower = node.next if self.siblings else None
        while follower is not None and follower.mem_id not in places:
            if follower.is_element_node:
                yield follower
            follower = follower.next


class Survey:
    """The dates of a page (or its links to people, where it has none), and the kinds of elements around them."""

    def __init__(self, page: Document, dates: Iterable[LexborNode], *, needs_dates: bool = True) -> None:
        self.page = page
        self.dates = list(islice(dates, _MOST))
        self.needs_dates = needs_dates

    def kinds(self) -> list[Kind]:
        """Kinds of elements of which most hold a date or two of their own, the most frequent first."""
        owners: dict[str, dict[int, list[LexborNode]]] = defaultdict(lambda: defaultdict(list))
        elements: dict[int, LexborNode] = {}
        selectors: dict[int, list[str]] = {}
        for date in self.dates:
            met: set[str] = set()
            for node in way_up(date):
                key = node.mem_id
                if key not in selectors:
                    elements[key], selectors[key] = node, selectors_of(node)
                for name in selectors[key]:
                    if name not in met:
                        met.add(name)
                        owners[name][key].append(date)
        return list(islice(self._worth_a_look(_with_any_tag(owners), elements), _KINDS))

    def _worth_a_look(
        self, owners: Mapping[str, dict[int, list[LexborNode]]], elements: Mapping[int, LexborNode]
    ) -> Iterator[Kind]:
        seen: set[frozenset[int]] = set()
        for name, owned in sorted(owners.items(), key=lambda item: -len(item[1])):
            places = frozenset(owned)
            few = sum(len(dates) <= 3 for dates in owned.values())
            if places in seen or few * 5 < len(owned) * 4:
                continue
            seen.add(places)
            # What holds a date and no words beside it is the date's own element.
            longest = max(len(_spaced(elements[place].text() or "")) for place in list(owned)[:3])
            if longest >= 40:
                yield self._kind(name, dict(owned))
            elif len(owned) > 1:
                yield self._kind(name, dict(owned), siblings=True)

    def _kind(self, css: str, owned: dict[int, list[LexborNode]], *, siblings: bool = False) -> Kind:
        nodes = self.page.css(css)
        blocks = Blocks(nodes, self.page, siblings=siblings)
        # What answers to the name and says no date may be something else: it is not learnt from.
        sample = [node for node in nodes if node.mem_id in owned][:SAMPLE]
        kind = Kind(css, nodes, sample, blocks, [], owned, siblings)
        kind.html += ["".join(blocks.html(root) for root in kind.roots(node)) for node in sample]
        return kind


def _with_any_tag(owners: dict[str, dict[int, list[LexborNode]]]) -> dict[str, dict[int, list[LexborNode]]]:
    """Add names that elements of several tags share: the opening post may be no item of the list below it."""
    shared: dict[str, list[str]] = defaultdict(list)
    for name in owners:
        if " > " not in name and "[class" in name:
            shared[name[name.index("[") :]].append(name)
    merged = {
        css: {key: value for name in names for key, value in owners[name].items()}
        for css, names in shared.items()
        if len(names) > 1
    }
    return {**owners, **merged}


def _spaced(text: str) -> str:
    """Put a space behind each letter of the scripts that write none, so that lengths compare."""
    return UNSPACED.sub(r"\g<0> ", text)


#: "3h" and the like, alone in an element.
_AGE = re.compile(r"^·?\s?\d{1,3}\s?(?:s|sec|m|mins?|h|hrs?|d|w|wks?|mo|y|yrs?)\.?$")

#: A day without its year, alone in an element: "Wed, May 3 @ 10:15 AM".
_DAY = re.compile(
    rf"^\W*(?:{any_of('around_date')}\W+){{0,3}}(?:{any_of('month')}\.?\s+\d{{1,2}}|\d{{1,2}}\.?\s+{any_of('month')})(?:st|nd|rd|th)?\b"
    rf"(?:\W*(?:at|um|à|om)?\W*\d{{1,2}}[:.h]\d\d(?::\d\d)?\s*(?:[ap]\.?m\.?)?)?\W*$",
    re.IGNORECASE,
)


def profiles(page: Document) -> Iterator[LexborNode]:
    """Links to the pages of people."""
    for node in page.css("a[href]"):
        if PROFILE.search(node.attributes.get("href") or "") and is_name(line_of(node.html or "")):
            yield node


def dates(page: Document) -> Iterator[LexborNode]:
    """Elements that say a date and little else."""
    body = page.tree.body
    if body is None:
        return
    seen: set[int] = set()
    for node in body.css("time, [datetime], abbr[title]"):
        value = node.attributes.get("datetime") or node.attributes.get("title") or line_of(node.html or "")
        if value and date_in(value[:80]) and node.mem_id not in seen:
            seen.add(node.mem_id)
            yield node
    for text in body.traverse(include_text=True):
        if not _says_date(text):
            continue
        around = text.parent
        if around is None or around.mem_id in seen:
            continue
        if any(above.mem_id in seen for above in way_up(around, 3)):
            continue
        seen.add(around.mem_id)
        yield around


def says_dates(page: Document) -> bool:
    """Tell whether a page says at least two dates, wherever they stand."""
    body = page.tree.body
    texts = body.traverse(include_text=True) if body is not None else ()
    return len(list(islice(filter(_says_date, texts), 2))) > 1


def _says_date(text: LexborNode) -> bool:
    """Tell whether a node is a text that is little more than a date, and not that of its writer's membership."""
    if text.tag != "-text":
        return False
    value = (text.text_content or "").strip()
    if not 1 < len(value) < 90 or not any(letter.isdigit() for letter in value):
        return False
    if not (_AGE.match(value) or (len(value) > 4 and date_in(value)) or (len(value) < 50 and _DAY.match(value))):
        return False
    if text.parent is None or text.parent.tag in ("script", "style", "option", "textarea"):
        return False
    before = text.prev
    return not MEMBER_DATE.search(value) and (before is None or not MEMBER_DATE.search((before.text() or "")[-30:]))


_SENTENCE = re.compile(r"[。！？؟।]")


def is_name(value: str) -> bool:
    """Tell whether a piece of text may be a person's name: short, no date, no button."""
    value = _SAYS.sub("", value)
    return (
        0 < len(value) < 41
        and len(value.split()) < 6
        and not is_date(value)
        and not _AGE.match(value)
        and not _DAY.match(value)
        and not _SENTENCE.search(value)
        and not date_in(value)
        and not BUTTON.match(value)
        and bool(re.search(r"[^\W\d_]", value))
    )
