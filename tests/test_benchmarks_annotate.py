"""What the comparison of active with random order counts."""

import numpy as np
import pytest

from benchmarks.annotate import Archive, labels_needed, simulate, training_posts


@pytest.fixture
def archive(small_corpus):
    return Archive(small_corpus, n_own=60)


def test_an_archive_is_right_where_labelled_and_where_guessed_rightly(archive):
    guessed = archive.posts["stance"].to_numpy().copy()
    guessed[:30], guessed[60:75] = "none", "none"
    # Ten of the first 30 posts are none; 15 posts come later and are called none, five of them rightly.
    whole, rest, later = archive.accuracies(guessed, chosen=np.arange(15))
    assert (whole, rest, later) == pytest.approx((50 / 60, 35 / 45, 20 / 30))


def test_labels_needed_are_read_off_between_two_batches():
    assert labels_needed(np.array([0.5, 0.6, 0.8]), 0.7) == pytest.approx(37.5)
    assert labels_needed(np.array([0.5, 0.6]), 0.7) == float("inf")


def test_the_two_parts_share_no_slice_and_no_post_of_the_test_split():
    choose, final = (training_posts(part) for part in ("choose", "final"))
    assert set(choose["slice"]).isdisjoint(final["slice"])
    assert set(choose["split"]) | set(final["split"]) == {"train"}
    assert training_posts("choose", other=True).equals(final)


def test_a_simulated_annotator_labels_all_he_is_asked_for(archive, small_model):
    curve = simulate(archive, "active", small_model, small_model, n_labels=50, seed=0)
    assert curve.shape == (3, 4)
    assert curve[-1, 3] > curve[1, 3] > curve[0, 3] == 0


def test_without_guesses_every_post_is_called_none(archive, small_model):
    curve = simulate(archive, "random", None, small_model, n_labels=0, seed=0)
    assert curve[0, 0] == pytest.approx((archive.posts["stance"][:60] == "none").mean())
