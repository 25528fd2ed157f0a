"""Text dumps: which lines open a post, what they say, and what is no post."""

import pytest

from stance.extract.dump import (
    Head,
    _is_name,
    _name_and_date,
    _name_then_date,
    _name_with_date,
    _numbered_name,
    _reply_number,
    _start,
    _wrote,
    read_dump,
    read_numbered,
)
from stance.extract.page import Page


def read(text):
    return read_dump(Page("dump.txt", text.encode(), text))


def posts(text):
    return [(post.id, post.author, post.posted_at, post.text) for post in read(text).posts]


def lines(text):
    return text.split("\n")


MEMBER = "Posts: 12; Member since: Jan 02, 2017"


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("1. Ada", Head(0, 0, "Ada", "1")),
        ("#12 Ada", Head(0, 0, "Ada", "12")),
        ("Comment 3: by Ada", Head(0, 0, "Ada", "3")),
        ("[4] Ada Lee", Head(0, 0, "Ada Lee", "4")),
        (f"1. Ada\n{MEMBER}", Head(0, 1, "Ada", "1", sure=True)),
        (f"1. Ada\n\n{MEMBER}\nwords", Head(0, 2, "Ada", "1", sure=True)),
        (f"1. Ada\n\n\n{MEMBER}", Head(0, 0, "Ada", "1")),
        (f"1. Ada ({MEMBER})\nwords", Head(0, 0, "Ada", "1", sure=True)),
        ("1. Ada\nMay 3, 2019 10:15 am", Head(0, 1, "Ada", "1", "May 3, 2019 10:15 am", sure=True)),
        ("1. Ada | May 3, 2019 10:15 am", Head(0, 0, "Ada", "1", "May 3, 2019 10:15 am", sure=True)),
        ("1. Ada | May 3, 2019\nMay 4, 2019", Head(0, 0, "Ada", "1", "May 3, 2019", sure=True)),
        ("1. Ada\nThe masts may stay.", Head(0, 0, "Ada", "1")),
        ("1. Ada (who is not convinced)", None),
        ("1. The masts may stay where they are now", None),
        ("1. Reply", None),
        ("12 masts may stay.", None),
        ("1234567. Ada", None),
        ("Ada", None),
    ],
)
def test_a_number_and_a_name_open_a_post(text, head):
    assert _numbered_name(lines(text), 0) == head


