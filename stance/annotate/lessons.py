"""Where the learner's models come from: `stance.train` on the labels so far, and a finished model for the beginning.

Both are reached through the lazy front door: they bring scikit-learn, which takes seconds to load, and the page is to
open at once. They are first used in the learner's own thread.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from joblib import parallel_config

import stance
from stance.annotate.learner import Guesses, Lesson
from stance.data import LABELS, PROBABILITY_COLUMNS
from stance.errors import ModelError


def lesson(posts: pd.DataFrame, *, target: str) -> Lesson:
    """Train the text model on labelled posts with fixed settings: a person waits for it.

    Raises
    ------
    DataError
        If there are too few posts of a stance.
    """
    settings = stance.Settings(strengths=(2.0,), balanced=(True,))
    # Threads, not processes: these would be started beside a server that holds sockets and a database.
    with parallel_config(backend="threading"):
        trained = stance.train(posts, target=target, name="annotate", settings=settings)
    given = [LABELS.index(label) for label in posts["text_only"]]
    return Lesson(trained.model, trained.held_out.argmax(axis=1) == given)


def finished_model(model: str | None, target: str) -> Callable[[pd.DataFrame], Guesses]:
    """Give what reads all posts before anything was learned, in their conversation.

    Parameters
    ----------
    model : str or None
        A model's folder; by default the one that comes with stance, if it is about the same target.
    """

    def read(posts: pd.DataFrame) -> Guesses:
        try:
            loaded = stance.load_model(model)
        except ModelError:
            if model:
                raise
            return Guesses()
        if model is None and loaded.target.casefold() != target.casefold():
            return Guesses()
        labels = stance.label(posts, loaded)
        rows = labels[["thread", "post", *PROBABILITY_COLUMNS]].itertuples(index=False)
        return Guesses(loaded.id, {(row[0], row[1]): tuple(map(float, row[2:])) for row in rows})

    return read
