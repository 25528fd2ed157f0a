"""Posts and what is said of them to rows of the output."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stance.labelling import Decisions
from stance.parquet import stamped
from stance.pseudonyms import pseudonymous_row
from stance.records import LABEL_COLUMNS, LABELS, PROBABILITY_COLUMNS
from stance.stream.job import Job
from stance.stream.pieces import Pieces, chosen, each, interleaved, parted
from stance.stream.posts import GIVEN, Posts, Row
from stance.tables import csv_lines, json_line

#: How outputs may be compressed, by ending: pieces that are packed one by one and joined are unpacked as one.
PACKING: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, 6, mtime=0),
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def encoded(posts: Posts, decisions: Decisions, job: Job) -> bytes:
    """Rows of one part in the format of the output."""
    if not posts.texts:
        return b""
    if job.key is not None:
        # After labelling, so that no label can depend on it.
        posts = replace(posts, rows=[row and pseudonymous_row(row, job.key) for row in posts.rows])
    if job.ending == ".parquet":
        return _parquet(list(_labelled(posts, decisions, job)), job)
    if job.ending == ".jsonl":
        data = _json_lines(posts, decisions, job.model.id)
    else:
        rows = _labelled(posts, decisions, job)
        data = csv_lines([row.get(column) for column in job.columns] for row in rows)
    return PACKING[job.packing](data)


def _json_lines(posts: Posts, decisions: Decisions, model: str) -> bytes:
    """Each row's own line with the labels put in at its beginning.

    Nothing here is done row by row: labels are a choice of few, and orjson writes a whole column of probabilities as
    fast as Python would write three of them.
    """
    n_posts = len(posts.texts)
    heads = [
        f'{{"stance": "{stance}", "text_stance": "{words}", "{PROBABILITY_COLUMNS[0]}": '.encode()
        for stance in LABELS
        for words in LABELS
    ]
    always = np.zeros(n_posts, dtype=np.int64)
    favor, against, none = map(_numbers, decisions.probabilities.T)
    columns = [
        chosen(heads, decisions.stance * len(LABELS) + decisions.words),
        favor,
        chosen([f', "{PROBABILITY_COLUMNS[1]}": '.encode()], always),
        against,
        chosen([f', "{PROBABILITY_COLUMNS[2]}": '.encode()], always),
        none,
        _reasons(decisions.reasons, model),
        each(posts.keys),
        _own(posts),
        chosen([b"\n"], always),
    ]
    return interleaved(columns)


def _numbers(column: Any) -> Pieces:
    data = orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)
    return parted(data[1:-1], b",")


def _reasons(reasons: list[str | None], model: str) -> Pieces:
    number_of = {reason: number for number, reason in enumerate(dict.fromkeys(reasons))}
    shared = [{"abstained": reason is not None, "reason": reason, "model": model} for reason in number_of]
    values = [b", " + json_line(one)[1:-2] + b", " for one in shared]
    return chosen(values, np.fromiter(map(number_of.__getitem__, reasons), dtype=np.int64, count=len(reasons)))


def _own(posts: Posts) -> Pieces:
    """The row's own columns, from behind the opening brace on."""
    lines = posts.lines
    if any(posts.rows):
        lines = list(map(_line, posts.lines, posts.rows, posts.threads, posts.posts))
    found = each(lines)
    data = np.frombuffer(found.data, dtype=np.uint8)
    if (data[found.start] != ord("{")).any() or (data[found.stop - 1] != ord("}")).any():
        found = each([line.strip(b" \t\r\n") for line in lines])
    return found._replace(start=found.start + 1)


def _line(line: bytes, row: Row | None, thread: str, post: str) -> bytes:
    if row is None:
        return line
    keys = {"thread": thread, "post": post}
    own = {name: value for name, value in row.items() if name not in GIVEN}
    # Twice: the keys stand first where the row has none, else where it has them.
    return json_line({name: keys[name] for name in keys if name not in own} | own | keys)[:-1]


def _labelled(posts: Posts, decisions: Decisions, job: Job) -> Iterator[Row]:
    columns = (
        [LABELS[number] for number in decisions.stance.tolist()],
        [LABELS[number] for number in decisions.words.tolist()],
        *decisions.probabilities.T.tolist(),
        [reason is not None for reason in decisions.reasons],
        decisions.reasons,
        repeat(job.model.id),
    )
    names = LABEL_COLUMNS[2:]
    for row, thread, post, *values in zip(posts.rows, posts.threads, posts.posts, *columns, strict=False):
        yield {**(row or {}), "thread": thread, "post": post, **dict(zip(names, values, strict=True))}


def _parquet(rows: list[Row], job: Job) -> bytes:
    columns = {name: _arrow([row.get(name) for row in rows], name, job) for name in job.columns}
    stream = io.BytesIO()
    pq.write_table(stamped(pa.table(columns)), stream)
    return stream.getvalue()


_ARROW = {name: pa.float64() for name in PROBABILITY_COLUMNS} | {"abstained": pa.bool_()}


def _arrow(values: Iterable[Any], name: str, job: Job) -> pa.Array:
    """A column of a type that is the same in each part: the source's own, else strings."""
    kind = _ARROW.get(name, pa.string() if name in LABEL_COLUMNS else job.types.get(name))
    if kind is not None:
        return pa.array(values, type=kind)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pa.array(texts, type=pa.string())
