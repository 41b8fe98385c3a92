"""No value makes reading a step raise anything but an error of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cursus
from cursus.errors import CursusError
from cursus.steps import load
from cursus.steps.lowering.builders import lower
from cursus.steps.lowering.shortforms import KEYS
from cursus.steps.protocol import HOOKS
from tests.steps.made import builder

WORDS = [
    *sorted({key for keys in KEYS.values() for key in keys}),
    "DataSource",
    "S3DataSource",
    "S3Uri",
    "InputDataConfig",
    "HyperParameters",
    "MetricDefinitions",
    "ParameterRanges",
    "HyperParameterTuningJobConfig",
    "Get",
    "min",
    "max",
    "values",
    "step",
]
KEY = st.one_of(st.sampled_from(WORDS), st.text(max_size=4), st.integers(), st.none())
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.binary(max_size=3),
    st.sampled_from([object(), int, len, {1, 2}, "\ud800", "s3://bucket/train/", "pytorch", "INFO"]),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEY, inner, max_size=5)),
    max_leaves=12,
)
QUIET = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@QUIET
@given(hooks=st.dictionaries(st.sampled_from(sorted(HOOKS)), VALUE, max_size=5), request_=VALUE, config=VALUE)
def test_hooks_and_configurations(hooks: dict[str, Any], request_: Any, config: Any) -> None:
    methods: dict[str, Any] = {name: (lambda self, value=value: value) for name, value in hooks.items()}
    builder = type("Builder", (), {"create_step": lambda self: request_, **methods})()
    try:
        step = lower(builder, config)
    except CursusError:
        return
    cursus.check(step)


@QUIET
@given(members=st.dictionaries(st.sampled_from(["AlgorithmSpecification", *WORDS]), VALUE, max_size=5))
def test_mappings(members: dict[str, Any]) -> None:
    try:
        found = load({"TrainingJobName": "a", **members})
    except CursusError:
        return
    assert len(found) == 1


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
@QUIET
@given(
    content=st.one_of(st.binary(max_size=60), st.text(alphabet="{}[]:,\"'-?&*!<>|# \n\tax01", max_size=60))
)
def test_files(suffix: str, content: bytes | str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"hostile{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        load(str(path))
    except CursusError as error:
        assert str(path) in str(error)


class _Raises(dict):  # type: ignore[type-arg]
    """A mapping that raises when it is read."""

    def items(self) -> Any:
        raise RuntimeError("no items today")


def _breaks_off() -> Any:
    yield {"ChannelName": "train"}
    raise RuntimeError("no more channels")


@pytest.mark.parametrize("value", [_breaks_off, lambda: _Raises(a=1)], ids=["generator", "mapping"])
@pytest.mark.parametrize("hook", ["get_training_inputs", "get_metrics_config", "create_step"])
def test_what_raises_only_when_it_is_read(hook: str, value: Any) -> None:
    """A hook whose value raises has failed, as one that raises itself."""
    methods: dict[str, Any] = {"create_step": lambda self: {}, hook: lambda self: value()}
    failures = {one.hook: one for one in lower(type("Builder", (), methods)()).promises.failures}
    assert hook in failures
    if hook != "create_step":
        assert "RuntimeError: no " in failures[hook].message


@pytest.mark.parametrize("value", [{"x": 1}, {"MetricDefinitions": "loss"}, {"Metricdefinitions": []}])
def test_a_metrics_hook_that_defines_none(value: Any) -> None:
    builder = type("Builder", (), {"create_step": lambda self: {}, "get_metrics_config": lambda self: value})
    assert "get_metrics_config" in {one.hook for one in lower(builder()).promises.failures}


@pytest.mark.parametrize("member", ["AlgorithmSpecification", "ResourceConfig", "TrainingJobDefinition"])
@pytest.mark.parametrize("value", [[{}], "x", 7])
def test_a_member_of_another_type_is_not_filled(member: str, value: Any) -> None:
    request: dict[str, Any] = {"TrainingJobName": "churn", "AlgorithmSpecification": {"TrainingImage": "c:1"}}
    if member == "TrainingJobDefinition":
        request = {
            "HyperParameterTuningJobName": "churn",
            "HyperParameterTuningJobConfig": {"Strategy": "Random"},
        }
    made = builder(
        {**request, member: value},
        get_metrics_config=[{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        get_resource_optimization_config={"instance_type": "ml.m5.large"},
    )
    assert lower(made).request[member] == value
