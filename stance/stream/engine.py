"""Who labels a part: this process, other processes of this machine, or the workers of a Dask cluster.

Whoever it is, he is sent whole parts and gives back finished ones: that is why the output does not depend on the
engine. A process of this machine also writes its parts, whose bytes are then not sent about; the workers of a cluster
may see other disks.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from stance.errors import DataError
from stance.stream.job import Job, Labelled
from stance.stream.journal import Done
from stance.stream.label import label_part
from stance.stream.read import Rows


class Result(Protocol):
    """A part that is being labelled."""

    def result(self) -> Labelled | Done:
        """Wait for it; what comes back is written already, or not yet."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """Takes parts.

    Attributes
    ----------
    submit : callable
        Begin with a part, given its number.
    room : int
        How many parts may be under way; no more are read meanwhile.
    """

    submit: Callable[[int, Rows], Result]
    room: int


#: What writes a part, given its number.
Keep = Callable[[int, Labelled], Done]


@contextmanager
def choose_engine(job: Job, jobs: int, dask: str | None, keep: Keep | None) -> Iterator[Engine]:
    """Choose: a Dask cluster where its address is given, else so many processes, which `keep` their parts themselves.

    Without `keep` all parts come back to be written.
    """
    with _dask(job, dask, jobs) if dask else _processes(job, jobs, keep) if jobs > 1 else _here(job) as chosen:
        yield chosen


@contextmanager
def _here(job: Job) -> Iterator[Engine]:
    def submit(_: int, part: Rows) -> Future[Labelled]:
        future: Future[Labelled] = Future()
        future.set_result(label_part(part, job))
        return future

    yield Engine(submit, room=1)


#: Each worker process has one job all its life.
_job: Job
_keep: Keep | None


def _begin(job: Job, keep: Keep | None) -> None:
    global _job, _keep
    _job, _keep = job, keep
    # Ctrl-C goes to the whole group of processes; only the first of them has something to say about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _label_here(number: int, part: Rows) -> Labelled | Done:
    labelled = label_part(part, _job)
    return labelled if _keep is None else _keep(number, labelled)


@contextmanager
def _processes(job: Job, jobs: int, keep: Keep | None) -> Iterator[Engine]:
    pool: Executor = ProcessPoolExecutor(jobs, _context(), initializer=_begin, initargs=(job, keep))
    try:
        # One part at work and one waiting for each.
        yield Engine(lambda number, part: pool.submit(_label_here, number, part), room=2 * jobs)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _context() -> Any:
    """Processes that begin clean: a fork would take over the locks of whatever threads run here."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Loaded once, then shared by all workers.
    context.set_forkserver_preload(["stance.stream", "stance.scorer"])
    return context


@contextmanager
def _dask(job: Job, address: str, jobs: int) -> Iterator[Engine]:
    try:
        # Not loaded with the module: it takes a second, and hardly any run needs it.
        module = import_module("stance.stream.on_dask")
    except ImportError as error:
        raise DataError("a Dask cluster needs Dask", fix="pip install 'stance[dask]'") from error
    with module.on_cluster(label_part, job, address, jobs) as (submit, room):
        yield Engine(lambda _, part: submit(part), room)
