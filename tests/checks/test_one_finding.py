"""One mistake is one finding: rules that look at the same value leave it to the one that says most of it."""

from __future__ import annotations

from typing import Any

import pytest

from cursus import engine
from cursus.checks.examples import BASES, merge
from cursus.checks.views import Settings
from cursus.model import Finding, Step

REPR = "s3://example-bucket/<sagemaker.workflow.parameters.ParameterString object at 0x7f>/"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
CHANNEL = BASES["CreateTrainingJob"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]


def check(
    patch: dict[str, Any], operation: str = "CreateTrainingJob", allow: tuple[str, ...] = ()
) -> list[Finding]:
    step = Step("step", operation, merge(BASES[operation], patch))
    return [f for f in engine.check_step(step, Settings(allow=allow)) if f.severity != "info"]


def image(name: str) -> dict[str, Any]:
    return {"AlgorithmSpecification": {"TrainingImage": name}}


def on_a_cpu(*switches: str) -> dict[str, Any]:
    return {
        **image("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310"),
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
            **dict.fromkeys(switches, "true"),
        },
        "ResourceConfig": {"InstanceType": "ml.m5.2xlarge"},
    }


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        ({"OutputDataConfig": {"S3OutputPath": REPR}}, "STP046"),
        ({"OutputDataConfig": {"KmsKeyId": "None"}}, "STP047"),
        ({"OutputDataConfig": {"KmsKeyId": "my-training-key"}}, "ART001"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://None/None/output"}}, "STP047"),
        (
            {
                "OutputDataConfig": {"S3OutputPath": "s3://My_Bucket/models"},
                "DebugHookConfig": {"S3OutputPath": "s3://My_Bucket/models"},
                "ProfilerConfig": {"S3OutputPath": "s3://My_Bucket/models"},
            },
            "STP042",
        ),
        (image("<image-uri>"), "STP045"),
        (image("my-image"), "STP027"),
        (image("ACCOUNT.dkr.ecr.us-east-1.amazonaws.com/churn:1"), "STP033"),
        (image("123456789012.dkr.ecr.eu-east-1.amazonaws.com/churn:1"), "STP033"),
        ({"CheckpointConfig": {"S3Uri": CHANNEL}}, "ART003"),
        ({"CheckpointConfig": {"S3Uri": CHANNEL.rstrip("/") + "/checkpoints/"}}, "CHN020"),
        (on_a_cpu("sagemaker_torch_distributed_enabled"), "DST002"),
        (on_a_cpu("sagemaker_distributed_dataparallel_enabled"), "DST002"),
        (on_a_cpu(), "FRM010"),
    ],
)
def test_training(patch: dict[str, Any], rule: str) -> None:
    assert [finding.rule for finding in check(patch)] == [rule]


def test_the_copies_of_the_output_have_faults_of_their_own() -> None:
    patch = {
        "DebugHookConfig": {"S3OutputPath": "s3://My_Bucket/a"},
        "ProfilerConfig": {"S3OutputPath": "s3://B_B/"},
    }
    found = [(f.rule, f.path) for f in check(patch)]
    assert found == [("STP042", "DebugHookConfig.S3OutputPath"), ("STP042", "ProfilerConfig.S3OutputPath")]


def test_an_output_inside_two_channels_is_told_once() -> None:
    sound = BASES["CreateTrainingJob"]["InputDataConfig"][0]
    channels = [
        {
            **sound,
            "ChannelName": name,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
        }
        for name, uri in (("train", "s3://example-bucket/a/"), ("test", "s3://example-bucket/a/b/"))
    ]
    patch = {
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/a/b/models/"},
    }
    (found,) = [f for f in check(patch) if f.rule == "CHN020"]
    assert "channels 'train', 'test'" in found.message


def test_the_word_none_for_an_algorithms_value_is_told_once() -> None:
    given = {"num_round": "100", "eta": "None", "objective": "binary:logistics"}
    found = {
        f.path: f for f in check({**image(XGBOOST), "HyperParameters": given}) if f.area == "hyperparameters"
    }
    eta, objective = found["HyperParameters.eta"], found["HyperParameters.objective"]
    assert len(found) == 2
    assert (eta.rule, objective.rule) == ("HPO040", "HPO040")
    assert eta.remedy.startswith("leave the hyperparameter out")
    assert objective.message.endswith("is none that xgboost takes. Did you mean 'binary:logistic'?")


def test_a_definition_without_ranges() -> None:
    request = dict(BASES["CreateHyperParameterTuningJob"])
    config = dict(request.pop("HyperParameterTuningJobConfig"))
    ranges = config.pop("ParameterRanges")
    objective = config.pop("HyperParameterTuningJobObjective")
    single = {**request.pop("TrainingJobDefinition"), "TuningObjective": objective}
    several = [{**single, "DefinitionName": name, "HyperParameterRanges": ranges} for name in ("a", "b")]
    del several[1]["HyperParameterRanges"]
    request = {**request, "HyperParameterTuningJobConfig": config, "TrainingJobDefinitions": several}
    found = engine.check_step(Step("step", "CreateHyperParameterTuningJob", request), Settings())
    lacking = [f.rule for f in found if f.path == "TrainingJobDefinitions[1].HyperParameterRanges"]
    assert lacking == ["HPO016"]


def test_a_region_newer_than_the_data_can_be_allowed() -> None:
    name = "123456789012.dkr.ecr.eu-east-1.amazonaws.com/churn:1"
    assert check(image(name), allow=("eu-east-1",)) == []
    upper = name.replace("churn", "Churn")
    assert [f.rule for f in check(image(upper))] == ["STP033"]


@pytest.mark.parametrize(
    ("uri", "better"),
    [
        ("s3://https://example-bucket/models/", "s3://example-bucket/models/"),
        ("s3://s3://example-bucket/models/", "s3://example-bucket/models/"),
        ("s3://s3://s3://example-bucket/models/", "s3://example-bucket/models/"),
    ],
)
def test_two_schemes_are_made_one(uri: str, better: str) -> None:
    (found,) = check({"OutputDataConfig": {"S3OutputPath": uri}})
    assert found.rule == "STP040"
    assert found.remedy == f"write {better}"


def test_an_alias_is_tuned_and_static_at_once() -> None:
    image = {"AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}}
    static = {"num_round": "100", "learning_rate": "0.1"}
    ranges = {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}]}
    patch = {
        "HyperParameterTuningJobConfig": {"ParameterRanges": ranges},
        "TrainingJobDefinition": {**image, "StaticHyperParameters": static},
    }
    found = [f.path for f in check(patch, "CreateHyperParameterTuningJob") if f.rule == "HPO005"]
    assert found == ["TrainingJobDefinition.StaticHyperParameters.learning_rate"]
    del static["learning_rate"]
    assert not [f for f in check(patch, "CreateHyperParameterTuningJob") if f.rule == "HPO005"]
