"""Pages whose shape would stall the parser, told before it sees them.

lexbor, through selectolax, takes a millisecond for a page of usual size, but its time is quadratic in the depth of the
tree (0.3 s at 20,000 levels, minutes at 100,000), in the attributes of one tag (0.5 s at 20,000), in the options of one
list (0.5 s at 20,000) and in formatting tags left open, which the HTML standard has it repeat in every paragraph that
follows (1 s at 3,000). All of these are bounded from above by reading the page once or twice.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict

from stance.errors import PageError

#: Characters of HTML that are read, and tags in them: a tree takes 150 bytes a tag.
MAX_LENGTH = 40_000_000
MAX_TAGS = 2_500_000
MAX_DEPTH = 25_000
MAX_ATTRIBUTES = 20_000
MAX_OPTIONS = 25_000

#: Elements that open formatting may add: tags left open, times tags.
MAX_REPEATED = 20_000_000

#: Equal formatting tags that the standard repeats.
_EQUAL = 3

#: Pages below this size cannot hold enough attributes to hurt, and pages with fewer tags not enough formatting.
_SMALL = 200_000
_FEW = 6_000

#: Elements that the parser closes by itself or that hold nothing: their open tags say nothing of the depth.
_FLAT = frozenset(
    re.findall(
        r"\w+",
        """area base br col dd dt embed hr img input li link meta option p param source tbody td tfoot th
    thead tr track wbr""",
    )
)

# None of these patterns can fail half-way and start over, so they are linear whatever the page holds.
_OPEN_TAG = re.compile(r"""<[a-zA-Z][^>"']*+(?:(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))[^>"']*+)*+""")
_QUOTED = re.compile(r"\"[^\"]*+\"?|'[^']*+'?")
_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")

#: Formatting elements of the HTML standard, except `a`, of which one alone can be open; and `option`.
_FORMATTING = re.compile(
    r"</?([bciefnostuBCIEFNOSTU](?i:ig|ode|m|ont|obr|mall|trike|trong|t|ption)?)[\s>/]",
)


def check(html: str, where: str) -> None:
    """Refuse a page that would stall the parser.

    Raises
    ------
    PageError
        If it is longer, deeper or otherwise more than the limits of this module.
    """
    problem = _problem(html)
    if problem:
        raise PageError(problem, where=where, fix="give a page made for reading")


def _problem(html: str) -> str | None:
    tags = html.count("<")
    if len(html) > MAX_LENGTH:
        return f"{len(html):,} characters of HTML, of which {MAX_LENGTH:,} are read"
    if tags > MAX_TAGS:
        return f"{tags:,} tags, of which {MAX_TAGS:,} are read"
    if tags > MAX_DEPTH and depth_of(html) > MAX_DEPTH:
        return f"tags nested more than {MAX_DEPTH} deep"
    if len(html) > _SMALL and _attributes(html) > MAX_ATTRIBUTES:
        return f"a tag with more than {MAX_ATTRIBUTES} attributes"
    return _formatting_problem(html, tags) if tags > _FEW else None


def _formatting_problem(html: str, tags: int) -> str | None:
    found = _FORMATTING.findall(html)
    if len(found) > MAX_OPTIONS and sum(name.lower() == "option" for name in found) > MAX_OPTIONS:
        return f"a list with more than {MAX_OPTIONS} options"
    if len(found) * tags > MAX_REPEATED and _left_open(html) * tags > MAX_REPEATED:
        return "formatting tags that are never closed"
    return None


def depth_of(html: str) -> int:
    """Bound the depth of the tree from above, tag name by tag name."""
    depth = deepest = 0
    open_tags: Counter[str] = Counter()
    for closing, name in _TAG_NAME.findall(html):
        name = name.lower()
        if name in _FLAT:
            continue
        if not closing:
            open_tags[name] += 1
            depth += 1
            if depth > deepest:
                deepest = depth
        elif open_tags[name]:
            open_tags[name] -= 1
            depth -= 1
    return deepest


def _attributes(html: str) -> float:
    """Bound the attributes of the tags from above; those of several long tags as their time adds up."""
    long_tags = [tag for tag in _OPEN_TAG.findall(html) if len(tag) > 4000]
    return math.hypot(*(len(re.split(r"[\s/]+", _QUOTED.sub(" ", tag))) for tag in long_tags))


def _left_open(html: str) -> int:
    """How many formatting tags stand open at once; of equal ones three count, for more are not repeated."""
    now = most = 0
    open_tags: defaultdict[str, list[str]] = defaultdict(list)
    equal: Counter[str] = Counter()
    for found in _FORMATTING.finditer(html):
        name = found.group(1).lower()
        if found.group()[1] == "/":
            tag = open_tags[name].pop() if open_tags[name] else None
            now -= tag is not None and equal[tag] <= _EQUAL
            equal[tag or ""] -= 1
        else:
            tag = html[found.start() : html.find(">", found.end() - 1, found.end() + 500)]
            open_tags[name].append(tag)
            equal[tag] += 1
            now += equal[tag] <= _EQUAL
            most = max(most, now)
    return most
