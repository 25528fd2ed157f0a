"""Tables as Parquet, apart from `stance.tables` because PyArrow takes as long to load as a thread to label."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

import stance
from stance.errors import DataError
from stance.records import TABLE_FORMAT

if TYPE_CHECKING:
    import pandas as pd

#: Key of the table format in the metadata of a Parquet file.
_STAMP = b"stance.table_format"


def read_parquet(data: bytes, name: str) -> pd.DataFrame:
    """Read a Parquet file's content as plain Python objects; `name` is for messages."""
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"not Parquet ({str(error).splitlines()[0]})", where=name, fix="write the file again"
        ) from error
    check_format(table.schema, name)
    return stance.posts_table(table.to_pylist(), table.column_names)


def write_parquet(table: pd.DataFrame, stream: IO[bytes]) -> None:
    """Write a table, each column with the type that its values have."""
    columns = {str(column): pa.array(table[column].tolist()) for column in table.columns}
    pq.write_table(stamped(pa.table(columns)), stream)


def open_zstd(stream: IO[bytes]) -> pa.CompressedInputStream:
    """Open a stream of Zstandard, which Python's own library reads from 3.14 on."""
    return pa.CompressedInputStream(stream, "zstd")


def stamped(table: pa.Table) -> pa.Table:
    """The same table with `TABLE_FORMAT` in its metadata, which Parquet keeps."""
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _STAMP: str(TABLE_FORMAT).encode()})


def check_format(schema: pa.Schema, name: str) -> None:
    """Refuse a table of a later format; one without a stamp is somebody else's, or of the time before there was one."""
    found = (schema.metadata or {}).get(_STAMP, b"0").decode("utf-8", "replace")
    if found not in map(str, range(TABLE_FORMAT + 1)):
        problem = f"table format {found!r}, this version reads up to {TABLE_FORMAT}"
        raise DataError(problem, where=name, fix="update stance, or save the table as JSON Lines")
