"""Forum debates on four topics (4forums): the side of each author in each discussion, told post by post.

Labels are an author's in a discussion, so the unit that is read is an author in a discussion: the words of all of his
posts there, less the words of those with whom he exchanged replies, for people mostly answer whom they oppose. The
conversation layer of stance then reads the whole discussion at once: an author's posts lean one way, replies agree or
disagree by what their words say. Nothing crosses from one discussion to another.

The sides are two. Posts whose author has no majority of votes for a side are read as part of the discussion, but
neither learned from nor scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import normalize

from benchmarks.measures import Measure, Tell, find
from stance import features
from stance.conversation import Couplings, Evidence, Graph, conversation_graph, infer
from stance.corpora import read_corpus
from stance.data import LABELS
from stance.train import Corpus, as_csr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOPICS = ("abortion", "evolution", "gay_marriage", "gun_control")
SIDES = ("favor", "against")

#: How much the words of those whom an author exchanged replies with count against him.
OPPONENTS = 0.8
SIDE_STRENGTH, RELATION_STRENGTH = 4.0, 1.0
MIN_POSTS = 3
FOLDS, INNER_FOLDS = 5, 3
#: Another deal of the folds than the one (0) on which the design was chosen.
SEED = 1

#: An author's posts in a discussion have one label by construction, so their tie is as good as fixed.
_ONE_SIDE = {"author_same": 3.0, "author_opposite": -3.0}
#: An impossible stance: log-probability of `none` where there are two sides.
_NEVER = -30.0

#: What the couplings are chosen from, by the log-loss on held-out discussions.
COUPLINGS = tuple(
    Couplings(text=text - 1.0, reply_same=-reply, reply_opposite=reply, relation=relation, **_ONE_SIDE)
    for text, reply, relation in product((0.25, 0.5, 1.0), (0.01, 0.025, 0.05, 0.1), (0.0, 0.1, 0.3))
)


@dataclass(frozen=True)
class Debate:
    """All discussions of one topic.

    Attributes
    ----------
    corpus : Corpus
        The n-grams of each post.
    side : int array of shape (n_posts,)
        Number in `SIDES` of each post's label, -1 for none.
    """

    posts: pd.DataFrame
    corpus: Corpus
    side: Ints

    @cached_property
    def discussion(self) -> Ints:
        """Number of each post's discussion."""
        return np.asarray(pd.factorize(self.posts["thread"])[0], dtype=np.int64)

    @cached_property
    def author(self) -> Ints:
        """Number of each post's author, the same in all discussions."""
        return np.asarray(pd.factorize(self.posts["author"])[0], dtype=np.int64)

    @cached_property
    def unit(self) -> Ints:
        """Number of each post's author in its discussion."""
        keys = pd.MultiIndex.from_arrays([self.discussion, self.author])
        return np.asarray(pd.factorize(keys)[0], dtype=np.int64)

    @cached_property
    def unit_side(self) -> Ints:
        """Number in `SIDES` of each unit's label, -1 for none."""
        sides = np.full(self.unit.max() + 1, -1, dtype=np.int64)
        known = self.side >= 0
        sides[self.unit[known]] = self.side[known]
        return sides

    @cached_property
    def replies(self) -> tuple[Ints, Ints]:
        """Rows of the replies to another author, and of the posts that they answer."""
        graph = conversation_graph(self.posts)
        other = self.unit[graph.child] != self.unit[graph.parent]
        return graph.child[other], graph.parent[other]

    @cached_property
    def contrast(self) -> sp.csr_matrix:
        """Sums up each unit's posts less those that it answers and that answer it; shape (n_units, n_posts)."""
        child, parent = self.replies
        n_posts, n_units = len(self.posts), len(self.unit_side)
        rows = np.concatenate([self.unit, self.unit[child], self.unit[parent]])
        columns = np.concatenate([np.arange(n_posts), parent, child])
        values = np.concatenate([np.ones(n_posts), np.full(2 * len(child), -OPPONENTS)])
        return sp.csr_matrix((values, (rows, columns)), shape=(n_units, n_posts))

    def graph(self, rows: Ints) -> Graph:
        """Who answers whom among some posts."""
        return conversation_graph(self.posts.iloc[rows].reset_index(drop=True))


def read_debate(path: Path) -> Debate:
    """Read one topic; words and edges, whose n-grams say as much as characters do in posts of this length."""
    posts = read_corpus(path, "4forums")
    texts = list(posts["text"])
    vocabulary = features.learn_vocabulary(texts, features.Analyser(), min_posts=MIN_POSTS)
    kept = np.flatnonzero(np.isin(vocabulary.block, [features.BLOCKS.index(name) for name in ("word", "edge")]))
    corpus = Corpus(as_csr(vocabulary.find(texts))[:, kept], vocabulary.block[kept], MIN_POSTS)
    side = np.array([SIDES.index(label) if label in SIDES else -1 for label in posts["stance"]], dtype=np.int64)
    return Debate(posts, corpus, side)


