"""The reports on an evaluation, on a comparison and on many discussions show the numbers that they were given."""

from itertools import pairwise

import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser

from stance.data import LABELS, posts_table
from stance.errors import DataError
from stance.evaluate import compare, evaluate
from stance.report import batch, batch_figures, batch_report, comparison_report, evaluation_report

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)'


def gold(n=60):
    rows = ({"thread": f"t{k % 6}", "post": str(k), "text": f"Some words {k}", "author": f"a{k % 9}"} for k in range(n))
    return posts_table(rows).assign(
        stance=[LABELS[k % 3] for k in range(n)],
        second_annotator=[LABELS[k % 3] if k % 7 else "none" for k in range(n)],
        site=[f"site {k % 4}" for k in range(n)],
        posted_at=[f"2020-03-{k % 28 + 1:02}" for k in range(n)],
    )


GOLD = gold()
GIVEN = GOLD.assign(
    stance=["favor"] * 20 + list(GOLD["stance"][20:]), abstained=False, p_favor=0.5, p_against=0.3, p_none=0.2
)
OTHER = GOLD.assign(stance=["none"] * 10 + list(GOLD["stance"][10:]))


def figures_of(page):
    return [(each.attributes["data-figure"], float(each.attributes["value"])) for each in page.css("data[data-figure]")]


def value_at(numbers, path):
    for step in path.split("."):
        numbers = numbers[int(step)] if step.isdigit() else numbers[step]
    return numbers


def test_every_figure_of_an_evaluation_is_that_of_its_scores():
    scores, comparison = evaluate(GOLD, GIVEN), compare(GOLD, GIVEN, OTHER)
    page = LexborHTMLParser(evaluation_report(scores, GOLD, comparison=comparison))
    numbers = {**scores.to_dict(), "comparison": comparison.to_dict()}
    shown = figures_of(page)
    assert [(path, value_at(numbers, path)) for path, _ in shown] == shown
    assert {
        "accuracy",
        "accuracy_interval.low",
        "baselines.1.accuracy",
        "confusion.2.0",
        "calibration.curve.0.accuracy",
        "coverage.19.accuracy",
        "annotators.kappa",
        "slices.0.accuracy",
        "comparison.accuracy.p_value",
        "comparison.shares.2.interval.high",
    } <= {path for path, _ in shown}


def test_every_picture_has_a_table_of_its_numbers():
    card = {"target": "Huawei", "learning_curve": [{"posts": 10, "accuracy": 0.4}, {"posts": 40, "accuracy": 0.6}]}
    page = LexborHTMLParser(evaluation_report(evaluate(GOLD, GIVEN), GOLD, card=card))
    figures = page.css("figure")
    assert len(figures) == 3
    assert all(figure.css("svg") and figure.css("details.data table") for figure in figures)
    assert [row.text(separator=" ").split() for row in page.css("#learning tbody tr")] == [
        ["10", "0.400"],
        ["40", "0.600"],
    ]


def test_the_worst_mistakes_come_first_with_their_words():
    given = GOLD[:3].assign(
        stance=["favor", "none", "favor"], p_favor=[0.9, 0.1, 0.8], p_against=0.1, p_none=[0.0, 0.8, 0.1]
    )
    given.loc[1, "p_none"] = 0.8
    because = {("t2", "2"): [("Some", 0.5), ("words", 0.0), ("2", 0.0)]}
    page = LexborHTMLParser(evaluation_report(evaluate(GOLD[:3], given), GOLD[:3], because=because))
    assert [post.css_first(".number").text() for post in page.css("#mistakes .post")] == ["t1 #1", "t2 #2"]
    assert [(word.text(), word.attributes["class"]) for word in page.css("#mistakes u")] == [("Some", "w2")]


def test_an_evaluation_without_probabilities_leaves_their_pictures_out():
    page = LexborHTMLParser(evaluation_report(evaluate(GOLD, OTHER), GOLD))
    assert not page.css("#sure")


