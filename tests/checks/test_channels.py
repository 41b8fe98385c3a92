"""Channels: what SageMaker refuses, and what it takes though it is unusual."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.made import findings_of


def channel(name: str = "train", **members: Any) -> dict[str, Any]:
    uri = members.pop("uri", f"s3://example-bucket/{name}/")
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, **members.pop("s3", {})}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **members}


def file_system(name: str = "train", **members: Any) -> dict[str, Any]:
    source = {
        "FileSystemId": "fs-0a1b2c3d",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "EFS",
        "DirectoryPath": "/data",
        **members,
    }
    return {"ChannelName": name, "DataSource": {"FileSystemDataSource": source}}


VPC = {"SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"], "Subnets": ["subnet-0a1b2c3d4e5f60718"]}
GROUPS = {
    "InstanceType": None,
    "InstanceCount": None,
    "InstanceGroups": [
        {"InstanceGroupName": "gpu", "InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
        {"InstanceGroupName": "cpu", "InstanceType": "ml.m5.2xlarge", "InstanceCount": 1},
    ],
}


def test_names_are_compared_literally() -> None:
    found = findings_of({"InputDataConfig": [channel("a"), channel("b"), channel("a")]}, "CHN001")
    assert [(f.path, f.severity) for f in found] == [("InputDataConfig[2].ChannelName", "error")]
    assert "InputDataConfig[0]" in found[0].message


@pytest.mark.parametrize(
    ("job", "own", "wrong"),
    [
        ("File", None, True),
        ("Pipe", None, False),
        ("File", "Pipe", False),
        ("Pipe", "File", True),
        ("FastFile", None, True),
    ],
)
def test_gzip_follows_the_mode_that_applies(job: str, own: str | None, wrong: bool) -> None:
    members = {"CompressionType": "Gzip", **({"InputMode": own} if own else {})}
    patch = {
        "AlgorithmSpecification": {"TrainingInputMode": job},
        "InputDataConfig": [channel(**members)],
    }
    assert bool(findings_of(patch, "CHN004")) is wrong


def test_a_mode_that_is_a_pipeline_variable_is_not_judged() -> None:
    by_variable = channel(CompressionType="Gzip", InputMode={"Get": "Parameters.Mode"})
    assert not findings_of({"InputDataConfig": [by_variable]}, "CHN004")


@pytest.mark.parametrize("kind", ["ManifestFile", "AugmentedManifestFile"])
@pytest.mark.parametrize("mode", ["File", "Pipe", "FastFile"])
def test_manifests_and_modes(kind: str, mode: str) -> None:
    s3 = {"S3DataType": kind, **({"AttributeNames": ["source-ref", "label"]} if kind[0] == "A" else {})}
    patch = {"InputDataConfig": [channel(uri="s3://b-1/m.manifest", s3=s3, InputMode=mode)]}
    errors = {f.rule for f in findings_of(patch) if f.severity == "error"}
    expected = {
        ("ManifestFile", "FastFile"): {"CHN008"},
        ("AugmentedManifestFile", "File"): {"CHN006"},
        ("AugmentedManifestFile", "FastFile"): {"CHN006"},
    }
    assert errors == expected.get((kind, mode), set())


def test_attribute_names_twice() -> None:
    s3 = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["label", "label"]}
    patch = {"InputDataConfig": [channel(uri="s3://b-1/m.manifest", s3=s3, InputMode="Pipe")]}
    assert [f.severity for f in findings_of(patch, "CHN007")] == ["error"]


def test_two_sources_are_one_too_many() -> None:
    both = channel()
    both["DataSource"]["FileSystemDataSource"] = file_system()["DataSource"]["FileSystemDataSource"]
    assert findings_of({"InputDataConfig": [both], "VpcConfig": VPC}, "CHN003")


def test_file_systems_want_a_vpc_and_file_mode() -> None:
    assert findings_of({"InputDataConfig": [file_system()]}, "CHN010")
    assert not findings_of({"InputDataConfig": [file_system()], "VpcConfig": VPC})
    pipe = {"AlgorithmSpecification": {"TrainingInputMode": "Pipe"}, "InputDataConfig": [file_system()]}
    assert findings_of({**pipe, "VpcConfig": VPC}, "CHN009")


@pytest.mark.parametrize(
    ("path", "kind", "wrong"),
    [("/data", "EFS", False), ("/", "EFS", False), ("data", "EFS", True), ("/", "FSxLustre", True)],
)
def test_directory_paths(path: str, kind: str, wrong: bool) -> None:
    patch = {
        "InputDataConfig": [file_system(DirectoryPath=path, FileSystemType=kind)],
        "VpcConfig": VPC,
    }
    assert bool(findings_of(patch, "CHN011")) is wrong


def test_groups_are_for_all_channels_or_none() -> None:
    named = channel("train", s3={"InstanceGroupNames": ["gpu", "cpu"]})
    patch = {"ResourceConfig": GROUPS, "InputDataConfig": [named, channel("code")]}
    (found,) = findings_of(patch, "CHN014")
    assert found.path == "InputDataConfig[1].DataSource.S3DataSource.InstanceGroupNames"
    plain = {"ResourceConfig": GROUPS, "InputDataConfig": [channel("train"), channel("code")]}
    assert not findings_of(plain, "CHN014")


def test_groups_exist() -> None:
    misspelt = channel("train", s3={"InstanceGroupNames": ["gpus"]})
    (found,) = findings_of({"ResourceConfig": GROUPS, "InputDataConfig": [misspelt]}, "CHN015")
    assert "Did you mean 'gpu'?" in found.message
    (found,) = findings_of({"InputDataConfig": [misspelt]}, "CHN015")
    assert "no instance groups" in found.message


def test_sharding_counts_the_hosts_of_the_channels_groups() -> None:
    s3 = {"S3DataDistributionType": "ShardedByS3Key", "InstanceGroupNames": ["gpu"]}
    one = channel("train", uri="s3://example-bucket/train.csv", s3=s3)
    (found,) = findings_of({"ResourceConfig": GROUPS, "InputDataConfig": [one]}, "CHN017")
    assert found.severity == "warning"
    assert "2 hosts" in found.message


@pytest.mark.parametrize(
    ("train", "validation", "overlaps"),
    [
        ("s3://b-1/d/", "s3://b-1/d", True),
        ("s3://b-1/d/", "s3://b-1/d/validation/", True),
        ("s3://b-1/d/train/", "s3://b-1/d/", True),
        ("s3://b-1/d/train/", "s3://b-1/d/validation/", False),
        ("s3://b-1/d/", "https://s3.us-east-1.amazonaws.com/b-1/d/", True),
        ("s3://b-1/train", "s3://b-1/train-validation/", False),
    ],
)
def test_training_data_is_not_validation_data(train: str, validation: str, overlaps: bool) -> None:
    patch = {"InputDataConfig": [channel("train", uri=train), channel("validation", uri=validation)]}
    assert bool(findings_of(patch, "CHN018")) is overlaps


def test_a_prefix_is_a_string() -> None:
    patch = {
        "InputDataConfig": [
            channel("train", uri="s3://b-1/train"),
            channel("test", uri="s3://b-1/train-old/"),
        ]
    }
    (found,) = findings_of(patch, "CHN019")
    assert found.severity == "warning"
    assert "s3://b-1/train/" in found.remedy


def test_output_below_input() -> None:
    patch = {
        "InputDataConfig": [channel("train", uri="s3://b-1/work")],
        "OutputDataConfig": {"S3OutputPath": "s3://b-1/work/models/"},
    }
    assert findings_of(patch, "CHN020")
    patch["OutputDataConfig"] = {"S3OutputPath": "s3://b-1/workshop/"}
    assert not findings_of(patch, "CHN020")


@pytest.mark.parametrize(
    ("accepted", "wrong"), [({}, True), ({"accept_eula": "false"}, True), ({"accept_eula": "true"}, False)]
)
def test_a_gated_model_of_the_environment(accepted: dict[str, str], wrong: bool) -> None:
    uri = "s3://jumpstart-private-cache-prod-us-east-1/meta-training/train-meta-textgeneration-llama-2-7b.tar.gz"
    patch: dict[str, Any] = {"Environment": {"SageMakerGatedModelS3Uri": uri, **accepted}}
    assert bool(findings_of(patch, "CHN013")) is wrong
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "ModelAccessConfig": {"AcceptEula": True}}
    patch["InputDataConfig"] = [{"ChannelName": "model", "DataSource": {"S3DataSource": source}}]
    assert not findings_of(patch, "CHN013")


@pytest.mark.parametrize(
    ("name", "access", "variables", "wrong"),
    [
        ("model", {}, {}, True),
        ("model", {"ModelAccessConfig": {"AcceptEula": True}}, {}, False),
        ("model", {}, {"accept_eula": "true"}, False),
        ("code", {}, {}, False),
    ],
)
def test_a_gated_model_of_a_channel(
    name: str, access: dict[str, Any], variables: dict[str, str], wrong: bool
) -> None:
    place = {"S3DataType": "S3Prefix", "S3Uri": "s3://jumpstart-private-cache-prod-us-east-1/m/", **access}
    channel = {"ChannelName": name, "DataSource": {"S3DataSource": place}}
    for region in (None, "us-east-1"):
        patch = {"InputDataConfig": [channel], "Environment": variables}
        assert bool(findings_of(patch, "CHN013", region=region)) is wrong
