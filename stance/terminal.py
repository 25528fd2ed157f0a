"""Rows to the standard output: JSON Lines to a pipe, a table to a terminal."""

from __future__ import annotations

import sys
from typing import Any

import click

import stance
from stance.errors import printable


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print JSON Lines to a pipe, or rows below their names to a terminal."""
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.buffer.write(stance.json_line(row))
        return
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)] if rows else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    """A value in one line of at most 60 characters."""
    text = f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)
    shown = printable(text.replace("\n", " "))
    return shown if len(shown) <= 60 else f"{shown[:58]} …"
