"""Text dumps: a page copied or printed as plain text, its posts marked by numbers, bylines, names and dates.

The forms are told apart by what opens a post (a *head*). Each form is tried on the whole text, and the one that opens
most posts wins; a form without numbers or bylines must repeat to count, since an article, too, has a line with a name
and a line with a date in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stance.extract.assemble import assemble
from stance.extract.dates import date_in, is_date
from stance.extract.draft import Draft
from stance.extract.page import Page
from stance.extract.words import any_of
from stance.records import Thread

#: A name: one to five words that begin no sentence; user names may hold nearly anything but spaces.
_NAME = r"(?P<name>[^\s:;,!?()\[\]|•·\"“”][^:;!?()\[\]|•·\"“”\n]{0,40}?)"
_NUMBER = r"(?P<number>\d{1,6})"

_FLAGS = re.IGNORECASE

#: What stands in a byline beside a date: counts and memberships, as phone sites and boards print them.
_BYLINE = re.compile(rf"^(?:\(?{any_of('byline')}\s*:\s*[^;:|•·]{{1,40}}?\)?\s*(?:[;|•·,]\s*|$))+$", _FLAGS)
_MEMBER_DATE = re.compile(any_of("member_since"), _FLAGS)

_BUTTON = re.compile(rf"^{any_of('button')}(?:\s*[|·•/]?\s*{any_of('button')})*$", _FLAGS)
_END = re.compile(rf"^{any_of('ending')}", _FLAGS)

#: A heading that counts the posts, and one that only announces them.
_COUNT = re.compile(
    rf"^(?:(?:all|showing)\s+)?(?:(?P<before>\d[\d.,]*)\s+{any_of('discussion')}"
    rf"|{any_of('discussion')}\s*[(:\[]?\s*(?P<after>\d[\d.,]*)\s*[)\]]?)\s*:?$",
    _FLAGS,
)
_HEADING = re.compile(rf"^{any_of('discussion')}\s*:?$", _FLAGS)


@dataclass(frozen=True, slots=True)
class Head:
    """What opens a post: its lines, and what they say."""

    first: int
    last: int
    name: str | None
    number: str | None = None
    date: str | None = None
    rest: str = ""
    sure: bool = False


def read_dump(page: Page) -> Thread:
    """Read the posts of a text dump; an article alone has none."""
    lines = [" ".join(line.split(" ")).strip() for line in page.text.lstrip("\ufeff").splitlines()]
    start, declared = _start(lines)
    heads = _heads(lines, start)
    title = next((line for line in lines if line), None)
    return assemble(
        page,
        _drafts(heads, lines),
        platform="text dump",
        title=title,
        declared=declared,
        numbered=_is_numbered(heads),
    )


_LONE_NUMBER = re.compile(r"^(#?\d{1,5}[.)])\n(?=\S)", re.MULTILINE)


def read_numbered(text: str) -> tuple[list[Draft], int | None]:
    """Read numbered posts below bylines of membership in a page's text, and how many it announces.

    For pages whose markup says nothing: number, name and membership together stand in no article.

    Examples
    --------
    >>> posts, declared = read_numbered("2 Comments\\n1. Ada\\nPosts: 3\\nSafe.\\n2.\\nBob\\nPosts: 5\\nWho says so?")
    >>> [(post.id, post.author, post.text) for post in posts], declared
    ([('1', 'Ada', 'Safe.'), ('2', 'Bob', 'Who says so?')], 2)
    """
    lines = _LONE_NUMBER.sub(r"\1 ", text).splitlines()
    start, declared = _start(lines)
    heads = _heads(lines, start) if start else []
    is_sure = len(heads) > 1 and all(head.sure and head.number for head in heads)
    return (_drafts(heads, lines), declared) if is_sure else ([], None)


def _drafts(heads: Sequence[Head], lines: Sequence[str]) -> list[Draft]:
    return [
        _draft(place, head, lines, following) for place, (head, following) in enumerate(_with_next(heads, len(lines)))
    ]


def _start(lines: Sequence[str]) -> tuple[int, int | None]:
    """Line after the heading of the comments, and how many it announces; 0 where there is no heading."""
    start, declared = 0, None
    for number, line in enumerate(lines):
        found = _COUNT.match(line) if len(line) < 60 else None
        if found:
            count = int(re.sub(r"\D", "", found["before"] or found["after"]))
            start, declared = (start, declared) if declared is not None else (number + 1, count)
        elif not start and len(line) < 40 and _HEADING.match(line):
            start = number + 1
    return start, declared


def _is_numbered(heads: Sequence[Head]) -> bool:
    return bool(heads) and all(head.number for head in heads)


def _with_next(heads: Sequence[Head], end: int) -> Iterator[tuple[Head, int]]:
    for place, head in enumerate(heads, start=1):
        yield head, heads[place].first if place < len(heads) else end


def _draft(place: int, head: Head, lines: Sequence[str], end: int) -> Draft:
    body = [head.rest, *lines[head.last + 1 : end]]
    body = body[: next((number for number, line in enumerate(body) if len(line) < 90 and _END.match(line)), len(body))]
    kept = [line for line in body if line and not _BUTTON.match(line)]
    date = head.date or (_date_below(kept[-1]) if len(kept) > 1 else None)
    if date and not head.date:
        kept.pop()
    quote = [line.lstrip("> ") for line in kept if line.startswith(">")]
    text = [line for line in kept if not line.startswith(">")]
    return Draft(
        place=place,
        id=head.number,
        author=head.name,
        date=date,
        text="\n".join(text or quote),
        quote="\n".join(quote) if text and quote else None,
    )


_BUTTONS_BEHIND = re.compile(rf"(?:\s+{any_of('button')})+$", _FLAGS)


def _date_below(line: str) -> str | None:
    """The date in a line below a post's words, where it holds nothing else but buttons."""
    return next((value for value in (line, _BUTTONS_BEHIND.sub("", line)) if is_date(value)), None)


