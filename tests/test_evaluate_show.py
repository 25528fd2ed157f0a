"""Scores and comparisons as people see them: figures in a JSON file, what is made of them in the files beside it.

A change of the layout shows in these files: look at the difference, then write them anew.
"""

import json
from pathlib import Path

import pytest

from stance.evaluate.show import comparison_as_html, comparison_as_text, scores_as_html, scores_as_text

FIGURES = sorted((Path(__file__).parent / "shown").glob("*.json"))


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_figures_are_shown_as_in_the_files_beside_them(path):
    is_comparison = path.stem.startswith("comparison")
    as_text = comparison_as_text if is_comparison else scores_as_text
    as_html = comparison_as_html if is_comparison else scores_as_html
    figures = json.loads(path.read_text())
    assert as_text(figures) == path.with_suffix(".txt").read_text().removesuffix("\n")
    assert as_html(figures) == path.with_suffix(".html").read_text().removesuffix("\n")
