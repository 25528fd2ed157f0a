"""Why a post got its label: exact sums, no approximation.

The text model is linear, so each n-gram's share of each logit is its TF-IDF value times its coefficient, and the shares
and the intercepts sum to the logit. Character n-grams mean nothing to a reader; `piece_weights` gathers all shares on
the pieces of the text, between white space, that they come from.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from stance.data import LABELS
from stance.features import BLOCKS, chunk_tokens, token_chars
from stance.model import Model, head

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """The reading of one text by the words alone.

    Attributes
    ----------
    pieces : tuple of str
        The text, cut at white space.
    weights : array of shape (n_pieces, 3)
        What each piece adds to the logit of each of `LABELS`.
    intercepts : array of shape (3,)
        What a text without a known word has; `weights.sum(axis=0) + intercepts` are the logits.
    table : DataFrame
        One row an n-gram: `block`, `ngram`, and a column for each of `LABELS`; sums to the same logits.
    """

    text: str
    pieces: tuple[str, ...]
    weights: Floats
    intercepts: Floats
    table: pd.DataFrame

    @property
    def logits(self) -> Floats:
        """Shape (3,)."""
        result: Floats = self.weights.sum(axis=0) + self.intercepts
        return result

    @property
    def probabilities(self) -> dict[str, float]:
        """Stance to probability, by the words alone."""
        return dict(zip(LABELS, map(float, softmax(self.logits)), strict=True))

    @property
    def stance(self) -> str:
        """The most probable stance, by the words alone."""
        return LABELS[int(self.logits.argmax())]

    def because(self, stance: str | None = None) -> list[tuple[str, float]]:
        """Each piece of the text with its weight toward `stance` (by default the label), in order of the text.

        A weight is the piece's share of the stance's logit less the mean of its shares of all three: what it adds to
        every stance alike decides nothing.
        """
        column = LABELS.index(stance or self.stance)
        toward = self.weights[:, column] - self.weights.mean(axis=1)
        return list(zip(self.pieces, map(float, toward), strict=True))


def explain_text(text: str, model: Model) -> Explanation:
    """Explain the text model's reading of one text."""
    contributions = model.contributions(text)
    shares = {(part.block, part.ngram): np.array(part.weights) for part in contributions}
    rows = [(part.block, part.ngram, *part.weights) for part in contributions]
    table = pd.DataFrame(rows, columns=["block", "ngram", *LABELS])
    strongest = table[list(LABELS)].abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    pieces = tuple(text.split())
    return Explanation(
        text=text,
        pieces=pieces,
        weights=_piece_weights(pieces, shares),
        intercepts=head(model.intercepts, "text"),
        table=table.loc[strongest].reset_index(drop=True),
    )


def _piece_weights(pieces: tuple[str, ...], shares: dict[tuple[str, str], Floats]) -> Floats:
    """Give each n-gram's share to the pieces where it stands, in equal parts; a pair of words to both its words."""
    places = _places(pieces)
    weights = np.zeros((len(pieces), len(LABELS)))
    for key, share in shares.items():
        for piece, part in places[key]:
            weights[piece] += share * part
    return weights


def _places(pieces: tuple[str, ...]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """For each n-gram, the pieces it stands in and the part of it that each holds; parts sum to 1."""
    word, char = BLOCKS
    read = [(token, piece) for piece, chunk in enumerate(pieces) for token in chunk_tokens(chunk)]
    found: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for token, piece in read:
        found[word, token].append((piece, 1.0))
        for ngram in token_chars(token):
            found[char, ngram].append((piece, 1.0))
    for (first, piece), (second, next_piece) in pairwise(read):
        found[word, f"{first} {second}"] += [(piece, 0.5), (next_piece, 0.5)]
    return {
        key: [(piece, part / sum(part for _, part in spots)) for piece, part in spots] for key, spots in found.items()
    }
