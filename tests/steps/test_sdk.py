"""Objects of the SageMaker SDK: where their findings stand, and what the SDK refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.errors import TargetError
from cursus.model import Step
from cursus.steps import load
from tests.steps.made_sdk import MAJOR, ROLE, one, v2

pytestmark = pytest.mark.usefixtures("credentials")


def test_objects_like_the_sdk_are_read_without_it() -> None:
    class Estimator:
        source_dir = "s3://example-bucket/source.tar.gz"
        entry_point = "train.py"

    class Step_:
        name = "Train"
        estimator = Estimator()

        @property
        def arguments(self) -> dict[str, Any]:
            return {"AlgorithmSpecification": {}, "HyperParameters": None}

    step = one(Step_())
    assert step.in_pipeline and step.source is None and step.name == "Train"


def test_arguments_that_raise_are_a_failure() -> None:
    class Step_:
        name = "Train"

        @property
        def arguments(self) -> dict[str, Any]:
            raise ValueError("no role")

    (step,) = load(Step_())
    assert isinstance(step, Step)
    (failure,) = step.promises.failures
    assert failure.hook == "create_step" and "ValueError: no role" in failure.message


PIPELINE = """
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import TrainingStep

session = PipelineSession()
epochs = ParameterInteger(name="Epochs", default_value=3)
estimator = PyTorch(
    entry_point="train.py",
    source_dir="source",
    role="arn:aws:iam::123456789012:role/SageMakerRole",
    instance_type="ml.m5.tiny",
    instance_count=1,
    max_run=100,
    use_spot_instances=True,
    max_wait=50,
    framework_version="2.1",
    py_version="py310",
    metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.]+"}],
    hyperparameters={"epochs": epochs},
    sagemaker_session=session,
)
other = TrainingStep(name="Other", step_args=estimator.fit({"a": "s3://A_B/a/"}))
train = TrainingStep(
    name="Train",
    step_args=estimator.fit({
        "train": TrainingInput("s3://example-bucket/train/"),
        "test": TrainingInput(s3_data="s3://C_D/test/"),
    }),
)
pipeline = Pipeline(name="churn", parameters=[epochs], steps=[train, other], sagemaker_session=session)

class Builder:
    def create_step(self):
        return estimator
"""


@v2
@pytest.mark.parametrize("name", ["pipeline", "train", "Builder"])
def test_v2_findings_stand_at_the_keyword(source: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = Path(source).parent
    monkeypatch.chdir(folder)
    (folder / "pipe.py").write_text(PIPELINE)
    lines = PIPELINE.splitlines()
    wanted = {"RES001": '"ml.m5.tiny"', "STP024": "50,", "MON001": '"loss=([0-9.]+"'}
    if name != "Builder":
        wanted["STP042"] = '"s3://C_D/test/"'
    found = [one for one in cursus.check(f"pipe.py:{name}").findings if one.step != "Other"]
    for rule, text in wanted.items():
        (one,) = [each for each in found if each.rule == rule]
        assert one.line is not None and one.column is not None
        assert lines[one.line - 1][one.column - 1 :].startswith(text)


WRONG_DEFAULT = "def checked():\n    return ParameterInteger(name='N', default_value='1')\n"
NO_ARGUMENTS = "step = TrainingStep(name='T', step_args=7)\n"
NAMED_TWICE = """
stops = [FailStep(name="Stop", error_message="no data") for _ in "ab"]
pipeline = Pipeline(name="churn", steps=stops)
"""


@pytest.mark.skipif(not MAJOR, reason="needs the SageMaker SDK")
@pytest.mark.parametrize(
    ("code", "target", "line", "says"),
    [
        (
            "ParameterInteger(name='N', default_value='1')\n",
            "",
            1,
            "does not match the Parameter Python type",
        ),
        (WRONG_DEFAULT, ":checked", 2, "does not match the Parameter Python type"),
        (NO_ARGUMENTS, "", 1, "step_args"),
        (NAMED_TWICE, "", 3, "duplicate names"),
    ],
)
def test_what_the_sdk_refuses_is_a_finding(
    tmp_path: Path, code: str, target: str, line: int, says: str
) -> None:
    base = "sagemaker.workflow" if MAJOR == 2 else "sagemaker.mlops.workflow"
    head = (
        f"from {base}.pipeline import Pipeline; from {base}.fail_step import FailStep; "
        f"from {base}.steps import TrainingStep; "
        f"from {base if MAJOR == 2 else 'sagemaker.core.workflow'}.parameters import ParameterInteger\n"
    )
    module = tmp_path / "pipe.py"
    module.write_text(head + code)
    (found,) = cursus.check(f"{module}{target}").findings
    assert (found.rule, found.severity, found.line) == ("STP089", "error", line + 1)
    assert "The SageMaker SDK refuses" in found.message and says in found.message


@v2
def test_what_cannot_be_reached_from_here_is_no_refusal_of_the_sdk(tmp_path: Path) -> None:
    module = tmp_path / "start.py"
    module.write_text(
        "from sagemaker.pytorch import PyTorch\n"
        "def start():\n"
        "    recipe = 'http://127.0.0.1:9/llama.yaml'\n"
        f"    PyTorch(training_recipe=recipe, role={ROLE!r}, instance_count=1, instance_type='ml.p5.48xlarge').fit()\n"
    )
    with pytest.raises(TargetError, match="Could not fetch"):
        cursus.check(f"{module}:start")


@pytest.mark.skipif(not MAJOR, reason="needs the SageMaker SDK")
def test_a_slip_in_a_file_is_no_refusal_of_the_sdk(tmp_path: Path) -> None:
    module = tmp_path / "pipe.py"
    module.write_text("import sagemaker\nint('seven')\n")
    with pytest.raises(TargetError, match="invalid literal"):
        load(str(module))


@v2
@pytest.mark.parametrize("made", ["sagemaker.Session()", "PipelineSession()"])
def test_v2_session_is_no_step(tmp_path: Path, made: str) -> None:
    module = tmp_path / "launch.py"
    module.write_text(
        "import sagemaker\nfrom sagemaker.workflow.pipeline_context import PipelineSession\n"
        f"session = {made}\n"
    )
    with pytest.raises(TargetError, match="no name stands for a pipeline"):
        load(str(module))
