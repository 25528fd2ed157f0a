"""Do certain short words make up enough of each text? Counted in bytes, without making a string a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.scorer.compiled import compiled
from stance.scorer.kernels import Bytes, Longs, Slots

#: So many bytes fit in a key of 64 bits, which is exact: nothing is ever taken for something else.
WORD_BYTES = 8


def made_of(texts: Sequence[str], words: Iterable[str], part: int) -> NDArray[np.bool_]:
    """Whether `words` make up one `part`-th of the bytes of each text, white space apart; shape (n_texts,).

    A text is read no further than that takes, which for English is its first third.

    Parameters
    ----------
    words : iterable of str
        In lower case and of at most `WORD_BYTES` bytes. Letters of ASCII alone are taken for their small form, and
        only its white space parts words, as `bytes.lower` and `bytes.split` have it.

    Examples
    --------
    >>> made_of(["They ARE it", "er ist es", ""], ["they", "are"], 2)
    array([ True, False, False])
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)))
    made = np.zeros(len(texts), dtype=np.bool_)
    _made_of(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends, _table(words), part, made)
    return made


def _table(words: Iterable[str]) -> Slots:
    """Open hash table of the words' keys, at most an eighth full."""
    keys = [int.from_bytes(word.encode(), "little") for word in words]
    slots = np.zeros(1 << (8 * len(keys)).bit_length(), dtype=np.uint64)
    _enter(slots, np.array(keys, dtype=np.uint64))
    return slots


@compiled
def _slot(key: Any, mask: int) -> Any:
    # Fibonacci hashing: the upper bits of a product are its well-mixed ones.
    return np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) & mask


@compiled
def _enter(slots: Slots, keys: Slots) -> None:
    mask = len(slots) - 1
    for key in keys:
        slot = _slot(key, mask)
        while slots[slot] != 0:
            slot = (slot + 1) & mask
        slots[slot] = key


@compiled
def _is_in(slots: Slots, key: Any) -> bool:
    mask = len(slots) - 1
    slot = _slot(key, mask)
    while slots[slot] != 0:
        if slots[slot] == key:
            return True
        slot = (slot + 1) & mask
    return False


@compiled
def _made_of(text: Bytes, ends: Longs, slots: Slots, part: int, made: NDArray[np.bool_]) -> None:
    start = 0
    for post in range(len(ends)):
        made[post] = _is_made_of(text, start, ends[post], slots, part)
        start = ends[post]


@compiled
def _is_made_of(text: Bytes, start: int, end: int, slots: Slots, part: int) -> bool:
    at, size, found = start, 0, 0
    while at < end and found * part < end - start:
        begin, key = at, np.uint64(0)
        while at < end and text[at] != 32 and not 9 <= text[at] <= 13:
            # NUL would leave no trace in a key; no word has the byte 1.
            small = text[at] | 32 if 65 <= text[at] <= 90 else max(text[at], 1)
            if at - begin < WORD_BYTES:
                key |= np.uint64(small) << np.uint64(8 * (at - begin))
            at += 1
        size += at - begin
        if 0 < at - begin <= WORD_BYTES and _is_in(slots, key):
            found += at - begin
        at += 1
    return found > 0 and found * part >= size
