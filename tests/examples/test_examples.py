"""The examples do what their README says: sound builders pass, the broken one fails where it is broken."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from cursus.commands.cli import main
from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests
from tests.modules import load

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SOUND = {
    "sklearn": ("sklearn_demo", "SklearnBuilder"),
    "xgboost": ("xgboost", "XGBoostBuilder"),
    "torch": ("pytorch", "PyTorchBuilder"),
    "tensorflow": ("tensorflow", "TensorFlowBuilder"),
}
FRAMEWORKS = {"sklearn": "sklearn", "xgboost": "xgboost", "torch": "pytorch", "tensorflow": "tensorflow"}


def builder(example: str, name: str) -> Any:
    return getattr(load(EXAMPLES / example / "builder.py", f"{example}_builder"), name)


def verdicts(results: dict[str, Any]) -> dict[str, Any]:
    return {name: one["errors"] for name, one in results["tests"].items() if one["status"] == "failed"}


@pytest.mark.parametrize("package", SOUND)
def test_sound_builders_pass_without_a_run(package: str) -> None:
    example, name = SOUND[package]
    results = TrainingIntegrationTests(builder(example, name), execute=False).run_all_tests()
    assert verdicts(results) == {}
    assert results["all_tests_passed"] is True
    details = results["tests"]["test_framework_specific_training_workflow"]["details"]
    assert details["framework"] == FRAMEWORKS[package]


@pytest.mark.slow
@pytest.mark.parametrize("package", SOUND)
def test_sound_builders_pass_with_a_run(package: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    example, name = SOUND[package]
    tests = TrainingIntegrationTests(builder(example, name), root=str(tmp_path / "root"))
    results = tests.run_all_tests()
    assert verdicts(results) == {}
    details = results["tests"]["test_model_artifact_generation"]["details"]
    assert details["local_job"]["status"] == "Completed"
    assert details["model_files"]
    assert not (EXAMPLES / example / "source" / "__pycache__").exists()


@pytest.mark.slow
def test_the_broken_builder_fails_where_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec("sklearn") is None:
        pytest.skip("sklearn is not installed")
    monkeypatch.chdir(EXAMPLES.parent)
    target = "examples/sklearn_demo/builder.py:BrokenBuilder"
    assert main(("test", target, "--root", str(tmp_path / "root"))) == 1
    said = capsys.readouterr().out.splitlines()
    shown = (EXAMPLES.parent / "README.md").read_text().splitlines()
    told = ("passed  test_", "FAILED  test_")
    assert [line for line in shown if line.startswith(told)] == [
        line for line in said if line.startswith(told)
    ]
    findings = [i for i, line in enumerate(shown) if line.startswith("    examples/")]
    assert findings  # and each with its remedy; some are left out there
    assert {line for i in findings for line in shown[i : i + 2]} <= set(said)
