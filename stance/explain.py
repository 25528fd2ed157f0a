"""Why a post got its label: exact sums, no approximation.

The text model is linear, so each n-gram's share of each logit is its TF-IDF value times its coefficient, and the shares
and the intercepts sum to the logit. Character n-grams mean nothing to a reader; `piece_weights` gathers all shares on
the pieces of the text, between white space, that they come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.conversation import log_softmax
from stance.data import LABELS
from stance.features import BLOCKS, CLOSINGS, NEAR, OPENINGS, TARGET, chunk_tokens, token_chars
from stance.labelling import label_posts
from stance.model import Model, head

Floats = NDArray[np.float64]

#: What a layman calls the blocks of n-grams.
_READ_AS = dict(
    zip(BLOCKS, ("word or word pair", "letters in a word", "first or last words", "beside the target"), strict=True)
)


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
        return dict(zip(LABELS, map(float, np.exp(log_softmax(self.logits))), strict=True))

    @property
    def stance(self) -> str:
        """The most probable stance, by the words alone."""
        return LABELS[int(self.logits.argmax())]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {
            "text": self.text,
            "stance": self.stance,
            "probabilities": self.probabilities,
            "logits": dict(zip(LABELS, map(float, self.logits), strict=True)),
            "intercepts": dict(zip(LABELS, map(float, self.intercepts), strict=True)),
            "ngrams": self.table.to_dict("records"),
            "because": [{"piece": piece, "weight": weight} for piece, weight in self.because()],
        }

    def summary(self, top: int = 12) -> str:
        """The label, the words that speak for it and against it, and the `top` n-grams, for people."""
        shares = "  ".join(f"{label} {share:.2f}" for label, share in self.probabilities.items())
        words = sorted(self.because(), key=lambda pair: -abs(pair[1]))[:top]
        lines = [
            f"{self.stance} ({shares}), by the words alone",
            "",
            f"words                weight toward {self.stance}",
        ]
        lines += [f"{piece[:20]:<20} {weight:+.2f}" for piece, weight in words]
        columns = "".join(f"{label:>9}" for label in LABELS)
        lines += ["", "what the model reads; the same word counts as a word, and its parts as letters"]
        lines.append(f"{'n-gram':<22}{'read as':<20}{columns}")
        for row in self.table.head(top).to_dict("records"):
            read_as = f"{row['ngram'][:20]!r:<22.22}{_READ_AS[row['block']]:<20}"
            lines.append(read_as + "".join(f"{row[label]:>+9.3f}" for label in LABELS))
        rest = self.table[list(LABELS)].iloc[top:].sum()
        parts = {"(all others)": rest.to_numpy(), "(intercept)": self.intercepts, "logit": self.logits}
        lines += [f"{name:<42}" + "".join(f"{value:>+9.3f}" for value in values) for name, values in parts.items()]
        return "\n".join(lines)

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
        weights=_piece_weights(pieces, model.target_names, shares),
        intercepts=head(model.intercepts, "text"),
        table=table.loc[strongest].reset_index(drop=True),
    )


def _piece_weights(
    pieces: tuple[str, ...], target_names: tuple[str, ...], shares: dict[tuple[str, str], Floats]
) -> Floats:
    """Give each n-gram's share to the pieces where it stands, in equal parts; a pair of words to both its words."""
    places = _places(pieces, target_names)
    weights = np.zeros((len(pieces), len(LABELS)))
    for key, share in shares.items():
        for piece, part in places[key]:
            weights[piece] += share * part
    return weights


