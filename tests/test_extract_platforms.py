"""The tables that say what is where: each entry is whole, says where it comes from, and has an invented page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from stance.extract.forms import exports
from stance.extract.html import read_part
from stance.extract.page import Page
from stance.extract.platforms import Platform, platforms

PAGES = Path(__file__).parent / "pages"
EMPTY = LexborHTMLParser("<p>")
COVERED = {
    thread["platform"]
    for path in PAGES.glob("*.expected.json")
    for thread in json.loads(path.read_text(encoding="utf-8"))
}


def selectors(platform: Platform) -> list[str]:
    rules = (
        *platform.id,
        *platform.author,
        *platform.date,
        *platform.text,
        *platform.parent,
        *platform.quoted,
        *platform.depth,
        *platform.title,
        *platform.declared,
        *platform.next,
        *platform.more,
    )
    found = [
        *platform.post,
        platform.skip,
        platform.quote,
        platform.drop,
        platform.indent,
        *(rule.css for rule in rules),
    ]
    return [css for css in found if css]


@pytest.mark.parametrize("platform", platforms(), ids=lambda platform: platform.name)
def test_an_entry_has_an_origin_and_selectors_that_parse(platform: Platform) -> None:
    assert platform.origin
    for css in selectors(platform):
        EMPTY.css(css)


def test_every_platform_has_an_invented_page() -> None:
    assert {platform.name for platform in platforms()} - COVERED == set()


def test_every_export_has_an_invented_file() -> None:
    assert set(exports()) - COVERED == set()


#: Where the thread goes on, by page; None on a last page, however many links to other threads it has.
NEXT = {
    "asgaros": "forum/topic/masts/?part=2",
    "bbpress-threaded": "topic/masts/page/2/",
    "bbpress1": "topic/masts/page/2",
    "discuz-comments": "forum.php?mod=viewthread&tid=7&extra=&page=2",
    "discuz7": "viewthread.php?tid=7&page=2",
    "drupal-forum": "node/7?page=1",
    "esotalk": "7-masts/p2",
    "flarum-last-page": None,
    "forumotion-awesome": "t7p15-masts",
    "forumotion-invision": "t7p15-masts",
    "moodle-nested": None,
    "question2answer": "hedges?start=10",
    "gnuboard5": None,
    "gnuboard54": None,
    "rhymix": "free/7?cpage=2#comment",
    "proboards": "thread/7/lamps?page=2",
    "forumotion-modern": "t7p15-masts",
    "forumotion-prosilver": "t7p15-masts",
    "forumotion-punbb": "t7p15-masts",
    "invision4-notes": "topic/7-masts/page/2/",
    "invision5-notes": "topic/7/page/2/",
    "ipboard2": "index.php?showtopic=7&st=15",
    "ipboard3-guests": "topic/7-masts/page-2",
    "jforum": "posts/list/15/7.page",
    "khoros-solved": "t5/Phones/Masts/td-p/101/page/2",
    "misago": "t/masts/7/2/",
    "mybb-notes": "thread-7-page-2.html",
    "mybb16": "thread-7-page-2.html",
    "nodebb-persona": "seen?page=2",
    "phorum": "read.php?2,100,page=2",
    "phpbb2-pages": "viewtopic.php?t=7&start=15",
    "phpbb3-notices": "viewtopic.php?f=2&t=7&start=10",
    "phpbb3-subsilver": "viewtopic.php?f=2&t=7&start=10",
    "punbb12": "viewtopic.php?id=7&p=2",
    "punbb14": "viewtopic.php?id=7&p=2",
    "silverstripe-forum": "forum/show/7?start=8",
    "smf1": "index.php?topic=7.15",
    "smf2-curve": None,
    "vbulletin3-legacy": "showthread.php?t=7&page=2",
    "vanilla-embeds": "discussion/7/masts/p2",
    "vanilla20": "discussion/7/masts/p2",
    "woltlab-wbb3": "index.php?page=Thread&threadID=7&pageNo=2",
    "woltlab6": "thread/7/?pageNo=2",
    "wpforo-answers": "community/phones/masts/paged/2/",
    "xenforo1-notes": "threads/masts.7/page-2",
    "xenforo2-notes": "threads/masts.7/page-2",
    "yabb26": "YaBB.pl?num=7/15",
    "zendesk": "hc/en-us/community/posts/7?page=2#comments",
}


@pytest.mark.parametrize("name", NEXT)
def test_a_page_says_where_its_thread_goes_on(name: str) -> None:
    data = (PAGES / f"{name}.html").read_bytes()
    part = read_part(Page(name, data, data.decode(), url="https://forum.example/seen"))
    assert part.next_url == (NEXT[name] and f"https://forum.example/{NEXT[name]}")
