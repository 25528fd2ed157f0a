"""From a labelled table to a described model: the one road that `stance train` and notebooks take."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import pandas as pd
from tqdm import tqdm

from stance import __version__
from stance.corpora import corpus_kind, standard_posts
from stance.data import LABELS, check_posts
from stance.errors import DataError
from stance.evaluate import evaluate
from stance.labelling import label_posts
from stance.model import Model
from stance.tables import read_table
from stance.train import STEPS, Settings, Trained, check_counts, cross_validated, fit, with_card
from stance.workflow import load_corpus, shipped_manifest, table_digest

#: What every model is for, on its card.
INTENDED_USE = (
    "To describe what discussions about {target} think, in shares over many posts, and to sort posts for a human "
    "reader. Not to judge single persons."
)

#: How far the figures on a card reach: of a model of the corpus that comes along, and of any other.
INVENTED = (
    "It learned from invented posts, and its figures are of invented posts that were held out. On real threads it is "
    "right far less often: the model that comes with stance was right in {on_real_threads} of 511 restated comments. "
    "Measure it on labels of your own with `stance evaluate`."
)
HELD_OUT = (
    "Its figures are of posts of its own training corpus, held out. On other threads expect less, and measure it on "
    "labels of your own with `stance evaluate`."
)
#: Accuracy in the conversation; docs/explanation/accuracy.md says how it was measured.
ON_REAL_THREADS = 0.587

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas")


def train(
    posts: pd.DataFrame | str | os.PathLike[str] | None = None,
    *,
    target: str = "Huawei",
    name: str | None = None,
    spellings: Sequence[str] | None = None,
    settings: Settings | None = None,
    with_corpus: bool = False,
) -> Trained:
    """Train a model: settings chosen by cross-validation on held-out groups, then fitted, calibrated and described.

    Parameters
    ----------
    posts : DataFrame or path, optional
        A posts table with `stance`, and `text_only`, `slice` and `split` where there are any, or a public corpus that
        `stance.corpora` knows; by default the corpus that comes with stance. Rows whose `split` is "test" are not
        learned from; the finished model is read on them once, for its card.
    target : str
        Whom or what the stances are about; of a public corpus only the posts about it are read.
    name : str, optional
        The model's name; by default the target's, in lower case.
    spellings : sequence of str, optional
        How the target's name begins in posts, with its misspellings, one word each; by default what the shipped corpus
        says, or the target's name itself.
    with_corpus : bool
        Learn from the corpus that comes with stance as well: a few posts of one's own forum are too few alone. They
        make a slice of their own, which is held out as a whole when settings are chosen.

    Returns
    -------
    Trained
        The model is in `.model`; `stance.save_model` writes it to a folder.

    Raises
    ------
    DataError
        If the table breaks the rules of a posts table, has too few posts of a stance, or is to be read with the corpus
        but is about another target, or if a spelling is not one word.
    """
    settings = settings or Settings()
    shipped = shipped_manifest()
    _check_spellings(spellings or ())
    if spellings is None:
        spellings = shipped["spellings"] if posts is None or with_corpus else [target]
    names = tuple(spelling.lower() for spelling in spellings)
    table = _labelled_posts(posts, target)
    if with_corpus and posts is not None:
        table = _beside_corpus(table, target, about=shipped["target"])
    is_test = table["split"].eq("test") if "split" in table.columns else pd.Series(False, index=table.index)
    learned, test = table[~is_test].reset_index(drop=True), table[is_test].reset_index(drop=True)
    more = target == shipped["target"] and posts is not None and not with_corpus
    check_counts(learned, fix="label more posts, or add --with-corpus" if more else "label more posts")
    with tqdm(total=STEPS, disable=None, leave=False) as bar:
        trained = fit(learned, settings, target_names=names, progress=partial(_step, bar))
    trained = with_card(trained, {"name": name or model_name(target), "target": target, **trained.model.card})
    card = {
        **trained.model.card,
        "intended_use": intended_use(target, invented=posts is None),
        "training": _describe(learned),
        "cross_validation": cross_validated(trained, learned),
        **_read_on(test, trained.model),
        "versions": {"stance": __version__} | {library: version(library) for library in _LIBRARIES},
    }
    return with_card(trained, card)


def intended_use(target: str, *, invented: bool) -> str:
    """Say what a model is for, and what its figures are of."""
    limits = INVENTED.format(on_real_threads=ON_REAL_THREADS) if invented else HELD_OUT
    return f"{INTENDED_USE.format(target=target)} {limits}"


def model_name(target: str) -> str:
    """Name a model after its target.

    >>> model_name("Acme e-bikes")
    'acme-e-bikes'
    """
    return re.sub(r"\W+", "-", target.lower()).strip("-") or "model"


def spelling_hint(target: str, spellings: Sequence[str] | None) -> str | None:
    """Say what to do about a name that is not found in posts as it stands; None where it is.

    Posts are read word by word, and digits as numbers.

    >>> spelling_hint("Acme e-bikes", None)
    "'Acme e-bikes' is not looked for as it stands; name the words that it goes by with --spelling, one word each"
    >>> spelling_hint("Acme e-bikes", ["acme"]), spelling_hint("Acme", None)
    (None, None)
    """
    if spellings or not re.search(r"\s|\d", target.strip()):
        return None
    return f"{target!r} is not looked for as it stands; name the words that it goes by with --spelling, one word each"


def _check_spellings(spellings: Sequence[str]) -> None:
    for spelling in spellings:
        if len(spelling.split()) != 1:
            raise DataError(f"spelling {spelling!r} is not one word", fix="give one word; repeat the option for more")


def _read_on(test: pd.DataFrame, model: Model) -> dict[str, Any]:
    """Scores of the finished model on posts that it has not learned from, where there are any."""
    if test.empty:
        return {}
    scores = evaluate(test, label_posts(test, model)).to_dict()
    names = ("n_posts", "n_threads", "accuracy", "accuracy_interval", "macro_f1", "f_avg")
    return {"test": {name: scores[name] for name in names}}


def _step(bar: Any, name: str) -> None:
    bar.set_description(name)
    bar.update()


def _labelled_posts(posts: pd.DataFrame | str | os.PathLike[str] | None, target: str) -> pd.DataFrame:
    if posts is None:
        return load_corpus()
    if isinstance(posts, pd.DataFrame):
        return check_posts(posts, labelled=True)
    table, where = read_table(posts), os.fspath(posts)
    if corpus_kind(table):
        return standard_posts(table, where=where, target=target, labelled=True)
    return check_posts(table, where=where, labelled=True)


def _beside_corpus(posts: pd.DataFrame, target: str, *, about: str) -> pd.DataFrame:
    if target != about:
        problem = f"the corpus is about {about}, not about {target}"
        raise DataError(problem, where="training posts", fix="train on your posts alone")
    own = posts if "slice" in posts.columns else posts.assign(slice="own")
    return pd.concat([load_corpus(), own], ignore_index=True)


def _describe(posts: pd.DataFrame) -> dict[str, Any]:
    """Counts and the hash of the training table: the same hash means the same posts and labels in the same order."""
    counts = posts["stance"].value_counts()
    return {
        "posts": len(posts),
        "threads": int(posts["thread"].nunique()),
        "labels": {label: int(counts.get(label, 0)) for label in LABELS},
        "sha256": table_digest(posts),
    }
