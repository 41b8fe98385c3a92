"""An AutoML configuration's short form, lowered to a CreateAutoMLJob request.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAutoMLJob.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.aws.members import mapping, mappings
from cursus.steps.lowering.shortforms import AUTOML, lowered

UNKNOWN_TARGET = {"Get": "Parameters.TargetAttributeName"}
"""Stands for a target attribute that nobody gave: whoever starts the job gives it, and no rule reads it."""

_CONTENT_TYPES = ("text/csv;header=present", "x-application/vnd.amazon+parquet")
_MEMBERS = (
    "ProblemType",
    "AutoMLJobObjective",
    "AutoMLJobConfig",
    "InputDataConfig",
    "AutoMLProblemTypeConfig",
)


def automl_request(config: Mapping[str, Any], request: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(operation, request) of ``get_auto_ml_config``: data, role and output are the training request's."""
    if any(member in config for member in (*_MEMBERS, "AutoMLJobInputDataConfig")):
        second = "AutoMLProblemTypeConfig" in config or "AutoMLJobInputDataConfig" in config
        made = dict(config)
        if not second:
            made.setdefault("InputDataConfig", channels(request, UNKNOWN_TARGET))
        for member, value in _shared(request).items():
            made.setdefault(member, value)
        return ("CreateAutoMLJobV2" if second else "CreateAutoMLJob"), made
    target = config.get("target_attribute_name")
    data = channels(request, UNKNOWN_TARGET if target is None else target)
    return "CreateAutoMLJob", {"InputDataConfig": data, **lowered(config, AUTOML), **_shared(request)}


def _shared(request: Mapping[str, Any]) -> dict[str, Any]:
    shared: dict[str, Any] = {}
    output = mapping(request, "OutputDataConfig")
    if output:
        shared["OutputDataConfig"] = {k: v for k, v in output.items() if k in ("KmsKeyId", "S3OutputPath")}
    if request.get("RoleArn") is not None:
        shared["RoleArn"] = request["RoleArn"]
    return shared


def channels(request: Mapping[str, Any], target: Any) -> list[dict[str, Any]]:
    """The training and validation channels of a training request, as those of an AutoML job."""
    known = [one for _, one in mappings(request, "InputDataConfig")]
    training = [one for one in known if str(one.get("ChannelName", "")).startswith("train")] or known[:1]
    validation = [one for one in known if str(one.get("ChannelName", "")).startswith("val")]
    made = [_channel(one, target) for one in training[:1]]
    more = [one for one in validation[:1] if one not in training]
    return [*made, *({**_channel(one, target), "ChannelType": "validation"} for one in more)]


def _channel(channel: Mapping[str, Any], target: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"TargetAttributeName": target}
    s3 = mapping(mapping(channel, "DataSource"), "S3DataSource")
    if s3:
        kept = {name: value for name, value in s3.items() if name in ("S3DataType", "S3Uri")}
        made["DataSource"] = {"S3DataSource": kept}
    if channel.get("ContentType") in _CONTENT_TYPES:
        made["ContentType"] = channel["ContentType"]
    if channel.get("CompressionType") is not None:
        made["CompressionType"] = channel["CompressionType"]
    return made
