"""Small files that stand for very much are refused in one line, or read in little memory.

`python -m benchmarks.bombs` lets real ones off, of gigabytes; here the limits are lowered instead.
"""

import gzip
import io
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_design import ROOT

import stance
from stance import parquet_pages, tables
from stance.errors import DataError, PageError
from stance.extract import exports, extract, own, warc
from stance.parquet import small_batches
from stance.stream import cut, read
from stance.stream.read import Reading, Refused
from stance.tables import read_table

ROW = b'{"thread": "t", "post": "1", "text": "x", "stance": "none"}\n'


def parquet(table, **options):
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def same_text(text, rows):
    """A table of a few bytes: the text once, and its number so many times."""
    numbers = pa.array([0] * rows, pa.int32())
    return parquet(pa.table({"text": pa.DictionaryArray.from_arrays(numbers, pa.array([text]))}), compression="zstd")


def refusal(path, data):
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_table(path)
    return str(caught.value).removeprefix(f"{path}: ").removeprefix(f"{path}, ").split(";")[0]


@pytest.fixture
def little_memory(monkeypatch):
    """Limits of a thousandth of what they are."""
    monkeypatch.setattr(tables, "MOST_EXPANDED", 1 << 20)
    monkeypatch.setattr(tables, "MOST_MEMORY", 4_000_000)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("short.jsonl", gzip.compress(b"{}\n" * 20_000), "20,000 rows of 60,000 bytes unfold from it"),
        ("nested.jsonl", gzip.compress(ROW + b'{"a": [' + b"{}," * 60_000 + b"0]}\n"), "2 rows of 180,071 bytes"),
        ("short.csv", gzip.compress(b"text,stance\n" + b"x,none\n" * 20_000), "20,001 rows of 140,012 bytes unfold"),
        ("commas.csv", gzip.compress(b"text" + b"," * 60_000), "0 rows of 60,004 bytes unfold from it"),
        ("rows.parquet", same_text("x", 50_000), "15,000 rows of 15,000 bytes unfold from it"),
        ("long.parquet", same_text("x" * 300, 5_000), "5,000 rows of 1,500,000 bytes unfold from it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_small_table_with_many_rows_or_values_is_refused(tmp_path, name, data, said):
    assert refusal(tmp_path / name, data).startswith(said)


def test_a_gigabyte_of_ordinary_posts_may_be_read(tmp_path):
    words = b"They said so, and nobody asked why. " * 9
    post = b'{"thread": "t", "post": "1", "author": "ann", "text": "%s"}\n' % words
    weight = tables._ROW + sum(map(post.count, (b",", b"[", b"{"))) * tables._VALUE
    assert weight / len(post) * tables.MOST_EXPANDED < tables.MOST_MEMORY
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress(post * 2000))
    assert len(read_table(tmp_path / "posts.jsonl.gz")) == 2000


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("line.jsonl", ROW + b'{"text": "' + b"x" * 5_000 + b'"}\n', "line 2: longer than 4,096 bytes"),
        ("line.csv", b"text\n" + b"x" * 5_000, "line 2: longer than 4,096 bytes"),
        ("cell.parquet", parquet(pa.table({"text": ["x", "x" * 5_000]})), "row 2: longer than 4,096 bytes"),
    ],
)
def test_an_endless_row_is_refused_where_a_table_is_read_whole(tmp_path, monkeypatch, name, data, said):
    monkeypatch.setattr(tables, "LONGEST_LINE", 4_096)
    monkeypatch.setattr("stance.parquet.LONGEST_LINE", 4_096)
    assert refusal(tmp_path / name, data).startswith(said)


def test_a_bottomless_row_is_refused_where_a_table_is_read_whole(tmp_path):
    said = refusal(tmp_path / "deep.jsonl", ROW + b'{"a":' * 100_000)
    assert said.startswith("line 2: not JSON (maximum recursion depth exceeded")


