"""Damage a model folder in thousands of ways, by accident and on purpose, and see what loading makes of it.

    python tests/hostile_models.py --folders 5000

Each folder must be refused in one line, or answer as before; one whose hashes were made to fit again may answer
otherwise, but then under another id, and with probabilities. Anything else (a traceback, a wait, a file that an array
told Python to write) is printed and ends with status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from stance.errors import ModelError
from stance.labelling import label_posts
from stance.model import Model, read_model, save_model
from stance.report.card import excerpt
from stance.workflow import default_model

#: Comes into being if anything in a folder is executed.
OPENED = Path(tempfile.gettempdir()) / "stance-was-opened"

#: Seconds after which loading counts as waiting for ever.
PATIENCE = 20

TEXTS = ("they never showed any proof", "Huawei steals code!", "great phone, I love it", "", "when is the launch?")
POSTS = pd.DataFrame(
    {"thread": "t", "post": list("12345"), "parent": [None, *"1123"], "author": list("abaca"), "text": TEXTS}
)

Mutation = Callable[[Path, random.Random], None]
ARRAYS = ("block.npy", "idf.npy", "coefficients.npy", "intercepts.npy")


def small_model(n_features: int = 400) -> Model:
    """The model that comes along, with every so-manieth n-gram: thousands of copies of it are soon made."""
    whole = default_model()
    kept = slice(None, None, max(1, len(whole.ngrams) // n_features))
    return Model(
        whole.ngrams[kept],
        whole.block[kept],
        whole.idf[kept],
        whole.coefficients[kept],
        whole.intercepts,
        whole.couplings,
        whole.threshold,
        whole.target_names,
        whole.languages,
        whole.card,
    )


def any_file(folder: Path, chance: random.Random) -> Path:
    """One of the folder's files."""
    return chance.choice(sorted(folder.iterdir()))


def fit_again(folder: Path, card: Any = None) -> None:
    """Give every file and the card the hashes that they should have, as whoever makes a folder can."""
    path = folder / "card.json"
    card = json.loads(path.read_bytes()) if card is None else card
    if isinstance(card, dict):
        if isinstance(card.get("files"), dict):
            names = [*ARRAYS, "ngrams.txt"]
            card["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
        rest = {key: value for key, value in card.items() if key != "card_sha256"}
        card["card_sha256"] = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(card))


# Accidents: the hashes tell them all.


def flip_bits(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut_off(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))])


def add_bytes(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.randint(1, 4096)))


