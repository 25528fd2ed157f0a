"""Posts to a matrix: what the model reads in a text.

A text is cut at white space into chunks; a chunk becomes tokens by itself, whatever stands around it. That is what
lets the bulk scorer remember each chunk it has seen (`stance.scorer`), and what makes the features hold on real
threads: links, user names and numbers become classes, hashtags are split into words, curly quotes are straightened and
"sooooo" is "soo". Words (with ? and !) count as 1-grams and 2-grams; characters as 2- to 5-grams within a word, which
see through endings and misspelling. Length is no feature: each block of a row has the Euclidean norm 1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: Classes of tokens that stand for too many things to be learned one by one. No word of a text can look like them.
URL, USER, NUMBER = "<url>", "<user>", "<num>"

#: A block of features: its name, and the n-gram sizes in it.
BLOCKS = ("word", "char")
WORD_SIZES = (1, 2)
CHAR_SIZES = (2, 5)

_LINK = re.compile(r"https?:|www\.|\w+://")
_MENTION = re.compile(r"@\w")
# Where the next word of a hashtag begins: a capital after a small letter.
_HASHTAG_WORD = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_TOKEN = re.compile(r"\w+(?:'\w+)*|[?!]")
_STRETCHED = re.compile(r"(\w)\1{2,}")
_DIGITS = re.compile(r"\d[\d.,]*\Z")
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'"})
# A chunk without white space has no natural end (a data URI, a language without spaces); its n-grams are read so far.
_LONGEST_CHUNK = 1000


def tokens(text: str) -> list[str]:
    """Cut a text into its tokens, in lower case.

    Examples
    --------
    >>> tokens("Sooooo @bob, #NoHuawei?! Don't buy 2 P30s: https://example.com/x")
    ['soo', '<user>', 'no', 'huawei', '?', '!', "don't", 'buy', '<num>', 'p30s', '<url>']
    """
    return [token for chunk in text.split() for token in chunk_tokens(chunk)]


@lru_cache(maxsize=1 << 16)
def chunk_tokens(chunk: str) -> tuple[str, ...]:
    """Tokens of one piece of text without white space in it."""
    if _LINK.match(chunk):
        return (URL,)
    if _MENTION.match(chunk):
        return (USER,)
    if chunk.startswith("#"):
        chunk = _HASHTAG_WORD.sub(" ", chunk)
    lowered = _STRETCHED.sub(r"\1\1", chunk[:_LONGEST_CHUNK].translate(_QUOTES).lower())
    return tuple(NUMBER if _DIGITS.match(token) else token for token in _TOKEN.findall(lowered))


def word_ngrams(read: Sequence[str]) -> list[str]:
    """1-grams and 2-grams of the tokens.

    >>> word_ngrams(tokens("No proof!"))
    ['no', 'proof', '!', 'no proof', 'proof !']
    """
    return [*read, *(f"{first} {second}" for first, second in pairwise(read))]


def char_ngrams(read: Sequence[str]) -> list[str]:
    """2- to 5-grams of characters within each token, with a space at either end, as scikit-learn's `char_wb`.

    >>> char_ngrams(tokens("ok"))
    [' o', 'ok', 'k ', ' ok', 'ok ', ' ok ']
    """
    return [ngram for token in read for ngram in token_chars(token)]


@lru_cache(maxsize=1 << 16)
def token_chars(token: str) -> tuple[str, ...]:
    """Character n-grams of one token; a class of tokens is no word and has none."""
    if token in (URL, USER, NUMBER):
        return ()
    padded = f" {token} "
    low, high = CHAR_SIZES
    sizes = range(low, min(high, len(padded)) + 1)
    return tuple(padded[start : start + size] for size in sizes for start in range(len(padded) - size + 1))


ANALYSERS: Mapping[str, Callable[[Sequence[str]], list[str]]] = {"word": word_ngrams, "char": char_ngrams}


def learn_vocabulary(texts: Iterable[str], *, min_posts: int) -> Vocabulary:
    """Collect every n-gram that stands in at least `min_posts` posts, in alphabetical order within its block."""
    seen: list[Counter[str]] = [Counter() for _ in BLOCKS]
    for text in texts:
        read = tokens(text)
        for counter, name in zip(seen, BLOCKS, strict=True):
            counter.update(set(ANALYSERS[name](read)))
    chosen = [sorted(name for name, posts in counter.items() if posts >= min_posts) for counter in seen]
    numbers = np.repeat(np.arange(len(BLOCKS)), [len(names) for names in chosen])
    return Vocabulary(tuple(name for names in chosen for name in names), numbers)


@dataclass(frozen=True)
class Vocabulary:
    """The features of a fitted model: the n-gram and the number in `BLOCKS` of each column."""

    names: tuple[str, ...]
    block: NDArray[np.int64]

    @cached_property
    def _columns(self) -> list[dict[str, int]]:
        columns: list[dict[str, int]] = [{} for _ in BLOCKS]
        for column, (name, number) in enumerate(zip(self.names, self.block, strict=True)):
            columns[number][name] = column
        return columns

    def count(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Count the known n-grams in each text; shape (n_posts, n_features)."""
        found: list[int] = []
        ends = [0]
        for text in texts:
            read = tokens(text)
            for columns, name in zip(self._columns, BLOCKS, strict=True):
                known = map(columns.get, ANALYSERS[name](read))
                found.extend(column for column in known if column is not None)
            ends.append(len(found))
        ones = np.ones(len(found))
        matrix = sp.csr_matrix((ones, np.array(found, dtype=np.int32), ends), shape=(len(texts), len(self.names)))
        matrix.sum_duplicates()
        return matrix


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one n-gram of a text adds to the logit of each stance, in the order of `LABELS`."""

    block: str
    ngram: str
    weights: tuple[float, ...]


def idf(counts: sp.csr_matrix) -> NDArray[np.float64]:
    """Smoothed inverse document frequency, scikit-learn's formula: log((1 + n) / (1 + df)) + 1."""
    n_posts, n_features = counts.shape
    frequency = np.bincount(counts.indices, minlength=n_features)
    result: NDArray[np.float64] = np.log((1 + n_posts) / (1 + frequency)) + 1
    return result


def tfidf(counts: sp.csr_matrix, weights: NDArray[np.float64], block: NDArray[np.int64]) -> sp.csr_matrix:
    """Sublinear TF-IDF: (1 + log count) x idf, each block of a row scaled to Euclidean norm 1.

    Features of weight 0 are as if they were not there.
    """
    matrix = counts.copy()
    matrix.data = (1 + np.log(matrix.data)) * weights[matrix.indices]
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    cell = row * len(BLOCKS) + block[matrix.indices]
    norm = np.sqrt(np.bincount(cell, weights=matrix.data**2, minlength=matrix.shape[0] * len(BLOCKS)))
    norm[norm == 0] = 1.0
    matrix.data /= norm[cell]
    return matrix


def batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut a long sequence, so that the matrix of one piece fits in memory."""
    return (texts[start : start + size] for start in range(0, len(texts), size))
