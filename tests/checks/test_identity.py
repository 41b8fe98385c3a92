"""Who the job is and where: roles, registries, networks, keys and regions."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.checks.examples import ROLE
from tests.checks import made
from tests.checks.made import findings_of, first, output, own

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("arn:aws:iam::123456789012:user/role_admin", "IAM user"),
        ("arn:aws:iam::123456789012:root", "account itself"),
        ("arn:aws:sts::123456789012:assumed-role/SageMakerRole/me", "session"),
        ("arn:aws:iam::123456789012:policy/SageMakerRole", "policy"),
        ("arn:aws:iam::123456789:role/SageMakerRole", "twelve digits"),
        ("arn:aws:iam::<account-id>:role/SageMakerRole", "placeholder"),
        ("arn:aws:iam:::role/SageMakerRole", "account is missing"),
        ("AmazonSageMaker-ExecutionRole", "role's name is not enough"),
        ("arn:aws:iam::123456789012:role/SageMaker Role", "allowed"),
    ],
)
def test_what_is_no_role_is_named(arn: str, words: str) -> None:
    found = findings_of({"RoleArn": arn})
    assert own(found) == {("STP005", "error")}
    assert words in first(found, "STP005").remedy


@pytest.mark.parametrize(
    ("image", "severity"),
    [
        *((name, "warning") for name in ("my-image:1.0", "fakeImageUri", "byoc")),
        ("churnimage", "error"),
        ("public.ecr.aws/deep-learning-containers/pytorch:2.12-cu130-amzn2023-sagemaker", "warning"),
        ("public.ecr.aws/bitnami/python:3.9", "error"),
    ],
)
def test_names_that_stand_for_an_image(image: str, severity: str) -> None:
    found = findings_of({"AlgorithmSpecification": {"TrainingImage": image}})
    assert own(found) == {("STP027", severity)}


def test_private_registries() -> None:
    vpc = {"SecurityGroupIds": ["sg-0a1b2c3d"], "Subnets": ["subnet-0a1b2c3d"]}
    config = {"TrainingRepositoryAccessMode": "Vpc"}
    private = {"TrainingImage": "registry.example.com/churn:1", "TrainingImageConfig": config}
    assert own(findings_of({"AlgorithmSpecification": private, "VpcConfig": vpc})) == set()
    found = findings_of({"AlgorithmSpecification": private})
    assert first(found, "STP027").path == "VpcConfig"


XGBOOST = {"AlgorithmSpecification": {"TrainingImage": made.XGBOOST}, "HyperParameters": {"num_round": "9"}}


@pytest.mark.parametrize(
    ("patch", "told"), [({}, False), ({"EnableNetworkIsolation": True}, True), (XGBOOST, True)]
)
def test_remote_debugging_that_nobody_can_use(patch: dict[str, Any], told: bool) -> None:
    on = {**patch, "RemoteDebugConfig": {"EnableRemoteDebug": True}}
    assert [f.severity for f in findings_of(on, "STP028")] == ["warning"] * told


def test_isolated_jobs_cannot_fetch_their_code() -> None:
    names = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://example-bucket/s.tar.gz"',
    }
    found = findings_of({"EnableNetworkIsolation": True, "HyperParameters": names})
    assert first(found, "STP028").path == "HyperParameters.sagemaker_submit_directory"
    assert own(findings_of({"EnableNetworkIsolation": False, "HyperParameters": names})) == set()


@pytest.mark.parametrize(
    ("image", "folder", "told"),
    [
        ("tensorflow-training:2.4.1-cpu-py37", "s3://example-bucket/m", True),
        ("tensorflow-training:2.4.1-cpu-py37", "/opt/ml/model", False),
        ("pytorch-training:2.1.0-cpu-py310", "s3://example-bucket/m", False),
    ],
)
def test_isolated_tensorflow_cannot_ask_for_its_bucket(image: str, folder: str, told: bool) -> None:
    names = {"model_dir": f'"{folder}"', "sagemaker_program": '"train.py"'}
    uri = f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{image}"
    patch = {
        "EnableNetworkIsolation": True,
        "AlgorithmSpecification": {"TrainingImage": uri},
        "HyperParameters": names,
    }
    paths = [finding.path for finding in findings_of(patch) if finding.rule == "STP028"]
    assert paths == (["HyperParameters.model_dir"] if told else [])


@pytest.mark.parametrize(
    ("patch", "region", "path"),
    [
        ({}, "eu-central-1", "AlgorithmSpecification.TrainingImage"),
        (
            {"ResourceConfig": {"VolumeKmsKeyId": f"arn:aws:kms:eu-west-1:123456789012:key/{KEY}"}},
            None,
            "ResourceConfig.VolumeKmsKeyId",
        ),
        ({"RoleArn": ROLE.replace("aws", "aws-cn", 1)}, "us-east-1", "RoleArn"),
        (output("s3://sagemaker-eu-west-1-123456789012/models/"), None, "OutputDataConfig.S3OutputPath"),
        (
            {
                "AlgorithmSpecification": {"TrainingImage": ECR.replace("us-east-1", "cn-north-1")},
                "RoleArn": None,
            },
            None,
            "AlgorithmSpecification.TrainingImage",
        ),
    ],
)
def test_one_region(patch: dict[str, Any], region: str | None, path: str) -> None:
    rule, other = ("FRM017", "STP035") if path.endswith("Image") else ("STP035", "FRM017")
    every = findings_of(patch, region=region)
    assert not [f for f in every if f.rule == other]
    found = [f for f in every if f.rule == rule]
    assert [(f.path, f.severity) for f in found] == [(path, "error")]


def test_regions_that_agree() -> None:
    image = "387376663083.dkr.ecr.cn-northwest-1.amazonaws.com.cn/churn:1"
    patch = {"AlgorithmSpecification": {"TrainingImage": image}, "RoleArn": ROLE.replace("aws", "aws-cn", 1)}
    assert own(findings_of(patch, region="cn-northwest-1")) == set()
    assert own(findings_of(output("s3://my-data-us-east-1/models"), region="us-east-1")) == set()
    assert own(findings_of(output("s3://my-data-eu-west-1/models"))) == {("STP035", "warning")}


def test_a_bucket_that_was_made_up_is_of_no_region() -> None:
    made_up = output("s3://sagemaker-us-east-1-246813579024/models")
    image = {"AlgorithmSpecification": {"TrainingImage": ECR.replace("us-east-1", "us-west-2")}}
    assert own(findings_of({**made_up, **image})) == set()
    assert own(findings_of(made_up, region="eu-west-1")) >= {("STP035", "error")}


@pytest.mark.parametrize(
    "key", ["", KEY, f"arn:aws:kms:us-east-1:123456789012:key/{KEY}", "alias/mine", "mrk-" + "0" * 32]
)
def test_keys_that_are_keys(key: str) -> None:
    assert own(findings_of({"OutputDataConfig": {"KmsKeyId": key}})) == set()


def test_keys_that_are_none() -> None:
    for word in ("my-key", "kms_key_id", "kms-key-arn", "1234abcd-12ab-34cd"):
        assert own(findings_of({"ResourceConfig": {"VolumeKmsKeyId": word}})) == {("STP036", "warning")}
        assert first(findings_of({"OutputDataConfig": {"KmsKeyId": word}}), "ART001").severity == "warning"
    assert own(findings_of({"ResourceConfig": {"VolumeKmsKeyId": "churn-volumes"}})) == {("STP036", "error")}
    for word in ("EMPTY", "default", "n/a"):
        found = findings_of({"ResourceConfig": {"VolumeKmsKeyId": word}})
        assert own(found) == {("STP036", "error")}
        assert first(found, "STP036").remedy == "leave VolumeKmsKeyId out where no key is meant"
        assert first(findings_of({"OutputDataConfig": {"KmsKeyId": word}}), "ART001").severity == "error"


@pytest.mark.parametrize(
    ("registry", "severity"),
    [
        ("831135688900.dkr.ecr.us-east-1", None),
        ("8311356889001.dkr.ecr.us-east-1", "error"),
        ("8311356889.dkr.ecr.us-east-1", "error"),
        ("8311-3568-8900.dkr.ecr.us-east-1", "error"),
        ("ACCOUNT.dkr.ecr.us-east-1", "warning"),
        ("111222333.dkr.ecr.us-east-1", "warning"),
        ("123456789.dkr.ecr.us-east-1", "warning"),
        ("831135688900.dkr.ecr.virginia", "error"),
        ("831135688900.dkr.ecr.us-east-11", "error"),
        ("831135688900.dkr.ecr.aws-region", "warning"),
        ("831135688900.dkr.ecr.us-west-3", "warning"),
    ],
)
def test_registries_that_nobody_can_have(registry: str, severity: str | None) -> None:
    image = {"AlgorithmSpecification": {"TrainingImage": f"{registry}.amazonaws.com/churn:1"}}
    assert own(findings_of(image)) == ({("STP033", severity)} if severity else set())


def test_several_values_in_one_text() -> None:
    network = {"Subnets": ["subnet-0a1b2c3d, subnet-4e5f6071"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    found = first(findings_of({"VpcConfig": network}), "STP005")
    assert found.path == "VpcConfig.Subnets[0]"
    assert "each as an item of its own" in found.remedy
    assert own(findings_of({"ResourceConfig": {"VolumeKmsKeyId": ROLE}})) == {("STP036", "error")}


@pytest.mark.parametrize("key", ["aws/s3", "alias/", ROLE, "8f2a1c34-12ab-34cd-56ef-9a8b7c6d5e4f1"])
def test_the_key_of_the_output_is_the_artifacts_matter_alone(key: str) -> None:
    found = findings_of({"OutputDataConfig": {"KmsKeyId": key}})
    assert [(f.rule, f.area, f.severity) for f in found if "KmsKeyId" in f.path] == [
        ("ART001", "artifacts", "error")
    ]


@pytest.mark.parametrize(
    ("subnet", "told"),
    [
        ("subnet-", {("STP030", "error")}),
        ("sg-0a1b2c3d", {("STP030", "error")}),
        ("private-subnet-a", {("STP030", "error")}),
        ("subnet-xxxxxxxx", {("STP045", "warning")}),
        ("subnet-0a1b2c3d", set()),
        ("subnet-0a1b2c3d4e5f60718", set()),
    ],
)
def test_an_id_of_a_network_has_its_digits(subnet: str, told: set[tuple[str, str]]) -> None:
    found = findings_of({"VpcConfig": {"Subnets": [subnet], "SecurityGroupIds": ["sg-0a1b2c3d"]}})
    assert own(found) == told


@pytest.mark.parametrize(
    ("path", "size", "refused"),
    [
        ("role/", 64, False),
        ("role/", 65, True),
        ("role/teams/ml/", 64, False),
        ("roles/", 9, True),
        ("role/service-role/", 9, False),
        ("role/aws-service-role/sagemaker.amazonaws.com/", 9, True),
    ],
)
def test_a_role_can_be_passed_and_has_a_name_of_64_characters_at_most(
    path: str, size: int, refused: bool
) -> None:
    found = findings_of({"RoleArn": f"arn:aws:iam::123456789012:{path}{'r' * size}"})
    assert own(found) == ({("STP050", "error")} if refused else set())
