"""Sources of any kind, and text that reads as its writer wrote it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stance
from stance.data import threads_to_table
from stance.errors import DataError, StanceError
from stance.extract import extract, extract_all
from stance.extract.markup import text_of
from stance.extract.sources import find_sources
from stance.tables import write_table

PAGES = Path(__file__).parent / "pages"
PAGE = PAGES / "wordpress.html"
AUTHORS = ["Ada", "Bob_K", "Cem"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stance", "extract", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_path_bytes_and_text_give_the_same_posts() -> None:
    data = PAGE.read_bytes()
    assert extract(PAGE)[0].posts == extract(data)[0].posts == extract(data.decode())[0].posts


def test_a_compressed_page_is_a_page() -> None:
    assert extract(gzip.compress(PAGE.read_bytes()))[0].posts == extract(PAGE)[0].posts


def test_a_dump_as_archives_keep_it_is_read() -> None:
    dump = PAGES / "export-reddit-dump.ndjson"
    packed = pyarrow.compress(dump.read_bytes(), codec="zstd", asbytes=True)
    assert [thread.posts for thread in extract(packed)] == [thread.posts for thread in extract(dump)]


def test_extracting_twice_gives_the_same() -> None:
    assert extract(PAGE) == extract(PAGE)


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_a_table_of_ours_is_a_source(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"posts{ending}"
    write_table(threads_to_table(extract(PAGE)), path)
    assert [post.author for post in extract(path)[0].posts] == AUTHORS


def response(name: str) -> bytes:
    body = (PAGES / f"{name}.html").read_bytes()
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = f"WARC-Target-URI: https://blog.example/{name}\r\nWARC-Date: 2019-05-04T12:00:00Z\r\n"
    kind = "WARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
    return f"WARC/1.0\r\n{kind}{head}Content-Length: {len(http)}\r\n\r\n".encode() + http + b"\r\n\r\n"


def test_each_response_of_an_archive_is_a_page() -> None:
    archive = gzip.compress(response("wordpress")) + gzip.compress(response("no-comments-article"))
    assert [(thread.url, len(thread.posts)) for thread in extract(archive)] == [
        ("https://blog.example/wordpress", 3),
        ("https://blog.example/no-comments-article", 0),
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.html", None, "no such file"),
        ("empty.html", b" \n", "empty"),
        ("picture.html", b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    ],
)
def test_what_is_no_source_is_said_in_one_line(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StanceError, match=problem):
        extract(tmp_path / name)


def test_the_command_prints_a_row_a_post() -> None:
    done = run(PAGE)
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (
        0,
        3,
        "wordpress: 3 posts, 1 hidden, read as WordPress\n",
    )


def test_a_page_without_comments_is_no_error() -> None:
    done = run(PAGES / "no-comments-frame.html")
    said = "no-comments-frame: no posts; its comments load from Disqus and are not in the page\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", said)


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    pages = [tmp_path / folder / "page.html" for folder in ("may", "june")]
    for path in pages:
        path.parent.mkdir()
        path.write_bytes(PAGE.read_bytes())
    assert [thread.id for thread in extract_all([*pages, PAGE])] == ["may/page", "june/page", "wordpress"]
    assert [thread.id for thread in extract_all([PAGE, PAGE])] == ["wordpress", "wordpress~2"]


def test_a_missing_file_ends_with_status_2(tmp_path: Path) -> None:
    done = run(tmp_path / "none.html")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=6), min_size=1, max_size=6))
def test_block_elements_never_glue_words(words: list[str]) -> None:
    html = "".join(f"<div>{word}</div>" for word in words)
    assert text_of(html).split("\n") == words


def test_inline_elements_never_part_words() -> None:
    assert text_of("<p>un<b>believ</b><i>able</i></p>") == "unbelievable"


def test_line_breaks_and_emoji_survive() -> None:
    html = '<p>Yes 🐕<br>no <img class="emoji" alt="👍"></p><pre>a\n  b</pre>'
    assert text_of(html) == "Yes 🐕\nno 👍\na\nb"


def test_folders_and_patterns_stand_for_the_files_in_them(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.csv"):
        (tmp_path / name).touch()
    assert find_sources([tmp_path]) == tuple(str(tmp_path / name) for name in ("a.jsonl", "b.jsonl", "c.csv"))
    assert find_sources([str(tmp_path / "*.csv")]) == (str(tmp_path / "c.csv"),)
    with pytest.raises(DataError, match="no files there"):
        find_sources([str(tmp_path / "*.xml")])


def test_an_empty_folder_is_no_silent_success(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no files there"):
        find_sources([tmp_path])


@pytest.mark.parametrize("source", ["-", "https://forum.example/t?page=[2]", "<p>Why?</p>", "not there"])
def test_what_is_no_folder_and_no_pattern_stands_for_itself(source: str) -> None:
    assert find_sources([source]) == (source,)


def test_a_folder_is_read_and_labelled_page_by_page(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        (tmp_path / name).write_bytes(PAGE.read_bytes())
    threads = extract_all([tmp_path])
    assert [thread.id for thread in threads] == ["a", "b"]
    assert [row["thread"] for row in stance.label_rows([tmp_path])] == [
        thread.id for thread in threads for _ in thread.posts
    ]
