"""How far annotators agree: every figure of small tables, and what cannot be said of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from stance.data import LABELS
from stance.evaluate import Agreement, agreement
from stance.evaluate.agreement import confusion_of

F, A, N = LABELS


def test_every_figure_of_two_annotators():
    found = agreement(pd.DataFrame({"ann": [F, A, N, F, None], "bob": [F, A, F, F, N]}, dtype=object))
    kappa = cohen_kappa_score([F, A, N, F], [F, A, F, F])
    # Five of the eight labels are favor, two against, one none: of 64 - 30 unequal pairs two would be expected here.
    alpha = 1 - (8 - 1) * 2 / (64 - (25 + 4 + 1))
    assert found == Agreement(("ann", "bob"), 4, 0.75, pytest.approx(kappa), pytest.approx(alpha))


def test_of_three_annotators_pairs_are_counted_and_kappa_is_not_defined():
    found = agreement(pd.DataFrame({1: [F, F], 2: [F, A], 3: [A, None]}, dtype=object))
    # One of the three pairs of the first post agrees, and the one pair of the second does not.
    assert (found.annotators, found.n_posts, found.observed, found.kappa) == (("1", "2", "3"), 2, 2 / 8, None)


@pytest.mark.parametrize("rows", [[], [(F, None), (None, A)]], ids=["no posts", "no post of both"])
def test_annotators_without_a_common_post_agree_in_nothing(rows):
    found = agreement(pd.DataFrame(rows, columns=["ann", "bob"], dtype=object))
    assert found == Agreement(("ann", "bob"), 0, 0.0, None, None)


def test_labels_are_counted_against_each_other_as_scikit_learn_counts_them():
    first, second = [F, F, A, N, N], [F, A, A, F, N]
    assert np.array_equal(confusion_of(first, second), confusion_matrix(first, second, labels=LABELS))
