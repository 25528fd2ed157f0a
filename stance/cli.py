"""The command line: each command parses, makes one library call, prints, and returns a status.

Data goes to stdout, messages and progress to stderr. Exit status: 0 done, 2 what the user gave cannot be used, 1 a bug.
"""

from __future__ import annotations

import sys
import webbrowser
from functools import partial
from typing import TYPE_CHECKING, Any

import click

import stance
from stance.errors import StanceError

if TYPE_CHECKING:
    import pandas as pd


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
EXPORT_ENDINGS = (
    "By its ending: .csv, .jsonl or .parquet (posts with stance, for `stance train`), .labels.csv (without the words), "
    ".json (Label Studio), .doccano.jsonl."
)
OUTPUT = click.option("-o", "--output", metavar="FILE", help="Write there, by its ending: .jsonl, .csv or .parquet.")


@main.command()
@SOURCES
@OUTPUT
def extract(sources: tuple[str, ...], output: str | None) -> None:
    """Print the posts of pages, dumps and exports, one row a post."""
    threads = [thread for source in sources for thread in stance.extract(source)]
    for thread in threads:
        hidden = f", {thread.hidden} hidden" if thread.hidden else ""
        click.echo(f"{thread.id}: {len(thread.posts)} posts{hidden}", err=True)
        for note in thread.notes:
            click.echo(f"{thread.id}: {note}", err=True)
    _show(stance.threads_to_table(threads), output)


@main.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--db", "database", default="labels.db", show_default=True, metavar="FILE", help="Where labels are kept.")
@click.option("--port", default=0, metavar="N", help="By default that of the last time, or a free one.")
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
@click.option("--annotator", metavar="NAME", help="Who labels. By default your login name.")
@click.option("--order", type=click.Choice(["page", "active"]), default="page", show_default=True)
@click.option("--every", default=25, show_default=True, metavar="N", help="Train the model again after N labels.")
@click.option("--assisted", is_flag=True, help="Show the model's guess before the label is given.")
@click.option("--overlap", default=1.0, show_default=True, type=click.FloatRange(0, 1), help="Share that all label.")
@click.option("--target", default="Huawei", show_default=True, metavar="NAME", help="What the stances are about.")
@click.option("--codebook", metavar="FILE", help="Markdown to show instead of the codebook that comes with stance.")
@click.option("--labels-of", metavar="NAME", help="Whose the labels in the sources are; by default yours.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Share with a team; the link then has a token.")
@click.option("--token", metavar="TEXT", help="The token of that link. By default a new one.")
def annotate(sources: tuple[str, ...], no_open: bool, **options: Any) -> None:
    """Label posts by hand in the browser: one key a label, each post in its conversation."""
    stance.annotate(sources, ready=partial(_open_page, not no_open), **options)


def _open_page(in_browser: bool, address: str) -> None:
    click.echo(address)
    if in_browser:
        webbrowser.open(address)


@main.command()
@click.argument("database", metavar="FILE.db")
@click.option("-o", "--output", required=True, metavar="FILE", help=EXPORT_ENDINGS)
@click.option("--whose", default="majority", show_default=True, metavar="NAME", help="An annotator, or adjudicated.")
def export(database: str, output: str, whose: str) -> None:
    """Write labels given by hand to a file: of one annotator, of the majority, or adjudicated."""
    count = stance.export_labels(database, output, whose=whose)
    click.echo(f"{output}: {count} posts", err=True)


def _show(table: pd.DataFrame, output: str | None) -> None:
    """Write to the file, or as JSON Lines to a pipe, or as a readable table to a terminal."""
    if output:
        stance.write_table(table, output)
    elif sys.stdout.isatty():
        click.echo(table.to_string(index=False, max_colwidth=60))
    else:
        stance.write_table(table, "-")
