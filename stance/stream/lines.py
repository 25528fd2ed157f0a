"""Lines of a text in one piece: cut only where they are read, and sent to another process as one value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

_LINE_FEED, _BLANK = 10, 32


class Lines(Sequence[bytes]):
    r"""Lines parted by line feeds; one at least.

    Parameters
    ----------
    data : bytes
        The lines, without a line feed after the last.

    Examples
    --------
    >>> lines = Lines(b"one\ntwo\nthree")
    >>> len(lines), lines[-1], lines[1:].data
    (3, b'three', b'two\nthree')
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the ends, which are found sooner than they are sent.
        return Lines, (self.data,)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        found = np.flatnonzero(np.frombuffer(self.data, dtype=np.uint8) == _LINE_FEED)
        return np.append(found, len(self.data))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, which: int) -> bytes: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[bytes]: ...
    def __getitem__(self, which: int | slice) -> bytes | Sequence[bytes]:
        places = range(len(self))[which]
        if isinstance(places, int):
            return self._between(places, places + 1)
        if len(places) == 0 or places.step != 1:
            return [self._between(place, place + 1) for place in places]
        return Lines(self._between(places.start, places.stop))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.split())

    def _between(self, start: int, stop: int) -> bytes:
        begin = self._ends[start - 1] + 1 if start else 0
        return self.data[begin : self._ends[stop - 1]]

    def split(self) -> list[bytes]:
        """Each line by itself."""
        return self.data.split(b"\n")

    def is_plain(self, longest: int) -> bool:
        """Whether every line begins with something else than white space, and has fewer than `longest` bytes."""
        starts = np.append(0, self._ends[:-1] + 1)
        lengths = self._ends - starts
        if lengths.min() == 0 or lengths.max() >= longest:
            return False
        return bool((np.frombuffer(self.data, dtype=np.uint8)[starts] > _BLANK).all())

    @staticmethod
    def joined(pieces: Sequence[Lines]) -> Lines:
        """Lines one after another."""
        return Lines(b"\n".join(piece.data for piece in pieces))
