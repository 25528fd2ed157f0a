"""Many discussions at once: one row a source, a week or an author, with a picture in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from stance.errors import DataError
from stance.evaluate.scores import check_labels
from stance.report.figures import Counts, counts_of, over_time
from stance.report.page import Page, render
from stance.report.shares import Share, by_hand, shares

#: What a report can be split by, and the columns that tell: the first that the table has.
GROUPINGS = {"source": ("source", "site", "platform"), "week": ("posted_at",), "author": ("author",)}

#: Groups that are kept, those with most posts: nobody reads more rows, and each takes 5 ms of drawing.
_MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Group:
    """The posts of one source, week or author, or of one discussion.

    Attributes
    ----------
    net : float
        Share of favor minus share of against, -1 to 1.
    change : float or None
        Net of the later half of the dated posts minus that of the earlier; by week, of this week minus the one before.
    course : tuple of Counts
        Over time, where the posts are dated; empty for a week.
    """

    name: str
    n_threads: int
    n_posts: int
    n_people: int
    by_post: tuple[Share, ...]
    net: float
    change: float | None
    course: tuple[Counts, ...]


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """All figures of a batch report: of everything, of each group, and of each discussion.

    Attributes
    ----------
    groups, threads : tuple of Group
        Those with most posts, at most 500; `n_groups` is how many there are.
    n_by_hand : int
        Posts whose label is a person's; see `stance.report.shares.by_hand`.
    """

    by: str
    n_groups: int
    n_by_hand: int
    whole: Group
    groups: tuple[Group, ...]
    threads: tuple[Group, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give every figure as plain values, for JSON."""
        return asdict(self)


def batch_figures(labels: pd.DataFrame, *, by: str = "source", posts: pd.DataFrame | None = None) -> BatchFigures:
    """Compute every figure of a batch report.

    Parameters
    ----------
    labels : DataFrame
        A labels table.
    by : {"source", "week", "author"}
        How to group; see `GROUPINGS` for the column that it takes.
    posts : DataFrame, optional
        The posts table, where `labels` lacks author, date or source.

    Raises
    ------
    DataError
        If neither table has the column.
    """
    check_labels(labels, "stance", "labels")
    rows = _joined(labels, posts)
    column = next((name for name in GROUPINGS[by] if name in rows.columns), None)
    if column is None:
        wanted = " or ".join(repr(name) for name in GROUPINGS[by])
        found = ", ".join(map(str, rows.columns))
        raise DataError(f"no column {wanted} (columns: {found})", where="labels", fix="add the posts with --posts")
    for absent in {"author", "posted_at"} - set(rows.columns):
        rows = rows.assign(**{absent: pd.Series([None] * len(rows), dtype=object, index=rows.index)})
    names = rows[column].map(_week) if by == "week" else rows[column]
    names = names.astype(object).where(names.notna(), "unknown")
    groups = [_group(name, part, dated=by != "week") for name, part in _largest(rows, names)]
    groups = _weekly(groups) if by == "week" else sorted(groups, key=lambda group: (-group.net, group.name))
    threads = [_group(name, part, dated=False) for name, part in _largest(rows, rows["thread"])]
    return BatchFigures(
        by=by,
        n_groups=int(names.nunique()),
        n_by_hand=int(by_hand(rows).sum()),
        whole=_group("everything", rows, dated=True),
        groups=tuple(groups),
        threads=tuple(sorted(threads, key=lambda group: (-group.net, group.name))),
    )


def batch_report(
    labels: pd.DataFrame,
    *,
    by: str = "source",
    posts: pd.DataFrame | None = None,
    links: Mapping[str, str] | None = None,
    command: str | None = None,
    target: str | None = None,
) -> Page:
    """Write down what many discussions think, as one self-contained HTML page.

    Parameters
    ----------
    links : mapping, optional
        Thread to the address of its own report, relative to this one.

    Examples
    --------
    >>> labels = pd.DataFrame({"thread": ["a", "b"], "post": ["1", "1"], "stance": ["favor", "none"],
    ...                        "author": ["ann", "bob"], "site": ["x.example", "y.example"]})
    >>> "x.example" in batch_report(labels, by="source")
    True
    """
    return render(
        "batch.html",
        title=f"{labels['thread'].nunique():,} discussions by {by}",
        target=target,
        figures=batch_figures(labels, by=by, posts=posts),
        links=links or {},
        titles=_titles(_joined(labels, posts)),
        command=command,
    )


def _joined(labels: pd.DataFrame, posts: pd.DataFrame | None) -> pd.DataFrame:
    rows = labels
    if posts is not None:
        new = ["thread", "post", *(name for name in posts.columns if name not in labels.columns)]
        rows = labels.merge(posts[new], on=["thread", "post"], how="left")
    return rows


def _largest(rows: pd.DataFrame, names: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    """The groups with most posts, in the order of their names."""
    sizes = names.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    kept = names.isin(sizes.index[:_MOST_GROUPS])
    for name, part in rows[kept].groupby(names[kept]):
        yield str(name), part


def _group(name: str, rows: pd.DataFrame, *, dated: bool) -> Group:
    by_post, by_person = shares(rows)
    return Group(
        name=name,
        n_threads=int(rows["thread"].nunique()),
        n_posts=len(rows),
        n_people=sum(share.n for share in by_person),
        by_post=by_post,
        net=_net(counts_of(name, rows["stance"])),
        change=_change(rows) if dated else None,
        course=over_time(rows)[0] if dated else (),
    )


def _net(counts: Counts) -> float:
    return (counts.favor - counts.against) / counts.total if counts.total else 0.0


def _change(rows: pd.DataFrame) -> float | None:
    """Halves by number of posts, in the order of their dates; None where all dates are one."""
    dated = rows[rows["posted_at"].notna()].sort_values(["posted_at", "thread", "post"], kind="stable")
    if dated["posted_at"].nunique() < 2:
        return None
    middle = len(dated) // 2
    halves = (dated["stance"][:middle], dated["stance"][middle:])
    before, after = (_net(counts_of("half", half)) for half in halves)
    return after - before


def _weekly(groups: list[Group]) -> list[Group]:
    """Weeks in order, each with its change from the one before."""
    before: list[float | None] = [None, *(group.net for group in groups)]
    changes = [None if last is None else group.net - last for group, last in zip(groups, before, strict=False)]
    return [
        Group(group.name, group.n_threads, group.n_posts, group.n_people, group.by_post, group.net, change, ())
        for group, change in zip(groups, changes, strict=True)
    ]


def _week(posted_at: object) -> str | None:
    """The Monday of the week that a date lies in."""
    moment = pd.to_datetime(str(posted_at)[:10], errors="coerce") if posted_at else pd.NaT
    return None if pd.isna(moment) else str((moment - pd.Timedelta(days=moment.weekday())).date())


def _titles(rows: pd.DataFrame) -> dict[str, str]:
    if "title" not in rows.columns:
        return {}
    first = rows.dropna(subset=["title"]).groupby("thread")["title"].first()
    return {str(thread): str(title) for thread, title in first.items()}
