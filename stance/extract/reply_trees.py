"""Who answers whom in a numbered dump: the most likely of the trees that its numbers allow.

Such a dump prints a tree in pre-order while its numbers run in the order of writing (PhoneArena does). So a reply has a
greater number than its parent, siblings ascend, and a post whose number is smaller than its predecessor's closes every
open branch whose last child is greater.

Which of the trees that this leaves? For each post in turn a conditional logit (McFadden 1974) weighs the posts that are
still open, and the thread itself, by what the post says and by the numbers around it; its weights are fitted by
`benchmarks/replies.py`. A beam search finds the tree whose choices are together the likeliest.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stance.extract.replies import addresses, quotes
from stance.records import Post

#: Trees kept side by side while a thread is read (fewer in a long one), and open posts of a branch that are considered
#: besides the root.
BEAM = 64
_LONG = 500
REACH = 24

ROOT = -1

#: Weight of each cue, by `python -m benchmarks.replies --fit`; the file says on which threads.
WEIGHTS = {
    "shallowest": -0.55,
    "shallowest_in_flat": -1.23,
    "shallowest_in_deep": -1.55,
    "tip_in_deep": 1.27,
    "root": -0.39,
    "root_spoken_to": -0.26,
    "root_in_flat": -0.84,
    "tip": -0.23,
    "tip_in_flat": 0.89,
    "steps_up": -2.02,
    "depth": 1.11,
    "just_before": 0.77,
    "gap": 0.22,
    "sibling": 0.23,
    "sibling_gap": -0.22,
    "sibling_next": -0.09,
    "quoted": 2.39,
    "addressed": 1.45,
    "mentioned": 0.11,
    "self": -0.72,
    "turn": 2.93,
    "overlap": 2.15,
    "asked": 0.04,
}

_WORD = re.compile(r"[^\W\d_]{3,}")
_SPEAKS_TO_SOMEONE = re.compile(
    r"\b(?:you|your|yours|you're|u|ur|du|ihr|vous|tu|usted|ты|вы)\b"
    r"|^\W*(?:yes|no|yeah|nope|yep|exactly|agreed?|so|but|and|why|lol|haha\w*|this|same|ok|well|sure|true|wrong|right)\b",
    re.IGNORECASE,
)


def is_tree(posts: Sequence[Post]) -> bool:
    """Tell whether numbers fall back somewhere: those of a flat list never do."""
    numbers = [int(post.id) for post in posts]
    return any(later < earlier for earlier, later in itertools.pairwise(numbers))


def infer_tree(posts: Sequence[Post], weights: Mapping[str, float] = WEIGHTS) -> tuple[Post, ...]:
    """Fill in the parents of a numbered dump.

    Parameters
    ----------
    posts : sequence of Post
        In page order, their ids numbers in the order of writing.

    Examples
    --------
    >>> posts = [Post("1", "Ban them.", "Ada"), Post("3", "Why?", "Bob"), Post("2", "Who is next, then?", "Cem")]
    >>> [(post.id, post.parent, post.parent_basis) for post in infer_tree(posts)]
    [('1', None, None), ('3', '1', 'order'), ('2', None, None)]
    """
    beam = _search(Cues(posts, weights))
    shares = _shares(beam, len(posts))
    parents = beam[0].parents()
    return tuple(_decided(posts, place, parents[place], shares[place]) for place in range(len(posts)))


@dataclass(frozen=True, slots=True)
class _Tree:
    """A tree under construction: its score, the open branch from the root on, and the choices that led here."""

    score: float
    branch: tuple[int, ...]
    last: tuple[int, object] | None

    def parents(self) -> list[int]:
        """Each post's parent; the choices are a linked list, for a tree shares all but its last with its siblings."""
        found = []
        link = self.last
        while link is not None:
            found.append(link[0])
            link = link[1]  # type: ignore[assignment]
        return found[::-1]


def _search(cues: Cues) -> list[_Tree]:
    """The best trees, the very best first."""
    beam = [_Tree(0.0, (), None)]
    for place in range(len(cues.posts)):
        grown = [tree for old in beam for tree in _grow(old, place, cues)]
        beam = sorted(grown, key=lambda tree: -tree.score)[: BEAM if len(cues.posts) <= _LONG else 4]
    return beam


