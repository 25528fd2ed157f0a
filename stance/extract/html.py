"""HTML pages to threads: markup known for a platform, structured data, repeated blocks, in this order of trust."""

from __future__ import annotations

from collections.abc import Collection

from selectolax.lexbor import LexborHTMLParser

from stance.data import Thread
from stance.extract.assemble import assemble
from stance.extract.blocks import read_platform
from stance.extract.counts import collapsed_count, declared_count, frames_in
from stance.extract.draft import Draft
from stance.extract.markup import parse
from stance.extract.page import Page
from stance.extract.platforms import Marks, Platform, platforms
from stance.extract.repeated import learn_platform
from stance.extract.structured import read_json_ld

_MICRODATA = "schema.org microdata"


def read_html(page: Page, *, skip: Collection[str] = ()) -> Thread:
    """Read one HTML page.

    Parameters
    ----------
    skip : collection of str
        Names of platforms to treat as unknown; to measure what the other readers do without them.
    """
    tree = parse(page.text, page.name)
    drafts, platform = _known(tree, page, skip)
    if platform is None or platform.name == _MICRODATA:
        drafts, platform = _unknown(tree, page, drafts, platform)
    declared = declared_count(tree, platform) if platform else None
    collapsed = collapsed_count(tree, platform) if platform else None
    frames = frames_in(page.text) if not drafts else []
    return assemble(
        page,
        drafts,
        platform=platform.name if platform else "schema.org",
        title=_title(tree, platform),
        declared=declared,
        hidden=collapsed,
        notes=[f"its comments load from {name} and are not in the page" for name in frames],
    )


def _unknown(
    tree: LexborHTMLParser, page: Page, drafts: list[Draft], platform: Platform | None
) -> tuple[list[Draft], Platform | None]:
    """Read structured data and repeated blocks, and keep what shows more of the discussion.

    Structured data is exact but often leaves out the opening post, quotations and line breaks; so blocks that hold all
    its words and at least as many posts are the better reading of the same page.
    """
    json_ld = read_json_ld(tree) if "ld+json" in page.text else []
    if len(json_ld) > len(drafts):
        drafts, platform = json_ld, None
    learnt = learn_platform(tree)
    blocks = read_platform(tree, learnt) if learnt else []
    if len(blocks) >= 2 * len(drafts) or (len(blocks) >= len(drafts) and _covers(blocks, drafts)):
        return blocks, learnt
    return drafts, platform


def _covers(blocks: list[Draft], drafts: list[Draft]) -> bool:
    words = "\n".join("".join(draft.text.split()) for draft in blocks)
    heads = ["".join(draft.text.split())[:40] for draft in drafts]
    return sum(head in words for head in heads) * 5 >= len(heads) * 4


def _known(tree: LexborHTMLParser, page: Page, skip: Collection[str]) -> tuple[list[Draft], Platform | None]:
    marks = Marks(page.text)
    for platform in platforms():
        if platform.name in skip or not platform.is_marked(marks):
            continue
        drafts = read_platform(tree, platform)
        if drafts:
            return drafts, platform
    return [], None


def _title(tree: LexborHTMLParser, platform: Platform | None) -> str | None:
    for rule in platform.title if platform else ():
        node = tree.css_first(rule.css)
        value = rule.read(node, node.html or "") if node else None
        if value:
            return value
    for css, attribute in (("meta[property='og:title']", "content"), ("title", None), ("h1", None)):
        node = tree.css_first(css)
        value = (node.attributes.get(attribute) if attribute else node.text()) if node else None
        if value and value.strip():
            return " ".join(value.split())
    return None
