"""A model as data: what it answers, and its folder on disk."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hostile_models import attack
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stance.errors import ModelError
from stance.model import read_model, save_model

TEXTS = ["Huawei: they steal code", "great phone!", "", "\udcff lone surrogate", "when is the launch?"]


def test_a_saved_model_answers_exactly_as_before(small_model, tmp_path):
    loaded = read_model(save_model(small_model, tmp_path / "m"))
    assert np.array_equal(loaded.logits(TEXTS), small_model.logits(TEXTS))
    assert loaded.couplings == small_model.couplings
    assert loaded.threshold == small_model.threshold
    assert loaded.id == small_model.id


def test_saving_twice_writes_the_same_bytes(small_model, tmp_path):
    one, two = save_model(small_model, tmp_path / "1"), save_model(small_model, tmp_path / "2")
    names = sorted(path.name for path in one.iterdir())
    assert names == ["block.npy", "card.json", "coefficients.npy", "idf.npy", "intercepts.npy", "ngrams.txt"]
    assert [(one / name).read_bytes() for name in names] == [(two / name).read_bytes() for name in names]


def test_probabilities_sum_to_one(small_model):
    assert small_model.predict_proba(TEXTS).sum(axis=1) == pytest.approx(1.0)


def test_many_posts_are_labelled_as_each_alone(small_model):
    together = small_model.logits(TEXTS)
    alone = np.vstack([small_model.logits([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-12)


def test_no_posts_give_no_rows(small_model):
    assert small_model.predict_proba([]).shape == (0, 3)


@pytest.fixture(scope="module")
def folder(small_model, tmp_path_factory):
    return save_model(small_model, tmp_path_factory.mktemp("models") / "m")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_refused(folder, data):
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    original = path.read_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    changed = bytes([original[place] ^ data.draw(st.integers(1, 255))])
    # Between the values of a card one white space says as much as another.
    assume(not (path.suffix == ".json" and original[place : place + 1].isspace() and changed.isspace()))
    path.write_bytes(original[:place] + changed + original[place + 1 :])
    try:
        with pytest.raises(ModelError) as caught:
            read_model(folder)
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)
    finally:
        path.write_bytes(original)


def test_a_folder_without_a_card_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="no model there"):
        read_model(tmp_path)


def test_an_unknown_format_is_refused_by_its_number(folder, tmp_path):
    card = json.loads((folder / "card.json").read_bytes())
    (tmp_path / "card.json").write_text(json.dumps(card | {"format": 99}))
    with pytest.raises(ModelError, match="format 99, this version reads format 1"):
        read_model(tmp_path)


def test_a_missing_file_is_named(small_model, tmp_path):
    path = save_model(small_model, tmp_path / "m")
    (path / "idf.npy").unlink()
    with pytest.raises(ModelError, match=r"idf\.npy: cannot be read"):
        read_model(path)


def test_two_models_that_decide_differently_have_different_ids(small_model):
    assert replace(small_model, threshold=0.9).id != small_model.id


def test_a_folder_damaged_by_accident_or_on_purpose_is_refused_or_answers_as_before():
    counts, wrong = attack(300, seed=1)
    assert wrong == []
    assert counts["refused"] > counts["the same"] > 0
    assert counts["another model"] > 0


def test_arrays_are_read_as_numpy_reads_them(folder):
    loaded = read_model(folder)
    for name in ("block", "idf", "coefficients", "intercepts"):
        assert np.array_equal(getattr(loaded, name), np.load(folder / f"{name}.npy", allow_pickle=False))
