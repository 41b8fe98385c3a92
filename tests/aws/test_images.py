"""Reading image URIs, and finding the image of a framework."""

from __future__ import annotations

import pytest

from cursus.aws import image_choice, images
from cursus.aws.tables import table

DLC = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (
            f"{DLC}/pytorch-training:2.1.0-gpu-py310-cu121-ubuntu20.04-sagemaker",
            ("pytorch", "2.1.0", "py310", "gpu", "cu121"),
        ),
        (f"{DLC}/pytorch-training:1.12-cpu-py38", ("pytorch", "1.12", "py38", "cpu", None)),
        (
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            ("xgboost", "1.7-1", None, None, None),
        ),
        (
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            ("sklearn", "1.2-1", "py3", "cpu", None),
        ),
        (
            f"{DLC}/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04",
            ("huggingface", "4.36.0", "py310", "gpu", "cu121"),
        ),
        (
            f"{DLC}/pytorch-training-neuronx:2.1.2-neuronx-py310-sdk2.20.0-ubuntu20.04",
            ("pytorch", "2.1.2", "py310", "neuron", None),
        ),
        (
            "387376663083.dkr.ecr.cn-northwest-1.amazonaws.com.cn/xgboost:1",
            ("xgboost", "1", None, None, None),
        ),
    ],
)
def test_reads_what_a_uri_says(uri: str, expected: tuple[str | None, ...]) -> None:
    image = images.parse_image(uri)
    assert image is not None
    assert image.amazon
    assert (image.framework, image.version, image.python_version, image.processor, image.cuda) == expected


def test_hugging_face_has_a_framework_below() -> None:
    image = images.parse_image(
        f"{DLC}/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
    )
    assert image is not None
    assert (image.engine, image.engine_version) == ("pytorch", "2.1.0")


def test_a_mirror_is_not_amazons() -> None:
    image = images.parse_image(
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
    )
    assert image is not None
    assert not image.amazon
    assert image.framework == "pytorch"


@pytest.mark.parametrize("uri", ["", "myimage", "pytorch:2.1", "docker.io/library/python:3.11", "x" * 5000])
def test_what_is_not_in_ecr_reads_as_none(uri: str) -> None:
    assert images.parse_image(uri) is None


def test_digests_are_read() -> None:
    image = images.parse_image(f"{DLC}/pytorch-training@sha256:{'a' * 64}")
    assert image is not None
    assert image.digest == f"sha256:{'a' * 64}"
    assert image.tag is None


@pytest.mark.parametrize(
    ("framework", "version", "python", "region", "instance", "uri"),
    [
        ("PyTorch", "2.1.0", "3.10", None, "ml.g5.xlarge", f"{DLC}/pytorch-training:2.1.0-gpu-py310"),
        ("pytorch", "1.8", "py36", None, "ml.m5.xlarge", f"{DLC}/pytorch-training:1.8.1-cpu-py36"),
        (
            "tensorflow",
            "2.11.0",
            None,
            "af-south-1",
            "ml.m5.xlarge",
            "626614931356.dkr.ecr.af-south-1.amazonaws.com/tensorflow-training:2.11.0-cpu-py39",
        ),
        (
            "tensorflow",
            "2.11.0",
            None,
            "cn-north-1",
            None,
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-training:2.11.0-cpu-py39",
        ),
        (
            "xgboost",
            "1.7-1",
            "py3",
            None,
            None,
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        ),
        (
            "scikit-learn",
            "1.2-1",
            "py3",
            None,
            None,
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        ),
    ],
)
def test_finds_the_image(
    framework: str, version: str, python: str | None, region: str | None, instance: str | None, uri: str
) -> None:
    choice = image_choice.find_image(framework, version, python, region, instance)
    assert choice.problem is None
    assert choice.uri == uri
    found = images.parse_image(uri)
    assert found is not None
    assert found.amazon


@pytest.mark.parametrize(
    ("framework", "version", "python", "words"),
    [
        ("pytorch", "1.8.0", "py38", ("py38", "py36")),
        ("pytorch", "2.1.7", None, ("2.1.7", "2.1.0")),
        ("xgboost", "1.7", None, ("1.7-1",)),
        ("keras", "3.0", None, ("keras", "tensorflow")),
        ("pytorch", None, None, ("version",)),
    ],
)
def test_says_why_there_is_none(
    framework: str, version: str | None, python: str | None, words: tuple[str, ...]
) -> None:
    choice = image_choice.find_image(framework, version, python)
    assert choice.uri is None
    assert choice.problem is not None
    for word in words:
        assert word in choice.problem + choice.remedy


@pytest.mark.parametrize(
    ("said", "tag"),
    [("3.10", "py310"), ("python3.8", "py38"), ("py39", "py39"), ("py3", "py3"), ("3", "py3")],
)
def test_python_versions_in_any_spelling(said: str, tag: str) -> None:
    assert images.python_tag(said) == tag


def test_every_version_of_every_training_repository_resolves_to_itself() -> None:
    for name, entry in table("images")["repositories"].items():
        assert entry["scopes"], name
        for version in images.versions(name):
            assert images.resolve(name, version) == version


def test_a_misspelt_framework_is_told_which_is_meant() -> None:
    choice = image_choice.find_image("sklern", "1.2-1", None)
    assert choice.uri is None and choice.remedy == "Write 'sklearn', or name an image."
