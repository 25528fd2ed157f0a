"""Posts and labels in and out, through files of our own and of other tools."""

import json

import pandas as pd
import pytest

from stance.annotate.events import Event
from stance.annotate.exchange import (
    Read,
    add_sources,
    export_labels,
    labels_table,
    read_source,
    read_sources,
    whole_table,
)
from stance.annotate.learner import Guesses
from stance.annotate.store import Store
from stance.data import check_posts, posts_table
from stance.errors import DataError
from stance.tables import read_table, write_table

COLUMNS = ("thread", "post", "parent", "author", "text", "site")
POSTS = posts_table(
    dict(zip(COLUMNS, row, strict=True))
    for row in [
        ("t", "1", None, "Ann", "Their masts held,\r\nall night.", "masts"),
        ("t", "2", "1", "Bob", 'Held "and" listened.', "masts"),
        ("u", "1", None, "=Cem()", "NA", "phones"),
    ]
)


def label(thread, post, value, annotator="ann", kind="stance", **more):
    return Event(f"{annotator}-{thread}-{post}-{kind}", annotator, thread, post, kind, value, **more)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "labels.db")
    store.add_posts(POSTS)
    store.add(
        [
            label("t", "1", "favor", mode="assisted", seconds=3.5, model="m-1"),
            label("t", "1", "none", kind="text_only"),
            label("t", "2", "against"),
            label("t", "2", "sarcasm, I think", kind="note"),
            label("u", "1", "unsure"),
            label("t", "1", "favor", annotator="bob"),
            label("t", "2", "none", annotator="bob"),
            label("u", "1", "none", annotator="bob"),
        ]
    )
    yield store
    store.close()


def given(store, whose):
    table = labels_table(store, whose)
    return {(row["thread"], row["post"]): (row["stance"], row["text_only"]) for row in table.to_dict("records")}


def test_exports_of_one_annotator_the_majority_and_the_adjudicated(store):
    store.add([label("t", "2", "against", annotator="eve", kind="stance_decision")])
    assert given(store, "ann") == {("t", "1"): ("favor", "none"), ("t", "2"): ("against", None)}
    assert given(store, "majority") == {("t", "1"): ("favor", "none"), ("u", "1"): ("none", None)}
    assert given(store, "adjudicated") == {
        ("t", "1"): ("favor", "none"),
        ("t", "2"): ("against", None),
        ("u", "1"): ("none", None),
    }


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_an_export_is_a_posts_table_that_training_takes_at_once(store, tmp_path, ending):
    path = tmp_path / f"gold{ending}"
    assert str(export_labels(store, path, whose="ann")) == "2 posts, 1 unsure left out"
    table = check_posts(read_table(path), labelled=True)
    assert table[["text", "author", "stance", "site"]].values.tolist() == [
        ["Their masts held,\r\nall night.", "Ann", "favor", "masts"],
        ['Held "and" listened.', "Bob", "against", "masts"],
    ]


def test_an_export_has_no_column_for_labels_that_nobody_gave(store, tmp_path):
    export_labels(store, tmp_path / "gold.csv", whose="bob")
    columns = read_table(tmp_path / "gold.csv").columns
    assert ("stance" in columns, "text_only" in columns) == (True, False)


def test_an_export_tells_how_each_label_was_given(store):
    row = labels_table(store, "ann").to_dict("records")[0]
    assert {name: row[name] for name in ("annotator", "mode", "seconds", "model", "note")} == {
        "annotator": "ann",
        "mode": "assisted",
        "seconds": 3.5,
        "model": "m-1",
        "note": None,
    }


def test_stand_off_labels_hold_no_words_of_the_page(store, tmp_path):
    export_labels(store, tmp_path / "gold.labels.csv", whose="ann")
    assert (tmp_path / "gold.labels.csv").read_text() == (
        '"thread","post","author","stance","text_only","annotator","note"\n'
        '"t","1","Ann","favor","none","ann",""\n'
        '"t","2","Bob","against","","ann","sarcasm, I think"\n'
    )


