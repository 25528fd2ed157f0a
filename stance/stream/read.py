"""Sources of any size to rows, one at a time: nothing here holds more than a row, or a page."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from stance.errors import DataError, StanceError
from stance.extract import extract
from stance.parquet import check_format
from stance.records import thread_rows
from stance.tables import csv_cell, table_format, without_mark

#: A line longer than this is no post; it is skipped to its end, so that a file without line breaks needs no memory.
LONGEST_LINE = 16 * 1024 * 1024

# Of a file's beginning, so much is looked at to tell what it is.
_HEAD = 1 << 18

_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_COMPRESSED = (".gz", ".bz2", ".xz")
_BY_NAME = {".jsonl": ".jsonl", ".ndjson": ".jsonl", ".csv": ".csv", ".parquet": ".parquet"}
_DAMAGED = (OSError, EOFError, lzma.LZMAError, zlib.error, pa.ArrowException)


class Refused(NamedTuple):
    """In place of a row: why it is none."""

    reason: str


class Record(NamedTuple):
    """One row as it was found: a line of JSON Lines as bytes, else a mapping; or why there is none.

    Attributes
    ----------
    source : int
        Number of the source.
    line : int or None
        Where the row begins, counted from 1: the line of a text, the row of a Parquet file or page.
    ordinal : int
        Number of the row in its source, counted from 1.
    """

    source: int
    line: int | None
    ordinal: int
    content: bytes | dict[str, Any] | Refused


@dataclass
class Reading:
    """The sources of one run, and how far they have been read.

    Attributes
    ----------
    names : tuple of str
        Files, URLs or "-".
    types : dict
        Arrow types of the columns of the first Parquet source.
    """

    names: tuple[str, ...]
    types: dict[str, pa.DataType] = field(default_factory=dict)
    _done: int = 0
    _raw: IO[bytes] | None = None

    @property
    def share(self) -> float:
        """How much of all bytes has been read, 0 to 1; 0 where their number is not known."""
        total = sum(Path(name).stat().st_size for name in self.names if Path(name).is_file())
        here = self._raw.tell() if self._raw is not None and not self._raw.closed and self._raw.seekable() else 0
        return min(1.0, (self._done + here) / total) if total else 0.0

    def records(self) -> Iterator[Record]:
        """Each row of each source.

        Raises
        ------
        DataError
            If a source cannot be opened, or breaks off.
        """
        for number, name in enumerate(self.names):
            if name.startswith(("http://", "https://")):
                yield from _page_rows(number, name)
                continue
            try:
                with _opened(name) as raw:
                    self._raw = raw
                    yield from self._of_one(number, name, raw)
            except _DAMAGED as error:
                reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
                raise DataError(f"cannot be read ({reason})", where=name, fix="check the file") from error
            self._done += Path(name).stat().st_size if Path(name).is_file() else 0

    def _of_one(self, number: int, name: str, raw: IO[bytes]) -> Iterator[Record]:
        stream = _decompressed(raw)
        kind = _kind(name, stream.peek(_HEAD)[:_HEAD])
        if kind == ".jsonl":
            return _json_lines(number, stream)
        if kind == ".csv":
            return _csv_rows(number, stream)
        if kind == ".parquet":
            return self._parquet_rows(number, name, stream if stream.seekable() else io.BytesIO(stream.read()))
        return _page_rows(number, name if name != "-" else stream.read())

    def _parquet_rows(self, source: int, name: str, stream: IO[bytes]) -> Iterator[Record]:
        file = pq.ParquetFile(stream)
        check_format(file.schema_arrow, name)
        self.types = self.types or {entry.name: entry.type for entry in file.schema_arrow}
        ordinal = 0
        for batch in file.iter_batches(batch_size=10_000):
            for row in batch.to_pylist():
                ordinal += 1
                yield Record(source, ordinal, ordinal, row)


def find_sources(sources: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    """Name each file: folders and patterns stand for what is in them, in alphabetical order.

    Raises
    ------
    DataError
        If a folder is empty or a pattern fits nothing.
    """
    return tuple(name for source in sources for name in _files(os.fspath(source)))


def _files(source: str) -> list[str]:
    path = Path(source)
    if source != "-" and path.is_dir():
        found = sorted(str(one) for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
    elif any(sign in source for sign in "*?[") and not path.exists():
        found = sorted(map(str, Path(Path(source).anchor).glob(str(Path(source).relative_to(Path(source).anchor)))))
    else:
        return [source]
    if not found:
        raise DataError("no files there", where=source, fix="check the path")
    return found


def _opened(name: str) -> IO[bytes]:
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except FileNotFoundError as error:
        raise DataError("no such file", where=name, fix="check the path") from error


def _decompressed(raw: IO[bytes]) -> io.BufferedReader[Any]:
    stream = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    head = stream.peek(6)
    for magic, opened in _OPENERS:
        if head.startswith(magic):
            return io.BufferedReader(opened(stream), 1 << 18)
    return stream


def _kind(name: str, head: bytes) -> str | None:
    """Tell a table by its content, and where its first row is spoilt by its name."""
    found = table_format(head)
    if found or head.startswith(b"PAR1"):
        return found or ".parquet"
    path = Path(name)
    ending = Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix
    return _BY_NAME.get(ending.lower())


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty, with their numbers; of one that is too long the beginning."""
    for number, line in enumerate(iter(partial(stream.readline, LONGEST_LINE), b""), start=1):
        if len(line) == LONGEST_LINE:
            while not line.endswith(b"\n") and (rest := stream.readline(LONGEST_LINE)):
                line = line[:LONGEST_LINE] + rest[-1:]
        if not line.isspace():
            yield number, line


