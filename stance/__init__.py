"""stance: what a discussion thinks, post by post, and how sure we are.

Every public name is loaded when it is first used: scikit-learn, pandas and NLTK together take seconds to import, and
`stance --help` needs none of them. This is the one place where that happens (PEP 562).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stance.data import LABELS, Post, Thread, table_to_threads, threads_to_table
    from stance.errors import DataError, ModelError, PageError, StanceError
    from stance.explain import Explanation
    from stance.extract import extract
    from stance.model import Model
    from stance.tables import read_table, write_table
    from stance.train import Settings, Trained
    from stance.workflow import explain, label, load_corpus, load_model, save_model, train

_HOME = {
    "LABELS": "data",
    "DataError": "errors",
    "Explanation": "explain",
    "Model": "model",
    "ModelError": "errors",
    "PageError": "errors",
    "Post": "data",
    "Settings": "train",
    "StanceError": "errors",
    "Thread": "data",
    "Trained": "train",
    "explain": "workflow",
    "extract": "extract",
    "label": "workflow",
    "load_corpus": "workflow",
    "load_model": "workflow",
    "read_table": "tables",
    "save_model": "workflow",
    "table_to_threads": "data",
    "threads_to_table": "data",
    "train": "workflow",
    "write_table": "tables",
}

__all__ = [
    "LABELS",
    "DataError",
    "Explanation",
    "Model",
    "ModelError",
    "PageError",
    "Post",
    "Settings",
    "StanceError",
    "Thread",
    "Trained",
    "explain",
    "extract",
    "label",
    "load_corpus",
    "load_model",
    "read_table",
    "save_model",
    "table_to_threads",
    "threads_to_table",
    "train",
    "write_table",
]

__version__ = "0.1.0"


class _FrontDoor(ModuleType):
    """The package itself, which importing `stance.train` must not change.

    Python binds a submodule to its package once it is imported; it would hide the function of the same name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOME or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'stance' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"stance.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