_Reader = Callable[[Sequence[str], int], "Head | None"]


def _heads(lines: Sequence[str], start: int) -> list[Head]:
    """Heads of the form that opens most posts.

    A sure head counts twice: below bylines of membership a loose form also opens a post at "Cheap today, spied on
    tomorrow", and would win by that one.
    """
    best: list[Head] = []
    for form in _FORMS:
        heads = [head for head in _scan(lines, start, form) if head]
        if _weight(heads) > _weight(best) and _is_believable(heads, lines, start):
            best = heads
    return best


def _weight(heads: Sequence[Head]) -> int:
    return len(heads) + sum(head.sure for head in heads)


def _scan(lines: Sequence[str], start: int, form: _Reader) -> Iterator[Head]:
    number = start
    while number < len(lines):
        head = form(lines, number) if lines[number] else None
        if head:
            yield head
        number = head.last + 1 if head else number + 1


def _is_believable(heads: Sequence[Head], lines: Sequence[str], start: int) -> bool:
    """Tell posts from an article: a sure head is enough; others must repeat, with words between them."""
    numbers = [head.number for head in heads if head.number]
    if len(set(numbers)) < len(numbers):
        return False
    spoken = sum(
        any(lines[line] for line in range(head.last + 1, end)) or bool(head.rest)
        for head, end in _with_next(heads, len(lines))
    )
    if spoken * 2 <= len(heads):
        return False
    sure = sum(head.sure for head in heads)
    if sure * 2 >= len(heads) or (start > 0 and len(heads) >= 2):
        return True
    short = sum(len((head.name or "").split()) <= 2 for head in heads)
    return len(heads) >= 4 and short * 4 >= len(heads) * 3


def _next_line(lines: Sequence[str], number: int) -> int | None:
    """The next line with words in it, at most one empty line further."""
    for following in range(number + 1, min(number + 3, len(lines))):
        if lines[following]:
            return following
    return None


def _is_name(text: str | None) -> bool:
    if not text or len(text) > 42 or len(text.split()) > 5 or _BUTTON.match(text) or _END.match(text):
        return False
    return not text.endswith((".", "!", "?", ",", ";", "…")) or (
        len(text.split()) == 1 and not text.endswith((",", ";"))
    )


_NUMBERED = re.compile(
    rf"^(?:no\.?\s*|comment\s+|post\s+)?[#\[(]?{_NUMBER}(?:[.):\]]+\s*|\s+)(?:by\s+)?{_NAME}(?:\s*(?P<mark>[(\[|;•·–—,-])\s*(?P<tail>.+?)[)\]]?)?$",
    re.IGNORECASE,
)


def _numbered_name(lines: Sequence[str], number: int) -> Head | None:
    """`1. name`, with the byline on the same line or below it."""
    found = _NUMBERED.match(lines[number])
    if not found or not _is_name(found["name"]):
        return None
    tail = found["tail"]
    if tail and not _tells(tail):
        return None
    last, below = number, _next_line(lines, number)
    if not tail and below is not None and _tells(lines[below]):
        tail, last = lines[below], below
    date = tail if tail and not _MEMBER_DATE.search(tail) and date_in(tail) else None
    return Head(number, last, found["name"].strip(), found["number"], date, sure=bool(tail))


def _tells(line: str) -> bool:
    """Tell whether a line says something of a post's writer or date, and nothing else."""
    return bool(_BYLINE.match(line)) or is_date(line)


