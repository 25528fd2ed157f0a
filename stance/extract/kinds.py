"""What a source is, by its content alone."""

from __future__ import annotations

import json
import re
from itertools import islice

from stance.extract.forms import is_known
from stance.extract.page import Page
from stance.foreign import foreign
from stance.tables import table_format

#: Bytes that no text holds: control characters other than tab, line feed, form feed, carriage return and escape.
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 27}) + b"\x7f"

#: Lines of a file that tell what it is: the first of an export may be a deleted post.
_LINES = 20

_XML = re.compile(r"^\s*(?:<\?xml|<disqus|<rss)", re.IGNORECASE)
_XML_ROOT = re.compile(r"<(?:rss|disqus|feed|channel)\b", re.IGNORECASE)
_TAG = re.compile(
    r"<(?:!doctype|html|head|body|div|p|span|table|ul|ol|li|article|section|script|meta|title|a|br|h[1-6]|main|dl|tr|td|b|i|em|strong|font|link|shreddit-\w+)\b[^<]{0,2000}>",
    re.IGNORECASE,
)


def kind_of(page: Page) -> str:
    """Tell the kind of a source: "table", "warc", "json", "xml", "html", "text" or "binary".

    Examples
    --------
    >>> kind_of(Page("-", b"<p>One", "<p>One")), kind_of(Page("-", b"One", "One"))
    ('html', 'text')
    """
    head = page.data[:4096]
    if head.startswith(b"WARC/"):
        return "warc"
    if foreign(head):
        return "binary"
    start = page.text.lstrip("\ufeff \t\r\n")[:1]
    if head.startswith(b"PAR1") or (start not in ("<", "[") and table_format(page.data)):
        return "json" if start == "{" and _is_export(page) else "table"
    if _is_binary(page):
        return "binary"
    if start in ("{", "["):
        return "json" if re.match(r"\s*(?:\[\s*[\[{\]]|\{\s*[\"}])", page.text.lstrip("\ufeff")) else "text"
    if _XML.match(page.text) and _XML_ROOT.search(page.text[:20_000]):
        return "xml"
    return "html" if _looks_like_html(page.text) else "text"


def _is_export(page: Page) -> bool:
    """Tell an export of one flat object a line from a table of ours, by its first lines."""
    try:
        return is_known(
            [json.loads(line) for line in page.text.lstrip("\ufeff").split("\n", _LINES)[:_LINES] if line.strip()]
        )
    except (ValueError, RecursionError):
        return False


def _is_binary(page: Page) -> bool:
    """Tell by control characters; a NUL here and there is a damaged page, a tenth of them is no text at all."""
    sample = page.text[:20_000].encode("utf-8", "replace")
    strange = len(sample) - len(sample.translate(None, _CONTROL)) + page.text[:20_000].count("\ufffd")
    return strange * 10 > len(sample)


def _looks_like_html(text: str) -> bool:
    start = text.lstrip("\ufeff \t\r\n\0")[:1]
    tags = _TAG.finditer(text, 0, 200_000)
    # One tag is enough where the text begins with one, and three are elsewhere.
    return next(islice(tags, 0 if start == "<" else 2, None), None) is not None
