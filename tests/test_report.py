"""A thread report says its figures, shows every word of the page as text, and asks nothing of the network."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

import stance
from stance.data import LABELS, Post, Thread, posts_table, table_to_threads
from stance.errors import DataError
from stance.report import figures, report
from stance.report.figures import depths, labelled_rows
from stance.report.shares import shares
from stance.report.tree import conversation, segments, walk

THREAD = Thread(
    "page",
    (
        Post("1", "They spy on us all.", "ann", "2020-03-01T10:00:00+00:00"),
        Post("2", "Where is the proof?", "bob", "2020-03-01T11:00:00+00:00", "1", "page"),
        Post("4", "Read the papers!", "ann", "2020-03-02T09:00:00+00:00", "2", "quote", quote="the proof"),
        Post("3", "Mine broke. I love it anyway.", "cid", "2020-03-03", "1", "order", ("1", "2")),
        Post("5", "First!", None),
    ),
    title="A ban?",
    url="https://forum.example/t/1",
    hidden=1,
    notes=("6 comments by the page's own count, 5 shown",),
)


def labels_of(thread, stances, sure=0.8, **columns):
    rows = ({"thread": thread.id, "post": post.id} for post in thread.posts)
    probabilities = {
        f"p_{label}": [sure if label == given else (1 - sure) / 2 for given in stances] for label in LABELS
    }
    defaults = {"text_stance": list(stances), "abstained": [False] * len(stances), "reason": [None] * len(stances)}
    return posts_table(rows).assign(stance=list(stances), **probabilities, **{**defaults, **columns})


STANCES = ("against", "favor", "against", "favor", "none")
LABELLED = labels_of(THREAD, STANCES, text_stance=["against", "none", "against", "favor", "none"])


def parsed(*arguments, **options):
    return LexborHTMLParser(report(*arguments, **options))


def test_every_figure_on_the_page_is_the_one_in_the_numbers():
    because = {("page", "2"): [("Where", 0.05), ("is", 0.2), ("the", -0.5), ("proof?", 0.7)]}
    page = parsed(THREAD, LABELLED, because=because)
    numbers = figures([THREAD], LABELLED, because).to_dict()
    shown = page.css("data[data-figure]")
    for element in shown:
        value = numbers
        for step in element.attributes["data-figure"].split("."):
            value = value[int(step)] if step.isdigit() else value[step]
        assert float(element.attributes["value"]) == value
    paths = {element.attributes["data-figure"] for element in shown}
    assert {
        "n_posts",
        "n_people",
        "n_moved",
        "by_post.0.share",
        "by_person.1.interval.low",
        "people.0.disputes",
    } <= paths
    assert {"by_depth.0.favor", "over_time.2.none", "answers.0.disputes", "words.0.1.0.posts", "parents.0.1"} <= paths


def test_figures_count_what_a_reader_would_count():
    found = figures([THREAD], LABELLED)
    assert [(each.label, each.n, each.share) for each in found.by_post] == [
        ("favor", 2, 0.4),
        ("against", 2, 0.4),
        ("none", 1, 0.2),
    ]
    assert [each.n for each in found.by_person] == [2, 1, 0]
    assert [(each.name, each.leaning, each.disputes) for each in found.people] == [
        ("ann", "against", 1),
        ("bob", "favor", 1),
        ("cid", "favor", 1),
    ]
    assert (found.n_people, found.n_unsigned, found.n_moved, found.hidden, found.n_disputes) == (3, 1, 1, 1, 3)
    assert [(each.part, each.total) for each in found.by_depth] == [
        ("opens a branch", 2),
        ("first answer", 2),
        ("2 deep", 1),
    ]
    assert (found.period, [(each.part, each.total) for each in found.over_time]) == (
        "day",
        [("2020-03-01", 2), ("2020-03-02", 1), ("2020-03-03", 1)],
    )
    assert found.parents == (("order", 1), ("page", 1), ("quote", 1))


def test_who_goes_on_alone_answers_nobody():
    thread = Thread("t", (Post("1", "a", "ann"), Post("2", "b", "ann", parent="1"), Post("3", "c", "bob", parent="2")))
    (pair,) = figures([thread], labels_of(thread, ["favor", "against", "favor"])).answers
    assert (pair.author, pair.answered, pair.n, pair.disputes) == ("bob", "ann", 1, 1)


def test_the_tree_shows_who_answers_whom_and_where_that_is_a_guess():
    page = parsed(THREAD, LABELLED)
    replies = {
        summary.text(): [post.text() for post in summary.parent.css(".number")]
        for summary in page.css("details.replies > summary")
    }
    assert replies == {"3 replies to #1": ["#2", "#4", "#3"], "1 reply to #2": ["#4"]}
    asides = " ".join(page.css_first(".tree").text(separator=" ").split())
    assert "answers #1 by ann, guessed from the order of the posts (or #2)" in " ".join(asides.split()).replace(
        " ,", ","
    )
    assert page.css_first("blockquote").text() == "the proof"


def test_a_line_says_where_the_conversation_moved_the_label():
    moved = [" ".join(line.text().split()) for line in parsed(THREAD, LABELLED).css(".moved")]
    assert moved == [
        "↻ Its words alone say no side; the conversation made that for: it answers #1, which says against."
    ]


def test_undecided_posts_are_marked_and_say_why():
    unsure = labels_of(
        THREAD,
        STANCES,
        abstained=[True, True, False, False, True],
        reason=["unsure", "language de", None, None, "empty"],
    )
    page = parsed(THREAD, unsure)
    assert [post.css_first(".number").text() for post in page.css("[data-u]")] == ["#1", "#2", "#5"]
    assert [" ".join(line.text().split()) for line in page.css(".doubt")] == [
        "Not sure: its best guess is 80 % likely.",
        "Not sure: written in a language that the model does not read (de).",
        "Not sure: no words are left of this post.",
    ]
    assert figures([THREAD], unsure).n_unsure == 3


def test_hidden_posts_notes_model_version_and_command_are_told():
    card = {"name": "huawei", "target": "Huawei", "training": {"posts": 12, "threads": 3}}
    page = parsed(THREAD, LABELLED, card=card, command="stance report page.html -o r.html")
    origin = " ".join(page.css_first("#origin").text(separator=" ").split())
    for words in ("6 comments by the page's own count", "trained on 12 posts of 3 discussions", stance.__version__):
        assert words in origin
    assert page.css_first("#origin code").text() == "stance report page.html -o r.html"
    assert page.css_first("#origin a").attributes["href"] == "https://forum.example/t/1"
    assert "1 post more is hidden by the page" in " ".join(page.css_first(".hidden-note").text().split())


def test_words_are_underlined_by_what_they_weigh():
    because = {("page", "2"): [("Where", 0.05), ("is", 0.2), ("the", -0.5), ("proof?", 0.7)]}
    page = parsed(THREAD, LABELLED, because=because)
    assert [(word.text(), word.attributes["class"]) for word in page.css(".tree u")] == [
        ("is", "w1"),
        ("the", "wx"),
        ("proof?", "w3"),
    ]


@given(st.text(max_size=60), st.lists(st.floats(-1, 1), max_size=8))
def test_marking_words_loses_no_character(text, weights):
    because = list(zip(re.findall(r"\S+", text), weights, strict=False))
    assert "".join(part.text for part in segments(text, because)) == text


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=1, max_size=30))
@settings(deadline=None)
def test_whoever_answers_whom_every_post_stands_in_the_tree_once(parents):
    posts = tuple(Post(str(n), "x", parent=None if up is None else str(up)) for n, up in enumerate(parents))
    thread = Thread("t", posts)
    rows = labelled_rows([thread], labels_of(thread, ["none"] * len(posts)))
    nodes = list(walk(conversation(thread, rows, {})))
    assert sorted(node.post.id for node in nodes) == sorted(post.id for post in posts)
    assert set(depths(thread)) == {post.id for post in posts}


def test_a_thread_of_a_thousand_nested_answers_is_written_flat_beyond_ten():
    posts = tuple(Post(str(n), "x", "ann", parent=str(n - 1) if n else None) for n in range(1000))
    thread = Thread("deep", posts)
    page = parsed(thread, labels_of(thread, ["none"] * 1000))
    assert len(page.css(".post")) == 1000
    assert len(page.css(".replies")) == 10
    assert depths(thread)["999"] == 999


@settings(deadline=None, max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_labels_does_not_change_the_report(random):
    order = list(range(len(LABELLED)))
    random.shuffle(order)
    assert report(THREAD, LABELLED.iloc[order]) == report(THREAD, LABELLED)


def test_shares_of_posts_and_people_add_up_to_one():
    found = figures([THREAD], LABELLED)
    for part in (found.by_post, found.by_person):
        assert sum(each.share for each in part) == pytest.approx(1)
        assert all(0 <= each.interval.low <= each.interval.high <= 1 for each in part)


def test_the_interval_is_wider_for_few_people_and_for_unsure_labels():
    def width(n_people, sure):
        authors = [f"person {post % n_people}" for post in range(60)]
        thread = Thread("t", tuple(Post(str(n), "x", author) for n, author in enumerate(authors)))
        rows = labels_of(thread, ["favor" if n % n_people % 2 else "against" for n in range(60)], sure)
        interval = shares(rows.assign(author=authors))[0][0].interval
        return interval.high - interval.low

    assert width(6, 0.99) > width(60, 0.99)
    assert width(60, 0.5) > width(60, 0.99)


def test_labels_by_hand_need_no_probabilities():
    by_hand = LABELLED[["thread", "post", "stance"]]
    found = figures([THREAD], by_hand)
    assert (found.n_unsure, found.n_moved) == (0, 0)
    assert not parsed(THREAD, by_hand).css(".odds")


def test_a_stance_that_nobody_took_is_not_ruled_out():
    by_hand = labels_of(THREAD, ["favor"] * 5)[["thread", "post", "stance"]]
    favor, against, _ = figures([THREAD], by_hand).by_person
    assert (favor.share, against.share) == (1, 0)
    assert favor.interval.low == pytest.approx(0.438, abs=0.001)
    assert against.interval.high == pytest.approx(0.562, abs=0.001)


def test_a_post_without_a_label_is_refused():
    with pytest.raises(DataError, match="post '5' of thread 'page' has no label"):
        report(THREAD, LABELLED[:4])


def test_several_threads_share_a_page_without_sharing_an_anchor():
    other = replace(THREAD, id="other", title="Another")
    both = pd.concat([LABELLED, LABELLED.assign(thread="other")])
    page = parsed([THREAD, other], both)
    anchors = [post.attributes["id"] for post in page.css(".post")]
    assert len(anchors) == len(set(anchors)) == 10
    assert page.css_first("h1").text() == "2 discussions"


def test_nothing_is_requested_and_only_our_script_may_run():
    page = parsed(THREAD, LABELLED)
    policy = page.css_first("meta[http-equiv=Content-Security-Policy]").attributes["content"]
    hashed = r"'sha256-[\w+/]{43}='"
    assert re.fullmatch(
        rf"default-src 'none'; style-src {hashed}; script-src {hashed}; img-src data:; "
        r"base-uri 'none'; form-action 'none'",
        policy,
    )
    assert not page.css("[src], [style], [onclick], iframe, object, embed, form[action], link[href^=http]")


HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)'


def test_every_string_of_a_page_is_text():
    post = Post(HOSTILE, HOSTILE, HOSTILE, HOSTILE, quote=HOSTILE, parent_basis="order", parent_candidates=(HOSTILE,))
    thread = Thread(HOSTILE, (post,), HOSTILE, "javascript:alert(4)", HOSTILE, notes=(HOSTILE,))
    clean = Thread("t", (Post("1", "a"),))
    page = parsed(
        thread,
        labels_of(thread, ["none"]),
        because={(HOSTILE, HOSTILE): [(HOSTILE.split()[0], 1.0)]},
        command=HOSTILE,
        target=HOSTILE,
    )
    harmless = parsed(clean, labels_of(clean, ["none"]))
    assert len(page.css("script")) == len(harmless.css("script")) == 1
    assert not page.css("img, [onerror], [onmouseover], a[href^=javascript]")
    assert page.css_first(".text").text() == HOSTILE


def test_a_lone_surrogate_does_not_stop_the_report():
    thread = Thread("t", (Post("1", "half \ud83d an emoji", "ann"),))
    report(thread, labels_of(thread, ["none"])).encode("utf-8")


def big_thread(n):
    posts = stance.read_table(stance.data.shipped("data") / "corpus" / "owners.jsonl")
    rows = [posts.iloc[number % len(posts)] for number in range(n)]
    return table_to_threads(
        posts_table(
            {
                "thread": "big",
                "post": str(number),
                "text": row["text"],
                "author": f"{row['author']} {number % 500}",
                "parent": str(number - 1 - number % 7) if number % 7 else None,
                "posted_at": f"2020-{number % 12 + 1:02}-03",
            }
            for number, row in enumerate(rows)
        )
    )[0]


@pytest.mark.parametrize(("n", "most"), [(200, 1_500_000), (5_000, 8_000_000)])
def test_a_report_stays_small_enough_to_mail(n, most):
    thread = big_thread(n)
    because = {("big", post.id): [(word, 0.3) for word in post.text.split()] for post in thread.posts}
    page = report(thread, labels_of(thread, [LABELS[number % 3] for number in range(n)], 0.6), because=because)
    assert len(page.encode()) < most


def test_a_notebook_shows_a_report_in_a_frame_that_may_do_nothing_else():
    shown = LexborHTMLParser(report(THREAD, LABELLED)._repr_html_()).css_first("iframe")
    assert shown.attributes["sandbox"] == "allow-scripts"
    assert shown.attributes["srcdoc"] == str(report(THREAD, LABELLED))
