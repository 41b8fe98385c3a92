"""What the hooks of builders fill into the request, and what they promise."""

from __future__ import annotations

import collections
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.model import Step, UpstreamStep
from cursus.steps import load
from cursus.steps.lowering.builders import lower
from tests.steps import made
from tests.steps.made import REQUEST, builder, channel, request_of


def test_flat_config_fills_what_is_missing() -> None:
    request = {**REQUEST, "ResourceConfig": {"InstanceType": "ml.c5.xlarge"}}
    config = {
        "training_instance_type": "ml.m5.xlarge",
        "training_instance_count": 2,
        "training_volume_size": 30,
        "max_runtime_in_seconds": 86400,
        "framework": "pytorch",
        "framework_version": "1.8.0",
        "python_version": "py38",
        "hyperparameters": {
            "learning_rate": 0.001,
            "batch_size": 32,
            "verbose": True,
            "name": "x",
            "none": None,
        },
        "region": "eu-west-1",
    }
    step = lower(builder(request), config)
    assert step.request["ResourceConfig"] == {
        "InstanceType": "ml.c5.xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 30,
    }
    assert step.request["HyperParameters"] == {
        "learning_rate": "0.001",
        "batch_size": "32",
        "verbose": "true",
        "name": "x",
        "none": "null",
    }
    promises = step.promises
    assert (promises.framework, promises.framework_version, promises.python_version) == (
        "pytorch",
        "1.8.0",
        "py38",
    )
    assert step.region == "eu-west-1" and promises.filled == ("config",)
    origin = step.origin(("ResourceConfig", "InstanceCount"))
    assert origin and origin.source == "config"
    kept = step.origin(("ResourceConfig", "InstanceType"))
    assert kept and kept.source == "create_step" and kept.location and kept.location.file == made.__file__


def test_framework_names_the_image_where_the_region_is_known() -> None:
    config = {
        "framework": "pytorch",
        "framework_version": "2.1",
        "python_version": "py310",
        "region": "eu-west-1",
    }
    algorithm = lower(builder({"TrainingJobName": "a"}), config).request["AlgorithmSpecification"]
    assert ".dkr.ecr.eu-west-1." in algorithm["TrainingImage"]
    assert algorithm["TrainingInputMode"] == "File"
    assert (
        "AlgorithmSpecification"
        not in lower(builder({"TrainingJobName": "a"}), {**config, "region": None}).request
    )


def test_step_config_as_request_and_as_flat_form() -> None:
    assert request_of(
        get_step_config={"StoppingCondition": {"MaxRuntimeInSeconds": 5}, "RoleArn": "other"}
    ) == {
        **REQUEST,
        "StoppingCondition": {"MaxRuntimeInSeconds": 5},
    }
    flat = request_of(get_step_config={"training_instance_type": "ml.m5.xlarge"})
    assert flat["ResourceConfig"] == {"InstanceType": "ml.m5.xlarge"}


