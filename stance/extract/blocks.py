"""The post elements of a page, and what belongs to which of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborNode

from stance.extract.document import Document
from stance.extract.draft import Draft
from stance.extract.markup import texts_of, without
from stance.extract.platforms import Platform, Rule

#: Elements that are walked to leave the answers out of what is around them: some hundred in any page that was written
#: to be read. Of a thousand wrappers around wrappers, each read whole, it would be the square.
_MOST_WALKED = 200_000

_MEDIA = re.compile(r"<(?:img|video|audio|iframe|embed)\b")


class Blocks:
    """The post elements of a page, and to which of them any node belongs.

    All of it is linear in the page, however deep it nests: each way up is climbed once and remembered, and an element
    that holds answers is never serialised whole.
    """

    def __init__(self, nodes: list[LexborNode], page: Document, *, siblings: bool = False) -> None:
        self.nodes = nodes
        self.page = page
        self._place = {node.mem_id: place for place, node in enumerate(nodes)}
        self._owners: dict[int, int | None] = {}
        self._left = _MOST_WALKED
        if siblings:
            self._take_siblings()
        self._around_answers = self._ways_to_answers()

    def _take_siblings(self) -> None:
        """Count what follows a post's element, up to the next post, as the post's own."""
        for place, node in enumerate(self.nodes):
            follower = node.next
            while follower is not None and follower.mem_id not in self._place:
                self._owners[follower.mem_id] = place
                follower = follower.next

    def _ways_to_answers(self) -> set[int]:
        """Elements that lie between a post and an answer inside it, both posts' own elements left out and in."""
        ways: set[int] = set()
        for node in self.nodes:
            if self.owner(node.parent) is None:
                continue
            up = node.parent
            while up is not None and up.mem_id not in ways:
                ways.add(up.mem_id)
                if up.mem_id in self._place:
                    break
                up = up.parent
        return ways

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
        self._owners.update(dict.fromkeys(climbed, found))
        return found

    def html(self, node: LexborNode) -> str:
        """The node's HTML without the answers inside it."""
        if node.mem_id not in self._around_answers:
            return node.html or ""
        parts: list[str] = []
        stack = [node.first_child]
        while stack and self._left:
            child = stack.pop()
            if child is None:
                continue
            self._left -= 1
            stack.append(child.next)
            if child.mem_id in self._around_answers and child.mem_id not in self._place:
                parts.append("<br>")
                stack.append(child.first_child)
            elif child.mem_id not in self._place:
                parts.append(child.html or "")
        return f"<div>{''.join(parts)}</div>"

    def find(self, css: str) -> Iterator[tuple[int, LexborNode]]:
        """Nodes that fit, each with the place of its post; nodes outside of all posts are left out."""
        if not css:
            yield from enumerate(self.nodes)
            return
        for node in self.page.css(css):
            place = self.owner(node)
            if place is not None:
                yield place, node

    def values(self, rules: Iterable[Rule]) -> dict[int, str]:
        """For each post the first value of the first rule that gives one."""
        found: dict[int, str] = {}
        for rule in rules:
            if len(found) == len(self.nodes):
                break
            missing: dict[int, str] = {}
            for place, node in self.find(rule.css):
                if place in found or place in missing:
                    continue
                value = rule.read(node, "" if rule.attribute else self.html(node))
                if value:
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
            for place, node in self._outermost(rule.css):
                if place not in found:
                    nodes.setdefault(place, []).append(node)
            found.update(nodes)
        return found

    def pieces(self, css: str) -> dict[int, list[str]]:
        """For each post the HTML of what fits, none inside another."""
        pieces: dict[int, list[str]] = {}
        for place, node in self._outermost(css) if css else ():
            if node.mem_id not in self._around_answers:
                pieces.setdefault(place, []).append(node.html or "")
        return pieces

    def _outermost(self, css: str) -> list[tuple[int, LexborNode]]:
        nodes = list(self.find(css))
        keys = {node.mem_id for _, node in nodes}
        known: dict[int, bool] = {}
        return [(place, node) for place, node in nodes if not self._is_inside(node, keys, known)]

    def _is_inside(self, node: LexborNode, keys: set[int], known: dict[int, bool]) -> bool:
        climbed = []
        inside = False
        # A post's own element ends the way up, for what is in another post is not in this one's part.
        while node.mem_id not in self._place and node.parent is not None:
            node = node.parent
            if node.mem_id in keys or node.mem_id in known:
                inside = known.get(node.mem_id, True)
                break
            climbed.append(node.mem_id)
        known.update(dict.fromkeys(climbed, inside))
        return inside


