"""Tables of posts: threads to rows and back, what a posts table must be, and how one is split.

A posts table holds many threads, one row a post. `stance.tables` reads and writes them. What is in them stands in
`stance.records`, and is to be had here as well: whoever handles tables needs both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from stance.errors import DataError
from stance.records import (
    EXTRACT_COLUMNS,
    LABEL_COLUMNS,
    LABELS,
    NULLABLE_COLUMNS,
    PARENT_BASES,
    POST_COLUMNS,
    PROBABILITY_COLUMNS,
    TABLE_FORMAT,
    Post,
    Thread,
    check_keys,
    id_of,
    named_parents,
    shipped,
    thread_rows,
)

__all__ = [
    "EXTRACT_COLUMNS",
    "LABELS",
    "LABEL_COLUMNS",
    "NULLABLE_COLUMNS",
    "PARENT_BASES",
    "POST_COLUMNS",
    "PROBABILITY_COLUMNS",
    "TABLE_FORMAT",
    "Post",
    "Thread",
    "check_posts",
    "id_of",
    "labels_table",
    "posts_table",
    "shipped",
    "split_threads",
    "table_to_threads",
    "threads_to_table",
]


def posts_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Make a table of plain Python objects: strings stay what they are, None stays None.

    pandas would otherwise infer types and turn the post "NA" or the author "12" into something else; Arrow-backed
    strings, its default, cannot hold a lone surrogate.
    """
    records = [dict(row) for row in rows]
    names = list(dict.fromkeys([*columns, *(name for record in records for name in record)]))
    values = {name: pd.Series([record.get(name) for record in records], dtype=object) for name in names}
    return pd.DataFrame(values, columns=pd.Index(names, dtype=object))


def threads_to_table(threads: Iterable[Thread]) -> pd.DataFrame:
    """Flatten threads to a posts table: one row a post, in page order, `EXTRACT_COLUMNS`."""
    return posts_table(thread_rows(threads), EXTRACT_COLUMNS)


