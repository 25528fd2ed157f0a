"""Text stances to stances: one joint inference over the conversation.

Each post is a variable with the three stances; its words vote through the text model's probabilities. Two kinds of
neighbours vote as well: the post it answers (do the reply's words agree or disagree, and what does the parent think?)
and the other posts of its author, through one hidden leaning per author and thread (people rarely change sides within
a thread). The marginals come from loopy belief propagation (Pearl 1988; Murphy, Weiss and Jordan 1999), linear in the
number of posts. How strongly neighbours count is fitted on training threads (`stance.couplings`), by the log-loss of
the very marginals that are reported, because couplings fitted on known neighbours are too strong for guessed ones.

With `Couplings()`, all of them zero, the marginals are the text model's probabilities, bit for bit.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count, repeat
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import StanceWarning
from stance.propagation import Links, propagate
from stance.records import LABELS, Columns, id_of, writer_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What a reply does to a parent that takes a side: it takes the same, the opposite, or none.
RELATIONS = ("agree", "disagree", "none")

#: Messages stop when none of them moves by more than this (log units), or after as many rounds as below.
TOLERANCE = 1e-3
ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Couplings:
    """How much each neighbour counts, in log units; all zero by default, which is the text model itself.

    All couplings treat favor and against alike: what pulls a post towards its parent's `favor` pulls it as strongly
    towards its parent's `against`, so nothing learned here prefers a side.

    Attributes
    ----------
    text : float
        Change of the weight of what the words show: their log-probabilities are multiplied by `1 + text`.
    meaning : float
        Weight of what posts with such words usually mean in their conversation, shown or not.
    none, none_in_reply : float
        Added to the log-odds of `none`, in any post and in a post with a parent.
    relation : float
        Weight of what the reply's words say about agreeing or disagreeing.
    reply_same, reply_opposite : float
        For a reply and its parent: on the same side, on opposite sides.
    reply_both_none, only_reply_none, only_parent_none : float
        For a reply and its parent: both none, or one of them.
    author_same, author_opposite, author_both_none : float
        The same for a post and its author's hidden leaning.
    """

    text: float = 0.0
    meaning: float = 0.0
    none: float = 0.0
    none_in_reply: float = 0.0
    relation: float = 0.0
    reply_same: float = 0.0
    reply_opposite: float = 0.0
    reply_both_none: float = 0.0
    only_reply_none: float = 0.0
    only_parent_none: float = 0.0
    author_same: float = 0.0
    author_opposite: float = 0.0
    author_both_none: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """Names and values, for the card of a model."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Named:
    """How many posts name a parent, and how many of those parents are no post of the thread.

    Examples
    --------
    >>> Named(14, 12) + Named(6, 0)
    Named(parents=20, lost=12)
    """

    parents: int = 0
    lost: int = 0

    def __add__(self, other: Named) -> Named:
        """Of two parts together."""
        return Named(self.parents + other.parents, self.lost + other.lost)

    def warn(self) -> None:
        """Warn where most are lost: then ids were spoilt on their way, or the table holds a part of each thread."""
        if self.lost >= _LOST and self.lost * 2 > self.parents:
            problem = f"{self.lost} of {self.parents} parents name no post of their thread"
            warnings.warn(f"{problem}; the conversation is then lost", StanceWarning, stacklevel=2)


NO_NAMES = Named()

#: Fewer parents that are not there are the usual gaps of a thread.
_LOST = 3


@dataclass(frozen=True, slots=True)
class Graph:
    """Who stands beside whom, as row numbers of the posts table.

    Attributes
    ----------
    child, parent : int arrays of shape (n_replies,)
        A row for each possible parent of each reply.
    weight : float array of shape (n_replies,)
        How likely that parent is, 0 to 1; several candidates share the weight.
    author : int array of shape (n_posts,)
        The author's number, unique over threads; -1 for a missing author or one with a single post.
    named : Named
        How many parents there were, and how many of them are none.
    """

    child: Ints
    parent: Ints
    weight: Floats
    author: Ints
    named: Named = NO_NAMES

    @property
    def n_posts(self) -> int:
        """Number of posts."""
        return len(self.author)

    @property
    def n_authors(self) -> int:
        """Number of authors with more than one post in a thread."""
        return int(self.author.max(initial=-1)) + 1


def conversation_graph(posts: Columns) -> Graph:
    """Read replies and authors off a posts table, or a mapping of its columns; see `link_posts`."""
    none = [None] * len(posts["post"])
    return link_posts(
        list(posts["thread"]),
        list(posts["post"]),
        list(posts["parent"]),
        list(map(id_of, posts["author"])),
        list(posts.get("parent_candidates", none)),
    )


