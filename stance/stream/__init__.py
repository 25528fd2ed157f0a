"""Label posts without end: constant memory, any number of processes, and no row lost or doubled whatever happens.

sources ──read──> rows ──cut──> parts of whole threads ──label──> parts of the output ──journal──> the output
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from stance import __version__
from stance.conversation import Named
from stance.errors import DataError
from stance.extract import warn_of_guesses
from stance.extract.own import own_platforms
from stance.extract.sources import find_sources
from stance.model import MANY, Model, load_model
from stance.pseudonyms import pseudonym
from stance.records import LABEL_COLUMNS
from stance.stream.cut import PART_BYTES, PART_ROWS, cut_into_parts, row_of
from stance.stream.encode import PACKING
from stance.stream.engine import Engine, Keep, Result, choose_engine
from stance.stream.job import Job, Labelled
from stance.stream.journal import Done, Journal, Shelf, rejects_of
from stance.stream.label import usable
from stance.stream.read import Reading, Rows
from stance.stream.sort import sorted_by_thread
from stance.tables import FORMATS, csv_lines, refuse_missing_folder

__all__ = ["Counts", "label_files"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How a run ended: rows read = `rows` + `rejects`, always."""

    rows: int = 0
    rejects: int = 0
    #: Toward what: a model of another target than the table's is then seen at once.
    target: str = field(default="", compare=False)
    #: The file that holds the rejects, with the reason for each; empty where they went to standard error.
    rejected: str = field(default="", compare=False)

    def __str__(self) -> str:
        """One line for people."""
        toward = f" toward {self.target}" if self.target else ""
        said = f"{self.rows} post{'' if self.rows == 1 else 's'} labelled{toward}"
        if not self.rejects:
            return said
        where = f"; {'it is' if self.rejects == 1 else 'they are'} in {self.rejected}" if self.rejected else ""
        return f"{said}, {self.rejects} row{'' if self.rejects == 1 else 's'} rejected{where}"


def label_files(
    sources: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] = "-",
    model: Model | str | os.PathLike[str] | None = None,
    *,
    conversation: bool = True,
    jobs: int = 1,
    dask: str | None = None,
    sort_threads: bool = False,
    strict: bool = False,
    force: bool = False,
    key: bytes | None = None,
) -> Counts:
    """Label the posts of files of any size: tables, pages, folders and patterns of them.

    The output has the labels and every column of the input. A row that cannot be used goes to OUTPUT.rejected.jsonl,
    with its line and the reason. Until all is done, OUTPUT.parts holds what has been done: the same call again goes on
    from there, after whatever ended the first.

    Parameters
    ----------
    output : path or "-"
        A file that ends in .jsonl, .csv or .parquet, the first two also with .gz or .zst after it; "-" is standard
        output, as JSON Lines.
    jobs : int
        Number of processes; the output does not depend on it.
    dask : str, optional
        Address of a Dask scheduler ("tcp://..."), or "local" for a new cluster of `jobs` processes (all cores where
        `jobs` is 1). The rows are read and written here, and labelled there; the output is the same. A part whose
        worker is killed each time is rejected, and the others go on.
    sort_threads : bool
        Whether the input is sorted by thread first, on disk; the output is then in that order. Needs DuckDB.
    strict : bool
        Whether a row that cannot be used ends the run.
    force : bool
        Whether an output that is there already is replaced.
    key : bytes, optional
        Of pseudonyms (`stance.read_key`): authors' names are replaced as `stance.pseudonymise` does it, and rejects
        show no rows.

    Raises
    ------
    DataError
        If a source cannot be read, the output not written or (without `force`) there already, a thread is scattered
        over the input, or nothing could be labelled.
    """
    name = os.fspath(output)
    ending, packing = _format(name)
    refuse_missing_folder(name)
    reading = Reading(find_sources(sources))
    # A model that has labelled before carries what it remembers; workers need only the model itself.
    job = Job(replace(load_model(model)), reading.names, ending, packing, conversation, key=key)
    run = _Run(reading, job, strict, jobs, dask, sort_threads)
    with _terminated_like_interrupted():
        try:
            counts = run.to_stdout() if name == "-" else run.to_file(name, force=force)
            rejected = "" if name == "-" else str(rejects_of(name))
            return replace(counts, target=job.model.target, rejected=rejected)
        except KeyboardInterrupt as error:
            raise DataError("interrupted", where=name, fix="the same command again goes on from here") from error
        except BrokenProcessPool as error:
            fix = "the same command again goes on from here; fewer --jobs need less memory"
            raise DataError("a worker process was killed", where=name, fix=fix) from error
        except BrokenPipeError:
            # Whoever read the output has seen enough; click then ends without a word.
            raise
        except OSError as error:
            fix = "the same command again goes on from here"
            raise DataError(f"cannot be written ({error.strerror})", where=name, fix=fix) from error


