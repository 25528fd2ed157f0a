"""Installations as users make them: `nox` builds the wheel and the sdist and tries each on every Python we support.

A session is a fresh environment; what runs in it runs outside the repository, so that nothing but the installed package
can answer. A Python that this machine lacks is skipped, unless CI is set.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
nox.options.default_venv_backend = "uv|venv"
nox.options.sessions = ["installs"]

#: What a user waits for: the command and the seconds that it should take at most on an idle machine.
LIMITS = {
    "import stance": (["python", "-c", "import stance"], 0.15),
    "stance --help": (["stance", "--help"], 0.35),
    "stance label PAGE": (["stance", "label", "page.txt"], 1.5),
}

PAGE = """Masts in the valley

2 Comments

1. Ada

Posts: 12; Member since: Jan 02, 2017

Huawei base stations passed every audit. Show me one finding.

2. Bob_K

Posts: 9; Member since: Jan 02, 2018

The vendor paid for that audit, so I do not trust it.
"""


@nox.session(python=["3.11", "3.12", "3.13"])
@nox.parametrize("archive", ["wheel", "sdist"])
def installs(session: nox.Session, archive: str) -> None:
    """Install an archive into a fresh environment and use it as a stranger would."""
    folder = Path(session.create_tmp())
    build = [sys.executable, "-m", "hatchling", "build", "--target", archive, "--directory", str(folder)]
    session.run(*build, silent=True, external=True)
    [built] = [path for path in folder.iterdir() if path.name.startswith("stance-")]
    begin = time.perf_counter()
    session.install(str(built))
    session.log(f"installed in {time.perf_counter() - begin:.1f} s")
    session.chdir(folder)
    (folder / "page.txt").write_text(PAGE)
    session.run("stance", "--version")
    session.run("stance", "demo", "-o", "demo.html")
    session.run("stance", "label", "page.txt", "-o", "labels.csv")
    if len((folder / "labels.csv").read_text().splitlines()) != 3:
        session.error("labels.csv should have a header and two posts")
    for name, (command, limit) in LIMITS.items():
        # Said, not asserted: a busy machine is no fault of the installation.
        session.log(f"{name}: {_median_seconds(session, command):.2f} s (aim: {limit} s)")
    built.unlink()


def _median_seconds(session: nox.Session, command: list[str]) -> float:
    found = [str(Path(session.bin) / command[0]), *command[1:]]
    return statistics.median(_seconds(found) for _ in range(5))


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin
