"""Small files that stand for very much: each must be refused in one line, or read in little memory.

    python -m benchmarks.bombs
    python -m benchmarks.bombs --only parquet

Each bomb goes through `stance evaluate` (tables that are read whole), `stance label -o` (rows in a stream) and `stance
extract` (pages). Address space is limited, so that a bomb that goes off ends its own process and not the machine.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent

#: Bytes of address space that a command may have, and seconds that it may take.
MOST_MEMORY = 8 << 30
LONGEST = 20

MEGABYTE = 1 << 20


def _gzip(pieces: Iterator[bytes]) -> bytes:
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed:
        for piece in pieces:
            packed.write(piece)
    return stream.getvalue()


def _zstd(pieces: Iterator[bytes]) -> bytes:
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as packed:
        for piece in pieces:
            packed.write(piece)
    return bytes(stream.getvalue())


def _times(piece: bytes, n_bytes: int, begin: bytes = b"", end: bytes = b"") -> Iterator[bytes]:
    """The piece again and again, for so many bytes, in blocks of a megabyte."""
    block = piece * max(1, MEGABYTE // len(piece))
    yield begin
    for _ in range(n_bytes // len(block)):
        yield block
    yield end


def _parquet(batches: Iterator[pa.RecordBatch], schema: pa.Schema, **options: object) -> bytes:
    stream = io.BytesIO()
    with pq.ParquetWriter(stream, schema, compression="zstd", **options) as writer:  # type: ignore[arg-type]
        for batch in batches:
            writer.write_batch(batch, row_group_size=batch.num_rows)
    return stream.getvalue()


def a_billion_equal_rows() -> bytes:
    """Parquet: one word, a billion times, as a dictionary of one and runs of its number."""
    rows = 20_000_000
    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()).take(pa.repeat(0, rows)), pa.array(["none"]))
    schema = pa.schema({"text": column.type, "stance": column.type})
    batch = pa.record_batch([column, column], schema=schema)
    return _parquet((batch for _ in range(50)), schema)


def _long_cells(rows: int, length: int) -> bytes:
    words = pa.array(["x" * length])
    column = pa.DictionaryArray.from_arrays(pa.repeat(0, rows).cast(pa.int32()), words)
    schema = pa.schema({"text": column.type})
    batches = iter([pa.record_batch([column], schema=schema)])
    return _parquet(batches, schema, dictionary_pagesize_limit=1 << 31)


def one_long_cell_in_every_row() -> bytes:
    """Parquet: a cell of 100 MB, a million times."""
    return _long_cells(1_000_000, 100 * MEGABYTE)


def a_megabyte_in_every_row() -> bytes:
    """Parquet: a cell of 1 MB, a million times."""
    return _long_cells(1_000_000, 1_000_000)


def a_page_of_a_gigabyte() -> bytes:
    """Parquet: one cell of 1 GB, in one page."""
    schema = pa.schema({"text": pa.large_string()})
    batch = pa.record_batch([pa.array(["x" * (1 << 30)], pa.large_string())], schema=schema)
    return _parquet(iter([batch]), schema, use_dictionary=False)


def cells_that_repeat_their_beginning() -> bytes:
    """Parquet: DELTA_BYTE_ARRAY, each of 20,000 cells the same 1 MB, written as "as above"."""
    schema = pa.schema({"text": pa.large_string()})
    batch = pa.record_batch([pa.array(["x" * 1_000_000] * 1_000, pa.large_string())], schema=schema)
    encoding = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    return _parquet(iter([batch] * 20), schema, data_page_size=1 << 31, **encoding)


def a_list_without_end() -> bytes:
    """Parquet: one row with a list of 500 million zeros."""
    size = 500_000_000
    values = pa.repeat(pa.scalar(0, pa.int8()), size)
    lists = pa.LargeListArray.from_arrays(pa.array([0, size], pa.int64()), values)
    schema = pa.schema({"text": pa.string(), "parent_candidates": lists.type})
    return _parquet(iter([pa.record_batch([pa.array(["none"]), lists], schema=schema)]), schema)


GIGABYTES = 20 << 30
SMALL_GIGABYTES = 2 << 30
ROW = b'{"thread": "t", "post": "1", "text": "x", "stance": "none"}\n'

BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "parquet: a billion equal rows": ("x.parquet", a_billion_equal_rows),
    "parquet: 100 MB in each of a million rows": ("x.parquet", one_long_cell_in_every_row),
    "parquet: 1 MB in each of a million rows": ("x.parquet", a_megabyte_in_every_row),
    "parquet: one cell of 1 GB": ("x.parquet", a_page_of_a_gigabyte),
    "parquet: cells that repeat their beginning": ("x.parquet", cells_that_repeat_their_beginning),
    "parquet: one list of 500 million": ("x.parquet", a_list_without_end),
    "parquet.zst: 20 GB of nothing": ("x.parquet.zst", lambda: _zstd(_times(b"\0", GIGABYTES, b"PAR1", b"PAR1"))),
    "jsonl.zst: one line of 20 GB": ("x.jsonl.zst", lambda: _zstd(_times(b"x", GIGABYTES, b'{"text": "', b'"}\n'))),
    "jsonl.gz: one line of 2 GB": ("x.jsonl.gz", lambda: _gzip(_times(b"x", SMALL_GIGABYTES, ROW + b'{"text": "'))),
    "jsonl.zst: lines of 16 MB": (
        "x.jsonl.zst",
        lambda: _zstd(_times(b'{"text": "' + b"x" * (15 * MEGABYTE) + b'"}\n', GIGABYTES, ROW)),
    ),
    "jsonl.zst: 900 MB of empty rows": ("x.jsonl.zst", lambda: _zstd(_times(b"{}\n", 900 * MEGABYTE, ROW))),
    "jsonl.zst: a list of 900 MB": (
        "x.jsonl.zst",
        lambda: _zstd(_times(b"{},", 900 * MEGABYTE, ROW + b'{"text": "x", "a": [', b"0]}\n")),
    ),
    "csv.zst: one line of 20 GB": ("x.csv.zst", lambda: _zstd(_times(b"x", GIGABYTES, b"text,stance\n"))),
    "csv.zst: a quote that nobody closes": ("x.csv.zst", lambda: _zstd(_times(b"x\n", GIGABYTES, b'text,stance\n"'))),
    "csv.zst: 900 MB of commas": ("x.csv.zst", lambda: _zstd(_times(b",", 900 * MEGABYTE, b"text,stance"))),
    "csv.zst: 900 MB of short rows": (
        "x.csv.zst",
        lambda: _zstd(_times(b"x,none\n", 900 * MEGABYTE, b"text,stance\n")),
    ),
    "csv.zst: a million columns": (
        "x.csv.zst",
        lambda: _zstd(
            _times(
                b"," * 1_000_000 + b"\n",
                900 * MEGABYTE,
                b",".join([b"text", *map(b"c%d".__mod__, range(10**6))]) + b"\n",
            )
        ),
    ),
    "html.gz: 20 GB of words": ("x.html.gz", lambda: _gzip(_times(b"x ", SMALL_GIGABYTES, b"<p>"))),
    "warc.gz: a page that is packed twice": (
        "x.warc.gz",
        lambda: _gzip(iter([_archived(_gzip(_times(b"x ", SMALL_GIGABYTES, b"<p>")))])),
    ),
    "json: nested a million deep": ("x.json", lambda: b'{"a":' * 10**6),
    "jsonl: a row nested a million deep": ("x.jsonl", lambda: ROW + b'{"a":' * 10**6 + b"\n"),
    "xml: nested a million deep": ("x.xml", lambda: b"<?xml version='1.0'?><rss>" + b"<a>" * 10**6),
    "xml: nested a million deep, closed": (
        "x.xml",
        lambda: b"<?xml version='1.0'?><rss>" + b"<a>" * 10**6 + b"</a>" * 10**6 + b"</rss>",
    ),
}


def _archived(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + body
    return (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n" % (len(head), head)
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit status, last line of its messages, seconds, and bytes of memory at most."""

    status: int
    said: str
    seconds: float
    peak: int

    @property
    def verdict(self) -> str:
        """What a reader of the table wants to know."""
        if self.status == 2 and "Traceback" not in self.said:
            return "one line"
        if self.status == -signal.SIGXCPU or self.status == -signal.SIGKILL:
            return f"still at it after {LONGEST} s"
        return "done" if self.status == 0 else f"FAILED ({self.status})"


