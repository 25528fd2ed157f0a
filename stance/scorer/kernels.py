"""The inner loops of the scorer: bytes to chunks, chunks to tokens, tokens to logits.

Everything is looked up by exact keys: a chunk by its bytes, a pair of tokens by both of them. Nothing is ever taken for
something else because two hashes agree.

What costs time here is waiting for memory, not arithmetic. Hence the layout: all that is known of a token lies in one
record, frequent features and tokens lie together, and what is asked most often fits in the processor's cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stance.features import CLOSINGS, NEAR, OPENINGS
from stance.scorer.compiled import compiled

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Slots = NDArray[np.uint64]
Floats = NDArray[np.float64]

NONE = -1

#: Rows of numbers are padded with zeros to a multiple of this.
LANES = 4

#: Numbers of the chunks that are told by how they begin.
URL_CHUNK, USER_CHUNK = 0, 1

#: The blocks' rows in a post's sums, in the order of `stance.features.BLOCKS`.
_WORD, _CHAR, _EDGE, _NEAR = 0, 1, 2, 3

#: The whole numbers in a token's record: the last post that had it; its number among the tokens of the model's pairs;
#: whether it is the target; the features that it makes by itself; how many character features follow.
STAMP, KNOWN, IS_TARGET, AS_OPENING, AS_CLOSING, BEFORE_TARGET, AFTER_TARGET, N_CHARS, HEADER = range(9)

#: The whole numbers in a pair's record: its two tokens, and the features that they make side by side.
FIRST, SECOND, AS_WORDS, AS_OPENINGS, AS_CLOSINGS, PAIR_RECORD = range(6)

_OPENS_WITH_3 = 3 in OPENINGS
_OPENS_WITH_2, _CLOSES_WITH_2 = 2 in OPENINGS, 2 in CLOSINGS


class Tables(NamedTuple):
    """A model, laid out for looking up.

    `rows` holds for each feature what it adds to its block's sums: idf², for the norm, then idf times each coefficient,
    then zeros up to a multiple of `LANES`. Frequent features come first.

    `pairs` holds a record a pair, and `triples` the number of a pair, of a third token, and the feature that they make
    as an opening. Their slots are open hash tables of record numbers plus 1; 0 is free.
    """

    rows: Floats
    pair_slots: Ints
    pairs: Ints
    triple_slots: Ints
    triples: Ints


class Chunks(NamedTuple):
    """Every chunk of text seen so far.

    `slots` is an open hash table; a slot holds the upper half of a chunk's hash and, below it, its number plus 1.
    `read` holds the tokens of chunk i from `read_start[i]` to `read_start[i + 1]`, and `text` likewise its bytes.
    """

    slots: Slots
    text: Bytes
    text_start: Longs
    read: Ints
    read_start: Longs


class Tokens(NamedTuple):
    """Every token seen so far, a record each; a token is named by where its record begins in `floats`.

    A record holds the row of the token itself, the sum of the rows of its character features, `HEADER` whole numbers
    and the character features. `ints` is the same memory read as whole numbers.
    """

    floats: Floats
    ints: Ints


class Post(NamedTuple):
    """Room for one post: the sums of its blocks, (n_blocks, lanes), and which features it has had.

    A feature is marked by a number from 1 to 255 that is the post's own: marks need clearing only when these run out,
    and a byte a feature leaves room for other things in the cache. `again` has room for the features of one token, the
    others for something of each token of the post.
    """

    sums: Floats
    marks: Bytes
    again: Ints
    new: Ints
    first: Ints
    second: Ints


@compiled
def space_at(text: Bytes, at: int, end: int) -> int:
    """How many bytes of white space begin there, as `str.split` sees it: 0 to 3."""
    byte = text[at]
    if byte < 0x80:
        return 1 if byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31 else 0
    if byte == 0xC2:
        return 2 if at + 1 < end and (text[at + 1] == 0x85 or text[at + 1] == 0xA0) else 0
    if at + 2 >= end or byte < 0xE1 or byte > 0xE3:
        return 0
    second, third = text[at + 1], text[at + 2]
    if byte == 0xE2:
        wide = second == 0x80 and (third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF)
        return 3 if wide or (second == 0x81 and third == 0x9F) else 0
    ogham_or_ideographic = (byte == 0xE1 and second == 0x9A) or (byte == 0xE3 and second == 0x80)
    return 3 if ogham_or_ideographic and third == 0x80 else 0


@compiled
def _begins(text: Bytes, at: int, end: int, prefix: bytes) -> bool:
    if end - at < len(prefix):
        return False
    for offset in range(len(prefix)):  # noqa: SIM110 - Numba compiles this loop, not any()
        if text[at + offset] != prefix[offset]:
            return False
    return True


@compiled
def _told_by_beginning(text: Bytes, at: int, end: int) -> int:
    """Number of the class of a link or user name, NONE for anything else.

    Nearly every one of them is new, and would be analysed for nothing. The rarer forms (ftp://, @Ünal) are left to
    `stance.features`.
    """
    first = text[at]
    if first == 64 and end - at > 1:  # @
        second = text[at + 1]
        letter = 97 <= (second | 32) <= 122
        return USER_CHUNK if letter or 48 <= second <= 57 or second == 95 else NONE
    if first == 104 and (_begins(text, at, end, b"https:") or _begins(text, at, end, b"http:")):
        return URL_CHUNK
    return URL_CHUNK if first == 119 and _begins(text, at, end, b"www.") else NONE


@compiled
def _chunk_end(text: Bytes, at: int, end: int) -> tuple[int, Any]:
    """Where the chunk that begins there ends, and its hash (FNV-1a)."""
    value = np.uint64(0xCBF29CE484222325)
    while at < end:
        byte = text[at]
        # Nearly all bytes are beyond the blank and below the first byte of any wider white space.
        if (byte <= 32 or byte >= 0xC2) and space_at(text, at, end):
            break
        value = (value ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        at += 1
    # The low bits choose the slot; the high bits of a product are its better ones.
    return at, value ^ (value >> np.uint64(29))


@compiled
def _find_chunk(text: Bytes, at: int, end: int, value: Any, chunks: Chunks, n_chunks: int) -> Any:
    """Number of the chunk with this hash; where it is new it is entered as number `n_chunks`."""
    mask = len(chunks.slots) - 1
    slot = np.int64(value & np.uint64(mask))
    upper = value & np.uint64(0xFFFFFFFF00000000)
    while chunks.slots[slot] != 0:
        number = np.int64(chunks.slots[slot] & np.uint64(0xFFFFFFFF)) - 1
        if (chunks.slots[slot] ^ upper) >> np.uint64(32) == 0 and _same(text, at, end, chunks, number):
            return number
        slot = (slot + 1) & mask
    chunks.slots[slot] = upper | np.uint64(n_chunks + 1)
    start = chunks.text_start[n_chunks]
    for offset in range(end - at):
        chunks.text[start + offset] = text[at + offset]
    chunks.text_start[n_chunks + 1] = start + end - at
    return n_chunks


@compiled
def _same(text: Bytes, at: int, end: int, chunks: Chunks, number: Any) -> bool:
    start = chunks.text_start[number]
    if chunks.text_start[number + 1] - start != end - at:
        return False
    for offset in range(end - at):  # noqa: SIM110 - Numba compiles this loop, not any()
        if chunks.text[start + offset] != text[at + offset]:
            return False
    return True


@compiled
def find_chunks(text: Bytes, ends: Longs, chunks: Chunks, n_chunks: int, found: Ints, found_ends: Longs) -> int:
    """Write the chunk numbers of each post to `found`, up to `found_ends` for each; return how many chunks are known.

    `text` holds the posts in UTF-8, one after another, each up to its place in `ends`.
    """
    n_found, at = 0, 0
    for post in range(len(ends)):
        end = ends[post]
        while at < end:
            space = space_at(text, at, end)
            if space:
                at += space
                continue
            start = at
            at, value = _chunk_end(text, start, end)
            number = _told_by_beginning(text, start, at)
            if number == NONE:
                number = _find_chunk(text, start, at, value, chunks, n_chunks)
                n_chunks = max(n_chunks, number + 1)
            found[n_found] = number
            n_found += 1
        found_ends[post] = n_found
    return n_chunks


@compiled
def read_tokens(found: Ints, found_ends: Longs, chunks: Chunks, read: Ints, read_ends: Longs) -> None:
    """Write the tokens of each post to `read`, up to `read_ends` for each."""
    n_read, place = 0, 0
    for post in range(len(found_ends)):
        while place < found_ends[post]:
            for at in range(chunks.read_start[found[place]], chunks.read_start[found[place] + 1]):
                read[n_read] = chunks.read[at]
                n_read += 1
            place += 1
        read_ends[post] = n_read


@compiled
def _slot(first: int, second: int, mask: int) -> Any:
    # Fibonacci hashing: the upper bits of a product are its well-mixed ones.
    key = (np.uint64(first) << np.uint64(32)) | np.uint64(second)
    return np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & mask


@compiled
def look_up(slots: Ints, records: Ints, first: int, second: int) -> int:
    """Number of the record that begins with these two numbers, or NONE."""
    if first == NONE or second == NONE:
        return NONE
    return _search(slots, records, first, second, slots[_slot(first, second, len(slots) - 1)] - 1)


@compiled
def _search(slots: Ints, records: Ints, first: int, second: int, number: int) -> int:
    """Number of the record that begins with these two numbers, or NONE; `number` is what their own slot holds."""
    mask = len(slots) - 1
    slot = _slot(first, second, mask)
    while number != NONE:
        if records[number, FIRST] == first and records[number, SECOND] == second:
            return number
        slot = (slot + 1) & mask
        number = slots[slot] - 1
    return NONE


@compiled
def enter(slots: Ints, records: Ints) -> None:
    """Fill the hash table over the first two numbers of each record."""
    mask = len(slots) - 1
    for number in range(len(records)):
        slot = _slot(records[number, FIRST], records[number, SECOND], mask)
        while slots[slot] != 0:
            slot = (slot + 1) & mask
        slots[slot] = number + 1


@compiled
def accumulate(sums: Floats, at: int, numbers: Floats, start: int, lanes: int, sign: float) -> None:
    """Add a run of numbers to the sums from `at` on, or take it away.

    Four are read before any is written, so that the compiler may use one instruction for the four; it cannot know that
    the arrays do not overlap.
    """
    for lane in range(0, lanes, LANES):
        first = sums[at + lane] + sign * numbers[start + lane]
        second = sums[at + lane + 1] + sign * numbers[start + lane + 1]
        third = sums[at + lane + 2] + sign * numbers[start + lane + 2]
        fourth = sums[at + lane + 3] + sign * numbers[start + lane + 3]
        sums[at + lane] = first
        sums[at + lane + 1] = second
        sums[at + lane + 2] = third
        sums[at + lane + 3] = fourth


@compiled
def sum_chars(tokens: Tokens, new: Ints, rows: Floats, lanes: int) -> None:
    """Sum up the character features of each of these tokens, once for all posts that will have it."""
    for token in new:
        head = 2 * (token + 2 * lanes)
        for at in range(head + HEADER, head + HEADER + tokens.ints[head + N_CHARS]):
            accumulate(tokens.floats, token + lanes, rows, tokens.ints[at] * lanes, lanes, 1.0)


@compiled
def _add(post: Post, block: int, feature: int, rows: Floats, lanes: int, mark: int) -> None:
    """Add a feature that is in the model and that this post has not had."""
    if feature != NONE and post.marks[feature] != mark:
        post.marks[feature] = mark
        accumulate(post.sums, block * lanes, rows, feature * lanes, lanes, 1.0)


@compiled
def _add_token(post: Post, tokens: Tokens, token: int, rows: Floats, lanes: int, mark: int) -> None:
    """Add a token and its character features all at once, then take back those that another token has given already.

    One in six has been given. They are listed first, without a branch that the processor would often guess wrong.
    """
    accumulate(post.sums, _WORD * lanes, tokens.floats, token, lanes, 1.0)
    accumulate(post.sums, _CHAR * lanes, tokens.floats, token + lanes, lanes, 1.0)
    head = 2 * (token + 2 * lanes)
    n_again = 0
    for at in range(head + HEADER, head + HEADER + tokens.ints[head + N_CHARS]):
        feature = tokens.ints[at]
        post.again[n_again] = feature
        n_again += post.marks[feature] == mark
        post.marks[feature] = mark
    for place in range(n_again):
        accumulate(post.sums, _CHAR * lanes, rows, post.again[place] * lanes, lanes, -1.0)


@compiled
def _add_tokens(post: Post, read: Ints, tokens: Tokens, rows: Floats, lanes: int, stamp: int, mark: int) -> None:
    n_new = 0
    for place in range(len(read)):
        head = 2 * (read[place] + 2 * lanes)
        post.new[n_new] = read[place]
        n_new += tokens.ints[head + STAMP] != stamp
        tokens.ints[head + STAMP] = stamp
    for place in range(n_new):
        _add_token(post, tokens, post.new[place], rows, lanes, mark)


@compiled
def _add_pairs(post: Post, read: Ints, tokens: Tokens, tables: Tables, lanes: int, mark: int) -> None:
    """Add the 2-grams of tokens.

    Slots, records and rows are far apart in memory. Each is asked for all pairs before the next is: the processor then
    waits for many at a time, where pair by pair it would wait for one.
    """
    n_pairs, before = 0, NONE
    mask = len(tables.pair_slots) - 1
    for place in range(len(read)):
        known = tokens.ints[2 * (read[place] + 2 * lanes) + KNOWN]
        post.new[n_pairs] = tables.pair_slots[_slot(before, known, mask)]
        post.first[n_pairs], post.second[n_pairs] = before, known
        n_pairs += before != NONE and known != NONE and post.new[n_pairs] != 0
        before = known
    n_found = 0
    for place in range(n_pairs):
        pair = _search(tables.pair_slots, tables.pairs, post.first[place], post.second[place], post.new[place] - 1)
        feature = tables.pairs[pair, AS_WORDS] if pair != NONE else NONE
        post.new[n_found] = feature
        n_found += feature != NONE
    for place in range(n_found):
        _add(post, _WORD, post.new[place], tables.rows, lanes, mark)


@compiled
def _add_edges(post: Post, read: Ints, tokens: Tokens, tables: Tables, lanes: int, mark: int) -> None:
    n_read, rows, ints = len(read), tables.rows, tokens.ints
    if n_read == 0:
        return
    first, last = 2 * (read[0] + 2 * lanes), 2 * (read[n_read - 1] + 2 * lanes)
    _add(post, _EDGE, ints[first + AS_OPENING], rows, lanes, mark)
    _add(post, _EDGE, ints[last + AS_CLOSING], rows, lanes, mark)
    if n_read == 1:
        return
    second, last_but_one = 2 * (read[1] + 2 * lanes), 2 * (read[n_read - 2] + 2 * lanes)
    opening = look_up(tables.pair_slots, tables.pairs, ints[first + KNOWN], ints[second + KNOWN])
    closing = look_up(tables.pair_slots, tables.pairs, ints[last_but_one + KNOWN], ints[last + KNOWN])
    if opening != NONE and _OPENS_WITH_2:
        _add(post, _EDGE, tables.pairs[opening, AS_OPENINGS], rows, lanes, mark)
    if closing != NONE and _CLOSES_WITH_2:
        _add(post, _EDGE, tables.pairs[closing, AS_CLOSINGS], rows, lanes, mark)
    third = ints[2 * (read[2] + 2 * lanes) + KNOWN] if n_read > 2 and _OPENS_WITH_3 else NONE
    triple = look_up(tables.triple_slots, tables.triples, opening, third)
    if triple != NONE:
        _add(post, _EDGE, tables.triples[triple, AS_WORDS], rows, lanes, mark)


@compiled
def _add_near(post: Post, read: Ints, tokens: Tokens, tables: Tables, lanes: int, mark: int) -> None:
    for place in range(len(read)):
        if not tokens.ints[2 * (read[place] + 2 * lanes) + IS_TARGET]:
            continue
        for other in range(max(0, place - NEAR), place):
            feature = tokens.ints[2 * (read[other] + 2 * lanes) + BEFORE_TARGET]
            _add(post, _NEAR, feature, tables.rows, lanes, mark)
        for other in range(place + 1, min(len(read), place + 1 + NEAR)):
            feature = tokens.ints[2 * (read[other] + 2 * lanes) + AFTER_TARGET]
            _add(post, _NEAR, feature, tables.rows, lanes, mark)


@compiled
def score(
    read: Ints, read_ends: Longs, tokens: Tokens, tables: Tables, post: Post, stamp: int, weights: Floats, out: Floats
) -> None:
    """Add the logits of each post to `out`, (n_posts, n_outputs); no post before had the number `stamp` or a later one.

    A block's part of the logits is its sums, scaled to the block's weight over its Euclidean norm.
    """
    lanes = len(post.sums) // len(weights)
    start = 0
    for number in range(len(read_ends)):
        mark = (stamp + number) % 255 + 1
        if mark == 1:
            post.marks[:] = 0
        post.sums[:] = 0.0
        of_post = read[start : read_ends[number]]
        start = read_ends[number]
        _add_tokens(post, of_post, tokens, tables.rows, lanes, stamp + number, mark)
        _add_pairs(post, of_post, tokens, tables, lanes, mark)
        _add_edges(post, of_post, tokens, tables, lanes, mark)
        _add_near(post, of_post, tokens, tables, lanes, mark)
        for block in range(len(weights)):
            squares = post.sums[block * lanes]
            scale = weights[block] / np.sqrt(squares) if squares > 0.0 else 0.0
            for output in range(out.shape[1]):
                out[number, output] += scale * post.sums[block * lanes + 1 + output]
