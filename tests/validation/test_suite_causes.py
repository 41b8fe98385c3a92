"""One cause is told once, in the test that it belongs to; what only follows from it fails no other test."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests
from tests.validation.results import (
    CHANNELS,
    DEPENDENCIES,
    DISTRIBUTED,
    FRAMEWORK,
    HYPERPARAMETERS,
    MONITORING,
    STEP,
    failed,
    static,
)

REFERENCE = "Steps.Split.ProcessingOutputConfig.Outputs['{}'].S3Output.{}"


def rules(results: dict[str, Any], *severities: str) -> list[str]:
    return [one["rule"] for one in results["findings"] if one["severity"] in (severities or ("error",))]


def executed(builder: Any, config: Any, tmp_path: Path) -> dict[str, Any]:
    return TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()


def test_a_channel_that_the_request_lacks_is_told_where_the_inputs_are(builder: Any, config: Any) -> None:
    test = copy.deepcopy(builder.request["InputDataConfig"][0])
    test["ChannelName"] = "test"
    builder.get_training_inputs = lambda: [*builder.request["InputDataConfig"], test]
    builder.get_data_distribution_config = lambda: dict.fromkeys(("train", "test"), "FullyReplicated")
    builder.get_dependencies = lambda: {
        name: {"step": "Split", "output": "train"} for name in ("train", "test")
    }
    results = static(builder, config)
    assert list(failed(results)) == [CHANNELS]
    assert rules(results) == ["CHN080"]


def test_a_channel_of_the_same_name_twice(builder: Any, config: Any) -> None:
    other = copy.deepcopy(builder.request["InputDataConfig"][0])
    other["DataSource"]["S3DataSource"]["S3Uri"] = "s3://example-bucket/churn/other/"
    builder.request["InputDataConfig"].append(other)
    assert rules(static(builder, config)) == ["CHN001"]


def test_a_metric_of_the_same_name_twice(builder: Any, config: Any) -> None:
    definitions = builder.request["AlgorithmSpecification"]["MetricDefinitions"]
    definitions.append({"Name": "loss", "Regex": "epoch [0-9]+: loss=([0-9.]+)"})
    builder.get_metrics_config = lambda: definitions
    assert rules(static(builder, config), "error", "warning") == ["MON005"]


def test_another_way_of_training_distributed_than_the_request_starts(builder: Any, config: Any) -> None:
    builder.request["ResourceConfig"]["InstanceCount"] = 2
    builder.request["HyperParameters"]["sagemaker_mpi_enabled"] = "true"
    builder.is_distributed_training = lambda: True
    builder.get_distributed_config = lambda: {"DistributionStrategy": "ParameterServer"}
    results = static(builder, config)
    assert list(failed(results)) == [DISTRIBUTED]
    assert rules(results) == ["DST080"]


@pytest.mark.parametrize(
    ("output", "member", "says"),
    [
        ("train", "S3Uri", None),
        ("trian", "S3Uri", "Did you mean 'train'?"),
        ("train", "S3Url", "Did you mean 'S3Uri'?"),
    ],
)
def test_a_reference_to_a_step_before(
    builder: Any, config: Any, output: str, member: str, says: str | None
) -> None:
    source = builder.request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = {"Get": REFERENCE.format(output, member)}
    results = static(builder, config)
    if says is None:
        assert failed(results) == {}
    else:
        assert list(failed(results)) == [DEPENDENCIES]
        assert rules(results) == ["DEP081"] and says in failed(results)[DEPENDENCIES][0]


def test_nothing_is_said_of_outputs_that_are_not_known(builder: Any, config: Any) -> None:
    config["upstream"] = [{"name": "Split", "type": "Processing"}]
    output = builder.request["OutputDataConfig"]
    output["S3OutputPath"] = {"Get": REFERENCE.format("anything", "S3Uri")}
    assert failed(static(builder, config)) == {}


def test_a_run_that_fails_of_an_argument_fails_the_test_of_hyperparameters_alone(
    builder: Any, config: Any, tmp_path: Path
) -> None:
    builder.request["HyperParameters"]["momentum"] = "0.9"
    results = executed(builder, config, tmp_path)
    assert list(failed(results)) == [HYPERPARAMETERS]
    (warning,) = results["tests"][FRAMEWORK]["warnings"]
    assert "not proven" in warning and HYPERPARAMETERS in warning and "HPO050" in warning


def test_a_missing_entry_point_is_told_once(builder: Any, config: Any, tmp_path: Path) -> None:
    config["entry_point"] = "missing.py"
    (error,) = failed(executed(builder, config, tmp_path))[FRAMEWORK]
    assert error.startswith("FRM050")


def test_a_regex_that_does_not_compile_is_told_once(builder: Any, config: Any, tmp_path: Path) -> None:
    broken = [{"Name": "loss", "Regex": "loss=([0-9.]+"}]
    builder.request["AlgorithmSpecification"]["MetricDefinitions"] = broken
    builder.get_metrics_config = lambda: broken
    builder.get_tuning_config = None
    results = executed(builder, config, tmp_path)
    assert list(failed(results)) == [MONITORING]
    assert rules(results) == ["MON001"]


@pytest.mark.parametrize(
    ("rule", "leave_out"),
    [
        ("MON080", ("AlgorithmSpecification", "MetricDefinitions")),
        ("CHN080", ("InputDataConfig",)),
        ("HPO080", ("HyperParameters",)),
    ],
)
def test_what_only_a_hook_says_never_reaches_sagemaker(
    builder: Any, config: Any, rule: str, leave_out: tuple[str, ...]
) -> None:
    channel = builder.request["InputDataConfig"][0]
    builder.get_training_inputs = lambda: [{**copy.deepcopy(channel)}]
    target = builder.request
    for part in leave_out[:-1]:
        target = target[part]
    del target[leave_out[-1]]
    results = static(builder, config)
    assert failed(results) == {}
    told = [one for one in results["findings"] if one["rule"] == rule]
    assert [one["severity"] for one in told] == ["warning"]
    assert leave_out[-1] in told[0]["message"] and "SageMaker never gets it" in told[0]["message"]
    # Somebody completes a request that could not be sent as it is, and takes the rest from the hooks, too.
    del builder.request["StoppingCondition"]
    assert [one for one in static(builder, config)["findings"] if one["rule"] == rule] == []


@pytest.mark.parametrize(("value", "rule"), [({"rate": 1}, "STP003"), ("x" * 2501, "STP006")])
def test_a_hyperparameter_that_the_tuning_job_has_too(
    builder: Any, config: Any, value: Any, rule: str
) -> None:
    builder.request["HyperParameters"]["schedule"] = value
    assert rules(static(builder, config)).count(rule) == 1


@pytest.mark.parametrize("spot", [True, False])
def test_spot_instances_that_only_a_hook_asks_for(builder: Any, config: Any, spot: bool) -> None:
    builder.request["CheckpointConfig"] = {"S3Uri": "s3://example-bucket/churn/checkpoints/"}
    builder.get_resource_optimization_config = lambda: {
        "use_spot_instances": spot,
        **({"max_wait_in_seconds": 7200} if spot else {}),
    }
    results = static(builder, config)
    assert results["tests"][STEP]["passed"] is True
    assert rules(results, "error", "warning").count("RES080") == (2 if spot else 0)


@pytest.mark.parametrize(
    ("hook", "value"),
    [
        (
            "get_tuning_config",
            {
                "objective_metric": "loss",
                "hyperparameter_ranges": {"learning-rate": {"min": 0.01, "max": 0.5}},
                "max_jobs": 10,
                "max_parallel_jobs": 2,
                "strategy": "Baysian",
            },
        ),
        ("get_auto_ml_config", {"problem_type": "Binary", "objective": "F1", "target_attribute_name": "y"}),
    ],
)
def test_a_tuning_or_automl_job_that_is_refused_is_no_fault_of_the_training_job(
    builder: Any, config: Any, tmp_path: Path, hook: str, value: Any
) -> None:
    setattr(builder, hook, lambda: value)
    results = executed(builder, config, tmp_path)
    assert list(failed(results)) == [HYPERPARAMETERS]
    assert rules(results) == ["STP004"]
    assert results["tests"][FRAMEWORK]["details"]["local_job"]["status"] == "Completed"


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("ContentType",), "application/x-parquet", "CHN080"),
        (("ContentType",), "text/csv", None),
        (("CompressionType",), "Gzip", None),  # the request leaves it out
        (("DataSource", "S3DataSource", "S3DataDistributionType"), "ShardedByS3Key", "CHN080"),
        (("DataSource", "S3DataSource", "S3DataType"), "ManifestFile", "CHN080"),
    ],
)
def test_channels_are_read_in_the_same_way(
    builder: Any, config: Any, path: tuple[str, ...], value: str, rule: str | None
) -> None:
    said = copy.deepcopy(builder.request["InputDataConfig"][0])
    target = said
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    builder.get_training_inputs = lambda: [said]
    found = [one for one in static(builder, config)["findings"] if one["severity"] == "error"]
    assert [one["rule"] for one in found] == ([rule] if rule else [])
    assert all(path[-1] in one["path"] and repr(value) in one["message"] for one in found)


def test_a_request_that_hooks_complete_is_told(builder: Any, config: Any) -> None:
    del builder.request["StoppingCondition"]
    results = static(builder, config)
    assert failed(results) == {}
    told = [one for one in results["findings"] if one["rule"] == "STP093"]
    assert [one["severity"] for one in told] == ["info"]
    assert (
        "completed by get_step_config (" in told[0]["message"] and "MaxRuntimeInSeconds" in told[0]["message"]
    )


def test_a_script_without_its_archive(builder: Any, config: Any) -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    builder.request["AlgorithmSpecification"]["TrainingImage"] = image
    assert rules(static(builder, config), "error", "warning") == []
    del builder.request["HyperParameters"]["sagemaker_submit_directory"]
    assert rules(static(builder, config), "warning") == ["FRM012"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"step": "Split", "outputs": "train"}, "Did you mean 'output'?"),
        ({"step": "Split", "output": 7}, "7 for its output"),
        ({"step": "Split", "output": None}, None),
        ("Split", None),
    ],
)
def test_what_a_dependency_says_beside_step_and_output(
    builder: Any, config: Any, entry: Any, says: str | None
) -> None:
    builder.get_dependencies = lambda: {"train": entry}
    told = [one["message"] for one in static(builder, config)["findings"] if one["rule"] == "DEP088"]
    assert [says is not None and says in one for one in told] == ([True] if says else [])


def test_hooks_without_a_step_complete_no_request(config: Any) -> None:
    class OnlyHooks:
        def get_hyperparameters(self) -> Any:
            return {"epochs": 1}

        def get_step_config(self) -> Any:
            return {"training_instance_type": "ml.m5.large"}

    results = static(OnlyHooks, config)
    assert list(failed(results)) == [STEP]
    assert rules(results, "error", "warning", "info") == ["STP089"]


def test_a_channel_of_another_name_is_no_fault_of_the_dependencies(builder: Any, config: Any) -> None:
    other = copy.deepcopy(builder.request["InputDataConfig"][0])
    other["ChannelName"] = "validation"
    builder.request["InputDataConfig"].append(other)
    builder.get_training_inputs = None
    builder.get_data_distribution_config = lambda: dict.fromkeys(("train", "test"), "FullyReplicated")
    builder.get_dependencies = lambda: {
        name: {"step": "Split", "output": "train"} for name in ("train", "test")
    }
    results = static(builder, config)
    assert list(failed(results)) == [CHANNELS] and rules(results) == ["CHN081"]


def test_an_image_that_the_configuration_chooses_completes_the_request(builder: Any, config: Any) -> None:
    del builder.request["AlgorithmSpecification"]["TrainingImage"]
    config |= {"framework": "sklearn", "framework_version": "1.2-1"}
    told = [one for one in static(builder, config)["findings"] if one["rule"] == "STP093"]
    assert len(told) == 1 and "completed by the configuration (" in told[0]["message"]
