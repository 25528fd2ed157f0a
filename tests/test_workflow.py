"""The whole road: train, label, evaluate, explain, demo."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import stance
from stance.data import Post, Thread
from stance.errors import DataError, ModelError, PageError, StanceWarning

ROOT = Path(__file__).resolve().parent.parent
FAST = stance.Settings(strengths=(1.0,), folds=3)
THREAD = Thread(
    "t", (Post("1", "they steal code", "ann"), Post("2", "No proof at all, Huawei is great", "bob", parent="1"))
)


@pytest.fixture(scope="module")
def trained(small_corpus):
    return stance.train(small_corpus, target="Huawei", name="tiny", settings=FAST)


def test_a_card_says_what_a_person_should_know(trained, small_corpus):
    card = trained.model.card
    assert (card["name"], card["target"]) == ("tiny", "Huawei")
    assert card["training"]["labels"] == {"favor": 30, "against": 30, "none": 30}
    assert set(card["cross_validation"]) == {
        "text_against_text_only",
        "text_against_stance",
        "conversation_against_stance",
    }
    assert set(card["versions"]) >= {"stance", "scikit-learn", "numpy"}
    assert "discussions about Huawei" in card["intended_use"]
    assert "Its figures are of posts of its own training corpus, held out." in card["intended_use"]
    assert "test" not in card
    assert json.dumps(card)


def test_test_posts_are_not_learned_from(small_corpus):
    split = ["test" if thread in ("t0", "t1", "t2") else "train" for thread in small_corpus["thread"]]
    card = stance.train(small_corpus.assign(split=split), name="tiny", settings=FAST).model.card
    assert card["training"]["posts"] == 81
    assert (card["test"]["n_posts"], card["test"]["n_threads"]) == (9, 3)
    assert (
        card["test"]["accuracy_interval"]["low"]
        <= card["test"]["accuracy"]
        <= card["test"]["accuracy_interval"]["high"]
    )


def test_another_target_is_another_table_never_another_program(small_corpus):
    text = small_corpus["text"].str.replace("Huawei", "Acme")
    model = stance.train(small_corpus.assign(text=text), target="Acme", settings=FAST).model
    assert (model.target, model.id.split("-")[0]) == ("Acme", "acme")
    assert "<target>" in model.ngrams
    assert stance.label(pd.DataFrame({"text": ["Acme: thieves and liars"]}), model)["stance"].tolist() == ["against"]


def test_a_model_trained_from_a_file_is_the_same(trained, small_corpus, tmp_path):
    stance.write_table(small_corpus, tmp_path / "corpus.csv")
    again = stance.train(tmp_path / "corpus.csv", name="tiny", settings=FAST)
    assert again.model.id == trained.model.id


def test_threads_tables_and_files_are_labelled_alike(trained, tmp_path):
    table = stance.threads_to_table([THREAD])
    stance.write_table(table, tmp_path / "posts.jsonl")
    expected = stance.label(THREAD, trained.model)
    assert len(expected) == 2
    for source in (table, [THREAD], tmp_path / "posts.jsonl", [str(tmp_path / "posts.jsonl")]):
        pd.testing.assert_frame_equal(stance.label(source, trained.model), expected)


def test_a_model_is_named_by_its_folder(trained, tmp_path):
    folder = stance.save_model(trained.model, tmp_path / "tiny")
    assert stance.label(THREAD, folder)["model"].tolist() == [trained.model.id] * 2


def test_a_page_without_posts_cannot_be_labelled(trained, tmp_path):
    (tmp_path / "article.html").write_text("<html><body><p>An article, and nothing else.</p></body></html>")
    with pytest.raises(PageError, match=r"article\.html: no posts"):
        stance.label(tmp_path / "article.html", trained.model)


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no model there"):
        stance.label(THREAD, tmp_path)


def test_a_model_is_evaluated_on_posts_whose_stance_is_known(trained, small_corpus):
    with pytest.warns(StanceWarning, match="has learned from these posts"):
        scores = stance.evaluate_model(small_corpus, model=trained.model)
    assert scores.to_dict()["accuracy"] == 1.0
    assert scores.target == trained.model.target


def test_a_post_is_explained_by_its_id(trained):
    explanation = stance.explain_post(THREAD, "2", trained.model)
    assert explanation.post == "2"
    assert explanation.words.text == THREAD.posts[1].text


def test_a_post_that_is_not_there_is_named(trained):
    with pytest.raises(DataError, match="t: no posts '9'; the posts are 1, 2"):
        stance.explain_post(THREAD, "9", trained.model)


def test_the_demo_thread_is_one_that_the_model_has_not_learned_from():
    assert set(stance.demo_posts()["split"]) == {"test"}


def test_the_demo_shows_every_post_and_its_scores():
    shown = stance.demo()
    assert all(author in shown for author in stance.demo_posts()["author"])
    assert "accuracy" in shown


def test_the_shipped_model_was_trained_on_the_shipped_corpus():
    corpus = stance.load_corpus()
    card = stance.load_model(None).card
    assert card["training"]["posts"] == int((corpus["split"] != "test").sum())


def test_the_shipped_card_says_that_its_posts_were_invented_and_how_far_that_reaches():
    text = stance.load_model(None).card["intended_use"]
    (share,) = re.findall(r"On real threads it is right far less often: .* (0\.\d+) of 511 restated comments", text)
    assert "It learned from invented posts, and its figures are of invented posts that were held out." in text
    assert f"the conversation is right in **{share}**" in " ".join((ROOT / "README.md").read_text().split())
