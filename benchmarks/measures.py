"""What a benchmark reports: figures with a name to pin them by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stance.evaluate.measures import confusion_by_thread, f_avg, macro_f1

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of the table.

    Attributes
    ----------
    key : str
        Its name in `floors.json`.
    work : str
        What was measured, for people.
    value : float
        0 to 1, or a count of posts.
    less_is_better : bool
        Whether the floor is a ceiling, as of an error.
    """

    key: str
    work: str
    value: float
    less_is_better: bool = False


def find(data: Path | None, name: str) -> Path | None:
    """Look for a file of that name anywhere below the folder."""
    return next(iter(sorted(data.rglob(name))), None) if data else None


def mean_f1_of_sides(gold: NDArray[np.str_], given: NDArray[np.str_]) -> float:
    """SemEval-2016's F_avg of these posts, pooled."""
    return float(f_avg(confusion_by_thread(["all"] * len(gold), list(gold), list(given)).sum(0)))


def accuracy_and_macro_f1(gold: NDArray[np.str_], given: NDArray[np.str_]) -> tuple[float, float]:
    """Share of right labels, and the mean F1 of the labels."""
    confusion = confusion_by_thread(["all"] * len(gold), list(gold), list(given)).sum(0)
    return float((gold == given).mean()), float(macro_f1(confusion))
