"""The labelling server: gathers the posts, answers the page, and ends cleanly on Ctrl-C.

Why cheroot: Flask's own development server is slower (1,340 against 2,100 stored labels a second here) and says itself
that it is not to be exposed to a network; waitress is as fast but has had no release since 2024-11.
"""

from __future__ import annotations

import getpass
import ipaddress
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from cheroot.wsgi import Server
from flask import Flask

from stance.annotate.app import create_app
from stance.annotate.aside import Aside
from stance.annotate.events import check_annotator
from stance.annotate.exchange import Added, add_sources, read_sources
from stance.annotate.learner import Learner
from stance.annotate.session import Session, Settings
from stance.annotate.store import Store
from stance.data import shipped
from stance.errors import DataError
from stance.tables import read_bytes

#: A browser holds up to six connections; none of them keeps a thread while it is idle.
_THREADS = 16
#: The application refuses bodies long before; up to here they are read to the end, so that the sender hears why.
_LONGEST_DRAIN = 32 << 20
_LOCAL = ("127.0.0.1", "localhost")


def annotate(
    sources: Sequence[str],
    *,
    database: str,
    annotator: str | None = None,
    order: str = "page",
    assisted: bool = False,
    overlap: float = 1.0,
    target: str = "Huawei",
    model: str | None = None,
    every: int = 25,
    labels_of: str | None = None,
    codebook: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    ready: Callable[[str], object] = print,
    tell: Callable[[str], object] = print,
    import_only: bool = False,
) -> None:
    """Serve the labelling page until Ctrl-C; or take the sources into the database, and be done.

    Parameters
    ----------
    sources : sequence of str
        Whatever `stance.extract` reads, posts tables, exports of Label Studio or doccano; may be empty where the
        database has posts.
    database : str
        The SQLite file.
    annotator : str, optional
        Who labels where the page names nobody; by default the login name.
    order : {"page", "active"}
        As on the page, or first what would teach the model most.
    assisted : bool
        Whether the model's guess is shown before the label is given.
    overlap : float
        Share of the posts that everybody labels, 0 to 1; the others go to whoever comes first.
    target : str
        Whom or what the stances are about.
    model : str, optional
        A model's folder; it guesses until, in active order, one trained on these labels takes its place. By default
        the model that comes with stance, if it is about this target.
    every : int
        In active order a model is trained again after so many labels.
    labels_of : str, optional
        Whose the labels in the sources are where they do not say; by default the annotator's own.
    codebook : str, optional
        Path of a Markdown file; by default the one that comes with stance, with this target's name in it.
    host : str
        An address other than this machine's own loopback needs a token in the link.
    port : int
        0 takes the port of the last time, so that a page left open finds its server again, or a free one.
    token : str, optional
        By default a new one is made where one is needed.
    ready : callable
        Told the address to open, once it answers.
    tell : callable
        Told what the sources held, where that is worth a word.
    import_only : bool
        Whether posts and labels are taken in and no page is served.

    Raises
    ------
    DataError
        If there is nothing to label, the host is no address of this machine, or the port is taken.
    """
    settings = Settings(check_annotator(annotator or default_annotator()), target, order, assisted, overlap)
    store, added = _store(sources, database, labels_of or settings.annotator)
    for one in added:
        _tell(one, database, tell, everything=import_only)
    if import_only:
        store.close()
        return
    aside = Aside(model=model, target=target)
    try:
        fit = aside.lesson if order == "active" else None
        learner = Learner(store, fit, every=every, first=aside.first_guesses)
        secret = None if host in _LOCAL else token or secrets.token_urlsafe(16)
        session = Session(store, settings, learner)
        app = create_app(session, codebook=codebook_text(codebook, target), hosts=_trusted_hosts(host), token=secret)
        server = _bind(app, host, port, store)
        link = f"http://{_reachable(host)}:{server.bind_addr[1]}/"
        _run(server, learner, lambda: ready(f"{link}?token={secret}" if secret else link))
    finally:
        aside.close()
        store.close()


def _tell(added: Added, database: str, tell: Callable[[str], object], *, everything: bool) -> None:
    if everything:
        tell(str(added))
    if added.met_before:
        again = f"{added.source}: {added.met_before} posts whose author and words are in {database} under other ids"
        tell(f"{again}; was the page read with the same STANCE_PLATFORMS then?")


def _store(sources: Sequence[str], database: str, labels_of: str) -> tuple[Store, list[Added]]:
    """Open the database with the posts of all sources in it; it is made only once there is something to put there."""
    read = read_sources(sources, labels_of)
    nothing = DataError("no posts to label", where=database, fix="name a page, dump or table with posts")
    if not read and not Path(database).exists():
        raise nothing
    store = Store(database)
    try:
        added = add_sources(store, read)
        if store.posts().empty:
            raise nothing
    except BaseException:
        store.close()
        raise
    return store, added


def default_annotator() -> str:
    """The login name, as version control systems do it; "me" where there is none that can be a name."""
    try:
        return check_annotator(getpass.getuser())
    except (OSError, KeyError, DataError):
        return "me"


def codebook_text(path: str | None, target: str) -> str:
    """The codebook in that file, or the one that comes with stance, about this target; Markdown."""
    if path:
        return read_bytes(path).decode("utf-8", "replace")
    # Its rules are those of any company and its products.
    return (shipped("data") / "CODEBOOK.md").read_text("utf-8").replace("Huawei", target)


def _trusted_hosts(host: str) -> list[str]:
    """Names by which browsers may call this server."""
    if host in _LOCAL:
        return list(_LOCAL)
    return [*_LOCAL, host, *_own_names()]


def _own_names() -> list[str]:
    name = socket.gethostname()
    try:
        addresses = socket.gethostbyname_ex(name)[2]
    except OSError:
        addresses = []
    return [name, f"{name}.local", *addresses]


def _reachable(host: str) -> str:
    """What colleagues type: for "all addresses" one that is theirs to reach."""
    if host in _LOCAL or not _is_any(host):
        return host
    outer = [address for address in _own_names()[2:] if not ipaddress.ip_address(address).is_loopback]
    return outer[0] if outer else socket.gethostname()


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _bind(app: Flask, host: str, port: int, store: Store) -> Server:
    """Listen on the port that was asked for, else on that of the last time, else on a free one."""
    last = int(store.setting("port", "0"))
    try:
        number = _probe(host, port) if port else _probe_either(host, last)
        # A number, not 0: only then does the server set SO_REUSEADDR, without which its own closed connections would
        # keep the next server from this port for a minute.
        server = Server((host, number), app, numthreads=_THREADS, shutdown_timeout=5)
        server.max_request_body_size = _LONGEST_DRAIN
        server.prepare()
    except OSError as error:
        problem = f"cannot listen on {host}:{port or last} ({error.strerror or error})"
        raise DataError(problem, fix="choose another --port or --host") from error
    store.keep("port", str(number))
    return server


def _probe(host: str, port: int) -> int:
    """Find out whether a port is free (0: which one is) before the server keeps a socket that it cannot bind."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        number: int = probe.getsockname()[1]
        return number


def _probe_either(host: str, last: int) -> int:
    try:
        return _probe(host, last)
    except OSError:
        return _probe(host, 0)


def _run(server: Server, learner: Learner, ready: Callable[[], object]) -> None:
    # A service manager's SIGTERM ends as cleanly as Ctrl-C does.
    before = signal.signal(signal.SIGTERM, _interrupt)
    learner.start()
    try:
        ready()
        server.serve()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        # A training is not worth waiting for; its thread ends with the process.
        learner.stop(timeout=0)
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
