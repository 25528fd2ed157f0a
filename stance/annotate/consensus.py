"""Several annotators to one label: majority, disagreements, adjudication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stance.annotate.events import DECISIONS, Event
from stance.annotate.queue import Key
from stance.data import LABELS

#: Labels of each post by annotator.
Ratings = Mapping[Key, Mapping[str, str]]


def ratings(standing: Iterable[Event], kind: str) -> dict[Key, dict[str, str]]:
    """Labels of one kind by post and annotator; "unsure" and "skip" are no label."""
    result: dict[Key, dict[str, str]] = {}
    for event in standing:
        if event.kind == kind and event.value in LABELS:
            result.setdefault((event.thread, event.post), {})[event.annotator] = event.value
    return result


def majority(given: Ratings) -> dict[Key, str]:
    """The label that more annotators gave than any other; a post with a tie has none.

    >>> tie = {"ann": "favor", "bob": "none"}
    >>> majority({("t", "1"): {**tie, "cem": "favor"}, ("t", "2"): tie})
    {('t', '1'): 'favor'}
    """
    result = {}
    for key, labels in given.items():
        ranked = Counter(labels.values()).most_common(2)
        if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
            result[key] = ranked[0][0]
    return result


def decisions(standing: Iterable[Event], kind: str) -> dict[Key, Event]:
    """The adjudicator's last word on each post; of several adjudicators the latest."""
    return {(event.thread, event.post): event for event in standing if DECISIONS.get(event.kind) == kind}


def adjudicated(given: Ratings, decided: Mapping[Key, Event]) -> dict[Key, str]:
    """What was decided, and else what all annotators agree on; a disagreement nobody has decided has no label."""
    agreed = {key: next(iter(labels.values())) for key, labels in given.items() if len(set(labels.values())) == 1}
    return agreed | {key: event.value for key, event in decided.items()}


@dataclass(frozen=True)
class Disagreement:
    """One post that annotators labelled differently.

    Attributes
    ----------
    answers : tuple of Event
        What each annotator says, "unsure" too, in the order given.
    notes : mapping of str to str
        Notes by annotator.
    decision : str or None
    """

    key: Key
    answers: tuple[Event, ...]
    notes: Mapping[str, str]
    decision: str | None


def disagreements(standing: Iterable[Event], kind: str) -> list[Disagreement]:
    """Posts with different labels, or with a label and an "unsure"; undecided ones first."""
    standing = list(standing)
    decided = decisions(standing, kind)
    answers: dict[Key, list[Event]] = {}
    notes: dict[Key, dict[str, str]] = {}
    for event in standing:
        key = (event.thread, event.post)
        if event.kind == kind and event.value != "skip":
            answers.setdefault(key, []).append(event)
        if event.kind == "note" and event.value:
            notes.setdefault(key, {})[event.annotator] = event.value
    found = [
        Disagreement(key, tuple(given), notes.get(key, {}), decided[key].value if key in decided else None)
        for key, given in answers.items()
        if len({event.value for event in given}) > 1
    ]
    return sorted(found, key=lambda one: one.decision is not None)
