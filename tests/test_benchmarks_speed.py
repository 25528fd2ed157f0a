"""The benchmark's own parts: what it compares is the same work, and what it makes is the same each time."""

import numpy as np
import pytest

from benchmarks.naive import Pipeline
from benchmarks.speed import Result, made_texts, table
from stance import load_corpus, load_model


def test_the_plain_pipeline_does_the_work_of_the_model():
    model, texts = load_model(None), list(load_corpus()["text"][:100])
    np.testing.assert_allclose(Pipeline(model).logits(texts), model.logits(texts), rtol=0, atol=1e-9)


@pytest.mark.parametrize("length", [100, 350])
def test_made_texts_have_their_length_and_are_the_same_each_time(length):
    texts = made_texts(50, length)
    assert texts == made_texts(50, length)
    assert length <= np.mean([len(text) for text in texts]) < length + 10


def test_results_become_a_table():
    assert table([Result("work", "2x", "detail")], 10).splitlines()[-1] == "| work | 2x | detail |"
