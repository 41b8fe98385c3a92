"""What SageMaker itself gives a training container: the files of ``/opt/ml/input/config`` and variables.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cursus.aws.members import mapping
from cursus.aws.references import is_reference

DEFAULT_REGION = "us-east-1"
INTERFACE = "eth0"
HOMOGENEOUS = "homogeneousCluster"

Request = Mapping[str, Any]


def training_image(request: Request) -> Any:
    """The request's TrainingImage; None where an algorithm or nothing is named."""
    return (request.get("AlgorithmSpecification") or {}).get("TrainingImage")


def channels(request: Request) -> dict[str, Any]:
    """The channels of a request by their names."""
    return {channel["ChannelName"]: channel for channel in request.get("InputDataConfig") or ()}


def s3_source(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    """S3DataSource of a channel; empty where it has none."""
    return mapping(mapping(channel, "DataSource"), "S3DataSource")


def groups(request: Request) -> list[tuple[str, str, list[str]]]:
    """(group name, instance type, host names) of each instance group; hosts are numbered through all groups."""
    resources = request.get("ResourceConfig") or {}
    wanted = resources.get("InstanceGroups") or [
        {
            "InstanceGroupName": HOMOGENEOUS,
            "InstanceType": resources.get("InstanceType", "local"),
            "InstanceCount": resources.get("InstanceCount", 1),
        }
    ]
    found: list[tuple[str, str, list[str]]] = []
    number = 0
    for group in wanted:
        count = int(group["InstanceCount"])
        names = [f"algo-{number + i + 1}" for i in range(count)]
        number += count
        found.append((group["InstanceGroupName"], group["InstanceType"], sorted(names)))
    return found


def host_names(request: Request) -> list[str]:
    """Every host of the job, in the lexicographic order of ``resourceconfig.json``."""
    return sorted(name for _, _, names in groups(request) for name in names)


def resource_config(request: Request, host: str, interface: str = INTERFACE) -> dict[str, Any]:
    """``resourceconfig.json`` as ``host`` sees it, with the network interface that it has."""
    clusters = groups(request)
    group, kind = next((name, kind) for name, kind, names in clusters if host in names)
    return {
        "current_host": host,
        "current_instance_type": kind,
        "current_group_name": group,
        "hosts": host_names(request),
        "instance_groups": [
            {"instance_group_name": name, "instance_type": kind, "hosts": names}
            for name, kind, names in clusters
        ],
        "network_interface_name": interface,
    }


def input_data_config(request: Request) -> dict[str, dict[str, str]]:
    """``inputdataconfig.json``: one entry a channel."""
    default = (request.get("AlgorithmSpecification") or {}).get("TrainingInputMode", "File")
    found: dict[str, dict[str, str]] = {}
    for channel in request.get("InputDataConfig") or ():
        source = s3_source(channel)
        entry = {
            "TrainingInputMode": channel.get("InputMode", default),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        found[channel["ChannelName"]] = entry
    return found


def config_files(request: Request, host: str, region: str, interface: str) -> dict[str, Any]:
    """Every file of ``/opt/ml/input/config`` by name, as JSON data."""
    algorithm = request.get("AlgorithmSpecification") or {}
    files: dict[str, Any] = {
        "hyperparameters.json": dict(request.get("HyperParameters") or {}),
        "resourceconfig.json": resource_config(request, host, interface),
        "inputdataconfig.json": input_data_config(request),
        "init-config.json": {},
        "metric-definition-regex.json": list(algorithm.get("MetricDefinitions") or ()),
        "upstreamoutputdataconfig.json": [],
        "trainingjobconfig.json": {
            "TrainingJobName": request["TrainingJobName"],
            "TrainingJobArn": job_arn(request, region),
        },
    }
    if request.get("CheckpointConfig"):
        files["checkpointconfig.json"] = request["CheckpointConfig"]
    if request.get("TensorBoardOutputConfig"):
        files["tensorboardoutputconfig.json"] = request["TensorBoardOutputConfig"]
    if request.get("DebugHookConfig"):
        files["debughookconfig.json"] = request["DebugHookConfig"]
    if request.get("ProfilerConfig"):
        files["profilerconfig.json"] = request["ProfilerConfig"]
    return files


def region_of(request: Request, region: str | None) -> str:
    """The job's region: as given, else the one in its role-independent ARNs and image, else us-east-1."""
    if region:
        return region
    image = training_image(request)
    found = re.search(r"\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.", image) if isinstance(image, str) else None
    return found.group(1) if found else DEFAULT_REGION


def account_of(request: Request) -> str:
    """The account of the role, else the one that AWS's own examples use."""
    found = re.match(r"arn:[^:]*:iam::([0-9]{12}):", str(request.get("RoleArn")))
    return found.group(1) if found else "123456789012"


def partition_of(region: str) -> str:
    """The partition of a region, as ARNs write it."""
    from cursus.aws import places

    return places.partition_of(region) or "aws"


def job_arn(request: Request, region: str) -> str:
    """The ARN that a training job of this name has."""
    name = request["TrainingJobName"]
    return f"arn:{partition_of(region)}:sagemaker:{region}:{account_of(request)}:training-job/{name}"


def variables(request: Request, host: str, region: str) -> dict[str, str]:
    """The variables that SageMaker sets in the container, and the request's Environment over them."""
    found = {
        "TRAINING_JOB_NAME": request["TrainingJobName"],
        "TRAINING_JOB_ARN": job_arn(request, region),
        "AWS_REGION": region,
        "CURRENT_HOST": host,
        "SAGEMAKER_JOB_NAME": request["TrainingJobName"],
        "SAGEMAKER_REGION": region,
    }
    found.update({name: str(value) for name, value in (request.get("Environment") or {}).items()})
    return found


def checkpoints(request: Request) -> dict[str, str] | None:
    """Where CheckpointConfig's directory is in a host (``path``), and where in S3 (``uri``); None without one."""
    config = request.get("CheckpointConfig")
    if not config:
        return None
    path = str(config.get("LocalPath") or "/opt/ml/checkpoints").rstrip("/") or "/"
    return {"path": path, "uri": str(config.get("S3Uri") or "")}


def with_output_places(request: Request) -> dict[str, Any]:
    """The request with an address in this machine's store wherever a pipeline fills in an S3OutputPath."""
    made = dict(request)
    for member, inner in request.items():
        place = inner.get("S3OutputPath") if isinstance(inner, Mapping) else None
        if place is not None and unresolved(place):
            text = _stand_in(place)
            made[member] = {
                **inner,
                "S3OutputPath": text if text.startswith("s3://") else f"s3://pipeline/{text}",
            }
    return made


def _stand_in(value: Any) -> str:
    """What a pipeline variable may become: the texts that it joins, and its own name for what only a pipeline knows."""
    join = value.get("Std:Join") if isinstance(value, Mapping) else None
    if isinstance(join, Mapping) and isinstance(join.get("Values"), (list, tuple)):
        return str(join.get("On", "")).join(_stand_in(part) for part in join["Values"])
    if isinstance(value, Mapping):
        return re.sub(r"[^A-Za-z0-9]+", "-", str(next(iter(value.values()), ""))).strip("-")
    return str(value)


def unresolved(value: Any, path: Sequence[str | int] = ()) -> list[tuple[Sequence[str | int], Any]]:
    """Pipeline variables (``{"Get": …}`` and kin) below ``value``, with their paths."""
    if isinstance(value, Mapping):
        if is_reference(value):
            return [(path, value)]
        return [hit for name, item in value.items() for hit in unresolved(item, (*path, name))]
    if isinstance(value, (list, tuple)):
        return [hit for i, item in enumerate(value) for hit in unresolved(item, (*path, i))]
    return []
