"""The command line: data to stdout, messages to stderr, one line and status 2 for what the user gave wrong."""

import csv
import io
import json
import shutil
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

import stance
from stance.cli import main
from stance.terminal import print_rows

PAGE = """Cameras compared

3 Comments

1. ann

Posts: 3; Member since: Jan 01, 2018

Huawei steals code, everybody knows

2. bob

Posts: 9; Member since: Jan 02, 2018

No proof at all. Great phone though

3. cat

Posts: 1; Member since: Jan 03, 2018

when is the launch?
"""


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "thread.txt"
    path.write_text(PAGE)
    return path


@pytest.fixture(scope="module")
def model(small_model, tmp_path_factory):
    return stance.save_model(small_model, tmp_path_factory.mktemp("models") / "tiny")


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def test_extract_prints_a_row_a_post_and_a_summary_beside(page):
    done = run("extract", page)
    assert done.exit_code == 0
    assert [(row["post"], row["author"]) for row in rows(done.stdout)] == [("1", "ann"), ("2", "bob"), ("3", "cat")]
    assert set(rows(done.stdout)[0]) >= {
        "thread",
        "post",
        "parent",
        "parent_basis",
        "author",
        "posted_at",
        "text",
        "quote",
    }
    assert done.stderr == "thread: 3 posts, read as text dump\n"


def test_label_prints_a_row_a_post(page, model):
    done = run("label", page, "--model", model)
    assert done.exit_code == 0
    wanted = {"thread", "post", "stance", "text_stance", "p_favor", "p_against", "p_none", "abstained"}
    assert set(rows(done.stdout)[0]) >= wanted
    assert len(rows(done.stdout)) == 3


def test_label_reads_standard_input(model):
    assert len(rows(run("label", "-", "--model", model, stdin=PAGE).stdout)) == 3


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_label_writes_by_the_ending(page, model, tmp_path, ending):
    out = tmp_path / f"labels.{ending}"
    done = run("label", page, "--model", model, "-o", out)
    assert (done.exit_code, done.stdout) == (0, "")
    assert stance.read_table(out)["post"].tolist() == ["1", "2", "3"]


def test_what_label_writes_evaluate_takes(page, model, tmp_path):
    run("label", page, "--model", model, "-o", tmp_path / "labels.csv")
    gold = stance.check_posts(stance.threads_to_table(stance.extract(page))).assign(stance=["against", "favor", "none"])
    stance.write_table(gold, tmp_path / "gold.csv")
    done = run("evaluate", tmp_path / "gold.csv", "--labels", tmp_path / "labels.csv", "--json")
    assert json.loads(done.stdout)["n_posts"] == 3


def test_standoff_labels_are_put_onto_their_page(page, model, tmp_path):
    (tmp_path / "gold.csv").write_text("post,author,stance\n1,ann,against\n2,bob,favor\n3,cat,none\n")
    done = run("evaluate", tmp_path / "gold.csv", "--page", page, "--model", model, "--json")
    assert json.loads(done.stdout)["n_posts"] == 3


def test_labels_of_a_part_of_a_page_are_compared_and_counted(page, model, tmp_path):
    (tmp_path / "gold.csv").write_text("post,author,stance\n2,bob,favor\n3,cat,\n")
    done = run("evaluate", tmp_path / "gold.csv", "--page", page, "--model", model, "--report", tmp_path / "page.html")
    assert done.stdout.startswith("1 post of 1 thread (2 more posts without a label: read, not compared)"), done.stderr
    assert (tmp_path / "page.html").exists()


def test_a_page_that_does_not_match_its_labels_is_refused_by_number_and_author(page, tmp_path):
    (tmp_path / "gold.csv").write_text("post,author,stance\n1,ann,against\n2,eve,favor\n3,cat,none\n")
    done = run("evaluate", tmp_path / "gold.csv", "--page", page)
    assert done.exit_code == 2
    assert "post 2 is by bob, not by eve" in done.stderr


def test_train_writes_a_model_that_label_takes(small_corpus, page, tmp_path):
    stance.write_table(small_corpus, tmp_path / "corpus.csv")
    done = run("train", tmp_path / "corpus.csv", "--name", "tiny", "-o", tmp_path / "tiny")
    assert done.exit_code == 0, done.stderr
    assert "learned from 90 posts of 30 threads" in done.stdout
    assert run("label", page, "--model", tmp_path / "tiny").exit_code == 0


def test_explain_ends_with_the_logit(model):
    assert run("explain", "they steal code", "--model", model).stdout.splitlines()[-1].startswith("logit")


def test_explain_tells_words_and_conversation_apart(page, model):
    shown = run("explain", "--thread", page, "--post", "2", "--model", model).stdout
    assert "words alone" in shown
    assert "in the conversation" in shown


def test_csv_of_labels_is_what_a_spreadsheet_reads(page, model, tmp_path):
    run("label", page, "--model", model, "-o", tmp_path / "l.csv")
    header = next(csv.reader(io.StringIO((tmp_path / "l.csv").read_text())))
    assert header[:3] == ["thread", "post", "stance"]


