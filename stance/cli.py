"""The command line: each command parses, makes one library call, prints, and returns a status.

Data goes to stdout, messages and progress to stderr. Exit status: 0 done, 2 what the user gave cannot be used, 1 a bug.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

import stance
from stance.errors import StanceError

if TYPE_CHECKING:
    import pandas as pd

    from stance.data import Thread


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
@click.option("--pages", default=1, metavar="N", help="Fetch up to N pages of a thread that goes on.")
@click.option("--allow-private", is_flag=True, help="Fetch from loopback and private addresses too.")
@click.option("--no-cache", is_flag=True, help="Fetch anew what was fetched less than a day ago.")
def extract(sources: tuple[str, ...], output: str | None, pages: int, allow_private: bool, no_cache: bool) -> None:
    """Print the posts of pages, dumps and exports, one row a post."""
    fetcher = stance.Fetcher(allow_private=allow_private, cache=None if no_cache else stance.default_cache())
    threads = [thread for source in sources for thread in stance.extract(source, pages=pages, fetcher=fetcher)]
    for thread in threads:
        click.echo(_summary(thread), err=True)
    _show(stance.threads_to_table(threads), output)


def _summary(thread: Thread) -> str:
    """One line on what was found in a page, and what was not."""
    count = f"{len(thread.posts)} post{'' if len(thread.posts) == 1 else 's'}" if thread.posts else "no posts"
    hidden = f", {thread.hidden} hidden" if thread.hidden else ""
    return "; ".join([f"{thread.id}: {count}{hidden}", *thread.notes])


def _show(table: pd.DataFrame, output: str | None) -> None:
    """Write to the file, or as JSON Lines to a pipe, or as a readable table to a terminal."""
    if output:
        stance.write_table(table, output)
    elif sys.stdout.isatty():
        click.echo(table.to_string(index=False, max_colwidth=60))
    else:
        stance.write_table(table, "-")
