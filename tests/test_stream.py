"""Labelling files of any size: every row comes out once or is rejected with its reason, whatever happens meanwhile."""

import bz2
import gzip
import json
import lzma
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import stance.stream.engine
from benchmarks.reliability import fuzzed
from stance import DataError, extract, label_files, read_table, save_model, write_table
from stance.cli import main
from stance.data import LABEL_COLUMNS, LABELS, id_of, posts_table
from stance.features import Analyser, idf, learn_vocabulary
from stance.model import Model, n_outputs
from stance.stream.cut import cut_into_parts
from stance.stream.read import Reading, Rows

WORDS = "ban huawei keep it no proof of spying they make good phones and cheap ones too".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def model():
    texts = [" ".join(WORDS[start : start + 4]) for start in range(12)]
    vocabulary = learn_vocabulary(texts, Analyser(("huawei",)), min_posts=1)
    weights = np.random.default_rng(0).normal(size=(len(vocabulary.names), n_outputs()))
    weight = idf(vocabulary.find(texts))
    return Model(vocabulary.names, vocabulary.block, weight, weights, np.zeros(n_outputs()), target_names=("huawei",))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(stance.stream, "PART_ROWS", 10)


def posts(n_threads=8, size=4):
    random = np.random.default_rng(1)
    return [
        {"thread": f"t{thread}", "post": str(post), "parent": "1" if post > 1 else None, "author": f"a{post % 3}"}
        | {"text": " ".join(random.choice(WORDS, 5)), "likes": thread * post}
        for thread in range(n_threads)
        for post in range(1, size + 1)
    ]


