"""How fast, beside what a user would write himself, and beside the limits: ratios, from one run on one machine.

python -m benchmarks.speed --posts 1000000
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from benchmarks.naive import Pipeline
from stance import Scorer, load_corpus, load_model
from stance.data import LABELS

REPEATS = 5
HERE = Path(__file__).parent


class Result(NamedTuple):
    """A line of the table."""

    work: str
    value: str
    detail: str = ""


def made_texts(n_posts: int, length: int, seed: int = 0) -> list[str]:
    """Texts of some `length` characters out of the corpus's words, with names, links and words that nobody has seen."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    words = [word for text in load_corpus()["text"] for word in text.split()]
    return [_text(chance, words, length) for _ in range(n_posts)]


def _text(chance: random.Random, words: list[str], length: int) -> str:
    chosen: list[str] = []
    left = length
    while left > 0:
        draw = chance.random()
        letters = "".join(chance.choices(string.ascii_lowercase, k=7))
        strange = f"@{letters}" if draw < 0.02 else f"https://t.co/{letters}" if draw < 0.03 else letters
        chosen.append(strange if draw < 0.05 else chance.choice(words))
        left -= len(chosen[-1]) + 1
    return " ".join(chosen)


def write_threads(path: Path, texts: Iterator[str], n_posts: int, size: int = 20) -> None:
    """Write posts in threads of `size`: each answers an earlier one, a quarter of the authors write again."""
    chance = random.Random(1)  # noqa: S311
    with path.open("w") as stream:
        for number, text in zip(range(n_posts), texts, strict=False):
            post = number % size
            row = {"thread": f"t{number // size}", "post": str(post + 1)}
            row["parent"] = str(chance.randint(1, post)) if post else None
            row["author"] = f"a{chance.randint(1, 3 * size // 4)}"
            stream.write(json.dumps(row | {"text": text}) + "\n")


