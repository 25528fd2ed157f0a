"""One joint inference over a thread: words, parents, authors."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.conversation import (
    RELATIONS,
    Couplings,
    Evidence,
    conversation_graph,
    decided_replies,
    infer,
    relations,
    unlinked,
)
from stance.couplings import fit_couplings
from stance.data import LABELS, check_posts, posts_table

FAVOR, AGAINST, NONE = range(3)
WORDS = Couplings(text=0.3, meaning=0.5, none=0.1, none_in_reply=0.2, relation=1.0)
REPLIES = replace(WORDS, reply_opposite=0.7, only_reply_none=-0.3)
AUTHORS = Couplings(author_same=2.0, author_opposite=-1.0, author_both_none=0.5)


def thread(*rows, **columns):
    """Posts 1, 2, ... of one thread from (parent, author) pairs."""
    posts = [{"post": str(n), "parent": p, "author": a, "text": "x"} for n, (p, a) in enumerate(rows, start=1)]
    return check_posts(posts_table(posts).assign(**columns))


def say(*text, relation=None):
    """Evidence of the words; the meaning is what the words show."""
    log_text = np.log(np.array(text, dtype=float))
    return Evidence(
        log_text, log_text, np.zeros_like(log_text) if relation is None else np.array(relation, dtype=float)
    )


UNSURE, SURE_FAVOR, SURE_AGAINST = (0.34, 0.33, 0.33), (0.98, 0.01, 0.01), (0.01, 0.98, 0.01)
AGREES, DISAGREES = (3.0, -3.0, 0.0), (-3.0, 3.0, 0.0)


def random_evidence(seed, n_posts):
    rng = np.random.default_rng(seed)
    return Evidence(
        *(np.log(rng.dirichlet([1, 1, 1], n_posts)) for _ in range(2)), relation=rng.normal(size=(n_posts, 3))
    )


@given(st.integers(0, 1000), st.integers(1, 8))
def test_without_couplings_the_marginals_are_the_text_model_bit_for_bit(seed, n_posts):
    graph = conversation_graph(thread(*[("1", "ann")] * n_posts))
    evidence = random_evidence(seed, n_posts)
    assert np.array_equal(infer(graph, evidence, Couplings()), np.exp(evidence.text))


def test_a_reply_that_disagrees_takes_the_other_side():
    graph = conversation_graph(thread((None, "ann"), ("1", "bob")))
    marginals = infer(graph, say(SURE_FAVOR, UNSURE, relation=[(0, 0, 0), DISAGREES]), Couplings(relation=1.0))
    assert marginals.argmax(axis=1).tolist() == [FAVOR, AGAINST]


def test_a_reply_that_agrees_takes_the_same_side():
    graph = conversation_graph(thread((None, "ann"), ("1", "bob")))
    marginals = infer(graph, say(SURE_AGAINST, UNSURE, relation=[(0, 0, 0), AGREES]), Couplings(relation=1.0))
    assert marginals.argmax(axis=1).tolist() == [AGAINST, AGAINST]


def test_a_parent_learns_from_its_replies():
    graph = conversation_graph(thread((None, "ann"), ("1", "bob")))
    marginals = infer(graph, say(UNSURE, SURE_FAVOR, relation=[(0, 0, 0), DISAGREES]), Couplings(relation=1.0))
    assert marginals[0].argmax() == AGAINST


def test_nobody_disagrees_with_himself():
    graph = conversation_graph(thread((None, "ann"), ("1", "ann")))
    evidence = say(SURE_FAVOR, UNSURE, relation=[(0, 0, 0), DISAGREES])
    assert infer(graph, evidence, Couplings(relation=1.0))[1] == pytest.approx(UNSURE)


def test_people_keep_their_side_within_a_thread():
    graph = conversation_graph(thread((None, "ann"), (None, "bob"), (None, "ann")))
    marginals = infer(graph, say(SURE_FAVOR, SURE_AGAINST, UNSURE), AUTHORS)
    assert marginals.argmax(axis=1).tolist() == [FAVOR, AGAINST, FAVOR]


def test_a_known_stance_is_certain_and_the_author_s_other_posts_hear_of_it():
    graph = conversation_graph(thread((None, "ann"), (None, "ann"), (None, "bob")))
    evidence = say(SURE_FAVOR, UNSURE, UNSURE)
    told = infer(graph, evidence, AUTHORS, known=np.array([AGAINST, -1, -1]))
    untold = infer(graph, evidence, AUTHORS)
    assert told[0] == pytest.approx([0, 1, 0])
    assert (untold[1].argmax(), told[1].argmax()) == (FAVOR, AGAINST)
    assert told[2] == pytest.approx(untold[2])


@pytest.mark.parametrize("label", [FAVOR, AGAINST, NONE])
def test_whatever_a_person_says_is_certain(label):
    graph = conversation_graph(thread((None, "ann"), ("1", "bob")))
    evidence = random_evidence(4, 2)
    told = infer(graph, evidence, REPLIES, known=np.array([label, -1]))
    certain = np.where(np.eye(3, dtype=bool)[[label]], 0.0, -60.0)
    said = Evidence(
        np.vstack([certain, evidence.text[1:]]), np.vstack([certain, evidence.meaning[1:]]), evidence.relation
    )
    np.testing.assert_allclose(told, by_enumeration(graph, said, REPLIES), atol=1e-3)


def test_a_known_stance_stands_where_nothing_is_coupled():
    graph = conversation_graph(thread((None, None)))
    assert infer(graph, say(SURE_FAVOR), Couplings(), known=np.array([NONE]))[0] == pytest.approx([0, 0, 1])


@pytest.mark.parametrize("name", ["[deleted]", "Anonymous", "Anonymous Coward", "Guest"])
def test_what_sites_show_in_place_of_a_name_makes_nobody_one_person(name):
    graph = conversation_graph(thread((None, name), (None, name), (None, "ann"), (None, "ann")))
    assert graph.author.tolist() == [-1, -1, 0, 0]


def test_a_missing_author_is_no_author():
    graph = conversation_graph(thread((None, None), (None, None), (None, "")))
    assert graph.n_authors == 0
    assert infer(graph, say(SURE_FAVOR, UNSURE, UNSURE), AUTHORS)[1] == pytest.approx(UNSURE)


def test_the_same_name_in_another_thread_is_another_person():
    posts = thread((None, "ann"), (None, "ann"), thread=["a", "b"])
    assert conversation_graph(posts).n_authors == 0


def test_uncertain_parents_are_averaged_over_the_chosen_one_first():
    posts = thread((None, "ann"), (None, "bob"), ("1", "cat"), parent_candidates=[None, None, ["1", "2"]])
    graph = conversation_graph(posts)
    edges = list(zip(graph.child, graph.parent, graph.weight.round(9), strict=True))
    assert edges == [(2, 0, 0.7), (2, 1, 0.3)]
    evidence = say(SURE_FAVOR, SURE_AGAINST, UNSURE, relation=[(0, 0, 0), (0, 0, 0), AGREES])
    favor, against, _ = infer(graph, evidence, Couplings(relation=1.0))[2]
    assert favor > against > 0.1


def test_several_other_parents_share_what_the_chosen_one_leaves():
    posts = thread((None, "ann"), (None, "bob"), (None, "cat"), ("1", "dan"))
    posts["parent_candidates"] = [None, None, None, ["1", "2", "3"]]
    graph = conversation_graph(posts)
    assert graph.weight.round(9).tolist() == [0.7, 0.15, 0.15]


def test_certain_and_uncertain_replies_stand_together_in_the_order_of_the_posts():
    posts = thread((None, "ann"), ("1", "bob"), (None, "cat"), ("3", "dan"), ("4", "eve"))
    # The chosen parent comes first, then the others as they are listed; one that is not there shares all the same.
    posts["parent_candidates"] = [None, None, ["2", "1"], ["9", "1", "2"], None]
    graph = conversation_graph(posts)
    assert list(zip(graph.child.tolist(), graph.parent.tolist(), graph.weight.round(9).tolist(), strict=True)) == [
        (1, 0, 1.0),
        (2, 1, 0.15),
        (2, 0, 0.15),
        (3, 2, 0.7),
        (3, 0, 0.1),
        (3, 1, 0.1),
        (4, 3, 1.0),
    ]


def test_a_post_is_no_parent_of_its_own():
    posts = thread(("1", "ann"), ("1", "bob"), parent_candidates=[None, ["2", "1"]])
    graph = conversation_graph(posts)
    assert list(zip(graph.child, graph.parent, graph.weight.round(9), strict=True)) == [(1, 0, 0.7)]


def test_authors_of_several_posts_are_numbered_as_they_come_and_others_are_not():
    posts = thread(
        (None, "ann"), (None, "bob"), (None, None), (None, "cat"), (None, None), (None, "bob"), (None, "ann")
    )
    graph = conversation_graph(posts)
    assert (graph.author.tolist(), graph.n_authors, graph.n_posts) == ([0, 1, -1, -1, -1, 1, 0], 2, 7)
    assert graph.author.dtype == graph.child.dtype == graph.parent.dtype == np.int64


def test_no_posts_have_no_graph():
    graph = conversation_graph(thread((None, "ann")).iloc[:0])
    assert (graph.n_posts, graph.n_authors, len(graph.child)) == (0, 0, 0)


@pytest.mark.parametrize("others", [["1"], "1", 1.0], ids=["only the parent itself", "a text", "a number"])
def test_a_parent_without_another_that_is_possible_is_certain(others):
    graph = conversation_graph(thread((None, "ann"), ("1", "bob"), parent_candidates=[None, others]))
    assert list(zip(graph.child, graph.parent, graph.weight, strict=True)) == [(1, 0, 1.0)]


def test_candidates_that_are_no_list_make_no_parent():
    assert len(conversation_graph(thread((None, "ann"), (None, "bob"), parent_candidates=[None, "1"])).child) == 0


def test_replies_that_teach_agreement_are_told_by_parent_and_reply():
    posts = thread((None, "ann"), ("1", "bob"), ("1", "cat"), ("1", "dan"), ("1", "ann"), ("4", "eve"))
    stances = np.array([LABELS.index(name) for name in ("favor", "favor", "against", "none", "favor", "favor")])
    rows, relation = decided_replies(conversation_graph(posts), stances)
    # ann answers herself, and eve somebody without a side: neither teaches anything.
    assert list(zip(rows.tolist(), [RELATIONS[number] for number in relation], strict=True)) == [
        (1, "agree"),
        (2, "disagree"),
        (3, "none"),
    ]


def test_couplings_are_named_for_the_card():
    assert Couplings(text=0.5, reply_same=1.0).as_dict() == Couplings().as_dict() | {"text": 0.5, "reply_same": 1.0}


def test_no_parent_may_be_the_choice():
    posts = thread((None, "ann"), (None, "bob"), parent_candidates=[None, ["1"]])
    graph = conversation_graph(posts)
    assert list(zip(graph.child, graph.parent, graph.weight.round(9), strict=True)) == [(1, 0, 0.3)]


def test_a_parent_outside_the_thread_is_no_parent():
    assert len(conversation_graph(thread(("99", "ann"))).child) == 0


def by_enumeration(graph, evidence, couplings):
    """Exact marginals: all label assignments of the posts and of the authors' leanings, one by one."""
    n_posts, n_authors = graph.n_posts, graph.n_authors
    total = np.zeros((n_posts, 3))
    answered = set(graph.child.tolist())
    for labels in product(range(3), repeat=n_posts + n_authors):
        score = 0.0
        for post in range(n_posts):
            label = labels[post]
            score += (1 + couplings.text) * evidence.text[post, label] + couplings.meaning * evidence.meaning[
                post, label
            ]
            score += (label == NONE) * (couplings.none + couplings.none_in_reply * (post in answered))
            if graph.author[post] >= 0:
                leaning = labels[n_posts + graph.author[post]]
                score += pair(
                    leaning, label, couplings.author_same, couplings.author_opposite, couplings.author_both_none
                )
        for child, parent in zip(graph.child, graph.parent, strict=True):
            upper, lower = labels[parent], labels[child]
            score += pair(upper, lower, couplings.reply_same, couplings.reply_opposite, couplings.reply_both_none)
            if upper == NONE and lower != NONE:
                score += couplings.only_parent_none
            if upper != NONE and lower == NONE:
                score += couplings.only_reply_none
            if upper != NONE:
                relation = "none" if lower == NONE else "agree" if lower == upper else "disagree"
                score += couplings.relation * evidence.relation[child, RELATIONS.index(relation)]
        for post in range(n_posts):
            total[post, labels[post]] += np.exp(score)
    return total / total.sum(axis=1, keepdims=True)


