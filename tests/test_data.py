"""Records, posts tables and splits."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.data import (
    EXTRACT_COLUMNS,
    Post,
    Thread,
    check_posts,
    posts_table,
    split_threads,
    table_to_threads,
    threads_to_table,
)
from stance.errors import DataError
from stance.tables import read_table

THREAD = Thread(
    id="t",
    posts=(
        Post("1", "first", author="ann"),
        Post("2", "second", author="bob", parent="1", parent_basis="order", parent_candidates=("1",), quote="first"),
    ),
)


def test_threads_and_tables_are_two_forms_of_the_same():
    table = threads_to_table([THREAD])
    assert list(table.columns) == list(EXTRACT_COLUMNS)
    assert table_to_threads(table) == [THREAD]


def test_no_threads_give_an_empty_table_with_its_columns():
    assert list(threads_to_table([]).columns) == list(EXTRACT_COLUMNS)


def test_a_table_of_texts_is_one_thread_with_numbered_posts():
    table = check_posts(pd.DataFrame({"text": ["a", "b"]}))
    assert table.to_dict("records") == [
        {"thread": "1", "post": "1", "parent": None, "author": None, "posted_at": None, "text": "a"},
        {"thread": "1", "post": "2", "parent": None, "author": None, "posted_at": None, "text": "b"},
    ]


def test_ids_that_pandas_read_as_numbers_are_strings_again():
    table = check_posts(pd.DataFrame({"text": ["a", "b"], "post": [1, 2], "parent": [float("nan"), 1.0]}))
    assert table["post"].tolist() == ["1", "2"]
    assert table["parent"].tolist() == [None, "1"]


def test_other_columns_pass_through():
    assert check_posts(pd.DataFrame({"text": ["a"], "likes": [3]}))["likes"].tolist() == [3]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"words": "a"}], "gold: no column 'text' \\(columns: words\\); name the column of the posts 'text'"),
        ([{"text": "a"}, {"text": None}], "gold, row 2: text is None, not a string; give every post a text"),
        ([{"text": "a", "post": "1"}] * 2, "gold, row 2: post '1' stands twice in thread '1'; give each post"),
        ([{"text": "a", "stance": "pro"}], "gold, row 1: unknown label 'pro'; use favor, against or none"),
        ([{"text": "a", "stance": None}], "gold, row 1: unknown label None"),
        ([{"text": "a", "post": ""}], "gold, row 1: no post id; fill the column 'post'"),
    ],
)
def test_what_breaks_the_rules_is_named_with_its_row(rows, message):
    labelled = "stance" in rows[0]
    with pytest.raises(DataError, match=message):
        check_posts(posts_table(rows), where="gold", labelled=labelled)


def test_a_table_without_labels_is_no_gold():
    with pytest.raises(DataError, match="no column 'stance'; add one with favor, against or none in each row"):
        check_posts(posts_table([{"text": "a"}]), where="gold", labelled=True)


@given(st.lists(st.integers(1, 6), min_size=8, max_size=30), st.integers(0, 5))
def test_no_thread_straddles_a_split(sizes, seed):
    rows = [
        {"thread": f"t{n}", "post": str(p), "text": "x", "stance": ("favor", "none")[p % 2], "site": "s"}
        for n, size in enumerate(sizes)
        for p in range(size)
    ]
    posts = check_posts(posts_table(rows))
    split = split_threads(posts, {"train": 0.5, "test": 0.5}, seed=seed)
    assert posts.assign(split=split).groupby("thread")["split"].nunique().max() == 1
    assert set(split) <= {"train", "test"}


def test_a_thread_shows_itself_as_a_table_with_every_string_escaped():
    html = Thread("t", (Post("1", "<script>", author="<b>"),), title="<i>")._repr_html_()
    assert "<script>" not in html
    assert "<b>&lt;i&gt;</b>" in html


def test_a_parent_that_pandas_wrote_with_a_point_is_that_post(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_text("post,parent,text\n1,,a\n2,1,b\n3,2,c\n")
    pd.read_csv(path).to_csv(path, index=False)
    assert path.read_text() == "post,parent,text\n1,,a\n2,1.0,b\n3,2.0,c\n"
    assert check_posts(read_table(path))["parent"].tolist() == [None, "1", "2"]


def test_posts_that_are_called_so_keep_their_names():
    versions = {"post": ["1", "1.0", "1.1", "2.0"], "parent": [None, "1", "1.0", "2"], "text": ["a"] * 4}
    table = check_posts(pd.DataFrame(versions))
    assert table["post"].tolist() == ["1", "1.0", "1.1", "2.0"]
    assert table["parent"].tolist() == [None, "1", "1.0", "2.0"]
