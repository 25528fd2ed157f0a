"""The labelling server: what it stores, what it refuses, and how it ends."""

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from urllib.parse import urlsplit

import pandas as pd
import pytest

from stance.annotate.app import create_app
from stance.annotate.server import annotate, codebook_text, default_annotator
from stance.annotate.session import Session, Settings
from stance.annotate.store import Store
from stance.data import posts_table
from stance.errors import DataError
from stance.tables import write_table

POSTS = posts_table(
    {"thread": f"t{number // 5}", "post": str(number % 5), "parent": None, "author": None, "text": f"Post {number}."}
    for number in range(20)
)
TOKEN = "a-secret-of-the-team"  # noqa: S105 - of this test
IDS = (f"event-{number:06}" for number in count())


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "labels.db")
    store.add_posts(POSTS)
    yield store
    store.close()


def client_of(store, token=None, codebook="# Codebook\n\n<script>alert(1)</script>"):
    session = Session(store, Settings("ann"))
    app = create_app(session, codebook=codebook, hosts=["127.0.0.1", "localhost"], token=token)
    return app.test_client()


@pytest.fixture
def client(store):
    return client_of(store)


def event(post="0", value="favor", **more):
    return {"id": next(IDS), "thread": "t0", "post": post, "kind": "stance", "value": value, **more}


def body(store, *events, annotator="ann"):
    return {"database": store.setting("database"), "annotator": annotator, "events": list(events)}


def test_the_page_begins_with_what_is_left(client):
    state = client.get("/api/state").json
    assert (state["annotator"], state["done"], state["left"]) == ("ann", 0, 20)
    assert state["queue"][:2] == [["t0", "0"], ["t0", "1"]]
    assert state["threads"][0] == {"thread": "t0", "title": "t0", "posts": 5}


def test_a_label_is_stored_when_it_is_acknowledged(client, store):
    sent = event(seconds=1.5)
    answer = client.post("/api/events", json=body(store, sent))
    assert answer.json == {"stored": [sent["id"]], "guesses": [], "model": None}
    assert [(one.annotator, one.post, one.value, one.seconds) for one in store.standing()] == [
        ("ann", "0", "favor", 1.5)
    ]


def test_the_queue_goes_on_after_labels_and_undo_puts_a_post_back(client, store):
    sent = event()
    client.post("/api/events", json=body(store, sent, event(post="1", value="skip")))
    assert client.get("/api/queue").json["queue"][0] == ["t0", "2"]
    assert client.get("/api/queue").json["queue"][-1] == ["t0", "1"]
    client.post("/api/events", json=body(store, event(kind="undo", value=sent["id"])))
    assert client.get("/api/queue").json["queue"][0] == ["t0", "0"]


def test_disagreements_come_with_both_sides_and_can_be_decided(client, store):
    client.post("/api/events", json=body(store, event(value="favor")))
    client.post("/api/events", json=body(store, event(value="none"), annotator="bob"))
    client.post("/api/events", json=body(store, event(value="none", kind="stance_decision"), annotator="eve"))
    (case,) = client.get("/api/disagreements").json
    assert [(side["annotator"], side["value"]) for side in case["answers"]] == [("ann", "favor"), ("bob", "none")]
    assert (case["text"], case["decision"]) == ("Post 0.", "none")


def test_exports_are_downloads(client, store):
    client.post("/api/events", json=body(store, event()))
    answer = client.get("/export/ann/ann.labels.csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''ann.labels.csv"
    assert answer.data == (
        b'"thread","post","author","stance","text_only","annotator","note"\n"t0","0","","favor","","ann",""\n'
    )


def refused(answer, status, reason):
    assert (answer.status_code, reason in answer.json["error"]) == (status, True), answer.json


def test_a_label_that_the_codebook_does_not_know_is_refused_and_nothing_stored(client, store):
    refused(client.post("/api/events", json=body(store, event(), event(value="pro"))), 400, "unknown label 'pro'")
    assert store.event_count() == 0


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ([], 400, "send an object with a list of events"),
        ({"database": "other", "annotator": "ann", "events": []}, 409, "belong to another database"),
    ],
)
def test_a_body_of_another_shape_is_refused(client, sent, status, reason):
    refused(client.post("/api/events", json=sent), status, reason)


def test_too_many_events_and_a_bad_name_are_refused(client, store):
    refused(client.post("/api/events", json=body(store, *([event()] * 201))), 413, "at most 200")
    refused(client.post("/api/events", json=body(store, event(), annotator="../ann")), 400, "cannot be a name")
    assert store.event_count() == 0


def test_a_form_of_another_site_cannot_send_a_label(client, store):
    sent = json.dumps(body(store, event()))
    refused(client.post("/api/events", data=sent, content_type="text/plain"), 415, "application/json")
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        refused(client.post("/api/events", json=body(store, event()), headers=headers), 403, "refused")
    assert store.event_count() == 0


def test_another_site_may_link_to_the_page_but_not_read_it(client):
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=followed).status_code == 200
    refused(
        client.get("/api/state", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}), 403, "refused"
    )


