"""Live agreement equals the figures of the field's own tools, missing labels included."""

import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score

from stance.annotate.agreement import live_agreement
from stance.data import LABELS


def invented_ratings(seed, annotators=("ann", "bob", "cem"), n_posts=200):
    """Annotators who agree more often than not, and each of whom has labelled only some of the posts."""
    chance = np.random.default_rng(seed)
    ratings = {}
    for number in range(n_posts):
        truth = LABELS[chance.integers(3)]
        given = {name: truth if chance.random() < 0.6 else LABELS[chance.integers(3)] for name in annotators}
        ratings[f"t{number % 11}", str(number)] = {name: given[name] for name in given if chance.random() < 0.7}
    return ratings


@pytest.mark.parametrize("seed", range(5))
def test_alpha_equals_nltk_s(seed):
    ratings = invented_ratings(seed)
    triples = [(name, key, label) for key, given in ratings.items() for name, label in given.items() if len(given) > 1]
    assert live_agreement(ratings)["alpha"] == pytest.approx(AnnotationTask(triples).alpha(), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_of_each_pair_equals_scikit_learn_s(seed):
    ratings = invented_ratings(seed)
    for pair in live_agreement(ratings)["kappas"]:
        one, other = pair["annotators"]
        both = [(given[one], given[other]) for given in ratings.values() if one in given and other in given]
        first, second = zip(*both, strict=True)
        assert (pair["posts"], pair["kappa"]) == (len(both), pytest.approx(cohen_kappa_score(first, second), abs=1e-6))


def test_the_interval_holds_the_figure_and_narrows_with_more_posts():
    few, many = (live_agreement(invented_ratings(3, n_posts=n)) for n in (60, 600))
    assert few["low"] < few["alpha"] < few["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]


def test_no_agreement_is_shown_before_two_have_labelled_the_same_post():
    assert live_agreement({("t", "1"): {"ann": "favor"}, ("t", "2"): {"bob": "none"}}) is None


def test_a_single_label_everywhere_has_no_alpha():
    same = {("t", str(number)): {"ann": "none", "bob": "none"} for number in range(4)}
    assert {name: live_agreement(same)[name] for name in ("alpha", "low", "high")} == dict.fromkeys(
        ("alpha", "low", "high")
    )
