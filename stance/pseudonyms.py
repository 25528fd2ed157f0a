"""Posts without their writers' names: each becomes one that says nothing, and the same name always becomes the same.

A pseudonym is a keyed hash (HMAC, RFC 2104): without the key nobody can tell whether a name that he guesses is the one
behind it, as he could with a plain hash. Whoever has the key can. The words of a post stay, and can be searched for:
this is pseudonymisation, not anonymisation; `docs/ethics.md` says what follows from that.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stance
from stance.errors import DataError
from stance.records import Thread, writer_of
from stance.tables import read_bytes

if TYPE_CHECKING:
    import pandas as pd

#: Where a project keeps its key, unless it says otherwise.
KEY_FILE = "stance.key"

#: Hexadecimal digits of a pseudonym: among a million names two have the same once in 37 million projects.
_DIGITS = 16
# One word to every reader of an @name, hence the underscore.
_PSEUDONYM = re.compile(rf"author_[0-9a-f]{{{_DIGITS}}}")
#: A user who is addressed as sites do it: @name, @name@site, u/name. Not the second half of an e-mail address.
_ADDRESSED = re.compile(r"(?<![\w@/])(@|/?u/)(\w(?:[\w.-]*\w)?(?:@\w(?:[\w.-]*\w)?)?)")

#: A key shorter than this (bytes) could be found by trying.
_SHORTEST_KEY = 16


def pseudonymise(posts: pd.DataFrame, *, key: bytes) -> pd.DataFrame:
    """Replace names in a posts table: in `author`, and where `text` and `quote` address a user (@name, u/name).

    Labels do not change by it: the conversation only asks whether two posts have the same author, and both the words
    and the language read any @name as the same token. A missing author stays missing, a pseudonym what it is.

    Parameters
    ----------
    posts : DataFrame
        Any table; columns that it lacks are passed over.
    key : bytes
        What `read_key` gives. Another key gives other names.

    Returns
    -------
    DataFrame
        A new table.

    Examples
    --------
    >>> import pandas as pd
    >>> posts = pd.DataFrame({"author": ["Ada", "Bob"], "text": ["Hi all", "@Ada mail b@example.com"]})
    >>> names = pseudonymise(posts, key=b"0123456789abcdef")
    >>> names["author"].tolist()
    ['author_9bc245ae8032d0b6', 'author_0707827c6f915c74']
    >>> names["text"][1]
    '@author_9bc245ae8032d0b6 mail b@example.com'
    """
    columns = {
        name: [replaced(value, key) for value in posts[name]] for name, replaced in _COLUMNS.items() if name in posts
    }
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    replaced_columns = stance.posts_table(rows, list(columns)).set_axis(posts.index)
    return posts.assign(**{name: replaced_columns[name] for name in columns})


def pseudonymous_thread(thread: Thread, key: bytes) -> Thread:
    """Do the same to the posts of a thread; its title and address stay."""
    posts = (
        replace(post, **{name: replaced(getattr(post, name), key) for name, replaced in _COLUMNS.items()})
        for post in thread.posts
    )
    return replace(thread, posts=tuple(posts))


def pseudonymous_row(row: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Do the same to one row."""
    return {**row, **{name: replaced(row[name], key) for name, replaced in _COLUMNS.items() if name in row}}


def pseudonym(name: str, key: bytes) -> str:
    """Give the name that stands for another; for one that stands for another already, itself."""
    if _PSEUDONYM.fullmatch(name):
        return name
    return f"author_{hmac.digest(key, name.encode('utf-8', 'surrogatepass'), 'sha256').hex()[:_DIGITS]}"


def _author(value: Any, key: bytes) -> Any:
    # NaN is no author either. A placeholder stays, because a pseudonym would make one person of all who have it.
    return value if value != value or writer_of(str(value or "")) is None else pseudonym(str(value), key)


def _text(value: Any, key: bytes) -> Any:
    if not isinstance(value, str):
        return value
    return _ADDRESSED.sub(lambda found: found[1] + pseudonym(found[2], key), value)


_COLUMNS: Mapping[str, Callable[[Any, bytes], Any]] = {"author": _author, "text": _text, "quote": _text}


def read_key(path: str | os.PathLike[str] = KEY_FILE) -> bytes:
    """Read a project's key; where there is none yet, make one that only its owner can read.

    Raises
    ------
    DataError
        If it cannot be read or made, others can read it, or it is too short to be one.
    """
    name = os.fspath(path)
    try:
        # Never over one that is there: the names that it gave could not be given again.
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _checked_key(Path(name))
    except OSError as error:
        raise DataError(f"cannot be made ({error.strerror})", where=name, fix="name another file with --key") from error
    with os.fdopen(handle, "w") as stream:
        stream.write(secrets.token_hex(32) + "\n")
    return _checked_key(Path(name))


def _checked_key(path: Path) -> bytes:
    key = read_bytes(path).strip()
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise DataError("others can read this key", where=str(path), fix=f"chmod 600 {path}")
    if len(key) < _SHORTEST_KEY:
        fix = "name another file with --key, and one is made"
        raise DataError(f"a key of less than {_SHORTEST_KEY} bytes", where=str(path), fix=fix)
    return key