def interleaved(works: dict[str, Callable[[], Any]], repeats: int = REPEATS) -> dict[str, float]:
    """Median CPU seconds of this process for each; one after another in turns, so that noise meets all alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = time.process_time()
            work()
            taken[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


def scorer_against_pipeline(model: Any, texts: dict[str, list[str]]) -> Iterator[Result]:
    """The scorer and the sparse matrix, each beside scikit-learn's pipeline."""
    pipeline = Pipeline(model)
    for name, sample in texts.items():
        scorer = Scorer(model.vocabulary, model.idf, model.coefficients, model.intercepts)
        scorer.logits(sample[: len(sample) // 2])
        seconds = interleaved(
            {
                "scorer": lambda sample=sample, scorer=scorer: scorer.logits(sample),
                "first": lambda sample=sample: Scorer(
                    model.vocabulary, model.idf, model.coefficients, model.intercepts
                ).logits(sample),
                "pipeline": lambda sample=sample: pipeline.logits(sample),
            },
            repeats=3,
        )
        rate = len(sample) / seconds["scorer"]
        ratio, first = seconds["pipeline"] / seconds["scorer"], seconds["pipeline"] / seconds["first"]
        yield Result(f"scorer against scikit-learn's pipeline, {name}", f"{ratio:.1f}x", f"{rate:,.0f} posts/s")
        yield Result(f"the same with nothing remembered yet, {name}", f"{first:.1f}x", "laying out the model included")


def limits(model: Any, texts: list[str], folder: Path) -> Iterator[Result]:
    """Bytes a second beside readers that do nothing with what they read, and beside cutting words alone."""
    path, columns = folder / "limit.jsonl", folder / "limit.parquet"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    pq.write_table(pa.table({"text": texts}), columns)
    scorer = Scorer(model.vocabulary, model.idf, model.coefficients, model.intercepts)
    scorer.logits(texts)
    words = re.compile(r"\w+")
    seconds = interleaved(
        {
            "scorer": lambda: scorer.logits(texts),
            "json.loads": lambda: [json.loads(line) for line in path.open("rb")],
            "orjson.loads": lambda: [orjson.loads(line) for line in path.open("rb")],
            "pyarrow's JSON reader, all threads": lambda: pyarrow.json.read_json(path),
            "pyarrow's Parquet reader": lambda: pq.read_table(columns)["text"].to_pylist(),
            r"re.findall(r'\w+')": lambda: [words.findall(text) for text in texts],
        }
    )
    size = sum(len(text.encode()) for text in texts) / 1e6
    yield Result("scorer, bytes of text", f"{size / seconds['scorer']:.0f} MB/s")
    for name in list(seconds)[1:]:
        yield Result(f"scorer's time over that of {name}", f"{seconds['scorer'] / seconds[name]:.1f}x")


class Ended(NamedTuple):
    """What a command took: CPU seconds, wall seconds, peak memory in MB."""

    cpu: float
    wall: float
    memory: float


# A small process in between: one that is begun by a large one is said to have been as large itself.
_MEASURE = """
import json, os, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024]))
"""


def run(*command: object) -> Ended:
    """Run a command to its end, with its messages thrown away."""
    done = subprocess.run([sys.executable, "-c", _MEASURE, *map(str, command)], capture_output=True, check=True)
    code, *used = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {code}")
    return Ended(*used)


def label(source: Path, model: str, *options: object) -> Ended:
    """`stance label` from a cold start."""
    output = source.with_suffix(".out.jsonl")
    return run(sys.executable, "-m", "stance", "label", source, "-o", output, "--force", "--model", model, *options)


def commands(model: str, texts: list[str], n_posts: int, folder: Path) -> Iterator[Result]:
    """The whole command beside a script of pandas and joblib."""
    many, tenth, one = folder / "many.jsonl", folder / "tenth.jsonl", folder / "one.jsonl"
    write_threads(many, _endless(texts), n_posts)
    write_threads(tenth, _endless(texts), n_posts // 10)
    write_threads(one, iter(texts), 20)
    naive = run(sys.executable, "-m", "benchmarks.naive", many, folder / "naive.jsonl", model, 1)
    small, joint = label(tenth, model), label(many, model)
    alone, two = label(many, model, "--no-conversation"), label(many, model, "--jobs", 2)
    cold = statistics.median(label(one, model).wall for _ in range(3))
    for name, ended in (("each post alone, as the script does", alone), ("with conversations", joint)):
        ratio = naive.cpu / ended.cpu
        rate = n_posts / ended.cpu
        yield Result(
            f"`stance label`, {n_posts:,} posts, against pandas + joblib, {name}",
            f"{ratio:.1f}x",
            f"{rate:,.0f} posts/s",
        )
    share = 1 - alone.cpu / joint.cpu
    yield Result("conversation's share of the time, threads of 20", f"{share:.0%}")
    memory = f"{small.memory:.0f} and {joint.memory:.0f} MB; the script: {naive.memory:.0f} MB"
    yield Result(f"peak memory, {n_posts:,} posts over a tenth of them", f"{joint.memory / small.memory:.2f}x", memory)
    yield Result(
        "two processes over one, wall time", f"{joint.wall / two.wall:.2f}x", f"{joint.wall:.0f} and {two.wall:.0f} s"
    )
    yield Result("one thread of 20 posts from a cold start", f"{cold:.1f} s", "wall time, median of 3")


def _endless(texts: list[str]) -> Iterator[str]:
    while True:
        yield from texts


def others(model: Any, texts: list[str], folder: Path, fasttext: str | None) -> Iterator[Result]:
    """fastText's and Vowpal Wabbit's own predict on the same posts, where they are installed."""
    lines = [" ".join(text.split()) for text in texts]
    works: dict[str, Callable[[], Any]] = {"stance": lambda: model.logits(texts)}
    try:
        from vowpalwabbit import Workspace

        vowpal = Workspace("--oaa 3 --ngram 2 --quiet --probabilities --loss_function logistic")
        examples = [re.sub(r"[:|]", " ", line) for line in lines]
        vowpal.learn(f"1 | {examples[0]}")
        works["Vowpal Wabbit (words 1-2)"] = lambda: [vowpal.predict(f"| {line}") for line in examples]
    except ImportError:
        yield Result("Vowpal Wabbit", "not installed")
    seconds = interleaved(works, repeats=3)
    for name in list(works)[1:]:
        rate = f"{len(texts) / seconds[name]:,.0f} posts/s"
        yield Result(f"scorer against {name}, through Python", f"{seconds[name] / seconds['stance']:.1f}x", rate)
    if fasttext is None:
        yield Result("fastText", "not asked", "name its environment's interpreter with --fasttext")
        return
    path = folder / "fasttext.txt"
    path.write_text("".join(f"__label__{LABELS[number % 3]} {line}\n" for number, line in enumerate(lines)))
    done = subprocess.run([fasttext, HERE / "fasttext_predict.py", path], capture_output=True, text=True, check=True)
    ours, theirs = len(texts) / seconds["stance"], float(done.stdout)
    name = "fastText (character 2-5, words 1-2), through Python"
    yield Result(f"scorer against {name}", f"{ours / theirs:.1f}x", f"{theirs:,.0f} posts/s")


def processor() -> str:
    """What the machine calls its processor."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{found.group(1).strip()} ({platform.machine()})" if found else platform.machine()


def table(results: list[Result], n_posts: int) -> str:
    """The results as Markdown."""
    machine = f"{processor()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    head = [f"Measured on {machine}; CPU time of one process unless said otherwise; {n_posts:,} posts.", ""]
    rows = [f"| {result.work} | {result.value} | {result.detail} |" for result in results]
    return "\n".join([*head, "| work | result | |", "| --- | --- | --- |", *rows])


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/huawei", help="a model's folder")
    parser.add_argument("--data", type=Path, help="JSON Lines with `text`, in place of made texts")
    parser.add_argument("--posts", type=int, default=1_000_000, help="posts of the whole command")
    parser.add_argument("--sample", type=int, default=20_000, help="posts of the other measures")
    parser.add_argument("--fasttext", help="interpreter of an environment that has fastText")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    model = load_model(given.model)
    lengths = {"tweets (100 characters)": 100, "comments (350 characters)": 350}
    texts = {name: made_texts(given.sample, length) for name, length in lengths.items()}
    if given.data:
        texts = {given.data.name: [json.loads(line)["text"] for line in given.data.open()][: given.sample]}
    folder = Path(tempfile.mkdtemp(dir=given.data.parent if given.data else None))
    results: list[Result] = []
    tweets = next(iter(texts.values()))
    try:
        for measured in (
            scorer_against_pipeline(model, texts),
            limits(model, tweets, folder),
            others(model, tweets, folder, given.fasttext),
            commands(given.model, tweets, given.posts, folder),
        ):
            for result in measured:
                print("  ".join(result), file=sys.stderr, flush=True)
                results.append(result)
    finally:
        shutil.rmtree(folder)
    print(table(results, given.posts))


if __name__ == "__main__":
    main()
