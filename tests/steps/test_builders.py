"""Builders: how they are built, what create_step may give, and the requests that come of it."""

from __future__ import annotations

import dataclasses
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from cursus.errors import ConfigurationError
from cursus.steps.lowering.builders import lower
from tests.steps.made import IMAGE, REQUEST, builder

# --- create_step -------------------------------------------------------------------------------------


def test_request_mapping() -> None:
    step = lower(builder())
    assert (step.name, step.operation, step.type, step.in_pipeline) == (
        "churn",
        "CreateTrainingJob",
        "Training",
        False,
    )
    assert step.request == REQUEST and step.request is not REQUEST
    assert step.promises.failures == () and step.promises.filled == ()


def test_object_with_members_as_attributes() -> None:
    @dataclasses.dataclass
    class Algorithm:
        TrainingImage: str
        TrainingInputMode: str

    class Mode(Enum):
        FILE = "File"

    class TrainingStep:
        TrainingJobName = "churn"
        RoleArn = "r"

        def __init__(self) -> None:
            self.AlgorithmSpecification = Algorithm(IMAGE, Mode.FILE)  # type: ignore[arg-type]
            self.StoppingCondition = SimpleNamespace(MaxRuntimeInSeconds=60)

        def Describe(self) -> None:
            raise AssertionError("methods are no members")

    step = lower(builder(TrainingStep()))
    assert step.promises.failures == ()
    assert step.request == {
        "TrainingJobName": "churn",
        "RoleArn": "r",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    assert lower(TrainingStep()).request == step.request


@pytest.mark.parametrize("as_method", [False, True])
def test_object_with_arguments_has_no_job_name(as_method: bool) -> None:
    arguments: Any = {"AlgorithmSpecification": {}, "RoleArn": "r"}
    made = SimpleNamespace(name="Train", arguments=(lambda: arguments) if as_method else arguments)
    step = lower(builder(made))
    assert (step.name, step.in_pipeline, step.request) == ("Train", True, arguments)
    assert lower(made).request == arguments


def test_create_step_gets_what_its_signature_takes() -> None:
    seen: list[dict[str, Any]] = []

    class Takes:
        def create_step(self, inputs: Any, outputs: Any = None, dependencies: Any = None) -> Any:
            seen.append({"inputs": inputs, "outputs": outputs, "dependencies": dependencies})
            return REQUEST

        def get_training_inputs(self) -> Any:
            return {"train": "s3://bucket/train/"}

    lower(Takes(), {"upstream": ["prepare"]})
    assert seen == [{"inputs": {"train": "s3://bucket/train/"}, "outputs": None, "dependencies": ["prepare"]}]


def test_create_step_with_any_keywords() -> None:
    class Takes:
        def create_step(self, **kwargs: Any) -> Any:
            return {**REQUEST, "TrainingJobName": "-".join(sorted(kwargs)) or "none"}

    assert lower(Takes()).name == "none"
    assert lower(Takes(), {"upstream": "a"}).name == "dependencies"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "returned None"),
        (7, "returned an int"),
        ("a text", "returned a str"),
        ({}, "no request"),
        ({"colour": "red"}, "no request"),
        ([REQUEST], "returned a list"),
        (SimpleNamespace(colour="red"), "neither .arguments nor"),
        ({"Version": "1", "Steps": []}, "pipeline definition"),
    ],
)
def test_create_step_that_returns_nonsense(value: Any, message: str) -> None:
    made = type("Builder", (), {"create_step": lambda self: value})()
    step = lower(made)
    (failure,) = step.promises.failures
    assert failure.hook == "create_step" and message in failure.message
    assert step.request == {}


def test_create_step_that_raises_names_the_line() -> None:
    def helper() -> None:
        raise KeyError("bucket")

    def create_step(self: Any) -> Any:
        helper()

    step = lower(builder(create_step=create_step, get_metrics_config={"MetricDefinitions": []}))
    (failure,) = step.promises.failures
    assert failure.message == "create_step raised KeyError: 'bucket'"
    assert "in helper" in failure.traceback and "steps/lowering/hooks.py" not in failure.traceback
    assert failure.location and failure.location.file == __file__
    assert failure.location.line == helper.__code__.co_firstlineno + 1
    assert "get_metrics_config" in step.promises.hooks


