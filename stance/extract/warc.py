"""Web archives: each response that holds a page is a page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr
from datetime import datetime

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from stance.errors import PageError
from stance.extract.page import Page
from stance.extract.sources import MAX_BYTES, page_of

#: Bytes that the pages of an archive may have together, and how many times its own: pages are packed to a tenth or so.
MOST_PAGES = 4 * MAX_BYTES
MOST_UNFOLDED = 20

_READABLE = ("text/html", "application/xhtml+xml", "text/plain", "application/json", "application/xml", "text/xml")


def pages_in(archive: Page) -> Iterator[Page]:
    """Give the pages of a WARC file, with the address and the time of capture that the archive keeps.

    Raises
    ------
    PageError
        If the archive is damaged.
    """
    left = max(MOST_PAGES, MOST_UNFOLDED * len(archive.data))
    # warcio takes headers that are missing for strings: hence the AttributeError.
    try:
        records = ArchiveIterator(io.BytesIO(archive.data))
        while found := _next_page(records):
            left -= len(found.data)
            _check(left, archive.name)
            yield found
    except (ArchiveLoadFailed, EOFError, ValueError, AttributeError) as error:
        raise PageError(f"a damaged web archive ({error})", where=archive.name, fix="get the file again") from error


def _next_page(records: Iterator[object]) -> Page | None:
    """The next response that holds a page; of damage warcio would print the bytes, which are a stranger's."""
    with redirect_stderr(io.StringIO()):
        pages = (_page(record) for record in records if record.rec_type == "response")  # type: ignore[attr-defined]
        return next(filter(None, pages), None)


def _check(left: int, name: str) -> None:
    if left < 0:
        raise PageError("pages that unfold to more than an archive of its size holds", where=name, fix="split the file")


def _page(record: object) -> Page | None:
    headers = record.http_headers  # type: ignore[attr-defined]
    if headers is None:
        # Crawlers also keep what name servers answered, and whatever else has an address of another scheme.
        return None
    kind, _, parameters = (headers.get_header("Content-Type") or "text/html").partition(";")
    if kind.strip().lower() not in _READABLE or not (headers.get_statuscode() or "200").startswith("2"):
        return None
    data = record.content_stream().read(MAX_BYTES)  # type: ignore[attr-defined]
    if not data.strip():
        return None
    url = record.rec_headers.get_header("WARC-Target-URI")  # type: ignore[attr-defined]
    date = record.rec_headers.get_header("WARC-Date")  # type: ignore[attr-defined]
    charset = parameters.partition("charset=")[2].strip(" \"'") or None
    return page_of(data, url, url=url, charset=charset, captured_at=datetime.fromisoformat(date) if date else None)