def link_posts(
    threads: Sequence[str],
    posts: Sequence[str],
    parents: Sequence[str | None],
    authors: Sequence[str | None],
    candidates: Sequence[object],
) -> Graph:
    """Find who answers whom and who wrote several posts, from the columns of a posts table.

    A parent that is not in the thread is no parent, and a missing author or "[deleted]" no author (`writer_of`). Where
    a post lists `candidates`, the chosen parent (or no parent) stands for `_CHOSEN`, and the others share the rest.
    """
    row_of: dict[tuple[str, str | None], int] = dict(zip(zip(threads, posts, strict=True), count(), strict=False))
    # Most posts have one possible parent or none: these need no shares, and no line of Python each.
    parent = _numbers(map(row_of.get, zip(threads, parents, strict=True), repeat(-1)), len(posts))
    named = _named(threads, parents, np.flatnonzero(parent < 0))
    several = [row for row, others in enumerate(candidates) if others]
    parent[several] = -1
    child = np.flatnonzero((parent >= 0) & (parent != np.arange(len(posts))))
    links = [(int(row), int(parent[row]), 1.0) for row in child] if several else []
    for row in several:
        for name, share in _shares(parents[row], candidates[row]).items():
            other = row_of.get((threads[row], name), row)  # type: ignore[arg-type]
            links += [(row, other, share)] if other != row else []
    return replace(_graph(child, parent[child], links, _author_numbers(threads, authors)), named=named)


def _named(threads: Sequence[str], parents: Sequence[str | None], nowhere: Ints) -> Named:
    missing = list(parents).count(None)
    if len(nowhere) == missing:
        return Named(len(parents) - missing)
    # A thread may be called after what it is about, a story or a submission, which is no post but is answered.
    lost = sum(parents[row] not in (None, threads[row]) for row in nowhere)
    return Named(len(parents) - missing, lost)


def _graph(child: Ints, parent: Ints, links: list[tuple[int, int, float]], author: Ints) -> Graph:
    if not links:
        return Graph(child, parent, np.ones(len(child)), author)
    # Sorted by the reply; the candidates of one reply stay in the order in which it lists them.
    children, parents, weights = zip(*sorted(links, key=itemgetter(0)), strict=True)
    return Graph(np.array(children), np.array(parents), np.array(weights), author)


def _numbers(values: Iterable[int], size: int) -> Ints:
    return np.fromiter(values, dtype=np.int64, count=size)


#: Probability of the parent that was chosen where others remain possible: `order` is right in 0.72 of the posts of
#: flattened threads (benchmarks/replies.py).
_CHOSEN = 0.7


def _shares(parent: object, others: object) -> dict[object, float]:
    names = map(id_of, others) if isinstance(others, list | tuple) else ()
    alternatives = [name for name in names if name not in (parent, None)]
    if not alternatives:
        return {} if parent is None else {parent: 1.0}
    # A post that was taken for top level has chosen no parent, which is a choice as well.
    chosen = {} if parent is None else {parent: _CHOSEN}
    return chosen | dict.fromkeys(alternatives, (1.0 - _CHOSEN) / len(alternatives))


