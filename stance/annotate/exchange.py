"""Posts and labels in and out: everything `extract` reads, our tables, and the files of Label Studio and doccano.

The ending of a file says what is written: `.csv`, `.jsonl` and `.parquet` are posts tables that `stance train` takes;
`.labels.csv` holds labels without the words; `.json` is Label Studio's, `.doccano.jsonl` doccano's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stance.annotate.consensus import adjudicated, decisions, majority, ratings
from stance.annotate.events import ANSWERS, KINDS, LONGEST_NOTE, Event, check_annotator, imported
from stance.annotate.formats import (
    LabelledRow,
    Rows,
    doccano,
    doccano_row,
    is_doccano,
    label_studio,
    listed_rows,
    post_part,
)
from stance.annotate.learner import Guesses
from stance.annotate.queue import Key
from stance.annotate.store import Store
from stance.data import LABELS, POST_COLUMNS, PROBABILITY_COLUMNS, check_posts, posts_table, threads_to_table
from stance.errors import DataError
from stance.extract import extract
from stance.tables import (
    csv_lines,
    decompress,
    read_bytes,
    read_table,
    refuse_existing,
    replacing,
    table_format,
    write_table,
)


class Read(NamedTuple):
    """What one source holds."""

    source: str
    posts: pd.DataFrame
    labels: list[Event]


def read_source(source: str, annotator: str) -> tuple[pd.DataFrame, list[Event]]:
    """Read posts, and the labels that come with them.

    Parameters
    ----------
    source : str
        Whatever `stance.extract` reads, a posts table, or an export of Label Studio (JSON) or doccano (JSON Lines).
    annotator : str
        Whose the labels are where the file does not say.

    Returns
    -------
    posts : DataFrame
        A checked posts table without labels.
    labels : list of Event

    Raises
    ------
    DataError, PageError
        If the source cannot be read, has no post, or holds a label that the codebook does not know.
    """
    rows = _labelled_rows(source)
    if rows is None:
        return _extracted(source), []
    table = check_posts(posts_table([post for post, _ in rows], () if rows else POST_COLUMNS), where=source)
    keys = zip(table["thread"], table["post"], strict=True)
    labels = [
        event
        for number, (key, (_, given)) in enumerate(zip(keys, rows, strict=True), start=1)
        for one in given
        for event in _labels(one, key, annotator, f"{source}, row {number}")
    ]
    return table, labels


def _labelled_rows(source: str) -> list[LabelledRow] | None:
    """Rows of a file that may hold labels, or None for a page, a dump or an address."""
    if source == "-" or not Path(source).is_file():
        return None
    data = decompress(read_bytes(source))
    if data.lstrip().startswith(b"["):
        return listed_rows(data, source)
    if table_format(data) is None:
        return None
    rows: Rows = read_table(source, data).to_dict("records")  # type: ignore[assignment]
    if is_doccano(rows):
        rows = [doccano_row(row) for row in rows]
    return [(post_part(row), [row]) for row in rows]


def _extracted(source: str) -> pd.DataFrame:
    threads = extract(source)
    table = threads_to_table(threads)
    if table.empty:
        raise DataError("no posts to label", where=source, fix="give a page, dump or table with posts")
    about = {thread.id: thread for thread in threads}
    for name in ("title", "url", "platform"):
        table[name] = pd.Series([getattr(about[thread], name) for thread in table["thread"]], dtype=object)
    return table


def _labels(given: Mapping[str, Any], key: Key, annotator: str, where: str) -> list[Event]:
    name = check_annotator(given.get("annotator") or annotator)
    labels = []
    for kind in KINDS:
        value = given.get(kind)
        if value in (None, "") or value != value:
            continue
        if value not in ANSWERS:
            fix = f"use {', '.join(LABELS[:-1])} or {LABELS[-1]}, or leave it empty"
            raise DataError(f"unknown label {value!r}", where=where, fix=fix)
        labels.append(imported(name, *key, kind, str(value)))
    note = given.get("note")
    if isinstance(note, str) and note:
        labels.append(imported(name, *key, "note", note[:LONGEST_NOTE]))
    return labels


def read_sources(sources: Sequence[str], annotator: str) -> list[Read]:
    """Read all sources, before anything is stored: one that cannot be read leaves no trace."""
    return [Read(source, *read_source(source, annotator)) for source in sources]


def add_sources(store: Store, read: Sequence[Read]) -> None:
    """Add posts and labels of all sources; a label that a person gave here is never replaced by a file's."""
    for source, posts, labels in read:
        store.add_posts(posts, where=source)
        given = {(event.annotator, event.thread, event.post, event.kind) for event in store.standing()}
        store.add([one for one in labels if (one.annotator, one.thread, one.post, one.kind) not in given])


def _stand_off(rows: Rows) -> bytes:
    names = ("thread", "post", "author", *KINDS, "annotator", "note")
    return csv_lines([names, *([row[name] or "" for name in names] for row in rows)])