DATE = "May 3, 2019 10:15 am"


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (f"Reply #1\nAda\n{DATE}\nwords", Head(0, 2, "Ada", "1", DATE, sure=True)),
        (f"Reply #1\n{DATE}\nAda\nwords", Head(0, 2, "Ada", "1", DATE, sure=True)),
        (f"#2 - by Ada\n{DATE}\nwords", Head(0, 1, "Ada", "2", DATE, sure=True)),
        (f"Reply #3 by Ada, {DATE}\nwords", Head(0, 0, "Ada", "3", DATE, sure=True)),
        (f"Post 4: {DATE}\nAda\nwords", Head(0, 1, "Ada", "4", DATE, sure=True)),
        ("Reply #5\nAda\nThe masts may stay.", Head(0, 1, "Ada", "5", sure=True)),
        (f"Reply #6\nAda\n{MEMBER}\nwords", Head(0, 2, "Ada", "6", sure=True)),
        (f"Reply #7\nAda\n{DATE}\n{MEMBER}\nwords", Head(0, 3, "Ada", "7", DATE, sure=True)),
        (f"Reply #8\n{MEMBER}\nAda", None),
        ("Reply #9\nThe masts may stay where they are.", None),
        ("Reply #10", None),
        ("Reply #11 the masts may stay where they are.", None),
        ("Ada", None),
    ],
)
def test_the_word_for_a_reply_and_a_number_open_a_post(text, head):
    assert _reply_number(lines(text), 0) == head


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("Ada wrote:", Head(0, 0, "Ada", sure=True)),
        ("[12] Ada wrote:", Head(0, 0, "Ada", "12", sure=True)),
        ("12. Ada says: Let them stay.", Head(0, 0, "Ada", "12", rest="Let them stay.", sure=True)),
        ("Ada said: Let them stay.", Head(0, 0, "Ada", rest="Let them stay.")),
        ("Ada said on 3 May 2019: No.", Head(0, 0, "Ada", None, "on 3 May 2019", "No.", sure=True)),
        ("Ada said (3 May 2019 at 10:15): No.", Head(0, 0, "Ada", None, "3 May 2019 at 10:15)", "No.", sure=True)),
        (f"Ada wrote:\n{DATE}\nwords", Head(0, 1, "Ada", None, DATE, sure=True)),
        (f"Ada wrote: No.\n{DATE}", Head(0, 0, "Ada", rest="No.")),
        ("Ada wrote a letter to the council: no masts.", None),
        ("Reply wrote:", None),
        ("Ada", None),
    ],
)
def test_a_name_and_a_word_for_saying_open_a_post(text, head):
    assert _wrote(lines(text), 0) == head


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (f"Ada\n{DATE}\nwords", Head(0, 1, "Ada", None, DATE)),
        (f"@Ada\n\n{DATE}\nwords", Head(0, 2, "Ada", None, DATE)),
        (f"Ada\n{MEMBER}\nwords", Head(0, 1, "Ada", sure=True)),
        (f"Ada:\n{DATE}", None),
        (f"*Ada\n{DATE}", None),
        (f"{DATE}\n{DATE}", None),
        ("Ada\nThe masts may stay.", None),
        (f"The masts may stay where they are now\n{DATE}", None),
        ("Ada", None),
    ],
)
def test_a_name_above_a_date_opens_a_post(text, head):
    assert _name_then_date(lines(text), 0) == head


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (f"Ada, {DATE}", Head(0, 0, "Ada", None, DATE)),
        (f"Ada on {DATE}:", Head(0, 0, "Ada", None, f"{DATE}:")),
        (f"{DATE} by Ada", Head(0, 0, "Ada", None, f"{DATE} by Ada")),
        (DATE, None),
        ("Ada", None),
        (f"On {DATE} the council debated whether the masts may stay.", None),
        (f"Ada, {DATE}{' ' * 90}.", None),
        (f"{'A' * 38}{' ' * 30}, {DATE}", Head(0, 0, "A" * 38, None, DATE)),
        (f"{'A' * 38}{' ' * 31}, {DATE}", None),
        ("3 May 2019 10:15", None),
        ("Ada on 3 May 2019 at 10:15 : ", Head(0, 0, "Ada", None, "3 May 2019 at 10:15 :")),
        (f"{DATE} Ada and the others of the far valley said no", None),
    ],
)
def test_a_name_and_a_date_on_one_line_open_a_post(text, head):
    assert _name_with_date(lines(text), 0) == head


@pytest.mark.parametrize(
    ("line", "name", "date"),
    [
        (f"Ada, {DATE}", "Ada", DATE),
        (f"Ada said on {DATE}", "Ada said", DATE),
        (f"posted {DATE} by Ada", "Ada", f"{DATE} by Ada"),
        (f"on: {DATE}, Ada", "Ada", f"{DATE}, Ada"),
        (f"On {DATE}", None, DATE),
        (f"by Ada - {DATE}", "Ada", DATE),
        (f"ON: {DATE}, Ada", "Ada", f"{DATE}, Ada"),
        (f"am: {DATE} | Ada", "Ada", f"{DATE} | Ada"),
        (f"BY Ada, {DATE}", "Ada", DATE),
        (f"POSTED ON {DATE} — Ada", "Ada", f"{DATE} — Ada"),
        (f"Posted at {DATE} by Ada", "Ada", f"{DATE} by Ada"),
        (f"Ada POSTED, {DATE}", "Ada", DATE),
        (f"Ada commented — {DATE}", "Ada", DATE),
        (f"AX - {DATE}", "AX", DATE),
        (f"{DATE} XA", "XA", f"{DATE} XA"),
        (f"•• {DATE}", None, DATE),
        ("Ada", "Ada", None),
        ("The masts may stay where they are.", None, None),
    ],
)
def test_a_name_and_a_date_are_told_apart(line, name, date):
    assert _name_and_date(line) == (name, date)


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("Ada", True),
        ("Ada Lee of the valley", True),
        ("Ada Lee of the far valley", False),
        ("A" * 42, True),
        ("A" * 43, False),
        ("Ada.", True),
        ("Who?", True),
        ("Ada!", True),
        ("Ada…", True),
        ("Ada;", False),
        ("Ada Lee!", False),
        ("Ada Lee;", False),
        ("Ada Lee…", False),
        ("Ada,", False),
        ("Ada Lee.", False),
        ("What now?", False),
        ("Reply", False),
        ("Related stories", False),
        ("", False),
        (None, False),
    ],
)
def test_a_name_has_five_words_at_most_and_ends_no_sentence(text, is_name):
    assert _is_name(text) is is_name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Title\n3 Comments\nwords", (2, 3)),
        ("Title\nComments (1,204)", (2, 1204)),
        ("Title\nDiscussion:\nwords", (2, None)),
        ("3 Comments\nwords\n5 Comments", (1, 3)),
        ("Discussion\nwords\n5 Comments", (3, 5)),
        ("Discussion\nwords\nComments", (1, None)),
        ("Title\nwords", (0, None)),
        (f"3 comments{' ' * 60}", (0, None)),
        (f"3{' ' * 50}comments", (1, 3)),
        (f"3{' ' * 51}comments", (0, None)),
        (f"Comments{' ' * 31}", (1, None)),
        (f"Comments{' ' * 32}", (0, None)),
    ],
)
def test_posts_begin_below_a_heading_that_may_count_them(text, found):
    assert _start(lines(text)) == found


