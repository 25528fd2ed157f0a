"""Tables to files and back: JSON Lines, CSV and Parquet, compressed or not, recognised by content.

This is the only module that reads or writes a table. Three rules hold for each format, because pandas' own defaults
break them (measured: a lone carriage return became an extra row; the post "NA" and the author "None" went missing):
a string comes back exactly as it was, a missing value comes back as None, and a file is written whole or not at all.

A CSV file is opened by spreadsheets, which run a cell that looks like a formula. Whoever wrote a post could so run
commands on the reader's machine; such a cell gets a mark that makes it text, and reading takes the mark off again.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Number
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import stance
from stance.compressed import DAMAGED, opener
from stance.errors import DataError
from stance.foreign import refuse_foreign, refuse_separator
from stance.records import NULLABLE_COLUMNS, POST_COLUMNS, PROBABILITY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".jsonl", ".csv", ".parquet")

#: Bytes at which a compressed table is refused where it would be read into memory: a few can stand for very many.
MOST_EXPANDED = 1 << 30

#: Bytes that its rows and values may take in memory, where a row takes some 300 and a value, however short, some 70.
MOST_MEMORY = 4_000_000_000
_ROW, _VALUE = 300, 70

#: A line, or a row of Parquet, of so many bytes is no post.
LONGEST_LINE = 16 * 1024 * 1024

#: What makes a cell text: MODIFIER LETTER APOSTROPHE. The plain apostrophe would do so too, but nobody else's
#: file begins a formula with this one, so that taking it off spoils none; and spreadsheets show it and keep it.
FORMULA_MARK = "\u02bc"

# Signs that begin a formula in some spreadsheet or in an old DDE link, in every width: Excel folds some of them.
_SIGNS = (
    "[-=+@|%\u2212\u207a-\u207c\u208a-\u208c\u2a75\u2a76\ufb29\ufe62-\ufe66\ufe6a\ufe6b"
    "\uff05\uff0b\uff0d\uff1d\uff20\uff5c]"
)
# What a spreadsheet may drop before it looks at the sign: blanks, control and format characters, fillers, quotes. Not
# the separators below: where one stands, a cell begins anew.
_UNSEEN = (
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\\x7f-\\xa0\\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uff02\uffa0\ufff0-\uffff"
    '\U000e0000-\U000e0fff"]*'
)
# A cell begins where the field does, and after a semicolon, tab or line break: with another separator than the comma,
# as in half of Europe, Excel takes the quotes inside a line literally and cuts there.
_FIRST = re.compile(rf"{FORMULA_MARK}*{_UNSEEN}(?:{_SIGNS}|[\t\r\n])")
_LATER = re.compile(rf"[;\t\r\n](?={FORMULA_MARK}*{_UNSEEN}{_SIGNS})")
_LATER_MARKED = re.compile(rf"(?<=[;\t\r\n]){FORMULA_MARK}(?={FORMULA_MARK}*{_UNSEEN}{_SIGNS})")

# A cell of a CSV file may be longer than Python's default limit of 128 KiB: a post may be a whole essay. But
# behind a quote that nobody closes all the rest of a file is one cell.
csv.field_size_limit(LONGEST_LINE)


def read_table(path: str | os.PathLike[str], data: bytes | None = None) -> pd.DataFrame:
    """Read a table of any of `FORMATS`, by its content.

    Everything in a CSV table is text, but for the columns of a labels table that are none: `p_favor`, `p_against` and
    `p_none` are numbers and `abstained` is True or False, as in the other formats; unless a value is something else.

    Parameters
    ----------
    path : path
        The file; in messages its name.
    data : bytes, optional
        The content, where it has been read already (standard input).

    Raises
    ------
    DataError
        If the file cannot be read, is empty, or is no table.
    """
    name = os.fspath(path)
    packed = read_bytes(name) if data is None else data
    content = decompress(packed)
    if content is not packed:
        # Signs that end or begin a row or a value: fifty million in a gigabyte of prose, many times that in a bomb.
        refuse_heavy(len(content), content.count(b"\n"), sum(map(content.count, (b",", b"[", b"{"))), name)
    kind = table_format(content)
    if kind is None:
        refuse_foreign(content, name)
        refuse_separator(content, name)
        raise DataError("not a table", where=name, fix="give JSON Lines, CSV with a header line, or Parquet")
    read = {".parquet": stance.read_parquet, ".jsonl": _read_jsonl, ".csv": _read_csv}[kind]
    return _typed(read(content, name))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give the columns of a labels table that are no texts their types; a missing value stays None."""
    for name in table.columns.intersection(list(_TYPES)):
        try:
            values: list[Any] = [None if value in (None, "") else _TYPES[name](value) for value in table[name]]
        except (KeyError, TypeError, ValueError):
            continue
        table[name] = stance.posts_table({name: value} for value in values)[name] if None in values else values
    return table


def _truth(value: object) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


