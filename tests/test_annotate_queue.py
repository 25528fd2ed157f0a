"""Which post comes next, and the model that learns while a person labels."""

import itertools
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.annotate.aside import Aside
from stance.annotate.consensus import adjudicated, decisions, disagreements, majority, ratings
from stance.annotate.events import Event
from stance.annotate.learner import Forecast, Guesses, Learner, Lesson, forecast, share
from stance.annotate.lessons import first_guesses, lesson
from stance.annotate.queue import active_order, is_shared, margins, ranked_keys, remaining
from stance.annotate.session import Session, Settings
from stance.annotate.store import Round, Store
from stance.conversation import Couplings
from stance.data import LABELS, check_posts, posts_table
from stance.errors import DataError

KEYS = [("t", "1"), ("t", "2"), ("t", "3"), ("u", "1")]


def label(key, value="favor", annotator="ann", kind="stance"):
    return Event(f"{annotator}-{key[0]}{key[1]}-{kind}-{value}", annotator, *key, kind, value)


def test_what_is_left_keeps_the_order_and_the_skipped_come_last():
    given = [label(KEYS[1]), label(KEYS[0], "skip"), label(KEYS[2], "unsure"), label(KEYS[3], annotator="bob")]
    assert remaining(KEYS, given, "ann", "stance", share=1.0) == [KEYS[3], KEYS[0]]


def test_both_kinds_of_label_are_asked_for_apart():
    given = [label(KEYS[0], kind="text_only"), label(KEYS[1])]
    assert remaining(KEYS, given, "ann", "text_only", share=1.0) == [KEYS[1], KEYS[2], KEYS[3]]


def test_without_overlap_a_post_that_a_colleague_has_labelled_is_not_asked_again():
    given = [label(KEYS[0], annotator="bob"), label(KEYS[1], "skip", annotator="bob")]
    assert remaining(KEYS, given, "ann", "stance", share=0.0) == [KEYS[1], KEYS[2], KEYS[3]]


def test_the_shared_part_of_the_posts_is_as_large_as_was_asked():
    keys = [("t", str(number)) for number in range(10_000)]
    assert sum(is_shared(key, 0.2) for key in keys) == pytest.approx(2000, abs=120)
    assert all(is_shared(key, 1.0) for key in keys)
    assert not any(is_shared(key, 0.0) for key in keys)


def test_a_larger_overlap_contains_the_smaller_one():
    keys = [("t", str(number)) for number in range(500)]
    assert {key for key in keys if is_shared(key, 0.2)} < {key for key in keys if is_shared(key, 0.5)}


def test_the_margin_is_the_lead_of_the_most_probable_stance():
    assert margins(np.array([[0.6, 0.3, 0.1], [0.4, 0.4, 0.2]])) == pytest.approx([0.3, 0.0])


def test_posts_of_a_thread_that_was_labelled_before_are_no_worse_for_it(store):
    store.add([label(KEYS[0])])
    guesses = Guesses("m", {KEYS[1]: (0.4, 0.35, 0.25), KEYS[2]: (0.5, 0.3, 0.2), KEYS[3]: (0.9, 0.05, 0.05)})
    learner = Learner(store, fit)
    learner.guesses = guesses
    session = Session(store, Settings("ann", order="active"), learner)
    assert session.queue("ann", "stance")["queue"] == [KEYS[1], KEYS[3], KEYS[2]]


def test_doubtful_posts_come_first_and_each_thread_gives_one_before_any_gives_two():
    doubt, sure = [0.35, 0.34, 0.31], [0.9, 0.05, 0.05]
    order = active_order(np.array([sure, doubt, doubt, sure]), ["a", "a", "a", "b"], [None] * 4)
    assert order.tolist() == [1, 3, 2, 0]


