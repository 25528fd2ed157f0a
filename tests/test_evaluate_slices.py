"""Parts of a gold table scored apart: which parts there are, and how each is scored."""

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from stance.data import LABELS
from stance.evaluate.intervals import bootstrap
from stance.evaluate.measures import accuracy, confusion_by_thread
from stance.evaluate.slices import slices

TRUTH = ["favor", "against", "none", "favor", "against", "none"]
GIVEN = ["favor", "against", "favor", "against", "against", "none"]


def gold(**columns):
    return pd.DataFrame({"thread": ["a", "a", "a", "b", "b", "c"], **columns})


def parts(table, truth=TRUTH, given=GIVEN):
    return [(each.column, each.value, each.n_posts) for each in slices(table, truth, given)]


def test_a_part_is_scored_as_if_it_were_all_there_is():
    table = gold(site=["y", "y", "x", "y", "x", "y"])
    first, second = slices(table, TRUTH, GIVEN, seed=3)
    assert [(each.value, each.n_posts) for each in (first, second)] == [("x", 2), ("y", 4)]
    truth, given = [TRUTH[0], TRUTH[1], TRUTH[3], TRUTH[5]], [GIVEN[0], GIVEN[1], GIVEN[3], GIVEN[5]]
    assert second.accuracy == accuracy_score(truth, given)
    assert second.macro_f1 == pytest.approx(f1_score(truth, given, labels=LABELS, average="macro"))
    by_thread = confusion_by_thread(["a", "a", "b", "c"], truth, given)
    assert second.accuracy_interval == bootstrap(by_thread, accuracy, seed=3)
    assert slices(table, TRUTH, GIVEN)[1].accuracy_interval == bootstrap(by_thread, accuracy, seed=0)


def test_posts_are_told_apart_by_slice_site_place_what_decides_and_length():
    table = gold(
        slice=["new", "new", "old", "old", "old", "old"],
        site=["x", "y", "y", "y", "y", "y"],
        parent=[None, "1", "1", None, "4", None],
        stance=TRUTH,
        text_only=["favor", "none", "none", "none", "against", "none"],
        text=["no", "a " * 9, "b " * 10, "c " * 29, "d " * 30, "e"],
    )
    assert parts(table) == [
        ("slice", "new", 2),
        ("slice", "old", 4),
        ("site", "x", 1),
        ("site", "y", 5),
        ("place", "answers a post", 3),
        ("place", "opens a branch", 3),
        ("decided by", "its own words", 4),
        ("decided by", "the conversation", 2),
        ("length", "1 to 9 words", 3),
        ("length", "10 to 29 words", 2),
        ("length", "30 words or more", 1),
    ]


def test_a_column_with_one_value_parts_nothing_and_the_next_is_still_looked_at():
    table = gold(slice=["new"] * 6, site=["x", "x", "x", "y", "y", "y"])
    assert parts(table) == [("site", "x", 3), ("site", "y", 3)]


def test_what_the_table_does_not_say_is_no_part_of_it():
    assert parts(gold()) == []
    assert parts(gold(stance=TRUTH)) == []
    assert [column for column, *_ in parts(gold(stance=TRUTH, text_only=["none"] * 6))] == ["decided by"] * 2


@pytest.mark.parametrize(("n_values", "n_parts"), [(40, 40), (41, 0)])
def test_a_column_with_more_than_forty_values_is_no_way_to_part_posts(n_values, n_parts):
    sites = [f"site {number:02}" for number in range(n_values)]
    table = pd.DataFrame({"thread": ["a"] * n_values, "site": sites})
    assert len(parts(table, ["favor"] * n_values, ["favor"] * n_values)) == n_parts
