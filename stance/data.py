"""The records that flow through stance, and the names of their columns and labels.

    page --extract--> Thread of Posts == posts table --label--> labels table --evaluate--> scores

A `Thread` is one discussion; a posts table holds many, one row a post. `stance.tables` reads and writes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from stance.errors import DataError

#: SemEval-2016's three stances (Mohammad et al. 2016); the order is that of every probability array.
LABELS = ("favor", "against", "none")

#: Version of our tables' columns, for whoever reads them later: within one version columns are added, never renamed or
#: given another meaning. Parquet files carry it; JSON Lines and CSV have no place for it. docs/schemas describes it.
TABLE_FORMAT = 1

#: Columns that every posts table has; `parent`, `author` and `posted_at` may be empty in any row.
POST_COLUMNS = ("thread", "post", "parent", "author", "posted_at", "text")

#: What `extract` prints for each post.
EXTRACT_COLUMNS = (
    "thread",
    "post",
    "parent",
    "parent_basis",
    "parent_candidates",
    "author",
    "posted_at",
    "text",
    "quote",
)

PROBABILITY_COLUMNS = tuple(f"p_{label}" for label in LABELS)

#: What `label` adds to the keys of the posts table; `reason` says why a post was not decided, or is empty.
LABEL_COLUMNS = ("thread", "post", "stance", "text_stance", *PROBABILITY_COLUMNS, "abstained", "reason", "model")

#: Columns in which an empty cell means "not known" rather than an empty text.
NULLABLE_COLUMNS = (
    "parent",
    "parent_basis",
    "author",
    "posted_at",
    "quote",
    "title",
    "url",
    "platform",
    "site",
    "reason",
)

#: How a parent was found, from the surest to the least sure.
PARENT_BASES = ("page", "quote", "address", "order")


@dataclass(frozen=True, slots=True)
class Post:
    """One post of a discussion.

    Attributes
    ----------
    id : str
        Unique in its thread: the page's own number or id where it shows one.
    text : str
        Plain text, paragraphs separated by line breaks, quoted parts of the parent taken out.
    author, posted_at : str or None
        `posted_at` is ISO 8601, with the page's UTC offset where it gives one.
    parent : str or None
        Id of the post that this one answers; None for top level or unknown.
    parent_basis : {"page", "quote", "address", "order"} or None
        What says so: the page itself, a quoted text, a named user, or numbering and order.
    parent_candidates : tuple of str
        All parents that remain possible, where the page leaves it open.
    quote : str or None
        What was taken out of the text as quoted.
    """

    id: str
    text: str
    author: str | None = None
    posted_at: str | None = None
    parent: str | None = None
    parent_basis: str | None = None
    parent_candidates: tuple[str, ...] = ()
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """One discussion, in page order.

    Attributes
    ----------
    hidden : int or None
        How many posts the page says or shows to be missing; None if it does not say.
    notes : tuple of str
        What the reader of the page should know, one sentence each ("comments load in a Disqus frame").
    """

    id: str
    posts: tuple[Post, ...] = ()
    title: str | None = None
    url: str | None = None
    platform: str | None = None
    hidden: int | None = None
    notes: tuple[str, ...] = field(default=())

    def _repr_html_(self) -> str:
        """Show the thread in a notebook; every string of the page is escaped."""
        rows = "".join(
            f"<tr><td>{escape(post.id)}</td><td>{escape(post.parent or '')}</td>"
            f"<td>{escape(post.author or '')}</td><td>{escape(post.text)}</td></tr>"
            for post in self.posts
        )
        head = "<tr><th>post</th><th>parent</th><th>author</th><th>text</th></tr>"
        return f"<b>{escape(self.title or self.id)}</b> ({len(self.posts)} posts)<table>{head}{rows}</table>"


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
    return posts_table(
        (
            {
                "thread": thread.id,
                "post": post.id,
                "parent": post.parent,
                "parent_basis": post.parent_basis,
                "parent_candidates": list(post.parent_candidates),
                "author": post.author,
                "posted_at": post.posted_at,
                "text": post.text,
                "quote": post.quote,
            }
            for thread in threads
            for post in thread.posts
        ),
        EXTRACT_COLUMNS,
    )


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
    _check_keys(posts, where)
    if labelled:
        _check_labels(posts, where)
    others = [column for column in posts.columns if column not in POST_COLUMNS]
    return posts[[*POST_COLUMNS, *others]]


def id_of(value: object) -> str | None:
    """Read an id as pandas may have typed it: 3 and 3.0 are post "3", NaN and "" are no post."""
    if value is None or value == "" or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _check_texts(posts: pd.DataFrame, where: str) -> None:
    for row, text in enumerate(posts["text"], start=1):
        if not isinstance(text, str):
            raise DataError(
                f"text is {text!r}, not a string", where=f"{where}, row {row}", fix="give every post a text"
            )


def _check_keys(posts: pd.DataFrame, where: str) -> None:
    for column in ("thread", "post"):
        empty = posts[column].isna().to_numpy().nonzero()[0]
        if len(empty):
            raise DataError(f"no {column} id", where=f"{where}, row {empty[0] + 1}", fix=f"fill the column '{column}'")
    twice = posts.duplicated(["thread", "post"]).to_numpy().nonzero()[0]
    if len(twice):
        row = posts.iloc[twice[0]]
        problem = f"post {row['post']!r} stands twice in thread {row['thread']!r}"
        raise DataError(problem, where=f"{where}, row {twice[0] + 1}", fix="give each post of a thread its own id")


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


def shipped(name: str) -> Path:
    """Path of a folder that comes with stance: `data` or `models`.

    They stand at the top of the repository, and inside the package once it is installed from a wheel.
    """
    package = Path(__file__).resolve().parent
    installed = package / "shipped" / name
    return installed if installed.exists() else Path(os.fspath(package.parent)) / name
