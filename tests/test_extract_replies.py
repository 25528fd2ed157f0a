"""Who answers whom, where a page does not say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stance.data import Post
from stance.extract.replies import infer_parents
from stance.extract.reply_trees import infer_tree, is_tree

ADA = Post("1", "Nobody found a fault in their base stations.", "Ada")


def parent_of(post: Post) -> tuple[str | None, str | None]:
    answered = infer_parents([ADA, Post("2", "Masts are ugly.", "Cem"), post])[-1]
    return answered.parent, answered.parent_basis


def test_a_quotation_names_the_parent() -> None:
    assert parent_of(Post("3", "Really?", "Bob", quote="Nobody found a fault")) == ("1", "quote")


def test_words_between_quotation_marks_name_the_parent() -> None:
    assert parent_of(Post("3", "“nobody found a fault” is a strange thing to say", "Bob")) == ("1", "quote")


def test_an_addressed_author_names_the_parent() -> None:
    assert parent_of(Post("3", "@Ada who looked?", "Bob")) == ("1", "address")


def test_a_name_at_the_head_is_an_address() -> None:
    assert parent_of(Post("3", "Ada, who looked?", "Bob")) == ("1", "address")


def test_nobody_answers_himself_by_name() -> None:
    assert parent_of(Post("3", "@Ada and I agree", "Ada")) == (None, None)


def test_what_names_nobody_answers_the_thread() -> None:
    assert parent_of(Post("3", "Good morning, all.", "Bob")) == (None, None)


def test_a_parent_that_the_page_names_stays() -> None:
    given_post = Post("3", "@Ada who looked?", "Bob", parent="2", parent_basis="page")
    assert parent_of(given_post) == ("2", "page")


def test_ascending_numbers_are_a_flat_list() -> None:
    assert not is_tree([Post("1", "a"), Post("2", "b"), Post("5", "c")])


@st.composite
def numbered_trees(draw: st.DrawFn) -> list[Post]:
    """A tree printed in pre-order, its posts numbered in the order of writing."""
    parents = [draw(st.integers(0, number)) for number in range(draw(st.integers(1, 12)))]
    children: dict[int, list[int]] = {}
    for number, parent in enumerate(parents, start=1):
        children.setdefault(parent, []).append(number)
    order, stack = [], children.get(0, [])[::-1]
    while stack:
        number = stack.pop()
        order.append(number)
        stack.extend(children.get(number, [])[::-1])
    return [Post(str(number), f"words {number}", f"name{number % 3}") for number in order]


@given(numbered_trees())
def test_an_inferred_tree_prints_as_the_dump_it_came_from(posts: list[Post]) -> None:
    children: dict[str | None, list[str]] = {}
    for post in infer_tree(posts):
        children.setdefault(post.parent, []).append(post.id)
    order, stack = [], sorted(children.get(None, []), key=int, reverse=True)
    while stack:
        name = stack.pop()
        order.append(name)
        stack.extend(sorted(children.get(name, []), key=int, reverse=True))
    assert order == [post.id for post in posts]
