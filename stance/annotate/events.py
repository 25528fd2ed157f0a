"""What an annotator did, as values: one event a key press, only ever added, never changed.

An undo is an event too. What stands at any moment follows from the history, so undoing loses nothing, and an event
that is sent twice (the answer was lost, the server was killed) counts once because its id comes from the page.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stance.data import LABELS
from stance.errors import DataError

#: The two labels of a post (see the codebook): read in its conversation, and from its words alone.
KINDS = ("stance", "text_only")

#: The adjudicator's last word on each kind.
DECISIONS = {f"{kind}_decision": kind for kind in KINDS}

#: What a key gives besides the labels: `unsure` is an answer (the post is done), `skip` asks again at the end.
ANSWERS = (*LABELS, "unsure", "skip")

#: Whether the model's guess was to be seen when the label was given; `imported`: the label came from a file.
MODES = ("blind", "assisted", "imported")

#: A note is a remark, not an essay; a limit keeps one request small.
LONGEST_NOTE = 4000

_ID = re.compile(r"[0-9A-Za-z_-]{8,64}\Z")
# Names go into column names and file names of exports.
_NAME = re.compile(r"[^\W_](?:[\w .@+-]{0,38}[\w.@+-])?\Z")
# Longer than any pause that is still about this post; the page stops its clock when the tab is hidden.
_LONGEST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing an annotator did.

    Attributes
    ----------
    id : str
        Made by the page; the same id twice is the same event.
    kind : str
        One of `KINDS`, of `DECISIONS`, "note" or "undo".
    value : str
        One of `ANSWERS`; for a note its text; for an undo the id of the event that it takes back.
    mode : {"blind", "assisted", "imported"}
    seconds : float or None
        Time that the post was in view before the key.
    model : str or None
        Version of the model whose guess the annotator had seen, or would see next.
    given_at : str or None
        Time of the key press by the annotator's clock, ISO 8601; the database adds its own time of storing.
    """

    id: str
    annotator: str
    thread: str
    post: str
    kind: str
    value: str
    mode: str = "blind"
    seconds: float | None = None
    model: str | None = None
    given_at: str | None = None


def check_annotator(name: object) -> str:
    """Return the name if it can be one: 1 to 40 letters, digits, spaces and ``. @ + - _``.

    Raises
    ------
    DataError
        If it cannot, or is one of the words that name an export.
    """
    if not isinstance(name, str) or not _NAME.match(name) or name in ("majority", "adjudicated"):
        raise DataError(f"annotator {name!r} cannot be a name", fix="use 1 to 40 letters, digits, spaces and . @ + - _")
    return name


def check_event(fields: object, annotator: str) -> Event:
    """Make an event of what a page sent.

    Raises
    ------
    DataError
        If a field is missing, of the wrong type or size, or holds what the codebook does not know.

    Examples
    --------
    >>> sent = {"id": "0123456789", "thread": "t", "post": "1", "kind": "stance", "value": "favor"}
    >>> check_event(sent, "anna").value
    'favor'
    >>> check_event(sent | {"value": "pro"}, "anna")
    Traceback (most recent call last):
    stance.errors.DataError: unknown label 'pro'; use favor, against, none, unsure or skip
    """
    if not isinstance(fields, Mapping):
        raise DataError(f"an event is {type(fields).__name__}", fix="send an object")
    values = {name: _string(fields, name) for name in ("id", "thread", "post", "kind", "value")}
    if not _ID.match(values["id"]):
        raise DataError(f"event id {values['id']!r}", fix="use 8 to 64 letters and digits")
    mode = fields.get("mode", "blind")
    if mode not in MODES:
        raise DataError(f"unknown mode {mode!r}", fix="use blind or assisted")
    return Event(
        **values | {"value": _check_value(values["kind"], values["value"])},
        annotator=annotator,
        mode=mode,
        seconds=_seconds(fields.get("seconds")),
        model=_optional(fields, "model"),
        given_at=_optional(fields, "given_at"),
    )


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise DataError(f"event without {name} (found {value!r})", fix=f"send {name} as a string")
    # Browsers can send half of a surrogate pair, which no database text can hold.
    return value.encode("utf-8", "replace").decode()


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    value = _string(fields, name) if fields.get(name) is not None else None
    if value and len(value) > 100:
        raise DataError(f"{name} of {len(value)} characters", fix="send at most 100")
    return value


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise DataError(f"seconds {value!r}", fix="send a number of seconds")
    return round(min(float(value), _LONGEST_SECONDS), 3)


def _check_value(kind: str, value: str) -> str:
    if kind in KINDS and value not in ANSWERS:
        raise DataError(f"unknown label {value!r}", fix=f"use {', '.join(ANSWERS[:-1])} or {ANSWERS[-1]}")
    if kind in DECISIONS and value not in LABELS:
        raise DataError(f"unknown label {value!r}", fix=f"use {', '.join(LABELS[:-1])} or {LABELS[-1]}")
    if kind == "note" and len(value) > LONGEST_NOTE:
        raise DataError(f"a note of {len(value)} characters", fix=f"use at most {LONGEST_NOTE}")
    if kind not in (*KINDS, *DECISIONS, "note", "undo"):
        raise DataError(f"unknown kind {kind!r}", fix=f"use {', '.join(KINDS)}, note or undo")
    return value


def imported(annotator: str, thread: str, post: str, kind: str, value: str) -> Event:
    """Label that a file holds; its id follows from the content, so that reading the file again adds nothing."""
    # JSON-like separation: no field can hold U+001F and so run into the next one unnoticed.
    content = "\x1f".join((annotator, thread, post, kind, value))
    name = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return Event(f"import-{name}", annotator, thread, post, kind, value, mode="imported")