def _format(name: str) -> tuple[str, str]:
    """Kind of table and of compression of an output, by the end of its name."""
    if name == "-":
        return ".jsonl", ""
    path = Path(name)
    packing = path.suffix if path.suffix in PACKING else ""
    ending = Path(path.stem).suffix if packing else path.suffix
    if ending not in FORMATS or (packing and ending == ".parquet"):
        fix = f"end the name in one of {', '.join(FORMATS)}, or in .gz or .zst after the first two"
        raise DataError("unknown ending", where=name, fix=fix)
    return ending, packing


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does; elsewhere than in the main thread signals are not ours."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass
class _Run:
    """One call of `label_files`."""

    reading: Reading
    job: Job
    strict: bool
    jobs: int
    dask: str | None
    sort_threads: bool

    def to_stdout(self) -> Counts:
        rejected: list[bytes] = []

        def write(_: int, part: Labelled) -> Done:
            sys.stdout.buffer.write(part.data)
            sys.stdout.buffer.flush()
            rejected.append(part.rejected)
            return Done(part.rows, part.rejects, part.threads, part.named)

        counts, _ = self._label(self._stretches(Path(tempfile.gettempdir())), lambda _: None, write, None)
        if counts.rows == 0:
            raise self._nothing(b"".join(rejected))
        sys.stderr.write(b"".join(rejected).decode("utf-8", "replace"))
        return counts

    def _nothing(self, rejected: bytes) -> DataError:
        reason = json.loads(rejected.splitlines()[0])["reason"] if rejected else "the file is empty"
        fix = "give posts: a page with comments in it, or a table with a column 'text'"
        return DataError(f"nothing could be labelled ({reason})", where=", ".join(self.job.sources), fix=fix)

    def to_file(self, name: str, *, force: bool) -> Counts:
        stretches = self._stretches(Path(name).parent)
        journal = Journal(name, self._identity(), force=force)
        there = partial(_keep_usable, journal.shelf) if self.strict else journal.shelf.keep
        counts, n_parts = self._label(stretches, journal.done, journal.keep, there)
        if counts.rows == 0:
            rejected = journal.first_rejects()
            journal.discard()
            raise self._nothing(rejected)
        head = csv_lines([self.job.columns]) if self.job.ending == ".csv" else b""
        journal.finish(n_parts, PACKING[self.job.packing](head) if head else b"")
        return counts

    def _stretches(self, folder: Path) -> Iterator[Rows]:
        """The rows in the order of the output; the first of them tell how all will be treated."""
        stretches = self.reading.rows()
        if self.sort_threads:
            stretches = sorted_by_thread(stretches, folder)
        held: list[Rows] = []
        n_bytes = 0
        for stretch in stretches:
            held.append(stretch)
            n_bytes += stretch.n_bytes
            if sum(one.n_rows for one in held) >= MANY or n_bytes >= PART_BYTES:
                break
        first = Rows.joined(held).between(0, MANY) if held else Rows([], [], [], [])
        columns = () if self.job.ending == ".jsonl" else _columns(first)
        self.job = replace(self.job, columns=columns, types=self._types(), n_all=first.n_rows)
        return chain(held, stretches)

    def _types(self) -> dict[str, Any]:
        # A pseudonym is a string, whatever the source had for names.
        hidden = ("author",) if self.job.key is not None else ()
        return {name: kind for name, kind in self.reading.types.items() if name not in hidden}

    def _identity(self) -> dict[str, Any]:
        """Everything that decides a byte of the output; standard input is new each time."""
        files = [
            [name, *((found.st_size, found.st_mtime_ns) if (found := _stat(name)) else (os.urandom(8).hex(),))]
            for name in self.job.sources
        ]
        job = self.job
        settings = [job.ending, job.packing, job.conversation, self.sort_threads, list(job.columns), PART_ROWS]
        if own := own_platforms():
            settings.append(sha256(repr(own).encode()).hexdigest())
        if job.key is not None:
            # Tells one key from another, and gives none away.
            settings.append(pseudonym("", job.key))
        return {"stance": __version__, "model": self.job.model.id, "settings": settings, "sources": files}

    def _label(
        self,
        stretches: Iterable[Rows],
        done: Callable[[int], Done | None],
        keep: Keep,
        there: Keep | None,
    ) -> tuple[Counts, int]:
        counts, threads, named, n_parts = Counts(), _Threads(), Named(), 0
        with (
            choose_engine(self.job, self.jobs, self.dask, there) as chosen,
            tqdm(unit=" posts", disable=None, leave=False) as bar,
        ):
            for number, part in self._parts(stretches, done, chosen):
                found = part if isinstance(part, Done) else part.result()
                state = found if isinstance(found, Done) else keep(number, usable(found) if self.strict else found)
                if self.job.conversation:
                    threads.add(state.threads)
                counts = Counts(counts.rows + state.rows, counts.rejects + state.rejects)
                named += state.named
                n_parts = number + 1
                bar.total = int((counts.rows + counts.rejects) / self.reading.share) if self.reading.share else None
                bar.update(state.rows + state.rejects)
        named.warn()
        warn_of_guesses(self.reading.guessed)
        return counts, n_parts

    def _parts(
        self,
        stretches: Iterable[Rows],
        done: Callable[[int], Done | None],
        engine: Engine,
    ) -> Iterator[tuple[int, Done | Result]]:
        """Parts in order; no more is read than the engine has room for."""
        waiting: deque[tuple[int, Done | Result]] = deque()
        for number, part in enumerate(cut_into_parts(iter(stretches), rows=PART_ROWS)):
            waiting.append((number, done(number) or engine.submit(number, part)))
            if len(waiting) >= engine.room:
                yield waiting.popleft()
        yield from waiting


