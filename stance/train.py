"""Labelled posts to a model: choose the settings on held-out threads, fit, calibrate, say how good it is.

Everything is chosen by cross-validation on groups: a group is a writer's slice where the corpus names slices, else a
thread, else a post. Groups matter because posts of one writer or thread resemble each other; a random fold would
reward what does not travel. The held-out outputs of that same cross-validation also calibrate the probabilities, fit
the couplings of the conversation and set the threshold below which a post is left undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from stance import features
from stance.conversation import (
    RELATIONS,
    Couplings,
    Evidence,
    conversation_graph,
    decided_replies,
    infer,
    log_softmax,
)
from stance.couplings import fit_couplings
from stance.data import LABELS
from stance.errors import DataError
from stance.model import HEADS, Model, balanced, single

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Folds = list[tuple[Ints, Ints]]
Progress = Callable[[str], None]

#: A corpus needs this many posts of each stance before a classifier of it can be called one.
MIN_POSTS_A_LABEL = 5

#: Below these, scores on held-out posts have hardly anything to differ in.
_FEW_THREADS, _FEW_POSTS = 10, 200
#: With fewer groups than this of one kind, the next finer kind is taken.
MIN_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Settings:
    """What training may choose from, and what it keeps fixed.

    Attributes
    ----------
    strengths : tuple of float
        Values of C, the inverse of the regularisation strength, to choose from.
    min_posts : int
        An n-gram in fewer training posts is no feature.
    folds : int
        Number of folds; each group is held out in one of them.
    precision : float
        The share of decided posts that should be right, 0 to 1; sets the threshold of abstention.
    seed : int
        Decides the folds.
    """

    strengths: tuple[float, ...] = (0.25, 0.5, 1.0)
    min_posts: int = 2
    folds: int = 8
    precision: float = 0.8
    seed: int = 0


#: How often `fit` says what it does.
STEPS = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """One choice of settings and how it did on held-out groups (means over folds, 0 to 1)."""

    strength: float
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

    def __str__(self) -> str:
        """A summary for people: what was learned from, what was chosen, how good it is on held-out groups."""
        card = self.model.card
        learned = card.get("training", {})
        labels = ", ".join(f"{count} {label}" for label, count in learned.get("labels", {}).items())
        best = self.candidates[0].strength
        lines = [
            f"{card.get('name', 'model')}: stance toward {card.get('target', '?')}",
            f"learned from {learned.get('posts')} posts of {learned.get('threads')} threads ({labels})",
            f"{len(self.model.ngrams)} n-grams; C {best:g}, the best of {len(self.candidates)} settings",
            f"undecided below probability {self.model.threshold:.2f}",
            "on held-out groups           accuracy  macro-F1",
        ]
        for name, scores in card.get("cross_validation", {}).items():
            lines.append(f"{name.replace('_', ' '):<28} {scores['accuracy']:>8.3f} {scores['macro_f1']:>9.3f}")
        if learned and (learned["threads"] < _FEW_THREADS or learned["posts"] < _FEW_POSTS):
            lines.append("few threads: these figures say little; evaluate on pages kept apart")
        return "\n".join(lines)


def fit(posts: pd.DataFrame, settings: Settings, *, target_names: tuple[str, ...] = (), progress: Progress) -> Trained:
    """Fit a model to a checked posts table with `stance`, and `text_only` where there is one.

    Parameters
    ----------
    target_names : tuple of str
        How the target's name begins, in lower case, with its misspellings.
    progress : callable
        Told the name of each step as it begins.
    """
    check_counts(posts)
    stance, text_only = label_numbers(posts, "stance"), label_numbers(posts, "text_only")
    folds = make_folds(group_numbers(posts), settings)
    graph = conversation_graph(posts)
    graph.named.warn()
    progress("finding n-grams")
    texts = list(posts["text"])
    vocabulary = features.learn_vocabulary(texts, features.Analyser(target_names), min_posts=settings.min_posts)
    corpus = Corpus(as_csr(vocabulary.find(texts)), vocabulary.block, settings.min_posts)
    everything = np.arange(len(posts))
    tasks = {
        "text": Task(everything, text_only, len(LABELS)),
        "meaning": Task(everything, stance, len(LABELS)),
        "relation": Task(*decided_replies(graph, stance), len(RELATIONS)),
    }

    progress("choosing settings on held-out groups")
    candidates, held_out = choose(corpus, tasks, folds, settings.strengths)
    maps = {name: calibration(held_out[name][task.rows], task.classes) for name, task in tasks.items()}
    evidence = Evidence(
        text=log_softmax(maps["text"] * held_out["text"]),
        meaning=log_softmax(maps["meaning"] * held_out["meaning"]),
        relation=maps["relation"] * held_out["relation"],
    )

    progress("drawing the learning curve")
    curve = learning_curve(corpus, tasks["text"], folds, candidates[0], settings)

    progress("fitting the conversation")
    talks = len(graph.child) > 0 or graph.n_authors > 0
    couplings = fit_couplings(graph, evidence, stance) if talks else Couplings()
    joint = infer(graph, evidence, couplings)

    progress("fitting the whole corpus")
    weights, matrix = corpus.matrix(everything)
    heads = [fit_head(matrix, tasks[name], candidates[0].strength).scaled(maps[name]) for name in HEADS]
    kept = np.flatnonzero(weights)
    model = Model(
        ngrams=tuple(vocabulary.names[column] for column in kept),
        block=vocabulary.block[kept],
        idf=single(weights[kept]),
        coefficients=balanced(np.hstack([head.coefficients for head in heads])[kept]),
        intercepts=balanced(np.concatenate([head.intercepts for head in heads])),
        couplings=couplings,
        threshold=abstention_threshold(joint, stance, settings.precision),
        target_names=target_names,
        card={
            "settings": asdict(settings),
            "candidates": [asdict(candidate) for candidate in candidates],
            "learning_curve": curve,
        },
    )
    return Trained(model, candidates, np.exp(evidence.text), joint)


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
    """Number in `LABELS` of each post's label; where there is no `text_only`, it is equal to `stance`."""
    given = posts[column] if column in posts.columns else posts["stance"]
    # Annotators judge the words alone in some posts only.
    labels = given.where(given.isin(LABELS), posts["stance"])
    return np.array([LABELS.index(label) for label in labels], dtype=np.int64)


