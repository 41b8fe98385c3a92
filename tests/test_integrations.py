"""The GitHub Action and the pre-commit hooks, carried out as GitHub and pre-commit carry them out."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[1]
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
REQUEST = {
    "TrainingJobName": "churn",
    "RoleArn": ROLE,
    "AlgorithmSpecification": {
        "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1",
        "TrainingInputMode": "File",
    },
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
WRONG = {**REQUEST, "ResourceConfig": {**REQUEST["ResourceConfig"], "InstanceType": "ml.m5.larg"}}  # type: ignore[dict-item]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "good-request.json").write_text(json.dumps(REQUEST))
    (tmp_path / "bad-request.json").write_text(json.dumps(WRONG))
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}


def action(project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Carry out the action's steps but its installation; the first that fails ends it, as on a runner."""
    document: dict[str, Any] = yaml.safe_load((TOP / "action.yml").read_text())
    given = {name: inputs.pop(name, spec["default"]) for name, spec in document["inputs"].items()}
    assert inputs == {}
    done = subprocess.CompletedProcess([], 0, "", "")
    for step in document["runs"]["steps"]:
        if step["name"] == "Install" or not wanted(step.get("if", ""), given):
            continue
        values = {name: filled(text, given) for name, text in step["env"].items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(command, cwd=project, env=environment(**values), capture_output=True, text=True)
        if done.returncode:
            break
    return done


def filled(text: str, given: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: given[match[1]], text)


def wanted(condition: str, given: dict[str, str]) -> bool:
    """``inputs.a != '' && inputs.b == 'check'``, which is all that the action says."""
    for part in filter(None, condition.split(" && ")):
        match = re.fullmatch(r"inputs\.(\w+) (==|!=) '([^']*)'", part)
        assert match is not None, part
        if (given[match[1]] == match[3]) != (match[2] == "=="):
            return False
    return True


def test_the_action_installs_its_own_revision(tmp_path: Path) -> None:
    """The name may be another project's in a registry."""
    document = yaml.safe_load((TOP / "action.yml").read_text())
    (install,) = [step for step in document["runs"]["steps"] if step["name"] == "Install"]
    pip = tmp_path / "python"
    pip.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    pip.chmod(0o755)
    for extras, wanted in (("", f"{TOP}"), ("s3,html", f"{TOP}[s3,html]")):
        values = {name: filled(text, {"extras": extras}) for name, text in install["env"].items()}
        env = {**values, "PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_ACTION_PATH": str(TOP)}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", install["run"]]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert done.stdout == f"-m|pip|install|{wanted}|"


def test_the_action_passes_a_sound_request(project: Path) -> None:
    done = action(project, targets="good-request.json")
    assert (done.returncode, "::error" in done.stdout) == (0, False), done.stdout + done.stderr


def test_the_action_annotates_a_wrong_one_and_leaves_a_report(project: Path) -> None:
    done = action(project, targets="good-request.json bad-request.json", sarif="cursus.sarif")
    assert done.returncode == 1 and "file=bad-request.json,line=" in done.stdout
    results = json.loads((project / "cursus.sarif").read_text())["runs"][0]["results"]
    assert {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results} == {
        "bad-request.json"
    }


def test_the_action_hands_options_on(project: Path) -> None:
    assert action(project, targets="bad-request.json", arguments="--ignore RES").returncode == 0


def test_the_action_expands_targets_and_runs_no_command(project: Path) -> None:
    assert "file=bad-request.json" in action(project, targets="*.json").stdout
    assert (
        action(project, targets="good*.json", arguments="--ignore CHN*").returncode == 2
    )  # no rule of this name
    action(project, targets="good-request.json; touch here $(touch there)")
    assert not (project / "here").exists() and not (project / "there").exists()


def test_the_action_knows_two_commands(project: Path) -> None:
    done = action(project, command="clean")
    assert done.returncode == 2 and "command is check or test, not clean" in done.stdout


def hook(id: str) -> dict[str, Any]:
    hooks = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())
    return next(one for one in hooks if one["id"] == id)


@pytest.mark.parametrize(("name", "code"), [("good-request.json", 0), ("bad-request.json", 1)])
def test_the_hook_checks_the_files_that_it_asks_for(project: Path, name: str, code: int) -> None:
    assert re.search(hook("cursus-check")["files"], name)
    command = [*shlex.split(hook("cursus-check")["entry"]), name]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr


def test_the_hook_passes_over_files_that_are_for_others(project: Path) -> None:
    (project / "pipeline.yml").write_text("name: ci\non: push\n")
    (project / "training-data.json").write_text('{"rows": [1, 2]}')
    (project / "training.yml").write_text("chart: {{ .Values.name }}\n")
    names = ["pipeline.yml", "training-data.json", "training.yml"]
    assert all(re.search(hook("cursus-check")["files"], name) for name in names)
    for more, code in (([], 0), (["good-request.json"], 0), (["bad-request.json"], 1), (["gone.json"], 2)):
        command = [*shlex.split(hook("cursus-check")["entry"]), *names, *more]
        done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
    (project / "broken-request.json").write_text('{"TrainingJobName": "a",}')
    command = [*shlex.split(hook("cursus-check")["entry"]), "broken-request.json"]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    # Python 3.13 points at the comma, those before it at what follows
    assert done.returncode == 2 and re.search(
        "broken-request.json:1:2[45]: unreadable: this is no JSON", done.stdout
    )


def test_the_hook_leaves_other_files_alone() -> None:
    for name in ("package.json", "tsconfig.json", "data/requests/notes.txt"):
        assert not re.search(hook("cursus-check")["files"], name), name
    for name in ("azure-pipelines.yml", ".github/workflows/training.yml", "ci/bitbucket-pipelines.yml"):
        assert re.search(hook("cursus-check")["exclude"], name), name
    assert not re.search(hook("cursus-check")["exclude"], "jobs/churn-pipeline.json")


def test_the_hook_of_configured_steps(project: Path) -> None:
    (project / "cursus.toml").write_text('steps = ["bad-request.json"]\n')
    command = shlex.split(hook("cursus-steps")["entry"])
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "bad-request.json:" in done.stdout
