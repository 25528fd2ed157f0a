"""Which post comes next: as on the page, or the one whose label would teach the model most.

Everything here is a pure function of what is known; the server asks again whenever something was labelled.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stance.annotate.events import Event

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Thread and post: what a label belongs to.
Key = tuple[str, str]

ORDERS = ("page", "active")


def is_shared(key: Key, share: float) -> bool:
    """Whether everybody labels this post; the same answer on every machine and in every run.

    Parameters
    ----------
    share : float
        The part of all posts that everybody labels, 0 to 1; the others go to whoever comes first.
    """
    digest = hashlib.blake2b("\x1f".join(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def remaining(keys: Sequence[Key], standing: Iterable[Event], annotator: str, kind: str, share: float) -> list[Key]:
    """Posts that the annotator has still to label, in the order of `keys`, the skipped ones last."""
    answers = [event for event in standing if event.kind == kind]
    mine = {(event.thread, event.post): event.value for event in answers if event.annotator == annotator}
    others = {(event.thread, event.post) for event in answers if event.annotator != annotator and event.value != "skip"}
    todo = [key for key in keys if key not in mine and (key not in others or is_shared(key, share))]
    return todo + [key for key in keys if mine.get(key) == "skip"]


def margins(probabilities: Floats) -> Floats:
    """How far the most probable stance is ahead of the second, 0 (no idea) to 1 (certain); shape (n_posts,)."""
    ordered = np.sort(probabilities, axis=1)
    result: Floats = ordered[:, -1] - ordered[:, -2]
    return result


def active_order(
    probabilities: Floats,
    threads: Sequence[Hashable],
    authors: Sequence[str | None],
    *,
    last_author: str | None = None,
) -> Ints:
    """Order posts by what their labels would teach: least margin first, spread over threads and authors.

    Margin sampling (Scheffer, Decomain and Wrobel 2001). Posts of one thread answer each other, and a label tells
    something of its neighbours: so each thread gives one post before any gives its second, and no author stands twice
    in a row, unless the rest is all his. What it saves over random order, and which other orders were tried, is in
    `benchmarks/README.md`.

    Parameters
    ----------
    probabilities : array of shape (n_posts, n_labels)
    threads, authors : sequences of length n_posts
        A missing author is nobody in particular.
    last_author : str, optional
        Who wrote the post labelled last.

    Returns
    -------
    int array of shape (n_posts,)
        Positions of the posts, the most useful first.

    Examples
    --------
    >>> unsure, sure = [0.4, 0.35, 0.25], [0.9, 0.05, 0.05]
    >>> active_order(np.array([sure, unsure, unsure, sure]), ["a", "a", "b", "b"], ["ann", "ann", "ann", "bob"])
    array([1, 3, 2, 0])
    """
    by_margin = np.argsort(margins(probabilities), kind="stable")
    turns = _turns([threads[position] for position in by_margin])
    ranked = by_margin[np.argsort(turns, kind="stable")]
    apart = _authors_apart([int(position) for position in ranked], authors, last_author)
    return np.array(apart, dtype=np.int64)


def _turns(threads: Sequence[Hashable]) -> list[int]:
    """How many posts of the same thread come before each one."""
    seen: Counter[Hashable] = Counter()
    turns = []
    for thread in threads:
        turns.append(seen[thread])
        seen[thread] += 1
    return turns


def _authors_apart(ranked: Sequence[int], authors: Sequence[str | None], last: str | None) -> list[int]:
    """Put off a post whose author has just been read; the waiting ones are always of one author only."""
    result: list[int] = []
    waiting: deque[int] = deque()
    first = last
    for position in ranked:
        if _same(authors[position], last):
            waiting.append(position)
            continue
        result.append(position)
        last = authors[position]
        if waiting and not _same(authors[waiting[0]], last):
            result.append(waiting.popleft())
            last = authors[result[-1]]
    return _fill_gaps(result, list(waiting), authors, first)


def _same(author: str | None, last: str | None) -> bool:
    return author is not None and author == last


def _fill_gaps(result: list[int], left: list[int], authors: Sequence[str | None], last: str | None) -> list[int]:
    """Put what is left, all of one author, between two posts of others, as late as possible."""
    if not left:
        return result
    name = authors[left[0]]
    filled: list[int] = []
    for place in range(len(result) - 1, -1, -1):
        filled.append(result[place])
        before = authors[result[place - 1]] if place else last
        if left and name not in (authors[result[place]], before):
            filled.append(left.pop())
    return filled[::-1] + left


def ranked_keys(
    keys: Sequence[Key],
    probabilities: Mapping[Key, Sequence[float]],
    authors: Mapping[Key, str | None],
    *,
    last_author: str | None = None,
) -> list[Key]:
    """Order keys by `active_order`; a post that no model has read yet counts as quite unknown."""
    if not keys:
        return []
    unknown = (1 / 3, 1 / 3, 1 / 3)
    # Equal margins keep the order they come in: shuffled, so that a first sample without a model is a fair one.
    shuffled = sorted(keys, key=_shuffle_key)
    order = active_order(
        np.array([probabilities.get(key, unknown) for key in shuffled], dtype=np.float64),
        [thread for thread, _ in shuffled],
        [authors.get(key) for key in shuffled],
        last_author=last_author,
    )
    return [shuffled[position] for position in order]


def _shuffle_key(key: Key) -> bytes:
    return hashlib.blake2b("\x1f".join(("order", *key)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
