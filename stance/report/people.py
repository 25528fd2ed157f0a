"""The people of a discussion: what each of them takes for a side, and whom they answer and dispute."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stance.data import LABELS
from stance.report.shares import leanings


@dataclass(frozen=True, slots=True)
class Person:
    """One author: posts of each stance, the side that more of them take, and how often they dispute others."""

    name: str
    favor: int
    against: int
    none: int
    leaning: str
    disputes: int


@dataclass(frozen=True, slots=True)
class Answers:
    """How often one author answers another, and how often from the other side."""

    author: str
    answered: str
    n: int
    disputes: int


def who_answers_whom(rows: pd.DataFrame) -> tuple[tuple[Person, ...], tuple[Answers, ...]]:
    """Everybody with a name, most posts first, and every pair of whom one answers the other, most disputes first.

    Parameters
    ----------
    rows : DataFrame
        `thread`, `post`, `parent`, `author` (None where unknown) and `stance`.
    """
    answers, disputes = _answers(rows)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for author, stance in zip(rows["author"], rows["stance"], strict=True):
        if author is not None:
            counted[author][stance] += 1
    disputed: Counter[str] = Counter()
    for (author, _), n in disputes.items():
        disputed[author] += n
    people = [_person(name, stances, disputed[name]) for name, stances in counted.items()]
    people.sort(key=lambda person: (-(person.favor + person.against + person.none), person.name))
    pairs = [Answers(author, other, n, disputes[author, other]) for (author, other), n in answers.items()]
    return tuple(people), tuple(sorted(pairs, key=lambda pair: (-pair.disputes, -pair.n, pair.author, pair.answered)))


def _person(name: str, stances: Counter[str], disputes: int) -> Person:
    favor, against, none = (stances[label] for label in LABELS)
    leaning = LABELS[int(leanings(np.array([favor, against, none], dtype=np.float64)))]
    return Person(name, favor, against, none, leaning, disputes)


def _answers(rows: pd.DataFrame) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """How often each author answers each other one, and how often a post for answers one against, or the reverse."""
    posts = rows[["thread", "post", "parent", "author", "stance"]].to_dict("records")
    written = {(post["thread"], post["post"]): (post["author"], post["stance"]) for post in posts}
    answers: Counter[tuple[str, str]] = Counter()
    disputes: Counter[tuple[str, str]] = Counter()
    for post in posts:
        author = post["author"]
        other, stance = written.get((post["thread"], post["parent"]), (None, None))
        if author is None or other is None or other == author:
            continue
        answers[author, other] += 1
        disputes[author, other] += {post["stance"], stance} == {"favor", "against"}
    return answers, disputes