def test_label_studio_takes_the_tasks_with_their_annotations(store, tmp_path):
    export_labels(store, tmp_path / "tasks.json", whose="ann")
    task = json.loads((tmp_path / "tasks.json").read_bytes())[0]
    assert task["data"] == {
        "thread": "t",
        "post": "1",
        "author": "Ann",
        "text": "Their masts held,\r\nall night.",
        "site": "masts",
    }
    assert [(part["from_name"], part["type"], part["value"]) for part in task["annotations"][0]["result"]] == [
        ("stance", "choices", {"choices": ["favor"]}),
        ("text_only", "choices", {"choices": ["none"]}),
    ]
    assert task["annotations"][0]["lead_time"] == 3.5


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".json", ".doccano.jsonl"])
def test_what_goes_out_comes_back_in(store, tmp_path, ending):
    export_labels(store, tmp_path / f"labels{ending}", whose="ann")
    other = Store(tmp_path / "other.db")
    add_sources(other, read_sources([str(tmp_path / f"labels{ending}")], "nobody"))
    assert given(other, "ann") == given(store, "ann")
    assert other.posts()["text"].tolist() == POSTS["text"].tolist()[:2]
    assert [one.value for one in other.standing() if one.kind == "note"] == ["sarcasm, I think"]
    other.close()


def test_labels_of_a_file_without_a_name_are_the_annotators_own(tmp_path, store):
    labels = pd.Series(["none", None, "favor"], dtype=object)
    write_table(POSTS.assign(stance=labels), tmp_path / "part.csv")
    add_sources(store, read_sources([str(tmp_path / "part.csv")], "dan"))
    assert given(store, "dan") == {("t", "1"): ("none", None), ("u", "1"): ("favor", None)}


def test_taking_a_file_in_again_adds_nothing_and_replaces_nothing(tmp_path, store):
    write_table(POSTS.assign(stance=["none", "none", "none"]), tmp_path / "all.csv")
    for _ in range(2):
        add_sources(store, read_sources([str(tmp_path / "all.csv")], "ann"))
    assert given(store, "ann") == {("t", "1"): ("favor", "none"), ("t", "2"): ("against", None)}


def test_several_annotators_of_one_label_studio_task_stay_apart(tmp_path, store):
    def said(name, value, cancelled=False):
        choice = {
            "from_name": "sentiment",
            "type": "choices",
            "value": {"choices": [value]},
            "meta": {"annotator": name},
        }
        return {"result": [choice], "was_cancelled": cancelled}

    task = {
        "id": 7,
        "data": {"text": "A fine phone."},
        "annotations": [said("x", "Favor"), said("y", "None"), said("z", "Favor", True)],
    }
    (tmp_path / "project.json").write_text(json.dumps([task]))
    _, labels = read_source(str(tmp_path / "project.json"), "me")
    assert [(one.annotator, one.post, one.value) for one in labels] == [("x", "7", "favor"), ("y", "7", "none")]


def test_users_of_label_studio_stay_apart_and_a_file_of_one_user_is_its_reader_s(tmp_path):
    def task(number, *users):
        choice = {"from_name": "stance", "to_name": "text", "type": "choices", "value": {"choices": ["favor"]}}
        given = [{"id": 9, "completed_by": user, "result": [choice], "was_cancelled": False} for user in users]
        return {"id": number, "data": {"text": f"Fine {number}."}, "annotations": given, "predictions": []}

    def annotators(*tasks):
        (tmp_path / "project.json").write_text(json.dumps(tasks))
        return [(one.annotator, one.post) for one in read_source(str(tmp_path / "project.json"), "me")[1]]

    two = annotators(task(1, 10, {"id": 11, "email": "eve@example.org"}), task(2, 10))
    assert two == [("user 10", "1"), ("eve@example.org", "1"), ("user 10", "2")]
    assert annotators(task(1, 10), task(2, 10)) == [("me", "1"), ("me", "2")]


def test_doccano_writes_a_list_too(tmp_path):
    (tmp_path / "all.json").write_text('[{"id": 4, "text": "A fine phone.", "label": ["favor"], "Comments": []}]')
    posts, labels = read_source(str(tmp_path / "all.json"), "me")
    assert posts["text"].tolist() == ["A fine phone."]
    assert [(one.annotator, one.post, one.value) for one in labels] == [("me", "4", "favor")]


