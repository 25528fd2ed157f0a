"""Pages made to break a reader: each ends, with posts or with one line."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import mutations
from benchmarks.mutations import run as run_mutations
from stance.errors import StanceError
from stance.extract import extract
from stance.extract.blocks import Blocks
from stance.extract.document import Document

PAGES = Path(__file__).parent / "pages"
PAGE = (PAGES / "wordpress.html").read_text(encoding="utf-8")
AUTHORS = ["Ada", "Bob_K", "Cem"]


def authors(source: str | bytes) -> list[str | None]:
    return [post.author for thread in extract(source) for post in thread.posts]


@pytest.mark.parametrize("depth", [300, 20_000])
def test_deep_pages_keep_their_posts(depth: int) -> None:
    assert authors(PAGE.replace("<ol class=", "<div>" * depth + "<ol class=", 1)) == AUTHORS


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (PAGE.replace("<ol", "<div>" * 100_000 + "<ol", 1), "nested more than"),
        (PAGE.replace("<ol", "<p " + " ".join(f"a{n}=1" for n in range(200_000)) + "></p><ol", 1), "attributes"),
        (PAGE.replace("<ol", "<p " + " ".join(f'a{n}=">"' for n in range(200_000)) + "></p><ol", 1), "attributes"),
        ("<p>" + "word " * 8_100_000, "characters of HTML"),
        ("<p>" + "<i>x</i>" * 1_300_000, "tags, of which"),
        ("<p>" + 3 * ("<p " + " ".join(f"a{n}=1" for n in range(15_000)) + ">"), "attributes"),
        ("<p>" + "".join(f"<font size={n}><p>x" for n in range(10_000)), "formatting tags"),
        ("<p><select>" + "<option>x" * 50_000, "options"),
        (gzip.compress(b"a" * 80_000_000), "after decompression"),
        (pa.compress(b"a" * 80_000_000, "zstd", asbytes=True), "after decompression"),
        (pa.compress(b"<p>words", "zstd", asbytes=True)[:-5], "damaged"),
        ("[" * 100_000, "JSON nested too deep"),
        (b"\0" * 1000, "not a page"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 9\r\n\r\nHTTP/1.1", "damaged web archive"),
        (b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'b'>]><rss>&a;</rss>", "defines entities"),
        (b"<?xml version='1.0'?><rss><channel>", "not XML"),
        ('{"a": 1', "not JSON"),
        ('{"unknown": {"form": 1}}', "no export that stance knows"),
        (b"   ", "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "page",
)
def test_what_cannot_be_read_is_said_in_one_line(page: str | bytes, problem: str) -> None:
    with pytest.raises(StanceError, match=problem) as caught:
        extract(page)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [
        "<div class=comment><b>Ada</b> 3 May 2019 <p>hello there people of the valley" * 3000,
        "<p><a href=x><b><i>" * 4000,
        "<" * 300_000,
        "".join(f'<font size="{n}"><p>' for n in range(2000)),
        '<a href="' * 50_000,
        "<!--" * 50_000,
        "wrote " * 50_000 + "\n" + "1. a" * 20_000,
        "\n".join(["May 3, 2019 " * 20] * 2000),
    ],
    ids=["unclosed comments", "unclosed tags", "brackets", "unclosed fonts", "quotes", "remarks", "words", "dates"],
)
def test_endless_pages_end(page: str) -> None:
    extract(page + "\n")


def test_an_archive_with_a_wrong_length_is_read_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE.encode()
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
    record = (
        head + b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n" % (len(body) - 9) + body + b"\r\n\r\n"
    )
    spaced = record.replace(b"a.example/", b"a.example/a b\x1b[2J")
    assert authors(record + spaced) == AUTHORS * 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_wide_characters_are_recognised_without_a_mark(encoding: str) -> None:
    assert authors(PAGE.encode(encoding)) == AUTHORS


@pytest.mark.parametrize("declared", ["utf-16", "latin-1", "iso-2022-kr", "nonsense"])
def test_a_wrong_charset_does_not_spoil_the_page(declared: str) -> None:
    assert authors(PAGE.replace('charset="utf-8"', f'charset="{declared}"').encode()) == AUTHORS


def test_scripts_are_text_and_nothing_else() -> None:
    page = PAGE.replace("Show me one finding.", "<script>alert(1)</script>&lt;script&gt;alert(2)&lt;/script&gt; Show")
    assert extract(page)[0].posts[0].text.splitlines()[-1] == "<script>alert(2)</script> Show"


@st.composite
def damaged_pages(draw: st.DrawFn) -> bytes:
    """One of the invented pages, cut, doubled and overwritten here and there."""
    paths = sorted(path for path in PAGES.iterdir() if not path.name.endswith(".expected.json"))
    page = draw(st.sampled_from(paths)).read_bytes()
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(page)))
        end = draw(st.integers(start, min(len(page), start + 400)))
        middle = draw(st.one_of(st.just(b""), st.just(page[start:end] * 2), st.binary(max_size=12)))
        page = page[:start] + middle + page[end:]
    return page


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(damaged_pages())
def test_damaged_pages_give_posts_or_one_line(page: bytes) -> None:
    try:
        threads = extract(page)
    except StanceError:
        return
    for thread in threads:
        ids = [post.id for post in thread.posts]
        assert len(set(ids)) == len(ids)
        assert {post.parent for post in thread.posts} - {None} <= set(ids)
        json.dumps([post.text for post in thread.posts])


def test_mutated_pages_end_without_a_traceback() -> None:
    outcome = run_mutations(40, seed=7)
    assert (outcome.first_traceback, outcome.counts["slow"], outcome.counts["posts"] > 10) == (None, 0, True)


def test_wrappers_around_wrappers_take_no_square_of_their_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "<div class=post>Who says so?</div>"
    page = Document(f"<div class=post><section>{answer}{'<i>Safe.</i>' * 50}</section></div>", "page")
    whole = Blocks(page.css(".post"), page)
    assert [whole.html(page.css("section")[0]).count("Safe.") for _ in range(3)] == [50, 50, 50]
    monkeypatch.setattr(sys.modules[Blocks.__module__], "_MOST_WALKED", 80)
    limited = Blocks(page.css(".post"), page)
    assert [limited.html(page.css("section")[0]).count("Safe.") for _ in range(3)] == [50, 28, 0]


def test_a_traceback_over_a_mutated_page_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutations, "extract", lambda page: 1 / 0)
    outcome = run_mutations(1, seed=7)
    assert (outcome.counts["traceback"], "ZeroDivisionError" in (outcome.first_traceback or "")) == (1, True)
