"""The commands `annotate` and `export`: options to one call, one line for what cannot be."""

import pytest
from click.testing import CliRunner

import stance
from stance.annotate.events import Event
from stance.annotate.store import Store
from stance.cli import main
from stance.data import posts_table


def run(*arguments):
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def test_the_options_of_annotate_reach_the_library(monkeypatch):
    calls = []
    monkeypatch.setattr(stance, "annotate", lambda sources, ready, tell, **options: calls.append((sources, options)))
    assert run("annotate", "page.html", "--db", "a.db", "--port", 8123, "--no-open", "--annotator", "ann")[0] == 0
    ((sources, options),) = calls
    assert (sources, options["database"], options["port"], options["annotator"]) == (
        ("page.html",),
        "a.db",
        8123,
        "ann",
    )
    assert (options["order"], options["assisted"], options["overlap"]) == ("page", False, 1.0)


def test_the_address_is_printed_and_opened_unless_told_not_to(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(stance, "annotate", lambda sources, ready, tell, **options: ready("http://127.0.0.1:1/"))
    assert run("annotate")[1] == "http://127.0.0.1:1/\n"
    assert run("annotate", "--no-open")[1] == "http://127.0.0.1:1/\n"
    assert opened == ["http://127.0.0.1:1/"]


@pytest.mark.parametrize("names", [("none.txt",), ("posts.jsonl", "none.txt")])
def test_a_source_that_is_not_there_is_one_line_and_leaves_no_database(tmp_path, names):
    (tmp_path / "posts.jsonl").write_text('{"text": "Fine masts."}\n')
    sources = [tmp_path / name for name in names]
    status, _, said = run("annotate", *sources, "--db", tmp_path / "l.db", "--no-open")
    assert (status, said.count("\n"), "none.txt" in said) == (2, 1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["posts.jsonl"]


def test_a_colleagues_labels_are_taken_in_without_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.csv").write_text("thread,post,author,text\nt,1,Bo,Fine.\nt,2,Cy,Bad.\n")
    (tmp_path / "bob.labels.csv").write_text("thread,post,stance,annotator\nt,1,Favor ,bob\n")
    said = "page.csv: 2 new posts, 0 new labels\nbob.labels.csv: 0 new posts, 1 new labels\n"
    assert run("annotate", "page.csv", "bob.labels.csv", "--db", "l.db", "--import") == (0, "", said)
    (tmp_path / "again.csv").write_text("thread,post,author,text\nu,7,Bo,Fine.\n")
    assert run("annotate", "again.csv", "--db", "l.db", "--import")[2].splitlines() == [
        "again.csv: 1 new posts, 0 new labels",
        "again.csv: 1 posts whose author and words are in l.db under other ids; "
        "was the page read with the same STANCE_PLATFORMS then?",
    ]


def test_export_writes_the_labels_of_one_annotator(tmp_path):
    store = Store(tmp_path / "labels.db")
    store.add_posts(posts_table([{"thread": "t", "post": "1", "author": "Bo", "text": "Fine."}]))
    store.add([Event("event-1", "ann", "t", "1", "stance", "favor")])
    store.close()
    output = tmp_path / "ann.labels.csv"
    assert run("export", tmp_path / "labels.db", "-o", output, "--whose", "ann") == (0, "", f"{output}: 1 posts\n")
    assert output.read_text().splitlines()[1] == '"t","1","Bo","favor","","ann",""'


def test_an_export_of_nobody_is_one_line(tmp_path):
    Store(tmp_path / "labels.db").close()
    status, _, said = run("export", tmp_path / "labels.db", "-o", tmp_path / "x.csv", "--whose", "ann")
    assert (status, said) == (2, "stance: labels.db: no labels by 'ann'; choose majority or adjudicated\n")
