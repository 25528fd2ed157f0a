"""Dates as pages write them to ISO 8601: the frequent exact forms at once, the rest by dateparser.

A date without an offset stays without one: the page does not say in which zone its clock runs. A relative date
("3 hours ago") needs to know when the page was saved; without that it is no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

import stance
from stance.extract.words import any_of, words

_MONTH_OF = {name: number for number, names in enumerate(words("months"), start=1) for name in names.split()}
_MONTH = r"(?P<month>" + "|".join(sorted(_MONTH_OF, key=len, reverse=True)) + r")\b\.?"

_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?P<year>\d{4})"
_ZONE = r"\s*\(?(?P<zone>Z\b|(?:UTC|GMT)(?![+-])|(?:UTC|GMT)?[+-]\d\d:?\d\d)?"
_TIME = (
    r"(?:\s*[,;|·@]?\s*(?:[-–—]\s*)?(?:at|um|à|a las|alle|om|o|в|às|kl|klo|saat|on|@)?\.?\s*(?P<hour>[01]?\d|2[0-4])"
    r"(?:[:.h](?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?\s*(?P<half>[ap]\.?\s?m\b\.?)?|\s*(?P<half2>[ap]\.?m\b\.?))"
    rf"{_ZONE})?"
)
_ISO = re.compile(
    rf"{_YEAR}-(?P<month>\d\d?)-{_DAY}(?:[T ,]\s*(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
    rf"\s*(?P<half>[AaPp][Mm])?{_ZONE})?"
)
_NAMED = (
    re.compile(rf"\b{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?\b,?\s+{_YEAR}{_TIME}", re.IGNORECASE),
    re.compile(
        rf"\b{_DAY}(?:st|nd|rd|th|er|º|\.)?[\s-]+(?:of\s+|de\s+|di\s+)?{_MONTH},?[\s-]+(?:del?\s+)?{_YEAR}{_TIME}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_YEAR}[\s-]+{_MONTH}[\s-]+{_DAY}{_TIME}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+'(?P<year>\d\d){_TIME}", re.IGNORECASE),
    re.compile(
        rf"\b{_MONTH}\s+{_DAY}\s+(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)\s+"
        rf"(?:(?P<zone>[+-]\d{{4}}|UTC|GMT)\s+)?{_YEAR}\b",
        re.IGNORECASE,
    ),
)  # fmt: skip
_NUMERIC = re.compile(
    rf"\b(?P<first>\d{{1,2}})(?P<mark>[./-])\s?(?P<second_part>\d{{1,2}})(?:[./-]\s?|,\s)(?P<year>\d{{4}}|\d\d)\b{_TIME}",
    re.IGNORECASE,
)
_EAST = re.compile(
    r"(?P<year>\d{4})\s*[年년./]\s*(?P<month>\d{1,2})\s*[月월./]\s*(?P<day>\d{1,2})\s*[日일.]?(?:\s*(?:\(\S\))?\s*(?P<hour>\d{1,2})[:時时시](?P<minute>\d{2}))?"
)
_EPOCH = re.compile(r"^\d{10}(?:\d{3})?$")

_UNITS = {
    "second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "mins": 60, "m": 60, "hour": 3600, "hr": 3600, "hrs": 3600,
    "h": 3600, "day": 86400, "d": 86400, "week": 604800, "wk": 604800, "w": 604800, "month": 2629746, "mo": 2629746,
    "year": 31556952, "yr": 31556952, "y": 31556952,
}  # fmt: skip
_AGO = re.compile(
    r"\b(?P<count>\d+|an?)\s*(?P<unit>second|sec|minute|mins?|hour|hrs?|day|week|wk|month|mo|year|yr|[smhdwy])s?\.?\s+ago\b",
    re.IGNORECASE,
)
_AGO_ANY = re.compile(rf"\b{any_of('ago')}\b.{{0,24}}?\b{any_of('span_of_time')}\b", re.IGNORECASE)
_TODAY = re.compile(rf"\b(?P<word>{any_of('today')}|{any_of('yesterday')})\b", re.IGNORECASE)
_YESTERDAY = re.compile(any_of("yesterday"), re.IGNORECASE)


def to_iso(written: str | None, captured_at: datetime | None = None, *, month_first: bool | None = None) -> str | None:
    """Read a date as a page writes it.

    Parameters
    ----------
    written : str
        The date, with any words around it.
    captured_at : datetime, optional
        When the page was saved; without it a relative date gives None.
    month_first : bool, optional
        How to read 03/04/2019, where nothing in the date itself says (see `month_comes_first`).

    Returns
    -------
    str or None
        ISO 8601, with an offset where the page gives one.

    Examples
    --------
    >>> to_iso("23. Juni 2016 um 17:21 Uhr")
    '2016-06-23T17:21:00'
    >>> to_iso("December 6th, 2018 at 3:45 pm UTC")
    '2018-12-06T15:45:00+00:00'
    >>> to_iso("3 hours ago") is None
    True
    >>> to_iso("3 hours ago", datetime(2024, 5, 1, 12, tzinfo=UTC))
    '2024-05-01T09:00:00+00:00'
    """
    if not written:
        return None
    written = " ".join(written[:200].split())
    exact = _exact(written, month_first)
    if exact:
        return exact.isoformat()
    if _AGO.search(written) or _AGO_ANY.search(written) or _TODAY.search(written):
        return _relative(written, captured_at)
    return stance.any_date(written) if _worth_asking(written) else None


def _exact(written: str, month_first: bool | None) -> datetime | None:
    if _EPOCH.match(written):
        return datetime.fromtimestamp(int(written[:10]), UTC)
    for pattern in (_ISO, *_NAMED, _EAST):
        found = pattern.search(written)
        if found:
            return _moment(_timed(found))
    found = _NUMERIC.search(written)
    if found:
        return _moment(_ordered(_timed(found), _by_weekday(found, month_first)))
    if written[:3].isalpha() and written[-5:-4] in "+-":
        try:
            return parsedate_to_datetime(written)
        except ValueError:
            return None
    return None


_TIME_BEFORE = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?\s*(?P<half>[ap]\.?m\.?)?\s*(?:on|,|-|–|\||·)?\s*$",
    re.IGNORECASE,
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)[a-z]*\W*$", re.IGNORECASE)


def _timed(found: re.Match[str]) -> dict[str, str]:
    """Parts of a date, with the time that may stand in front of it ("10:15 AM on May 3, 2019")."""
    parts = found.groupdict()
    before = _TIME_BEFORE.search(found.string[: found.start()]) if not parts.get("hour") else None
    return {**parts, **before.groupdict()} if before else parts


def _by_weekday(found: re.Match[str], month_first: bool | None) -> bool | None:
    """Tell the order of day and month from the weekday that stands in front."""
    named = _WEEKDAY.search(found.string[: found.start()])
    if not named or len(found["year"]) != 4:
        return month_first
    for guess in (True, False):
        month, day = (found["first"], found["second_part"]) if guess else (found["second_part"], found["first"])
        moment = _moment({"year": found["year"], "month": month, "day": day})
        if moment and _WEEKDAYS[moment.weekday()] == named.group(1).lower():
            return guess
    return month_first


def _ordered(parts: dict[str, str], month_first: bool | None) -> dict[str, str]:
    """Tell month from day in a numeric date: by value, else as the page does, else by the mark between them."""
    first, second = int(parts["first"]), int(parts["second_part"])
    if month_first is None:
        # Points are European, a twelve-hour clock is American.
        month_first = parts["mark"] != "." and bool(parts.get("half") or parts.get("half2"))
    if first > 12 or (second <= 12 and not month_first):
        first, second = second, first
    year = parts["year"] if len(parts["year"]) == 4 else f"20{parts['year']}"
    return {**parts, "month": str(first), "day": str(second), "year": year}


def month_comes_first(written: Iterable[str]) -> bool | None:
    """Tell from all numeric dates of a page how it orders day and month; None where they leave it open.

    Examples
    --------
    >>> month_comes_first(["03/04/2019", "03/17/2019"])
    True
    """
    for line in written:
        found = _NUMERIC.search(line or "")
        if found and int(found["second_part"]) > 12 >= int(found["first"]):
            return True
        if found and int(found["first"]) > 12:
            return False
    return None


def _moment(parts: Mapping[str, str | None]) -> datetime | None:
    month = (parts["month"] or "").lower()
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or parts.get("half2") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    year = int(parts["year"] or 0)
    try:
        moment = datetime(
            year if year > 99 else 2000 + year,
            _MONTH_OF[month] if month in _MONTH_OF else int(month),
            int(parts["day"] or 0),
            hour % 24,
            int(parts.get("minute") or 0),
            int(parts.get("second") or 0),
        )
    except ValueError:
        return None
    zone = parts.get("zone")
    if not zone:
        return moment
    return datetime.fromisoformat(
        moment.isoformat() + ("+00:00" if zone.upper() in ("Z", "UTC", "GMT") else zone.lstrip("GMTUCgmtuc"))
    )


def _relative(written: str, captured_at: datetime | None) -> str | None:
    if captured_at is None:
        return None
    found = _AGO.search(written)
    if found:
        count = int(found["count"]) if found["count"].isdigit() else 1
        return (captured_at - timedelta(seconds=count * _UNITS[found["unit"].lower()])).isoformat()
    day = _TODAY.search(written)
    if day and not re.search(r"\d", written):
        return (captured_at - timedelta(days=bool(_YESTERDAY.fullmatch(day["word"])))).date().isoformat()
    return stance.any_date(written, captured_at)


def _worth_asking(written: str) -> bool:
    """Spare the library what is no date: it tries every language it knows on each string."""
    return (
        len(written) < 60 and bool(re.search(r"\d", written)) and bool(re.search(r"\d{4}|\d{1,2}\D+\d{1,2}", written))
    )


_ABSOLUTE = (_ISO, *_NAMED[1:3], _EAST, _NUMERIC)
_MONTH_FIRST = (_NAMED[0], _NAMED[3])
_RELATIVE = (_AGO, _AGO_ANY, _TODAY)

# Nearly every line and element of a page is asked whether it is a date, and nearly none is: what each pattern needs is
# looked for first.
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_MAYBE_ABSOLUTE = re.compile(r"\d{4}|\d[./-]\s?\d|'\d\d")
_MAYBE_MONTH_FIRST = re.compile(r"[^\W\d_]\.?\s+\d")
_MAYBE_WITHOUT_DIGIT = re.compile(
    rf"\b(?:an?|one|few|vor|hace|fa|há|il y a|{any_of('today')}|{any_of('yesterday')})\b", re.IGNORECASE
)
_AROUND_DATE = re.compile(rf"(?:{any_of('around_date')}|\d{{1,2}}:\d\d|[^\w]|\d{{1,2}})*", re.IGNORECASE)


def _possible(line: str) -> Iterator[re.Pattern[str]]:
    if not _DIGIT.search(line):
        yield from _RELATIVE if _MAYBE_WITHOUT_DIGIT.search(line) else ()
        return
    if _MAYBE_ABSOLUTE.search(line):
        yield from _ABSOLUTE
        yield from _MONTH_FIRST if _MAYBE_MONTH_FIRST.search(line) else ()
    if _LETTER.search(line):
        yield from _RELATIVE


@lru_cache(maxsize=8192)
def date_in(line: str) -> tuple[int, int] | None:
    """Where a date stands in a line, or None.

    Examples
    --------
    >>> date_in("Ada, 3 May 2019")
    (5, 15)
    """
    spans = [found.span() for pattern in _possible(line) for found in [pattern.search(line)] if found]
    return min(spans, key=lambda span: (span[0], -span[1]), default=None)


def is_date(line: str) -> bool:
    """Tell whether a line is a date and nothing else.

    Examples
    --------
    >>> is_date("Posted on May 3, 2019 at 10:15 am"), is_date("In May 3, 2019 was a day of rain")
    (True, False)
    """
    if len(line) > 70 or not line:
        return False
    span = date_in(line)
    if span is None:
        return False
    return bool(_AROUND_DATE.fullmatch(line[: span[0]])) and bool(_AROUND_DATE.fullmatch(line[span[1] :]))


def dates_of(written: Sequence[str | None], captured_at: datetime | None) -> list[str | None]:
    """Read all dates of one page, in the order of day and month that the page itself shows."""
    month_first = month_comes_first(line for line in written if line)
    return [to_iso(line, captured_at, month_first=month_first) for line in written]
