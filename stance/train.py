"""Labelled posts to a model: choose the settings on held-out threads, fit, calibrate, say how good it is.

Everything is chosen by cross-validation on groups: a group is a writer's slice where the corpus names slices, else a
thread, else a post. Groups matter because posts of one writer or thread resemble each other; a random fold would
reward what does not travel. The held-out outputs of that same cross-validation also calibrate the probabilities, fit
the couplings of the conversation and set the threshold below which a post is left undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from stance import features
from stance.conversation import RELATIONS, Couplings, Graph, conversation_graph, fit_couplings, infer, relation_of
from stance.data import LABELS
from stance.errors import DataError
from stance.model import Model

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Folds = list[tuple[Ints, Ints]]
Progress = Callable[[str], None]

#: A corpus needs this many posts of each stance before a classifier of it can be called one.
MIN_POSTS_A_LABEL = 5

#: With fewer groups than this of one kind, the next finer kind is taken; with no more than `FEW_GROUPS`, each group is
#: held out once.
MIN_GROUPS, FEW_GROUPS = 3, 15


@dataclass(frozen=True, slots=True)
class Settings:
    """What training may choose from, and what it keeps fixed.

    Attributes
    ----------
    strengths : tuple of float
        Values of C, the inverse of the regularisation strength, to choose from.
    balanced : tuple of bool
        Whether each stance weighs the same, to choose from.
    min_posts : int
        An n-gram in fewer training posts is no feature.
    folds : int
        Number of folds where the groups are threads.
    precision : float
        The share of decided posts that should be right, 0 to 1; sets the threshold of abstention.
    seed : int
        Decides the folds.
    """

    strengths: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    balanced: tuple[bool, ...] = (False, True)
    min_posts: int = 2
    folds: int = 5
    precision: float = 0.8
    seed: int = 0


#: How often `fit` says what it does.
STEPS = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """One choice of settings and how it did on held-out groups (means over folds, 0 to 1)."""

    strength: float
    balanced: bool
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Trained:
    """A fitted model and what its cross-validation said.

    Attributes
    ----------
    candidates : tuple of Candidate
        Every choice tried, best first.
    held_out : array of shape (n_posts, 3)
        Probabilities of each training post from a model that did not see its group, by the words alone.
    held_out_joint : array of shape (n_posts, 3)
        The same with the conversation read.
    """

    model: Model
    candidates: tuple[Candidate, ...]
    held_out: Floats
    held_out_joint: Floats


def fit(posts: pd.DataFrame, settings: Settings, *, progress: Progress) -> Trained:
    """Fit a model to a checked posts table with `stance`, and `text_only` where there is one.

    Parameters
    ----------
    progress : callable
        Told the name of each step as it begins.
    """
    stance, text_only = label_numbers(posts, "stance"), label_numbers(posts, "text_only")
    _check_counts(posts)
    groups = group_numbers(posts)
    folds = make_folds(groups, settings)
    progress("counting n-grams")
    texts = list(posts["text"])
    vocabulary = features.learn_vocabulary(texts, min_posts=settings.min_posts)
    corpus = _Corpus(vocabulary.count(texts), vocabulary.block, settings.min_posts)
    graph = conversation_graph(posts)

    progress("choosing settings on held-out groups")
    candidates, outputs = _choose(corpus, text_only, folds, settings)
    best = candidates[0]
    text_map = calibration(outputs, text_only)
    log_text = log_softmax(text_map.apply(outputs), axis=1)

    progress("fitting the conversation")
    rows, relation = relation_targets(graph, stance)
    couplings, log_relation = Couplings(), np.zeros((len(posts), len(RELATIONS)))
    if len(graph.child) or graph.n_authors:
        log_relation = _held_out_relation(corpus, rows, relation, folds, best.strength)
        couplings = fit_couplings(graph, log_text, log_relation, stance)
    joint = infer(graph, log_text, log_relation, couplings)

    progress("fitting the whole corpus")
    weights, matrix = corpus.matrix(np.arange(len(posts)))
    text_head = text_map.fold(_fit_linear(matrix, text_only, best.strength, best.balanced))
    relation_head = _fit_relation(matrix, rows, relation, best.strength)
    kept = np.flatnonzero(weights)
    model = Model(
        ngrams=tuple(vocabulary.names[column] for column in kept),
        block=vocabulary.block[kept],
        idf=weights[kept],
        coefficients=np.hstack([text_head.coefficients, relation_head.coefficients])[kept],
        intercepts=np.concatenate([text_head.intercepts, relation_head.intercepts]),
        couplings=couplings,
        threshold=abstention_threshold(joint, stance, settings.precision),
        card={"settings": asdict(settings)},
    )
    return Trained(model, candidates, np.exp(log_text), joint)


def with_card(trained: Trained, card: Mapping[str, Any]) -> Trained:
    """The same with another card."""
    return replace(trained, model=replace(trained.model, card=card))


def cross_validated(trained: Trained, posts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Scores of the held-out predictions: words against `text_only` and `stance`, the conversation against `stance`.

    Means over posts, 0 to 1.
    """
    stance, text_only = label_numbers(posts, "stance"), label_numbers(posts, "text_only")
    read = {
        "text_against_text_only": (trained.held_out, text_only),
        "text_against_stance": (trained.held_out, stance),
        "conversation_against_stance": (trained.held_out_joint, stance),
    }
    return {
        name: dict(zip(("accuracy", "macro_f1"), map(_rounded, _fold_scores(outputs, classes)), strict=True))
        for name, (outputs, classes) in read.items()
    }


