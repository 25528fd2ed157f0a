"""Labels that stand apart from the words they belong to: whoever has the page can be evaluated on it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from stance.data import LABELS, Thread, check_posts, id_of, threads_to_table
from stance.errors import DataError, PageError


def apply_standoff(labels: pd.DataFrame, thread: Thread, *, where: str = "stand-off labels") -> pd.DataFrame:
    """Put labels by post number onto the page that they were made for.

    Parameters
    ----------
    labels : DataFrame
        `post`, `author` and `stance`, of all posts of the page or of some; further columns (`text_only`,
        `second_annotator`) come along.
    thread : Thread
        The page, as `extract` reads it.

    Returns
    -------
    DataFrame
        A gold posts table in page order. It holds the page's other posts too, without a label: they are part of the
        conversation, and `evaluate` does not score them.

    Raises
    ------
    PageError
        If a number or an author of the page differs from the labels': it is another page, or another state of it.
    DataError
        If the labels lack a column, hold an unknown label, or none at all.

    Examples
    --------
    >>> from stance.data import Post
    >>> labels = pd.DataFrame({"post": ["7"], "author": ["ann"], "stance": ["favor"]})
    >>> apply_standoff(labels, Thread("t", (Post("7", "Well made!", "ann"),)))[["thread", "post", "stance"]]
      thread post stance
    0      t    7  favor
    """
    for column in ("post", "author", "stance"):
        if column not in labels.columns:
            raise DataError(f"no column {column!r}", where=where, fix="stand-off labels have post, author and stance")
    keys = {str(id_of(row["post"])): row for row in labels.to_dict("records")}
    if len(keys) < len(labels):
        twice = labels.loc[labels["post"].duplicated(), "post"].iloc[0]
        raise DataError(f"post {twice!r} is labelled twice", where=where, fix="keep one label a post")
    _check_labels(labels, where)
    _match(keys, thread, where)
    posts = check_posts(threads_to_table([thread]), where=where)
    # What the page itself says stands; an export of a posts table repeats it.
    for column in [name for name in labels.columns if name not in posts.columns]:
        posts[column] = pd.Series([id_of(keys.get(post, {}).get(column)) for post in posts["post"]], dtype=object)
    return posts


def is_standoff(table: pd.DataFrame) -> bool:
    """Tell labels without words from a gold posts table."""
    return "text" not in table.columns and {"post", "author", "stance"} <= set(table.columns)


def _match(keys: dict[str, dict[Hashable, Any]], thread: Thread, where: str) -> None:
    fix = "give the page that the labels were made for, as it was then"
    authors = {post.id: post.author for post in thread.posts}
    for number, row in keys.items():
        if number not in authors:
            problem = f"the page has no post {number} by {row['author']}, which the labels of {where} name"
            raise PageError(problem, where=thread.id, fix=fix)
        if _name(authors[number]) != _name(row["author"]):
            problem = f"post {number} is by {authors[number]}, not by {row['author']} as in {where}"
            raise PageError(problem, where=thread.id, fix=fix)


def _check_labels(labels: pd.DataFrame, where: str) -> None:
    given = [id_of(label) for label in labels["stance"]]
    if not any(given):
        raise DataError("no label", where=where, fix="label at least one post")
    for row, label in enumerate(given, start=1):
        if label and label not in LABELS:
            fix = f"use {', '.join(LABELS[:-1])} or {LABELS[-1]}, or leave it empty"
            raise DataError(f"unknown label {label!r}", where=f"{where}, row {row}", fix=fix)


def _name(author: object) -> str:
    return " ".join(str(author or "").split())
