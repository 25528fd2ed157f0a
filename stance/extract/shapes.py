"""A page whose markup names nothing, written anew so that it can be learnt from: lines and runs become elements.

Old boards and guestbooks part their posts by rules, by rows or by headings, and their lines by `<br>`; build tools
leave elements without names. So each line of mixed content gets an element of its own, what stands between two rules or
begins with like heads is put into one, and every element is named after its shape and its place, in `data-shape`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from selectolax.lexbor import LexborNode

from stance.extract.dates import date_in
from stance.extract.document import Document
from stance.extract.guards import depth_of
from stance.extract.markup import has_fields, line_of
from stance.extract.survey import MEMBER_DATE
from stance.extract.words import any_of

#: Tags and depth of a page that is written anew; a longer one has names, a deeper one is no page for people.
_MOST_TAGS = 30_000
_DEEPEST = 200

#: Elements that stand in a line, those that show nothing, and those that hold no line.
_INLINE = frozenset(
    re.findall(
        r"\w+",
        """a abbr acronym b bdi bdo big button cite code data del em font i img input ins kbd label mark nobr q s samp
    small span strike strong sub sup time tt u var wbr""",
    )
)
_UNSEEN = frozenset(["script", "style", "noscript", "template", "svg", "select", "textarea", "iframe", "link", "meta"])
_STRUCTURE = frozenset(["table", "tbody", "thead", "tfoot", "tr", "ul", "ol", "dl", "colgroup"])

#: How many children a parent has that are told apart by their place.
_PLACES = 12

#: The longest head of a post, and the longest title above one.
_HEAD, _TITLE = 160, 80

_LOOKS = ("style", "bgcolor", "color", "size", "align", "valign", "width", "colspan", "rowspan", "background")
_LABELS = {
    kind: re.compile(rf"^\W*(?P<label>{any_of(f'label_{kind}')})\s*[:：]", re.IGNORECASE)
    for kind in ("name", "from", "date", "text", "other")
}


def in_shapes(page: Document) -> Document | None:
    """Write a page anew; None where there is nothing to read or too much.

    Examples
    --------
    >>> old = Document("<hr><b>Ada</b><br>3 May 2019<br>Yes.<hr><b>Bob</b><br>4 May 2019<br>No.<hr>", "page")
    >>> new = in_shapes(old)
    >>> [node.text() for node in new.css("[data-shape~=part] > :first-child")] if new else None
    ['Ada', 'Bob']
    """
    body = page.tree.body
    if body is None or page.html.count("<") > _MOST_TAGS or depth_of(page.html) > _DEEPEST:
        return None
    return Document(_Writer(body).html(), "shapes")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A child of an element: an element, or a line of text and inline elements."""

    tag: str
    nodes: tuple[LexborNode, ...]

    @property
    def html(self) -> str:
        """As it stands in the page."""
        return "".join(node.html or "" for node in self.nodes)