def _author_numbers(threads: Sequence[str], authors: Sequence[str | None]) -> Ints:
    first_seen: dict[tuple[str, str | None], int] = defaultdict(count().__next__)
    number = _numbers(map(first_seen.__getitem__, zip(threads, authors, strict=True)), len(threads))
    # An author with one post, whom nothing couples, takes no place; nor does one without a name.
    several = np.bincount(number, minlength=len(first_seen)) > 1
    several &= np.array([writer_of(author) is not None for _, author in first_seen], dtype=bool)
    return np.where(several[number], (np.cumsum(several) - 1)[number], -1) if len(number) else number


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the words of each post say, as log-probabilities or log-odds; a row a post.

    Attributes
    ----------
    text : array of shape (n_posts, 3)
        What stance the words show; columns in the order of `LABELS`.
    meaning : array of shape (n_posts, 3)
        What stance posts with such words have in their conversation.
    relation : array of shape (n_posts, 3)
        How much the words speak for each of `RELATIONS`, should the post answer one that takes a side.
    """

    text: Floats
    meaning: Floats
    relation: Floats

    def rows(self, which: Any) -> Evidence:
        """The same for some of the posts."""
        return Evidence(self.text[which], self.meaning[which], self.relation[which])


def relations(parent: Ints, child: Ints) -> Ints:
    """Number in `RELATIONS` of each reply, from the label numbers of parents that take a side, and their replies."""
    side = np.where(child == parent, RELATIONS.index("agree"), RELATIONS.index("disagree"))
    return np.where(child == _NONE, RELATIONS.index("none"), side)


_NONE = LABELS.index("none")
_SIDES = [number for number in range(len(LABELS)) if number != _NONE]
# Rows: the parent's label; columns: the reply's; value: the column of `Evidence.relation` that speaks for the pair.
_RELATION_OF = relations(*np.indices((len(LABELS), len(LABELS))))


#: Log-odds against the stances that a person has ruled out: beyond what any neighbours can outvote.
_CERTAIN = 40.0


def infer(
    graph: Graph,
    evidence: Evidence,
    couplings: Couplings,
    *,
    known: Ints | None = None,
    rounds: int = ROUNDS,
    tolerance: float = TOLERANCE,
) -> Floats:
    """Marginal stance probabilities of each post, given the words and the neighbours.

    Parameters
    ----------
    known : int array of shape (n_posts,), optional
        The label number of each post that a person has labelled, -1 for the others: those posts are certain, and their
        neighbours hear of it.
    rounds, tolerance : int, float
        Messages stop when none of them moves by more than `tolerance` (log units), or after so many rounds.

    Returns
    -------
    array of shape (n_posts, 3)
        Rows sum to 1. With `Couplings()` they are `exp(evidence.text)`, bit for bit.

    Examples
    --------
    A post that is none by its words leans to the side of its author:

    >>> import numpy as np
    >>> nobody = np.array([], dtype=np.int64)
    >>> graph = Graph(nobody, nobody, np.array([]), author=np.array([0, 0, 0]))
    >>> text = np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    >>> evidence = Evidence(text, text, np.zeros((3, 3)))
    >>> infer(graph, evidence, Couplings(author_same=2.0)).round(2)[2]
    array([0.13, 0.61, 0.27])
    """
    if couplings == Couplings() and known is None:
        return np.exp(evidence.text)
    unary = evidence.text * (1.0 + couplings.text) + evidence.meaning * couplings.meaning
    unary[:, _NONE] += couplings.none
    answers = np.zeros(graph.n_posts, dtype=bool)
    answers[graph.child] = True
    unary[answers, _NONE] += couplings.none_in_reply
    if known is not None:
        said = np.flatnonzero(known >= 0)
        unary[said] = np.where(np.eye(len(LABELS), dtype=bool)[known[said]], 0.0, -_CERTAIN)
    links = [_reply_links(graph, evidence.relation, couplings), _author_links(graph, couplings)]
    variables = np.vstack([unary, np.zeros((graph.n_authors, len(LABELS)))])
    return np.exp(log_softmax(propagate(variables, links, rounds, tolerance)[: graph.n_posts]))


def _reply_links(graph: Graph, relation: Floats, couplings: Couplings) -> Links:
    table = _pair_table(couplings.reply_same, couplings.reply_opposite, couplings.reply_both_none)
    table[_NONE, _SIDES] = couplings.only_parent_none
    table[_SIDES, _NONE] = couplings.only_reply_none
    potential = table + couplings.relation * relation[graph.child][:, _RELATION_OF]
    # What the words say of a parent that takes a side says nothing of one that takes none.
    potential[:, _NONE, :] = table[_NONE]
    # Nobody agrees or disagrees with himself: an answer to oneself goes on speaking, and the author link covers it.
    potential[_to_oneself(graph)] = 0.0
    # A parent that is only probable: with the rest of the probability the two posts have nothing to do with each other.
    probable = graph.weight < 1.0
    potential[probable] = np.log1p(graph.weight[probable, None, None] * np.expm1(potential[probable]))
    return Links(graph.parent, graph.child, potential)


def _to_oneself(graph: Graph) -> NDArray[np.bool_]:
    child, parent = graph.author[graph.child], graph.author[graph.parent]
    return np.asarray((child >= 0) & (child == parent))


def _author_links(graph: Graph, couplings: Couplings) -> Links:
    table = _pair_table(couplings.author_same, couplings.author_opposite, couplings.author_both_none)
    posts = np.flatnonzero(graph.author >= 0)
    authors = graph.n_posts + graph.author[posts]
    return Links(authors, posts, np.broadcast_to(table, (len(posts), *table.shape)))


def _pair_table(same: float, opposite: float, both_none: float) -> Floats:
    """Log potentials of two coupled labels; a side beside none has 0."""
    table = np.zeros((len(LABELS), len(LABELS)))
    table[_NONE, _NONE] = both_none
    for side in _SIDES:
        table[side, _SIDES] = opposite
        table[side, side] = same
    return table


def log_softmax(values: Floats) -> Floats:
    """Logarithms of the probabilities whose log-odds these are, row by row.

    SciPy's own stands behind an import that takes a second, as long as labelling a thread.
    """
    shifted = values - values.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def decided_replies(graph: Graph, stance: Ints) -> tuple[Ints, Ints]:
    """Replies that teach agreement: the parent is certain, takes a side, and is another author's.

    Returns
    -------
    rows : int array of shape (n_replies,)
        Row numbers of the replies.
    relation : int array of shape (n_replies,)
        What each does to its parent: a number in `RELATIONS`.
    """
    decided = (graph.weight >= 1.0) & ~_to_oneself(graph) & (stance[graph.parent] != _NONE)
    rows = graph.child[decided]
    return rows, relations(stance[graph.parent[decided]], stance[rows])


def unlinked(graph: Graph) -> Graph:
    """The same posts without replies and authors, as a table of single posts has them."""
    nothing = np.zeros(0, dtype=np.int64)
    return Graph(nothing, nothing, np.zeros(0), np.full(graph.n_posts, -1, dtype=np.int64))
