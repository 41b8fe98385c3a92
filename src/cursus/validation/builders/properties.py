"""The three helpers whose required lists and error strings are the suite's own, stricter than AWS.

AWS asks for no ContentType, and a step of a pipeline has no job name of its own. The nine tests follow
AWS: what only these lists ask for is a warning there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cursus.validation.builders.forms import Validation, verdict

STEP_PROPERTIES = (
    "TrainingJobName",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
)
INPUT_FIELDS = ("DataSource", "ContentType")
OUTPUT_FIELDS = ("S3OutputPath",)


def step_properties(step: Any) -> Validation:
    """Whether a step has what a training step is made of: as members, attributes, or in its ``arguments``."""
    return _lacks(step, STEP_PROPERTIES, "Missing required property")


def training_input(input_config: Any, index: int) -> Validation:
    """Whether the channel at ``index`` says where its data is and what it is."""
    return _lacks(input_config, INPUT_FIELDS, f"Training input {index} missing field")


def model_output(config: Any) -> Validation:
    """Whether the output configuration says where the model goes."""
    return _lacks(config, OUTPUT_FIELDS, "Missing model output field")


def _lacks(owner: Any, names: Iterable[str], word: str) -> Validation:
    return verdict([f"{word}: {name}" for name in names if not _has(owner, name)])


def _has(owner: Any, name: str) -> bool:
    """True where ``owner`` has the member, in whichever of the forms of a step."""
    if owner is None or isinstance(owner, (str, bytes)):
        return False
    if isinstance(owner, Mapping):
        return owner.get(name) is not None
    if getattr(owner, name, None) is not None:
        return True
    try:
        arguments = getattr(owner, "arguments", None)
    except Exception:  # a property of the SDK that needs a session: then it says nothing here
        return False
    return isinstance(arguments, Mapping) and arguments.get(name) is not None
