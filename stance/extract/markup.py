"""HTML to a tree and back to text: the one place that knows the parser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from stance.extract.guards import check
from stance.extract.words import emoji


def parse(html: str, where: str) -> LexborHTMLParser:
    """Parse a page, unless its shape would stall the parser.

    Raises
    ------
    PageError
        If it is more than the limits in `guards.py`.
    """
    check(html, where)
    # A lone surrogate cannot be handed to the parser, which wants UTF-8.
    return LexborHTMLParser(html.encode("utf-8", "replace"))


# What serialised HTML looks like: the parser quotes each attribute and escapes each quote, so these are exact.
_ATTRIBUTES = r'[^>"]*+(?:"[^"]*+"[^>"]*+)*+'
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_UNSEEN = re.compile(
    rf"<(script|style|noscript|template|svg|math|iframe|object|select|button|textarea|audio|video|canvas)\b{_ATTRIBUTES}>.*?</\1>",
    re.DOTALL,
)
_FORM = re.compile(rf"<form\b{_ATTRIBUTES}>.*?</form>", re.DOTALL)
_FIELD = re.compile(r"<textarea\b|<input\b[^>]*type=\"(?:text|email|url|password)\"")
_IMAGE = re.compile(rf"<img\b({_ATTRIBUTES})>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_BLOCK = re.compile(
    rf"<(?:/?(?:address|article|aside|blockquote|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|h[1-6]|"
    rf"header|hr|legend|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul)|br)\b{_ATTRIBUTES}>"
)
_CELL = re.compile(rf"</?(?:td|th)\b{_ATTRIBUTES}>")
_TAG = re.compile(rf"</?[a-zA-Z]{_ATTRIBUTES}>")
_PRE = re.compile(rf"<pre\b{_ATTRIBUTES}>.*?</pre>", re.DOTALL)
_NOT_INLINE = re.compile(r"<(?!/?(?:a|b|i|em|strong|span|font|time|abbr|cite|u|small|bdi)\b)")
_SPACES = "\t\r\n\f\xa0"


def texts_of(pieces: Sequence[str]) -> list[str]:
    r"""Read many pieces of serialised HTML at once, which takes half the time of one by one.

    Examples
    --------
    >>> texts_of(["<p>One", "<b>two</b>"])
    ['One', 'two']
    """
    # Elements are serialised whole, so nothing that is found reaches from one piece into the next.
    texts = _plain("\0".join(pieces)).split("\0")
    return [_lines(text) for text in texts] if len(texts) == len(pieces) else [text_of(piece) for piece in pieces]


def text_of(html: str) -> str:
    r"""Read serialised HTML as plain text: blocks and `<br>` break the line, nothing else does.

    Examples
    --------
    >>> text_of('<div><p>One<b>self</b></p><p>two &lt;3<br>three</p><script>x</script></div>')
    'Oneself\ntwo <3\nthree'
    >>> text_of('<p>Yes <img class="emoji" alt=":+1:"></p>')
    'Yes 👍'
    """
    return _lines(_plain(html))


def _lines(text: str) -> str:
    return "\n".join(filter(None, map(str.strip, text.split("\n"))))


def _plain(html: str) -> str:
    if "<pre" in html:
        html = _PRE.sub(_keep_breaks, html)
    for space in _SPACES:
        html = html.replace(space, " ")
    if "<form" in html:
        html = _FORM.sub(_unless_to_fill_in, html)
    if "-->" in html:
        # Not without this look: each sign that opens none would be followed to the end of the page.
        html = _COMMENT.sub("", html)
    html = _UNSEEN.sub("", html)
    if "<img" in html:
        html = _IMAGE.sub(_emoji, html)
    html = _BLOCK.sub("\n", html)
    html = _CELL.sub(" ", html)
    html = _TAG.sub("", html)
    if "&" in html:
        html = unescape(html).replace("\xa0", " ")
    return re.sub(" {2,}", " ", html) if "  " in html else html


def _keep_breaks(found: re.Match[str]) -> str:
    return found.group().replace("\n", "<br>")


def _unless_to_fill_in(found: re.Match[str]) -> str:
    """Old Reddit wraps each comment in a form; only one with a field to write in is a form to a reader."""
    return "" if has_fields(found.group()) else found.group()


def has_fields(html: str) -> bool:
    """Tell whether there is something to fill in."""
    return bool(_FIELD.search(html))


def _emoji(found: re.Match[str]) -> str:
    attributes = dict(_ATTRIBUTE.findall(found.group(1)))
    alt = unescape(attributes.get("alt", "")).strip()
    is_emoticon = re.search(r"emoji|smil|emoticon|wp-smiley", attributes.get("class", "") + attributes.get("src", ""))
    name = alt.strip(":").casefold().replace(" ", "_")
    if name in emoji() and (is_emoticon or alt.startswith(":")):
        return emoji()[name]
    return alt if is_emoticon and len(alt) < 16 and not re.search(r"\w{3}", alt) else ""


def line_of(html: str) -> str:
    """Read serialised HTML as one line: for names, dates and titles."""
    if html.count("<") == 2:
        # One element with nothing but text in it, which most names and dates are.
        opening = _TAG.match(html)
        inner = html[opening.end() : html.rfind("<")] if opening else html
        return " ".join((unescape(inner) if "&" in inner else inner).split())
    if not _NOT_INLINE.search(html):
        text = _TAG.sub("", html)
        return " ".join((unescape(text) if "&" in text else text).split())
    if html.startswith(("<button", "<select", "<object")):
        # Text of a button is no text, except where the button is all that was asked for.
        html = html[html.find(">") + 1 : html.rfind("<")]
    return " ".join(text_of(html).split())


def unique(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """Drop repeated nodes: a comma list of selectors finds a node once for each that fits."""
    return list({node.mem_id: node for node in nodes}.values())


def text_and_quote(html: str) -> tuple[str, str | None]:
    """Read a post's HTML as its own words and those it quotes.

    Examples
    --------
    >>> text_and_quote("<blockquote>They spy.</blockquote><p>Who says?</p>")
    ('Who says?', 'They spy.')
    """
    tree = LexborHTMLParser(html.encode("utf-8", "replace"))
    body = tree.body.inner_html if tree.body else ""
    own, quotes = without(body or "", [node.html or "" for node in tree.css("blockquote, aside.quote")])
    text, quote = text_of(own), text_of("\n".join(quotes))
    return (text, quote or None) if text else (quote, None)


def without(html: str, pieces: Iterable[str]) -> tuple[str, list[str]]:
    """Take pieces of serialised HTML out, and say which were there.

    Serialising is deterministic, so an element's HTML is a substring of the HTML around it; this needs no change of the
    tree, where nodes inside a removed node would be dangling pointers.
    """
    taken = []
    for piece in pieces:
        if piece and piece in html:
            html = html.replace(piece, "<br>", 1)
            taken.append(piece)
    return html, taken
