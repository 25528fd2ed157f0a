"""Labels to scores: how right a labelling is, how sure that is, and what another would have reached.

Nothing here knows a model. Gold and labels are tables with the keys `thread` and `post`; scores are plain values.
"""

from stance.evaluate.agreement import Agreement, agreement
from stance.evaluate.comparison import Comparison, compare
from stance.evaluate.intervals import Interval
from stance.evaluate.scores import Scores, evaluate
from stance.evaluate.standoff import apply_standoff, is_standoff

__all__ = [
    "Agreement",
    "Comparison",
    "Interval",
    "Scores",
    "agreement",
    "apply_standoff",
    "compare",
    "evaluate",
    "is_standoff",
]
