"""Labels that come with the posts or stand in a table beside them, and a model's for the posts that they leave out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.data import (
    LABEL_COLUMNS,
    LABELS,
    PROBABILITY_COLUMNS,
    Thread,
    check_posts,
    id_of,
    posts_table,
    table_to_threads,
    threads_to_table,
)
from stance.errors import DataError
from stance.extract import read_page
from stance.extract.kinds import kind_of
from stance.extract.sources import open_source
from stance.labelling import label_posts
from stance.model import Model, load_model
from stance.report.shares import by_hand
from stance.tables import read_table
from stance.threads import named, threads_in, with_posts

_Source = str | os.PathLike[str] | Thread | pd.DataFrame


@dataclass(frozen=True, slots=True)
class Gathered:
    """Threads, and the labels that stand in the tables that they come from.

    Attributes
    ----------
    labels : list of DataFrame
        A labels table for each source whose posts have a stance; some posts or all.
    where : list of str
        What to call each of these sources.
    """

    threads: list[Thread] = field(default_factory=list)
    labels: list[pd.DataFrame] = field(default_factory=list)
    where: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label for every post, and whose it is.

    Attributes
    ----------
    table : DataFrame
        A labels table, in the order of the posts.
    is_new : bool array of shape (n_posts,)
        Which labels the model gave just now.
    model : Model or None
        None where no model was asked.
    said : str or None
        One line for people on labels that were given; None where there are none.
    """

    table: pd.DataFrame
    is_new: NDArray[np.bool_]
    model: Model | None
    said: str | None


def gather(sources: Sequence[_Source]) -> Gathered:
    """Read the threads of all sources, and the `stance` of posts tables among them.

    Raises
    ------
    PageError
        If a source has no posts.
    """
    found = Gathered()
    for one, name in named(sources):
        threads, table = _read(one, name)
        found.threads.extend(threads)
        if table is not None and "stance" in table.columns and table["stance"].map(id_of).notna().any():
            found.labels.append(_labels_within(table, threads))
            found.where.append("the posts table" if isinstance(one, pd.DataFrame) else os.fspath(one))  # type: ignore[arg-type]
    return found


def _read(source: _Source, name: str | None) -> tuple[list[Thread], pd.DataFrame | None]:
    if isinstance(source, pd.DataFrame):
        return table_to_threads(source), source
    if isinstance(source, Thread) or str(source).startswith(("http://", "https://")):
        return threads_in(source, name), None
    page = open_source(source)
    table = read_table(page.name, page.data) if kind_of(page) == "table" else None
    # Standard input can be read only once.
    return with_posts(read_page(page), source) if page.name == "-" else threads_in(source, name), table


def _labels_within(table: pd.DataFrame, threads: Sequence[Thread]) -> pd.DataFrame:
    """Labels under the keys that the threads have, which may be named after their file."""
    groups = [rows for _, rows in check_posts(table).groupby("thread", sort=False)]
    rows = pd.concat(groups, ignore_index=True)
    rows["thread"] = threads_to_table(threads)["thread"]
    kept = [column for column in LABEL_COLUMNS if column in rows.columns]
    return rows.loc[rows["stance"].map(id_of).notna(), kept].reset_index(drop=True)


def labels_beside(source: pd.DataFrame | str | os.PathLike[str], threads: Sequence[Thread]) -> pd.DataFrame:
    """Labels in a table of their own; one that names no thread belongs to the only one."""
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    if "thread" not in table.columns and len(threads) == 1:
        table = table.assign(thread=threads[0].id)
    for column in ("thread", "post", "stance"):
        if column not in table.columns:
            columns = ", ".join(map(str, table.columns))
            fix = "a labels table has thread, post and stance"
            raise DataError(f"no column {column!r} (columns: {columns})", where=name_of_labels(source), fix=fix)
    keys = {name: pd.Series(list(map(id_of, table[name])), dtype=object, index=table.index) for name in _KEYS}
    return table.assign(**keys)[table["stance"].map(id_of).notna()].reset_index(drop=True)


