"""Write `manifest.json`: what is known of the corpus, for whoever wants to check that it was not touched."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from stance import read_table, replacing

DATA = Path(__file__).resolve().parent
#: How people spell the target's name; a token that begins with one of these is the target.
SPELLINGS = ["huawei", "huwei", "huwaei", "hauwei", "huawai", "hawei", "hwawei", "huewei", "huawie"]


def describe(path: Path) -> dict[str, object]:
    """Hash and counts of one corpus file."""
    posts = read_table(path)
    counts = {name: dict(sorted(posts[name].value_counts().items())) for name in ("stance", "text_only", "split")}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"sha256": digest, "posts": len(posts), "threads": int(posts["thread"].nunique()), **counts}


def manifest() -> dict[str, object]:
    """Everything that the file holds."""
    files = {f"corpus/{path.name}": describe(path) for path in sorted((DATA / "corpus").glob("*.jsonl"))}
    return {"target": "Huawei", "spellings": SPELLINGS, "licence": "CC0-1.0", "invented": True, "files": files}


if __name__ == "__main__":
    with replacing(DATA / "manifest.json") as stream:
        stream.write(json.dumps(manifest(), indent=2).encode() + b"\n")
