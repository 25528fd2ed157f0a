"""Ways to make a program fetch from where only it can reach, none of which works; no name is really resolved."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import socket
import threading
from collections.abc import Iterator, Sequence

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from stance.errors import PageError
from stance.extract import fetch
from stance.extract.addresses import Target, may_go_to, target_of
from stance.extract.fetch import Fetcher

PUBLIC = "93.184.216.34"
#: What name servers would say; a number stands for itself, as for `socket.getaddrinfo`.
NAMES = {
    "forum.example": [PUBLIC],
    "localhost": ["127.0.0.1"],
    "inside.example": ["10.0.0.7"],
    "mixed.example": [PUBLIC, "192.168.1.1"],
    "mixed6.example": [PUBLIC, "fd00::1"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "xn--mnchen-3ya.example": ["127.0.0.1"],
    "silent.example": [],
}


class Names:
    """A name server that notes what it was asked."""

    def __init__(self, answers: dict[str, list[str]] = NAMES) -> None:
        self.answers, self.asked = answers, []

    def __call__(self, host: str, port: int, type: int) -> Sequence[tuple]:
        self.asked.append(host)
        addresses = self.answers.get(host, [host])
        return [(0, type, 0, "", (address, port)) for address in addresses]


EVASIONS = {
    "loopback": "http://127.0.0.1/",
    "loopback by name": "http://localhost/",
    "another loopback": "http://127.8.9.1/",
    "this host": "http://0.0.0.0/",
    "ten": "http://10.1.2.3/",
    "172": "http://172.31.0.1/",
    "192": "http://192.168.0.1/",
    "link-local, a cloud's credentials": "http://169.254.169.254/latest/meta-data/",
    "carrier's": "http://100.64.0.1/",
    "benchmark": "http://198.18.0.1/",
    "IETF": "http://192.0.0.8/",
    "documentation": "http://203.0.113.9/",
    "multicast": "http://224.0.0.1/",
    "reserved": "http://240.0.0.1/",
    "broadcast": "http://255.255.255.255/",
    "old 6to4 relay": "http://192.88.99.1/",
    "decimal": "http://2130706433/",
    "hexadecimal": "http://0x7f000001/",
    "octal": "http://0177.0.0.1/",
    "octal that Python may read as decimal": "http://010.0.0.1/",
    "short": "http://127.1/",
    "mixed radix": "http://0x7f.0.0.1/",
    "hexadecimal at the end": "http://127.0.0.0x1/",
    "overflow": "http://4294967297/",
    "five parts": "http://1.2.3.4.5/",
    "dot at the end": "http://localhost./",
    "dot at the end of a number": "http://127.0.0.1./",
    "two dots at the end": "http://localhost../",
    "full-width digits": "http://１２７.０.０.１/",
    "ideographic dots": "http://127。0。0。1/",
    "circled letters": "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "upper case": "http://LOCALHOST/",
    "escaped": "http://%31%32%37.0.0.1/",
    "IPv6 loopback": "http://[::1]/",
    "IPv6 any": "http://[::]/",
    "IPv6 unique local": "http://[fd12:3456::1]/",
    "IPv6 link-local": "http://[fe80::1]/",
    "IPv6 with a zone": "http://[fe80::1%25eth0]/",
    "IPv6 site-local": "http://[fec0::1]/",
    "IPv6 multicast": "http://[ff02::1]/",
    "IPv6 documentation": "http://[2001:db8::1]/",
    "IPv4-mapped": "http://[::ffff:127.0.0.1]/",
    "IPv4-mapped, in hexadecimal": "http://[::ffff:7f00:1]/",
    "IPv4-mapped, a public one": f"http://[::ffff:{PUBLIC}]/",
    "IPv4-compatible": "http://[::127.0.0.1]/",
    "IPv4-translated": "http://[::ffff:0:127.0.0.1]/",
    "6to4": "http://[2002:7f00:1::]/",
    "Teredo": "http://[2001:0:7f00:1::1]/",
    "NAT64": "http://[64:ff9b::10.0.0.1]/",
    "NAT64, link-local": "http://[64:ff9b::a9fe:a9fe]/",
    "local NAT64": "http://[64:ff9b:1::10.0.0.1]/",
    "local NAT64, a public one": f"http://[64:ff9b:1::{PUBLIC}]/",
    "ISATAP": "http://[2001:4860::5efe:10.0.0.1]/",
    "a name for a private address": "http://inside.example/",
    "one private address among public ones": "http://mixed.example/",
    "one private IPv6 address among public ones": "http://mixed6.example/",
    "a name for a mapped address": "http://mapped.example/",
    "a name for a NAT64 address": "http://nat64.example/",
    "a name in another script": "http://münchen.example/",
    "a name without an address": "http://silent.example/",
    "user name": "http://forum.example@127.0.0.1/",
    "user name and password": "http://forum.example:80@127.0.0.1/",
    "user name before a public host": "http://user@forum.example/",
    "backslash": "http://forum.example\\@127.0.0.1/",
    "backslash for slash": "http:\\\\127.0.0.1/",
    "line break in the host": "http://forum.example\n.evil.example/",
    "tab in the host": "http://loc\talhost/",
    "NUL": "http://forum.example\x00.evil.example/",
    "space": "http://forum.example .evil.example/",
    "no host": "http:///etc/passwd",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp": "ftp://forum.example/",
    "data": "data:text/html,hello",
    "javascript": "javascript:alert(1)",
    "mail server's port": "http://forum.example:25/",
    "shell's port": "https://forum.example:22/",
    "port 0": "http://forum.example:0/",
    "no such port": "http://forum.example:99999/",
    "broken brackets": "http://[::1/",
}


@pytest.mark.parametrize("url", EVASIONS.values(), ids=EVASIONS)
def test_no_address_leads_inside(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "pool_of", lambda *_: pytest.fail("a connection was made"))
    with pytest.raises(PageError) as caught:
        Fetcher(resolve=Names()).get(url)
    assert "\n" not in str(caught.value)


class Redirector:
    """In place of connections: a host in public that sends everybody elsewhere, once."""

    def __init__(self, location: str) -> None:
        self.location, self.connected = location, []

    def pool_of(self, target: Target, address: str, timeout: float) -> Redirector:
        self.connected.append((target.host, address))
        return self

    def request(self, method: str, path: str, **_: object) -> urllib3.HTTPResponse:
        moved = path == "/moved"
        headers = {"Location": self.location} if moved else {}
        return urllib3.HTTPResponse(io.BytesIO(), headers, status=302 if moved else 404, preload_content=False)

    def close(self) -> None:
        """Hold nothing open."""


@pytest.mark.parametrize("location", EVASIONS.values(), ids=EVASIONS)
def test_no_redirect_leads_inside(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Redirector(location)
    monkeypatch.setattr(fetch, "pool_of", host.pool_of)
    # Two of them lead back to the host itself when they are read beside its address.
    with pytest.raises(PageError):
        Fetcher(resolve=Names(), sleep=lambda _: None).get("http://forum.example/moved")
    assert set(host.connected) == {("forum.example", PUBLIC)}


def test_a_name_that_changes_its_address_is_caught_or_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PUBLIC, "127.0.0.1"])
    host = Redirector("")
    monkeypatch.setattr(fetch, "pool_of", host.pool_of)
    rebinding = Fetcher(resolve=lambda *_, **__: [(0, 0, 0, "", (next(answers), 80))], sleep=lambda _: None)
    with pytest.raises(PageError, match=r"127\.0\.0\.1 is a private address"):
        rebinding.get("http://forum.example/page")
    assert host.connected == [("forum.example", PUBLIC)]


def test_a_name_is_looked_up_once_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    names, host = Names(), Redirector("http://FORUM.example./page")
    monkeypatch.setattr(fetch, "pool_of", host.pool_of)
    with pytest.raises(PageError, match="the host answers 404"):
        Fetcher(resolve=names, sleep=lambda _: None).get("http://forum.example/moved")
    # robots.txt, the page, and where it has moved to.
    assert names.asked == ["forum.example"] * 3


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server that hears the first bytes of each connection, and hangs up."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        heard.append(connection.recv(4096))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_the_connection_goes_to_the_pinned_address_under_the_host_s_name(listener: tuple[int, list[bytes]]) -> None:
    port, heard = listener
    web = Fetcher(resolve=Names({"forum.example": ["127.0.0.1"]}), allow_private=True, sleep=lambda _: None)
    for scheme in ("http", "https"):
        with pytest.raises(PageError, match="cannot be fetched"):
            web.get(f"{scheme}://forum.example:{port}/")
    plain, encrypted = heard
    assert f"\r\nHost: forum.example:{port}\r\n".encode() in plain
    # The name that a TLS client asks for stands readable in its first message.
    assert b"forum.example" in encrypted


def test_private_addresses_that_were_allowed_are_not_all() -> None:
    allowed = ["127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1"]
    never = ["169.254.169.254", "0.0.0.1", "224.0.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1", "::"]
    assert [may_go_to(address, allow_private=True) for address in allowed + never] == [True] * 7 + [False] * 7


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:4700::6810:1", "2a00:1450:4001:80b::200e", f"64:ff9b::{PUBLIC}"]
)
def test_public_addresses_are_gone_to(address: str) -> None:
    assert may_go_to(address)


def test_addresses_are_read_in_one_way() -> None:
    assert target_of("HTTPS://MÜNCHEN.Example.:8443?q=1#top") == Target(
        "https", "xn--mnchen-3ya.example", 8443, "/?q=1"
    )
    assert target_of("http://[2606:4700:0::1]/a b").netloc == "[2606:4700::1]"


@given(number=st.integers(0, 2**32 - 1))
def test_what_python_calls_private_is_never_gone_to(number: int) -> None:
    address = socket.inet_ntoa(number.to_bytes(4))
    carriers = [f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{number >> 16:x}:{number & 0xFFFF:x}::"]
    if not may_go_to(address):
        assert not any(map(may_go_to, carriers))
    else:
        assert ipaddress.ip_address(address).is_global


def test_a_private_address_is_refused_by_its_name_with_the_command_that_may_go_there() -> None:
    inside = Fetcher(resolve=Names({"wiki.example": ["10.0.0.1"]}), sleep=lambda _: None)
    with pytest.raises(PageError) as refused:
        inside.get("http://wiki.example/thread")
    assert str(refused.value) == (
        "http://wiki.example/thread: 10.0.0.1 is a private address; `stance extract --allow-private URL -o posts.csv` "
        "goes there (in Python: Fetcher(allow_private=True))"
    )