def read_platform(page: Document, platform: Platform) -> list[Draft]:
    """Read a page's posts as the platform's entry says: by the first of its `post` selectors that finds any."""
    skipped = {node.mem_id for node in page.css(platform.skip)} if platform.skip else set()
    for css in platform.post:
        nodes = [node for node in page.css(css) if node.mem_id not in skipped]
        drafts = _drafts(Blocks(nodes, page, siblings=platform.siblings), platform) if nodes else []
        if drafts:
            return drafts
    return []


def _drafts(blocks: Blocks, platform: Platform) -> list[Draft]:
    texts = _texts(blocks, platform)
    if not any(text for text, _, _ in texts.values()):
        return []
    ids = blocks.values(platform.id)
    authors = blocks.values(platform.author)
    if not authors:
        return []
    if platform.carries:
        authors = _carried(authors, len(blocks.nodes))
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
            has_media=has_media,
        )
        for place in range(len(blocks.nodes))
        for text, quote, has_media in [texts.get(place, ("", "", False))]
    ]


def _carried(authors: dict[int, str], total: int) -> dict[int, str]:
    """Give a post that names no writer the one of the post before."""
    carried: dict[int, str] = {}
    for place in range(total):
        name = authors.get(place) or carried.get(place - 1)
        if name:
            carried[place] = name
    return carried


def _texts(blocks: Blocks, platform: Platform) -> dict[int, tuple[str, str, bool]]:
    """Each post's own words, those it quotes, and whether it shows a picture or a film."""
    drops, quotes = blocks.pieces(platform.drop), blocks.pieces(platform.quote)
    own: dict[int, str] = {}
    quoted: dict[int, str] = {}
    for place, nodes in blocks.content(platform.text).items():
        html = "\n".join(blocks.html(node) for node in nodes)
        # Quotations before the rest: a button taken out of one would leave nothing to recognise it by.
        html, taken = without(html, quotes.get(place, ()))
        own[place] = without(html, drops.get(place, ()))[0]
        if taken:
            quoted[place] = _quote_of(taken, drops.get(place, ()))
    texts = {place: _written(platform, text) for place, text in zip(own, texts_of(list(own.values())), strict=True)}
    said = dict(zip(quoted, texts_of(list(quoted.values())), strict=True))
    # A post that only repeats another's words says those words.
    return {
        place: (text or said.get(place, ""), said.get(place, "") if text else "", bool(_MEDIA.search(own[place])))
        for place, text in texts.items()
    }


def _written(platform: Platform, text: str) -> str:
    if platform.start and (found := platform.start.match(text)):
        text = text[found.end() :]
    if platform.end and (found := platform.end.search(text)):
        text = text[: found.start()].rstrip()
    return text


def _quote_of(taken: Iterable[str], drops: Iterable[str]) -> str:
    # Who is quoted stands in a <cite> of its own, in front of the words.
    return without("\n".join(taken), drops)[0].replace("</cite>", "</cite><br>")


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
    if platform.by_tree and not parents:
        parents = _by_tree(blocks)
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
    wrappers = {node.mem_id for node in blocks.page.css(css)}
    return by_depth(_depths(blocks.nodes, wrappers))


def _depths(nodes: Iterable[LexborNode], counted: set[int] | None = None) -> list[tuple[int, float]]:
    """How many elements (of those `counted`) stand around each node."""
    known: dict[int, int] = {}
    depths = []
    for place, node in enumerate(nodes):
        way, up = [], node.parent
        while up is not None and up.mem_id not in known:
            way.append(up.mem_id)
            up = up.parent
        depth = known[up.mem_id] if up is not None else 0
        for key in reversed(way):
            depth += counted is None or key in counted
            known[key] = depth
        depths.append((place, float(depth)))
    return depths


def _by_tree(blocks: Blocks) -> dict[int, int]:
    """Read indentation where no entry says how: spacers beside the post, else how deep its element stands in the page.

    A first post that alone stands elsewhere (the opening of a thread above the list of replies) is no parent.
    """
    spaced = [(place, _spacer(node)) for place, node in enumerate(blocks.nodes)]
    if len({depth for _, depth in spaced}) > 1:
        return by_depth(spaced)
    depths = _depths(blocks.nodes)
    return by_depth(depths) if len({depth for _, depth in depths[1:]}) > 1 else {}


_SPACE_LEFT = re.compile(r"(?:margin|padding)-left:\s*(\d+)")


def _spacer(node: LexborNode) -> float:
    """Width that pushes a post to the right: of an empty picture in its row, or of its own or its wrapper's style."""
    around: LexborNode | None = node
    for _ in range(3):
        if around is None:
            break
        found = _SPACE_LEFT.search(around.attributes.get("style") or "")
        if found:
            return float(found.group(1))
        if around.tag == "tr":
            image = around.css_first("td > img[height='1'], td > img[height='0'], td[indent]")
            value = (image.attributes.get("width") or image.attributes.get("indent") or "0") if image else "0"
            return _number(value)
        around = around.parent
    return 0.0
