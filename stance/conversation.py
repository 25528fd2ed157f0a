"""Text stances to stances: one joint inference over the conversation.

Each post is a variable with the three stances; its words vote through the text model's probabilities. Two kinds of
neighbours vote as well: the post it answers (do the reply's words agree or disagree, and what does the parent think?)
and the other posts of its author, through one hidden leaning per author and thread (people rarely change sides within
a thread). The marginals come from loopy belief propagation (Pearl 1988; Murphy, Weiss and Jordan 1999), linear in the
number of posts. How strongly neighbours count is fitted on training threads (`fit_couplings`), by the log-loss of the
very marginals that are reported, because couplings fitted on known neighbours are too strong for guessed ones.

With `Couplings()`, all of them zero, the marginals are the text model's probabilities, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from stance.data import LABELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What a reply does to its parent: their sides are the same, opposite, or at least one of them takes none.
RELATIONS = ("agree", "disagree", "neither")

#: Messages stop when none of them moves by more than this (log units), or after as many rounds as below.
_TOLERANCE = 1e-4
_ROUNDS = 40
#: Half of each message is the old one: undamped messages can swing for ever where author and reply loops disagree.
_DAMPING = 0.5


@dataclass(frozen=True, slots=True)
class Couplings:
    """How much each neighbour counts, in log units; all zero by default, which is the text model itself.

    All couplings treat favor and against alike: what pulls a post towards its parent's `favor` pulls it as strongly
    towards its parent's `against`, so nothing learned here prefers a side.

    Attributes
    ----------
    text : float
        Change of the weight of the words: log-probabilities are multiplied by `1 + text`.
    none : float
        Added to the log-odds of `none`, whatever the neighbours.
    relation : float
        Weight of what the reply's words say about agreeing or disagreeing.
    reply_same, reply_opposite, reply_both_none, reply_to_none : float
        For a reply and its parent: on the same side, on opposite sides, both none, a side against none.
    author_same, author_opposite, author_both_none : float
        The same for a post and its author's hidden leaning.
    """

    text: float = 0.0
    none: float = 0.0
    relation: float = 0.0
    reply_same: float = 0.0
    reply_opposite: float = 0.0
    reply_both_none: float = 0.0
    reply_to_none: float = 0.0
    author_same: float = 0.0
    author_opposite: float = 0.0
    author_both_none: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """Names and values, for the card of a model."""
        return asdict(self)


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
    """

    child: Ints
    parent: Ints
    weight: Floats
    author: Ints

    @property
    def n_posts(self) -> int:
        """Number of posts."""
        return len(self.author)

    @property
    def n_authors(self) -> int:
        """Number of authors with more than one post in a thread."""
        return int(self.author.max(initial=-1)) + 1


def conversation_graph(posts: pd.DataFrame) -> Graph:
    """Read replies and authors off a posts table.

    A parent that is not in the thread is no parent, and a missing author is no author. Where a post lists
    `parent_candidates`, each stands for an equal share, the chosen `parent` for half.
    """
    row_of = {key: row for row, key in enumerate(zip(posts["thread"], posts["post"], strict=True))}
    candidates: Iterable[object] = posts.get("parent_candidates", [None] * len(posts))
    edges: list[tuple[int, int, float]] = []
    columns = zip(posts["thread"], posts["parent"], candidates, strict=True)
    for child, (thread, parent, others) in enumerate(columns):
        for name, share in _shares(parent, others).items():
            row = row_of.get((thread, name))
            if row is not None and row != child:
                edges.append((child, row, share))
    children, parents, weights = zip(*edges, strict=True) if edges else ((), (), ())
    return Graph(
        child=np.array(children, dtype=np.int64),
        parent=np.array(parents, dtype=np.int64),
        weight=np.array(weights, dtype=np.float64),
        author=_author_numbers(posts),
    )


def _shares(parent: object, others: object) -> dict[object, float]:
    alternatives = [name for name in others if name != parent] if isinstance(others, list | tuple) else []
    if not alternatives:
        return {} if parent is None else {parent: 1.0}
    chosen = {} if parent is None else {parent: 0.5}
    left = 1.0 - sum(chosen.values())
    return chosen | dict.fromkeys(alternatives, left / len(alternatives))


