"""Text to tokens, n-grams and a TF-IDF matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from stance.features import (
    BLOCK_WEIGHTS,
    BLOCKS,
    Analyser,
    Rows,
    Vocabulary,
    char_ngrams,
    idf,
    learn_vocabulary,
    tfidf,
)
from stance.train import as_csr

HUAWEI = Analyser(("huawei", "hauwei"))

POSTS = [
    "Huawei steals code, everybody knows!",
    "No proof that Huawei steals anything?",
    "My P30 takes great pictures",
    "Great, another Huawei thread",
    "everybody steals",
]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don\u2019t buy it", ["don't", "buy", "it"]),
        ("nooooo", ["noo"]),
        ("see https://example.com/a?b and www.example.org", ["see", "<url>", "and", "<url>"]),
        ("@bob look", ["<user>", "look"]),
        ("#BoycottHuawei #5G", ["boycott", "<target>", "5g"]),
        ("14 billion, 1,000.5", ["<num>", "billion", "<num>"]),
        ("Hauwei's CFO", ["<target>", "cfo"]),
        ("", []),
        ("...", []),
    ],
)
def test_tokens_of_a_text(text, tokens):
    assert HUAWEI.tokens(text) == tokens


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "Cc"]), min_size=1)))
def test_a_chunk_is_read_the_same_whatever_stands_around_it(chunks):
    together = HUAWEI.tokens(" ".join(chunks))
    assert together == [token for chunk in chunks for token in HUAWEI.tokens(chunk)]


@given(st.text())
def test_no_text_breaks_the_analyser_and_no_ngram_breaks_a_line(text):
    ngrams = [ngram for block in HUAWEI.ngrams(text) for ngram in block]
    assert all(len(ngram.splitlines()) == 1 and ngram.encode() for ngram in ngrams)


def test_char_ngrams_are_those_of_scikit_learn():
    tokens = ["huge", "a", "phones"]
    reference = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
    assert sorted(char_ngrams(tokens)) == sorted(reference(" ".join(tokens)))


def test_the_matrix_is_scikit_learns_binary_tfidf_block_by_block():
    vocabulary = learn_vocabulary(POSTS, HUAWEI, min_posts=1)
    found = vocabulary.find(POSTS)
    matrix = as_csr(tfidf(found, idf(found), vocabulary.block))
    for number, (block, weight) in enumerate(zip(BLOCKS, BLOCK_WEIGHTS, strict=True)):
        reference = TfidfVectorizer(analyzer=lambda text, n=number: HUAWEI.ngrams(text)[n], binary=True)
        expected = reference.fit_transform(POSTS).toarray() * weight
        columns = np.flatnonzero(vocabulary.block == number)
        names = list(reference.get_feature_names_out())
        order = [names.index(vocabulary.names[column]) for column in columns]
        assert_allclose(matrix[:, columns].toarray(), expected[:, order], atol=1e-12, err_msg=block)


def test_repeating_a_text_changes_nothing_but_its_seams():
    vocabulary = Vocabulary(("steals", "everybody"), np.array([0, 0]), HUAWEI)
    once, twice = as_csr(vocabulary.find(["everybody steals", "everybody steals everybody steals"])).toarray()
    assert once.tolist() == twice.tolist() == [1.0, 1.0]


@given(st.lists(st.lists(st.integers(0, 4), unique=True, max_size=4), max_size=600), st.integers(0, 99))
def test_rows_are_multiplied_as_scipy_does(columns, seed):
    indices = np.array([column for row in columns for column in row], dtype=np.int32)
    indptr = np.cumsum([0, *map(len, columns)])
    random = np.random.default_rng(seed)
    values, dense = random.normal(size=len(indices)), random.normal(size=(5, 3))
    expected = sparse.csr_matrix((values, indices, indptr), shape=(len(columns), 5)) @ dense
    assert_allclose(Rows(values, indices, indptr, (len(columns), 5)) @ dense, expected, atol=1e-12)


def test_an_ngram_in_too_few_posts_is_no_feature():
    vocabulary = learn_vocabulary(POSTS, HUAWEI, min_posts=2)
    words = [name for name, block in zip(vocabulary.names, vocabulary.block, strict=True) if BLOCKS[block] == "word"]
    assert words == ["<target>", "<target> steals", "everybody", "great", "steals"]


def test_words_near_the_target_know_their_side():
    assert list(HUAWEI.ngrams("trust Huawei less")[BLOCKS.index("near")]) == ["trust>", "<less"]