def check_counts(posts: pd.DataFrame, *, fix: str = "label more posts") -> None:
    """Refuse a table with too few posts of a stance to learn it; `fix` says what to do about it."""
    counts = posts["stance"].value_counts()
    for label in LABELS:
        if counts.get(label, 0) < MIN_POSTS_A_LABEL:
            problem = f"{counts.get(label, 0)} posts labelled {label!r}, at least {MIN_POSTS_A_LABEL} are needed"
            raise DataError(problem, where="training posts", fix=fix)


def group_numbers(posts: pd.DataFrame) -> Ints:
    """Number the groups that must not straddle folds: slices, else threads, else single posts."""
    for column in ("slice", "thread"):
        if column in posts.columns and posts[column].nunique() >= MIN_GROUPS:
            codes, _ = pd.factorize(posts[column])
            return np.asarray(codes, dtype=np.int64)
    return np.arange(len(posts), dtype=np.int64)


def make_folds(groups: Ints, settings: Settings) -> Folds:
    """Deal the groups to folds of about the same number of posts; no group stands in two of them."""
    n_folds = min(settings.folds, len(np.unique(groups)))
    splitter = GroupKFold(n_splits=n_folds, shuffle=True, random_state=settings.seed)
    return list(splitter.split(groups, groups=groups))


def as_csr(rows: features.Rows) -> sp.csr_matrix:
    """The same matrix as SciPy and scikit-learn have it."""
    return sp.csr_matrix((rows.data, rows.indices, rows.indptr), shape=rows.shape)


