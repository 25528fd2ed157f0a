"""Every reader reads damaged input, or refuses it in one line; `python -m benchmarks.fuzz` gives each thousands."""

import time

import pytest

from benchmarks import fuzz
from benchmarks.fuzz import READERS, Tally
from stance.errors import StanceError


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_of_damaged_input_ends_in_order(tmp_path, reader):
    tally = fuzz.fuzz(*READERS[reader], n_inputs=15, folder=tmp_path, seed=3)
    assert (tally.is_clean, tally.counts.total()) == (True, 15), tally.first_traceback
    # Damage is no use where nothing of it is ever read.
    assert tally.counts["read"] or "without comments" in reader


def broken(data, folder):
    if data == b"0":
        raise StanceError("of two\nlines".replace("\n", chr(0x2028)))
    if data == b"1":
        raise KeyError("reader")
    if data == b"2":
        while True:
            time.process_time()
    return int(data) - 3


def test_what_a_reader_must_not_do_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "LIMIT", 0.5)
    numbers = iter(range(6))
    tally = fuzz.fuzz(lambda chance: b"%d" % next(numbers), broken, 6, tmp_path)
    assert dict(tally.counts) == {"refused": 1, "traceback": 1, "too slow": 1, "empty": 1, "read": 2}
    assert not tally.is_clean and "KeyError: 'reader'" in tally.first_traceback and tally.longest > 0.4


def test_the_command_prints_a_row_a_reader(capsys):
    assert fuzz.main(["--only", "XML", "--inputs", "4"]) == 0
    *_, row = capsys.readouterr().out.splitlines()
    assert row.startswith("| exports, XML (3 forms) | 4 | ")
    assert Tally().is_clean
