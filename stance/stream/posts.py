"""Rows to posts: the columns that labelling reads, or why a row is no post.

This runs for each row of a hundred million, hence what looks odd: the usual case comes first and asks for exact types,
and a line that can be passed on as it is is not written anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from stance.conversation import Graph, link_posts
from stance.records import LABEL_COLUMNS, id_of
from stance.stream.job import Job
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
        return link_posts(self.threads, self.posts, _ids(self.parents), _ids(self.authors), self.candidates)


def _ids(values: list[Any]) -> list[str | None]:
    return [value if type(value) is str and value else id_of(value) for value in values]


def read_posts(rows: Rows, job: Job) -> Posts:
    """Sort the rows of one part into posts and rejects."""
    kept: list[tuple[Any, ...]] = []
    rejects: list[tuple[int, str]] = []
    keys, may_pass = _Keys(job), job.ending == ".jsonl" and job.key is None
    for place, content in enumerate(rows.content):
        row, line = _parsed(content) if may_pass else (_value(content), b"")
        reason = _refusal(row, job)
        if reason is None:
            reason = keys.give(row, rows.source[place], rows.ordinal[place])
        if reason is not None:
            rejects.append((place, reason))
            continue
        linked = (row.get("parent"), row.get("author"), row.get("parent_candidates"))
        if line and keys.are_exact and GIVEN.isdisjoint(row):
            # A row that need not be written is forgotten at once: 20,000 do not fit in the processor's cache.
            kept.append((row["text"], keys.thread, keys.post, *linked, None, line, _missing_keys(row, keys)))
        else:
            kept.append((row["text"], keys.thread, keys.post, *linked, row, b"", b""))
    columns: list[Any] = [list(column) for column in zip(*kept, strict=True)] if kept else [[]] * 9
    return Posts(rejects, keys.named, *columns)


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
        self._counts: dict[str, int] = {}
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
        count = self._counts[thread] = self._counts.get(thread, 0) + 1
        if type(post) is not str or not post:
            if "post" in row and id_of(post) is None:
                return "no post id"
            self.are_exact &= post is None
            post = id_of(post) or str(count if "thread" in row else ordinal)
        if self._job.conversation:
            if (thread, post) in self._taken:
                return f"post {post!r} stands twice in thread {thread!r}"
            self._taken.add((thread, post))
        if "thread" in row:
            self.named.add(thread)
        self.thread, self.post = thread, post
        return None

    def _whole(self, source: int) -> str:
        several = len(self._job.sources) > 1
        return apart(self._job.sources)[source] if several else "1"