def test_every_figure_of_a_comparison_is_in_its_numbers():
    comparison = compare(GOLD, GIVEN, OTHER, names=("old", "new"))
    page = LexborHTMLParser(comparison_report(comparison, GOLD))
    numbers, shown = comparison.to_dict(), figures_of(page)
    assert [(path, value_at(numbers, path)) for path, _ in shown] == shown
    assert len(page.css(".post")) == min(50, len(comparison.changed))


@pytest.mark.parametrize("by", ["source", "week", "author"])
def test_every_figure_of_many_discussions_is_in_their_numbers(by):
    page = LexborHTMLParser(batch_report(GIVEN, by=by))
    numbers, shown = batch_figures(GIVEN, by=by).to_dict(), figures_of(page)
    assert [(path, value_at(numbers, path)) for path, _ in shown] == shown
    assert {"whole.by_post.0.share", "groups.1.net", "threads.5.by_post.2.interval.high"} <= {path for path, _ in shown}


def test_weeks_begin_on_monday_and_change_from_the_one_before():
    weeks = batch_figures(GIVEN, by="week").groups
    assert [week.name for week in weeks] == ["2020-02-24", "2020-03-02", "2020-03-09", "2020-03-16", "2020-03-23"]
    assert weeks[0].change is None
    assert [week.change for week in weeks[1:]] == [b.net - a.net for a, b in pairwise(weeks)]


def test_a_source_changes_from_its_earlier_to_its_later_half():
    posts = GOLD[:4].assign(site="s", posted_at=["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"])
    (source,) = batch_figures(posts.assign(stance=["favor", "favor", "against", "none"]), by="source").groups
    assert (source.net, source.change) == (0.25, -1.5)


def test_posts_lend_the_columns_that_labels_lack():
    bare = GIVEN[["thread", "post", "stance"]]
    names = {group.name for group in batch_figures(bare, by="source", posts=GOLD).groups}
    assert names == {"site 0", "site 1", "site 2", "site 3"}
    with pytest.raises(DataError, match="no column 'source' or 'site' or 'platform'"):
        batch_figures(bare, by="source")


def test_of_very_many_authors_those_with_most_posts_are_shown(monkeypatch):
    monkeypatch.setattr(batch, "_MOST_GROUPS", 5)
    rows = [{"thread": str(k), "post": "1", "author": f"author {k % 6}", "stance": "favor"} for k in range(7)]
    page = LexborHTMLParser(batch_report(pd.DataFrame(rows), by="author"))
    assert "The 5 with most posts, of 6." in page.css_first("#groups").text()


def test_discussions_link_to_their_own_reports():
    page = LexborHTMLParser(batch_report(GIVEN, links={"t1": "each/t1.html"}))
    assert [link.attributes["href"] for link in page.css("tbody a")] == ["each/t1.html"]


def test_every_string_is_text_in_every_report():
    hostile = GOLD.assign(**dict.fromkeys(("text", "author", "site", "title", "posted_at"), HOSTILE))
    hostile["thread"] = HOSTILE + hostile["thread"]
    given = hostile.assign(stance="favor")
    comparison = compare(hostile, given, hostile, names=(HOSTILE, "b"))
    card = {"name": HOSTILE, "target": HOSTILE}
    pages = [
        evaluation_report(evaluate(hostile, given), hostile, comparison=comparison, card=card, command=HOSTILE),
        comparison_report(comparison, hostile, command=HOSTILE, target=HOSTILE),
        batch_report(given, by="author", command=HOSTILE, target=HOSTILE),
        batch_report(given, by="source"),
    ]
    for page in map(LexborHTMLParser, pages):
        assert len(page.css("script")) == 1
        assert not page.css("img, [onerror], [onmouseover]")
    assert HOSTILE not in evaluate(hostile, given)._repr_html_()
    assert HOSTILE not in comparison._repr_html_()
