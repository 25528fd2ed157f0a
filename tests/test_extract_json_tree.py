"""Posts in data that nobody described: any tree is read without an error, and keys of any spelling say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.extract.json_tree import read_tree

KEYS = st.sampled_from(["body", "author", "date", "id", "parent", "replies", "title", "__ref", "type", "x:1"])
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2019-05-03"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(TREES)
def test_any_tree_gives_posts_whose_parents_are_among_them(tree):
    drafts = read_tree(tree)
    assert all(draft.parent is None or 0 <= draft.parent < len(drafts) for draft in drafts)


def test_a_tree_that_holds_itself_ends():
    post = {"body": "Sell the pump.", "author": "Rosa", "date": "2019-05-03", "replies": []}
    post["replies"].append(post)
    assert [draft.text for draft in read_tree({"comments": [post]})] == ["Sell the pump."]


@pytest.mark.parametrize(
    "post",
    [
        {"text": "Sell the pump.", "user": {"screen_name": "Rosa"}, "created_at": 1612170720},
        {"commentBody": "Sell the pump.", "authorName": "Rosa", "postedAt": 1612170720000},
        {"content": {"rendered": "<p>Sell the pump.</p>"}, "nick": "Rosa", "date": "2021-02-01"},
        {"message": [{"children": [{"text": "Sell the pump."}]}], "createdBy": {"name": "Rosa"}, "ts": "2021-02-01"},
    ],
)  # fmt: skip
def test_programs_may_call_things_as_they_like(post):
    assert [(draft.text, draft.author) for draft in read_tree({"comments": [post]})] == [("Sell the pump.", "Rosa")]


@pytest.mark.parametrize("extra", [{"price": 9}, {"rating": 4}, {"title": "A pump", "slug": "pump"}, {"venue": "Hall"}])
def test_products_reviews_articles_and_events_are_no_posts(extra):
    post = {"text": "Sell the pump.", "user": "Rosa", "date": "2021-02-01", **extra}
    assert read_tree({"items": [post, {**post, "text": "Mend the pump."}]}) == []
