"""The plugin in a pytest of its own, as its users have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cursus.checks.examples import BASES

CONFIGURATION = """
[[steps]]
target = "twice.json"
name = "twice"
expect_fail = [{ test = "data-channels", reason = "the second channel goes next week" }]

[[steps]]
target = "good.json"
name = "good"
expect_fail = [{ test = "model-artifacts", reason = "nobody knows" }]
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CURSUS_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "--tb=short", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    good = BASES["CreateTrainingJob"]
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "twice.json").write_text(json.dumps({**good, "InputDataConfig": good["InputDataConfig"] * 2}))
    (tmp_path / "cursus.toml").write_text(CONFIGURATION)
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return tmp_path


def test_one_item_a_step_and_test(project: Path) -> None:
    done = run(project, "--cursus", "--cursus-no-run")
    assert "PASSED test_own.py::test_own" in done.stdout
    assert "XFAIL cursus.toml::test_data_channel_integration[twice] - the second channel" in done.stdout
    assert "PASSED cursus.toml::test_data_channel_integration[good]" in done.stdout
    assert "FAILED cursus.toml::test_model_artifact_generation[good]" in done.stdout, "strict: it passed"
    assert "SKIPPED" in done.stdout and "no hyperparameters" in done.stdout
    assert done.returncode == 1


def test_selection_by_name(project: Path) -> None:
    done = run(project, "--cursus", "--cursus-no-run", "-k", "good and channel")
    assert "1 passed, 18 deselected" in done.stdout
    assert done.returncode == 0


def test_an_item_by_its_id(project: Path) -> None:
    done = run(project, "--cursus", "--cursus-no-run", "cursus.toml::test_data_channel_integration[good]")
    assert "1 passed" in done.stdout and "deselected" not in done.stdout


def test_findings_are_the_failure_text(project: Path) -> None:
    (project / "cursus.toml").write_text('steps = ["twice.json"]\n')
    done = run(project, "--cursus", "--cursus-no-run", "-k", "channel")
    assert "error[CHN001] InputDataConfig[1].ChannelName" in done.stdout
    assert "Traceback" not in done.stdout and "pytest_plugin.py" not in done.stdout


def test_nothing_is_imported_without_the_option(project: Path) -> None:
    (project / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    loaded = [name for name in sys.modules if name.startswith('cursus')]\n"
        "    assert sorted(loaded) == ['cursus', 'cursus.pytest_plugin']\n"
    )
    done = run(project)
    assert "1 passed" in done.stdout and done.returncode == 0


def test_steps_of_the_ini_option(project: Path) -> None:
    (project / "cursus.toml").unlink()
    (project / "pytest.ini").write_text("[pytest]\ncursus_steps =\n    good.json\n")
    done = run(project, "--cursus", "--cursus-no-run", "-k", "channel")
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = [{ targt = 'x' }]", "Did you mean 'target'?"),
        ("", "lists no steps"),
        ("steps = [", "broken TOML"),
    ],
)
def test_broken_configuration(project: Path, text: str, said: str) -> None:
    (project / "cursus.toml").write_text(text)
    done = run(project, "--cursus")
    assert said in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr and "pytest_plugin.py" not in done.stdout
    assert done.returncode == 4


def test_target_that_cannot_be_read_fails(project: Path) -> None:
    (project / "cursus.toml").write_text('steps = ["nowhere.json"]\n')
    done = run(project, "--cursus", "-k", "channel")
    assert "there is no such file" in done.stdout and done.returncode == 1
    whole = run(project, "--cursus")
    assert "1 failed, 1 passed, 8 skipped" in whole.stdout, "what cannot be read is told once"


PARAMETRIZED = """
import json
from cursus.pytest_plugin import parametrize_with_tests

REQUEST = json.load(open("twice.json"))

@parametrize_with_tests(
    [REQUEST], expect_fail={"test_data_channel_integration": "goes next week"}, execute=False
)
def test_step(builder, step_test):
    step_test(builder)
"""


def test_decorator(project: Path) -> None:
    (project / "test_own.py").write_text(PARAMETRIZED)
    done = run(project)
    name = "test_own.py::test_step[churn-2026-01-31-test_"
    assert f"XFAIL {name}data_channel_integration] - goes next week" in done.stdout
    assert f"PASSED {name}complete_training_step_creation]" in done.stdout
    assert done.returncode == 0
    (project / "test_own.py").write_text(
        PARAMETRIZED.replace('"test_data_channel_integration": "goes next week"', "")
    )
    failed = run(project, "-k", "data_channel")
    assert "error[CHN001] InputDataConfig[1].ChannelName" in failed.stdout
    assert "step_test(builder)" in failed.stdout and "pytest_plugin.py" not in failed.stdout


def test_decorator_names_what_it_does_not_know() -> None:
    from cursus.pytest_plugin import parametrize_with_tests

    with pytest.raises(ValueError, match=r"none of the nine tests\. Did you mean"):
        parametrize_with_tests([{}], expect_fail={"test_data_chanel_integration": "because"})
    with pytest.raises(ValueError, match="gives no reason for test_data_channel_integration"):
        parametrize_with_tests([{}], expect_fail={"test_data_channel_integration": ""})
