"""Everything that stance refuses, as one tree.

    StanceError             what the user gave cannot be used; the command line exits with 2
    ├── PageError           a page, dump or export that cannot be read, or that does not match its labels
    │   └── NotAPageError   a file of another kind: a picture, a script, a workbook
    ├── DataError           a posts table, label or corpus that breaks the rules of `stance.data`
    └── ModelError          a model folder that is damaged, unknown or does not fit the data

A programming mistake stays a `TypeError` or `ValueError` and keeps its traceback. What can be used, but hardly as
it was meant, is a `StanceWarning`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


def printable(text: str) -> str:
    """Make text of strangers fit for a terminal, which control characters would steer; line breaks stay.

    Examples
    --------
    >>> printable("red: \\x1b[31m, the end")
    'red: �[31m, the end'
    """
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


class StanceError(Exception):
    """Say in one line what is wrong, where, and what to do about it.

    Parameters
    ----------
    problem : str
        What is wrong, with the value that was found.
    where : str, optional
        The file, and the row or post where there is one.
    fix : str, optional
        The way out.

    Examples
    --------
    >>> str(DataError("unknown label 'pro'", where="gold.csv, row 3", fix="use favor, against or none"))
    "gold.csv, row 3: unknown label 'pro'; use favor, against or none"
    """

    def __init__(self, problem: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.problem = problem
        self.where = where
        self.fix = fix
        prefix = f"{where}: " if where else ""
        suffix = f"; {fix}" if fix else ""
        # One line whatever the input held: a file name may contain a line break, or what steers a terminal.
        super().__init__(printable(" ".join(f"{prefix}{problem}{suffix}".split())))


class PageError(StanceError):
    """A page, dump or export cannot be read, or does not match its labels."""


class NotAPageError(PageError):
    """A file that was never meant to be read as a page; in a folder of pages it may be passed over."""


class DataError(StanceError):
    """A posts table, a label or a corpus breaks the rules of `stance.data`."""


class ModelError(StanceError):
    """A model folder is damaged, of an unknown format, or does not fit the data."""


class StanceWarning(UserWarning):
    """What the user gave can be used, but hardly as it was meant; the command line says so in one line."""


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Print a `StanceWarning` once and in one line, without the place in the program that those of libraries have."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", StanceWarning)
        warnings.showwarning = partial(_show, warnings.showwarning)
        yield


def _show(others: Callable[..., None], message: Warning | str, category: type[Warning], *place: Any) -> None:
    if issubclass(category, StanceWarning):
        print(f"warning: {printable(' '.join(str(message).split()))}", file=sys.stderr)
    else:
        others(message, category, *place)
