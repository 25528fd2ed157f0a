"""One part of the rows to one part of the output: a pure function, so that any process may do it, and do it again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from stance.conversation import Named
from stance.errors import DataError
from stance.labelling import decide
from stance.stream.encode import encoded
from stance.stream.job import Job, Labelled
from stance.stream.posts import read_posts
from stance.stream.read import Content, Refused, Rows
from stance.tables import json_line


def label_part(part: Rows, job: Job) -> Labelled:
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


def _label_part(part: Rows, job: Job) -> Labelled:
    posts = read_posts(part, job)
    graph = posts.graph() if job.conversation else None
    decisions = decide(posts.texts, graph, job.model, n_all=job.n_all)
    rejected = b"".join(_reject(part, place, reason, job) for place, reason in posts.rejects)
    threads = tuple(sorted(map(_hash, posts.named)))
    named = Named() if graph is None else graph.named
    return Labelled(encoded(posts, decisions, job), rejected, len(posts.texts), len(posts.rejects), threads, named)


def usable(part: Labelled) -> Labelled:
    """Let a part pass that has no rejects.

    Raises
    ------
    DataError
        If it has; the first of them is named.
    """
    if part.rejects:
        first = part.rejected.split(b"\n", 1)[0][:1000].decode("utf-8", "replace")
        raise DataError(f"a row cannot be used: {first}", fix="mend it, or leave out --strict")
    return part


def reject_part(part: Rows, job: Job, reason: str) -> Labelled:
    """Reject every row of a part that nobody can label."""
    rejected = b"".join(_reject(part, place, reason, job) for place in range(part.n_rows))
    return Labelled(b"", rejected, 0, part.n_rows, ())


def _reject(part: Rows, place: int, reason: str, job: Job) -> bytes:
    where = {"source": job.sources[part.source[place]], "line": part.line[place], "reason": reason}
    # In a row that cannot be read names cannot be found.
    return json_line(where | (_as_found(part.content[place]) if job.key is None else {}))


def _as_found(content: Content) -> dict[str, str]:
    """The row as it was, for whoever wants to mend it; its beginning, where it is long."""
    if isinstance(content, Refused):
        return {}
    line = content if isinstance(content, bytes) else json_line(content)
    return {"row": line.rstrip(b"\r\n")[:10_000].decode("utf-8", "replace").rstrip()}


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
