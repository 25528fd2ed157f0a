"""A report on posts that have labels shows these, says whose they are, and asks a model only about the others."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from selectolax.lexbor import LexborHTMLParser

import stance
from stance.cli import main
from stance.conversation import Couplings
from stance.data import posts_table
from stance.given import label_all
from stance.pseudonyms import pseudonym, read_key
from stance.report.card import excerpt

POSTS = posts_table(
    [
        {"thread": "t", "post": "1", "author": "Ann", "text": "Huawei: they steal code", "posted_at": "2020-03-02"},
        {"thread": "t", "post": "2", "author": "Bob", "text": "@Ann no proof at all", "parent": "1"},
        {"thread": "t", "post": "3", "author": "Ann", "text": "see you tomorrow", "parent": "2"},
    ]
)
#: What no model would say of these words.
LABELS = ["favor", "against", "against"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, small_model):
    monkeypatch.chdir(tmp_path)
    stance.save_model(small_model, "model")
    stance.write_table(POSTS, "posts.csv")
    stance.write_table(POSTS.assign(stance=LABELS), "labelled.csv")


def run(*arguments, **options):
    return CliRunner().invoke(main, ["report", *arguments], **options)


def told(*arguments, **options):
    done = run(*arguments, "-o", "-", **options)
    assert done.exit_code == 0, done.stderr
    return done.stderr, LexborHTMLParser(done.stdout)


def stances(page):
    names = {"for": "favor", "against": "against", "no side": "none"}
    return [names[badge.text().rstrip("?")] for badge in page.css(".post .badge")]


@pytest.mark.parametrize("name", ["labelled.csv", "labelled.jsonl", "labelled.parquet"])
def test_a_table_that_has_labels_is_reported_with_them(name):
    stance.write_table(POSTS.assign(stance=LABELS), name, force=True)
    said, page = told(name)
    assert (said, stances(page)) == (f"labels as in {name}\n", LABELS)
    assert f"Labels labels as in {name}" in " ".join(page.css_first("#origin").text(separator=" ").split())


def test_the_same_table_means_the_same_in_a_report_on_many_discussions():
    said, page = told("labelled.csv", "--by", "author")
    rows = [row.css_first("data[data-figure$='net']").text() for row in page.css("#groups tbody tr")]
    assert (said, rows) == ("labels as in labelled.csv\n", ["−33", "±0", "−100"])


def test_labels_on_standard_input_are_kept_too():
    content = Path("labelled.csv").read_bytes()
    said, page = told("-", input=content)
    assert (said, stances(page)) == ("labels as in standard input\n", LABELS)


@pytest.mark.parametrize("more", [(), ("--by", "author")])
def test_a_model_that_is_named_labels_anew_and_it_is_said(small_model, more):
    said, page = told("labelled.csv", "--model", "model", *more)
    assert said == f"labelled anew by {small_model.id}; the labels in labelled.csv are left out\n"
    if not more:
        assert stances(page) == stance.label(POSTS, small_model)["stance"].tolist()


def test_two_tables_of_one_name_keep_each_its_labels(tmp_path):
    for folder, label in (("a", "favor"), ("b", "none")):
        (tmp_path / folder).mkdir()
        stance.write_table(POSTS.assign(thread="t", stance=label), f"{folder}/t.csv")
    said, page = told("a/t.csv", "b/t.csv")
    assert (said, stances(page)) == ("labels as in a/t.csv, b/t.csv\n", ["favor"] * 3 + ["none"] * 3)


def test_a_table_of_a_few_labels_is_completed_by_the_model(small_model):
    stance.write_table(posts_table([{"post": "3", "stance": "against"}]), "few.csv")
    said, page = told("posts.csv", "--labels", "few.csv", "--model", "model")
    assert said == f"1 of 3 labels as in few.csv, the others by {small_model.id}\n"
    assert stances(page)[2] == "against"
    assert [line.text() for line in page.css(".hand")] == ["Label given by hand."]
    assert len(page.css(".post:last-child u, .odds")) == 2


def test_the_model_hears_of_what_a_person_said(small_model):
    model = replace(small_model, couplings=Couplings(text=-0.9, author_same=2.0))

    def favor(label):
        # Ann's last post; her first has no label.
        given = posts_table([{"thread": "t", "post": "3", "stance": label}])
        return label_all(POSTS, given, model).table["p_favor"][0]

    assert favor("none") < favor("favor")
    assert favor("against") < favor("none")


def test_a_label_of_a_model_among_a_few_is_no_person_s_and_stays_as_it_is(small_model):
    own = stance.label(POSTS, small_model)
    found = label_all(POSTS, own[1:], small_model)
    assert found.table.to_dict("records") == own.astype(object).where(own.notna(), None).to_dict("records")
    assert found.is_new.tolist() == [True, False, False]


def test_one_label_changed_in_a_table_of_a_model_leaves_all_others_alone(small_model):
    labels = stance.label(POSTS, small_model)
    before = labels["stance"].tolist()
    labels.loc[0, "stance"] = {"favor": "none", "against": "favor", "none": "against"}[before[0]]
    stance.write_table(labels, "changed.csv")
    said, page = told("posts.csv", "--labels", "changed.csv")
    assert said == "labels as in changed.csv; 1 corrected by hand\n"
    assert stances(page) == [labels["stance"][0], *before[1:]]


def test_names_are_replaced_in_every_report_and_the_shares_stay():
    for arguments in (["posts.csv", "--model", "model"], ["labelled.csv"], ["labelled.csv", "--by", "author"]):
        page = told(*arguments, "--pseudonymise")[1].html
        assert (pseudonym("Ann", read_key()) in page, "Ann<" in page or "@Ann" in page, "Bob" in page) == (
            True,
            False,
            False,
        )
    assert stances(told("labelled.csv", "--pseudonymise")[1]) == LABELS


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"thread": "other", "post": "1", "stance": "favor"}],
            "few.csv: a label for none of the 3 posts; give labels",
        ),
        ([{"post": "1", "stance": "pro"}], "few.csv: unknown label 'pro' of post '1'; use favor, against or none"),
        ([{"post": "1", "stance": "none"}] * 2, "few.csv: post '1' is labelled twice; keep one label a post"),
        ([{"post": "1", "label": "none"}], "few.csv: no column 'stance' (columns: post, label, thread)"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_in_one_line(rows, message):
    stance.write_table(posts_table(rows), "few.csv")
    done = run("posts.csv", "--labels", "few.csv", "-o", "-")
    assert (done.exit_code, message in done.stderr, done.stdout) == (2, True, "")


def test_reports_on_each_discussion_ask_no_model_about_what_the_labels_leave_out():
    stance.write_table(POSTS.assign(stance=LABELS)[:2], "few.csv")
    done = run("few.csv", "--by", "author", "--posts", "posts.csv", "--each", "each", "-o", "-")
    assert (done.exit_code, "no label for post '3' of thread 't'" in done.stderr) == (2, True)


def test_the_model_s_share_of_right_labels_is_said_to_be_of_its_own_corpus():
    card = {"cross_validation": {"conversation_against_stance": {"accuracy": 0.76}}}
    assert excerpt(card | {"name": "acme"})[1] == (
        "Is right on",
        "76 % of posts of its own training corpus, held out (cross-validation); on other threads expect less. "
        "Measure it on labels of your own with `stance evaluate`.",
    )


def test_a_report_by_the_shipped_model_says_that_it_is_right_less_often_on_real_threads():
    origin = LexborHTMLParser(stance.report(POSTS)).css_first("#origin").text()
    assert "its figures are of invented posts that were held out. On real threads it is right far less often" in origin
