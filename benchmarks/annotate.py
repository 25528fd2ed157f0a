"""Measure hand-labelling: no label lost, how fast, and what active order saves.

    python benchmarks/annotate.py writers    8 annotators at once, 400 labels each, over HTTP
    python benchmarks/annotate.py kills      50 labels by keyboard, kill -9 at 20 random moments (needs Chromium)
    python benchmarks/annotate.py keys       from key press to the next post, thread of 2,000 posts (needs Chromium)
    python benchmarks/annotate.py active     labels that active order needs for random order's accuracy

The first three run the code of the tests with the full counts; `active` simulates an annotator who gives the corpus's
own labels.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click
import numpy as np
from scipy.special import softmax
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import stance
from stance import features
from stance.annotate.queue import active_order
from stance.data import LABELS, posts_table
from stance.train import Corpus, Task, as_csr, fit_head

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from conftest import start_chromium
from test_annotate_page import Page, Server, label_through_kills
from test_annotate_server import database_id, event_count


@click.group()
def main() -> None:
    """Measure hand-labelling."""


def thread_of(n_posts: int):
    """An invented thread, each post answering one of the ten before it."""
    chance = np.random.default_rng(0)
    return posts_table(
        {
            "thread": "long",
            "post": str(number),
            "parent": str(number - int(chance.integers(1, 11))) if number > 10 else None,
            "author": f"writer {number % 37}",
            "text": f"Remark {number} " + "on masts and phones and who builds them. " * int(chance.integers(1, 6)),
        }
        for number in range(1, n_posts + 1)
    )


@contextmanager
def served(n_posts: int, *options: str):
    """A server on an invented thread, in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), thread_of(n_posts), *options)
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def shown(server: Server):
    """A browser at the server's page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = start_chromium(profile)
        try:
            yield browser
        finally:
            browser.quit()


def percentiles(values) -> str:
    """Median, 95th and 99th percentile and largest, in milliseconds."""
    p50, p95, p99, top = np.percentile(np.array(values), [50, 95, 99, 100])
    return f"median {p50:.1f} ms, 95th percentile {p95:.1f} ms, 99th percentile {p99:.1f} ms, largest {top:.1f} ms"


@main.command()
@click.option("--annotators", default=8, show_default=True)
@click.option("--labels", default=400, show_default=True)
def writers(annotators: int, labels: int) -> None:
    """Label from many sides at once."""
    waits: list[float] = []
    refused: list[int] = []

    def work(name: str) -> None:
        with closing(http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)) as connection:
            for number in range(1, labels + 1):
                event = {"id": f"{name}-{number:05}", "thread": "long", "post": str(number), "kind": "stance"}
                sent = {"database": identity, "annotator": name, "events": [{**event, "value": LABELS[number % 3]}]}
                begun = time.perf_counter()
                connection.request("POST", "/api/events", json.dumps(sent), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                waits.append(1000 * (time.perf_counter() - begun))
                refused.extend([answer.status] if answer.status != 200 else [])

    with served(labels) as server:
        identity = database_id(server.database)
        threads = [threading.Thread(target=work, args=(f"annotator{number}",)) for number in range(annotators)]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begun
        stored = event_count(server.database)
    print(f"{annotators} annotators, {labels} labels each: {stored} stored, {len(refused)} refused")
    in_time = np.mean(np.array(waits) <= 100)
    print(f"{len(waits) / seconds:.0f} labels a second; {percentiles(waits)}; within 100 ms: {in_time:.2%}")


@main.command()
@click.option("--labels", default=50, show_default=True)
@click.option("--kill", "n_kills", default=20, show_default=True)
@click.option("--seed", default=0, show_default=True)
def kills(labels: int, n_kills: int, seed: int) -> None:
    """Kill the server while somebody labels by keyboard."""
    with served(labels) as server, shown(server) as browser:
        label_through_kills(browser, server, n_labels=labels, n_kills=n_kills, seed=seed)
        posts = [post for post, _ in server.standing()]
        events = server.event_count()
    lost = labels - len(set(posts))
    print(f"{labels} labels, server killed {n_kills} times: {lost} lost, {events - labels} doubled")


@main.command()
@click.option("--posts", default=2000, show_default=True)
@click.option("--presses", default=200, show_default=True)
def keys(posts: int, presses: int) -> None:
    """Time from the key press to the painted next post, as the browser itself measures it."""
    with served(posts) as server, shown(server) as browser:
        page = Page(browser, server.address)
        for number in range(presses):
            page.press("fan"[number % 3])
        page.saved()
        script = "return performance.getEntriesByName('stance-next').map((entry) => entry.duration)"
        waits = browser.execute_script(script)
    print(f"thread of {posts} posts, {len(waits)} keys: {percentiles(waits)}")


@dataclass(frozen=True)
class Pool:
    """Posts to label and posts to test on, read once."""

    corpus: Corpus
    labels: np.ndarray
    threads: np.ndarray
    authors: np.ndarray
    is_test: np.ndarray

    def fit(self, chosen: np.ndarray) -> tuple[float, np.ndarray]:
        """Accuracy on the test posts of a model that learned the chosen ones, and its probabilities for all."""
        _, matrix = self.corpus.matrix(chosen)
        # The settings of `stance.annotate.lessons`.
        head = fit_head(matrix, Task(chosen, self.labels[chosen], len(LABELS)), strength=1.0)
        probabilities = softmax(head.apply(matrix), axis=1)
        right = probabilities[self.is_test].argmax(axis=1) == self.labels[self.is_test]
        return float(right.mean()), probabilities


def read_pool(column: str) -> Pool:
    """The corpus; n-grams of the posts to be labelled only, since those of the test are not known beforehand."""
    posts = stance.load_corpus()
    known = posts.loc[posts["split"] != "test", "text"]
    vocabulary = features.learn_vocabulary(known, features.Analyser(("huawei",)), min_posts=2)
    return Pool(
        Corpus(as_csr(vocabulary.find(list(posts["text"]))), vocabulary.block, min_posts=2),
        np.array([LABELS.index(label) for label in posts[column]]),
        posts["thread"].to_numpy(),
        posts["author"].to_numpy(),
        (posts["split"] == "test").to_numpy(),
    )


def simulate(pool: Pool, order: str, n_labels: int, batch: int, seed: int) -> list[float]:
    """Accuracy after each batch of labels."""
    left = np.random.default_rng(seed).permutation(np.flatnonzero(~pool.is_test))
    chosen, left = left[:batch], left[batch:]
    curve = []
    while True:
        accuracy, probabilities = pool.fit(chosen)
        curve.append(accuracy)
        if len(chosen) >= n_labels:
            return curve
        if order == "active":
            labelled = Counter(pool.threads[chosen])
            left = left[active_order(probabilities[left], pool.threads[left], pool.authors[left], labelled=labelled)]
        chosen, left = np.concatenate([chosen, left[:batch]]), left[batch:]


def labels_needed(curve: np.ndarray, wanted: float, batch: int) -> float:
    """Where a curve, smoothed over three batches, first reaches an accuracy; infinite if it does not."""
    smooth = np.convolve(np.pad(curve, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    reached = np.flatnonzero(smooth >= wanted)
    return float((reached[0] + 1) * batch) if len(reached) else float("inf")


@main.command()
@click.option("--seeds", default=10, show_default=True)
@click.option("--labels", default=1000, show_default=True)
@click.option("--batch", default=25, show_default=True)
@click.option("--column", type=click.Choice(["stance", "text_only"]), default="stance", show_default=True)
def active(seeds: int, labels: int, batch: int, column: str) -> None:
    """Compare active with random order."""
    pool = read_pool(column)
    curves: dict[str, list[list[float]]] = {"random": [], "active": []}
    with threadpool_limits(limits=1):
        for seed in tqdm(range(seeds), disable=None):
            for order, found in curves.items():
                found.append(simulate(pool, order, labels, batch, seed))
    random, chosen = (np.array(curves[order]) for order in ("random", "active"))
    print(f"{int((~pool.is_test).sum())} posts to choose from, {int(pool.is_test.sum())} test posts, against {column}")
    for after in (labels // 2, labels):
        at = after // batch - 1
        wanted = random[:, max(0, at - 1) : at + 2].mean()
        needed = np.array([labels_needed(curve, wanted, batch) for curve in chosen]) / after
        mean_curve = labels_needed(chosen.mean(axis=0), wanted, batch) / after
        print(
            f"{after} labels: random {random[:, at].mean():.3f} ± {random[:, at].std(ddof=1):.3f}, "
            f"active {chosen[:, at].mean():.3f} ± {chosen[:, at].std(ddof=1):.3f}; random's mean is reached by "
            f"active's mean with {mean_curve:.0%} of the labels, by single seeds with {needed.min():.0%} to "
            f"{needed[np.isfinite(needed)].max():.0%} ({np.isinf(needed).sum()} of {seeds} do not reach it)"
        )


if __name__ == "__main__":
    main()
