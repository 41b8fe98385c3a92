"""Hooks against the request: what is the same in other words is no fault, what differs names both places."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, CHANNEL
from cursus.model import Finding, Promises, UpstreamStep
from tests.checks.made import findings_of, rules_of

OWN = ("STP082", "HPO08", "CHN08", "ART08", "MON08", "DST08", "RES08", "DEP08")


def findings(patch: dict[str, Any], operation: str = "CreateTrainingJob", **promises: Any) -> list[Finding]:
    return findings_of(patch, operation=operation, select=OWN, promises=Promises(**promises))


def rules(patch: dict[str, Any], **promises: Any) -> list[str]:
    return rules_of(findings(patch, **promises))


@pytest.mark.parametrize(
    ("said", "has"),
    [
        (0.1, "0.1"),
        (0.1, "0.10"),
        (1e-05, "0.00001"),
        (3, "3"),
        (3, '"3"'),
        (True, "true"),
        (True, "True"),
        (False, "False"),
        ("adam", '"adam"'),
        ("adam", "adam"),
        ([1, 2], "[1, 2]"),
        ({"a": 1}, '{"a": 1}'),
        (None, ""),
    ],
)
def test_the_same_hyperparameter_in_other_words(said: Any, has: str) -> None:
    assert rules({"HyperParameters": {"x": has}}, hooks={"get_hyperparameters": {"x": said}}) == []


@pytest.mark.parametrize(("said", "has"), [(0.1, "0.01"), (True, "false"), ("adam", "sgd"), (1, "true")])
def test_another_hyperparameter(said: Any, has: str) -> None:
    (found,) = findings({"HyperParameters": {"x": has}}, hooks={"get_hyperparameters": {"x": said}})
    assert found.rule == "HPO080"
    assert found.path == "HyperParameters.x"
    assert "get_hyperparameters" in found.message
    assert "HyperParameters.x" in found.message
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("driver", "wrong"), [("torchrun", []), ("mpi", []), ("basic_script", ["DST080", "DST081"])]
)
def test_the_launcher_of_the_model_trainer(driver: str, wrong: list[str], tmp_path: Path) -> None:
    (tmp_path / "sm_train.sh").write_text(
        f"python /opt/ml/input/data/sm_drivers/distributed_drivers/{driver}_driver.py"
    )
    hooks = {
        "is_distributed_training": True,
        "get_distributed_config": {"DistributionStrategy": "torch_distributed"},
    }
    assert rules({}, hooks=hooks, local_channels={"sm_drivers": str(tmp_path)}) == wrong


def test_what_the_sdk_wrote_into_the_hyperparameters_is_no_promise() -> None:
    said = {
        "epochs": 10,
        "sagemaker_job_name": "churn-1",
        "sagemaker_submit_directory": "s3://example-bucket/1",
    }
    assert rules({"HyperParameters": {"epochs": "10"}}, hooks={"get_hyperparameters": said}) == []


def test_hyperparameter_that_the_request_lacks_suggests_the_nearest() -> None:
    (found,) = findings({"HyperParameters": {"epochs": "3"}}, hooks={"get_hyperparameters": {"epoch": 3}})
    assert "'epochs'" in found.message


def test_hyperparameters_that_are_tuned_need_no_value() -> None:
    hooks = {
        "get_hyperparameters": {"lr": 0.1, "epochs": 3},
        "get_tuning_config": {"hyperparameter_ranges": {"lr": {"min": 0.1, "max": 1}}},
    }
    assert rules({"HyperParameters": {"epochs": "3"}}, hooks=hooks) == []


def test_secrets_are_not_shown() -> None:
    (found,) = findings(
        {"HyperParameters": {"password": "hunter22"}},
        hooks={"get_hyperparameters": {"password": "swordfish"}},
    )
    assert "hunter22" not in found.message + found.remedy
    assert "swordfish" not in found.message + found.remedy


def test_pipeline_variables_are_not_compared() -> None:
    patch = {
        "OutputDataConfig": {"S3OutputPath": {"Get": "Parameters.Output"}},
        "HyperParameters": {"epochs": {"Get": "Parameters.Epochs"}},
        "ResourceConfig": {"InstanceType": {"Get": "Parameters.Type"}},
    }
    hooks = {
        "get_model_output_config": {"S3OutputPath": "s3://b/m/"},
        "get_hyperparameters": {"epochs": 3},
        "get_resource_optimization_config": {"instance_type": "ml.m5.large"},
    }
    assert rules(patch, hooks=hooks) == []


@pytest.mark.parametrize("uri", ["s3://example-bucket/models", "s3://example-bucket/models/"])
def test_a_slash_at_the_end_makes_no_difference(uri: str) -> None:
    assert rules({}, hooks={"get_model_output_config": {"S3OutputPath": uri}}) == []


@pytest.mark.parametrize(
    "inputs",
    [
        [CHANNEL],
        {"train": CHANNEL},
        {"train": "s3://example-bucket/churn/train/"},
        {"train": "s3://example-bucket/churn/train"},
        [{key: value for key, value in CHANNEL.items() if key != "ChannelName"}],
    ],
)
def test_training_inputs_in_all_their_forms(inputs: Any) -> None:
    assert rules({}, hooks={"get_training_inputs": inputs}) == []


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"tarin": "s3://example-bucket/churn/train/"}, "Did you mean 'train'"),
        ({"train": "s3://example-bucket/churn/other/"}, "s3://example-bucket/churn/other/"),
        ([{**CHANNEL, "ChannelName": "test"}], "no channel 'test'"),
    ],
)
def test_training_inputs_that_the_request_lacks(inputs: Any, told: str) -> None:
    (found,) = findings({}, hooks={"get_training_inputs": inputs})
    assert found.rule == "CHN080"
    assert told in found.message


@pytest.mark.parametrize("said", ["ShardedByS3Key", {"train": "ShardedByS3Key"}, {"tran": "FullyReplicated"}])
def test_another_distribution(said: Any) -> None:
    assert rules({}, hooks={"get_data_distribution_config": said}) == ["CHN081"]


def test_the_distribution_that_the_request_has() -> None:
    for said in ("FullyReplicated", {"train": {"S3DataDistributionType": "FullyReplicated"}}):
        assert rules({}, hooks={"get_data_distribution_config": said}) == []


METRIC = {"Name": "loss", "Regex": "loss=([0-9.]+)"}


def test_metrics_with_another_regex_name_both() -> None:
    (found,) = findings(
        {"AlgorithmSpecification": {"MetricDefinitions": [METRIC]}},
        hooks={"get_metrics_config": [{**METRIC, "Regex": "loss: ([0-9.]+)"}]},
    )
    assert found.path == "AlgorithmSpecification.MetricDefinitions[0].Regex"
    assert "loss=([0-9.]+)" in found.message
    assert "loss: ([0-9.]+)" in found.message


@pytest.mark.parametrize(
    "value",
    [["model.pkl", "model.pkl"], [""], ["./"], ["a/../../b"], ["s3://b/model.pkl"], ["/opt/ml/model/x"], [1]],
)
def test_artifacts_that_cannot_be_in_the_archive(value: Any) -> None:
    assert rules({}, hooks={"get_expected_artifacts": value}) == ["ART081"]


@pytest.mark.parametrize(
    "value", [["model.tar.gz", "code/inference.py", "output/data/x.json", "checkpoints/1.pt"], []]
)
def test_artifacts_that_can(value: Any) -> None:
    assert rules({}, hooks={"get_expected_artifacts": value}) == []


@pytest.mark.parametrize(
    ("said", "hosts", "hyperparameters", "wrong"),
    [
        (False, 1, {}, False),
        (False, 2, {}, True),
        (False, 1, {"sagemaker_mpi_enabled": "true"}, True),
        (False, 1, {"sagemaker_mpi_enabled": "false"}, False),
        (True, 2, {}, False),
        (True, 1, {}, True),
        (True, 1, {"sagemaker_torch_distributed_enabled": "true"}, False),
    ],
)
def test_is_distributed(said: bool, hosts: int, hyperparameters: Any, wrong: bool) -> None:
    patch = {"ResourceConfig": {"InstanceCount": hosts}, "HyperParameters": hyperparameters}
    assert rules(patch, hooks={"is_distributed_training": said}) == (["DST081"] if wrong else [])


def test_several_gpus_on_one_host_can_be_distributed() -> None:
    patch = {"ResourceConfig": {"InstanceType": "ml.g5.12xlarge"}}
    assert rules(patch, hooks={"is_distributed_training": True}) == []


CLUSTER = {"MasterType": "ml.m5.xlarge", "WorkerType": "ml.m5.xlarge", "WorkerCount": 3}


@pytest.mark.parametrize(("count", "wrong"), [(4, False), (3, True)])
def test_a_cluster_against_the_request(count: int, wrong: bool) -> None:
    found = rules({"ResourceConfig": {"InstanceCount": count}}, hooks={"get_distributed_config": CLUSTER})
    assert found == (["DST080"] if wrong else [])


def test_another_strategy() -> None:
    patch = {"HyperParameters": {"sagemaker_mpi_enabled": "true"}}
    said = {"DistributionStrategy": "SMDataParallel"}
    assert rules(patch, hooks={"get_distributed_config": said}) == ["DST080"]
    assert rules(patch, hooks={"get_distributed_config": {"DistributionStrategy": "Horovod"}}) == []
    patch = {"HyperParameters": {"sagemaker_torch_distributed_enabled": "true"}}
    assert rules(patch, hooks={"get_distributed_config": {"DistributionStrategy": "torch_distributed"}}) == []
    assert rules(patch, hooks={"get_distributed_config": {"DistributionStrategy": "Horovod"}}) == ["DST080"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instance_type", "ml.m5.large"),
        ("instance_count", 2),
        ("volume_size_in_gb", 31),
        ("max_runtime_in_seconds", 3601),
        ("input_mode", "Pipe"),
    ],
)
def test_other_resources(key: str, value: Any) -> None:
    (found,) = findings({}, hooks={"get_resource_optimization_config": {key: value}})
    assert found.rule == "RES080"
    assert key in found.message
    assert found.path in found.message


def test_promises_on_the_definition_of_a_tuning_job() -> None:
    hooks = {
        "get_resource_optimization_config": {"instance_type": "ml.m5.large"},
        "get_model_output_config": {"S3OutputPath": "s3://example-bucket/elsewhere/"},
    }
    found = findings({}, operation="CreateHyperParameterTuningJob", hooks=hooks)
    assert [one.path for one in found] == [
        "TrainingJobDefinition.OutputDataConfig.S3OutputPath",
        "TrainingJobDefinition.ResourceConfig.InstanceType",
    ]


SPLIT = UpstreamStep("Split", "Processing", ("train", "validation"))


@pytest.mark.parametrize(
    ("dependencies", "wrong"),
    [
        ({"data": {"step": "Split", "output": "train"}}, []),
        ({"Split": {"step": "Split"}}, []),
        ({"data": {"step": "Splt"}}, ["DEP080"]),
        ({"data": {"step": "Split", "output": "test"}}, ["DEP081"]),
        ({"data": {"step": "example"}}, ["DEP083"]),
        ({"data": {"stp": "Split"}}, ["DEP088"]),
        (
            {"train": {"step": "Split", "output": "train"}, "val": {"step": "Split", "output": "train"}},
            ["DEP086"],
        ),
    ],
)
def test_dependencies(dependencies: Any, wrong: list[str]) -> None:
    assert rules({}, dependencies=dependencies, upstream=(SPLIT,)) == wrong


def test_an_optional_dependency_may_be_missing() -> None:
    needs = {"baseline": {"step": "Baseline"}}
    hooks = {"get_optional_dependencies": needs}
    (found,) = findings({}, hooks=hooks, dependencies=needs, upstream=(SPLIT,))
    assert (found.rule, found.severity) == ("DEP080", "info")
    hooks["get_required_dependencies"] = needs
    (found,) = findings({}, hooks=hooks, dependencies=needs, upstream=(SPLIT,))
    assert found.severity == "error"


def test_outputs_that_nobody_declared_are_not_known() -> None:
    unknown = UpstreamStep("Split", "Processing", None)
    assert rules({}, dependencies={"data": {"step": "Split", "output": "x"}}, upstream=(unknown,)) == []


def test_without_upstream_only_what_the_builder_tells_is_checked() -> None:
    assert rules({}, dependencies={"data": {"step": "Split", "output": "x"}}) == []
    assert rules({}, dependencies={"data": {"step": "example"}}) == ["DEP083"]


def test_a_circle_through_this_step() -> None:
    split = UpstreamStep("Split", depends_on=("example",))
    (found,) = findings({}, dependencies={"data": {"step": "Split"}}, upstream=(split,))
    assert found.rule == "DEP082"
    assert "Split" in found.message
    assert "example" in found.message


def test_a_long_chain_is_no_circle() -> None:
    chain = tuple(UpstreamStep(f"s{n}", depends_on=(f"s{n + 1}",)) for n in range(2000))
    assert rules({}, dependencies={"data": {"step": "s0"}}, upstream=(*chain, UpstreamStep("s2000"))) == []


def test_references_to_other_steps() -> None:
    patch = {
        "OutputDataConfig": {"S3OutputPath": {"Std:Join": {"On": "/", "Values": [{"Get": "Steps.Other.X"}]}}}
    }
    (found,) = findings(patch, upstream=(SPLIT,))
    assert found.rule == "DEP084"
    assert "'Other'" in found.message


@pytest.mark.parametrize(
    ("config", "key"),
    [({"hyperparameters": 5}, "hyperparameters"), ({"framework_version": 2.1}, "framework_version")],
)
@pytest.mark.parametrize("hook", ["config", "get_step_config"])
def test_a_configuration_of_the_wrong_type_is_named(hook: str, config: dict[str, Any], key: str) -> None:
    (found,) = findings_of({}, "STP090", promises=Promises(hooks={hook: config}))
    assert found.severity == "warning" and f"{key} is " in found.message


def _said(**hooks: Any) -> list[tuple[str, str, str]]:
    """(rule, severity, area) of what a builder with these hooks is told, infos left out."""
    request = copy.deepcopy(BASES["CreateTrainingJob"])
    methods: dict[str, Any] = {"create_step": lambda self: request}
    methods.update({name: (lambda self, value=value: value) for name, value in hooks.items()})
    found = cursus.check(type("Builder", (), methods)()).findings
    return [(one.rule, one.severity, one.area) for one in found if one.severity != "info"]


@pytest.mark.parametrize(
    ("hooks", "told"),
    [
        ({"get_logging_config": {"LogLevel": "LOUD"}}, ("MON095", "error", "monitoring")),
        ({"get_logging_config": {"EnableSageMakerDebugger": "yes"}}, ("MON095", "warning", "monitoring")),
        ({"get_logging_config": {"EnableCloudWatchLogging": "maybe"}}, ("MON095", "warning", "monitoring")),
        ({"get_distributed_config": {"DistributionStrategy": "Data"}}, ("DST010", "error", "distributed")),
        ({"get_distributed_config": {"DistributionStrategy": 2}}, ("DST095", "error", "distributed")),
        ({"get_distributed_config": {"WorkerCount": 3}}, ("DST095", "warning", "distributed")),
        ({"get_gpu_optimization_config": {"mixed_precision": "fp15"}}, ("RES014", "error", "resources")),
    ],
)
def test_one_mistake_in_a_hook_is_told_once(hooks: dict[str, Any], told: tuple[str, str, str]) -> None:
    assert _said(**hooks) == [told]


def test_hooks_with_nothing_wrong_are_told_nothing() -> None:
    assert _said(get_logging_config={"LogLevel": "info"}) == []
    assert _said(get_gpu_optimization_config={"mixed_precision": "none"}) == []


def test_an_empty_tuning_range_is_told_once() -> None:
    config = {
        "objective_metric": "loss",
        "hyperparameter_ranges": {"optimizer": {"values": []}},
        "max_jobs": 10,
    }
    rules = [rule for rule, _, _ in _said(get_tuning_config=config)]
    assert "HPO010" not in rules and len([rule for rule in rules if rule != "HPO020"]) == 1


@pytest.mark.parametrize(
    ("config", "severity"),
    [
        ({"instance_type": "ml.m5.large"}, None),
        ({"instance_count": 1}, None),
        ({"instance_type": "ml.m5.4xlarge"}, "warning"),
        ({"training_instance_tpye": "ml.m5.large"}, "warning"),
        ({"channel": "train"}, None),
        ({"team": "churn"}, "info"),
    ],
)
def test_a_key_whose_value_the_builder_puts_into_the_request_is_read(
    config: dict[str, Any], severity: str | None
) -> None:
    patch = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
    found = findings_of(patch, "STP090", promises=Promises(hooks={"config": config}))
    assert [one.severity for one in found] == ([severity] if severity else [])
