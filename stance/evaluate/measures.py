"""Measures of a confusion matrix, of probabilities, and of abstaining; each equals scikit-learn's where it has one.

A confusion matrix has a row for each gold label and a column for each given one, in the order of `LABELS`. Functions of
it take any leading axes, so that the same function measures one labelling and ten thousand resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stance.data import LABELS
from stance.evaluate.intervals import Interval, wilson

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Bins of equal width, as in Guo et al. 2017.
_BINS = 10


@dataclass(frozen=True, slots=True)
class LabelScores:
    """How well one label is found: of the posts given it, of the posts that have it, and both."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Posts whose given label had a probability in a bin: what was promised and what came true."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """Accuracy when only the surest share of the posts is answered."""

    coverage: float
    accuracy: float


def confusion_by_thread(threads: Sequence[str], gold: Sequence[str], given: Sequence[str]) -> Floats:
    """Count gold against given labels in each thread.

    Returns
    -------
    array of shape (n_threads, n_labels, n_labels)
        Threads in sorted order, so that the order of the posts never matters.
    """
    _, thread = np.unique(np.asarray(threads, dtype=str), return_inverse=True)
    number = {label: position for position, label in enumerate(LABELS)}
    counts = np.zeros((thread.max(initial=-1) + 1, len(LABELS), len(LABELS)))
    rows = np.array([number[label] for label in gold], dtype=np.int64)
    columns = np.array([number[label] for label in given], dtype=np.int64)
    np.add.at(counts, (thread, rows, columns), 1)
    return counts


def accuracy(confusion: Floats) -> Floats:
    """Share of posts whose given label is the gold one; 0 where there is no post."""
    return _ratio(_diagonal(confusion).sum(-1), confusion.sum((-2, -1)))


def f1(confusion: Floats) -> Floats:
    """F1 of each label, in the last axis; 0 for a label that is never right."""
    return _ratio(2 * _diagonal(confusion), confusion.sum(-1) + confusion.sum(-2))


def macro_f1(confusion: Floats) -> Floats:
    """Mean F1 of the labels that occur, in gold or in what was given (as scikit-learn's `average="macro"`)."""
    occurs = confusion.sum(-1) + confusion.sum(-2) > 0
    return _ratio((f1(confusion) * occurs).sum(-1), occurs.sum(-1))


def f_avg(confusion: Floats) -> Floats:
    """Mean F1 of favor and against, the score of SemEval-2016 Task 6 (Mohammad et al. 2016)."""
    sides = [LABELS.index("favor"), LABELS.index("against")]
    return np.asarray(f1(confusion)[..., sides].mean(-1))


def label_scores(confusion: Floats) -> tuple[LabelScores, ...]:
    """Precision, recall and F1 of each label of one confusion matrix."""
    right = _diagonal(confusion)
    columns = (_ratio(right, confusion.sum(0)), _ratio(right, confusion.sum(1)), f1(confusion), confusion.sum(1))
    return tuple(
        LabelScores(label, float(precision), float(recall), float(both), int(support))
        for label, precision, recall, both, support in zip(LABELS, *columns, strict=True)
    )


def reliability(confidence: Floats, right: Bools) -> tuple[ReliabilityBin, ...]:
    """Compare promised with observed accuracy in bins of equal width; empty bins are left out.

    Parameters
    ----------
    confidence : array of shape (n_posts,)
        Probability of the label that was given, 0 to 1.
    right : array of shape (n_posts,)
        Whether that label is the gold one.
    """
    # 0.3 * 10 is 3.0000000000000004 in some orders of computing: a rounded product keeps equal numbers in one bin.
    bins = np.minimum(np.round(confidence * _BINS, 9).astype(int), _BINS - 1)
    curve = []
    for number in np.unique(bins):
        inside = bins == number
        n, hits = int(inside.sum()), int(right[inside].sum())
        mean = float(np.sort(confidence[inside]).mean())
        curve.append(ReliabilityBin(number / _BINS, (number + 1) / _BINS, n, mean, hits / n, wilson(hits, n)))
    return tuple(curve)


def calibration_error(curve: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error (Naeini et al. 2015): mean gap between promise and outcome, weighted by posts."""
    total = sum(bin.n for bin in curve)
    return sum(bin.n * abs(bin.accuracy - bin.confidence) for bin in curve) / total if total else 0.0


def accuracy_at_coverage(confidence: Floats, right: Bools, shares: Sequence[float]) -> tuple[CoveragePoint, ...]:
    """Accuracy of the surest posts, for each share of all posts.

    Posts of equal confidence count by their mean, so that no order among them is better than another.

    Examples
    --------
    >>> accuracy_at_coverage(np.array([0.9, 0.6, 0.6, 0.4]), np.array([True, True, False, False]), [0.25, 0.5])
    (CoveragePoint(coverage=0.25, accuracy=1.0), CoveragePoint(coverage=0.5, accuracy=0.75))
    """
    _, group = np.unique(-confidence, return_inverse=True)
    mean = np.bincount(group, right) / np.bincount(group)
    hits = np.cumsum(mean[np.sort(group)])
    kept = [max(1, int(np.ceil(share * len(right) - 1e-9))) for share in shares]
    return tuple(CoveragePoint(share, float(hits[n - 1] / n)) for share, n in zip(shares, kept, strict=True))


def _diagonal(confusion: Floats) -> Floats:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=np.asarray(whole) > 0)
