"""Pages whose markup names nothing: written anew they say the same words, in elements that can be told apart."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.extract.document import Document
from stance.extract.markup import text_of
from stance.extract.shapes import in_shapes

PAGES = sorted((Path(__file__).parent / "pages").glob("*.html"))

PIECES = st.sampled_from(
    re.findall(
        r"\S+",
        """<p> </p> <hr> <br> <b>Ada</b> 3&nbsp;May&nbsp;2019 <div> </div> <table><tr><td> </table> Yes. <dl><dt>
        <dd> </dl> <li> Name: &lt;b&gt; <font> <a> </a> <pre> </pre> <form> <input> </form> <textarea>""",
    )
)

#: What the new page leaves out, for it names the line instead.
LABEL = re.compile(r"(?:Posted by|Posted|Name|Date|Comments|From)\s*:")


def letters(document: Document) -> Counter[str]:
    body = document.tree.body
    return Counter("".join(LABEL.sub("", text_of(body.html or "") if body else "").split()))


def parts(html: str) -> list[str]:
    shaped = in_shapes(Document(html, "page"))
    return [" ".join(node.text(separator=" ").split()) for node in shaped.css('[data-shape~="part"]')] if shaped else []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_letter_is_lost_but_labels(path: Path) -> None:
    page = Document(path.read_text(encoding="utf-8"), path.name)
    shaped = in_shapes(page)
    assert shaped is not None
    assert letters(shaped) == letters(page)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_markup_is_written_anew_without_gaining_a_letter(html: str) -> None:
    page = Document(html, "page")
    shaped = in_shapes(page)
    assert shaped is not None and letters(shaped) <= letters(page)


def test_parts_stand_between_rules() -> None:
    html = "<h1>Guests</h1><hr><b>Ada</b><br>3 May 2019<br>Yes.<hr><b>Bob</b><br>4 May 2019<br>No.<hr><p>Bye</p>"
    assert parts(html) == ["Ada 3 May 2019 Yes.", "Bob 4 May 2019 No."]


def test_parts_begin_at_heads_of_one_shape_and_the_title_above() -> None:
    rows = "".join(
        f"<tr><th>Re: masts</th></tr><tr><td>{name}</td><td>{day} May 2019</td></tr><tr><td colspan=2>{said}</td></tr>"
        for name, day, said in (("Ada", 3, "Yes."), ("Bob", 4, "No."))
    )
    assert parts(f"<table>{rows}</table>") == ["Re: masts Ada 3 May 2019 Yes.", "Re: masts Bob 4 May 2019 No."]


def test_parts_end_at_feet_where_nothing_follows_the_last() -> None:
    html = "<div>Yes.<br><i>Ada, 3 May 2019</i><br>No, and again no.<br><i>Bob, 4 May 2019</i></div>"
    assert parts(html) == ["Yes. Ada, 3 May 2019", "No, and again no. Bob, 4 May 2019"]


def test_the_day_a_member_joined_begins_no_part() -> None:
    html = "<div>Ada<br>Joined: 3 May 2019<br>Yes.<br>Bob<br>Joined: 4 May 2019<br>No.</div>"
    assert parts(html) == []


def test_deep_pages_are_left_as_they_are() -> None:
    assert in_shapes(Document("<div>" * 300 + "3 May 2019", "page")) is None
