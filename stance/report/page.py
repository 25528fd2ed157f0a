"""Templates to one self-contained page: all strings escaped, no request to anywhere, no script but ours."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import stance
from stance.data import LABELS

#: What readers call the three stances, and the sign that stands beside each colour.
NAMES = {"favor": "for", "against": "against", "none": "no side"}
SIGNS = {"favor": "▲", "against": "▼", "none": "●"}


class Page(str):
    """A whole HTML page; a notebook shows it in a frame of its own, where its policy holds."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        frame = '<iframe srcdoc="{}" sandbox="allow-scripts" width="100%" height="640" title="stance report"></iframe>'
        return frame.format(escape(str(self)))


def render(template: str, **values: Any) -> Page:
    """Fill in a template; style and script go in whole, and the policy names them by their hashes."""
    style, script = asset("style.css"), asset("script.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    # Ours, from the package, and hashed: the only strings that are not escaped.
    trusted = {"style": Markup(style), "script": Markup(script)}  # noqa: S704
    page = _environment().get_template(template).render(policy=policy, version=stance.__version__, **trusted, **values)
    # A lone surrogate, which a page may hold, cannot be written as UTF-8.
    return Page(page.encode("utf-8", "replace").decode("utf-8"))


@cache
def asset(name: str) -> str:
    """Text of a file beside the templates."""
    return files("stance.report").joinpath("templates", name).read_text("utf-8")


def safe_url(url: str | None) -> str | None:
    """The address if a click on it can do no harm, else None: escaping does not stop `javascript:`."""
    try:
        return url if url and urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def percent(value: float | None) -> str:
    """A share as readers write it, without false precision; the space before the sign never breaks a line."""
    return "–" if value is None else f"{100 * value:.0f}\N{NO-BREAK SPACE}%"


def points(value: float) -> str:
    """A difference of two shares in points of a hundred, with a real minus sign."""
    rounded = round(100 * value)
    return "±0" if not rounded else f"{rounded:+d}".replace("-", "−")


def decimal(value: float | None) -> str:
    """A score to three places."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def count(n: int, noun: str) -> str:
    """A number with its noun: "1 post", "2 posts", "1 person", "2 people"."""
    plural = {"person": "people", "reply": "replies"}.get(noun, f"{noun}s")
    return f"{n:,} {noun if n == 1 else plural}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "decimal": decimal,
        "count": count,
        "safe_url": safe_url,
    }
    environment.globals |= {"LABELS": LABELS, "NAMES": NAMES, "SIGNS": SIGNS}
    return environment


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
