"""No row lost or doubled, whatever happens: runs killed again and again, and files damaged in every way.

python -m benchmarks.reliability --kills 50 --files 10000
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.speed import made_texts, write_threads
from stance import label_files
from stance.errors import StanceError
from stance.extract.sources import find_sources
from stance.stream.read import Reading

HERE = Path(__file__).parent
COLUMNS = ("thread", "post", "parent", "author", "text")


def killed(n_kills: int, n_posts: int, folder: Path, model: str | None = None, seed: int = 2) -> str:
    """Kill -9 a run at random moments, give the same command again, and compare with a run that nobody disturbed."""
    source, output = folder / "kills.jsonl", folder / "kills.out.jsonl"
    write_threads(source, cycle(made_texts(5_000, 100)), n_posts)
    command = [sys.executable, "-m", "stance", "label", str(source), "-o", str(output)]
    command += ["--model", model] if model else []
    begun = time.perf_counter()
    subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
    seconds, expected = time.perf_counter() - begun, output.read_bytes()
    output.unlink()
    chance, n_killed, n_finished = random.Random(seed), 0, 0  # noqa: S311
    while n_killed < n_kills or n_finished == 0:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        if n_killed < n_kills:
            time.sleep(chance.uniform(0, seconds))
            process.send_signal(signal.SIGKILL)
        n_killed += process.wait() == -signal.SIGKILL
        if output.exists():
            n_finished += 1
            if output.read_bytes() != expected:
                return f"DIFFERENT bytes after {n_killed} kills"
            output.unlink()
    return f"killed {n_killed} times, finished {n_finished} times, each time the bytes of an undisturbed run"


def odd_value(chance: random.Random) -> Any:
    """A value that has no business in a posts table, or a plain one."""
    odd = [
        None,
        "",
        3,
        3.0,
        -1,
        1e400,
        True,
        [],
        ["1", None, {}],
        {"a": 1},
        "NA",
        "\ud800",
        "=1+1",
        "\0",
        "a\rb",
        2**70,
    ]
    return chance.choice(odd)


def rows(chance: random.Random) -> list[dict[str, Any]]:
    """A few posts, some with values or columns that do not belong there."""
    words = ["ban", "huawei", "no", "proof", "spying", "good", "phones", "ñandú", "они", "手机", "?!"]
    made = []
    for number in range(chance.randint(0, 25)):
        row: dict[str, Any] = {"thread": f"t{number // 6}", "post": str(number), "parent": None, "author": "ann"}
        row["text"] = " ".join(chance.choices(words, k=chance.randint(0, 9)))
        if chance.random() < 0.15:
            row[chance.choice([*COLUMNS, "parent_candidates", "stance", "p_none", "reason"])] = odd_value(chance)
        if chance.random() < 0.05:
            del row[chance.choice(list(row))]
        made.append(row)
    return made


def as_jsonl(table: list[dict[str, Any]]) -> bytes:
    """JSON Lines, half of a surrogate pair as an escape."""
    return "".join(json.dumps(row) + "\n" for row in table).encode()


def as_csv(table: list[dict[str, Any]]) -> bytes:
    """CSV with the columns of a posts table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode("utf-8", "surrogatepass")


def as_parquet(table: list[dict[str, Any]]) -> bytes:
    """Parquet with every value as a string."""
    columns = {name: [None if row.get(name) is None else ascii(row[name]) for row in table] for name in COLUMNS}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    ".jsonl": as_jsonl,
    ".csv": as_csv,
    ".parquet": as_parquet,
}


