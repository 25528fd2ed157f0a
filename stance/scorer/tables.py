"""A vocabulary and its numbers, laid out for looking up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from stance.features import BLOCKS, Vocabulary
from stance.scorer.kernels import (
    AS_CLOSINGS,
    AS_OPENINGS,
    AS_WORDS,
    FIRST,
    LANES,
    NONE,
    PAIR_RECORD,
    SECOND,
    Floats,
    Ints,
    Tables,
    enter,
)

Name = TypeVar("Name")
Numbers = dict[str, int]
Sequences = dict[tuple[str, ...], int]


@dataclass(frozen=True)
class Layout:
    """What a scorer needs of a model.

    Attributes
    ----------
    features : list of dict
        The number of each n-gram, which is its row in `tables.rows`; a dict a block in the order of `BLOCKS`.
    known : dict
        Numbers of the tokens that stand in n-grams of two tokens or more.
    lanes : int
        Length of a row.
    tables : Tables
        The same for the inner loops.
    """

    features: list[Numbers]
    known: dict[str, int]
    lanes: int
    tables: Tables


@dataclass(frozen=True)
class Columns:
    """Which columns of the coefficients must be summed up, and which follow from two others.

    The three of a balanced head (`stance.model.balanced`) sum to zero: without the last of each, a row of a model of
    three heads fits in 8 numbers, not 12, and scoring takes a quarter less time.

    Attributes
    ----------
    kept : list of int
    derived : list of int
        Each is minus the sum of the two before it.
    """

    kept: list[int]
    derived: list[int]

    @classmethod
    def of(cls, coefficients: Floats) -> Columns:
        """Look for columns that are to the last bit what two others make them."""
        derived: list[int] = []
        for column in range(2, coefficients.shape[1]):
            if derived and column - derived[-1] < 3:
                continue
            if np.array_equal(coefficients[:, column], -(coefficients[:, column - 2] + coefficients[:, column - 1])):
                derived.append(column)
        return cls([column for column in range(coefficients.shape[1]) if column not in derived], derived)

    def all_of(self, kept: Floats) -> Floats:
        """All columns of a linear map, from those that were kept; shape (n_rows, n_outputs)."""
        out = np.zeros((len(kept), len(self.kept) + len(self.derived)))
        out[:, self.kept] = kept
        for column in self.derived:
            out[:, column] = -(out[:, column - 2] + out[:, column - 1])
        return out


def lay_out(vocabulary: Vocabulary, idf: Floats, coefficients: Floats) -> Layout:
    """Fold idf and coefficients into one row a feature, and give n-grams of tokens exact keys."""
    frequent_first = np.argsort(idf, kind="stable")
    features: list[Numbers] = [{} for _ in BLOCKS]
    for row, column in enumerate(frequent_first.tolist()):
        features[vocabulary.block[column]][vocabulary.names[column]] = row
    rows = _rows(idf[frequent_first], coefficients[frequent_first])
    word, _, edge, _ = features
    words, openings, closings = _by_tokens(word), _by_tokens(_openings(edge)), _by_tokens(_closings(edge))
    several = [name for names in (words, openings, closings) for name in names if len(name) > 1]
    known = _numbered(token for name in several for token in name)
    # A triple is found through its first pair, so each such pair has a number even where it is no feature itself.
    pairs = _numbered(name[:2] for name in several)
    pair_records = _records([(known[first], known[second]) for first, second in pairs])
    for kind, names in ((AS_WORDS, words), (AS_OPENINGS, openings), (AS_CLOSINGS, closings)):
        for name, feature in names.items():
            if len(name) == 2:
                pair_records[pairs[name], kind] = feature
    triples = {name: feature for name, feature in openings.items() if len(name) == 3}
    triple_records = _records([(pairs[name[:2]], known[name[2]]) for name in triples])
    triple_records[:, AS_WORDS] = list(triples.values())
    tables = Tables(rows.ravel(), _slots(pair_records), pair_records, _slots(triple_records), triple_records)
    return Layout(features, known, rows.shape[1], tables)


def _rows(idf: Floats, coefficients: Floats) -> Floats:
    n_features, n_outputs = coefficients.shape
    rows = np.zeros((n_features, -(-(1 + n_outputs) // LANES) * LANES))
    rows[:, 0] = idf**2
    rows[:, 1 : 1 + n_outputs] = idf[:, None] * coefficients
    return rows


def _by_tokens(features: Numbers) -> Sequences:
    return {tuple(name.split(" ")): feature for name, feature in features.items()}


def _openings(edge: Numbers) -> Numbers:
    # No token holds ^ or $.
    return {name[1:]: feature for name, feature in edge.items() if name.startswith("^")}


def _closings(edge: Numbers) -> Numbers:
    return {name[:-1]: feature for name, feature in edge.items() if name.endswith("$")}


def _numbered(names: Iterable[Name]) -> dict[Name, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _records(keys: list[tuple[int, int]]) -> Ints:
    records = np.full((len(keys), PAIR_RECORD), NONE, dtype=np.int32)
    records[:, [FIRST, SECOND]] = np.array(keys, dtype=np.int32).reshape(-1, 2)
    return records


def _slots(records: Ints) -> Ints:
    """Hash table over the records; at most half full, so that a search is short."""
    slots = np.zeros(1 << max(4, (2 * len(records)).bit_length()), dtype=np.int32)
    enter(slots, records)
    return slots