def test_a_bottomless_row_is_left_out_of_a_stream(tmp_path):
    (tmp_path / "deep.jsonl").write_bytes(ROW + b'{"a":' * 100_000 + b"\n" + ROW.replace(b'"1"', b'"2"'))
    counts = stance.label_files([tmp_path / "deep.jsonl"], tmp_path / "labels.jsonl")
    assert (counts.rows, counts.rejects) == (2, 1)


def rows_of(path):
    return [content for stretch in Reading((str(path),)).rows() for content in stretch.content]


def test_in_a_stream_an_endless_row_is_left_out_and_the_others_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "LONGEST_LINE", 4_096)
    monkeypatch.setattr("stance.parquet.LONGEST_LINE", 4_096)
    path = tmp_path / "posts.parquet"
    path.write_bytes(parquet(pa.table({"text": ["one", "x" * 5_000, "three"]})))
    assert rows_of(path) == [{"text": "one"}, Refused("longer than 16777216 bytes"), {"text": "three"}]


def test_a_text_that_repeats_is_written_out_a_few_rows_at_a_time():
    data = io.BytesIO(same_text("x" * 1_000_000, 200))
    sizes = [(batch.num_rows, size) for batch, size in small_batches(data, pq.ParquetFile(data), "x")]
    assert sum(rows for rows, _ in sizes) == 200
    assert {size // rows for rows, size in sizes} == {1_000_000} and max(size for _, size in sizes) <= 16 << 20


NESTED = pa.table({"text": ["one", "two"], "replies": [["a"] * 5, None], "votes": [{"up": "b"}, {"up": "cc"}]})
VOTES = pa.array([[("up", "b"), ("down", "cc")]], pa.map_(pa.string(), pa.string()))
MAPPED = pa.table({"text": ["one"], "votes": VOTES})


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", None])
@pytest.mark.parametrize("table", [NESTED, MAPPED], ids=["lists and structures", "maps"])
def test_every_form_of_a_table_is_read_as_it_was_written(tmp_path, table, encoding):
    given = {"use_dictionary": False, "column_encoding": {"text": encoding}} if encoding else {}
    path = tmp_path / "posts.parquet"
    path.write_bytes(parquet(table, **given))
    assert rows_of(path) == table.to_pylist()
    assert read_table(path).to_dict("records") == table.to_pylist()


@pytest.mark.parametrize(
    ("limit", "table", "said"),
    [
        ("MOST_HELD", {"text": ["x" * 100]}, "pages that unfold to"),
        ("MOST_NESTED", {"text": ["x"], "replies": [["a"] * 100]}, "more than 8 values in the lists of column"),
        ("MOST_COLUMNS", {str(number): ["x"] for number in range(9)}, "9 columns, of which 8 are read"),
        ("LONGEST_FIXED", {"key": pa.array([b"x" * 9], pa.binary(9))}, "values of 9 bytes in column 'key'"),
    ],
)
def test_a_row_group_that_unfolds_to_too_much_is_refused_before_it_does(tmp_path, monkeypatch, limit, table, said):
    monkeypatch.setattr(parquet_pages, limit, 8)
    path = tmp_path / "posts.parquet"
    assert said in refusal(path, parquet(pa.table(table)))
    with pytest.raises(DataError, match="row group 1"):
        rows_of(path)


def test_the_sizes_are_those_of_the_pages_whatever_the_footer_says(tmp_path):
    texts = [f"{number} {'x' * 1000}" for number in range(500)]
    small = {"data_page_size": 50_000, "write_batch_size": 10, "use_dictionary": False}
    data = parquet(pa.table({"text": texts}), compression="gzip", **small)
    chunk = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    pages = list(parquet_pages._pages(io.BytesIO(data), chunk))
    assert (len(pages), sum(page.n_values for page in pages)) == (10, 500)
    # Four bytes say how long a text is, and some more in each page that none is missing.
    assert 0 < sum(page.n_bytes for page in pages) - sum(len(text) + 4 for text in texts) < 10 * 16


@pytest.mark.parametrize("at", range(4, 24))
def test_a_damaged_page_header_is_one_line(tmp_path, at):
    data = bytearray(parquet(pa.table({"text": ["one", "two"]})))
    data[at] ^= 0xFF
    path = tmp_path / "posts.parquet"
    path.write_bytes(data)
    try:
        rows_of(path)
    except DataError as error:
        assert "\n" not in str(error)


def test_parquet_inside_a_stream_that_cannot_be_sought_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MOST_EXPANDED", 1_000_000)
    path = tmp_path / "posts.parquet.zst"
    path.write_bytes(pa.compress(b"PAR1" + b"\0" * 2_000_000, "zstd", asbytes=True))
    with pytest.raises(DataError, match="more than 1,000,000 bytes of Parquet after decompression"):
        rows_of(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"text\n" + b"x" * 5_000 + b"\n", "a line longer than 4,096 bytes"),
        (b",".join(b"c%d" % number for number in range(9)) + b",text\n", "10 columns, of which 8 are read"),
    ],
)
def test_a_table_without_line_ends_or_with_endless_columns_is_refused(tmp_path, monkeypatch, data, said):
    monkeypatch.setattr(read, "LONGEST_LINE", 4_096)
    monkeypatch.setattr(read, "MOST_COLUMNS", 8)
    path = tmp_path / "posts.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=said):
        rows_of(path)