def labels_table(store: Store, whose: str) -> pd.DataFrame:
    """Labels of one annotator, of the majority, or the adjudicated ones.

    Parameters
    ----------
    whose : str
        An annotator's name, "majority" or "adjudicated".

    Returns
    -------
    DataFrame
        The posts that have a label, in order: a posts table with `stance`, `text_only`, `note`, `annotator`, `mode`,
        `seconds`, `model` and `given_at` (the last four for one annotator only).

    Raises
    ------
    DataError
        If there is no such label.
    """
    standing = store.standing()
    labels = {kind: _chosen(standing, kind, whose) for kind in KINDS}
    mine = {(one.thread, one.post, one.kind): one for one in standing if one.annotator == whose}
    rows = []
    for post in store.posts().to_dict("records"):
        key = (post["thread"], post["post"])
        if any(key in labels[kind] for kind in KINDS):
            given = {kind: labels[kind].get(key) for kind in KINDS}
            row: dict[Any, Any] = {**post, **given, **_about(mine, key), "annotator": whose}
            rows.append(row)
    if not rows:
        names = sorted({event.annotator for event in standing})
        known = ", ".join([*names, "majority or adjudicated"])
        raise DataError(f"no labels by {whose!r}", where=store.path.name, fix=f"choose {known}")
    return posts_table(rows)


def whole_table(store: Store, whose: str, guesses: Guesses) -> pd.DataFrame:
    """Every post with a stance: the label given by hand where there is one, else what the model guesses.

    Returns
    -------
    DataFrame
        A posts table with `stance`, the probabilities (1 for a label given by hand), and `labelled_by`: an annotator,
        "majority", "adjudicated" or the model.

    Raises
    ------
    DataError
        If no model has read the posts, or there is no such label.
    """
    if guesses.model is None:
        raise DataError("no model has read the posts yet", fix="label some more, or name a model with --model")
    given = labels_table(store, whose)
    by_hand = dict(zip(zip(given["thread"], given["post"], strict=True), given["stance"], strict=True))
    rows = []
    for post in store.posts().to_dict("records"):
        key = (post["thread"], post["post"])
        label = by_hand.get(key)
        values = [float(label == name) for name in LABELS] if label else guesses.probabilities[key]
        row: dict[Any, Any] = {**post, **_with_probabilities(values), "labelled_by": whose if label else guesses.model}
        rows.append(row)
    return posts_table(rows)


def _with_probabilities(values: Sequence[float]) -> dict[str, Any]:
    stance = LABELS[max(range(len(LABELS)), key=values.__getitem__)]
    return {"stance": stance, **dict(zip(PROBABILITY_COLUMNS, values, strict=True))}


def _chosen(standing: Sequence[Event], kind: str, whose: str) -> Mapping[Key, str]:
    given = ratings(standing, kind)
    if whose == "majority":
        return majority(given)
    if whose == "adjudicated":
        return adjudicated(given, decisions(standing, kind))
    return {key: labels[whose] for key, labels in given.items() if whose in labels}


def _about(mine: Mapping[tuple[str, str, str], Event], key: Key) -> dict[str, Any]:
    label = mine.get((*key, "stance")) or mine.get((*key, "text_only"))
    note = mine.get((*key, "note"))
    return {
        "note": note.value if note and note.value else None,
        "mode": label.mode if label else None,
        "seconds": label.seconds if label else None,
        "model": label.model if label else None,
        "given_at": label.given_at if label else None,
    }


def export_labels(
    database: str | os.PathLike[str] | Store, output: str | os.PathLike[str], *, whose: str, force: bool = False
) -> int:
    """Write labels to a file, by its ending; return how many posts.

    Parameters
    ----------
    database : path or Store
    output : path
        Ending in `.csv`, `.jsonl` or `.parquet` (posts table with stance), `.labels.csv` (without the words), `.json`
        (Label Studio) or `.doccano.jsonl`.
    whose : str
        An annotator's name, "majority" or "adjudicated".
    force : bool
        Whether a file that is there already is replaced.

    Raises
    ------
    DataError
        If there is no such label, the ending is unknown, or (without `force`) the file is there already.
    """
    refuse_existing(output, force=force)
    store = database if isinstance(database, Store) else open_existing(database)
    table = labels_table(store, whose)
    write = _writer(os.fspath(output))
    if write is None:
        # `stance train` wants a stance in every row; labels given to the words alone go out by the other endings.
        table = table[table["stance"].notna()].reset_index(drop=True)
        # A column without a value would look like an answer that nobody gave.
        table = table.drop(columns=[kind for kind in KINDS if table[kind].isna().all()])
        write_table(table, output, force=force)
        return len(table)
    with replacing(output) as stream:
        stream.write(write(table.to_dict("records")))  # type: ignore[arg-type]
    return len(table)


def open_existing(database: str | os.PathLike[str]) -> Store:
    """Open a labels database that must be there."""
    if not Path(database).is_file():
        raise DataError("no such database", where=os.fspath(database), fix="label with `stance annotate` first")
    return Store(Path(database))


def _writer(name: str) -> Callable[[Rows], bytes] | None:
    endings: dict[str, Callable[[Rows], bytes]] = {
        ".labels.csv": _stand_off,
        ".doccano.jsonl": doccano,
        ".json": label_studio,
    }
    return next((write for ending, write in endings.items() if name.endswith(ending)), None)
