"""A label that a person gave is told as a person's: without a model's probability, reason or caution."""

from selectolax.lexbor import LexborHTMLParser
from test_report import LABELLED, STANCES, THREAD, labels_of

from stance.report import batch_report, figures, report


def words_of(page, css):
    return [" ".join(found.text().split()) for found in LexborHTMLParser(page).css(css)]


def closing(page):
    return words_of(page, "#origin > .hint")[0]


#: Post 2 was none by its words and favor in the conversation; somebody who read it wrote "against" over that.
CORRECTED = labels_of(
    THREAD, STANCES, text_stance=["against", "none", "against", "favor", "none"], reason=["unsure"] + [None] * 4
).assign(stance=["against", "against", "against", "favor", "none"])


def test_a_label_that_somebody_changed_is_told_without_the_reasons_of_the_label_before():
    page = report(THREAD, CORRECTED)
    assert words_of(page, ".post .hand") == ["Label corrected by hand."]
    assert (words_of(page, ".moved"), len(words_of(page, ".odds"))) == ([], 4)
    assert closing(page).startswith("1 label of 5 was given or corrected by hand; the others are a program’s reading")


def test_a_label_that_somebody_changed_is_certain():
    found = figures([THREAD], CORRECTED.assign(abstained=[False, True, False, False, False]))
    assert (found.n_by_hand, found.n_unsure, found.n_moved) == (1, 0, 0)
    # Five labels of 0.8, one of them now certain: against 2 * 0.8 + 1 + 2 * 0.1, of five.
    assert round(found.by_post[1].expected, 3) == 0.56


def test_a_model_label_beside_one_that_has_no_probabilities_keeps_its_own():
    mixed = LABELLED.astype({"p_favor": object, "p_against": object, "p_none": object})
    mixed.loc[4, ["p_favor", "p_against", "p_none"]] = None
    assert words_of(report(THREAD, mixed), ".post .hand") == ["Label given by hand."]


def test_labels_by_hand_are_not_called_a_program_s_reading():
    page = report(THREAD, LABELLED[["thread", "post", "stance"]])
    assert closing(page) == (
        "The labels were given by hand: their table holds no probabilities of a program. "
        "Read the posts before you quote a figure."
    )
    assert "probabilities admit" not in page
    assert "with other people writing; the labels are taken to be right." in words_of(page, ".remarks")[0]


def test_labels_of_a_model_are_called_what_they_are():
    page = report(THREAD, LABELLED)
    assert closing(page).startswith("Labels are a program’s reading of each post, and some are wrong.")
    assert "labels as often wrong as their probabilities admit." in words_of(page, ".remarks")[0]


def test_many_discussions_say_who_labelled_them_as_one_does():
    dated = LABELLED.assign(posted_at="2020-03-01", author="ann")
    by_hand = dated[["thread", "post", "stance", "posted_at", "author"]]
    assert closing(batch_report(by_hand, by="week")).startswith("The labels were given by hand")
    assert closing(batch_report(dated, by="week")).startswith("Labels are a program’s reading")
