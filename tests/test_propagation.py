"""Belief propagation over pairs: exact on trees, by hand for one round, and each graph by itself."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax as log_softmax_of_scipy
from scipy.special import logsumexp

from stance.conversation import log_softmax
from stance.propagation import DAMPING, Links, propagate


def links(pairs, potentials):
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return [Links(first, second, np.asarray(potentials, dtype=float).reshape(-1, 3, 3))]


def by_enumeration(unary, pairs, potentials):
    """Marginals from the weight of every assignment of labels, one by one."""
    total = np.zeros_like(unary)
    for labels in product(range(3), repeat=len(unary)):
        score = sum(unary[variable, label] for variable, label in enumerate(labels))
        score += sum(table[labels[a], labels[b]] for (a, b), table in zip(pairs, potentials, strict=True))
        for variable, label in enumerate(labels):
            total[variable, label] += np.exp(score)
    return total / total.sum(axis=1, keepdims=True)


def marginals(unary, pairs, potentials, rounds=200, tolerance=1e-12):
    return np.exp(log_softmax(propagate(unary, links(pairs, potentials), rounds, tolerance)))


@st.composite
def forests(draw):
    """Up to six variables, each tied to an earlier one or to none, in an order of its own."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    size = draw(st.integers(1, 6))
    order = rng.permutation(size)
    parents = [draw(st.integers(-1, place - 1)) for place in range(size)]
    pairs = [(int(order[parent]), int(order[place])) for place, parent in enumerate(parents) if parent >= 0]
    return rng.normal(size=(size, 3)), pairs, rng.normal(size=(len(pairs), 3, 3))


@given(forests())
def test_without_loops_beliefs_are_the_marginals_of_all_assignments(forest):
    np.testing.assert_allclose(marginals(*forest), by_enumeration(*forest), atol=1e-9)


@given(st.integers(0, 10_000))
def test_weak_loops_come_close_to_the_marginals_of_all_assignments(seed):
    rng = np.random.default_rng(seed)
    pairs = [(0, 1), (1, 2), (2, 0), (2, 3)]
    loop = rng.normal(size=(4, 3)), pairs, 0.3 * rng.normal(size=(4, 3, 3))
    np.testing.assert_allclose(marginals(*loop), by_enumeration(*loop), atol=0.02)


def test_in_one_round_each_variable_hears_nine_tenths_of_what_the_other_is_by_itself():
    unary, table = np.log([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]), np.log([[4.0, 1, 2], [1, 3, 1], [2, 1, 5]])
    down, up = logsumexp(unary[0][:, None] + table, axis=0), logsumexp(unary[1][None, :] + table, axis=1)
    heard = np.array([up - up.mean(), down - down.mean()])
    beliefs = propagate(unary, links([(0, 1)], table), 1, 1e-12)
    np.testing.assert_allclose(log_softmax(beliefs), log_softmax(unary + (1 - DAMPING) * heard), atol=1e-12)


def test_what_nothing_is_coupled_with_stays_what_it_is():
    unary = np.random.default_rng(1).normal(size=(3, 3))
    beliefs = propagate(unary, links([(0, 2)], np.zeros((3, 3))), 50, 1e-6)
    assert np.array_equal(beliefs[1], unary[1])
    np.testing.assert_allclose(log_softmax(beliefs), log_softmax(unary), atol=1e-12)


def test_no_rounds_leave_everything_as_it_is():
    unary = np.random.default_rng(1).normal(size=(2, 3))
    assert np.array_equal(propagate(unary, links([(0, 1)], np.eye(3)), 0, 1e-3), unary)


def test_what_moves_by_less_than_the_tolerance_rests_with_that():
    pair = np.random.default_rng(1).normal(size=(2, 3)), links([(0, 1)], 2 * np.eye(3))
    assert np.array_equal(propagate(*pair, 50, 100.0), propagate(*pair, 1, 0.0))
    assert not np.array_equal(propagate(*pair, 50, 0.0), propagate(*pair, 1, 0.0))


def chain(length, coupling, seed):
    """A chain of variables, which takes the longer to come to rest the stronger its pairs are coupled."""
    pairs = [(place, place + 1) for place in range(length - 1)]
    tables = np.broadcast_to(coupling * np.eye(3), (length - 1, 3, 3))
    return np.random.default_rng(seed).normal(size=(length, 3)), pairs, tables


@pytest.mark.parametrize("rounds", [3, 8, 50])
def test_what_else_is_read_beside_a_graph_does_not_change_a_bit_of_it(rounds):
    settings = ((2, 0.0, 1), (9, 2.5, 2), (2, 0.3, 3), (7, 1.0, 4), (12, 3.0, 5), (3, 2.0, 6))
    alone = [chain(*each) for each in settings]
    expected = [propagate(unary, links(pairs, tables), rounds, 1e-3) for unary, pairs, tables in alone]
    begins = np.cumsum([0, *(len(unary) for unary, _, _ in alone)])
    shifted = [(a + begin, b + begin) for begin, (_, pairs, _) in zip(begins, alone, strict=False) for a, b in pairs]
    together = links(shifted, np.concatenate([tables for *_, tables in alone]))
    beliefs = propagate(np.concatenate([unary for unary, *_ in alone]), together, rounds, 1e-3)
    assert [part.tolist() for part in np.split(beliefs, begins[1:-1])] == [part.tolist() for part in expected]


def test_potentials_and_beliefs_of_hundreds_of_log_units_do_not_overflow():
    unary = np.array([[600.0, 0.0, -600.0], [0.0, 0.0, 0.0], [-600.0, 600.0, 0.0]])
    table = np.array([[300.0, -300, 0], [-300, 300, 0], [0, 0, 0]])
    found = marginals(unary, [(0, 1), (1, 2)], [table, 0.5 * table])
    np.testing.assert_allclose(found, np.eye(3)[[0, 0, 1]], atol=1e-9)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_logarithms_of_probabilities_are_those_of_scipy_row_by_row(shape):
    values = np.random.default_rng(2).normal(scale=4000, size=shape)
    np.testing.assert_allclose(log_softmax(values), log_softmax_of_scipy(values, axis=-1), rtol=1e-12, atol=1e-12)
