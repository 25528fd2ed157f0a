"""The report on one discussion, or on a few, for people without statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from stance.data import Thread
from stance.report.card import excerpt
from stance.report.figures import Because, figures, labelled_rows
from stance.report.graph import picture
from stance.report.page import Page, render
from stance.report.tree import conversation


def report(
    threads: Thread | Iterable[Thread],
    labels: pd.DataFrame,
    *,
    because: Because | None = None,
    card: Mapping[str, Any] | None = None,
    command: str | None = None,
    target: str | None = None,
    labelled: str | None = None,
) -> Page:
    """Write down what a discussion thinks, as one self-contained HTML page.

    Parameters
    ----------
    threads : Thread or iterable of Thread
    labels : DataFrame
        A labels table with a row for each of their posts.
    because : mapping, optional
        (thread, post) to (word, weight toward the label), the words as they stand in the text, in its order.
    card : mapping, optional
        The model's card; an excerpt is shown.
    command : str, optional
        What to type to get this report again.
    target : str, optional
        Whom or what the stances are about; by default the card's.
    labelled : str, optional
        Whose the labels are, in words.

    Returns
    -------
    Page
        A string of HTML that requests nothing and in which every word of the page is text. Its figures are those of
        `stance.report.figures.figures`.

    Raises
    ------
    DataError
        If a post has no label.

    Examples
    --------
    >>> from stance.data import Post
    >>> thread = Thread("t", (Post("1", "Ban them.", "ann"), Post("2", "Why? <b>Proof?</b>", "bob", parent="1")))
    >>> labels = pd.DataFrame({"thread": ["t", "t"], "post": ["1", "2"], "stance": ["against", "favor"]})
    >>> "&lt;b&gt;Proof?&lt;/b&gt;" in report(thread, labels)
    True
    """
    threads = [threads] if isinstance(threads, Thread) else list(threads)
    computed = figures(threads, labels, because)
    rows = labelled_rows(threads, labels)
    trees = [
        (thread, conversation(thread, rows[rows["thread"] == thread.id], because or {}, prefix=f"p{number}-"))
        for number, thread in enumerate(threads, start=1)
    ]
    return render(
        "thread.html",
        title=_title(threads),
        target=target or (card or {}).get("target"),
        figures=computed,
        picture=picture(computed),
        trees=trees,
        odds=computed.n_by_hand < computed.n_posts,
        explained=bool(because),
        card=excerpt(card),
        labelled=labelled,
        command=command,
        sources=[thread.url or thread.id for thread in threads],
    )


def _title(threads: list[Thread]) -> str:
    if len(threads) == 1:
        return threads[0].title or threads[0].id
    return f"{len(threads)} discussions"
