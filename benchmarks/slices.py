"""Our own corpus: does what was learned from some writers hold for another one?

The shift between writers' slices stands in for the shift from invented to real threads. Posts of the corpus' test split
take no part in it; they are read by the finished model alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pandas as pd
from joblib import Parallel, delayed

from benchmarks.measures import Measure, Tell, accuracy_and_macro_f1, find
from stance.data import LABELS, shipped
from stance.evaluate import apply_standoff, evaluate
from stance.extract import extract
from stance.labelling import label_posts
from stance.model import DEFAULT_MODEL, Model, read_model
from stance.tables import read_table
from stance.train import Settings, fit
from stance.workflow import load_corpus, shipped_manifest

#: The slices that the first figures were measured on; newer ones are averaged apart.
OLD_SLICES = ("arguments", "engineers", "owners", "people", "plain", "policy", "products", "short", "tweets")

#: The newer slices are held out a few at a time: each of the rest of the corpus costs a training.
NEWER_GROUPS = 3

#: Fewer folds and strengths than `stance train` takes, so that a dozen trainings stay a matter of minutes.
SETTINGS = Settings(strengths=(0.5, 1.0), folds=3)

#: Trainings side by side: as many as there are cores.
JOBS = -1

Scores = dict[str, float]


def measure_slices(_: Path | None, tell: Tell, settings: Settings = SETTINGS) -> list[Measure]:
    """Leave slices out one at a time, the newer ones in groups, and average over slices."""
    posts = load_corpus()
    posts = posts[posts["split"] != "test"].reset_index(drop=True)
    newer = sorted(set(posts["slice"]) - set(OLD_SLICES))
    groups = [[name] for name in OLD_SLICES] + [newer[start::NEWER_GROUPS] for start in range(NEWER_GROUPS)]
    found: dict[str, Scores] = {}
    # Trainings side by side: half of each is a search that one core does alone.
    run = Parallel(n_jobs=JOBS, return_as="generator")
    for scores in run(delayed(left_out)(posts, names, settings) for names in groups if names):
        found |= scores
        for name, values in scores.items():
            tell(f"{name}: " + "  ".join(f"{what} {value:.3f}" for what, value in values.items()))
    old, new = ([found[name] for name in names] for names in (OLD_SLICES, newer))
    return [*_means("slices", "nine slices", old), *_means("newer_slices", f"{len(new)} newer slices", new)]


def left_out(posts: pd.DataFrame, names: Sequence[str], settings: Settings) -> dict[str, Scores]:
    """Train without these slices, and score each of them."""
    held_out = posts["slice"].isin(names)
    spellings = tuple(shipped_manifest()["spellings"])
    learned = posts[~held_out].reset_index(drop=True)
    model = fit(learned, settings, target_names=spellings, progress=_silent).model
    parts = posts[held_out].groupby("slice")
    return {str(name): score(part.reset_index(drop=True), model) for name, part in parts}


def _silent(_: str) -> None:
    pass


def score(posts: pd.DataFrame, model: Model) -> Scores:
    """Words against `text_only` and `stance`, the conversation against `stance`."""
    labels = label_posts(posts, model)
    shown = posts["text_only"].where(posts["text_only"].isin(LABELS), posts["stance"])
    accuracy, macro_f1 = accuracy_and_macro_f1(shown.to_numpy(), labels["text_stance"].to_numpy())
    return {
        "text accuracy": accuracy,
        "text macro-F1": macro_f1,
        "text against stance": float((labels["text_stance"] == posts["stance"]).mean()),
        "conversation accuracy": float((labels["stance"] == posts["stance"]).mean()),
    }


def _means(key: str, work: str, scores: Sequence[Scores]) -> list[Measure]:
    names = list(scores[0]) if scores else []
    return [Measure(f"{key}_{_snake(name)}", f"{work}: {name}", fmean(one[name] for one in scores)) for name in names]


def _snake(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def finished_model() -> Model | None:
    """The Huawei model that comes with stance, where it has been trained."""
    folder = shipped("models") / DEFAULT_MODEL
    return read_model(folder) if (folder / "card.json").exists() else None


def measure_test_split(_: Path | None, tell: Tell) -> list[Measure]:
    """Read the finished model on the corpus' test split."""
    model = finished_model()
    if model is None:
        tell("no models/huawei: train it with `stance train` to read the test split")
        return []
    posts = load_corpus()
    posts = posts[posts["split"] == "test"].reset_index(drop=True)
    scores = evaluate(posts, label_posts(posts, model))
    error = scores.calibration.error if scores.calibration else 1.0
    return [
        Measure("test_accuracy", f"corpus test split ({len(posts)} posts): accuracy", scores.accuracy),
        Measure("test_macro_f1", "corpus test split: macro-F1", scores.macro_f1),
        Measure("test_calibration_error", "corpus test split: calibration error", error, less_is_better=True),
    ]


def measure_phonearena(data: Path | None, tell: Tell) -> list[Measure]:
    """Read the finished model on a real thread, its labels beside the page."""
    page, labels = (find(data, f"phonearena-futurewei{ending}") for ending in (".txt", ".labels.csv"))
    model = finished_model()
    if page is None or labels is None or model is None:
        tell("no models/huawei" if page and labels else "no phonearena-futurewei.txt with its labels")
        return []
    gold = apply_standoff(read_table(labels), extract(str(page))[0], where=str(labels))
    given = label_posts(gold, model)
    right = int((given["stance"] == gold["stance"]).sum())
    alone = int((given["text_stance"] == gold["stance"]).sum())
    tell(f"phonearena: words alone {alone} of {len(gold)}")
    return [Measure("phonearena_right", f"PhoneArena thread with conversation, of {len(gold)}", right)]
