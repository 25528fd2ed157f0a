"""Gold from files: a posts table whose stance is known, or stand-off labels put onto the page that they belong to."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pandas as pd

from stance.data import Thread, check_posts
from stance.errors import DataError, StanceWarning
from stance.evaluate import apply_standoff
from stance.evaluate.scores import labelled_by_model
from stance.extract import extract
from stance.tables import read_table


def read_gold(
    path: str | os.PathLike[str],
    page: str | None = None,
    against: str = "stance",
) -> pd.DataFrame:
    """Read a gold posts table, or stand-off labels onto their page; a `StanceWarning` tells of a model's own labels.

    Parameters
    ----------
    page : path or URL, optional
        The page of stand-off labels.
    against : {"stance", "text_only"}
        The column that is going to be scored against.

    Raises
    ------
    DataError
        If the labels are not gold, stand apart from their words without a page, or the page is not one discussion.
    """
    where, table = os.fspath(path), read_table(path)
    model = labelled_by_model(table)
    if model:
        doubt = "a model's labels are no gold, unless a person checked them"
        warnings.warn(f"{where}: column 'model' says {model}: {doubt}", StanceWarning, stacklevel=2)
    if page:
        return apply_standoff(table, _only_thread(page), where=where)
    if "text" not in table.columns:
        fix = "name the page that they belong to with --page"
        raise DataError("labels without their posts' words", where=where, fix=fix)
    return check_posts(table, where=where, labelled=against == "stance")


def _only_thread(page: str) -> Thread:
    if Path(page).is_dir():
        raise DataError("a folder, not a page", where=page, fix="name the one page of these labels")
    threads = extract(page)
    if len(threads) > 1:
        problem = f"{len(threads)} discussions, and post numbers tell of one"
        raise DataError(problem, where=page, fix="name a page that holds one")
    return threads[0] if threads else Thread(page)
