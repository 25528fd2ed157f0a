"""Dates in the languages that `stance.extract.dates` does not read itself: what dateparser makes of them.

Apart from it, since most pages never need dateparser, which takes a tenth of a second to load.
"""

from __future__ import annotations

import warnings
from datetime import datetime
from functools import lru_cache

import dateparser


@lru_cache(maxsize=4096)
def any_date(written: str, captured_at: datetime | None = None) -> str | None:
    """Read a date in any of 200 languages as ISO 8601, relative to `captured_at` where it is given.

    Examples
    --------
    >>> any_date("tirsdag den 3. maj 2019")
    '2019-05-03T00:00:00'
    """
    settings: dict[str, object] = {"STRICT_PARSING": captured_at is None, "RETURN_AS_TIMEZONE_AWARE": False}
    if captured_at is not None:
        settings["RELATIVE_BASE"] = captured_at.replace(tzinfo=None)
    with warnings.catch_warnings():
        # dateparser itself uses parts of the standard library that newer Pythons deprecate.
        warnings.simplefilter("ignore")
        try:
            moment = dateparser.parse(written, settings=settings)
        except (ValueError, OverflowError, TypeError):
            return None
    if moment is None:
        return None
    if captured_at is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=captured_at.tzinfo)
    return str(moment.isoformat())
