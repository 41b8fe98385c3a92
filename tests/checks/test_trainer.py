"""What transformers' Trainer is told by hyperparameters, and jobs that JumpStart's scripts run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.model import SourceCode
from tests.checks.made import DLC, TUNING, channel, findings_of

IMAGE = f"{DLC}/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
LLAMA = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/training/meta-textgeneration/v1.2.0/sourcedir.tar.gz"


def found(
    given: dict[str, str],
    program: str = "run_clm.py",
    instance: str = "ml.g5.2xlarge",
    archive: str = "s3://example-bucket/code/sourcedir.tar.gz",
    **members: Any,
) -> set[tuple[str, str]]:
    request = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE},
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": None},
        "HyperParameters": {
            "sagemaker_program": program,
            "sagemaker_submit_directory": archive,
            **{name: f'"{value}"' if i % 2 else value for i, (name, value) in enumerate(given.items())},
        },
        **members,
    }
    rules = ("FRM034", "FRM035", "HPO049", "CHN030", "CHN031", "CHN045", "HPO041")
    return {(one.rule, one.severity) for one in findings_of(request) if one.rule in rules}


TRAINER = {
    "model_name_or_path": "gpt2",
    "per_device_train_batch_size": "8",
    "num_train_epochs": "3",
    "output_dir": "/opt/ml/model",
}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, set()),
        ({"bf16": "True", "tf32": "true", "logging_steps": "0.5", "optim": "adamw_torch"}, set()),
        ({"bf16": "True", "fp16": "True"}, {("FRM034", "error")}),
        ({"fsdp": "full_shard", "deepspeed": "ds.json"}, {("FRM034", "error")}),
        ({"fsdp": "", "deepspeed": "ds.json"}, set()),
        ({"evaluation_strategy": "epochs"}, {("FRM034", "error")}),
        ({"seed": "1.5"}, {("FRM034", "error")}),
        ({"do_train": "on"}, {("FRM034", "error")}),
        ({"train_file": "/opt/ml/input/data/train/a.txt"}, set()),
        ({"train_file": "/opt/ml/input/data/train/a.parquet"}, {("FRM034", "error")}),
        ({"load_best_model_at_end": "True", "evaluation_strategy": "steps"}, set()),
        ({"load_best_model_at_end": "True", "evaluation_strategy": "epoch", "save_strategy": "epoch"}, set()),
        ({"load_best_model_at_end": "True"}, {("FRM034", "error")}),
        ({"load_best_model_at_end": "True", "evaluation_strategy": "epoch"}, {("FRM034", "error")}),
        ({"eval_strategy": "epoch"}, {("FRM034", "warning")}),
        ({"model_name_or_path": "s3://example-bucket/model/"}, {("FRM034", "error")}),
        ({"epochs": "3"}, {("FRM034", "warning")}),
        ({"num_train_epoch": "3", "max_seq_length": "128", "line_by_line": "True"}, {("FRM034", "warning")}),
        ({"warmup_ratio": "5"}, {("FRM034", "error")}),
        ({"lr_scheduler_type": "reduce_lr_on_plateau"}, {("FRM034", "error")}),
        (
            {
                "load_best_model_at_end": "True",
                "evaluation_strategy": "steps",
                "eval_steps": "30",
                "save_steps": "50",
            },
            {("FRM034", "error")},
        ),
        ({"output_dir": "results"}, {("FRM035", "warning")}),
        ({"report_to": "wandb"}, {("FRM035", "warning")}),
        ({"push_to_hub": "True", "hub_token_secret": "hub"}, set()),
        ({"push_to_hub": "True"}, {("FRM035", "warning")}),
        ({"model_name_or_path": "google/gemma-2b"}, {("FRM034", "warning")}),
        ({"model_name_or_path": "mistralai/Mistral-7B-v0.1"}, set()),
        ({"save_strategy": "no"}, set()),
    ],
)
def test_an_example_of_transformers(given: dict[str, str], told: set[tuple[str, str]]) -> None:
    assert found({**TRAINER, **given}) == told


@pytest.mark.parametrize(
    ("given", "instance", "told"),
    [
        ({"bf16": "True"}, "ml.p3.2xlarge", {("FRM034", "error")}),
        ({"bf16": "False"}, "ml.p3.2xlarge", set()),
        ({"tf32": "True"}, "ml.g4dn.xlarge", {("FRM034", "error")}),
        ({"fp16": "True"}, "ml.g4dn.xlarge", set()),
        ({"fp16": "True"}, "ml.c5.xlarge", {("FRM034", "error")}),
    ],
)
def test_number_formats(given: dict[str, str], instance: str, told: set[tuple[str, str]]) -> None:
    assert found({**TRAINER, **given}, instance=instance) == told
    # Another script may mean something else by it.
    assert found({**TRAINER, **given}, "train.py", instance) == {(rule, "warning") for rule, _ in told}
    assert found(given, "train.py", instance) == set()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"task_name": "sst2"}, False),
        ({"task_name": "sst-2"}, True),
        ({}, True),
        ({"train_file": "a.csv", "validation_file": "b.csv"}, False),
        ({"train_file": "a.txt"}, True),
    ],
)
def test_glue(given: dict[str, str], told: bool) -> None:
    assert found({**TRAINER, **given}, "run_glue.py") == ({("FRM034", "error")} if told else set())


@pytest.mark.parametrize(("strategy", "told"), [("no", {("FRM035", "warning")}), ("epoch", set())])
def test_a_spot_job_whose_checkpoints_are_never_written(strategy: str, told: set[tuple[str, str]]) -> None:
    given = {**TRAINER, "output_dir": "/opt/ml/checkpoints", "save_strategy": strategy}
    kept: dict[str, Any] = {
        "CheckpointConfig": {"S3Uri": "s3://example-bucket/kept/"},
        "EnableManagedSpotTraining": True,
    }
    waits = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert found(given, StoppingCondition=waits, **kept) == told


def test_scripts_of_others_under_the_same_name() -> None:
    assert found({"model_id": "gpt2", "epochs": "3", "bf16": "True"}, instance="ml.p3.2xlarge") == set()


REGEX = "'eval_loss': ([0-9.]+)"


@pytest.mark.parametrize(
    ("ranges", "static", "regex", "told"),
    [
        ({}, {"evaluation_strategy": "epoch"}, REGEX, False),
        ({}, {"evaluation_strategy": "no"}, REGEX, True),
        ({}, {"evaluation_strategy": "no", "do_eval": "True"}, REGEX, False),
        ({}, {}, '"eval_loss": ([0-9.]+)', True),
        (
            {"ContinuousParameterRanges": [{"Name": "seed", "MinValue": "1", "MaxValue": "9"}]},
            {},
            REGEX,
            True,
        ),
        (
            {"ContinuousParameterRanges": [{"Name": "warmup_ratio", "MinValue": "0", "MaxValue": "1"}]},
            {},
            REGEX,
            False,
        ),
    ],
)
def test_tuned(ranges: dict[str, Any], static: dict[str, str], regex: str, told: bool) -> None:
    request = {
        "HyperParameterTuningJobConfig": {
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "eval"},
            "ParameterRanges": ranges,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "MetricDefinitions": [{"Name": "eval", "Regex": regex}],
            },
            "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": None},
            "StaticHyperParameters": {
                "sagemaker_program": "run_clm.py",
                "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
                **TRAINER,
                **static,
            },
        },
    }
    own = [one.severity for one in findings_of(request, operation=TUNING) if one.rule == "HPO033"]
    assert own == ["error"] * told


def test_other_scripts_write_where_they_like() -> None:
    assert found({**TRAINER, "output_dir": "results"}, "train.py") == set()


CHANNELS = [channel("training"), channel("model")]


@pytest.mark.parametrize(
    ("given", "channels", "told"),
    [
        ({"instruction_tuned": "True", "enable_fsdp": "True"}, CHANNELS, set()),
        ({}, [channel("training")], {("CHN030", "error")}),
        ({}, [channel("train"), channel("model")], {("CHN031", "error")}),
        ({}, [*CHANNELS, channel("extra")], {("CHN031", "warning")}),
        ({"int8_quantization": "True", "enable_fsdp": "True"}, CHANNELS, {("HPO041", "error")}),
        ({"int8_quantization": "False", "enable_fsdp": "False"}, CHANNELS, {("HPO049", "warning")}),
    ],
)
def test_fine_tuning_of_llama(
    given: dict[str, str], channels: list[dict[str, Any]], told: set[tuple[str, str]]
) -> None:
    assert found(given, "transfer_learning.py", archive=LLAMA, InputDataConfig=channels) == told


def test_a_gated_model_that_a_variable_names_needs_no_channel() -> None:
    variables = {
        "accept_eula": "true",
        "SageMakerGatedModelS3Uri": "s3://jumpstart-private-cache-prod-us-east-1/meta-training/a-8b.tar.gz",
    }
    channels = [channel("training")]
    assert not found(
        {}, "transfer_learning.py", archive=LLAMA, InputDataConfig=channels, Environment=variables
    )


@pytest.mark.parametrize(
    ("tuned", "file", "told"),
    [
        ("True", "a.jsonl", set()),
        ("True", "a.csv", {("CHN045", "error")}),
        ("False", "a.csv", set()),
    ],
)
def test_files_for_instructions(tuned: str, file: str, told: set[tuple[str, str]]) -> None:
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://example-bucket/texts/{file}"}
    channels = [channel("training", DataSource={"S3DataSource": place}), channel("model")]
    given = {"instruction_tuned": tuned}
    assert found(given, "transfer_learning.py", archive=LLAMA, InputDataConfig=channels) == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", {"FRM035"}),
        ("wandb.login(key=secret())", set()),
        ('os.environ["WANDB_API_KEY"] = secret()', set()),
        ('os.environ.update({"WANDB_API_KEY": secret()})', set()),
    ],
)
def test_a_script_that_brings_the_key_of_weights_and_biases(
    tmp_path: Path, line: str, told: set[str]
) -> None:
    (tmp_path / "train.py").write_text(f"""\
