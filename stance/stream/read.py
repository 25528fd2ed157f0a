"""Sources of any size to rows, some thousand at a time: nothing here holds more than a block of a file, or a page."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from stance.errors import DataError, StanceError
from stance.extract import extract
from stance.extract.sources import names_apart
from stance.parquet import check_format
from stance.records import thread_rows
from stance.stream.lines import Lines
from stance.tables import csv_cell, table_format, without_mark

#: A line longer than this is no post; it is skipped to its end, so that a file without line breaks needs no memory.
LONGEST_LINE = 16 * 1024 * 1024

# Of a file's beginning, so much is looked at to tell what it is.
_HEAD = 1 << 18

# Bytes, or rows, that are read at once.
_BLOCK = 1 << 20
_BLOCK_ROWS = 5_000

_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", lambda stream: pa.CompressedInputStream(stream, "zstd")),
)
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_BY_NAME = {".jsonl": ".jsonl", ".ndjson": ".jsonl", ".csv": ".csv", ".parquet": ".parquet"}
_DAMAGED = (OSError, EOFError, UnicodeDecodeError, zlib.error, lzma.LZMAError, pa.ArrowException)


class Refused(NamedTuple):
    """In place of a row: why it is none."""

    reason: str


Content = bytes | dict[str, Any] | Refused


class Rows(NamedTuple):
    """A stretch of rows as they were found, column by column: making an object a row takes longer than reading it.

    Attributes
    ----------
    source : sequence of int
        Number of the source of each row.
    line : sequence of int or None
        Where the row begins, counted from 1: the line of a text, the row of a Parquet file or page.
    ordinal : sequence of int
        Number of the row in its source, counted from 1.
    content : sequence
        A line of JSON Lines as bytes, else a mapping; or why there is none. `Lines`, where nothing but plain lines was
        found.
    """

    source: Sequence[int]
    line: Sequence[int | None]
    ordinal: Sequence[int]
    content: Sequence[Content]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.content)

    def between(self, start: int, stop: int | None = None) -> Rows:
        """Some of the rows."""
        part = slice(start, stop)
        return Rows(self.source[part], self.line[part], self.ordinal[part], self.content[part])

    @classmethod
    def joined(cls, stretches: Sequence[Rows]) -> Rows:
        """Stretches one after another."""
        return stretches[0] if len(stretches) == 1 else cls(*map(_joined, zip(*stretches, strict=True)))


def _joined(pieces: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """One column of several stretches; still in one piece where they are pieces of one."""
    pieces = [piece for piece in pieces if piece] or pieces[:1]
    if all(isinstance(piece, Lines) for piece in pieces):
        return Lines.joined(cast("Sequence[Lines]", pieces))
    ranges = all(isinstance(piece, range) for piece in pieces)
    if ranges and all(after.start == before.stop for before, after in pairwise(cast("Sequence[range]", pieces))):
        return range(pieces[0].start, pieces[-1].stop)  # type: ignore[attr-defined]
    return list(chain(*pieces))


def _numbered(source: int, found: Iterable[tuple[int | None, Content]]) -> Iterator[Rows]:
    """Number the rows of one source, each given with its line, and put a block of them together."""
    rows, ordinal = iter(found), 1
    while block := list(islice(rows, _BLOCK_ROWS)):
        lines, contents = zip(*block, strict=True)
        yield _stretch(source, list(lines), ordinal, list(contents))
        ordinal += len(block)


def _stretch(source: int, lines: Sequence[int | None], ordinal: int, contents: Sequence[Content]) -> Rows:
    n_rows = len(contents)
    return Rows([source] * n_rows, lines, range(ordinal, ordinal + n_rows), contents)


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

    def rows(self) -> Iterator[Rows]:
        """The rows of each source, some thousand at a time.

        Raises
        ------
        DataError
            If a source cannot be opened, or breaks off.
        """
        for number, name in enumerate(self.names):
            if name.startswith(("http://", "https://")):
                yield from _numbered(number, _page_rows(name, self._called(number)))
                continue
            try:
                with _opened(name) as raw:
                    self._raw = raw
                    yield from self._of_one(number, name, raw)
            except _DAMAGED as error:
                reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
                raise DataError(f"cannot be read ({reason})", where=name, fix="check the file") from error
            self._done += Path(name).stat().st_size if Path(name).is_file() else 0

    def _of_one(self, number: int, name: str, raw: IO[bytes]) -> Iterator[Rows]:
        stream = _decompressed(raw)
        kind = _kind(name, stream.peek(_HEAD)[:_HEAD])
        if kind == ".jsonl":
            return _json_lines(number, stream)
        if kind == ".csv":
            return _numbered(number, _csv_rows(stream))
        if kind == ".parquet":
            return _numbered(
                number, self._parquet_rows(name, stream if stream.seekable() else io.BytesIO(stream.read()))
            )
        return _numbered(number, _page_rows(name if name != "-" else stream.read(), self._called(number)))

    def _called(self, number: int) -> str | None:
        """What a page's thread is called, where pages of one name may lie in several folders."""
        return apart(self.names)[number] if len(self.names) > 1 else None

    def _parquet_rows(self, name: str, stream: IO[bytes]) -> Iterator[tuple[int, Content]]:
        file = pq.ParquetFile(stream)
        check_format(file.schema_arrow, name)
        self.types = self.types or {entry.name: entry.type for entry in file.schema_arrow}
        batches = map(_parquet_batch, file.iter_batches(batch_size=_BLOCK_ROWS))
        return enumerate(chain.from_iterable(batches), start=1)


