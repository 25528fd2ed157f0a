"""From what the user names to a `Page`: a path, bytes, text or standard input, decoded."""

from __future__ import annotations

import io
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from stance.compressed import DAMAGED, opener
from stance.errors import DataError, PageError
from stance.extract.page import Page
from stance.tables import read_bytes

#: Where a page may say its charset: the prescan of the HTML standard reads the first 1024 bytes, browsers in
#: practice a little more.
_HEAD = 4096

_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)

#: What the Encoding Standard reads under names that Python takes at their word.
_WEB_ALIASES = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "gb2312": "gb18030",
}

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))

#: Expanded size at which a compressed file is refused.
MAX_BYTES = 64 * 1024 * 1024


def open_source(source: str | os.PathLike[str] | bytes, *, captured_at: datetime | None = None) -> Page:
    """Read a path, bytes, text or "-" (standard input) into a `Page`.

    Raises
    ------
    PageError
        If the source holds nothing.
    DataError
        If the file cannot be read.
    """
    if isinstance(source, bytes):
        return page_of(source, "bytes", captured_at=captured_at)
    if isinstance(source, str) and _is_text(source):
        return page_of(source.encode("utf-8", "surrogatepass"), "text", captured_at=captured_at)
    name = os.fspath(source)
    if name == "-":
        return page_of(sys.stdin.buffer.read(), "-", captured_at=captured_at)
    return page_of(read_bytes(name), name, captured_at=captured_at)


def page_of(
    data: bytes, name: str, *, url: str | None = None, charset: str | None = None, captured_at: datetime | None = None
) -> Page:
    """Decompress and decode the bytes of one source.

    Raises
    ------
    PageError
        If nothing is in them.
    """
    data = _expanded(data, name)
    if not data.strip():
        raise PageError("the source is empty", where=name, fix="give a page with posts in it")
    return Page(name=name, data=data, text=decode(data, charset), url=url, captured_at=captured_at)


def _expanded(data: bytes, name: str) -> bytes:
    """Undo gzip, bzip2, xz or Zstandard, but never past `MAX_BYTES`: a few bytes can stand for many."""
    opened = opener(data)
    if opened is None:
        return data
    try:
        expanded = opened(io.BytesIO(data)).read(MAX_BYTES + 1)
    except DAMAGED as error:
        raise PageError(f"compressed data is damaged ({error})", where=name, fix="get the file again") from error
    if len(expanded) > MAX_BYTES:
        raise PageError(f"more than {MAX_BYTES} bytes after decompression", where=name, fix="split the file")
    return expanded


def _is_text(source: str) -> bool:
    """Tell text from a path: no file name of ours holds a line break or begins with a tag or a brace."""
    return "\n" in source or source.lstrip()[:1] in ("<", "{", "[")


def decode(data: bytes, charset: str | None = None) -> str:
    """Decode as browsers do, except that bytes which are valid UTF-8 are UTF-8 whatever the page declares.

    A declared charset is often wrong (copied templates, proxies that recode); text in another charset is practically
    never valid UTF-8 by chance.

    Examples
    --------
    >>> decode("<meta charset=latin1>Zoë".encode())
    '<meta charset=latin1>Zoë'
    >>> decode("<meta charset=windows-1251>Да".encode("cp1251"))
    '<meta charset=windows-1251>Да'
    """
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return data.decode(codec, "replace")
    wide = _utf16_without_mark(data)
    if wide:
        return data.decode(wide, "replace")
    declared = _codec(charset) or _codec(_declared(data))
    if (declared or "").startswith(("utf-16", "utf_16", "utf16", "utf-32")):
        # The declaration itself was readable as ASCII, so it is wrong.
        declared = None
    # ISO-2022-JP and HZ are made of ASCII bytes only, so they pass for UTF-8.
    if not (declared or "").startswith(("iso2022", "hz")):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            # A page cut off in the middle of a character is UTF-8 all the same.
            if error.reason == "unexpected end of data" or (declared in (None, "utf-8") and _mostly_utf8(data)):
                return data.decode("utf-8", "replace")
    return data.decode(declared if declared and declared != "utf-8" else "cp1252", "replace")


def _mostly_utf8(data: bytes) -> bool:
    """Tell broken UTF-8 (a few bad bytes among good sequences) from a one-byte charset."""
    bad = data.decode("utf-8", "replace").count("\ufffd")
    wide = sum(byte >= 0xC2 for byte in data)
    return bad * 4 < wide


def _utf16_without_mark(data: bytes) -> str | None:
    head = data[:512]
    zeros = head.count(0)
    if zeros * 3 < len(head):
        return None
    return "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"


def _declared(data: bytes) -> str | None:
    found = _CHARSET.search(data, 0, _HEAD)
    return found.group(1).decode("ascii") if found else None


def _codec(charset: str | None) -> str | None:
    if not charset:
        return None
    name = _WEB_ALIASES.get(charset.lower(), charset)
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        return None
    return name.lower()


def thread_id(page: Page) -> str:
    """Name a thread after its source: the file's name without its ending, or the URL."""
    return page.url or name_of(page.name)


def name_of(source: str) -> str:
    """Name a file without its folder and ending.

    Examples
    --------
    >>> name_of("pages/huawei.html")
    'huawei'
    """
    return Path(source).stem or source


def find_sources(sources: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    """Name each file: folders and patterns stand for what is in them, in alphabetical order.

    Addresses, text and "-" stand for themselves, as does a path that is no pattern, whether anything is there or not.

    Raises
    ------
    DataError
        If a folder is empty or a pattern fits nothing.
    """
    return tuple(name for source in sources for name in _files(os.fspath(source)))


def _files(source: str) -> list[str]:
    if source == "-" or _is_text(source) or source.startswith(("http://", "https://")):
        return [source]
    path = Path(source)
    if path.is_dir():
        found = sorted(str(one) for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
    elif any(sign in source for sign in "*?[") and not path.exists():
        found = sorted(map(str, Path(path.anchor).glob(str(path.relative_to(path.anchor)))))
    else:
        return [source]
    if not found:
        raise DataError("no files there", where=source, fix="check the path")
    return found


def names_apart(sources: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Name files so that no two share a name: those of one name with as much of their folders as tells them apart.

    Examples
    --------
    >>> names_apart(["a/page.html", "b/page.html", "b/other.html"])
    ['a/page', 'b/page', 'other']
    """
    paths = [("text",) if _is_text(os.fspath(source)) else Path(source).with_suffix("").parts for source in sources]
    length = dict.fromkeys(paths, 1)
    while True:
        counts = Counter("/".join(path[-size:]) for path, size in length.items())
        longer = [path for path, size in length.items() if counts["/".join(path[-size:])] > 1 and size < len(path)]
        if not longer:
            break
        length |= {path: length[path] + 1 for path in longer}
    seen: Counter[str] = Counter()
    names = []
    for path in paths:
        name = "/".join(path[-length[path] :])
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return names