import os
import wandb
from transformers import HfArgumentParser, TrainingArguments
def secret():
    with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "key")) as file:
        return file.read()
{line}
(arguments,) = HfArgumentParser((TrainingArguments,)).parse_args_into_dataclasses()
""")
    request = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": None},
        "HyperParameters": {**TRAINER, "report_to": "wandb", "sagemaker_program": "train.py"},
    }
    findings = findings_of(request, source=SourceCode(str(tmp_path), "train.py"))
    assert {one.rule for one in findings if one.rule == "FRM035"} == told


def told_of(environment: dict[str, str], *rules: str, **members: Any) -> list[tuple[str, str]]:
    found = findings_of({"Environment": environment, **members})
    return [(one.rule, one.severity) for one in found if one.rule in rules]


TRAINIUM = {"ResourceConfig": {"InstanceType": "ml.trn1.2xlarge", "InstanceCount": 1}}
TWO = {"ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": None}}


@pytest.mark.parametrize(
    ("environment", "members", "severity"),
    [
        ({"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:512,expandable_segments:True"}, {}, None),
        ({"PYTORCH_CUDA_ALLOC_CONF": "roundup_power2_divisions:[256:1,512:2]"}, {}, None),
        ({"PYTORCH_CUDA_ALLOC_CONF": ""}, {}, None),
        ({"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb=512"}, {}, "error"),
        ({"TORCH_DISTRIBUTED_DEBUG": "detail"}, {}, None),
        ({"TORCH_DISTRIBUTED_DEBUG": "VERBOSE"}, {}, "error"),
        ({"NEURON_RT_NUM_CORES": "2"}, TRAINIUM, None),
        ({"NEURON_RT_NUM_CORES": "32"}, TRAINIUM, "error"),
        ({"CUDA_VISIBLE_DEVICES": "0"}, TWO, None),
        ({"CUDA_VISIBLE_DEVICES": "0,1"}, TWO, "warning"),
        ({"NCCL_SOCKET_IFNAME": "eth0"}, TWO, None),
        ({"NCCL_SOCKET_IFNAME": "^lo,docker"}, TWO, None),
        ({"NCCL_SOCKET_IFNAME": "lo"}, TWO, "error"),
        ({"NCCL_SOCKET_IFNAME": "lo"}, {}, None),
    ],
)
def test_variables_of_libraries(
    environment: dict[str, str], members: dict[str, Any], severity: str | None
) -> None:
    assert told_of(environment, "FRM036", **members) == [("FRM036", severity)] * (severity is not None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model_dir": "/opt/ml/model", "output_data_dir": "/opt/ml/output/data/x"}, False),
        ({"model_dir": "/opt/ml/input/data/model", "tokenizer_path": "/opt/ml/other"}, False),
        ({"checkpoint_dir": "/opt/ml/checkpoints", "save_dir": "/tmp/x"}, False),
        ({"model_dir": "/opt/ml/models"}, True),
        ({"checkpoint_path": "/opt/ml/checkpoint"}, True),
        ({"logging_dir": "/opt/ml/logs"}, True),
        ({"model_dir": "s3://example-bucket/model"}, True),
        ({"log_dir": "s3://example-bucket/logs"}, False),
    ],
)
def test_folders_that_are_kept(given: dict[str, str], told: bool) -> None:
    script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://example-bucket/a.tar.gz"}
    algorithm = {"TrainingImage": f"{DLC}/pytorch-training:2.1.0-cpu-py310"}
    members = {"AlgorithmSpecification": algorithm, "HyperParameters": {**script, **given}}
    assert told_of({}, "ART007", **members) == [("ART007", "warning")] * told


@pytest.mark.parametrize(
    ("image", "line", "told"),
    [
        (IMAGE, "", ["error"]),
        (IMAGE, 'os.environ["WANDB_MODE"] = "offline"', []),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/tuner:1", "", ["warning"]),
    ],
)
def test_reports_of_an_isolated_job(tmp_path: Path, image: str, line: str, told: list[str]) -> None:
    (tmp_path / "train.py").write_text(
        f"import os\n{line}\nprint(os.listdir(os.environ['SM_CHANNEL_TRAIN']))\n"
    )
    request = {
        "AlgorithmSpecification": {"TrainingImage": image},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": None},
        "HyperParameters": {"report_to": "wandb", "sagemaker_program": "train.py"},
        "EnableNetworkIsolation": True,
    }
    findings = findings_of(request, "FRM037", source=SourceCode(str(tmp_path), "train.py"))
    assert [one.severity for one in findings] == told


@pytest.mark.parametrize(
    ("model", "environment", "told"),
    [
        ("gpt2", {"HF_HUB_OFFLINE": "1"}, {("FRM034", "warning")}),
        ("gpt2", {"HF_HUB_OFFLINE": "0"}, set()),
        ("gpt2", {"HF_HUB_OFFLINE": "1", "HF_HOME": "/opt/ml/input/data/hub"}, set()),
        ("/opt/ml/input/data/model", {"TRANSFORMERS_OFFLINE": "1"}, set()),
    ],
)
def test_models_of_the_hub_in_a_job_that_is_kept_offline(
    model: str, environment: dict[str, str], told: set[tuple[str, str]]
) -> None:
    given = {**TRAINER, "model_name_or_path": model}
    assert {one for one in found(given, Environment=environment) if one[0] == "FRM034"} == told


@pytest.mark.parametrize(
    ("given", "fields", "told"),
    [
        ({"load_best_model_at_end": "True"}, "", {("FRM077", "error")}),
        ({"load_best_model_at_end": "True"}, '    save_strategy: str = field(default="no")\n', set()),
        ({"optim": "adamw"}, "", {("FRM077", "error")}),
        ({"evaluation_strategy": "epoch", "num_train_epochs": "2", "save_strategy": "epoch"}, "", set()),
    ],
)
def test_arguments_that_the_script_makes_the_trainers(
    given: dict[str, str], fields: str, told: set[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(
        "from dataclasses import dataclass, field\n"
        "from transformers import HfArgumentParser, TrainingArguments\n"
        f"@dataclass\nclass Own(TrainingArguments):\n    own: int = field(default=1)\n{fields}"
        "(settings,) = HfArgumentParser(Own).parse_args_into_dataclasses()\n"
    )
    request = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE},
        "HyperParameters": {"output_dir": "/opt/ml/model", **given},
    }
    found = findings_of(request, source=SourceCode(str(tmp_path), "train.py"))
    assert {(one.rule, one.severity) for one in found if one.rule in ("FRM034", "FRM077")} == told
