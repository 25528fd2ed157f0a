"""Shares of the three stances, over posts and over people, with an interval that owns up to both kinds of doubt.

Other people might have written, so people are resampled (with all their posts: one person's posts resemble each other).
And a label may be wrong, so in each resample every post's label is drawn from its probabilities. Labels by hand have no
probabilities and keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.data import LABELS, PROBABILITY_COLUMNS
from stance.evaluate.intervals import Interval, interval_of, wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Resamples; the ends of an interval then move by less than one point in a hundred between seeds.
_DRAWS = 2_000

#: Numbers in one block of draws: 16 MB.
_BLOCK = 2_000_000

_FAVOR, _AGAINST, _NONE = range(len(LABELS))


@dataclass(frozen=True, slots=True)
class Share:
    """Share of the posts, or of the people, that take a stance.

    Attributes
    ----------
    n : int
        How many.
    share : float
        Their part of all, 0 to 1.
    expected : float
        Their part by the probabilities, which count a post labelled with 0.6 as 0.6 of one.
    interval : Interval
        Where the share would lie in 95 of 100 such discussions, people and labels both drawn anew.
    """

    label: str
    n: int
    share: float
    expected: float
    interval: Interval


def shares(rows: pd.DataFrame, *, seed: int = 0) -> tuple[tuple[Share, ...], tuple[Share, ...]]:
    """Count posts and people, and draw both anew to tell how sure the shares are.

    A person's stance is the side that more of their posts take; it is none where they take none or both equally.

    Parameters
    ----------
    rows : DataFrame
        A labels table with `author`; a post without one is a person of its own when people are drawn, and no person
        when they are counted.

    Returns
    -------
    tuple of Share, tuple of Share
        Over posts and over people, each in the order of `LABELS`.

    Examples
    --------
    >>> rows = pd.DataFrame({"thread": ["t"] * 3, "post": list("123"), "author": ["ann", "ann", "bob"],
    ...                      "stance": ["favor", "favor", "against"]})
    >>> posts, people = shares(rows)
    >>> [each.n for each in posts], [each.n for each in people]
    ([2, 1, 0], [1, 1, 0])
    """
    # In the order of their keys, so that the order of the posts changes no draw.
    rows = rows.sort_values(["thread", "post"], kind="stable")
    person, named = person_numbers(rows)
    order = np.argsort(person, kind="stable")
    labels = np.array([LABELS.index(label) for label in rows["stance"]], dtype=np.int64)[order]
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    probabilities = label_probabilities(rows)[order]
    drawn_posts, drawn_people = _draw(probabilities, starts, named, seed)
    by_person = leanings(np.add.reduceat(np.eye(3)[labels], starts, axis=0)) if len(labels) else labels
    over_posts = _summary(labels, probabilities.mean(0) if len(labels) else np.zeros(3), drawn_posts, len(starts))
    over_people = _summary(by_person[named], drawn_people.mean(0), drawn_people, int(named.sum()))
    return over_posts, over_people


def person_numbers(rows: pd.DataFrame) -> tuple[Ints, NDArray[np.bool_]]:
    """Number the people of all threads together; each post without an author gets a number of its own.

    Returns
    -------
    int array of shape (n_posts,), bool array of shape (n_people,)
        Each post's person; which of the people have a name.
    """
    names = [author or None for author in rows["author"].astype(object).where(rows["author"].notna(), None)]
    keys = [("named", name) if name else ("unnamed", str(row)) for row, name in enumerate(names)]
    numbers: dict[tuple[str, str], int] = {}
    person = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
    return person, np.array([kind == "named" for kind, _ in numbers], dtype=bool)


def label_probabilities(rows: pd.DataFrame) -> Floats:
    """Probabilities of shape (n_posts, n_labels); certainty for labels given by hand."""
    certain = np.eye(len(LABELS))[_numbers(rows)].reshape(-1, len(LABELS))
    return np.where(by_hand(rows)[:, None], certain, _given(rows))


def by_hand(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Which labels are a person's: those without probabilities, and those that a person has changed.

    A model gives the most probable stance. Where a row's stance is another one, somebody has changed it, and its
    probabilities are those of the label that was there before.

    Returns
    -------
    bool array of shape (n_posts,)

    Examples
    --------
    >>> by_hand(pd.DataFrame({"stance": ["favor", "none"], "p_favor": 0.7, "p_against": 0.2, "p_none": 0.1}))
    array([False,  True])
    """
    given = _given(rows)
    # Nothing compares with what is missing, so that a row without probabilities is a person's as well.
    return np.asarray(~(given[np.arange(len(rows)), _numbers(rows)] >= given.max(axis=1, initial=0)))


def _given(rows: pd.DataFrame) -> Floats:
    """The probabilities as they stand in the table; not a number where it has none."""
    if not set(PROBABILITY_COLUMNS) <= set(rows.columns):
        return np.full((len(rows), len(LABELS)), np.nan)
    # An empty cell of CSV is an empty text.
    given: Floats = rows[list(PROBABILITY_COLUMNS)].apply(pd.to_numeric).to_numpy(dtype=np.float64)
    return given


def _numbers(rows: pd.DataFrame) -> Ints:
    return np.array([LABELS.index(label) for label in rows["stance"]], dtype=np.int64)


def leanings(counts: Floats) -> Ints:
    """Tell each person's stance from how many of their posts take each, in the last axis."""
    net = counts[..., _FAVOR] - counts[..., _AGAINST]
    return np.where(net > 0, _FAVOR, np.where(net < 0, _AGAINST, _NONE))


def _draw(probabilities: Floats, starts: Ints, named: NDArray[np.bool_], seed: int) -> tuple[Floats, Floats]:
    """Shares in each resample, over posts and over people; both of shape (draws, n_labels)."""
    if not len(starts):
        return np.zeros((1, 3)), np.zeros((1, 3))
    generator = np.random.default_rng(seed)
    bounds = probabilities.cumsum(1)[:, :2]
    per_block = max(1, min(_DRAWS, _BLOCK // len(probabilities)))
    posts, people = [], []
    for start in range(0, _DRAWS, per_block):
        size = min(per_block, _DRAWS - start)
        uniform = generator.random((size, len(probabilities), 1))
        label = (uniform > bounds).sum(2)
        counts = np.stack([np.add.reduceat(label == number, starts, axis=1, dtype=np.int64) for number in range(3)], 2)
        weight = generator.multinomial(len(starts), np.full(len(starts), 1 / len(starts)), size=size)
        posts.append(_normalised(np.einsum("dp,dpl->dl", weight, counts)))
        side = np.eye(3)[leanings(counts)] * named[:, None]
        people.append(_normalised(np.einsum("dp,dpl->dl", weight, side)))
    return np.concatenate(posts), np.concatenate(people)


def _normalised(counts: Floats) -> Floats:
    total = counts.sum(1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0))


def _summary(labels: Ints, expected: Floats, drawn: Floats, n_people: int) -> tuple[Share, ...]:
    found = []
    for number, label in enumerate(LABELS):
        n = int((labels == number).sum())
        share = n / len(labels) if len(labels) else 0.0
        interval = interval_of(drawn[:, number])
        if n in (0, len(labels)):
            # Nobody, or everybody, drawn again is the same for ever; the next person's stance is no surer for that.
            least = wilson(n_people if n else 0, n_people)
            interval = Interval(min(interval.low, least.low), max(interval.high, least.high))
        found.append(Share(label, n, share, float(expected[number]), interval))
    return tuple(found)
