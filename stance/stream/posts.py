"""Rows to posts: the columns that labelling reads, or why a row is no post.

This runs for each row of a hundred million, hence what looks odd: the usual case comes first and asks for exact types,
and a line that can be passed on as it is is not written anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from types import NoneType
from typing import Any, cast

import orjson

from stance.conversation import Graph, link_posts
from stance.records import LABEL_COLUMNS, id_of, named_parents
from stance.stream.job import Job
from stance.stream.lines import Lines
from stance.stream.read import Content, Refused, Rows, apart
from stance.tables import json_line

#: Bytes of UTF-8 beyond which a text is no post.
LONGEST_TEXT = 1_000_000

#: Columns that labelling gives; a row's own of these names are dropped.
GIVEN = frozenset(LABEL_COLUMNS) - {"thread", "post"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posts:
    """The posts among the rows of a part, column by column, and the rows that are none.

    Attributes
    ----------
    rejects : list of (int, str)
        Place in the part, and the reason.
    named : set of str
        Threads that rows name themselves.
    parents, authors, candidates : list
        As they were read.
    rows : list of dict or None
        Each row, where it must be written; None where its line is passed on.
    lines : list of bytes
        That line, as it was read; else empty.
    keys : list of bytes
        JSON of the keys that a line passed on has not, with a comma after each.
    """

    rejects: list[tuple[int, str]]
    named: set[str]
    texts: list[str]
    threads: list[str]
    posts: list[str]
    parents: list[Any]
    authors: list[Any]
    candidates: list[Any]
    rows: list[Row | None]
    lines: list[bytes]
    keys: list[bytes]

    def graph(self) -> Graph:
        """Who answers whom."""
        parents = named_parents(self.threads, self.posts, _ids(self.parents))
        return link_posts(self.threads, self.posts, parents, _ids(self.authors), self.candidates)


def _ids(values: list[Any]) -> list[str | None]:
    if set(map(type, values)) <= {str, NoneType} and "" not in values:
        return values
    return [value if type(value) is str and value else id_of(value) for value in values]


#: Lines of JSON that are read at once: their values do not leave the processor's cache before they are looked at.
_AT_ONCE = 1_000

_KEYS = itemgetter("text", "thread", "post")


def read_posts(rows: Rows, job: Job) -> Posts:
    """Sort the rows of one part into posts and rejects."""
    reading = _Reading(rows, job)
    plain = isinstance(rows.content, Lines) and reading.may_pass
    for start in range(0, rows.n_rows, _AT_ONCE):
        stop = min(start + _AT_ONCE, rows.n_rows)
        contents = list(rows.content[start:stop])
        if not (plain and reading.all_at_once(cast("list[bytes]", contents))):
            reading.one_by_one(start, contents)
    return Posts(reading.rejects, reading.keys.named, *reading.columns)


class _Reading:
    """The posts of one part as far as they have been read, column by column as `Posts` has them."""

    def __init__(self, rows: Rows, job: Job) -> None:
        self._rows, self._job = rows, job
        self.may_pass = job.ending == ".jsonl" and job.key is None
        self.keys = _Keys(job)
        self.rejects: list[tuple[int, str]] = []
        self.columns: tuple[list[Any], ...] = tuple([] for _ in range(9))

    def all_at_once(self, lines: list[bytes]) -> bool:
        """Read lines that are all posts with their own keys and without labels, or nothing; this is the usual case.

        Column by column, by functions that loop in C: a line of Python for each row takes longer than its JSON.
        """
        try:
            rows = list(map(orjson.loads, lines))
            texts, threads, posts = zip(*map(_KEYS, rows), strict=True)
        except (ValueError, TypeError, KeyError):
            return False
        values = (*texts, *threads, *posts)
        if set(map(type, values)) != {str} or not all(threads) or not all(posts):
            return False
        if max(map(len, texts)) * 4 > LONGEST_TEXT or not GIVEN.isdisjoint(chain.from_iterable(rows)):
            return False
        if not self.keys.take(threads, posts):
            return False
        linked = ([row.get(name) for row in rows] for name in ("parent", "author", "parent_candidates"))
        nothing = [b""] * len(rows)
        self._extend(texts, threads, posts, *linked, [None] * len(rows), lines, nothing)
        return True

    def one_by_one(self, start: int, contents: list[Content]) -> None:
        """Read rows of any kind, each with its own fate."""
        kept = [post for place, content in enumerate(contents, start) if (post := self._post(place, content))]
        self._extend(*zip(*kept, strict=True))

    def _extend(self, *more: Iterable[Any]) -> None:
        for column, values in zip(self.columns, more, strict=False):
            column.extend(values)

    def _post(self, place: int, content: Content) -> tuple[Any, ...]:
        """What `Posts` holds of a row; nothing for a reject."""
        row, line = _parsed(content) if self.may_pass else (_value(content), b"")
        reason = _refusal(row, self._job)
        if reason is None:
            reason = self.keys.give(row, self._rows.source[place], self._rows.ordinal[place])
        if reason is not None:
            self.rejects.append((place, reason))
            return ()
        keys = self.keys
        linked = (row.get("parent"), row.get("author"), row.get("parent_candidates"))
        if line and keys.are_exact and GIVEN.isdisjoint(row):
            # A row that need not be written is forgotten at once: 20,000 do not fit in the processor's cache.
            return row["text"], keys.thread, keys.post, *linked, None, line, _missing_keys(row, keys)
        return row["text"], keys.thread, keys.post, *linked, row, b"", b""


def _missing_keys(row: Row, keys: _Keys) -> bytes:
    if "thread" in row and "post" in row:
        return b""
    missing = {name: value for name, value in (("thread", keys.thread), ("post", keys.post)) if name not in row}
    return json_line(missing)[1:-2] + b", "


def _parsed(content: Content) -> tuple[Any, bytes]:
    """Value of a row, and its line where this is JSON to the letter, else nothing.

    orjson takes a fifth of the time of `json`, and refuses what is no strict JSON: NaN, half of a surrogate pair. It
    rounds whole numbers beyond 64 bits, which does not matter in a line that is passed on as it is.
    """
    if not isinstance(content, bytes):
        return content, b""
    try:
        return orjson.loads(content), content
    except ValueError:
        return _value(content), b""


def _value(content: Content) -> Any:
    if not isinstance(content, bytes):
        return content
    try:
        return json.loads(content.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return Refused("not UTF-8")
    except (ValueError, RecursionError) as error:
        return Refused(f"not JSON ({error})")


def _refusal(row: Any, job: Job) -> str | None:
    """Why the row has no text that can be read."""
    if type(row) is not dict:
        return row.reason if isinstance(row, Refused) else f"{type(row).__name__} instead of an object"
    text = row.get("text")
    if type(text) is not str:
        missing = "no column 'text'" if "text" not in row else "no text"
        return missing if text is None else f"text is {type(text).__name__}, not a string"
    # A character has at most four bytes: most texts need no counting.
    if len(text) * 4 > LONGEST_TEXT and len(text.encode("utf-8", "surrogatepass")) > LONGEST_TEXT:
        return f"text of more than {LONGEST_TEXT} bytes"
    return _misfit(row, job) if job.columns else None


def _misfit(row: Row, job: Job) -> str | None:
    """Why the row does not fit into a table with one set of columns."""
    if job.ending == ".parquet" and not _encodable(row):
        return "half of a surrogate pair, which Parquet cannot hold"
    new = next((column for column in row if column not in job.columns and column not in GIVEN), None)
    return None if new is None else f"column {new!r} is not in the first rows, and a table has one set of columns"


def _encodable(row: Row) -> bool:
    try:
        "".join(value for value in row.values() if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Keys:
    """Gives each row its thread and post, as `stance.data.check_posts` would.

    Attributes
    ----------
    thread, post : str
        Of the last row.
    are_exact : bool
        Whether the last row has them as they are, or has none.
    named : set of str
        Threads that the rows themselves name.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._counts: Counter[str] = Counter()
        self._taken: set[tuple[str, str]] = set()
        self.thread = self.post = ""
        self.are_exact = True
        self.named: set[str] = set()

    def give(self, row: Row, source: int, ordinal: int) -> str | None:
        """Find the row's thread and post, or why it can have none."""
        thread, post = row.get("thread"), row.get("post")
        self.are_exact = True
        if type(thread) is not str or not thread:
            if "thread" in row and id_of(thread) is None:
                return "no thread id"
            self.are_exact = thread is None
            thread = id_of(thread) or self._whole(source)
        self._counts[thread] += 1
        if type(post) is not str or not post:
            if "post" in row and id_of(post) is None:
                return "no post id"
            self.are_exact &= post is None
            post = id_of(post) or str(self._counts[thread] if "thread" in row else ordinal)
        if self._job.conversation:
            if (thread, post) in self._taken:
                return f"post {post!r} stands twice in thread {thread!r}"
            self._taken.add((thread, post))
        if "thread" in row:
            self.named.add(thread)
        self.thread, self.post = thread, post
        return None

    def take(self, threads: Sequence[str], posts: Sequence[str]) -> bool:
        """Give rows their own threads and posts, unless one of them stands twice: then give none."""
        if self._job.conversation:
            new = set(zip(threads, posts, strict=True))
            if len(new) < len(posts) or not self._taken.isdisjoint(new):
                return False
            self._taken |= new
        self._counts.update(threads)
        self.named.update(threads)
        return True

    def _whole(self, source: int) -> str:
        several = len(self._job.sources) > 1
        return apart(self._job.sources)[source] if several else "1"