_KEYS = ("thread", "post")


def name_of_labels(source: pd.DataFrame | str | os.PathLike[str]) -> str:
    """What to call a table of labels."""
    return "labels" if isinstance(source, pd.DataFrame) else os.fspath(source)


def label_all(
    posts: pd.DataFrame,
    given: pd.DataFrame,
    model: Model | str | os.PathLike[str] | None = None,
    *,
    where: Sequence[str] = ("labels",),
    fill: bool = True,
) -> Labelled:
    """Keep the labels that are given, and let a model give the others, which hears of those that are a person's.

    Parameters
    ----------
    fill : bool
        Whether a model is asked about posts that have none; else they are refused.

    Raises
    ------
    DataError
        If `given` labels none of the posts, one of them twice, or with an unknown label.
    """
    names = ", ".join(where)
    rows = _checked(given, names)
    own = [rows.get(key) for key in zip(posts["thread"], posts["post"], strict=True)]
    is_new = np.array([row is None for row in own], dtype=bool)
    if is_new.all():
        fix = "give labels of these posts, by the thread and post that `stance extract` shows"
        raise DataError(f"a label for none of the {len(posts)} posts", where=names, fix=fix)
    if is_new.any() and not fill:
        first = posts[is_new].iloc[0]
        raise DataError(f"no label for post {first['post']!r} of thread {first['thread']!r}", where=names)
    kept = posts_table([row for row in own if row is not None], LABEL_COLUMNS)
    hand = by_hand(kept)
    corrected = int((hand & kept[list(PROBABILITY_COLUMNS)].notna().all(axis=1)).sum())
    if not is_new.any():
        return Labelled(kept, is_new, None, _said(len(posts), is_new, corrected, where, None))
    loaded = load_model(model)
    known = np.full(len(posts), -1, dtype=np.int64)
    known[np.flatnonzero(~is_new)[hand]] = [LABELS.index(label) for label in kept["stance"][hand]]
    new: list[dict[Any, Any]] = label_posts(posts, loaded, known=known).to_dict("records")
    table = posts_table((old or fresh for old, fresh in zip(own, new, strict=True)), LABEL_COLUMNS)
    return Labelled(table, is_new, loaded, _said(len(posts), is_new, corrected, where, loaded))


def _checked(given: pd.DataFrame, where: str) -> dict[tuple[str, str], dict[Any, Any]]:
    rows: dict[tuple[str, str], dict[Any, Any]] = {}
    kept = [column for column in LABEL_COLUMNS if column in given.columns]
    for row in given[kept].to_dict("records"):
        key = (row["thread"], row["post"])
        if row["stance"] not in LABELS:
            fix = f"use {', '.join(LABELS[:-1])} or {LABELS[-1]}, or name a model to label the posts anew"
            raise DataError(f"unknown label {row['stance']!r} of post {row['post']!r}", where=where, fix=fix)
        if key in rows:
            raise DataError(f"post {row['post']!r} is labelled twice", where=where, fix="keep one label a post")
        rows[key] = {str(name): None if value == "" or value != value else value for name, value in row.items()}
    return rows


def as_in(where: Sequence[str]) -> str:
    """Say in which tables the labels stand.

    >>> as_in(["all.csv", "-"])
    'labels as in all.csv, standard input'
    """
    return f"labels as in {_names(where)}"


def _names(where: Sequence[str]) -> str:
    return ", ".join("standard input" if name == "-" else name for name in where)


def anew(model: Model, where: Sequence[str]) -> str:
    """Say that a model was asked although there were labels."""
    return f"labelled anew by {model.id}; the labels in {_names(where)} are left out"


def _said(n: int, is_new: NDArray[np.bool_], corrected: int, where: Sequence[str], model: Model | None) -> str:
    n_given = n - int(is_new.sum())
    whose = as_in(where)
    if model:
        whose = f"{n_given} of {n} {whose}, the others by {model.id}"
    return f"{whose}; {corrected} corrected by hand" if corrected else whose
