"""The post elements of a page, and what belongs to which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from stance.extract.draft import Draft
from stance.extract.markup import text_of, unique
from stance.extract.platforms import Platform, Rule


@dataclass(slots=True)
class Blocks:
    """The post elements of a page, and to which of them any node belongs."""

    nodes: list[LexborNode]
    tree: LexborHTMLParser
    siblings: bool = False
    _place: dict[int, int] = field(default_factory=dict)
    _owners: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._place = {node.mem_id: place for place, node in enumerate(self.nodes)}
        if self.siblings:
            self._take_siblings()

    def _take_siblings(self) -> None:
        """Count what follows a post's element, up to the next post, as the post's own."""
        for place, node in enumerate(self.nodes):
            follower = node.next
            while follower is not None and follower.mem_id not in self._place:
                self._owners[follower.mem_id] = place
                follower = follower.next

    def owner(self, node: LexborNode | None) -> int | None:
        """Place of the nearest post at or around a node, or None."""
        climbed = []
        found: int | None = None
        while node is not None:
            key = node.mem_id
            if key in self._place:
                found = self._place[key]
                break
            if key in self._owners:
                found = self._owners[key]
                break
            climbed.append(key)
            node = node.parent
        # Remembering the way up keeps a page of 20,000 levels linear.
        self._owners.update(dict.fromkeys(climbed, found))
        return found

    def find(self, css: str) -> Iterator[tuple[int, LexborNode]]:
        """Nodes that fit, each with the place of its post; nodes outside of all posts are left out."""
        if not css:
            yield from enumerate(self.nodes)
            return
        for node in unique(self.tree.css(css)):
            place = self.owner(node)
            if place is not None:
                yield place, node

    def values(self, rules: Iterable[Rule], usable: Callable[[str], bool] = bool) -> dict[int, str]:
        """For each post the first value of the first rule that gives one."""
        found: dict[int, str] = {}
        for rule in rules:
            if len(found) == len(self.nodes):
                break
            missing = {}
            for place, node in self.find(rule.css):
                if place in found or place in missing:
                    continue
                value = rule.read(node)
                if value and usable(value):
                    missing[place] = value
            found.update(missing)
        return found

    def content(self, rules: Iterable[Rule]) -> dict[int, list[LexborNode]]:
        """For each post the nodes that the first fitting rule finds, none inside another."""
        found: dict[int, list[LexborNode]] = {}
        for rule in rules:
            if len(found) == len(self.nodes):
                break
            nodes: dict[int, list[LexborNode]] = {}
            for place, node in self.find(rule.css):
                if place not in found and not _inside(node, nodes.get(place, [])):
                    nodes.setdefault(place, []).append(node)
            found.update(nodes)
        return found


def _inside(node: LexborNode, others: list[LexborNode]) -> bool:
    if not others:
        return False
    keys = {other.mem_id for other in others}
    up = node.parent
    # Content stands at most a few levels below other content; a full climb would be quadratic in the depth.
    for _ in range(12):
        if up is None:
            return False
        if up.mem_id in keys:
            return True
        up = up.parent
    return False


def read_platform(tree: LexborHTMLParser, platform: Platform) -> list[Draft]:
    """Read a page's posts as the platform's entry says: by the first of its `post` selectors that finds any."""
    skipped = {node.mem_id for node in tree.css(platform.skip)} if platform.skip else set()
    for css in platform.post:
        nodes = [node for node in unique(tree.css(css)) if node.mem_id not in skipped]
        drafts = _drafts(Blocks(nodes, tree, platform.siblings), platform) if nodes else []
        if drafts:
            return drafts
    return []


def _drafts(blocks: Blocks, platform: Platform) -> list[Draft]:
    texts = _texts(blocks, platform)
    if not any(text or quote for text, quote in texts.values()):
        return []
    ids = blocks.values(platform.id)
    authors = blocks.values(platform.author)
    if not authors:
        return []
    dates = blocks.values(platform.date)
    parents = _parents(blocks, platform, ids)
    quoted = blocks.values(platform.quoted)
    return [
        Draft(
            id=ids.get(place),
            text=text,
            quote=quote or None,
            author=authors.get(place),
            date=dates.get(place),
            parent=parents.get(place),
            quoted=quoted.get(place),
            place=place,
        )
        for place in range(len(blocks.nodes))
        for text, quote in [texts.get(place, ("", ""))]
    ]


def _texts(blocks: Blocks, platform: Platform) -> dict[int, tuple[str, str]]:
    contents = blocks.content(platform.text)
    drops = _pieces(blocks, platform.drop)
    quotes = _pieces(blocks, platform.quote)
    for place, node in enumerate(blocks.nodes):
        # An answer inside the element of the post that it answers is no part of that post's text.
        around = blocks.owner(node.parent)
        if around is not None and place != around:
            drops.setdefault(around, []).append(node.html or "")
    texts = {}
    for place, nodes in contents.items():
        html = "\n".join(node.html or "" for node in nodes)
        html = without(html, drops.get(place, ()))[0]
        html, taken = without(html, quotes.get(place, ()))
        text, quote = text_of(html), text_of("\n".join(taken))
        # A post that only repeats another's words says those words.
        texts[place] = (text, quote) if text else (quote, "")
    return texts


def _pieces(blocks: Blocks, css: str) -> dict[int, list[str]]:
    pieces: dict[int, list[str]] = {}
    if css:
        for place, node in blocks.find(css):
            pieces.setdefault(place, []).append(node.html or "")
    return pieces


def without(html: str, pieces: Iterable[str]) -> tuple[str, list[str]]:
    """Take pieces of serialised HTML out, and say which were there.

    Serialising is deterministic, so an element's HTML is a substring of the HTML around it; this needs no change of the
    tree, where nodes inside a removed node would be dangling pointers.
    """
    taken = []
    for piece in pieces:
        if piece and piece in html:
            html = html.replace(piece, "<br>", 1)
            taken.append(piece)
    return html, taken


def _parents(blocks: Blocks, platform: Platform, ids: dict[int, str]) -> dict[int, int]:
    """Place of each post's parent, as far as the markup says: by reference, by indentation, by nesting."""
    places = {name: place for place, name in reversed(ids.items())}
    refs = blocks.values(platform.parent)
    parents = {place: places[ref] for place, ref in refs.items() if ref in places and places[ref] != place}
    if platform.depth:
        depths = blocks.values(platform.depth)
        parents = by_depth((place, _number(value)) for place, value in sorted(depths.items())) | parents
    if platform.indent:
        parents = _by_wrappers(blocks, platform.indent) | parents
    if platform.nested:
        for place, node in enumerate(blocks.nodes):
            around = blocks.owner(node.parent)
            if around is not None:
                parents.setdefault(place, around)
    return parents


def by_depth(depths: Iterable[tuple[int, float]]) -> dict[int, int]:
    """Read indentation: the parent is the last post before that stands less deep.

    Examples
    --------
    >>> by_depth([(0, 1), (1, 2), (2, 2), (3, 1)])
    {1: 0, 2: 0}
    """
    parents: dict[int, int] = {}
    branch: list[tuple[float, int]] = []
    for place, depth in depths:
        while branch and branch[-1][0] >= depth:
            branch.pop()
        if branch:
            parents[place] = branch[-1][1]
        branch.append((depth, place))
    return parents


def _number(value: str) -> float:
    return float(value) if value.replace(".", "", 1).isdecimal() else 0.0


def _by_wrappers(blocks: Blocks, css: str) -> dict[int, int]:
    wrappers = {node.mem_id for node in blocks.tree.css(css)}
    depths = []
    for place, node in enumerate(blocks.nodes):
        depth, around = 0, node.parent
        while around is not None:
            depth += around.mem_id in wrappers
            around = around.parent
        depths.append((place, float(depth)))
    return by_depth(depths)