def test_posts_end_where_the_page_goes_on_to_something_else():
    dump = f"Masts\n\n1. Ada\n{MEMBER}\nThey may stay.\nReply | Quote\n\nRelated stories\n\nMasts elsewhere"
    assert posts(dump) == [("1", "Ada", None, "They may stay.")]


def test_a_quoted_line_is_taken_out_of_the_text_unless_nothing_else_is_said():
    thread = read(f"1. Ada\n{MEMBER}\n> Who says so?\nI do.\n2. Bob\n{MEMBER}\n> I do.\n")
    assert [(post.text, post.quote) for post in thread.posts] == [("I do.", "Who says so?"), ("I do.", None)]


def test_the_first_line_is_the_title_and_the_count_tells_what_is_hidden():
    thread = read(f"\ufeff\n  Masts in the valley\n5 Comments\n1. Ada\n{MEMBER}\nThey may stay.")
    assert (thread.title, thread.platform, thread.hidden, len(thread.posts)) == (
        "Masts in the valley",
        "text dump",
        4,
        1,
    )


def test_the_form_that_opens_most_posts_is_read():
    dump = (
        f"1. Ada\n{MEMBER}\nBob wrote:\nCem wrote: yes\nLet them stay.\n2. Dan\n{MEMBER}\nNo.\n3. Eve\n{MEMBER}\nYes."
    )
    assert [author for _, author, _, _ in posts(dump)] == ["Ada", "Dan", "Eve"]


def test_a_number_that_stands_twice_numbers_no_posts():
    assert len(posts("Comments\n1. Ada\nYes.\n2. Bob\nNo.")) == 2
    assert posts("Comments\n1. Ada\nYes.\n1. Bob\nNo.") == []


def test_a_list_of_names_without_words_is_no_discussion():
    assert posts(f"1. Ada\n{MEMBER}\n2. Bob\n{MEMBER}\n3. Cem\n{MEMBER}\nYes.") == []


UNSURE = ["1. Ada\nYes.", "2. Bob\nNo.", "3. Cem\nWhy?", "4. Dan\nWell."]


@pytest.mark.parametrize(
    ("text", "n_posts"),
    [
        ("\n".join(UNSURE), 4),
        ("\n".join(UNSURE[:3]), 0),
        ("\n".join(["Comments", *UNSURE[:2]]), 2),
        ("\n".join(["Comments", *UNSURE[:1]]), 0),
        ("\n".join([*UNSURE[:3], "4. Dan of the far valley\nWell."]), 4),
        ("\n".join([*UNSURE[:2], "3. Cem of the valley\nWhy?", "4. Dan of the valley\nWell."]), 0),
    ],
)
def test_posts_without_a_byline_are_believed_below_a_heading_or_where_four_short_names_repeat(text, n_posts):
    assert len(posts(text)) == n_posts


def test_number_date_lines_and_quoted_lines_of_a_post_are_kept():
    dump = f"3. Ada\n{DATE}\n> Who\n> says so?\nI do.\nAlways.\n5. Bob\n{DATE}\nNo."
    thread = read(dump)
    assert posts(dump) == [
        ("3", "Ada", "2019-05-03T10:15:00", "I do.\nAlways."),
        ("5", "Bob", "2019-05-03T10:15:00", "No."),
    ]
    assert thread.posts[0].quote == "Who\nsays so?"


