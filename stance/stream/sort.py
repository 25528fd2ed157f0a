"""Rows of threads that are scattered over the input, brought together by DuckDB, which sorts on disk."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from stance.errors import DataError
from stance.stream.cut import thread_of
from stance.stream.read import Record

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
            connection.execute("CREATE TABLE rows (thread BLOB, position BIGINT, record BLOB)")
            positions = count()
            for batch in _batches(records, _BATCH):
                rows = pa.table([pa.array(column) for column in zip(*_rows(batch, positions), strict=True)], _COLUMNS)
                connection.register("batch", rows)
                connection.execute("INSERT INTO rows SELECT * FROM batch")
                connection.unregister("batch")
            result = connection.execute("SELECT record FROM rows ORDER BY thread, position")
            while found := result.fetchmany(_BATCH):
                # Bytes that this process has written a moment ago.
                yield from (pickle.loads(record) for (record,) in found)  # noqa: S301
        finally:
            connection.close()


_COLUMNS = ["thread", "position", "record"]


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


def _rows(records: Iterable[Record], positions: Iterator[int]) -> Iterator[tuple[bytes, int, bytes]]:
    for record in records:
        source, thread = thread_of(record) or (record.source, "")
        name = f"{source} {thread}".encode("utf-8", "surrogatepass")
        yield name, next(positions), pickle.dumps(record)