def test_hooks_do_not_overwrite_the_request() -> None:
    request = {
        **REQUEST,
        "HyperParameters": {"epochs": "3"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/a/"},
        "InputDataConfig": [],
    }
    step = lower(
        builder(
            request,
            get_hyperparameters={"epochs": 9, "lr": 1},
            get_model_output_config={"S3OutputPath": "s3://bucket/b/", "KmsKeyId": "k"},
            get_training_inputs=[channel("s3://bucket/train/")],
        )
    )
    assert step.request["HyperParameters"] == {"epochs": "3"}
    assert step.request["OutputDataConfig"] == {"S3OutputPath": "s3://bucket/a/", "KmsKeyId": "k"}
    assert step.request["InputDataConfig"] == []
    assert step.promises.filled == ("get_model_output_config",)
    assert step.promises.hooks["get_hyperparameters"] == {"epochs": 9, "lr": 1}


def test_channels_are_named() -> None:
    inputs = [
        channel("s3://bucket/training-data/", ContentType="text/csv"),
        channel("s3://bucket/validation-data/"),
        channel("s3://bucket/c/", ChannelName="extra"),
        channel("s3://bucket/d/"),
    ]
    made = request_of(get_training_inputs=inputs)["InputDataConfig"]
    assert [one["ChannelName"] for one in made] == ["train", "validation", "extra", "test"]
    keyed = request_of(get_training_inputs={"left": channel("s3://bucket/train/"), "right": "s3://bucket/r/"})
    assert [one["ChannelName"] for one in keyed["InputDataConfig"]] == ["left", "right"]
    assert keyed["InputDataConfig"][1]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://bucket/r/"


@pytest.mark.parametrize(
    "config",
    [
        {"train": "ShardedByS3Key"},
        {"train": {"S3DataDistributionType": "ShardedByS3Key"}},
        {"S3DataDistributionType": "ShardedByS3Key"},
        "ShardedByS3Key",
    ],
)
def test_data_distribution(config: Any) -> None:
    inputs = {"train": channel("s3://bucket/train/")}
    made = lower(builder(get_training_inputs=inputs, get_data_distribution_config=config))
    (one,) = made.request["InputDataConfig"]
    assert one["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"
    # What the hook promised stays as it was.
    assert made.promises.hooks["get_training_inputs"] == inputs


def test_metrics_and_logging() -> None:
    metrics = [{"Name": "loss", "Regex": "loss=(.*)"}]
    output = {"S3OutputPath": "s3://bucket/m/"}
    for config in ({"MetricDefinitions": metrics}, metrics):
        made = request_of(
            get_metrics_config=config,
            get_model_output_config=output,
            get_logging_config={"LogLevel": "INFO", "EnableSageMakerDebugger": True},
        )
        assert made["AlgorithmSpecification"]["MetricDefinitions"] == metrics
        assert made["HyperParameters"] == {"sagemaker_container_log_level": "20"}
        assert made["DebugHookConfig"] == output


def test_built_in_algorithm_gets_no_toolkit_settings() -> None:
    request = {
        "TrainingJobName": "a",
        "AlgorithmSpecification": {
            "TrainingImage": "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1",
            "TrainingInputMode": "File",
        },
    }
    assert "HyperParameters" not in request_of(request, get_logging_config={"LogLevel": "INFO"})


def test_a_program_of_its_own_gets_no_toolkit_settings() -> None:
    algorithm = {"TrainingImage": "image", "TrainingInputMode": "File", "ContainerEntrypoint": ["/bin/bash"]}
    made = request_of(
        {"TrainingJobName": "a", "AlgorithmSpecification": algorithm},
        get_logging_config={"LogLevel": "INFO"},
        get_distributed_config={"DistributionStrategy": "torch_distributed"},
    )
    assert "HyperParameters" not in made


def test_distributed_config() -> None:
    made = request_of(
        is_distributed_training=True,
        get_distributed_config={
            "InstanceType": "ml.p3.2xlarge",
            "InstanceCount": 4,
            "VolumeSizeInGB": 30,
            "MaxRuntimeInSeconds": 86400,
            "DistributionStrategy": "Horovod",
        },
    )
    assert made["ResourceConfig"] == {
        "InstanceType": "ml.p3.2xlarge",
        "InstanceCount": 4,
        "VolumeSizeInGB": 30,
    }
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert made["HyperParameters"] == {"sagemaker_mpi_enabled": "true"}


def test_single_instance_has_no_distribution() -> None:
    made = request_of(is_distributed_training=False, get_distributed_config={"InstanceCount": 4})
    assert made == REQUEST


def test_cluster_config_becomes_instance_groups() -> None:
    cluster = {
        "MasterType": "ml.p3.2xlarge",
        "WorkerType": "ml.p3.2xlarge",
        "WorkerCount": 3,
        "ParameterServerType": "ml.m5.large",
        "ParameterServerCount": 1,
    }
    made = lower(builder(get_distributed_config=cluster), {"training_instance_type": "ml.m5.xlarge"})
    assert made.request["ResourceConfig"] == {
        "InstanceGroups": [
            {"InstanceGroupName": "master", "InstanceType": "ml.p3.2xlarge", "InstanceCount": 1},
            {"InstanceGroupName": "worker", "InstanceType": "ml.p3.2xlarge", "InstanceCount": 3},
            {"InstanceGroupName": "parameter-server", "InstanceType": "ml.m5.large", "InstanceCount": 1},
        ]
    }


def test_resource_and_gpu_config() -> None:
    made = request_of(
        get_resource_optimization_config={
            "instance_count": 1,
            "volume_size_in_gb": 50,
            "max_runtime_in_seconds": 3600,
            "max_wait_in_seconds": 7200,
            "use_spot_instances": True,
            "input_mode": "FastFile",
            "keep_alive_period_in_seconds": 60,
        },
        get_gpu_optimization_config={"instance_type": "ml.g5.xlarge", "mixed_precision": "fp16"},
    )
    assert made["ResourceConfig"] == {
        "InstanceCount": 1,
        "VolumeSizeInGB": 50,
        "KeepAlivePeriodInSeconds": 60,
        "InstanceType": "ml.g5.xlarge",
    }
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert made["EnableManagedSpotTraining"] is True
    assert made["AlgorithmSpecification"]["TrainingInputMode"] == "File"


def test_reference_is_not_filled() -> None:
    request = {**REQUEST, "ResourceConfig": {"Get": "Parameters.Resources"}}
    assert lower(builder(request), {"training_instance_count": 1}).request == request


def test_hook_values_become_plain() -> None:
    class Mode(Enum):
        FAST = "FastFile"

    step = lower(
        builder(
            get_expected_artifacts=lambda self: (name for name in ("model.pkl", "model.tar.gz")),
            get_hyperparameters={"data": Path("a") / "b", "sizes": (1, 2)},
            get_resource_optimization_config={"input_mode": Mode.FAST},
        )
    )
    assert step.promises.expected_artifacts == ("model.pkl", "model.tar.gz")
    assert step.request["HyperParameters"] == {"data": "a/b", "sizes": "[1, 2]"}
    assert step.promises.hooks["get_resource_optimization_config"] == {"input_mode": "FastFile"}


@pytest.mark.parametrize(
    "value", [{"data": {"step": "Prepare", "output": "train"}}, {"data": {"step": "Prepare"}}]
)
def test_dependencies_by_input(value: Any) -> None:
    assert lower(builder(get_dependencies=value)).promises.dependencies == value


def test_dependencies_by_step_name() -> None:
    step = lower(builder(get_required_dependencies=["Prepare"], get_optional_dependencies=["Evaluate"]))
    assert step.promises.dependencies == {"Prepare": {"step": "Prepare"}, "Evaluate": {"step": "Evaluate"}}


def test_upstream_in_every_form() -> None:
    class Prepare:
        step_type = "Processing"
        name = "Prepare"

        def get_outputs(self) -> list[str]:
            return ["train"]

        def get_dependencies(self) -> list[str]:
            return ["Load"]

    upstream = ["A", UpstreamStep("B"), {"name": "C", "outputs": ["x"]}, Prepare(), Prepare]
    step = lower(builder(), {"upstream": upstream})
    prepare = UpstreamStep("Prepare", "Processing", ("train",), ("Load",))
    assert step.promises.upstream == (
        UpstreamStep("A"),
        UpstreamStep("B"),
        UpstreamStep("C", "", ("x",)),
        prepare,
        prepare,
    )


def test_source_code_and_local_channels(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    config = {
        "source_dir": str(tmp_path),
        "entry_point": "train.py",
        "local_channels": {"train": str(tmp_path)},
    }
    step = lower(builder(), config)
    assert step.source and (step.source.directory, step.source.entry_point) == (str(tmp_path), "train.py")
    assert step.promises.local_channels == {"train": str(tmp_path)}
    settings = {"sagemaker_program": '"other.py"'}
    program = lower(builder({**REQUEST, "HyperParameters": settings}), {"source_dir": str(tmp_path)})
    assert program.source and program.source.entry_point == "other.py"
    (given,) = load(REQUEST, source_dir=str(tmp_path), entry_point="train.py")
    assert isinstance(given, Step) and given.source == step.source


def test_source_code_beside_the_builder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("")
    (tmp_path / "builder.py").write_text(
        "class Builder:\n    source_dir = 'src'\n    entry_point = 'train.py'\n"
        "    def create_step(self):\n        return {'TrainingJobName': 'a'}\n"
    )
    (step,) = load(f"{tmp_path}/builder.py:Builder")
    assert isinstance(step, Step) and step.source and step.source.directory == str(tmp_path / "src")


def test_findings_on_short_forms_point_at_their_hook() -> None:
    class Builder:
        def create_step(self) -> Any:
            return REQUEST

        def get_tuning_config(self) -> Any:
            return {"objective_metric": "validation:accuracy", "hyperparameter_ranges": {"lr": {"min": 1}}}

    (finding,) = [one for one in cursus.check(Builder()).findings if one.rule == "HPO097"]
    assert (finding.file, finding.line) == (__file__, Builder.get_tuning_config.__code__.co_firstlineno + 1)


def test_a_named_tuple_has_members_too() -> None:
    request = {"TrainingJobName": "churn", "AlgorithmSpecification": {}, "RoleArn": "x"}
    made = collections.namedtuple("made", request)(**request)
    step = lower(type("Builder", (), {"create_step": lambda self: made})())
    assert step.request == request and not step.promises.failures
