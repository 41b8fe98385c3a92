"""Rules of the area *distributed*: a sound request has no finding, and each fault its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import CHANNEL, merge
from cursus.model import Finding, Promises, SourceCode
from tests.checks.made import DLC, SCRIPT, findings_of

SMDDP = {"sagemaker_distributed_dataparallel_enabled": "true"}
TORCH = {"sagemaker_torch_distributed_enabled": "true"}
SERVER = {"sagemaker_parameter_server_enabled": "true"}
MPI = {"sagemaker_mpi_enabled": "true"}


def findings(
    image: str,
    hyperparameters: dict[str, Any],
    instance: str = "ml.p4d.24xlarge",
    count: int = 2,
    *,
    patch: dict[str, Any] | None = None,
    hooks: dict[str, Any] | None = None,
    source: SourceCode | None = None,
) -> list[Finding]:
    nvme = instance.split(".")[1] not in ("m5", "c5", "p3")
    request = {
        "AlgorithmSpecification": {
            "TrainingImage": image if ":" not in image or "/" in image else f"{DLC}/{image}"
        },
        "HyperParameters": {**SCRIPT, **hyperparameters},
        "ResourceConfig": {
            "InstanceType": instance,
            "InstanceCount": count,
            "VolumeSizeInGB": None if nvme else 30,
        },
    }
    found = findings_of(merge(request, patch or {}), promises=Promises(hooks=hooks or {}), source=source)
    return [f for f in found if "DST0" <= f.rule < "DST050"]


def brief(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in found]


@pytest.mark.parametrize(
    ("image", "on", "instance", "count"),
    [
        ("pytorch-training:2.1.0-gpu-py310", SMDDP, "ml.p4d.24xlarge", 2),
        ("pytorch-training:1.13.1-gpu-py39", SMDDP, "ml.p3.16xlarge", 2),
        ("tensorflow-training:2.11.0-gpu-py39", SMDDP, "ml.p3.16xlarge", 2),
        ("pytorch-training:2.1.0-gpu-py310", TORCH, "ml.g5.12xlarge", 1),
        ("pytorch-training:2.8.0-gpu-py312", TORCH, "ml.p5.48xlarge", 4),
        ("pytorch-training:2.2.0-gpu-py310", {**SMDDP, **TORCH}, "ml.p5.48xlarge", 2),
        ("tensorflow-training:2.4.1-gpu-py37", MPI, "ml.p3.8xlarge", 2),
        ("tensorflow-training:2.11.0-cpu-py39", SERVER, "ml.m5.xlarge", 2),
        (
            "huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04",
            TORCH,
            "ml.p4d.24xlarge",
            2,
        ),
        (
            "pytorch-training-neuronx:2.1.2-neuronx-py310-sdk2.20.0-ubuntu20.04",
            TORCH,
            "ml.trn1.32xlarge",
            2,
        ),
        ("pytorch-training:2.1.0-gpu-py310", {"sagemaker_mpi_enabled": "false", **TORCH}, "ml.g5.xlarge", 2),
        ("pytorch-training:2.1.0-gpu-py310", {}, "ml.g5.xlarge", 1),
    ],
)
def test_sound_requests(image: str, on: dict[str, str], instance: str, count: int) -> None:
    assert findings(image, on, instance, count) == []


@pytest.mark.parametrize(
    ("image", "on", "instance", "expected"),
    [
        ("pytorch-training:2.1.0-gpu-py310", SMDDP, "ml.p3.16xlarge", [("DST002", "error")]),
        ("pytorch-training:2.0.1-gpu-py310", SMDDP, "ml.p5.48xlarge", [("DST002", "error")]),
        ("pytorch-training:1.9.1-gpu-py38", SMDDP, "ml.p3.2xlarge", [("DST002", "error")]),
        ("tensorflow-training:2.8.0-gpu-py39", SMDDP, "ml.g5.48xlarge", [("DST002", "error")]),
        # The SDK sends pytorchddp, which runs on any GPU, under the same switch.
        ("pytorch-training:1.13.1-gpu-py39", SMDDP, "ml.p3.2xlarge", [("DST002", "warning")]),
        ("pytorch-training:2.1.0-gpu-py310", SMDDP, "ml.g5.48xlarge", [("DST002", "warning")]),
        ("pytorch-training:2.1.0-gpu-py310", SMDDP, "ml.p3dn.24xlarge", [("DST002", "warning")]),
        ("pytorch-training:2.1.0-cpu-py310", SMDDP, "ml.m5.xlarge", [("DST002", "error")]),
        ("pytorch-training:2.6.0-gpu-py312", SMDDP, "ml.p4d.24xlarge", [("DST001", "error")]),
        ("tensorflow-training:2.13.0-gpu-py310", SMDDP, "ml.p4d.24xlarge", [("DST001", "error")]),
        (
            "pytorch-training:2.1.0-gpu-py310",
            {"mp_parameters": '{"partitions": 2, "ddp": true}', "sagemaker_mpi_enabled": "true"},
            "ml.p4d.24xlarge",
            [("DST001", "error")],
        ),
        ("pytorch-training:1.6.0-gpu-py3", SMDDP, "ml.p3.16xlarge", [("DST001", "error")]),
        ("pytorch-training:1.6.0-gpu-py36-cu110-ubuntu18.04", SMDDP, "ml.p3.16xlarge", []),
        (
            "pytorch-training:2.0.1-gpu-py310-cu121-ubuntu20.04-sagemaker",
            SMDDP,
            "ml.p4d.24xlarge",
            [("DST001", "error")],
        ),
        ("pytorch-training:1.12.1-gpu-py38", TORCH, "ml.p4d.24xlarge", [("DST001", "error")]),
        ("tensorflow-training:2.11.0-gpu-py39", TORCH, "ml.p4d.24xlarge", [("DST001", "error")]),
        ("pytorch-training:2.1.0-cpu-py310", TORCH, "ml.m5.xlarge", [("DST002", "warning")]),
        ("pytorch-training:2.1.0-gpu-py310", SERVER, "ml.p3.2xlarge", [("DST001", "warning")]),
        (
            "tensorflow-training:2.8.0-gpu-py39",
            {"sagemaker_multi_worker_mirrored_strategy_enabled": "true"},
            "ml.p3.2xlarge",
            [("DST001", "error")],
        ),
        (
            "pytorch-training-neuronx:2.1.2-neuronx-py310-sdk2.20.0-ubuntu20.04",
            MPI,
            "ml.trn1.32xlarge",
            [("DST002", "error")],
        ),
    ],
)
def test_what_is_not_supported(
    image: str, on: dict[str, str], instance: str, expected: list[tuple[str, str]]
) -> None:
    assert brief(findings(image, on, instance)) == expected


JOIN = "import torch.distributed as dist\n"
LIBRARY = JOIN + 'import smdistributed.dataparallel.torch.torch_smddp\ndist.init_process_group("smddp")\n'
OPTIONAL = (
    JOIN
    + "try:\n    import smdistributed.dataparallel.torch.torch_smddp\n    backend = 'smddp'\n"
    + "except ImportError:\n    backend = 'nccl'\ndist.init_process_group(backend)\n"
)
BACKEND = (
    JOIN
    + "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--backend', default='smddp')\n"
    + "dist.init_process_group(backend=parser.parse_args().backend)\n"
)


@pytest.mark.parametrize("instance", ["ml.p3.2xlarge", "ml.g5.48xlarge", "ml.p5.48xlarge"])
@pytest.mark.parametrize(
    ("script", "severity", "line"),
    [
        (None, "warning", None),
        (LIBRARY, "error", 2),
        (
            "import smdistributed.dataparallel.torch.distributed as dist\ndist.init_process_group()\n",
            "error",
            1,
        ),
        ("from smdistributed.dataparallel.torch.parallel import distributed\n", "error", 1),
        (BACKEND, "error", 5),
        (OPTIONAL, "warning", None),
        ("from transformers import Trainer\nTrainer().train()\n", "warning", None),
        (JOIN + 'dist.init_process_group(backend="nccl")\n', None, None),
    ],
)
def test_the_source_tells_the_data_parallelism_library_from_plain_ddp(
    tmp_path: Path, instance: str, script: str | None, severity: str | None, line: int | None
) -> None:
    source = None
    if script is not None:
        (tmp_path / "train.py").write_text(script)
        source = SourceCode(str(tmp_path), "train.py")
    found = findings("pytorch-training:2.1.0-gpu-py310", SMDDP, instance, source=source)
    if instance == "ml.p5.48xlarge" and severity == "warning":
        severity = "error"  # nobody's plain DDP is told from the library there without a source that says so
    assert brief(found) == ([("DST002", severity)] if severity else [])
    assert [finding.location.line for finding in found if finding.location] == ([line] if line else [])
    assert findings("pytorch-training:2.1.0-gpu-py310", SMDDP, "ml.p4d.24xlarge", source=source) == []


def test_own_images_are_held_against_the_instance_only() -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    assert brief(findings(image, SMDDP, "ml.m5.xlarge")) == [("DST002", "error")]
    assert findings(image, {}, "ml.m5.xlarge", 4) == []


def test_strategies_that_exclude_each_other() -> None:
    found = findings("tensorflow-training:2.11.0-gpu-py39", {**MPI, **SERVER}, "ml.p3.2xlarge")
    assert brief(found) == [("DST003", "warning")]


def test_the_parameter_server_wants_hosts_and_single_gpus() -> None:
    image = "tensorflow-training:2.11.0-gpu-py39"
    assert brief(findings(image, SERVER, "ml.p3.2xlarge", 1)) == [("DST004", "info")]
    assert brief(findings(image, SERVER, "ml.p3.8xlarge", 2)) == [("DST004", "warning")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4", []),
        ("8", [("DST005", "warning")]),
        ("2", [("DST005", "warning")]),
        ("0", [("DST005", "error")]),
        ("four", [("DST005", "error")]),
    ],
)
def test_processes_per_host(value: str, expected: list[tuple[str, str]]) -> None:
    on = {**MPI, "sagemaker_mpi_num_of_processes_per_host": value}
    assert brief(findings("tensorflow-training:2.11.0-gpu-py39", on, "ml.p3.8xlarge")) == expected


@pytest.mark.parametrize(("hosts", "expected"), [(1, []), (2, [("DST005", "error")])])
def test_a_number_in_quotes_is_repeated_for_each_host(hosts: int, expected: list[tuple[str, str]]) -> None:
    on = {**MPI, "sagemaker_mpi_num_of_processes_per_host": '"4"'}
    assert brief(findings("tensorflow-training:2.11.0-gpu-py39", on, "ml.p3.8xlarge", hosts)) == expected


@pytest.mark.parametrize(
    "on", [{"sagemaker_mpi_enabled": "False"}, {"sagemaker_distributed_dataparalel_enabled": "true"}]
)
def test_switches_that_do_not_do_what_they_say(on: dict[str, str]) -> None:
    found = findings("tensorflow-training:2.11.0-cpu-py39", on, "ml.m5.xlarge", 1)
    assert ("DST006", "error") in brief(found)


def test_hosts_that_nothing_joins(tmp_path: Path) -> None:
    image = "pytorch-training:2.1.0-gpu-py310"
    assert brief(findings(image, {}, "ml.g5.xlarge", 2)) == [("DST007", "warning")]
    sharded = {
        "InputDataConfig": [
            merge(CHANNEL, {"DataSource": {"S3DataSource": {"S3DataDistributionType": "ShardedByS3Key"}}})
        ]
    }
    assert findings(image, {}, "ml.g5.xlarge", 2, patch=sharded) == []
    (tmp_path / "train.py").write_text(
        "import os\nimport torch.distributed as dist\ndist.init_process_group('nccl')\nprint(os.environ['SM_HOSTS'])\n"
    )
    source = SourceCode(str(tmp_path), "train.py")
    assert findings(image, {}, "ml.g5.xlarge", 2, source=source) == []


def test_torchrun_starts_python_only() -> None:
    on = {**TORCH, "sagemaker_program": "train.sh"}
    assert brief(findings("pytorch-training:2.1.0-gpu-py310", on, "ml.g5.xlarge")) == [("DST008", "error")]


def test_groups_that_there_are_not() -> None:
    groups = [
        {"InstanceGroupName": "train", "InstanceType": "ml.p4d.24xlarge", "InstanceCount": 2},
        {"InstanceGroupName": "feed", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
    ]
    config = {"InstanceType": None, "InstanceCount": None, "InstanceGroups": groups, "VolumeSizeInGB": 30}
    patch = {"ResourceConfig": config}
    name = "sagemaker_distribution_instance_groups"
    image = "pytorch-training:2.1.0-gpu-py310"
    assert findings(image, {**SMDDP, name: '["train"]'}, patch=patch) == []
    found = findings(image, {**SMDDP, name: '["trian"]'}, patch=patch)
    assert ("DST009", "error") in brief(found)
    assert "train" in found[-1].message


@pytest.mark.parametrize(
    ("strategy", "instance", "expected"),
    [
        ("DataParallel", "ml.p3.2xlarge", []),
        ("DataParalel", "ml.p3.2xlarge", [("DST010", "error")]),
        ("torch_distributed", "ml.p4d.24xlarge", []),
        ("SMDataParallel", "ml.p4d.24xlarge", []),
        ("SMDataParallel", "ml.p3.2xlarge", [("DST011", "error")]),
        ("ParameterServer", "ml.p4d.24xlarge", [("DST011", "warning")]),
    ],
)
def test_promised_strategies(strategy: str, instance: str, expected: list[tuple[str, str]]) -> None:
    hooks = {"get_distributed_config": {"DistributionStrategy": strategy}}
    found = findings("pytorch-training:2.1.0-gpu-py310", {}, instance, hooks=hooks)
    assert [each for each in brief(found) if each[0] != "DST007"] == expected


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ('{"partitions": 2, "ddp": true}', 0),
        ('{"partitions": 0}', 1),
        ('{"placement_strategy": "wide"}', 1),
        ('{"ddp": true, "horovod": true}', 1),
        ('{"auto_partition": false}', 1),
        ('{"partitions": 2, "default_partition": 2}', 1),
        ('{"memory_weight": 1.5}', 1),
        ("{partitions: 2}", 1),
        ('{"partitions": 2, "ddp": "yes"}', 1),
        (
            '{"pipeline_parallel_degree": 1, "tensor_parallel_degree": 4, "ddp": true, "placement_strategy": "TPD"}',
            0,
        ),
        ('{"pipeline_parallel_degree": 1, "tensor_parallel_degree": 4}', 1),
        ('{"partitions": 1, "ddp": true, "bf16": true, "sharded_data_parallel_degree": 4}', 0),
        ('{"partitions": 1, "ddp": true, "sharded_data_parallel_degree": 3}', 1),
        ('{"partitions": 1, "activation_loading_horizon": 0}', 1),
        ('{"hybrid_shard_degree": 4, "tensor_parallel_degree": 2, "sm_activation_offloading": true}', 0),
        ('{"hybrid_shard_degree": 32, "context_parallel_degree": 8}', 1),
    ],
)
def test_model_parallel_parameters(value: str, faults: int) -> None:
    on = {"sagemaker_mpi_enabled": "true", "sagemaker_mpi_num_of_processes_per_host": "8"}
    found = findings("pytorch-training:1.13.1-gpu-py39", {"mp_parameters": value, **on}, "ml.p4d.24xlarge")
    assert brief(found) == [("DST012", "error")] * faults


@pytest.mark.parametrize(
    ("value", "switched", "expected"),
    [
        ('{"partitions": 2, "ddp": true}', {}, [("DST012", "error")]),
        ('{"partitions": 2}', {"sagemaker_torch_distributed_enabled": "true"}, [("DST012", "error")]),
        ('{"hybrid_shard_degree": 4}', {}, []),
        ('{"partitions": 2, "micro_batches": 4}', {"sagemaker_mpi_enabled": "true"}, [("DST012", "warning")]),
        ('{"partitions": 2, "bf16": true}', {"sagemaker_mpi_enabled": "true"}, [("DST012", "warning")]),
        ('{"partitions": 2, "offload_activations": true}', {"sagemaker_mpi_enabled": "true"}, [("DST012", "warning")]),
        ('{"partitions": 2, "fp16": "on"}', {"sagemaker_mpi_enabled": "true"}, [("DST012", "warning")]),
    ],
)  # fmt: skip
def test_what_model_parallelism_makes_nothing_of(
    value: str, switched: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    on = {"sagemaker_mpi_num_of_processes_per_host": "8", **switched} if switched else {}
    found = findings("pytorch-training:1.13.1-gpu-py39", {"mp_parameters": value, **on}, "ml.p4d.24xlarge")
    assert brief(found) == expected


def test_a_process_a_gpu_unless_it_is_said() -> None:
    asked = {"mp_parameters": '{"partitions": 8, "ddp": true}', "sagemaker_mpi_enabled": "true"}
    assert brief(findings("pytorch-training:1.13.1-gpu-py39", asked, "ml.p4d.24xlarge")) == []


@pytest.mark.parametrize(
    ("version", "library", "expected"),
    [
        ("1.11.0", {"mp_parameters": '{"partitions": 2}', "sagemaker_mpi_enabled": "true"}, [("DST015", "error")]),
        ("1.11.0", {"sagemaker_distributed_dataparallel_enabled": "true"}, [("DST015", "warning")]),
        ("1.12.1", {"sagemaker_distributed_dataparallel_enabled": "true"}, []),
        ("1.11.0", {"sagemaker_mpi_enabled": "true"}, []),
    ],
)  # fmt: skip
def test_a_hook_among_the_checkpoints(
    version: str, library: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    patch = {
        "CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"},
        "DebugHookConfig": {"S3OutputPath": "s3://example-bucket/debug/", "CollectionConfigurations": []},
    }
    found = findings(f"pytorch-training:{version}-gpu-py38", library, "ml.p4d.24xlarge", patch=patch)
    assert brief(found) == expected


def test_a_hook_beside_parameter_servers() -> None:
    hook = {"DebugHookConfig": {"S3OutputPath": "s3://example-bucket/debug/", "CollectionConfigurations": []}}
    found = findings("tensorflow-training:1.15.0-cpu-py3", SERVER, "ml.c5.2xlarge", 2, patch=hook)
    assert ("DST015", "warning") in brief(found)


COMPILER = {"sagemaker_training_compiler_enabled": "true", "sagemaker_training_compiler_debug_mode": "false"}
COMPILED = "pytorch-trcomp-training:1.13.1-gpu-py39-cu117-ubuntu20.04-sagemaker"


@pytest.mark.parametrize(
    ("hyperparameters", "instance", "count", "expected"),
    [
        (COMPILER, "ml.p3.2xlarge", 1, []),
        (COMPILER, "ml.g5.xlarge", 1, []),
        (COMPILER, "ml.p2.xlarge", 1, [("DST013", "error")]),
        (COMPILER, "ml.m5.xlarge", 1, [("DST013", "error")]),
        ({"sagemaker_training_compiler_enabled": "false"}, "ml.p2.xlarge", 1, []),
        ({**COMPILER, "sagemaker_pytorch_xla_multi_worker_enabled": "true"}, "ml.p4d.24xlarge", 2, []),
    ],
)
def test_training_compiler(
    hyperparameters: dict[str, Any], instance: str, count: int, expected: list[tuple[str, str]]
) -> None:
    assert brief(findings(COMPILED, hyperparameters, instance, count)) == expected


@pytest.mark.parametrize(("devices", "expected"), [("8", []), ("4", [("DST013", "error")])])
def test_devices_of_the_compiler(devices: str, expected: list[tuple[str, str]]) -> None:
    patch = {"Environment": {"GPU_NUM_DEVICES": devices}}
    assert brief(findings(COMPILED, COMPILER, "ml.p4d.24xlarge", 1, patch=patch)) == expected


def test_training_compiler_excludes() -> None:
    found = findings("tensorflow-training:2.10-gpu-py39", {**COMPILER, **SMDDP}, "ml.p4d.24xlarge")
    assert ("DST013", "error") in brief(found)
    groups = {"InstanceType": None, "InstanceCount": None, "InstanceGroups": [
        {"InstanceGroupName": "one", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1}
    ]}  # fmt: skip
    found = findings(COMPILED, COMPILER, "ml.g5.xlarge", 1, patch={"ResourceConfig": groups})
    assert brief(found) == [("DST013", "error")]


@pytest.mark.parametrize(
    ("kind", "count", "provider", "told"),
    [
        ("ml.g5.4xlarge", 2, "EFA", 1),
        ("ml.g5.4xlarge", 1, "efa", 0),
        ("ml.g5.4xlarge", 2, "sockets", 0),
        ("ml.p4d.24xlarge", 2, "efa", 0),
        ("ml.new9.xlarge", 2, "efa", 0),
    ],
)
def test_efa_on_types_without_it(kind: str, count: int, provider: str, told: int) -> None:
    patch = {
        "ResourceConfig": {"InstanceType": kind, "InstanceCount": count},
        "Environment": {"FI_PROVIDER": provider},
    }
    assert len(findings_of(patch, "DST014")) == told
