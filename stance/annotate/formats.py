"""The files of Label Studio and doccano, both ways: rows of posts and labels to their forms, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from stance.annotate.events import KINDS
from stance.errors import DataError
from stance.tables import json_line

#: What a table may say about a label; the rest of its columns belong to the post.
_LABEL_FIELDS = (*KINDS, "note", "annotator", "mode", "seconds", "model", "given_at")

Rows = list[dict[str, Any]]

#: A post as a file has it, and the labels that each annotator gave it.
LabelledRow = tuple[dict[str, Any], Rows]


def post_part(row: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row belongs to the post."""
    return {name: value for name, value in row.items() if name not in _LABEL_FIELDS}


def listed_rows(data: bytes, source: str) -> list[LabelledRow] | None:
    """Rows of a JSON list of Label Studio's or doccano's, or None for a list of anything else."""
    try:
        items = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    if all("data" in item for item in items):
        return _label_studio_rows(items, source)
    if not is_doccano(items):
        return None
    return [(post_part(row), [row]) for row in map(doccano_row, items)]


# Label Studio: a list of tasks, each with `data` and `annotations`; a choice stands in `result` as
# {"type": "choices", "from_name": ..., "value": {"choices": [...]}} (labelstud.io/guide/task_format).


def _label_studio_rows(tasks: Rows, source: str) -> list[LabelledRow]:
    if not all(isinstance(task["data"], dict) and isinstance(task["data"].get("text"), str) for task in tasks):
        raise DataError("a task without text", where=source, fix="name the key of the posts in \"data\" 'text'")
    users = {_user(one) for task in tasks for one in task.get("annotations") or []}
    return [
        ({"thread": "1", "post": str(task.get("id", number)), **task["data"]}, _annotations(task, len(users) > 1))
        for number, task in enumerate(tasks, start=1)
    ]


def _user(annotation: Mapping[str, Any]) -> str | None:
    """Who made an annotation: a number of the installation, or an object with an e-mail address."""
    user = annotation.get("completed_by")
    if isinstance(user, Mapping):
        user = user.get("email") or user.get("id")
    return None if user is None else user if isinstance(user, str) else f"user {user}"


def _annotations(task: Mapping[str, Any], several: bool) -> Rows:
    """Labels of each annotator; where the whole file is one user's, whoever reads it says whose they are."""
    finished = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    return [({"annotator": _user(one)} if several else {}) | _annotation(one.get("result") or []) for one in finished]


def _annotation(result: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    labels: dict[str, Any] = {}
    for part in result:
        name, value = part.get("from_name"), part.get("value") or {}
        if value.get("choices"):
            # A project with one question may call it anything; its answer is the stance.
            labels[name if name in KINDS else "stance"] = str(value["choices"][0]).lower()
        elif name == "note" and value.get("text"):
            labels["note"] = " ".join(value["text"])
        if (part.get("meta") or {}).get("annotator"):
            labels["annotator"] = part["meta"]["annotator"]
    return labels


def label_studio(rows: Rows) -> bytes:
    """Write rows of posts and labels as Label Studio's tasks."""
    tasks = [_task(number, row) for number, row in enumerate(rows, start=1)]
    return json.dumps(tasks, ensure_ascii=True, indent=1).encode()


def _task(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    numbers = count(1)
    result = [_choice(f"{number}-{next(numbers)}", kind, row) for kind in KINDS if row[kind]]
    if row["note"]:
        note = {"id": f"{number}-{next(numbers)}", "from_name": "note", "to_name": "text", "type": "textarea"}
        result.append({**note, "value": {"text": [row["note"]]}, "meta": {"annotator": row["annotator"]}})
    annotation = {"result": result, "was_cancelled": False, "ground_truth": False}
    if row["seconds"] is not None:
        annotation["lead_time"] = row["seconds"]
    return {"id": number, "data": _post_fields(row), "annotations": [annotation], "predictions": []}


def _choice(part: str, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": part,
        "from_name": kind,
        "to_name": "text",
        "type": "choices",
        "value": {"choices": [row[kind]]},
        # Users of Label Studio are numbers of one installation; `meta` keeps the name and is left alone there.
        "meta": {"annotator": row["annotator"]},
    }


# doccano, text classification: one object a line with `text` and `label`, a list; other fields are kept as they are.


def is_doccano(rows: Rows) -> bool:
    """Tell doccano's rows from a posts table: their `label` is a list."""
    return bool(rows) and all("text" in row and isinstance(row.get("label"), list) for row in rows)


def doccano_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Read a row of doccano's as one of a posts table with a stance."""
    rest = {name: value for name, value in row.items() if name not in ("id", "label", "Comments")}
    stance = str(row["label"][0]).lower() if row["label"] else None
    return {"post": str(row.get("id", "")), **rest, "stance": stance}


def doccano(rows: Rows) -> bytes:
    """Write rows of posts and labels as doccano's JSON Lines."""
    lines = []
    for row in rows:
        extra = {name: row[name] for name in ("text_only", "note", "annotator") if row[name]}
        label = [row["stance"]] if row["stance"] else []
        lines.append(json_line({**_post_fields(row), "label": label, **extra}))
    return b"".join(lines)


def _post_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in post_part(row).items() if value is not None}