def run(command: list[str], folder: Path, memory: int = MOST_MEMORY) -> Ended:
    """Run a command with limited address space and measure it."""
    begun = time.perf_counter()
    with (folder / "said").open("w+b") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "stance", *command],
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=lambda: _limit(memory),
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    shown = "Traceback: " + lines[-1] if any("Traceback" in line for line in lines) else (lines or [""])[-1]
    return Ended(os.waitstatus_to_exitcode(status), shown, seconds, used.ru_maxrss * 1024)


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 30, 4 << 30))


def commands(source: Path) -> dict[str, list[str]]:
    """The ways into stance."""
    output = source.with_name("out.jsonl")
    return {
        "extract": ["extract", str(source)],
        "evaluate": ["evaluate", str(source)],
        "label -o": ["label", str(source), "-o", str(output), "--force"],
    }


def main() -> None:
    """Make each bomb, let it off in each way, print a row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="bombs with this in their names")
    parser.add_argument("--ways", default="", help="ways with this in their names")
    parser.add_argument("--make", nargs=2, metavar=("BOMB", "PATH"), help="make one bomb and do nothing else")
    parser.add_argument("--messages", action="store_true", help="what each command says")
    given = parser.parse_args()
    if given.make:
        Path(given.make[1]).write_bytes(BOMBS[given.make[0]][1]())
        return
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    print("| file | bytes | way | ends | seconds | peak MB | says |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name, (file_name, _) in BOMBS.items():
        if given.only not in name:
            continue
        with tempfile.TemporaryDirectory() as place:
            source = Path(place) / file_name
            # In a process of its own: the memory of this one would count as that of the commands that it starts.
            subprocess.run([sys.executable, "-m", "benchmarks.bombs", "--make", name, str(source)], check=True)
            for way, command in commands(source).items():
                if given.ways not in way:
                    continue
                ended = run(command, Path(place))
                figures = f"{ended.seconds:.1f} | {ended.peak / 1e6:.0f}"
                said = ended.said.replace(place + "/", "")[:150] if given.messages else ""
                size = source.stat().st_size
                print(f"| {name} | {size:,} | {way} | {ended.verdict} | {figures} | {said} |", flush=True)


if __name__ == "__main__":
    main()