def test_long_rows_make_short_parts_and_an_endless_thread_is_refused(monkeypatch):
    monkeypatch.setattr(cut, "PART_BYTES", 1_000)
    stretches = [read.Rows([0], [n], [n], [{"thread": str(n // 5), "text": "x" * 300}]) for n in range(20)]
    assert [part.n_rows for part in cut.cut_into_parts(iter(stretches))] == [5, 5, 5, 5]
    monkeypatch.setattr(cut, "LARGEST_THREAD", 1_200)
    with pytest.raises(DataError, match="a thread of more than 1,200 bytes"):
        list(cut.cut_into_parts(iter(stretches)))


def test_the_pages_of_an_archive_may_not_be_many_times_its_size(monkeypatch):
    monkeypatch.setattr(warc, "MOST_PAGES", 10_000)
    page = gzip.compress(b"<p>" + b"word " * 4_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + page
    record = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n" % (len(head), head)
    )
    with pytest.raises(PageError, match="unfold to more than an archive of its size holds"):
        extract(record * 3)


def test_an_export_of_xml_has_so_many_tags_at_most(monkeypatch):
    monkeypatch.setattr(exports, "MOST_TAGS", 100)
    with pytest.raises(PageError, match="more than 100 tags of XML"):
        extract(b"<?xml version='1.0'?><rss>" + b"<a/>" * 100 + b"</rss>")


def test_xml_may_be_deep():
    with pytest.raises(PageError, match="no export that stance knows"):
        extract(b"<?xml version='1.0'?><rss>" + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</rss>")


def test_bottomless_toml_is_refused_in_one_line(tmp_path, monkeypatch):
    path = tmp_path / "forums.toml"
    path.write_text("a = " + "[" * 100_000)
    monkeypatch.setenv(own.VARIABLE, str(path))
    with pytest.raises(DataError, match="not TOML"):
        own.own_platforms()


BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from stance.cli import main
main(sys.argv[1:])
"""


def test_a_file_of_kilobytes_that_stands_for_gigabytes_is_labelled_in_little_memory(tmp_path):
    path = tmp_path / "bomb.parquet"
    path.write_bytes(same_text("x" * 2_000_000, 4_000))
    command = [sys.executable, "-c", BOMB, "label", str(path), "-o", str(tmp_path / "labels.jsonl"), "--strict"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (path.stat().st_size < 20_000, done.returncode, done.stderr.count("\n")) == (True, 2, 1), done.stderr
    assert "text of more than 1000000 bytes" in done.stderr
