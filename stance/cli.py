"""The command line: each command parses, makes one library call, prints, and returns a status.

Data goes to stdout, messages and progress to stderr. Exit status: 0 done, 2 what the user gave cannot be used, 1 a bug.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import stance
from stance.errors import StanceError

if TYPE_CHECKING:
    import pandas as pd

    from stance.data import Thread
    from stance.explain import Explanation, PostExplanation


class _OneLine(click.Group):
    """Turn what the user gave wrong into one line and status 2; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except StanceError as error:
            click.echo(f"stance: {error}", err=True)
            ctx.exit(2)


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(stance.__version__)
def main() -> None:
    """Tell what a discussion thinks: each post's stance, how sure, and why."""


SOURCES = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
OUTPUT = click.option("-o", "--output", metavar="FILE", help="Write there, by its ending: .jsonl, .csv or .parquet.")


@main.command()
@SOURCES
@OUTPUT
def extract(sources: tuple[str, ...], output: str | None) -> None:
    """Print the posts of pages, dumps and exports, one row a post."""
    threads = [thread for source in sources for thread in stance.extract(source)]
    for thread in threads:
        click.echo(_summary(thread), err=True)
    _show(stance.threads_to_table(threads), output)


def _summary(thread: Thread) -> str:
    """One line on what was found in a page, and what was not."""
    count = f"{len(thread.posts)} post{'' if len(thread.posts) == 1 else 's'}" if thread.posts else "no posts"
    hidden = f", {thread.hidden} hidden" if thread.hidden else ""
    return "; ".join([f"{thread.id}: {count}{hidden}", *thread.notes])


MODEL = click.option("--model", metavar="DIR", help="A model's folder; by default the Huawei model that comes along.")
WORDS_ALONE = click.option(
    "--conversation/--no-conversation", default=True, help="Read each post in its conversation (default), or alone."
)


@main.command()
@click.argument("posts", required=False, metavar="[POSTS]")
@click.option("--target", default="Huawei", show_default=True, help="Whom or what the stances are about.")
@click.option("--name", default="huawei", show_default=True, help="The model's name.")
@click.option("--spelling", "spellings", multiple=True, help="How the target's name begins in posts; may be repeated.")
@click.option("-o", "--output", metavar="DIR", help="The model's folder; by default models/NAME.")
@click.option("--seed", default=0, show_default=True, help="Decides the folds.")
def train(posts: str | None, target: str, name: str, spellings: tuple[str, ...], output: str | None, seed: int) -> None:
    """Train a model on labelled POSTS (columns text and stance), by default the corpus that comes along."""
    settings = stance.Settings(seed=seed)
    trained = stance.train(posts, target=target, name=name, spellings=spellings or None, settings=settings)
    folder = stance.save_model(trained.model, output or Path("models") / name)
    click.echo(str(trained))
    click.echo(f"model {trained.model.id} is in {folder}", err=True)


@main.command()
@SOURCES
@OUTPUT
@MODEL
@WORDS_ALONE
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Number of processes.")
@click.option("--sort-threads", is_flag=True, help="Sort the input by thread first (needs stance[sort]).")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be used.")
@click.pass_context
def label(
    context: click.Context,
    sources: tuple[str, ...],
    output: str | None,
    model: str | None,
    conversation: bool,
    jobs: int,
    sort_threads: bool,
    strict: bool,
) -> None:
    """Label every post of pages, dumps, exports, posts tables, or folders of them.

    Rows that cannot be used go to OUTPUT.rejected.jsonl, and the exit status is then 3. A run that was stopped goes on
    when the same command is given again.
    """
    counts = stance.label_files(
        sources, output or "-", model, conversation=conversation, jobs=jobs, sort_threads=sort_threads, strict=strict
    )
    click.echo(str(counts), err=True)
    context.exit(3 if counts.rejects else 0)


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
    click.echo(json.dumps(explanation.to_dict()) if as_json else explanation.summary(top))


def _explanation(
    text: str | None, source: str | None, post: str | None, model: str | None
) -> Explanation | PostExplanation:
    if text is not None and source is None and post is None:
        return stance.explain(text, model)
    if text is None and source is not None and post is not None:
        return stance.explain_post(source, post, model)
    raise click.UsageError("give TEXT, or --thread SOURCE with --post ID")


@main.command()
def demo() -> None:
    """Label an invented thread that comes along, and score the labels against its hand labels."""
    click.echo(stance.demo())


GOLD_COLUMN = click.option(
    "--against",
    type=click.Choice(["stance", "text_only"]),
    default="stance",
    show_default=True,
    help="The column of GOLD: read in the conversation, or the words alone.",
)
PAGE = click.option("--page", metavar="SOURCE", help="The page that stand-off labels (post, author, stance) belong to.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")


@main.command()
@click.argument("gold", metavar="GOLD")
@click.option("--labels", metavar="FILE", help="Score the labels in this table.")
@click.option("--model", metavar="DIR", help="Score this model's labels; without --labels or --model, the default's.")
@PAGE
@GOLD_COLUMN
@AS_JSON
def evaluate(gold: str, labels: str | None, model: str | None, page: str | None, against: str, as_json: bool) -> None:
    """Score labels or a model against posts whose stance is known."""
    if labels and model:
        raise click.UsageError("--labels and --model exclude each other")
    known = _read_gold(gold, page, against)
    if labels:
        scores = stance.evaluate(known, stance.read_table(labels), against=against)
    else:
        scores = stance.evaluate_model(known, model=model, against=against)
    click.echo(json.dumps(scores.to_dict()) if as_json else str(scores))


@main.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--gold", metavar="GOLD", help="Posts whose stance is known: which of the two is nearer to it?")
@PAGE
@GOLD_COLUMN
@AS_JSON
def compare(a: str, b: str, gold: str | None, page: str | None, against: str, as_json: bool) -> None:
    """Compare two labels tables, or with --gold also models, on the same posts."""
    known = _read_gold(gold, page, against) if gold else None
    tables = [_labels_of(source, known) for source in (a, b)]
    comparison = stance.compare(known, *tables, names=(a, b), against=against)
    click.echo(json.dumps(comparison.to_dict()) if as_json else str(comparison))


def _labels_of(source: str, posts: pd.DataFrame | None) -> pd.DataFrame:
    """Labels in a file, or those that the model in a folder gives to the posts."""
    if not Path(source).is_dir():
        return stance.read_table(source)
    if posts is None:
        raise stance.DataError("a model labels nothing without posts", where=source, fix="give posts with --gold")
    labels: pd.DataFrame = stance.label(posts, model=source)
    return labels


def _read_gold(path: str, page: str | None, column: str) -> pd.DataFrame:
    """A gold posts table, or stand-off labels put onto their page."""
    table = stance.read_table(path)
    if page:
        threads = stance.extract(page)
        return stance.apply_standoff(table, threads[0] if threads else stance.Thread(page), where=path)
    if "text" not in table.columns:
        fix = "name the page that they belong to with --page"
        raise stance.DataError("labels without their posts' words", where=path, fix=fix)
    return stance.check_posts(table, where=path, labelled=column == "stance")


def _show(table: pd.DataFrame, output: str | None) -> None:
    """Write to the file, or as JSON Lines to a pipe, or as a readable table to a terminal."""
    if output:
        stance.write_table(table, output)
    elif sys.stdout.isatty():
        click.echo(table.to_string(index=False, max_colwidth=60))
    else:
        stance.write_table(table, "-")
