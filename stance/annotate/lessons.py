"""Where the guesses come from: a finished model for the beginning, then `stance.train` on the labels so far.

Both are reached through the lazy front door: they bring scikit-learn, which takes seconds to load.
"""

from __future__ import annotations

import pandas as pd
from joblib import parallel_config

import stance
from stance.annotate.learner import Guesses, Lesson
from stance.data import LABELS, PROBABILITY_COLUMNS
from stance.errors import ModelError


def lesson(labelled: pd.DataFrame, posts: pd.DataFrame, *, target: str) -> Lesson:
    """Train the text model, with fixed settings and without the conversation: a person waits for it.

    Parameters
    ----------
    labelled : DataFrame
        A posts table with `stance` and `text_only`.
    posts : DataFrame
        What the model is to read then.

    Raises
    ------
    DataError
        If there are too few posts of a stance.
    """
    settings = stance.Settings(strengths=(1.0,), folds=5)
    # Without parents and authors there is no conversation to fit, which takes most of the time.
    alone = labelled.assign(parent=None, author=None)
    # Threads: processes would cost more to start than a lesson takes.
    with parallel_config(backend="threading"):
        trained = stance.train(alone, target=target, name="annotate", settings=settings)
    given = [LABELS.index(label) for label in labelled["text_only"]]
    values = trained.model.predict_proba(list(posts["text"]))
    return Lesson(_guesses(trained.model.id, posts, values.tolist()), trained.held_out.argmax(axis=1) == given)


def first_guesses(posts: pd.DataFrame, *, model: str | None, target: str) -> Guesses:
    """Let a finished model read all posts in their conversation.

    Parameters
    ----------
    model : str or None
        A model's folder; by default the one that comes with stance, if it is about the same target.
    """
    try:
        loaded = stance.load_model(model)
    except ModelError:
        if model:
            raise
        return Guesses()
    if model is None and loaded.target.casefold() != target.casefold():
        return Guesses()
    labels = stance.label(posts, loaded)
    return _guesses(loaded.id, posts, labels[list(PROBABILITY_COLUMNS)].to_numpy(dtype=float).tolist())


def _guesses(model: str, posts: pd.DataFrame, values: list[list[float]]) -> Guesses:
    keys = zip(posts["thread"], posts["post"], strict=True)
    return Guesses(model, {key: tuple(row) for key, row in zip(keys, values, strict=True)})