def _rounded(value: float) -> float:
    # Four digits tell models apart; more would change with the order in which a machine adds.
    return round(value, 4)


def label_numbers(posts: pd.DataFrame, column: str) -> Ints:
    """Number in `LABELS` of each post's label; a table without `text_only` has it equal to `stance`."""
    labels = posts[column if column in posts.columns else "stance"]
    return np.array([LABELS.index(label) for label in labels], dtype=np.int64)


def _check_counts(posts: pd.DataFrame) -> None:
    counts = posts["stance"].value_counts()
    for label in LABELS:
        if counts.get(label, 0) < MIN_POSTS_A_LABEL:
            problem = f"{counts.get(label, 0)} posts labelled {label!r}, at least {MIN_POSTS_A_LABEL} are needed"
            raise DataError(problem, where="training posts", fix="label more posts")


def group_numbers(posts: pd.DataFrame) -> Ints:
    """Number the groups that must not straddle folds: slices, else threads, else single posts."""
    for column in ("slice", "thread"):
        if column in posts.columns and posts[column].nunique() >= MIN_GROUPS:
            codes, _ = pd.factorize(posts[column])
            return np.asarray(codes, dtype=np.int64)
    return np.arange(len(posts), dtype=np.int64)


def make_folds(groups: Ints, settings: Settings) -> Folds:
    """Leave one group out where there are few groups, else as many folds as `settings` says."""
    n_groups = len(np.unique(groups))
    n_folds = n_groups if n_groups <= FEW_GROUPS else settings.folds
    splitter = GroupKFold(n_splits=n_folds, shuffle=True, random_state=settings.seed)
    return list(splitter.split(groups, groups=groups))


@dataclass(frozen=True)
class _Corpus:
    """Counts of all posts, from which the matrix of any part is made without reading a text again."""

    counts: sp.csr_matrix
    block: Ints
    min_posts: int

    def matrix(self, rows: Ints) -> tuple[Floats, sp.csr_matrix]:
        """Weights of the features and the matrix of all posts, both as the posts in `rows` alone decide them."""
        part = self.counts[rows]
        often = np.bincount(part.indices, minlength=part.shape[1]) >= self.min_posts
        weights = np.where(often, features.idf(part), 0.0)
        return weights, features.tfidf(self.counts, weights, self.block)


@dataclass(frozen=True)
class _Linear:
    """A linear map: `matrix @ coefficients + intercepts`."""

    coefficients: Floats
    intercepts: Floats

    def apply(self, matrix: sp.csr_matrix) -> Floats:
        result: Floats = matrix @ self.coefficients + self.intercepts
        return result


def _fit_linear(matrix: sp.csr_matrix, classes: Ints, strength: float, balanced: bool) -> _Linear:
    # tol: scikit-learn's lbfgs with balanced weights can stop at once with all-zero coefficients at 1e-3 and above.
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=strength, class_weight=weight, tol=1e-4, max_iter=500).fit(matrix, classes)
    return _Linear(model.coef_.T.copy(), model.intercept_.copy())


def _choose(corpus: _Corpus, classes: Ints, folds: Folds, settings: Settings) -> tuple[tuple[Candidate, ...], Floats]:
    """Try every setting on every fold; return them best first, with the held-out outputs of the best."""
    grid = list(product(settings.strengths, settings.balanced))
    per_fold = Parallel(n_jobs=-1)(delayed(_try_fold)(corpus, classes, fold, grid) for fold in folds)
    tried = []
    for place, (strength, balanced) in enumerate(grid):
        scores = [
            _fold_scores(outputs[place], classes[test]) for outputs, (_, test) in zip(per_fold, folds, strict=True)
        ]
        accuracy, macro_f1 = np.mean(scores, axis=0)
        tried.append((Candidate(strength, balanced, round(float(accuracy), 4), round(float(macro_f1), 4)), place))
    # Accuracy and macro-F1 count alike; among equals the stronger regularisation, which stands first.
    tried.sort(key=lambda row: -(row[0].accuracy + row[0].macro_f1))
    outputs = np.empty((len(classes), len(LABELS)))
    for fold_outputs, (_, test) in zip(per_fold, folds, strict=True):
        outputs[test] = fold_outputs[tried[0][1]]
    return tuple(candidate for candidate, _ in tried), outputs


