"""The records that flow through stance, and the names of their columns and labels.

    page --extract--> Thread of Posts == posts table --label--> labels table --evaluate--> scores

A `Thread` is one discussion. `stance.data` turns threads into tables and back; what stands here needs no table, so that
reading a page and labelling it need not load pandas.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Protocol

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


class Columns(Protocol):
    """The columns of a posts table by name: a DataFrame has them, and so has a mapping of names to sequences."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""

    def get(self, name: str, default: Any, /) -> Any:
        """Return a column, or the default where there is none."""


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


def id_of(value: object) -> str | None:
    """Read an id as pandas may have typed it: 3 and 3.0 are post "3", NaN and "" are no post."""
    if value is None or value == "" or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def named_parents(threads: Sequence[str], posts: Sequence[str], parents: Sequence[str | None]) -> Sequence[str | None]:
    """Call each parent by the name of its post, where one of the two went through a table program as a number.

    pandas and spreadsheets write a column of whole numbers that has gaps, as `parent` has, with a ".0" behind each. So
    "1.0" is post "1", unless the thread has a post "1.0"; and "1" is post "1.0" where it has that one alone.

    Examples
    --------
    >>> named_parents(["t", "t", "t"], ["1", "2", "3"], [None, "1.0", "2.0"])
    [None, '1', '2']
    """
    # Two searches in C: nearly every table has no such name, and this runs for each post of a hundred million.
    if ".0" not in "\n".join(filter(None, parents)) and ".0" not in "\n".join(posts):
        return parents
    known = set(zip(threads, posts, strict=True))
    return [
        parent if parent is None or (thread, parent) in known else _otherwise(thread, parent, known)
        for thread, parent in zip(threads, parents, strict=True)
    ]


_NUMBER = re.compile(r"([0-9]+)(\.0)?")


def _otherwise(thread: str, parent: str, known: set[tuple[str, str]]) -> str:
    """Call a parent that names no post as the same number is written without ".0", or with it."""
    number = _NUMBER.fullmatch(parent)
    if number is None:
        return parent
    with_point = f"{number[1]}.0"
    return with_point if (thread, with_point) in known else number[1]


#: What sites show in place of a name, in lower case; any number of people may have one of these.
_NAMELESS = frozenset(
    """
    [deleted]|[removed]|deleted|deleted user|deleted account|account deleted|former member|comment deleted
    comment removed|anonymous|anonymous coward|anonymous user|anon|guest|anonym|gast|invité|anonyme|anónimo
    anônimo|anonimo|аноним|гость|匿名
    """.replace("\n    ", "|")
    .strip("|")
    .split("|")
)


def writer_of(author: str | None) -> str | None:
    """Name the person who wrote a post, or None where the site names nobody: two posts of "Guest" may have two writers.

    Examples
    --------
    >>> writer_of("Ada"), writer_of("[deleted]"), writer_of("Anonymous Coward"), writer_of("")
    ('Ada', None, None, None)
    """
    return author if author and author.lower() not in _NAMELESS else None


def thread_rows(threads: Iterable[Thread]) -> Iterator[dict[str, Any]]:
    """One row a post, in page order, `EXTRACT_COLUMNS`."""
    for thread in threads:
        for post in thread.posts:
            yield {
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


def check_keys(posts: Columns, where: str) -> None:
    """Check that every post has a thread and an id, and no two of a thread the same.

    Raises
    ------
    DataError
        If one has none, or stands twice; it says in which row.
    """
    seen = set()
    for row, key in enumerate(zip(posts["thread"], posts["post"], strict=True), start=1):
        place = f"{where}, row {row}"
        if None in key:
            column = ("thread", "post")[key.index(None)]
            raise DataError(f"no {column} id", where=place, fix=f"fill the column '{column}'")
        if key in seen:
            problem = f"post {key[1]!r} stands twice in thread {key[0]!r}"
            raise DataError(problem, where=place, fix="give each post of a thread its own id")
        seen.add(key)


def shipped(name: str) -> Path:
    """Path of a folder that comes with stance: `data` or `models`.

    They stand at the top of the repository, and inside the package once it is installed from a wheel.
    """
    package = Path(__file__).resolve().parent
    installed = package / "shipped" / name
    return installed if installed.exists() else Path(os.fspath(package.parent)) / name
