"""What a model has to beat: always the commonest label, and a sentiment lexicon that knows nothing of the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from stance.data import LABELS

#: Beyond these a text counts as positive or negative, as VADER's authors advise (Hutto and Gilbert 2014).
_POSITIVE, _NEGATIVE = 0.05, -0.05


def majority(gold: Sequence[str]) -> list[str]:
    """Give each post the commonest label of `gold` itself: the best that a constant answer can do on these posts."""
    counts = Counter(gold)
    return [max(LABELS, key=counts.__getitem__)] * len(gold)


def lexicon(texts: Iterable[str]) -> list[str]:
    """Take positive words for favor and negative ones for against (VADER), else none.

    Examples
    --------
    >>> lexicon(["What a great phone, I love it", "A terrible, ugly lie", "It has a screen"])
    ['favor', 'against', 'none']
    """
    return [_side(_analyzer().polarity_scores(text)["compound"]) for text in texts]


def _side(compound: float) -> str:
    if compound >= _POSITIVE:
        return "favor"
    return "against" if compound <= _NEGATIVE else "none"


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