def _parquet_batch(batch: pa.RecordBatch) -> list[Content]:
    try:
        rows: list[Content] = batch.to_pylist()
    except UnicodeDecodeError:
        # Nothing checks a string that is written to Parquet.
        if batch.num_rows == 1:
            return [Refused("not UTF-8")]
        return [row for place in range(batch.num_rows) for row in _parquet_batch(batch.slice(place, 1))]
    return rows


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


def _json_lines(source: int, stream: IO[bytes]) -> Iterator[Rows]:
    ordinal = 1
    for number, data in _blocks_of_lines(stream):
        lines = Lines(data.removeprefix(b"\xef\xbb\xbf") if number == 1 else data)
        numbers = range(number, number + len(lines))
        if lines.is_plain(LONGEST_LINE):
            stretch = _stretch(source, numbers, ordinal, lines)
        else:
            found = [(number, _unless_long(line)) for number, line in zip(numbers, lines, strict=True) if line.strip()]
            stretch = _stretch(source, [number for number, _ in found], ordinal, [line for _, line in found])
        ordinal += stretch.n_rows
        if stretch.n_rows:
            yield stretch


def _unless_long(line: bytes) -> Content:
    return line if len(line) < LONGEST_LINE else Refused(f"longer than {LONGEST_LINE} bytes")


def _blocks_of_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Whole lines, some thousand at a time, with the number of the first; of a too long one only the beginning."""
    number, rest = 1, b""
    while block := stream.read1(_BLOCK):  # type: ignore[attr-defined]
        end = block.rfind(b"\n")
        # In a line that is too long already, all up to the next line feed is passed over.
        start = 0 if len(rest) < LONGEST_LINE else block.find(b"\n") if end >= 0 else len(block)
        if end < 0:
            rest = (rest + block[start:])[:LONGEST_LINE]
            continue
        data = rest + block[start:end]
        yield number, data
        number += data.count(b"\n") + 1
        rest = block[end + 1 :]
    if rest:
        yield number, rest


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


def _csv_rows(stream: IO[bytes]) -> Iterator[tuple[int, Content]]:
    decoding = _Decoding(stream)
    reader = csv.reader(decoding.lines(), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        decoding.spoilt = False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Refused(f"not CSV ({error})")
            continue
        if not cells:
            continue
        if header is None:
            header = [without_mark(name) for name in cells]
            continue
        yield line, _csv_row(header, cells, decoding.spoilt)


def _csv_row(header: list[str], cells: list[str], spoilt: bool) -> dict[str, Any] | Refused:
    if spoilt:
        return Refused("not UTF-8")
    if len(cells) != len(header):
        return Refused(f"{len(cells)} cells under {len(header)} columns")
    return {column: csv_cell(column, value) for column, value in zip(header, cells, strict=True)}


@lru_cache(maxsize=8)
def apart(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of sources, none of them twice; see `stance.extract.sources.names_apart`."""
    return tuple(names_apart(names))


def _page_rows(page: str | bytes, called: str | None) -> Iterator[tuple[int | None, Content]]:
    try:
        threads = extract(page, name=called)
    except StanceError as error:
        yield None, Refused(str(error))
        return
    rows = list(thread_rows(threads))
    if not rows:
        notes = "; ".join(note for thread in threads for note in thread.notes)
        yield None, Refused(f"no posts{f' ({notes})' if notes else ''}")
    for ordinal, row in enumerate(rows, start=1):
        yield ordinal, {str(column): value for column, value in row.items()}
