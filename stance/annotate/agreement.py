"""How far annotators agree, live: Krippendorff's alpha with its interval, and kappa for each pair."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.annotate.queue import Key
from stance.data import LABELS
from stance.evaluate.agreement import agreement, krippendorff_alpha
from stance.evaluate.intervals import FEWEST_THREADS, Interval, interval_of

#: Fewer than for a report: this is asked for while people work.
_DRAWS = 500


def live_agreement(ratings: Mapping[Key, Mapping[str, str]]) -> dict[str, Any] | None:
    """Agreement as the page shows it, or None while no post has two labels.

    Parameters
    ----------
    ratings : mapping of (thread, post) to mapping of annotator to label

    Examples
    --------
    >>> twice = {("t", str(n)): {"ann": label, "bob": label} for n, label in enumerate(["favor", "none", "favor"])}
    >>> live_agreement(twice)["alpha"]
    1.0
    """
    shared = {key: labels for key, labels in ratings.items() if len(labels) > 1}
    if not shared:
        return None
    names = sorted({name for labels in shared.values() for name in labels})
    table = pd.DataFrame({name: [labels.get(name) for labels in shared.values()] for name in names}, dtype=object)
    interval = _interval([thread for thread, _ in shared], _counts(shared))
    pairs = [agreement(table[list(pair)]) for pair in combinations(names, 2)]
    return {
        "posts": len(shared),
        "alpha": agreement(table).alpha,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "kappas": [
            {"annotators": pair.annotators, "kappa": pair.kappa, "posts": pair.n_posts}
            for pair in pairs
            if pair.n_posts
        ],
    }


def _counts(shared: Mapping[Key, Mapping[str, str]]) -> NDArray[np.float64]:
    return np.array(
        [[list(labels.values()).count(label) for label in LABELS] for labels in shared.values()], dtype=float
    )


def _interval(threads: list[str], counts: NDArray[np.float64]) -> Interval | None:
    """Bootstrap over threads, or over posts where there are few threads."""
    codes, _ = pd.factorize(pd.Series(threads, dtype=object))
    if codes.max() + 1 < FEWEST_THREADS:
        codes = np.arange(len(counts))
    groups = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    generator = np.random.default_rng(0)
    alphas = []
    for drawn in generator.integers(len(groups), size=(_DRAWS, len(groups))):
        alphas.append(krippendorff_alpha(counts[np.concatenate([groups[group] for group in drawn])]))
    # A resample with a single label in it has no alpha.
    known = [alpha for alpha in alphas if alpha is not None]
    return interval_of(np.array(known)) if len(known) > _DRAWS / 2 else None
