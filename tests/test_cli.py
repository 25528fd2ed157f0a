"""The command line: data to stdout, messages to stderr, one line and status 2 for what the user gave wrong."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import stance
from stance.cli import main
from stance.terminal import print_rows

ROOT = Path(__file__).resolve().parent.parent

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
    aside = tmp_path / "out.csv.rejected.jsonl"
    done = run("label", tmp_path / "twice.jsonl", "--model", model, "-o", tmp_path / "out.csv")
    assert (done.exit_code, done.stderr) == (2, f"1 post labelled, 1 row rejected; it is in {aside}\n")
    assert stance.read_table(tmp_path / "out.csv")["post"].tolist() == ["1"]
    rejected = rows(aside.read_text())
    assert [(row["line"], row["reason"]) for row in rejected] == [(2, "post '1' stands twice in thread '1'")]


COMMENT = '{"body": "Ban it.", "link_id": "t3_l", "parent_id": "t3_l", "created_utc": 1556878500, "id": "b"}\n'


@pytest.mark.parametrize("command", [["extract"], ["label"], ["report", "-o", "-"]])
@pytest.mark.parametrize("line", [COMMENT, '{"post": "1", "text": "Ban it."}\n'])
def test_a_broken_line_of_a_dump_is_named_with_the_way_around_it(tmp_path, monkeypatch, command, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dump.jsonl").write_text(f"{line}\n{line[:20]}\n")
    done = run(command[0], "dump.jsonl", *command[1:])
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith("stance: dump.jsonl, line 3: not JSON (")
    assert done.stderr.endswith("`stance label dump.jsonl -o OUT` puts such lines aside\n")


def test_a_broken_export_that_is_one_whole_is_to_be_exported_again(tmp_path):
    (tmp_path / "export.json").write_text('{\n  "posts": [\n')
    done = run("extract", tmp_path / "export.json")
    assert (done.exit_code, done.stderr.endswith("line 3 column 1 (char 15)); export it again\n")) == (2, True)


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


def saved_page(folder):
    """A page as a browser saves it, with what belongs to it beside."""
    beside = folder / "cameras_files"
    beside.mkdir(parents=True)
    (folder / "cameras.txt").write_text(PAGE)
    (beside / "style.css").write_text("body { color: red }\n")
    (beside / "menu.js").write_text("(function () { return '<div>' })();\n")
    (beside / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(60))
    (beside / "advert.html").write_text("<html><body><p>Buy now.</p></body></html>")
    (beside / "nothing.html").touch()


@pytest.mark.parametrize("command", [["extract"], ["label"], ["report", "-o", "-"]])
def test_what_a_browser_saves_beside_a_page_is_passed_over_in_a_folder(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    saved_page(tmp_path / "saved")
    alone, among = (run(command[0], source, *command[1:]) for source in ("saved/cameras.txt", "saved"))
    assert (alone.exit_code, among.exit_code) == (0, 0)
    # A report names the command that made it.
    assert among.stdout.replace("report saved -o", "report saved/cameras.txt -o") == alone.stdout
    line = "5 of 6 files hold no posts and were passed over: advert.html, logo.png, menu.js …"
    assert among.stderr.count("passed over") == among.stderr.count(f"warning: {line}\n") == 1


@pytest.mark.parametrize("command", [["extract"], ["label"], ["report"]])
def test_a_file_that_is_named_must_be_a_page(tmp_path, command):
    saved_page(tmp_path)
    done = run(*command, tmp_path / "cameras.txt", tmp_path / "cameras_files" / "logo.png")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "logo.png: a PNG picture; give the page as HTML or as text" in done.stderr


@pytest.mark.parametrize("command", ["extract", "label", "report"])
def test_a_folder_without_a_single_page_is_refused(tmp_path, command):
    saved_page(tmp_path)
    done = run(command, tmp_path / "cameras_files")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "no posts in any file there (advert.html, logo.png, menu.js …); name a page to learn" in done.stderr


def test_a_damaged_dump_is_not_passed_over(tmp_path):
    (tmp_path / "page.txt").write_text(PAGE)
    (tmp_path / "dump.jsonl").write_text(COMMENT + COMMENT[:20] + "\n")
    done = run("extract", tmp_path)
    assert (done.exit_code, "dump.jsonl, line 2: not JSON" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "command", [["extract", "-o", "no/posts.csv"], ["label", "-o", "no/labels.csv"], ["report", "-o", "no/r.html"]]
)
def test_an_output_in_a_folder_that_is_not_there_says_so(page, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    done = run(command[0], page, *command[1:])
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "stance: no: no such folder; make it first, or name another",
    )


@pytest.mark.parametrize("address", ["www.example.com/thread", "forum.example.com/t/1", "www.example.com"])
@pytest.mark.parametrize("options", [[], ["-o", "-"]])
def test_an_address_as_a_browser_shows_it_lacks_its_beginning(address, options):
    done = run("label", address, *options)
    problem = f"stance: {address}: no such file; add https:// to an address, or check the path\n"
    assert (done.exit_code, done.stderr) == (2, problem)


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_is_explained_by_nothing(text):
    done = run("explain", text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "stance: the text is empty; give a post's words\n"


@pytest.mark.parametrize("command", [["label"], ["label", "-o", "-"], ["report", "-o", "-"]])
def test_a_page_that_was_read_by_guess_is_named(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "docs" / "examples" / "forum.html", "forum.html")
    done = run(command[0], "forum.html", *command[1:])
    line = "1 thread was read by guess, as repeated blocks: forum; `stance extract` shows what was found"
    assert (done.exit_code, done.stderr.splitlines().count(f"warning: {line}")) == (0, 1)


# A part at a time, so that there is more to write when nobody reads any more.
SMALL_PARTS = "import stance.stream, stance.cli; stance.stream.PART_ROWS = 2_000; stance.cli.main()"


@pytest.mark.parametrize("options", [[], ["-o", "-"]])
def test_a_reader_that_has_seen_enough_ends_the_run_without_a_word(tmp_path, options):
    posts = ({"thread": f"t{number}", "post": "1", "text": "Ban Huawei now."} for number in range(10_000))
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    command = [sys.executable, "-c", SMALL_PARTS, "label", tmp_path / "posts.jsonl", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_labels_given_by_hand_whose_conversation_is_lost_are_told(tmp_path, small_corpus, command):
    posts = small_corpus.assign(parent=[parent and f"row {parent}" for parent in small_corpus["parent"]])
    stance.write_table(posts, tmp_path / "gold.jsonl")
    done = run(command, tmp_path / "gold.jsonl", *(["-o", tmp_path / "model"] if command == "train" else []))
    line = "warning: 60 of 60 parents name no post of their thread; the conversation is then lost"
    assert (done.exit_code, done.stderr.splitlines().count(line)) == (0, 1)
