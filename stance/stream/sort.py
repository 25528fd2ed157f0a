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
from stance.stream.cut import row_of, thread_of
from stance.stream.read import Content, Refused, Rows
from stance.tables import json_line

#: What DuckDB may take before it goes to disk; two threads, because each takes its share of it.
_SETTINGS = {"memory_limit": "1GB", "threads": 2, "preserve_insertion_order": False}
_BATCH = 10_000


def sorted_by_thread(stretches: Iterable[Rows], folder: Path) -> Iterator[Rows]:
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
            for stretch in stretches:
                columns = zip(*_stored(stretch, positions), strict=True)
                rows = pa.table([pa.array(column) for column in columns], _COLUMNS)
                connection.register("batch", rows)
                connection.execute("INSERT INTO rows SELECT * FROM batch")
                connection.unregister("batch")
            result = connection.execute("SELECT place, content FROM rows ORDER BY thread, position")
            while found := result.fetchmany(_BATCH):
                rows = [_row(json.loads(place), content) for place, content in found]
                yield Rows(*(list(column) for column in zip(*rows, strict=True)))
        finally:
            connection.close()


_COLUMNS = ["thread", "position", "place", "content"]


def _engine() -> Any:
    try:
        # Not loaded with the module: it takes half a second, and hardly any run sorts.
        return import_module("duckdb")
    except ImportError as error:
        raise DataError("sorting needs DuckDB", fix="pip install 'stance[sort]'") from error


def _stored(stretch: Rows, positions: Iterator[int]) -> Iterator[tuple[bytes, int, bytes, bytes]]:
    for source, line, ordinal, content in zip(*stretch, strict=True):
        of_source, thread = thread_of(source, row_of(content)) or (source, "")
        name = f"{of_source} {thread}".encode("utf-8", "surrogatepass")
        kind, stored = _bytes_of(content)
        yield name, next(positions), json.dumps([source, line, ordinal, kind]).encode(), stored


def _bytes_of(content: Content) -> tuple[str, bytes]:
    if isinstance(content, bytes):
        return "line", content
    return ("refused", content.reason.encode()) if isinstance(content, Refused) else ("row", json_line(content))


def _row(place: tuple[int, int | None, int, str], stored: bytes) -> tuple[int, int | None, int, Content]:
    source, line, ordinal, kind = place
    if kind == "line":
        return source, line, ordinal, stored
    return source, line, ordinal, Refused(stored.decode()) if kind == "refused" else json.loads(stored)
