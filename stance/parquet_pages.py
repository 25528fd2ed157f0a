"""What the pages of a Parquet file unfold to, read from their headers before Arrow unfolds them.

A file of 6 KB can hold a cell of 100 MB a million times, and the totals in its footer are whatever its writer wrote.
What Arrow allocates follows the header of each page, so these are added up: three numbers of a Thrift structure
(https://github.com/apache/parquet-format, `PageHeader`), in the compact form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow.parquet as pq

from stance.errors import DataError

#: Bytes of pages that may have to be in memory at once: the largest of each column, with its dictionary.
MOST_HELD = 512 * 1024 * 1024

#: Values that the lists of one column may hold in one row group: a single row may have them all.
MOST_NESTED = 20_000_000

#: Columns, and bytes of a value that is not text: a table of posts has a few dozen of both.
MOST_COLUMNS = 1_000
LONGEST_FIXED = 4_096

#: Bytes of a header: it may hold the least and the greatest value of its page.
_HEADER = 16 * 1024
_LONGEST_HEADER = 16 * 1024 * 1024

_DICTIONARY_PAGE = 2


@dataclass(frozen=True, slots=True)
class PageSize:
    """One page: its kind, its bytes unfolded, and its values."""

    kind: int
    n_bytes: int
    n_values: int


def check_row_group(stream: IO[bytes], file: pq.ParquetFile, number: int, name: str) -> int:
    """Refuse a row group that unfolds to more than a table of posts needs; return how many rows to read at once.

    Raises
    ------
    DataError
        If its pages, lists or columns are beyond the limits of this module, or their headers cannot be read.
    """
    group = file.metadata.row_group(number)
    where = f"{name}, row group {number + 1}"
    if group.num_columns > MOST_COLUMNS:
        raise _too_much(f"{group.num_columns:,} columns, of which {MOST_COLUMNS:,} are read", where)
    held = longest = 0
    for place in range(group.num_columns):
        chunk, column = group.column(place), file.schema.column(place)
        if column.length > LONGEST_FIXED:
            raise _too_much(f"values of {column.length:,} bytes in column {column.path!r}", where)
        try:
            pages = list(_pages(stream, chunk))
        except (IndexError, ValueError, RecursionError, KeyError, TypeError) as error:
            raise DataError("a page whose header cannot be read", where=where, fix="write the file again") from error
        data = [page for page in pages if page.kind != _DICTIONARY_PAGE]
        if column.max_repetition_level and sum(page.n_values for page in data) > MOST_NESTED:
            raise _too_much(f"more than {MOST_NESTED:,} values in the lists of column {column.path!r}", where)
        dictionaries = sum(page.n_bytes for page in pages if page.kind == _DICTIONARY_PAGE)
        largest = dictionaries + max((page.n_bytes for page in data), default=0)
        held += largest
        if _is_delta(chunk):
            longest = max(longest, largest)
    if held > MOST_HELD:
        raise _too_much(f"pages that unfold to {held:,} bytes, of which {MOST_HELD:,} are read", where)
    return MOST_HELD // max(1, longest)


def numbered_columns(file: pq.ParquetFile, number: int) -> list[str]:
    """The columns of texts that Arrow can read as numbers of a dictionary: a text that repeats is there once."""
    places = range(len(file.schema))
    group = file.metadata.row_group(number)
    texts = [place for place in places if file.schema.column(place).physical_type == "BYTE_ARRAY"]
    return [file.schema.column(place).path for place in texts if not _is_delta(group.column(place))]


def _is_delta(chunk: pq.ColumnChunkMetaData) -> bool:
    """Tell encodings that Arrow reads only as they are; in the first a value may begin with all of the last."""
    return not {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}.isdisjoint(chunk.encodings)


def _too_much(problem: str, where: str) -> DataError:
    return DataError(problem, where=where, fix="write the file with smaller pages, or save it as JSON Lines")


def _pages(stream: IO[bytes], chunk: pq.ColumnChunkMetaData) -> Iterator[PageSize]:
    """The pages of a column's part of a row group, from where Arrow begins to read them."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
        start = chunk.dictionary_page_offset
    end = start + chunk.total_compressed_size
    while start < end:
        header, length = _header(stream, start)
        about = header.get(5) or header.get(8) or header.get(7) or {}
        yield PageSize(header[1], header[2], about.get(1, 0))
        if header[3] < 0:
            raise ValueError("a page of a negative size")
        start += length + header[3]


def _header(stream: IO[bytes], start: int) -> tuple[dict[int, Any], int]:
    size = _HEADER
    while True:
        stream.seek(start)
        data = stream.read(size)
        try:
            return _structure(data, 0)
        except IndexError:
            if len(data) < size or size >= _LONGEST_HEADER:
                raise
            size *= 32


def _structure(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Fields of a structure by their numbers, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        fields[number], at = _value(data, at, head & 15)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true, false
        return kind == 1, at
    if kind in (4, 5, 6):  # whole numbers
        return _integer(data, at)
    if kind == 8:  # bytes
        length, at = _varint(data, at)
        data[at + length]
        return None, at + length
    if kind == 12:
        return _structure(data, at)
    raise ValueError(f"a field of kind {kind}, which no page header has")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
