"""From sources to labels and their explanation, the same for the command line and for notebooks.

Training stands in `stance.training`, scores and reports in `stance.reporting`: each loads libraries that labelling can
do without, and a single thread should be labelled within a second.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

import pandas as pd

from stance.data import Thread, check_posts, shipped, threads_to_table
from stance.errors import DataError
from stance.explain import Explanation, PostExplanation, explain_in_conversation, explain_text
from stance.labelling import label_posts
from stance.model import Model, load_model
from stance.tables import json_line, read_table
from stance.threads import named, threads_in, where_of

#: Anything that holds posts: a path or URL, "-", a thread, several of these, or a posts table.
Source = str | os.PathLike[str] | Thread | pd.DataFrame
Sources = Source | Iterable[Source]


def load_corpus() -> pd.DataFrame:
    """The invented threads that come with stance, as one posts table with `stance`, `text_only` and `split`."""
    files = sorted((shipped("data") / "corpus").glob("*.jsonl"))
    return check_posts(pd.concat([read_table(file) for file in files], ignore_index=True), labelled=True)


def shipped_manifest() -> dict[str, Any]:
    """What is known of the corpus that comes with stance: target, spellings of its name, counts, hashes."""
    manifest: dict[str, Any] = json.loads((shipped("data") / "manifest.json").read_bytes())
    return manifest


def table_digest(posts: pd.DataFrame) -> str:
    """SHA-256 of a training table: the same digest means the same posts and labels in the same order."""
    columns = [name for name in ("thread", "post", "parent", "author", "text", "stance", "text_only") if name in posts]
    return hashlib.sha256(b"".join(json_line(row) for row in posts[columns].to_dict("records"))).hexdigest()


def learned_from(model: Model, posts: pd.DataFrame) -> bool:
    """Tell whether a model was trained on just this table, or on what of it is no test split, as its card says."""
    learned = posts[posts["split"] != "test"] if "split" in posts.columns else posts
    return model.card.get("training", {}).get("sha256") in (table_digest(posts), table_digest(learned))


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
    tables = [_posts_of(one, name) for one, name in named(source)]
    return pd.concat(tables, ignore_index=True) if len(tables) != 1 else tables[0]


def _posts_of(source: Source, name: str | None) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return check_posts(source)
    return check_posts(threads_to_table(threads_in(source, name)))


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
        raise DataError(
            f"{len(found) or 'no'} posts {post!r}",
            where="posts table" if isinstance(source, pd.DataFrame) else where_of(source),
            fix=fix,
        )
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