def pair(first, second, same, opposite, both_none):
    if NONE in (first, second):
        return both_none if first == second else 0.0
    return same if first == second else opposite


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_on_a_tree_the_marginals_are_exact(seed):
    graph = conversation_graph(thread((None, "a"), ("1", "b"), ("2", "c"), ("2", "d"), ("1", "e")))
    evidence = random_evidence(seed, 5)
    np.testing.assert_allclose(infer(graph, evidence, REPLIES), by_enumeration(graph, evidence, REPLIES), atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_with_authors_and_replies_together_the_marginals_are_close(seed):
    graph = conversation_graph(thread((None, "a"), ("1", "b"), ("2", "a"), ("3", "b"), ("1", "c")))
    evidence = random_evidence(seed, 5)
    couplings = Couplings(relation=0.5, reply_opposite=0.2, author_same=1.0, author_opposite=-0.5)
    np.testing.assert_allclose(infer(graph, evidence, couplings), by_enumeration(graph, evidence, couplings), atol=0.08)


@given(st.permutations(range(5)))
def test_the_order_of_the_rows_decides_nothing(order):
    posts = thread((None, "a"), ("1", "b"), ("2", "a"), ("3", "b"), ("1", "c"))
    evidence = random_evidence(7, 5)
    couplings = Couplings(relation=0.5, author_same=1.0)
    straight = infer(conversation_graph(posts), evidence, couplings)
    shuffled = infer(conversation_graph(posts.iloc[list(order)]), evidence.rows(list(order)), couplings)
    np.testing.assert_allclose(shuffled, straight[list(order)], atol=1e-9)


def test_the_marginals_of_a_thread_do_not_change_with_another_beside_it():
    posts = thread((None, "a"), ("1", "b"), (None, "a"), ("1", "b"), thread=["x", "x", "y", "y"], post=list("1212"))
    evidence = random_evidence(3, 4)
    together = infer(conversation_graph(posts), evidence, REPLIES)
    alone = infer(conversation_graph(posts.iloc[:2]), evidence.rows(slice(0, 2)), REPLIES)
    np.testing.assert_allclose(together[:2], alone, atol=2e-3)


def test_a_reply_is_told_apart_by_what_it_does_to_a_parent_with_a_side():
    names = [RELATIONS[number] for number in relations(np.array([FAVOR] * 3), np.array([FAVOR, AGAINST, NONE]))]
    assert names == ["agree", "disagree", "none"]


def test_only_certain_replies_to_another_who_takes_a_side_teach_agreement():
    posts = thread((None, "a"), ("1", "b"), ("2", "b"), ("2", "c"))
    rows, relation = decided_replies(conversation_graph(posts), np.array([FAVOR, AGAINST, AGAINST, NONE]))
    assert dict(zip(rows.tolist(), relation.tolist(), strict=True)) == {1: 1, 3: 2}


def test_fitted_couplings_find_that_authors_keep_their_side():
    posts = thread(*[(None, "a"), (None, "b")] * 20)
    stance = np.array([FAVOR, AGAINST] * 20)
    text = np.where(np.eye(3)[stance] > 0, 0.6, 0.2)
    text[::4] = 1 / 3
    couplings = fit_couplings(conversation_graph(posts), say(*text), stance)
    assert couplings.author_same > 0 > couplings.author_opposite


def test_unlinked_posts_stand_alone():
    graph = unlinked(conversation_graph(thread((None, "a"), ("1", "a"))))
    assert (graph.n_posts, graph.n_authors, len(graph.child), len(graph.parent), len(graph.weight)) == (2, 0, 0, 0, 0)
    assert (graph.author.tolist(), graph.author.dtype) == ([-1, -1], np.int64)


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_a_few_threads_never_make_words_count_for_the_opposite_of_what_they_say(seed):
    """Whatever six posts pretend: their labels are the opposite of their words here, or anything else."""
    graph, evidence = (
        conversation_graph(thread(*[(None, "ann"), ("1", "bob"), ("2", "ann")] * 2)),
        random_evidence(seed, 6),
    )
    found = fit_couplings(graph, evidence, evidence.text.argmin(axis=1))
    assert 1 + found.text + found.meaning > 0.25
    assert min(found.relation, found.author_same, -found.author_opposite) >= 0
