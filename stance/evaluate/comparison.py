"""Two labellings of the same posts: what differs, which posts, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr

from stance.data import LABELS
from stance.errors import DataError
from stance.evaluate.agreement import cohen_kappa
from stance.evaluate.intervals import FEWEST_THREADS, Interval, interval_of, resampled
from stance.evaluate.measures import accuracy, confusion_by_thread, macro_f1
from stance.evaluate.scores import check_labels, given_column, join, labelled_part
from stance.evaluate.show import comparison_as_html, comparison_as_text

Floats = NDArray[np.float64]

#: Agreement on a single post is no agreement.
FEWEST_POSTS = 2


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both labellings, b minus a, and the 95 % interval of that difference on the same resamples."""

    a: float
    b: float
    difference: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Share(Difference):
    """Share of the posts that have a label."""

    label: str = ""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Which of the two is nearer to gold.

    Attributes
    ----------
    only_a_right, only_b_right : int
        Posts on which one is right and the other wrong.
    p_value : float
        Of the exact two-sided McNemar test on those posts: how often a fair coin would split them as unevenly.
    """

    accuracy: Difference
    macro_f1: Difference
    only_a_right: int
    only_b_right: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Change:
    """One post that the two label differently; `gold` is None where there is none."""

    thread: str
    post: str
    a: str
    b: str
    gold: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Labelled posts of each table that are not compared, since another table has no label of them."""

    a: int
    b: int
    gold: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two labellings, `a` and `b`, of the same posts.

    Attributes
    ----------
    n_posts, n_threads : int
        What is compared: the posts that both label, and gold too where there is one.
    left_out : LeftOut
        How many more posts each of them labels; `gold` is None where there is none.
    kappa : float or None
        Cohen's kappa between the two; None where both give everything the same one label.
    accuracy : Accuracy or None
        None without gold.
    changed : tuple of Change
        In the order of the posts.
    """

    names: tuple[str, str]
    n_posts: int
    n_threads: int
    resampled: str
    kappa: float | None
    shares: tuple[Share, ...]
    accuracy: Accuracy | None
    changed: tuple[Change, ...]
    left_out: LeftOut

    def to_dict(self) -> dict[str, Any]:
        """Give every figure as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return comparison_as_text(self.to_dict())

    def _repr_html_(self) -> str:
        return comparison_as_html(self.to_dict())


