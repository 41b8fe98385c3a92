"""Sources of builders with a mark before the value at which a finding is to stand."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import cursus
from cursus.model import Finding, Location

MARK = "<HERE>"
HEAD = """
import copy, json
from collections import OrderedDict
from dataclasses import dataclass, field

def request(**members):
    return {
        "TrainingJobName": "churn",
        "RoleArn": "arn:aws:iam::123456789012:role/Role",
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1",
            "TrainingInputMode": "File",
        },
        **members,
    }
"""
REST = '"InstanceCount": 1, "VolumeSizeInGB": 10'


def made(tmp_path: Path, source: str, name: str = "builder.py") -> tuple[str, int, int]:
    """(target, line, column) of a source with a mark in it."""
    text = HEAD + textwrap.dedent(source).replace("REST", REST)
    before = text[: text.index(MARK)]
    file = tmp_path / name
    file.write_text(text.replace(MARK, ""), encoding="utf-8")
    return f"{file}:Builder", before.count("\n") + 1, len(before) - before.rfind("\n")


def where(target: Any, rule: str = "RES001", **options: Any) -> Location:
    """The place of the one finding of a rule."""
    found: list[Finding] = [one for one in cursus.check(target, **options).findings if one.rule == rule]
    assert len(found) == 1, found
    assert found[0].location is not None
    return found[0].location
