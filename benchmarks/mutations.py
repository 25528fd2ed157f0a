"""Damaged pages: how many are read, how many refused in one line, and whether any ends in a traceback or takes long.

    python -m benchmarks.mutations --pages 20000

Each page is one of the invented pages of `tests/pages`, cut, doubled, overwritten, nested and mixed with another, by a
seeded generator: the same seed gives the same pages.
"""

from __future__ import annotations

import argparse
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stance.errors import StanceError
from stance.extract import extract

PAGES = Path(__file__).resolve().parent.parent / "tests" / "pages"
LIMIT = 5.0


def _cut(page: bytes, other: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page) + 1)
    return page[:start] + page[start + chance.randrange(1, 400) :]


def _double(page: bytes, other: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page) + 1)
    return page[:start] + page[start : start + chance.randrange(1, 800)] * chance.randrange(2, 30) + page[start:]


def _overwrite(page: bytes, other: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page) + 1)
    return page[:start] + chance.randbytes(chance.randrange(1, 12)) + page[start + 4 :]


def _mix(page: bytes, other: bytes, chance: random.Random) -> bytes:
    start, cut = chance.randrange(len(page) + 1), chance.randrange(len(other) + 1)
    return page[:start] + other[cut:]


def _nest(page: bytes, other: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(page) + 1)
    tag = chance.choice(
        [b"<div>", b"<ul><li>", b"<blockquote>", b"<table><tr><td>", b"<b>", b"<p>", b"<!--", b"</div>", b'"']
    )
    return page[:start] + tag * chance.randrange(1, 300) + page[start:]


def _swap(page: bytes, other: bytes, chance: random.Random) -> bytes:
    tags = [b"div", b"li", b"span", b"td", b"article", b"blockquote", b"time", b"a"]
    return page.replace(b"<" + chance.choice(tags), b"<" + chance.choice(tags), chance.randrange(1, 20))


DAMAGES: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (_cut, _double, _overwrite, _mix, _nest, _swap)


@dataclass
class Outcome:
    """What became of the pages."""

    counts: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    first_traceback: str | None = None


def damaged_pages(count: int, seed: int) -> Iterator[bytes]:
    """Make pages that no browser wrote."""
    chance = random.Random(seed)  # noqa: S311 - damage, not secrets
    pages = [path.read_bytes() for path in sorted(PAGES.iterdir()) if not path.name.endswith(".expected.json")]
    for _ in range(count):
        page = chance.choice(pages)
        for _ in range(chance.randrange(1, 6)):
            page = chance.choice(DAMAGES)(page, chance.choice(pages), chance)
        yield page


def run(count: int, seed: int) -> Outcome:
    """Read the pages."""
    outcome = Outcome()
    for page in damaged_pages(count, seed):
        started = time.process_time()
        outcome.counts[_read(page, outcome)] += 1
        spent = time.process_time() - started
        outcome.longest = max(outcome.longest, spent)
        outcome.counts["slow"] += spent > LIMIT
    return outcome


def _read(page: bytes, outcome: Outcome) -> str:
    try:
        posts = sum(len(thread.posts) for thread in extract(page))
    except StanceError:
        return "refused in one line"
    except Exception:
        outcome.first_traceback = outcome.first_traceback or traceback.format_exc()
        return "traceback"
    return "posts" if posts else "no posts"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=20_000, metavar="N", help="how many pages")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other pages")
    given = parser.parse_args(arguments)
    outcome = run(given.pages, given.seed)
    for name in ("posts", "no posts", "refused in one line", "traceback", "slow"):
        print(f"{name:20} {outcome.counts[name]}")
    print(f"{'longest, CPU seconds':20} {outcome.longest:.2f}")
    if outcome.first_traceback:
        print(outcome.first_traceback)


if __name__ == "__main__":
    main()
