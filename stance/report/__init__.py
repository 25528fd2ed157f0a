"""Labels to a page for people: one self-contained HTML file, in which every figure is also a number in a table."""

from stance.report.figures import Figures, figures
from stance.report.thread import report

__all__ = ["Figures", "figures", "report"]