def _keep_usable(shelf: Shelf, number: int, part: Labelled) -> Done:
    return shelf.keep(number, usable(part))


def _stat(name: str) -> os.stat_result | None:
    return Path(name).stat() if Path(name).is_file() else None


def _columns(first: Rows) -> tuple[str, ...]:
    """Columns of an output that has one set of them: the labels, then what the first rows have."""
    rows = [row for content in first.content if isinstance(row := row_of(content), dict)]
    return tuple(dict.fromkeys([*LABEL_COLUMNS, *(str(name) for row in rows for name in row)]))


class _Threads:
    """Names of all threads seen, 8 bytes each: so much may grow with the input."""

    def __init__(self) -> None:
        self._seen = np.zeros(0, dtype=np.uint64)

    def add(self, names: Sequence[int]) -> None:
        """Add the threads of one part.

        Raises
        ------
        DataError
            If one of them was in an earlier part.
        """
        new = np.array(names, dtype=np.uint64)
        places = np.searchsorted(self._seen, new)
        inside = places < len(self._seen)
        if (self._seen[places[inside]] == new[inside]).any():
            fix = "sort with --sort-threads, or label each post alone with --no-conversation"
            raise DataError("the posts of a thread do not stand together", fix=fix)
        self._seen = np.insert(self._seen, places, new)
