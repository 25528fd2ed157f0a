"""Files of other programs: what they are, and how to make of them what stance reads."""

from __future__ import annotations

import re

from stance.errors import DataError, NotAPageError
from stance.records import POST_COLUMNS

_SAVE_PAGE = "give the page as HTML or as text"
_SAVE_TABLE = "save it as CSV UTF-8"
_UNPACK = "unpack it"

#: How files begin, what they then are, and the way out.
_KINDS = (
    (b"%PDF", "a PDF document", "give its text, or the page that it was printed from"),
    (b"\x89PNG", "a PNG picture", _SAVE_PAGE),
    (b"GIF8", "a GIF picture", _SAVE_PAGE),
    (b"\xff\xd8\xff", "a JPEG picture", _SAVE_PAGE),
    (b"RIFF", "a picture, sound or film", _SAVE_PAGE),
    (b"wOF", "a font", _SAVE_PAGE),
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0", "a document of an old Office program", "save it as text, or a table as CSV UTF-8"),
    (b"SQLite format 3\0", "an SQLite database", "export its posts as CSV or JSON Lines"),
    (b"\x7fELF", "a program", _SAVE_PAGE),
)

#: What is inside archives and old documents that are something more special.
_INSIDE = (
    (b"PK\x03\x04", b"xl/", "an Excel workbook", _SAVE_TABLE),
    (b"PK\x03\x04", b"opendocument.spreadsheet", "an OpenDocument spreadsheet", _SAVE_TABLE),
    (b"PK\x03\x04", b"word/", "a Word document", "save it as text"),
    (b"PK\x03\x04", b"opendocument.text", "an OpenDocument text", "save it as text"),
    (b"\xd0\xcf\x11\xe0", "Workbook".encode("utf-16-le"), "an Excel workbook", _SAVE_TABLE),
)


def foreign(data: bytes) -> tuple[str, str] | None:
    """Tell what a file is that stance does not read, and the way out; None for anything else.

    Examples
    --------
    >>> foreign(b"%PDF-1.7")[0], foreign(b"<p>Safe.</p>")
    ('a PDF document', None)
    """
    for start, inside, name, fix in _INSIDE:
        if data.startswith(start) and inside in data:
            return name, fix
    return next(((name, fix) for start, name, fix in _KINDS if data.startswith(start)), None)


def refuse_foreign(data: bytes, where: str) -> None:
    """Refuse a file of another program by its name.

    Raises
    ------
    NotAPageError
        If it is one.
    """
    found = foreign(data)
    if found:
        raise NotAPageError(found[0], where=where, fix=found[1])


_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}

#: A line of a spreadsheet's own that names the separator.
_SAYS_SEPARATOR = re.compile(r"sep=.\r?\n", re.IGNORECASE)

_KNOWN = frozenset((*POST_COLUMNS, "stance", "quote"))


def other_separator(data: bytes) -> str | None:
    """Name what parts the columns of a table, where it is no comma, as where a comma is what others write as a point.

    Examples
    --------
    >>> other_separator(b"post;text\\n1;Safe.\\n"), other_separator(b"post,text\\n1,Safe.\\n")
    ("';'", None)
    """
    head = data[:8192]
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if wide else "utf-8-sig", "replace").lstrip()
    first = _SAYS_SEPARATOR.sub("", text, count=1).split("\n", 1)[0]
    return next((name for sign, name in _SEPARATORS.items() if _is_header(first.rstrip("\r").split(sign))), None)


def _is_header(cells: list[str]) -> bool:
    # Prose has a blank after its semicolons, and no program writes one before the name of a column.
    if len(cells) < 2 or any(cell.startswith(" ") for cell in cells):
        return False
    names = {cell.strip('"') for cell in cells}
    # "Post", a tab and "Author" may head a thread; of our columns there must be the one of the words, or several.
    return "text" in names or len(names & _KNOWN) > 1


def refuse_separator(data: bytes, where: str) -> None:
    """Refuse a table whose columns are parted by anything but commas.

    Raises
    ------
    DataError
        If it is one.
    """
    name = other_separator(data)
    if name:
        raise DataError(f"columns are parted by {name}", where=where, fix="save it with commas, as CSV UTF-8")
