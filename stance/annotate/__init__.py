"""Hand-labelling in the browser: each post in its conversation, one key a label, nothing lost.

sources --exchange--> Store --queue--> page --events--> Store --consensus--> exports
"""

from __future__ import annotations

from stance.annotate.exchange import export_labels
from stance.annotate.server import annotate

__all__ = ["annotate", "export_labels"]
