"""Who answers whom, where the page does not say: by a quotation, by an addressed author, by numbering and order.

A numbered dump prints a tree in pre-order while its numbers run in the order of writing (PhoneArena does). So a reply
has a greater number than its parent, siblings ascend, and a post whose number is smaller than its predecessor's closes
every open branch whose last child is greater. Of the trees that this leaves possible, a beam search finds the one in
which the posts' words fit best; each post's margin over its other candidates is kept in `parent_candidates`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stance.data import Post

#: Trees kept side by side while a thread is read; more changed no parent in the threads it was measured on.
BEAM = 64

_WORD = re.compile(r"[^\W\d_]{3,}")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{12,400})[\"”“»]")
_SPACE = re.compile(r"\W+")

#: Log-odds of each cue for a candidate parent; fitted by `benchmarks/replies.py`, see there for the threads.
WEIGHTS = {
    "quoted": 5.0,
    "addressed": 3.0,
    "mentioned": 1.5,
    "self": -1.5,
    "turn": 1.6,
    "previous": 0.6,
    "root": -0.5,
    "overlap": 2.0,
    "depth": -0.1,
    "speaks_to_someone": -0.8,
}


def infer_parents(posts: Sequence[Post], *, numbered: bool = False) -> tuple[Post, ...]:
    """Fill in the parents that the page does not give.

    Parameters
    ----------
    posts : sequence of Post
        In page order; parents that are known stay as they are.
    numbered : bool
        Whether the ids are numbers in the order of writing.

    Examples
    --------
    >>> ada = Post("1", "Their phones are safe and nobody showed otherwise.", "Ada")
    >>> bob = Post("2", "@Ada you work for them?", "Bob")
    >>> infer_parents([ada, bob])[1].parent, infer_parents([ada, bob])[1].parent_basis
    ('1', 'address')
    """
    if numbered and _is_tree(posts):
        return _tree(posts)
    seen = _Seen()
    return tuple(seen.answer(post) for post in posts)


def _is_tree(posts: Sequence[Post]) -> bool:
    """Numbers that never fall back are the numbers of a flat list."""
    numbers = [int(post.id) for post in posts]
    return any(later < earlier for earlier, later in itertools.pairwise(numbers))


class _Seen:
    """The posts read so far, as far as a later one may quote or address them."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, str]] = []
        self._last_of: dict[str, str] = {}

    def answer(self, post: Post) -> Post:
        """Find whom a post answers among those before it, and note it."""
        answered = post if post.parent_basis else self._quoted(post) or self._addressed(post) or post
        self._texts.append((post.id, _plain(post.text)))
        if post.author:
            self._last_of[post.author.strip().casefold()] = post.id
        return answered

    def _quoted(self, post: Post) -> Post | None:
        parts = [part for part in _quotations(post) if len(part) > 11]
        if not parts:
            return None
        for name, text in reversed(self._texts):
            if any(part in text for part in parts):
                return replace(post, parent=name, parent_basis="quote")
        return None

    def _addressed(self, post: Post) -> Post | None:
        own = (post.author or "").strip().casefold()
        for name in _spoken_to(post):
            for known in _longest_first(name, self._last_of):
                if known != own:
                    return replace(post, parent=self._last_of[known], parent_basis="address")
        return None


#: What stands before a name that is spoken to at the head of a post.
_HAIL = re.compile(r"^\W{0,3}(?:(?:re|to|an|hey|hi|hello|dear|hallo|hola|salut|reply to)\b\W{0,3})?", re.IGNORECASE)


def _spoken_to(post: Post) -> Iterator[str]:
    """Pieces of the post that begin with a name: after each "@", at the head, at the head of the quotation."""
    for found in re.finditer(r"(?<![\w.])@\s?", post.text):
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


@dataclass(frozen=True, slots=True)
class _Tree:
    """A tree under construction: its score, the open branch from the root on, and each post's parent."""

    score: float
    branch: tuple[int, ...]
    parents: tuple[int, ...]


ROOT = -1


def _tree(posts: Sequence[Post]) -> tuple[Post, ...]:
    cues = Cues(posts)
    beam = [_Tree(0.0, (), ())]
    for place in range(len(posts)):
        grown = [tree for old in beam for tree in _grow(old, place, cues)]
        # Where numbers contradict every tree, the rule of ascending siblings gives way.
        grown = grown or [tree for old in beam for tree in _grow(old, place, cues, strict=False)]
        beam = _best(grown)
    return tuple(_decided(posts, place, beam, cues) for place in range(len(posts)))


def _best(trees: list[_Tree]) -> list[_Tree]:
    """The best trees, one for each open branch: what stands closed no longer matters for what follows."""
    trees.sort(key=lambda tree: -tree.score)
    return trees[:BEAM]