def written(folder, rows, name="posts.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().split("\n") if line]


def test_each_post_comes_out_in_its_place_with_its_own_columns(tmp_path, model):
    rows = posts()
    counts = label_files([written(tmp_path, rows)], tmp_path / "out.jsonl", model)
    found = lines(tmp_path / "out.jsonl")
    assert str(counts) == "32 posts labelled"
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    assert {path.name for path in tmp_path.iterdir()} == {"posts.jsonl", "out.jsonl"}


def test_labels_are_those_of_one_call_in_memory(tmp_path, model):
    source = written(tmp_path, posts())
    label_files([source], tmp_path / "out.jsonl", model, conversation=False)
    expected = stance.label(source, model, conversation=False).to_dict("records")
    found = [{name: row[name] for name in expected[0]} for row in lines(tmp_path / "out.jsonl")]
    assert found == expected


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("of_source", [".jsonl", ".csv", ".parquet"])
def test_tables_of_every_kind_become_tables_of_every_kind(tmp_path, model, of_source, ending):
    table = posts_table([row | {"likes": "NA"} for row in posts()])
    write_table(table, tmp_path / f"posts{of_source}")
    label_files([tmp_path / f"posts{of_source}"], tmp_path / f"out{ending}", model)
    found = read_table(tmp_path / f"out{ending}")
    assert found[list(table.columns)].to_dict("records") == table.to_dict("records")


def test_a_formula_goes_through_as_text(tmp_path, model):
    table = posts_table([{"thread": "t", "post": "1", "text": "=1+1", "author": "\t@SUM(A1)", "=note": "well;-1"}])
    write_table(table, tmp_path / "posts.csv")
    label_files([tmp_path / "posts.csv"], tmp_path / "out.csv", model)
    assert '"ʼ=1+1","ʼ\tʼ@SUM(A1)","well;ʼ-1"' in (tmp_path / "out.csv").read_text()
    found = read_table(tmp_path / "out.csv")
    assert found[list(table.columns)].to_dict("records") == table.to_dict("records")


def zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


PACKERS = [(gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz"), (zstd, ".zst")]


@pytest.mark.parametrize("pack, ending", PACKERS)
def test_compressed_tables_are_read_as_they_are(tmp_path, model, pack, ending):
    plain = written(tmp_path, posts())
    packed = tmp_path / f"packed.jsonl{ending}"
    packed.write_bytes(pack(plain.read_bytes()))
    label_files([plain], tmp_path / "plain.jsonl", model)
    label_files([packed], tmp_path / "unpacked.jsonl", model)
    assert (tmp_path / "plain.jsonl").read_bytes() == (tmp_path / "unpacked.jsonl").read_bytes()


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("kind", [".jsonl", ".csv"])
def test_an_output_is_compressed_as_its_name_says(tmp_path, model, kind, ending):
    source = written(tmp_path, posts())
    label_files([source], tmp_path / f"out{kind}", model)
    label_files([source], tmp_path / f"out{kind}{ending}", model)
    plain, packed = tmp_path / f"out{kind}", tmp_path / f"out{kind}{ending}"
    assert packed.stat().st_size < plain.stat().st_size
    assert read_table(packed).equals(read_table(plain))


def test_a_line_passes_through_as_it_stands(tmp_path, model):
    """Spaces, escapes, long numbers and the order of columns are the user's."""
    line = '{"n": 1.50, "text":"keep \\u00e9" , "big": 123456789012345678901234567890, "thread":"t", "post":"1"}'
    (tmp_path / "posts.jsonl").write_text(f" {line} \r\n")
    label_files([tmp_path / "posts.jsonl"], tmp_path / "out.jsonl", model)
    assert (tmp_path / "out.jsonl").read_text().endswith(f", {line[1:]}\n")


UNUSUAL = [
    {"text": "x", "stance": "gold", "p_none": 2},
    {"text": "x", "thread": 3, "post": 1.0},
    {"text": "x", "thread": True, "post": ["1"]},
    {"text": "x", "note": float("nan"), "deep": {"a": [1]}},
    {"text": "\ud800", "note": "\udfff"},
    {"text": "x", "author": ["a"], "parent": {"b": 1}, "parent_candidates": [{}, None, 2]},
]


@pytest.mark.parametrize("row", UNUSUAL)
def test_a_row_that_cannot_pass_as_it_stands_is_written_anew(tmp_path, model, row):
    label_files([written(tmp_path, [row])], tmp_path / "out.jsonl", model)
    (found,) = lines(tmp_path / "out.jsonl")
    kept = {name: value for name, value in row.items() if name not in LABEL_COLUMNS}
    assert json.dumps({name: found[name] for name in kept}) == json.dumps(kept)
    assert (found["thread"], found["post"]) == (id_of(row.get("thread")) or "1", id_of(row.get("post")) or "1")
    assert found["stance"] in LABELS


anything_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.binary(max_size=40) | anything_json.map(lambda value: json.dumps(value).encode()))
def test_what_passes_as_it_stands_is_json_to_the_letter(content):
    try:
        fast = orjson.loads(content)
    except ValueError:
        return
    assert json.loads(content.decode(), parse_int=float, parse_constant=pytest.fail) == no_integers(fast)


def no_integers(value):
    if isinstance(value, dict):
        return {name: no_integers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [no_integers(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


BAD = {
    '{"thread": "t0", "post": "1", "text": "x"}': "post '1' stands twice in thread 't0'",
    "not json": "not JSON (Expecting value: line 1 column 1 (char 0))",
    '["text"]': "list instead of an object",
    '{"thread": "t", "post": "9"}': "no column 'text'",
    '{"thread": "t", "post": "9", "text": null}': "no text",
    '{"thread": "t", "post": "9", "text": 3}': "text is int, not a string",
    '{"thread": "", "post": "9", "text": "x"}': "no thread id",
    '{"thread": "t", "post": "9", "text": "' + "x" * 1_000_001 + '"}': "text of more than 1000000 bytes",
}


def test_rows_that_cannot_be_used_are_rejected_with_their_line_and_reason(tmp_path, model):
    source = written(tmp_path, posts(1))
    source.write_text(source.read_text() + "\n" + "".join(f"{line}\n" for line in BAD))
    counts = label_files([source], tmp_path / "out.jsonl", model)
    found = lines(tmp_path / "out.jsonl.rejected.jsonl")
    assert (counts.rows, counts.rejects) == (4, len(BAD))
    assert [(row["line"], row["reason"]) for row in found] == list(
        zip(range(6, 6 + len(BAD)), BAD.values(), strict=True)
    )


def test_strict_stops_at_a_row_that_cannot_be_used(tmp_path, model):
    source = written(tmp_path, [*posts(1), {"text": None}])
    with pytest.raises(DataError, match=r"a row cannot be used: .*no text"):
        label_files([source], tmp_path / "out.jsonl", model, strict=True)
    assert not (tmp_path / "out.jsonl").exists()


def test_nothing_but_bad_rows_is_an_error_that_says_why(tmp_path, model):
    source = tmp_path / "posts.jsonl"
    source.write_text("broken\n")
    with pytest.raises(DataError, match=r"nothing could be labelled \(not JSON"):
        label_files([source], tmp_path / "out.jsonl", model)


def test_bad_csv_rows_are_rejected_and_the_next_row_is_whole(tmp_path, model):
    source = tmp_path / "posts.csv"
    source.write_bytes(b'thread,post,text\nt,1,"a\nb"\nt,2\nt,3,caf\xe9\nt,4,"x"y\nt,5,ok\n')
    label_files([source], tmp_path / "out.jsonl", model)
    rejected = [(row["line"], row["reason"]) for row in lines(tmp_path / "out.jsonl.rejected.jsonl")]
    assert [(row["post"], row["text"]) for row in lines(tmp_path / "out.jsonl")] == [("1", "a\nb"), ("5", "ok")]
    assert rejected == [(4, "2 cells under 3 columns"), (5, "not UTF-8"), (6, "not CSV (',' expected after '\"')")]


cells = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["NA", "None", "nan", "\r", "a\rb", "\r\n", '"', '""', ",", "=1+1", "\0", "\ud800", "\u2028", ""]
)


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=30))
@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_any_text_survives_the_way_through(tmp_path_factory, model, rows, ending):
    folder = tmp_path_factory.mktemp("rows")
    table = posts_table([{"text": text, "note": note} for text, note in rows])
    write_table(table, folder / f"posts{ending}")
    label_files([folder / f"posts{ending}"], folder / f"out{ending}", model)
    found = read_table(folder / f"out{ending}")
    assert list(zip(found["text"], found["note"], strict=True)) == rows


@settings(deadline=None, max_examples=60)
@given(junk=st.binary(max_size=200), cut=st.integers(0, 400), name=st.sampled_from(["posts.jsonl", "posts.csv"]))
def test_damaged_files_lose_no_row_without_a_word(tmp_path_factory, model, junk, cut, name):
    folder = tmp_path_factory.mktemp("junk")
    write_table(posts_table(posts(2)), folder / name)
    (folder / name).write_bytes((folder / name).read_bytes()[:cut] + junk)
    try:
        rows = sum(stretch.n_rows for stretch in Reading((str(folder / name),)).rows())
        counts = label_files([folder / name], folder / "out.jsonl", model)
    except DataError:
        return
    assert counts.rows + counts.rejects == rows


def stretches_of(contents, size):
    rows = Rows([0] * len(contents), [None] * len(contents), list(range(1, len(contents) + 1)), contents)
    return (rows.between(start, start + size) for start in range(0, len(contents), size))


@pytest.mark.parametrize("size", [1, 4, 30])
def test_a_thread_is_never_cut_through(size):
    threads = [0] * 12 + [1] * 3 + [2] * 8 + [3]
    contents = [json.dumps({"thread": str(thread)}).encode() for thread in threads]
    contents[11] = b"broken"
    parts = list(cut_into_parts(stretches_of(contents, size), rows=5))
    assert [part.n_rows for part in parts] == [12, 11, 1]
    assert Rows.joined(parts).content == contents


def test_rows_without_threads_parents_or_authors_are_cut_anywhere():
    parts = cut_into_parts(stretches_of([{"text": "x"}] * 12, 7), rows=5)
    assert [part.n_rows for part in parts] == [5, 5, 2]


def test_a_scattered_thread_is_an_error_that_says_what_to_do(tmp_path, model):
    rows = sorted(posts(), key=lambda row: int(row["post"]))
    with pytest.raises(DataError, match="--sort-threads"):
        label_files([written(tmp_path, rows)], tmp_path / "out.jsonl", model)


def test_sorting_gives_scattered_threads_the_labels_of_grouped_ones(tmp_path, model):
    pytest.importorskip("duckdb")
    rows = posts()
    grouped, scattered = written(tmp_path, rows, "a.jsonl"), written(tmp_path, rows[::2] + rows[1::2], "b.jsonl")
    label_files([grouped], tmp_path / "grouped.jsonl", model)
    label_files([scattered], tmp_path / "sorted.jsonl", model, sort_threads=True)
    by_key = {(row["thread"], row["post"]): row for row in lines(tmp_path / "sorted.jsonl")}
    assert [by_key[row["thread"], row["post"]] for row in rows] == lines(tmp_path / "grouped.jsonl")


def test_two_processes_write_the_bytes_of_one(tmp_path, model):
    source = written(tmp_path, posts(40))
    label_files([source], tmp_path / "one.jsonl", model)
    label_files([source], tmp_path / "two.jsonl", model, jobs=2)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_parts_changes_no_byte(tmp_path, model, monkeypatch, size):
    source = written(tmp_path, posts(40))
    label_files([source], tmp_path / "ten.jsonl", model)
    monkeypatch.setattr(stance.stream, "PART_ROWS", size)
    monkeypatch.setattr(stance.stream.read, "_BLOCK", size * 40)
    label_files([source], tmp_path / "other.jsonl", model)
    assert (tmp_path / "ten.jsonl").read_bytes() == (tmp_path / "other.jsonl").read_bytes()


def test_all_parts_of_a_long_input_are_scored_alike(tmp_path, model, monkeypatch):
    """The compiled scorer's last digits may differ: a short last part must not be left to the sparse matrix."""
    scored = []
    monkeypatch.setattr(stance.stream, "MANY", 25)
    monkeypatch.setattr(Model, "logits", lambda self, texts, n_all: scored.append(n_all) or np.zeros((len(texts), 9)))
    label_files([written(tmp_path, posts())], tmp_path / "out.jsonl", model)
    assert scored == [25, 25, 25]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, model, monkeypatch):
    source, output = written(tmp_path, posts()), tmp_path / "out.jsonl"
    label_files([source], tmp_path / "undisturbed.jsonl", model)
    label_part, labelled = stance.stream.engine.label_part, []

    def interrupted_at_the_third(part, job):
        labelled.append(part.n_rows)
        if len(labelled) == 3:
            raise KeyboardInterrupt
        return label_part(part, job)

    monkeypatch.setattr(stance.stream.engine, "label_part", interrupted_at_the_third)
    with pytest.raises(DataError, match="interrupted; the same command again"):
        label_files([source], output, model)
    assert not output.exists()
    label_files([source], output, model)
    assert labelled == [12, 12, 8, 8]
    assert output.read_bytes() == (tmp_path / "undisturbed.jsonl").read_bytes()


def test_parts_read_with_another_description_of_forums_are_not_taken_over(tmp_path, model, monkeypatch):
    source, output, taken = written(tmp_path, posts()), tmp_path / "out.jsonl", []
    with monkeypatch.context() as patched, pytest.raises(DataError, match="interrupted"):
        patched.setattr(stance.stream.Journal, "finish", interrupted)
        label_files([source], output, model)
    (tmp_path / "mine.toml").write_text('[mine]\npost = [".p"]\ntext = [".t"]\n')
    monkeypatch.setenv("STANCE_PLATFORMS", str(tmp_path / "mine.toml"))
    done = stance.stream.Journal.done
    monkeypatch.setattr(stance.stream.Journal, "done", lambda *_: taken.append(done(*_)))
    label_files([source], output, model)
    assert taken == [None] * 3


def test_parts_of_another_input_are_not_taken_over(tmp_path, model, monkeypatch):
    source, output = written(tmp_path, posts()), tmp_path / "out.jsonl"
    with monkeypatch.context() as patched, pytest.raises(DataError, match="interrupted"):
        patched.setattr(stance.stream.Journal, "finish", interrupted)
        label_files([source], output, model)
    label_files([written(tmp_path, posts(3))], output, model)
    assert len(lines(output)) == 12


DUMPS = ("export-reddit-dump.ndjson", "export-hackernews-items.jsonl", "export-x-1.jsonl", "export-x-snscrape.jsonl")


# Items of Hacker News answer stories, which are no posts.
@pytest.mark.filterwarnings("ignore:3 of 4 parents:stance.StanceWarning")
@pytest.mark.parametrize("name", DUMPS)
def test_a_dump_of_a_post_a_line_gives_the_posts_that_extract_finds(tmp_path, model, name):
    """Read line by line, since a month of Reddit exceeds all memory; only threads are named by the dump alone."""
    columns = ("post", "author", "posted_at", "text", "quote")
    page = Path(__file__).parent / "pages" / name
    posts = [post for thread in extract(page) for post in thread.posts]
    label_files([page], tmp_path / "out.jsonl", model, sort_threads="dump" in name)
    expected = [(post.id, post.author, post.posted_at, post.text, post.quote) for post in posts]
    found = [tuple(row[column] for column in columns) for row in lines(tmp_path / "out.jsonl")]
    # A page leaves out what says nothing; a dump's every row comes out.
    assert sorted(row for row in found if row[3]) == sorted(expected)


def test_a_dump_packed_with_a_window_of_two_gigabytes_is_read(tmp_path, model):
    """As Pushshift packed Reddit; most readers refuse more than 128 MB."""
    line = b'{"body": "Ban it.", "link_id": "t3_l", "parent_id": "t3_l", "created_utc": 1556878500, "id": "b"}'
    window = (31 - 10) << 3
    block = ((len(line) << 3) | 1).to_bytes(3, "little") + line
    (tmp_path / "RC_2019-05.zst").write_bytes(b"\x28\xb5\x2f\xfd\0" + bytes([window]) + block)
    label_files([tmp_path / "RC_2019-05.zst"], tmp_path / "out.jsonl", model)
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["Ban it."]


def test_a_dump_tells_parents_and_threads_and_passes_over_what_is_no_post(tmp_path, model):
    comment = {"body": "No.", "link_id": "t3_l", "created_utc": 1556878500, "author": "ann"}
    dump = [
        comment | {"id": "a", "parent_id": "t3_l"},
        comment | {"id": "b", "parent_id": "t1_a", "author": "[deleted]"},
    ]
    source = written(tmp_path, dump, "RC_2019-05")
    source.write_text(source.read_text() + "{broken\n")
    counts = label_files([source], tmp_path / "out.jsonl", model)
    found = [(row["thread"], row["post"], row["parent"], row["author"]) for row in lines(tmp_path / "out.jsonl")]
    assert found == [("t3_l", "a", None, "ann"), ("t3_l", "b", "a", "[deleted]")]
    assert (counts.rows, counts.rejects) == (2, 1)
    assert lines(tmp_path / "out.jsonl.rejected.jsonl")[0]["reason"] == "not a JSON object"


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_full_disk_is_one_line_and_leaves_no_output(tmp_path, model, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stance.stream.Journal, "keep", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)"):
        label_files([written(tmp_path, posts())], tmp_path / "out.jsonl", model)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_address_is_read_as_a_page(tmp_path, model, monkeypatch):
    page = stance.Thread("there", (stance.Post("1", "They keep what they promise", "ann"),))
    pages = {"https://a.example/t": [page]}
    monkeypatch.setattr("stance.stream.read.extract", lambda source, name: pages[source])
    counts = label_files(["https://a.example/t"], tmp_path / "out.jsonl", model)
    assert (counts.rows, counts.rejects) == (1, 0)


def command(*arguments):
    return [sys.executable, "-m", "stance", "label", *map(str, arguments)]


def test_the_command_streams_to_stdout_and_exits_with_2_where_rows_were_rejected(tmp_path, model):
    folder = save_model(model, tmp_path / "model")
    source = written(tmp_path, [*posts(1), {"text": None}])
    done = subprocess.run(command(source, "--model", folder, "-o", "-"), capture_output=True, text=True)
    assert [json.loads(line)["post"] for line in done.stdout.splitlines()] == ["1", "2", "3", "4"]
    assert done.stderr.splitlines()[-1] == "4 posts labelled, 1 row rejected"
    assert done.returncode == 2


SMALL_PARTS = "import sys, stance, stance.stream as s; s.PART_ROWS = 20; s.label_files(sys.argv[1:2], *sys.argv[2:4])"


def test_a_parquet_row_that_is_not_utf8_is_rejected_alone(tmp_path, model):
    texts = pa.array([b"keep it", b"\xee\xff", b"ban it"]).view(pa.string())
    pq.write_table(pa.table({"text": texts}), tmp_path / "posts.parquet")
    counts = label_files([tmp_path / "posts.parquet"], tmp_path / "out.jsonl", model)
    (rejected,) = lines(tmp_path / "out.jsonl.rejected.jsonl")
    assert (counts.rows, rejected["line"], rejected["reason"]) == (2, 2, "not UTF-8")


@pytest.mark.filterwarnings("ignore::stance.StanceWarning")
def test_damaged_files_of_every_kind_end_in_one_line_or_lose_nothing(tmp_path, model):
    """Some of the files of `python -m benchmarks.reliability`, and one of those that it found out by (a gzip)."""
    ended = dict([*fuzzed(120, tmp_path, model), *fuzzed(1, tmp_path, model, first=552)])
    assert {outcome: seed for seed, outcome in ended.items() if outcome not in ("labelled", "refused")} == {}
    assert set(ended.values()) == {"labelled", "refused"}


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, model):
    source, folder = written(tmp_path, posts(1000)), save_model(model, tmp_path / "model")
    output = tmp_path / "out.jsonl"
    arguments = [sys.executable, "-c", SMALL_PARTS, str(source), str(output), str(folder)]
    run = subprocess.Popen(arguments)
    while not (tmp_path / "out.jsonl.parts" / "000001.json").exists():
        assert run.poll() is None
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not output.exists()
    subprocess.run(arguments, check=True)
    keys = [(row["thread"], row["post"]) for row in lines(output)]
    assert keys == [(row["thread"], row["post"]) for row in posts(1000)]
    assert not (tmp_path / "out.jsonl.parts").exists()


