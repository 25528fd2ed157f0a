"""Measures of matrices and probabilities, each held against a plain reckoning of the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

from stance.data import LABELS
from stance.evaluate import intervals
from stance.evaluate.baselines import _side, majority
from stance.evaluate.intervals import Interval, resample, resample_posts, wilson
from stance.evaluate.measures import (
    ReliabilityBin,
    accuracy,
    accuracy_at_coverage,
    calibration_error,
    confusion_by_thread,
    f_avg,
    macro_f1,
    reliability,
)

labels = st.sampled_from(LABELS)


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=30))
def test_measures_are_reckoned_matrix_by_matrix(pairs):
    gold, answers = map(list, zip(*pairs, strict=True))
    both = np.stack(
        [confusion_by_thread(["t"] * len(gold), *order).sum(0) for order in ((gold, answers), (gold, gold))]
    )
    expected = [f1_score(gold, given, labels=LABELS[:2], average="macro", zero_division=0) for given in (answers, gold)]
    assert f_avg(both) == pytest.approx(expected)
    assert macro_f1(both) == pytest.approx([f1_score(gold, one, average="macro") for one in (answers, gold)])
    assert accuracy(both) == pytest.approx([accuracy_score(gold, one) for one in (answers, gold)])


def test_threads_are_counted_apart_in_sorted_order():
    counts = confusion_by_thread(["b", "a", "b"], ["favor", "none", "favor"], ["favor", "against", "none"])
    assert counts.tolist() == [[[0, 0, 0], [0, 0, 0], [0, 1, 0]], [[1, 0, 1], [0, 0, 0], [0, 0, 0]]]
    assert confusion_by_thread([], [], []).shape == (0, 3, 3)


def test_of_no_posts_every_measure_is_nothing():
    nothing = np.zeros((2, 3, 3))
    assert [measure(nothing).tolist() for measure in (accuracy, macro_f1, f_avg)] == [[0, 0]] * 3


def test_a_bin_tells_what_was_promised_and_what_came_true():
    confidence, right = np.array([0.3, 0.35, 0.2 + 0.1, 0.9, 1.0]), np.array([True, False, False, True, True])
    # 0.2 + 0.1 is a little more than 0.3, and three tenths all the same.
    assert reliability(confidence, right) == (
        ReliabilityBin(0.3, 0.4, 3, pytest.approx(0.95 / 3), 1 / 3, wilson(1, 3)),
        ReliabilityBin(0.9, 1.0, 2, 0.95, 1.0, wilson(2, 2)),
    )


@pytest.mark.parametrize("confidence", [0.7, 0.1 * 7, 0.1 * 3 + 0.4, 1 - 0.3])
def test_the_same_tenth_reckoned_otherwise_falls_into_the_same_bin(confidence):
    (bin,) = reliability(np.array([confidence]), np.array([True]))
    assert (bin.low, bin.high) == (0.7, 0.8)


def test_the_error_of_calibration_is_the_mean_gap_weighted_by_posts():
    curve = reliability(np.array([0.95, 0.95, 0.95, 0.55]), np.array([True, True, False, False]))
    assert calibration_error(curve) == pytest.approx((3 * abs(2 / 3 - 0.95) + 1 * 0.55) / 4)
    assert calibration_error(()) == 0.0


@given(
    st.lists(st.tuples(st.sampled_from([0.4, 0.6, 0.9]), st.booleans()), min_size=1, max_size=20), st.integers(1, 20)
)
def test_accuracy_of_the_surest_is_the_mean_over_all_orders_of_equally_sure_posts(posts, twentieths):
    confidence, right = (np.array(column) for column in zip(*posts, strict=True))
    share = twentieths / 20
    kept = max(1, int(np.ceil(round(share * len(posts), 6))))
    # What a post of some confidence gives in the mean over all orders is the share of right ones among its equals.
    sorted_means = sorted(((-sure, right[confidence == sure].mean()) for sure in confidence), key=lambda pair: pair[0])
    (point,) = accuracy_at_coverage(confidence, right, [share])
    assert (point.coverage, point.accuracy) == (
        share,
        pytest.approx(np.mean([mean for _, mean in sorted_means[:kept]])),
    )


def test_a_resample_draws_as_many_threads_as_there_are_each_as_likely_as_the_others():
    counts = np.eye(4)
    drawn = resample(counts, draws=4000, seed=1)
    assert (drawn.sum(1) == 4).all()
    assert drawn.mean(0) == pytest.approx(np.ones(4), abs=0.05)
    assert np.array_equal(resample(counts), resample(counts, draws=10_000, seed=0))


@pytest.mark.parametrize("block", [1, 12, 40])
def test_blocks_of_resamples_hold_what_one_block_would(monkeypatch, block):
    counts = np.arange(24.0).reshape(4, 2, 3)
    whole = resample(counts, draws=25, seed=5)
    monkeypatch.setattr(intervals, "_BLOCK", block)
    assert whole.shape == (25, 2, 3)
    assert np.array_equal(resample(counts, draws=25, seed=5), whole)


def test_single_posts_are_drawn_by_how_often_each_outcome_was_met():
    total = np.array([[6.0, 2.0], [0.0, 4.0]])
    drawn = resample_posts(total, draws=4000, seed=1)
    assert (drawn.sum((1, 2)) == 12).all()
    assert drawn.mean(0) == pytest.approx(total, abs=0.1)
    assert np.array_equal(resample_posts(total), resample_posts(total, draws=10_000, seed=0))


@pytest.mark.parametrize(("n_threads", "drawn"), [(5, "threads"), (4, "posts")])
def test_five_threads_are_enough_to_draw_threads(n_threads, drawn):
    counts = np.arange(1.0, n_threads * 4 + 1).reshape(n_threads, 2, 2)
    expected = resample(counts, seed=2) if drawn == "threads" else resample_posts(counts.sum(0), seed=2)
    assert np.array_equal(intervals.resampled(counts, seed=2), expected)


def test_the_interval_of_a_share_ends_at_nothing_and_at_all():
    every = [wilson(hits, n) for n in range(1, 200) for hits in (0, n)]
    assert all(0 <= each.low < each.high <= 1 for each in every)
    assert str(wilson(13, 20)) == str(Interval(*binomtest(13, 20).proportion_ci(method="wilson"))) == "0.433 to 0.819"


@pytest.mark.parametrize("label", LABELS)
def test_the_commonest_label_is_given_to_every_post(label):
    assert majority([*LABELS, label]) == [label] * 4


@pytest.mark.parametrize(("compound", "side"), [(0.05, "favor"), (0.049, "none"), (-0.049, "none"), (-0.05, "against")])
def test_the_lexicon_takes_a_side_from_a_twentieth_on(compound, side):
    assert _side(compound) == side
