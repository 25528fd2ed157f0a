"""Rows to parts: some thousand rows each, and never half a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from stance.errors import DataError
from stance.records import id_of
from stance.stream.read import Record

#: Rows of a part: enough that a part's fixed costs vanish, few enough that its rows fit in some 100 MB. The parts are
#: cut in the same places whatever the number of processes, so that these cannot change a byte.
PART_ROWS = 20_000

#: A conversation is read as a whole, in memory.
LONGEST_THREAD = 500_000


def cut_into_parts(records: Iterator[Record], *, rows: int = PART_ROWS) -> Iterator[list[Record]]:
    """Cut where a new thread begins, once a part has `rows` rows.

    Raises
    ------
    DataError
        If a thread has more than `LONGEST_THREAD` posts.
    """
    part = list(islice(records, rows))
    while part:
        last = next((thread_of(record) for record in reversed(part) if _readable(record)), None)
        following: list[Record] = []
        for record in records:
            # A row that nobody can read stands in whatever thread it stands in.
            if _readable(record) and (last is None or thread_of(record) != last):
                following = [record]
                break
            part.append(record)
            if len(part) > LONGEST_THREAD:
                fix = "give each discussion its own `thread`, or label each post alone with --no-conversation"
                raise DataError(f"a thread of more than {LONGEST_THREAD} posts", fix=fix)
        yield part
        part = [*following, *islice(records, rows - len(following))]


def _readable(record: Record) -> bool:
    return isinstance(row_of(record), dict)


def thread_of(record: Record) -> tuple[int, str] | None:
    """Name the thread that must not be cut through; None for a row that stands alone.

    Without a `thread`, all rows of a source with parents or authors are one thread.
    """
    row = row_of(record)
    if not isinstance(row, dict):
        return None
    thread = row.get("thread")
    if thread is not None:
        # Shards of one table may cut through a thread, so its source does not count.
        return -1, id_of(thread) or ""
    connected = row.get("parent") is not None or row.get("author") is not None
    return (record.source, "") if connected else None


def row_of(record: Record) -> Any:
    """Value of a row, or None if it is no JSON."""
    if not isinstance(record.content, bytes):
        return record.content
    try:
        return json.loads(record.content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
