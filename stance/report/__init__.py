"""Labels to a page for people: one self-contained HTML file, in which every figure is also a number in a table."""

from stance.report.batch import batch_figures, batch_report
from stance.report.evaluation import SHOWN_POSTS, comparison_report, evaluation_report
from stance.report.figures import Because, Figures, figures
from stance.report.page import Page
from stance.report.thread import report

__all__ = [
    "SHOWN_POSTS",
    "Because",
    "Figures",
    "Page",
    "batch_figures",
    "batch_report",
    "comparison_report",
    "evaluation_report",
    "figures",
    "report",
]
