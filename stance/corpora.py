"""Public stance corpora as their users have them, read as posts tables.

Four layouts are known, each by the columns of its CSV file; `target` and `split` come along:

- `tweeteval`: TweetEval stance (Barbieri et al. 2020); `id, target, text, stance, split`;
- `semeval2016`: SemEval-2016 Task 6 (Mohammad et al. 2016); `opinion_towards` and `sentiment` besides;
- `4forums`: Internet Argument Corpus v1 (Walker et al. 2012); `discussion_id, parent_id, author`, votes by `pro, anti`;
- `rumoureval2019`: RumourEval 2019 task A (Gorrell et al. 2019); `root_id, parent_id, author`, the four classes in
  `label`.

The files themselves are other people's and are not part of stance.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from stance.data import LABELS, check_posts
from stance.errors import DataError
from stance.tables import read_table


@dataclass(frozen=True, slots=True)
class Layout:
    """How a corpus names its columns.

    Attributes
    ----------
    known_by : frozenset of str
        A table with all of these columns has this layout.
    thread : str
        The column that names a post's discussion; a tweet by itself is one.
    parent : str or None
        The column that names the post answered, where there is one.
    """

    known_by: frozenset[str]
    thread: str = "id"
    parent: str | None = None


#: The more columns a layout is known by, the earlier it is tried: TweetEval's are among those of every other.
LAYOUTS: Mapping[str, Layout] = {
    "4forums": Layout(frozenset(("id", "discussion_id", "parent_id", "pro", "anti")), "discussion_id", "parent_id"),
    "rumoureval2019": Layout(frozenset(("id", "root_id", "parent_id", "label", "source")), "root_id", "parent_id"),
    "semeval2016": Layout(frozenset(("id", "target", "opinion_towards", "sentiment"))),
    "tweeteval": Layout(frozenset(("id", "target", "stance", "split"))),
}


def corpus_kind(table: pd.DataFrame) -> str | None:
    """Name in `LAYOUTS` of a table's layout; None for any other table, ours among them.

    >>> corpus_kind(pd.DataFrame(columns=["id", "target", "text", "stance", "split"]))
    'tweeteval'
    >>> corpus_kind(pd.DataFrame(columns=["thread", "post", "text", "stance"])) is None
    True
    """
    columns = set(table.columns)
    if "post" in columns:
        return None
    return next((kind for kind, layout in LAYOUTS.items() if layout.known_by <= columns), None)


def read_corpus(
    path: str | os.PathLike[str], kind: str | None = None, *, target: str | None = None, labelled: bool = False
) -> pd.DataFrame:
    """Read a public stance corpus as a posts table.

    Parameters
    ----------
    kind : str, optional
        One of `LAYOUTS`; by default what the columns say.
    target : str, optional
        Only the posts about this target, whatever its case.
    labelled : bool
        Leave out posts whose stance is not one of `LABELS` (ties of votes, posts without votes); else it is None.

    Returns
    -------
    DataFrame
        `thread, post, parent, author, posted_at, text, stance, split, target`, and the file's other columns.

    Raises
    ------
    DataError
        If the file has none of the layouts, or no post about the target.
    """
    where = os.fspath(path)
    return standard_posts(read_table(path), where=where, kind=kind, target=target, labelled=labelled)


def standard_posts(
    table: pd.DataFrame, *, where: str, kind: str | None = None, target: str | None = None, labelled: bool = False
) -> pd.DataFrame:
    """Name the columns of a corpus as a posts table does; see `read_corpus`."""
    kind = kind or corpus_kind(table)
    if kind is None or kind not in LAYOUTS:
        fix = f"give a file of {', '.join(LAYOUTS)}, or a posts table"
        raise DataError(f"no known corpus ({kind or 'by its columns'})", where=where, fix=fix)
    layout = LAYOUTS[kind]
    missing = sorted((layout.known_by | {"text", "stance"}) - set(table.columns))
    if missing:
        raise DataError(f"no column {missing[0]!r}, which {kind} has", where=where, fix="name another kind")
    posts = table if target is None else _about(table, target, where)
    return check_posts(_renamed(posts, layout, labelled), where=where, labelled=labelled)


def _about(table: pd.DataFrame, target: str, where: str) -> pd.DataFrame:
    found = table[table["target"].str.lower() == target.lower()]
    if found.empty:
        fix = f"its targets are {', '.join(sorted(table['target'].unique()))}"
        raise DataError(f"no post about {target!r}", where=where, fix=fix)
    return found


def _renamed(table: pd.DataFrame, layout: Layout, labelled: bool) -> pd.DataFrame:
    posts = table.rename(columns={"id": "post"}).assign(thread=table[layout.thread])
    if layout.parent:
        posts = posts.rename(columns={layout.parent: "parent"})
    if "ts" in posts.columns:
        posts["posted_at"] = pd.Series([_instant(value) for value in posts["ts"]], index=posts.index, dtype=object)
    known = posts["stance"].isin(LABELS)
    posts["stance"] = posts["stance"].where(known, None)
    gone = [name for name in ("ts", layout.thread) if name in posts.columns]
    return (posts[known] if labelled else posts).drop(columns=gone).reset_index(drop=True)


def _instant(written: str) -> str | None:
    """Seconds since 1970, or the date of a tweet as Twitter wrote it, as ISO 8601 in UTC; None for any other."""
    for read in (_of_seconds, _of_tweet):
        try:
            return read(written).isoformat()
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _of_seconds(written: str) -> datetime:
    return datetime.fromtimestamp(float(written), UTC)


def _of_tweet(written: str) -> datetime:
    """Read "Wed Jan 07 11:14:38 +0000 2015"."""
    return datetime.strptime(written, "%a %b %d %H:%M:%S %z %Y").astimezone(UTC)
