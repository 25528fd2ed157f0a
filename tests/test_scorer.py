"""The scorer gives what scikit-learn's own pipeline of the same features gives, for whatever a string can hold."""

import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

import stance.model
from stance import features, load_corpus
from stance.model import Model, balanced, n_outputs
from stance.scorer import Scorer, compiled, memo
from stance.scorer.kernels import find_chunks, space_at
from stance.scorer.tables import Columns

NAMES = ("huawei", "hauwei")
ANALYSER = features.Analyser(NAMES)
NGRAMS = dict(
    zip(
        features.BLOCKS,
        (features.word_ngrams, features.char_ngrams, features.edge_ngrams, features.near_ngrams),
        strict=True,
    )
)

STRANGE = [
    "İstanbul HUAWEI'NİN",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ",
    "ﬁne ﬀﬃ straße GROẞE ŉ",
    "\ud800 lone \udfff\ud83d \udc00x",
    "nul\0inside \0 huawei\0",
    "e\u0301 cafe\u0301 n\u0303o \u0301start",
    "هواوي ممنوع! שלום \u202eabc\u202c",
    "👩‍👩‍👧‍👦 👍🏽 🇨🇳 ❤️ ☹",
    "a\u00a0b\u2003c\u3000d\u1680e\u2028f\x1cg\x85h\u200bi\ufeffj",
    "@huawei @Ünal @_ @ @@x @١ #NoHuawei5GBan #ÜberBan",
    "https://x.y/z http: HTTPS://X www.x WWW.x ftp://huawei wwwx httpsx",
    "sooooo \u2019huawei\u2018s\u2019 don`t don´t x''y 'z' 5G 1,000.50 ١٢٣ ²½",
    "ban huawei ban huawei ban huawei huawei",
    "",
    " \n\t ",
    "x" * 5000 + " huawei",
    "y" * 2000 + "://z",
]


@pytest.fixture(scope="module")
def corpus():
    return list(load_corpus()["text"])


@pytest.fixture(scope="module")
def model(corpus):
    vocabulary = features.learn_vocabulary([*corpus[:2000], *STRANGE * 2], ANALYSER, min_posts=2)
    random = np.random.default_rng(0)
    coefficients = random.normal(size=(len(vocabulary.names), n_outputs()))
    idf = features.idf(vocabulary.find(corpus[:2000]))
    return Model(
        vocabulary.names, vocabulary.block, idf, coefficients, random.normal(size=n_outputs()), target_names=NAMES
    )


@pytest.fixture(scope="module")
def scorer(model):
    return Scorer(model.vocabulary, model.idf, model.coefficients, model.intercepts)


@pytest.fixture(scope="module")
def sklearn_logits(model):
    """What a user would write himself: a union of four vectorisers, and the linear model."""
    of_block = {name: np.flatnonzero(model.block == number) for number, name in enumerate(features.BLOCKS)}
    vectorizers = []
    for name, columns in of_block.items():
        names = [model.ngrams[column] for column in columns]
        vectorizer = TfidfVectorizer(
            analyzer=lambda text, name=name: NGRAMS[name](ANALYSER.tokens(text)), vocabulary=names, binary=True
        )
        vectorizer.idf_ = model.idf[columns]
        vectorizers.append((name, vectorizer))
    weights = dict(zip(features.BLOCKS, features.BLOCK_WEIGHTS, strict=True))
    union = FeatureUnion(vectorizers, transformer_weights=weights)
    coefficients = model.coefficients[np.concatenate(list(of_block.values()))]
    return lambda texts: union.transform(texts) @ coefficients + model.intercepts


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_the_corpus_gets_the_logits_of_scikit_learns_pipeline(scorer, sklearn_logits, corpus):
    # Every ninth post: scikit-learn's pipeline takes a hundred times as long as the scorer.
    assert_same(scorer.logits(corpus[::9]), sklearn_logits(corpus[::9]))


@pytest.mark.parametrize("text", STRANGE)
def test_strange_text_gets_the_logits_of_scikit_learns_pipeline(scorer, sklearn_logits, text):
    assert_same(scorer.logits([text]), sklearn_logits([text]))


anything = st.text(st.characters(exclude_categories=()))
CUES = ("huawei", "Huawei's", "ban", "no", "!", "?", "#NoHuawei", "@x", "www.", "://", "İ", "Σ", "ﬁ")
pieces = st.sampled_from([*CUES, "\u2028", "\0", "\ud800"])
posts = st.lists(st.one_of(anything, st.lists(st.one_of(pieces, anything)).map("".join).map(str)), max_size=4)


@settings(deadline=None, max_examples=300)
@given(posts)
def test_any_string_gets_the_logits_of_the_sparse_matrix(model, scorer, texts):
    assert_same(scorer.logits(texts), model.logits(texts))


def test_every_white_space_of_python_is_white_space():
    characters = [chr(code).encode("utf-8", "surrogatepass") for code in range(0x3100)]
    found = [space_at(np.frombuffer(raw, np.uint8), 0, len(raw)) for raw in characters]
    assert found == [len(raw) if chr(code).isspace() else 0 for code, raw in enumerate(characters)]
    assert not any(chr(code).isspace() for code in range(0x3100, 0x110000))


