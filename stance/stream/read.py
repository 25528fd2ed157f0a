"""Sources of any size to rows, some thousand at a time: nothing here holds more than a block of a file, or a page."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from stance.compressed import DAMAGED, opener
from stance.errors import DataError, StanceError
from stance.extract import extract, guessed
from stance.extract.dumped import dump_form, dumped_posts
from stance.extract.sources import names_apart
from stance.foreign import foreign, other_separator
from stance.parquet import small_batches
from stance.parquet_pages import MOST_COLUMNS
from stance.records import thread_rows
from stance.stream.lines import Lines
from stance.tables import LONGEST_LINE, MOST_EXPANDED, csv_cell, no_such_file, table_format, without_mark

# Of a file's beginning, so much is looked at to tell what it is.
_HEAD = 1 << 18

# Bytes, or rows, that are read at once.
_BLOCK = 1 << 20
_BLOCK_ROWS = 5_000

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_BY_NAME = {".jsonl": ".jsonl", ".ndjson": ".jsonl", ".csv": ".csv", ".parquet": ".parquet"}
_DAMAGED = (*DAMAGED, UnicodeDecodeError, pa.ArrowException)


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

    @property
    def n_bytes(self) -> int:
        """About how many bytes the rows were read from."""
        return len(self.content.data) if isinstance(self.content, Lines) else sum(map(_size_of, self.content))

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
    ordinal = 1
    for block in _blocks(found):
        lines, contents = zip(*block, strict=True)
        yield _stretch(source, list(lines), ordinal, list(contents))
        ordinal += len(block)


def _blocks(found: Iterable[tuple[int | None, Content]]) -> Iterator[list[tuple[int | None, Content]]]:
    """So many rows at a time that neither they nor their bytes are many."""
    block: list[tuple[int | None, Content]] = []
    n_bytes = 0
    for line, content in found:
        block.append((line, content))
        n_bytes += _size_of(content)
        if len(block) >= _BLOCK_ROWS or n_bytes >= LONGEST_LINE:
            yield block
            block, n_bytes = [], 0
    if block:
        yield block


def _size_of(content: Content) -> int:
    """Bytes of a line, or characters and items of a row, which take about as much."""
    if type(content) is not dict:
        return len(content) if type(content) is bytes else 0
    try:
        # Most rows hold texts and None alone.
        return sum(map(len, filter(None, content.values())))
    except TypeError:
        return sum(len(value) for value in content.values() if isinstance(value, str | bytes | list | dict))


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
    guessed : dict
        Threads that were read by guess, and as what.
    """

    names: tuple[str, ...]
    types: dict[str, pa.DataType] = field(default_factory=dict)
    guessed: dict[str, str] = field(default_factory=dict)
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
                yield from _numbered(number, _page_rows(name, self._called(number), self.guessed))
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
            form = dump_form(stream.peek(_HEAD)[:_HEAD])
            return _json_lines(number, stream) if form is None else _dump(number, stream, form)
        if kind == ".csv":
            return _numbered(number, _csv_rows(name, stream))
        if kind == ".parquet":
            return _numbered(number, self._parquet_rows(name, _seekable(stream, name)))
        return _numbered(number, _page_rows(name if name != "-" else stream.read(), self._called(number), self.guessed))

    def _called(self, number: int) -> str | None:
        """What a page's thread is called, where pages of one name may lie in several folders."""
        return apart(self.names)[number] if len(self.names) > 1 else None

    def _parquet_rows(self, name: str, stream: IO[bytes]) -> Iterator[tuple[int, Content]]:
        file = pq.ParquetFile(stream)
        self.types = self.types or {entry.name: entry.type for entry in file.schema_arrow}
        batches = (
            [_TOO_LONG] if size > LONGEST_LINE else _parquet_batch(batch)
            for batch, size in small_batches(stream, file, name)
        )
        return enumerate(chain.from_iterable(batches), start=1)