class _Writer:
    """One page on its way from one form to the other."""

    def __init__(self, body: LexborNode) -> None:
        self.body = body
        self._out: list[str] = []
        self._codes: dict[str, str] = {}
        self._units: dict[int, list[_Unit]] = {}
        self._around_blocks = _around_blocks(body)

    def html(self) -> str:
        """The new page."""
        self._element(self.body, [])
        return "<!DOCTYPE html>" + "".join(self._out)

    def _element(self, node: LexborNode, places: list[str]) -> None:
        units = self._units_of(node)
        tag = "div" if node.tag == "p" else node.tag or "div"
        line = units[0] if len(units) == 1 and units[0].tag == "line" else None
        label = self._label(line) if line else None
        names = [f"label-{label[0]}"] if label else []
        looks = _looks(node)
        names += [self._code("s", f"{tag} {looks}")] if looks else []
        names += [*places, self._code("k", self._shape(_Unit(tag, (node,))))]
        self._out.append(_opening(tag, node, names))
        if line:
            self._out.append(_without_label(line.html, label))
        else:
            self._inside(node, units)
        self._out.append(f"</{tag}>")

    def _inside(self, node: LexborNode, units: list[_Unit]) -> None:
        name = " ".join((node.attributes.get("class") or "").split()) or _looks(node) or self._kinds(units)
        coarse = f"{node.tag} {units[0].tag if units else ''}"
        parts = _Parts([self._seen(unit) for unit in units]).found() if len(units) > 3 else []
        starts = {part.start: part for part in parts}
        wrapper = "tbody" if node.tag == "tbody" else "div" if node.tag == "dl" else "section"
        # A table's part is a body of its own, so the rows around it need one, too.
        if node.tag == "tbody" and parts:
            self._out.append("</tbody>")
        end = 0
        for place, unit in enumerate(units):
            part = starts.get(place)
            if part:
                end = part.stop
                self._out.append(f'<{wrapper} data-shape="part">')
            start = max((other.start for other in parts if other.start <= place < other.stop), default=0)
            total = end - start if place < end else len(units)
            names = [*self._places(name, place - start, total), self._code("m", f"{coarse} {place - start}")]
            self._unit(unit, [*names, self._code("t", f"{node.tag} {unit.tag}")])
            if place + 1 == end:
                self._out.append(f"</{wrapper}>")

    def _places(self, name: str, place: int, total: int) -> list[str]:
        if total > _PLACES:
            return []
        return [self._code("n", f"{name} {place}"), self._code("e", f"{name} {total - place}")]

    def _unit(self, unit: _Unit, places: list[str]) -> None:
        if unit.tag != "line":
            self._element(unit.nodes[0], places)
            return
        label = self._label(unit)
        names = [f"label-{label[0]}"] if label else []
        names += [*places, self._code("k", self._shape(unit))]
        self._out.append(f'<div data-shape="{" ".join(names)}">{_without_label(unit.html, label)}</div>')

    def _units_of(self, node: LexborNode) -> list[_Unit]:
        units = self._units.get(node.mem_id)
        if units is None:
            units = self._units[node.mem_id] = list(self._read(node))
        return units

    def _read(self, node: LexborNode) -> Iterator[_Unit]:
        line: list[LexborNode] = []
        child = node.first_child
        while child is not None:
            is_inline = child.tag == "-text" or (child.tag in _INLINE and child.mem_id not in self._around_blocks)
            if is_inline:
                line.append(child)
            elif child.is_element_node and child.tag not in _UNSEEN and not _is_to_fill_in(child):
                yield from _lines(line, node)
                line = []
                if child.tag != "br":
                    yield _Unit(child.tag or "div", (child,))
            child = child.next
        yield from _lines(line, node)

    def _shape(self, unit: _Unit) -> str:
        """What tells elements of one make: names, looks, and the kinds of their children."""
        if unit.tag == "line":
            inner = _collapsed(["#" if node.tag == "-text" else node.tag or "" for node in unit.nodes])
            return f"line {inner} {self._label(unit) or ''}"
        node = unit.nodes[0]
        units = self._units_of(node)
        # Rows differ by their cells alone.
        inner = _collapsed([_made(one.nodes[0]) for one in units]) if unit.tag == "tr" else self._kinds(units)
        return f"{_made(node)} {inner}"

    def _kinds(self, units: Sequence[_Unit]) -> str:
        return _collapsed([unit.tag for unit in units])

    def _seen(self, unit: _Unit) -> _Seen:
        text = line_of(f"<div>{unit.html}</div>")
        is_dated = _is_dated(text[:_HEAD])
        is_head = is_dated and len(text) <= (_TITLE if unit.tag in ("line", "p") else _HEAD)
        # Nothing but their words may tell heads from what follows them.
        return _Seen(unit.tag, f"{self._shape(unit)} {is_head}", len(text), is_dated, is_head)

    def _label(self, line: _Unit) -> tuple[str, str] | None:
        if ":" not in (html := line.html) and "：" not in html:
            return None
        text = line_of(f"<div>{html}</div>")[:40]
        found = ((kind, pattern.match(text)) for kind, pattern in _LABELS.items())
        return next(((kind, match["label"]) for kind, match in found if match), None)

    def _code(self, kind: str, value: str) -> str:
        return self._codes.setdefault(f"{kind} {value}", f"{kind}{len(self._codes)}")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What counts of a child for finding the parts: its tag, its shape, the length of its text, its date."""

    tag: str
    shape: str
    length: int
    is_dated: bool
    is_head: bool


class _Parts:
    """Runs of children that begin alike: between two rules, or at heads of one shape with a date."""

    def __init__(self, units: list[_Seen]) -> None:
        self.units = units

    def found(self) -> list[range]:
        """The runs, or none where nothing repeats."""
        rules = [place for place, unit in enumerate(self.units) if unit.tag == "hr"]
        runs = self._between(rules) if len(rules) > 1 else []
        if len(runs) < 2:
            starts = self._heads()
            runs = [range(one, two) for one, two in pairwise([*starts, len(self.units)])]
        if len(runs) < 2:
            runs = self._before_feet()
        if len(runs) < 2:
            return []
        runs[-1] = self._without_foot(runs)
        runs[0] = self._without_lead(runs)
        return runs

    def _between(self, rules: list[int]) -> list[range]:
        ends = [-1, *rules, len(self.units)]
        runs = [range(one + 1, two) for one, two in pairwise(ends)]
        return [run for run in runs if len(run) > 1 and any(self.units[place].is_dated for place in run)]

    def _heads(self) -> list[int]:
        """Where parts begin: at units of one shape that say a date and little else, with something between them."""
        shapes: dict[str, list[int]] = defaultdict(list)
        for place, unit in enumerate(self.units):
            shapes[unit.shape].append(place)
        likely = [places for places in shapes.values() if self._are_heads(places)]
        heads = max(likely, key=len, default=[])
        while heads and self._has_title(heads):
            heads = [place - 1 for place in heads]
        return heads

    def _before_feet(self) -> list[range]:
        """Runs that end with a unit of one shape with a date, the last of them with the last unit."""
        last = self.units[-1].shape
        feet = [place for place, unit in enumerate(self.units) if unit.shape == last]
        if (
            len(feet) < 2
            or not all(self.units[place].is_head for place in feet)
            or any(two - one < 2 for one, two in pairwise(feet))
        ):
            return []
        first = self.units[feet[0] + 1].shape
        start = next((place for place in range(feet[0]) if self.units[place].shape == first), None)
        starts = [start, *(foot + 1 for foot in feet[:-1])] if start is not None else []
        return [range(one, foot + 1) for one, foot in zip(starts, feet, strict=True)] if starts else []

    def _are_heads(self, places: list[int]) -> bool:
        # What nothing follows is a foot.
        if len(places) < 2 or places[-1] == len(self.units) - 1:
            return False
        if sum(self.units[place].is_head for place in places) * 5 < len(places) * 4:
            return False
        apart = sum(two - one > 1 for one, two in pairwise([*places, len(self.units)]))
        return apart * 5 >= len(places) * 4

    def _has_title(self, heads: list[int]) -> bool:
        """Whether all heads follow a like unit that is short: a name, a title. Before the first there is no foot."""
        if heads[0] == 0 or any(two - one < 3 for one, two in pairwise(heads)):
            return False
        before = [self.units[place - 1] for place in heads]
        return len({unit.shape for unit in before}) == 1 and all(0 < unit.length <= _TITLE for unit in before)

    def _without_lead(self, runs: list[range]) -> range:
        """The first run without the page's head: all down to the last kind of child that no other run has."""
        tags = {self.units[place].tag for run in runs[1:] for place in run}
        lead = [place for place in runs[0] if self.units[place].tag not in tags]
        return range(lead[-1] + 1 if lead and lead[-1] + 1 < runs[0].stop else runs[0].start, runs[0].stop)

    def _without_foot(self, runs: list[range]) -> range:
        """The last run without what follows the discussion: kinds of children and headings that no other run has."""
        last = runs[-1]
        tags = {self.units[place].tag for run in runs[:-1] for place in run}
        most = max(len(run) for run in runs[:-1]) + 2
        stops = (place for place in last if self.units[place].tag not in tags or place - last.start >= most)
        return range(last.start, next(stops, last.stop))


