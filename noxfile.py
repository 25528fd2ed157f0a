"""What is tried outside the developers' environment: installations as users make them, and what they bring along.

`nox` builds the wheel and the sdist and tries each in a fresh environment on every Python that we support, outside the
repository, so that nothing but the installed package can answer. A Python that this machine lacks is skipped; with CI
set it fails. `nox -s sbom` writes down all that an installation consists of, `nox -s stale` what of it is old.
"""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
nox.options.default_venv_backend = "uv|venv"
# What is missing is skipped, and not fetched from elsewhere.
nox.options.download_python = "never"
nox.options.sessions = ["installs"]
nox.options.error_on_missing_interpreters = os.environ.get("CI") == "true"

#: What a user waits for: the command, and the seconds that it should take at most.
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
    # Absolute, both: nox may give them from where it was started, and what follows happens elsewhere.
    folder, programs = Path(session.create_tmp()).resolve(), Path(session.bin).resolve()
    for left in folder.iterdir():
        left.unlink()
    build = [sys.executable, "-m", "hatchling", "build", "--target", archive, "--directory", str(folder)]
    session.run(*build, silent=True, external=True)
    [built] = folder.iterdir()
    begin = time.perf_counter()
    session.install(str(built))
    session.log(f"installed in {time.perf_counter() - begin:.1f} s")
    session.chdir(folder)
    (folder / "page.txt").write_text(PAGE)
    session.run("stance", "--version")
    session.run("stance", "demo", "-o", "demo.html", silent=True)
    session.run("stance", "label", "page.txt", "-o", "labels.csv")
    if len((folder / "labels.csv").read_text().splitlines()) != 3:
        session.error("labels.csv should have a header and two posts")
    for name, (command, limit) in LIMITS.items():
        seconds = _median_seconds([str(programs / command[0]), *command[1:]])
        session.log(f"{name}: {seconds:.2f} s of a processor (at most {limit} s)")
        if seconds > limit:
            session.error(f"{name} takes {seconds:.2f} s of a processor, more than {limit} s")


def _median_seconds(command: list[str]) -> float:
    return statistics.median(_seconds(command) for _ in range(5))


def _seconds(command: list[str]) -> float:
    """Processor time, which a busy machine does not stretch; on an idle one the clock says much the same."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@nox.session(python="3.11")
def sbom(session: nox.Session) -> None:
    """Write dist/sbom.cdx.json (CycloneDX) and dist/licences.md of all that an installation brings along."""
    session.install("cyclonedx-bom>=7", "pip-licenses>=5")
    runtime = Path(session.create_tmp()) / "runtime"
    session.run(sys.executable, "-m", "venv", "--clear", str(runtime), external=True)
    python = str(runtime / "bin" / "python")
    session.run(python, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK), external=True)
    # By name, from a folder: an installation from a path would write the path into the list.
    built = str(Path(session.create_tmp()) / "built")
    session.run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built, silent=True, external=True)
    ourselves = ["--no-deps", "--no-index", "--find-links", built, "stance"]
    session.run(python, "-m", "pip", "install", "-q", *ourselves, external=True)
    # What only builds and installs is no part of what is shipped.
    builders = ["pip", "setuptools", "hatchling", "editables", "pathspec", "pluggy", "tomlkit", "trove-classifiers"]
    session.run(python, "-m", "pip", "uninstall", "-q", "-y", *builders, external=True)
    (ROOT / "dist").mkdir(exist_ok=True)
    output = str(ROOT / "dist" / "sbom.cdx.json")
    session.run("cyclonedx-py", "environment", python, "--output-reproducible", "-o", output)
    listed = ["--python", python, "--from", "mixed", "--format", "markdown", "--order", "license"]
    session.run("pip-licenses", *listed, "--output-file", str(ROOT / "dist" / "licences.md"))
    components = json.loads(Path(output).read_text())["components"]
    session.log(f"{len(components)} components in {output}")


@nox.session(python=False)
def stale(session: nox.Session) -> None:
    """Fail where a dependency has had no release for two years and docs/decisions/0003-dependencies.md gives no reason.

    Needs uv, which can be told to see nothing that is newer.
    """
    two_years_ago = f"{datetime.now(UTC) - timedelta(days=730):%Y-%m-%d}"
    locked = set(re.findall(r"^([\w.-]+)==", LOCK.read_text(), re.MULTILINE))
    reasons = (ROOT / "docs" / "decisions" / "0003-dependencies.md").read_text()
    latest = _versions(locked, {})
    then = _versions(locked, {"UV_EXCLUDE_NEWER": two_years_ago})
    old = sorted(name for name, version in then.items() if latest.get(name) == version)
    for name in old:
        session.log(f"{name} {latest[name]}: no release since {two_years_ago}")
    unexplained = [name for name in old if f"`{name}`" not in reasons]
    if unexplained:
        session.error(f"no reason in docs/decisions/0003-dependencies.md for {', '.join(unexplained)}")


def _versions(names: set[str], environment: dict[str, str]) -> dict[str, str]:
    """The newest version of each package; one that is younger than the environment allows has none."""
    command = ["uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "-"]
    done = subprocess.run(
        command, input="\n".join(names), capture_output=True, text=True, env={**os.environ, **environment}
    )
    if done.returncode == 0:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", done.stdout, re.MULTILINE))
    young = set(re.findall(r"no versions of ([\w.-]+)", done.stderr)) & names
    if not young:
        raise RuntimeError(done.stderr)
    return _versions(names - young, environment)
