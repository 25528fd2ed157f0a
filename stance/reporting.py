"""Sources to scores and reports: label, explain, score and write down, for the command line and for notebooks."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from stance.data import Thread, table_to_threads
from stance.errors import StanceWarning
from stance.evaluate import Scores, evaluate
from stance.explain import explain_text
from stance.given import Labelled, anew, as_in, gather, label_all, labels_beside, name_of_labels
from stance.labelling import label_posts
from stance.model import Model, load_model
from stance.pseudonyms import pseudonymise, pseudonymous_thread
from stance.report import SHOWN_POSTS, Because, Page, batch_report, evaluation_report
from stance.report import report as thread_report
from stance.tables import replacing
from stance.tree import conversation_tree
from stance.workflow import Sources, demo_posts, label, learned_from, read_posts


def report(
    source: Sources,
    model: Model | str | os.PathLike[str] | None = None,
    *,
    labels: pd.DataFrame | str | os.PathLike[str] | None = None,
    fill: bool = True,
    key: bytes | None = None,
    command: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Page:
    """Label pages, dumps, exports, threads or posts tables, and write down what they think as one HTML page.

    A posts table whose `stance` is filled in is reported with these labels, as `batch_report` does it, unless a model
    is named. Where labels are given for some posts only, a model gives the others, and hears of those that are a
    person's: those without probabilities, and those that are not the most probable one of their row.

    Parameters
    ----------
    source : path, URL, "-", Thread, DataFrame, or an iterable of these
    model : Model or path, optional
        By default the Huawei model that comes with stance. One that is named labels anew what is labelled in `source`.
    labels : DataFrame or path, optional
        Labels of these posts from elsewhere, a person's for example: `thread` (unless there is one only), `post` and
        `stance`. They come before those in `source`.
    fill : bool
        Whether a model is asked about posts that have no label where others have one; else they are refused.
    key : bytes, optional
        Write pseudonyms in place of names; what `stance.read_key` gives.
    command : str, optional
        What to type to get this report again.
    tell : callable, optional
        Told in one line whose the labels are, where some were given.

    Returns
    -------
    Page
        A string of HTML, which a notebook shows; see `stance.report.report`.

    Raises
    ------
    PageError
        If a source has no posts.
    DataError
        If labels belong to none of the posts, or are unknown.
    """
    sources = [source] if isinstance(source, str | os.PathLike | Thread | pd.DataFrame) else list(source)
    found = gather(sources)
    threads = [pseudonymous_thread(thread, key) for thread in found.threads] if key else found.threads
    posts = read_posts(threads)
    if labels is not None:
        given = label_all(posts, labels_beside(labels, threads), model, where=[name_of_labels(labels)], fill=fill)
    elif found.labels and model is None:
        given = label_all(posts, pd.concat(found.labels), where=found.where, fill=fill)
    else:
        given = _labelled_anew(posts, load_model(model), found.where)
    if tell and given.said:
        tell(given.said)
    new = posts.assign(stance=given.table["stance"])[given.is_new]
    words = because(new, given.model) if given.model else None
    card = given.model.card if given.model else None
    return thread_report(threads, given.table, because=words, card=card, command=command, labelled=given.said)


def _labelled_anew(posts: pd.DataFrame, model: Model, where: list[str]) -> Labelled:
    """Ask the model about all posts, and say so where they have labels already."""
    everything = np.ones(len(posts), dtype=bool)
    return Labelled(label_posts(posts, model), everything, model, anew(model, where) if where else None)


def report_many(
    labels: pd.DataFrame,
    *,
    by: str,
    posts: pd.DataFrame | None = None,
    model: Model | str | os.PathLike[str] | None = None,
    key: bytes | None = None,
    each: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] = "report.html",
    command: str | None = None,
    where: str = "labels",
    tell: Callable[[str], None] | None = None,
) -> Page:
    """Write down what many discussions think; see `stance.batch_report`.

    Parameters
    ----------
    labels : DataFrame
        A labels table; `posts` lends the columns that it lacks.
    model : Model or path, optional
        Labels the posts anew.
    key : bytes, optional
        Write pseudonyms in place of names.
    each : path, optional
        A folder for the report of each discussion, which `output` links to.
    where : str
        What to call the labels.
    tell : callable, optional
        Told in one line whose the labels are.
    """
    words = labels if posts is None else posts
    if key:
        labels, words = (pseudonymise(table, key=key) for table in (labels, words))
    if model is not None:
        model = load_model(model)
        labels = label(words, model)
    if tell:
        tell(as_in([where]) if model is None else anew(model, [where]))
    links = _write_each(words, labels, Path(each), Path(output)) if each else {}
    beside = None if words is labels else words
    return batch_report(labels, by=by, posts=beside, links=links, command=command)


def _write_each(posts: pd.DataFrame, labels: pd.DataFrame, folder: Path, output: Path) -> dict[str, str]:
    """Write the report of each discussion, and give its address as seen from the page that links to it."""
    folder.mkdir(parents=True, exist_ok=True)
    labels_of = dict(tuple(labels.groupby("thread")))
    links = {}
    for number, thread in enumerate(table_to_threads(posts), start=1):
        # Numbered, since a thread's own name may hold anything.
        path = folder / f"{number:05}.html"
        page = report(thread, labels=labels_of.get(thread.id, labels), fill=False)
        with replacing(path) as stream:
            stream.write(page.encode())
        links[thread.id] = Path(os.path.relpath(path, output.parent)).as_posix()
    return links


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


def evaluate_model(
    gold: pd.DataFrame, *, model: Model | str | os.PathLike[str] | None = None, against: str = "stance"
) -> Scores:
    """Label the posts of `gold` and score the labels; against `text_only` each post is read alone.

    The whole of `gold` is one input: the conversation of its threads counts as it would for a new page. A
    `StanceWarning` says where the model has learned from these very posts.
    """
    loaded = load_model(model)
    if learned_from(loaded, gold):
        text = f"{loaded.id} has learned from these posts; these figures say nothing of others"
        warnings.warn(text, StanceWarning, stacklevel=2)
    labels = label(gold, loaded, conversation=against == "stance")
    return evaluate(gold, labels, against=against).toward(loaded.target)


def demo() -> str:
    """Label an invented thread that no model of ours has learned from: its tree, and how right the labels are."""
    gold = demo_posts()
    labels = label(gold)
    width = shutil.get_terminal_size((100, 24)).columns
    return f"{conversation_tree(table_to_threads(gold)[0], labels, width=width)}\n\n{evaluate(gold, labels)}"
