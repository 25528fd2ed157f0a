"""The conversation as a tree of posts, ready to be written down: nesting, labels, and words marked by their weight."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from stance.data import LABELS, Post, Thread
from stance.report.figures import SPEAKS, Because, depths
from stance.report.shares import label_probabilities

#: Deeper answers stand beside each other: on a phone there is no room to indent them, and browsers stop at 512 levels.
_DEEPEST = 10

#: Weights (differences of log-odds) from which a word is underlined once, more, and most.
_LEVELS = (SPEAKS, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a post's text; `level` 1 to 3 spoke for the label, -1 against it, 0 neither."""

    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One post in the tree, with everything that the page says about it.

    Attributes
    ----------
    anchor : str
        Its id in the page; made of numbers only, since a post's own id may hold anything.
    parent : Node or None
        Whom it answers.
    nested : bool
        Whether it stands inside its parent, so that the page need not say whom it answers.
    probabilities : tuple of float
        In the order of `LABELS`.
    by_hand, corrected : bool
        Whether a person gave the label, and whether in place of a model's.
    candidates : tuple of str
        Other posts that it may answer.
    """

    anchor: str
    post: Post
    stance: str
    text_stance: str | None
    probabilities: tuple[float, ...]
    sure: float
    unsure: bool
    moved: bool
    by_hand: bool
    corrected: bool
    reason: str | None
    segments: tuple[Segment, ...]
    parent: Node | None
    nested: bool
    candidates: tuple[str, ...]
    author_others: str
    replies: list[Node] = field(default_factory=list)

    @property
    def below(self) -> int:
        """Posts under this one in the page."""
        return sum(1 + reply.below for reply in self.replies)


def conversation(thread: Thread, rows: pd.DataFrame, because: Because, prefix: str = "p") -> list[Node]:
    """Nest the posts of one thread; siblings stay in page order.

    Parameters
    ----------
    rows : DataFrame
        The rows of `stance.report.figures.labelled_rows` that belong to the thread.
    prefix : str
        Begins each anchor, so that several threads can share a page.
    """
    depth = depths(thread)
    records = dict(zip(rows["post"], _records(rows), strict=True))
    posts = {post.id: (number, post) for number, post in enumerate(thread.posts, start=1)}
    nodes: dict[str, Node] = {}
    slots: dict[str, Node] = {}
    # Parents before their answers, wherever the page prints them.
    for name in sorted(posts, key=depth.__getitem__):
        number, post = posts[name]
        parent = nodes[post.parent] if depth[name] and post.parent is not None else None
        words = because.get((thread.id, name), ())
        slot = slots[parent.post.id] if parent else None
        nodes[name] = _node(f"{prefix}{number}", post, records[name], words, parent, nested=slot is parent)
        slots[name] = nodes[name] if slot is None or depth[name] < _DEEPEST else slot
    for post in thread.posts:
        if depth[post.id] and post.parent is not None:
            slots[post.parent].replies.append(nodes[post.id])
    return [nodes[post.id] for post in thread.posts if not depth[post.id]]


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node, in the order of the page."""
    for node in nodes:
        yield node
        yield from walk(node.replies)


def segments(text: str, because: Sequence[tuple[str, float]]) -> tuple[Segment, ...]:
    """Cut a text where its marking changes; the segments joined are the text.

    Parameters
    ----------
    because : sequence of (str, float)
        Words as they stand in the text between white space, in its order; words that are left out are not marked.

    Examples
    --------
    >>> segments("I do trust them", [("trust", 0.7), ("them", -0.4)])
    (Segment(text='I do ', level=0), Segment(text='trust', level=3), Segment(text=' ', level=0),
     Segment(text='them', level=-1))
    """
    words = iter(because)
    word, weight = next(words, ("", 0.0))
    found: list[Segment] = []
    for piece in re.findall(r"\s+|\S+", text):
        level = 0
        if piece == word:
            level = _level(weight)
            word, weight = next(words, ("", 0.0))
        if found and found[-1].level == level == 0:
            found[-1] = Segment(found[-1].text + piece)
        else:
            found.append(Segment(piece, level))
    return tuple(found)


def _level(weight: float) -> int:
    return -1 if weight <= -_LEVELS[1] else sum(weight >= least for least in _LEVELS)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    others = _others_of_author(rows)
    probabilities = label_probabilities(rows).tolist()
    return [
        {**{str(key): value for key, value in row.items()}, "probabilities": tuple(each), "others": other}
        for row, each, other in zip(rows.to_dict("records"), probabilities, others, strict=True)
    ]


def _others_of_author(rows: pd.DataFrame) -> list[str]:
    """What the author's other posts take, in words: "3 for, 1 against"; nothing for a single post."""
    counts = pd.crosstab(rows["author"].fillna(""), rows["stance"]).reindex(columns=list(LABELS), fill_value=0)
    table = {str(author): list(map(int, row)) for author, row in zip(counts.index, counts.to_numpy(), strict=True)}
    names = dict(zip(LABELS, ("for", "against", "no side"), strict=True))
    found = []
    for author, stance in zip(rows["author"], rows["stance"], strict=True):
        other = {label: n - (label == stance) for label, n in zip(LABELS, table.get(author or "", ()), strict=False)}
        found.append(", ".join(f"{n} {names[label]}" for label, n in other.items() if n > 0) if author else "")
    return found


def _node(
    anchor: str,
    post: Post,
    row: Mapping[str, Any],
    because: Sequence[tuple[str, float]],
    parent: Node | None,
    *,
    nested: bool,
) -> Node:
    return Node(
        anchor=anchor,
        post=post,
        stance=row["stance"],
        text_stance=row["text_stance"],
        probabilities=row["probabilities"],
        sure=float(row["sure"]),
        unsure=bool(row["unsure"]),
        moved=bool(row["moved"]),
        by_hand=bool(row["by_hand"]),
        corrected=bool(row["corrected"]),
        reason=row["reason"],
        segments=segments(post.text, because),
        parent=parent,
        nested=nested,
        candidates=tuple(name for name in post.parent_candidates if name != post.parent),
        author_others=row["others"],
    )
