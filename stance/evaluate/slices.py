"""Where a labelling does better and worse: accuracy on the parts of a gold table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from stance.evaluate.intervals import Interval, bootstrap
from stance.evaluate.measures import accuracy, confusion_by_thread, macro_f1

#: Columns of a gold table by whose values the posts are scored apart, where they are present.
SLICE_COLUMNS = ("slice", "site")

#: A column with more values than this is no way to slice: nobody reads such a table.
_MOST_SLICES = 40


@dataclass(frozen=True, slots=True)
class Slice:
    """Accuracy on the posts that share a value in a column, or their place in the thread."""

    column: str
    value: str
    n_posts: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float


def slices(joined: pd.DataFrame, truth: Sequence[str], answers: Sequence[str], *, seed: int = 0) -> tuple[Slice, ...]:
    """Score each part of the posts alone: by slice and site where the table names them, by place, length, and basis."""
    return tuple(_each(joined, truth, answers, seed))


def _each(joined: pd.DataFrame, truth: Sequence[str], answers: Sequence[str], seed: int) -> Iterator[Slice]:
    rows = pd.DataFrame({"thread": joined["thread"], "truth": truth, "given": answers})
    for column, values in _slicings(joined).items():
        if not 1 < values.nunique() <= _MOST_SLICES:
            continue
        for value, part in rows.groupby(values.to_numpy(), sort=True):
            counts = confusion_by_thread(part["thread"].tolist(), part["truth"].tolist(), part["given"].tolist())
            interval = bootstrap(counts, accuracy, seed=seed)
            total = counts.sum(0)
            yield Slice(column, str(value), len(part), float(accuracy(total)), interval, float(macro_f1(total)))


def _slicings(joined: pd.DataFrame) -> Mapping[str, pd.Series]:
    found = {column: joined[column] for column in SLICE_COLUMNS if column in joined.columns}
    if "parent" in joined.columns:
        found["place"] = joined["parent"].isna().map({True: "opens a branch", False: "answers a post"})
    if {"stance", "text_only"} <= set(joined.columns):
        same = joined["stance"] == joined["text_only"]
        found["decided by"] = same.map({True: "its own words", False: "the conversation"})
    if "text" in joined.columns:
        found["length"] = joined["text"].map(_length)
    return found


def _length(text: str) -> str:
    words = len(text.split())
    return "1 to 9 words" if words < 10 else "10 to 29 words" if words < 30 else "30 words or more"
