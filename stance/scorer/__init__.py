"""The model's arithmetic for many posts: text to logits, with no matrix in between.

It gives what `Model.logits` gives by way of a sparse matrix, to the last digits that floating point holds. Where the
time goes, and what each idea gains, is in `benchmarks/README.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from stance.features import BLOCK_WEIGHTS, Vocabulary
from stance.scorer.compiled import AVAILABLE
from stance.scorer.kernels import Floats, read_tokens, score
from stance.scorer.memo import Memo
from stance.scorer.splice import interleaved
from stance.scorer.tables import Columns, lay_out
from stance.scorer.words import made_of

__all__ = ["Scorer"]

#: Characters of one batch: its arrays stay in the processor's cache.
_BATCH = 1 << 18


class Scorer:
    """A linear model over the features of `stance.features`, laid out for speed.

    Parameters
    ----------
    vocabulary : Vocabulary
    idf : array of shape (n_features,)
    coefficients : array of shape (n_features, n_outputs)
    intercepts : array of shape (n_outputs,)

    Attributes
    ----------
    compiled : bool
        Whether Numba is installed. Without it the scorer gives the same, but far slower than a sparse matrix.

    Examples
    --------
    >>> from stance.features import Analyser, learn_vocabulary
    >>> vocabulary = learn_vocabulary(["ban it", "keep it"], Analyser(), min_posts=1)
    >>> idf, one = np.ones(len(vocabulary.names)), np.ones((len(vocabulary.names), 1))
    >>> Scorer(vocabulary, idf, one, np.zeros(1)).logits(["ban it", ""]).round(3)
    array([[6.732],
           [0.   ]])
    """

    compiled: ClassVar[bool] = AVAILABLE
    made_of = staticmethod(made_of)
    interleaved = staticmethod(interleaved)

    def __init__(self, vocabulary: Vocabulary, idf: Floats, coefficients: Floats, intercepts: Floats) -> None:
        self._model = (vocabulary, idf, coefficients, intercepts)
        self._columns = Columns.of(coefficients)
        layout = lay_out(vocabulary, idf, coefficients[:, self._columns.kept])
        self._tables = layout.tables
        self._memo = Memo(layout, vocabulary.analyser.target_names)
        self._weights = np.array(BLOCK_WEIGHTS, dtype=np.float64)
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process lays the model out anew: what this one remembers is larger than the model.
        return Scorer, self._model

    def logits(self, texts: Sequence[str]) -> Floats:
        """Outputs of the linear map; shape (n_posts, n_outputs). A post's do not depend on the posts beside it."""
        out = np.zeros((len(texts), len(self._columns.kept)))
        with self._lock:
            for start, stop in _batches(texts):
                self._score(texts[start:stop], out[start:stop])
        return self._columns.all_of(out) + self._model[3]

    def _score(self, texts: Sequence[str], out: Floats) -> None:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)))
        memo = self._memo
        found, found_ends = memo.find(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends)
        n_tokens = int((memo.chunks.read_start[found + 1] - memo.chunks.read_start[found]).sum())
        memo.make_post_room(n_tokens)
        read, read_ends = np.empty(n_tokens, dtype=np.int32), np.empty(len(texts), dtype=np.int64)
        read_tokens(found, found_ends, memo.chunks, read, read_ends)
        score(read, read_ends, memo.tokens, self._tables, memo.post, memo.stamp, self._weights, out)
        memo.stamp += len(texts)


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Cut into runs of posts with some `_BATCH` characters each; a longer post makes a run by itself."""
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    start = 0
    while start < len(texts):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _BATCH, side="right")))
        # Empty posts take no characters but do take rows.
        stop = min(stop, start + _BATCH, len(texts))
        yield start, stop
        start = stop
