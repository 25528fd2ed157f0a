"""The shipped corpus keeps its promises."""

import importlib.util
import json
import re
from collections import Counter
from itertools import combinations

import pytest

from stance import load_corpus, read_table
from stance.data import LABELS, shipped
from stance.workflow import shipped_manifest

DATA = shipped("data")


@pytest.fixture(scope="module")
def corpus():
    return load_corpus()


def test_the_manifest_says_what_the_files_hold():
    spec = importlib.util.spec_from_file_location("make_manifest", DATA / "make_manifest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert json.loads(json.dumps(module.manifest())) == shipped_manifest()


def test_no_thread_straddles_a_split(corpus):
    assert corpus.groupby("thread")["split"].nunique().max() == 1
    assert set(corpus["split"]) == {"train", "validation", "test"}


def test_every_post_has_both_labels(corpus):
    assert set(corpus["stance"]) == set(corpus["text_only"]) == set(LABELS)


def test_parents_stand_above_their_replies(corpus):
    place = {key: row for row, key in enumerate(zip(corpus["thread"], corpus["post"], strict=True))}
    replies = corpus[corpus["parent"].notna()]
    for row, thread, parent in zip(replies.index, replies["thread"], replies["parent"], strict=True):
        assert place[thread, parent] < row, (thread, parent)


def test_no_post_is_nearly_another(corpus):
    """Posts of ten words and more share fewer than 80 % of their words (Jaccard) with every other."""
    words = [frozenset(re.findall(r"\w+", text.lower())) for text in corpus["text"]]
    long = [row for row, found in enumerate(words) if len(found) >= 10]
    share = Counter(word for row in long for word in words[row])
    # Two texts that share most words share one of their six rarest: only such pairs are compared.
    holders = {}
    for row in long:
        for word in sorted(words[row], key=lambda word: (share[word], word))[:6]:
            holders.setdefault(word, []).append(row)
    pairs = {pair for rows in holders.values() if len(rows) < 50 for pair in combinations(rows, 2)}
    near = [
        (corpus["thread"][a], corpus["post"][a], corpus["thread"][b], corpus["post"][b])
        for a, b in pairs
        if len(words[a] & words[b]) >= 0.8 * len(words[a] | words[b])
    ]
    assert near == []


def test_the_second_reading_covers_the_test_split_and_gives_its_stance(corpus):
    second = read_table(DATA / "second_reading.csv")
    test = corpus[corpus["split"] == "test"]
    keys = ["thread", "post"]
    both = test[[*keys, "stance"]].merge(second, on=keys, suffixes=("", "_adjudicated"), validate="one_to_one")
    assert len(both) == len(test) == len(second)
    assert both["stance"].tolist() == both["stance_adjudicated"].tolist()
    settled = second["first_stance"] == second["second_stance"]
    assert second["stance"][settled].tolist() == second["first_stance"][settled].tolist()


def test_standoff_labels_hold_no_words():
    for path in (DATA / "standoff").glob("*.csv"):
        assert list(read_table(path).columns) == ["post", "author", "stance", "text_only", "second_annotator"]
