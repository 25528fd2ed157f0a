"""Tweets toward five targets: TweetEval stance and SemEval-2016 Task 6A, read on their official test.

One model a target: words, characters and edges as everywhere in stance, and four numbers of a sentiment lexicon. What
the design is was chosen by cross-validation on train and validation; `README.md` beside this file lists what was tried.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.measures import Measure, Tell, find, mean_f1_of_sides
from stance import features
from stance.corpora import read_corpus
from stance.data import LABELS
from stance.train import Corpus, Task, as_csr, fit_head, label_numbers

STRENGTH = 2.0
SENTIMENT_WEIGHT = 0.3
#: The tag that the organisers put on every tweet.
_ORGANISERS_TAG = "#SemST"


def measure_tweeteval(data: Path | None, tell: Tell) -> list[Measure]:
    """F_avg on TweetEval's test, pooled as its script does and as the mean over targets."""
    path = find(data, "tweeteval_stance.csv")
    if path is None:
        tell("no tweeteval_stance.csv")
        return []
    pooled, by_target = official_test(read_corpus(path, "tweeteval"))
    tell("tweeteval: " + "  ".join(f"{target} {value:.3f}" for target, value in by_target.items()))
    return [
        Measure("tweeteval_pooled", "TweetEval stance test: F_avg pooled", pooled),
        Measure("tweeteval_mean", "TweetEval stance test: F_avg, mean over targets", fmean(by_target.values())),
    ]


def measure_semeval(data: Path | None, tell: Tell) -> list[Measure]:
    """F_avg on the test of SemEval-2016 Task 6A, pooled as its script does."""
    path = find(data, "semeval2016.csv")
    if path is None:
        tell("no semeval2016.csv")
        return []
    posts = read_corpus(path, "semeval2016")
    pooled, _ = official_test(posts[posts["split"] != "test_B"].reset_index(drop=True))
    return [Measure("semeval2016_pooled", "SemEval-2016 Task 6A test: F_avg pooled", pooled)]


def official_test(posts: pd.DataFrame) -> tuple[float, dict[str, float]]:
    """Learn from all other splits, read `test`: F_avg pooled, and of each target."""
    held_out = (posts["split"] == "test").to_numpy()
    given = predict(posts, np.flatnonzero(~held_out), np.flatnonzero(held_out))
    test = posts[held_out]
    gold, target = test["stance"].to_numpy(dtype=str), test["target"].to_numpy(dtype=str)
    each = {name: mean_f1_of_sides(gold[target == name], given[target == name]) for name in np.unique(target)}
    return mean_f1_of_sides(gold, given), each


def predict(posts: pd.DataFrame, train: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.str_]:
    """Labels of the posts in `test`, each from the model of its target."""
    texts = [text.replace(_ORGANISERS_TAG, "") for text in posts["text"]]
    # No target names: "hillaryclinton" and "god" say more as words than as one class.
    vocabulary = features.learn_vocabulary([texts[row] for row in train], features.Analyser(), min_posts=1)
    corpus = Corpus(as_csr(vocabulary.find(texts)), vocabulary.block, 1)
    _, words = corpus.matrix(train)
    matrix = sp.hstack([words, sp.csr_matrix(SENTIMENT_WEIGHT * sentiment(list(posts["text"])))]).tocsr()
    classes, target = label_numbers(posts, "stance"), posts["target"].to_numpy()
    outputs = np.zeros((len(posts), len(LABELS)))
    for name in np.unique(target):
        of_target = np.flatnonzero(target == name)
        learned = np.intersect1d(train, of_target)
        head = fit_head(matrix, Task(learned, classes[learned], len(LABELS)), STRENGTH)
        outputs[of_target] = head.apply(matrix[of_target])
    return np.array(LABELS)[outputs[test].argmax(axis=1)]


def sentiment(texts: list[str]) -> NDArray[np.float64]:
    """Shares of positive and negative words, their sum, and its size (VADER, Hutto and Gilbert 2014)."""
    found = map(SentimentIntensityAnalyzer().polarity_scores, texts)
    return np.array([[each["pos"], each["neg"], each["compound"], abs(each["compound"])] for each in found])
