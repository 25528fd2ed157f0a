"""Posts and events in one SQLite file that several annotators and servers write at once.

Measured with 8 writers of 400 labels each: Python's defaults lost 1,138 of 3,200 labels, WAL with deferred
transactions 3,047; WAL with BEGIN IMMEDIATE and a busy timeout of 30 s lost none, and `synchronous=FULL` kept each
acknowledged label through 50 kills. So a label counts as stored only after its transaction is on the disk.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from stance.annotate.events import Event
from stance.data import EXTRACT_COLUMNS, POST_COLUMNS, check_posts, posts_table
from stance.errors import DataError

#: "stnc": tells our database from anybody else's (SQLite's application_id).
_APPLICATION = 0x73746E63
_FORMAT = 1
_BUSY_SECONDS = 30.0

_EVENT_FIELDS = tuple(field.name for field in fields(Event))

_SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE post (
    position INTEGER PRIMARY KEY,
    thread TEXT NOT NULL,
    post TEXT NOT NULL,
    record TEXT NOT NULL,  -- JSON in ASCII: exact for NUL and lone surrogates, which SQLite's text is not
    digest TEXT NOT NULL,  -- of the words: labels stand for these, and for no others
    UNIQUE (thread, post)
);
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    annotator TEXT NOT NULL,
    thread TEXT NOT NULL,
    post TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    mode TEXT NOT NULL,
    seconds REAL,
    model TEXT,
    given_at TEXT,
    stored_at TEXT NOT NULL,
    FOREIGN KEY (thread, post) REFERENCES post (thread, post)
);
CREATE INDEX event_of_post ON event (annotator, thread, post, kind);
CREATE UNIQUE INDEX undone ON event (value) WHERE kind = 'undo';
CREATE TRIGGER history_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
CREATE TRIGGER history_is_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
CREATE VIEW standing AS
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY annotator, thread, post, kind ORDER BY number DESC) AS age
        FROM event
        WHERE kind <> 'undo' AND id NOT IN (SELECT value FROM event WHERE kind = 'undo')
    ) WHERE age = 1;
CREATE TABLE claim (
    thread TEXT NOT NULL, post TEXT NOT NULL, annotator TEXT NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (thread, post)
);
CREATE TABLE round (
    number INTEGER PRIMARY KEY, model TEXT NOT NULL, labels INTEGER NOT NULL,
    accuracy REAL, error REAL, stored_at TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One training of the model on the labels so far.

    Attributes
    ----------
    labels : int
        How many labels it learned from.
    accuracy, error : float or None
        Cross-validated share of right labels, 0 to 1, and its standard error; None where a fold could not be made.
    """

    model: str
    labels: int
    accuracy: float | None
    error: float | None


