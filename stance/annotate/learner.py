"""The model that learns while a person labels: in the background, every N labels, and how good it has become."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.annotate.consensus import majority, ratings
from stance.annotate.queue import Key
from stance.annotate.store import Round, Store
from stance.data import LABELS
from stance.errors import StanceError

Floats = NDArray[np.float64]

_LOG = logging.getLogger("stance")


@dataclass(frozen=True)
class Guesses:
    """What one model thinks of every post."""

    model: str | None = None
    probabilities: Mapping[Key, tuple[float, ...]] = field(default_factory=dict)

    def of(self, key: Key) -> dict[str, object] | None:
        """The guess for one post as the page shows it, or None."""
        values = self.probabilities.get(key)
        if values is None:
            return None
        best = max(range(len(LABELS)), key=values.__getitem__)
        return {"stance": LABELS[best], "probability": round(values[best], 3), "model": self.model}


@dataclass(frozen=True)
class Lesson:
    """What a training gave.

    Attributes
    ----------
    right : bool array of shape (n_labelled,)
        Whether each labelled post was labelled rightly by a model that had not seen it.
    """

    guesses: Guesses
    right: NDArray[np.bool_]


#: Labelled posts (with `stance` and `text_only`) and all posts, to a lesson.
Fit = Callable[[pd.DataFrame, pd.DataFrame], Lesson]

#: All posts to what a finished model thinks of them.
First = Callable[[pd.DataFrame], Guesses]


class Learner:
    """Retrains in a thread of its own; `guesses` always holds the latest finished one.

    Parameters
    ----------
    fit : callable or None
        Labelled posts to a `Lesson`; may refuse too few labels with a DataError. None: nothing is trained.
    every : int
        How many labels make a new training worth while.
    first : callable, optional
        Guesses before the first training, by a model that is finished.
    """

    def __init__(self, store: Store, fit: Fit | None, *, every: int = 25, first: First | None = None) -> None:
        self.guesses = Guesses()
        self.waiting_for: str | None = None
        self._store, self._fit, self._every, self._first = store, fit, every, first
        self._new = 0
        self._wake = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="stance-learner", daemon=True)

    def start(self) -> None:
        """Begin; labels of an earlier session are learned from at once."""
        # Read here, not in the thread: asked to end at once, the store might close while the thread reads it.
        self._posts = self._store.posts()
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Ask the thread to end, and wait for a training that is under way, at most so many seconds."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        self._thread.join(timeout)

    def notice(self, labels: int) -> None:
        """Hear of new labels."""
        with self._wake:
            self._new += labels
            if self._new >= self._every:
                self._wake.notify_all()

    def _run(self) -> None:
        self._learn_or_say_why(self._posts, self._begin)
        while self._fit and self._wait():
            self._learn_or_say_why(self._posts, self.learn)

    def _begin(self, posts: pd.DataFrame) -> None:
        if self._first:
            self.guesses = self._first(posts)
        if self._fit:
            self.learn(posts)

    def _wait(self) -> bool:
        with self._wake:
            self._wake.wait_for(lambda: self._stopped or self._new >= self._every)
            self._new = 0
            return not self._stopped

    def _learn_or_say_why(self, posts: pd.DataFrame, learn: Callable[[pd.DataFrame], None]) -> None:
        try:
            learn(posts)
            self.waiting_for = None
        except StanceError as error:
            self.waiting_for = error.problem
        except Exception as error:
            # Once stopped, the database may have been closed under a training's feet.
            if self._stopped and isinstance(error, sqlite3.ProgrammingError):
                return
            # A bug in a training must not end the labelling; it goes to stderr with its traceback.
            _LOG.exception("the model could not be trained")
            self.waiting_for = "the training failed (see the terminal)"

    def learn(self, posts: pd.DataFrame) -> None:
        """Train once on what everybody has labelled so far, and read all posts again."""
        if self._fit is None:
            return
        table = labelled(posts, self._store)
        rounds = self._store.rounds()
        lesson = self._fit(table, posts)
        self.guesses = lesson.guesses
        model = str(lesson.guesses.model)
        if not rounds or rounds[-1].model != model:
            accuracy, error = share(lesson.right)
            self._store.add_round(Round(model, len(table), accuracy, error))


def labelled(posts: pd.DataFrame, store: Store) -> pd.DataFrame:
    """Posts with the labels that most annotators gave, ties and unlabelled posts left out.

    `text_only` is filled with the stance where nobody judged the words alone, and the other way round.
    """
    standing = store.standing()
    stances, alone = (majority(ratings(standing, kind)) for kind in ("stance", "text_only"))
    keys = list(zip(posts["thread"], posts["post"], strict=True))
    table = posts.assign(
        stance=pd.Series([stances.get(key, alone.get(key)) for key in keys], dtype=object),
        text_only=pd.Series([alone.get(key, stances.get(key)) for key in keys], dtype=object),
    )
    return table[table["stance"].notna()].reset_index(drop=True)


def share(right: NDArray[np.bool_]) -> tuple[float, float]:
    """Share of right labels and its standard error (binomial), both 0 to 1.

    >>> share(np.array([True, True, True, False]))
    (0.75, 0.217)
    """
    accuracy = float(np.mean(right))
    return round(accuracy, 4), round(math.sqrt(accuracy * (1 - accuracy) / len(right)), 3)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What more labels would bring.

    Attributes
    ----------
    now : float
        Accuracy by the fitted curve, 0 to 1.
    gain : float
        The step that was asked for, 0 to 1.
    more : int or None
        About how many more labels it takes; None if no number of them would do, as far as the curve tells.
    """

    now: float
    gain: float
    more: int | None


def forecast(rounds: Sequence[Round], gain: float = 0.02) -> Forecast | None:
    """Fit accuracy = a - b / sqrt(labels) and read off how many labels more accuracy takes.

    The inverse power law of Figueroa et al. 2012 ("Predicting sample size required for classification performance"),
    least squares weighted by the standard errors. The exponent is held at 1/2: a few noisy rounds do not tell three
    parameters apart.

    Returns
    -------
    Forecast or None
        None for fewer than three rounds, or where accuracy has not risen.

    Examples
    --------
    >>> rounds = [Round("m", n, 0.8 - 2 / n ** 0.5, 0.02) for n in (50, 100, 200)]
    >>> forecast(rounds, gain=0.02)
    Forecast(now=0.659, gain=0.02, more=71)
    """
    points = [(done.labels, done.accuracy, done.error) for done in rounds if done.accuracy is not None]
    if len({labels for labels, _, _ in points}) < 3:
        return None
    labels, accuracy, error = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    slope, limit = np.polyfit(labels**-0.5, accuracy, 1, w=1 / np.maximum(error, 0.01))
    if slope >= 0:
        return None
    now = float(limit + slope * labels[-1] ** -0.5)
    wanted = limit - (now + gain)
    more = round((slope / wanted) ** 2 - labels[-1]) if wanted > 0 else None
    # Beyond a hundred times what is there, the curve says nothing.
    return Forecast(round(now, 3), gain, more if more is not None and more < 100 * labels[-1] else None)
