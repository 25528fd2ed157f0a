"""What earlier versions wrote is still read; what a later version wrote is refused with the way out."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stance
from stance.data import LABEL_COLUMNS, PROBABILITY_COLUMNS, TABLE_FORMAT

MODELS = Path(__file__).parent / "models"
OLD = sorted(path for path in MODELS.iterdir() if path.is_dir())


def answers(model):
    """What the model's own version answered."""
    return pd.DataFrame(json.loads(model.with_suffix(".expected.json").read_bytes()))


@pytest.mark.parametrize("model", OLD, ids=lambda path: path.name)
def test_an_old_model_answers_as_it_did(model):
    expected = answers(model)
    labels = stance.label(expected[["thread", "post", "parent", "author", "text"]], model)
    columns = ["stance", "text_stance", "model"]
    assert labels[columns].to_dict("list") == expected[columns].to_dict("list")
    pd.testing.assert_frame_equal(labels[list(PROBABILITY_COLUMNS)], expected[list(PROBABILITY_COLUMNS)], atol=1e-6)


@pytest.mark.parametrize("model", OLD, ids=lambda path: path.name)
def test_reports_and_explanations_take_an_old_card(model):
    posts = answers(model)[["thread", "post", "parent", "author", "text", "stance"]]
    assert "<html" in stance.report(posts, model)
    assert "<html" in stance.report_evaluation(posts, stance.evaluate_model(posts, model=model), model)
    assert stance.explain(posts["text"][0], model).summary()


@pytest.mark.parametrize(
    ("format", "way_out"),
    [
        (2, "format 2, this version reads format 1; update stance, or train the model again with this version"),
        (0, "format 0, this version reads format 1; train it again with `stance train`, or get the folder again"),
        (None, "format None, this version reads format 1; train it again with `stance train`, or get the folder again"),
    ],
)
def test_a_model_of_another_format_is_refused_with_the_way_out(tmp_path, format, way_out):
    card = json.loads((OLD[0] / "card.json").read_bytes())
    (tmp_path / "card.json").write_text(json.dumps(card | {"format": format}))
    with pytest.raises(stance.ModelError) as caught:
        stance.load_model(tmp_path)
    assert str(caught.value) == f"{tmp_path}/card.json: {way_out}"


def stamp(path):
    return pq.read_schema(path).metadata[b"stance.table_format"].decode()


def test_a_parquet_table_says_its_format(tmp_path):
    stance.write_table(stance.demo_posts(), tmp_path / "posts.parquet")
    assert stamp(tmp_path / "posts.parquet") == str(TABLE_FORMAT)


def test_a_labels_table_in_parquet_says_its_format(tmp_path):
    stance.write_table(stance.demo_posts()[["thread", "post", "text"]], tmp_path / "posts.csv")
    stance.label_files([tmp_path / "posts.csv"], tmp_path / "labels.parquet", OLD[0])
    assert stamp(tmp_path / "labels.parquet") == str(TABLE_FORMAT)
    assert set(LABEL_COLUMNS) < set(stance.read_table(tmp_path / "labels.parquet").columns)


def parquet(path, format):
    table = pa.table({"text": ["Well made!"]})
    pq.write_table(table.replace_schema_metadata(None if format is None else {"stance.table_format": format}), path)
    return path


@pytest.mark.parametrize("format", [None, "1"])
def test_a_table_without_a_stamp_or_with_ours_is_read(tmp_path, format):
    assert stance.read_table(parquet(tmp_path / "posts.parquet", format))["text"].tolist() == ["Well made!"]


def test_a_table_of_a_later_format_is_refused_with_the_way_out(tmp_path):
    path = parquet(tmp_path / "posts.parquet", "2")
    message = "table format '2', this version reads up to 1; update stance, or save the table as JSON Lines"
    with pytest.raises(stance.DataError, match=message):
        stance.read_table(path)
    with pytest.raises(stance.DataError, match=message):
        stance.label_files([path], tmp_path / "labels.jsonl", OLD[0])