def _grow(tree: _Tree, place: int, cues: Cues) -> Iterator[_Tree]:
    choices = list(options(tree.branch, place, cues.numbers, cues.ahead))
    scores = [cues.score(place, tree.branch, length, choices[-1]) for length in choices]
    highest = max(scores)
    total = highest + math.log(sum(math.exp(score - highest) for score in scores))
    for length, score in zip(choices, scores, strict=True):
        parent = tree.branch[length - 1] if length else ROOT
        yield _Tree(tree.score + score - total, (*tree.branch[:length], place), (parent, tree.last))


def options(branch: Sequence[int], place: int, numbers: Sequence[int], ahead: Ahead) -> Iterator[int]:
    """How much of the open branch may stay above the next post: 0 for none, which makes it a top-level post.

    Where smaller numbers follow, each new least one must find a place at a higher level than the one before, since
    siblings ascend: a post may stand only so high that there is room above it. As long as this is heeded, every later
    post finds a place.

    Parameters
    ----------
    branch : sequence of int
        Places of the posts that are still open, from the top-level post on.
    ahead : Ahead
        What follows, by `look_ahead`.
    """
    number = numbers[place]
    # Along a branch numbers ascend, so all posts that may stand above are at its beginning.
    older = bisect(branch, number, key=numbers.__getitem__)
    found = False
    for length in (*range(older, max(0, older - REACH), -1), 0):
        if length < older and numbers[branch[length]] > number:
            continue
        if length == older < len(branch) or not _has_room_above(branch, length, place, numbers, ahead):
            continue
        found = True
        yield length
    if not found:
        # Numbers that no tree explains: the post starts anew.
        yield 0


def _has_room_above(branch: Sequence[int], length: int, place: int, numbers: Sequence[int], ahead: Ahead) -> bool:
    """Whether the smaller numbers that follow find a level each above this one, each beside an older sibling."""
    if length < ahead.least_depth[place]:
        return False
    level, later = length, ahead.smaller[place]
    while later is not None:
        level = min(level - 1, bisect(branch, numbers[later], key=numbers.__getitem__) - 1)
        if level < ahead.least_depth[later]:
            return False
        later = ahead.smaller[later]
    return True


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the numbers that follow ask of each place.

    Attributes
    ----------
    smaller : list of int or None
        The next place with a smaller number.
    least_depth : list of int
        How deep the post must stand at least, 0 for top level: each new least number that follows needs a level of its
        own above, and a post stands at most one level below the one before it.
    """

    smaller: list[int | None]
    least_depth: list[int]


def look_ahead(numbers: Sequence[int]) -> Ahead:
    """Read the numbers once, from the end.

    Examples
    --------
    >>> look_ahead([1, 3, 2])
    Ahead(smaller=[None, 2, None], least_depth=[0, 1, 0])
    """
    smaller: list[int | None] = [None] * len(numbers)
    least_depth = [0] * (len(numbers) + 1)
    waiting: list[int] = []
    for place in range(len(numbers) - 1, -1, -1):
        while waiting and numbers[waiting[-1]] >= numbers[place]:
            waiting.pop()
        if waiting:
            smaller[place] = waiting[-1]
            least_depth[place] = least_depth[waiting[-1]] + 1
        waiting.append(place)
        least_depth[place] = max(least_depth[place], least_depth[place + 1] - 1)
    return Ahead(smaller, least_depth[:-1])


def _shares(beam: Sequence[_Tree], count: int) -> list[Counter[int]]:
    """For each post, how much of the beam's probability goes to each parent."""
    shares: list[Counter[int]] = [Counter() for _ in range(count)]
    for tree in beam:
        weight = math.exp(tree.score - beam[0].score)
        for place, parent in enumerate(tree.parents()):
            shares[place][parent] += weight  # type: ignore[assignment]
    return shares


def _decided(posts: Sequence[Post], place: int, parent: int, shares: Counter[int]) -> Post:
    post = posts[place]
    if post.parent is not None:
        return post
    candidates = tuple(posts[other].id for other, _ in shares.most_common() if other != ROOT)
    if parent == ROOT:
        return replace(post, parent_candidates=candidates)
    basis = "quote" if quotes(post, posts[parent]) else "address" if addresses(post, posts[parent]) else "order"
    return replace(
        post, parent=posts[parent].id, parent_basis=basis, parent_candidates=candidates if len(shares) > 1 else ()
    )