def test_what_stands_below_the_heading_of_an_error_is_told() -> None:
    def create_step(self: Any) -> Any:
        raise ValueError("Parameter validation failed:\nMissing RoleArn\n\nMissing Tags\nMissing VpcConfig\n")

    (failure,) = lower(builder(create_step=create_step)).promises.failures
    said = "Parameter validation failed: Missing RoleArn; Missing Tags …"
    assert failure.message == f"create_step raised ValueError: {said}"


def test_missing_create_step_and_empty_class() -> None:
    class Empty:
        pass

    for made in (Empty, Empty()):
        (failure,) = lower(made).promises.failures
        assert failure.hook == "create_step" and "has no create_step" in failure.message


def test_exit_is_a_failure_and_interrupt_is_not() -> None:
    def leave(self: Any) -> Any:
        raise SystemExit(3)

    def interrupt(self: Any) -> Any:
        raise KeyboardInterrupt

    (failure,) = lower(builder(create_step=leave)).promises.failures
    assert "SystemExit" in failure.message
    with pytest.raises(KeyboardInterrupt):
        lower(builder(get_hyperparameters=interrupt))


# --- building ----------------------------------------------------------------------------------------


class Positional:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.name = settings["role"]

    def create_step(self) -> Any:
        return {"TrainingJobName": self.name}


class Keyword(Positional):
    def __init__(self, *, config: dict[str, Any]) -> None:
        super().__init__(config)


class Nothing(Positional):
    def __init__(self) -> None:
        self.name = "r"


@pytest.mark.parametrize("made", [Positional, Keyword, Nothing])
def test_class_is_built_with_config(made: type) -> None:
    step = lower(made, {"role": "r"})
    assert step.promises.failures == ()
    assert step.request == {"TrainingJobName": "r", "RoleArn": "r"}


def test_class_that_cannot_be_built() -> None:
    (failure,) = lower(Positional).promises.failures
    assert failure.hook == "__init__" and "KeyError" in failure.message
    assert failure.location and failure.location.file == __file__
    assert failure.location.line == Positional.__init__.__code__.co_firstlineno + 1


@pytest.mark.parametrize("config", [7, "text", ["a"]])
def test_config_that_is_none(config: Any) -> None:
    with pytest.raises(ConfigurationError, match="not a mapping"):
        lower(builder(), config)


def test_config_as_object() -> None:
    @dataclasses.dataclass
    class Config:
        training_instance_type: str = "ml.m5.xlarge"
        training_instance_count: int = 1

    assert lower(builder(), Config()).request["ResourceConfig"] == {
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": 1,
    }


@dataclasses.dataclass
class Size:
    role: str
    training_instance_type: str = "ml.m5.xlarge"
    training_instance_count: int = 1


class Sized:
    def __init__(self, config: Size | None, session: Any = None) -> None:
        assert isinstance(config, Size)
        self.config = config

    def create_step(self) -> dict[str, Any]:
        return {**REQUEST, "RoleArn": self.config.role}


def test_a_mapping_becomes_the_class_of_configuration_that_the_builder_names() -> None:
    step = lower(Sized, {"role": "r", "training_instance_count": 2})
    assert step.promises.failures == ()
    assert step.request["RoleArn"] == "r"
    assert step.request["ResourceConfig"] == {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}
    for config, said in (
        ({}, "missing 1 required"),
        ({"role": "r", "rol": 1}, "unexpected keyword argument 'rol'"),
    ):
        (failure,) = lower(Sized, config).promises.failures
        assert failure.hook == "__init__" and said in failure.message
        assert (
            failure.message.startswith("the configuration Size raised TypeError")
            and failure.location is not None
        )
        assert failure.location.line == Sized.__init__.__code__.co_firstlineno


