"""Scores equal scikit-learn's and NLTK's, do not depend on the order of the posts, and say how sure they are."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from stance.data import LABELS, Post, Thread, posts_table
from stance.errors import DataError, PageError
from stance.evaluate import agreement, apply_standoff, evaluate
from stance.evaluate.baselines import lexicon, majority
from stance.evaluate.intervals import Interval, bootstrap, interval_of, resample, wilson
from stance.evaluate.measures import accuracy, confusion_by_thread, macro_f1, reliability
from stance.evaluate.scores import Baseline, Decided, Mistake
from stance.evaluate.slices import slices
from stance.evaluate.standoff import is_standoff

labels = st.sampled_from(LABELS)
pairs = st.lists(st.tuples(labels, labels), min_size=1, max_size=40)
ratings = st.lists(st.tuples(*[st.sampled_from([*LABELS, None])] * 3), min_size=1, max_size=30)


def table(stances, threads=None, **columns):
    threads = threads or ["t"] * len(stances)
    rows = ({"thread": thread, "post": str(post)} for post, thread in enumerate(threads, start=1))
    return posts_table(rows).assign(text="words", stance=list(stances), **columns)


def with_probabilities(stances, confidences, **columns):
    rest = {
        f"p_{label}": [
            sure if label == given else (1 - sure) / 2 for given, sure in zip(stances, confidences, strict=True)
        ]
        for label in LABELS
    }
    return table(stances, **rest, **columns)


@given(pairs)
@settings(deadline=None, max_examples=30)
def test_scores_equal_those_of_scikit_learn(pairs):
    gold, answers = zip(*pairs, strict=True)
    scores = evaluate(table(gold), table(answers))
    precision, recall, f1, support = precision_recall_fscore_support(gold, answers, labels=LABELS, zero_division=0)
    assert scores.accuracy == pytest.approx(accuracy_score(gold, answers))
    assert scores.macro_f1 == pytest.approx(f1_score(gold, answers, average="macro", zero_division=0))
    assert scores.f_avg == pytest.approx((f1[0] + f1[1]) / 2)
    assert np.array_equal(scores.confusion, confusion_matrix(gold, answers, labels=LABELS))
    found = [(each.precision, each.recall, each.f1, each.support) for each in scores.per_label]
    assert np.allclose(found, np.transpose([precision, recall, f1, support]))
    assert (scores.against, scores.given, scores.n_posts, scores.n_threads) == ("stance", "stance", len(pairs), 1)
    both = [(name, post, label) for name, each in (("a", gold), ("b", answers)) for post, label in enumerate(each)]
    is_one_label = len({*gold, *answers}) == 1
    assert scores.alpha == (None if is_one_label else pytest.approx(AnnotationTask(both).alpha(), abs=1e-6))


@given(pairs)
@settings(deadline=None, max_examples=30)
def test_kappa_equals_that_of_scikit_learn(pairs):
    first, second = zip(*pairs, strict=True)
    kappa = agreement(pd.DataFrame({"a": first, "b": second})).kappa
    if len({*first, *second}) == 1:
        assert kappa is None
    else:
        assert kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-6)


@given(ratings)
@settings(deadline=None, max_examples=30)
def test_alpha_equals_that_of_nltk_whatever_is_missing(rows):
    found = agreement(pd.DataFrame(rows, columns=["a", "b", "c"], dtype=object)).alpha
    triples = [(name, post, label) for post, row in enumerate(rows) for name, label in zip("abc", row, strict=True)]
    shared = [post for post, row in enumerate(rows) if sum(label is not None for label in row) > 1]
    kept = [triple for triple in triples if triple[2] is not None and triple[1] in shared]
    if len({label for _, _, label in kept}) < 2:
        assert found is None
    else:
        assert found == pytest.approx(AnnotationTask(kept).alpha(), abs=1e-6)


@given(pairs, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=15)
def test_the_order_of_the_posts_changes_nothing(pairs, random):
    gold, answers = zip(*pairs, strict=True)
    threads = [f"thread {post % 7}" for post in range(len(pairs))]
    order = list(range(len(pairs)))
    random.shuffle(order)
    given_labels = with_probabilities(answers, [0.4 + post % 5 / 10 for post in order]).assign(thread=threads)
    scores = evaluate(table(gold, threads), given_labels)
    assert evaluate(table(gold, threads).iloc[order], given_labels.iloc[order[::-1]]).to_dict() == scores.to_dict()


def test_a_second_run_gives_the_same_intervals_and_another_seed_nearly_the_same():
    gold, answers = table(LABELS * 40, threads=[f"{n % 20}" for n in range(120)]), None
    answers = gold.assign(stance=["favor"] * 60 + list(gold["stance"][60:]))
    one, two, other = (evaluate(gold, answers, seed=seed).accuracy_interval for seed in (0, 0, 1))
    assert one == two
    assert abs(one.low - other.low) < 0.01 and abs(one.high - other.high) < 0.01


@pytest.mark.parametrize("seed", [0, 3])
def test_every_interval_is_that_of_its_measure_over_the_same_resampled_threads(seed):
    threads, gold = list("aabbccddee"), ["favor", "against"] * 4 + ["none", "favor"]
    answers = ["favor", "against", "favor", "favor", "none", "against", "favor", "none", "none", "favor"]
    words = ["great"] * 5 + ["awful"] * 5
    scores = evaluate(table(gold, threads).assign(text=words), table(answers, threads), seed=seed)
    counts = confusion_by_thread(threads, gold, answers)
    assert scores.accuracy_interval == bootstrap(counts, accuracy, seed=seed)
    assert scores.macro_f1_interval == bootstrap(counts, macro_f1, seed=seed)
    assert (scores.resampled, scores.n_threads) == ("threads", 5)
    assert scores.kappa == pytest.approx(cohen_kappa_score(gold, answers))
    plain = {"majority": ["favor"] * 10, "lexicon": ["favor"] * 5 + ["against"] * 5}
    for found, (name, constant) in zip(scores.baselines, plain.items(), strict=True):
        interval = bootstrap(confusion_by_thread(threads, gold, constant), accuracy, seed=seed)
        f1 = pytest.approx(f1_score(gold, constant, average="macro", zero_division=0))
        assert found == Baseline(name, accuracy_score(gold, constant), interval, f1)


def test_the_parts_of_a_table_are_drawn_with_the_same_seed():
    threads, sites = [str(post * post % 19) for post in range(60)], ["x", "y", "y"] * 20
    gold = table(LABELS * 20, threads, site=sites)
    answers = table([LABELS[post * post % 3] for post in range(60)], threads)
    joined = gold.assign(answer=answers["stance"])
    expected = slices(joined, gold["stance"].tolist(), answers["stance"].tolist(), seed=3)
    assert evaluate(gold, answers, seed=3).slices == expected


def test_without_a_seed_the_seed_is_zero():
    threads = [str(post * post % 19) for post in range(60)]
    gold, answers = table(LABELS * 20, threads), table([*LABELS * 10, *["favor"] * 30], threads)
    assert evaluate(gold, answers) == evaluate(gold, answers, seed=0) != evaluate(gold, answers, seed=1)


def test_the_interval_resamples_whole_threads():
    counts = np.array([[10.0, 0.0], [0.0, 10.0]] * 10)
    shares = resample(counts)[:, 0] / 200
    # Twenty threads that are all right or all wrong are twenty coins; two hundred posts would be far surer.
    assert shares.std() == pytest.approx(0.5 / np.sqrt(20), rel=0.03)


def test_an_interval_leaves_out_a_fortieth_at_each_end():
    interval = interval_of(np.arange(1001.0))
    assert (interval.low, interval.high) == pytest.approx((25, 975))


def test_with_few_threads_posts_are_resampled_and_the_table_says_what_that_cannot_tell():
    scores = evaluate(table(["favor"] * 13 + ["against"] * 7), table(["favor"] * 20))
    assert scores.resampled == "posts"
    assert (scores.accuracy_interval.low, scores.accuracy_interval.high) == pytest.approx((0.45, 0.85), abs=0.011)
    assert "says nothing about other threads" in str(scores)


def test_probabilities_are_held_against_what_came_true():
    gold = table(["favor"] * 10)
    answers = with_probabilities(["favor"] * 8 + ["none"] * 2, [0.9] * 10)
    scores = evaluate(gold, answers)
    assert scores.calibration.error == pytest.approx(0.1)
    (bin,) = scores.calibration.curve
    assert (bin.low, bin.n, bin.confidence, bin.accuracy) == (0.9, 10, pytest.approx(0.9), 0.8)
    assert bin.interval == wilson(8, 10)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_of_a_share_is_that_of_scipy(successes, n):
    reference = binomtest(min(successes, n), n).proportion_ci(method="wilson")
    interval = wilson(min(successes, n), n)
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_a_share_of_nothing_may_be_anything():
    assert wilson(0, 0) == Interval(0.0, 1.0)


def test_a_probability_of_one_falls_into_the_last_bin():
    assert [bin.low for bin in reliability(np.array([1.0, 0.3]), np.array([True, True]))] == [0.3, 0.9]


def test_the_surest_posts_are_scored_first():
    answers = with_probabilities(["favor", "favor", "none", "none"], [0.9, 0.8, 0.7, 0.6])
    coverage = evaluate(table(["favor"] * 4), answers).coverage
    at = {round(point.coverage, 2): point.accuracy for point in coverage}
    assert (at[0.25], at[0.5], at[0.75], at[1.0]) == (1.0, 1.0, pytest.approx(2 / 3), 0.5)


def test_posts_left_undecided_do_not_count_against_the_decided_ones():
    answers = table(["favor", "favor", "none"], abstained=[False, False, True])
    decided = evaluate(table(["favor", "favor", "favor"]), answers).decided
    assert (decided.n_posts, decided.coverage, decided.accuracy) == (2, pytest.approx(2 / 3), 1.0)


def test_baselines_stand_beside_the_scores():
    gold = table(["favor", "favor", "against"]).assign(text=["wonderful", "a screen", "horrible"])
    found = {each.name: each.accuracy for each in evaluate(gold, gold).baselines}
    assert found == {"majority": pytest.approx(2 / 3), "lexicon": pytest.approx(2 / 3)}
    assert majority(gold["stance"]) == ["favor"] * 3
    assert lexicon(gold["text"]) == ["favor", "none", "against"]


def test_text_only_labels_are_scored_with_the_stance_before_the_conversation():
    gold = table(["favor", "against"], text_only=["none", "against"])
    answers = with_probabilities(["favor", "against"], [0.9, 0.9], text_stance=["none", "against"])
    scores = evaluate(gold, answers, against="text_only")
    assert (scores.given, scores.accuracy, scores.calibration) == ("text_stance", 1.0, None)


def test_probabilities_serve_the_words_where_these_give_the_same_labels():
    gold = table(["none", "against"], text_only=["favor", "against"])
    answers = with_probabilities(["favor", "against"], [0.9, 0.7], text_stance=["favor", "against"])
    scores = evaluate(gold, answers, against="text_only")
    assert [point.accuracy for point in scores.coverage] == [1.0] * 20
    assert scores.calibration.error == pytest.approx(0.2)


def test_the_probability_of_a_label_counts_even_where_another_is_likelier():
    gold, answers = table(["favor"]), with_probabilities(["against"], [0.2])
    (mistake,) = evaluate(gold, answers).mistakes
    assert mistake == Mistake("t", "1", "favor", "against", 0.2)


def test_a_second_annotator_gives_the_ceiling():
    gold = table(["favor", "against", "none"], second_annotator=["favor", "against", "favor"])
    annotators = evaluate(gold, gold).annotators
    assert (annotators.n_posts, annotators.observed, annotators.kappa) == (3, pytest.approx(2 / 3), pytest.approx(0.5))


def test_the_ceiling_is_that_of_stance_and_needs_another_annotator():
    gold = table(["favor", "none"], text_only=["favor", "none"], second_annotator=["favor", "favor"])
    assert evaluate(gold, gold).annotators.annotators == ("stance", "second_annotator")
    assert evaluate(gold, gold, against="text_only").annotators is None
    assert evaluate(gold.drop(columns="second_annotator"), gold).annotators is None


@pytest.mark.parametrize(
    ("abstained", "decided"),
    [
        (["True", "false", "1", "0"], Decided(2, 0.5, 1.0)),
        ([True, False, True, True], Decided(1, 0.25, 1.0)),
        ([1, 1, 1, 1], Decided(0, 0.0, None)),
    ],
)
def test_abstaining_is_read_in_words_and_numbers(abstained, decided):
    gold = table(["favor", "favor", "none", "none"])
    answers = table(["none", "favor", "none", "none"], abstained=pd.Series(abstained, dtype=object))
    assert evaluate(gold, answers).decided == decided


def test_mistakes_stand_by_confidence_then_thread_then_post():
    gold, answers = table(["favor"] * 4, list("abba")), table(["none"] * 4, list("abba"))
    assert [(each.thread, each.post) for each in evaluate(gold, answers).mistakes] == [
        ("a", "1"),
        ("a", "4"),
        ("b", "2"),
        ("b", "3"),
    ]
    sure = with_probabilities(["none"] * 4, [0.0, 0.4, 0.9, 0.9]).assign(thread=list("abba"))
    assert [each.post for each in evaluate(gold, sure).mistakes] == ["4", "3", "2", "1"]


def test_slices_and_mistakes_are_told_apart():
    gold = table(["favor", "against", "none"], site=["forum", "forum", "blog"])
    scores = evaluate(gold, with_probabilities(["favor", "none", "favor"], [0.9, 0.5, 0.8]))
    assert {each.value: each.accuracy for each in scores.slices if each.column == "site"} == {"forum": 0.5, "blog": 0.0}
    assert [(each.post, each.gold, each.given) for each in scores.mistakes] == [
        ("3", "none", "favor"),
        ("2", "against", "none"),
    ]


def test_scores_become_json_and_a_table():
    scores = evaluate(table(["favor", "none"]), with_probabilities(["favor", "favor"], [0.9, 0.5]))
    figures = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert figures["accuracy"] == 0.5 and figures["confusion"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert "majority baseline" in str(scores)
    assert "<table>" in scores._repr_html_()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            table(["favor"]),
            "thread 't': 1 of 2 posts have no label, the first is post '2'; label the posts that gold holds",
        ),
        (table(["favor", "pro"]), "labels, row 2, stance: unknown label 'pro'; use favor, against or none"),
        (table(["favor"] * 2).assign(post=["1", "1"]), "labels: post '1' of thread 't' stands twice"),
        (
            table(["favor", "none"]).drop(columns="stance"),
            "labels: no column 'stance' (columns: thread, post, text); give a table that has it",
        ),
        (table(["favor"]).iloc[:0], "labels: no posts; give at least one labelled post"),
    ],
)
def test_labels_that_cannot_be_scored_are_refused_in_one_line(labels, message):
    with pytest.raises(DataError) as error:
        evaluate(table(["favor", "none"]), labels)
    assert str(error.value) == message


def test_gold_is_checked_under_its_own_name():
    with pytest.raises(DataError, match=r"^gold: no column 'text_only' \(columns: thread, post, text, stance\); give"):
        evaluate(table(["favor"]), table(["favor"]), against="text_only")
    with pytest.raises(DataError, match=r"^gold, row 1, stance: unknown label 'pro'; use"):
        evaluate(table(["pro"]), table(["favor"]))


SUM = "; give numbers from 0 to 1 that sum to 1"
BOTH = with_probabilities(["favor", "none"], [0.9, 0.9])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (BOTH.assign(p_none=[0.06, 0.9]), "labels: the probabilities of post '1' are 0.9, 0.05, 0.06"),
        (BOTH.assign(p_favor=[0.9, 0.2]), "labels: the probabilities of post '2' are 0.2, 0.05, 0.9"),
        (BOTH.assign(p_favor=[0.9, -0.01], p_none=[0.05, 0.96]), "labels: the probabilities of post '2' are -0.01,"),
        (BOTH.assign(p_none=[0.05, float("nan")]), "labels: the probabilities of post '2' are 0.05, 0.05, nan"),
        (BOTH.assign(p_none="?"), "labels: a probability is no number (could not convert string to float: '?')"),
    ],
    ids=["a hundredth too much", "too little", "less than nothing", "no number", "a word"],
)
def test_what_is_no_probability_is_refused_in_one_line(labels, message):
    with pytest.raises(DataError) as error:
        evaluate(table(["favor", "none"]), labels)
    assert str(error.value).startswith(message) and str(error.value).endswith(SUM)


def test_probabilities_may_be_rounded_and_one_may_be_all():
    rounded = BOTH.assign(p_favor=[0.905, 1.0], p_against=[0.05, 0.0], p_none=[0.05, 0.0])
    assert evaluate(table(["favor", "none"]), rounded).mistakes == ()


PAGE = Thread("page", (Post("1", "First!", "ann"), Post("3", "Well made.", "bob", parent="1")))
STANDOFF = pd.DataFrame(
    {"post": ["3", "1"], "author": ["bob", "ann"], "stance": ["favor", "none"], "text_only": ["favor", "none"]}
)


def test_standoff_labels_find_their_posts():
    gold = apply_standoff(STANDOFF, PAGE)
    assert gold[["thread", "post", "author", "text", "stance", "text_only"]].to_numpy().tolist() == [
        ["page", "1", "ann", "First!", "none", "none"],
        ["page", "3", "bob", "Well made.", "favor", "favor"],
    ]


AS_IT_WAS = "; give the page that the labels were made for, as it was then"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (STANDOFF.assign(post=["4", "1"]), "page: the page has no post 4 by bob, which the labels of l.csv name"),
        (STANDOFF.assign(author=["eve", "ann"]), "page: post 3 is by bob, not by eve as in l.csv"),
        (
            STANDOFF.assign(author=pd.Series(["bob", None], dtype=object)),
            "page: post 1 is by ann, not by None as in l.csv",
        ),
    ],
)
def test_a_page_that_does_not_match_its_labels_is_refused_by_number_and_author(labels, message):
    with pytest.raises(PageError) as error:
        apply_standoff(labels, PAGE, where="l.csv")
    assert str(error.value) == message + AS_IT_WAS


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            STANDOFF.drop(columns="author"),
            "l.csv: no column 'author'; stand-off labels have post, author and stance",
        ),
        (STANDOFF.assign(post=["1", "1"]), "l.csv: post '1' is labelled twice; keep one label a post"),
        (STANDOFF.assign(stance=[None, ""]), "l.csv: no label; label at least one post"),
        (
            STANDOFF.assign(stance=["pro", "none"]),
            "l.csv, row 1: unknown label 'pro'; use favor, against or none, or leave it empty",
        ),
    ],
)
def test_standoff_labels_are_checked_like_any_other(labels, message):
    with pytest.raises(DataError) as error:
        apply_standoff(labels, PAGE, where="l.csv")
    assert str(error.value) == message


def test_names_differ_by_more_than_white_space_and_a_nameless_post_has_none():
    page = Thread("page", (Post("1", "First!", "ann  lee"), Post("2", "Second!")))
    rows = ({"post": "1", "author": "ann lee", "stance": "none"}, {"post": "2", "author": None, "stance": "none"})
    labels = posts_table(rows)
    assert apply_standoff(labels, page)["stance"].tolist() == ["none", "none"]


def test_what_the_page_says_is_not_replaced_and_further_columns_keep_their_order_and_values():
    labels = STANDOFF.assign(thread="elsewhere", year=[2019, None], sure=[True, False])
    gold = apply_standoff(labels, PAGE)
    assert gold.columns.tolist()[-4:] == ["stance", "text_only", "year", "sure"]
    assert gold["thread"].tolist() == ["page", "page"]
    assert [gold["sure"].tolist(), gold["sure"].dtype] == [[False, True], object]


def test_further_columns_hold_nothing_where_the_labels_hold_none():
    labels = STANDOFF.assign(note=["seen", ""], year=[float("nan"), 2019])
    gold = apply_standoff(labels, PAGE)
    assert gold[["post", "note", "year"]].to_numpy().tolist() == [["1", None, 2019], ["3", "seen", None]]


def test_a_page_that_numbers_two_posts_alike_is_named_with_the_labels():
    page = Thread("page", (Post("1", "First!", "ann"), Post("1", "Second!", "ann")))
    with pytest.raises(DataError, match=r"^l\.csv.*'1'"):
        apply_standoff(STANDOFF[1:], page, where="l.csv")


@pytest.mark.parametrize(
    ("columns", "is_labels_alone"),
    [
        (["post", "author", "stance"], True),
        (["post", "author", "stance", "text_only"], True),
        (["post", "author", "stance", "text"], False),
        (["post", "stance"], False),
    ],
)
def test_labels_without_words_are_told_from_a_posts_table(columns, is_labels_alone):
    assert is_standoff(pd.DataFrame(columns=columns)) is is_labels_alone


def test_labels_of_some_posts_are_compared_and_the_others_only_read():
    gold = apply_standoff(STANDOFF[:1], PAGE)
    assert gold[["post", "stance"]].values.tolist() == [["1", None], ["3", "favor"]]
    scores = evaluate(gold, gold.assign(stance=["against", "favor"]))
    assert (scores.n_posts, scores.n_unlabelled, scores.accuracy) == (1, 1, 1.0)
    assert str(scores).startswith("1 post of 1 thread (1 more post without a label: read, not compared); 95 %")


def test_an_export_of_labels_with_their_words_is_put_onto_its_page_too():
    labels = STANDOFF.assign(thread="elsewhere", text="other words", parent="9")
    gold = apply_standoff(labels, PAGE)
    assert gold[["thread", "parent", "text"]].values.tolist() == [["page", None, "First!"], ["page", "1", "Well made."]]
