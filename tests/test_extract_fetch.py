"""Fetching, against a server on loopback that these tests start."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stance.errors import PageError
from stance.extract import extract, fetch
from stance.extract.fetch import Fetcher

PAGES = Path(__file__).parent / "pages"
PAGE = (PAGES / "wordpress.html").read_bytes()


def topic(number: int, following: str) -> bytes:
    post = f"<div id='post_{number}' class='topic-body crawler-post'><span class='creator'><a>Ada{number}</a></span>"
    return f"{post}<div class='post' itemprop='text'>Words {number}.</div></div>{following}".encode()


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private\n"),
    "/page": (200, {"Content-Type": "text/html; charset=utf-8"}, PAGE),
    "/private": (200, {}, PAGE),
    "/moved": (301, {"Location": "/page"}, b""),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(PAGE)),
    "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * 11_000_000)),
    "/huge": (200, {}, b"a" * 11_000_000),
    "/busy": (429, {"Retry-After": "120"}, b""),
    "/gone": (404, {}, b""),
    "/empty": (200, {}, b""),
    "/t/1": (200, {}, topic(1, "<a rel=next href='/t/2'>next</a>")),
    "/t/2": (200, {}, topic(2, "<a rel=next href='/t/1'>next</a>")),
}


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        type(self).asked.append((self.path, self.headers["User-Agent"]))
        status, headers, body = ANSWERS[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have had enough
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


class Watch:
    """A clock that only moves when somebody sleeps, or by `tick` at each look."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now, self.tick, self.slept = 100.0, tick, []

    def clock(self) -> float:
        self.now += self.tick
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked = []
    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}"
    web.shutdown()
    web.server_close()
    thread.join()


def fetcher(watch: Watch | None = None, cache: Path | None = None) -> Fetcher:
    watch = watch or Watch()
    return Fetcher(allow_private=True, cache=cache, clock=watch.clock, sleep=watch.sleep)


def test_a_page_from_the_web_gives_its_posts(server: str) -> None:
    (thread,) = extract(f"{server}/page", fetcher=fetcher())
    assert (thread.url, [post.author for post in thread.posts]) == (f"{server}/page", ["Ada", "Bob_K", "Cem"])


def test_every_request_names_stance_and_robots_come_first(server: str) -> None:
    fetcher().get(f"{server}/page")
    assert Handler.asked == [("/robots.txt", fetch.USER_AGENT), ("/page", fetch.USER_AGENT)]


def test_a_host_is_asked_once_in_five_seconds(server: str) -> None:
    watch = Watch()
    web = fetcher(watch)
    web.get(f"{server}/page")
    web.get(f"{server}/gzip")
    assert watch.slept == [5.0, 5.0]


def test_compressed_pages_are_expanded(server: str) -> None:
    assert fetcher().get(f"{server}/gzip").data == PAGE


def test_redirects_are_followed(server: str) -> None:
    assert fetcher().get(f"{server}/moved").url == f"{server}/page"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/private", "robots.txt asks programs to stay away"),
        ("/loop", "more than 5 redirects"),
        ("/bomb", "more than 10,000,000 bytes after decompression"),
        ("/huge", "more than 10,000,000 bytes"),
        ("/busy", "the host answers 429"),
        ("/gone", "the host answers 404"),
        ("/empty", "the source is empty"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(server: str, path: str, problem: str) -> None:
    with pytest.raises(PageError) as caught:
        fetcher().get(f"{server}{path}")
    assert caught.value.problem == problem


def test_a_busy_host_says_when_to_come_back(server: str) -> None:
    with pytest.raises(PageError, match="try again after 120 s"):
        fetcher().get(f"{server}/busy")


def test_a_slow_answer_is_given_up(server: str) -> None:
    with pytest.raises(PageError, match="took more than 20 s"):
        fetcher(Watch(tick=30.0)).get(f"{server}/page")


def test_private_addresses_are_refused_unless_allowed(server: str) -> None:
    with pytest.raises(PageError, match=r"127\.0\.0\.1 is a private address.*--allow-private"):
        Fetcher().get(f"{server}/page")


@pytest.mark.parametrize("url", ["http://localhost/", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/"])
def test_no_way_around_the_private_addresses(url: str) -> None:
    with pytest.raises(PageError, match="private address"):
        Fetcher().get(url)


@pytest.mark.parametrize("url", ["http:///nowhere", "http://no such host/"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(PageError, match=r"not a web address|no such host"):
        Fetcher().get(url)


def test_the_cache_spares_the_host(server: str, tmp_path: Path) -> None:
    first = fetcher(cache=tmp_path).get(f"{server}/page")
    second = fetcher(cache=tmp_path).get(f"{server}/page")
    assert (second, len(Handler.asked)) == (first, 2)


def test_the_pages_of_a_thread_are_put_together(server: str) -> None:
    (thread,) = extract(f"{server}/t/1", pages=9, fetcher=fetcher())
    assert [(post.id, post.author, post.text) for post in thread.posts] == [
        ("1", "Ada1", "Words 1."),
        ("2", "Ada2", "Words 2."),
    ]