_TYPES: dict[str, Callable[[Any], object]] = {**dict.fromkeys(PROBABILITY_COLUMNS, float), "abstained": _truth}


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a file whole, or say in one line why not."""
    name = os.fspath(path)
    try:
        data = Path(name).read_bytes()
    except FileNotFoundError as error:
        raise no_such_file(name) from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=name, fix="check the path") from error
    if not data.strip():
        raise DataError("the file is empty", where=name, fix="give a file with posts in it")
    return data


_ADDRESS = re.compile(r"www\.|[\w-]+(\.[\w-]+)*\.[a-z]{2,}/", re.IGNORECASE)


def no_such_file(name: str) -> DataError:
    """What to raise where there is no file of that name; perhaps it is the address of a page, as browsers show it."""
    fix = "add https:// to an address, or check the path" if _ADDRESS.match(name) else "check the path"
    return DataError("no such file", where=name, fix=fix)


def decompress(data: bytes) -> bytes:
    """Undo gzip, bzip2, xz or Zstandard where the first bytes say so, but never past `MOST_EXPANDED`."""
    opened = opener(data)
    if opened is None:
        return data
    try:
        expanded: bytes = opened(io.BytesIO(data)).read(MOST_EXPANDED + 1)
    except DAMAGED as error:
        raise DataError(f"compressed data is damaged ({error})", fix="get the file again") from error
    if len(expanded) > MOST_EXPANDED:
        fix = "split it, or label it with `stance label -o`, which reads a row at a time"
        raise DataError(f"more than {MOST_EXPANDED:,} bytes after decompression", fix=fix)
    return expanded


def refuse_heavy(n_bytes: int, n_rows: int, n_values: int, name: str) -> None:
    """Refuse a table that would fill the memory once it is read whole, though its file is small.

    Raises
    ------
    DataError
        If it is more than `MOST_EXPANDED` bytes, or its rows and values would take more than `MOST_MEMORY`.
    """
    if n_bytes <= MOST_EXPANDED and n_rows * _ROW + n_values * _VALUE <= MOST_MEMORY:
        return
    fix = "split it, or label it with `stance label -o`, which reads a row at a time"
    problem = f"{n_rows:,} rows of {n_bytes:,} bytes unfold from it, more than is read at once"
    raise DataError(problem, where=name, fix=fix)


def table_format(data: bytes) -> str | None:
    """Tell which of `FORMATS` the content is, or None for anything that is no table.

    A JSON Lines table begins with a one-line object with scalars in it (a Reddit or Hacker News export has nested
    children); a CSV table begins with a header line that names at least one column of ours.
    """
    if data.startswith(b"PAR1"):
        return ".parquet"
    # A first line that is longer is no table's, and would be read as a whole.
    first = data[:LONGEST_LINE].lstrip(b"\xef\xbb\xbf \r\n\t").split(b"\n", 1)[0].strip()
    if first.startswith(b"{"):
        return ".jsonl" if _is_flat_object(first) else None
    names = {cell.strip().strip('"') for cell in first.decode("utf-8", "replace").split(",")}
    known = {*POST_COLUMNS, "stance", "quote"}
    is_header = bool(names & known) and (len(names) > 1 or names == {"text"})
    return ".csv" if is_header else None


def _is_flat_object(line: bytes) -> bool:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    nested = [value for value in row.values() if isinstance(value, dict) or (isinstance(value, list) and value)]
    return not any(isinstance(value, dict) or isinstance(value[0], dict) for value in nested)


def _read_jsonl(data: bytes, name: str) -> pd.DataFrame:
    rows = []
    for number, line in _lines(data, name):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            fix = f"one object a line; `stance label {name} -o OUT` puts such lines aside"
            problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DataError(f"not JSON ({problem})", where=f"{name}, line {number}", fix=fix) from error
        if not isinstance(row, dict):
            raise DataError(f"{type(row).__name__} instead of an object", where=f"{name}, line {number}")
        rows.append(row)
    return stance.posts_table(rows)


def _read_csv(data: bytes, name: str) -> pd.DataFrame:
    # Within a line only carriage returns may end rows, as old spreadsheets wrote them.
    lines = (part for _, line in _lines(data, name) for part in io.StringIO(line, newline=""))
    reader = csv.reader(lines, strict=True)
    try:
        header, *records = [record for record in reader if record]
    except csv.Error as error:
        raise DataError(f"not CSV ({error})", where=f"{name}, line {reader.line_num}") from error
    for row, record in enumerate(records, start=1):
        if len(record) != len(header):
            problem = f"{len(record)} cells under {len(header)} columns"
            raise DataError(problem, where=f"{name}, row {row}", fix="quote cells that hold commas or line breaks")
    names = [without_mark(name) for name in header]
    rows = ({key: csv_cell(key, value) for key, value in zip(names, record, strict=True)} for record in records)
    return stance.posts_table(rows, names)


def csv_cell(column: str, value: str) -> str | None:
    """Read a cell: empty means None in a column that may be unknown, and an empty text elsewhere."""
    return None if value == "" and column in NULLABLE_COLUMNS else without_mark(value)


def with_mark(text: str) -> str:
    """Make text of what a spreadsheet would take for a formula: a mark before each place where one could begin.

    A text that has the mark there already gets another, so that `without_mark` gives back every string exactly: both
    decide at the same places, which no mark moves, by what stands behind the marks, which no mark changes.

    Examples
    --------
    >>> with_mark("=HYPERLINK(A1)"), with_mark("well;=1+1"), with_mark("1 - 1 = 0"), with_mark("ʼ=1")
    ('ʼ=HYPERLINK(A1)', 'well;ʼ=1+1', '1 - 1 = 0', 'ʼʼ=1')
    """
    first = FORMULA_MARK if _FIRST.match(text) else ""
    # Looked for before it is replaced: hardly any text has one, and `sub` takes four times as long to say so.
    return first + (_LATER.sub(rf"\g<0>{FORMULA_MARK}", text) if _LATER.search(text) else text)


def without_mark(text: str) -> str:
    """Undo `with_mark`; a text of others, whatever apostrophes it has, stays as it is.

    Examples
    --------
    >>> without_mark("ʼ=HYPERLINK(A1)"), without_mark("'=1"), without_mark("ʼn Boer")
    ('=HYPERLINK(A1)', "'=1", 'ʼn Boer')
    """
    if FORMULA_MARK not in text:
        return text
    first = text.startswith(FORMULA_MARK) and _FIRST.match(text)
    return _LATER_MARKED.sub("", text[1:] if first else text)


def _lines(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, decoded one by one: a text as a whole takes up to four times as much as its bytes.

    Only a line feed ends a line; str.splitlines would also cut at U+2028 inside a post.
    """
    begin = 0
    for number, line in enumerate(io.BytesIO(data), start=1):
        if len(line) > LONGEST_LINE:
            raise DataError(f"longer than {LONGEST_LINE:,} bytes", where=f"{name}, line {number}", fix="a post a line")
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            problem = f"byte {begin + error.start} is not UTF-8"
            raise DataError(problem, where=name, fix="save the table as UTF-8") from error
        begin += len(line)


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a table by the ending of its name (`.jsonl`, `.csv`, `.parquet`), whole or not at all; "-" is stdout.

    Raises
    ------
    DataError
        If the ending is unknown, the file cannot be written, or (without `force`) is there already.
    """
    name = os.fspath(path)
    if name == "-":
        return _write_jsonl(table, sys.stdout.buffer)
    write = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}.get(Path(name).suffix)
    if write is None:
        raise DataError("unknown ending", where=name, fix=f"end the name in one of {', '.join(FORMATS)}")
    refuse_existing(name, force=force)
    with replacing(name) as stream:
        write(table, stream)
    return None


def refuse_existing(path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Refuse to write where something is already, unless it is to be replaced.

    A folder with nothing in it, and "-" for standard output, are free.

    Raises
    ------
    DataError
        If it is taken; and with `force` too if it is a device or a pipe, in whose place no file must come.
    """
    target = Path(path)
    if os.fspath(path) == "-" or not os.path.lexists(target):
        return
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise DataError("neither a file nor a folder", where=str(target), fix="name a file; - is standard output")
    if not force and not (target.is_dir() and not any(target.iterdir())):
        fix = "name another, or replace it with --force (in Python: force=True)"
        raise DataError("is there already", where=str(target), fix=fix)


