"""One part of the rows to one part of the output: a pure function, so that any process may do it, and do it again."""

from __future__ import annotations

import gc
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stance.labelling import label_columns
from stance.model import Model
from stance.parquet import stamped
from stance.pseudonyms import pseudonymous_row
from stance.records import LABEL_COLUMNS, POST_COLUMNS, PROBABILITY_COLUMNS, id_of
from stance.stream.read import Record, Refused
from stance.tables import csv_lines, json_line

#: Bytes of UTF-8 beyond which a text is no post.
LONGEST_TEXT = 1_000_000

_USED = (*POST_COLUMNS, "parent_candidates")


@dataclass(frozen=True)
class Job:
    """What is done with each part.

    Attributes
    ----------
    sources : tuple of str
        Their names, for the rejects.
    ending : str
        The kind of output: ".jsonl", ".csv" or ".parquet".
    columns : tuple of str
        Of CSV and Parquet output, which cannot take more; empty for JSON Lines.
    types : mapping
        Arrow types of the columns that come from a Parquet source.
    key : bytes or None
        Of the pseudonyms that take the place of authors' names.
    """

    model: Model
    sources: tuple[str, ...]
    ending: str = ".jsonl"
    conversation: bool = True
    columns: tuple[str, ...] = ()
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    key: bytes | None = None


@dataclass(frozen=True)
class Labelled:
    """One part of the output.

    Attributes
    ----------
    data, rejected : bytes
        Rows in the format of the output, and rejects as JSON Lines.
    rows, rejects : int
        How many there are of each.
    threads : tuple of int
        A 64-bit hash of the name of each thread, in ascending order.
    """

    data: bytes
    rejected: bytes
    rows: int
    rejects: int
    threads: tuple[int, ...]


def label_part(part: Sequence[Record], job: Job) -> Labelled:
    """Label the rows of one part; a row that cannot be used becomes a reject with its reason."""
    with _without_collection():
        return _label_part(part, job)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Let nobody look for cycles among the rows: there are none, and the search took a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _label_part(part: Sequence[Record], job: Job) -> Labelled:
    good: list[dict[str, Any]] = []
    rejects: list[tuple[Record, str]] = []
    keys = _Keys(job)
    for record in part:
        row = _row(record, job)
        keyed = row if isinstance(row, Refused) else keys.give(row, record)
        if isinstance(keyed, Refused):
            rejects.append((record, keyed.reason))
        else:
            good.append(keyed)
    rejected = b"".join(
        json_line({"source": job.sources[record.source], "line": record.line, "reason": reason, **_found(record, job)})
        for record, reason in rejects
    )
    threads = tuple(sorted({_hash(thread) for thread in keys.threads}))
    return Labelled(_encoded(_with_labels(good, job), job), rejected, len(good), len(rejects), threads)


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _found(record: Record, job: Job) -> dict[str, str]:
    """The row as it was, for whoever wants to mend it; its beginning, where it is long."""
    content = record.content
    if job.key is not None:
        # In a row that cannot be read names cannot be found.
        return {}
    if isinstance(content, bytes):
        return {"row": content.rstrip(b"\r\n")[:10_000].decode("utf-8", "replace")}
    return (
        {} if isinstance(content, Refused) else {"row": json_line(content)[:10_000].decode("utf-8", "replace").rstrip()}
    )


def _row(record: Record, job: Job) -> dict[str, Any] | Refused:
    """The row as a mapping with a text that can be read, or why it is not."""
    row: Any = record.content
    if isinstance(row, bytes):
        try:
            row = json.loads(row.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            return Refused("not UTF-8")
        except (ValueError, RecursionError) as error:
            return Refused(f"not JSON ({error})")
    if isinstance(row, Refused):
        return row
    if not isinstance(row, dict):
        return Refused(f"{type(row).__name__} instead of an object")
    text = row.get("text")
    if not isinstance(text, str):
        missing = "no column 'text'" if "text" not in row else "no text"
        return Refused(missing if text is None else f"text is {type(text).__name__}, not a string")
    # A character has at most four bytes: most texts need no counting.
    if len(text) * 4 > LONGEST_TEXT and len(text.encode("utf-8", "surrogatepass")) > LONGEST_TEXT:
        return Refused(f"text of more than {LONGEST_TEXT} bytes")
    if job.ending == ".parquet" and not _encodable(row):
        return Refused("half of a surrogate pair, which Parquet cannot hold")
    new = [column for column in row if job.columns and column not in job.columns and column not in LABEL_COLUMNS]
    return Refused(f"column {new[0]!r} is not in the first rows, and a table has one set of columns") if new else row


def _encodable(row: Mapping[str, Any]) -> bool:
    try:
        "".join(value for value in row.values() if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Keys:
    """Gives each row its thread and post, as `stance.data.check_posts` would.

    Attributes
    ----------
    threads : set of str
        Threads that the rows themselves name.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._counts: Counter[str] = Counter()
        self._taken: set[tuple[str, str]] = set()
        self.threads: set[str] = set()

    def give(self, row: dict[str, Any], record: Record) -> dict[str, Any] | Refused:
        """Return the row with `thread` and `post`, or why it can have none."""
        for name in ("thread", "post"):
            if name in row and id_of(row[name]) is None:
                return Refused(f"no {name} id")
        several = len(self._job.sources) > 1
        whole = Path(self._job.sources[record.source]).stem if several else "1"
        thread = id_of(row.get("thread")) or whole
        self._counts[thread] += 1
        post = id_of(row.get("post")) or str(self._counts[thread] if "thread" in row else record.ordinal)
        if self._job.conversation and (thread, post) in self._taken:
            return Refused(f"post {post!r} stands twice in thread {thread!r}")
        self._taken.add((thread, post))
        if "thread" in row:
            self.threads.add(thread)
        return {**row, "thread": thread, "post": post}


def _with_labels(rows: list[dict[str, Any]], job: Job) -> list[dict[str, Any]]:
    if not rows:
        return []
    posts = {name: [row.get(name) for row in rows] for name in _USED}
    posts["parent"] = [id_of(parent) for parent in posts["parent"]]
    labels = label_columns(posts, job.model, conversation=job.conversation)
    columns = {name: labels[name] for name in LABEL_COLUMNS if name not in ("thread", "post")}
    if job.key is not None:
        # After labelling, so that no label can depend on it.
        rows = [pseudonymous_row(row, job.key) for row in rows]
    return [
        {"thread": row["thread"], "post": row["post"], **dict(zip(columns, values, strict=True))}
        | {name: value for name, value in row.items() if name not in LABEL_COLUMNS}
        for row, values in zip(rows, zip(*columns.values(), strict=True), strict=True)
    ]


def _encoded(rows: list[dict[str, Any]], job: Job) -> bytes:
    if job.ending == ".jsonl":
        return b"".join(map(json_line, rows))
    if job.ending == ".csv":
        return csv_lines([row.get(column) for column in job.columns] for row in rows)
    columns = {name: _arrow([row.get(name) for row in rows], name, job) for name in job.columns}
    stream = io.BytesIO()
    pq.write_table(stamped(pa.table(columns)), stream)
    return stream.getvalue()


_ARROW = {name: pa.float64() for name in PROBABILITY_COLUMNS} | {"abstained": pa.bool_()}


def _arrow(values: list[Any], name: str, job: Job) -> pa.Array:
    """A column of a type that is the same in each part: the source's own, else strings."""
    kind = _ARROW.get(name, pa.string() if name in LABEL_COLUMNS else job.types.get(name))
    if kind is not None:
        return pa.array(values, type=kind)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pa.array(texts, type=pa.string())
