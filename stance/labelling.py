"""Posts and a model to a labels table: the words, then the conversation, then what stays undecided and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import stance
from stance.conversation import Evidence, Graph, conversation_graph, infer
from stance.language import foreign_languages
from stance.model import Model
from stance.records import LABELS, PROBABILITY_COLUMNS, Columns

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Why a post is not decided, in the column `reason`; a language is named by its ISO 639-1 code.
EMPTY, UNSURE, LANGUAGE = "empty", "unsure", "language"

# What sites put in place of a text that is gone.
_GONE = re.compile(r"\W*(deleted|removed|comment (deleted|removed)|this (comment|post) (was|has been) \w+)?\W*", re.I)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is said of each post, column by column.

    Attributes
    ----------
    probabilities : array of shape (n_posts, 3)
        Columns as `LABELS`; rows sum to 1.
    words : int array of shape (n_posts,)
        Number in `LABELS` of the stance that the words alone show.
    reasons : list of str or None
        Why a post is not decided: "unsure", "empty" or "language" with its code; None where it is.
    """

    probabilities: Floats
    words: Ints
    reasons: list[str | None]

    @property
    def stance(self) -> Ints:
        """Number in `LABELS` of the most probable stance, shape (n_posts,)."""
        return np.asarray(self.probabilities.argmax(axis=1))


def label_posts(
    posts: pd.DataFrame, model: Model, *, conversation: bool = True, known: Ints | None = None
) -> pd.DataFrame:
    """Label each post of a posts table.

    Parameters
    ----------
    posts : DataFrame
        A posts table; see `stance.data.check_posts`.
    conversation : bool
        Whether the parent and the author's other posts count; else each post is read alone.
    known : int array of shape (n_posts,), optional
        Number in `LABELS` of what a person says of a post, -1 for the others; see `stance.conversation.infer`.

    Returns
    -------
    DataFrame
        `LABEL_COLUMNS`, one row a post in the same order. `stance` is the most probable one even where `abstained`
        says that it is not sure enough; `reason` then is "unsure", "empty" or "language" with its code.
    """
    checked = stance.check_posts(posts)
    return stance.labels_table(label_columns(checked, model, conversation=conversation, known=known))


def label_columns(
    posts: Columns, model: Model, *, conversation: bool = True, known: Ints | None = None
) -> dict[str, list[Any]]:
    """Do the same with the checked columns of a posts table, without pandas: it takes as long to load as ten threads.

    Returns
    -------
    dict of str to list
        The columns of a labels table.
    """
    texts = list(posts["text"])
    graph = conversation_graph(posts) if conversation else None
    if graph is not None:
        graph.named.warn()
    decisions = decide(texts, graph, model, known=known)
    return {
        "thread": list(posts["thread"]),
        "post": list(posts["post"]),
        "stance": _names(decisions.stance),
        "text_stance": _names(decisions.words),
        **dict(zip(PROBABILITY_COLUMNS, decisions.probabilities.T.tolist(), strict=True)),
        "abstained": [reason is not None for reason in decisions.reasons],
        "reason": decisions.reasons,
        "model": [model.id] * len(texts),
    }


def decide(
    texts: Sequence[str], graph: Graph | None, model: Model, *, n_all: int = 0, known: Ints | None = None
) -> Decisions:
    """Decide on each post by its words and its conversation.

    Parameters
    ----------
    texts : sequence of str, of length n_posts
    graph : Graph or None
        Who answers whom; without it each post is read alone.
    n_all : int
        How many posts are labelled in all, where these are a part of them; see `Model.logits`.
    known : int array of shape (n_posts,), optional
        What a person says of posts, for their neighbours to hear of; see `stance.conversation.infer`.
    """
    evidence = model.evidence(texts, n_all=n_all)
    empty = empty_texts(texts)
    heard = silent(evidence, empty)
    joint = np.exp(evidence.text) if graph is None else infer(graph, heard, model.couplings, known=known)
    joint[empty if known is None else empty & (known < 0)] = np.eye(len(LABELS))[LABELS.index("none")]
    words = np.where(empty, LABELS.index("none"), evidence.text.argmax(axis=1))
    reasons: list[str | None] = [
        UNSURE if unsure else None for unsure in (joint.max(axis=1) < model.threshold).tolist()
    ]
    for place, language in foreign_languages(texts, model.languages).items():
        reasons[place] = f"{LANGUAGE} {language}"
    for place in np.flatnonzero(empty).tolist():
        reasons[place] = EMPTY
    return Decisions(joint, words, reasons)


def empty_texts(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which posts say nothing, or hold only what a site put in place of words that are gone."""
    return np.array([bool(_GONE.fullmatch(text)) and not _speaks(text) for text in texts], dtype=bool)


def silent(evidence: Evidence, empty: NDArray[np.bool_]) -> Evidence:
    """The same, where posts whose words are gone tell their neighbours nothing."""
    parts = (evidence.text, evidence.meaning, evidence.relation)
    return Evidence(*(np.where(empty[:, None], 0.0, part) for part in parts))


def _speaks(text: str) -> bool:
    """Whether a text without letters still says something: "?!" and emoji do, "..." and "[deleted]" do not."""
    return any(not character.isspace() and character not in ".-_*[]()<>|" for character in text) and not any(
        map(str.isalnum, text)
    )


def _names(numbers: Sequence[int] | NDArray[np.int64]) -> list[str]:
    return [LABELS[number] for number in numbers]
