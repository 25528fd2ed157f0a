"""Two labellings side by side: which posts differ, and whether that is more than chance."""

import json
from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import binomtest

from stance.data import LABELS, posts_table
from stance.errors import DataError
from stance.evaluate import compare
from stance.evaluate.comparison import Change, Difference, LeftOut, mcnemar
from stance.evaluate.intervals import Interval, interval_of, resample, resample_posts
from stance.evaluate.measures import accuracy, confusion_by_thread, macro_f1


def table(stances, n_threads=6):
    rows = ({"thread": str(post % n_threads), "post": str(post), "text": "words"} for post in range(len(stances)))
    return posts_table(rows).assign(stance=list(stances))


@pytest.mark.parametrize(("only_a", "only_b"), [(3, 3), (1, 9), (40, 12), (0, 7)])
def test_mcnemar_is_an_exact_binomial_test(only_a, only_b):
    assert mcnemar(only_a, only_b) == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)


def test_a_labelling_compared_with_itself_differs_in_nothing():
    gold = table(LABELS * 10)
    same = compare(gold, gold, gold)
    assert (same.changed, same.kappa, same.accuracy.p_value) == ((), 1.0, 1.0)
    assert {(each.difference, each.interval.low, each.interval.high) for each in same.shares} == {(0.0, 0.0, 0.0)}


def test_every_post_that_changed_is_named_with_its_gold_label():
    gold = table(["favor", "against", "none"])
    changed = compare(gold, gold, gold.assign(stance=["favor", "none", "none"])).changed
    assert [(each.thread, each.post, each.a, each.b, each.gold) for each in changed] == [
        ("1", "1", "against", "none", "against")
    ]


def test_a_real_difference_is_told_from_chance():
    gold = table(LABELS * 40, n_threads=30)
    better = gold.assign(stance=[*gold["stance"][:100], *["favor"] * 20])
    worse = gold.assign(stance=[*gold["stance"][:50], *["favor"] * 70])
    found = compare(gold, worse, better).accuracy
    assert (found.only_a_right, found.only_b_right) == (0, 33)
    assert found.p_value < 1e-6
    assert 0 < found.accuracy.interval.low < found.accuracy.difference < found.accuracy.interval.high
    assert found.accuracy.difference == pytest.approx(found.accuracy.b - found.accuracy.a)


def test_swapping_the_two_turns_every_sign():
    gold, other = table(LABELS * 4, n_threads=2), table([*LABELS[::-1]] * 4, n_threads=2)
    there, back = compare(gold, gold, other), compare(gold, other, gold)
    assert there.accuracy.accuracy.difference == -back.accuracy.accuracy.difference
    assert there.accuracy.accuracy.interval.low == -back.accuracy.accuracy.interval.high


def test_without_gold_shares_are_compared():
    a, b = table(["favor"] * 10), table(["favor"] * 5 + ["none"] * 5)
    found = compare(None, a, b, names=("old", "new"))
    assert found.accuracy is None
    assert {each.label: (each.a, each.b, each.difference) for each in found.shares} == {
        "favor": (1.0, 0.5, -0.5),
        "against": (0.0, 0.0, 0.0),
        "none": (0.0, 0.5, 0.5),
    }


def test_a_comparison_becomes_json_and_a_table_that_names_the_first_twenty():
    found = compare(None, table(["favor"] * 30), table(["none"] * 30), names=("old", "new"))
    assert len(json.loads(json.dumps(found.to_dict(), allow_nan=False))["changed"]) == 30
    assert str(found).count("#") == 20 and str(found).endswith("and 10 more posts: --json names all")
    assert "<table>" in found._repr_html_()


def test_a_second_labeller_of_twenty_posts_is_compared_on_these_twenty():
    mine, bobs = table(LABELS * 10), table(LABELS * 7)[1:]
    found = compare(None, mine, bobs, names=("me.csv", "bob.csv"))
    assert (found.n_posts, found.left_out, found.kappa) == (20, LeftOut(a=10, b=0, gold=None), 1.0)
    said = "20 posts labelled by all; left out: 10 of me.csv, 0 of bob.csv"
    assert str(found).startswith(said) and f"<p>{said}</p>" in found._repr_html_()


@pytest.mark.parametrize("empty", [None, "", float("nan")])
def test_a_post_with_an_empty_cell_is_a_post_without_a_label(empty):
    found = compare(None, table(["favor", "none", "none"]), table([empty, "none", "favor"]))
    assert (found.n_posts, found.left_out) == (2, LeftOut(a=1, b=0, gold=None))


def test_where_all_label_the_same_posts_nothing_is_said_to_be_left_out():
    assert "left out" not in str(compare(None, table(LABELS), table(LABELS)))


def test_with_gold_the_posts_that_all_three_label_are_compared():
    gold, a, b = table(LABELS * 4), table(LABELS * 3), table(LABELS * 4)[3:]
    found = compare(gold, a, b)
    assert (found.n_posts, found.left_out) == (6, LeftOut(a=3, b=3, gold=6))
    assert found.accuracy.accuracy == Difference(1.0, 1.0, 0.0, Interval(0.0, 0.0))


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        (None, "old and new: only 1 post is labelled in all of them (3 in old, 1 in new)"),
        (LABELS, "old and new and gold: only 1 post is labelled in all of them (3 in old, 1 in new, 3 in gold)"),
    ],
)
def test_a_single_common_post_is_no_comparison_and_every_file_is_named(gold, message):
    known = None if gold is None else table(gold)
    with pytest.raises(DataError) as error:
        compare(known, table(LABELS), table(["favor"]), names=("old", "new"))
    assert str(error.value) == f"{message}; label the same posts twice: the same thread and post in each table"