class Store:
    """One labels database.

    Parameters
    ----------
    path : path
        The file; made if it does not exist.

    Raises
    ------
    DataError
        If the file is no labels database, or one of a later format.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        # Threads of one process queue here, in order; SQLite's own waiting sleeps in steps of up to 100 ms.
        self._writing = threading.Lock()
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"not a labels database ({error})", where=str(path), fix="give --db another name"
            ) from error

    def _open(self) -> None:
        with self._writing:
            connection = self._connection()
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise sqlite3.OperationalError("the file system allows no write-ahead log")
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._create(connection)
            finally:
                connection.execute("COMMIT")

    def _create(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if tables == 0:
            for statement in _statements(_SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
            connection.execute("INSERT INTO setting VALUES ('database', ?)", (uuid.uuid4().hex,))
        elif application != _APPLICATION:
            raise sqlite3.DatabaseError("it belongs to another program")
        elif version != _FORMAT:
            raise sqlite3.DatabaseError(f"its format {version} is not {_FORMAT}")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed by `close` from another thread, hence check_same_thread; used by its own thread only.
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            # Into the file that a person would copy. PASSIVE never waits for readers: what one of them holds up, the
            # next write brings over, or closing.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close all connections; the write-ahead log goes into the file."""
        with self._writing:
            while self._connections:
                self._connections.pop().close()
        self._local = threading.local()

    def setting(self, name: str, default: str = "") -> str:
        """Read a setting of the database."""
        row = self._connection().execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def keep(self, name: str, value: str) -> None:
        """Keep a setting."""
        with self._write() as connection:
            connection.execute(
                "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    def add_posts(self, posts: pd.DataFrame, *, where: str = "posts table") -> int:
        """Add the posts that are new, in their order; return how many.

        Raises
        ------
        DataError
            If a post is known with other words: its labels would stand for words that nobody labelled.
        """
        rows = [_post_row(record) for record in check_posts(posts, where=where).to_dict("records")]
        with self._write() as connection:
            known = {row[:2]: row[2] for row in connection.execute("SELECT thread, post, digest FROM post")}
            for thread, post, _, digest in rows:
                if known.get((thread, post), digest) != digest:
                    problem = f"post {post!r} of thread {thread!r} has other words than in {self.path.name}"
                    raise DataError(problem, where=where, fix="give --db another name")
            new = [row for row in rows if row[:2] not in known]
            connection.executemany("INSERT INTO post (thread, post, record, digest) VALUES (?, ?, ?, ?)", new)
        return len(new)

    def posts(self) -> pd.DataFrame:
        """All posts in order: a posts table with whatever columns the sources had."""
        records = self._connection().execute("SELECT record FROM post ORDER BY position")
        return posts_table((json.loads(record) for (record,) in records), POST_COLUMNS)

    def thread(self, thread: str) -> list[dict[str, Any]]:
        """Posts of one thread, in order; an empty list for a thread that is not there."""
        query = "SELECT record FROM post WHERE thread = ? ORDER BY position"
        return [json.loads(record) for (record,) in self._connection().execute(query, (thread,))]

    def add(self, events: Sequence[Event]) -> None:
        """Add events, all or none; an event that is there already is left as it is.

        Returns only when they are on the disk.

        Raises
        ------
        DataError
            If a post is unknown, an undo takes back what the annotator did not do, or an id was used for
            something else.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._write() as connection:
            for event in events:
                _add_event(connection, event, now)

    def history(self, annotator: str, limit: int = 200) -> list[Event]:
        """What the annotator could still undo, the latest last."""
        query = f"""SELECT {", ".join(_EVENT_FIELDS)} FROM event
            WHERE annotator = ? AND kind <> 'undo' AND mode <> 'imported'
                AND id NOT IN (SELECT value FROM event WHERE kind = 'undo')
            ORDER BY number DESC LIMIT ?"""  # noqa: S608 - the names are our own
        rows = self._connection().execute(query, (annotator, limit)).fetchall()
        return [Event(*row) for row in reversed(rows)]

    def standing(self, annotator: str | None = None, thread: str | None = None) -> list[Event]:
        """What stands: for each annotator, post and kind the latest event that was not undone, in order."""
        query = f"""SELECT {", ".join(_EVENT_FIELDS)} FROM standing
            WHERE (?1 IS NULL OR annotator = ?1) AND (?2 IS NULL OR thread = ?2)
            ORDER BY number"""  # noqa: S608 - the names are our own
        return [Event(*row) for row in self._connection().execute(query, (annotator, thread))]

    def event_count(self) -> int:
        """How many events there are, undone ones too; changes when anything was done."""
        return int(self._connection().execute("SELECT coalesce(max(number), 0) FROM event").fetchone()[0])

    def claim(
        self, keys: Iterable[tuple[str, str]], annotator: str, *, limit: int, now: float, until: float
    ) -> set[tuple[str, str]]:
        """Reserve the first `limit` posts that nobody else holds; times in seconds."""
        query = "SELECT thread, post, annotator FROM claim WHERE until > ?"
        with self._write() as connection:
            held = {(thread, post): name for thread, post, name in connection.execute(query, (now,))}
            free = (key for key in keys if held.get(key, annotator) == annotator)
            mine = set(islice(free, limit))
            connection.executemany(
                "INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?)", [(*key, annotator, until) for key in sorted(mine)]
            )
        return mine

    def add_round(self, done: Round) -> None:
        """Keep what a training reached."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._write() as connection:
            connection.execute(
                "INSERT INTO round (model, labels, accuracy, error, stored_at) VALUES (?, ?, ?, ?, ?)",
                (*astuple(done), now),
            )

    def rounds(self) -> list[Round]:
        """All trainings so far, in order."""
        query = "SELECT model, labels, accuracy, error FROM round ORDER BY number"
        return [Round(*row) for row in self._connection().execute(query)]


def _statements(script: str) -> Iterator[str]:
    """Cut a script into statements; `executescript` would commit the transaction that it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _post_row(record: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    present = {name: value for name, value in record.items() if _present(value)}
    empty = {name: None for name in record if name in EXTRACT_COLUMNS}
    text = json.dumps(empty | present, default=str)
    digest = hashlib.blake2b(json.dumps(record["text"]).encode(), digest_size=16).hexdigest()
    try:
        f"{record['thread']}{record['post']}".encode()
    except UnicodeEncodeError as error:
        problem = f"post {record['post']!r} of thread {record['thread']!r} is no valid id"
        raise DataError(problem, fix="use ids without half characters") from error
    return record["thread"], record["post"], text, digest


def _present(value: object) -> bool:
    return not (value is None or value != value)


def _add_event(connection: sqlite3.Connection, event: Event, now: str) -> None:
    if event.kind == "undo":
        _check_undo(connection, event)
    marks = ", ".join("?" * (len(_EVENT_FIELDS) + 1))
    query = f"""INSERT INTO event ({", ".join(_EVENT_FIELDS)}, stored_at) VALUES ({marks})
        ON CONFLICT (id) DO NOTHING"""  # noqa: S608 - the names are our own
    try:
        added = connection.execute(query, (*astuple(event), now)).rowcount
    except sqlite3.IntegrityError as error:
        if event.kind == "undo" and "UNIQUE" in str(error):
            return  # taken back already, from another tab
        problem = f"no post {event.post!r} in thread {event.thread!r}"
        raise DataError(problem, fix="load the page again") from error
    if not added and _what(connection, event.id) != (
        event.annotator,
        event.thread,
        event.post,
        event.kind,
        event.value,
    ):
        raise DataError(f"event id {event.id!r} was used for something else", fix="load the page again")


def _what(connection: sqlite3.Connection, event_id: str) -> tuple[str, ...] | None:
    query = "SELECT annotator, thread, post, kind, value FROM event WHERE id = ?"
    row: tuple[str, ...] | None = connection.execute(query, (event_id,)).fetchone()
    return row


def _check_undo(connection: sqlite3.Connection, event: Event) -> None:
    target = _what(connection, event.value)
    if target is None or target[:3] != (event.annotator, event.thread, event.post) or target[3] == "undo":
        raise DataError(f"nothing of {event.annotator} to undo as {event.value!r}", fix="load the page again")
