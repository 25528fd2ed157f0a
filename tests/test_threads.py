"""Sources to rows of labels, with no table in between: the same as with one."""

import pytest

import stance
from stance.errors import DataError, PageError
from stance.threads import label_rows


@pytest.fixture
def thread():
    return stance.Thread("t", (stance.Post("1", "They spied on me"), stance.Post("2", "no proof", parent="1")))


def test_rows_are_those_of_the_labels_table(small_model, thread):
    assert label_rows([thread], small_model) == stance.label([thread], small_model).to_dict("records")


def test_the_conversation_can_be_left_out(small_model, thread):
    rows = label_rows([thread], small_model, conversation=False)
    assert rows == stance.label([thread], small_model, conversation=False).to_dict("records")


def test_a_source_without_posts_says_what_was_seen(small_model):
    empty = stance.Thread("page.html", notes=("comments load in a frame",))
    with pytest.raises(PageError, match=r"^page\.html: no posts \(comments load in a frame\)"):
        label_rows([empty], small_model)


def test_a_post_that_stands_twice_is_named(small_model, thread):
    with pytest.raises(DataError, match=r"row 3: post '1' stands twice in thread 't'; give each post"):
        label_rows([thread, thread], small_model)
