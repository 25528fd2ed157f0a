"""What the documents say is so: code blocks run, commands and options exist, links lead somewhere."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
from contextlib import closing
from functools import cache
from itertools import pairwise
from pathlib import Path

import joblib
import pytest
from click.testing import CliRunner
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from threadpoolctl import threadpool_limits

import stance
from stance.annotate.exchange import add_sources, read_sources
from stance.annotate.learner import Learner
from stance.annotate.server import Server
from stance.annotate.store import Store
from stance.cli import main

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(ROOT / d / "README.md" for d in ("benchmarks", "data", "models")),
    ]
)
README = (ROOT / "README.md").read_text()


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_readme_is_short_and_shows_a_command_early():
    lines = README.splitlines()
    assert len(lines) <= 120
    assert any(line.startswith("$ ") for line in lines[:15])


def test_the_readme_shows_what_the_demo_prints(monkeypatch):
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback: os.terminal_size((100, 24)))
    printed = re.sub(r"\x1b\[[0-9;]*m", "", stance.demo())
    assert printed.startswith(blocks(README, "text")[0].rstrip("\n"))


#: Commands that set up a machine: `make` targets are looked up below, the rest has no place in a test.
SETTING_UP = {"make", "git", "cd", "pip", ".", "jupyter"}
#: What the blocks of a document may be written in; anything else would be shown without being checked.
LANGUAGES = {"console", "python", "text", "toml"}


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder as a reader has it before him: the examples, also under the names of the README, and labels given."""
    shutil.copytree(ROOT / "docs/examples", tmp_path, dirs_exist_ok=True)
    shutil.copy(ROOT / "docs/examples/ebikes.csv", tmp_path / "posts.csv")
    shutil.copy(ROOT / "docs/examples/ebikes-gold.csv", tmp_path / "gold.csv")
    monkeypatch.chdir(tmp_path)
    with closing(Store(Path("labels.db"))) as store:
        add_sources(store, read_sources(["page-ann.csv"], "ann"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stance, "train", train_once)
    label_files = stance.label_files
    # One process: the output does not depend on their number, and each takes seconds to start.
    monkeypatch.setattr(stance, "label_files", lambda *files, jobs, **options: label_files(*files, **options))
    # The labelling page ends as soon as it is ready, learns nothing meanwhile, and no browser opens.
    monkeypatch.setattr(Server, "serve", lambda self: None)
    monkeypatch.setattr(Learner, "_run", lambda self: None)
    monkeypatch.setattr("webbrowser.open", lambda address: None)
    # Folds one after the other: processes take seconds to start, and the model is the same.
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        yield {path.name for path in tmp_path.iterdir()}


def train_once(posts, **options):
    """Several documents train the same model; once is enough."""
    return trained(Path(posts).read_bytes(), tuple(options.items()))


TRAIN = stance.train


@cache
def trained(content, options):
    return TRAIN(stance.read_table("posts.csv", content), **dict(options))


def run_console(example):
    """Run each command of a block, in order, and compare what it prints with the lines below it."""
    for line, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", f"{example.parsed}\n", re.MULTILINE):
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            example.namespace["monkeypatch"].setenv(name, value)
        make_room(words, example.namespace["given"])
        if words[0] not in SETTING_UP:
            check_output(line, expected, *run_command(words))


def make_room(words, given):
    """Take an example away where the reader writes his own file of that name; what he has written himself stays."""
    for option, name in pairwise(words):
        if option in ("-o", "--report") and name in given:
            given.remove(name)
            Path(name).unlink()


def run_command(words):
    if words[0] != "stance":
        assert words[0] in ("head", "ls")
        done = subprocess.run(words, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    done = CliRunner().invoke(main, words[1:], catch_exceptions=False)
    return done.exit_code, done.output


def check_output(line, expected, status, printed):
    wanted = 2 if re.search(r"^stance: |rejected(;|$)", expected, re.MULTILINE) else 0
    assert status == wanted, f"$ {line}\n{printed}"
    if expected.strip():
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        same = doctest.OutputChecker().check_output(masked(expected), masked(printed), flags)
        assert same, f"$ {line}\n{printed}"


def masked(text):
    """Figures move with each new model; that they are figures must not."""
    return re.sub(r"[-+]?\d+\.\d+(e-\d+)?%?|-[0-9a-f]{8}\b", "#", text.strip()) + "\n"


BLOCKS = Sybil(
    parsers=[
        CodeBlockParser(language="console", evaluator=run_console),
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
    ]
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_code_block_runs(path, desk, monkeypatch):
    document = BLOCKS.parse(path)
    document.namespace.update(monkeypatch=monkeypatch, given=desk)
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_is_in_a_language_that_is_checked(path):
    opened = re.findall(r"^```(\S*)", path.read_text(), re.MULTILINE)[::2]
    assert {language for language in opened if not language.startswith("{")} <= LANGUAGES


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_shown_in_a_document_is_the_file_that_its_commands_read(path):
    files = {file.read_text() for file in (ROOT / "docs/examples").glob("*.toml")}
    assert set(blocks(path.read_text(), "toml")) <= files


def test_the_reference_holds_every_public_name():
    text = (ROOT / "docs/reference/library.md").read_text()
    assert sorted(re.findall(r":: stance\.(\w+)", text)) == sorted(stance.__all__)


def test_the_reference_holds_every_schema():
    text = (ROOT / "docs/reference/formats.md").read_text()
    assert set(re.findall(r"\{schema\} ([\w-]+)", text)) == {
        p.name.split(".")[0] for p in (ROOT / "docs/schemas").iterdir()
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_document_exists_with_its_options(path):
    for line in re.findall(r"^\$ stance (.*?)(?:\s+#.*)?$", path.read_text(), re.MULTILINE):
        name, *rest = line.split()
        assert name in main.commands, line
        known = {
            option
            for parameter in main.commands[name].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in rest if word.startswith("-") and word != "-"} <= known, line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_in_a_document_exists(path):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in re.findall(r"^\$ make ([\w -]+?)(?:\s{2,}#.*)?$", path.read_text(), re.MULTILINE):
        assert set(line.split()) <= targets, line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(path):
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / link).exists(), link
