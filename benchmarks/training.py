"""How training fares at size: which solver reaches the optimum first, and what memory many posts take.

python -m benchmarks.training solvers
python -m benchmarks.training memory --posts 100000
"""

from __future__ import annotations

import argparse
import random
import resource
import time
import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.speed import made_texts
from stance import features, load_corpus
from stance.conversation import log_softmax
from stance.train import Corpus, Settings, Task, as_csr, fit_head, label_numbers
from stance.workflow import shipped_manifest

#: Within this share of the least objective that any solver found counts as the optimum.
NEAR = 1e-4
STRENGTH = 0.5


def corpus_of(texts: list[str]) -> Corpus:
    """The n-grams of some posts."""
    names = tuple(spelling.lower() for spelling in shipped_manifest()["spellings"])
    vocabulary = features.learn_vocabulary(texts, features.Analyser(names), min_posts=Settings().min_posts)
    return Corpus(as_csr(vocabulary.find(texts)), vocabulary.block, Settings().min_posts)


def objective(model: LogisticRegression, matrix, classes: np.ndarray) -> float:
    """What logistic regression minimises: half the squared coefficients, and C times the weighted log-loss."""
    logits = log_softmax(matrix @ model.coef_.T + model.intercept_)
    loss = -logits[np.arange(len(classes)), classes] @ compute_sample_weight("balanced", classes)
    return float(0.5 * (model.coef_**2).sum() + STRENGTH * loss)


def solvers(n_posts: int, names: list[str]) -> Iterator[tuple[str, float, float, float]]:
    """Each solver at each tolerance: name, tolerance, CPU seconds, objective."""
    posts = load_corpus().head(n_posts)
    classes = label_numbers(posts, "text_only")
    _, matrix = corpus_of(list(posts["text"])).matrix(np.arange(len(posts)))
    for name in names:
        for tolerance in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
            model = LogisticRegression(
                C=STRENGTH, class_weight="balanced", tol=tolerance, solver=name, max_iter=500, random_state=0
            )
            begun = time.process_time()
            model.fit(matrix, classes)
            yield name, tolerance, time.process_time() - begun, objective(model, matrix, classes)


def memory(n_posts: int) -> Iterator[tuple[str, float, float]]:
    """Each step of training on made posts: name, CPU seconds, peak memory of the process so far in MB."""
    chance = random.Random(0)  # noqa: S311 - no secrets
    texts = made_texts(n_posts, 140)
    classes = np.array(chance.choices(range(3), k=n_posts))
    steps = {"texts": 0.0}
    begun = time.process_time()
    yield "texts", steps["texts"], peak()
    corpus = corpus_of(texts)
    yield (
        f"n-grams: {corpus.found.shape[1]:,}, {corpus.found.nnz / n_posts:.0f} a post",
        time.process_time() - begun,
        peak(),
    )
    _, matrix = corpus.matrix(np.arange(n_posts))
    yield "matrix", time.process_time() - begun, peak()
    fit_head(matrix, Task(np.arange(n_posts)[n_posts // 8 :], classes[n_posts // 8 :], 3), STRENGTH)
    yield "one fit, a fold held out", time.process_time() - begun, peak()


def peak() -> float:
    """Largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["solvers", "memory"])
    parser.add_argument("--posts", type=int, default=20_000, help="how many")
    parser.add_argument("--solvers", default="lbfgs,newton-cg,saga", help="names of scikit-learn's solvers")
    given = parser.parse_args()
    if given.what == "memory":
        for name, seconds, megabytes in memory(given.posts):
            print(f"| {name} | {seconds:.0f} s | {megabytes:.0f} MB |", flush=True)
        return
    warnings.simplefilter("ignore", ConvergenceWarning)
    found = []
    for name, tolerance, seconds, value in solvers(given.posts, given.solvers.split(",")):
        found.append((name, tolerance, seconds, value))
        print(f"| {name} | {tolerance:g} | {seconds:.1f} s | {value:.2f} |", flush=True)
    least = min(value for *_, value in found)
    for name in given.solvers.split(","):
        near = [seconds for other, _, seconds, value in found if other == name and value <= least * (1 + NEAR)]
        print(f"{name}: {min(near):.1f} s to within {NEAR:g} of the optimum" if near else f"{name}: never that near")


if __name__ == "__main__":
    main()
