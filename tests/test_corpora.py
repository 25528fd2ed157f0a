"""Public stance corpora, as their users have them, become posts tables; the files here are invented."""

import pytest

from stance.corpora import read_corpus
from stance.data import POST_COLUMNS
from stance.errors import DataError
from stance.tables import read_table
from stance.train import Settings
from stance.training import train

TWEETS = """id,target,text,stance,split
a-1,trams,Trams are lovely,favor,train
a-2,trams,"Rails, everywhere. No!",against,test
b-1,zoos,Who feeds them?,none,train
"""
SEMEVAL = """id,target,text,stance,split,opinion_towards,sentiment
1,Trams,Trams are lovely,favor,train,TARGET,POSITIVE
"""
DEBATE = """id,target,text,stance,split,author,parent_id,discussion_id,pro,anti,other,ts
10,trams,Build more of them,favor,train,ann,,7,5,0,1,0.0
11,trams,"Noise, noise",against,train,bob,10,7,0,6,0,60.0
12,trams,Hm,tie,train,cat,10,7,2,2,0,
10,trams,What is a tram?,none,val,ann,,8,0,1,4,90.0
"""
RUMOURS = """id,target,text,label,stance,split,author,parent_id,root_id,source,ts
r,rumour in thread root,The tram is gone,support,favor,train,ann,,r,twitter,Wed Jan 07 11:14:38 +0000 2015
s,rumour in thread root,Says who?,query,none,train,bob,r,r,twitter,1375869448.0
"""


def written(folder, text):
    path = folder / "corpus.csv"
    path.write_text(text)
    return path


def rows(posts, *columns):
    return posts[list(columns)].to_numpy().tolist()


def test_each_tweet_is_a_thread_of_its_own(tmp_path):
    posts = read_corpus(written(tmp_path, TWEETS))
    assert rows(posts, "thread", "post", "stance", "split", "target") == [
        ["a-1", "a-1", "favor", "train", "trams"],
        ["a-2", "a-2", "against", "test", "trams"],
        ["b-1", "b-1", "none", "train", "zoos"],
    ]


def test_one_target_can_be_asked_for_in_any_case(tmp_path):
    posts = read_corpus(written(tmp_path, TWEETS), target="ZOOS")
    assert rows(posts, "text") == [["Who feeds them?"]]


def test_a_target_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(DataError, match=r"no post about 'huawei'; its targets are trams, zoos$"):
        read_corpus(written(tmp_path, TWEETS), target="huawei")


def test_semeval_keeps_its_further_columns(tmp_path):
    posts = read_corpus(written(tmp_path, SEMEVAL))
    assert list(posts.columns) == [*POST_COLUMNS, "target", "stance", "split", "opinion_towards", "sentiment"]


def test_a_debate_keeps_its_replies_and_its_instants_in_utc(tmp_path):
    posts = read_corpus(written(tmp_path, DEBATE))
    assert rows(posts, "thread", "post", "parent", "author", "stance", "posted_at") == [
        ["7", "10", None, "ann", "favor", "1970-01-01T00:00:00+00:00"],
        ["7", "11", "10", "bob", "against", "1970-01-01T00:01:00+00:00"],
        ["7", "12", "10", "cat", None, None],
        ["8", "10", None, "ann", "none", "1970-01-01T00:01:30+00:00"],
    ]


def test_posts_with_tied_votes_can_be_left_out(tmp_path):
    posts = read_corpus(written(tmp_path, DEBATE), labelled=True)
    assert rows(posts, "post", "stance") == [["10", "favor"], ["11", "against"], ["10", "none"]]


def test_a_rumour_is_a_thread_and_keeps_its_four_classes(tmp_path):
    posts = read_corpus(written(tmp_path, RUMOURS))
    assert rows(posts, "thread", "post", "parent", "label", "stance", "posted_at") == [
        ["r", "r", None, "support", "favor", "2015-01-07T11:14:38+00:00"],
        ["r", "s", "r", "query", "none", "2013-08-07T09:57:28+00:00"],
    ]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "text,stance\nFine,favor\n",
            None,
            r"corpus\.csv: no known corpus \(by its columns\); give a file of 4forums, ",
        ),
        (TWEETS, "4forum", r"corpus\.csv: no known corpus \(4forum\); give a file of "),
        (TWEETS, "4forums", r"corpus\.csv: no column 'anti', which 4forums has; name another kind$"),
    ],
)
def test_a_file_of_another_layout_is_refused_in_one_line(tmp_path, text, kind, message):
    with pytest.raises(DataError, match=message):
        read_corpus(written(tmp_path, text), kind)


def test_a_corpus_trains_a_model_of_one_of_its_targets(tmp_path, small_corpus):
    lines = ["id,target,text,stance,split"]
    for number, (text, label) in enumerate(zip(small_corpus["text"], small_corpus["stance"], strict=True)):
        lines.append(f'{number},trams,"{text}",{label},train')
    path = written(tmp_path, "\n".join([*lines, "x,zoos,Zoos,favor,train"]) + "\n")
    trained = train(path, target="trams", name="trams", settings=Settings(folds=2, strengths=(1.0,)))
    assert trained.model.card["training"]["posts"] == len(small_corpus)


def test_a_table_of_posts_is_no_corpus_and_is_left_as_it_is(tmp_path):
    path = written(tmp_path, "thread,post,text,stance\n1,1,Fine,favor\n")
    with pytest.raises(DataError, match="no known corpus"):
        read_corpus(path)
    assert list(read_table(path).columns) == ["thread", "post", "text", "stance"]