def evidence_from(debate: Debate, train: Ints) -> tuple[Floats, Floats]:
    """Learn from some posts, read all.

    Returns
    -------
    side : array of shape (n_units,)
        Log-odds of `favor` by the words of each author in each discussion.
    agreement : array of shape (n_posts,)
        Log-odds that each post, should it answer another author, is on that author's side.
    """
    _, matrix = debate.corpus.matrix(train)
    units = normalize(debate.contrast @ matrix).tocsr()
    known = np.unique(debate.unit[train])
    known = known[debate.unit_side[known] >= 0]
    weight = np.sqrt(np.bincount(debate.unit)[known])
    side = _fit(units[known], debate.unit_side[known] == SIDES.index("favor"), SIDE_STRENGTH, weight)
    child, parent = debate.replies
    taught = np.isin(child, train) & (debate.side[child] >= 0) & (debate.side[parent] >= 0)
    agree = debate.side[child[taught]] == debate.side[parent[taught]]
    agreement = _fit(matrix[child[taught]], agree, RELATION_STRENGTH, np.ones(len(agree)))
    return side.decision_function(units), agreement.decision_function(matrix)


def _fit(matrix: sp.csr_matrix, classes: NDArray[np.bool_], strength: float, weight: Floats) -> LogisticRegression:
    model = LogisticRegression(C=strength, class_weight="balanced", tol=1e-4, max_iter=300)
    return model.fit(matrix, classes, sample_weight=weight)


def evidence_of(debate: Debate, rows: Ints, side: Floats, agreement: Floats) -> Evidence:
    """Share the log-odds of each unit among its posts, and of each reply among agreeing and disagreeing."""
    half = (side / np.bincount(debate.unit))[debate.unit[rows]] / 2
    text = np.stack([half, -half, np.full(len(rows), _NEVER)], axis=1)
    half = agreement[rows] / 2
    return Evidence(text, np.zeros_like(text), np.stack([half, -half, np.zeros(len(rows))], axis=1))


def choose_couplings(debate: Debate, train: Ints, *, authors_apart: bool) -> Couplings:
    """Take those of `COUPLINGS` that promise held-out discussions of the training posts most."""
    side, agreement = np.zeros(len(debate.unit_side)), np.zeros(len(debate.posts))
    for learned, held_out in folds(debate, train, INNER_FOLDS, authors_apart=authors_apart):
        outputs = evidence_from(debate, learned)
        side[debate.unit[held_out]] = outputs[0][debate.unit[held_out]]
        agreement[held_out] = outputs[1][held_out]
    graph, evidence = debate.graph(train), evidence_of(debate, train, side, agreement)
    known = np.flatnonzero(debate.side[train] >= 0)
    gold = np.array([LABELS.index(SIDES[number]) for number in debate.side[train[known]]])

    def loss(couplings: Couplings) -> float:
        marginals = infer(graph, evidence, couplings, rounds=20, tolerance=1e-2)
        return float(-np.log(marginals[known, gold] + 1e-6).mean())

    return min(COUPLINGS, key=loss)


def folds(debate: Debate, rows: Ints, n_folds: int, *, authors_apart: bool) -> Iterator[tuple[Ints, Ints]]:
    """Deal whole discussions to folds; with `authors_apart`, what held-out authors wrote elsewhere is not learned."""
    splitter = GroupKFold(n_folds, shuffle=True, random_state=SEED)
    for train, test in splitter.split(rows, groups=debate.discussion[rows]):
        learned, held_out = rows[train], rows[test]
        if authors_apart:
            learned = learned[~np.isin(debate.author[learned], debate.author[held_out])]
        yield learned, held_out


def posts_right(debate: Debate, *, authors_apart: bool) -> dict[str, float]:
    """Share of labelled posts whose side is right, over all folds: by words, and in the conversation."""
    right: dict[str, list[NDArray[np.bool_]]] = {"words": [], "conversation": []}
    for train, test in folds(debate, np.arange(len(debate.posts)), FOLDS, authors_apart=authors_apart):
        couplings = choose_couplings(debate, train, authors_apart=authors_apart)
        side, agreement = evidence_from(debate, train)
        marginals = infer(debate.graph(test), evidence_of(debate, test, side, agreement), couplings)
        known = debate.side[test] >= 0
        gold = np.array([LABELS.index(SIDES[number]) for number in debate.side[test[known]]])
        favored = side[debate.unit[test[known]]] > 0
        right["words"].append(np.where(favored, *(LABELS.index(name) for name in SIDES)) == gold)
        right["conversation"].append(marginals[known].argmax(axis=1) == gold)
    return {name: float(np.concatenate(parts).mean()) for name, parts in right.items()}


def measure_debates(data: Path | None, tell: Tell) -> list[Measure]:
    """Post accuracy, the mean of four topics, with discussions kept apart, and with authors kept apart as well."""
    paths = [find(data, f"{topic}.csv") for topic in TOPICS]
    if None in paths:
        tell("no 4forums files: " + ", ".join(f"{topic}.csv" for topic in TOPICS))
        return []
    found: dict[bool, list[float]] = {False: [], True: []}
    for topic, path in zip(TOPICS, paths, strict=True):
        debate = read_debate(Path(path or ""))
        for authors_apart, values in found.items():
            right = posts_right(debate, authors_apart=authors_apart)
            values.append(right["conversation"])
            kept = "authors apart" if authors_apart else "discussions apart"
            tell(f"{topic}, {kept}: " + "  ".join(f"{name} {value:.3f}" for name, value in right.items()))
    return [
        Measure("debates_discussions_apart", "4forums, posts right: discussions apart", fmean(found[False])),
        Measure("debates_authors_apart", "4forums, posts right: authors apart too", fmean(found[True])),
    ]