def test_doccano_rows_come_in_with_their_label(tmp_path):
    lines = [
        {"id": 11, "text": "A fine phone.", "label": ["favor"], "Comments": []},
        {"id": 12, "text": "What colour?", "label": [], "Comments": []},
    ]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    posts, labels = read_source(str(tmp_path / "all.jsonl"), "me")
    assert posts[["post", "text"]].values.tolist() == [["11", "A fine phone."], ["12", "What colour?"]]
    assert [(one.annotator, one.post, one.value) for one in labels] == [("me", "11", "favor")]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "gold.csv",
            "post,text,stance\n1,Fine.,pro\n",
            "gold.csv, row 2: unknown label 'pro'; use favor, against or none",
        ),
        ("gold.csv", "post,stance\n1,favor\n", "no column 'text'"),
        ("tasks.json", '[{"data": {"words": "Fine."}}]', "a task without text"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path / name), "me")
    assert problem in str(caught.value)


def test_labels_without_words_come_in_where_their_posts_are(store, tmp_path):
    export_labels(store, tmp_path / "ann.labels.csv", whose="ann")
    other = Store(tmp_path / "other.db")
    other.add_posts(POSTS)
    (added,) = add_sources(other, read_sources([str(tmp_path / "ann.labels.csv")], "nobody"))
    assert str(added) == f"{tmp_path / 'ann.labels.csv'}: 0 new posts, 3 new labels"
    assert given(other, "ann") == given(store, "ann")
    other.close()


def test_labels_without_words_are_refused_where_their_posts_are_not(store, tmp_path):
    export_labels(store, tmp_path / "ann.labels.csv", whose="ann")
    other = Store(tmp_path / "other.db")
    with pytest.raises(DataError) as caught:
        add_sources(other, read_sources([str(tmp_path / "ann.labels.csv")], "nobody"))
    assert "no post '1' in thread 't'" in str(caught.value) and other.event_count() == 0
    other.close()


def test_a_label_is_read_as_a_person_typed_it(tmp_path):
    (tmp_path / "typed.csv").write_text("post,text,stance\n1,Fine.,Against \n2,Bad., FAVOR\n3,Hm.,  \n")
    _, labels = read_source(str(tmp_path / "typed.csv"), "me")
    assert [(one.post, one.value) for one in labels] == [("1", "against"), ("2", "favor")]


def test_posts_that_come_again_under_other_ids_are_counted(store):
    again = POSTS.assign(thread="elsewhere", post=["7", "8", "9"])
    (added,) = add_sources(store, [Read("again.html", again, [])])
    (same,) = add_sources(store, [Read("page.html", POSTS, [])])
    assert (added.posts, added.met_before, same.posts, same.met_before) == (3, 3, 0, 0)


def test_an_export_says_how_many_answers_give_no_label(store, tmp_path):
    said = {whose: str(export_labels(store, tmp_path / f"{whose}.csv", whose=whose)) for whose in ("bob", "majority")}
    assert said == {"bob": "3 posts", "majority": "2 posts, 1 unsure or tied left out"}


def test_an_export_of_nobody_says_who_there_is(store, tmp_path):
    with pytest.raises(DataError, match="no labels by 'zoe'; choose ann, bob, majority or adjudicated"):
        export_labels(store, tmp_path / "gold.csv", whose="zoe")
    assert not (tmp_path / "gold.csv").exists()


def test_an_unknown_ending_and_a_missing_database_are_refused(store, tmp_path):
    with pytest.raises(DataError, match="unknown ending"):
        export_labels(store, tmp_path / "gold.xlsx", whose="ann")
    with pytest.raises(DataError, match="no such database"):
        export_labels(tmp_path / "none.db", tmp_path / "gold.csv", whose="ann")


def test_the_whole_table_holds_labels_given_by_hand_and_guesses_for_the_rest(store):
    guesses = Guesses("m-2", {("t", "1"): (0.1, 0.2, 0.7), ("t", "2"): (0.1, 0.2, 0.7), ("u", "1"): (0.1, 0.2, 0.7)})
    table = whole_table(store, "ann", guesses)
    assert table[["post", "stance", "p_favor", "p_none", "labelled_by"]].values.tolist() == [
        ["1", "favor", 1.0, 0.0, "ann"],
        ["2", "against", 0.0, 0.0, "ann"],
        ["1", "none", 0.1, 0.7, "m-2"],
    ]
    with pytest.raises(DataError, match="no model has read the posts yet"):
        whole_table(store, "ann", Guesses())
