"""Sources to scores and reports: label, explain, score and write down, for the command line and for notebooks."""

from __future__ import annotations

import os
import shutil

import pandas as pd
from tqdm import tqdm

from stance.data import Thread, table_to_threads
from stance.evaluate import Scores, evaluate
from stance.explain import explain_text
from stance.labelling import label_posts
from stance.model import Model, load_model
from stance.report import SHOWN_POSTS, Because, Page, evaluation_report
from stance.report import report as thread_report
from stance.threads import named, threads_in
from stance.tree import conversation_tree
from stance.workflow import Source, Sources, demo_posts, label, read_posts


def report(
    source: Sources,
    model: Model | str | os.PathLike[str] | None = None,
    *,
    labels: pd.DataFrame | None = None,
    command: str | None = None,
) -> Page:
    """Label pages, dumps, exports, threads or posts tables, and write down what they think as one HTML page.

    Parameters
    ----------
    source : path, URL, "-", Thread, DataFrame, or an iterable of these
    model : Model or path, optional
        By default the Huawei model that comes with stance.
    labels : DataFrame, optional
        Labels of these posts from elsewhere, a person's for example; then no model is asked.
    command : str, optional
        What to type to get this report again.

    Returns
    -------
    Page
        A string of HTML, which a notebook shows; see `stance.report.report`.

    Raises
    ------
    PageError
        If a source has no posts.
    DataError
        If `labels` lacks a post.
    """
    sources = [source] if isinstance(source, str | os.PathLike | Thread | pd.DataFrame) else source
    threads = [thread for one, name in named(sources) for thread in _threads_of(one, name)]
    posts = read_posts(threads)
    if labels is not None:
        return thread_report(threads, labels, command=command)
    loaded = load_model(model)
    given = label_posts(posts, loaded)
    words = because(posts.assign(stance=given["stance"]), loaded)
    return thread_report(threads, given, because=words, card=loaded.card, command=command)


def report_evaluation(
    gold: pd.DataFrame,
    scores: Scores,
    model: Model | str | os.PathLike[str] | None = None,
    *,
    command: str | None = None,
) -> Page:
    """Write down the scores of a model on `gold`, with the words behind its worst mistakes, as one HTML page."""
    loaded = load_model(model)
    given = {(mistake.thread, mistake.post): mistake.given for mistake in scores.mistakes[:SHOWN_POSTS]}
    keys = list(zip(gold["thread"], gold["post"], strict=True))
    wrong = gold[[key in given for key in keys]]
    words = because(wrong.assign(stance=[given[key] for key in keys if key in given]), loaded)
    return evaluation_report(scores, gold, because=words, card=loaded.card, command=command)


def because(posts: pd.DataFrame, model: Model | str | os.PathLike[str] | None = None) -> Because:
    """Tell for each post how much each of its words moved it toward its `stance`.

    Parameters
    ----------
    posts : DataFrame
        `thread`, `post`, `text` and `stance`.

    Returns
    -------
    dict
        (thread, post) to (word, weight) for each word between white space, in order of the text.
    """
    loaded = load_model(model)
    rows = list(zip(posts["thread"], posts["post"], posts["text"], posts["stance"], strict=True))
    told = tqdm(rows, desc="explaining", disable=None, leave=False)
    return {(thread, post): explain_text(text, loaded).because(stance) for thread, post, text, stance in told}


def _threads_of(source: Source, name: str | None) -> list[Thread]:
    return table_to_threads(source) if isinstance(source, pd.DataFrame) else threads_in(source, name)


def evaluate_model(
    gold: pd.DataFrame, *, model: Model | str | os.PathLike[str] | None = None, against: str = "stance"
) -> Scores:
    """Label the posts of `gold` and score the labels; against `text_only` each post is read alone.

    The whole of `gold` is one input: the conversation of its threads counts as it would for a new page.
    """
    labels = label(gold, model, conversation=against == "stance")
    return evaluate(gold, labels, against=against)


def demo() -> str:
    """Label an invented thread that no model of ours has learned from: its tree, and how right the labels are."""
    gold = demo_posts()
    labels = label(gold)
    width = shutil.get_terminal_size((100, 24)).columns
    return f"{conversation_tree(table_to_threads(gold)[0], labels, width=width)}\n\n{evaluate(gold, labels)}"
