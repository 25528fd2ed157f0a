"""How many comments of a folder of pages come out whole, beside trafilatura, resiliparse and extruct.

    python -m benchmarks.extraction --pages DIR
    python -m benchmarks.extraction --pages DIR --each-off

DIR holds `manifest.csv` (columns file, platform, n_comments), the pages, and `gold/<name>.json`: a list of objects with
`text`, and where known `author` and `parent` (an index in the list). Tools that are not installed are left out. A
comment counts when it is found as one piece, one to one, with an F1 of at least 0.9 over bags of lower-case words; the
means are taken over platforms, so that no large page rules them. Speed is CPU time of one process over the HTML pages.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from stance.extract import read_page
from stance.extract.html import read_html
from stance.extract.platforms import platforms
from stance.extract.sources import page_of

WORD = re.compile(r"\w+")
MATCH = 0.9

Found = list[dict[str, Any]]


@dataclass(frozen=True)
class Score:
    """What one tool got out of one page."""

    platform: str
    precision: float
    recall: float
    author: float | None
    parent: float | None

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def bag(text: str | None) -> Counter[str]:
    """Words of a text, with their numbers."""
    return Counter(WORD.findall((text or "").lower()))


def overlap(one: Counter[str], two: Counter[str]) -> float:
    """F1 of two bags."""
    total = sum(one.values()) + sum(two.values())
    return 2 * (one & two).total() / total if total else 1.0


def match(gold: Sequence[Mapping[str, Any]], found: Found) -> dict[int, int]:
    """Match gold to found posts one to one, the best pairs first; a text may hold its quotation or not."""
    wanted = [bag(post["text"]) for post in gold]
    given = [(bag(post["text"]), bag(f"{post.get('quote') or ''} {post['text']}")) for post in found]
    pairs = (
        (max(overlap(want, one) for one in ones), i, j) for i, want in enumerate(wanted) for j, ones in enumerate(given)
    )
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for score, i, j in sorted(pairs, key=lambda pair: (-pair[0], abs(pair[1] - pair[2]))):
        if score >= MATCH and i not in matched and j not in taken:
            matched[i] = j
            taken.add(j)
    return matched


def score_page(platform: str, gold: Sequence[Mapping[str, Any]], found: Found) -> Score:
    """Score what was found on a page against its gold list."""
    matched = match(gold, found)
    named = [(i, j) for i, j in matched.items() if gold[i].get("author")]
    children = [i for i in matched if gold[i].get("parent") is not None and gold[i]["parent"] in matched]
    place = {post.get("post"): number for number, post in enumerate(found)}
    return Score(
        platform,
        len(matched) / max(1, len(found)),
        len(matched) / max(1, len(gold)),
        fmean(_name(gold[i]["author"]) == _name(found[j].get("author")) for i, j in named) if named else None,
        fmean(place.get(found[matched[i]].get("parent")) == matched[gold[i]["parent"]] for i in children)
        if children
        else None,
    )


def _name(name: str | None) -> str:
    return re.sub(r"\W+", "", (name or "").lower())


def by_stance(data: bytes, name: str) -> Found:
    """Posts as stance reads them."""
    return [
        {"post": post.id, "parent": post.parent, "author": post.author, "text": post.text, "quote": post.quote}
        for thread in read_page(page_of(data, name))
        for post in thread.posts
    ]


def by_trafilatura(data: bytes, name: str) -> Found:
    """Comments as trafilatura marks them up, one paragraph a piece."""
    trafilatura = importlib.import_module("trafilatura")
    document = trafilatura.bare_extraction(data, include_comments=True)
    body = getattr(document, "commentsbody", None) if document else None
    return [{"text": " ".join(node.itertext())} for node in (body if body is not None else ())]


def by_resiliparse(data: bytes, name: str) -> Found:
    """Blocks of the plain text with comments, for it knows no boundaries."""
    plain = importlib.import_module("resiliparse.extract.html2text")
    text = plain.extract_plain_text(data.decode("utf-8", "replace"), main_content=True, comments=True)
    return [{"text": block} for block in re.split(r"\n\s*\n", text) if block.strip()]


def by_extruct(data: bytes, name: str) -> Found:
    """Comments in the page's structured data."""
    extruct = importlib.import_module("extruct")
    page = extruct.extract(data.decode("utf-8", "replace"), syntaxes=["json-ld", "microdata"], uniform=True)
    return [
        {"text": node["text"], "author": _author(node)} for node in _comments(page) if isinstance(node["text"], str)
    ]


