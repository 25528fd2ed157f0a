"""Labelling on the workers of a Dask cluster; loaded only for that, since Dask takes a second."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin, get_worker

from stance.errors import DataError
from stance.stream.job import Job, Labelled
from stance.stream.label import reject_part
from stance.stream.read import Rows

Label = Callable[[Rows, Job], Labelled]


class _Carrier(WorkerPlugin):
    """Brings the job, and the model in it, to each worker once; to those too that come or come back later."""

    def __init__(self, name: str, label: Label, job: Job) -> None:
        self.name = name
        self.label = label
        self.job = job


def _label_here(part: Rows, name: str) -> Labelled:
    carrier: Any = get_worker().plugins[name]
    labelled: Labelled = carrier.label(part, carrier.job)
    return labelled


@dataclass(frozen=True, slots=True)
class _Result:
    future: Any
    part: Rows
    job: Job

    def result(self) -> Labelled:
        """Wait for the part; where its worker died each time, its rows are rejected."""
        try:
            labelled: Labelled = self.future.result()
        except KilledWorker:
            return reject_part(self.part, self.job, "the process that labelled its part was killed each time")
        return labelled


@contextmanager
def on_cluster(label: Label, job: Job, address: str, jobs: int) -> Iterator[tuple[Callable[[Rows], _Result], int]]:
    """Connect to the scheduler at that address, or to a new cluster on this machine where it is "local".

    Yields what begins with a part, and how many parts may be under way: one a thread, so that a part that kills its
    worker takes no other with it. Such a part is given to another worker; after some deaths the scheduler gives up
    (`distributed.scheduler.allowed-failures`, 3), and the part is quarantined.
    """
    name = f"stance-{uuid.uuid4()}"
    with _cluster(address, jobs) as cluster, _client(cluster) as client:
        client.register_plugin(_Carrier(name, label, job))
        try:
            yield (
                lambda part: _Result(client.submit(_label_here, part, name, pure=False), part, job),
                max(1, sum(client.nthreads().values())),
            )
        finally:
            client.unregister_worker_plugin(name)


def _client(cluster: LocalCluster | str) -> Client:
    try:
        return Client(cluster)  # type: ignore[no-untyped-call]
    except OSError as error:
        fix = "check that its scheduler runs, or use --dask local"
        raise DataError("no Dask cluster there", where=str(cluster), fix=fix) from error


@contextmanager
def _cluster(address: str, jobs: int) -> Iterator[LocalCluster | str]:
    if address != "local":
        yield address
        return
    workers = jobs if jobs > 1 else os.cpu_count() or 1
    settings: Any = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**settings) as cluster:  # type: ignore[no-untyped-call]
        yield cluster