def test_a_posts_logits_do_not_depend_on_what_was_read_before(model, scorer, corpus):
    fresh = Scorer(model.vocabulary, model.idf, model.coefficients, model.intercepts)
    assert np.array_equal(fresh.logits(corpus[:700][::-1])[::-1], scorer.logits(corpus)[:700])


def test_a_full_memo_begins_again(model, scorer, corpus, monkeypatch):
    monkeypatch.setattr(memo, "MOST_CHUNKS", 10)
    monkeypatch.setattr("stance.scorer._BATCH", 2000)
    forgetful = Scorer(model.vocabulary, model.idf, model.coefficients, model.intercepts)
    assert np.array_equal(forgetful.logits(corpus[:300]), scorer.logits(corpus[:300]))


def test_marks_are_cleared_before_they_come_again(scorer, corpus):
    once = scorer.logits(corpus[:1])
    assert np.array_equal(scorer.logits(corpus[:1] * 1000), np.tile(once, (1000, 1)))


def test_chunks_with_the_same_hash_are_told_apart(scorer, monkeypatch):
    chunks = scorer._memo.chunks._replace(slots=np.zeros(4, np.uint64), text_start=np.zeros(9, np.int64))
    text, found = np.frombuffer(b"a b a c b", np.uint8), np.empty(5, np.int32)
    find_chunks(text, np.array([9]), chunks, 0, found, np.empty(1, np.int64))
    assert found.tolist() == [0, 1, 0, 2, 1]


def test_a_model_without_features_gives_its_intercepts():
    empty = features.Vocabulary((), np.zeros(0, np.int64), ANALYSER)
    scorer = Scorer(empty, np.zeros(0), np.zeros((0, 2)), np.array([1.0, 2.0]))
    assert scorer.logits(["ban huawei", ""]).tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_of_balanced_heads_two_columns_of_three_are_summed_up(model, corpus):
    """What the shipped models are: rows of 8 numbers, where all columns would take 12."""
    even = replace(model, coefficients=balanced(model.coefficients), intercepts=balanced(model.intercepts))
    scorer = Scorer(even.vocabulary, even.idf, even.coefficients, even.intercepts)
    assert scorer._columns == Columns(kept=[0, 1, 3, 4, 6, 7], derived=[2, 5, 8])
    assert scorer._memo._layout.lanes == 8
    assert_same(scorer.logits([*corpus[::90], *STRANGE]), even.logits([*corpus[::90], *STRANGE]))


def test_columns_that_nothing_makes_superfluous_are_all_kept(model):
    assert Columns.of(model.coefficients) == Columns(kept=list(range(n_outputs())), derived=[])
    assert Columns.of(np.array([[1.0, 2.0, -3.0, 4.0]])) == Columns(kept=[0, 1, 3], derived=[2])


@given(st.lists(st.lists(st.floats(-30, 30), min_size=9, max_size=9), min_size=1))
def test_balanced_coefficients_sum_to_zero_to_the_last_bit_and_keep_their_probabilities(values):
    centred = np.array(values).reshape(-1, 3, 3)
    centred -= centred.mean(axis=2, keepdims=True)
    found = balanced(centred.reshape(-1, 9)).reshape(-1, 3, 3)
    assert (found.sum(axis=2) == 0).all()
    assert np.abs(found - centred).max() <= 2.0**-17
    assert np.array_equal(found, found.astype(np.float32))


words = st.text(st.sampled_from("theis THEIS\t\n\0\x1c\u2003éßİ"), max_size=30)


@given(st.lists(words, max_size=5), st.sampled_from([1, 2, 10]))
def test_a_text_is_made_of_words_as_python_counts_them(texts, part):
    few = ["the", "is", "it's"]

    def plain(text):
        found = text.encode().lower().split()
        share = sum(len(word) for word in found if word.decode(errors="replace") in few)
        return share > 0 and share * part >= sum(map(len, found))

    assert Scorer.made_of(texts, few, part).tolist() == list(map(plain, texts))


def test_no_posts_give_no_logits(scorer):
    assert scorer.logits([]).shape == (0, n_outputs())


def test_many_posts_take_the_scorer_and_few_the_matrix(model, corpus, monkeypatch):
    plain = replace(model).logits(corpus[:50])
    monkeypatch.setattr(stance.model, "MANY", 50)
    many = replace(model)
    assert_same(many.logits(corpus[:50]), plain)
    assert np.array_equal(many.logits(corpus[:49]), plain[:49])
    assert "_scorer" in vars(many)


def test_a_pickled_scorer_scores_the_same(scorer, corpus):
    copy = pickle.loads(pickle.dumps(scorer))  # noqa: S301 - our own bytes
    assert np.array_equal(copy.logits(corpus[:20]), scorer.logits(corpus[:20]))


def test_where_no_cache_can_be_written_it_compiles_without_one(monkeypatch):
    def njit(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function")
        return lambda function: (function, options)

    monkeypatch.setattr(compiled, "numba", SimpleNamespace(njit=njit))
    assert compiled.compiled(len)[0] is len


def test_without_numba_functions_stay_what_they_are(monkeypatch):
    monkeypatch.setattr(compiled, "numba", None)
    assert compiled.compiled(len) is len
