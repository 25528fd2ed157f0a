"""Rows of text out of columns of pieces, byte by byte where there is a compiler: joining objects takes longer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stance.scorer.compiled import AVAILABLE, compiled

Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]


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
    if not AVAILABLE:
        cut = ([data[start:stop] for start, stop in zip(starts, stops, strict=True)] for data, starts, stops in columns)
        return b"".join(chain.from_iterable(zip(*cut, strict=True)))
    before = np.cumsum([0, *(len(column.data) for column in columns)])
    starts = np.stack([column.start + shift for column, shift in zip(columns, before, strict=False)], axis=1)
    stops = np.stack([column.stop + shift for column, shift in zip(columns, before, strict=False)], axis=1)
    out = np.empty(int((stops - starts).sum()), dtype=np.uint8)
    data = np.frombuffer(b"".join(column.data for column in columns), dtype=np.uint8)
    _copy(data, starts.ravel(), stops.ravel(), out)
    return out.tobytes()


@compiled
def _copy(data: Bytes, starts: Longs, stops: Longs, out: Bytes) -> None:
    end = 0
    for number in range(len(starts)):
        for at in range(starts[number], stops[number]):
            out[end] = data[at]
            end += 1
