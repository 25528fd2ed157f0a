"""Rows to parts: some thousand rows each, and never half a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from stance.errors import DataError
from stance.records import id_of
from stance.stream.read import Content, Rows

#: Rows of a part: enough that a part's fixed costs vanish, few enough that its rows fit in some 100 MB. The parts are
#: cut in the same places whatever the number of processes, so that these cannot change a byte.
PART_ROWS = 20_000

#: Bytes of rows at which a part is cut all the same: usual rows have some hundred, and take some times that in memory.
PART_BYTES = 64 * 1024 * 1024

#: A conversation is read as a whole, in memory.
LONGEST_THREAD = 500_000
LARGEST_THREAD = 512 * 1024 * 1024


def cut_into_parts(stretches: Iterator[Rows], *, rows: int = PART_ROWS) -> Iterator[Rows]:
    """Cut where a new thread begins, once a part has `rows` rows, or `PART_BYTES`.

    Raises
    ------
    DataError
        If a thread has more than `LONGEST_THREAD` posts, or `LARGEST_THREAD` bytes.
    """
    held: list[Rows] = []
    missing, n_bytes = rows, 0
    last = None
    for stretch in stretches:
        n_bytes += stretch.n_bytes
        while stretch.n_rows:
            if missing > 0:
                taken, stretch = stretch.between(0, missing), stretch.between(missing)
                held.append(taken)
                missing = 0 if n_bytes >= PART_BYTES else missing - taken.n_rows
                last = _last_thread(held) if missing == 0 else None
                continue
            end = _end_of_thread(stretch, last)
            held.append(stretch.between(0, end))
            _check_length(held, n_bytes)
            stretch = stretch.between(end)
            if stretch.n_rows:
                yield Rows.joined(held)
                held, missing = [], rows
                n_bytes = stretch.n_bytes
    if held:
        yield Rows.joined(held)


Thread = tuple[int, str] | None


def _last_thread(held: Sequence[Rows]) -> Thread:
    backwards = (
        found
        for stretch in reversed(held)
        for found in zip(reversed(stretch.source), reversed(stretch.content), strict=True)
    )
    readable = (thread_of(source, row) for source, content in backwards if isinstance(row := row_of(content), dict))
    return next(readable, None)


def _end_of_thread(stretch: Rows, last: Thread) -> int:
    """How many rows belong to the thread; a row that nobody can read stands in whatever thread it stands in."""
    for place, (source, content) in enumerate(zip(stretch.source, stretch.content, strict=True)):
        row = row_of(content)
        if isinstance(row, dict) and (last is None or thread_of(source, row) != last):
            return place
    return stretch.n_rows


def _check_length(held: Sequence[Rows], n_bytes: int) -> None:
    fix = "give each discussion its own `thread`, or label each post alone with --no-conversation"
    if sum(stretch.n_rows for stretch in held) > LONGEST_THREAD:
        raise DataError(f"a thread of more than {LONGEST_THREAD} posts", fix=fix)
    if n_bytes > LARGEST_THREAD:
        raise DataError(f"a thread of more than {LARGEST_THREAD:,} bytes", fix=fix)


def thread_of(source: int, row: Any) -> Thread:
    """Name the thread that must not be cut through; None for a row that stands alone.

    Without a `thread`, all rows of a source with parents or authors are one thread.
    """
    if not isinstance(row, dict):
        return None
    thread = row.get("thread")
    if thread is not None:
        # Shards of one table may cut through a thread, so its source does not count.
        return -1, id_of(thread) or ""
    connected = row.get("parent") is not None or row.get("author") is not None
    return (source, "") if connected else None


def row_of(content: Content) -> Any:
    """Value of a row, or None if it is no JSON."""
    if not isinstance(content, bytes):
        return content
    try:
        return json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
