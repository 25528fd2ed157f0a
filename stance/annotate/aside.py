"""A process beside the server for what would hold up its answers: loading scikit-learn, and training.

Measured with 8 annotators at once: in the server's own process, 3 % of the answers took longer than 100 ms and one
1.3 s, since loading and tokenising hold Python's lock. The two processes talk in JSON, one line a question and one an
answer; the one beside ends when its standard input does, also where the server was killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from stance.annotate.learner import Guesses, Lesson
from stance.errors import DataError

#: What a model reads of a post, and what it learns from.
_COLUMNS = ("thread", "post", "parent", "parent_candidates", "author", "posted_at", "text", "stance", "text_only")

_ENVIRONMENT = {
    # Two threads that wait for each other on two busy cores took 22 s for what one does in 2 s.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # A training nobody asked for shows no bar.
    "TQDM_DISABLE": "1",
}


class Aside:
    """The process beside, seen from the server: `lesson` and `first_guesses` as in `stance.annotate.lessons`."""

    def __init__(self, *, model: str | None, target: str) -> None:
        self._about = {"model": model, "target": target}
        self._process: subprocess.Popen[bytes] | None = None
        self._starting, self._asking = threading.Lock(), threading.Lock()
        self._closed = False

    def first_guesses(self, posts: pd.DataFrame) -> Guesses:
        """What the finished model thinks."""
        answer = self._ask({"posts": _rows(posts)})
        return _guesses(answer, posts)

    def lesson(self, labelled: pd.DataFrame, posts: pd.DataFrame) -> Lesson:
        """Learn from what was labelled and read all posts."""
        answer = self._ask({"labelled": _rows(labelled), "posts": _rows(posts)})
        return Lesson(_guesses(answer, posts), np.array(answer["right"], dtype=bool))

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._asking:
            process = self._running()
            assert process.stdin is not None and process.stdout is not None  # noqa: S101 - for the type checker
            try:
                process.stdin.write(json.dumps({**question, **self._about}).encode() + b"\n")
                process.stdin.flush()
                answer: dict[str, Any] = json.loads(process.stdout.readline())
            except (OSError, ValueError) as error:
                self._process = None
                _end(process)
                raise DataError("the process beside ended before it answered", fix="see the terminal") from error
        if "error" in answer:
            raise DataError(answer["error"])
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._closed:
                raise DataError("the server is closing")
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", "from stance.annotate.lessons import answer_questions; answer_questions()"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
                    # Ctrl-C is the server's to answer.
                    start_new_session=True,
                )
            return self._process

    def close(self) -> None:
        """End the process, whatever it is at."""
        with self._starting:
            self._closed = True
            process = self._process
        if process:
            process.kill()
            # Whoever is still asking hears the end of the answers, and lets go of the pipes.
            with self._asking:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        # A pipe whose reader is gone cannot be flushed, and need not be.
        with suppress(OSError):
            if pipe:
                pipe.close()


def _rows(posts: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [name for name in _COLUMNS if name in posts.columns]
    rows: list[dict[str, Any]] = posts[columns].to_dict("records")  # type: ignore[assignment]
    return rows


def _guesses(answer: dict[str, Any], posts: pd.DataFrame) -> Guesses:
    keys = zip(posts["thread"], posts["post"], strict=True)
    # No probabilities at all: there is no model to begin with.
    return Guesses(answer["model"], dict(zip(keys, map(tuple, answer["probabilities"]), strict=False)))
