"""Tables as Parquet, apart from `stance.tables` because PyArrow takes as long to load as a thread to label."""

from __future__ import annotations

from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stance.errors import DataError


def read_parquet(data: bytes, name: str) -> pd.DataFrame:
    """Read a Parquet file's content as plain Python objects; `name` is for messages."""
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"not Parquet ({str(error).splitlines()[0]})", where=name, fix="write the file again"
        ) from error
    columns = {column: table.column(column).to_pylist() for column in table.column_names}
    return pd.DataFrame({column: pd.Series(values, dtype=object) for column, values in columns.items()})


def write_parquet(table: pd.DataFrame, stream: IO[bytes]) -> None:
    """Write a table, each column with the type that its values have."""
    columns = {str(column): pa.array(table[column].tolist()) for column in table.columns}
    pq.write_table(pa.table(columns), stream)
