"""The labels database: an append-only history that nothing is lost from."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.annotate.events import ANSWERS, Event, check_annotator, check_event, imported
from stance.annotate.store import Round, Store
from stance.errors import DataError

POSTS = pd.DataFrame(
    {
        "thread": ["t", "t", "t"],
        "post": ["1", "2", "3"],
        "parent": [None, "1", "1"],
        "author": ["Ann", "Bob", None],
        "text": ["Their masts held in the storm.", "Held, and listened.", ""],
        "site": ["masts", "masts", "masts"],
    }
)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "labels.db")
    store.add_posts(POSTS)
    yield store
    store.close()


def label(name, post="1", value="favor", annotator="ann", kind="stance", **more):
    return Event(f"event-{name}", annotator, "t", post, kind, value, **more)


def undo(name, post="1", annotator="ann"):
    return Event(f"undo-{name}", annotator, "t", post, "undo", f"event-{name}")


def standing(store):
    return {(one.annotator, one.post, one.kind): one.value for one in store.standing()}


def test_posts_come_back_with_every_column_that_they_had(store):
    assert store.posts()[["post", "author", "text", "site"]].to_dict("records") == [
        {"post": "1", "author": "Ann", "text": "Their masts held in the storm.", "site": "masts"},
        {"post": "2", "author": "Bob", "text": "Held, and listened.", "site": "masts"},
        {"post": "3", "author": None, "text": "", "site": "masts"},
    ]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=[])), max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_string_survives_as_a_post(tmp_path_factory, texts):
    store = Store(tmp_path_factory.mktemp("posts") / "labels.db")
    store.add_posts(pd.DataFrame({"text": pd.Series(texts, dtype=object)}))
    assert store.posts()["text"].tolist() == texts
    store.close()


def test_posts_are_added_once_and_new_ones_follow(store):
    assert store.add_posts(POSTS) == 0
    assert store.add_posts(pd.DataFrame({"thread": ["u"], "post": ["1"], "text": ["Cheap, too."]})) == 1
    assert store.posts()["thread"].tolist() == ["t", "t", "t", "u"]


def test_a_post_with_other_words_than_those_labelled_is_refused(store):
    with pytest.raises(DataError, match=r"dump.txt: post '1' of thread 't' has other words than in labels.db; give"):
        store.add_posts(pd.DataFrame({"thread": ["t"], "post": ["1"], "text": ["Changed."]}), where="dump.txt")


def test_the_latest_answer_stands_and_the_earlier_one_is_kept(store):
    store.add([label("a", value="favor"), label("b", value="none")])
    assert standing(store) == {("ann", "1", "stance"): "none"}
    assert store.event_count() == 2


def test_undo_brings_back_what_stood_before(store):
    store.add([label("a", value="favor"), label("b", value="none"), undo("b")])
    assert standing(store) == {("ann", "1", "stance"): "favor"}
    store.add([undo("a")])
    assert standing(store) == {}
    assert store.event_count() == 4


def test_an_event_sent_twice_counts_once(store):
    events = [label("a"), label("b", post="2"), undo("b", post="2")]
    store.add(events)
    store.add(events)
    assert store.event_count() == 3


def test_an_undo_from_two_tabs_counts_once(store):
    store.add([label("a"), undo("a"), Event("undo-again", "ann", "t", "1", "undo", "event-a")])
    assert standing(store) == {}


def test_history_lists_what_can_be_undone_the_latest_last(store):
    store.add(
        [label("a"), label("b", post="2"), undo("b", post="2"), label("c", annotator="bob"), label("d", post="3")]
    )
    assert [event.id for event in store.history("ann")] == ["event-a", "event-d"]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (label("a", post="9"), "no post '9' in thread 't'"),
        (undo("nothing"), "nothing of ann to undo"),
        (label("first", value="none"), "was used for something else"),
    ],
)
def test_one_bad_event_stores_nothing_of_its_batch(store, event, problem):
    store.add([label("first")])
    with pytest.raises(DataError, match=problem):
        store.add([label("second", post="2"), event])
    assert standing(store) == {("ann", "1", "stance"): "favor"}


def test_nobody_undoes_what_somebody_else_did(store):
    store.add([label("a")])
    with pytest.raises(DataError, match="nothing of bob to undo"):
        store.add([undo("a", annotator="bob")])


@pytest.mark.parametrize("statement", ["DELETE FROM event", "UPDATE event SET value = 'none'"])
def test_the_database_itself_refuses_to_change_history(store, statement):
    store.add([label("a")])
    with pytest.raises(sqlite3.IntegrityError, match="events are only added"), sqlite3.connect(store.path) as other:
        other.execute(statement)
    other.close()


def test_what_stands_is_what_a_plain_replay_of_the_history_gives(store):
    @given(st.lists(st.tuples(st.sampled_from("123"), st.sampled_from([*ANSWERS, "undo"])), max_size=12))
    @settings(max_examples=40, deadline=None)
    def replay(steps):
        name = f"a{store.event_count()}"
        stack = []
        for number, (post, value) in enumerate(steps):
            if value != "undo":
                stack.append(label(f"{name}-{number}", post=post, value=value, annotator=name))
                store.add([stack[-1]])
            elif stack:
                taken = stack.pop()
                store.add([Event(f"undo-{name}-{number}", name, "t", taken.post, "undo", taken.id)])
        expected = {event.post: event.value for event in stack}
        assert {one.post: one.value for one in store.standing(name)} == expected

    replay()


def test_eight_writers_at_once_lose_nothing(store):
    def write(name):
        for number in range(40):
            store.add([label(f"{name}-{number}", post=str(number % 3 + 1), annotator=name)])

    threads = [threading.Thread(target=write, args=(f"writer{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.event_count() == 320


def test_the_file_alone_can_be_copied_while_people_label(store, tmp_path):
    store.add([label("first", post="1"), label("second", post="2")])
    shutil.copyfile(store.path, tmp_path / "copy.db")
    copy = Store(tmp_path / "copy.db")
    assert copy.standing() == store.standing() and copy.posts().equals(store.posts())
    copy.close()


def test_a_label_is_stored_at_once_while_somebody_reads(store, tmp_path):
    with closing(sqlite3.connect(store.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        store.add([label("first")])
    store.add([label("second", post="2")])
    shutil.copyfile(store.path, tmp_path / "copy.db")
    copy = Store(tmp_path / "copy.db")
    assert copy.event_count() == 2
    copy.close()


WRITER = """
import sys
from stance.annotate.events import Event
from stance.annotate.store import Store
store = Store(sys.argv[1])
for number in range(100_000):
    store.add([Event(f"event-{number}", "ann", "t", "1", "stance", "favor")])
    print(number, flush=True)
