"""What a Python file starts its pipeline with, read from its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus.checks.views import Settings
from cursus.engine import check_pipeline
from cursus.model import UNREAD, Pipeline
from cursus.steps.started import starts

TEXT = """
from sagemaker.workflow.pipeline import Pipeline

pipeline = Pipeline(name="churn", steps=[])

if __name__ == "__main__":
    pipeline.upsert(role_arn=ROLE)
    {}
"""
DEFINITION = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [
        {"Name": "Data", "Type": "String"},
        {"Name": "Epochs", "Type": "Integer", "DefaultValue": 5},
        {"Name": "Size", "Type": "String", "DefaultValue": "small", "EnumValues": ["small", "large"]},
    ],
    "Steps": [
        {"Name": "First", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Data"}}},
        {
            "Name": "Churn-RegisterModel",
            "Type": "Fail",
            "Arguments": {"ErrorMessage": {"Get": "Parameters.Size"}},
        },
    ],
}


def findings(folder: Path, line: str) -> list[tuple[str, str, int | None]]:
    file = folder / "churn.py"
    file.write_text(TEXT.format(line), encoding="utf-8")
    made = Pipeline("churn", DEFINITION, starts=starts(str(file), "pipeline"))
    found, _ = check_pipeline(made, Settings())
    return [
        (one.severity, one.message, one.location.line if one.location else None)
        for one in found
        if one.rule == "DEP021"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('pipeline.start(parameters={"Data": "s3://b/x", "Epoch": 5})', "no parameter 'Epoch'"),
        ('pipeline.start({"Data": ""})', "with an empty text"),
        ('pipeline.start({"Data": "x", "Epochs": "ten"})', "is no Integer"),
        ('pipeline.start({"Data": "x", "Epochs": None})', "with None"),
        ('pipeline.start(dict(Data="x", Size="huge"))', "not among its EnumValues"),
        ("pipeline.start()", "without a value for 'Data'"),
        ('pipeline.start({"Data": "x"}, execution_display_name="first run")', "no name to display"),
        (
            'pipeline.start({"Data": "x"}, selective_execution_config=Config(selected_steps=["Churn"]))',
            "no step 'Churn' to be executed",
        ),
    ],
)
def test_what_a_start_may_not_be_given(tmp_path: Path, line: str, said: str) -> None:
    ((severity, message, number),) = findings(tmp_path, line)
    assert (severity, number) == ("error", 8)
    assert said in message


@pytest.mark.parametrize(
    "line",
    [
        'pipeline.start({"Data": "s3://b/x", "Epochs": "7", "Size": "large"}, "first-run")',
        'pipeline.start(parameters={"Data": make(), "Epochs": 2 * TEN})',
        "pipeline.start(parameters=given())",
        "pipeline.start(**given())",
        'values = {}; values["Data"] = "x"; pipeline.start(values)',
        'thread.start({"Other": 1})',
        'pipeline.start(selective_execution_config=Config(selected_steps=["First"]))',
    ],
)
def test_what_is_right_or_not_to_be_read(tmp_path: Path, line: str) -> None:
    assert findings(tmp_path, line) == []


def test_selected_alone_reads_what_nothing_gave(tmp_path: Path) -> None:
    steps = [
        {"Name": "Ask", "Type": "Lambda", "FunctionArn": "arn:x", "OutputParameters": [], "Arguments": {}},
        {
            "Name": "Say",
            "Type": "Fail",
            "Arguments": {"ErrorMessage": {"Get": "Steps.Ask.OutputParameters['a']"}},
        },
    ]
    file = tmp_path / "churn.py"
    call = 'pipeline.start(selective_execution_config=C(selected_steps=["Say"], reference_latest_execution=False))'
    file.write_text(TEXT.format(call), encoding="utf-8")
    made = Pipeline(
        "churn", {**DEFINITION, "Parameters": [], "Steps": steps}, starts=starts(str(file), "pipeline")
    )
    found, _ = check_pipeline(made, Settings())
    (message,) = [one.message for one in found if one.rule == "DEP021"]
    assert "Say is to be executed alone and reads what Ask gives" in message


def test_the_pipeline_by_other_names(tmp_path: Path) -> None:
    file = tmp_path / "churn.py"
    file.write_text(
        "def get_pipeline():\n"
        "    inner = Pipeline(name='churn')\n"
        "    inner.start({'A': 1})\n"
        "    return inner\n"
        "def main():\n"
        "    made = get_pipeline()\n"
        "    made.start({'B': unknown})\n"
        "def other(get_pipeline):\n"
        "    get_pipeline.start({'C': 1})\n"
        "twice = Pipeline(name='a')\n"
        "twice = Pipeline(name='b')\n"
        "twice.start({'D': 1})\n",
        encoding="utf-8",
    )
    assert {tuple(one.parameters.items()) for one in starts(str(file), "get_pipeline")} == {
        (("A", 1),),
        (("B", UNREAD),),
    }
    assert starts(str(file), "twice") == ()
    assert starts(str(tmp_path / "none.py"), "twice") == ()
