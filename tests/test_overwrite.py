"""What is there already stays, unless `--force` says otherwise."""

import os

import pytest
from click.testing import CliRunner

import stance
import stance.stream
from stance.annotate.events import Event
from stance.annotate.store import Store
from stance.cli import main
from stance.data import posts_table
from stance.errors import DataError

POSTS = [
    {"thread": "t", "post": "1", "author": "ann", "text": "Huawei steals code", "stance": "against"},
    {"thread": "t", "post": "2", "author": "bob", "text": "great phone", "stance": "favor"},
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stance.write_table(posts_table(POSTS), "posts.jsonl")
    store = Store("labels.db")
    store.add_posts(posts_table(POSTS))
    store.add([Event("event-1", "ann", "t", "1", "stance", "favor")])
    store.close()
    return tmp_path


def run(command):
    return CliRunner().invoke(main, command.split(), catch_exceptions=False)


COMMANDS = {
    "extract posts.jsonl -o": "out.csv",
    "label posts.jsonl -o": "out.jsonl",
    "train posts.jsonl -o": "model",
    "train posts.jsonl --name": "acme",
    "export labels.db -o": "out.csv",
    "demo -o": "out.html",
    "evaluate posts.jsonl --labels posts.jsonl --report": "out.html",
    "compare posts.jsonl posts.jsonl --report": "out.html",
    "report posts.jsonl --labels posts.jsonl -o": "out.html",
    "report posts.jsonl --labels posts.jsonl": "",
    "report posts.jsonl --by author -o other.html --each": "each",
}


@pytest.mark.parametrize(("command", "output"), COMMANDS.items(), ids=COMMANDS)
def test_no_command_replaces_what_is_there(folder, command, output):
    taken = folder / {"": "report.html", "acme": "models/acme"}.get(output, output)
    if taken.suffix:
        taken.write_text("dear to somebody")
    else:
        taken.mkdir(parents=True)
        (taken / "card.json").write_text("dear to somebody")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = run(f"{command} {output}")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "is there already; name another, or replace it with --force" in done.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", [name for name in COMMANDS if not name.startswith(("train", "demo"))])
def test_force_replaces_it(folder, command):
    output = COMMANDS[command]
    for _ in range(2):
        done = run(f"{command} {output} --force")
        assert done.exit_code == 0, done.stderr


def test_every_command_that_writes_has_the_option(folder):
    writing = {"output", "report_file", "each"}
    found = {
        name: {"force"} <= {parameter.name for parameter in command.params}
        for name, command in main.commands.items()
        if writing & {parameter.name for parameter in command.params}
    }
    assert found == dict.fromkeys(found, True)
    assert {name.split()[0] for name in COMMANDS} <= set(found)


@pytest.mark.parametrize("kind", ["file", "folder", "link to nowhere"])
def test_the_library_replaces_nothing_either(folder, kind):
    path = folder / "out.csv"
    {
        "file": lambda: path.touch(),
        "folder": lambda: (path / "in it").mkdir(parents=True),
        "link to nowhere": lambda: path.symlink_to("nowhere"),
    }[kind]()
    with pytest.raises(DataError, match=r"is there already.*force=True"):
        stance.write_table(posts_table(POSTS), path)


def test_an_empty_folder_is_free(folder, small_model):
    (folder / "model").mkdir()
    assert stance.save_model(small_model, folder / "model") == folder / "model"
    with pytest.raises(DataError, match="is there already"):
        stance.save_model(small_model, folder / "model")
    stance.save_model(small_model, folder / "model", force=True)


def test_no_file_takes_the_place_of_a_device_or_pipe(folder):
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        stance.write_table(posts_table(POSTS), folder / "pipe.csv", force=True)


def stop(*_):
    raise KeyboardInterrupt


def test_a_run_stopped_when_its_output_was_done_goes_on(folder, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(DataError, match="interrupted"):
        patched.setattr(stance.stream.Journal, "discard", stop)
        stance.label_files(["posts.jsonl"], "out.jsonl")
    whole = (folder / "out.jsonl").read_bytes()
    assert str(stance.label_files(["posts.jsonl"], "out.jsonl")) == "2 posts labelled toward Huawei"
    assert (folder / "out.jsonl").read_bytes() == whole
    assert not (folder / "out.jsonl.parts").exists()


@pytest.mark.parametrize("taken", ["out.jsonl", "out.jsonl.rejected.jsonl", "out.jsonl.parts/notes.txt"])
def test_a_run_stands_back_from_files_of_others(folder, taken):
    (folder / taken).parent.mkdir(exist_ok=True)
    (folder / taken).write_text("dear to somebody")
    with pytest.raises(DataError, match=r"is there already|holds no parts"):
        stance.label_files(["posts.jsonl"], "out.jsonl")
    assert (folder / taken).read_text() == "dear to somebody"


def test_a_stopped_run_stands_back_from_a_file_that_came_meanwhile(folder, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(DataError, match="interrupted"):
        patched.setattr(stance.stream.Journal, "finish", stop)
        stance.label_files(["posts.jsonl"], "out.jsonl")
    (folder / "out.jsonl").write_text("dear to somebody")
    with pytest.raises(DataError, match="is there already"):
        stance.label_files(["posts.jsonl"], "out.jsonl")
    stance.label_files(["posts.jsonl"], "out.jsonl", force=True)
    assert len((folder / "out.jsonl").read_text().splitlines()) == 2