"""


def test_a_killed_writer_loses_no_acknowledged_label(store):
    with subprocess.Popen([sys.executable, "-c", WRITER, str(store.path)], stdout=subprocess.PIPE) as writer:
        for _ in range(30):
            writer.stdout.readline()
        writer.kill()
        acknowledged = 30 + len(writer.stdout.read().splitlines())
    # One more may be on the disk whose acknowledgement was not written any more.
    assert store.event_count() - acknowledged in (0, 1)


def test_a_claim_holds_until_its_time_is_over(store):
    keys = [("t", "1"), ("t", "2"), ("t", "3")]
    assert store.claim(keys, "ann", limit=2, now=0, until=10) == {("t", "1"), ("t", "2")}
    assert store.claim(keys, "bob", limit=2, now=5, until=15) == {("t", "3")}
    assert store.claim(keys, "bob", limit=2, now=11, until=20) == {("t", "1"), ("t", "2")}


def test_rounds_of_training_are_kept(store):
    rounds = [Round("m1", 25, 0.5, 0.1), Round("m2", 50, None, None)]
    for done in rounds:
        store.add_round(done)
    assert store.rounds() == rounds


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no database at all, only words" * 200, "file is not a database"),
        (None, "it belongs to another program"),
    ],
)
def test_a_file_that_is_no_labels_database_is_refused_and_left_alone(tmp_path, content, problem):
    path = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE theirs (a)")
        other.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(DataError, match=problem):
        Store(path)
    assert content is None or path.read_bytes() == before


def test_a_database_of_a_later_format_is_refused(store):
    store.close()
    with sqlite3.connect(store.path) as other:
        other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(DataError, match="its format 2 is not 1"):
        Store(store.path)


SENT = {"id": "0123456789", "thread": "t", "post": "1", "kind": "stance", "value": "favor"}


def test_an_event_of_the_page_becomes_a_value():
    sent = {**SENT, "mode": "assisted", "seconds": 2.25, "model": "m-1", "given_at": "2026-01-01T00:00:00Z"}
    assert check_event(sent, "ann") == Event(
        "0123456789", "ann", "t", "1", "stance", "favor", "assisted", 2.25, "m-1", "2026-01-01T00:00:00Z"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"value": "pro"}, "unknown label 'pro'; use favor, against, none, unsure or skip"),
        ({"kind": "stance_decision", "value": "unsure"}, "unknown label 'unsure'; use favor, against or none"),
        ({"kind": "like"}, "unknown kind 'like'"),
        ({"kind": "note", "value": "x" * 4001}, "a note of 4001 characters; use at most 4000"),
        ({"id": "../../x"}, "event id '../../x'"),
        ({"mode": "guessed"}, "unknown mode 'guessed'"),
        ({"seconds": -1}, "seconds -1"),
        ({"seconds": float("nan")}, "seconds nan"),
        ({"thread": 7}, "event without thread (found 7)"),
        ({"model": "m" * 101}, "model of 101 characters"),
    ],
)
def test_what_the_codebook_does_not_know_is_refused(change, problem):
    with pytest.raises(DataError) as caught:
        check_event({**SENT, **change}, "ann")
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("name", ["", " ann", "ann/bob", "majority", "adjudicated", "x" * 41, "a\nb", None, 7])
def test_a_name_that_would_spoil_an_export_is_refused(name):
    with pytest.raises(DataError, match="cannot be a name"):
        check_annotator(name)


def test_a_label_of_a_file_always_has_the_same_id():
    assert imported("ann", "t", "1", "stance", "favor") == imported("ann", "t", "1", "stance", "favor")
    assert imported("ann", "t", "1", "stance", "favor").id != imported("ann", "t", "1", "stance", "none").id
