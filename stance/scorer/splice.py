"""Rows of text out of columns of pieces, byte by byte: Python would make an object of each piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stance.scorer.compiled import compiled
from stance.scorer.kernels import Bytes, Longs


def interleaved(columns: Sequence[tuple[bytes, Longs, Longs]]) -> bytes:
    """Every row's pieces one after another; a column is its data, and where each row's piece starts and stops in it."""
    data = b"".join(column for column, _, _ in columns)
    before = np.cumsum([0, *(len(column) for column, _, _ in columns)])
    starts = _side_by_side([start + shift for (_, start, _), shift in zip(columns, before, strict=False)])
    stops = _side_by_side([stop + shift for (_, _, stop), shift in zip(columns, before, strict=False)])
    out = np.empty(int((stops - starts).sum()), dtype=np.uint8)
    _copy(np.frombuffer(data, dtype=np.uint8), starts, stops, out)
    return out.tobytes()


def _side_by_side(columns: Sequence[Longs]) -> NDArray[np.int64]:
    return np.stack(columns, axis=1).ravel()


@compiled
def _copy(data: Bytes, starts: Longs, stops: Longs, out: Bytes) -> None:
    end = 0
    for number in range(len(starts)):
        for at in range(starts[number], stops[number]):
            out[end] = data[at]
            end += 1
