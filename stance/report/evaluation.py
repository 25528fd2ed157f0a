"""Scores as pictures: the evaluation of one labelling, and the comparison of two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stance.evaluate import Comparison, Scores
from stance.report.card import excerpt
from stance.report.figures import Because
from stance.report.page import Page, render
from stance.report.tree import Segment, segments

#: Mistakes and changed posts that are shown with their words; the JSON has them all.
SHOWN_POSTS = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A post that is shown with its words; `item` is the `Mistake` or `Change` that it illustrates."""

    item: Any
    author: str | None
    segments: tuple[Segment, ...]


def evaluation_report(
    scores: Scores,
    gold: pd.DataFrame | None = None,
    *,
    because: Because | None = None,
    card: Mapping[str, Any] | None = None,
    comparison: Comparison | None = None,
    command: str | None = None,
    title: str = "Evaluation",
) -> Page:
    """Write down what a labelling is worth, as one self-contained HTML page.

    Parameters
    ----------
    scores : Scores
        Its `to_dict()` holds every figure of the page.
    gold : DataFrame, optional
        The posts, to show the mistakes with their words.
    because : mapping, optional
        (thread, post) to (word, weight toward the given label).
    card : mapping, optional
        The model's card; its `learning_curve`, a list of {"posts", "accuracy"}, becomes a picture.
    comparison : Comparison, optional
        With a second labelling of the same posts.
    command : str, optional
        What to type to get this report again.

    Examples
    --------
    >>> from stance.evaluate import evaluate
    >>> gold = pd.DataFrame({"thread": ["t"], "post": ["1"], "text": ["Love it"], "stance": ["favor"]})
    >>> "<h1>Evaluation</h1>" in evaluation_report(evaluate(gold, gold))
    True
    """
    return render(
        "evaluation.html",
        title=title,
        target=(card or {}).get("target"),
        scores=scores,
        mistakes=_with_words(scores.mistakes[:SHOWN_POSTS], gold, because or {}),
        curve=(card or {}).get("learning_curve") or [],
        comparison=comparison,
        changed=_with_words(comparison.changed[:SHOWN_POSTS], gold, {}) if comparison else (),
        card=excerpt(card),
        command=command,
    )


def comparison_report(
    comparison: Comparison,
    posts: pd.DataFrame | None = None,
    *,
    command: str | None = None,
    target: str | None = None,
    title: str = "Two labellings compared",
) -> Page:
    """Write down how two labellings differ, as one self-contained HTML page; `posts` gives the words."""
    return render(
        "comparison.html",
        title=title,
        target=target,
        comparison=comparison,
        changed=_with_words(comparison.changed[:SHOWN_POSTS], posts, {}),
        command=command,
    )


def _with_words(items: Iterable[Any], posts: pd.DataFrame | None, because: Because) -> tuple[Shown, ...]:
    if posts is None or "text" not in posts.columns:
        return tuple(Shown(item, None, ()) for item in items)
    wanted = {(item.thread, item.post): item for item in items}
    rows = {
        (row["thread"], row["post"]): row for row in posts.to_dict("records") if (row["thread"], row["post"]) in wanted
    }
    return tuple(
        Shown(item, rows[key].get("author"), segments(rows[key]["text"], because.get(key, ())))
        for key, item in wanted.items()
        if key in rows
    )
