"""The words alone as a scikit-learn classifier, for its cross-validation, grid search and learning curves.

`stance.train` makes a model that is calibrated, reads the conversation and can be saved; this is the linear map inside
it, for whoever wants to try settings, features or splits with scikit-learn's own tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from stance.conversation import log_softmax
from stance.features import Analyser, learn_vocabulary, tfidf
from stance.train import Corpus, Task, as_csr, fit_head

Floats = NDArray[np.float64]


class StanceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """TF-IDF of the n-grams of `stance.features` and a logistic regression in which each class weighs the same.

    Parameters
    ----------
    target_names : sequence of str
        How the target's name begins, in lower case, with its misspellings.
    strength : float
        C, the inverse of the regularisation strength.
    min_posts : int
        An n-gram in fewer training posts is no feature.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels that `fit` was given, sorted; any labels will do.
    vocabulary_ : stance.features.Vocabulary
    idf_ : array of shape (n_features,)
    coef_ : array of shape (n_features, n_classes)
    intercept_ : array of shape (n_classes,)

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> texts, stances = ["they spy on us", "a great phone"] * 6, ["against", "favor"] * 6
    >>> cross_val_score(StanceClassifier(min_posts=1), texts, stances, cv=3)
    array([1., 1., 1.])
    """

    def __init__(self, target_names: Sequence[str] = (), *, strength: float = 0.5, min_posts: int = 2) -> None:
        self.target_names = target_names
        self.strength = strength
        self.min_posts = min_posts

    def fit(self, X: Iterable[str], y: ArrayLike) -> StanceClassifier:
        """Learn from texts and their labels.

        Parameters
        ----------
        X : iterable of str
        y : array of shape (n_posts,)

        Raises
        ------
        ValueError
            If a text is no string, labels are missing, or there are fewer than two.
        """
        texts = _checked(X)
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        check_consistent_length(texts, labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"one class, {self.classes_.tolist()[0]!r}: a classifier needs two")
        vocabulary = learn_vocabulary(texts, Analyser(tuple(self.target_names)), min_posts=self.min_posts)
        everything = np.arange(len(texts))
        corpus = Corpus(as_csr(vocabulary.find(texts)), vocabulary.block, self.min_posts)
        self.vocabulary_ = vocabulary
        self.idf_, matrix = corpus.matrix(everything)
        head = fit_head(matrix, Task(everything, numbers, len(self.classes_)), self.strength)
        # Of two classes scikit-learn fits the second alone, against zeros for the first.
        padding = len(self.classes_) - len(head.intercepts)
        self.coef_ = np.pad(head.coefficients, ((0, 0), (padding, 0)))
        self.intercept_ = np.pad(head.intercepts, (padding, 0))
        return self

    def decision_function(self, X: Iterable[str]) -> Floats:
        """Log-odds up to a constant a post; shape (n_posts, n_classes), of two classes (n_posts,) for the second."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def predict_log_proba(self, X: Iterable[str]) -> Floats:
        """Logarithms of `predict_proba`."""
        return log_softmax(self._outputs(X))

    def predict_proba(self, X: Iterable[str]) -> Floats:
        """Probabilities, not calibrated; shape (n_posts, n_classes), columns as `classes_`, rows sum to 1."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Return the most probable label of each post."""
        best = self._outputs(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def _outputs(self, texts: Iterable[str]) -> Floats:
        check_is_fitted(self)
        found = self.vocabulary_.find(_checked(texts))
        result: Floats = tfidf(found, self.idf_, self.vocabulary_.block) @ self.coef_ + self.intercept_
        return result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _checked(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise ValueError("one text; give a list of texts")
    found = list(texts)
    for place, text in enumerate(found):
        if not isinstance(text, str):
            raise ValueError(f"text {place} is {type(text).__name__}, not a string")
    if not found:
        raise ValueError("no texts")
    return found
