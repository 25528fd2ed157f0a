"""What the documents say is so: code blocks run, commands and options exist, links lead somewhere."""

import os
import re
import shutil
from pathlib import Path

import pytest

import stance
from stance.cli import main

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *(ROOT / d / "README.md" for d in ("data", "models"))]
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


def test_python_in_the_readme_runs():
    for block in blocks(README, "python"):
        exec(block, {})  # noqa: S102 - our own README


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
