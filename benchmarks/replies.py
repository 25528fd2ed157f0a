"""How often the inferred parent of a post in a numbered dump is the true one, and the fit of the weights behind it.

Threads whose parents are known are flattened: printed in pre-order with their posts numbered in the order of writing,
as PhoneArena prints them. The pages of a folder serve (or, without one, some invented threads of `data/corpus`); each
is measured with weights fitted on all the others.

    python -m benchmarks.replies --pages DIR          the table
    python -m benchmarks.replies --pages DIR --fit    and the weights, fitted on all threads
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from stance import extract, read_table, table_to_threads
from stance.data import Post, Thread
from stance.extract.reply_trees import ROOT, WEIGHTS, Cues, infer_tree, look_ahead, options

NAMES = tuple(WEIGHTS)

#: Strength of the ridge that keeps weights of rare cues small.
RIDGE = 1.0


@dataclass(frozen=True)
class Flat:
    """A thread printed in pre-order with numbers, and the place of each post's parent (-1 for none)."""

    name: str
    posts: tuple[Post, ...]
    parents: tuple[int, ...]


def flatten(thread: Thread, written: Mapping[str, float]) -> Flat:
    """Print a thread in pre-order, its posts numbered in the order of writing."""
    order = sorted(range(len(thread.posts)), key=lambda place: (written[thread.posts[place].id], place))
    numbers = {thread.posts[place].id: number for number, place in enumerate(order, start=1)}
    parent_of = {post.id: post.parent for post in thread.posts}
    children: dict[str | None, list[Post]] = {}
    for post in thread.posts:
        # A clock that runs backwards would make a reply older than its parent.
        children.setdefault(parent_of[post.id], []).append(post)
    stack = [(post, ROOT) for post in reversed(_by_number(children.get(None, []), numbers))]
    posts, parents = [], []
    while stack:
        post, parent = stack.pop()
        bare = replace(post, id=str(numbers[post.id]), parent=None, parent_basis=None, parent_candidates=())
        stack.extend((child, len(posts)) for child in reversed(_by_number(children.get(post.id, []), numbers)))
        posts.append(bare)
        parents.append(parent)
    return Flat(thread.id, tuple(posts), tuple(parents))


def _by_number(posts: Iterable[Post], numbers: Mapping[str, int]) -> list[Post]:
    return sorted(posts, key=lambda post: numbers[post.id])


def branches(flat: Flat) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Each post's place with the branch that is open before it."""
    branch: tuple[int, ...] = ()
    for place, parent in enumerate(flat.parents):
        yield place, branch
        keep = branch.index(parent) + 1 if parent != ROOT else 0
        branch = (*branch[:keep], place)


def choices(flat: Flat) -> Iterator[tuple[np.ndarray, int]]:
    """For each post that has a choice: the cues of each candidate, and which candidate is true."""
    cues = Cues(flat.posts)
    for place, branch in branches(flat):
        lengths = list(options(branch, place, cues.numbers, cues.ahead))
        parents = [branch[length - 1] if length else ROOT for length in lengths]
        if len(lengths) < 2 or flat.parents[place] not in parents:
            continue
        rows = [cues.features(place, branch, length, lengths[-1]) for length in lengths]
        yield np.array([[row.get(name, 0.0) for name in NAMES] for row in rows]), parents.index(flat.parents[place])


def fit(threads: Sequence[Flat]) -> dict[str, float]:
    """Fit the conditional logit: the weights under which the true parents are most likely."""
    data = [choice for flat in threads for choice in choices(flat)]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for rows, true in data:
            scores = rows @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            value -= float(np.log(chances[true]))
            slope = slope + chances @ rows - rows[true]
        return value, slope

    found = minimize(loss, np.zeros(len(NAMES)), jac=True, method="L-BFGS-B")
    return {name: round(float(value), 2) for name, value in zip(NAMES, found.x, strict=True)}


def shallowest(flat: Flat) -> list[int]:
    """The baseline: the parent nearest to the root that the numbers allow, given the true branch."""
    numbers = [int(post.id) for post in flat.posts]
    ahead = look_ahead(numbers)
    found = []
    for place, branch in branches(flat):
        length = min(options(branch, place, numbers, ahead))
        found.append(branch[length - 1] if length else ROOT)
    return found


def inferred(flat: Flat, weights: Mapping[str, float]) -> tuple[list[int], list[str]]:
    """Place of each post's inferred parent, and the basis of each."""
    places = {post.id: place for place, post in enumerate(flat.posts)}
    posts = infer_tree(flat.posts, weights)
    return [places[post.parent] if post.parent else ROOT for post in posts], [
        post.parent_basis or "top" for post in posts
    ]


def corpus_threads() -> list[Flat]:
    """The invented threads; their posts are numbered in the order of writing already."""
    folder = Path(__file__).resolve().parent.parent / "data" / "corpus"
    threads = [thread for path in sorted(folder.glob("*.jsonl")) for thread in table_to_threads(read_table(path))]
    return [flatten(thread, {post.id: int(post.id) for post in thread.posts}) for thread in threads]


def page_threads(folder: Path) -> list[Flat]:
    """The pages of a folder on which at least ten posts have a parent in the markup and all ids tell the time."""
    threads = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".html", ".json") or path.name == "manifest.json":
            continue
        for thread in extract(path):
            written = {post.id: _age(post) for post in thread.posts}
            if sum(post.parent_basis == "page" for post in thread.posts) > 9 and None not in written.values():
                threads.append(flatten(_by_page(thread), written))  # type: ignore[arg-type]
    return threads


def _by_page(thread: Thread) -> Thread:
    """Keep only the parents that the page itself names."""
    posts = (post if post.parent_basis == "page" else replace(post, parent=None) for post in thread.posts)
    return replace(thread, posts=tuple(posts))


def _age(post: Post) -> float | None:
    """Ids of all these platforms grow with time; Reddit's are numbers to the base 36."""
    try:
        return int(post.id, 36 if any(letter.isalpha() for letter in post.id) else 10)
    except ValueError:
        return None


def report(flats: Sequence[Flat]) -> None:
    """Print accuracy page by page, each with weights fitted without it, and by basis."""
    right: dict[str, list[bool]] = {}
    for flat in flats:
        others = [other for other in flats if other is not flat]
        found, bases = inferred(flat, fit(others))
        hits = [one == true for one, true in zip(found, flat.parents, strict=True)]
        base = [one == true for one, true in zip(shallowest(flat), flat.parents, strict=True)]
        print(f"{flat.name:32} posts {len(hits):4}  shallowest {np.mean(base):.3f}  inferred {np.mean(hits):.3f}")
        for basis, hit in zip(bases, hits, strict=True):
            right.setdefault(basis, []).append(hit)
        right.setdefault("all", []).extend(hits)
        right.setdefault("shallowest", []).extend(base)
    total = len(right["all"])
    for basis, values in right.items():
        print(f"{basis:12} accuracy {np.mean(values):.3f}  coverage {len(values) / total:.3f}  ({len(values)} posts)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pages", type=Path, help="a folder of pages with parents in their markup")
    parser.add_argument("--fit", action="store_true", help="print weights fitted on all threads")
    given = parser.parse_args(arguments)
    flats = page_threads(given.pages) if given.pages else corpus_threads()[::20]
    report(flats)
    if given.fit:
        print(fit(flats))


if __name__ == "__main__":
    main()
