"""Every page in `tests/pages` gives the posts in the file beside it: a new page is a new test."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from stance.data import Thread
from stance.extract import extract

PAGES = Path(__file__).parent / "pages"
EXPECTED = sorted(PAGES.glob("*.expected.json"))
FIELDS = ("post", "parent", "parent_basis", "author", "posted_at", "text", "quote")


def source_of(expected: Path) -> Path:
    name = expected.name.removesuffix(".expected.json")
    return next(path for path in sorted(PAGES.glob(f"{name}.*")) if path != expected)


def shown(thread: Thread) -> dict[str, object]:
    posts = [{**asdict(post), "post": post.id} for post in thread.posts]
    return {
        "platform": thread.platform,
        "hidden": thread.hidden,
        "notes": list(thread.notes),
        "posts": [{field: post[field] for field in FIELDS} for post in posts],
    }


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_a_page_gives_the_posts_beside_it(expected: Path) -> None:
    threads = extract(source_of(expected))
    assert [shown(thread) for thread in threads] == json.loads(expected.read_text(encoding="utf-8"))
