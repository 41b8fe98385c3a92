"""What a finding says to write instead: of places, roles, names and regions."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, merge
from cursus.errors import ConfigurationError
from cursus.model import Finding
from tests.checks.made import XGBOOST, told

TRAINING = "CreateTrainingJob"
RULES = "dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"


def found(patch: dict[str, Any], operation: str = TRAINING) -> list[Finding]:
    request = copy.deepcopy(merge(BASES[operation], patch))
    return told(cursus.check(request, kind=operation).findings)


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        ("s3//acme/x", "s3://acme/x;"),
        ("s3:/acme/x", "s3://acme/x;"),
        ("s3:acme/x", "s3://acme/x;"),
        ("acme/x", "s3://acme/x;"),
        ("s3://", "there is no bucket in it"),
        ("None", "the text of a missing value"),
        ("'s3://acme/x'", "take the quotes off: s3://acme/x"),
        ("gs://acme/x", "gs:// is not Amazon S3"),
        ("S3://acme/x", "write s3://acme"),
        ("file:///x", "this is a local path"),
    ],
)
def test_a_place_that_is_no_s3_uri(place: str, remedy: str) -> None:
    (finding,) = found({"OutputDataConfig": {"S3OutputPath": place}})
    assert finding.rule == "STP005"
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("role", "remedy"), [("MyRole", "write its ARN"), ("arn:aws:iam::1:r", "twelve digits")]
)
def test_a_role_that_is_too_short(role: str, remedy: str) -> None:
    (finding,) = found({"RoleArn": role})
    assert finding.rule == "STP006"
    assert remedy in finding.remedy


def test_a_name_that_is_the_end_of_another() -> None:
    (finding,) = found(
        {"TrainingJobDefinition": {"HyperParameters": {"epochs": "3"}}}, "CreateHyperParameterTuningJob"
    )
    assert finding.remedy == "Did you mean 'StaticHyperParameters'?"


def test_an_image_that_the_platform_does_not_reach() -> None:
    algorithm = {
        "TrainingImage": "registry.acme.com/train:3",
        "TrainingImageConfig": {"TrainingRepositoryAccessMode": "Platform"},
    }
    (finding,) = found({"AlgorithmSpecification": algorithm})
    assert "'Platform' SageMaker takes images from Amazon ECR alone" in finding.message


@pytest.mark.parametrize(("account", "rules"), [("503895931360", []), ("929884845733", ["MON011"])])
def test_the_registry_of_the_debuggers_rules(account: str, rules: list[str]) -> None:
    rule = {
        "RuleConfigurationName": "loss",
        "RuleEvaluatorImage": f"{account}.{RULES}",
        "RuleParameters": {"rule_to_invoke": "LossNotDecreasing"},
    }
    patch = {
        "DebugHookConfig": {"S3OutputPath": "s3://example-bucket/debug/"},
        "DebugRuleConfigurations": [rule],
    }
    errors = [finding for finding in found(patch) if finding.severity == "error"]
    assert [finding.rule for finding in errors] == rules
    assert all("Write 503895931360" in finding.remedy for finding in errors)


@pytest.mark.parametrize(("weight", "rules"), [("weight", []), ("churned", ["HPO029"])])
def test_a_target_that_is_its_own_weight(weight: str, rules: list[str]) -> None:
    channel = {
        "TargetAttributeName": "churned",
        "SampleWeightAttributeName": weight,
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/churn/"}},
    }
    request = {
        "AutoMLJobName": "churn",
        "InputDataConfig": [channel],
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/auto/"},
        "RoleArn": BASES[TRAINING]["RoleArn"],
        "AutoMLJobConfig": {"Mode": "ENSEMBLING"},
    }
    assert [f.rule for f in cursus.check(request).findings if f.severity == "error"] == rules


def test_a_content_type_of_another_mode_is_no_misspelling() -> None:
    request = copy.deepcopy(merge(BASES[TRAINING], {"AlgorithmSpecification": {"TrainingImage": XGBOOST}}))
    request["HyperParameters"] = {"num_round": "10"}
    request["InputDataConfig"][0].update(ContentType="text/libsvm", InputMode="Pipe")
    (finding,) = [f for f in cursus.check(request).findings if f.rule == "CHN032"]
    assert "in Pipe mode" in finding.message
    assert "Did you mean" not in finding.message


def test_a_region_that_is_misspelt() -> None:
    with pytest.raises(ConfigurationError, match=r"no region 'eu-west1'\. Did you mean .eu-west-1."):
        cursus.check(BASES[TRAINING], region="eu-west1")
    assert cursus.check(BASES[TRAINING], region="us-east-9")  # which may be new


@pytest.mark.parametrize("text", ["x" * 3000, "<" + "x" * 3000 + ">", "s3://" + "x" * 3000 + "/y"])
def test_what_is_said_of_a_long_text_is_short(text: str) -> None:
    request = {**BASES["CreateTrainingJob"], text: "x"}
    request |= {"TrainingJobName": text, "RoleArn": text}
    request |= {"OutputDataConfig": {"S3OutputPath": text, "KmsKeyId": text}}
    found = cursus.check(request).findings
    assert found and all(len(one.message) < 1000 and len(one.remedy) < 1000 for one in found)
