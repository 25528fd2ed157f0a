"""The process beside the server: where the guesses come from, for the beginning and after every N labels.

A finished model reads all posts in their conversation and is told the labels given so far: what a person has said of a
post is certain, and its author's other posts and its replies hear of it. Where no model is about the target, what the
words say is learned from these labels alone; how people agree and stay on their side is taken from the model that comes
with stance, since that has little to do with the target.

Only the process beside imports this module. Training is reached through the lazy front door: it brings scikit-learn,
which takes seconds to load and is not needed where there is a finished model.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config
from numpy.typing import NDArray

import stance
from stance.annotate.learner import Guesses, Lesson
from stance.annotate.queue import Key
from stance.conversation import Evidence, conversation_graph, infer
from stance.data import LABELS, posts_table
from stance.errors import DataError, ModelError, StanceError
from stance.labelling import EMPTY, label_posts
from stance.model import Model
from stance.workflow import load_model

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Log-odds against the stances that a person has ruled out: beyond what any neighbours can outvote.
_CERTAIN = 40.0

#: Labels are held back in so many parts, to see how right the guesses are where nobody has labelled.
_FOLDS = 5


def lesson(labelled: pd.DataFrame, posts: pd.DataFrame, *, finished: Model | None, talk: Model, target: str) -> Lesson:
    """Learn from the labels so far, and read all posts again.

    Parameters
    ----------
    labelled : DataFrame
        A posts table with `stance` and `text_only`.
    posts : DataFrame
        What is to be read then.
    finished : Model or None
        A model about the target; without one, what words say is learned from the labels.
    talk : Model
        Whose view of conversations is taken where there is no finished model.

    Raises
    ------
    DataError
        If there are no labels yet, or, without a finished model, too few posts of a stance.
    """
    if labelled.empty:
        raise DataError("there are no labels yet", fix="label a few posts")
    known = _label_numbers(labelled, posts)
    if finished:
        return _tell(_reading(finished, posts), finished.id, known, posts)
    words, name = _learned_words(labelled, posts, target)
    evidence = Evidence(words, words, talk.evidence(list(posts["text"])).relation)
    return _tell(Reading(evidence, talk, posts), name, known, posts)


@cache
def finished_model(model: str | None, target: str) -> Model | None:
    """The model in that folder, or the one that comes with stance where it is about the same target."""
    try:
        loaded = load_model(model)
    except ModelError:
        if model:
            raise
        return None
    return loaded if model or loaded.target.casefold() == target.casefold() else None


def first_guesses(posts: pd.DataFrame, finished: Model | None) -> Guesses:
    """Let a finished model read all posts in their conversation; no guesses where there is none."""
    if finished is None:
        return Guesses()
    nothing = np.full(len(posts), -1, dtype=np.int64)
    return _guesses(finished.id, posts, _reading(finished, posts).told(nothing))


class Reading:
    """All posts before any label is told: what their words say, and a model's view of conversations."""

    def __init__(self, evidence: Evidence, model: Model, posts: pd.DataFrame) -> None:
        self._evidence, self._couplings = evidence, model.couplings
        self._graph = conversation_graph(posts)
        # Words that are gone say nothing, and tell neighbours nothing.
        self._gone = label_posts(posts, model)["reason"].eq(EMPTY).to_numpy(dtype=bool)

    def told(self, known: Ints) -> Floats:
        """Probabilities of shape (n_posts, 3), given label numbers, -1 where a post has none."""
        probabilities = infer(self._graph, self._heard(known), self._couplings)
        probabilities[self._gone & (known < 0)] = np.eye(len(LABELS))[LABELS.index("none")]
        return probabilities

    def _heard(self, known: Ints) -> Evidence:
        """Words, and in their place the labels that are certain."""
        parts = (self._evidence.text, self._evidence.meaning, self._evidence.relation)
        text, meaning, relation = (np.where(self._gone[:, None], 0.0, part) for part in parts)
        said = np.flatnonzero(known >= 0)
        # Both parts speak for the label, so that it is certain however the couplings divide weight between them.
        certain = np.where(np.eye(len(LABELS), dtype=bool)[known[said]], 0.0, -_CERTAIN)
        text[said] = meaning[said] = certain / (1.0 + self._couplings.text + self._couplings.meaning)
        return Evidence(text, meaning, relation)


