"""Labelling on a Dask cluster: the bytes of one process, whoever is killed."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

import stance.stream
from stance import label_files
from stance.stream.label import label_part
from tests.test_stream import lines, model, posts, written  # noqa: F401

distributed = pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")
dask = pytest.importorskip("dask")
# Dask's own sockets and loops are closed when it pleases.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster():
    with (
        # A second death is enough: each costs a new process.
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        yield cluster


@pytest.fixture
def expected(tmp_path, model, monkeypatch):  # noqa: F811
    """A table, and what one process makes of it."""
    monkeypatch.setattr(stance.stream, "PART_ROWS", 20)
    source = written(tmp_path, posts(400))
    label_files([source], tmp_path / "expected.jsonl", model)
    return source, (tmp_path / "expected.jsonl").read_bytes()


def kill_a_worker(pid, after):
    """Kill it as soon as a file is there."""
    while not after.exists():
        threading.Event().wait(0.01)
    os.kill(pid, signal.SIGKILL)


def test_a_worker_killed_on_the_way_loses_and_doubles_nothing(tmp_path, model, cluster, expected):  # noqa: F811
    source, undisturbed = expected
    output = tmp_path / "out.jsonl"
    with distributed.Client(cluster) as client:
        pid = next(iter(client.run(os.getpid).values()))
    killer = threading.Thread(target=kill_a_worker, args=(pid, Path(f"{output}.parts") / "000003.json"))
    killer.start()
    label_files([source], output, model, dask=cluster.scheduler_address)
    killer.join()
    assert output.read_bytes() == undisturbed


def deadly_for_one_thread(part, job):
    """Label a part, but end the process where thread t19 is in it."""
    if any(b'"t19"' in content for content in part.content):
        os.kill(os.getpid(), signal.SIGKILL)
    return label_part(part, job)


def test_a_part_that_kills_every_worker_is_rejected_and_the_others_finish(tmp_path, model, cluster, monkeypatch):  # noqa: F811
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(stance.stream, "PART_ROWS", 20)
    monkeypatch.setattr("stance.stream.engine.label_part", deadly_for_one_thread)
    counts = label_files([written(tmp_path, posts(20))], tmp_path / "out.jsonl", model, dask=cluster.scheduler_address)
    rejected = lines(tmp_path / "out.jsonl.rejected.jsonl")
    assert (counts.rows, counts.rejects) == (60, 20)
    assert [row["line"] for row in rejected] == list(range(61, 81))
    assert {row["reason"] for row in rejected} == {"the process that labelled its part was killed each time"}