_REPLY = re.compile(
    rf"^{any_of('post')}\s*(?:#|no\.?|nr\.?|№)?\s*{_NUMBER}\s*[:.)]?\s*"
    rf"(?:(?:[-–—|•·,]\s*)?(?:{any_of('by')}\s+)?(?P<tail>.*))?$",
    _FLAGS,
)
_HASH = re.compile(rf"^[#№]\s?{_NUMBER}\s*[:.)]?\s*(?:[-–—|•·,]\s*)?(?:{any_of('by')}\s+)?(?P<tail>.*)$", _FLAGS)


def _reply_number(lines: Sequence[str], number: int) -> Head | None:
    """`Reply #12`, `#12`, alone or with a name, a date or both behind it or below it."""
    found = _REPLY.match(lines[number]) or _HASH.match(lines[number])
    if not found:
        return None
    name, date = _name_and_date(found["tail"] or "")
    if found["tail"] and not (name or date):
        return None
    last = number
    while name is None or date is None:
        below = _next_line(lines, last)
        if below is None:
            break
        if date is None and is_date(lines[below]):
            date, last = lines[below], below
        elif name is None and _is_name(lines[below]):
            name, last = lines[below], below
        elif _BYLINE.match(lines[below]):
            last = below
            break
        else:
            break
    if name is None:
        return None
    below = _next_line(lines, last)
    if below is not None and _BYLINE.match(lines[below]):
        last = below
    return Head(number, last, name, found["number"], date, sure=True)


def _name_and_date(line: str) -> tuple[str | None, str | None]:
    """Split `name, date`, `date by name`, `on: date, name` and the like."""
    line = re.sub(r"^(?:on|am|le|el)\s*:\s*", "", line.strip(), flags=re.IGNORECASE)
    span = date_in(line)
    if span is None:
        return (line, None) if _is_name(line) else (None, None)
    around = re.sub(
        r"^\W*(?:(?:on|at|am|um|le|el|by|von|par|posted|said|wrote)\b\W*)*$",
        "",
        line[: span[0]].strip(" ,|•·–—-("),
        flags=re.IGNORECASE,
    ).strip()
    around = around or line[span[1] :].strip(" ,|•·–—-):")
    around = re.sub(rf"^{any_of('by')}\s+", "", around, flags=_FLAGS)
    around = re.sub(
        r"\s+(?:on|at|am|um|le|el|says|said|wrote|posted|commented|replied)$", "", around, flags=re.IGNORECASE
    ).strip(" ,|•·–—-(")
    return (around if _is_name(around) else None), line[span[0] :]


_WROTE = re.compile(
    rf"^(?:[\[(#]{_NUMBER}[\])]?[.:]?\s*|(?P<plain>\d{{1,5}})[.):]\s*)?{_NAME}\s+{any_of('says')}"
    r"(?P<when>[^:]{0,60}(?:(?<=\d):\d\d[^:]{0,30})?)?:\s*(?P<rest>.*)$",
    _FLAGS,
)


def _wrote(lines: Sequence[str], number: int) -> Head | None:
    """`[12] name wrote:`, `name said on 3 May 2019:`, with the words behind it or below."""
    found = _WROTE.match(lines[number])
    if not found or not _is_name(found["name"]):
        return None
    when = (found["when"] or "").strip(" ,(")
    if when and not date_in(when):
        return None
    last, date = number, when or None
    below = _next_line(lines, number)
    if date is None and not found["rest"] and below is not None and is_date(lines[below]):
        date, last = lines[below], below
    shown = found["number"] or found["plain"]
    return Head(
        number, last, found["name"].strip(), shown, date, found["rest"], sure=bool(shown or date or not found["rest"])
    )


def _name_then_date(lines: Sequence[str], number: int) -> Head | None:
    """A line with a name, a line with a date below it."""
    below = _next_line(lines, number)
    if below is None or not _is_name(lines[number]) or is_date(lines[number]) or not _tells(lines[below]):
        return None
    if re.search(r"[:]$", lines[number]) or not re.match(r"[\w@_(\[\"'-]", lines[number]):
        return None
    is_byline = bool(_BYLINE.match(lines[below]))
    return Head(number, below, lines[number].lstrip("@"), None, None if is_byline else lines[below], sure=is_byline)


def _name_with_date(lines: Sequence[str], number: int) -> Head | None:
    """A line with a name and a date and nothing else."""
    line = lines[number]
    if len(line) > 90 or is_date(line):
        return None
    name, date = _name_and_date(line)
    if name is None or date is None or (not is_date(date.rstrip(" :")[: len(date)]) and not is_date(_only_date(line))):
        return None
    return Head(number, number, name, None, date)


def _only_date(line: str) -> str:
    span = date_in(line)
    return line[span[0] : span[1]] if span else ""


_FORMS: tuple[_Reader, ...] = (_numbered_name, _reply_number, _wrote, _name_then_date, _name_with_date)
