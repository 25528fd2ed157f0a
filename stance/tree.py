"""Labels to an indented tree on a terminal: who answers whom, on which side, how sure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pandas as pd

from stance.data import Post, Thread
from stance.errors import printable

#: Colours that stay apart for colour-blind readers; the sign is the second cue.
_STYLES: Mapping[str, tuple[str, str]] = {"favor": ("+", "blue"), "against": ("-", "yellow"), "none": ("·", "white")}

#: Deeper replies are shown at this depth; a terminal has few columns.
_DEEPEST = 8


def conversation_tree(thread: Thread, labels: pd.DataFrame, *, width: int = 100) -> str:
    """Draw the posts of a thread below what they answer, each with its stance and probability.

    Parameters
    ----------
    thread : Thread
    labels : DataFrame
        A labels table that has the thread's posts.
    width : int
        Columns of the terminal.
    """
    of_thread = labels[labels["thread"] == thread.id]
    rows: list[dict[Any, Any]] = of_thread.to_dict("records")
    label_of = {row["post"]: row for row in rows}
    lines = [click.style(_line(thread.title or thread.id), bold=True)]
    for depth, post in _walk(thread):
        lines += _post_lines(post, label_of[post.id], min(depth, _DEEPEST), width)
    return "\n".join(lines)


def _walk(thread: Thread) -> Iterator[tuple[int, Post]]:
    """Each post with its depth, replies below what they answer, in page order among themselves."""
    ids = {post.id for post in thread.posts}
    children: dict[str | None, list[Post]] = {}
    for post in thread.posts:
        children.setdefault(post.parent if post.parent in ids else None, []).append(post)
    # A stack of our own: a thread may be deeper than Python's.
    stack = [(0, post) for post in reversed(children.get(None, []))]
    while stack:
        depth, post = stack.pop()
        yield depth, post
        stack += [(depth + 1, reply) for reply in reversed(children.get(post.id, []))]


def _post_lines(post: Post, label: Mapping[str, Any], depth: int, width: int) -> list[str]:
    stance = label["stance"]
    sign, colour = _STYLES[stance]
    share = f"{label[f'p_{stance}']:4.0%}"
    unsure = " ?" if label["abstained"] else "  "
    indent = "  " * depth
    head = click.style(f"{sign} {stance:<7} {share}{unsure}", fg=colour)
    name = click.style(_line(f"{post.id} {post.author or 'unknown'}"), bold=True)
    room = max(20, width - len(indent) - 18)
    body = textwrap.wrap(_line(post.text), room, max_lines=2, placeholder=" …")
    return [f"{head} {indent}{name}", *(f"{'':17}{indent}{line}" for line in body)]


def _line(text: str) -> str:
    """Keep what steers a terminal from it."""
    return " ".join(printable(text).split())
