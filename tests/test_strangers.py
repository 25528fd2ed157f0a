"""Names and words of strangers never become a path, a command to the terminal, or a connection."""

import ast
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from test_design import MODULES, ROOT

import stance
from stance.annotate.app import create_app
from stance.annotate.learner import Learner
from stance.annotate.session import Session, Settings
from stance.annotate.store import Store
from stance.cli import main
from stance.data import posts_table
from stance.errors import DataError
from stance.extract.fetch import Fetcher
from stance.tree import conversation_tree

PATHS = [
    "../../outside",
    "/outside",
    "C:\\outside",
    "..\\outside",
    "~/outside",
    "a/../../outside",
    "con",
    ".",
    "x" * 300,
]


def test_threads_named_like_paths_are_reported_inside_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"thread": name, "post": "1", "author": "a", "text": "x", "stance": "none"} for name in PATHS]
    labels = posts_table([row | {"p_favor": 0.2, "p_against": 0.2, "p_none": 0.6, "abstained": False} for row in rows])
    stance.write_table(labels, "labels.jsonl")
    command = ["report", "labels.jsonl", "--by", "author", "--each", "each", "-o", "all.html"]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.html", "each", "labels.jsonl"]
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == [
        f"{number:05}.html" for number in range(1, len(PATHS) + 1)
    ]


ARCHIVE = (
    "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
    "WARC-Target-URI: {url}\r\nContent-Type: application/http\r\nContent-Length: {length}\r\n\r\n{body}\r\n\r\n"
)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "../../outside", "http://127.0.0.1/", "/outside", "dns:a.example"]
)
def test_an_archive_names_addresses_that_nobody_opens_or_writes(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Fetcher, "get", lambda *_: pytest.fail("an address was fetched"))
    page = (ROOT / "tests" / "pages" / "wordpress.html").read_text()
    body = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{page}"
    record = ARCHIVE.format(url=url, length=len(body.encode()), body=body)
    assert [thread.url for thread in stance.extract(record.encode())] == [url] * url.startswith("http:")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://forum.example/../../outside", "http://forum.example/%2e%2e/outside"])
def test_a_page_is_kept_under_a_name_of_our_own(tmp_path, url):
    cache = tmp_path / "cache"
    Fetcher(cache=cache)._to_cache(url, url, None, datetime.now(UTC), b"x")
    assert [path.parent for path in tmp_path.rglob("*") if path.is_file()] == [cache]


@pytest.mark.parametrize("name", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "ann/../../x.labels.csv", "ann.db"])
def test_a_download_is_no_path(tmp_path, name):
    store = Store(tmp_path / "labels.db")
    store.add_posts(posts_table([{"thread": "t", "post": "1", "author": "a", "text": "x"}]))
    session = Session(store, Settings("ann", "Huawei", "page", False, 1.0), Learner(store, None, every=1, first=None))
    app = create_app(session, codebook="", hosts=["localhost"], token=None)
    assert app.test_client().get(f"/export/ann/{name}").status_code in (404, 400)
    store.close()


def test_nothing_unpacks_archives_of_files():
    unpacking = re.compile(r"zipfile|tarfile|unpack_archive|extractall")
    assert [name for name, path in MODULES.items() if unpacking.search(path.read_text())] == []


STEERING = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e"


def test_posts_do_not_steer_the_terminal():
    post = stance.Post("1\x1b[2J", f"words {STEERING} more", f"Ada{STEERING}")
    labels = {"thread": "t", "post": post.id, "stance": "none", "p_none": 1.0, "abstained": False}
    drawn = conversation_tree(stance.Thread("t", (post,), title=STEERING), pd.DataFrame([labels]))
    ours = re.sub(r"\x1b\[\d*m", "", drawn.replace("\n", ""))
    assert [character for character in ours if not character.isprintable()] == []


def test_messages_do_not_steer_the_terminal():
    assert str(DataError(f"odd {STEERING}", where="a\nb")) == "a b: odd �]0;owned��[31m�2J�"


#: Modules that may open a connection, and why.
CONNECTED = {
    "stance.extract.addresses": "looks up the host of an address that the user gave",
    "stance.extract.fetch": "fetches it",
    "stance.annotate.server": "listens for the browser",
}


def test_no_other_module_knows_the_network():
    network = {"socket", "urllib3", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "ssl", "socketserver"}
    found = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        if module.split(".")[0] in network or module == "urllib.request"
    }
    assert found == set(CONNECTED)


def test_the_repository_holds_no_secrets():
    secret = re.compile(
        rb"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|gh[pousr]_\w{30}|xox[abp]-\w{10}"
        rb"|(?i:password|api_?key|secret)\s*=\s*[\"'][^\"']{8,}"
    )
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    files = [Path(ROOT, name.decode()) for name in listed.stdout.split(b"\0") if name]
    assert [str(path) for path in files if path.is_file() and secret.search(path.read_bytes())] == []