@given(
    st.lists(st.tuples(st.sampled_from("tuv"), st.sampled_from(["ann", "bob", "cem", None])), max_size=12), st.data()
)
def test_no_author_stands_twice_in_a_row_unless_the_rest_is_all_his(posts, data):
    threads, authors = [thread for thread, _ in posts], [author for _, author in posts]
    values = data.draw(st.lists(st.floats(0, 1), min_size=len(posts), max_size=len(posts)))
    order = active_order(np.array([[v, 1 - v, 0] for v in values]).reshape(-1, 3), threads, authors)
    assert sorted(order.tolist()) == list(range(len(posts)))
    most = max((authors.count(name) for name in set(authors) - {None}), default=0)
    in_order = [authors[position] for position in order]
    repeats = sum(one is not None and one == other for one, other in itertools.pairwise(in_order))
    assert (repeats == 0) == (most <= (len(posts) + 1) // 2)


def test_the_author_in_view_does_not_come_next():
    even = dict.fromkeys(KEYS, (0.4, 0.3, 0.3))
    authors = {KEYS[0]: "ann", KEYS[1]: "ann", KEYS[2]: "bob", KEYS[3]: "ann"}
    assert ranked_keys(KEYS, even, authors, last_author="ann")[0] == KEYS[2]


def test_a_post_that_no_model_has_read_counts_as_unknown():
    assert ranked_keys(KEYS[2:], {KEYS[2]: (0.9, 0.1, 0.0)}, {}) == [KEYS[3], KEYS[2]]


def test_majority_needs_more_than_any_other_label():
    given = [label(KEYS[0]), label(KEYS[0], annotator="bob"), label(KEYS[0], "none", annotator="cem")]
    tie = [label(KEYS[1]), label(KEYS[1], "none", annotator="bob"), label(KEYS[2], "unsure")]
    assert majority(ratings(given + tie, "stance")) == {KEYS[0]: "favor"}


def test_the_adjudicator_has_the_last_word_and_agreement_needs_none():
    differ = [label(KEYS[0]), label(KEYS[0], "none", annotator="bob")]
    agree = [label(KEYS[1]), label(KEYS[1], annotator="bob")]
    open_case = [label(KEYS[2]), label(KEYS[2], "none", annotator="bob")]
    given = [*differ, *agree, *open_case, label(KEYS[0], "none", kind="stance_decision")]
    assert adjudicated(ratings(given, "stance"), decisions(given, "stance")) == {KEYS[0]: "none", KEYS[1]: "favor"}


def test_disagreements_list_undecided_posts_first_with_what_everybody_gave():
    given = [
        *(label(KEYS[0], value, annotator=name) for name, value in (("ann", "favor"), ("bob", "none"))),
        *(label(KEYS[1], value, annotator=name) for name, value in (("ann", "favor"), ("bob", "unsure"))),
        *(label(KEYS[2], value, annotator=name) for name, value in (("ann", "favor"), ("bob", "favor"))),
        label(KEYS[0], "favor", kind="stance_decision"),
        label(KEYS[1], "the tone, not the words", annotator="bob", kind="note"),
    ]
    found = [
        (one.key, [a.value for a in one.answers], dict(one.notes), one.decision)
        for one in disagreements(given, "stance")
    ]
    assert found == [
        (KEYS[1], ["favor", "unsure"], {"bob": "the tone, not the words"}, None),
        (KEYS[0], ["favor", "none"], {}, "favor"),
    ]


def fit(labelled, posts):
    """Know a post by its first word."""
    if len(labelled) < 2:
        raise DataError("2 labels are needed")
    known = {text.split()[0]: label for text, label in zip(labelled["text"], labelled["stance"], strict=True)}
    labels = [known.get(text.split()[0], "none") for text in posts["text"]]
    values = [tuple(0.8 if label == own else 0.1 for own in LABELS) for label in labels]
    guesses = Guesses(f"one-word-{len(labelled)}", dict(zip(KEYS, values, strict=True)))
    return Lesson(guesses, np.array([True] * (len(labelled) - 1) + [False]))


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "labels.db")
    texts = ["Fine phone.", "Awful update.", "Fine masts.", "Awful lobby."]
    keys = pd.DataFrame(KEYS, columns=["thread", "post"])
    store.add_posts(keys.assign(text=pd.Series(texts, dtype=object), author=pd.Series(["Ann", "Bob", "Ann", "Cem"])))
    yield store
    store.close()


def test_a_training_reads_all_posts_again_and_is_kept_as_a_round(store):
    store.add([label(KEYS[0]), label(KEYS[1], "against")])
    learner = Learner(store, fit, every=2)
    learner.learn(store.posts())
    assert [learner.guesses.of(key)["stance"] for key in KEYS] == ["favor", "against", "favor", "against"]
    assert store.rounds() == [Round("one-word-2", 2, 0.5, 0.354)]