def test_numbers_out_of_order_show_who_answers_whom():
    thread = read(f"1. Ada\n{MEMBER}\nYes.\n3. Bob\n{MEMBER}\nNo.\n2. Cem\n{MEMBER}\nWhy?")
    unnumbered = read(f"Ada\n{MEMBER}\nYes.\nBob\n{MEMBER}\nNo.\nCem\n{MEMBER}\nWhy?")
    assert [(post.id, post.parent, post.parent_basis) for post in thread.posts] == [
        ("1", None, None),
        ("3", "1", "order"),
        ("2", None, None),
    ]
    assert [(post.id, post.parent) for post in unnumbered.posts] == [("1", None), ("2", None), ("3", None)]


def test_one_byline_in_two_is_enough_to_believe_posts_and_one_in_three_is_not():
    with_byline, without = f"1. Ada\n{MEMBER}\nYes.\n", "2. Bob\nNo.\n"
    assert [author for _, author, _, _ in posts(with_byline + without)] == ["Ada", "Bob"]
    assert len(posts(f"{with_byline}{without}3. Cem\nWhy?")) < 3


def test_a_date_below_the_words_is_the_post_s_date_and_no_word_of_it():
    said = [f"They may stay.\nAll of them.\n{DATE} Reply", DATE, f"No.\n{DATE}"]
    heads = [f"1. Ada\n{MEMBER}", f"2. Bob\n{MEMBER}", f"3. Cem\n{MEMBER}"]
    assert posts("\n".join(f"{head}\n{words}" for head, words in zip(heads, said, strict=True))) == [
        ("1", "Ada", "2019-05-03T10:15:00", "They may stay.\nAll of them."),
        # A date alone is what somebody wrote.
        ("2", "Bob", None, DATE),
        ("3", "Cem", "2019-05-03T10:15:00", "No."),
    ]


def test_a_date_among_the_words_stays_there():
    dump = f"1. Ada\n{MEMBER}\n{DATE}\nThey may stay."
    assert posts(dump) == [("1", "Ada", None, f"{DATE}\nThey may stay.")]


@pytest.mark.parametrize(("length", "is_end"), [(89, True), (90, False)])
def test_what_follows_the_posts_is_told_by_a_short_line(length, is_end):
    ending = "Related stories".ljust(length - 1) + "."
    dump = f"1. Ada\n{MEMBER}\nThey may stay.\nAll.\n{ending}\nMasts elsewhere"
    rest = "They may stay.\nAll."
    assert read_numbered(f"Comments\n{dump}\n2. Bob\n{MEMBER}\nNo.")[0][0].text == (
        rest if is_end else f"{rest}\n{ending}\nMasts elsewhere"
    )


def test_a_quote_keeps_letters_that_look_like_marks():
    thread = read(f"1. Ada\n{MEMBER}\n> XX says so\nI do.")
    assert thread.posts[0].quote == "XX says so"


def test_a_title_keeps_its_first_letter():
    assert read(f"XMasts\nComments\n1. Ada\n{MEMBER}\nYes.").title == "XMasts"
    assert read("Masts  in\tthe valley").title == "Masts  in\tthe valley"


def test_words_behind_the_name_are_words_of_a_post():
    said = posts("[1] Ada wrote: They may stay.\n[2] Bob wrote: No.")
    assert [text for *_, text in said] == ["They may stay.", "No."]


def test_most_posts_must_say_something():
    said, silent = f"1. Ada\n{MEMBER}\nYes.\n", f"2. Bob\n{MEMBER}\n"
    assert posts(said + silent) == []
    # Where most do, the silent one is left out.
    assert [author for _, author, _, _ in posts(f"{said}{silent}3. Cem\n{MEMBER}\nNo.")] == ["Ada", "Cem"]


NUMBERED = f"2 Comments\n1.\nAda\n{MEMBER}\nSafe.\n#2)\nBob\n{MEMBER}\nWho says so?"


def test_numbers_that_stand_alone_in_a_page_belong_to_the_names_below_them():
    found, declared = read_numbered(NUMBERED)
    assert declared == 2
    assert [(post.place, post.id, post.author, post.text) for post in found] == [
        (0, "1", "Ada", "Safe."),
        (1, "2", "Bob", "Who says so?"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        NUMBERED.removeprefix("2 Comments\n"),
        NUMBERED.split("#2)")[0],
        f"{NUMBERED}\n3.\nCem\nWhy?",
        f"Comments\nAda\n{MEMBER}\nSafe.\nBob\n{MEMBER}\nWho says so?",
        "Comments",
    ],
    ids=["no heading", "one post", "a post without a byline", "no numbers", "nothing"],
)
def test_a_page_without_heading_numbers_and_bylines_has_no_posts_for_this_reader(text):
    assert read_numbered(text) == ([], None)
