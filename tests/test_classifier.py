"""The classifier keeps scikit-learn's contract, and is the linear map inside a trained model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from stance.classifier import StanceClassifier
from stance.model import head
from stance.train import label_numbers


class OfNumbers(StanceClassifier):
    """The same for rows of numbers, each written out as a word: scikit-learn's checks have nothing else to give."""

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        return super().fit(_written(X), y)

    def _outputs(self, X):
        check_is_fitted(self)
        return super()._outputs(_written(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = False, True
        return tags


def _written(rows):
    return [" ".join(map(_word, range(len(row)), row)) for row in rows]


def _word(column, value):
    return f"c{column}{'p' if value > 0 else 'm'}{round(abs(value))}"


@parametrize_with_checks([OfNumbers(min_posts=1)])
def test_scikit_learns_own_checks_hold(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def texts(small_corpus):
    return list(small_corpus["text"])


@pytest.fixture(scope="module")
def stances(small_corpus):
    return list(small_corpus["stance"])


def test_it_is_the_text_head_of_a_trained_model_before_calibration(small_corpus, small_model, texts):
    numbers = label_numbers(small_corpus, "stance")
    learned = StanceClassifier(("huawei",), strength=1.0).fit(texts, numbers)
    shipped = head(small_model.coefficients, "text")
    scale = np.linalg.norm(shipped) / np.linalg.norm(learned.coef_)
    assert_allclose(learned.coef_ * scale, shipped, atol=1e-5)


def test_settings_are_chosen_on_threads_held_out(small_corpus, texts, stances):
    search = GridSearchCV(StanceClassifier(("huawei",)), {"strength": [0.1, 1.0]}, cv=GroupKFold(3))
    search.fit(texts, stances, groups=small_corpus["thread"])
    assert set(search.best_estimator_.classes_) == {"favor", "against", "none"}
    assert search.best_score_ > 0.6


def test_probabilities_of_each_post_sum_to_one(texts, stances):
    found = cross_val_predict(StanceClassifier(), texts, stances, cv=3, method="predict_proba")
    assert found.shape == (len(texts), 3)
    assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("given", "labels", "message"),
    [
        ("one text", ["favor"], "one text; give a list of texts"),
        ([], [], "no texts"),
        (["a", None], ["favor", "none"], "text 1 is NoneType, not a string"),
        (["a", "b"], ["favor", "favor"], "one class, 'favor': a classifier needs two"),
    ],
)
def test_what_cannot_be_learned_from_is_said(given, labels, message):
    with pytest.raises(ValueError) as error:
        StanceClassifier().fit(given, labels)
    assert str(error.value) == message
