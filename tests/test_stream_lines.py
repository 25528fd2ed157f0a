"""The quick ways of the stream: thousands of rows at once give what row by row gives, byte for byte."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stance
from stance.records import LABEL_COLUMNS
from stance.stream.job import Job
from stance.stream.lines import Lines
from stance.stream.pieces import chosen, each, interleaved, parted
from stance.stream.posts import _Reading, read_posts
from stance.stream.read import Rows

short = st.binary(max_size=4).filter(lambda line: b"\n" not in line)


@given(st.lists(short, min_size=1), st.integers(-9, 9), st.integers(-9, 9))
def test_lines_in_one_piece_are_a_list_of_lines(found, start, stop):
    lines = Lines(b"\n".join(found))
    assert list(lines) == found
    assert [lines[place] for place in range(len(lines))] == found
    assert list(lines[start:stop]) == found[start:stop]
    assert list(lines[::-1]) == found[::-1]


@given(st.lists(st.lists(short, min_size=1), min_size=1))
def test_joined_lines_are_the_lines_of_all(found):
    pieces = [Lines(b"\n".join(part)) for part in found]
    assert list(Lines.joined(pieces)) == [line for part in found for line in part]


@pytest.mark.parametrize("line", [b"", b" x", b"\tx", b"\r", b"x" * 10])
def test_a_line_that_is_blank_indented_or_long_is_not_plain(line):
    assert Lines(b"a\nb").is_plain(10)
    assert not Lines(b"a\n" + line + b"\nb").is_plain(10)


keys = st.sampled_from(["1", "2", "3", "", 1, None])
fields = {"text": st.sampled_from(["huawei", "ban", "é", "", None, 5]), "thread": keys, "post": keys}
others = dict.fromkeys(("parent", "author", "stance", "likes"), keys)
rows = st.fixed_dictionaries({}, optional=fields | others)
usual = st.fixed_dictionaries({"text": st.just("ban huawei"), "thread": st.just("t"), "post": st.text("12345")})
junk = st.sampled_from([b"[1]", b'"text"', b"{", b"5", b'{"text": "\\ud800", "thread": "t", "post": "p"}', b"\xff"])
ends = st.sampled_from([b"", b" ", b"\r"])
as_line = st.tuples(st.one_of(usual, usual, usual, rows).map(json.dumps).map(str.encode), ends).map(b"".join)


@given(st.lists(st.one_of(as_line, as_line, as_line, junk), min_size=1, max_size=12), st.booleans())
def test_rows_read_at_once_are_those_read_one_by_one(found, conversation):
    job = Job(None, ("a.jsonl",), conversation=conversation)
    numbers = range(1, len(found) + 1)
    part = Rows([0] * len(found), numbers, numbers, Lines(b"\n".join(found)))
    at_once = read_posts(part, job)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Reading, "all_at_once", lambda *_: False)
        one_by_one = read_posts(part, job)
    assert at_once == one_by_one


def test_usual_rows_are_read_at_once(monkeypatch):
    monkeypatch.setattr(_Reading, "one_by_one", lambda *_: pytest.fail("was read one by one"))
    found = [json.dumps({"text": "no", "thread": "t", "post": str(post), "likes": 3}) for post in range(5)]
    numbers = range(1, 6)
    part = Rows([0] * 5, numbers, numbers, Lines("\n".join(found).encode()))
    read = read_posts(part, Job(None, ("a.jsonl",)))
    assert (read.posts, read.lines, read.rows) == (list("01234"), [line.encode() for line in found], [None] * 5)


@pytest.mark.parametrize("column", sorted(set(LABEL_COLUMNS) - {"thread", "post"}))
def test_a_row_that_has_a_label_already_is_written_anew(column):
    line = json.dumps({"text": "no", "thread": "t", "post": "1", column: "old"}).encode()
    read = read_posts(Rows([0], range(1, 2), range(1, 2), Lines(line)), Job(None, ("a.jsonl",)))
    assert (read.lines, read.rows[0][column]) == ([b""], "old")


columns = st.integers(1, 5).flatmap(
    lambda n_rows: st.lists(st.lists(st.binary(max_size=6), min_size=n_rows, max_size=n_rows), min_size=1, max_size=4)
)


@given(columns)
def test_columns_of_pieces_become_rows_the_compiled_way_and_the_plain_one(found):
    pieces = [each(column) for column in found]
    expected = b"".join(piece for row in zip(*found, strict=True) for piece in row)
    assert interleaved(pieces) == expected
    assert stance.Scorer.interleaved(pieces) == expected


def test_pieces_are_parted_by_a_sign_or_chosen_from_a_few():
    def of(pieces):
        return [pieces.data[start:stop] for start, stop in zip(pieces.start, pieces.stop, strict=True)]

    assert of(parted(b"1,22,", b",")) == [b"1", b"22", b""]
    assert of(chosen([b"no", b"yes"], np.array([1, 0, 1]))) == [b"yes", b"no", b"yes"]
