"""Measure hand-labelling: no label lost, how fast, and what active order saves.

    python -m benchmarks.annotate writers    8 annotators at once, 400 labels each, over HTTP
    python -m benchmarks.annotate kills      50 labels by keyboard, kill -9 at 20 random moments (needs Chromium)
    python -m benchmarks.annotate keys       from key press to the next post, thread of 2,000 posts (needs Chromium)
    python -m benchmarks.annotate active     labels that active order needs for random order's accuracy

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
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import click
import numpy as np
import pandas as pd
from joblib import parallel_config
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import stance
from stance.annotate.lessons import first_guesses, lesson
from stance.annotate.queue import active_order
from stance.data import LABELS, check_posts, posts_table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from conftest import start_chromium
from test_annotate_page import Page, Server, label_through_kills
from test_annotate_server import database_id, event_count

#: A lesson after so many labels, as `stance annotate` has it.
BATCH = 25


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


def main_thread_ms(browser) -> float:
    """CPU time of the page's main thread so far: what a key costs however busy the machine is."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(one["value"] for one in metrics if one["name"] == "ThreadTime")


@main.command()
@click.option("--posts", default=2000, show_default=True)
@click.option("--presses", default=200, show_default=True)
def keys(posts: int, presses: int) -> None:
    """Time from the key press to the painted next post, as the browser itself measures it."""
    with served(posts) as server, shown(server) as browser:
        page = Page(browser, server.address)
        browser.execute_cdp_cmd("Performance.enable", {})
        before = main_thread_ms(browser)
        for number in range(presses):
            page.press("fan"[number % 3])
        page.saved()
        busy = (main_thread_ms(browser) - before) / presses
        script = "return performance.getEntriesByName('stance-next').map((entry) => entry.duration)"
        waits = browser.execute_script(script)
    print(
        f"thread of {posts} posts, {len(waits)} keys: {percentiles(waits)}; page's main thread {busy:.1f} ms CPU a key"
    )


#: Slices by alphabet, alternately: orders were chosen on the first, the last word is read once on the second.
PARTS = {"choose": slice(0, None, 2), "final": slice(1, None, 2)}


def training_posts(part: str, other: bool = False):
    """Training posts of one half of the corpus's slices; validation and test posts are never looked at."""
    posts = stance.load_corpus()
    names = sorted(posts["slice"].unique())
    mine = set(names[PARTS[part]])
    return posts[(posts["split"] == "train") & (posts["slice"].isin(mine) != other)].reset_index(drop=True)


