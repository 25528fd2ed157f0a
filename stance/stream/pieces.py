"""Rows of text out of columns of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import stance

Longs = NDArray[np.int64]

#: From so many rows on copying is left to compiled code: it takes a second to load.
_MANY = 10_000


class Pieces(NamedTuple):
    """One column: the piece of row i is `data[start[i]:stop[i]]`.

    Attributes
    ----------
    data : bytes
    start, stop : int arrays of shape (n_rows,)
    """

    data: bytes
    start: Longs
    stop: Longs


def each(values: Sequence[bytes]) -> Pieces:
    """Every row's own."""
    stop = np.cumsum(np.fromiter(map(len, values), dtype=np.int64, count=len(values)))
    return Pieces(b"".join(values), np.append(0, stop[:-1])[: len(values)], stop)


def chosen(values: Sequence[bytes], choice: NDArray[np.integer]) -> Pieces:
    """One of a few; `choice` numbers them, shape (n_rows,)."""
    few = each(values)
    return Pieces(few.data, few.start[choice], few.stop[choice])


def parted(data: bytes, sign: bytes) -> Pieces:
    """What stands between signs of one byte, which none of the pieces has."""
    signs = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord(sign))
    return Pieces(data, np.append(0, signs + 1), np.append(signs, len(data)))


def interleaved(columns: Sequence[Pieces]) -> bytes:
    r"""Every row's pieces one after another, row by row.

    Examples
    --------
    >>> interleaved([parted(b"1,2,3", b","), chosen([b" yes\n", b" no\n"], np.array([0, 1, 1]))])
    b'1 yes\n2 no\n3 no\n'
    """
    if len(columns[0].start) >= _MANY and stance.Scorer.compiled:
        return stance.Scorer.interleaved(columns)
    cut = ([data[start:stop] for start, stop in zip(starts, stops, strict=True)] for data, starts, stops in columns)
    return b"".join(chain.from_iterable(zip(*cut, strict=True)))
