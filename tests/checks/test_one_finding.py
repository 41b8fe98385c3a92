"""One mistake is one finding: rules that look at the same value leave it to the one that says most of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus import engine
from cursus.checks.examples import BASES, merge
from cursus.checks.views import Settings
from cursus.model import Step
from tests.checks.made import SCRIPT, TUNING, XGBOOST, findings_of, rules_of, told

REPR = "s3://example-bucket/<sagemaker.workflow.parameters.ParameterString object at 0x7f>/"
CHANNEL = BASES["CreateTrainingJob"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]


def image(name: str) -> dict[str, Any]:
    return {"AlgorithmSpecification": {"TrainingImage": name}}


def on_a_cpu(*switches: str) -> dict[str, Any]:
    return {
        **image("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310"),
        "HyperParameters": {**SCRIPT, **dict.fromkeys(switches, "true")},
        "ResourceConfig": {"InstanceType": "ml.m5.2xlarge"},
    }


def test_a_channel_for_a_group_of_a_job_without_groups_is_one_mistake() -> None:
    request = copy.deepcopy(BASES["CreateTrainingJob"])
    (channel,) = request["InputDataConfig"][:1]
    other = copy.deepcopy({**channel, "ChannelName": "other"})
    channel["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["workers"]
    request["InputDataConfig"] = [channel, other]
    errors = [finding.rule for finding in cursus.check(request).findings if finding.severity == "error"]
    assert errors == ["CHN015"]


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        ({"OutputDataConfig": {"S3OutputPath": REPR}}, "STP046"),
        ({"OutputDataConfig": {"KmsKeyId": "None"}}, "STP047"),
        ({"OutputDataConfig": {"KmsKeyId": "my-training-key"}}, "ART001"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://None/None/output"}}, "STP047"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://None"}}, "STP047"),
        ({"Environment": {"HF_TOKEN": "<YOUR_HF_TOKEN>"}}, "STP049"),
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
    assert rules_of(told(findings_of(patch))) == [rule]


def test_the_copies_of_the_output_have_faults_of_their_own() -> None:
    patch = {
        "DebugHookConfig": {"S3OutputPath": "s3://My_Bucket/a"},
        "ProfilerConfig": {"S3OutputPath": "s3://B_B/"},
    }
    found = [(f.rule, f.path) for f in told(findings_of(patch))]
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
    (found,) = findings_of(patch, "CHN020")
    assert "channels 'train', 'test'" in found.message


def test_the_word_none_for_an_algorithms_value_is_told_once() -> None:
    given = {"num_round": "100", "eta": "None", "objective": "binary:logistics"}
    every = told(findings_of({**image(XGBOOST), "HyperParameters": given}))
    found = {f.path: f for f in every if f.area == "hyperparameters"}
    eta, objective = found["HyperParameters.eta"], found["HyperParameters.objective"]
    assert len(found) == 2
    assert (eta.rule, objective.rule) == ("HPO040", "HPO040")
    assert eta.remedy.startswith("leave the hyperparameter out")
    assert objective.message.endswith("is none that xgboost takes. Did you mean 'binary:logistic'?")


def test_a_definition_without_ranges() -> None:
    request = dict(BASES[TUNING])
    config = dict(request.pop("HyperParameterTuningJobConfig"))
    ranges = config.pop("ParameterRanges")
    objective = config.pop("HyperParameterTuningJobObjective")
    single = {**request.pop("TrainingJobDefinition"), "TuningObjective": objective}
    several = [{**single, "DefinitionName": name, "HyperParameterRanges": ranges} for name in ("a", "b")]
    del several[1]["HyperParameterRanges"]
    request = {**request, "HyperParameterTuningJobConfig": config, "TrainingJobDefinitions": several}
    found = engine.check_step(Step("step", TUNING, request), Settings())
    lacking = [f.rule for f in found if f.path == "TrainingJobDefinitions[1].HyperParameterRanges"]
    assert lacking == ["HPO016"]


def test_a_region_newer_than_the_data_can_be_allowed() -> None:
    name = "123456789012.dkr.ecr.eu-east-1.amazonaws.com/churn:1"
    assert told(findings_of(image(name), allow=("eu-east-1",))) == []
    upper = name.replace("churn", "Churn")
    assert rules_of(told(findings_of(image(upper)))) == ["STP033"]


def test_a_second_region_of_a_place_without_a_first_one_is_none() -> None:
    [finding] = told(findings_of(image("123456789012.dkr.ecr.eu-east-2.amazonaws.com/churn:1")))
    assert (finding.rule, finding.severity) == ("STP033", "error")
    [known] = told(findings_of(image("123456789012.dkr.ecr.us-west-3.amazonaws.com/churn:1")))
    assert (known.rule, known.severity) == ("STP033", "warning")
    amazons = "257758044811.dkr.ecr.eu-east-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    assert "FRM006" not in rules_of(findings_of(image(amazons)))
    bucket = {**image(amazons), "OutputDataConfig": {"S3OutputPath": "s3://models-us-east-2/"}}
    assert "STP035" not in rules_of(findings_of(bucket))


@pytest.mark.parametrize(
    ("uri", "better"),
    [
        ("s3://https://example-bucket/models/", "s3://example-bucket/models/"),
        ("s3://s3://example-bucket/models/", "s3://example-bucket/models/"),
        ("s3://s3://s3://example-bucket/models/", "s3://example-bucket/models/"),
    ],
)
def test_two_schemes_are_made_one(uri: str, better: str) -> None:
    (found,) = told(findings_of({"OutputDataConfig": {"S3OutputPath": uri}}))
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
    found = [f.path for f in findings_of(patch, "HPO005", TUNING)]
    assert found == ["TrainingJobDefinition.StaticHyperParameters.learning_rate"]
    del static["learning_rate"]
    assert not findings_of(patch, "HPO005", TUNING)


HEAD = """\
import argparse, os
print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
parser = argparse.ArgumentParser()
"""
TAIL = """
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(out))
"""


@pytest.mark.parametrize(
    ("script", "value", "regex", "rule"),
    [
        (
            "parser.add_argument('--num', type=int)\na = parser.parse_args()\nout = a.num",
            "None",
            "",
            "HPO052",
        ),
        (
            "parser.add_argument('--num')\na = parser.parse_args()\nout = 1 if a.num else 2",
            "None",
            "",
            "HPO060",
        ),
        ("parser.add_argument('--num')\na = parser.parse_args()\nout = a.num is None", "None", "", "HPO060"),
        ("parser.add_argument('--num', type=int)\na = parser.parse_args()\nout = 1", "0.5", "", "HPO052"),
        ("out = int(os.environ['SM_HP_NUM'])", "None", "", "HPO065"),
        ("out = float(os.environ['SM_HP_NUM'])\nprint('loss=%.3f' % out)", "0.5", r"loss=(\d+)", "MON051"),
        ("out = float(os.environ['SM_HP_NUM'])\nprint('Loss=%.3f' % out)", "0.5", r"loss=(\d+)", "MON050"),
        (
            "out = float(os.environ['SM_HP_NUM'])\nprint('loss=%.3f' % out)",
            "0.5",
            r"(loss)=([0-9.]+)",
            "MON002",
        ),
        ("out = open('s3://example-bucket/x.csv').read() + os.environ['SM_HP_NUM']", "1", "", "CHN053"),
    ],
)
def test_one_mistake_in_a_script_is_one_finding(
    tmp_path: Path, script: str, value: str, regex: str, rule: str
) -> None:
    head = HEAD if rule != "CHN053" else "import os\n"
    (tmp_path / "train.py").write_text(head + script + TAIL)
    patch: dict[str, Any] = {"HyperParameters": {"num": value, **SCRIPT}}
    if regex:
        patch["AlgorithmSpecification"] = {"MetricDefinitions": [{"Name": "loss", "Regex": regex}]}
    request = merge(BASES["CreateTrainingJob"], patch)
    found = cursus.check(request, source_dir=tmp_path, entry_point="train.py").findings
    assert rules_of(told(found)) == [rule]


@pytest.mark.parametrize(
    ("ranges", "rule"),
    [
        ({"IntegerParameterRanges": [{"Name": "depth", "MinValue": "3", "MaxValue": "3"}]}, "HPO001"),
        (
            {
                "IntegerParameterRanges": [
                    {"Name": "d", "MinValue": "1", "MaxValue": "90", "ScalingType": "ReverseLogarithmic"}
                ]
            },
            "HPO003",
        ),
    ],
)
def test_one_mistake_in_a_range_is_one_finding(ranges: dict[str, Any], rule: str) -> None:
    only = {"ContinuousParameterRanges": None, **ranges}
    patch = {"HyperParameterTuningJobConfig": {"ParameterRanges": only}}
    assert rules_of(told(findings_of(patch, operation=TUNING))) == [rule]


def test_a_path_of_another_machine_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(HEAD + "out = 1" + TAIL)
    request = copy.deepcopy(merge(BASES["CreateTrainingJob"], on_a_cpu()))
    request["HyperParameters"]["sagemaker_program"] = "/home/me/train.py"
    request["ResourceConfig"]["InstanceType"] = "ml.g5.xlarge"
    found = cursus.check(request, source_dir=tmp_path).findings
    assert rules_of(told(found)) == ["FRM012"]


@pytest.mark.parametrize(("given", "default", "rule"), [({"N": "two"}, 1, "DEP021"), ({}, "two", "DEP020")])
def test_a_parameter_of_another_type_is_one_finding(
    given: dict[str, Any], default: object, rule: str
) -> None:
    arguments = {**copy.deepcopy(BASES["CreateTrainingJob"])}
    del arguments["TrainingJobName"]
    arguments["ResourceConfig"]["InstanceCount"] = {"Get": "Parameters.N"}
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "N", "Type": "Integer", "DefaultValue": default}],
        "Steps": [{"Name": "Train", "Type": "Training", "Arguments": arguments}],
    }
    found = cursus.check(definition, parameters=given).findings
    assert [finding.rule for finding in found if finding.severity == "error"] == [rule]


def test_a_misspelt_member_of_a_step_is_one_finding() -> None:
    step = {"Name": "Ask", "Type": "Callback", "Arguments": {"a": "b"}, "OutputParameters": []}
    step["SqsQueueURL"] = "https://sqs.us-east-1.amazonaws.com/123456789012/questions"
    found = cursus.check({"Version": "2020-12-01", "Steps": [step]}).findings
    assert [(finding.rule, finding.path) for finding in found] == [("DEP002", "Steps[0].SqsQueueURL")]