def _as_rows(matrix: sp.csr_matrix) -> features.Rows:
    return features.Rows(matrix.data, matrix.indices, matrix.indptr, matrix.shape)


@dataclass(frozen=True)
class Corpus:
    """The n-grams of all posts, from which the matrix of any part is made without reading a text again."""

    found: sp.csr_matrix
    block: Ints
    min_posts: int

    def matrix(self, rows: Ints) -> tuple[Floats, sp.csr_matrix]:
        """Weights of the features and the matrix of all posts, both as the posts in `rows` alone decide them."""
        part = self.found[rows]
        often = np.bincount(part.indices, minlength=part.shape[1]) >= self.min_posts
        weights = np.where(often, features.idf(_as_rows(part)), 0.0)
        return weights, as_csr(features.tfidf(_as_rows(self.found), weights, self.block))


@dataclass(frozen=True)
class Task:
    """What one head learns: the rows of the posts that teach it, and their classes (numbers below `n_classes`)."""

    rows: Ints
    classes: Ints
    n_classes: int

    def within(self, part: Ints) -> Task:
        """The same, from the posts in `part` alone."""
        known = np.isin(self.rows, part)
        return Task(self.rows[known], self.classes[known], self.n_classes)


@dataclass(frozen=True)
class Linear:
    """A linear map: `matrix @ coefficients + intercepts`."""

    coefficients: Floats
    intercepts: Floats

    def apply(self, matrix: sp.csr_matrix) -> Floats:
        """Outputs of shape (n_posts, n_classes)."""
        result: Floats = matrix @ self.coefficients + self.intercepts
        return result

    def scaled(self, scale: float) -> Linear:
        """The same with every output multiplied: calibration then costs nothing when posts are labelled."""
        return Linear(self.coefficients * scale, self.intercepts * scale)


def fit_head(matrix: sp.csr_matrix, task: Task, strength: float) -> Linear:
    """Logistic regression in which each class weighs the same.

    Equal weights make a head travel: the share of `none` differs from forum to forum more than its words do. A class
    that no post has leaves nothing to tell apart, and the outputs are zero.
    """
    if len(np.unique(task.classes)) < task.n_classes:
        return Linear(np.zeros((matrix.shape[1], task.n_classes)), np.zeros(task.n_classes))
    # tol: scikit-learn's lbfgs with balanced weights can stop at once with all-zero coefficients at 1e-3 and above.
    model = LogisticRegression(C=strength, class_weight="balanced", tol=1e-4, max_iter=500)
    model.fit(matrix[task.rows], task.classes)
    return Linear(model.coef_.T.copy(), model.intercept_.copy())


def choose(
    corpus: Corpus, tasks: Mapping[str, Task], folds: Folds, strengths: Sequence[float]
) -> tuple[tuple[Candidate, ...], dict[str, Floats]]:
    """Try every strength on every fold.

    Returns
    -------
    candidates : tuple of Candidate
        Best first, by accuracy and macro-F1 of the `text` head alike.
    held_out : dict of str to array of shape (n_posts, n_classes)
        For each task, the outputs of the best strength for each post, from a fit that did not see its group.
    """
    # max_nbytes: memory-mapped copies outlive a killed run.
    run = Parallel(n_jobs=_side_by_side(corpus), max_nbytes=None)
    tried = run(delayed(_fold_outputs)(corpus, tasks["text"], fold, strengths) for fold in folds)
    candidates = []
    for place, strength in enumerate(strengths):
        classes = tasks["text"].classes
        scores = [_fold_scores(outputs[place], classes[test]) for outputs, (_, test) in zip(tried, folds, strict=True)]
        candidates.append(Candidate(strength, *(_rounded(float(mean)) for mean in np.mean(scores, axis=0))))
    order = sorted(range(len(strengths)), key=lambda place: -(candidates[place].accuracy + candidates[place].macro_f1))
    best = [strengths[order[0]]]
    held_out = {"text": _in_place([outputs[order[0]] for outputs in tried], folds)}
    for name in tasks.keys() - {"text"}:
        outputs = run(delayed(_fold_outputs)(corpus, tasks[name], fold, best) for fold in folds)
        held_out[name] = _in_place([fold_outputs[0] for fold_outputs in outputs], folds)
    return tuple(candidates[place] for place in order), held_out


