"""Pipeline variables: what stands in a definition for a value that only an execution knows.

Facts: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html and the JSON that the SageMaker
SDK writes for its ``PipelineVariable`` classes.
"""

from __future__ import annotations

from collections.abc import Mapping

REFERENCES = frozenset({"Get", "Std:Join", "Std:JsonGet"})
_PLAIN = frozenset({str, int, float, bool, list, type(None)})


def is_reference(value: object) -> bool:
    """True for a pipeline variable: ``{"Get": …}``, ``{"Std:Join": …}``, ``{"Std:JsonGet": …}``."""
    # The type is asked first: isinstance() of an abstract class costs more than most rules.
    if type(value) is dict:
        return len(value) == 1 and next(iter(value)) in REFERENCES
    if type(value) in _PLAIN:
        return False
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in REFERENCES
