"""Pages, dumps and exports to threads of posts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import stance
from stance.errors import NotAPageError, StanceWarning
from stance.extract.dump import read_dump
from stance.extract.exports import read_json, read_xml
from stance.extract.folders import Found
from stance.extract.html import read_html, read_part, thread_of
from stance.extract.json_tree import TREE
from stance.extract.kinds import kind_of
from stance.extract.page import Page
from stance.extract.repeated import REPEATED
from stance.extract.sources import find_sources, name_of, names_apart, open_source
from stance.foreign import refuse_foreign, refuse_separator
from stance.records import Thread

if TYPE_CHECKING:
    from stance.extract.fetch import Fetcher

__all__ = ["extract", "extract_all", "guessed", "warn_of_guesses"]

#: Readers for pages and data of which nobody has told us anything, and how many of their threads are named.
_GUESSES = (REPEATED, TREE)
_NAMED = 3


def guessed(threads: Iterable[Thread]) -> dict[str, str]:
    """Threads that were read by guess, and as what."""
    return {thread.id: thread.platform for thread in threads if thread.posts and thread.platform in _GUESSES}


def warn_of_guesses(found: Mapping[str, str]) -> None:
    """Warn of threads that were read by guess, by their names: labels do not show how their posts were found."""
    if not found:
        return
    count = "1 thread was" if len(found) == 1 else f"{len(found)} threads were"
    names = ", ".join(list(found)[:_NAMED]) + (" …" if len(found) > _NAMED else "")
    text = f"{count} read by guess, as {' and '.join(sorted(set(found.values())))}: {names}"
    warnings.warn(f"{text}; `stance extract` shows what was found", StanceWarning, stacklevel=2)


def extract(
    source: str | os.PathLike[str] | bytes,
    *,
    captured_at: datetime | None = None,
    pages: int = 1,
    fetcher: Fetcher | None = None,
    name: str | None = None,
) -> list[Thread]:
    """Read the posts of a page, dump or export, whatever its kind.

    Parameters
    ----------
    source : path, URL, bytes, text or "-"
        A text with a line break, or that begins with a tag or a brace, is read itself; "-" is standard input.
    captured_at : datetime, optional
        When the page was saved; without it "3 hours ago" is no date.
    pages : int
        How many pages of one thread to fetch, where the source is a URL and the thread goes on.
    fetcher : Fetcher, optional
        How to fetch; the default keeps no cache and goes to no private address.
    name : str, optional
        What the thread is called in place of its file, where another of the run has the same name; see `names_apart`.

    Returns
    -------
    list of Thread
        One for each page or discussion in the source. A page without comments gives a thread without posts, and its
        `notes` say what was seen in their place.

    Raises
    ------
    PageError
        If the source is empty, or nothing that can be read.
    DataError
        If there is no such file, or a posts table breaks its rules.

    Examples
    --------
    >>> dump = "2 Comments\\n1. Ada\\nPosts: 3\\nIt is safe.\\n2. Bob\\nPosts: 5\\nWho says so?"
    >>> [(post.id, post.author, post.text) for post in extract(dump)[0].posts]
    [('1', 'Ada', 'It is safe.'), ('2', 'Bob', 'Who says so?')]
    """
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return _fetch(source, pages, fetcher or stance.Fetcher())
    page = open_source(source, captured_at=captured_at)
    threads = read_page(page)
    return [_called(thread, name_of(page.name), name) for thread in threads] if name else threads


def extract_all(
    sources: Sequence[str | os.PathLike[str]], *, pages: int = 1, fetcher: Fetcher | None = None
) -> list[Thread]:
    """Read the posts of several sources, folders and patterns of them too.

    Threads of two files of one name are told apart by their folders. What is no page in a folder is passed over with a
    `StanceWarning`, as are the pictures and scripts that a browser saves beside one.

    Examples
    --------
    >>> extract_all([])
    []
    """
    files, found = find_sources(sources), Found.beside(sources)
    threads = [
        thread
        for source, name in zip(files, names_apart(files), strict=True)
        for thread in found.read(source, partial(extract, source, pages=pages, fetcher=fetcher, name=name), notes=True)
    ]
    found.tell()
    return threads


def _called(thread: Thread, old: str, new: str) -> Thread:
    """Rename a thread that is named after its file, alone or with a number behind it."""
    if thread.id == old or thread.id.startswith(f"{old}#"):
        return replace(thread, id=new + thread.id[len(old) :])
    return thread


def _fetch(url: str, pages: int, fetcher: Fetcher) -> list[Thread]:
    page = fetcher.get(url)
    if kind_of(page) != "html":
        return read_page(page)
    parts = [read_part(page)]
    seen = {url, page.url}
    while len(parts) < pages and parts[-1].next_url and parts[-1].next_url not in seen:
        seen.add(parts[-1].next_url)
        parts.append(read_part(fetcher.get(parts[-1].next_url)))
    return [thread_of(parts)]


def read_page(page: Page) -> list[Thread]:
    """Read one source by the reader for its kind."""
    kind = kind_of(page)
    if kind == "table":
        return stance.table_to_threads(stance.read_table(page.name, page.data), where=page.name)
    if kind in ("text", "html"):
        refuse_separator(page.data, page.name)
    if kind == "html":
        return [read_html(page)]
    if kind == "text":
        return [read_dump(page)]
    if kind == "json":
        return read_json(page)
    if kind == "xml":
        return read_xml(page)
    if kind == "warc":
        return [thread for record in stance.pages_in(page) for thread in read_page(record)]
    refuse_foreign(page.data, page.name)
    fix = "give HTML, text, JSON, XML, WARC or a posts table"
    raise NotAPageError("not a page, dump, export or table", where=page.name, fix=fix)
