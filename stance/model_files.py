"""What the files of a model folder hold, from whoever made it: texts, numbers, and a card whose values are checked.

A folder may come from a stranger. Hashes tell a damaged one; these checks also hold for one that was made to do harm,
hashes and all: nothing is executed, nothing is waited for, no room is made for numbers that are not there, and no value
gets in that the rest of stance would stumble over.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.conversation import Couplings
from stance.errors import ModelError

#: Bytes that a card, and any other file of a model, may have: more than any real one, and less than fills a memory.
LARGEST_CARD, LARGEST_FILE = 1 << 20, 1 << 30
#: What training writes is below a hundred; up to here no sum of them overflows.
LARGEST_NUMBER = 1_000_000

_FIX = "train it again with `stance train`, or get the folder again"


def read_file(path: Path, largest: int) -> bytes:
    """Read a file that is one: a pipe would be waited for, and a device has no end.

    Raises
    ------
    OSError
        If it cannot be read, is something else, or has more than `largest` bytes.
    """
    with open(os.open(path, os.O_RDONLY | _NO_WAITING | _BINARY), "rb") as stream:  # noqa: PTH123 - a descriptor
        about = os.fstat(stream.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "it is no file")
        if about.st_size > largest:
            raise OSError(0, f"it has more than {largest:,} bytes")
        return stream.read(largest)


# The first is Unix's, the second Windows'.
_NO_WAITING, _BINARY = getattr(os, "O_NONBLOCK", 0), getattr(os, "O_BINARY", 0)


def ngrams_of(data: bytes, *, where: str) -> tuple[str, ...]:
    """Read lines of UTF-8.

    Raises
    ------
    ModelError
        If they are none, or break off.
    """
    try:
        *ngrams, rest = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise ModelError("not UTF-8", where=where, fix=_FIX) from error
    if rest or not ngrams:
        raise ModelError("breaks off within a line, or has none", where=where, fix=_FIX)
    return tuple(ngrams)


def array_of(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], *, where: str) -> NDArray[Any]:
    """Read an array in the one form that `numpy.save` gives it.

    `numpy.load` would do so too, but it evaluates the head as Python's literals, and makes room for whatever shape that
    says before it looks for the numbers.

    Raises
    ------
    ModelError
        If the data is anything else, or holds a number that no training gives.
    """
    end = 10 + int.from_bytes(data[8:10], "little")
    head = " ".join(data[10:end].decode("latin-1").split())
    columns_first = "'fortran_order': True" in head
    expected = f"{{'descr': '{dtype.str}', 'fortran_order': {columns_first}, 'shape': {shape}, }}"
    size = dtype.itemsize * math.prod(shape)
    if (data[:8], head, len(data) - end) != (b"\x93NUMPY\x01\x00", expected, size):
        raise ModelError(f"not {dtype.name} numbers of shape {shape}", where=where, fix=_FIX)
    array: NDArray[Any] = np.frombuffer(data, dtype, offset=end).reshape(shape, order="F" if columns_first else "C")
    # Not a number compares as false.
    if not (np.abs(array) <= LARGEST_NUMBER).all():
        raise ModelError(f"a number beyond {LARGEST_NUMBER:,}", where=where, fix=_FIX)
    return array


def strange_value(card: Mapping[str, Any]) -> str | None:
    """Name the first entry of a card that labelling or a report reads and that is not what training writes."""
    return next((name for name, is_right in _VALUES.items() if not is_right(card.get(name))), None)


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_line(value: object) -> bool:
    # Printable leaves out line breaks, what steers a terminal, and halves of surrogate pairs.
    return isinstance(value, str) and 0 < len(value) <= 1000 and value.isprintable()


def _are_lines(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_line, value))


def _are_couplings(value: object) -> bool:
    names = {one.name for one in fields(Couplings)}
    return (
        isinstance(value, dict) and value.keys() == names and all(_is_number(one, -1e3, 1e3) for one in value.values())
    )


def _are_counts(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, dict) and all(_is_number(value.get(name), 0, 1e12) for name in ("posts", "threads"))


def _are_scores(value: object) -> bool:
    scores = value.get("conversation_against_stance") if isinstance(value, dict) else value
    return scores is None or (isinstance(scores, dict) and _is_number(scores.get("accuracy", 0), 0, 1))


_VALUES: Mapping[str, Callable[[object], bool]] = {
    "files": lambda value: isinstance(value, dict),
    "couplings": _are_couplings,
    "threshold": lambda value: _is_number(value, 0, 1),
    "target_names": _are_lines,
    "languages": _are_lines,
    "name": lambda value: value is None or _is_line(value),
    "target": lambda value: value in (None, "") or _is_line(value),
    "intended_use": lambda value: value is None or _is_line(value),
    "training": _are_counts,
    "cross_validation": _are_scores,
}
