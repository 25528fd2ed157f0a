"""A forum that its reader describes: `STANCE_PLATFORMS` names a file in the form of `platforms.toml`."""

from pathlib import Path

import pytest

import stance

EXAMPLES = Path(__file__).resolve().parent.parent / "docs/examples"


def test_a_described_forum_is_read_with_authors_and_parents(monkeypatch):
    monkeypatch.setenv("STANCE_PLATFORMS", str(EXAMPLES / "wheelhouse.toml"))
    thread = stance.extract(EXAMPLES / "forum.html")[0]
    assert thread.platform == "The Wheelhouse"
    assert [(post.id, post.parent, post.author) for post in thread.posts] == [
        ("7701", None, "cargo_dad"),
        ("7702", "7701", "Ines"),
        ("7703", "7702", "cargo_dad"),
        ("7704", "7703", "Ines"),
        ("7705", "7701", "Piet"),
        ("7706", "7705", "cargo_dad"),
        ("7707", "7701", "slowlane"),
        ("7708", "7707", "Piet"),
    ]


def test_a_description_of_another_forum_changes_nothing(monkeypatch):
    page = Path(__file__).parent / "pages/wordpress.html"
    before = stance.extract(page)
    monkeypatch.setenv("STANCE_PLATFORMS", str(EXAMPLES / "wheelhouse.toml"))
    assert stance.extract(page) == before


@pytest.mark.parametrize(
    ("broken", "read_as"),
    [
        ('marks = ["talk-list', "repeated blocks"),
        ('post = ["article.talk', "repeated blocks"),
        ('text = [".said', "repeated blocks"),
        ('author = [".rider', "repeated blocks"),
        ('id = ["@id', "The Wheelhouse"),
        ('date = ["time', "The Wheelhouse"),
    ],
)
def test_the_page_is_guessed_where_posts_words_or_authors_are_not_found(broken, read_as, tmp_path, monkeypatch):
    described = (EXAMPLES / "wheelhouse.toml").read_text()
    assert broken in described
    (tmp_path / "own.toml").write_text(described.replace(broken, f"{broken}-not-there"))
    monkeypatch.setenv("STANCE_PLATFORMS", str(tmp_path / "own.toml"))
    assert stance.extract(EXAMPLES / "forum.html")[0].platform == read_as


@pytest.mark.parametrize(
    ("post", "quote"),
    [
        ("<div class='said'><q class='cite'>Theirs.</q> Mine {}.</div>", "Theirs."),
        ("<q class='cite'>Theirs.</q><div class='said'>Mine {}.</div>", None),
    ],
    ids=["within text", "beside text"],
)
def test_a_quotation_is_looked_for_within_the_text(post, quote, tmp_path, monkeypatch):
    rules = 'marks = ["talks"]\npost = ["article"]\nauthor = ["b"]\ntext = [".said"]\nquote = ["q.cite"]\n'
    (tmp_path / "own.toml").write_text(f"[Mine]\n{rules}")
    posts = "".join(f"<article><b>n{number}</b>{post.format(number)}</article>" for number in range(3))
    (tmp_path / "page.html").write_text(f"<html><body><div class='talks'>{posts}</div></body></html>")
    monkeypatch.setenv("STANCE_PLATFORMS", str(tmp_path / "own.toml"))
    found = [(post.text, post.quote) for post in stance.extract(tmp_path / "page.html")[0].posts]
    assert found == [(f"Mine {number}.", quote) for number in range(3)]


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("pots", "not TOML"),
        ("[a]\npots = 1", r"\[a\]: unknown key 'pots'; use origin, post, text"),
        ("[a]\ntext = 'p'", r"\[a\]: no 'post'; say by post ="),
        ("[a]\npost = 'p'\ntext = 'p['", r"\[a\]: no CSS selector: 'p\['"),
        ("[a]\npost = 'p'\ntext = 'p'\nid = '@id ~ ('", r"\[a\]: a rule that cannot be read"),
        ("a = 1", r"\[a\]: not an entry; begin it with a line \[a\]"),
    ],
)
def test_a_mistake_in_a_description_is_one_line_with_the_way_out(toml, problem, tmp_path, monkeypatch):
    path = tmp_path / "own.toml"
    path.write_text(toml)
    monkeypatch.setenv("STANCE_PLATFORMS", str(path))
    with pytest.raises(stance.DataError, match=problem) as caught:
        stance.extract(EXAMPLES / "forum.html")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_description_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("STANCE_PLATFORMS", str(tmp_path / "own.toml"))
    with pytest.raises(stance.DataError, match=r"own\.toml: no such file"):
        stance.extract(EXAMPLES / "forum.html")
