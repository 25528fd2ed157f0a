"""What the page is told, as plain values: the posts, the queue, progress, agreement, disagreements."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stance.annotate.agreement import live_agreement
from stance.annotate.consensus import disagreements, ratings
from stance.annotate.events import DECISIONS, KINDS, Event
from stance.annotate.learner import Guesses, Learner, forecast
from stance.annotate.queue import Key, is_shared, ranked_keys, remaining
from stance.annotate.store import Store

#: How far ahead the page knows what comes: enough for an hour without the server.
_AHEAD = 300
#: Posts that only one person labels are reserved a few at a time, so that nobody waits for a colleague's coffee.
_CLAIMED = 20
_CLAIM_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session of labelling is run.

    Attributes
    ----------
    annotator : str
        Who labels where the page names nobody.
    target : str
        Whom or what the stances are about.
    order : {"page", "active"}
    assisted : bool
        Whether the model's guess is shown before the label is given.
    overlap : float
        Share of the posts that everybody labels, 0 to 1.
    """

    annotator: str
    target: str = "Huawei"
    order: str = "page"
    assisted: bool = False
    overlap: float = 1.0


class Session:
    """Answers the page's questions from the store; safe to call from many threads."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        learner: Learner | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.settings, self.learner = store, settings, learner
        self._clock = clock
        posts = store.posts()
        self._keys: list[Key] = list(zip(posts["thread"], posts["post"], strict=True))
        self._authors: Mapping[Key, str | None] = dict(zip(self._keys, posts["author"], strict=True))
        self._threads = _threads(posts.to_dict("records"))

    def state(self, annotator: str, kind: str) -> dict[str, Any]:
        """Everything the page needs to begin."""
        return {
            "annotator": annotator,
            "database": self.store.setting("database"),
            "target": self.settings.target,
            "order": self.settings.order,
            "assisted": self.settings.assisted,
            "threads": self._threads,
            "history": [_undoable(event) for event in self.store.history(annotator)],
            **self.queue(annotator, kind),
        }

    def queue(self, annotator: str, kind: str, after: Key | None = None) -> dict[str, Any]:
        """What comes next after the post in view, and how much is done."""
        standing = self.store.standing()
        left = remaining(self._keys, standing, annotator, kind, self.settings.overlap)
        done = sum(event.annotator == annotator and event.kind == kind and event.value != "skip" for event in standing)
        ordered = self._ordered(left, standing, annotator, kind, after)
        return {"queue": ordered[:_AHEAD], "done": done, "left": len(left), "model": self.guesses.model}

    def _ordered(
        self, left: Sequence[Key], standing: Sequence[Event], annotator: str, kind: str, after: Key | None
    ) -> list[Key]:
        skipped = {
            (event.thread, event.post)
            for event in standing
            if event.annotator == annotator and event.kind == kind and event.value == "skip"
        }
        first = [key for key in left if key not in skipped]
        if self.settings.order == "active":
            last_author = self._authors.get(after) if after else None
            first = ranked_keys(first, self.guesses.probabilities, self._authors, last_author=last_author)
        return [*self._claimed(first, annotator), *(key for key in left if key in skipped)]

    def _claimed(self, keys: Sequence[Key], annotator: str) -> list[Key]:
        """Leave out the posts that a colleague has before him right now."""
        share = self.settings.overlap
        single = [key for key in keys if not is_shared(key, share)]
        if not single:
            return list(keys)
        now = self._clock()
        mine = self.store.claim(single, annotator, limit=_CLAIMED, now=now, until=now + _CLAIM_SECONDS)
        return [key for key in keys if key in mine or is_shared(key, share)]

    @property
    def guesses(self) -> Guesses:
        """What the latest model thinks of every post."""
        return self.learner.guesses if self.learner else Guesses()

    def thread(self, thread: str, annotator: str) -> dict[str, Any]:
        """One thread's posts with the annotator's own labels, and the guesses that he may see."""
        mine: dict[str, dict[str, str]] = {}
        for event in self.store.standing(annotator, thread):
            if event.kind not in DECISIONS:
                mine.setdefault(event.post, {})[event.kind] = event.value
        posts = self.store.thread(thread)
        open_to_see = {post["post"] for post in posts if self.settings.assisted or _is_done(mine.get(post["post"], {}))}
        guesses = {name: self.guesses.of((thread, name)) for name in open_to_see}
        return {
            "thread": thread,
            "posts": posts,
            "labels": mine,
            "guesses": {name: guess for name, guess in guesses.items() if guess},
        }

    def add(self, events: Sequence[Event]) -> dict[str, Any]:
        """Store events; the answer is sent only when they are on the disk."""
        self.store.add(events)
        labels = [event for event in events if event.kind in KINDS]
        if self.learner and labels:
            self.learner.notice(len(labels))
        guesses = [[one.thread, one.post, self.guesses.of((one.thread, one.post))] for one in labels]
        return {
            "stored": [event.id for event in events],
            "guesses": [guess for guess in guesses if guess[2]],
            "model": self.guesses.model,
        }

    def progress(self) -> dict[str, Any]:
        """How the work stands: for each annotator, for the model, and how far annotators agree."""
        standing = self.store.standing()
        rounds = self.store.rounds()
        ahead = forecast(rounds)
        return {
            "annotators": _counts(standing),
            "posts": len(self._keys),
            "agreement": {kind: live_agreement(ratings(standing, kind)) for kind in KINDS},
            "rounds": [asdict(done) for done in rounds],
            "forecast": asdict(ahead) if ahead else None,
            "waiting_for": self.learner.waiting_for if self.learner else None,
        }

    def disagreements(self, kind: str) -> list[dict[str, Any]]:
        """Posts that annotators labelled differently, with what each gave."""
        found = disagreements(self.store.standing(), kind)
        records = {
            name: {post["post"]: post for post in self.store.thread(name)} for name in {one.key[0] for one in found}
        }
        return [
            {
                "thread": one.key[0],
                "post": one.key[1],
                "author": records[one.key[0]][one.key[1]]["author"],
                "text": records[one.key[0]][one.key[1]]["text"],
                "parent": _parent(records[one.key[0]], one.key[1]),
                "answers": [
                    {
                        "annotator": event.annotator,
                        "value": event.value,
                        "mode": event.mode,
                        "seconds": event.seconds,
                        "note": one.notes.get(event.annotator),
                    }
                    for event in one.answers
                ],
                "decision": one.decision,
            }
            for one in found
        ]


def _parent(posts: Mapping[str, Mapping[str, Any]], post: str) -> dict[str, Any] | None:
    parent = posts.get(posts[post].get("parent") or "")
    return {"author": parent["author"], "text": parent["text"]} if parent else None


def _is_done(labels: Mapping[str, str]) -> bool:
    return any(labels.get(kind, "skip") != "skip" for kind in KINDS)


def _undoable(event: Event) -> dict[str, str]:
    return {name: getattr(event, name) for name in ("id", "thread", "post", "kind", "value")}


def _threads(records: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    threads: dict[str, dict[str, Any]] = {}
    for record in records:
        name = record["thread"]
        thread = threads.setdefault(name, {"thread": name, "title": record.get("title") or name, "posts": 0})
        thread["posts"] += 1
    return list(threads.values())


def _counts(standing: Sequence[Event]) -> list[dict[str, Any]]:
    """Per annotator: number of labels of each value, and the median seconds of a label."""
    result = []
    for name in sorted({event.annotator for event in standing if event.kind in KINDS}):
        mine = [event for event in standing if event.annotator == name and event.kind in KINDS]
        seconds = sorted(event.seconds for event in mine if event.seconds is not None)
        counts: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        for event in mine:
            counts[event.kind][event.value] = counts[event.kind].get(event.value, 0) + 1
        result.append({"annotator": name, "counts": counts, "seconds": seconds[len(seconds) // 2] if seconds else None})
    return result
