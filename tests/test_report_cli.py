"""`stance report`, and the reports of `evaluate` and `compare`, write a page whole or not at all."""

import sys

import pytest
from click.testing import CliRunner
from selectolax.lexbor import LexborHTMLParser
from test_report_pages import GIVEN, GOLD, OTHER

import stance
from stance.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stance.write_table(GOLD, "gold.jsonl")
    stance.write_table(GIVEN.drop(columns=["text", "author", "site", "posted_at"]), "given.parquet")
    stance.write_table(OTHER, "other.csv")
    (tmp_path / "empty.html").write_text("<p>An article. <h2>Comments</h2><p>Leave a reply")
    return tmp_path


def run(*arguments):
    # A report names the command that made it, as the shell gave it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stance", *arguments])
        return CliRunner().invoke(main, arguments)


def test_report_shows_labels_from_a_table(folder):
    result = run("report", "gold.jsonl", "--labels", "given.parquet", "-o", "r.html")
    # Its probabilities speak for favor in every row.
    assert result.stderr == "labels as in given.parquet; 27 corrected by hand\nwrote r.html\n"
    page = LexborHTMLParser((folder / "r.html").read_text("utf-8"))
    assert len(page.css(".post")) == 60
    assert page.css_first("#origin code").text().startswith("stance ")


def test_report_goes_to_stdout_on_request():
    assert run("report", "gold.jsonl", "--labels", "given.parquet", "-o", "-").stdout.startswith("<!doctype html>")


def test_many_discussions_are_reported_by_source(folder):
    assert run("report", "given.parquet", "--by", "source", "--posts", "gold.jsonl").exit_code == 0
    page = LexborHTMLParser((folder / "report.html").read_text("utf-8"))
    assert len(page.css(".sortable tbody tr")) == 5


def test_many_discussions_link_to_a_report_each(folder):
    run("report", "given.parquet", "--by", "week", "--posts", "gold.jsonl", "--each", "single", "-o", "all.html")
    links = [
        link.attributes["href"] for link in LexborHTMLParser((folder / "all.html").read_text("utf-8")).css("tbody a")
    ]
    assert sorted(links) == [f"single/{number:05}.html" for number in range(1, 7)]
    assert len(LexborHTMLParser((folder / links[0]).read_text("utf-8")).css(".post")) == 10


def test_evaluate_and_compare_write_their_reports(folder):
    run("evaluate", "gold.jsonl", "--labels", "given.parquet", "--report", "eval.html")
    run("compare", "given.parquet", "other.csv", "--gold", "gold.jsonl", "--report", "compare.html")
    titles = [
        LexborHTMLParser((folder / name).read_text("utf-8")).css_first("h1").text()
        for name in ("eval.html", "compare.html")
    ]
    assert titles == ["Evaluation", "Two labellings compared"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "empty.html", "--labels", "given.parquet"], "no posts"),
        (["report", "given.parquet", "--by", "week"], "no column 'posted_at'"),
        (["report", "given.parquet", "other.csv", "--by", "week"], "--by takes one labels table"),
        (["report", "gold.jsonl", "--labels", "given.parquet", "-o", "no/r.html"], "no: no such folder"),
        (["report", "gold.jsonl", "--labels", "none.csv"], "none.csv: no such file"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_line_and_leaves_no_page(folder, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.stderr
    assert not list(folder.glob("*r*.html"))
