"""The command line: each command parses, makes one library call, prints, and returns a status.

Data goes to stdout, messages and progress to stderr. Exit status: 0 done, 2 what the user gave cannot be used, 1 a bug.
"""

from __future__ import annotations

import json
import shlex
import sys
import webbrowser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import stance
from stance.errors import StanceError, printable, warnings_in_one_line

if TYPE_CHECKING:
    import pandas as pd

    from stance.data import Thread
    from stance.explain import Explanation, PostExplanation


class _OneLine(click.Group):
    """Turn what the user gave wrong into one line and status 2; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        with warnings_in_one_line():
            try:
                return super().invoke(ctx)
            except StanceError as error:
                click.echo(f"stance: {error}", err=True)
                ctx.exit(2)


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(stance.__version__)
def main() -> None:
    """Tell what a discussion thinks: each post's stance, how sure, and why."""


def _free(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """Refuse what is there already before any work is done."""
    if value is not None:
        stance.refuse_existing(value, force=context.params["force"])
    return value


# Eager, so that it is known when the names of files are looked at.
FORCE = click.option("--force", is_flag=True, is_eager=True, help="Replace what is there already.")
SOURCES = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
EXPORT_ENDINGS = (
    "By its ending: .csv, .jsonl or .parquet (posts with stance, for `stance train`), .labels.csv (without the words), "
    ".json (Label Studio), .doccano.jsonl."
)
PSEUDONYMISE = click.option("--pseudonymise", is_flag=True, help="Replace authors' names by others that say nothing.")
KEY = click.option("--key", metavar="FILE", help="What these depend on; made on first use. By default stance.key.")
BY_ENDING = "Write there, by its ending: .jsonl, .csv or .parquet."


@main.command()
@SOURCES
@click.option("-o", "--output", metavar="FILE", callback=_free, help=BY_ENDING)
@FORCE
@click.option("--pages", default=1, metavar="N", help="Fetch up to N pages of a thread that goes on.")
@click.option("--allow-private", is_flag=True, help="Fetch from loopback and private addresses too.")
@click.option("--no-cache", is_flag=True, help="Fetch anew what was fetched less than a day ago.")
@PSEUDONYMISE
@KEY
def extract(
    sources: tuple[str, ...],
    output: str | None,
    force: bool,
    pages: int,
    allow_private: bool,
    no_cache: bool,
    pseudonymise: bool,
    key: str | None,
) -> None:
    """Print the posts of pages, dumps and exports, or folders of them, one row a post."""
    fetcher = stance.Fetcher(allow_private=allow_private, cache=None if no_cache else stance.default_cache())
    threads = stance.extract_all(sources, pages=pages, fetcher=fetcher)
    for thread in threads:
        click.echo(printable(_summary(thread)), err=True)
    secret = _key(pseudonymise, key)
    if output is None and secret is None:
        stance.print_rows(list(stance.thread_rows(threads)))
        return
    table = stance.threads_to_table(threads)
    if secret is not None:
        table = stance.pseudonymise(table, key=secret)
    if output:
        stance.write_table(table, output, force=force)
    else:
        stance.print_rows([{str(name): value for name, value in row.items()} for row in table.to_dict("records")])


def _key(pseudonymise: bool, path: str | None) -> bytes | None:
    if path and not pseudonymise:
        raise click.UsageError("--key belongs to --pseudonymise")
    return stance.read_key(*filter(None, [path])) if pseudonymise else None


@main.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--db", "database", default="labels.db", show_default=True, metavar="FILE", help="Where labels are kept.")
@click.option("--port", default=0, metavar="N", help="By default that of the last time, or a free one.")
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
@click.option("--annotator", metavar="NAME", help="Who labels. By default your login name.")
@click.option("--order", type=click.Choice(["page", "active"]), default="page", show_default=True)
@click.option("--model", metavar="DIR", help="The model that guesses. By default the one that comes with stance.")
@click.option("--every", default=25, show_default=True, metavar="N", help="Train the model again after N labels.")
@click.option("--assisted", is_flag=True, help="Show the model's guess before the label is given.")
@click.option("--overlap", default=1.0, show_default=True, type=click.FloatRange(0, 1), help="Share that all label.")
@click.option("--target", default="Huawei", show_default=True, metavar="NAME", help="What the stances are about.")
@click.option("--codebook", metavar="FILE", help="Markdown to show instead of the codebook that comes with stance.")
@click.option("--import", "import_only", is_flag=True, help="Take posts and labels into the database, and be done.")
@click.option("--labels-of", metavar="NAME", help="Whose the labels in the sources are; by default yours.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Share with a team; the link then has a token.")
@click.option("--token", metavar="TEXT", help="The token of that link. By default a new one.")
def annotate(sources: tuple[str, ...], no_open: bool, **options: Any) -> None:
    """Label posts by hand in the browser: one key a label, each post in its conversation."""
    stance.annotate(sources, ready=partial(_open_page, not no_open), tell=partial(click.echo, err=True), **options)


def _open_page(in_browser: bool, address: str) -> None:
    click.echo(address)
    if in_browser:
        webbrowser.open(address)


@main.command()
@click.argument("database", metavar="FILE.db")
@click.option("-o", "--output", required=True, metavar="FILE", callback=_free, help=EXPORT_ENDINGS)
@FORCE
@click.option("--whose", default="majority", show_default=True, metavar="NAME", help="An annotator, or adjudicated.")
def export(database: str, output: str, force: bool, whose: str) -> None:
    """Write labels given by hand to a file: of one annotator, of the majority, or adjudicated."""
    click.echo(f"{output}: {stance.export_labels(database, output, whose=whose, force=force)}", err=True)


def _summary(thread: Thread) -> str:
    """One line on what was found in a page, and what was not."""
    count = f"{len(thread.posts)} post{'' if len(thread.posts) == 1 else 's'}" if thread.posts else "no posts"
    hidden = f", {thread.hidden} hidden" if thread.hidden else ""
    platform = f", read as {thread.platform}" if thread.posts and thread.platform else ""
    return "; ".join([f"{thread.id}: {count}{hidden}{platform}", *thread.notes])


MODEL = click.option("--model", metavar="DIR", help="A model's folder; by default the Huawei model that comes along.")
WORDS_ALONE = click.option(
    "--conversation/--no-conversation", default=True, help="Read each post in its conversation (default), or alone."
)


@main.command()
@click.argument("posts", required=False, metavar="[POSTS]")
@click.option("--target", default="Huawei", show_default=True, help="Whom or what the stances are about.")
@click.option("--name", metavar="NAME", help="The model's name; by default the target's, in lower case.")
@click.option("--spelling", "spellings", multiple=True, help="How the target's name begins, one word; may be repeated.")
@click.option("-o", "--output", metavar="DIR", help="The model's folder; by default models/NAME.")
@FORCE
@click.option("--seed", default=0, show_default=True, help="Decides the folds.")
@click.option("--with-corpus", is_flag=True, help="Learn from the corpus that comes along as well as from POSTS.")
def train(
    posts: str | None, target: str, name: str | None, spellings: tuple[str, ...], output: str | None, **chosen: Any
) -> None:
    """Train a model on labelled POSTS (columns text and stance), by default the corpus that comes along."""
    where = output or Path("models") / (name or stance.model_name(target))
    stance.refuse_existing(where, force=chosen["force"])
    if hint := stance.spelling_hint(target, spellings) if posts and not chosen["with_corpus"] else None:
        click.echo(hint, err=True)
    settings, names, beside = stance.Settings(seed=chosen["seed"]), spellings or None, chosen["with_corpus"]
    trained = stance.train(posts, target=target, name=name, spellings=names, settings=settings, with_corpus=beside)
    folder = stance.save_model(trained.model, where, force=chosen["force"])
    click.echo(str(trained))
    click.echo(f"model {trained.model.id} is in {folder}", err=True)


@main.command()
@SOURCES
@click.option("-o", "--output", metavar="FILE", help=BY_ENDING)
@FORCE
@MODEL
@WORDS_ALONE
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Number of processes.")
@click.option("--dask", metavar="ADDRESS", help="Label on a Dask cluster: tcp://..., or local (needs stance[dask]).")
@click.option("--sort-threads", is_flag=True, help="Sort the input by thread first (needs stance[sort]).")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be used.")
@PSEUDONYMISE
@KEY
@click.pass_context
def label(
    context: click.Context,
    /,
    sources: tuple[str, ...],
    output: str | None,
    model: str | None,
    pseudonymise: bool,
    key: str | None,
    **options: Any,
) -> None:
    """Label every post of pages, dumps, exports, posts tables, or folders of them.

    With -o, inputs of any size are labelled in constant memory: rows that cannot be used go to FILE.rejected.jsonl, and
    the exit status is then 2; a run that was stopped goes on when the same command is given again. "-o -" streams to
    standard output. Without -o the whole input is read first, and a row that cannot be used ends the run.
    """
    if output is None:
        # Labels without their posts name nobody.
        stance.print_rows(stance.label_rows(sources, model, conversation=options["conversation"]))
        return
    counts = stance.label_files(sources, output, model, key=_key(pseudonymise, key), **options)
    click.echo(str(counts), err=True)
    context.exit(2 if counts.rejects else 0)


@main.command()
@click.argument("text", required=False)
@click.option("--thread", "source", metavar="SOURCE", help="Explain a post of this page or table instead of TEXT.")
@click.option("--post", metavar="ID", help="The post's number or id.")
@MODEL
@click.option("--top", default=12, show_default=True, help="How many n-grams to name.")
@click.option("--json", "as_json", is_flag=True, help="Print every n-gram as JSON.")
def explain(text: str | None, source: str | None, post: str | None, model: str | None, top: int, as_json: bool) -> None:
    """Tell which words moved a label, and by how much."""
    explanation = _explanation(text, source, post, model)
    click.echo(json.dumps(explanation.to_dict()) if as_json else printable(explanation.summary(top)))


def _explanation(
    text: str | None, source: str | None, post: str | None, model: str | None
) -> Explanation | PostExplanation:
    if text is not None and not text.strip():
        raise stance.DataError("the text is empty", fix="give a post's words")
    if text is not None and source is None and post is None:
        return stance.explain(text, model)
    if text is None and source is not None and post is not None:
        return stance.explain_post(source, post, model)
    raise click.UsageError("give TEXT, or --thread SOURCE with --post ID")


@main.command()
@click.option("-o", "--output", metavar="FILE", callback=_free, help="Also write the report on the thread there.")
@FORCE
def demo(output: str | None, force: bool) -> None:
    """Label an invented thread that comes along, and score the labels against its hand labels."""
    click.echo(stance.demo())
    if output:
        model = stance.load_model(None)
        _write_page(stance.report(stance.demo_posts(), model, command=_command()), output, force=force)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check this installation, and print versions and findings as Markdown to paste into a report of a fault.

    Exit status 0 where all is well, 2 where something is not.
    """
    found = stance.doctor()
    click.echo(json.dumps(found.to_dict()) if as_json else str(found))
    context.exit(0 if found.ok else 2)


GOLD_COLUMN = click.option(
    "--against",
    type=click.Choice(["stance", "text_only"]),
    default="stance",
    show_default=True,
    help="The column of GOLD: read in the conversation, or the words alone.",
)


def _one_page(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Refuse a second page, of which click would keep only the last."""
    if len(values) > 1:
        raise click.UsageError("--page takes one page: score the labels of each page in a run of its own")
    return values[0] if values else None


PAGE = click.option(
    "--page",
    multiple=True,
    callback=_one_page,
    metavar="SOURCE",
    help="The page that stand-off labels (post, author, stance), of all its posts or some, belong to.",
)
REPORT = click.option(
    "--report", "report_file", metavar="FILE", callback=_free, help="Also write an HTML report there."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")


@main.command()
@click.argument("gold", metavar="GOLD")
@click.option("--labels", metavar="FILE", help="Score the labels in this table.")
@click.option("--model", metavar="DIR", help="Score this model's labels; without --labels or --model, the default's.")
@PAGE
@GOLD_COLUMN
@REPORT
@FORCE
@AS_JSON
def evaluate(
    gold: str,
    labels: str | None,
    model: str | None,
    page: str | None,
    against: str,
    report_file: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Score labels or a model against posts whose stance is known."""
    if labels and model:
        raise click.UsageError("--labels and --model exclude each other")
    known = stance.read_gold(gold, page, against)
    if labels:
        scores = stance.evaluate(known, stance.read_table(labels), against=against)
        written = stance.evaluation_report(scores, known, command=_command()) if report_file else ""
    else:
        scores = stance.evaluate_model(known, model=model, against=against)
        written = stance.report_evaluation(known, scores, model, command=_command()) if report_file else ""
    _write_page(written, report_file, force=force)
    click.echo(json.dumps(scores.to_dict()) if as_json else printable(str(scores)))


@main.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--gold", metavar="GOLD", help="Posts whose stance is known: which of the two is nearer to it?")
@PAGE
@GOLD_COLUMN
@REPORT
@FORCE
@AS_JSON
def compare(
    a: str,
    b: str,
    gold: str | None,
    page: str | None,
    against: str,
    report_file: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare two labels tables, or with --gold also models, on the posts that all of them label."""
    known = stance.read_gold(gold, page, against) if gold else None
    tables = [_labels_of(source, known) for source in (a, b)]
    comparison = stance.compare(known, *tables, names=(a, b), against=against)
    if report_file:
        words = tables[0] if known is None else known
        _write_page(stance.comparison_report(comparison, words, command=_command()), report_file, force=force)
    click.echo(json.dumps(comparison.to_dict()) if as_json else printable(str(comparison)))


@main.command()
@SOURCES
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    callback=_free,
    help="The page to write.",
)
@FORCE
@click.option("--model", metavar="DIR", help="Label with this model, also what has labels already.")
@click.option("--labels", metavar="FILE", help="Show the labels in this table; a model labels only what it leaves out.")
@click.option(
    "--by", type=click.Choice(["source", "week", "author"]), help="Many discussions: SOURCE is a labels table."
)
@click.option("--posts", metavar="FILE", help="With --by: the posts table, if SOURCE lacks authors, dates or sources.")
@click.option(
    "--each",
    metavar="FOLDER",
    callback=_free,
    help="With --by: also write each discussion's own report there, and link it.",
)
@PSEUDONYMISE
@KEY
def report(
    sources: tuple[str, ...],
    output: str,
    force: bool,
    model: str | None,
    labels: str | None,
    by: str | None,
    posts: str | None,
    each: str | None,
    pseudonymise: bool,
    key: str | None,
) -> None:
    """Write what discussions think as one self-contained HTML page.

    A posts table whose column stance is filled in is reported with these labels, unless --model is given.
    """
    if by and (len(sources) > 1 or labels):
        raise click.UsageError("--by takes one labels table, as SOURCE")
    secret, command = _key(pseudonymise, key), _command()
    if by:
        table, words = stance.read_table(sources[0]), stance.read_table(posts) if posts else None
        options: dict[str, Any] = {"model": model, "key": secret, "each": each, "output": output}
        page = stance.report_many(table, by=by, posts=words, where=sources[0], command=command, tell=_say, **options)
    else:
        page = stance.report(sources, model, labels=labels, key=secret, command=command, tell=_say)
    _write_page(page, output, force=force)


def _say(line: str) -> None:
    click.echo(printable(line), err=True)


def _write_page(page: str, output: str | None, *, force: bool) -> None:
    """Write HTML to a file, whole or not at all, and say so; "-" is stdout."""
    if output == "-":
        click.echo(page)
    elif output:
        # Again, since something may have come there meanwhile.
        stance.refuse_existing(output, force=force)
        with stance.replacing(output) as stream:
            stream.write(page.encode())
        click.echo(f"wrote {output}", err=True)


def _command() -> str:
    return shlex.join(["stance", *sys.argv[1:]])


def _labels_of(source: str, posts: pd.DataFrame | None) -> pd.DataFrame:
    """Labels in a file, or those that the model in a folder gives to the posts."""
    if not Path(source).is_dir():
        return stance.read_table(source)
    if posts is None:
        raise stance.DataError("a model labels nothing without posts", where=source, fix="give posts with --gold")
    labels: pd.DataFrame = stance.label(posts, model=source)
    return labels