@dataclass(frozen=True)
class Archive:
    """What one user has before him: posts to label, and threads of the same forums that come later."""

    posts: pd.DataFrame
    n_own: int

    @classmethod
    def drawn(cls, posts: pd.DataFrame, seed: int, n_slices: int = 3, n_own: int = 800) -> Archive:
        """Draw three slices; half of their threads are the user's own, 800 posts at most."""
        chance = np.random.default_rng(1000 + seed)
        posts = posts[posts["slice"].isin(chance.choice(sorted(posts["slice"].unique()), n_slices, replace=False))]
        threads = chance.permutation(posts["thread"].unique())
        is_own = posts["thread"].isin(threads[: len(threads) // 2])
        own = posts[is_own].head(n_own)
        both = pd.concat([own, posts[~is_own]], ignore_index=True)
        return cls(check_posts(both.drop(columns=["slice", "split"]), labelled=True), len(own))

    @cached_property
    def hidden(self) -> pd.DataFrame:
        """The posts as the model sees them, without labels."""
        return self.posts.drop(columns=["stance", "text_only"])

    def accuracies(self, labels: np.ndarray, chosen: np.ndarray) -> tuple[float, float, float]:
        """Right in all own posts (labels given and guessed), in those not labelled, and in later threads."""
        right = labels == self.posts["stance"].to_numpy()
        rest = np.setdiff1d(np.arange(self.n_own), chosen)
        whole = (len(chosen) + right[rest].sum()) / self.n_own
        return float(whole), float(right[rest].mean()), float(right[self.n_own :].mean())


def simulate(archive: Archive, order: str, finished, talk, n_labels: int, seed: int) -> np.ndarray:
    """Accuracies and words read after every 25 labels; the annotator gives the corpus's own labels."""
    left = np.random.default_rng(seed).permutation(archive.n_own)
    columns = archive.posts.iloc[: archive.n_own]
    guesses, chosen, curve = first_guesses(archive.hidden, finished), left[:0], []
    while True:
        curve.append((*archive.accuracies(stances(guesses, len(archive.posts)), chosen), words_in(columns, chosen)))
        if len(chosen) >= n_labels:
            return np.array(curve)
        if order == "active" and guesses.probabilities:
            values = np.array(list(guesses.probabilities.values()))[left]
            left = left[
                active_order(values, columns["thread"].iloc[left].tolist(), columns["author"].iloc[left].tolist())
            ]
        chosen, left = np.concatenate([chosen, left[:BATCH]]), left[BATCH:]
        labelled = columns.iloc[np.sort(chosen)].assign(text_only=columns["stance"])
        with suppress(stance.DataError):  # too few posts of a stance: the order stays as it is
            guesses = lesson(labelled, archive.hidden, finished=finished, talk=talk, target="Huawei").guesses


def stances(guesses, n_posts: int) -> np.ndarray:
    """The most probable stance of each post."""
    if not guesses.probabilities:
        return np.full(n_posts, "none")
    return np.array(LABELS)[np.array(list(guesses.probabilities.values())).argmax(axis=1)]


def words_in(posts: pd.DataFrame, rows: np.ndarray) -> int:
    """How many words these posts have together."""
    return int(posts["text"].iloc[rows].str.split().str.len().sum())


def labels_needed(curve: np.ndarray, wanted: float) -> float:
    """Where a curve first reaches an accuracy, between two batches by interpolation; infinite if it does not."""
    reached = np.flatnonzero(curve >= wanted)
    if not len(reached):
        return float("inf")
    at = reached[0]
    part = (wanted - curve[at - 1]) / (curve[at] - curve[at - 1]) if at else 1.0
    return float((at - 1 + part) * BATCH)


@main.command()
@click.option("--part", type=click.Choice(list(PARTS)), default="choose", show_default=True)
@click.option("--cold", is_flag=True, help="No model is about the target: words are learned from the labels.")
@click.option("--seeds", default=10, show_default=True)
@click.option("--labels", default=400, show_default=True)
def active(part: str, cold: bool, seeds: int, labels: int) -> None:
    """Compare active with random order."""
    posts = training_posts(part)
    with parallel_config(backend="threading"):
        # Of other writers altogether: the model that comes with stance has learned from these posts.
        settings = stance.Settings(strengths=(1.0,), folds=3)
        talk = stance.train(training_posts(part, other=True), spellings=["huawei"], settings=settings).model
    curves: dict[str, list[np.ndarray]] = {"random": [], "active": []}
    with threadpool_limits(limits=1):
        for seed in tqdm(range(seeds), disable=None):
            archive = Archive.drawn(posts, seed)
            for order, found in curves.items():
                found.append(simulate(archive, order, None if cold else talk, talk, labels, seed))
    print(f"{part}, {'no model' if cold else 'a model of other writers'} to begin with; mean ± spread of {seeds} seeds")
    random, chosen = (np.array(curves[order]) for order in ("random", "active"))
    for after in (labels // 4, labels // 2, labels):
        _print_comparison(random, chosen, after)


def _print_comparison(random: np.ndarray, chosen: np.ndarray, after: int) -> None:
    at = after // BATCH
    words = chosen[:, at, 3].sum() / random[:, at, 3].sum()
    print(f"{after} labels ({words:.2f} times the words to read)")
    for column, name in enumerate(("all own posts", "own posts not labelled", "later threads")):
        pair = (random[:, :, column], chosen[:, :, column])
        values = [f"{curve[:, at].mean():.3f} ± {curve[:, at].std(ddof=1):.3f}" for curve in pair]
        print(f"  {name}: random {values[0]}, active {values[1]}; {_needed(*pair, after)}")


def _needed(random: np.ndarray, chosen: np.ndarray, after: int) -> str:
    """How many of the labels active order takes for random order's mean accuracy."""
    wanted = random[:, after // BATCH].mean()
    if np.ptp(random.mean(axis=0)) < 0.01:
        return "labels change nothing"
    single = np.array([labels_needed(curve, wanted) for curve in chosen]) / after
    reached = single[np.isfinite(single)]
    return (
        f"active's mean takes {labels_needed(chosen.mean(axis=0), wanted) / after:.0%} of the labels, single seeds "
        f"{reached.mean():.0%} ± {reached.std(ddof=1):.0%} ({len(single) - len(reached)} of {len(single)} never)"
    )


if __name__ == "__main__":
    main()
