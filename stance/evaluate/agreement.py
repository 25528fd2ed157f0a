"""Agreement between two or more annotators, beyond what chance gives: the ceiling of any model.

Both figures equal those of scikit-learn (`cohen_kappa_score`) and NLTK (`AnnotationTask.alpha`), which are written here
in a few lines because importing either takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.data import LABELS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of annotators on the posts that at least two of them labelled.

    Attributes
    ----------
    observed : float
        Share of pairs of labels of one post that are equal, 0 to 1.
    kappa : float or None
        Cohen's kappa; None for more than two annotators, or where all gave the same single label.
    alpha : float or None
        Krippendorff's alpha for nominal labels; None where only one label occurs.
    """

    annotators: tuple[str, ...]
    n_posts: int
    observed: float
    kappa: float | None
    alpha: float | None


def agreement(ratings: pd.DataFrame) -> Agreement:
    """Measure how far annotators agree.

    Parameters
    ----------
    ratings : DataFrame of shape (n_posts, n_annotators)
        A column an annotator; None or "" where one did not label a post.

    Examples
    --------
    >>> ann, bob = ["favor", "against", "none", None], ["favor", "against", "favor", "none"]
    >>> both = agreement(pd.DataFrame({"ann": ann, "bob": bob}))
    >>> both.n_posts, round(both.observed, 3), round(both.kappa, 3), round(both.alpha, 3)
    (3, 0.667, 0.5, 0.545)
    """
    counts = _label_counts(ratings)
    shared = counts[counts.sum(1) >= 2]
    kappa = None
    if ratings.shape[1] == 2:
        both = ratings[ratings.isin(LABELS).all(axis=1)]
        kappa = cohen_kappa(confusion_of(both.iloc[:, 0].tolist(), both.iloc[:, 1].tolist()))
    per_post = shared.sum(1)
    pairs = (per_post * (per_post - 1)).sum()
    observed = float((shared * (shared - 1)).sum() / pairs) if pairs else 0.0
    names = tuple(map(str, ratings.columns))
    return Agreement(names, len(shared), observed, kappa, krippendorff_alpha(counts))


def confusion_of(first: Sequence[str], second: Sequence[str]) -> Floats:
    """Count one annotator's labels against another's, shape (n_labels, n_labels)."""
    counts = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(counts, ([LABELS.index(label) for label in first], [LABELS.index(label) for label in second]), 1)
    return counts


def cohen_kappa(confusion: Floats) -> float | None:
    """Cohen's kappa (1960) of a confusion matrix; None where chance alone would give full agreement."""
    total = confusion.sum()
    if not total:
        return None
    expected = float(confusion.sum(0) @ confusion.sum(1)) / total**2
    return None if expected >= 1 else float((np.trace(confusion) / total - expected) / (1 - expected))


def krippendorff_alpha(counts: Floats) -> float | None:
    """Krippendorff's alpha for nominal labels, with missing values (Krippendorff 2011).

    Parameters
    ----------
    counts : array of shape (n_posts, n_labels)
        How many annotators gave each label to each post; a post with one label counts for nothing.
    """
    shared = counts[counts.sum(1) >= 2]
    per_post = shared.sum(1)
    total = per_post.sum()
    # Pairs of unequal labels in a post, weighted so that each label counts once whatever the number of annotators.
    disagreements = ((per_post**2 - (shared**2).sum(1)) / np.maximum(per_post - 1, 1)).sum()
    expected = total**2 - (shared.sum(0) ** 2).sum()
    return None if expected == 0 else float(1 - (total - 1) * disagreements / expected)


def _label_counts(ratings: pd.DataFrame) -> Floats:
    return np.stack([(ratings == label).sum(axis=1).to_numpy(dtype=np.float64) for label in LABELS], axis=1)