@pytest.mark.parametrize("path", ["/", "/api/state", "/page/annotate.js", "/export/ann/ann.csv"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example"])
def test_a_foreign_host_header_is_refused_everywhere(client, path, host):
    assert client.get(path, headers={"Host": host}).status_code == 400


def test_every_answer_carries_the_careful_headers_and_none_allows_cors(client):
    for path in ("/", "/api/state", "/page/annotate.css", "/nothing"):
        with client.get(path, headers={"Origin": "http://localhost"}) as answer:
            headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


def test_the_codebook_s_html_is_shown_as_text(client):
    page = client.get("/").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_codebook_that_comes_along_speaks_of_the_target(tmp_path):
    assert codebook_text(None, "Acme").startswith("# Labelling codebook: stance toward Acme\n")
    assert "Huawei" not in codebook_text(None, "Acme")
    (tmp_path / "own.md").write_text("# Of Huawei")
    assert codebook_text(str(tmp_path / "own.md"), "Acme") == "# Of Huawei"


def test_the_name_in_the_address_is_text_in_the_page(client):
    refused(client.get("/?annotator=%22%3E%3Cimg%20src=x%3E"), 400, "cannot be a name")


@pytest.fixture
def shared(store):
    return client_of(store, token=TOKEN)


@pytest.mark.parametrize("path", ["/", "/api/state", "/page/annotate.js", "/?token=wrong", "/api/state?token="])
def test_without_the_token_nothing_is_shown(shared, path):
    refused(shared.get(path), 403, "no valid token")


def test_the_token_in_the_link_becomes_a_strict_cookie_and_leaves_the_address(shared):
    answer = shared.get(f"/?token={TOKEN}&annotator=bob")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/?annotator=bob")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert shared.get("/api/state?annotator=bob").json["annotator"] == "bob"


def test_colleagues_are_asked_who_they_are(shared):
    shared.get(f"/?token={TOKEN}")
    assert 'data-annotator=""' in shared.get("/").text


def test_labels_with_a_wrong_token_are_not_stored(shared, store):
    refused(shared.post("/api/events", json=body(store, event())), 403, "no valid token")
    assert store.event_count() == 0


# The command itself, over real HTTP.


@contextmanager
def serving(folder, *options):
    """Run `stance annotate` and give its address."""
    write_table(POSTS, folder / "posts.jsonl", force=True)
    command = [
        sys.executable,
        "-m",
        "stance",
        "annotate",
        str(folder / "posts.jsonl"),
        "--db",
        str(folder / "labels.db"),
    ]
    command += ["--no-open", "--annotator", "ann", *options]
    # Ctrl-C ends a server; a shell that runs the suite in the background lets its children ignore it.
    heeds_ctrl_c = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, preexec_fn=heeds_ctrl_c) as process:
        try:
            address = process.stdout.readline().strip()
            assert address, process.stderr.read()
            yield process, address
        finally:
            process.kill()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with serving(folder) as (_, address):
        yield address, folder / "labels.db"


def request(address, method, path, data=None, headers=None):
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)) as connection:
        connection.request(method, path, data, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def event_count(database):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT count(*) FROM event").fetchone()[0]


def database_id(database):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT value FROM setting WHERE name = 'database'").fetchone()[0]


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/page/%2fetc%2fpasswd",
        "/export/ann/..%2f..%2flabels.db",
    ],
)
def test_no_path_leads_out_of_the_page_s_folder(running, path):
    address, _ = running
    status, answer = request(address, "GET", path)
    assert (status, b"import" in answer, b"root:" in answer) == (404, False, False)


def test_a_note_of_ten_megabytes_is_refused_with_a_status(running):
    address, database = running
    note = event(kind="note", value="x" * 10_000_000)
    sent = {"database": database_id(database), "annotator": "ann", "events": [note]}
    before = event_count(database)
    status, answer = request(address, "POST", "/api/events", json.dumps(sent), {"Content-Type": "application/json"})
    assert (status, "error" in json.loads(answer)) == (413, True)
    assert event_count(database) == before


def test_a_foreign_host_is_refused_over_the_wire(running):
    address, _ = running
    assert request(address, "GET", "/api/state", headers={"Host": "rebound.example"})[0] == 400


def test_annotators_at_once_lose_no_label(running):
    address, database = running
    refusals = []

    def work(name):
        with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)) as connection:
            for post in POSTS.to_dict("records"):
                one = event(post["post"], "none") | {"thread": post["thread"]}
                sent = {"database": identity, "annotator": name, "events": [one]}
                connection.request("POST", "/api/events", json.dumps(sent), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                refusals.extend([answer.status] if answer.status != 200 else [])

    identity, before = database_id(database), event_count(database)
    threads = [threading.Thread(target=work, args=(f"annotator {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (refusals, event_count(database) - before) == ([], 8 * len(POSTS))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_cleanly_when_it_is_asked_to(tmp_path, number):
    with serving(tmp_path) as (process, _):
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
    # The write-ahead log has gone into the file.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.db", "posts.jsonl"]


def test_a_server_started_again_answers_at_the_same_address(tmp_path):
    with serving(tmp_path) as (process, address):
        process.kill()
        process.wait()
        with serving(tmp_path) as (_, again):
            assert again == address


def test_a_taken_port_is_said_in_one_line(tmp_path, running):
    write_table(POSTS, tmp_path / "posts.jsonl", force=True)
    with pytest.raises(DataError, match=r"cannot listen on 127\.0\.0\.1"):
        annotate([str(tmp_path / "posts.jsonl")], database=str(tmp_path / "l.db"), port=urlsplit(running[0]).port)


def test_a_database_without_posts_needs_a_source(tmp_path):
    with pytest.raises(DataError, match="no posts to label; name a page, dump or table"):
        annotate([], database=str(tmp_path / "labels.db"))
    assert list(tmp_path.iterdir()) == []


def test_the_login_name_labels_where_nobody_is_named(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    assert default_annotator() == "maria"
    monkeypatch.setattr("getpass.getuser", lambda: "DOMAIN\\maria")
    assert default_annotator() == "me"


def test_posts_of_a_table_with_empty_cells_can_be_served(store):
    store.add_posts(pd.DataFrame({"thread": ["x"], "post": ["1"], "author": [None], "text": ["Alone."]}))
    thread = client_of(store).get("/api/thread?thread=x").json
    assert (thread["posts"][0]["author"], thread["posts"][0]["text"]) == (None, "Alone.")
