"""What a reader should know of the model: a few lines of its card, each in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def excerpt(card: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Pick from a model's card what bears on how far to trust it; what the card lacks is left out.

    Examples
    --------
    >>> excerpt({"name": "huawei", "training": {"posts": 1200, "threads": 90}, "threshold": 0.62})
    (('Model', 'huawei, trained on 1,200 posts of 90 discussions'),
     ('Decides', 'when its best guess is at least 62 % likely'))
    """
    if not card:
        return ()
    training, scores = card.get("training") or {}, card.get("cross_validation") or {}
    held_out = (scores.get("conversation_against_stance") or {}).get("accuracy")
    learned = f", trained on {training['posts']:,} posts of {training['threads']:,} discussions" if training else ""
    limits = "posts of its own training corpus, held out (cross-validation); on other threads expect less"
    measure = "Measure it on labels of your own with `stance evaluate`."
    lines = {
        "Model": f"{card.get('name', 'unnamed')}{learned}",
        "Is right on": held_out and f"{100 * held_out:.0f} % of {limits}. {measure}",
        "Decides": card.get("threshold") and f"when its best guess is at least {100 * card['threshold']:.0f} % likely",
        "Reads": card.get("languages") and f"posts in {', '.join(card['languages'])} (ISO 639-1)",
        "Intended use": card.get("intended_use"),
        "Card": card.get("card_sha256") and f"SHA-256 {card['card_sha256'][:16]}…",
    }
    return tuple((term, str(text)) for term, text in lines.items() if text)
