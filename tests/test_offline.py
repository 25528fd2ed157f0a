"""Nothing asks the network for anything, unless the user names an address."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import nltk
import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Of documentation (RFC 5737): nobody answers there.
NOBODY = "192.0.2.1"


def connect():
    with socket.socket() as client:
        client.connect((NOBODY, 80))


def connect_by_ipv6():
    with socket.socket(socket.AF_INET6) as client:
        client.connect_ex(("2001:db8::1", 80))


def send():
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"", (NOBODY, 53))


def look_up():
    socket.getaddrinfo("forum.example", 80)


def look_up_as_of_old():
    socket.gethostbyname("forum.example")


@pytest.mark.parametrize("reach", [connect, connect_by_ipv6, send, look_up, look_up_as_of_old])
def test_a_test_that_uses_the_network_fails(reach):
    with pytest.raises(AssertionError, match="a test used the network"):
        reach()


def test_a_program_that_a_test_starts_cannot_use_the_network_either():
    code = f"import socket; socket.create_connection(('{NOBODY}', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "a test used the network" in done.stderr


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_nothing_that_nltk_downloaded_is_found():
    with pytest.raises(LookupError):
        nltk.data.find("tokenizers/punkt")


def can_unshare():
    tool = shutil.which("unshare")
    return bool(tool) and subprocess.run([tool, "-rn", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="needs Linux's unshare, to start a program without any network")
def test_the_demo_needs_no_network_at_all(tmp_path):
    bare = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "XDG_CACHE_HOME")}
    command = ["unshare", "-rn", sys.executable, "-m", "stance", "demo", "-o", str(tmp_path / "demo.html")]
    done = subprocess.run(command, cwd=ROOT, env=bare | {"HOME": str(tmp_path)}, capture_output=True, text=True)
    assert (done.returncode, "accuracy" in done.stdout) == (0, True), done.stderr
