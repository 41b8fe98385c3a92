"""Pipelines that run and do another thing than was meant: what is told, and what is left alone."""

from __future__ import annotations

import pytest

import cursus
from tests.checks.made import pipeline, processing, processing_input
from tests.checks.made_pipelines import LEARNED, decide, metric, rules, train


def test_images_of_several_regions() -> None:
    other = processing("Other")
    other["Arguments"]["AppSpecification"]["ImageUri"] = (
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/prepare:1"
    )
    assert rules(processing(), processing("Again"), other) == ["DEP063"]
    assert "DEP063" not in rules(processing(), processing("Again"), other, region="us-east-1")


@pytest.mark.parametrize(("inside", "data", "told"), [(2, True, True), (1, True, False), (2, False, False)])
def test_a_job_outside_the_network_of_the_others(inside: int, data: bool, told: bool) -> None:
    network = {"SecurityGroupIds": ["sg-0a1b2c3d4e5f67890"], "Subnets": ["subnet-0a1b2c3d4e5f67890"]}
    steps = [train()]
    steps[0]["Arguments"]["VpcConfig"] = network
    steps += [processing(f"Look{i}", NetworkConfig={"VpcConfig": network}) for i in range(1, inside)]
    given = processing_input("model", LEARNED if data else "s3://example-bucket/base/model.tar.gz")
    last = processing("Evaluate", ProcessingInputs=[given])
    assert ("DEP106" in rules(*steps, last)) == told
    assert ("DEP106" in rules(*steps, decide([last], [], "LessThan", metric("mse")))) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [("epcohs", True), ("train_epcohs", True), ("epochs", False), ("epoch", False), ("depth", False)],
)
def test_a_hyperparameter_that_is_called_almost_as_its_parameter(name: str, told: bool) -> None:
    step = train("123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1")
    step["Arguments"]["HyperParameters"] = {name: {"Get": "Parameters.TrainEpochs"}}
    epochs = {"Name": "TrainEpochs", "Type": "String", "DefaultValue": "5"}
    found = cursus.check(pipeline(step, Parameters=[epochs])).findings
    place = f"Steps[0].Arguments.HyperParameters.{name}"  # and not the parameter's value
    assert [one.path for one in found if one.rule == "DEP062"] == [place] * told


def test_functions_and_queues_of_another_region() -> None:
    ask = {
        "Name": "Ask",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:ask",
        "Arguments": {},
    }
    wait = {
        "Name": "Wait",
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/approvals",
        "Arguments": {},
        "OutputParameters": [],
    }
    assert rules(ask, wait) == []
    assert rules(processing(), ask, wait) == ["DEP063", "DEP063"]
    assert rules(ask, region="eu-west-1") == []
    assert rules(ask, region="us-east-1") == ["DEP063"]
