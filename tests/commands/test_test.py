"""``cursus test``: the nine tests from the command line."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cursus.checks.examples import BASES
from tests.commands.conftest import SOURCE, Cursus, with_source

BUILDER = '''
class Builder:
    """Trains on one file."""

    def __init__(self, config=None):
        self.config = config or {}

    def create_step(self):
        import json
        return json.load(open("good.json"))

    def get_expected_artifacts(self):
        return ["model.txt"]


class Raises(Builder):
    def create_step(self):
        raise RuntimeError("no such table")


class Nothing:
    pass
'''
SCRIPT = """
import os
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w") as file:
    file.write(open(os.environ["SM_CHANNEL_TRAIN"] + "/a.csv").read())
"""


@pytest.fixture
def project(folder: Path, good: dict[str, Any]) -> Path:
    (folder / "builders.py").write_text(BUILDER)
    return with_source(folder, SCRIPT, "1,2\n3,4\n")


def test_builder_that_passes_with_a_real_run(cursus: Cursus, project: Path) -> None:
    done = cursus("test", "builders.py:Builder", *SOURCE)
    assert done.code == 0, done.out
    assert "passed  test_model_artifact_generation" in done.out
    assert "local run: Completed after" in done.out
    assert "skipped test_training_dependency_resolution: " in done.out


def test_run_that_breaks_a_promise_fails_in_its_test(cursus: Cursus, project: Path) -> None:
    (project / "src" / "train.py").write_text("print('nothing is saved')\n")
    done = cursus("test", "builders.py:Builder", *SOURCE, "--format", "json")
    assert done.code == 1
    (result,) = done.json()["results"]
    assert result["all_tests_passed"] is False
    assert result["tests"]["test_model_artifact_generation"]["status"] == "failed"
    assert result["tests"]["test_complete_training_step_creation"]["status"] == "passed"


def test_no_run(cursus: Cursus, project: Path) -> None:
    done = cursus("test", "builders.py:Builder", *SOURCE, "--no-run")
    assert done.code == 0 and "local run: not run" in done.out
    assert not (project / ".cursus").exists()


def test_each_of_several_builders_is_named(cursus: Cursus, project: Path) -> None:
    (project / "builders.py").write_text(BUILDER + "\n\nclass Other(Builder):\n    pass\n")
    alone = cursus("test", "builders.py:Other", "--no-run").out
    both = cursus("test", "builders.py:Builder", "builders.py:Other", "--no-run").out
    heading = alone.partition("\n")[0]
    assert heading.startswith("== ") and heading.endswith(" (Training)")
    assert f"{heading} of builders.py:Builder\n" in both and f"{heading} of builders.py:Other\n" in both


@pytest.mark.parametrize(("name", "said"), [("Raises", "no such table"), ("Nothing", "create_step")])
def test_builder_without_a_step(cursus: Cursus, project: Path, name: str, said: str) -> None:
    done = cursus("test", f"builders.py:{name}", "--no-run")
    assert done.code == 1, done
    assert "FAILED  test_complete_training_step_creation" in done.out and said in done.out
    assert "skipped test_data_channel_integration" in done.out


def test_expected_failures(cursus: Cursus, project: Path, twice: dict[str, Any]) -> None:
    entry = '[[steps]]\ntarget = "twice.json"\nexpect_fail = [{ test = "%s", reason = "known" }]\n'
    (project / "cursus.toml").write_text(entry % "data-channels")
    done = cursus("test", "--no-run")
    assert done.code == 0, done.out
    assert "failed, as expected test_data_channel_integration: known" in done.out
    assert "1 failed as expected" in done.out.splitlines()[-1]
    (project / "cursus.toml").write_text(entry % "model-artifacts")
    done = cursus("test", "--no-run")
    assert (
        done.code == 1 and "PASSED, though a failure was expected test_model_artifact_generation" in done.out
    )
    assert "1 passed unexpectedly" in done.out.splitlines()[-1]


def test_a_report_in_a_file_is_summed_up(cursus: Cursus, project: Path) -> None:
    done = cursus("test", "builders.py:Nothing", "--format", "junit", "--output", "report.xml")
    assert (done.code, done.out) == (1, "") and "1 failed, 8 skipped; 1 error" in done.err


def test_formats(cursus: Cursus, project: Path, twice: dict[str, Any]) -> None:
    arguments = ("test", "good.json", "twice.json", "--no-run", "--format")
    suites = ElementTree.fromstring(cursus(*arguments, "junit").out)
    assert [suite.get("tests") for suite in suites] == ["9", "9"]
    assert suites.find(".//testcase[@name='test_data_channel_integration']/failure") is not None
    assert "::error" in cursus(*arguments, "github").out
    assert cursus(*arguments, "sarif").json()["runs"][0]["results"]
    lines = cursus(*arguments, "jsonl").out.splitlines()
    assert sum('"kind": "test"' in line for line in lines) == 18


def test_builder_config_from_a_file(cursus: Cursus, project: Path) -> None:
    (project / "flat.json").write_text('{"framwork": "pytorch"}')
    done = cursus("test", "builders.py:Builder", "--no-run", "--config", "flat.json")
    assert "framwork" in done.out + done.err and "framework" in done.out + done.err


SUITE = """
from cursus.validation.builders.test_factory import register_suite

