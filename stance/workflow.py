"""The whole road, for its three callers: the training script, batch labelling, and notebooks."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import pandas as pd
from tqdm import tqdm

from stance import __version__
from stance.data import (
    LABELS,
    Thread,
    check_posts,
    shipped,
    table_to_threads,
    threads_to_table,
)
from stance.errors import DataError, PageError
from stance.evaluate import Scores, evaluate
from stance.explain import Explanation, PostExplanation, explain_in_conversation, explain_text
from stance.extract import extract
from stance.labelling import label_posts
from stance.model import Model, read_model
from stance.tables import json_line, read_table
from stance.train import STEPS, Settings, Trained, cross_validated, fit, with_card
from stance.tree import conversation_tree

#: What `label` and `explain` take where the caller names no model.
DEFAULT_MODEL = "huawei"

#: Anything that holds posts: a path or URL, "-", a thread, several of these, or a posts table.
Source = str | os.PathLike[str] | Thread | pd.DataFrame
Sources = Source | Iterable[Source]

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas")


def load_corpus() -> pd.DataFrame:
    """The invented threads that come with stance, as one posts table with `stance`, `text_only` and `split`."""
    files = sorted((shipped("data") / "corpus").glob("*.jsonl"))
    return check_posts(pd.concat([read_table(file) for file in files], ignore_index=True), labelled=True)


def shipped_manifest() -> dict[str, Any]:
    """What is known of the corpus that comes with stance: target, spellings of its name, counts, hashes."""
    manifest: dict[str, Any] = json.loads((shipped("data") / "manifest.json").read_bytes())
    return manifest


@cache
def default_model() -> Model:
    """The Huawei model that comes with stance."""
    return read_model(shipped("models") / DEFAULT_MODEL)


def load_model(model: Model | str | os.PathLike[str] | None) -> Model:
    """Return the model itself, the one in that folder, or the one that comes with stance."""
    if isinstance(model, Model):
        return model
    return default_model() if model is None else read_model(model)


def train(
    posts: pd.DataFrame | str | os.PathLike[str] | None = None,
    *,
    target: str = "Huawei",
    name: str = DEFAULT_MODEL,
    spellings: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> Trained:
    """Train a model: settings chosen by cross-validation on held-out groups, then fitted, calibrated and described.

    Parameters
    ----------
    posts : DataFrame or path, optional
        A posts table with `stance`, and `text_only`, `slice` and `split` where there are any; by default the corpus
        that comes with stance. Rows whose `split` is "test" are not learned from; the finished model is read on them
        once, for its card.
    target : str
        Whom or what the stances are about.
    name : str
        The model's name.
    spellings : sequence of str, optional
        How the target's name begins in posts, with its misspellings; by default what the shipped corpus says, or the
        target's name itself.

    Returns
    -------
    Trained
        The model is in `.model`; `stance.save_model` writes it to a folder.

    Raises
    ------
    DataError
        If the table breaks the rules of a posts table, or has too few posts of a stance.
    """
    settings = settings or Settings()
    if spellings is None:
        spellings = shipped_manifest()["spellings"] if posts is None else [target]
    names = tuple(spelling.lower() for spelling in spellings)
    table = _labelled_posts(posts)
    learned = table[table["split"] != "test"].reset_index(drop=True) if "split" in table.columns else table
    with tqdm(total=STEPS, disable=None, leave=False) as bar:
        trained = fit(learned, settings, target_names=names, progress=partial(_step, bar))
    card = {
        "name": name,
        "target": target,
        "training": _describe(learned),
        **trained.model.card,
        "cross_validation": cross_validated(trained, learned),
        "versions": {"stance": __version__} | {library: version(library) for library in _LIBRARIES},
    }
    return with_card(trained, card)


def _step(bar: Any, name: str) -> None:
    bar.set_description(name)
    bar.update()


def _labelled_posts(posts: pd.DataFrame | str | os.PathLike[str] | None) -> pd.DataFrame:
    if posts is None:
        return load_corpus()
    if isinstance(posts, pd.DataFrame):
        return check_posts(posts, labelled=True)
    return check_posts(read_table(posts), where=os.fspath(posts), labelled=True)


def _describe(posts: pd.DataFrame) -> dict[str, Any]:
    """Counts and the hash of the training table: the same hash means the same posts and labels in the same order."""
    columns = [name for name in ("thread", "post", "parent", "author", "text", "stance", "text_only") if name in posts]
    digest = hashlib.sha256(b"".join(json_line(row) for row in posts[columns].to_dict("records"))).hexdigest()
    counts = posts["stance"].value_counts()
    return {
        "posts": len(posts),
        "threads": int(posts["thread"].nunique()),
        "labels": {label: int(counts.get(label, 0)) for label in LABELS},
        "sha256": digest,
    }


def label(
    source: Sources, model: Model | str | os.PathLike[str] | None = None, *, conversation: bool = True
) -> pd.DataFrame:
    """Label every post of pages, dumps, exports, threads or posts tables.

    Parameters
    ----------
    source : path, URL, "-", Thread, DataFrame, or an iterable of these
    model : Model or path, optional
        By default the Huawei model that comes with stance.
    conversation : bool
        Whether the parent and the author's other posts count; else each post is read alone.

    Returns
    -------
    DataFrame
        A labels table: `thread, post, stance, text_stance, p_favor, p_against, p_none, abstained, reason, model`.

    Raises
    ------
    PageError
        If a source has no posts.

    Examples
    --------
    >>> import pandas as pd
    >>> label(pd.DataFrame({"text": ["Huawei steals everything. Ban them."]}))["stance"].tolist()
    ['against']
    """
    return label_posts(read_posts(source), load_model(model), conversation=conversation)


def read_posts(source: Sources) -> pd.DataFrame:
    """Gather the posts of one source or of many in one posts table."""
    if isinstance(source, pd.DataFrame):
        return check_posts(source)
    if isinstance(source, str | os.PathLike | Thread):
        source = [source]
    tables = [_posts_of(one) for one in source]
    return pd.concat(tables, ignore_index=True) if len(tables) != 1 else tables[0]


def _posts_of(source: Source) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return check_posts(source)
    threads = [source] if isinstance(source, Thread) else extract(source)
    posts = threads_to_table(threads)
    if posts.empty:
        notes = "; ".join(note for thread in threads for note in thread.notes)
        fix = "give a page whose comments are in it; `stance extract` shows what is found"
        raise PageError(f"no posts{f' ({notes})' if notes else ''}", where=_name_of(source), fix=fix)
    return check_posts(posts)


def evaluate_model(
    gold: pd.DataFrame, *, model: Model | str | os.PathLike[str] | None = None, against: str = "stance"
) -> Scores:
    """Label the posts of `gold` and score the labels; against `text_only` each post is read alone.

    The whole of `gold` is one input: the conversation of its threads counts as it would for a new page.
    """
    labels = label(gold, model, conversation=against == "stance")
    return evaluate(gold, labels, against=against)


def _name_of(source: Source) -> str:
    if isinstance(source, Thread):
        return source.id
    return "posts table" if isinstance(source, pd.DataFrame) else os.fspath(source)


def explain_post(
    source: Source, post: str, model: Model | str | os.PathLike[str] | None = None, *, thread: str | None = None
) -> PostExplanation:
    """Tell words and conversation apart for one post of a page or table.

    Raises
    ------
    DataError
        If there is no such post, or several threads have one.
    """
    posts = read_posts(source)
    found = posts[(posts["post"] == post) & (posts["thread"].eq(thread) if thread else True)]
    if len(found) != 1:
        fix = "name its thread" if len(found) else f"the posts are {', '.join(posts['post'].head(20))} …"
        raise DataError(f"{len(found) or 'no'} posts {post!r}", where=_name_of(source), fix=fix)
    of_thread = posts[posts["thread"] == found["thread"].iloc[0]].reset_index(drop=True)
    return explain_in_conversation(of_thread, post, load_model(model))


def explain(text: str, model: Model | str | os.PathLike[str] | None = None) -> Explanation:
    """Tell which n-grams of a text moved its label, and by how much; they sum to the logit exactly."""
    return explain_text(text, load_model(model))


#: The invented thread of the test split that `stance demo` labels; no model of ours has learned from it.
DEMO_THREAD = "plain/23-fcc-rip-replace"


def demo_posts() -> pd.DataFrame:
    """An invented thread that comes with stance, with its hand labels."""
    corpus = load_corpus()
    return corpus[corpus["thread"] == DEMO_THREAD].reset_index(drop=True)


def demo() -> str:
    """Label an invented thread that no model of ours has learned from: its tree, and how right the labels are."""
    gold = demo_posts()
    labels = label(gold)
    width = shutil.get_terminal_size((100, 24)).columns
    return f"{conversation_tree(table_to_threads(gold)[0], labels, width=width)}\n\n{evaluate(gold, labels)}"
