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
    from stance.annotate import annotate, export_labels
    from stance.classifier import StanceClassifier
    from stance.corpora import read_corpus
    from stance.data import check_posts, table_to_threads, threads_to_table
    from stance.data import labels_table as labels_table
    from stance.data import posts_table as posts_table
    from stance.doctor import Diagnosis, doctor
    from stance.errors import DataError, ModelError, PageError, StanceError, StanceWarning
    from stance.evaluate import Comparison, Scores, apply_standoff, compare, evaluate
    from stance.explain import Explanation, PostExplanation
    from stance.extract import extract, extract_all
    from stance.extract.any_date import any_date as any_date
    from stance.extract.fetch import Fetcher, default_cache
    from stance.extract.warc import pages_in as pages_in
    from stance.gold import read_gold as read_gold
    from stance.language import foreign_language as foreign_language
    from stance.model import Model, load_model, save_model
    from stance.parquet import read_parquet as read_parquet
    from stance.parquet import write_parquet as write_parquet
    from stance.pseudonyms import pseudonymise, read_key
    from stance.records import LABELS, Post, Thread
    from stance.records import shipped as shipped
    from stance.records import thread_rows as thread_rows
    from stance.report import batch_report, comparison_report, evaluation_report
    from stance.reporting import demo, evaluate_model, report, report_evaluation
    from stance.reporting import report_many as report_many
    from stance.scorer import Scorer
    from stance.stream import Counts, label_files
    from stance.tables import json_line as json_line
    from stance.tables import read_table, refuse_existing, replacing, write_table
    from stance.terminal import print_rows as print_rows
    from stance.threads import label_rows as label_rows
    from stance.train import Settings, Trained
    from stance.training import model_name, spelling_hint, train
    from stance.workflow import demo_posts, explain, explain_post, label, learned_from, load_corpus
    from stance.workflow import shipped_manifest as shipped_manifest

_HOME = {
    "LABELS": "records",
    "Comparison": "evaluate",
    "Counts": "stream",
    "DataError": "errors",
    "Diagnosis": "doctor",
    "Explanation": "explain",
    "Fetcher": "extract.fetch",
    "Model": "model",
    "ModelError": "errors",
    "PageError": "errors",
    "Post": "records",
    "PostExplanation": "explain",
    "Scorer": "scorer",
    "Scores": "evaluate",
    "Settings": "train",
    "StanceClassifier": "classifier",
    "StanceError": "errors",
    "StanceWarning": "errors",
    "Thread": "records",
    "Trained": "train",
    "annotate": "annotate",
    "apply_standoff": "evaluate",
    "batch_report": "report",
    "check_posts": "data",
    "compare": "evaluate",
    "comparison_report": "report",
    "default_cache": "extract.fetch",
    "demo": "reporting",
    "demo_posts": "workflow",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "evaluate_model": "reporting",
    "evaluation_report": "report",
    "explain": "workflow",
    "explain_post": "workflow",
    "export_labels": "annotate",
    "extract": "extract",
    "extract_all": "extract",
    "label": "workflow",
    "label_files": "stream",
    "learned_from": "workflow",
    "load_corpus": "workflow",
    "load_model": "model",
    "model_name": "training",
    "pseudonymise": "pseudonyms",
    "read_corpus": "corpora",
    "read_key": "pseudonyms",
    "read_table": "tables",
    "refuse_existing": "tables",
    "replacing": "tables",
    "report": "reporting",
    "report_evaluation": "reporting",
    "save_model": "model",
    "spelling_hint": "training",
    "table_to_threads": "data",
    "threads_to_table": "data",
    "train": "training",
    "write_table": "tables",
}

# What modules of stance ask for late, and only when they need it: reading and labelling one thread should take less
# time than loading pandas, PyArrow and dateparser does.
_WITHIN = {
    "any_date": "extract.any_date",
    "foreign_language": "language",
    "json_line": "tables",
    "label_rows": "threads",
    "labels_table": "data",
    "pages_in": "extract.warc",
    "posts_table": "data",
    "print_rows": "terminal",
    "read_gold": "gold",
    "read_parquet": "parquet",
    "report_many": "reporting",
    "shipped": "records",
    "shipped_manifest": "workflow",
    "thread_rows": "records",
    "write_parquet": "parquet",
}

__all__ = [
    "LABELS",
    "Comparison",
    "Counts",
    "DataError",
    "Diagnosis",
    "Explanation",
    "Fetcher",
    "Model",
    "ModelError",
    "PageError",
    "Post",
    "PostExplanation",
    "Scorer",
    "Scores",
    "Settings",
    "StanceClassifier",
    "StanceError",
    "StanceWarning",
    "Thread",
    "Trained",
    "annotate",
    "apply_standoff",
    "batch_report",
    "check_posts",
    "compare",
    "comparison_report",
    "default_cache",
    "demo",
    "demo_posts",
    "doctor",
    "evaluate",
    "evaluate_model",
    "evaluation_report",
    "explain",
    "explain_post",
    "export_labels",
    "extract",
    "extract_all",
    "label",
    "label_files",
    "learned_from",
    "load_corpus",
    "load_model",
    "model_name",
    "pseudonymise",
    "read_corpus",
    "read_key",
    "read_table",
    "refuse_existing",
    "replacing",
    "report",
    "report_evaluation",
    "save_model",
    "spelling_hint",
    "table_to_threads",
    "threads_to_table",
    "train",
    "write_table",
]

__version__ = "0.1.0"


class _Front(ModuleType):
    """A package whose functions stay what they are when a submodule of the same name (`extract`) is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front


def __getattr__(name: str) -> Any:
    home = _HOME.get(name) or _WITHIN.get(name)
    if home is None:
        raise AttributeError(f"module 'stance' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"stance.{home}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
