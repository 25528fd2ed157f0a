"""The page and its few questions, served to this machine, or to colleagues who were given a link with a token.

A page on some other site must not be able to read or add labels: foreign Host headers are refused (DNS rebinding), so
are requests from other origins and bodies that are not JSON (a form of another site cannot send JSON), and nothing
here allows CORS.
"""

from __future__ import annotations

import hmac
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, redirect, render_template, request
from markdown_it import MarkdownIt
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from stance.annotate.events import KINDS, check_annotator, check_event
from stance.annotate.exchange import export_labels, whole_table
from stance.annotate.session import Session
from stance.errors import DataError
from stance.tables import write_table

#: Largest request: a hundred labels made without the server, each with a long note, still fit.
_LONGEST_BODY = 1 << 20
_MOST_EVENTS = 200
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Labels change with each key, and the page's parts must fit each other after an upgrade.
    "Cache-Control": "no-store",
}

_COOKIE = "stance_token"

#: Endings that the page offers to download.
_DOWNLOADS = {
    ".csv": "posts table",
    ".jsonl": "posts table, JSON Lines",
    ".parquet": "posts table, Parquet",
    ".labels.csv": "labels without the words",
    ".json": "Label Studio",
    ".doccano.jsonl": "doccano",
    ".all.csv": "all posts, the model's guess where nobody labelled",
}


def create_app(session: Session, *, codebook: str, hosts: Sequence[str], token: str | None = None) -> Flask:
    """Make the WSGI application.

    Parameters
    ----------
    codebook : str
        Markdown; raw HTML in it is shown as text.
    hosts : sequence of str
        Names by which this server may be called; others are refused.
    token : str, optional
        What the link must carry; without it anybody on these hosts may label.
    """
    app = Flask("stance.annotate", root_path=str(Path(__file__).parent), static_folder="page")
    app.config.update(TRUSTED_HOSTS=list(hosts), MAX_CONTENT_LENGTH=_LONGEST_BODY)
    html = Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(codebook))  # noqa: S704 - escaped
    app.before_request(lambda: _check_request(token))
    app.after_request(_add_headers)
    app.register_error_handler(DataError, _refuse)
    app.register_error_handler(HTTPException, _say_why)
    app.add_url_rule("/", "page", lambda: _page(session, html, token))
    _add_questions(app, session)
    return app


def _add_questions(app: Flask, session: Session) -> None:
    @app.get("/api/state")
    def state() -> dict[str, Any]:
        return session.state(_annotator(session), _kind())

    @app.get("/api/queue")
    def queue() -> dict[str, Any]:
        after = (request.args.get("after_thread", ""), request.args.get("after_post", ""))
        return session.queue(_annotator(session), _kind(), after)

    @app.get("/api/thread")
    def thread() -> dict[str, Any]:
        found = session.thread(request.args.get("thread", ""), _annotator(session))
        if not found["posts"]:
            abort(404, "no such thread")
        return found

    @app.get("/api/progress")
    def progress() -> dict[str, Any]:
        return session.progress()

    @app.get("/api/disagreements")
    def disagreements() -> list[dict[str, Any]]:
        return session.disagreements(_kind())

    @app.post("/api/events")
    def events() -> dict[str, Any]:
        return _add_events(session)

    @app.get("/export/<whose>/<name>")
    def export(whose: str, name: str) -> Response:
        return _download(session, whose, name)


def _check_request(token: str | None) -> BaseResponse | None:
    """Refuse whatever does not come from our own page; runs before every answer, static files included."""
    origin = request.headers.get("Origin")
    # A link that is followed from elsewhere is no attack: it can only open the page.
    followed = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if not followed and request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        abort(403, "requests from other sites are refused")
    if origin and urlsplit(origin).netloc != request.host:
        abort(403, f"requests from {origin} are refused")
    if token is None:
        return None
    if _is_token(request.args.get("token"), token):
        return _with_cookie(token)
    if not _is_token(request.cookies.get(_COOKIE), token):
        abort(403, "the link has no valid token: ask for the link again")
    return None


def _is_token(given: str | None, token: str) -> bool:
    return hmac.compare_digest((given or "").encode(), token.encode())


def _with_cookie(token: str) -> BaseResponse:
    """Take the token out of the address bar, where it would end up in histories and screenshots."""
    annotator = request.args.get("annotator")
    answer = redirect(f"/?annotator={quote(annotator)}" if annotator else "/")
    answer.set_cookie(_COOKIE, token, httponly=True, samesite="Strict", max_age=30 * 86_400)
    return answer


def _add_headers(answer: Response) -> Response:
    answer.headers.update(_HEADERS)
    return answer


def _refuse(error: DataError) -> tuple[dict[str, str], int]:
    return {"error": str(error)}, 400


def _say_why(error: HTTPException) -> tuple[dict[str, str], int]:
    if error.code == 413:
        # A sender who is cut off in the middle of his words does not hear the answer; the server bounds their length.
        while request.environ["wsgi.input"].read(1 << 16):
            pass
    return {"error": error.description or error.name}, error.code or 500


def _page(session: Session, codebook: Markup, token: str | None) -> str:
    # Without a token everybody at this machine is its owner; colleagues say who they are.
    name = request.args.get("annotator") or (None if token else session.settings.annotator)
    return render_template(
        "index.html",
        annotator=check_annotator(name) if name else "",
        target=session.settings.target,
        codebook=codebook,
        downloads=_DOWNLOADS,
    )


def _annotator(session: Session) -> str:
    return check_annotator(request.args.get("annotator") or session.settings.annotator)


def _kind() -> str:
    kind = request.args.get("kind", KINDS[0])
    if kind not in KINDS:
        raise DataError(f"unknown kind {kind!r}", fix=f"use {' or '.join(KINDS)}")
    return kind


def _add_events(session: Session) -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict) or not isinstance(body.get("events"), list):
        abort(400, "send an object with a list of events")
    if body.get("database") != session.store.setting("database"):
        # The page of another database may still be open where this server now answers.
        abort(409, "these labels belong to another database")
    if len(body["events"]) > _MOST_EVENTS:
        abort(413, f"send at most {_MOST_EVENTS} events at once")
    annotator = check_annotator(body.get("annotator"))
    return session.add([check_event(fields, annotator) for fields in body["events"]])


def _download(session: Session, whose: str, name: str) -> Response:
    if not any(name == f"{whose}{ending}" for ending in _DOWNLOADS):
        abort(404, f"exports end in {', '.join(_DOWNLOADS)}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"export{name.removeprefix(whose)}"
        if name == f"{whose}.all.csv":
            write_table(whole_table(session.store, whose, session.guesses), path)
        else:
            export_labels(session.store, path, whose=whose)
        data = path.read_bytes()
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(data, mimetype="application/octet-stream", headers={"Content-Disposition": disposition})
