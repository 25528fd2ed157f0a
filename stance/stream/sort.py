"""Rows of threads that are scattered over the input, brought together by DuckDB, which sorts on disk."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from stance.errors import DataError
from stance.stream.cut import thread_of
from stance.stream.read import Record, Refused
from stance.tables import json_line

#: What DuckDB may take before it goes to disk; two threads, because each takes its share of it.
_SETTINGS = {"memory_limit": "1GB", "threads": 2, "preserve_insertion_order": False}
_BATCH = 10_000


def sorted_by_thread(records: Iterable[Record], folder: Path) -> Iterator[Record]:
    """Bring the rows of each thread together, in the order in which they came; threads by name.

    Parameters
    ----------
    folder : path
        Where the rows may lie meanwhile; as much room as the input takes.

    Raises
    ------
    DataError
        If DuckDB is not installed.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="sort.") as place:
        connection = _engine().connect(str(Path(place) / "rows.duckdb"), config=_SETTINGS)
        try:
            connection.execute("CREATE TABLE rows (thread BLOB, position BIGINT, place BLOB, content BLOB)")
            positions = count()
            for batch in _batches(records, _BATCH):
                rows = pa.table([pa.array(column) for column in zip(*_rows(batch, positions), strict=True)], _COLUMNS)
                connection.register("batch", rows)
                connection.execute("INSERT INTO rows SELECT * FROM batch")
                connection.unregister("batch")
            result = connection.execute("SELECT place, content FROM rows ORDER BY thread, position")
            while found := result.fetchmany(_BATCH):
                yield from (_record(json.loads(place), content) for place, content in found)
        finally:
            connection.close()


_COLUMNS = ["thread", "position", "place", "content"]


def _engine() -> Any:
    try:
        # Not loaded with the module: it takes half a second, and hardly any run sorts.
        return import_module("duckdb")
    except ImportError as error:
        raise DataError("sorting needs DuckDB", fix="pip install 'stance[sort]'") from error


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(records: Iterable[Record], positions: Iterator[int]) -> Iterator[tuple[bytes, int, bytes, bytes]]:
    for record in records:
        source, thread = thread_of(record) or (record.source, "")
        name = f"{source} {thread}".encode("utf-8", "surrogatepass")
        kind, content = _bytes_of(record.content)
        place = json.dumps([record.source, record.line, record.ordinal, kind]).encode()
        yield name, next(positions), place, content


def _bytes_of(content: bytes | dict[str, Any] | Refused) -> tuple[str, bytes]:
    if isinstance(content, bytes):
        return "line", content
    return ("refused", content.reason.encode()) if isinstance(content, Refused) else ("row", json_line(content))


def _record(place: tuple[int, int | None, int, str], content: bytes) -> Record:
    source, line, ordinal, kind = place
    if kind == "line":
        return Record(source, line, ordinal, content)
    return Record(source, line, ordinal, Refused(content.decode()) if kind == "refused" else json.loads(content))
