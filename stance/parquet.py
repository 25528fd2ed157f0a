"""Tables as Parquet, apart from `stance.tables` because PyArrow takes as long to load as a thread to label."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import stance
from stance.errors import DataError
from stance.parquet_pages import check_row_group, numbered_columns
from stance.records import TABLE_FORMAT
from stance.tables import LONGEST_LINE, refuse_heavy

if TYPE_CHECKING:
    import pandas as pd

#: Key of the table format in the metadata of a Parquet file.
_STAMP = b"stance.table_format"


#: Rows that are unfolded at once.
_ROWS = 5_000


def read_parquet(data: bytes, name: str) -> pd.DataFrame:
    """Read a Parquet file's content as plain Python objects; `name` is for messages."""
    rows: list[dict[str, Any]] = []
    n_bytes = 0
    try:
        stream = io.BytesIO(data)
        file = pq.ParquetFile(stream)
        for batch, size in small_batches(stream, file, name):
            if size > LONGEST_LINE:
                raise DataError(f"longer than {LONGEST_LINE:,} bytes", where=f"{name}, row {len(rows) + 1}")
            n_bytes += size
            refuse_heavy(n_bytes, len(rows) + batch.num_rows, (len(rows) + batch.num_rows) * batch.num_columns, name)
            rows += batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"not Parquet ({str(error).splitlines()[0]})", where=name, fix="write the file again"
        ) from error
    return stance.posts_table(rows, file.schema_arrow.names)


def small_batches(stream: IO[bytes], file: pq.ParquetFile, name: str) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Rows of a Parquet file, some thousand at a time but never many bytes; and how many bytes of values they are.

    Texts are read as numbers of a dictionary and written out only when their length is known: a page of some bytes may
    say the same gigabyte again and again. A single row of more than `LONGEST_LINE` bytes comes as it is: leave it.

    Raises
    ------
    DataError
        If the table is of a later format, or a row group unfolds to more than a table of posts needs.
    """
    check_format(file.schema_arrow, name)
    for number in range(file.num_row_groups):
        rows = min(_ROWS, check_row_group(stream, file, number, name))
        texts = numbered_columns(file, number)
        part = pq.ParquetFile(stream, metadata=file.metadata, read_dictionary=texts)
        for batch in part.iter_batches(batch_size=rows, row_groups=[number]):
            yield from _cut(batch)


def _cut(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
    size = sum(map(_unfolded, batch.columns))
    if size > LONGEST_LINE and batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _cut(batch.slice(0, half))
        yield from _cut(batch.slice(half))
    elif batch.num_rows:
        yield (batch if size > LONGEST_LINE else _plain(batch)), size


def _unfolded(column: pa.Array) -> int:
    """Bytes of a column's values once each stands for itself."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(column.dictionary.cast(pa.large_binary()))
        return pc.sum(lengths.take(column.indices)).as_py() or 0
    if pa.types.is_map(kind):
        begin, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
        return _unfolded(column.keys.slice(begin, end - begin)) + _unfolded(column.items.slice(begin, end - begin))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return int(column.nbytes) + _unfolded(column.flatten())
    if pa.types.is_struct(kind):
        return sum(map(_unfolded, column.flatten()))
    return int(column.nbytes)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def write_parquet(table: pd.DataFrame, stream: IO[bytes]) -> None:
    """Write a table, each column with the type that its values have."""
    columns = {str(column): pa.array(table[column].tolist()) for column in table.columns}
    pq.write_table(stamped(pa.table(columns)), stream)


def stamped(table: pa.Table) -> pa.Table:
    """The same table with `TABLE_FORMAT` in its metadata, which Parquet keeps."""
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _STAMP: str(TABLE_FORMAT).encode()})


def check_format(schema: pa.Schema, name: str) -> None:
    """Refuse a table of a later format; one without a stamp is somebody else's, or of the time before there was one."""
    found = (schema.metadata or {}).get(_STAMP, b"0").decode("utf-8", "replace")
    if found not in map(str, range(TABLE_FORMAT + 1)):
        problem = f"table format {found!r}, this version reads up to {TABLE_FORMAT}"
        raise DataError(problem, where=name, fix="update stance, or save the table as JSON Lines")
