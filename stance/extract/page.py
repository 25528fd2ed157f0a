"""What every reader is given: the bytes of one source, its name, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Page:
    """One source, read but not yet understood.

    Attributes
    ----------
    name : str
        File name, URL or "-": for messages, and the thread's id where the page gives none.
    data : bytes
        The content, decompressed.
    text : str
        The content decoded, line breaks as they are; for bytes that are no text, as far as it goes.
    url : str or None
        Where the page came from, if known.
    captured_at : datetime or None
        When the page was saved (aware); without it, "3 hours ago" is no date.
    """

    name: str
    data: bytes
    text: str
    url: str | None = None
    captured_at: datetime | None = None
