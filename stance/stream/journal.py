"""What has been done, on disk: parts beside the output, each whole or not there, until they become the output."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from stance.conversation import NO_NAMES, Named
from stance.errors import DataError
from stance.stream.job import Labelled
from stance.tables import refuse_existing, replacing

_MANIFEST = "manifest.json"
#: Says how large the joined output is, just before it takes its name.
_JOINED = "joined"


@dataclass(frozen=True)
class Done:
    """What a finished part holds."""

    rows: int
    rejects: int
    threads: tuple[int, ...]
    named: Named = NO_NAMES


@dataclass(frozen=True)
class Shelf:
    """Where the parts of one output lie; any process may put one there."""

    folder: Path
    #: The ending of the output.
    suffix: str

    def path(self, number: int, ending: str) -> Path:
        """File of one part."""
        return self.folder / f"{number:06}{ending}"

    def keep(self, number: int, part: Labelled) -> Done:
        """Write a part; it is finished when its own small record is there, which comes last."""
        done = Done(part.rows, part.rejects, part.threads, part.named)
        counts = {"rows": done.rows, "rejects": done.rejects, "threads": done.threads}
        record = counts | {"parents": done.named.parents, "lost": done.named.lost}
        contents = {self.suffix: part.data, ".rejected": part.rejected, ".json": json.dumps(record).encode()}
        for ending, content in contents.items():
            with replacing(self.path(number, ending)) as stream:
                stream.write(content)
        return done


def rejects_of(output: str | os.PathLike[str]) -> Path:
    """Name the file of the rows of an output that could not be used."""
    path = Path(output)
    return path.with_name(f"{path.name}.rejected.jsonl")


class Journal:
    """The folder of parts of one output.

    Parameters
    ----------
    output : path
        The file that is wanted in the end.
    identity : mapping
        Everything that decides a byte of the output. Parts of another identity are thrown away.
    force : bool
        Whether files of that name are replaced.

    Raises
    ------
    DataError
        If (without `force`) the output or its rejects are there already, and not of a run that was just ending; or if
        the folder of parts holds something else.
    """

    def __init__(self, output: str | os.PathLike[str], identity: dict[str, Any], *, force: bool = False) -> None:
        self.output = Path(output)
        self.rejected = rejects_of(output)
        self.folder = self.output.with_name(f"{self.output.name}.parts")
        self.shelf = Shelf(self.folder, self.output.suffix)
        self._identity = json.loads(json.dumps(identity))
        found = self._found()
        refuse_existing(self.output, force=force or (found == self._identity and self._is_joined()))
        # Rejects come first at the end, so that those of a stopped run may be there.
        refuse_existing(self.rejected, force=force or found == self._identity)
        if found is None:
            self._refuse_strangers()
        if found != self._identity:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        with replacing(self.folder / _MANIFEST) as stream:
            stream.write(json.dumps(self._identity, indent=2).encode())

    def _found(self) -> Any:
        try:
            return json.loads((self.folder / _MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None

    def _is_joined(self) -> bool:
        try:
            return int((self.folder / _JOINED).read_bytes()) == self.output.stat().st_size
        except (OSError, ValueError):
            return False

    def _refuse_strangers(self) -> None:
        """Keep a folder that happens to have this name, but none of our runs has made."""
        if self.folder.is_dir() and any(not path.name.startswith(".") for path in self.folder.iterdir()):
            raise DataError("holds no parts of a run of stance", where=str(self.folder), fix="move it away")

    def done(self, number: int) -> Done | None:
        """What is known of a part that is finished."""
        try:
            found = json.loads(self.shelf.path(number, ".json").read_bytes())
        except (OSError, ValueError):
            return None
        named = Named(found.get("parents", 0), found.get("lost", 0))
        return Done(found["rows"], found["rejects"], tuple(found["threads"]), named)

    def keep(self, number: int, part: Labelled) -> Done:
        """Write a part; see `Shelf.keep`."""
        return self.shelf.keep(number, part)

    def first_rejects(self) -> bytes:
        """The rejects of the first part."""
        found = self.shelf.path(0, ".rejected")
        return found.read_bytes() if found.exists() else b""

    def discard(self) -> None:
        """Remove the parts."""
        shutil.rmtree(self.folder)

    def finish(self, n_parts: int, head: bytes) -> None:
        """Join the parts to the output, which begins with `head`, and the rejects to theirs; remove the parts."""
        with replacing(self.rejected) as stream:
            self._join(stream, n_parts, ".rejected")
            size = stream.tell()
        if size == 0:
            self.rejected.unlink()
        with replacing(self.output) as stream:
            if self.output.suffix == ".parquet":
                self._join_parquet(stream, n_parts)
            else:
                stream.write(head)
                self._join(stream, n_parts, self.output.suffix)
            with replacing(self.folder / _JOINED) as note:
                note.write(str(stream.tell()).encode())
        self.discard()

    def _join(self, stream: IO[bytes], n_parts: int, ending: str) -> None:
        for number in range(n_parts):
            with self.shelf.path(number, ending).open("rb") as part:
                shutil.copyfileobj(part, stream, 1 << 20)

    def _join_parquet(self, stream: IO[bytes], n_parts: int) -> None:
        tables = (pq.read_table(pa.BufferReader(self.shelf.path(n, ".parquet").read_bytes())) for n in range(n_parts))
        first = next(tables)
        with pq.ParquetWriter(stream, first.schema) as writer:
            writer.write_table(first)
            for table in tables:
                writer.write_table(table)