def _comments(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _comments(item)
    elif isinstance(node, dict):
        if str(node.get("@type", "")).endswith(("Comment", "UserComments")) and "text" in node:
            yield node
        for value in node.values():
            yield from _comments(value)


def _author(node: Mapping[str, Any]) -> str | None:
    author = node.get("author")
    return author.get("name") if isinstance(author, dict) else author


TOOLS: dict[str, tuple[str, Callable[[bytes, str], Found]]] = {
    "stance": ("stance", by_stance),
    "trafilatura": ("trafilatura", by_trafilatura),
    "resiliparse": ("resiliparse", by_resiliparse),
    "extruct": ("extruct", by_extruct),
}


@dataclass(frozen=True)
class Case:
    """One page of the folder."""

    name: str
    platform: str
    data: bytes
    gold: tuple[Mapping[str, Any], ...] | None
    count: int


def cases(folder: Path) -> list[Case]:
    """Read the folder."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = []
    for row in rows:
        gold = folder / "gold" / f"{Path(row['file']).stem}.json"
        posts = tuple(json.loads(gold.read_text(encoding="utf-8"))) if gold.exists() else None
        data = (folder / row["file"]).read_bytes()
        found.append(Case(row["file"], row["platform"], data, posts, int(row["n_comments"])))
    return found


def measure(read: Callable[[bytes, str], Found], pages: Sequence[Case]) -> tuple[list[Score], int, float]:
    """Scores on pages with a gold list, false posts on pages without comments, and pages a second of CPU time."""
    scores, false_posts, spent = [], 0, 0.0
    for page in pages:
        started = time.process_time()
        found = read(page.data, page.name)
        spent += time.process_time() - started
        if page.count == 0:
            false_posts += len(found)
        elif page.gold is not None:
            scores.append(score_page(page.platform, page.gold, found))
    return scores, false_posts, len(pages) / spent if spent else 0.0


def mean_over_platforms(scores: Sequence[Score], value: Callable[[Score], float | None]) -> float:
    """Mean of the platforms' means."""
    by_platform: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        number = value(score)
        if number is not None:
            by_platform[score.platform].append(number)
    return fmean(fmean(values) for values in by_platform.values()) if by_platform else float("nan")


def without(pages: Sequence[Case], names: Collection[str]) -> list[Score]:
    """Read every page with these platforms switched off."""
    scores = []
    for page in pages:
        if page.gold is not None:
            posts = read_html(page_of(page.data, page.name), skip=names).posts
            found = [
                {"post": p.id, "parent": p.parent, "author": p.author, "text": p.text, "quote": p.quote} for p in posts
            ]
            scores.append(score_page(page.platform, page.gold, found))
    return scores


def without_entries(pages: Sequence[Case]) -> list[Score]:
    """Read every page with all platforms switched off: structured data and repeated blocks alone."""
    return without(pages, {platform.name for platform in platforms() if platform.name != "schema.org microdata"})


def each_off(pages: Sequence[Case]) -> dict[str, list[Score]]:
    """Read the pages that an entry reads with that one entry off, for each entry that reads any.

    What another entry or a general reader makes of them then is what a platform without an entry gets.
    """
    read_by: dict[str, list[Case]] = defaultdict(list)
    for page in pages:
        if page.gold is not None:
            name = read_html(page_of(page.data, page.name)).platform
            read_by[name or ""].append(page)
    names = [platform.name for platform in platforms() if platform.name in read_by]
    return {name: without(read_by[name], {name}) for name in names}


def row(name: str, scores: Sequence[Score], false_posts: int, speed: float | None) -> str:
    """One line of the table."""
    values = [
        mean_over_platforms(scores, value)
        for value in (lambda s: s.f1, lambda s: s.precision, lambda s: s.recall, lambda s: s.author, lambda s: s.parent)
    ]
    pace = f"{speed:9.1f}" if speed is not None else f"{'':9}"
    return f"{name:28} " + " ".join(f"{value:9.3f}" for value in values) + f" {false_posts:9} {pace}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--pages", type=Path, required=True, metavar="DIR", help="a folder with a manifest and gold lists"
    )
    parser.add_argument("--each-off", action="store_true", help="switch off each platform's entry in turn")
    given = parser.parse_args(arguments)
    html = [page for page in cases(given.pages) if page.name.endswith(".html")]
    columns = ("F1", "precision", "recall", "author", "parent", "false", "pages/s")
    print(f"{'':28} " + " ".join(f"{column:>9}" for column in columns))
    if given.each_off:
        off = each_off(html)
        for name, scores in off.items():
            print(row(f"without {name}", scores, 0, None))
        print(f"mean F1 of {len(off)} entries {fmean(fmean(s.f1 for s in scores) for scores in off.values()):.3f}")
        return
    for name, (package, read) in TOOLS.items():
        if importlib.util.find_spec(package) is None:
            continue
        measure(read, html[:1])
        print(row(name, *measure(read, html)))
    print(row("stance, platforms unknown", without_entries(html), 0, None))


if __name__ == "__main__":
    main()
