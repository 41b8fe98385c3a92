"""Steps of a pipeline whose arguments are requests that no job sends: lineage, EMR, Bedrock, functions, queues."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from tests.checks.made import pipeline, told
from tests.checks.made_pipelines import COMPONENT, JOB, LINEAGE, found, request

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ask"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
SPARK = request(
    "EMRServerless",
    ExecutionRoleArn=ROLE,
    ApplicationId="00f1abcdexample",
    JobConfig={
        "executionRoleArn": ROLE,
        "jobDriver": {
            "sparkSubmit": {"entryPoint": "s3://example-bucket/job.py", "entryPointArguments": ["a"]}
        },
    },
)
APPLICATION = request(
    "EMRServerless",
    ExecutionRoleArn=ROLE,
    ApplicationConfig={"name": "churn", "releaseLabel": "emr-7.0.0", "type": "SPARK"},
    JobConfig=SPARK["Arguments"]["JobConfig"],
)
CLUSTER = request(
    "EMR",
    StepConfig={"HadoopJarStep": {"Jar": "command-runner.jar"}},
    ClusterConfig={
        "ReleaseLabel": "emr-7.5.0",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "ServiceRole": "EMR_DefaultRole",
        "Instances": {
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]
        },
    },
)
IMPORT = request(
    "BedrockModelImport", RoleArn=ROLE, ModelDataSource={"S3DataSource": {"S3Uri": "s3://example-bucket/m/"}}
)
THROUGHPUT = request("BedrockProvisionedModelThroughput", ModelId="amazon.titan-text-lite-v1", ModelUnits=1)


@pytest.mark.parametrize(
    "sound",
    [
        LINEAGE,
        SPARK,
        APPLICATION,
        CLUSTER,
        COMPONENT,
        JOB,
        IMPORT,
        THROUGHPUT,
        request("Endpoint", EndpointConfigName="a"),
    ],
)
def test_sound_requests(sound: dict[str, Any]) -> None:
    assert found(sound) == []


@pytest.mark.parametrize(
    ("sound", "path", "value", "expected"),
    [
        (LINEAGE, ("Actions", 0, "Status"), "Done", [("STP004", "Actions[0].Status")]),
        (LINEAGE, ("Artifacts", 0, "Source"), "s3://a/b", [("STP003", "Artifacts[0].Source")]),
        (
            LINEAGE,
            ("Associations", 0, "AssociationType"),
            "ProducedBy",
            [("DEP097", "Associations[0].AssociationType")],
        ),
        (
            SPARK,
            ("JobConfig", "jobDriver", "sparkSubmit", "entryPointArguments"),
            "a b",
            [("STP003", "JobConfig.jobDriver.sparkSubmit.entryPointArguments")],
        ),
        (
            SPARK,
            ("JobConfig", "jobDriver", "SparkSubmit"),
            {},
            [("STP002", "JobConfig.jobDriver.SparkSubmit")],
        ),
        (
            APPLICATION,
            ("ApplicationConfig", "type"),
            None,
            [("STP001", "ApplicationConfig.type")],
        ),
        (
            APPLICATION,
            ("ApplicationConfig",),
            {"Name": "churn", "releaseLabel": "emr-7.0.0", "type": "SPARK"},
            [("DEP047", "ApplicationConfig.Name")],
        ),
        (
            CLUSTER,
            ("ClusterConfig", "Instances", "InstanceGroups", 0, "InstanceCount"),
            "1",
            [("STP003", "ClusterConfig.Instances.InstanceGroups[0].InstanceCount")],
        ),
        (
            COMPONENT,
            ("Specification", "ComputeResourceRequirements"),
            {"NumberOfCpuCoresRequired": 1},
            [("STP001", "Specification.ComputeResourceRequirements.MinMemoryRequiredInMb")],
        ),
        (COMPONENT, ("Specification",), {}, [("DEP099", "Specification.ModelName")]),
        (JOB, ("JobConfigDocument",), {"A": "b"}, [("STP003", "JobConfigDocument")]),
        (JOB, ("JobCategory",), "AgentRft", [("STP004", "JobCategory")]),
        (JOB, ("JobConfigDocument",), "{'A': 'b'}", [("DEP043", "JobConfigDocument")]),
        (
            COMPONENT,
            ("Specification", "ComputeResourceRequirements", "MaxMemoryRequiredInMb"),
            512,
            [("DEP099", "Specification.ComputeResourceRequirements.MinMemoryRequiredInMb")],
        ),
        (LINEAGE, (), {}, [("DEP097", "Arguments")]),
        (IMPORT, ("ModelDataSource",), None, [("STP001", "ModelDataSource")]),
        (IMPORT, ("ImportedModelKmsKey",), "k", [("STP002", "ImportedModelKmsKey")]),
        (THROUGHPUT, ("CommitmentDuration",), "OneYear", [("STP004", "CommitmentDuration")]),
    ],
)
def test_broken_requests(
    sound: dict[str, Any], path: tuple[str | int, ...], value: Any, expected: list[tuple[str, str]]
) -> None:
    broken = copy.deepcopy(sound)
    holder: Any = broken
    place = ("Arguments", *path)
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    assert found(broken) == expected


@pytest.mark.parametrize(
    ("sound", "member", "expected"),
    [
        (COMPONENT, "CacheConfig", ["DEP002"]),
        (request("Endpoint", EndpointConfigName="a"), "CacheConfig", []),
        (SPARK, "CacheConfig", []),
        (LINEAGE, "CacheConfig", ["DEP002"]),
    ],
)
def test_what_steps_have_beside_their_arguments(
    sound: dict[str, Any], member: str, expected: list[str]
) -> None:
    caching = {"Enabled": True, "ExpireAfter": "P1D"}
    assert [rule for rule, _ in found({**sound, member: caching})] == expected


@pytest.mark.parametrize("role", ["JobFlowRole", "ServiceRole"])
def test_clusters_need_roles(role: str) -> None:
    cluster = copy.deepcopy(CLUSTER)
    del cluster["Arguments"]["ClusterConfig"][role]
    assert found(cluster) == [("DEP047", f"ClusterConfig.{role}")]


def test_an_item_of_a_list_is_told_as_that() -> None:
    spark = copy.deepcopy(CLUSTER)
    spark["Arguments"]["StepConfig"]["HadoopJarStep"]["Args"] = ["spark-submit", 4]
    (finding,) = told(cursus.check(pipeline(spark)).findings)
    assert (finding.rule, finding.message) == ("DEP009", "an item of Args is 4; this place takes a text")
