"""Rules on the steps of a pipeline look at a processing or transform job by itself too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

import cursus
from cursus import checks
from cursus.checks.pipeline.alone import ABOUT, TYPES
from cursus.checks.rules import RULES, page
from cursus.model import Finding, Step

checks.load()


def request(id: str, which: str) -> Step:
    """The request of the first step, of those that may be requests, in an example of a rule's page."""
    steps = yaml.safe_load(page(RULES[id]).sections[which])["Steps"]
    operations = {name: operation for operation, name in TYPES.items()}
    operations["QualityCheck"] = "CreateProcessingJob"  # which such a step is when it is no step
    entry = next(entry for entry in steps if entry["Type"] in operations)
    operation = operations[entry["Type"]]
    return Step("churn", operation, entry["Arguments"])


def found(step: Step, id: str, **options: Any) -> list[Finding]:
    return [one for one in cursus.check(step, **options).findings if one.rule == id]


@pytest.mark.parametrize("id", ABOUT)
def test_a_job_by_itself_is_held_to_the_rules_on_steps(id: str) -> None:
    findings = found(request(id, "Breaks"), id)
    assert findings
    assert all(one.step == "churn" and not one.path.startswith("Steps") for one in findings)
    assert found(request(id, "Right"), id) == []


def test_ignored_rules_are_left_out() -> None:
    step = request("DEP034", "Breaks")
    assert found(step, "DEP034", ignore=("DEP034",)) == []
    assert found(step, "DEP034", select=("DEP034",))


def test_a_step_of_a_pipeline_is_told_once() -> None:
    definition = yaml.safe_load(page(RULES["DEP034"]).sections["Breaks"])
    del definition["operation"]
    findings = cursus.check({"Version": "2020-12-01", "Metadata": {}, **definition}).findings
    assert [one.path for one in findings if one.rule == "DEP034"] == [
        "Steps[0].Arguments.ProcessingOutputConfig.Outputs[1].OutputName"
    ]


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ("registry.example.com/prepare:1", True),
        ("docker.io/library/python:3.11", True),
        ("123456789012.dkr.ec.us-east-1.amazonaws.com/prepare:1", True),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1", False),
        ("123456789012.dkr-ecr.us-east-1.on.aws/prepare:1", False),
        ("public.ecr.aws/docker/library/python:3.11", False),
    ],
)
def test_an_image_for_processing_is_in_ecr(image: str, named: bool) -> None:
    step = request("DEP051", "Right")
    step.request["AppSpecification"]["ImageUri"] = image
    assert bool(found(step, "DEP051")) == named
