"""What stance writes is what the JSON Schemas in docs/schemas say, value by value."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import stance
from stance.annotate.events import Event
from stance.annotate.exchange import export_labels
from stance.annotate.store import Store
from stance.cli import main
from stance.data import EXTRACT_COLUMNS, LABEL_COLUMNS

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_bytes()) for path in (ROOT / "docs/schemas").glob("*.json")}
PAGES = sorted((ROOT / "tests/pages").glob("*.html"))


def check(name, value):
    jsonschema.validate(json.loads(json.dumps(value)), SCHEMAS[name], jsonschema.Draft202012Validator)


def check_rows(name, table):
    assert len(table)
    for row in table.to_dict("records"):
        check(name, row)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def posts():
    return stance.demo_posts()


@pytest.fixture(scope="module")
def labels(posts, small_model):
    return stance.label(posts, small_model)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_itself_valid_and_describes_every_field_at_the_top(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert [key for key, value in SCHEMAS[name].get("properties", {}).items() if "description" not in value] == []


def test_every_post_of_every_page_is_a_row_of_the_posts_table():
    table = stance.threads_to_table(thread for page in PAGES for thread in stance.extract(page))
    assert set(EXTRACT_COLUMNS) <= set(SCHEMAS["posts-table"]["properties"])
    check_rows("posts-table", table)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_posts_table_in_each_format_is_read_as_its_schema_says(posts, tmp_path, ending):
    stance.write_table(posts, tmp_path / f"posts.{ending}")
    check_rows("posts-table", stance.read_table(tmp_path / f"posts.{ending}"))


def test_a_row_that_breaks_the_rules_is_refused(labels):
    row = labels.to_dict("records")[0]
    for wrong in ({"stance": "pro"}, {"p_favor": 1.2}, {"reason": "tired"}, {"model": "huawei"}, {"abstained": None}):
        with pytest.raises(jsonschema.ValidationError):
            check("labels-table", row | wrong)


def test_labels_are_rows_of_the_labels_table(labels):
    assert set(LABEL_COLUMNS) == set(SCHEMAS["labels-table"]["required"])
    check_rows("labels-table", labels)


def test_undecided_posts_say_why_in_the_words_of_the_schema(small_model):
    texts = ["Das ist doch alles nur Propaganda aus Washington", "[deleted]", "the bus was late I think"]
    check_rows("labels-table", stance.label(stance.check_posts(stance.read_table("t", _jsonl(texts))), small_model))


def _jsonl(texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_label_writes_labels_and_rejects_as_their_schemas_say(small_model, tmp_path, ending):
    (tmp_path / "posts.jsonl").write_bytes(_jsonl(["Well made!"]) + b'{"text": 7}\nno JSON\n')
    stance.label_files([tmp_path / "posts.jsonl"], tmp_path / f"labels.{ending}", small_model)
    check_rows("labels-table", stance.read_table(tmp_path / f"labels.{ending}"))
    rejected = lines(tmp_path / f"labels.{ending}.rejected.jsonl")
    assert len(rejected) == 2
    for row in rejected:
        check("rejected-rows", row)


def test_standoff_labels_are_as_their_schema_says():
    for path in (ROOT / "data/standoff").glob("*.csv"):
        check_rows("standoff-labels", stance.read_table(path))


@pytest.mark.parametrize(
    "card", sorted(ROOT.glob("models/*/card.json")) + sorted(ROOT.glob("tests/models/*/card.json"))
)
def test_every_card_old_and_new_is_as_its_schema_says(card):
    check("model-card", json.loads(card.read_bytes()))


def test_the_card_of_a_new_model_is_as_its_schema_says(small_corpus, tmp_path):
    corpus = small_corpus.assign(split=["test" if thread == "t0" else "train" for thread in small_corpus["thread"]])
    trained = stance.train(corpus, name="new", settings=stance.Settings(strengths=(1.0,), folds=3))
    folder = stance.save_model(trained.model, tmp_path / "new")
    card = json.loads((folder / "card.json").read_bytes())
    check("model-card", card)
    assert set(card) == set(SCHEMAS["model-card"]["properties"])


def test_scores_are_as_their_schema_says(posts, labels):
    check("scores", stance.evaluate(posts.assign(second_annotator=posts["stance"]), labels).to_dict())
    check("scores", stance.evaluate(posts, labels[["thread", "post", "stance"]], against="text_only").to_dict())


def test_a_comparison_is_as_its_schema_says(posts, labels):
    turned = labels.assign(stance=labels["stance"].map({"favor": "none", "none": "against", "against": "favor"}))
    check("comparison", stance.compare(posts, labels, turned).to_dict())
    check("comparison", stance.compare(None, labels, turned).to_dict())


def test_explanations_are_as_their_schema_says(posts, small_model):
    check("explanation", stance.explain("No proof at all, Huawei!", small_model).to_dict())
    check("explanation", stance.explain_post(posts, "8", small_model).to_dict())


def test_a_diagnosis_is_as_its_schema_says():
    check("doctor", stance.doctor().to_dict())


@pytest.fixture
def database(posts, tmp_path):
    store = Store(tmp_path / "labels.db")
    store.add_posts(posts.drop(columns=["stance", "text_only"]))
    keys = list(zip(posts["thread"], posts["post"], posts["stance"], strict=True))
    given = [Event(f"ann-label-{post}", "ann", thread, post, "stance", value) for thread, post, value in keys[:-1]]
    thread, post, _ = keys[-1]
    more = [
        Event("ann-unsure", "ann", thread, post, "stance", "unsure", seconds=2.5, given_at="2025-04-02T10:00:00Z"),
        Event("ann-note-1", "ann", thread, keys[0][1], "note", "irony?"),
        Event("ann-alone", "ann", thread, keys[0][1], "text_only", "none", mode="assisted", model="huawei-00000000"),
    ]
    store.add([*given, *more])
    yield store
    store.close()


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("whose", ["ann", "majority"])
def test_labels_given_by_hand_are_as_their_schema_says(database, tmp_path, ending, whose):
    export_labels(database, tmp_path / f"gold.{ending}", whose=whose)
    check_rows("annotated-posts", _typed(stance.read_table(tmp_path / f"gold.{ending}")))


def _typed(table):
    """CSV has text alone: read its numbers as numbers and its empty cells as missing."""
    for column in ("seconds", "text_only", "note", "mode", "model", "given_at"):
        if column in table:
            table[column] = [None if value == "" or value != value else value for value in table[column]]
    if "seconds" in table:
        table["seconds"] = [None if value is None else float(value) for value in table["seconds"]]
    return table.astype(object).where(table.notna(), None)


def test_labels_without_words_are_as_their_schema_says(database, tmp_path):
    export_labels(database, tmp_path / "gold.labels.csv", whose="ann")
    table = stance.read_table(tmp_path / "gold.labels.csv")
    check_rows("annotated-labels", table.astype(object).where(table.notna(), ""))


@pytest.mark.parametrize("whose", ["ann", "majority"])
def test_files_for_label_studio_and_doccano_are_as_their_schemas_say(database, tmp_path, whose):
    export_labels(database, tmp_path / "gold.json", whose=whose)
    check("label-studio", json.loads((tmp_path / "gold.json").read_bytes()))
    export_labels(database, tmp_path / "gold.doccano.jsonl", whose=whose)
    for row in lines(tmp_path / "gold.doccano.jsonl"):
        check("doccano", row)
