"""What is said of a builder whose hooks raise, give nonsense or have another name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.steps.lowering.builders import lower
from tests.steps.made import REQUEST, builder, channel


def test_a_hook_that_a_base_class_only_names_is_none() -> None:
    class Base:
        def create_step(self) -> Any:
            return REQUEST

        def get_tuning_config(self) -> Any:
            raise NotImplementedError

    class Own(Base):
        def get_hyperparameters(self) -> Any:
            raise NotImplementedError

    step = lower(Own())
    assert "get_tuning_config" not in step.promises.hooks
    assert [failure.hook for failure in step.promises.failures] == ["get_hyperparameters"]


# --- promises ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "value"),
    [
        ("get_hyperparameters", [1]),
        ("get_training_inputs", "s3://bucket/"),
        ("get_expected_artifacts", "model.pkl"),
        ("get_expected_artifacts", [1, 2]),
        ("is_distributed_training", "yes"),
        ("get_metrics_config", 7),
    ],
)
def test_hook_that_returns_nonsense(hook: str, value: Any) -> None:
    step = lower(builder(**{hook: value, "get_outputs": ["model"]}))
    (failure,) = step.promises.failures
    assert failure.hook == hook and "returned a" in failure.message
    assert hook not in step.promises.hooks and step.promises.hooks["get_outputs"] == ["model"]


def test_coroutine_and_endless_values_are_failures() -> None:
    async def later(self: Any) -> Any:
        return {}

    endless: dict[str, Any] = {}
    endless["a"] = endless
    step = lower(builder(get_hyperparameters=later, get_step_config=endless))
    assert {failure.hook for failure in step.promises.failures} == {"get_hyperparameters", "get_step_config"}


def test_one_failure_is_said_once() -> None:
    class Builder:
        def create_step(self) -> Any:
            raise ValueError("no bucket")

    (found,) = cursus.check(Builder()).findings
    assert (found.rule, found.remedy) == ("STP089", "Mend what raises.")


def test_what_raises_in_another_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cursus_test_settings.py").write_text("def role(config):\n    return config['role']\n")
    (tmp_path / "builder.py").write_text(
        "from cursus_test_settings import role\n\nclass Builder:\n    def create_step(self):\n        return role({})\n"
    )
    (found,) = cursus.check(f"{tmp_path}/builder.py:Builder").findings
    assert found.line == 5
    assert found.remedy == f"Mend what raises: role, in {tmp_path}/cursus_test_settings.py:2."


def test_create_step_that_asks_for_inputs_which_nobody_knows() -> None:
    class Named:
        def create_step(self, inputs: Any) -> Any:
            return {**REQUEST, "InputDataConfig": [channel(inputs["train"], ChannelName="train")]}

    class Positional:
        def create_step(self, inputs: Any, /) -> Any:
            return {**REQUEST, "InputDataConfig": [channel(inputs["train"], ChannelName="train")]}

        def get_training_inputs(self) -> Any:
            return [channel("s3://example-bucket/a/", ChannelName="train")]

    (failure,) = lower(Named()).promises.failures
    assert "KeyError: 'train'" in failure.message and "inputs were empty" in failure.message
    assert "get_training_inputs" in failure.remedy
    step = lower(Positional())
    assert step.promises.failures == () and step.request["InputDataConfig"][0]["ChannelName"] == "train"


def test_create_step_that_a_hook_of_it_stops() -> None:
    class Builder:
        def create_step(self, inputs: Any = None) -> Any:
            return {**REQUEST, "HyperParameters": self.get_hyperparameters()}

        def get_hyperparameters(self) -> Any:
            raise KeyError("input")

    by_hook = {failure.hook: failure for failure in lower(Builder()).promises.failures}
    assert "inputs were empty" not in by_hook["create_step"].message
    assert "get_hyperparameters" in by_hook["create_step"].remedy and "get_hyperparameters" in by_hook


def test_create_step_that_asks_for_more_than_anybody_gives() -> None:
    class Asks:
        def create_step(self, inputs: Any, registry: Any) -> Any:
            raise AssertionError

    (failure,) = lower(Asks()).promises.failures
    assert "asks for the argument 'registry'" in failure.message and failure.location is not None


def test_misspelt_hook_is_named_unless_something_calls_it() -> None:
    class Builder:
        def create_step(self) -> Any:
            return REQUEST

        def get_trainin_inputs(self) -> Any:
            return []

        def get_hyperparameter(self, name: str) -> Any:
            return name

    class Calls(Builder):
        def create_step(self) -> Any:
            return {**REQUEST, "HyperParameters": dict(self.get_trainin_inputs())}

    class Has(Builder):
        def get_training_inputs(self) -> Any:
            return []

    (finding,) = [one for one in cursus.check(Builder()).findings if one.rule == "STP091"]
    assert "Did you mean 'get_training_inputs'?" in finding.message
    assert finding.line == Builder.get_trainin_inputs.__code__.co_firstlineno
    for other in (Calls(), Has()):
        assert "STP091" not in [one.rule for one in cursus.check(other).findings]


def test_builder_that_cannot_be_made_is_told_of_its_configuration() -> None:
    class Builder:
        def __init__(self, config: Any) -> None:
            self.bucket = config["bucket"]

        def create_step(self) -> Any:
            return REQUEST

    (bare,) = cursus.check(Builder).findings
    assert "without a configuration" in bare.remedy
    given = [one for one in cursus.check(Builder, config={"role": "r"}).findings if one.rule == "STP089"]
    assert "Give the configuration" in given[0].remedy
