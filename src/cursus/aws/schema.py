"""The service model, distilled: what each operation's request must look like.

``validate`` holds a request against the model and says every place where it differs. It takes any
Python value and never raises: what is no JSON becomes a violation of its own.

The model comes from botocore (see ``cursus.aws.distill``), the constraints are checked by
jsonschema-rs. A request that satisfies the model costs a walk over it and one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cursus.aws import schema_store
from cursus.model import Path

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

Kind = Literal[
    "required", "unknown", "type", "enum", "pattern", "length", "range", "count", "union", "not_json"
]


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a request breaks the service model.

    ``path`` is where (for a missing or unknown member: the member itself), ``kind`` which constraint,
    ``limit`` the constraint's own value (the enum, AWS's pattern, the bound, the JSON type), ``value`` what
    was found, and ``options`` the names that would have been right, where there are any. ``bound`` says which
    side of a length, range or count it is. ``key`` is True where the key of a map is wrong, not the value at
    it. ``message`` says in AWS's own form which constraint it is.
    """

    path: Path
    kind: Kind
    message: str
    value: Any = None
    limit: Any = None
    options: tuple[str, ...] = ()
    bound: Literal["", "min", "max"] = ""
    key: bool = False


JOB_NAMES = {
    "CreateTrainingJob": "TrainingJobName",
    "CreateHyperParameterTuningJob": "HyperParameterTuningJobName",
    "CreateAutoMLJob": "AutoMLJobName",
    "CreateAutoMLJobV2": "AutoMLJobName",
    "CreateProcessingJob": "ProcessingJobName",
    "CreateTransformJob": "TransformJobName",
    "CreateModel": "ModelName",
}
"""The member of each request that a pipeline fills in when it runs."""

MAX_CONTAINERS = 200_000
"""Mappings and lists that one request may hold before it is refused unread: far above any real one."""

_CHECKERS: dict[tuple[str, bool], Draft202012Validator | None] = {}
schema_store.on_forget(_CHECKERS.clear)


def satisfied(operation: str, request: Any, in_pipeline: bool = False) -> bool:
    """True where ``request`` satisfies the model of ``operation``, if it is made of dicts, lists, texts, integers,
    numbers that are not whole, and booleans only. An operation that the model does not have gives False.
    """
    checker = _CHECKERS.get((operation, in_pipeline)) or _checker(operation, in_pipeline)
    try:
        return checker is not None and checker.is_valid(request)
    except (ValueError, RecursionError):  # not JSON (a lone surrogate, endless nesting)
        return False


def validate(operation: str, request: Any, in_pipeline: bool = False) -> list[Violation]:
    """Every place where ``request`` breaks the model of ``operation``; empty where it satisfies it.

    With ``in_pipeline`` the job's name may be missing, and null stands for a member left out. Pipeline
    variables (``{"Get": …}``) count as values of whatever type is right. An operation that the model does
    not have gives no violations. Never raises.
    """
    if _is_plain(request) and satisfied(operation, request, in_pipeline):
        return []
    checker = _checker(operation, in_pipeline)
    if checker is None:
        return []
    from cursus.aws import schema_report

    schema = document(operation)
    assert schema is not None
    return schema_report.violations(schema, checker, request, in_pipeline=in_pipeline)


def document(operation: str) -> dict[str, Any] | None:
    """The JSON Schema of an operation's request; None where the model does not have it."""
    return None if operation in ("index", "descriptions") else schema_store.document(operation)


def at(schema: Mapping[str, Any], path: Iterable[str | int]) -> Mapping[str, Any] | None:
    """The schema of the value at ``path`` of a request, with references resolved.

    A position of a list is any integer, an entry of a map any text. None where the model has no such place.
    """
    defs = schema.get("$defs", {})
    node: Any = schema
    for part in path:
        if isinstance(part, int):
            node = node.get("items")
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties")
        if not isinstance(node, Mapping):
            return None
        reference = node.get("$ref")
        if reference is not None:
            node = defs[reference.rpartition("/")[2]]
    return node if isinstance(node, Mapping) else None


def model_date() -> str:
    """The date of the service model in use (``YYYY-MM-DD``)."""
    return str(schema_store.index()["date"])


def model_source() -> str:
    """The package that the service model in use came from, with its version."""
    return str(schema_store.index()["source"])


def _checker(operation: str, in_pipeline: bool) -> Draft202012Validator | None:
    if (operation, in_pipeline) in _CHECKERS:
        return _CHECKERS[operation, in_pipeline]
    schema = document(operation) if isinstance(operation, str) else None
    if schema is not None and in_pipeline:
        name = JOB_NAMES.get(operation)
        required = [member for member in schema.get("required", ()) if member != name]
        schema = {**schema, "required": required}
    try:
        made = None if schema is None else _compile(schema)
    except (ValueError, TypeError):  # the user's own model is damaged: the packaged one is not
        if schema_store.is_packaged():
            raise
        schema_store.distrust()
        return _checker(operation, in_pipeline)
    _CHECKERS[operation, in_pipeline] = made
    return made


def _compile(schema: Mapping[str, Any]) -> Draft202012Validator:
    """Raises ValueError where the document is no JSON Schema."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(dict(schema))


_LEAVES = frozenset({str, int, bool})


def _is_plain(request: Any) -> bool:
    """True where a request is made of dicts, lists, texts, integers and booleans only, and is not endless.

    Floats count as not plain, because jsonschema-rs takes 1.0 for an integer; so does None, which the
    slow way has more to say about.
    """
    if type(request) is not dict:
        return False
    leaves = _LEAVES
    stack: list[Any] = [request]
    push = stack.append
    budget = MAX_CONTAINERS
    while stack:
        top = stack.pop()
        budget -= 1
        if budget < 0:
            return False
        for value in top.values() if type(top) is dict else top:
            kind = type(value)
            if kind in leaves:
                continue
            if kind is not dict and kind is not list:
                return False
            push(value)
    return True
