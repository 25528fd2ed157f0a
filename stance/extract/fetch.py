"""Pages from the web, politely and with a guard at each door.

Every request names stance, asks robots.txt first, waits its turn, and goes to an address that was checked: the name is
resolved once and the connection made to that very address, so that no second answer of the name server can lead it
elsewhere; so is each redirect. Sizes are counted before and after decompression, time from the first byte to the last.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import urllib3
from protego import Protego

from stance.errors import PageError
from stance.extract.addresses import Resolve, Target, redirected, resolved, target_of
from stance.extract.page import Page
from stance.extract.sources import page_of
from stance.tables import replacing

USER_AGENT = "stance/0.1 (reads public discussion threads, one page in five seconds)"
ROBOT = "stance"

MAX_BYTES = 10_000_000
MAX_REDIRECTS = 5
TIMEOUT = 20.0
#: Seconds between two requests to one host.
INTERVAL = 5.0
#: Seconds for which a page in the cache is good.
FRESH = 24 * 3600

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class _Answer:
    """One response, its body as it came over the wire and expanded."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes


@dataclass(slots=True)
class Fetcher:
    """Gets pages; keep one for a run, for it remembers when it last asked which host.

    Parameters
    ----------
    allow_private : bool
        Whether to go to loopback and private addresses; never to link-local ones.
    cache : path, optional
        A folder for pages; None keeps nothing.
    clock, sleep : callable
        Seconds that only ascend, and how to wait; tests bring their own.
    resolve : callable
        From a name to its addresses, as `socket.getaddrinfo`.
    """

    allow_private: bool = False
    cache: Path | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    timeout: float = TIMEOUT
    resolve: Resolve = socket.getaddrinfo
    _asked: dict[str, float] = field(default_factory=dict)
    _robots: dict[str, Protego] = field(default_factory=dict)

    def get(self, url: str) -> Page:
        """Get one page, from the cache where it is fresh.

        Raises
        ------
        PageError
            If the address is refused, the host says no, or the answer is no page, too large or too slow.
        """
        kept = self._from_cache(url)
        if kept:
            return kept
        at = url
        for _ in range(MAX_REDIRECTS + 1):
            self._check_robots(at)
            answer = self._request(at)
            target = answer.headers.get("Location") if answer.status in (301, 302, 303, 307, 308) else None
            if not target:
                return self._page(url, at, answer)
            at = redirected(at, target)
        raise PageError(f"more than {MAX_REDIRECTS} redirects", where=url, fix="open it in a browser and save the page")

    def _page(self, url: str, at: str, answer: _Answer) -> Page:
        if answer.status in (429, 503):
            wait = answer.headers.get("Retry-After", "some time")
            raise PageError(f"the host answers {answer.status}", where=url, fix=f"try again after {wait} s")
        if answer.status >= 400:
            raise PageError(
                f"the host answers {answer.status}", where=url, fix="open it in a browser and save the page"
            )
        charset = answer.headers.get("Content-Type", "").partition("charset=")[2].strip(" \"'") or None
        captured_at = datetime.now(UTC)
        self._to_cache(url, at, charset, captured_at, answer.body)
        return page_of(answer.body, url, url=at, charset=charset, captured_at=captured_at)

    def _check_robots(self, url: str) -> None:
        host = target_of(url).origin
        if host not in self._robots:
            answer = self._robots_of(host, url)
            # RFC 9309: no such file allows everything; a host in trouble allows nothing.
            rules = answer.body.decode("utf-8", "replace") if answer.status == 200 else ""
            self._robots[host] = Protego.parse("User-agent: *\nDisallow: /" if answer.status >= 500 else rules)
        if not self._robots[host].can_fetch(url, ROBOT):
            raise PageError(
                "robots.txt asks programs to stay away", where=url, fix="open it in a browser and save the page"
            )

    def _robots_of(self, host: str, url: str) -> _Answer:
        try:
            return self._request(f"{host}/robots.txt")
        except PageError as error:
            # Whoever asked for a page has never heard of this file.
            raise PageError(error.problem, where=url, fix=error.fix) from error

    def _request(self, url: str) -> _Answer:
        target = target_of(url)
        # Resolved and checked here, at every redirect; the connection is made to this very address.
        address = resolved(target, url, self.resolve, allow_private=self.allow_private)
        self._wait(target.netloc)
        started = self.clock()
        pool = pool_of(target, address, self.timeout)
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", "Host": target.netloc}
        try:
            response = pool.request(
                "GET",
                target.path,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            with closing(response):
                body = self._body(response, url, started)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            problem = type(error).__name__ if isinstance(error, urllib3.exceptions.HTTPError) else str(error)
            raise PageError(f"cannot be fetched ({problem})", where=url, fix="check the address") from error
        finally:
            pool.close()
        return _Answer(response.status, response.headers, expanded(body, response.headers.get("Content-Encoding"), url))

    def _body(self, response: urllib3.BaseHTTPResponse, url: str, started: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for chunk in response.stream(_CHUNK, decode_content=False):
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise PageError(f"more than {MAX_BYTES:,} bytes", where=url, fix="save the page and give the file")
            if self.clock() - started > self.timeout:
                raise PageError(f"took more than {self.timeout:g} s", where=url, fix="try again later")
        return b"".join(parts)

    def _wait(self, host: str) -> None:
        rest = self._asked.get(host, -INTERVAL) + INTERVAL - self.clock()
        if rest > 0:
            self.sleep(rest)
        self._asked[host] = self.clock()

    def _from_cache(self, url: str) -> Page | None:
        if self.cache is None:
            return None
        path = self.cache / _name(url)
        try:
            head, _, body = path.read_bytes().partition(b"\n")
            about = json.loads(head)
            captured_at = datetime.fromisoformat(about["captured_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if (datetime.now(UTC) - captured_at).total_seconds() > FRESH:
            return None
        return page_of(body, url, url=about["url"], charset=about["charset"], captured_at=captured_at)

    def _to_cache(self, url: str, at: str, charset: str | None, captured_at: datetime, body: bytes) -> None:
        if self.cache is None:
            return
        self.cache.mkdir(parents=True, exist_ok=True)
        about = {"url": at, "charset": charset, "captured_at": captured_at.isoformat()}
        with replacing(self.cache / _name(url)) as stream:
            stream.write(json.dumps(about).encode() + b"\n" + body)


def pool_of(target: Target, address: str, timeout: float) -> urllib3.HTTPConnectionPool:
    """Connect to an address, while name and certificate stay those of the host."""
    limits = urllib3.Timeout(connect=timeout, read=timeout)
    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(address, target.port, timeout=limits)
    return urllib3.HTTPSConnectionPool(
        address, target.port, timeout=limits, server_hostname=target.host, assert_hostname=target.host
    )


def expanded(body: bytes, encoding: str | None, url: str) -> bytes:
    """Undo gzip or deflate, never past `MAX_BYTES`.

    Raises
    ------
    PageError
        If more would come out, or the data is damaged.
    """
    if (encoding or "identity").lower() not in ("gzip", "x-gzip", "deflate"):
        return body
    # 32 tells zlib to look for either header; some hosts send deflate without any.
    for window in (32 + zlib.MAX_WBITS, -zlib.MAX_WBITS):
        undo = zlib.decompressobj(window)
        try:
            data = undo.decompress(body, MAX_BYTES + 1)
        except zlib.error:
            continue
        if len(data) > MAX_BYTES:
            raise PageError(
                f"more than {MAX_BYTES:,} bytes after decompression", where=url, fix="save the page and give the file"
            )
        return data
    raise PageError("its compression is damaged", where=url, fix="try again later")


def default_cache() -> Path:
    """Folder for pages: `stance` in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "stance"


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