def truncated(data: bytes, chance: random.Random) -> bytes:
    """Only the beginning."""
    return data[: chance.randint(0, len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed to others."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8) if data else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def mixed_encodings(data: bytes, chance: random.Random) -> bytes:
    """Each line in an encoding of its own."""
    encodings = ("utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-be", "cp1252")
    text = data.decode("utf-8", "replace")
    return b"\n".join(line.encode(chance.choice(encodings), "replace") for line in text.split("\n"))


def wrong_columns(data: bytes, chance: random.Random) -> bytes:
    """A column under another name."""
    old, new = chance.choice(COLUMNS), chance.choice([*COLUMNS, "body", "", "Text", "text "])
    return data.replace(f'"{old}"'.encode(), json.dumps(new).encode()).replace(old.encode(), new.encode(), 1)


def shuffled_lines(data: bytes, chance: random.Random) -> bytes:
    """Lines lost, doubled, joined, and with other ends."""
    lines = [line for line in data.split(b"\n") for _ in range(chance.choice([1, 1, 1, 1, 2, 0]))]
    return chance.choice([b"\n", b"\r\n", b"\n\n", b"\r"]).join(lines)


def packed(data: bytes, chance: random.Random) -> bytes:
    """Compressed, and often broken off."""
    pack = chance.choice(
        [gzip.compress, bz2.compress, lzma.compress, lambda raw: pa.compress(raw, "zstd", asbytes=True)]
    )
    whole = pack(data)
    return truncated(whole, chance) if chance.random() < 0.5 else whole


def as_zstd(data: bytes) -> bytes:
    """One frame of Zstandard."""
    return bytes(pa.compress(data, "zstd", asbytes=True))


DAMAGES = (truncated, flipped, mixed_encodings, wrong_columns, shuffled_lines, packed)


def damaged_file(folder: Path, seed: int) -> Path:
    """Write a table of some kind, damaged in up to three ways; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311
    ending = chance.choice(list(WRITERS))
    data = WRITERS[ending](rows(chance))
    for damage in chance.choices(DAMAGES, k=chance.randint(0, 3)):
        data = damage(data, chance)
    path = folder / f"damaged{ending}"
    path.write_bytes(data)
    return path


def outcome(source: Path, output: Path, model: Any) -> str:
    """Label a damaged file: "refused" in one line, or "labelled" with every row accounted for; else what went wrong."""
    rejects = output.with_name(f"{output.name}.rejected.jsonl")
    for path in (output, rejects):
        path.unlink(missing_ok=True)
    try:
        n_rows = sum(stretch.n_rows for stretch in Reading(find_sources([source])).rows())
        counts = label_files([source], output, model)
    except StanceError as error:
        return "refused" if str(error) and "\n" not in str(error) else f"NOT ONE LINE: {error}"
    except Exception as error:
        return f"TRACEBACK: {type(error).__name__}: {error}"
    n_out = output.read_bytes().count(b"\n")
    n_rejected = rejects.read_bytes().count(b"\n") if rejects.exists() else 0
    is_whole = (n_out, n_rejected) == (counts.rows, counts.rejects) and n_out + n_rejected == n_rows
    return "labelled" if is_whole else f"LOST: {n_rows} rows, {n_out} out, {n_rejected} rejected"


def fuzzed(n_files: int, folder: Path, model: Any = None, first: int = 0) -> Iterator[tuple[int, str]]:
    """How each of so many damaged files ended, with its seed."""
    for seed in range(first, first + n_files):
        yield seed, outcome(damaged_file(folder, seed), folder / "out.jsonl", model)


def main() -> None:
    """Parse, try, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model's folder")
    parser.add_argument("--kills", type=int, default=50, help="how often a run is killed")
    parser.add_argument("--posts", type=int, default=200_000, help="posts of that run")
    parser.add_argument("--files", type=int, default=10_000, help="damaged files")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as place:
        counts: Counter[str] = Counter()
        for seed, ended in fuzzed(given.files, Path(place), given.model):
            counts[ended.split(":")[0]] += 1
            if ended not in ("labelled", "refused"):
                print(f"file {seed}: {ended}", flush=True)
        print(f"{given.files} damaged files: {dict(counts)}", flush=True)
        if given.kills:
            print(killed(given.kills, given.posts, Path(place), given.model))


if __name__ == "__main__":
    main()
