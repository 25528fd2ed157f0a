"""Dumps of one post a line (a month of Reddit, the items of Hacker News), line by line: they may exceed all memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from stance.extract.assemble import clean_author
from stance.extract.dates import dates_of
from stance.extract.forms import Form, exports, form_of

#: Lines of a dump's beginning that tell what it is: the first of them may be a deleted post.
LINES = 20


def dump_form(head: bytes) -> str | None:
    """Tell which form in `exports.toml` a dump of one post a line has, by its first lines; None for anything else.

    Examples
    --------
    >>> dump_form(b'{"body": "No.", "link_id": "t3_b", "parent_id": "t1_a", "created_utc": 1556878500, "id": "c"}')
    'Reddit (dump)'
    >>> dump_form(b'{"text": "No.", "thread": "b"}') is None
    True
    """
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", LINES)
    # The last of several may be cut off.
    rows = [row for line in (lines[:-1] or lines) if isinstance(row := _value(line), dict)]
    name = form_of(rows) if rows else None
    return name if name and exports()[name]["posts"] == "" else None


def _value(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def dumped_posts(lines: Sequence[bytes], form: str) -> Iterator[dict[str, Any] | str | None]:
    """Give each line's post as a row of a posts table; why it is none; or None for what is no post, as a story.

    Parents are told by what the dump says alone, never guessed: a thread may lie anywhere in it.
    """
    reader = Form.of(form)
    nodes = [_value(line) for line in lines]
    dates = dates_of([reader.value(node, "date") if isinstance(node, dict) else None for node in nodes], None)
    for node, date in zip(nodes, dates, strict=True):
        if not isinstance(node, dict):
            yield "not a JSON object"
        else:
            yield None if reader.says(node, "not") else _row(reader, node, date)


def _row(reader: Form, node: dict[str, Any], date: str | None) -> dict[str, Any]:
    text, quote, _ = reader.words(node)
    parent = reader.parent(node)
    row = {
        "post": reader.value(node, "id"),
        "parent": parent,
        "parent_basis": "page" if parent else None,
        "author": clean_author(reader.value(node, "author")),
        "posted_at": date,
        "text": text,
        "quote": quote,
    }
    thread = reader.value(node, "thread")
    return row if thread is None else {"thread": thread, **row}
