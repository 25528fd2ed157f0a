"""How right stance is, beside what is pinned: on the corpus that comes along and on public data that you have.

    python benchmarks/quality.py [--data DIR] [--only NAME] [--write [--lower]]

DIR holds the public files, anywhere below it (`README.md` beside this file says which); without them only the rows of
our own corpus are measured. Figures are compared with `floors.json`: a drop ends with status 1. `--write` pins what was
measured, and refuses to lower a floor unless told to with `--lower`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.debates import measure_debates
from benchmarks.measures import Measure, Tell
from benchmarks.rumours import measure_rumours
from benchmarks.slices import measure_phonearena, measure_slices, measure_test_split
from benchmarks.tweets import measure_semeval, measure_tweeteval
from stance.errors import DataError
from stance.tables import replacing

FLOORS = Path(__file__).with_name("floors.json")

#: Each work by its name; the first two need nothing but the repository.
WORKS: Mapping[str, Callable[[Path | None, Tell], list[Measure]]] = {
    "slices": measure_slices,
    "test-split": measure_test_split,
    "phonearena": measure_phonearena,
    "tweeteval": measure_tweeteval,
    "semeval2016": measure_semeval,
    "debates": measure_debates,
    "rumoureval": measure_rumours,
}

#: Machines add in different orders: a difference below this is none.
SLACK = 0.0015

Floors = dict[str, dict[str, Any]]


def fell(measure: Measure, floors: Floors) -> bool:
    """Whether a figure is worse than what is pinned.

    >>> fell(Measure("a", "", 0.70), {"a": {"floor": 0.72}}), fell(Measure("a", "", 0.70), {})
    (True, False)
    """
    floor = floors.get(measure.key, {}).get("floor")
    if floor is None:
        return False
    return bool(measure.value > floor + SLACK if measure.less_is_better else measure.value < floor - SLACK)


def table(measures: Sequence[Measure], floors: Floors) -> str:
    """The figures beside floors and aims."""
    width = max((len(measure.work) for measure in measures), default=4)
    lines = [f"{'work':<{width}}  {'measured':>8}  {'floor':>6}  {'aim':>6}"]
    for measure in measures:
        pinned = floors.get(measure.key, {})
        beside = "  ".join(f"{_number(pinned.get(name)):>6}" for name in ("floor", "aim"))
        mark = "  FELL" if fell(measure, floors) else ""
        lines.append(f"{measure.work:<{width}}  {_number(measure.value):>8}  {beside}{mark}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1 else f"{value:.3f}"


def pinned(measures: Sequence[Measure], floors: Floors, *, lower: bool) -> Floors:
    """Floors with what was measured in place of what was pinned.

    Raises
    ------
    DataError
        If a floor would get worse and `lower` does not allow it.
    """
    fallen = [measure.key for measure in measures if fell(measure, floors)]
    if fallen and not lower:
        raise DataError(f"{', '.join(fallen)} fell below the floor", where=FLOORS.name, fix="mend it, or give --lower")
    new = {key: dict(values) for key, values in floors.items()}
    for measure in measures:
        entry, value = new.setdefault(measure.key, {}), round(measure.value, 4)
        # Within the slack a floor keeps its value: else it could sink by a little, many times.
        better = min if measure.less_is_better else max
        entry["floor"] = value if lower or "floor" not in entry else better(value, entry["floor"])
    return dict(sorted(new.items()))


def run(data: Path | None, only: Sequence[str], tell: Tell) -> list[Measure]:
    """Measure the works of these names, or all."""
    return [measure for name, work in WORKS.items() if not only or name in only for measure in work(data, tell)]


def main(arguments: Sequence[str] | None = None, *, floors_file: Path = FLOORS) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="a folder with the public files somewhere below it")
    parser.add_argument("--only", action="append", choices=list(WORKS), help="measure this work alone; may be repeated")
    parser.add_argument("--write", action="store_true", help="pin what was measured")
    parser.add_argument("--lower", action="store_true", help="with --write: even where a floor gets lower")
    given = parser.parse_args(arguments)
    if given.data and not given.data.is_dir():
        parser.error(f"{given.data}: no such folder")
    floors: Floors = json.loads(floors_file.read_text()) if floors_file.exists() else {}
    measures = run(given.data, given.only or (), lambda line: print(line, file=sys.stderr))
    print(table(measures, floors))
    if given.data is None:
        print("Without --data: public data (PhoneArena, TweetEval, SemEval-2016, 4forums, RumourEval) is not measured.")
    if not given.write:
        return int(any(fell(measure, floors) for measure in measures))
    try:
        new = pinned(measures, floors, lower=given.lower)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    with replacing(floors_file) as stream:
        stream.write(json.dumps(new, indent=2).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