def _author_numbers(posts: pd.DataFrame) -> Ints:
    named = posts["author"].notna() & (posts["author"] != "")
    keys = pd.MultiIndex.from_frame(posts.loc[named, ["thread", "author"]])
    codes, _ = pd.factorize(keys)
    several = np.bincount(codes, minlength=1) > 1
    # Renumber, so that authors with one post, whom nothing couples, take no place.
    number = np.where(several, np.cumsum(several) - 1, -1)
    authors = np.full(len(posts), -1, dtype=np.int64)
    if len(codes):
        authors[named.to_numpy()] = number[codes]
    return authors


def relation_of(parent: NDArray[np.int64], child: NDArray[np.int64]) -> Ints:
    """Number in `RELATIONS` of each pair of label numbers."""
    return _RELATION_OF[parent, child]


_NONE = LABELS.index("none")
_SIDES = [number for number in range(len(LABELS)) if number != _NONE]
_RELATION_OF = np.full((3, 3), RELATIONS.index("neither"), dtype=np.int64)
for _side in _SIDES:
    _RELATION_OF[_side, _SIDES] = RELATIONS.index("disagree")
    _RELATION_OF[_side, _side] = RELATIONS.index("agree")


def infer(graph: Graph, log_text: Floats, log_relation: Floats, couplings: Couplings) -> Floats:
    """Marginal stance probabilities of each post, given the words and the neighbours.

    Parameters
    ----------
    graph : Graph
    log_text : array of shape (n_posts, 3)
        Log-probabilities of the text model, columns in the order of `LABELS`.
    log_relation : array of shape (n_posts, 3)
        For each post, how much its words speak for each of `RELATIONS` to its parent: log of probability over the
        relation's share in training. Rows of posts without a parent are not read.
    couplings : Couplings

    Returns
    -------
    array of shape (n_posts, 3)
        Rows sum to 1.

    Examples
    --------
    A post that is none by its words leans to the side of its author:

    >>> import numpy as np
    >>> nobody = np.array([], dtype=np.int64)
    >>> graph = Graph(nobody, nobody, np.array([]), author=np.array([0, 0, 0]))
    >>> log_text = np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    >>> infer(graph, log_text, np.zeros((3, 3)), Couplings(author_same=2.0)).round(2)[2]
    array([0.13, 0.61, 0.27])
    """
    if couplings == Couplings():
        return np.exp(log_text)
    unary = log_text * (1.0 + couplings.text)
    unary[:, _NONE] += couplings.none
    links = [_reply_links(graph, log_relation, couplings), _author_links(graph, couplings)]
    beliefs = _propagate(np.vstack([unary, np.zeros((graph.n_authors, len(LABELS)))]), links)
    return _softmax(beliefs[: graph.n_posts])


@dataclass(frozen=True, slots=True)
class _Links:
    """Pairs of coupled variables, with one 3 by 3 table of log potentials each (rows: the first variable)."""

    first: Ints
    second: Ints
    log_potential: Floats


def _reply_links(graph: Graph, log_relation: Floats, couplings: Couplings) -> _Links:
    table = _pair_table(
        couplings.reply_same, couplings.reply_opposite, couplings.reply_both_none, couplings.reply_to_none
    )
    spoken = couplings.relation * log_relation[graph.child][:, _RELATION_OF]
    # Nobody agrees or disagrees with himself: an answer to oneself goes on speaking, and the author link covers it.
    own = (graph.author[graph.child] >= 0) & (graph.author[graph.child] == graph.author[graph.parent])
    potential = np.where(own[:, None, None], 0.0, table + spoken)
    # A parent that is only probable: with the rest of the probability the two posts have nothing to do with each other.
    weight = graph.weight[:, None, None]
    certain = weight >= 1.0
    with np.errstate(over="ignore"):
        mixed = np.log1p(weight * np.expm1(np.minimum(potential, 50.0)))
    return _Links(graph.parent, graph.child, np.where(certain, potential, mixed))


