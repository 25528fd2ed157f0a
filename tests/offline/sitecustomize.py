"""Closes the network for a test run: whatever asks for a name or a connection beyond loopback fails, and says so.

Python imports a module of this name before anything else, so it also holds for the processes that tests start. An
audit hook sees every way of connecting, that of libraries in C as well, and cannot be taken off again.
"""

import ipaddress
import sys

_NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_ADDRESSES = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def is_local(host):
    """Tell loopback, and what is no address of the Internet, from everything else."""
    name = host.decode() if isinstance(host, bytes) else host
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name in ("", "localhost")
    return address.is_loopback or address.is_unspecified


def refuse(event, arguments):
    if event in _NAMES and isinstance(arguments[0], str | bytes):
        host = arguments[0]
    elif event in _ADDRESSES and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not is_local(host):
        # Not an OSError: code that copes with a broken network would hide it.
        raise AssertionError(f"a test used the network: {event} {host!r}")


if not hasattr(sys, "stance_is_offline"):
    sys.stance_is_offline = True
    sys.addaudithook(refuse)