def test_too_few_labels_are_said_and_break_nothing(store):
    learner = Learner(store, fit, every=2)
    learner.start()
    learner.stop()
    assert (learner.waiting_for, learner.guesses) == ("2 labels are needed", Guesses())


def test_the_model_learns_again_in_the_background_after_every_so_many_labels(store):
    learned = threading.Event()
    learner = Learner(store, lambda *tables: (fit(*tables), learned.set())[0], every=2)
    learner.start()
    for events in ([label(KEYS[0])], [label(KEYS[1], "against"), label(KEYS[2])]):
        store.add(events)
        learner.notice(len(events))
    assert learned.wait(timeout=20)
    learner.stop()
    assert [done.labels for done in store.rounds()][-1] == 3


def test_a_failing_training_does_not_end_the_labelling(store, caplog):
    learner = Learner(store, lambda *tables: 1 / 0, every=1)
    learner.start()
    learner.stop()
    assert learner.waiting_for == "the training failed (see the terminal)"
    assert "ZeroDivisionError" in caplog.text


def test_active_order_asks_what_the_model_doubts(store):
    store.add([label(KEYS[0]), label(KEYS[1], "against")])
    learner = Learner(store, fit, every=2)
    learner.guesses = Guesses("m", {KEYS[2]: (0.9, 0.05, 0.05), KEYS[3]: (0.4, 0.35, 0.25)})
    session = Session(store, Settings("ann", order="active"), learner)
    assert session.queue("ann", "stance") == {"queue": [KEYS[3], KEYS[2]], "done": 2, "left": 2, "model": "m"}


def test_two_annotators_without_overlap_never_have_the_same_post_before_them(store):
    session = Session(store, Settings("ann", overlap=0.0), clock=lambda: 0.0)
    first = session.queue("ann", "stance")["queue"]
    assert (first, session.queue("bob", "stance")["queue"]) == (KEYS, [])


def test_a_blind_annotator_sees_a_guess_only_after_his_own_label(store):
    store.add([label(KEYS[0])])
    learner = Learner(store, fit, every=2)
    learner.guesses = Guesses("m", dict.fromkeys(KEYS, (0.1, 0.8, 0.1)))
    blind = Session(store, Settings("ann"), learner).thread("t", "ann")["guesses"]
    assisted = Session(store, Settings("ann", assisted=True), learner).thread("t", "ann")["guesses"]
    assert blind == {"1": {"stance": "against", "probability": 0.8, "model": "m"}}
    assert sorted(assisted) == ["1", "2", "3"]


def test_an_annotator_never_sees_the_labels_of_another(store):
    store.add([label(KEYS[0]), label(KEYS[1], "against", annotator="bob")])
    assert Session(store, Settings("ann")).thread("t", "ann")["labels"] == {"1": {"stance": "favor"}}


def test_progress_counts_each_annotator_s_labels(store):
    store.add([label(KEYS[0]), label(KEYS[1], "unsure"), label(KEYS[0], annotator="bob", kind="text_only")])
    assert Session(store, Settings("ann")).progress()["annotators"] == [
        {"annotator": "ann", "counts": {"stance": {"favor": 1, "unsure": 1}, "text_only": {}}, "seconds": None},
        {"annotator": "bob", "counts": {"stance": {}, "text_only": {"favor": 1}}, "seconds": None},
    ]


def test_the_forecast_reads_the_labels_needed_off_the_curve():
    rounds = [Round("m", n, 0.8 - 2 / n**0.5, 0.02) for n in (50, 100, 200, 400)]
    # 0.8 - 2 / sqrt(400) is 0.70, and 0.8 - 2 / sqrt(625) is 0.72.
    assert forecast(rounds, gain=0.02) == Forecast(now=0.7, gain=0.02, more=225)


@pytest.mark.parametrize(
    "accuracies",
    [(0.5, 0.6), (0.6, 0.5, 0.4), (None, None, None)],
    ids=["too few rounds", "falling", "no cross-validation"],
)
def test_no_forecast_where_the_curve_tells_nothing(accuracies):
    assert forecast([Round("m", 50 * (at + 1), value, 0.02) for at, value in enumerate(accuracies)]) is None


