"""stance: what a discussion thinks, post by post, and how sure we are.

Every public name is loaded when it is first used: scikit-learn, pandas and NLTK together take seconds to import, and
`stance --help` needs none of them. This is the one place where that happens (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stance.data import LABELS, Post, Thread, table_to_threads, threads_to_table
    from stance.errors import DataError, ModelError, PageError, StanceError
    from stance.extract import extract
    from stance.extract.fetch import Fetcher, default_cache
    from stance.tables import read_table, write_table

_HOME = {
    "LABELS": "data",
    "DataError": "errors",
    "Fetcher": "extract.fetch",
    "ModelError": "errors",
    "PageError": "errors",
    "Post": "data",
    "StanceError": "errors",
    "Thread": "data",
    "default_cache": "extract.fetch",
    "extract": "extract",
    "read_table": "tables",
    "table_to_threads": "data",
    "threads_to_table": "data",
    "write_table": "tables",
}

__all__ = [
    "LABELS",
    "DataError",
    "Fetcher",
    "ModelError",
    "PageError",
    "Post",
    "StanceError",
    "Thread",
    "default_cache",
    "extract",
    "read_table",
    "table_to_threads",
    "threads_to_table",
    "write_table",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'stance' has no attribute {name!r}")
    # Kept as an attribute, so that the submodule `stance.extract` never hides the function of that name.
    value = globals()[name] = getattr(importlib.import_module(f"stance.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
