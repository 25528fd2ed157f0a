"""Scores and comparisons as a table for people, in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from stance.data import LABELS

Row = Sequence[str]

#: Changed posts that a table for people names one by one.
_SHOWN = 20


def scores_as_text(scores: Mapping[str, Any]) -> str:
    """Lay out `Scores.to_dict()` for a terminal."""
    blocks = [_heading(scores), *(_aligned(title, rows) for title, rows in _tables(scores))]
    return "\n\n".join(blocks)


def scores_as_html(scores: Mapping[str, Any]) -> str:
    """Lay out `Scores.to_dict()` for a notebook; labels and slice names are escaped."""
    tables = "".join(_html_table(title, rows) for title, rows in _tables(scores))
    return f"<div><p>{escape(_heading(scores))}</p>{tables}</div>"


def comparison_as_text(comparison: Mapping[str, Any]) -> str:
    """Lay out `Comparison.to_dict()` for a terminal."""
    tables = _comparison_tables(comparison)
    left = len(comparison["changed"]) - _SHOWN
    more = [f"and {_count(left, 'more post')}: --json names all"] if left > 0 else []
    return "\n\n".join([*_left_out(comparison), *(_aligned(title, rows) for title, rows in tables), *more])


def comparison_as_html(comparison: Mapping[str, Any]) -> str:
    """Lay out `Comparison.to_dict()` for a notebook."""
    left = "".join(f"<p>{escape(line)}</p>" for line in _left_out(comparison))
    return left + "".join(_html_table(title, rows) for title, rows in _comparison_tables(comparison))


def _left_out(comparison: Mapping[str, Any]) -> list[str]:
    """Say how many posts are not compared since not all tables label them; nothing where there is none."""
    first, second = comparison["names"]
    left = [(comparison["left_out"][key], name) for key, name in (("a", first), ("b", second), ("gold", "gold"))]
    if not any(count for count, _ in left):
        return []
    counts = ", ".join(f"{count:,} of {name}" for count, name in left if count is not None)
    return [f"{_count(comparison['n_posts'], 'post')} labelled by all; left out: {counts}"]


def _heading(scores: Mapping[str, Any]) -> str:
    few = " (too few threads to resample them: this says nothing about other threads)"
    drawn = f"95 % intervals by resampling {scores['resampled']}{few if scores['resampled'] == 'posts' else ''}"
    compared = f"{_count(scores['n_posts'], 'post')} of {_count(scores['n_threads'], 'thread')}"
    left = scores["n_unlabelled"]
    rest = f" ({_count(left, 'more post')} without a label: read, not compared)" if left else ""
    labelled = f"model {scores['model']}: stance toward {scores['target']}\n" if scores["target"] else ""
    return f"{labelled}{compared}{rest}; {drawn}"


def _tables(scores: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    tables = [
        (f"{scores['given']} against {scores['against']}", _summary(scores)),
        ("label by label", _labels(scores)),
        ("gold (rows) as given (columns)", _confusion(scores)),
    ]
    if scores["slices"]:
        tables.append(("slice by slice", _slices(scores)))
    return tables


def _summary(scores: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [
        ("", "accuracy", "95 % interval", "macro-F1"),
        ("these labels", *_accuracy_cells(scores)),
        *((f"{baseline['name']} baseline", *_accuracy_cells(baseline)) for baseline in scores["baselines"]),
    ]
    rows += [(name, value, "", "") for name, value in _further(scores)]
    return rows


def _accuracy_cells(scores: Mapping[str, Any]) -> Row:
    return (_number(scores["accuracy"]), _interval(scores["accuracy_interval"]), _number(scores["macro_f1"]))


def _further(scores: Mapping[str, Any]) -> list[tuple[str, str]]:
    further = [
        ("F_avg (favor, against)", _number(scores["f_avg"])),
        ("Cohen's kappa with gold", _number(scores["kappa"])),
        ("Krippendorff's alpha", _number(scores["alpha"])),
    ]
    if scores["calibration"]:
        further.append(("calibration error", _number(scores["calibration"]["error"])))
        points = [point for point in scores["coverage"] if point["coverage"] in (0.25, 0.5, 0.75)]
        further += [(f"accuracy, surest {point['coverage']:.0%}", _number(point["accuracy"])) for point in points]
    if scores["decided"]:
        decided = scores["decided"]
        further.append((f"accuracy where decided ({decided['coverage']:.0%})", _number(decided["accuracy"])))
    if scores["annotators"]:
        both = scores["annotators"]
        further.append(("two annotators agree", _number(both["observed"])))
        further.append(("  their kappa", _number(both["kappa"])))
    return further


def _labels(scores: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [("", "precision", "recall", "F1", "posts")]
    for label in scores["per_label"]:
        figures = [_number(label[name]) for name in ("precision", "recall", "f1")]
        rows.append((label["label"], *figures, str(label["support"])))
    return rows


def _confusion(scores: Mapping[str, Any]) -> list[Row]:
    rows = [(label, *map(str, row)) for label, row in zip(LABELS, scores["confusion"], strict=True)]
    return [("", *LABELS), *rows]


def _slices(scores: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [("", "accuracy", "95 % interval", "macro-F1", "posts")]
    for part in scores["slices"]:
        rows.append((f"{part['column']}: {part['value']}", *_accuracy_cells(part), str(part["n_posts"])))
    return rows


def _comparison_tables(comparison: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    first, second = comparison["names"]
    shares: list[Row] = [("", first, second, "difference", "95 % interval")]
    for share in comparison["shares"]:
        figures = (_number(share["a"]), _number(share["b"]), _signed(share["difference"]), _interval(share["interval"]))
        shares.append((f"share of {share['label']}", *figures))
    agree = [
        ("posts compared", str(comparison["n_posts"])),
        ("labels that differ", str(len(comparison["changed"]))),
        ("Cohen's kappa of the two", _number(comparison["kappa"])),
    ]
    tables: list[tuple[str, list[Row]]] = [(f"{first} and {second}", [("", ""), *agree]), ("shares", shares)]
    if comparison["accuracy"]:
        tables.append(("against gold", _accuracy_rows(comparison["accuracy"], first, second)))
    if comparison["changed"]:
        changed = [
            (f"{change['thread']} #{change['post']}", change["a"], change["b"], change["gold"] or "")
            for change in comparison["changed"][:_SHOWN]
        ]
        tables.append(("posts that differ", [("", first, second, "gold"), *changed]))
    return tables


def _accuracy_rows(accuracy: Mapping[str, Any], first: str, second: str) -> list[Row]:
    return [
        ("", first, second, "difference", "95 % interval"),
        _difference_row("accuracy", accuracy["accuracy"]),
        _difference_row("macro-F1", accuracy["macro_f1"]),
        ("right alone", str(accuracy["only_a_right"]), str(accuracy["only_b_right"]), "", ""),
        ("exact McNemar test", f"p = {accuracy['p_value']:.3g}", "", "", ""),
    ]


def _difference_row(name: str, difference: Mapping[str, Any]) -> Row:
    figures = (_number(difference["a"]), _number(difference["b"]), _signed(difference["difference"]))
    return (name, *figures, _interval(difference["interval"]))


def _aligned(title: str, rows: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([title, *(line for line in lines if line)])


def _html_table(title: str, rows: Sequence[Row]) -> str:
    head = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in rows[0])
    body = "".join(
        f"<tr><th scope='row'>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows[1:]
    )
    return f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _interval(interval: Mapping[str, float]) -> str:
    return f"{interval['low']:.3f} to {interval['high']:.3f}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
