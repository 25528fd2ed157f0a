"""Damaged input for every reader: how much is read, how much refused in one line, and whether any traceback or wait.

    python -m benchmarks.fuzz --inputs 3000
    python -m benchmarks.fuzz --only Parquet --inputs 200

Each input is one of the invented pages, exports and tables of the tests, damaged in up to five ways by a seeded
generator: the same seed gives the same inputs. A reader that takes more than `LIMIT` seconds of a processor is stopped.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType

from benchmarks import mutations, reliability
from benchmarks.mutations import LIMIT, PAGES
from stance.annotate.exchange import read_source
from stance.errors import StanceError
from stance.extract import extract
from stance.stream.read import Reading
from stance.tables import read_table

#: A reader takes bytes and a folder of its own, and returns how many posts, rows or labels it has found.
Read = Callable[[bytes, Path], int]
Make = Callable[[random.Random], bytes]


class TooSlow(BaseException):
    """Raised when the limit has passed; no `except Exception` may swallow it."""


@dataclass
class Tally:
    """What became of the inputs of one reader."""

    counts: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    first_traceback: str | None = None

    @property
    def is_clean(self) -> bool:
        """Whether each input was read, or refused in one line."""
        return not self.counts["traceback"] and not self.counts["too slow"]


def _threads(data: bytes, folder: Path) -> int:
    return sum(len(thread.posts) for thread in extract(data))


def _table(data: bytes, folder: Path) -> int:
    return len(read_table(folder / "input", data))


def _stream(ending: str) -> Read:
    def read(data: bytes, folder: Path) -> int:
        path = folder / f"input{ending}"
        path.write_bytes(data)
        return sum(stretch.n_rows for stretch in Reading((str(path),)).rows())

    return read


def _annotated(data: bytes, folder: Path) -> int:
    path = folder / "input.json"
    path.write_bytes(data)
    return len(read_source(str(path), "ann")[0])


def _labelled(data: bytes, folder: Path) -> int:
    """Label a table as `stance label -o` does; each row must be in the output or among the rejects."""
    path = folder / "input.jsonl"
    path.write_bytes(data)
    ended = reliability.outcome(path, folder / "out.jsonl", None)
    if ended == "refused":
        raise StanceError("refused")
    if ended != "labelled":
        raise AssertionError(ended)
    return 1


@cache
def _pages(form: str) -> tuple[bytes, ...]:
    """The invented pages that belong to a reader."""
    names = sorted(path for path in PAGES.iterdir() if not path.name.endswith(".expected.json"))
    if form.startswith("."):
        return tuple(path.read_bytes() for path in names if path.suffix == form)
    return tuple(path.read_bytes() for path in names if path.suffix == ".html" and _reader_of(path) == form)


def _reader_of(page: Path) -> str:
    expected = json.loads(page.with_suffix(".expected.json").read_text())
    name = next((thread["platform"] for thread in expected if thread["platform"]), None)
    by_structure = {"repeated blocks": "unknown", "numbered posts": "unknown", None: "none"}
    return "schema.org" if str(name).startswith("schema.org") else by_structure.get(name, "known")


def _page(form: str) -> Make:
    def make(chance: random.Random) -> bytes:
        page = chance.choice(_pages(form))
        for _ in range(chance.randint(1, 5)):
            page = chance.choice(mutations.DAMAGES)(page, chance.choice(_pages(form)), chance)
        return page

    return make


def _archive(chance: random.Random) -> bytes:
    """A web archive of some pages, damaged inside its records or between them."""
    records = b"".join(_record(chance.choice(_pages("known")), chance) for _ in range(chance.randint(1, 3)))
    for _ in range(chance.randint(0, 3)):
        records = chance.choice(mutations.DAMAGES)(records, records, chance)
    return reliability.packed(records, chance) if chance.random() < 0.2 else records


def _record(page: bytes, chance: random.Random) -> bytes:
    coding = chance.choice([b"", b"", b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: chunked\r\n"])
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + coding + b"\r\n" + page
    length = len(body) + (chance.randint(-200, 200) if chance.random() < 0.3 else 0)
    head = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://forum.example/t\r\nWARC-Date: 2020-01-01T00:00:00Z"
    )
    return head + b"\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n" % length + body + b"\r\n\r\n"


def _rows(ending: str, most: int = 3) -> Make:
    def make(chance: random.Random) -> bytes:
        data = reliability.WRITERS[ending](reliability.rows(chance))
        for damage in chance.choices(reliability.DAMAGES, k=chance.randint(0, most)):
            data = damage(data, chance)
        return data

    return make


def _any_rows(chance: random.Random) -> bytes:
    return _rows(chance.choice(list(reliability.WRITERS)))(chance)


def _tasks(chance: random.Random) -> bytes:
    """An export of Label Studio or doccano, damaged."""
    words = chance.choice(["Safe.", "Who says so?", ""])
    result = {"type": "choices", "from_name": "stance", "to_name": "text", "value": {"choices": ["favor"]}}
    tasks = [{"id": n, "data": {"text": words}, "annotations": [{"result": [result]}]} for n in range(4)]
    lines = [{"id": n, "text": words, "label": ["favor"]} for n in range(4)]
    data = json.dumps(tasks).encode() if chance.random() < 0.5 else reliability.as_jsonl(lines)
    for _ in range(chance.randint(0, 3)):
        data = chance.choice(mutations.DAMAGES)(data, data, chance)
    return data


READERS: dict[str, tuple[Make, Read]] = {
    "HTML, platforms that are known": (_page("known"), _threads),
    "HTML, schema.org": (_page("schema.org"), _threads),
    "HTML, unknown markup": (_page("unknown"), _threads),
    "HTML without comments": (_page("none"), _threads),
    "text dumps": (_page(".txt"), _threads),
    "exports, JSON (21 forms)": (_page(".json"), _threads),
    "exports, XML (3 forms)": (_page(".xml"), _threads),
    "web archives (WARC)": (_archive, _threads),
    "tables read whole, JSON Lines": (_rows(".jsonl"), _table),
    "tables read whole, CSV": (_rows(".csv"), _table),
    "tables read whole, Parquet": (_rows(".parquet", most=1), _table),
    "tables in a stream, JSON Lines": (_rows(".jsonl"), _stream(".jsonl")),
    "tables in a stream, CSV": (_rows(".csv"), _stream(".csv")),
    "tables in a stream, Parquet": (_rows(".parquet", most=1), _stream(".parquet")),
    "tables labelled with `-o`": (_any_rows, _labelled),
    "Label Studio and doccano": (_tasks, _annotated),
}


def fuzz(make: Make, read: Read, n_inputs: int, folder: Path, seed: int = 0) -> Tally:
    """Give a reader so many damaged inputs."""
    tally, chance = Tally(), random.Random(seed)  # noqa: S311 - damage, not secrets
    for _ in range(n_inputs):
        data = make(chance)
        begun = time.process_time()
        tally.counts[_ended(read, data, folder, tally)] += 1
        tally.longest = max(tally.longest, time.process_time() - begun)
    return tally


def _ended(read: Read, data: bytes, folder: Path, tally: Tally) -> str:
    try:
        with _at_most(LIMIT):
            return "read" if read(data, folder) else "empty"
    except StanceError as error:
        if "\n" not in str(error):
            return "refused"
        tally.first_traceback = tally.first_traceback or f"several lines: {error}"
    except TooSlow:
        return "too slow"
    except Exception:
        tally.first_traceback = tally.first_traceback or traceback.format_exc()
    return "traceback"


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def models(n_folders: int, seed: int = 0) -> Tally:
    """Damaged model folders: see `tests/hostile_models.py`."""
    sys.path.insert(0, str(PAGES.parent))
    import hostile_models

    counts, wrong = hostile_models.attack(n_folders, seed=seed)
    tally = Tally(first_traceback=wrong[0] if wrong else None)
    tally.counts.update(read=counts["the same"] + counts["another model"], refused=counts["refused"])
    tally.counts["traceback"] = n_folders - tally.counts.total()
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row a reader; the exit status says whether all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=3000, metavar="N", help="damaged inputs a reader")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other inputs")
    parser.add_argument("--only", default="", help="readers with this in their names")
    given = parser.parse_args(arguments)
    print("| reader | tried | read | read, no posts | refused in one line | tracebacks | over 5 s | longest, CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    tallies = []
    with tempfile.TemporaryDirectory() as place:
        for name, (make, read) in READERS.items():
            if given.only in name:
                tallies.append(_printed(name, fuzz(make, read, given.inputs, Path(place), given.seed)))
    if given.only in "model folders":
        tallies.append(_printed("model folders", models(given.inputs, given.seed)))
    return int(not all(tally.is_clean for tally in tallies))


def _printed(name: str, tally: Tally) -> Tally:
    figures = [tally.counts[outcome] for outcome in ("read", "empty", "refused", "traceback", "too slow")]
    longest = f"{tally.longest:.2f}" if tally.longest else ""
    print(f"| {name} | {tally.counts.total():,} | {' | '.join(f'{n:,}' for n in figures)} | {longest} |", flush=True)
    if tally.first_traceback:
        print(tally.first_traceback, file=sys.stderr)
    return tally


if __name__ == "__main__":
    sys.exit(main())