#: Bytes that all folds side by side may take; a fold has its own matrix, and a copy of the rows that it learns from.
_MEMORY = 4 << 30
_BYTES_OF_AN_NGRAM = 32
#: N-grams, some thousand posts, below which a fold is fitted sooner than a process for it has begun.
_WORTH_A_PROCESS = 300_000


def _side_by_side(corpus: Corpus) -> int:
    """Number of folds that are fitted at once: as many as there are cores, but one by one where the corpus is large.

    One by one too where it is small: processes take seconds to begin.
    """
    n_ngrams = int(corpus.found.nnz)
    if n_ngrams < _WORTH_A_PROCESS:
        return 1
    return max(1, min(int(cpu_count()), _MEMORY // (n_ngrams * _BYTES_OF_AN_NGRAM)))


#: Shares of the training posts at which the learning curve is measured, beside all of them.
CURVE_SHARES = (0.125, 0.25, 0.5)


def learning_curve(
    corpus: Corpus, task: Task, folds: Folds, best: Candidate, settings: Settings
) -> list[dict[str, float]]:
    """Accuracy on held-out groups by the number of posts learned from: would more of them help?

    Returns
    -------
    list of dict
        `posts` (learned from, mean over folds) and `accuracy` (0 to 1), ascending; the last is all posts.
    """
    everything = float(np.mean([len(train) for train, _ in folds]))
    order = np.random.default_rng(settings.seed).permutation(corpus.found.shape[0])
    points = []
    for share in CURVE_SHARES:
        drawn = order[: int(len(order) * share)]
        fewer = [(train[np.isin(train, drawn)], test) for train, test in folds]
        run = Parallel(n_jobs=_side_by_side(corpus), max_nbytes=None)
        outputs = run(delayed(_fold_outputs)(corpus, task, fold, [best.strength]) for fold in fewer)
        right = [_fold_scores(part[0], task.classes[test])[0] for part, (_, test) in zip(outputs, fewer, strict=True)]
        posts = float(np.mean([len(train) for train, _ in fewer]))
        points.append({"posts": round(posts), "accuracy": _rounded(float(np.mean(right)))})
    return [*points, {"posts": round(everything), "accuracy": best.accuracy}]


def _fold_outputs(corpus: Corpus, task: Task, fold: tuple[Ints, Ints], strengths: Sequence[float]) -> list[Floats]:
    train, test = fold
    _, matrix = corpus.matrix(train)
    return [fit_head(matrix, task.within(train), strength).apply(matrix[test]) for strength in strengths]


def _in_place(outputs: Sequence[Floats], folds: Folds) -> Floats:
    result = np.empty((sum(map(len, outputs)), outputs[0].shape[1]))
    for part, (_, test) in zip(outputs, folds, strict=True):
        result[test] = part
    return result


def _fold_scores(outputs: Floats, classes: Ints) -> tuple[float, float]:
    predicted = outputs.argmax(axis=1)
    macro_f1 = f1_score(classes, predicted, labels=range(len(LABELS)), average="macro", zero_division=0.0)
    return float((predicted == classes).mean()), float(macro_f1)


def calibration(outputs: Floats, classes: Ints) -> float:
    """Fit the temperature of held-out outputs by their log-loss (Guo et al. 2017); returns the factor to multiply by.

    No shift a class: it would only carry the shares of our corpus to a forum that has others.
    """
    rows = np.arange(len(classes))

    def loss(log_scale: float) -> float:
        return float(-log_softmax(outputs * np.exp(log_scale))[rows, classes].mean())

    if not len(classes) or not outputs.any():
        return 1.0
    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


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
