"""Posts and labels in and out: everything `extract` reads, our tables, and the files of Label Studio and doccano.

The ending of a file says what is written: `.csv`, `.jsonl` and `.parquet` are posts tables that `stance train` takes;
`.labels.csv` holds labels without the words; `.json` is Label Studio's, `.doccano.jsonl` doccano's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Added:
    """What one source added.

    Attributes
    ----------
    met_before : int
        New posts whose author and words are in the database already, under other ids.
    """

    source: str
    posts: int
    labels: int
    met_before: int

    def __str__(self) -> str:
        return f"{self.source}: {self.posts} new posts, {self.labels} new labels"


@dataclass(frozen=True, slots=True)
class Exported:
    """How many posts were written, and how many that somebody answered have no label to write."""

    posts: int
    left_out: int
    whose: str

    def __str__(self) -> str:
        why = {"majority": "unsure or tied", "adjudicated": "unsure or undecided"}.get(self.whose, "unsure")
        return f"{self.posts} posts" + (f", {self.left_out} {why} left out" if self.left_out else "")


def read_source(source: str, annotator: str) -> tuple[pd.DataFrame, list[Event]]:
    """Read posts, and the labels that come with them.

    Parameters
    ----------
    source : str
        Whatever `stance.extract` reads, a posts table, an export of Label Studio (JSON) or doccano (JSON Lines), or
        labels without words (`.labels.csv`), whose posts the database must have.
    annotator : str
        Whose the labels are where the file does not say.

    Returns
    -------
    posts : DataFrame
        A checked posts table without labels; empty for labels without words.
    labels : list of Event

    Raises
    ------
    DataError, PageError
        If the source cannot be read, has no post, or holds a label that the codebook does not know.
    """
    found = _labelled_rows(source)
    if found is None:
        return _extracted(source), []
    rows, first = found
    table, keys = _posts_and_keys([post for post, _ in rows], source)
    labels = [
        event
        for number, (key, (_, given)) in enumerate(zip(keys, rows, strict=True), start=first)
        for one in given
        for event in _labels(one, key, annotator, f"{source}, row {number}")
    ]
    return table, labels


def _posts_and_keys(posts: Rows, source: str) -> tuple[pd.DataFrame, list[Key]]:
    if posts and all({"thread", "post"} <= post.keys() and "text" not in post for post in posts):
        return posts_table((), POST_COLUMNS), [(str(post["thread"]), str(post["post"])) for post in posts]
    table = check_posts(posts_table(posts, () if posts else POST_COLUMNS), where=source)
    return table, list(zip(table["thread"], table["post"], strict=True))


def _labelled_rows(source: str) -> tuple[list[LabelledRow], int] | None:
    """Rows of a file that may hold labels, with the first one's number, or None for a page, a dump or an address."""
    if source == "-" or not Path(source).is_file():
        return None
    data = decompress(read_bytes(source))
    if data.lstrip().startswith(b"["):
        listed = listed_rows(data, source)
        return None if listed is None else (listed, 1)
    kind = table_format(data)
    if kind is None:
        return None
    rows: Rows = read_table(source, data).to_dict("records")  # type: ignore[assignment]
    if is_doccano(rows):
        rows = [doccano_row(row) for row in rows]
    # A spreadsheet counts the header as its first row.
    return [(post_part(row), [row]) for row in rows], 2 if kind == ".csv" else 1


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
        # What a person typed: "Against " is meant as it is read.
        label = value.strip().lower() if isinstance(value, str) else value
        if label in (None, "") or label != label:
            continue
        if label not in ANSWERS:
            fix = f"use {', '.join(LABELS[:-1])} or {LABELS[-1]}, or leave it empty"
            raise DataError(f"unknown label {value!r}", where=where, fix=fix)
        labels.append(imported(name, *key, kind, str(label)))
    note = given.get("note")
    if isinstance(note, str) and note:
        labels.append(imported(name, *key, "note", note[:LONGEST_NOTE]))
    return labels


def read_sources(sources: Sequence[str], annotator: str) -> list[Read]:
    """Read all sources, before anything is stored: one that cannot be read leaves no trace."""
    return [Read(source, *read_source(source, annotator)) for source in sources]


def add_sources(store: Store, read: Sequence[Read]) -> list[Added]:
    """Add posts and labels of all sources; a label that a person gave here is never replaced by a file's.

    Raises
    ------
    DataError
        If a post has other words in the database, or a label belongs to no post there.
    """
    added = []
    for source, posts, labels in read:
        met_before = _met_before(store.posts(), posts)
        new_posts = store.add_posts(posts, where=source)
        _check_known(store, labels, source)
        given = {(event.annotator, event.thread, event.post, event.kind) for event in store.standing()}
        new = [one for one in labels if (one.annotator, one.thread, one.post, one.kind) not in given]
        store.add(new)
        added.append(Added(source, new_posts, sum(one.kind in KINDS for one in new), met_before))
    return added


def _met_before(known: pd.DataFrame, posts: pd.DataFrame) -> int:
    """Count posts that are new by their ids, but whose author and words are known."""
    keys = set(zip(known["thread"], known["post"], strict=True))
    words = set(zip(known["author"], known["text"], strict=True))
    rows = zip(posts["thread"], posts["post"], posts["author"], posts["text"], strict=True)
    return sum((thread, post) not in keys and (author, text) in words for thread, post, author, text in rows)


def _check_known(store: Store, labels: Sequence[Event], source: str) -> None:
    posts = store.posts()
    keys = set(zip(posts["thread"], posts["post"], strict=True))
    strange = [one for one in labels if (one.thread, one.post) not in keys]
    if strange:
        first = strange[0]
        problem = f"no post {first.post!r} in thread {first.thread!r}, nor {len(strange) - 1} others that it labels"
        raise DataError(problem, where=source, fix="name the page or table that was labelled in front of this file")


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
) -> Exported:
    """Write labels to a file, by its ending; return how many posts, and how many were left out.

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
        return _exported(store, table, whose)
    with replacing(output) as stream:
        stream.write(write(table.to_dict("records")))  # type: ignore[arg-type]
    return _exported(store, table, whose)


def _exported(store: Store, table: pd.DataFrame, whose: str) -> Exported:
    of_all = whose in ("majority", "adjudicated")
    answers = [one for one in store.standing() if one.kind == "stance" and one.value != "skip"]
    answered = {(one.thread, one.post) for one in answers if of_all or one.annotator == whose}
    return Exported(len(table), len(answered - set(zip(table["thread"], table["post"], strict=True))), whose)


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
