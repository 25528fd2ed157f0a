"""Posts and a model to a labels table: the words, then the conversation, then what stays undecided and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import stance
from stance.conversation import Evidence, conversation_graph, infer
from stance.language import foreign_language
from stance.model import Model
from stance.records import LABELS, PROBABILITY_COLUMNS, Columns

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

#: Why a post is not decided, in the column `reason`; a language is named by its ISO 639-1 code.
EMPTY, UNSURE, LANGUAGE = "empty", "unsure", "language"

# What sites put in place of a text that is gone.
_GONE = re.compile(r"\W*(deleted|removed|comment (deleted|removed)|this (comment|post) (was|has been) \w+)?\W*", re.I)


def label_posts(posts: pd.DataFrame, model: Model, *, conversation: bool = True) -> pd.DataFrame:
    """Label each post of a posts table.

    Parameters
    ----------
    posts : DataFrame
        A posts table; see `stance.data.check_posts`.
    conversation : bool
        Whether the parent and the author's other posts count; else each post is read alone.

    Returns
    -------
    DataFrame
        `LABEL_COLUMNS`, one row a post in the same order. `stance` is the most probable one even where `abstained`
        says that it is not sure enough; `reason` then is "unsure", "empty" or "language" with its code.
    """
    return stance.labels_table(label_columns(stance.check_posts(posts), model, conversation=conversation))


def label_columns(posts: Columns, model: Model, *, conversation: bool = True) -> dict[str, list[Any]]:
    """Do the same with the checked columns of a posts table, without pandas: it takes as long to load as ten threads.

    Returns
    -------
    dict of str to list
        The columns of a labels table.
    """
    texts = list(posts["text"])
    empty = empty_texts(texts)
    evidence = model.evidence(texts)
    graph = conversation_graph(posts)
    joint = infer(graph, silent(evidence, empty), model.couplings) if conversation else np.exp(evidence.text)
    joint[empty] = np.eye(len(LABELS))[LABELS.index("none")]
    words = np.where(empty, LABELS.index("none"), evidence.text.argmax(axis=1))
    reasons = [_reason(*row, model) for row in zip(texts, empty, joint.max(axis=1), strict=True)]
    return {
        "thread": list(posts["thread"]),
        "post": list(posts["post"]),
        "stance": _names(joint.argmax(axis=1)),
        "text_stance": _names(words),
        **dict(zip(PROBABILITY_COLUMNS, joint.T.tolist(), strict=True)),
        "abstained": [reason is not None for reason in reasons],
        "reason": reasons,
        "model": [model.id] * len(texts),
    }


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


def _reason(text: str, empty: bool, certainty: float, model: Model) -> str | None:
    if empty:
        return EMPTY
    language = foreign_language(text, model.languages)
    if language:
        return f"{LANGUAGE} {language}"
    return UNSURE if certainty < model.threshold else None


def _names(numbers: Sequence[int] | NDArray[np.int64]) -> list[str]:
    return [LABELS[number] for number in numbers]
