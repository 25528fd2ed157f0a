"""Names that say nothing in the place of authors' names."""

import json
import stat

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import stance
from stance.cli import main
from stance.data import posts_table
from stance.errors import DataError
from stance.pseudonyms import pseudonym, pseudonymise, read_key
from stance.stream import label_files

KEY, OTHER_KEY = b"a key of the project", b"another one's key"
NAMES = st.text(min_size=1, max_size=12)


@given(name=NAMES, other=NAMES)
def test_the_same_name_has_the_same_pseudonym_and_another_name_another(name, other):
    assert (pseudonym(name, KEY) == pseudonym(other, KEY)) == (name == other)


@given(name=NAMES)
def test_another_key_gives_another_pseudonym(name):
    assert pseudonym(name, KEY) != pseudonym(name, OTHER_KEY)


@given(name=NAMES)
def test_a_pseudonym_stays_what_it_is(name):
    assert pseudonym(pseudonym(name, KEY), KEY) == pseudonym(name, KEY)


@pytest.mark.parametrize("missing", [None, "", float("nan"), "[deleted]", "Anonymous"])
def test_no_author_is_no_author_afterwards(missing):
    found = pseudonymise(posts_table([{"author": missing, "text": "x"}]), key=KEY)["author"][0]
    assert found is missing or found == missing


ADA = pseudonym("Ada", KEY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Ada you are wrong", f"@{ADA} you are wrong"),
        ("so says (@Ada).", f"so says (@{ADA})."),
        ("u/Ada and /u/Ada", f"u/{ADA} and /u/{ADA}"),
        ("@Ada@masto.example hi", f"@{pseudonym('Ada@masto.example', KEY)} hi"),
        ("mail ada@example.com", "mail ada@example.com"),
        ("Ada, you are wrong", "Ada, you are wrong"),
        ("7 @ 3 euros", "7 @ 3 euros"),
        ("https://example.com/u/Ada", "https://example.com/u/Ada"),
        (None, None),
    ],
)
def test_users_who_are_addressed_as_sites_do_it_are_replaced_in_the_words(text, expected):
    found = pseudonymise(posts_table([{"text": text, "quote": text}]), key=KEY)
    assert found.to_dict("records") == [{"text": expected, "quote": expected}]


def test_the_table_that_was_given_stays_as_it_was():
    posts = posts_table([{"author": "Ada", "text": "@Bob"}])
    pseudonymise(posts, key=KEY)
    assert posts.to_dict("records") == [{"author": "Ada", "text": "@Bob"}]


def test_labels_are_the_same_under_pseudonyms(small_corpus, small_model):
    posts = small_corpus.assign(text=["@ann " + text for text in small_corpus["text"]])
    hidden = pseudonymise(posts, key=KEY)
    assert set(hidden["author"]).isdisjoint(posts["author"])
    assert stance.label(hidden, small_model).equals(stance.label(posts, small_model))


@pytest.fixture
def source(tmp_path):
    rows = [
        {"thread": "t", "post": "1", "author": "Ada", "text": "Huawei: they steal code"},
        {"thread": "t", "post": "2", "parent": "1", "author": "Bob", "text": "@Ada no proof at all"},
        {"thread": "t", "post": "3", "parent": "2", "author": "Ada", "text": "never trust them"},
        {"thread": "t", "post": "3", "author": "Cem", "text": "twice"},
    ]
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_no_name_is_left_in_labelled_files_and_every_label_stays(source, tmp_path, small_model, ending):
    label_files([source], tmp_path / f"plain.{ending}", small_model)
    label_files([source], tmp_path / f"hidden.{ending}", small_model, key=KEY)
    plain, hidden = (stance.read_table(tmp_path / f"{name}.{ending}") for name in ("plain", "hidden"))
    assert hidden.to_dict("records") == pseudonymise(plain, key=KEY).to_dict("records")
    written = b"".join(path.read_bytes() for path in tmp_path.glob("hidden*"))
    assert [name for name in (b"Ada", b"Bob", b"Cem", KEY) if name in written] == []


def test_numbers_for_names_become_pseudonyms_too(tmp_path, small_model):
    stance.write_table(posts_table([{"author": 12, "text": "great phone"}]), tmp_path / "posts.parquet")
    label_files([tmp_path / "posts.parquet"], tmp_path / "out.parquet", small_model, key=KEY)
    assert stance.read_table(tmp_path / "out.parquet")["author"].tolist() == [pseudonym("12", KEY)]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_one_key_serves_all_commands_of_a_project(source, tmp_path, monkeypatch, small_model):
    monkeypatch.chdir(tmp_path)
    stance.save_model(small_model, "model")
    source.write_text("".join(source.read_text().splitlines(keepends=True)[:3]))
    assert run("extract", source, "-o", "posts.csv", "--pseudonymise").exit_code == 0
    assert run("label", source, "-o", "labels.csv", "--pseudonymise", "--model", "model").exit_code == 0
    assert run("label", "posts.csv", "-o", "again.csv", "--pseudonymise", "--model", "model").exit_code == 0
    authors = [stance.read_table(name)["author"].tolist() for name in ("posts.csv", "labels.csv", "again.csv")]
    expected = [pseudonym(name, read_key("stance.key")) for name in ("Ada", "Bob", "Ada")]
    assert authors == [expected] * 3


def test_a_key_is_made_on_first_use_for_its_owner_alone(tmp_path):
    key = read_key(tmp_path / "k")
    assert len(bytes.fromhex(key.decode())) == 32
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    assert read_key(tmp_path / "k") == key != read_key(tmp_path / "other")


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [(b"x" * 32, 0o644, "others can read this key"), (b"short", 0o600, "less than 16 bytes"), (b"", 0o600, "empty")],
)
def test_what_cannot_be_a_key_is_refused(tmp_path, content, mode, problem):
    (tmp_path / "k").write_bytes(content)
    (tmp_path / "k").chmod(mode)
    with pytest.raises(DataError, match=problem):
        read_key(tmp_path / "k")


def test_a_key_without_pseudonyms_is_a_mistake(source, tmp_path):
    source.write_text("".join(source.read_text().splitlines(keepends=True)[:3]))
    done = run("extract", source, "--key", tmp_path / "k")
    assert (done.exit_code, "--key belongs to --pseudonymise" in done.stderr) == (2, True)
    assert not (tmp_path / "k").exists()
