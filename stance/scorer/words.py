"""How much of each text do certain short words make up? Counted in bytes, without making a string a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from stance.scorer.compiled import compiled
from stance.scorer.kernels import Bytes, Floats, Longs, Slots

#: So many bytes fit in a key of 64 bits, which is exact: nothing is ever taken for something else.
WORD_BYTES = 8


def word_shares(texts: Sequence[str], words: Iterable[str]) -> Floats:
    """Share of the bytes of each text, white space apart, that are in `words`; shape (n_texts,), 0 to 1.

    Parameters
    ----------
    words : iterable of str
        In lower case and of at most `WORD_BYTES` bytes. Letters of ASCII alone are taken for their small form, and
        only its white space parts words, as `bytes.lower` and `bytes.split` have it.

    Examples
    --------
    >>> word_shares(["They ARE it", "er ist es", ""], ["they", "are"]).round(2)
    array([0.78, 0.  , 0.  ])
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)))
    shares = np.zeros(len(texts))
    _share(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends, _table(words), shares)
    return shares


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
def _share(text: Bytes, ends: Longs, slots: Slots, shares: Floats) -> None:
    at = 0
    for post in range(len(ends)):
        size, found = 0, 0
        while at < ends[post]:
            start, key = at, np.uint64(0)
            while at < ends[post] and text[at] != 32 and not 9 <= text[at] <= 13:
                # NUL would leave no trace in a key; no word has the byte 1.
                small = text[at] | 32 if 65 <= text[at] <= 90 else max(text[at], 1)
                if at - start < WORD_BYTES:
                    key |= np.uint64(small) << np.uint64(8 * (at - start))
                at += 1
            size += at - start
            if 0 < at - start <= WORD_BYTES and _is_in(slots, key):
                found += at - start
            at += 1
        # The white space after the last word may be the next text's first letter.
        at = ends[post]
        shares[post] = found / size if size else 0.0