def test_the_suites_own_keys_are_no_members_of_the_class_of_configuration() -> None:
    step = lower(Sized, {"role": "r", "local_channels": {"train": "data"}, "region": "eu-west-1"})
    assert step.promises.failures == ()
    assert step.region == "eu-west-1" and "train" in step.promises.local_channels


class OfNames:
    def __init__(self, role: str, *, job: str = "j") -> None:
        self.request = {"TrainingJobName": job, "RoleArn": role}

    def create_step(self) -> Any:
        return self.request


class HandsOn(OfNames):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class ReadsKeywords(OfNames):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(kwargs["role"], job=kwargs.get("job", "j"))


class WithSettings(OfNames):
    def __init__(self, stage: str, config: dict[str, Any], region: str) -> None:
        assert stage == "dev" and region
        super().__init__(config["role"], job=config["job"])


@dataclasses.dataclass
class OfFields:
    role: str
    job: str = "j"

    def create_step(self, config: dict[str, Any], bucket: str) -> Any:
        assert bucket and config["job"] == self.job
        return {"TrainingJobName": self.job, "RoleArn": self.role}


@pytest.mark.parametrize("made", [OfNames, HandsOn, ReadsKeywords, WithSettings, OfFields])
def test_arguments_are_given_by_name(made: type) -> None:
    config = {"role": "r", "job": "k", "stage": "dev", "training_instance_count": 2, "local_channels": {}}
    step = lower(made, config)
    assert step.promises.failures == ()
    assert step.request["TrainingJobName"] == "k" and step.request["RoleArn"] == "r"


def test_a_configuration_is_read_by_key_or_by_attribute() -> None:
    class ByAttribute:
        def __init__(self, cfg=None):  # type: ignore[no-untyped-def]
            self.cfg = cfg

        def create_step(self) -> Any:
            return {"TrainingJobName": self.cfg.job.name, "RoleArn": self.cfg["role"]}

    step = lower(ByAttribute, {"role": "r", "job": {"name": "k"}})
    assert step.request["TrainingJobName"] == "k"
    (failure,) = lower(ByAttribute, {"role": "r"}).promises.failures
    assert "the configuration has no 'job'" in failure.message
    (failure,) = lower(ByAttribute, {"local_channels": {}}).promises.failures
    assert "'NoneType'" in failure.message, "what only the suite reads is no configuration of the builder's"


def test_arguments_that_nobody_knows_are_named() -> None:
    class Unknown:
        def __init__(self, config: Any, tenant: str) -> None: ...

    (failure,) = lower(Unknown, {"role": "r"}).promises.failures
    assert "missing 1 required positional argument: 'tenant'" in failure.message


def test_a_step_of_a_definition_says_what_it_waits_for() -> None:
    step = {"Name": "Train", "Type": "Training", "DependsOn": ["Split", "Check"], "Arguments": REQUEST}
    made = builder(create_step=lambda self: step, get_dependencies=lambda self: {"data": {"step": "Split"}})
    assert lower(made).promises.dependencies == {"data": {"step": "Split"}, "Check": {"step": "Check"}}


def test_a_class_without_create_step_is_named_with_what_may_be_meant() -> None:
    class Empty: ...

    class Near:
        def create_steps(self) -> None: ...

    (failure,) = lower(Empty).promises.failures
    assert failure.location is not None and failure.location.file == __file__
    (failure,) = lower(Near).promises.failures
    assert failure.remedy.startswith("Call create_steps that")


def test_instance_that_keeps_its_config() -> None:
    made = builder()
    made.config = {"max_runtime_in_seconds": 60}
    assert lower(made).request["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}


def test_a_configuration_that_contains_itself_is_refused() -> None:
    config: dict[str, Any] = {"role": "r"}
    config["again"] = [config]
    with pytest.raises(ConfigurationError, match="nests deeper than 200 levels, or contains itself"):
        lower(builder(), config)