def _seekable(stream: io.BufferedReader[Any], name: str) -> IO[bytes]:
    """A stream that can be read from its end, as Parquet is: what cannot is read whole."""
    # One that is decompressed can be sought too, but only by reading all before.
    if stream.seekable() and isinstance(getattr(stream, "raw", None), io.FileIO):
        return stream
    data = stream.read(MOST_EXPANDED + 1)
    if len(data) > MOST_EXPANDED:
        fix = "unpack it to a file, or give JSON Lines or CSV"
        raise DataError(f"more than {MOST_EXPANDED:,} bytes of Parquet after decompression", where=name, fix=fix)
    return io.BytesIO(data)


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
        raise no_such_file(name) from error


def _decompressed(raw: IO[bytes]) -> io.BufferedReader[Any]:
    stream = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    opened = opener(stream.peek(6))
    return stream if opened is None else io.BufferedReader(opened(stream), 1 << 18)


def _kind(name: str, head: bytes) -> str | None:
    """Tell a table by its content, and where its first row is spoilt by its name."""
    found = table_format(head)
    if found or head.startswith(b"PAR1"):
        return found or ".parquet"
    if foreign(head) or other_separator(head):
        # Whatever it is called, it is no table of ours; reading it as a page says what it is.
        return None
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


def _dump(source: int, stream: IO[bytes], form: str) -> Iterator[Rows]:
    """Posts of a dump of one post a line; the lines that are none are not counted."""
    ordinal = 1
    for stretch in _json_lines(source, stream):
        posts = dumped_posts([content if isinstance(content, bytes) else b"" for content in stretch.content], form)
        rows = [
            (line, _row(content, post))
            for line, content, post in zip(stretch.line, stretch.content, posts, strict=True)
        ]
        kept = [(line, row) for line, row in rows if row is not None]
        yield _stretch(source, [line for line, _ in kept], ordinal, [row for _, row in kept])
        ordinal += len(kept)


def _row(content: Content, post: dict[str, Any] | str | None) -> Content | None:
    """A dump's post, or why it is none."""
    return content if isinstance(content, Refused) else Refused(post) if isinstance(post, str) else post


def _unless_long(line: bytes) -> Content:
    return line if len(line) < LONGEST_LINE else _TOO_LONG


_TOO_LONG = Refused(f"longer than {LONGEST_LINE} bytes")


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

    name: str
    stream: IO[bytes]
    spoilt: bool = False

    def lines(self) -> Iterator[str]:
        for number, line in enumerate(iter(partial(self.stream.readline, LONGEST_LINE), b"")):
            if len(line) == LONGEST_LINE:
                raise DataError(f"a line longer than {LONGEST_LINE:,} bytes", where=self.name, fix="a post a line")
            try:
                yield line.decode("utf-8-sig" if number == 0 else "utf-8", "surrogatepass")
            except UnicodeDecodeError:
                self.spoilt = True
                yield line.decode("latin-1")


def _csv_rows(name: str, stream: IO[bytes]) -> Iterator[tuple[int, Content]]:
    decoding = _Decoding(name, stream)
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
            header = [without_mark(cell) for cell in cells]
            if len(header) > MOST_COLUMNS:
                problem = f"{len(header):,} columns, of which {MOST_COLUMNS:,} are read"
                raise DataError(problem, where=name, fix="leave out columns")
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


def _page_rows(page: str | bytes, called: str | None, by_guess: dict[str, str]) -> Iterator[tuple[int | None, Content]]:
    try:
        threads = extract(page, name=called)
    except StanceError as error:
        yield None, Refused(str(error))
        return
    by_guess |= guessed(threads)
    rows = list(thread_rows(threads))
    if not rows:
        notes = "; ".join(note for thread in threads for note in thread.notes)
        yield None, Refused(f"no posts{f' ({notes})' if notes else ''}")
    for ordinal, row in enumerate(rows, start=1):
        yield ordinal, {str(column): value for column, value in row.items()}