class ProcessingTests:
    def __init__(self, builder, config=None):
        self.builder = builder
    def run_all_tests(self):
        result = {"test_name": "test_of_theirs", "passed": True, "status": "passed", "details": {}}
        return {"all_tests_passed": True, "step_type": "Processing", "step_name": "clean",
                "tests": {"test_of_theirs": result}, "summary": {}, "findings": []}

register_suite("Processing", ProcessingTests)

class Cleaning:
    step_type = "Processing"
    def create_step(self):
        return {}
"""


def test_suite_of_a_third_party(cursus: Cursus, project: Path) -> None:
    from cursus.validation.builders.test_factory import unregister_suite

    (project / "theirs.py").write_text(SUITE)
    try:
        done = cursus("test", "theirs.py:Cleaning")
    finally:
        unregister_suite("Processing")
    assert done.code == 0 and "== clean (Processing)" in done.out and "passed  test_of_theirs" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a TARGET"),
        (("nowhere.json",), "there is no such file"),
        (("builders.py:Missing",), "Missing"),
        (("good.json", "--config", "nowhere.json"), "there is no such file"),
        (("processing.json",), "no training, tuning or AutoML step"),
    ],
)
def test_bad_input(cursus: Cursus, project: Path, arguments: tuple[str, ...], said: str) -> None:
    (project / "processing.json").write_text(
        '{"ProcessingJobName": "a", "ProcessingResources": {}, "AppSpecification": {}, "RoleArn": "x"}'
    )
    done = cursus("test", *arguments)
    assert done.code == (1 if "processing.json" in arguments else 2), done
    assert said in done.out + done.err and "Traceback" not in done.out + done.err


def test_what_only_a_helper_warns_of_is_written_too(cursus: Cursus, project: Path) -> None:
    """A test with warnings shows them all, not only their number."""
    text = (project / "builders.py").read_text()
    hook = "    def get_training_inputs(self):\n        channel = self.create_step()['InputDataConfig'][0]\n"
    hook += "        return [{key: channel[key] for key in channel if key != 'ContentType'}]\n"
    (project / "builders.py").write_text(text.replace("\n\nclass Raises", f"\n{hook}\n\nclass Raises"))
    done = cursus("test", "builders.py:Builder", "--no-run")
    assert done.code == 0, done.out
    assert "test_data_channel_integration (1 warning)" in done.out
    assert "warning: Training input 0 missing field: ContentType" in done.out


def test_a_folder_that_cannot_be_written_is_no_success(cursus: Cursus, project: Path) -> None:
    (project / "jobs.txt").write_text("a file where the folder should be")
    done = cursus("test", "builders.py:Builder", *SOURCE, "--root", "jobs.txt")
    assert done.code == 2, done.out
    assert "not run: " in done.err and "jobs.txt" in done.err
    assert "passed  test_complete_training_step_creation" in done.out
    assert "warning: The step was not run here" in done.out
    assert cursus("test", "builders.py:Builder", *SOURCE, "--root", "jobs.txt", "--no-run").code == 0


@pytest.mark.parametrize(
    ("reference", "code", "said"),
    [
        ("Steps.Split.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri", 0, "passed  "),
        ("Steps.Split.ProcessingOutputConfig.Outputs['val'].S3Output.S3Uri", 1, "has no output 'val'"),
        ("Steps.Spilt.ModelArtifacts.S3ModelArtifacts", 1, "Did you mean 'Split'?"),
    ],
)
def test_what_a_pipelines_step_refers_to(
    cursus: Cursus, folder: Path, reference: str, code: int, said: str
) -> None:
    train = copy.deepcopy(BASES["Pipeline"]["Steps"][0])
    train["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = {"Get": reference}
    output = {"OutputName": "train", "S3Output": {"S3Uri": "s3://example-bucket/train/"}}
    split = {
        "Name": "Split",
        "Type": "Processing",
        "Arguments": {"ProcessingOutputConfig": {"Outputs": [output]}},
    }
    (folder / "pipeline.json").write_text(json.dumps({**BASES["Pipeline"], "Steps": [split, train]}))
    done = cursus("test", "pipeline.json", "--no-run")
    told = done.out[done.out.index("test_training_dependency_resolution") - 10 :]
    assert done.code == code and said in told, done.out


def test_folder_with_unreadable_files(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    """All that cannot be read is named, and the rest is tested all the same."""
    for name in ("a.json", "b.json"):
        (folder / name).write_text('{"TrainingJobName": ')
    done = cursus("test", ".", "--no-run")
    assert done.code == 2 and "a.json" in done.out and "b.json" in done.out
    assert "passed  test_data_channel_integration" in done.out and "2 could not be read" in done.out
