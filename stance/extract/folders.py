"""Files that folders and patterns stand for, of which some are no pages: a browser saves pictures beside one.

A file that the user names must be a page; of those that were found in a folder, what was never meant to be read is
passed over, and counted. A page that is damaged, or a table that breaks its rules, is refused in both.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from stance.errors import NotAPageError, PageError, StanceWarning
from stance.records import Thread

#: How many of the files passed over are named.
_NAMED = 3


@dataclass(slots=True)
class Found:
    """The files of one run, as they are read.

    Parameters
    ----------
    given : set of str
        What the user named; any other file was found in a folder or by a pattern.
    """

    given: frozenset[str]
    _files: int = 0
    _without: list[str] = field(default_factory=list)

    @classmethod
    def beside(cls, sources: Iterable[object]) -> Found:
        """All files but those that are named here."""
        return cls(frozenset(os.fspath(one) for one in sources if isinstance(one, str | os.PathLike)))

    def holds(self, source: object) -> bool:
        """Whether it was found, not named."""
        return isinstance(source, str) and source not in self.given

    def read(self, source: str, read: Callable[[], list[Thread]], *, notes: bool = False) -> list[Thread]:
        """Read a file; one that was found gives nothing where it is no page or has no posts (nor `notes`, if asked)."""
        if not self.holds(source):
            return read()
        self._files += 1
        try:
            threads = read() if Path(source).stat().st_size else []
        except NotAPageError:
            threads = []
        if any(thread.posts or (notes and thread.notes) for thread in threads):
            return threads
        self._without.append(source)
        return []

    def tell(self) -> None:
        """Warn of what was passed over.

        Raises
        ------
        PageError
            If nothing that was found has posts.
        """
        if not self._without:
            return
        more = " …" if len(self._without) > _NAMED else ""
        names = f"{', '.join(Path(name).name for name in self._without[:_NAMED])}{more}"
        if len(self._without) == self._files:
            raise PageError(f"no posts in any file there ({names})", fix="name a page to learn what it lacks")
        text = f"{len(self._without)} of {self._files} files hold no posts and were passed over: {names}"
        warnings.warn(text, StanceWarning, stacklevel=2)
