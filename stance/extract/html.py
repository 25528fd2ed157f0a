"""HTML pages to threads: markup known for a platform, structured data, repeated blocks."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from stance.extract.assemble import assemble
from stance.extract.blocks import read_platform
from stance.extract.counts import collapsed_count, declared_count, frames_in
from stance.extract.dates import date_in
from stance.extract.document import Document
from stance.extract.draft import Draft
from stance.extract.dump import read_numbered
from stance.extract.exports import read_embedded
from stance.extract.json_tree import TREE
from stance.extract.markup import text_of
from stance.extract.own import own_platforms
from stance.extract.page import Page
from stance.extract.page_data import read_page_data
from stance.extract.platforms import Platform, platforms
from stance.extract.repeated import learn_platform
from stance.extract.structured import read_json_ld
from stance.extract.words import any_of
from stance.records import Thread

_MICRODATA = "schema.org microdata"
_PAGE_DATA = Platform(TREE, "the script's own data in the page", post=(), text=())

#: What phone sites print beside a name in place of markup that could be recognised.
_MEMBERSHIP = re.compile(rf"\b(?:{any_of('member_since')}|posts)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageOfThread:
    """What one page shows of a thread, and where the thread goes on."""

    page: Page
    drafts: tuple[Draft, ...]
    platform: str
    title: str | None
    declared: int | None
    collapsed: int | None
    next_url: str | None
    numbered: bool = False


def read_html(page: Page, *, skip: Collection[str] = ()) -> Thread:
    """Read one HTML page as a thread.

    Parameters
    ----------
    skip : collection of str
        Names of platforms to treat as unknown; to measure what the other readers do without them.
    """
    embedded = read_embedded(page) if not skip else []
    return embedded[0] if embedded else thread_of([read_part(page, skip=skip)])


def read_part(page: Page, *, skip: Collection[str] = ()) -> PageOfThread:
    """Read one page of a thread that may go on elsewhere."""
    document = Document(page.text, page.name)
    drafts, platform = _known(document, skip)
    if platform is None or platform.name == _MICRODATA:
        drafts, platform = _unknown(document, drafts, platform)
    elif _whole(drafts) * 2 < len(drafts):
        drafts, platform = _better(drafts, platform, *_unknown(document, *_microdata(document, skip)))
    if not drafts and _MEMBERSHIP.search(document.html):
        return _numbered(page, document)
    return PageOfThread(
        page=page,
        drafts=tuple(drafts),
        platform=platform.name if platform else "schema.org",
        title=_title(document, platform),
        declared=declared_count(document, platform) if platform else None,
        collapsed=collapsed_count(document, platform) if platform else None,
        next_url=_next_url(document, platform, page.url),
    )


def _numbered(page: Page, document: Document) -> PageOfThread:
    """Read the page as its text alone."""
    body = document.tree.body
    drafts, declared = read_numbered(text_of(body.html or "") if body else "")
    return PageOfThread(
        page=page,
        drafts=tuple(drafts),
        platform="numbered posts",
        title=_title(document, None),
        declared=declared,
        collapsed=None,
        next_url=_next_url(document, None, page.url),
        numbered=True,
    )


def thread_of(parts: Sequence[PageOfThread]) -> Thread:
    """Put the pages of one thread together: an answer on the second page finds its parent on the first."""
    drafts: list[Draft] = []
    for part in parts:
        shift = 1 + max((draft.place for draft in drafts), default=-1)
        drafts += [_shifted(draft, shift) for draft in part.drafts]
    first = parts[0]
    frames = frames_in(first.page.text) if not drafts else []
    return assemble(
        first.page,
        drafts,
        platform=first.platform,
        title=first.title,
        declared=first.declared,
        hidden=first.collapsed,
        numbered=first.numbered,
        notes=[f"its comments load from {name} and are not in the page" for name in frames],
    )


def _shifted(draft: Draft, shift: int) -> Draft:
    parent = draft.parent + shift if draft.parent is not None else None
    return replace(draft, place=draft.place + shift, parent=parent)


def _known(page: Document, skip: Collection[str]) -> tuple[list[Draft], Platform | None]:
    for platform in (*own_platforms(), *platforms()):
        if platform.name in skip or not platform.is_marked(page):
            continue
        drafts = read_platform(page, platform)
        if drafts:
            return drafts, platform
    return [], None


def _unknown(page: Document, drafts: list[Draft], platform: Platform | None) -> tuple[list[Draft], Platform | None]:
    """Read structured data and repeated blocks, and keep what shows more of the discussion.

    Structured data is exact but often leaves out the opening post, quotations and line breaks; so blocks that hold all
    its words and more posts (for JSON-LD, which lacks what quotes and breaks lines: as many) are the better reading.
    """
    json_ld = read_json_ld(page.tree) if "ld+json" in page.html else []
    if len(json_ld) > len(drafts):
        drafts, platform = json_ld, None
    data = read_page_data(page)
    if len(data) > len(drafts):
        drafts, platform = data, _PAGE_DATA
    found = learn_platform(page)
    # What shares a name with the posts and shows neither a writer nor a date is something else.
    blocks = [draft for draft in read_platform(*found) if draft.author or draft.date] if found else []
    learnt = found[1] if found else None
    enough = len(drafts) + 1 if platform and platform.name == _MICRODATA else len(drafts)
    if len(blocks) >= 2 * len(drafts) or (len(blocks) >= enough and _covers(blocks, drafts)):
        return blocks, learnt
    return drafts, platform


def _better(
    drafts: list[Draft], platform: Platform, others: list[Draft], other: Platform | None
) -> tuple[list[Draft], Platform | None]:
    """Keep an entry's reading, or take the other where it has more posts whole.

    A site of its own may use a known platform's names for other things.
    """
    return (others, other) if _whole(others) > max(_whole(drafts), len(drafts) // 2) else (drafts, platform)


def _whole(drafts: Sequence[Draft]) -> int:
    """How many posts have a writer and words of their own, in which no head stands that should have been read."""
    return sum(bool(draft.author and draft.text) and not _is_mixed(draft) for draft in drafts)


def _is_mixed(draft: Draft) -> bool:
    ends = (draft.text[:80], draft.text[-80:])
    name = (draft.author or "").partition(" ")[0]
    return any(name in end and date_in(end) for end in ends)


def _microdata(page: Document, skip: Collection[str]) -> tuple[list[Draft], Platform | None]:
    return _known(page, {*skip, *(platform.name for platform in platforms() if platform.name != _MICRODATA)})


def _covers(blocks: Sequence[Draft], drafts: Sequence[Draft]) -> bool:
    words = "\n".join("".join(draft.text.split()) for draft in blocks)
    heads = ["".join(draft.text.split())[:40] for draft in drafts]
    return sum(head in words for head in heads) * 5 >= len(heads) * 4


def _title(page: Document, platform: Platform | None) -> str | None:
    for rule in platform.title if platform else ():
        node = page.css_first(rule.css)
        value = rule.read(node, node.html or "") if node else None
        if value:
            return value
    for css, attribute in (("meta[property='og:title']", "content"), ("title", None), ("h1", None)):
        node = page.css_first(css)
        value = (node.attributes.get(attribute) if attribute else node.text()) if node else None
        if value and value.strip():
            return " ".join(value.split())
    return None


#: Where any page may say its next one. Simple Machines Forum names the next thread so, with `prev_next` in its address.
_NEXT = ("link[rel='next']:not([href*='prev_next'])", "a[rel='next']")


def _next_url(page: Document, platform: Platform | None, base: str | None) -> str | None:
    """Address of the thread's next page, on the same host only."""
    if platform is None or not base:
        return None
    for css in (*(rule.css for rule in platform.next), *_NEXT):
        node = page.css_first(css)
        href = node.attributes.get("href") if node else None
        url = urljoin(base, href) if href else None
        if url and url != base and urlsplit(url).netloc == urlsplit(base).netloc:
            return url
    return None
