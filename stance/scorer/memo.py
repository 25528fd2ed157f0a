"""What has been read before: the tokens of each chunk, and the features of each token.

A chunk's tokens do not depend on what stands around it, so `stance.features` need read each chunk only once. In English
some thousands of chunks make up nine tenths of all text.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.features import BLOCKS, TARGET, URL, USER, chunk_tokens, token_chars
from stance.scorer.kernels import (
    AFTER_TARGET,
    AS_CLOSING,
    AS_OPENING,
    BEFORE_TARGET,
    HEADER,
    IS_TARGET,
    KNOWN,
    N_CHARS,
    NONE,
    STAMP,
    URL_CHUNK,
    USER_CHUNK,
    Bytes,
    Chunks,
    Ints,
    Longs,
    Post,
    Tokens,
    find_chunks,
    sum_chars,
)
from stance.scorer.tables import Layout

#: The memo is emptied when it holds this many chunks (with their tokens some 100 MB): the frequent ones come back at
#: once, so that flat memory costs little.
MOST_CHUNKS = 1 << 18
#: The chunks of one batch must find free slots as well: half as many as its bytes.
_SLOTS = 1 << 20
#: Posts are numbered in 32 bits.
_MOST_POSTS = 1 << 30


class Memo:
    """Chunks and tokens seen so far, in arrays that grow.

    Parameters
    ----------
    layout : Layout
        The model's n-grams.
    target_names : tuple of str
        How the target's name begins.
    """

    def __init__(self, layout: Layout, target_names: tuple[str, ...]) -> None:
        self._layout = layout
        self._target_names = target_names
        self._forget()

    def _forget(self) -> None:
        self.stamp = 1
        self._n_chunks = 0
        self._place: dict[str, int] = {}
        self._end_of_tokens = 0
        self.chunks = Chunks(
            slots=np.zeros(_SLOTS, dtype=np.uint64),
            text=np.zeros(1, dtype=np.uint8),
            text_start=np.zeros(1, dtype=np.int64),
            read=np.zeros(1, dtype=np.int32),
            read_start=np.zeros(1, dtype=np.int64),
        )
        floats = np.zeros(1)
        self.tokens = Tokens(floats, floats.view(np.int32))
        self.post = Post(
            sums=np.zeros(len(BLOCKS) * self._layout.lanes),
            marks=np.zeros(len(self._layout.tables.rows) // self._layout.lanes, dtype=np.uint8),
            **{name: np.zeros(1, dtype=np.int32) for name in ("again", "new", "first", "second")},
        )
        self._make_room(2, 0)
        # These two are not in the hash table: they are told by how they begin.
        read = {URL_CHUNK: (URL,), USER_CHUNK: (USER,)}
        self._learn_chunks([read[number] for number in sorted(read)])

    def find(self, text: Bytes, ends: Longs) -> tuple[Ints, Longs]:
        """Chunk numbers of each post, and where each post ends among them; new chunks are learned."""
        if self._n_chunks > MOST_CHUNKS or self.stamp > _MOST_POSTS:
            self._forget()
        most = len(text) // 2 + len(ends)
        self._make_room(most, len(text))
        found, found_ends = np.empty(most, dtype=np.int32), np.empty(len(ends), dtype=np.int64)
        known = find_chunks(text, ends, self.chunks, self._n_chunks, found, found_ends)
        self._learn_chunks([chunk_tokens(chunk, self._target_names) for chunk in self._new_chunks(known)])
        return found[: found_ends[-1]], found_ends

    def _make_room(self, n_chunks: int, n_bytes: int) -> None:
        chunks, used = self.chunks, int(self.chunks.text_start[self._n_chunks])
        # A chunk starts where the one before ends; twice as many slots as chunks keep searches short.
        self.chunks = chunks._replace(
            text=_at_least(chunks.text, used + n_bytes),
            text_start=_at_least(chunks.text_start, self._n_chunks + n_chunks + 1),
            read_start=_at_least(chunks.read_start, self._n_chunks + n_chunks + 1),
        )

    def make_post_room(self, n_tokens: int) -> None:
        """Make room for a post of so many tokens."""
        room = {name: _at_least(getattr(self.post, name), n_tokens + 1) for name in ("new", "first", "second")}
        self.post = self.post._replace(**room)

    def _new_chunks(self, known: int) -> list[str]:
        ends = self.chunks.text_start[self._n_chunks : known + 1].tolist()
        text = self.chunks.text[ends[0] : ends[-1]].tobytes()
        spans = pairwise(end - ends[0] for end in ends)
        return [text[start:end].decode("utf-8", "surrogatepass") for start, end in spans]

    def _learn_chunks(self, readings: list[tuple[str, ...]]) -> None:
        """Enter the tokens of the chunks from `_n_chunks` on."""
        tokens = [token for reading in readings for token in reading]
        self._learn_tokens([token for token in dict.fromkeys(tokens) if token not in self._place])
        start = int(self.chunks.read_start[self._n_chunks])
        last = self._n_chunks + len(readings)
        self.chunks = self.chunks._replace(read=_at_least(self.chunks.read, start + len(tokens)))
        self.chunks.read[start : start + len(tokens)] = [self._place[token] for token in tokens]
        ends = start + np.cumsum([len(reading) for reading in readings], dtype=np.int64)
        self.chunks.read_start[self._n_chunks + 1 : last + 1] = ends
        self._n_chunks = last

    def _learn_tokens(self, new: list[str]) -> None:
        """Append a record a token."""
        lanes = self._layout.lanes
        records = [self._whole_numbers(token) for token in new]
        # Two whole numbers take the place of one float.
        sizes = [2 * lanes + (len(record) + 1) // 2 for record in records]
        places = self._end_of_tokens + np.cumsum([0, *sizes], dtype=np.int32)
        floats = _at_least(self.tokens.floats, int(places[-1]))
        self.tokens = Tokens(floats, floats.view(np.int32))
        longest = max(map(len, records), default=0)
        self.post = self.post._replace(again=_at_least(self.post.again, longest))
        self._write_whole_numbers(records, 2 * (places[:-1] + 2 * lanes))
        rows, word = self._layout.tables.rows.reshape(-1, lanes), self._layout.features[BLOCKS.index("word")]
        for token, place in zip(new, places.tolist(), strict=False):
            self._place[token] = place
            if token in word:
                floats[place : place + lanes] = rows[word[token]]
        sum_chars(self.tokens, places[:-1], self._layout.tables.rows, lanes)
        self._end_of_tokens = int(places[-1])

    def _write_whole_numbers(self, records: list[list[int]], heads: Ints) -> None:
        # All at once: an assignment to a piece of an array costs as much as a hundred numbers.
        lengths = np.array([len(record) for record in records], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        numbers = np.fromiter(chain.from_iterable(records), dtype=np.int32, count=int(lengths.sum()))
        self.tokens.ints[np.repeat(heads - starts, lengths) + np.arange(len(numbers))] = numbers

    def _whole_numbers(self, token: str) -> list[int]:
        """The header of a token's record, and its character features."""
        _, char, edge, near = self._layout.features
        chars = sorted(found for found in {*map(char.get, token_chars(token))} if found is not None)
        header = [NONE] * HEADER
        header[STAMP] = 0
        header[KNOWN] = self._layout.known.get(token, NONE)
        header[IS_TARGET] = int(token == TARGET)
        header[AS_OPENING] = edge.get(f"^{token}", NONE)
        header[AS_CLOSING] = edge.get(f"{token}$", NONE)
        header[BEFORE_TARGET] = near.get(f"{token}>", NONE)
        header[AFTER_TARGET] = near.get(f"<{token}", NONE)
        header[N_CHARS] = len(chars)
        return header + chars


def _at_least(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the array, or a copy with room for `size` rows and as many again, so that growing stays rare."""
    if len(array) >= size:
        return array
    grown = np.zeros((2 * size, *array.shape[1:]), dtype=array.dtype)
    grown[: len(array)] = array
    return grown