def _try_fold(
    corpus: _Corpus, classes: Ints, fold: tuple[Ints, Ints], grid: Sequence[tuple[float, bool]]
) -> list[Floats]:
    train, test = fold
    _, matrix = corpus.matrix(train)
    fits = (_fit_linear(matrix[train], classes[train], strength, balanced) for strength, balanced in grid)
    return [linear.apply(matrix[test]) for linear in fits]


def _fold_scores(outputs: Floats, classes: Ints) -> tuple[float, float]:
    predicted = outputs.argmax(axis=1)
    macro_f1 = f1_score(classes, predicted, labels=range(len(LABELS)), average="macro", zero_division=0.0)
    return float((predicted == classes).mean()), float(macro_f1)


@dataclass(frozen=True)
class Calibration:
    """Turn outputs into log-odds that mean what they say: one scale for all, one shift a class."""

    scale: float
    shift: Floats

    def apply(self, outputs: Floats) -> Floats:
        """Calibrated outputs, of the same shape."""
        return outputs * self.scale + self.shift

    def fold(self, linear: _Linear) -> _Linear:
        """Put the calibration into a linear map, so that nothing has to apply it later."""
        return _Linear(linear.coefficients * self.scale, linear.intercepts * self.scale + self.shift)


def calibration(outputs: Floats, classes: Ints) -> Calibration:
    """Fit a calibration to held-out outputs by their log-loss (temperature with class shifts; Guo et al. 2017)."""

    def loss(values: Floats) -> float:
        log_proba = log_softmax(outputs * np.exp(values[0]) + np.append(values[1:], 0.0), axis=1)
        return float(-log_proba[np.arange(len(classes)), classes].mean())

    found = minimize(loss, np.zeros(outputs.shape[1]), method="L-BFGS-B").x
    return Calibration(float(np.exp(found[0])), np.append(found[1:], 0.0))


def relation_targets(graph: Graph, stance: Ints) -> tuple[Ints, Ints]:
    """Rows of the replies whose parent is certain, and what each does to its parent (number in `RELATIONS`).

    Answers to oneself are left out: they go on speaking rather than agree or disagree.
    """
    own = (graph.author[graph.child] >= 0) & (graph.author[graph.child] == graph.author[graph.parent])
    certain = (graph.weight >= 1.0) & ~own
    child, parent = graph.child[certain], graph.parent[certain]
    return child, relation_of(stance[parent], stance[child])


def _held_out_relation(corpus: _Corpus, rows: Ints, relation: Ints, folds: Folds, strength: float) -> Floats:
    """For every post, what its words say of agreeing and disagreeing, from a model that did not see its group."""
    held_out = Parallel(n_jobs=-1)(delayed(_relation_fold)(corpus, rows, relation, fold, strength) for fold in folds)
    result = np.zeros((corpus.counts.shape[0], len(RELATIONS)))
    for outputs, (_, test) in zip(held_out, folds, strict=True):
        result[test] = outputs
    return result


def _relation_fold(corpus: _Corpus, rows: Ints, relation: Ints, fold: tuple[Ints, Ints], strength: float) -> Floats:
    train, test = fold
    _, matrix = corpus.matrix(train)
    known = np.isin(rows, train)
    return _fit_relation(matrix, rows[known], relation[known], strength).apply(matrix[test])


def _fit_relation(matrix: sp.csr_matrix, rows: Ints, relation: Ints, strength: float) -> _Linear:
    """Outputs whose differences are log-odds over the relations' shares: balanced weights make the shares equal.

    Without replies of every relation there is nothing to tell them apart by, and the outputs are zero.
    """
    if len(np.unique(relation)) < len(RELATIONS):
        return _Linear(np.zeros((matrix.shape[1], len(RELATIONS))), np.zeros(len(RELATIONS)))
    return _fit_linear(matrix[rows], relation, strength, balanced=True)


def abstention_threshold(probabilities: Floats, classes: Ints, precision: float) -> float:
    """Smallest probability at which the posts decided by it are right as often as `precision` asks.

    Returns
    -------
    float
        0 where all posts together are right often enough; where no threshold reaches it, the probability of the surest
        tenth, below which precision cannot be told.
    """
    surest = probabilities.max(axis=1)
    order = np.argsort(-surest, kind="stable")
    right = probabilities.argmax(axis=1)[order] == classes[order]
    share = np.cumsum(right) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(share >= precision)
    enough = enough[enough >= len(right) // 10]
    place = int(enough[-1]) if len(enough) else len(right) // 10
    return 0.0 if place == len(right) - 1 else round(float(surest[order][place]), 4)
