"""Every figure of a thread report, as plain values: the page shows these and no others.

`figures` is the one function that computes them; the template only writes them down, so a test can hold the page
against `Figures.to_dict()`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from stance.data import LABELS, Thread, threads_to_table
from stance.errors import DataError
from stance.evaluate.scores import check_labels
from stance.records import writer_of
from stance.report.people import Answers, Person, who_answers_whom
from stance.report.shares import Share, label_probabilities, shares

#: (thread, post) to the words that moved its label, each with its weight toward that label.
Because = Mapping[tuple[str, str], Sequence[tuple[str, float]]]

#: A post whose label is less likely than this is as good as undecided, whether or not the model abstained.
_UNSURE_BELOW = 0.5

#: A word whose weight toward the label (a difference of log-odds) is less decides nothing that a reader could see.
SPEAKS = 0.15

#: Depths from here on share a row.
_DEEPEST = 5

#: More periods than this cannot be told apart on a phone.
_MOST_PERIODS = 24

#: Words shown for each side.
_MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class Counts:
    """Posts of each stance in a part of the discussion, named by `part`."""

    part: str
    favor: int
    against: int
    none: int

    @property
    def total(self) -> int:
        """Posts in this part."""
        return self.favor + self.against + self.none


@dataclass(frozen=True, slots=True)
class Word:
    """A word that spoke for a side: in how many posts with that label, and its summed weight."""

    word: str
    posts: int
    weight: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a report over one or more threads.

    Attributes
    ----------
    n_people, n_unsigned : int
        Authors with a name; posts without an author.
    n_unsure, n_moved : int
        Posts that were left undecided or nearly so; posts whose label the conversation changed.
    hidden : int
        Posts that the pages say are missing.
    by_post, by_person : tuple of Share
    by_depth, over_time : tuple of Counts
        `over_time` is empty where fewer than two periods have dated posts.
    parents : tuple of (str, int)
        How many parents rest on each basis.
    """

    n_threads: int
    n_posts: int
    n_people: int
    n_unsigned: int
    n_unsure: int
    n_moved: int
    hidden: int
    by_post: tuple[Share, ...]
    by_person: tuple[Share, ...]
    by_depth: tuple[Counts, ...]
    over_time: tuple[Counts, ...]
    period: str | None
    people: tuple[Person, ...]
    answers: tuple[Answers, ...]
    words: tuple[tuple[str, tuple[Word, ...]], ...]
    parents: tuple[tuple[str, int], ...]

    @property
    def n_disputes(self) -> int:
        """Answers from the other side."""
        return sum(pair.disputes for pair in self.answers)

    def to_dict(self) -> dict[str, Any]:
        """Give every figure as plain values, for JSON."""
        return asdict(self)


def figures(threads: Iterable[Thread], labels: pd.DataFrame, because: Because | None = None) -> Figures:
    """Compute every figure of a report.

    Parameters
    ----------
    threads : iterable of Thread
    labels : DataFrame
        A labels table with a row for each of their posts; further rows are left out.
    because : mapping, optional
        (thread, post) to (word, weight toward the label).

    Raises
    ------
    DataError
        If a post has no label, or an unknown one.
    """
    threads = list(threads)
    rows = labelled_rows(threads, labels)
    people, answers = who_answers_whom(rows)
    by_post, by_person = shares(rows)
    course, period = over_time(rows)
    return Figures(
        n_threads=len(threads),
        n_posts=len(rows),
        n_people=len(people),
        n_unsigned=int(rows["author"].isna().sum()),
        n_unsure=int(rows["unsure"].sum()),
        n_moved=int(rows["moved"].sum()),
        hidden=sum(thread.hidden or 0 for thread in threads),
        by_post=by_post,
        by_person=by_person,
        by_depth=_by_depth(rows),
        over_time=course,
        period=period,
        people=people,
        answers=answers,
        words=_decisive_words(rows, because or {}),
        parents=tuple(sorted(Counter(basis for basis in rows["parent_basis"] if basis).items())),
    )


def labelled_rows(threads: Sequence[Thread], labels: pd.DataFrame) -> pd.DataFrame:
    """The posts of the threads with their labels, and what a report asks of each.

    `sure` is the probability of its label, `unsure` whether it is as good as undecided, `moved` whether the
    conversation changed it, `depth` how many posts it stands under.
    """
    check_labels(labels, "stance", "labels")
    posts = threads_to_table(threads)
    repeated = [column for column in labels.columns if column in posts.columns and column not in ("thread", "post")]
    rows = posts.merge(labels.drop(columns=repeated), on=["thread", "post"], how="left")
    if rows["stance"].isna().any():
        row = rows[rows["stance"].isna()].iloc[0]
        problem = f"post {row['post']!r} of thread {row['thread']!r} has no label"
        raise DataError(problem, where="labels", fix="label the page and report on it in one go")
    rows = rows.astype(object).where(rows.notna(), None)
    rows["author"] = pd.Series(list(map(writer_of, rows["author"])), dtype=object)
    for name in ("text_stance", "abstained", "reason"):
        if name not in rows.columns:
            rows[name] = None
    sure = label_probabilities(rows).max(axis=1, initial=0)
    rows["sure"] = sure
    abstained = np.array([str(value).lower() in ("true", "1") for value in rows["abstained"]], dtype=bool)
    rows["unsure"] = abstained | (sure < _UNSURE_BELOW)
    rows["moved"] = [bool(text) and text != stance for text, stance in zip(rows.text_stance, rows.stance, strict=True)]
    rows["depth"] = [depth for thread in threads for depth in depths(thread).values()]
    return rows


