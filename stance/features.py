"""Posts to a matrix: what the model reads in a text.

A text is cut at white space into chunks; a chunk becomes tokens by itself, whatever stands around it. That is what
lets a bulk scorer remember each chunk that it has seen. What stands for too many things to be learned one by one
becomes a class: links, user names, numbers, and the target under all its spellings. Hashtags are split into words,
curly quotes straightened, and "sooooo" is "soo".

Four blocks of features, each of which says only whether something is there (counting it again taught nothing):

- `word`: 1-grams and 2-grams of tokens, with ? and !;
- `char`: 2- to 5-grams of characters within a token, which see through endings and misspelling;
- `edge`: how the text opens (1 to 3 tokens) and closes (1 to 2), where replies agree and disagree;
- `near`: the tokens before and after each mention of the target.

Length is no feature: each block of a row has the Euclidean norm 1.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Classes of tokens. No word of a text can look like them.
URL, USER, NUMBER, TARGET = "<url>", "<user>", "<num>", "<target>"
_CLASSES = frozenset((URL, USER, NUMBER, TARGET))

#: The blocks of features and how much each weighs beside the others; chosen on held-out slices.
BLOCKS = ("word", "char", "edge", "near")
BLOCK_WEIGHTS = (1.0, 1.0, 0.5, 0.5)

CHAR_SIZES = (2, 5)
OPENINGS, CLOSINGS = (1, 2, 3), (1, 2)
#: How many tokens on either side of the target are near it.
NEAR = 4

_LINK = re.compile(r"https?:|www\.|\w+://")
_MENTION = re.compile(r"@\w")
# Where the next word of a hashtag begins: a capital after a small letter.
_HASHTAG_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|\w+(?:'\w+)*|[?!]")
_STRETCHED = re.compile(r"(\w)\1{2,}")
_DIGITS = re.compile(r"\d[\d.,]*\Z")
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'"})
# A chunk without white space has no natural end (a data URI, a language without spaces); its n-grams are read so far.
_LONGEST_CHUNK = 1000


@dataclass(frozen=True)
class Analyser:
    """Text to n-grams, for one target.

    Attributes
    ----------
    target_names : tuple of str
        How the target's name begins, in lower case, with its common misspellings: "huawei" is found in "Huawei's" too.

    Examples
    --------
    >>> Analyser(("acme",)).tokens("Sooooo @bob, #NoAcme?! Don't buy 2 Acme's: https://example.com/x")
    ['soo', '<user>', 'no', '<target>', '?', '!', "don't", 'buy', '<num>', '<target>', '<url>']
    """

    target_names: tuple[str, ...] = ()

    def tokens(self, text: str) -> list[str]:
        """Cut a text into its tokens, in lower case."""
        return [token for chunk in text.split() for token in chunk_tokens(chunk, self.target_names)]

    def ngrams(self, text: str) -> tuple[Iterable[str], ...]:
        """Each n-gram of a text, repeated or not, block by block in the order of `BLOCKS`."""
        read = self.tokens(text)
        return word_ngrams(read), char_ngrams(read), edge_ngrams(read), near_ngrams(read)


@lru_cache(maxsize=1 << 16)
def chunk_tokens(chunk: str, target_names: tuple[str, ...]) -> tuple[str, ...]:
    """Tokens of one piece of text without white space in it."""
    if _LINK.match(chunk):
        return (URL,)
    if _MENTION.match(chunk):
        return (USER,)
    if chunk.startswith("#"):
        chunk = _HASHTAG_WORD.sub(" ", chunk)
    lowered = _STRETCHED.sub(r"\1\1", chunk[:_LONGEST_CHUNK].translate(_QUOTES).lower())
    return tuple(_token_class(token, target_names) for token in _TOKEN.findall(lowered))


def _token_class(token: str, target_names: tuple[str, ...]) -> str:
    if token.startswith(target_names):
        return TARGET
    return NUMBER if _DIGITS.match(token) else token


def word_ngrams(read: Sequence[str]) -> list[str]:
    """1-grams and 2-grams of the tokens.

    >>> word_ngrams(["no", "proof", "!"])
    ['no', 'proof', '!', 'no proof', 'proof !']
    """
    return [*read, *(f"{first} {second}" for first, second in pairwise(read))]


def char_ngrams(read: Sequence[str]) -> list[str]:
    """2- to 5-grams of characters within each token, with a space at either end, as scikit-learn's `char_wb`.

    >>> char_ngrams(["ok"])
    [' o', 'ok', 'k ', ' ok', 'ok ', ' ok ']
    """
    return [ngram for token in read for ngram in token_chars(token)]


@lru_cache(maxsize=1 << 16)
def token_chars(token: str) -> tuple[str, ...]:
    """Character n-grams of one token; a class of tokens is no word and has none."""
    if token in _CLASSES:
        return ()
    padded = f" {token} "
    low, high = CHAR_SIZES
    sizes = range(low, min(high, len(padded)) + 1)
    return tuple(padded[start : start + size] for size in sizes for start in range(len(padded) - size + 1))


def edge_ngrams(read: Sequence[str]) -> list[str]:
    """The first tokens of a text and the last.

    >>> edge_ngrams(["lol", "no"])
    ['^lol', '^lol no', 'no$', 'lol no$']
    """
    openings = ["^" + " ".join(read[:size]) for size in OPENINGS if size <= len(read)]
    return openings + [" ".join(read[-size:]) + "$" for size in CLOSINGS if size <= len(read)]


def near_ngrams(read: Sequence[str]) -> list[str]:
    """The tokens around each mention of the target, told apart by the side they stand on.

    >>> near_ngrams(["ban", "<target>", "now"])
    ['ban>', '<now']
    """
    places = [place for place, token in enumerate(read) if token == TARGET]
    before = [f"{token}>" for place in places for token in read[max(0, place - NEAR) : place]]
    return before + [f"<{token}" for place in places for token in read[place + 1 : place + 1 + NEAR]]


def learn_vocabulary(texts: Iterable[str], analyser: Analyser, *, min_posts: int) -> Vocabulary:
    """Collect every n-gram that stands in at least `min_posts` posts, in alphabetical order within its block."""
    seen: list[Counter[str]] = [Counter() for _ in BLOCKS]
    for text in texts:
        for counter, ngrams in zip(seen, analyser.ngrams(text), strict=True):
            counter.update(set(ngrams))
    chosen = [sorted(name for name, posts in counter.items() if posts >= min_posts) for counter in seen]
    numbers = np.repeat(np.arange(len(BLOCKS)), [len(names) for names in chosen])
    return Vocabulary(tuple(name for names in chosen for name in names), numbers, analyser)


#: Rows whose products are in memory at once: some 10 MB for posts of usual length and the outputs of a model.
_PRODUCTS = 256


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix row by row, with the arrays of SciPy's `csr_matrix`.

    Of all that SciPy does with one, labelling needs a product alone, and loading SciPy takes longer than labelling a
    thread. `stance.train.as_csr` makes the whole matrix of it.

    Attributes
    ----------
    data, indices : arrays of shape (n_values,)
        The values that are not zero and the column of each, row after row.
    indptr : int array of shape (n_rows + 1,)
        Where each row begins, and the end of the last.
    shape : tuple of int
    """

    data: NDArray[Any]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    shape: tuple[int, int]

    def __matmul__(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        """Product with an array of shape (n_columns, n_outputs)."""
        out = np.zeros((self.shape[0], dense.shape[1]))
        for start in range(0, len(out), _PRODUCTS):
            ends = self.indptr[start : start + _PRODUCTS + 1]
            values = slice(ends[0], ends[-1])
            products = self.data[values, None] * dense[self.indices[values]]
            # A row without values has no sum: reduceat would give it the next row's first product.
            filled = np.flatnonzero(np.diff(ends))
            if len(filled):
                out[start + filled] = np.add.reduceat(products, ends[filled] - ends[0])
        return out


@dataclass(frozen=True)
class Vocabulary:
    """The features of a fitted model: the n-gram and the number in `BLOCKS` of each column."""

    names: tuple[str, ...]
    block: NDArray[np.int64]
    analyser: Analyser

    @cached_property
    def _columns(self) -> list[dict[str, int]]:
        columns: list[dict[str, int]] = [{} for _ in BLOCKS]
        for column, (name, number) in enumerate(zip(self.names, self.block, strict=True)):
            columns[number][name] = column
        return columns

    def find(self, texts: Sequence[str]) -> Rows:
        """Mark the known n-grams of each text with 1; shape (n_posts, n_features)."""
        # Numbers of four bytes each: half a million posts have 200 million n-grams.
        found = array("i")
        ends = [0]
        for text in texts:
            for columns, ngrams in zip(self._columns, self.analyser.ngrams(text), strict=True):
                found.extend(sorted({columns[ngram] for ngram in ngrams if ngram in columns}))
            ends.append(len(found))
        shape = (len(texts), len(self.names))
        marks = np.ones(len(found), dtype=np.int8)
        return Rows(marks, np.frombuffer(found, dtype=np.int32), np.array(ends), shape)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one n-gram of a text adds to the logit of each stance, in the order of `LABELS`."""

    block: str
    ngram: str
    weights: tuple[float, ...]


def idf(found: Rows) -> NDArray[np.float64]:
    """Smoothed inverse document frequency, scikit-learn's formula: log((1 + n) / (1 + df)) + 1."""
    n_posts, n_features = found.shape
    frequency = np.bincount(found.indices, minlength=n_features)
    result: NDArray[np.float64] = np.log((1 + n_posts) / (1 + frequency)) + 1
    return result


def tfidf(found: Rows, weights: NDArray[np.float64], block: NDArray[np.int64]) -> Rows:
    """Binary TF-IDF: the weight of each n-gram that is there, each block of a row scaled to its norm.

    Features of weight 0 are as if they were not there.
    """
    data = weights[found.indices]
    # Some thousand rows at a time: the numbers that scaling needs meanwhile take twice as much room as the matrix.
    for start in range(0, found.shape[0], _SCALED_ROWS):
        ends = found.indptr[start : start + _SCALED_ROWS + 1]
        part = slice(ends[0], ends[-1])
        data[part] *= _scales(data[part], found.indices[part], np.diff(ends), block)
    return replace(found, data=data)


_SCALED_ROWS = 20_000


def _scales(
    data: NDArray[np.float64], columns: NDArray[np.int32], lengths: NDArray[np.int64], block: NDArray[np.int64]
) -> NDArray[np.float64]:
    """By what each number is multiplied so that each block of its row has its norm."""
    cell = np.repeat(np.arange(len(lengths)), lengths) * len(BLOCKS) + block[columns]
    norm = np.sqrt(np.bincount(cell, weights=data**2, minlength=len(lengths) * len(BLOCKS)))
    norm[norm == 0] = 1.0
    scales: NDArray[np.float64] = (np.tile(BLOCK_WEIGHTS, len(lengths)) / norm)[cell]
    return scales


def batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut a long sequence, so that the matrix of one piece fits in memory."""
    return (texts[start : start + size] for start in range(0, len(texts), size))