def test_no_number_of_labels_is_promised_beyond_the_limit_of_the_curve():
    assert forecast([Round("m", n, 0.7 - 0.1 / n**0.5, 0.02) for n in (100, 200, 400)], gain=0.02).more is None


def test_share_of_right_labels_comes_with_its_error():
    assert share(np.array([True] * 80 + [False] * 20)) == (0.8, 0.04)


@pytest.fixture(scope="module")
def aside():
    beside = Aside(model=None, target="a target of nobody")
    yield beside
    beside.close()


def test_the_process_beside_says_what_it_waits_for(aside, store):
    posts = store.posts()
    few = posts.assign(stance="favor", text_only="favor")
    with pytest.raises(DataError, match="4 posts labelled 'favor', at least 5 are needed"):
        aside.lesson(few, posts)
    assert aside.first_guesses(posts).probabilities == {}


def values(guesses):
    return np.array(list(guesses.probabilities.values()))


def test_a_label_tells_the_model_about_the_author_s_other_posts(small_model):
    posts = posts_table(
        {"thread": "t", "post": str(number), "author": author, "text": text}
        for number, (author, text) in enumerate([("ann", "Hm."), ("ann", "See above."), ("bob", "Hm.")], start=1)
    )
    posts = check_posts(posts)
    # Words count for little here, but for who wrote them.
    model = replace(small_model, couplings=Couplings(text=-0.99, author_same=2.0, author_opposite=-1.0))
    before = first_guesses(posts, model)
    known = posts.head(1).assign(stance="against", text_only="against")
    learned = lesson(known, posts, finished=model, talk=model, target="Huawei")
    assert learned.guesses.of(("t", "2"))["stance"] == "against"
    assert learned.guesses.probabilities["t", "3"] == pytest.approx(before.probabilities["t", "3"])


def test_the_guess_beside_a_label_does_not_know_it(small_model, small_corpus):
    wrong = small_corpus.head(6).assign(stance="none", text_only="none")
    posts = small_corpus.drop(columns=["stance", "text_only"])
    model = replace(small_model, couplings=Couplings())
    learned = lesson(wrong, posts, finished=model, talk=model, target="Huawei")
    blind = first_guesses(posts, model)
    np.testing.assert_allclose(values(learned.guesses), values(blind), atol=1e-12)
    assert learned.right.tolist() == [blind.of(("t0", post))["stance"] == "none" for post in "123"] * 2
    assert learned.guesses.model != blind.model


def test_words_that_are_gone_are_none_until_somebody_says_otherwise(small_model):
    posts = check_posts(posts_table({"thread": "t", "post": post, "text": "[deleted]"} for post in "12"))
    known = posts.head(1).assign(stance="favor", text_only="none")
    learned = lesson(known, posts, finished=small_model, talk=small_model, target="Huawei")
    assert values(learned.guesses).argmax(axis=1).tolist() == [2, 2]
    assert learned.right.tolist() == [False]


def test_without_labels_there_is_nothing_to_learn(small_model, small_corpus):
    with pytest.raises(DataError, match="there are no labels yet"):
        lesson(small_corpus.head(0), small_corpus, finished=small_model, talk=small_model, target="Huawei")


def test_a_lesson_beside_the_server_reads_every_post(aside):
    stances = [LABELS[number % 3] for number in range(30)]
    words = {"favor": "great phone", "against": "they spy", "none": "which colour"}
    texts = [f"{words[label]} {number}" for number, label in enumerate(stances)]
    labelled = posts_table(
        {"thread": f"t{number // 5}", "post": str(number), "text": text, "stance": label, "text_only": label}
        for number, (text, label) in enumerate(zip(texts, stances, strict=True))
    )
    posts = check_posts(labelled.drop(columns=["stance", "text_only"]))
    learned = aside.lesson(check_posts(labelled), posts)
    guesses = [learned.guesses.of(key)["stance"] for key in zip(posts["thread"], posts["post"], strict=True)]
    assert (guesses, learned.right.tolist()) == (stances, [True] * 30)


def test_the_process_beside_ends_when_nobody_asks_any_more():
    command = [sys.executable, "-c", "from stance.annotate.lessons import answer_questions; answer_questions()"]
    done = subprocess.run(command, input=b'{"model": null, "target": "', capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
