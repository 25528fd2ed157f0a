"""How sure a figure is: bootstrap over whole threads, and Wilson's interval for a plain share.

Posts of one thread resemble each other, so resampling posts would promise too much. Every measure here is a function of
a confusion matrix; a resample of threads is then a weighted sum of the threads' matrices, and ten thousand of them are
one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Resamples of a bootstrap; the ends of an interval then move by less than 0.002 between seeds on our test split.
DRAWS = 10_000

#: With fewer threads than this, resampling threads says next to nothing (with one, the interval has no width).
FEWEST_THREADS = 5

#: Two-sided 95 %.
LEVEL = 0.95
_Z = 1.959963984540054

#: Numbers in one block of resamples: 40 MB.
_BLOCK = 5_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, both ends in it."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


def resample(counts: Floats, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Draw as many units as there are, with replacement, and add up what they hold.

    Parameters
    ----------
    counts : array of shape (n_units, ...)
        What each unit holds, for example a confusion matrix a thread.

    Returns
    -------
    array of shape (draws, ...)
        The total of each resample.
    """
    units, flat = len(counts), counts.reshape(len(counts), -1)
    generator = np.random.default_rng(seed)
    rows = max(1, _BLOCK // units)
    blocks = [min(rows, draws - start) for start in range(0, draws, rows)]
    totals = [generator.multinomial(units, np.full(units, 1 / units), size=block) @ flat for block in blocks]
    return np.concatenate(totals).reshape(draws, *counts.shape[1:])


def resample_posts(total: Floats, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Draw single posts, where there are too few threads to draw; takes and gives what `resample` does, for one unit.

    Only how often each cell of the matrix was met matters, so the order of the posts cannot change the result.
    """
    n_posts = round(total.sum())
    cells = np.random.default_rng(seed).multinomial(n_posts, total.ravel() / n_posts, size=draws)
    return cells.reshape(draws, *total.shape).astype(np.float64)


def resampled(counts: Floats, *, seed: int = 0) -> Floats:
    """Resample threads, or posts where there are fewer threads than `FEWEST_THREADS`."""
    return resample(counts, seed=seed) if len(counts) >= FEWEST_THREADS else resample_posts(counts.sum(0), seed=seed)


def interval_of(values: Floats) -> Interval:
    """The middle 95 % of resampled values (percentile bootstrap, Efron and Tibshirani 1993)."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def bootstrap(counts: Floats, measure: Callable[[Floats], Floats], *, seed: int = 0) -> Interval:
    """Interval of any measure of summed counts.

    Parameters
    ----------
    counts : array of shape (n_threads, ...)
        What each thread holds.
    measure : function
        Takes an array of shape (draws, ...), gives one of shape (draws,).

    Examples
    --------
    >>> right_and_wrong = np.array([[8, 2], [9, 1], [2, 8], [7, 3], [9, 1], [10, 0]], dtype=float)
    >>> str(bootstrap(right_and_wrong, lambda counts: counts[:, 0] / counts.sum(1)))
    '0.517 to 0.917'
    """
    return interval_of(measure(resampled(counts, seed=seed)))


def wilson(successes: int, n: int) -> Interval:
    """Interval of a share (Wilson 1927); it stays within 0 and 1 and has a width at 0 of 5, where Wald's has none.

    Examples
    --------
    >>> str(wilson(13, 20))
    '0.433 to 0.819'
    """
    if n == 0:
        return Interval(0.0, 1.0)
    share, squared = successes / n, _Z**2
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = _Z / (1 + squared / n) * float(np.sqrt(share * (1 - share) / n + squared / (4 * n**2)))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