def _places(pieces: tuple[str, ...], target_names: tuple[str, ...]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """For each n-gram, the pieces it stands in and the part of it that each holds; parts sum to 1."""
    read = [(token, piece) for piece, chunk in enumerate(pieces) for token in chunk_tokens(chunk, target_names)]
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, spots in (*_word_places(read), *_edge_places(read), *_near_places(read)):
        found[key] += spots
    return {key: [(piece, 1 / len(spots)) for piece in spots] for key, spots in found.items()}


_Read = list[tuple[str, int]]
_Places = Iterator[tuple[tuple[str, str], list[int]]]
_WORD, _CHAR, _EDGE, _NEAR = BLOCKS


def _word_places(read: _Read) -> _Places:
    for token, piece in read:
        # Twice, as a pair of words has two places: each occurrence then weighs the same.
        yield (_WORD, token), [piece, piece]
        for ngram in token_chars(token):
            yield (_CHAR, ngram), [piece]
    for (first, piece), (second, next_piece) in pairwise(read):
        yield (_WORD, f"{first} {second}"), [piece, next_piece]


def _edge_places(read: _Read) -> _Places:
    for size in OPENINGS:
        opening = read[:size]
        if len(opening) == size:
            yield (_EDGE, "^" + " ".join(token for token, _ in opening)), [piece for _, piece in opening]
    for size in CLOSINGS:
        closing = read[-size:]
        if len(closing) == size:
            yield (_EDGE, " ".join(token for token, _ in closing) + "$"), [piece for _, piece in closing]


def _near_places(read: _Read) -> _Places:
    for place, (target, _) in enumerate(read):
        if target == TARGET:
            yield from (((_NEAR, f"{token}>"), [piece]) for token, piece in read[max(0, place - NEAR) : place])
            yield from (((_NEAR, f"<{token}"), [piece]) for token, piece in read[place + 1 : place + 1 + NEAR])


@dataclass(frozen=True)
class PostExplanation:
    """One post of a thread: what its words say, and what the conversation makes of it.

    Attributes
    ----------
    words : Explanation
    without : mapping of str to mapping of str to float
        Stance probabilities, each with one part of the conversation left out: "parent", "replies", "author" and
        "conversation" (all of it: the words alone).
    joint : mapping of str to float
        Stance probabilities with the whole conversation.
    """

    post: str
    words: Explanation
    without: Mapping[str, Mapping[str, float]]
    joint: Mapping[str, float]

    @property
    def stance(self) -> str:
        """The most probable stance in the conversation."""
        return max(self.joint, key=self.joint.__getitem__)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        parts = {name: dict(shares) for name, shares in self.without.items()}
        return {
            "post": self.post,
            "stance": self.stance,
            "joint": dict(self.joint),
            "without": parts,
            "words": self.words.to_dict(),
        }

    def summary(self, top: int = 12) -> str:
        """Words and conversation apart in numbers, for people."""
        rows = {"words alone": self.without["conversation"], "in the conversation": self.joint}
        rows |= {f"... without its {name}": shares for name, shares in self.without.items() if name != "conversation"}
        columns = "".join(f"{label:>9}" for label in LABELS)
        lines = [f"post {self.post}: {self.stance}", "", f"{'':<24}{columns}"]
        lines += [
            f"{name:<24}" + "".join(f"{shares[label]:>9.2f}" for label in LABELS) for name, shares in rows.items()
        ]
        return "\n".join([*lines, "", self.words.summary(top)])


def explain_in_conversation(posts: pd.DataFrame, post: str, model: Model) -> PostExplanation:
    """Explain one post of a single thread by leaving out its parent, its replies and its author's posts in turn.

    Parameters
    ----------
    posts : DataFrame
        The posts table of one thread.
    """
    row = list(posts["post"]).index(post)
    without = {
        name: _shares_without(posts.assign(**{column: values}), row, model)
        for name, column, values in (
            ("parent", "parent", _blank(posts["parent"], posts["post"].eq(post))),
            ("replies", "parent", _blank(posts["parent"], posts["parent"].eq(post))),
            ("author", "author", _blank(posts["author"], posts["post"].eq(post))),
        )
    }
    without["conversation"] = _shares_without(posts, row, model, conversation=False)
    text = posts["text"].iloc[row]
    return PostExplanation(post, explain_text(text, model), without, _shares_without(posts, row, model))


def _blank(column: pd.Series, where: pd.Series) -> pd.Series:
    return pd.Series([None if hide else value for value, hide in zip(column, where, strict=True)], dtype=object)


def _shares_without(posts: pd.DataFrame, row: int, model: Model, *, conversation: bool = True) -> dict[str, float]:
    kept = posts.drop(columns="parent_candidates", errors="ignore")
    labels = label_posts(kept, model, conversation=conversation).iloc[row]
    return {label: float(labels[f"p_{label}"]) for label in LABELS}