def test_pages_of_one_name_in_two_folders_are_two_threads(tmp_path, small_model):
    page = (Path(__file__).parent / "pages" / "wordpress.html").read_bytes()
    for folder in ("may", "june"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "page.html").write_bytes(page)
    label_files([tmp_path / "may", tmp_path / "june"], tmp_path / "all.jsonl", model=small_model)
    threads = read_table(tmp_path / "all.jsonl")["thread"]
    assert sorted(set(threads)) == ["june/page", "may/page"]


def test_parents_with_a_point_join_the_conversation_in_a_file_as_in_memory(tmp_path, small_model):
    words = ("ban this junk", "no proof at all")
    rows = [{"thread": "t", "post": str(post), "parent": str(post - 1) if post > 1 else None} for post in range(1, 7)]
    rows = [row | {"author": f"a{n % 2}", "text": words[n % 2]} for n, row in enumerate(rows)]
    table = posts_table(row | {"parent": row["parent"] and f"{row['parent']}.0"} for row in rows)
    write_table(table, tmp_path / "posts.csv")
    label_files([tmp_path / "posts.csv"], tmp_path / "out.jsonl", small_model)
    expected = stance.label(posts_table(rows), small_model).to_dict("records")
    assert stance.label(tmp_path / "posts.csv", small_model).to_dict("records") == expected
    assert [{name: row[name] for name in LABEL_COLUMNS} for row in lines(tmp_path / "out.jsonl")] == expected


LOST = [{"thread": "t", "post": f"p{number}", "parent": f"x{number}", "text": "keep it"} for number in range(14)]
FOUND = [row | {"parent": "p1"} for row in LOST]


@pytest.mark.parametrize("options", [[], ["-o", "-"], ["-o", "labels.jsonl"]])
def test_a_conversation_that_is_lost_is_told_in_one_line(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, LOST[:12] + FOUND[12:])
    done = CliRunner().invoke(main, ["label", "posts.jsonl", *options], catch_exceptions=False)
    line = "warning: 12 of 14 parents name no post of their thread; the conversation is then lost"
    assert (done.exit_code, done.stderr.splitlines().count(line)) == (0, 1)


@pytest.mark.parametrize("rows", [LOST[:7] + FOUND[7:], LOST[:2], [row | {"parent": "t"} for row in LOST]])
def test_a_few_parents_that_are_not_there_or_the_thread_itself_are_no_loss(tmp_path, model, rows):
    assert label_files([written(tmp_path, rows)], tmp_path / "out.jsonl", model).rows == len(rows)
