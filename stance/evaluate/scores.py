"""Score any labelling against a gold one: a model's, a rule's, or a second person's."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stance.data import LABELS, PROBABILITY_COLUMNS
from stance.errors import DataError
from stance.evaluate.agreement import Agreement, agreement, cohen_kappa, krippendorff_alpha
from stance.evaluate.baselines import lexicon, majority
from stance.evaluate.intervals import FEWEST_THREADS, Interval, bootstrap
from stance.evaluate.measures import (
    CoveragePoint,
    LabelScores,
    ReliabilityBin,
    accuracy,
    accuracy_at_coverage,
    calibration_error,
    confusion_by_thread,
    f_avg,
    label_scores,
    macro_f1,
    reliability,
)
from stance.evaluate.show import scores_as_html, scores_as_text
from stance.evaluate.slices import Slice, slices

Floats = NDArray[np.float64]

#: Columns of a gold table that hold another person's labels of the same posts.
ANNOTATOR_COLUMNS = ("second_annotator",)

#: The shares of posts, surest first, at which accuracy is read off: 0.05 to 1.
_COVERAGES = tuple(step / 20 for step in range(1, 21))


@dataclass(frozen=True, slots=True)
class Baseline:
    """A labelling that took no learning, scored on the same posts."""

    name: str
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities can be taken at their word: expected calibration error and its curve."""

    error: float
    curve: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The posts on which the labelling did not abstain; `accuracy` is None where it always did."""

    n_posts: int
    coverage: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One post whose label is not the gold one."""

    thread: str
    post: str
    gold: str
    given: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """What a labelling is worth on posts whose stance is known.

    Attributes
    ----------
    against, given : str
        The gold column scored against, and the column of the labels table that was scored.
    n_unlabelled : int
        Posts of gold that have no label: part of the conversation, and not scored.
    resampled : {"threads", "posts"}
        What the intervals draw: posts only where there are fewer than five threads, which then say nothing of others.
    confusion : tuple of tuple of int
        A row for each gold label, a column for each given one, in the order of `LABELS`.
    calibration, coverage : or None
        None where the labelling has no probabilities.
    decided : Decided or None
        None where the labelling never says whether it abstained.
    kappa, alpha : float or None
        Agreement of the labelling with gold beyond chance; None where only one label occurs.
    annotators : Agreement or None
        Agreement of gold with a second annotator, where the gold table holds one.
    mistakes : tuple of Mistake
        Every wrong label, the most confident first.
    model, target : str or None
        Who gave the labels, and about whom or what; None where the labels table names none or several.
    """

    against: str
    given: str
    n_posts: int
    n_threads: int
    resampled: str
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    f_avg: float
    per_label: tuple[LabelScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    kappa: float | None
    alpha: float | None
    baselines: tuple[Baseline, ...]
    calibration: Calibration | None = None
    coverage: tuple[CoveragePoint, ...] | None = None
    decided: Decided | None = None
    annotators: Agreement | None = None
    slices: tuple[Slice, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    n_unlabelled: int = 0
    model: str | None = None
    target: str | None = None

    def toward(self, target: str) -> Scores:
        """The same, of labels about this target."""
        return replace(self, target=target)

    def to_dict(self) -> dict[str, Any]:
        """Give every figure as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return scores_as_text(self.to_dict())

    def _repr_html_(self) -> str:
        return scores_as_html(self.to_dict())


def evaluate(gold: pd.DataFrame, labels: pd.DataFrame, *, against: str = "stance", seed: int = 0) -> Scores:
    """Score labels against gold on the posts that have a label in gold; all others are left out.

    Parameters
    ----------
    gold : DataFrame
        A posts table with `against`; `second_annotator` and `SLICE_COLUMNS` are used where present.
    labels : DataFrame
        `thread`, `post` and `stance`; probabilities and `abstained` are scored where present. Against `text_only`, what
        is scored is `text_stance`, the label before the conversation was read, where the table has it.
    against : {"stance", "text_only"}
        The gold column.
    seed : int
        Of the bootstrap.

    Raises
    ------
    DataError
        If gold is empty, a label is unknown, or a post of gold has no label.

    Examples
    --------
    >>> gold = pd.DataFrame({"thread": ["a"] * 3, "post": ["1", "2", "3"], "text": ["Great!", "Bad.", "Hm"],
    ...                      "stance": ["favor", "against", "none"]})
    >>> scores = evaluate(gold, gold.assign(stance=["favor", "against", "favor"]))
    >>> round(scores.accuracy, 3), scores.confusion
    (0.667, ((1, 0, 0), (0, 1, 0), (1, 0, 0)))
    """
    joined, given = join(gold, labels, against)
    truth, answers = joined[against].tolist(), joined["_given"].tolist()
    counts = confusion_by_thread(joined["thread"].tolist(), truth, answers)
    total = counts.sum(0)
    confidence = _confidence(joined, given)
    right = np.array([left == answer for left, answer in zip(truth, answers, strict=True)])
    curve = None if confidence is None else reliability(confidence, right)
    return Scores(
        against=against,
        given=given,
        n_posts=len(joined),
        n_threads=len(counts),
        resampled="threads" if len(counts) >= FEWEST_THREADS else "posts",
        accuracy=float(accuracy(total)),
        accuracy_interval=bootstrap(counts, accuracy, seed=seed),
        macro_f1=float(macro_f1(total)),
        macro_f1_interval=bootstrap(counts, macro_f1, seed=seed),
        f_avg=float(f_avg(total)),
        per_label=label_scores(total),
        confusion=tuple(tuple(map(int, row)) for row in total),
        kappa=cohen_kappa(total),
        alpha=krippendorff_alpha(_pair_counts(truth, answers)),
        baselines=_baselines(joined, truth, seed),
        calibration=None if curve is None else Calibration(calibration_error(curve), curve),
        coverage=None if confidence is None else accuracy_at_coverage(confidence, right, _COVERAGES),
        decided=_decided(joined, right),
        annotators=_annotators(joined, against),
        slices=slices(joined, truth, answers, seed=seed),
        mistakes=_mistakes(joined, truth, answers, confidence),
        n_unlabelled=len(gold) - len(joined),
        model=_only_model(labels),
    )


def _only_model(labels: pd.DataFrame) -> str | None:
    models = set(labels["model"].dropna()) if "model" in labels.columns else set()
    return str(models.pop()) if len(models) == 1 else None


def join(gold: pd.DataFrame, labels: pd.DataFrame, against: str) -> tuple[pd.DataFrame, str]:
    """Put each post's given label beside its gold one.

    Returns
    -------
    DataFrame, str
        The labelled posts of gold with `_given` and the labels table's probabilities and `abstained`; the column that
        `_given` comes from.
    """
    check_labels(gold, against, "gold")
    gold, given = labelled_part(gold, against), given_column(labels, against)
    check_labels(labels, given, "labels")
    extra = [name for name in (*PROBABILITY_COLUMNS, "abstained") if name in labels.columns]
    right = labelled_part(labels, given)[["thread", "post", given, *extra]].rename(columns={given: "_given"})
    left = gold.drop(columns=[name for name in extra if name in gold.columns])
    joined = left.merge(right, on=["thread", "post"], how="left", validate="one_to_one")
    missing = joined[joined["_given"].isna()]
    if len(missing):
        first = missing.iloc[0]
        problem = f"{len(missing)} of {len(gold)} posts have no label, the first is post {first['post']!r}"
        raise DataError(problem, where=f"thread {first['thread']!r}", fix="label the posts that gold holds")
    return joined, given


def labelled_by_model(gold: pd.DataFrame) -> str | None:
    """Name the model whose own output a gold table is: then scores against it say how it agrees with itself.

    Examples
    --------
    >>> gold = pd.DataFrame({"stance": ["none"], "p_favor": 0.1, "p_against": 0.1, "p_none": 0.8, "model": "acme-1"})
    >>> labelled_by_model(gold), labelled_by_model(gold[["stance", "model"]])
    ('acme-1', None)
    """
    if not {"model", *PROBABILITY_COLUMNS} <= set(gold.columns):
        return None
    named = [str(name) for name in gold["model"] if isinstance(name, str) and name]
    return named[0] if named else None


def given_column(labels: pd.DataFrame, against: str) -> str:
    """Name the column of a labels table that is scored against a column of gold."""
    return "text_stance" if against == "text_only" and "text_stance" in labels.columns else "stance"


def labelled_part(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Leave out the posts that have no label in a column."""
    return table[_is_labelled(table[column])].reset_index(drop=True)


def _is_labelled(labels: pd.Series) -> pd.Series:
    # A cell of CSV cannot be None.
    return labels.notna() & labels.ne("")


def check_labels(table: pd.DataFrame, column: str, name: str) -> None:
    """Refuse a table that lacks keys, holds a post twice, or has no label, or anything but `LABELS`, in a column."""
    for needed in ("thread", "post", column):
        if needed not in table.columns:
            found = ", ".join(map(str, table.columns))
            raise DataError(f"no column {needed!r} (columns: {found})", where=name, fix="give a table that has it")
    labelled = _is_labelled(table[column])
    if not labelled.any():
        raise DataError("no posts" if table.empty else "no labels", where=name, fix="give at least one labelled post")
    twice = table.duplicated(["thread", "post"])
    if twice.any():
        row = table[twice].iloc[0]
        raise DataError(f"post {row['post']!r} of thread {row['thread']!r} stands twice", where=name)
    for row_number, (label, given) in enumerate(zip(table[column], labelled, strict=True), start=1):
        if given and label not in LABELS:
            fix = f"use {', '.join(LABELS[:-1])} or {LABELS[-1]}"
            raise DataError(f"unknown label {label!r}", where=f"{name}, row {row_number}, {column}", fix=fix)


def _confidence(joined: pd.DataFrame, given: str) -> Floats | None:
    """Probability of the label that was given; none where the probabilities belong to another column."""
    if not set(PROBABILITY_COLUMNS) <= set(joined.columns):
        return None
    probabilities = _probabilities(joined)
    numbers = np.array([LABELS.index(label) for label in joined["_given"]])
    # The probabilities of a labels table are those of `stance`: they say nothing of a differing `text_stance`.
    if given == "text_stance" and (probabilities.argmax(1) != numbers).any():
        return None
    return np.asarray(probabilities[np.arange(len(numbers)), numbers])


def _probabilities(joined: pd.DataFrame) -> Floats:
    fix = "give numbers from 0 to 1 that sum to 1"
    try:
        values = joined[list(PROBABILITY_COLUMNS)].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"a probability is no number ({error})", where="labels", fix=fix) from error
    wrong = np.flatnonzero(~(np.abs(values.sum(1) - 1) < 0.01) | (values < 0).any(1))
    if len(wrong):
        row = joined.iloc[wrong[0]]
        problem = (
            f"the probabilities of post {row['post']!r} are {', '.join(f'{value:g}' for value in values[wrong[0]])}"
        )
        raise DataError(problem, where="labels", fix=fix)
    return values


def _pair_counts(truth: list[str], answers: list[str]) -> Floats:
    counts = np.zeros((len(truth), len(LABELS)))
    for row, pair in enumerate(zip(truth, answers, strict=True)):
        for label in pair:
            counts[row, LABELS.index(label)] += 1
    return counts


def _baselines(joined: pd.DataFrame, truth: list[str], seed: int) -> tuple[Baseline, ...]:
    answers = {"majority": majority(truth)}
    if "text" in joined.columns:
        answers["lexicon"] = lexicon(joined["text"])
    found = []
    for name, given in answers.items():
        counts = confusion_by_thread(joined["thread"].tolist(), truth, given)
        total = counts.sum(0)
        interval = bootstrap(counts, accuracy, seed=seed)
        found.append(Baseline(name, float(accuracy(total)), interval, float(macro_f1(total))))
    return tuple(found)


def _decided(joined: pd.DataFrame, right: NDArray[np.bool_]) -> Decided | None:
    if "abstained" not in joined.columns:
        return None
    # A CSV table holds the words True and False.
    kept = ~joined["abstained"].map(lambda value: str(value).lower() in ("true", "1")).to_numpy(dtype=bool)
    return Decided(int(kept.sum()), float(kept.mean()), float(right[kept].mean()) if kept.any() else None)


def _annotators(joined: pd.DataFrame, against: str) -> Agreement | None:
    others = [column for column in ANNOTATOR_COLUMNS if column in joined.columns]
    return agreement(joined[[against, *others]]) if others and against == "stance" else None


def _mistakes(
    joined: pd.DataFrame, truth: list[str], answers: list[str], confidence: Floats | None
) -> tuple[Mistake, ...]:
    sure = [None] * len(joined) if confidence is None else confidence.tolist()
    rows = zip(joined["thread"], joined["post"], truth, answers, sure, strict=True)
    wrong = [Mistake(*row) for row in rows if row[2] != row[3]]
    return tuple(sorted(wrong, key=lambda mistake: (-(mistake.confidence or 0), mistake.thread, mistake.post)))