def _json_lines(source: int, stream: IO[bytes]) -> Iterator[Record]:
    for ordinal, (number, line) in enumerate(_lines(stream), start=1):
        content = line.removeprefix(b"\xef\xbb\xbf") if ordinal == 1 else line
        too_long = len(line) >= LONGEST_LINE
        yield Record(source, number, ordinal, Refused(f"longer than {LONGEST_LINE} bytes") if too_long else content)


@dataclass
class _Decoding:
    """Lines of a CSV file as text; a line that is not UTF-8 is noted, for the row that it belongs to."""

    stream: IO[bytes]
    spoilt: bool = False

    def lines(self) -> Iterator[str]:
        for number, line in enumerate(self.stream):
            try:
                yield line.decode("utf-8-sig" if number == 0 else "utf-8", "surrogatepass")
            except UnicodeDecodeError:
                self.spoilt = True
                yield line.decode("latin-1")


def _csv_rows(source: int, stream: IO[bytes]) -> Iterator[Record]:
    decoding = _Decoding(stream)
    reader = csv.reader(decoding.lines(), strict=True)
    header: list[str] | None = None
    ordinal = 0
    while True:
        line = reader.line_num + 1
        decoding.spoilt = False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            ordinal += 1
            yield Record(source, line, ordinal, Refused(f"not CSV ({error})"))
            continue
        if not cells:
            continue
        if header is None:
            header = [without_mark(name) for name in cells]
            continue
        ordinal += 1
        yield Record(source, line, ordinal, _csv_row(header, cells, decoding.spoilt))


def _csv_row(header: list[str], cells: list[str], spoilt: bool) -> dict[str, Any] | Refused:
    if spoilt:
        return Refused("not UTF-8")
    if len(cells) != len(header):
        return Refused(f"{len(cells)} cells under {len(header)} columns")
    return {column: csv_cell(column, value) for column, value in zip(header, cells, strict=True)}


def _page_rows(source: int, page: str | bytes) -> Iterator[Record]:
    try:
        threads = extract(page)
    except StanceError as error:
        yield Record(source, None, 1, Refused(str(error)))
        return
    rows = list(thread_rows(threads))
    if not rows:
        notes = "; ".join(note for thread in threads for note in thread.notes)
        yield Record(source, None, 1, Refused(f"no posts{f' ({notes})' if notes else ''}"))
    for ordinal, row in enumerate(rows, start=1):
        yield Record(source, ordinal, ordinal, row)