def depths(thread: Thread) -> dict[str, int]:
    """How many posts each post stands under; a parent that is not in the thread, or a loop, counts as none."""
    parents = {post.id: post.parent for post in thread.posts}
    known: dict[str, int] = {}
    for post in thread.posts:
        chain: dict[str, None] = {}
        name: str | None = post.id
        while name is not None and name in parents and name not in known and name not in chain:
            chain[name] = None
            name = parents[name]
        depth = known.get(name, -1) if name is not None and name not in chain else -1
        for step in reversed(chain):
            depth += 1
            known[step] = depth
    return {post.id: known[post.id] for post in thread.posts}


def counts_of(part: str, stances: Iterable[str]) -> Counts:
    """Count the posts of each stance in a part."""
    counted = Counter(stances)
    return Counts(part, *(counted[label] for label in LABELS))


def _by_depth(rows: pd.DataFrame) -> tuple[Counts, ...]:
    found = defaultdict(list)
    for depth, stance in zip(rows["depth"], rows["stance"], strict=True):
        found[min(depth, _DEEPEST)].append(stance)
    names = {0: "opens a branch", 1: "first answer", _DEEPEST: f"{_DEEPEST} or more deep"}
    return tuple(counts_of(names.get(depth, f"{depth} deep"), found[depth]) for depth in sorted(found))


def over_time(rows: pd.DataFrame) -> tuple[tuple[Counts, ...], str | None]:
    """Count by the shortest period that leaves at most `_MOST_PERIODS` of them; periods without posts are kept.

    Returns
    -------
    tuple of Counts, str or None
        Empty where fewer than two periods have dated posts; "hour", "day", "week", "month" or "year".
    """
    dated = [(moment, stance) for moment, stance in zip(map(_moment, rows["posted_at"]), rows["stance"], strict=True)]
    known = [(moment, stance) for moment, stance in dated if moment is not None]
    moments = pd.DatetimeIndex([moment for moment, _ in known])
    with_hours = any("T" in str(value) for value in rows["posted_at"] if value)
    for period, code in [("hour", "h")] * with_hours + [("day", "D"), ("week", "W"), ("month", "M"), ("year", "Y")]:
        periods = moments.to_period(code)
        if len(periods) and len(pd.period_range(periods.min(), periods.max(), freq=code)) <= _MOST_PERIODS:
            return _by_period(periods, [stance for _, stance in known], code), period
    return (), None


def _by_period(periods: pd.PeriodIndex, stances: Sequence[str], code: str) -> tuple[Counts, ...]:
    found = defaultdict(list)
    for period, stance in zip(periods, stances, strict=True):
        found[period].append(stance)
    every = pd.period_range(periods.min(), periods.max(), freq=code)
    return tuple(counts_of(_period_name(period, code), found[period]) for period in every) if len(every) > 1 else ()


def _period_name(period: Any, code: str) -> str:
    formats = {"h": "%Y-%m-%d %Hh", "D": "%Y-%m-%d", "W": "%Y-%m-%d", "M": "%Y-%m", "Y": "%Y"}
    return str(period.start_time.strftime(formats[code]))


def _moment(value: object) -> datetime | None:
    """A post's date as its page gives it; the offset is dropped, so that a day is the writer's own day."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        return None


def _decisive_words(rows: pd.DataFrame, because: Because) -> tuple[tuple[str, tuple[Word, ...]], ...]:
    """The words with the greatest summed weight toward each side, over the posts labelled so."""
    weights: dict[str, defaultdict[str, float]] = {label: defaultdict(float) for label in LABELS}
    posts: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    for thread, post, stance in zip(rows["thread"], rows["post"], rows["stance"], strict=True):
        words = because.get((thread, post), ())
        # An address is one long word that nobody reads as one.
        spoken = [(_bare(word), weight) for word, weight in words if weight >= SPEAKS and "://" not in word]
        for word, weight in spoken:
            weights[stance][word] += weight
        posts[stance].update({word for word, _ in spoken})
    return tuple((label, _heaviest(weights[label], posts[label])) for label in LABELS)


def _bare(word: str) -> str:
    """The word without the punctuation around it, in small letters; a piece that is all punctuation stays."""
    return re.sub(r"^\W+|\W+$", "", word).casefold() or word


def _heaviest(weights: Mapping[str, float], posts: Mapping[str, int]) -> tuple[Word, ...]:
    ranked = sorted(weights, key=lambda word: (-weights[word], word))[:_MOST_WORDS]
    return tuple(Word(word, posts[word], float(weights[word])) for word in ranked)
