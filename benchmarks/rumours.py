"""Rumours on Twitter and Reddit (RumourEval 2019 task A): does a post support, deny, query or comment?

Words, and cues of where a post stands and how it speaks, in one logistic regression. What the design is was chosen by
cross-validation on train and validation with threads kept apart; `README.md` beside this file lists what was tried.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.measures import Measure, Tell, find
from stance import features
from stance.corpora import read_corpus
from stance.train import Corpus, as_csr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES = ("support", "deny", "query", "comment")
STRENGTH = 0.25
CUE_WEIGHT = 0.3
#: How much of the classes' shares, which equal class weights take out, is put back.
PRIOR = 0.2

#: Ways of speaking, each a cue.
SPEECH = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\?",
        r"!",
        r"https?:|www\.",
        r"#",
        r"@",
        r"\.\.\.",
        r"\?\W*\Z",
        r"\A\Z",
        r"\b(not|no|never|cannot|nothing|none)\b|n't\b",
        r"\b(false|fake|lies?|liar|lying|wrong|hoax|untrue|bullshit|bs|debunk\w*|rumou?rs?|incorrect|misleading|nonsense"
        r"|propaganda|photoshop\w*|myth)\b",
        r"\b(true|confirm(ed)?|yes|indeed|agree|exactly|correct|right|source|report\w*|breaking|according)\b",
        r"\b(is (it|this)|are you|really|who|what|where|when|why|how|source|any|proof|evidence|confirm\w*)\b",
    )
)
_QUESTION, _LINK = 0, 2


def measure_rumours(data: Path | None, tell: Tell) -> list[Measure]:
    """Macro-F1 of the four classes on the official test, learned from train and validation."""
    path = find(data, "rumoureval2019.csv")
    if path is None:
        tell("no rumoureval2019.csv")
        return []
    posts = read_corpus(path, "rumoureval2019")
    held_out = (posts["split"] == "test").to_numpy()
    classes = np.array([CLASSES.index(label) for label in posts["label"]])
    given = predict(posts, classes, np.flatnonzero(~held_out))[held_out]
    each = f1_score(classes[held_out], given, average=None, labels=range(len(CLASSES)))
    tell("rumoureval: " + "  ".join(f"{name} {value:.3f}" for name, value in zip(CLASSES, each, strict=True)))
    return [Measure("rumoureval_macro_f1", "RumourEval 2019 test: macro-F1 of 4 classes", float(each.mean()))]


def predict(posts: pd.DataFrame, classes: Ints, train: Ints) -> Ints:
    """Class of every post, learned from those in `train`."""
    texts = list(posts["text"])
    vocabulary = features.learn_vocabulary([texts[row] for row in train], features.Analyser(), min_posts=2)
    _, words = Corpus(as_csr(vocabulary.find(texts)), vocabulary.block, 2).matrix(train)
    found = cues(posts, words[:, vocabulary.block == features.BLOCKS.index("word")])
    spread = found[train].std(axis=0)
    scaled = CUE_WEIGHT * (found - found[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    matrix = sp.hstack([words, sp.csr_matrix(scaled)]).tocsr()
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", tol=1e-4, max_iter=300)
    model.fit(matrix[train], classes[train])
    share = np.bincount(classes[train], minlength=len(CLASSES)) / len(train)
    result: Ints = (model.predict_proba(matrix) * share**PRIOR).argmax(axis=1)
    return result


def cues(posts: pd.DataFrame, words: sp.csr_matrix) -> Floats:
    """Where each post stands in its thread, how it speaks, and how near it is to what it answers."""
    parent, root = _rows(posts, posts["parent"]), _rows(posts, posts["thread"])
    depth = depths(parent)
    texts = list(posts["text"])
    speech = np.array([[bool(pattern.search(text)) for pattern in SPEECH] for text in texts], dtype=float)
    analyser = SentimentIntensityAnalyzer()
    found = map(analyser.polarity_scores, texts)
    sentiment = np.array([[each["pos"], each["neg"], each["compound"]] for each in found])
    twitter = (posts["source"] == "twitter").to_numpy(dtype=float)
    source = (depth == 0).astype(float)
    question, link = speech[:, _QUESTION], speech[:, _LINK]
    author = posts["author"].to_numpy()
    columns = [
        *(depth == level for level in range(3)),
        depth >= 3,
        np.log1p(depth),
        twitter,
        *(twitter * other for other in (source, question, link)),
        *(source * other for other in (question, link)),
        *speech.T,
        *sentiment.T,
        [text.count("?") for text in texts],
        [text.isupper() for text in texts],
        np.log1p([len(text.split()) for text in texts]),
        np.log1p(np.bincount(parent[parent >= 0], minlength=len(posts))),
        *(_of(place, author[place] == author) for place in (parent, root)),
        *(_of(place, np.asarray(words.multiply(words[place]).sum(axis=1)).ravel()) for place in (parent, root)),
        *(_of(parent, other[parent]) for other in (question, source, sentiment[:, 2])),
        *(_of(root, other[root]) for other in (question, link)),
    ]
    return np.column_stack(columns).astype(float)


def _rows(posts: pd.DataFrame, names: pd.Series) -> Ints:
    """Row of the post of that name in the same thread, -1 where there is none."""
    row_of = {key: row for row, key in enumerate(zip(posts["thread"], posts["post"], strict=True))}
    return np.array([row_of.get(key, -1) for key in zip(posts["thread"], names, strict=True)], dtype=np.int64)


def _of(place: Ints, values: Floats) -> Floats:
    return np.where(place >= 0, values, 0.0)


def depths(parent: Ints) -> Ints:
    """How many posts stand above each one, for at most 50 levels.

    >>> depths(np.array([-1, 0, 1, 0]))
    array([0, 1, 2, 1])
    """
    depth, above = np.zeros(len(parent), dtype=np.int64), parent
    for _ in range(50):
        depth += above >= 0
        above = np.where(above >= 0, parent[above], -1)
    return depth
