"""Posts and a model to a labels table."""

import pandas as pd
import pytest

from stance.data import LABEL_COLUMNS
from stance.labelling import label_posts
from stance.language import foreign_language


def table(*texts, **columns):
    return pd.DataFrame({"text": list(texts), **columns})


def test_a_labels_table_has_its_columns_and_a_row_a_post_in_order(small_model, small_corpus):
    labels = label_posts(small_corpus, small_model)
    assert list(labels.columns) == list(LABEL_COLUMNS)
    assert labels[["thread", "post"]].equals(small_corpus[["thread", "post"]])
    assert labels[["p_favor", "p_against", "p_none"]].sum(axis=1).tolist() == pytest.approx([1.0] * len(labels))


def test_the_stance_is_the_most_probable_one(small_model, small_corpus):
    labels = label_posts(small_corpus, small_model)
    shares = labels[["p_favor", "p_against", "p_none"]].rename(columns=lambda name: name.removeprefix("p_"))
    assert labels["stance"].tolist() == shares.idxmax(axis=1).tolist()


def test_without_the_conversation_the_stance_is_that_of_the_words(small_model, small_corpus):
    labels = label_posts(small_corpus, small_model, conversation=False)
    assert labels["stance"].tolist() == labels["text_stance"].tolist()


@pytest.mark.parametrize("gone", ["", "   ", "...", "[deleted]", "[removed]", "Comment deleted", "---"])
def test_a_post_whose_words_are_gone_is_none_and_says_so(small_model, gone):
    row = label_posts(table(gone, "Huawei: thieves and liars"), small_model).iloc[0]
    assert (row["stance"], row["p_none"], row["abstained"], row["reason"]) == ("none", 1.0, True, "empty")


@pytest.mark.parametrize("speaks", ["?!", "\U0001f44d", "no", "deleted scenes are the best"])
def test_a_short_post_is_not_an_empty_one(small_model, speaks):
    assert label_posts(table(speaks), small_model)["reason"].tolist() != ["empty"]


def test_a_post_in_an_unknown_language_is_not_decided(small_model):
    row = label_posts(table("Das ist doch alles nur Propaganda aus Washington, wie immer"), small_model).iloc[0]
    assert (row["abstained"], row["reason"]) == (True, "language de")


@pytest.mark.parametrize(
    "text",
    [
        "lol no",
        "Huawei P30 Pro",
        "https://example.com/ein-langer-deutscher-pfad",
        "The company has never been shown to spy on anybody, so where is your proof?",
        "dont buy it bro its junk and battry is bad",
    ],
)
def test_what_may_be_english_is_not_foreign(text):
    assert foreign_language(text, ("en",)) is None


def test_a_lone_surrogate_has_no_language():
    assert foreign_language("\udcff" * 40, ("en",)) is None


def test_an_unsure_post_names_that_reason(small_model):
    labels = label_posts(table("zzz qqq xxx"), small_model)
    if labels["abstained"].iloc[0]:
        assert labels["reason"].iloc[0] == "unsure"
