"""Why a post got its label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.explain import explain_in_conversation, explain_text
from stance.labelling import label_posts
from stance.model import head

TEXT = "No proof, Huawei: they steal code, they lie. Great camera though!"


def test_ngrams_pieces_and_logits_all_sum_to_the_same(small_model):
    explanation = explain_text(TEXT, small_model)
    logits = head(small_model.logits([TEXT]), "text")[0]
    ngrams = explanation.table[["favor", "against", "none"]].sum().to_numpy()
    np.testing.assert_allclose(ngrams + explanation.intercepts, logits, atol=1e-9)
    np.testing.assert_allclose(explanation.logits, logits, atol=1e-9)


@settings(deadline=None)
@given(st.text())
def test_every_text_is_explained_exactly(small_model, text):
    logits = head(small_model.logits([text]), "text")[0]
    np.testing.assert_allclose(explain_text(text, small_model).logits, logits, atol=1e-9)


def test_the_pieces_are_the_text_between_white_space(small_model):
    assert [piece for piece, _ in explain_text("they  steal\ncode", small_model).because()] == ["they", "steal", "code"]


def test_words_of_one_side_weigh_toward_it(small_model):
    weights = dict(explain_text("thieves and liars", small_model).because("against"))
    assert weights["thieves"] > 0
    assert weights["liars"] > 0


def test_weights_toward_all_stances_cancel(small_model):
    explanation = explain_text(TEXT, small_model)
    total = sum(np.array([weight for _, weight in explanation.because(s)]) for s in ("favor", "against", "none"))
    np.testing.assert_allclose(total, 0.0, atol=1e-12)


def test_a_post_without_words_rests_on_the_intercepts(small_model):
    explanation = explain_text("", small_model)
    assert explanation.logits.tolist() == explanation.intercepts.tolist()
    assert explanation.table.empty


def test_the_summary_ends_with_the_logit(small_model):
    last = explain_text(TEXT, small_model).summary().splitlines()[-1].split()
    assert last[0] == "logit"
    assert [float(value) for value in last[1:]] == pytest.approx(explain_text(TEXT, small_model).logits, abs=1e-3)


def test_a_post_is_explained_by_leaving_out_its_neighbours(small_model, small_corpus):
    posts = small_corpus[small_corpus["thread"] == "t0"].reset_index(drop=True)
    explanation = explain_in_conversation(posts, "2", small_model)
    labels = label_posts(posts, small_model).iloc[1]
    alone = label_posts(posts, small_model, conversation=False).iloc[1]
    assert explanation.joint == {label: labels[f"p_{label}"] for label in ("favor", "against", "none")}
    assert explanation.without["conversation"] == {s: alone[f"p_{s}"] for s in ("favor", "against", "none")}
    assert set(explanation.without) == {"parent", "replies", "author", "conversation"}


def test_what_a_post_does_not_have_changes_nothing_when_left_out(small_model, small_corpus):
    posts = small_corpus[small_corpus["thread"] == "t0"].reset_index(drop=True)
    explanation = explain_in_conversation(posts, "3", small_model)
    assert explanation.without["replies"] == explanation.joint


def test_each_n_gram_says_what_it_was_read_as_so_that_no_line_stands_twice(small_model):
    lines = explain_text(TEXT, small_model).summary(top=40).splitlines()
    table = lines[next(number for number, line in enumerate(lines) if line.startswith("n-gram")) + 1 : -3]
    keys = [line[:42].strip() for line in table]
    assert len(keys) == len(set(keys)) == 40
    assert {key[22:] for key in keys} == {
        "word or word pair",
        "letters in a word",
        "first or last words",
        "beside the target",
    }
