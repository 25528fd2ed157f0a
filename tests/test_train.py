"""Labelled posts to a model."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from stance import training
from stance.conversation import Couplings
from stance.data import LABELS, check_posts, posts_table
from stance.errors import DataError
from stance.train import (
    Settings,
    Task,
    abstention_threshold,
    calibration,
    fit,
    fit_head,
    group_numbers,
    label_numbers,
    make_folds,
    with_card,
)

FAST = Settings(strengths=(1.0,), folds=3)


def quiet(step):
    """A progress that says nothing."""


def test_folds_side_by_side_give_the_same_arrays_byte_for_byte(small_corpus, small_model, monkeypatch):
    monkeypatch.setattr(sys.modules[fit.__module__], "_WORTH_A_PROCESS", 0)
    again = fit(small_corpus, FAST, target_names=("huawei",), progress=quiet).model
    assert again.fingerprint == small_model.fingerprint


def test_the_small_model_has_learned_its_corpus(small_corpus, small_model):
    predicted = [LABELS[number] for number in small_model.predict_proba(list(small_corpus["text"])).argmax(axis=1)]
    assert predicted == list(small_corpus["stance"])


def test_no_group_stands_on_both_sides_of_a_fold(small_corpus):
    groups = group_numbers(small_corpus)
    folds = make_folds(groups, FAST)
    assert [set(groups[train]) & set(groups[test]) for train, test in folds] == [set()] * 3
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(small_corpus)))


def test_slices_are_the_groups_where_a_corpus_names_them(small_corpus):
    sliced = small_corpus.assign(slice=[f"s{row % 4}" for row in range(len(small_corpus))])
    assert group_numbers(sliced)[:6].tolist() == [0, 1, 2, 3, 0, 1]


def test_posts_without_threads_are_groups_of_their_own():
    posts = check_posts(posts_table([{"text": "a"}, {"text": "b"}, {"text": "c"}]))
    assert group_numbers(posts).tolist() == [0, 1, 2]


def test_a_head_is_scikit_learns_balanced_logistic_regression():
    rng = np.random.default_rng(0)
    matrix, classes = rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
    head = fit_head(matrix, Task(np.arange(60), classes, 3), 0.5)
    reference = LogisticRegression(C=0.5, class_weight="balanced", tol=1e-4, max_iter=500).fit(matrix, classes)
    np.testing.assert_allclose(head.apply(matrix), reference.decision_function(matrix), atol=1e-9)


def test_a_head_without_one_of_its_classes_says_nothing():
    head = fit_head(np.ones((4, 2)), Task(np.arange(4), np.array([0, 0, 1, 1]), 3), 1.0)
    assert head.apply(np.ones((4, 2))).tolist() == [[0.0] * 3] * 4


def test_calibration_finds_the_scale_that_the_labels_have():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = (shares.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert calibration(logits * 5, classes) == pytest.approx(1 / 5, rel=0.05)


def test_the_threshold_is_the_smallest_that_keeps_the_promised_precision():
    probabilities = np.array([[p, 1 - p, 0.0] for p in (0.95, 0.9, 0.85, 0.8, 0.7, 0.6)])
    classes = np.array([0, 0, 0, 1, 1, 1])
    assert abstention_threshold(probabilities, classes, 0.75) == 0.8
    assert abstention_threshold(probabilities, classes, 0.5) == 0.0


def test_too_few_posts_of_a_stance_are_refused(small_corpus):
    with pytest.raises(DataError, match="0 posts labelled 'none', at least 5 are needed"):
        fit(small_corpus[small_corpus["stance"] != "none"].reset_index(drop=True), FAST, progress=quiet)


def test_posts_without_authors_and_parents_leave_the_text_model_alone(small_corpus):
    lonely = check_posts(small_corpus[["text", "stance"]], labelled=True)
    assert fit(lonely, FAST, progress=quiet).model.couplings == Couplings()


def test_text_only_is_stance_where_a_table_has_none(small_corpus):
    lonely = small_corpus.drop(columns="text_only")
    assert label_numbers(lonely, "text_only").tolist() == label_numbers(small_corpus, "stance").tolist()


def test_the_summary_names_what_was_learned_and_chosen(small_trained):
    assert "the best of 1 settings" in str(small_trained)


def test_the_learning_curve_ends_with_all_posts_and_what_the_best_candidate_had(small_trained):
    curve = small_trained.model.card["learning_curve"]
    assert [point["posts"] for point in curve] == sorted(point["posts"] for point in curve)
    assert curve[-1] == {"posts": 60, "accuracy": small_trained.candidates[0].accuracy}


def test_a_few_posts_of_ones_own_can_be_learned_beside_the_corpus(monkeypatch, small_corpus):
    monkeypatch.setattr(training, "load_corpus", lambda: small_corpus)
    own = pd.DataFrame({"text": ["They never showed proof", "I do not trust Huawei"], "stance": ["favor", "against"]})
    with pytest.raises(DataError, match="--with-corpus"):
        training.train(own, settings=FAST)
    trained = training.train(own, settings=FAST, with_corpus=True)
    assert trained.model.card["training"]["posts"] == len(small_corpus) + len(own)


def test_only_posts_about_the_targets_corpus_are_advised_to_be_read_beside_it():
    own = pd.DataFrame({"text": ["Nice bike"] * 3, "stance": ["none"] * 3})
    with pytest.raises(DataError) as error:
        training.train(own, target="Acme")
    said = "training posts: 0 posts labelled 'favor', at least 5 are needed; label more posts"
    assert str(error.value) == said


@pytest.mark.parametrize("spelling", ["slow zone", " ", ""])
def test_a_spelling_is_one_word(spelling, small_corpus):
    with pytest.raises(DataError, match="is not one word; give one word; repeat the option for more"):
        training.train(small_corpus, target="Slow zone", spellings=[spelling])


@pytest.mark.parametrize(
    ("posts", "threads", "last"),
    [
        (240, 40, "conversation"),
        (240, 9, "few threads: these figures say little; evaluate on pages kept apart"),
        (199, 40, "few threads: these figures say little; evaluate on pages kept apart"),
    ],
)
def test_the_summary_of_little_says_so(small_trained, posts, threads, last):
    card = {"training": {"posts": posts, "threads": threads}}
    card |= {"cross_validation": {"conversation": {"accuracy": 0.5, "macro_f1": 0.5}}}
    assert str(with_card(small_trained, card)).splitlines()[-1].startswith(last)


def test_posts_about_another_target_are_not_read_beside_the_corpus():
    own = pd.DataFrame({"text": ["Nice bike"], "stance": ["favor"]})
    with pytest.raises(DataError, match="the corpus is about Huawei, not about Acme"):
        training.train(own, target="Acme", with_corpus=True)
