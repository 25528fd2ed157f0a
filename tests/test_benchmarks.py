"""The quality benchmark: figures are pinned, a drop fails, and each work runs on a tiny invented file of its layout."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import debates, extraction, quality, slices
from benchmarks.measures import Measure, mean_f1_of_sides
from benchmarks.rumours import depths, measure_rumours
from benchmarks.tweets import measure_semeval, measure_tweeteval
from stance.errors import DataError
from stance.train import Settings

GOOD, BAD = (
    ("trams are lovely", "more trams please", "trams save streets"),
    ("ban trams", "trams are noisy", "no rails"),
)
ASIDE = ("who drives them", "it rained", "see you tomorrow")
TEXTS = {"favor": GOOD, "against": BAD, "none": ASIDE}


def quiet(_):
    """Take the name of a step, and tell nobody."""


def tweets():
    """Three tweets a stance and target to learn from, and one of each in the test."""
    rows = []
    for target in ("trams", "zoos"):
        for stance, texts in TEXTS.items():
            for number, text in enumerate((*texts, texts[0])):
                split = "test" if number == len(texts) else "train"
                row = {"id": len(rows), "target": target, "text": f"{text} #SemST", "stance": stance, "split": split}
                rows.append(row)
    return pd.DataFrame(rows)


def test_f_avg_is_the_mean_of_both_sides_f1():
    gold, given = np.array(["favor", "against", "none"]), np.array(["favor", "none", "none"])
    assert mean_f1_of_sides(gold, given) == 0.5


def test_tweets_seen_before_are_told_apart_by_target(tmp_path):
    tweets().to_csv(tmp_path / "tweeteval_stance.csv", index=False)
    assert [(one.key, one.value) for one in measure_tweeteval(tmp_path, quiet)] == [
        ("tweeteval_pooled", 1.0),
        ("tweeteval_mean", 1.0),
    ]


def test_semeval_leaves_its_second_task_out(tmp_path):
    posts = tweets().assign(opinion_towards="TARGET", sentiment="POSITIVE")
    other = posts.tail(1).assign(id="other", split="test_B", stance="favor", target="buses")
    pd.concat([posts, other]).to_csv(tmp_path / "semeval2016.csv", index=False)
    assert [(one.key, one.value) for one in measure_semeval(tmp_path, quiet)] == [("semeval2016_pooled", 1.0)]


def rumours():
    """Threads in which a source is supported, denied, asked about and chatted over."""
    said = {"support": "yes it is true", "deny": "fake news", "query": "is this true?", "comment": "nice weather"}
    rows = []
    for number in range(8):
        split = "test" if number == 0 else "train"
        common = {"target": "rumour", "split": split, "root_id": f"{number}", "source": "twitter", "ts": "0"}
        root = {"id": f"{number}", "text": "the tram is gone", "label": "support", "author": "ann", "parent_id": ""}
        rows.append({**common, **root})
        for label, text in said.items():
            reply = {"id": f"{number}-{label}", "text": text, "label": label, "author": label, "parent_id": f"{number}"}
            rows.append({**common, **reply})
    return pd.DataFrame(rows).assign(stance="none")


def test_rumours_are_read_by_words_and_place(tmp_path):
    rumours().to_csv(tmp_path / "rumoureval2019.csv", index=False)
    assert [one.value for one in measure_rumours(tmp_path, quiet)] == [1.0]


def test_depth_stops_where_posts_answer_each_other():
    assert depths(np.array([1, 0])).tolist() == [50, 50]


def debate():
    """Ten discussions in which ann, for trams, and bob, against them, answer each other, and cat agrees with ann."""
    rows = []
    for number in range(10):
        turns = [("bob", "against", BAD[0]), ("ann", "favor", GOOD[0]), ("bob", "against", BAD[1])]
        turns += [("ann", "favor", GOOD[1]), ("cat", "favor", f"yes {GOOD[2]}")]
        for turn, (author, stance, text) in enumerate(turns):
            place = {"author": f"{author}{number % 2}", "parent_id": turn - 1 if turn else "", "discussion_id": number}
            rows.append({"id": turn, "text": text, "stance": stance, **place})
    return pd.DataFrame(rows).assign(target="trams", split="train", pro=0, anti=0, other=0, ts="0")


@pytest.fixture
def debate_files(tmp_path):
    for topic in debates.TOPICS:
        debate().to_csv(tmp_path / f"{topic}.csv", index=False)
    return tmp_path


def test_debates_are_read_whole(debate_files):
    read = debates.read_debate(debate_files / "abortion.csv")
    assert debates.posts_right(read, authors_apart=False) == {"words": 1.0, "conversation": 1.0}


def test_authors_apart_means_no_author_on_both_sides(debate_files):
    read = debates.read_debate(debate_files / "abortion.csv")
    rows = np.arange(len(read.posts))
    for learned, held_out in debates.folds(read, rows, 5, authors_apart=True):
        assert not set(read.author[learned]) & set(read.author[held_out])
        assert not set(read.discussion[learned]) & set(read.discussion[held_out])


def test_an_author_counts_less_the_words_of_those_he_quarrels_with(debate_files):
    read = debates.read_debate(debate_files / "abortion.csv")
    assert read.contrast[read.unit[0]].toarray()[0][:5].round(1).tolist() == [1.0, -1.6, 1.0, -0.8, 0.0]


def test_slices_are_left_out_one_by_one_and_averaged(monkeypatch, small_corpus):
    places = small_corpus["thread"].str[1:].astype(int) % 4
    named = small_corpus.assign(split="train", slice=places.map(dict(enumerate(("plain", "short", "tweets", "new")))))
    monkeypatch.setattr(slices, "load_corpus", lambda: named)
    monkeypatch.setattr(slices, "OLD_SLICES", ("plain", "short"))
    monkeypatch.setattr(slices, "JOBS", 1)
    measures = slices.measure_slices(None, quiet, Settings(strengths=(1.0,), folds=2))
    assert [measure.key for measure in measures if "text_accuracy" in measure.key] == [
        "slices_text_accuracy",
        "newer_slices_text_accuracy",
    ]
    assert all(0.5 < measure.value <= 1 for measure in measures)


@pytest.mark.parametrize("name", [name for name in quality.WORKS if name not in ("slices", "test-split")])
def test_a_work_whose_files_are_missing_says_so_and_measures_nothing(name, tmp_path):
    said = []
    assert quality.WORKS[name](tmp_path, said.append) == []
    assert said[0].startswith("no ")


MEASURED = Measure("right", "posts right", 0.8)
WRONG = Measure("error", "error", 0.05, less_is_better=True)
FLOORS = {"right": {"floor": 0.8, "aim": 0.9}, "error": {"floor": 0.05}}


@pytest.mark.parametrize(
    ("measure", "value", "falls"),
    [(MEASURED, 0.81, False), (MEASURED, 0.79, True), (WRONG, 0.04, False), (WRONG, 0.06, True), (WRONG, 0.051, False)],
)
def test_a_figure_falls_by_its_own_direction(measure, value, falls):
    assert quality.fell(replace(measure, value=value), FLOORS) is falls


def test_the_table_marks_what_fell():
    assert quality.table([replace(MEASURED, value=0.7), WRONG], FLOORS).splitlines() == [
        "work         measured   floor     aim",
        "posts right     0.700   0.800   0.900  FELL",
        "error           0.050   0.050       -",
    ]


def test_floors_rise_and_never_sink_unasked():
    higher = quality.pinned([replace(MEASURED, value=0.85)], FLOORS, lower=False)
    assert higher == {"right": {"floor": 0.85, "aim": 0.9}, "error": {"floor": 0.05}}
    within = quality.pinned([replace(MEASURED, value=0.799)], FLOORS, lower=False)
    assert within == FLOORS
    with pytest.raises(DataError, match=r"right fell below the floor; mend it, or give --lower$"):
        quality.pinned([replace(MEASURED, value=0.7)], FLOORS, lower=False)
    assert quality.pinned([replace(MEASURED, value=0.7)], FLOORS, lower=True)["right"]["floor"] == 0.7


def test_a_drop_ends_with_status_1_and_a_pinned_floor_is_written_whole(monkeypatch, tmp_path, capsys):
    floors = tmp_path / "floors.json"
    floors.write_text(json.dumps(FLOORS))
    monkeypatch.setattr(quality, "WORKS", {"slices": lambda data, tell: [replace(MEASURED, value=0.7)]})
    assert quality.main([], floors_file=floors) == 1
    assert "Without --data" in capsys.readouterr().out
    assert quality.main(["--write"], floors_file=floors) == 1
    assert json.loads(floors.read_text()) == FLOORS
    assert quality.main(["--write", "--lower"], floors_file=floors) == 0
    assert json.loads(floors.read_text())["right"] == {"aim": 0.9, "floor": 0.7}


def test_an_entry_switched_off_leaves_its_pages_to_the_other_readers():
    pages = Path(__file__).parent / "pages"
    posts = json.loads((pages / "gsmarena.expected.json").read_text(encoding="utf-8"))[0]["posts"]
    case = extraction.Case("gsmarena.html", "phones", (pages / "gsmarena.html").read_bytes(), tuple(posts), len(posts))
    assert extraction.each_off([case]) == {"GSMArena": extraction.without([case], {"GSMArena"})}
    assert extraction.without([case], ()) != extraction.without([case], {"GSMArena"})