def overwrite(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    junk = chance.choice([bytes(64), b"\xff" * 64, chance.randbytes(64)])
    data[start : start + 64] = junk
    path.write_bytes(data)


def swap_files(folder: Path, chance: random.Random) -> None:
    one, two = chance.sample(sorted(folder.iterdir()), 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def copy_over(folder: Path, chance: random.Random) -> None:
    one, two = chance.sample(sorted(folder.iterdir()), 2)
    two.write_bytes(one.read_bytes())


def lose_file(folder: Path, chance: random.Random) -> None:
    any_file(folder, chance).unlink()


def empty_file(folder: Path, chance: random.Random) -> None:
    any_file(folder, chance).write_bytes(b"")


def add_file(folder: Path, chance: random.Random) -> None:
    name = chance.choice(["__init__.py", "model.pkl", "card.json.bak", "extra.npy", ".hidden", "sitecustomize.py"])
    (folder / name).write_bytes(chance.randbytes(100))


# What stands in a file's place.


def make_folder(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    path.unlink()
    path.mkdir()


def make_pipe(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    path.unlink()
    os.mkfifo(path)


def link_elsewhere(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    path.unlink()
    places = [
        "/dev/zero",
        "/dev/random",
        "/dev/stdin",
        "/etc/passwd",
        "/proc/self/mem",
        "/",
        "..",
        "nowhere",
        path.name,
    ]
    path.symlink_to(chance.choice([*places, "idf.npy", "card.json"]))


def link_to_the_same(folder: Path, chance: random.Random) -> None:
    path = any_file(folder, chance)
    moved = folder.parent / f"{folder.name}.{path.name}"
    path.rename(moved)
    path.symlink_to(moved)


def make_huge(folder: Path, chance: random.Random) -> None:
    # A hole: it takes no room on the disk, and would take all of the memory.
    with any_file(folder, chance).open("r+b") as stream:
        stream.truncate(chance.choice([1 << 31, 1 << 36, 1 << 40]))


# On purpose: the hashes fit.


def resave(folder: Path, chance: random.Random) -> None:
    name = chance.choice(ARRAYS)
    array = np.load(folder / name)
    turned = array[::-1].copy()
    turned.flat[chance.randrange(turned.size)] = chance.choice([0, 1, 2, 3])
    write_array(folder, name, chance.choice([array, turned, np.asfortranarray(array)]))


def write_array(folder: Path, name: str, array: np.ndarray) -> None:
    """Save an array, whatever it holds, and make the hashes fit."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    (folder / name).write_bytes(stream.getvalue())
    fit_again(folder)


def bad_numbers(folder: Path, chance: random.Random) -> None:
    name = chance.choice(ARRAYS)
    array = np.load(folder / name)
    values = [255, 4, 200] if array.dtype == np.uint8 else [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e7, 1e6, 0.0]
    array.flat[chance.randrange(array.size)] = chance.choice(values)
    write_array(folder, name, array)


def other_type(folder: Path, chance: random.Random) -> None:
    name = chance.choice(ARRAYS)
    array = np.load(folder / name)
    kind = chance.choice([">f4", "<f8", "<i8", "<f2", "|b1", "<c8", "<U4", "|S4", "<M8[s]"])
    with np.errstate(all="ignore"):
        write_array(folder, name, array.astype("<i8").astype(kind) if kind == "<M8[s]" else array.astype(kind))


def other_shape(folder: Path, chance: random.Random) -> None:
    name = chance.choice(ARRAYS)
    array = np.load(folder / name)
    shapes = [array[:-1], array[:0], array.reshape(-1), array[None], array.T, np.concatenate([array, array])]
    write_array(folder, name, chance.choice([*shapes, array.reshape(-1)[0]]))


class Opening:
    """What unpickling would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {OPENED}",)


def objects(folder: Path, chance: random.Random) -> None:
    write_array(folder, chance.choice(ARRAYS), np.array([Opening()] * 9, dtype=object))


def lying_head(folder: Path, chance: random.Random) -> None:
    name = chance.choice(ARRAYS)
    data = (folder / name).read_bytes()
    heads = [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (9,), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (9,), }",
        "(" * 5000,
        f"__import__('os').system('touch {OPENED}')",
        "",
        "{'shape':",
    ]
    head = chance.choice(heads).encode()
    version = chance.choice([b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"])
    length = chance.choice([len(head), len(head), 65_535, 0])
    size = length.to_bytes(2 if version == b"\x01\x00" else 4, "little")
    (folder / name).write_bytes(b"\x93NUMPY" + version + size + head + data[128:])
    fit_again(folder)


def bad_ngrams(folder: Path, chance: random.Random) -> None:
    path = folder / "ngrams.txt"
    lines = path.read_bytes().split(b"\n")
    place = chance.randrange(len(lines) - 1)
    values = [b"\xff\xfe", b"", b"\x00", "\u2028".encode(), b" ", b"a b c d e", b"^", b"$", b">", b"<", lines[0]]
    lines[place] = chance.choice([*values, b"x" * 100_000, "\U0001f600".encode(), b"\xed\xa0\x80"])
    joined = b"\n".join(lines)
    path.write_bytes(chance.choice([joined, joined, joined[:-1], joined.replace(b"\n", b"\r\n"), joined * 2, b""]))
    fit_again(folder)


HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 0.5, 1, 2, 1e308, -1e308, float("nan"), float("inf"), 10**400, "", "x", "\x1b]0;owned\x07",
    "<script>alert(1)</script>", "{{ 7 * 7 }}", "../../etc/passwd", "=1+1", "\ud800", "\u202e", "x" * 100_000, [],
    [None], [""], [[]], ["huawei"] * 1000, {}, {"text": "x"}, {"posts": "many", "threads": []}, {"accuracy": "?"},
)  # fmt: skip


def edit_card(folder: Path, chance: random.Random) -> None:
    """Put something else in the place of one value of the card, at any depth."""
    card = json.loads((folder / "card.json").read_bytes())
    inside = card
    while True:
        key = chance.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        deeper = inside[key]
        if not isinstance(deeper, dict | list) or not deeper or chance.random() < 0.4:
            break
        inside = deeper
    value = chance.choice(HOSTILE)
    if isinstance(inside, dict) and chance.random() < 0.2:
        del inside[key]
    else:
        inside[key] = value
    fit_again(folder, card)


def other_card(folder: Path, chance: random.Random) -> None:
    deep = ["[" * 100_000, '{"a":' * 100_000]
    texts = [*deep, "null", "[]", "1", '"x"', "NaN", "9" * 10_000, '{"format": 1}', "{"]
    (folder / "card.json").write_text(chance.choice(texts))


ACCIDENTS: tuple[Mutation, ...] = (
    flip_bits, cut_off, add_bytes, overwrite, swap_files, copy_over, lose_file, empty_file, add_file,
    make_folder, make_pipe, link_elsewhere, link_to_the_same, make_huge, other_card,
)  # fmt: skip
ON_PURPOSE: tuple[Mutation, ...] = (
    resave, bad_numbers, other_type, other_shape, objects, lying_head, bad_ngrams, edit_card, edit_card, edit_card,
)  # fmt: skip


class Waited(Exception):
    """Loading took longer than `PATIENCE`."""


def _give_up(*_: object) -> NoReturn:
    raise Waited


def outcome(folder: Path, model: Model, fitting: bool) -> str:
    """Load a folder and say what came of it: "refused", "the same", "another model", or what must not be."""
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    try:
        found = read_model(folder)
        labels = label_posts(POSTS, found)
        excerpt(found.card)
        found.id.encode()
    except ModelError as error:
        return "refused" if "\n" not in str(error) else f"refused in several lines: {error!r}"
    except Exception as error:
        return f"WRONG: {type(error).__name__}: {str(error)[:100]}"
    finally:
        signal.alarm(0)
    probabilities = labels[["p_favor", "p_against", "p_none"]].to_numpy()
    if not np.allclose(probabilities.sum(axis=1), 1.0):
        return "WRONG: no probabilities"
    if found.fingerprint == model.fingerprint:
        return (
            "the same" if np.array_equal(found.logits(TEXTS), model.logits(TEXTS)) else "WRONG: same id, other answers"
        )
    return "another model" if fitting else "WRONG: changed without a word"


def attack(n_folders: int, *, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Damage so many folders; count the outcomes, and list what must not have happened."""
    OPENED.unlink(missing_ok=True)
    chance, counts, wrong = random.Random(seed), Counter[str](), []  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        original = save_model(small_model(), place / "original")
        model = read_model(original)
        for number in range(n_folders):
            folder = shutil.copytree(original, place / f"{number:05}")
            fitting = number % 2 == 1
            mutation = chance.choice(ON_PURPOSE if fitting else ACCIDENTS)
            mutation(folder, chance)
            found = outcome(folder, model, fitting)
            counts[found if not found.startswith("WRONG") else "wrong"] += 1
            if found.startswith(("WRONG", "refused in")):
                wrong.append(f"{number} {mutation.__name__}: {found}")
            shutil.rmtree(folder)
    if OPENED.exists():
        wrong.append("something in a folder was executed")
    return counts, wrong


def main() -> None:
    """Parse, attack, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    start = time.perf_counter()
    counts, wrong = attack(given.folders, seed=given.seed)
    print(f"{given.folders} folders in {time.perf_counter() - start:.0f} s: {dict(counts)}")
    print("\n".join(wrong) or "no traceback, no wait, nothing executed")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
