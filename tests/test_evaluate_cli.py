"""`stance evaluate` and `stance compare` print what the library gives, for people and for machines."""

import dataclasses
import importlib
import json

import pytest
from click.testing import CliRunner

import stance
from stance.cli import main
from stance.data import LABELS, posts_table
from stance.workflow import table_digest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ({"thread": str(post % 6), "post": str(post), "text": f"post {post}"} for post in range(30))
    gold = posts_table(rows).assign(stance=list(LABELS) * 10, text_only=["none"] * 30)
    stance.write_table(gold, "gold.jsonl")
    stance.write_table(gold.assign(abstained=[False] * 25 + [True] * 5), "same.csv")
    stance.write_table(gold.assign(stance=["favor"] * 30), "favor.parquet")
    stance.write_table(gold.drop(columns="text").assign(author="ann"), "standoff.csv")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_json_holds_what_the_library_gives(folder):
    gold, labels = (stance.read_table(name) for name in ("gold.jsonl", "favor.parquet"))
    printed = run("evaluate", "gold.jsonl", "--labels", "favor.parquet", "--json")
    assert json.loads(printed.stdout) == json.loads(json.dumps(stance.evaluate(gold, labels).to_dict()))


def test_a_csv_table_scores_like_any_other(folder):
    figures = json.loads(run("evaluate", "gold.jsonl", "--labels", "same.csv", "--json").stdout)
    assert (figures["accuracy"], figures["decided"]["n_posts"]) == (1.0, 25)


def test_another_gold_column_can_be_chosen(folder):
    printed = run("evaluate", "gold.jsonl", "--labels", "favor.parquet", "--against", "text_only")
    assert printed.exit_code == 0 and "stance against text_only" in printed.stdout


def test_the_table_for_people_names_the_baselines(folder):
    printed = run("evaluate", "gold.jsonl", "--labels", "favor.parquet").stdout
    assert "majority baseline" in printed and "lexicon baseline" in printed


def test_compare_prints_figures_and_posts(folder):
    printed = run("compare", "same.csv", "favor.parquet", "--gold", "gold.jsonl", "--json")
    figures = json.loads(printed.stdout)
    assert figures["names"] == ["same.csv", "favor.parquet"]
    assert (figures["accuracy"]["only_a_right"], len(figures["changed"])) == (20, 20)
    assert "exact McNemar test" in run("compare", "same.csv", "favor.parquet", "--gold", "gold.jsonl").stdout


def test_the_scores_of_a_model_name_it_and_its_target(folder, small_model):
    stance.save_model(dataclasses.replace(small_model, card={**small_model.card, "target": "Trams"}), "trams")
    loaded = stance.load_model("trams")
    printed = run("evaluate", "gold.jsonl", "--model", "trams")
    assert printed.stdout.startswith(f"model {loaded.id}: stance toward Trams\n30 posts of 6 threads")
    assert printed.stderr == ""
    figures = json.loads(run("evaluate", "gold.jsonl", "--model", "trams", "--json").stdout)
    assert (figures["model"], figures["target"]) == (loaded.id, "Trams")


@pytest.mark.parametrize("further", [{}, {"split": ["test"] * 10 + ["train"] * 20}])
def test_figures_on_what_a_model_has_learned_from_come_with_a_warning(folder, small_model, further):
    known = stance.check_posts(stance.read_table("gold.jsonl")).assign(**further)
    learned = known[10:] if further else known
    card = {**small_model.card, "training": {"posts": 20, "threads": 6, "labels": {}, "sha256": table_digest(learned)}}
    stance.save_model(dataclasses.replace(small_model, card=card), "m")
    stance.write_table(known, "known.jsonl")
    stance.write_table(known[:9], "kept-apart.jsonl")
    warned = f"warning: {stance.load_model('m').id} has learned from these posts; these figures say nothing of others\n"
    assert run("evaluate", "known.jsonl", "--model", "m").stderr == warned
    assert run("evaluate", "kept-apart.jsonl", "--model", "m").stderr == ""


def test_a_function_is_not_hidden_by_the_module_of_its_name():
    assert importlib.import_module("stance.evaluate").evaluate is stance.evaluate


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "no.jsonl", "--labels", "same.csv"], "no.jsonl: no such file"),
        (["evaluate", "gold.jsonl", "--labels", "no.csv"], "no.csv: no such file"),
        (["evaluate", "standoff.csv", "--labels", "same.csv"], "name the page that they belong to with --page"),
        (["evaluate", "gold.jsonl", "--labels", "same.csv", "--model", "m"], "exclude each other"),
        (["compare", "same.csv", "."], "give posts with --gold"),
        (["evaluate", "standoff.csv", "--page", "a.html", "--page", "b.html"], "--page takes one page"),
        (["evaluate", "standoff.csv", "--page", "."], ".: a folder, not a page; name the one page of these labels"),
        (
            ["evaluate", "standoff.csv", "--page", "gold.jsonl"],
            "gold.jsonl: 6 discussions, and post numbers tell of one",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(folder, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.stderr


def test_gold_that_a_model_wrote_is_scored_with_a_warning(folder):
    gold = stance.read_table("gold.jsonl").assign(p_favor=0.4, p_against=0.3, p_none=0.3, model="huawei-1")
    stance.write_table(gold, "own.jsonl")
    done = run("evaluate", "own.jsonl", "--labels", "favor.parquet", "--json")
    assert done.stderr.strip() == (
        "warning: own.jsonl: column 'model' says huawei-1: a model's labels are no gold, unless a person checked them"
    )
    assert json.loads(done.stdout)["n_posts"] == 30


def test_gold_that_a_person_wrote_beside_a_model_s_guess_is_gold(folder):
    stance.write_table(stance.read_table("gold.jsonl").assign(model="huawei-1"), "seen.jsonl")
    assert run("evaluate", "seen.jsonl", "--labels", "favor.parquet").stderr == ""
