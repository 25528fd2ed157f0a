"""Where a request may go: to web servers in public, by whatever name or number an address or a redirect calls them.

Pages hold links, hosts redirect, and names resolve to whatever their owner says. None of them may lead a request to
this machine, to its network or to the services that only these can reach.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from stance.errors import PageError

#: `socket.getaddrinfo`, or what stands for it in a test.
Resolve = Callable[..., Sequence[tuple[Any, ...]]]

#: IANA's special-purpose registries as of 2024, and multicast. Python's own `is_global` differs between its versions
#: and takes multicast for global.
_SPECIAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
#: What is given out for use in public; the rest has, among others, addresses that carry IPv4 ones: mapped, compatible,
#: translated.
_PUBLIC_V6 = IPv6Network("2000::/3")
#: IETF protocols with Teredo (RFC 4380), documentation, 6to4 (RFC 3056), documentation.
_SPECIAL_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
#: A network without IPv4 reaches it through these (RFC 6052); the last 32 bits say whom.
_NAT64 = IPv6Network("64:ff9b::/96")
#: Interface identifiers of ISATAP (RFC 5214), before an IPv4 address.
_ISATAP = (0x00005EFE, 0x02005EFE)

#: What `--allow-private` allows: loopback and the networks of homes and offices; never link-local, where clouds keep
#: their machines' credentials.
_PRIVATE_V4 = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_PRIVATE_V6 = tuple(map(IPv6Network, ("::1/128", "fc00::/7")))

_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: A host that ends so is a number to the URL standard and to most resolvers: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """What an address names, before any name is resolved.

    Attributes
    ----------
    host : str
        In ASCII and lower case; an IPv6 address without brackets.
    path : str
        With the query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as rules for programs hold for them."""
        return f"{self.scheme}://{self.netloc}"


def target_of(url: str) -> Target:
    """Read an address, and only in the one way in which everybody reads it.

    Raises
    ------
    PageError
        If it is no http or https address, or one that programs read differently: user names, escapes, odd numbers.

    Examples
    --------
    >>> target_of("https://Forum.Example./t/1?page=2")
    Target(scheme='https', host='forum.example', port=443, path='/t/1?page=2')
    """
    try:
        # Python drops line breaks and tabs from an address, others do not; and browsers read \ as /.
        parts = None if re.search(r"[\x00-\x1f\x7f]", url) else urlsplit(url)
        port = parts and parts.port
    except ValueError as error:
        raise _no_address(url) from error
    if parts is None or parts.scheme not in _PORTS or re.search(r"[@%\\\s]", parts.netloc):
        raise _no_address(url)
    number = _PORTS[parts.scheme] if port is None else port
    if number < 1024 and number not in _PORTS.values():
        raise PageError(f"port {number} is no web server's", where=url, fix="give http:// or https:// without a port")
    return Target(
        parts.scheme, _host(url, parts), number, (parts.path or "/") + (f"?{parts.query}" * bool(parts.query))
    )


def redirected(url: str, location: str) -> str:
    """Put together where a redirect leads.

    Raises
    ------
    PageError
        If that is no address.
    """
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _no_address(location) from error


def _no_address(url: str) -> PageError:
    return PageError("not a web address", where=url, fix="give http:// or https://, a host's name and a path")


def _host(url: str, parts: SplitResult) -> str:
    name = parts.hostname or ""
    try:
        if ":" in name:
            return str(IPv6Address(name))
        # The codec reads digits and dots of every script as ASCII ones.
        ascii_name = name.removesuffix(".").encode("idna").decode().lower()
        labels = ascii_name.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return str(IPv4Address(ascii_name))
    except ValueError as error:
        raise _no_address(url) from error
    if len(ascii_name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _no_address(url)
    return ascii_name


def resolved(target: Target, url: str, resolve: Resolve = socket.getaddrinfo, *, allow_private: bool = False) -> str:
    """Look a host up, once, and give the address to connect to.

    Raises
    ------
    PageError
        If there is none, or if any of its addresses must not be gone to: a name that answers with a public and a
        private address has no honest reason to.
    """
    addresses = [target.host] if _is_number(target.host) else _addresses(target, url, resolve)
    refused = [address for address in addresses if not may_go_to(address, allow_private=allow_private)]
    if refused:
        can_be = may_go_to(refused[0], allow_private=True)
        allowed = (
            "`stance extract --allow-private URL -o posts.csv` goes there (in Python: Fetcher(allow_private=True))"
        )
        fix = allowed if can_be else "save the page and give the file"
        raise PageError(f"{refused[0]} is a private address", where=url, fix=fix)
    if not addresses:
        raise PageError("no such host", where=url, fix="check the address")
    return addresses[0]


def _is_number(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _addresses(target: Target, url: str, resolve: Resolve) -> list[str]:
    try:
        return [str(entry[4][0]) for entry in resolve(target.host, target.port, type=socket.SOCK_STREAM)]
    except (OSError, ValueError) as error:
        raise PageError("no such host", where=url, fix="check the address") from error


def may_go_to(address: str, *, allow_private: bool = False) -> bool:
    """Tell whether a request may go to an address.

    Examples
    --------
    >>> [may_go_to(address) for address in ("93.184.216.34", "10.0.0.1", "64:ff9b::5db8:d822", "64:ff9b::a00:1")]
    [True, False, True, False]
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    private = _PRIVATE_V4 if parsed.version == 4 else _PRIVATE_V6
    return is_public(parsed) or (allow_private and any(parsed in network for network in private))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one that anybody reaches, and carries none that is not."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    carried = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        return is_public(carried)
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP and not is_public(carried):
        return False
    return address in _PUBLIC_V6 and not any(address in network for network in _SPECIAL_V6)