def _author_links(graph: Graph, couplings: Couplings) -> _Links:
    table = _pair_table(couplings.author_same, couplings.author_opposite, couplings.author_both_none, 0.0)
    posts = np.flatnonzero(graph.author >= 0)
    authors = graph.n_posts + graph.author[posts]
    return _Links(authors, posts, np.broadcast_to(table, (len(posts), *table.shape)))


def _pair_table(same: float, opposite: float, both_none: float, side_and_none: float) -> Floats:
    table = np.full((3, 3), side_and_none)
    table[_NONE, _NONE] = both_none
    for side in _SIDES:
        table[side, _SIDES] = opposite
        table[side, side] = same
    return table


def _propagate(unary: Floats, links: list[_Links]) -> Floats:
    """Log beliefs after loopy belief propagation with all messages sent at once.

    One round costs a few passes over arrays of shape (n_links, 3): no Python loop over posts.
    """
    first = np.concatenate([link.first for link in links])
    second = np.concatenate([link.second for link in links])
    potential = np.concatenate([link.log_potential for link in links])
    forward = np.zeros((len(first), unary.shape[1]))
    backward = np.zeros_like(forward)
    beliefs = unary
    for _ in range(_ROUNDS if len(first) else 0):
        new_forward = _send(beliefs[first] - backward, potential)
        new_backward = _send(beliefs[second] - forward, potential.transpose(0, 2, 1))
        moved = max(np.abs(new_forward - forward).max(), np.abs(new_backward - backward).max())
        forward += (1 - _DAMPING) * (new_forward - forward)
        backward += (1 - _DAMPING) * (new_backward - backward)
        beliefs = unary + _gather(second, forward, len(unary)) + _gather(first, backward, len(unary))
        if moved < _TOLERANCE:
            break
    return beliefs


def _send(log_cavity: Floats, log_potential: Floats) -> Floats:
    """Log messages of shape (n_links, 3), normalised to mean zero so that they cannot drift."""
    joint = log_cavity[:, :, None] + log_potential
    peak = joint.max(axis=1)
    message = peak + np.log(np.exp(joint - peak[:, None, :]).sum(axis=1))
    result: Floats = message - message.mean(axis=1, keepdims=True)
    return result


def _gather(target: Ints, messages: Floats, size: int) -> Floats:
    columns = [np.bincount(target, weights=column, minlength=size) for column in messages.T]
    return np.stack(columns, axis=1)


def _softmax(log_values: Floats) -> Floats:
    exponent = np.exp(log_values - log_values.max(axis=1, keepdims=True))
    result: Floats = exponent / exponent.sum(axis=1, keepdims=True)
    return result


def fit_couplings(
    graph: Graph,
    log_text: Floats,
    log_relation: Floats,
    stance: Ints,
    *,
    penalty: float = 0.002,
    progress: Callable[[float], None] | None = None,
) -> Couplings:
    """Fit couplings to labelled threads by the log-loss of the marginals.

    `log_text` and `log_relation` must come from models that did not see these threads (cross-validation): a text
    model is too sure of its own training posts, and neighbours would seem to add nothing.

    Parameters
    ----------
    stance : int array of shape (n_posts,)
        The label numbers, read in the conversation.
    penalty : float
        Ridge penalty that keeps couplings at zero unless the threads speak for them.
    """

    def loss(values: Floats) -> float:
        marginals = infer(graph, log_text, log_relation, Couplings(*values))
        value = -np.log(marginals[np.arange(len(stance)), stance] + 1e-12).mean() + penalty * float(values @ values)
        if progress:
            progress(float(value))
        return float(value)

    start = np.array(astuple(Couplings())) + 1e-3
    bounds = [(-0.9, 3.0)] + [(-4.0, 4.0)] * (len(fields(Couplings)) - 1)
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40, "ftol": 1e-6, "eps": 1e-3})
    return Couplings(*(round(float(value), 4) for value in found.x))
