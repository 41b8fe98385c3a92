"""Whatever is put into a request, a check answers: nothing may raise."""

from __future__ import annotations

import copy
import datetime
import math
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cursus import engine
from cursus.aws import schema
from cursus.checks.examples import BASES
from cursus.checks.views import Settings
from cursus.model import Step
from cursus.steps import kinds

OPERATIONS = [name for name in BASES if name != "Pipeline"]
NAMES = sorted({name for base in BASES.values() for name in base} | {"S3Uri", "Get", "Std:Join", "", "7"})
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["s3://s3://", "s3://", "arn:", "<", "${", "None", '"', "\ud800", "\x00", "{{", "https://", "%s", "-"]
    )
    | st.binary(max_size=3)
    | st.just(datetime.date(2026, 1, 1))
    | st.just(math.nan)
    | st.just({1, 2})
    | st.just(object)
)
KEYS = st.sampled_from(NAMES) | st.text(max_size=4) | st.integers() | st.none() | st.binary(max_size=2)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4) | st.tuples(inner, inner)
    ),
    max_leaves=12,
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        found.extend(paths(inner, (*path, key)))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """A sound request with up to three values replaced, taken away, doubled or added."""
    operation = draw(st.sampled_from(OPERATIONS))
    request = copy.deepcopy(BASES[operation])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(request)))
        around: Any = request
        for part in path[:-1]:
            around = around[part]
        action = draw(st.sampled_from(["replace", "remove", "double", "add"]))
        if action == "replace":
            around[path[-1]] = draw(VALUES)
        elif action == "remove":
            del around[path[-1]]
        elif isinstance(around, list):
            around.append(copy.deepcopy(around[path[-1]]) if action == "double" else draw(VALUES))
        else:
            around[draw(KEYS)] = draw(VALUES)
        if not paths(request):
            break
    return operation, request


@QUICK
@given(st.sampled_from(OPERATIONS), VALUES, st.booleans())
def test_validate_takes_anything(operation: str, value: Any, in_pipeline: bool) -> None:
    for violation in schema.validate(operation, value, in_pipeline=in_pipeline):
        assert violation.message


@QUICK
@given(mutated(), st.booleans())
def test_validate_takes_mutated_requests(case: tuple[str, Any], in_pipeline: bool) -> None:
    operation, request = case
    for violation in schema.validate(operation, request, in_pipeline=in_pipeline):
        assert violation.message


@QUICK
@given(mutated())
def test_a_check_takes_mutated_requests(case: tuple[str, Any]) -> None:
    operation, request = case
    step = Step("mutated", operation, request, kinds.TYPES[operation])
    for finding in engine.check_step(step, Settings(region="eu-west-1")):
        assert finding.message
        assert isinstance(finding.path, str)


@QUICK
@given(st.sampled_from(OPERATIONS), VALUES)
def test_a_check_takes_anything(operation: str, value: Any) -> None:
    for finding in engine.check_step(Step("anything", operation, value, kinds.TYPES[operation]), Settings()):
        assert finding.message
