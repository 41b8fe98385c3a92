"""Builders that the tests of this folder make."""

from __future__ import annotations

from typing import Any

from cursus.steps.lowering.builders import lower

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"
REQUEST: dict[str, Any] = {
    "TrainingJobName": "churn",
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/Role",
}


def channel(uri: str, **members: Any) -> dict[str, Any]:
    return {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}, **members}


def builder(request: Any = None, **hooks: Any) -> Any:
    """An instance whose hooks return these values; a callable is the hook itself."""
    made = REQUEST if request is None else request
    methods: dict[str, Any] = {"create_step": lambda self: made}
    for name, value in hooks.items():
        methods[name] = value if callable(value) else lambda self, value=value: value
    return type("Builder", (), methods)()


def request_of(request: Any = None, **hooks: Any) -> Any:
    return lower(builder(request, **hooks)).request