@pytest.mark.parametrize(("stances", "which"), [((["pro"], ["favor"]), "old"), ((["favor"], ["pro"]), "new")])
def test_an_unknown_label_is_named_with_the_table_it_stands_in(stances, which):
    with pytest.raises(DataError, match=f"^{which}, row 1, stance: unknown label 'pro'; use favor, against or none$"):
        compare(None, *map(table, stances), names=("old", "new"))


def test_of_few_threads_posts_are_resampled_as_if_each_were_a_thread():
    stances = [*LABELS * 20], [*LABELS * 10, *["favor"] * 30], [*LABELS * 15, *["none"] * 15]
    one = compare(*(table(given, n_threads=1) for given in stances))
    each = compare(*(table(given, n_threads=60) for given in stances))
    assert (one.resampled, one.n_threads, each.resampled, each.n_threads) == ("posts", 1, "threads", 60)
    for measure in ("accuracy", "macro_f1"):
        few, many = getattr(one.accuracy, measure), getattr(each.accuracy, measure)
        assert (few.a, few.b, few.difference) == (many.a, many.b, many.difference)
        assert few.interval.low == pytest.approx(many.interval.low, abs=0.02)
        assert few.interval.high == pytest.approx(many.interval.high, abs=0.02)


def test_every_figure_of_a_comparison_is_reckoned_on_the_same_resampled_threads():
    gold, a, b = LABELS * 5, ["favor"] * 15, [*LABELS * 4, *["none"] * 3]
    threads = [str(post % 5) for post in range(15)]
    found = compare(*(table(given, n_threads=5) for given in (gold, a, b)), names=("old", "new"), seed=4)
    assert (found.names, found.n_posts, found.n_threads, found.resampled) == (("old", "new"), 15, 5, "threads")
    both = np.stack([confusion_by_thread(threads, gold, given) for given in (a, b)], axis=1)
    draws = resample(both, seed=4)
    for measure, shown in ((accuracy, found.accuracy.accuracy), (macro_f1, found.accuracy.macro_f1)):
        before, after = (float(measure(both.sum(0)[place])) for place in (0, 1))
        interval = interval_of(measure(draws[:, 1]) - measure(draws[:, 0]))
        assert shown == Difference(before, after, after - before, interval)
    assert (found.accuracy.only_a_right, found.accuracy.only_b_right) == (1, 9)
    drawn = resample(confusion_by_thread(threads, a, b), seed=4)
    for place, share in enumerate(found.shares):
        gained = drawn[:, :, place].sum(1) / 15 - drawn[:, place, :].sum(1) / 15
        before, after = a.count(share.label) / 15, b.count(share.label) / 15
        assert (share.a, share.b, share.difference) == (before, after, after - before)
        assert (share.interval.low, share.interval.high) == pytest.approx(astuple(interval_of(gained)))


def test_without_a_seed_the_seed_of_a_comparison_is_zero():
    # Seven threads, each as right as it happens to be, so that another draw gives another interval.
    stances = [[LABELS[post * post * step % 29 % 3] for post in range(75)] for step in (1, 2, 5)]
    for n_threads in (4, 7):
        gold, a, b = (table(given, n_threads=n_threads) for given in stances)
        default, zero, one = compare(gold, a, b), compare(gold, a, b, seed=0), compare(gold, a, b, seed=1)
        assert default == zero
        assert default.accuracy.macro_f1.interval != one.accuracy.macro_f1.interval
    assert [share.interval for share in default.shares] != [share.interval for share in one.shares]


def test_posts_are_resampled_by_how_often_the_three_labels_were_met_together():
    gold, a, b = LABELS * 5, ["favor"] * 15, [*LABELS * 4, *["none"] * 3]
    found = compare(*(table(given, n_threads=4) for given in (gold, a, b)), seed=4).accuracy.accuracy
    cells = np.zeros((1, 3, 3, 3))
    for labels in zip(gold, a, b, strict=True):
        cells[(0, *map(LABELS.index, labels))] += 1
    draws = resample_posts(cells.sum(0), seed=4)
    gained = accuracy(draws.sum(2)) - accuracy(draws.sum(3))
    assert found.interval == interval_of(gained)


def test_what_the_words_show_is_compared_with_what_the_words_were_labelled():
    gold = table(["favor", "none"]).assign(text_only=["none", "none"])
    a = gold.assign(stance=["favor", "none"], text_stance=["none", "favor"])
    b = gold.assign(stance=["favor", "none"], text_stance=["none", "none"])
    found = compare(gold, a, b, against="text_only")
    assert (found.accuracy.accuracy.a, found.accuracy.accuracy.b) == (0.5, 1.0)
    assert found.changed == (Change("1", "1", "favor", "none", "none"),)


def test_without_gold_stances_are_compared_whatever_else_the_tables_hold():
    a = table(["favor", "none"]).assign(text_stance=["none", "none"])
    b = table(["favor", "none"]).assign(text_stance=["favor", "none"])
    assert compare(None, a, b, against="text_only").changed == ()


def test_only_posts_with_a_gold_label_are_compared():
    gold = table(["favor", None, "none"])
    found = compare(gold, table(["favor"] * 3), table(["none"] * 3))
    assert (found.n_posts, [change.post for change in found.changed]) == (2, ["0", "2"])
