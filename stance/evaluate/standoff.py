"""Labels that stand apart from the words they belong to: whoever has the page can be evaluated on it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from stance.data import Thread, check_posts, threads_to_table
from stance.errors import DataError, PageError


def apply_standoff(labels: pd.DataFrame, thread: Thread, *, where: str = "stand-off labels") -> pd.DataFrame:
    """Put labels by post number onto the page that they were made for.

    Parameters
    ----------
    labels : DataFrame
        `post`, `author` and `stance`; further columns (`text_only`, `second_annotator`) come along.
    thread : Thread
        The page, as `extract` reads it.

    Returns
    -------
    DataFrame
        A gold posts table in page order.

    Raises
    ------
    PageError
        If a number or an author of the page differs from the labels': it is another page, or another state of it.
    DataError
        If the labels lack a column, or hold an unknown label.

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
    keys = {str(row["post"]): row for row in labels.to_dict("records")}
    if len(keys) < len(labels):
        twice = labels.loc[labels["post"].duplicated(), "post"].iloc[0]
        raise DataError(f"post {twice!r} is labelled twice", where=where, fix="keep one label a post")
    _match(keys, thread, where)
    posts = threads_to_table([thread])
    for column in labels.columns.difference(["post", "author", "thread"], sort=False):
        posts[column] = pd.Series([keys[post][column] for post in posts["post"]], dtype=object)
    return check_posts(posts, where=where, labelled=True)


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
    for number, author in authors.items():
        if number not in keys:
            raise PageError(f"post {number} by {author} has no label in {where}", where=thread.id, fix=fix)


def _name(author: object) -> str:
    return " ".join(str(author or "").split())