def labels_table(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Make a labels table of its columns; `LABEL_COLUMNS`."""
    numbers = {name: columns[name] for name in (*PROBABILITY_COLUMNS, "abstained")}
    texts = {name: pd.Series(columns[name], dtype=object) for name in LABEL_COLUMNS if name not in numbers}
    return pd.DataFrame(numbers | texts)[list(LABEL_COLUMNS)]


def table_to_threads(posts: pd.DataFrame, *, where: str = "posts table") -> list[Thread]:
    """Group a posts table into threads, in order of first appearance; the inverse of `threads_to_table`.

    Raises
    ------
    DataError
        If a post id stands twice in a thread, or the table has no `text`.
    """
    posts = check_posts(posts, where=where)
    threads = []
    for name, rows in posts.groupby("thread", sort=False):
        records = rows.to_dict("records")
        threads.append(
            Thread(
                id=str(name),
                posts=tuple(_post(record) for record in records),
                title=records[0].get("title"),
                url=records[0].get("url"),
                platform=records[0].get("platform"),
            )
        )
    return threads


def _post(record: Mapping[Any, Any]) -> Post:
    candidates = record.get("parent_candidates")
    return Post(
        id=record["post"],
        text=record["text"],
        author=record.get("author"),
        posted_at=record.get("posted_at"),
        parent=record.get("parent"),
        parent_basis=record.get("parent_basis"),
        parent_candidates=tuple(candidates) if isinstance(candidates, list | tuple) else (),
        quote=record.get("quote"),
    )


def check_posts(posts: pd.DataFrame, *, where: str = "posts table", labelled: bool = False) -> pd.DataFrame:
    """Return the table with every posts column present, or say what is wrong with it.

    A table without `thread` is one thread; without `post`, posts are numbered from 1 in each thread. Other columns
    pass through untouched.

    Raises
    ------
    DataError
        If `text` is missing or not a string, a post id stands twice in its thread, or (with `labelled`) `stance` is
        missing or holds anything but `LABELS`.
    """
    if "text" not in posts.columns:
        found = ", ".join(map(str, posts.columns)) or "none"
        raise DataError(f"no column 'text' (columns: {found})", where=where, fix="name the column of the posts 'text'")
    posts = posts.reset_index(drop=True).copy()
    _check_texts(posts, where)
    if "thread" not in posts.columns:
        posts["thread"] = pd.Series(["1"] * len(posts), dtype=object)
    if "post" not in posts.columns:
        numbers = posts.groupby("thread", sort=False).cumcount() + 1
        posts["post"] = numbers.astype(str).astype(object)
    for column in ("parent", "author", "posted_at"):
        if column not in posts.columns:
            posts[column] = pd.Series([None] * len(posts), dtype=object)
    for column in ("thread", "post", "parent"):
        posts[column] = pd.Series([id_of(value) for value in posts[column]], dtype=object)
    check_keys(posts, where)
    parents = named_parents(*(posts[column].tolist() for column in ("thread", "post", "parent")))
    posts["parent"] = pd.Series(list(parents), dtype=object)
    if labelled:
        _check_labels(posts, where)
    others = [column for column in posts.columns if column not in POST_COLUMNS]
    return posts[[*POST_COLUMNS, *others]]


def _check_texts(posts: pd.DataFrame, where: str) -> None:
    for row, text in enumerate(posts["text"], start=1):
        if not isinstance(text, str):
            raise DataError(
                f"text is {text!r}, not a string", where=f"{where}, row {row}", fix="give every post a text"
            )


def _check_labels(posts: pd.DataFrame, where: str) -> None:
    if "stance" not in posts.columns:
        raise DataError("no column 'stance'", where=where, fix=f"add one with {_either(LABELS)} in each row")
    for row, label in enumerate(posts["stance"], start=1):
        if label not in LABELS:
            fix = f"use {_either(LABELS)}"
            raise DataError(f"unknown label {label!r}", where=f"{where}, row {row}", fix=fix)


def split_threads(
    posts: pd.DataFrame, shares: Mapping[str, float], *, strata: Sequence[str] = ("site", "stance"), seed: int = 0
) -> pd.Series:
    """Assign whole threads to splits so that each holds its share of every stratum.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) with a thread as the unit: threads go, largest
    first, to the split that lacks most of what they hold.

    Parameters
    ----------
    posts : DataFrame
        A posts table; `strata` columns that it lacks are ignored.
    shares : mapping of str to float
        The splits' names and shares, which sum to 1.
    seed : int
        Breaks ties between threads of the same size.

    Returns
    -------
    Series of str
        The split of each post, the same for all posts of a thread.
    """
    present = [column for column in strata if column in posts.columns]
    # One column a stratum, the number of posts always among them; each weighs the same however common it is.
    counts = pd.concat([pd.get_dummies(posts[column].astype(str), prefix=column) for column in present], axis=1)
    counts.insert(0, "posts", True)
    per_thread = counts.astype(float).groupby(posts["thread"], sort=False).sum()
    # A site with too few threads to give one to each split cannot be shared out; it would only push all it has to
    # the largest split.
    per_thread = per_thread.loc[:, (per_thread > 0).sum() >= 1 / min(shares.values())]
    per_thread /= per_thread.sum()
    shuffled = per_thread.sample(frac=1, random_state=seed).sort_values("posts", ascending=False, kind="stable")
    wanting = {name: share * per_thread.sum().to_numpy() for name, share in shares.items()}
    chosen = {}
    for thread, holds in zip(shuffled.index, shuffled.to_numpy(), strict=True):
        # How much nearer the split comes to its share: falls where the thread would overfill it.
        gain = {name: float((holds * (2 * lacks - holds)).sum() / shares[name]) for name, lacks in wanting.items()}
        best = max(gain, key=gain.__getitem__)
        wanting[best] = wanting[best] - holds
        chosen[thread] = best
    return posts["thread"].map(chosen)


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