BINARY = bytes(range(256)) * 20


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("missing.txt", None, "no such file"),
        ("empty.txt", b"", "the file is empty"),
        ("article.html", b"<html><body><p>Only an article.</p></body></html>", "no posts"),
        ("binary.bin", BINARY, ""),
        ("words.csv", b"words,stance\nhello,none\n", "text"),
        ("no-text.jsonl", b'{"post": "1", "stance": "none"}\n', "text"),
    ],
)
@pytest.mark.parametrize("out", [False, True])
def test_what_cannot_be_labelled_ends_in_one_line_and_status_2(tmp_path, model, name, data, message, out):
    source = tmp_path / name
    if data is not None:
        source.write_bytes(data)
    target = tmp_path / "labels.csv"
    done = run("label", source, "--model", model, *(["-o", target] if out else []))
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert name.split(".")[0] in done.stderr
    assert message in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ([name] if data is not None else [])


TWICE = '{"post": "1", "text": "a"}\n{"post": "1", "text": "b"}\n'


def test_a_post_id_that_stands_twice_is_refused_with_its_row(tmp_path, model):
    (tmp_path / "twice.jsonl").write_text(TWICE)
    done = run("label", tmp_path / "twice.jsonl", "--model", model)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "twice.jsonl, row 2: post '1' stands twice in thread '1'; give each post" in done.stderr


def test_with_an_output_a_row_that_cannot_be_used_is_put_aside_and_the_status_says_so(tmp_path, model):
    (tmp_path / "twice.jsonl").write_text(TWICE)
    done = run("label", tmp_path / "twice.jsonl", "--model", model, "-o", tmp_path / "out.csv")
    assert (done.exit_code, done.stderr) == (2, "1 posts labelled, 1 rows rejected\n")
    assert stance.read_table(tmp_path / "out.csv")["post"].tolist() == ["1"]
    rejected = rows((tmp_path / "out.csv.rejected.jsonl").read_text())
    assert [(row["line"], row["reason"]) for row in rejected] == [(2, "post '1' stands twice in thread '1'")]


@pytest.mark.parametrize(("target", "hinted"), [("slow zone", True), ("5G", True), ("Acme", False)])
def test_a_target_that_is_not_one_word_is_told_of_spellings(tmp_path, target, hinted):
    (tmp_path / "posts.csv").write_text("text,stance\nfine,favor\n")
    done = run("train", tmp_path / "posts.csv", "--target", target, "-o", tmp_path / "model")
    told = [f"{target!r} is not looked for as it stands; name the words that it goes by with --spelling, one word each"]
    assert done.stderr.splitlines()[:-1] == (told if hinted else [])
    assert "1 posts labelled 'favor', at least 5" in done.stderr


def test_an_unknown_label_names_its_row(tmp_path):
    (tmp_path / "gold.csv").write_text("post,text,stance\n1,a,favor\n2,b,pro\n")
    done = run("evaluate", tmp_path / "gold.csv")
    assert done.exit_code == 2
    assert "row 2: unknown label 'pro'; use favor, against or none" in done.stderr


def test_a_model_with_a_changed_byte_is_refused(page, model, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    data = bytearray((broken / "idf.npy").read_bytes())
    data[-1] ^= 1
    (broken / "idf.npy").write_bytes(bytes(data))
    done = run("label", page, "--model", broken)
    assert done.exit_code == 2
    assert "idf.npy: the file has been changed" in done.stderr


def test_usage_that_makes_no_sense_is_refused():
    assert run("explain").exit_code == 2
    assert run("label").exit_code == 2
    assert run("evaluate", "gold.csv", "--labels", "a", "--model", "b").exit_code == 2


def test_a_bug_keeps_its_traceback(monkeypatch, page):
    monkeypatch.setattr(stance, "label_rows", lambda *_, **__: 1 / 0)
    assert isinstance(run("label", page).exception, ZeroDivisionError)


def test_a_terminal_gets_a_table_and_no_control_character_of_a_post(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    hostile = {"post": "1", "p": 0.25, "author": None, "text": "\x1b[31mred"}
    print_rows([hostile, {"post": "12", "p": 1.0, "author": "Ada", "text": "x" * 99}])
    assert capsys.readouterr().out.splitlines() == [
        "post  p      author  text",
        "1     0.250          \ufffd[31mred",
        f"12    1.000  Ada     {'x' * 58} …",
    ]


def test_every_command_says_what_it_does():
    for name, command in main.commands.items():
        assert command.help, name
        assert run(name, "--help").exit_code == 0


def test_the_library_and_the_command_give_the_same_labels(page, model):
    printed = pd.DataFrame(rows(run("label", page, "--model", model).stdout))
    called = stance.label(page, model)
    assert printed["stance"].tolist() == called["stance"].tolist()
    assert printed["p_favor"].tolist() == called["p_favor"].tolist()


@pytest.mark.parametrize("command", [["extract"], ["label"], ["label", "-o", "out.csv"], ["report", "-o", "out.html"]])
def test_a_folder_stands_for_the_files_in_it(tmp_path, monkeypatch, command):
    (tmp_path / "pages").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "pages" / "cameras.txt").write_text(PAGE)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, [command[0], "pages", *command[1:]]).exit_code == 0
    empty = CliRunner().invoke(main, [command[0], "empty", *command[1:], *(["--force"] if command[1:] else [])])
    assert (empty.exit_code, empty.stderr) == (2, "stance: empty: no files there; check the path\n")
