"""What is asked of each part, and what comes back: values that any process can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from stance.conversation import NO_NAMES, Named
from stance.model import Model


@dataclass(frozen=True)
class Job:
    """What is done with each part.

    Attributes
    ----------
    sources : tuple of str
        Their names, for the rejects.
    ending : str
        The kind of output: ".jsonl", ".csv" or ".parquet".
    packing : str
        How the output is compressed: "", ".gz" or ".zst".
    columns : tuple of str
        Of CSV and Parquet output, which cannot take more; empty for JSON Lines.
    types : mapping
        Arrow types of the columns that come from a Parquet source.
    key : bytes or None
        Of the pseudonyms that take the place of authors' names.
    n_all : int
        At least so many rows are read in all; see `stance.model.Model.logits`.
    """

    model: Model
    sources: tuple[str, ...]
    ending: str = ".jsonl"
    packing: str = ""
    conversation: bool = True
    columns: tuple[str, ...] = ()
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    key: bytes | None = None
    n_all: int = 0


@dataclass(frozen=True)
class Labelled:
    """One part of the output.

    Attributes
    ----------
    data, rejected : bytes
        Rows in the format of the output, and rejects as JSON Lines.
    rows, rejects : int
        How many there are of each.
    threads : tuple of int
        A 64-bit hash of the name of each thread, in ascending order.
    named : Named
        How many parents the posts name.
    """

    data: bytes
    rejected: bytes
    rows: int
    rejects: int
    threads: tuple[int, ...]
    named: Named = NO_NAMES