def _grow(tree: _Tree, place: int, cues: Cues, *, strict: bool = True) -> Iterator[_Tree]:
    options = list(_options(tree.branch, place, cues.numbers, strict=strict))
    if not options:
        return
    scores = [cues.score(place, parent, tree.parents) for parent, _ in options]
    total = math.log(sum(math.exp(score) for score in scores))
    for (parent, branch), score in zip(options, scores, strict=True):
        yield _Tree(tree.score + score - total, (*branch, place), (*tree.parents, parent))


def _options(
    branch: tuple[int, ...], place: int, numbers: Sequence[int], *, strict: bool
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Parents that numbering and order allow, with what of the branch stays open below each."""
    number = numbers[place]
    for length in range(len(branch), -1, -1):
        parent = branch[length - 1] if length else ROOT
        last_child = branch[length] if length < len(branch) else None
        if parent != ROOT and numbers[parent] > number:
            continue
        if strict and last_child is not None and numbers[last_child] > number:
            continue
        yield parent, branch[:length]


def _decided(posts: Sequence[Post], place: int, beam: Sequence[_Tree], cues: Cues) -> Post:
    post = posts[place]
    if post.parent is not None:
        return post
    weights: Counter[int] = Counter()
    top = beam[0].score
    for tree in beam:
        weights[tree.parents[place]] += math.exp(tree.score - top)  # type: ignore[assignment]
    parent = beam[0].parents[place]
    candidates = tuple(posts[other].id for other, _ in weights.most_common() if other != ROOT)
    if parent == ROOT:
        return replace(post, parent_candidates=candidates)
    basis = "quote" if quotes(post, posts[parent]) else "address" if addresses(post, posts[parent]) else "order"
    return replace(
        post,
        parent=posts[parent].id,
        parent_basis=basis,
        parent_candidates=candidates if len(weights) > 1 else (),
    )


class Cues:
    """What the posts of a thread say about who answers whom."""

    def __init__(self, posts: Sequence[Post], weights: dict[str, float] | None = None) -> None:
        self.posts = posts
        self.numbers = [int(post.id) for post in posts]
        self.weights = weights or WEIGHTS
        bags = [Counter(word.casefold() for word in _WORD.findall(post.text)) for post in posts]
        spread = Counter(word for bag in bags for word in bag)
        self._vectors = [_weighted(bag, spread, len(posts)) for bag in bags]
        self._cache: dict[tuple[int, int], dict[str, float]] = {}

    def score(self, place: int, parent: int, parents: Sequence[int]) -> float:
        """Sum the cues for one candidate."""
        return sum(self.weights[name] * value for name, value in self.features(place, parent, parents).items())

    def features(self, place: int, parent: int, parents: Sequence[int]) -> dict[str, float]:
        """Cues for one candidate parent; `parents` are those of the posts before."""
        key = (place, parent)
        if key not in self._cache:
            self._cache[key] = self._pair(place, parent)
        features = dict(self._cache[key])
        above = parents[parent] if parent != ROOT else ROOT
        author = self.posts[place].author
        features["turn"] = float(above != ROOT and author is not None and self.posts[above].author == author)
        depth = 0
        while parent != ROOT:
            parent, depth = parents[parent], depth + 1
        features["depth"] = float(depth)
        return features

    def _pair(self, place: int, parent: int) -> dict[str, float]:
        post = self.posts[place]
        if parent == ROOT:
            return {"root": 1.0, "speaks_to_someone": _speaks_to_someone(post)}
        other = self.posts[parent]
        named = addresses(post, other)
        return {
            "quoted": float(quotes(post, other)),
            "addressed": float(named and post.author != other.author),
            "mentioned": float(not named and post.author != other.author and _mentions(post, other)),
            "self": float(post.author is not None and post.author == other.author),
            "previous": float(parent == place - 1),
            "overlap": _cosine(self._vectors[place], self._vectors[parent]),
        }


def _speaks_to_someone(post: Post) -> float:
    return float(
        bool(
            re.search(
                r"\b(?:you|your|you're|u|ur)\b|^(?:yes|no|yeah|nope|exactly|agreed?|so|but|and|why|lol|haha\w*)\b",
                post.text[:300],
                re.IGNORECASE,
            )
        )
    )


def _mentions(post: Post, other: Post) -> bool:
    name = (other.author or "").strip()
    return len(name) > 3 and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", post.text, re.IGNORECASE))


def _weighted(bag: Counter[str], spread: Counter[str], total: int) -> dict[str, float]:
    vector = {word: math.log(1 + count) * math.log((1 + total) / spread[word]) for word, count in bag.items()}
    norm = math.sqrt(sum(value * value for value in vector.values()))
    return {word: value / norm for word, value in vector.items()} if norm else {}


def _cosine(one: dict[str, float], two: dict[str, float]) -> float:
    if len(two) < len(one):
        one, two = two, one
    return sum(value * two.get(word, 0.0) for word, value in one.items())