def compare(
    gold: pd.DataFrame | None,
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    names: tuple[str, str] = ("a", "b"),
    against: str = "stance",
    seed: int = 0,
) -> Comparison:
    """Compare two labellings post by post, on the posts that both label, and gold too where there is one.

    Raises
    ------
    DataError
        If fewer than two posts are labelled in all of them, or a label is unknown.

    Examples
    --------
    >>> a = pd.DataFrame({"thread": ["t"] * 3, "post": ["1", "2", "3"], "stance": ["favor", "none", "none"]})
    >>> found = compare(None, a, a.assign(stance=["favor", "against", None]))
    >>> found.changed, found.left_out
    ((Change(thread='t', post='2', a='none', b='against', gold=None),), LeftOut(a=1, b=0, gold=None))
    """
    column = "stance" if gold is None else against
    tables = [_labelled(table, given_column(table, column), name) for table, name in zip((a, b), names, strict=True)]
    known = [] if gold is None else [_labelled(gold, against, "gold")]
    parts = _common([*tables, *known], [*names, "gold"])
    base = parts[-1] if known else parts[0]
    first, second = (join(base, table, column)[0]["_given"].tolist() for table in parts[:2])
    threads, posts = base["thread"].tolist(), base["post"].tolist()
    truth = base[against].tolist() if known else [None] * len(base)
    pairs = confusion_by_thread(threads, first, second)
    rows = zip(threads, posts, first, second, truth, strict=True)
    return Comparison(
        names=names,
        n_posts=len(base),
        n_threads=len(pairs),
        resampled="threads" if len(pairs) >= FEWEST_THREADS else "posts",
        kappa=cohen_kappa(pairs.sum(0)),
        shares=_shares(pairs, seed),
        accuracy=_accuracy(base, truth, first, second, seed) if known else None,
        changed=tuple(Change(*row) for row in rows if row[2] != row[3]),
        left_out=LeftOut(
            a=len(tables[0]) - len(base),
            b=len(tables[1]) - len(base),
            gold=len(known[0]) - len(base) if known else None,
        ),
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact McNemar test (McNemar 1947): a binomial test of the posts that only one got right.

    Examples
    --------
    >>> round(mcnemar(1, 9), 4), mcnemar(0, 0)
    (0.0215, 1.0)
    """
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def _labelled(table: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    check_labels(table, column, name)
    return labelled_part(table, column)


def _common(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> list[pd.DataFrame]:
    """The rows of each table whose posts stand in all of them."""
    keys = [list(zip(table["thread"], table["post"], strict=True)) for table in tables]
    shared = set(keys[0]).intersection(*keys[1:])
    if len(shared) < FEWEST_POSTS:
        held = ", ".join(f"{len(table)} in {name}" for table, name in zip(tables, names, strict=False))
        problem = f"only {len(shared)} post{' is' if len(shared) == 1 else 's are'} labelled in all of them ({held})"
        fix = "label the same posts twice: the same thread and post in each table"
        raise DataError(problem, where=" and ".join(names[: len(tables)]), fix=fix)
    kept = ([key in shared for key in of_table] for of_table in keys)
    return [table[rows].reset_index(drop=True) for table, rows in zip(tables, kept, strict=True)]


def _shares(pairs: Floats, seed: int) -> tuple[Share, ...]:
    draws = resampled(pairs, seed=seed)
    total, found = pairs.sum(0), []
    for number, label in enumerate(LABELS):
        drawn = (draws[:, :, number].sum(1) - draws[:, number, :].sum(1)) / draws.sum((1, 2))
        first, second = (float(total.sum(axis)[number] / total.sum()) for axis in (1, 0))
        found.append(Share(first, second, second - first, interval_of(drawn), label))
    return tuple(found)


def _accuracy(base: pd.DataFrame, truth: list[Any], first: list[str], second: list[str], seed: int) -> Accuracy:
    threads = base["thread"].tolist()
    # Both confusion matrices of a thread are drawn together: the interval is that of the paired difference.
    both = np.stack([confusion_by_thread(threads, truth, given) for given in (first, second)], axis=1)
    draws = resampled(both, seed=seed) if len(both) >= FEWEST_THREADS else _draw_posts(truth, first, second, seed)
    outcomes = [(left == gold, right == gold) for gold, left, right in zip(truth, first, second, strict=True)]
    only_a, only_b = outcomes.count((True, False)), outcomes.count((False, True))
    return Accuracy(
        accuracy=_difference(both.sum(0), draws, accuracy),
        macro_f1=_difference(both.sum(0), draws, macro_f1),
        only_a_right=only_a,
        only_b_right=only_b,
        p_value=mcnemar(only_a, only_b),
    )


def _draw_posts(truth: list[str], first: list[str], second: list[str], seed: int) -> Floats:
    """Resample posts by how often each (gold, a, b) occurs; both confusion matrices of each resample."""
    cells = np.zeros((1, len(LABELS), len(LABELS), len(LABELS)))
    for labels in zip(truth, first, second, strict=True):
        cells[(0, *(LABELS.index(label) for label in labels))] += 1
    draws = resampled(cells, seed=seed)
    return np.stack([draws.sum(3), draws.sum(2)], axis=1)


def _difference(both: Floats, draws: Floats, measure: Callable[[Floats], Floats]) -> Difference:
    a, b = (float(measure(matrix)) for matrix in both)
    return Difference(a, b, b - a, interval_of(measure(draws[:, 1]) - measure(draws[:, 0])))