def _reading(model: Model, posts: pd.DataFrame) -> Reading:
    return Reading(model.evidence(list(posts["text"])), model, posts)


def _tell(reading: Reading, model: str, known: Ints, posts: pd.DataFrame) -> Lesson:
    """Tell the labels; the guess beside a label, and the curve, must not know that label, so each is held back once."""
    probabilities = reading.told(known)
    rows = np.flatnonzero(known >= 0)
    order = np.random.default_rng(0).permutation(rows)
    for held_back in (order[start::_FOLDS] for start in range(min(_FOLDS, len(order)))):
        others = known.copy()
        others[held_back] = -1
        probabilities[held_back] = reading.told(others)[held_back]
    digest = hashlib.blake2b(known.tobytes(), digest_size=4).hexdigest()
    right = probabilities[rows].argmax(axis=1) == known[rows]
    return Lesson(_guesses(f"{model}+{len(rows)}-{digest}", posts, probabilities), right)


def _label_numbers(labelled: pd.DataFrame, posts: pd.DataFrame) -> Ints:
    given = dict(zip(_keys(labelled), labelled["stance"], strict=True))
    return np.array([LABELS.index(given[key]) if key in given else -1 for key in _keys(posts)], dtype=np.int64)


def _learned_words(labelled: pd.DataFrame, posts: pd.DataFrame, target: str) -> tuple[Floats, str]:
    """Learn what words say, with fixed settings and without the conversation: a person waits for it.

    Returns
    -------
    array of shape (n_posts, 3), str
        Log-probabilities of the stances by the words of each post, and the model's id.
    """
    settings = stance.Settings(strengths=(1.0,), folds=_FOLDS)
    # Without parents and authors there is no conversation to fit, which takes most of the time.
    alone = labelled.assign(parent=None, author=None)
    # Threads: processes would cost more to start than a lesson takes.
    with parallel_config(backend="threading"):
        trained = stance.train(alone, target=target, name="annotate", settings=settings)
    words = trained.model.predict_log_proba(list(posts["text"]))
    # A model is too sure of the posts that it has learned.
    place = {key: row for row, key in enumerate(_keys(posts))}
    words[[place[key] for key in _keys(labelled)]] = np.log(trained.held_out)
    return words, trained.model.id


def _keys(posts: pd.DataFrame) -> list[Key]:
    return list(zip(posts["thread"], posts["post"], strict=True))


def _guesses(model: str, posts: pd.DataFrame, values: Floats) -> Guesses:
    return Guesses(model, {key: tuple(row) for key, row in zip(_keys(posts), values.tolist(), strict=True)})


def answer_questions() -> None:
    """Answer `stance.annotate.aside`: one line in, one line out, until the input ends."""
    answers = sys.stdout
    # Whatever a library prints must not end up between the answers.
    sys.stdout = sys.stderr
    if hasattr(os, "nice"):
        os.nice(10)
    for line in sys.stdin:
        if not line.endswith("\n"):
            return  # the server was killed in the middle of a question
        try:
            print(json.dumps(_answer(json.loads(line))), file=answers, flush=True)
        except BrokenPipeError:
            os._exit(0)  # the server ended while we worked; nobody is left to be told


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    posts, target = posts_table(question["posts"]), question["target"]
    try:
        finished = finished_model(question["model"], target)
        if "labelled" not in question:
            return _reply(first_guesses(posts, finished))
        labelled = posts_table(question["labelled"])
        found = lesson(labelled, posts, finished=finished, talk=finished or load_model(None), target=target)
        return _reply(found.guesses) | {"right": found.right.tolist()}
    except StanceError as error:
        return {"error": error.problem}


def _reply(guesses: Guesses) -> dict[str, Any]:
    return {"model": guesses.model, "probabilities": list(guesses.probabilities.values())}