def refuse_missing_folder(path: str | os.PathLike[str]) -> None:
    """Refuse to write where there is no folder to write into.

    Raises
    ------
    DataError
        If there is none.
    """
    folder = Path(path).parent
    if os.fspath(path) != "-" and not folder.is_dir():
        raise DataError("no such folder", where=str(folder), fix="make it first, or name another")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its name only when all has been written."""
    target = Path(path)
    refuse_missing_folder(target)
    try:
        # Closed by the `with` below; it must outlive this block to be renamed.
        handle = tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror})", where=str(target), fix="check the folder") from error
    try:
        with handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        # NamedTemporaryFile makes files private; give this one the mode that open() would have given it.
        umask = os.umask(0)
        os.umask(umask)
        Path(handle.name).chmod(0o666 & ~umask)
        Path(handle.name).replace(target)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def json_line(row: dict[Any, Any]) -> bytes:
    """One row as a line of JSON Lines; a lone surrogate is escaped, since UTF-8 cannot hold it."""
    return _ENCODER.encode(row).encode("utf-8", "backslashreplace") + b"\n"


def _plain(value: Any) -> Any:
    # Values of NumPy know `tolist`, dates and times of Parquet `isoformat`; bytes and decimals are what they print as.
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# Made once: json.dumps would make one a row.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_plain)


def _write_jsonl(table: pd.DataFrame, stream: IO[bytes]) -> None:
    for row in table.to_dict("records"):
        stream.write(json_line(row))


def _write_csv(table: pd.DataFrame, stream: IO[bytes]) -> None:
    stream.write(csv_lines([list(table.columns), *table.itertuples(index=False)]))


def csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as lines of CSV, every string quoted and none a formula; numbers stay numbers."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_csv_value(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def _csv_value(value: Any) -> Any:
    if isinstance(value, str):
        return with_mark(value)
    if value is None or isinstance(value, Number):
        return "" if value is None else value
    return with_mark(" ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _write_parquet(table: pd.DataFrame, stream: IO[bytes]) -> None:
    stance.write_parquet(table, stream)
