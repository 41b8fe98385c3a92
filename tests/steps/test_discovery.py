"""Registered builders, scans, and the types of steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cursus.errors import TargetError
from cursus.steps import discovery, load
from cursus.steps.discovery import discover_step_type, step_builder, step_type
from cursus.steps.lowering.builders import lower


class Returns:
    def __init__(self, request: Any = None) -> None:
        self.request = request

    def create_step(self) -> Any:
        return self.request


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"TrainingJobName": "a"}, "Training"),
        ({"HyperParameterTuningJobName": "a"}, "Tuning"),
        ({"AutoMLJobName": "a", "InputDataConfig": []}, "AutoML"),
        ({"ProcessingJobName": "a"}, "Processing"),
        ({"TransformJobName": "a"}, "Transform"),
        ({"ModelName": "a", "ExecutionRoleArn": "r"}, "CreateModel"),
    ],
)
def test_type_by_the_step(request_: dict[str, Any], kind: str) -> None:
    found, why = step_type(Returns(request_))
    assert found == kind and "create_step" in why


def test_registration_comes_first() -> None:
    @step_builder(type="processing")
    class Builder(Returns):
        step_type = "Transform"

    assert step_type(Builder) == ("Processing", "registered as processing")
    assert discover_step_type(Builder({"TrainingJobName": "a"})) == "Processing"
    assert "Builder" in {one.name for one in discovery.registered()}


def test_attribute_comes_before_the_step() -> None:
    class Builder(Returns):
        STEP_TYPE = "CreateModelStep"

    found, why = step_type(Builder({"TrainingJobName": "a"}))
    assert found == "CreateModel" and "STEP_TYPE" in why
    assert discover_step_type(SimpleNamespace(step_type="RegisterModel")) == "RegisterModel"


def test_hooks_come_last() -> None:
    class Training:
        def get_hyperparameters(self) -> dict[str, Any]:
            return {}

    class Processing:
        def get_processing_inputs(self) -> list[Any]:
            return []

        def create_step(self) -> Any:
            raise ValueError

    assert discover_step_type(Training) == "Training"
    assert step_type(Processing()) == ("Processing", "it has the hook get_processing_inputs")
    assert step_type(type("Thing", (), {}))[0] is None
    assert step_type(type("MyTransformStepBuilder", (), {}))[0] == "Transform"


MODULE = """\
from cursus.steps.discovery import step_builder

@step_builder
class Plain:
    def create_step(self):
        return {"TrainingJobName": "plain", "RoleArn": "r"}

@step_builder(name="factory", type="Training")
def make():
    return Plain()

class Unregistered:
    def create_step(self): ...
"""


def test_scan_of_module_package_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "cursus_test_scanned"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "steps.py").write_text(MODULE)
    (tmp_path / "alone.py").write_text(MODULE)
    assert [one.name for one in discovery.scan("cursus_test_scanned")] == ["Plain", "factory"]
    assert [one.name for one in discovery.scan("cursus_test_scanned.deep.steps")] == ["Plain", "factory"]
    assert [one.name for one in discovery.scan(str(tmp_path / "alone.py"))] == ["Plain", "factory"]
    names = [one.__name__ for one in discovery.candidates(str(tmp_path / "alone.py"))]
    assert names == ["Plain", "Unregistered"]
    assert [step.name for step in load(str(tmp_path / "alone.py"))] == ["plain", "plain"]
    (package / "broken.py").write_text("1 / 0\n")
    with pytest.raises(TargetError, match=r"broken\.py:1: ZeroDivisionError"):
        discovery.scan("cursus_test_scanned")


def test_entry_points_register_builders(tmp_path: Path) -> None:
    (tmp_path / "churn_package.py").write_text(MODULE)
    info = tmp_path / "churn-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: churn\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cursus.step_builders]\nchurn = churn_package:Plain\n")
    code = (
        "from cursus.steps import discovery, load\n"
        "print([(one.name, one.builder.__name__) for one in discovery.installed()], load('churn')[0].name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{Path(discovery.__file__).parents[2]}", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[('churn', 'Plain')] plain"


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        ({"ModelPackageGroupName": "churn", "InferenceSpecification": {}}, "RegisterModel"),
        ({"Name": "Enough", "Type": "Condition", "Arguments": {"Conditions": []}}, "Condition"),
        ({"Name": "Split", "Type": "Processing", "Arguments": {}}, "Processing"),
    ],
)
def test_type_by_a_step_that_is_no_request_known_here(returned: Any, kind: str) -> None:
    builder = type("Builder", (), {"create_step": lambda self: returned})
    assert discover_step_type(builder) == discover_step_type(builder()) == kind


def test_a_step_that_cannot_be_made_is_the_reason() -> None:
    class Builder:
        def create_step(self) -> Any:
            raise ValueError("no bucket")

    found, reason = step_type(Builder)
    assert found is None and "ValueError: no bucket" in reason


def test_attributes_that_raise_tell_nothing() -> None:
    class Builder:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    assert discover_step_type(Builder()) is None
    assert lower(Builder()).promises.failures
