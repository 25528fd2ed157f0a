"""HTML pages to threads: markup known for a platform, structured data, repeated blocks, in this order of trust."""

from __future__ import annotations

from collections.abc import Collection

from selectolax.lexbor import LexborHTMLParser

from stance.data import Thread
from stance.extract.assemble import assemble
from stance.extract.blocks import read_platform
from stance.extract.markup import parse
from stance.extract.page import Page
from stance.extract.platforms import Platform, platforms


def read_html(page: Page, *, skip: Collection[str] = ()) -> Thread:
    """Read one HTML page.

    Parameters
    ----------
    skip : collection of str
        Names of platforms to treat as unknown; to measure what the other readers do without them.
    """
    tree = parse(page.text, page.name)
    for platform in platforms():
        if platform.name in skip or not platform.is_marked(page.text):
            continue
        drafts = read_platform(tree, platform)
        if drafts:
            return assemble(page, drafts, platform=platform.name, title=_title(tree, platform))
    return assemble(page, [], platform=None, title=_title(tree, None))


def _title(tree: LexborHTMLParser, platform: Platform | None) -> str | None:
    for rule in platform.title if platform else ():
        node = tree.css_first(rule.css)
        value = rule.read(node) if node else None
        if value:
            return value
    for css, attribute in (("meta[property='og:title']", "content"), ("title", None), ("h1", None)):
        node = tree.css_first(css)
        value = (node.attributes.get(attribute) if attribute else node.text()) if node else None
        if value and value.strip():
            return " ".join(value.split())
    return None
