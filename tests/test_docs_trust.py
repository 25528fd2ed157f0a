"""What docs/security.md and docs/ethics.md promise is tested, and what they reckon is so."""

import re
from pathlib import Path

import pandas as pd
import pytest

import stance

ROOT = Path(__file__).resolve().parent.parent
SECURITY, ETHICS = ((ROOT / "docs" / name).read_text() for name in ("security.md", "ethics.md"))


def test_every_test_that_the_threat_model_names_exists():
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", SECURITY))
    assert {name for name in named if f"def {name}(" not in tests} == set()
    assert len(named) > 40


@pytest.fixture(scope="module")
def told():
    """The test split, with what the model says of it."""
    corpus = stance.load_corpus()
    gold = corpus[corpus["split"] == "test"].reset_index(drop=True)
    labels = stance.label(gold)
    return pd.DataFrame({"is": gold["stance"], "said": labels["stance"], "decided": ~labels["abstained"]})


def test_the_table_of_errors_is_that_of_the_model(told):
    shown = re.findall(r"^\| \*\*(\w+)\*\* \| (\d+) \| (\d+) \| (\d+) \|$", ETHICS, re.MULTILINE)
    found = pd.crosstab(told["is"], told["said"])
    assert [(name, *map(int, row)) for name, *row in shown] == [
        (name, *found.loc[name]) for name in sorted(stance.LABELS)
    ]


def test_what_the_errors_mean_for_a_person_is_reckoned_right(told):
    against, said = told["is"] == "against", told["said"] == "against"
    sure = said & told["decided"]
    found, accused = (against & said).sum() / against.sum(), (~against & said).sum() / (~against).sum()
    of_few = (round(100 * found), round(900 * accused))
    text = " ".join(ETHICS.split())
    for sentence in (
        f"the model is right in {100 * (told['is'] == told['said']).mean():.1f} %",
        f"Of 100 posts labelled `against`, {100 * (~against & said).sum() / said.sum():.0f} are not against.",
        f"In {100 * ((told['is'] == 'favor') & said).sum() / said.sum():.0f} of the 100",
        f"And {100 * (1 - found):.0f} of 100 who are against",
        f"{100 * (~against & sure).sum() / sure.sum():.0f} of 100 are still wrong**: of {sure.sum()} such labels "
        f"{(~against & sure).sum()} ({((told['is'] == 'favor') & sure).sum()} of them",
        f"it so labels {of_few[0]} of these 100, and {of_few[1]} of the other 900",
        f"{of_few[1]} of {sum(of_few)}, or {100 * of_few[1] / sum(of_few):.0f} of 100, would be accused wrongly",
    ):
        assert sentence in text
