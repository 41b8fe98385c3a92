"""Rules of the area *framework*: a sound request has no finding, and each fault its own."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.checks.examples import DEFINITION, merge
from cursus.checks.views import Settings
from cursus.engine import check_step
from cursus.model import Finding, Promises, Step
from cursus.steps import load
from tests.checks.made import DLC, SCIKIT_LEARN, SCRIPT, findings_of, rules_of, told


def findings(
    image: str | None,
    patch: dict[str, Any] | None = None,
    *,
    script: bool = True,
    allow: tuple[str, ...] = (),
    **promises: Any,
) -> list[Finding]:
    """Errors and warnings of the area, for a job of ``image``."""
    request = merge({"HyperParameters": SCRIPT} if script else {}, patch or {})
    if image is not None:
        request = merge({"AlgorithmSpecification": {"TrainingImage": image}}, request)
    found = findings_of(request, allow=allow, promises=Promises(**promises))
    return [one for one in told(found) if one.area == "framework"]


@pytest.mark.parametrize(
    "image",
    [
        f"{DLC}/pytorch-training:2.1.0-cpu-py310",
        f"{DLC}/pytorch-training:1.12-cpu-py38",
        f"{DLC}/pytorch-training:2.9.0-cpu-py312-ubuntu22.04-sagemaker",
        f"{DLC}/tensorflow-training:2.10.0-cpu-py39-ubuntu20.04-sagemaker",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:mine",
    ],
)
def test_sound_images(image: str) -> None:
    assert findings(image) == []


@pytest.mark.parametrize(
    ("image", "rule", "words"),
    [
        (f"{DLC}/pytorch-training:2.1.7-cpu-py310", "FRM001", ("2.1.7", "2.1.0")),
        (f"{DLC}/tensorflow-training:2.15.0-cpu-py310", "FRM001", ("2.15.0",)),
        (f"{DLC}/pytorch-training:2-cpu-py310", "FRM001", ("No image pytorch-training has PyTorch 2",)),
        (f"{DLC}/pytorch-training:3-cpu-py310", "FRM001", ("No image pytorch-training has PyTorch 3",)),
        (
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7",
            "FRM001",
            ("Did you mean '1.7-1'",),
        ),
        (
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.1-1-cpu-py3",
            "FRM001",
            ("1.1-1",),
        ),
        (f"{DLC}/pytorch-training:1.8.0-cpu-py38", "FRM002", ("py38", "py36")),
        (f"{DLC}/pytorch-inference:2.1.0-cpu-py310", "FRM003", ("inference", "pytorch-training")),
        (f"{DLC}/pytorch-training:latest", "FRM004", ("latest",)),
        (f"{DLC}/pytorch-training", "FRM004", ("no tag",)),
        (f"{DLC}/pytorch-training:2.1.0", "FRM004", ("processor",)),
        (f"{DLC}/pytorch-training:2.1.0-cpu-py310-ubuntu20.04-ec2", "FRM004", ("EC2",)),
        (f"{DLC}/huggingface-pytorch-training:2.1.0-transformers4.36.0-cpu-py310", "FRM004", ("gpu",)),
        (
            f"{DLC}/huggingface-pytorch-training:2.0.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04",
            "FRM001",
            ("2.0.0", "2.1.0"),
        ),
        (
            f"{DLC}/huggingface-pytorch-training:2.0.0-transformers4.26.0-gpu-py310-cu118-ubuntu20.04",
            "FRM001",
            ("2.0.0", "1.13"),
        ),
        (f"{DLC}/pytorch_training:2.1.0-cpu-py310", "FRM005", ("pytorch-training",)),
        (
            "763104351884.dkr.ecr.af-south-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310",
            "FRM006",
            ("626614931356",),
        ),
        (
            "763104351885.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310",
            "FRM006",
            ("763104351884",),
        ),
        (f"{DLC}/sagemaker-xgboost:1.7-1", "FRM006", ("683313688378",)),
    ],
)
def test_images_that_do_not_exist(image: str, rule: str, words: tuple[str, ...]) -> None:
    found = [f for f in findings(image) if f.severity == "error"]
    assert rules_of(found) == [rule]
    assert found[0].path == "AlgorithmSpecification.TrainingImage"
    for word in words:
        assert word in found[0].message + found[0].remedy


def test_an_image_made_for_ec2_runs_a_command_of_the_request() -> None:
    image = f"{DLC}/pytorch-training:2.4.0-gpu-py311-cu124-ubuntu22.04-ec2"
    gpu: dict[str, Any] = {"ResourceConfig": {"InstanceType": "ml.g5.xlarge"}}
    assert rules_of(findings(image, gpu)) == ["FRM004"]
    command = {
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", "/opt/ml/input/data/sm_drivers/sm_train.sh"],
    }
    assert findings(image, {**gpu, "AlgorithmSpecification": command}, script=False) == []


def test_a_newer_version_is_a_warning_that_can_be_allowed() -> None:
    image = f"{DLC}/pytorch-training:3.7.0-cpu-py314"
    found = findings(image)
    assert [(f.rule, f.severity) for f in found] == [("FRM001", "warning")]
    for word in ("3.7.0", "pytorch 3.7.0", "pytorch-training:3.7.0", image):
        assert findings(image, allow=(word,)) == []


@pytest.mark.parametrize(
    ("drop", "path"),
    [
        (("sagemaker_program",), "HyperParameters"),
        (("sagemaker_submit_directory",), "HyperParameters"),
        (("sagemaker_program", "sagemaker_submit_directory"), "HyperParameters"),
    ],
)
def test_script_mode_needs_both_settings(drop: tuple[str, ...], path: str) -> None:
    patch = {"HyperParameters": dict.fromkeys(drop)}
    found = findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", patch)
    assert [(f.rule, f.severity, f.path) for f in found] == [("FRM012", "error", path)]


def test_script_mode_is_not_demanded_where_it_is_not_used() -> None:
    entry = {"AlgorithmSpecification": {"ContainerEntrypoint": ["/bin/bash", "/usr/local/bin/run.sh"]}}
    assert findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", entry, script=False) == []
    environment = {
        "Environment": {"SAGEMAKER_PROGRAM": "train.py", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://b-1/c.tar.gz"}
    }
    assert findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", environment, script=False) == []
    xgboost = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    assert findings(xgboost, script=False) == []


@pytest.mark.parametrize(
    "value", ["./src", "s3://example-bucket/code/", "s3://example-bucket/code.zip", '""', "None"]
)
def test_archives_that_the_container_cannot_have(value: str) -> None:
    patch = {"HyperParameters": {"sagemaker_submit_directory": value}}
    found = findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", patch)
    assert rules_of(found) == ["FRM012"]
    assert found[0].path == "HyperParameters.sagemaker_submit_directory"


def test_a_script_for_an_algorithm() -> None:
    image = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
    assert set(rules_of(findings(image))) == {"FRM013"}


@pytest.mark.parametrize(
    ("tag", "instance", "expected"),
    [
        ("2.1.0-cpu-py310", "ml.m5.xlarge", []),
        ("2.1.0-gpu-py310", "ml.g4dn.xlarge", []),
        ("2.1.0-gpu-py310", "ml.m5.xlarge", ["FRM010"]),
        ("2.1.0-cpu-py310", "ml.g4dn.xlarge", ["FRM010"]),
        ("2.1.0-gpu-py310", "ml.unknown9.xlarge", []),
        ("1.9.1-gpu-py38-cu111-ubuntu20.04", "ml.p5.48xlarge", ["FRM016"]),
        ("2.10.0-gpu-py313-cu130-ubuntu22.04-sagemaker", "ml.p3.2xlarge", ["FRM016"]),
        ("2.10.0-gpu-py313-cu130-ubuntu22.04-sagemaker", "ml.g4dn.xlarge", []),
        ("2.1.0-gpu-py310-cu121-ubuntu20.04-sagemaker", "ml.p5.48xlarge", []),
        ("2.1.0-gpu-py310-cu121-ubuntu20.04-sagemaker", "ml.p2.xlarge", ["FRM016"]),
    ],
)
def test_image_and_instance(tag: str, instance: str, expected: list[str]) -> None:
    patch = {"ResourceConfig": {"InstanceType": instance}}
    assert rules_of(findings(f"{DLC}/pytorch-training:{tag}", patch)) == expected


def test_one_fitting_group_is_enough() -> None:
    groups = [
        {"InstanceGroupName": "gpu", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "cpu", "InstanceType": "ml.c5.xlarge", "InstanceCount": 2},
    ]
    patch = {"ResourceConfig": {"InstanceType": None, "InstanceCount": None, "InstanceGroups": groups}}
    assert findings(f"{DLC}/pytorch-training:2.1.0-gpu-py310", patch) == []


def test_neuron_images_want_neuron_devices() -> None:
    image = f"{DLC}/pytorch-training-neuronx:2.1.2-neuronx-py310-sdk2.20.0-ubuntu20.04"
    assert rules_of(findings(image)) == ["FRM011"]
    trainium = {"ResourceConfig": {"InstanceType": "ml.trn1.2xlarge", "VolumeSizeInGB": None}}
    assert findings(image, trainium) == []


@pytest.mark.parametrize(
    ("promise", "severity"),
    [
        ({"framework": "pytorch", "framework_version": "1.8.0", "python_version": "py38"}, "error"),
        ({"framework": "pytorch", "framework_version": "2.1.7"}, "error"),
        ({"framework": "pytorch", "framework_version": "9.0.0"}, "warning"),
    ],
)
def test_a_promise_without_an_image(promise: dict[str, Any], severity: str) -> None:
    nothing = {"AlgorithmSpecification": {"TrainingImage": None}}
    found = findings_of(nothing, promises=Promises(**promise))
    assert ("FRM014", severity) in {(f.rule, f.severity) for f in found}


@pytest.mark.parametrize(
    ("promise", "rules"),
    [
        ({"framework": "pytorch", "framework_version": "1.8.0", "python_version": "py38"}, ["FRM015"]),
        ({"framework": "tensorflow", "framework_version": "2.11.0", "python_version": "py38"}, ["FRM015"]),
        ({"framework": "tensorflow", "framework_version": "2.11.0", "python_version": "py39"}, []),
    ],
)
def test_a_promise_is_held_against_the_image_that_the_request_names(
    promise: dict[str, Any], rules: list[str]
) -> None:
    found = findings(f"{DLC}/tensorflow-training:2.11.0-cpu-py39", **promise)
    assert rules_of(found) == rules


def test_an_image_without_gpus_runs_on_a_gpu_instance() -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    gpu = {"ResourceConfig": {"InstanceType": "ml.g5.xlarge", "VolumeSizeInGB": None}}
    found = findings(image, gpu, framework="sklearn", framework_version="1.2-1")
    assert [(f.rule, f.severity) for f in found] == [("FRM010", "warning")]


@pytest.mark.parametrize(
    ("image", "severity"),
    [
        ("mxnet-training:1.9.0-gpu-py38", "error"),
        ("tensorflow-training:1.13-gpu-py3", "error"),
        ("tensorflow-training:2.11.0-gpu-py39", "warning"),
        ("pytorch-training:2.1.0-gpu-py310", "warning"),
    ],
)
def test_a_framework_that_is_not_imported_without_a_driver(image: str, severity: str) -> None:
    cpu = {"ResourceConfig": {"InstanceType": "ml.m5.xlarge"}}
    found = findings(f"{DLC}/{image}", cpu)
    assert [f.severity for f in found if f.rule == "FRM010"] == [severity]


@pytest.mark.parametrize(
    ("image", "severity"),
    [
        ("pytorch-training:3.1.0-cpu-py312", "warning"),
        ("mxnet-training:1.9.1-cpu-py38", "error"),
        ("huggingface-tensorflow-training:2.11-transformers4.37.0-gpu-py39", "error"),
    ],
)
def test_newer_versions_come_only_where_images_are_still_made(image: str, severity: str) -> None:
    found = findings(f"{DLC}/{image}")
    assert [f.severity for f in found if f.rule == "FRM001"] == [severity]


def test_a_promise_beside_an_own_image_is_a_warning() -> None:
    promise: dict[str, Any] = {"framework": "pytorch", "framework_version": "1.8.0", "python_version": "py38"}
    found = findings(None, script=False, **promise)
    assert [(f.rule, f.severity) for f in found] == [("FRM014", "warning")]
    assert "py38" in found[0].message


@pytest.mark.parametrize(
    ("promise", "word"),
    [
        ({"framework": "tensorflow", "framework_version": "2.11.0"}, "TensorFlow"),
        ({"framework": "pytorch", "framework_version": "2.0.1"}, "2.0.1"),
        ({"framework": "pytorch", "framework_version": "2.1.0", "python_version": "py39"}, "py39"),
    ],
)
def test_a_promise_against_the_image(promise: dict[str, Any], word: str) -> None:
    found = findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", **promise)
    assert any(f.rule in ("FRM014", "FRM015") and word in f.message for f in found)


@pytest.mark.parametrize("version", ["2.1", "2.1.0"])
def test_a_promise_that_holds(version: str) -> None:
    promise: dict[str, Any] = {"framework": "PyTorch", "framework_version": version, "python_version": "3.10"}
    assert findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", **promise) == []


def test_an_image_that_the_configuration_chose_may_still_get_its_script() -> None:
    class Builder:
        def create_step(self) -> dict[str, Any]:
            algorithm = {"TrainingInputMode": "File"}
            return {"TrainingJobName": "job-1", **DEFINITION, "AlgorithmSpecification": algorithm}

    config = {"framework": "pytorch", "framework_version": "2.1.0", "region": "us-east-1"}
    (step,) = load(Builder(), config=config)
    assert isinstance(step, Step)
    assert (
        step.request["AlgorithmSpecification"]["TrainingImage"] == f"{DLC}/pytorch-training:2.1.0-cpu-py310"
    )
    found = [f for f in check_step(step, Settings()) if f.rule == "FRM012"]
    assert [f.severity for f in found] == ["warning"]


def test_the_documents_example_configuration_has_no_image() -> None:
    class Builder:
        def create_step(self) -> dict[str, Any]:
            return {
                "TrainingJobName": "job-1",
                **DEFINITION,
                "AlgorithmSpecification": {"TrainingInputMode": "File"},
            }

    config = {
        "training_instance_type": "ml.m5.xlarge",
        "framework": "pytorch",
        "framework_version": "1.8.0",
        "python_version": "py38",
    }
    (step,) = load(Builder(), config=config)
    assert isinstance(step, Step)
    found = [f for f in check_step(step, Settings()) if f.rule == "FRM014"]
    assert [f.severity for f in found] == ["error"]
    assert "py38" in found[0].message


def test_a_framework_that_no_image_has() -> None:
    (found,) = findings(SCIKIT_LEARN, framework="caffe")
    assert (found.rule, found.severity) == ("FRM015", "warning") and "caffe" in found.message
    assert findings(SCIKIT_LEARN, framework="custom") == findings(SCIKIT_LEARN, framework="sklearn") == []


def test_an_image_of_another_region_is_told_once_whatever_its_account() -> None:
    image = "683313688378.dkr.ecr.{}.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    for region in ("us-east-1", "eu-central-1"):
        algorithm = {"TrainingImage": image.format(region)}
        other = "us-east-1" if region == "eu-central-1" else "eu-central-1"
        found = findings_of({"AlgorithmSpecification": algorithm, "HyperParameters": SCRIPT}, region=other)
        errors = [f for f in found if f.severity == "error"]
        assert [(f.rule, f.area) for f in errors] == [("FRM017", "framework")]


def test_a_version_in_a_repository_that_its_framework_has_left() -> None:
    old = "520713654638.dkr.ecr.us-east-1.amazonaws.com/sagemaker-pytorch:1.2.0-cpu-py3"
    (found,) = (f for f in findings(old) if f.rule == "FRM001")
    assert found.severity == "error"
    assert "pytorch-training" in found.message


@pytest.mark.parametrize(
    "program", ['"s3://example-bucket/code/train.py"', "s3://example-bucket/train.py", "train.ipynb"]
)
def test_a_program_is_a_file_in_the_archive(program: str) -> None:
    found = findings(
        f"{DLC}/pytorch-training:2.1.0-cpu-py310", {"HyperParameters": {"sagemaker_program": program}}
    )
    assert [(f.rule, f.severity, f.path) for f in found] == [
        ("FRM012", "error", "HyperParameters.sagemaker_program")
    ]


@pytest.mark.parametrize(
    "image",
    [
        "520713654638.dkr.ecr.us-east-1.amazonaws.com/sagemaker-rl-tensorflow:ray0.6.5-cpu-py3",
        "520713654638.dkr.ecr.us-east-1.amazonaws.com/sagemaker-rl-tensorflow:ray0.6-cpu-py3",
        "520713654638.dkr.ecr.us-east-1.amazonaws.com/sagemaker-rl-mxnet:coach0.11.0-cpu-py3",
        "462105765813.dkr.ecr.us-east-1.amazonaws.com/sagemaker-rl-ray-container:ray-1.6.0-tf-cpu-py37",
    ],
)
def test_images_for_reinforcement_learning_are_known_by_their_prefix(image: str) -> None:
    assert findings(image) == []
    name, _, tag = image.partition(":")
    assert rules_of(findings(f"{name}:{tag.replace('0', '7', 1)}")) != []


def test_program_in_a_home_folder_is_not_in_the_container() -> None:
    image = f"{DLC}/pytorch-training:2.1.0-cpu-py310"
    others = ("train.py --epochs 3", '"\\"train.py\\""', "scripts/")
    for program in ("/home/ec2-user/SageMaker/train.py", "~/train.py", "C:/code/train.py", *others):
        patch = {"HyperParameters": {"sagemaker_program": program}}
        assert rules_of(findings(image, patch)) == ["FRM012"]
    assert findings(image, {"HyperParameters": {"sagemaker_program": "/opt/ml/code/train.py"}}) == []
    for directory, rules in (("/home/ec2-user/SageMaker/code", ["FRM012"]), ("/opt/ml/code", [])):
        patch = {"HyperParameters": {"sagemaker_submit_directory": directory}}
        assert rules_of(findings(image, patch)) == rules


@pytest.mark.parametrize(
    ("directory", "severities"),
    [
        ("s3://example-bucket/code/src/", ["error"]),
        ("s3://example-bucket/code/src", ["warning"]),
        ("s3://example-bucket/code/${name}", []),
        ("s3://example-bucket/code/src.tar.gz", []),
    ],
)
def test_the_source_archive_is_one_object(directory: str, severities: list[str]) -> None:
    patch = {"HyperParameters": {"sagemaker_submit_directory": directory}}
    found = findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", patch)
    assert [(f.rule, f.severity) for f in found] == [("FRM012", severity) for severity in severities]


def test_an_old_version_with_another_cuda_is_an_error() -> None:
    cuda = f"{DLC}/pytorch-training:2.1.0-gpu-py310-cu118-ubuntu20.04-sagemaker"
    gpu = {"ResourceConfig": {"InstanceType": "ml.g5.xlarge"}}
    assert [(f.rule, f.severity) for f in findings(cuda, gpu)] == [("FRM004", "error")]
    assert findings(cuda.replace("cu118", "cu121"), gpu) == []


def test_scikit_learn_for_another_python_has_it_in_its_version() -> None:
    registry = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
    assert findings(f"{registry}/sagemaker-scikit-learn:1.4-2-py312-cpu-py3") == []


@pytest.mark.parametrize(
    ("name", "meant", "other"),
    [
        ("sagemaker_progam", "sagemaker_program", "sagemaker_submit_directory"),
        ("sagemaker_submit_dir", "sagemaker_submit_directory", "sagemaker_program"),
    ],
)
def test_a_misspelt_setting_of_the_script_is_told_once(name: str, meant: str, other: str) -> None:
    values = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
    }
    patch = {"HyperParameters": {name: values[meant], other: values[other]}}
    (found,) = findings(f"{DLC}/pytorch-training:2.1.0-cpu-py310", patch, script=False)
    assert (found.rule, found.severity, found.path) == ("FRM012", "error", f"HyperParameters.{name}")
    assert found.remedy == f"Write {meant} in place of {name}."


@pytest.mark.parametrize(
    ("variables", "model", "wrong"),
    [
        ({}, '"meta-llama/Llama-3.2-3B"', True),
        ({}, "Qwen/Qwen2.5-3B-Instruct", False),
        ({"HF_TOKEN": "from-elsewhere"}, "meta-llama/Llama-3.2-3B", False),
        ({"BASE_MODEL": "google/gemma-2b"}, "small", True),
        ({}, "google/gemma-4-E4B-it", False),
        ({}, "bigcode/starcoder2-3b", False),
    ],
)
def test_gated_models_of_the_hub(variables: dict[str, str], model: str, wrong: bool) -> None:
    image = f"{DLC}/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
    patch = {
        "AlgorithmSpecification": {"TrainingImage": image},
        "HyperParameters": {**SCRIPT, "model_id": model},
        "Environment": variables,
    }
    assert bool(findings_of(patch, "FRM028")) is wrong


@pytest.mark.parametrize(("version", "wrong"), [("1.12.1-gpu-py38", False), ("1.13.1-gpu-py39", True)])
def test_frameworks_give_up_a_family(version: str, wrong: bool) -> None:
    patch = {
        "AlgorithmSpecification": {"TrainingImage": f"{DLC}/pytorch-training:{version}"},
        "HyperParameters": SCRIPT,
        "ResourceConfig": {"InstanceType": "ml.p2.xlarge"},
    }
    assert bool(findings_of(patch, "FRM016")) is wrong


@pytest.mark.parametrize(
    ("tag", "severity"),
    [
        ("2.3.0-gpu-py311-cu121-ubuntu20.04-sagemaker", None),
        ("2.3.0-gpu-py311-cu121-ubuntu22.04-sagemaker", "error"),
        ("2.3.0-cpu-py311-ubuntu22.04", "error"),
        ("2.3.0-gpu-py311", None),
    ],
)
def test_the_system_in_a_tag(tag: str, severity: str | None) -> None:
    image = f"763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:{tag}"
    found = findings_of({"AlgorithmSpecification": {"TrainingImage": image}})
    told = [one.severity for one in found if "with ubuntu" in one.message]
    assert told == [severity] * (severity is not None)
