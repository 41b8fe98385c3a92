"""The small tables of facts: each says where it comes from, and holds what the rules read."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml

from cursus.aws.tables import entries, table


@pytest.mark.parametrize("name", ["tuning", "automl", "debugger", "channels", "toolkit"])
def test_source_and_date(name: str) -> None:
    found = table(name)
    assert "https://docs.aws.amazon.com/" in found["source"]
    assert datetime.date.fromisoformat(found["date"])


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        table("nothing")


def test_facts_that_the_rules_read() -> None:
    assert table("tuning")["max_hyperparameters"] == 30
    assert table("tuning")["epoch_names"] == ["epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs"]
    assert table("debugger")["intervals"] == [100, 200, 500, 1000, 5000, 60000]
    assert "F1" in table("automl")["metrics"]["BinaryClassification"]
    assert "F1" not in table("automl")["metrics"]["MulticlassClassification"]
    lower, higher = table("tuning")["better_when_lower"], table("tuning")["better_when_higher"]
    assert not set(lower) & set(higher)


def test_fields_of_the_libraries_dataclasses() -> None:
    found = table("dataclasses")
    assert datetime.date.fromisoformat(found["date"])
    assert all(version in found["source"] for version in found["versions"])
    plain = found["fields"]["transformers.TrainingArguments"]
    assert (plain["learning_rate"], plain["max_steps"], plain["fp16"]) == ("float", "int", "bool")
    assert {"evaluation_strategy", "eval_strategy"} <= set(plain)
    assert set(plain) < set(found["fields"]["transformers.Seq2SeqTrainingArguments"])
    assert found["spans"]["transformers.TrainingArguments"]["eval_strategy"][0] > "4.40"
    assert set(found["spans"]["transformers.TrainingArguments"]) < set(plain)


def test_libraries_are_those_of_the_table_they_are_made_from() -> None:
    path = Path(__file__).parents[2] / "scripts" / "libraries.yaml"
    found = dict(table("libraries"))
    assert path.name in found.pop("source")
    assert datetime.date.fromisoformat(found.pop("date"))
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert found == {
        name: [word.partition("=")[0] for word in facts.split()] if isinstance(facts, str) else facts
        for name, facts in written.items()
    }


def test_variables_of_the_container() -> None:
    toolkit, drivers = entries("toolkit", "variables"), entries("toolkit", "driver_variables")
    assert {"SM_MODEL_DIR", "SM_CHANNELS", "SM_USER_ARGS"} <= toolkit
    assert {"SM_MASTER_ADDR", "SM_HOST_COUNT"} <= drivers
    assert not toolkit & drivers