class Cues:
    """What the posts of a thread say about who answers whom."""

    def __init__(self, posts: Sequence[Post], weights: Mapping[str, float] = WEIGHTS) -> None:
        self.posts = posts
        self.weights = weights
        self.numbers = [int(post.id) for post in posts]
        self.ahead = look_ahead(self.numbers)
        bags = [Counter(word.casefold() for word in _WORD.findall(post.text)) for post in posts]
        spread = Counter(word for bag in bags for word in bag)
        self._vectors = [_weighted(bag, spread, len(posts)) for bag in bags]
        self._speaks = [bool(_SPEAKS_TO_SOMEONE.search(post.text[:300])) for post in posts]
        self._pairs: dict[tuple[int, int], dict[str, float]] = {}
        falls = sum(later < earlier for earlier, later in itertools.pairwise(self.numbers))
        self._flatness = math.log((falls + 1) / len(posts))
        self._depth = self._share_of_inner_falls()

    def _share_of_inner_falls(self) -> float:
        """Of the places where numbers fall back, the share that cannot be top-level: near 0 where replies have none."""
        pairs = enumerate(itertools.pairwise(self.numbers), start=1)
        falls = [self.ahead.smaller[place] is not None for place, (one, two) in pairs if two < one]
        return (sum(falls) + 1) / (len(falls) + 2)

    def score(self, place: int, branch: Sequence[int], length: int, least: int) -> float:
        """Sum the cues for hanging a post below the first `length` posts of the open branch."""
        return sum(self.weights[name] * value for name, value in self.features(place, branch, length, least).items())

    def features(self, place: int, branch: Sequence[int], length: int, least: int) -> dict[str, float]:
        """Cues for one candidate: the last of the first `length` posts of the branch, or the thread itself.

        `least` is the shortest length that the numbers allow: writers go back to the main line more often than to any
        side branch.
        """
        number = self.numbers[place]
        sibling = self.numbers[branch[length]] if length < len(branch) else None
        where = {
            "shallowest": float(length == least),
            "shallowest_in_flat": self._flatness * (length == least),
            "shallowest_in_deep": self._depth * (length == least),
            "depth": math.log1p(length),
            "sibling": float(sibling is not None),
            "sibling_gap": math.log(max(1, number - sibling)) if sibling is not None else 0.0,
            "sibling_next": float(sibling == number - 1),
        }
        if not length:
            return {**where, "root": 1.0, "root_spoken_to": float(self._speaks[place]), "root_in_flat": self._flatness}
        parent = branch[length - 1]
        if (place, parent) not in self._pairs:
            self._pairs[place, parent] = self._pair(place, parent)
        author = self.posts[place].author
        is_turn = length > 1 and author is not None and self.posts[branch[length - 2]].author == author
        is_tip = float(parent == place - 1)
        steps = math.log1p(len(branch) - length)
        where |= {
            "turn": float(is_turn),
            "tip": is_tip,
            "tip_in_flat": is_tip * self._flatness,
            "tip_in_deep": is_tip * self._depth,
            "steps_up": steps,
        }
        return {**self._pairs[place, parent], **where}

    def _pair(self, place: int, parent: int) -> dict[str, float]:
        post, other = self.posts[place], self.posts[parent]
        is_self = post.author is not None and post.author == other.author
        is_addressed = not is_self and addresses(post, other)
        return {
            "just_before": float(self.numbers[place] == self.numbers[parent] + 1),
            "gap": math.log(max(1, self.numbers[place] - self.numbers[parent])),
            "quoted": float(quotes(post, other)),
            "addressed": float(is_addressed),
            "mentioned": float(not is_self and not is_addressed and _mentions(post, other)),
            "self": float(is_self),
            "overlap": _cosine(self._vectors[place], self._vectors[parent]),
            "asked": float("?" in other.text),
        }


def _mentions(post: Post, other: Post) -> bool:
    name = (other.author or "").strip().casefold()
    text = post.text.casefold()
    return len(name) > 3 and name in text and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def _weighted(bag: Counter[str], spread: Counter[str], total: int) -> dict[str, float]:
    vector = {word: math.log(1 + count) * math.log((1 + total) / spread[word]) for word, count in bag.items()}
    norm = math.sqrt(sum(value * value for value in vector.values()))
    return {word: value / norm for word, value in vector.items()} if norm else {}


def _cosine(one: Mapping[str, float], two: Mapping[str, float]) -> float:
    if len(two) < len(one):
        one, two = two, one
    return sum(value * two.get(word, 0.0) for word, value in one.items())