def _is_to_fill_in(node: LexborNode) -> bool:
    return node.tag == "form" and has_fields(node.html or "")


def _is_dated(text: str) -> bool:
    """Tell whether a date stands in a text, other than that of its writer's membership."""
    span = date_in(text)
    return span is not None and not MEMBER_DATE.search(text[max(0, span[0] - 25) : span[0]])


def _around_blocks(body: LexborNode) -> set[int]:
    """Inline elements that hold blocks or break lines, which makes them blocks."""
    around: set[int] = set()
    for node in body.traverse():
        if node.tag in _INLINE or node.tag in _UNSEEN:
            continue
        up = node.parent
        while up is not None and up.tag in _INLINE and up.mem_id not in around:
            around.add(up.mem_id)
            up = up.parent
    return around


def _lines(nodes: list[LexborNode], around: LexborNode) -> Iterator[_Unit]:
    if around.tag not in _STRUCTURE and any(node.tag != "-text" or (node.text_content or "").strip() for node in nodes):
        yield _Unit("line", tuple(nodes))


def _collapsed(kinds: Sequence[str]) -> str:
    """Equal neighbours count once: a post has one line or ten."""
    return ",".join(kind for place, kind in enumerate(kinds) if not place or kinds[place - 1] != kind)


def _made(node: LexborNode) -> str:
    names = " ".join(name for name in (node.attributes.get("class") or "").split() if not re.search(r"\d", name))
    return f"{node.tag} {names} {_looks(node)}"


#: Widths that say how deep a post stands, and not what it is.
_INDENT = re.compile(r"((?:margin|padding)-left:|width=)\s*\d+")


def _looks(node: LexborNode) -> str:
    attributes = node.attributes
    return _INDENT.sub(r"\1", ";".join(f"{key}={attributes[key] or ''}" for key in _LOOKS if key in attributes))


def _opening(tag: str, node: LexborNode, names: Sequence[str]) -> str:
    attributes = {**node.attributes, "data-shape": " ".join(names)}
    written = (f' {key}="{escape(value or "")}"' for key, value in attributes.items() if re.fullmatch(r"[\w:-]+", key))
    return f"<{tag}{''.join(written)}>"


def _without_label(html: str, label: tuple[str, str] | None) -> str:
    if label is None or label[0] == "other":
        return html
    # The label itself may stand in an element of its own, its colon inside or behind.
    return re.sub(rf"{re.escape(escape(label[1]))}((?:</\w+>)*)\s*[:：]((?:</\w+>)*)", r"\1\2", html, count=1)
