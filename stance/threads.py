"""Sources to threads to labels without a table in between, as the command line labels a page.

`stance.workflow` does the same for notebooks, with tables in and out; loading pandas takes longer than labelling a
thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from stance.errors import PageError
from stance.extract import extract, guessed, warn_of_guesses
from stance.extract.folders import Found
from stance.extract.sources import find_sources, names_apart
from stance.labelling import label_columns
from stance.model import Model, load_model
from stance.records import LABEL_COLUMNS, Thread, check_keys, thread_rows

_Source = TypeVar("_Source")


def label_rows(
    sources: Iterable[str | os.PathLike[str] | Thread],
    model: Model | str | os.PathLike[str] | None = None,
    *,
    conversation: bool = True,
) -> list[dict[str, Any]]:
    """Label every post of pages, dumps, exports or posts tables; a row a post, with `LABEL_COLUMNS`.

    Raises
    ------
    PageError
        If a source has no posts.
    DataError
        If a post stands twice in a thread.
    """
    rows = list(thread_rows(thread for source, name in named(sources) for thread in threads_in(source, name)))
    posts = {name: [row[name] for row in rows] for name in rows[0]} if rows else {"thread": [], "post": [], "text": []}
    check_keys(posts, "posts table")
    labels = label_columns(posts, load_model(model), conversation=conversation)
    return [dict(zip(LABEL_COLUMNS, row, strict=True)) for row in zip(*(labels[n] for n in LABEL_COLUMNS), strict=True)]


def named(sources: Iterable[_Source]) -> list[tuple[_Source | str | Thread, str | None]]:
    """Each source with a name for its threads; for folders and patterns the threads of what is in them.

    Two files of one name are told apart by their folders. A file there without posts is passed over with a
    `StanceWarning`.
    """
    given = list(sources)
    files: list[_Source | str] = []
    for one in given:
        files.extend(find_sources([one]) if isinstance(one, str | os.PathLike) else [one])
    names = iter(names_apart([one for one in files if isinstance(one, str | os.PathLike)]))
    found = Found.beside(given)
    read = [
        pair
        for one in files
        for pair in _read_if_found(one, next(names) if isinstance(one, str | os.PathLike) else None, found)
    ]
    found.tell()
    return read


def _read_if_found(
    source: _Source | str, name: str | None, found: Found
) -> Iterator[tuple[_Source | str | Thread, str | None]]:
    if not (isinstance(source, str) and found.holds(source)):
        yield source, name
        return
    yield from ((thread, None) for thread in found.read(source, partial(extract, source, name=name)) if thread.posts)


def threads_in(source: str | os.PathLike[str] | Thread, name: str | None = None) -> list[Thread]:
    """Threads of a source that has posts; those that are named after their file get `name` instead.

    Raises
    ------
    PageError
        If it has none; it says what was seen in their place.
    """
    return with_posts([source] if isinstance(source, Thread) else extract(source, name=name), source)


def with_posts(threads: list[Thread], source: str | os.PathLike[str] | Thread) -> list[Thread]:
    """Return the threads of a source, or say what was seen in place of posts where none has any."""
    if not any(thread.posts for thread in threads):
        notes = "; ".join(note for thread in threads for note in thread.notes)
        fix = "give a page whose comments are in it; `stance extract` shows what is found"
        raise PageError(f"no posts{f' ({notes})' if notes else ''}", where=where_of(source), fix=fix)
    warn_of_guesses(guessed(threads))
    return threads


def where_of(source: str | os.PathLike[str] | Thread) -> str:
    """What to call a source in a message."""
    return source.id if isinstance(source, Thread) else os.fspath(source)
