"""Real objects of version 3 of the SageMaker SDK, without any connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.model import Pipeline
from cursus.steps import load
from cursus.steps.discovery import discover_step_type
from tests.steps.made_sdk import one, sound, trainer, v3

pytestmark = [v3, pytest.mark.usefixtures("credentials")]


def test_training_step(source: str) -> None:
    from sagemaker.mlops.workflow.steps import TrainingStep
    from sagemaker.train.configs import InputData

    data = InputData(channel_name="train", data_source="s3://example-bucket/train/")
    sdk_step = TrainingStep(name="Train", step_args=trainer(source).train(input_data_config=[data]))
    step = one(sdk_step)
    assert (step.name, step.operation, step.in_pipeline) == ("Train", "CreateTrainingJob", True)
    names = [channel["ChannelName"] for channel in step.request["InputDataConfig"]]
    assert names == ["train", "code", "sm_drivers"]
    assert step.source and (step.source.directory, step.source.entry_point) == (source, "train.py")
    assert discover_step_type(sdk_step) == "Training"
    sound(step)


@pytest.mark.parametrize("pipeline", [True, False])
def test_trainer_alone(source: str, pipeline: bool) -> None:
    step = one(trainer(source, pipeline))
    assert step.operation == "CreateTrainingJob" and step.in_pipeline is pipeline
    sound(step)


def test_trainer_takes_channels_from_the_hook_and_brings_its_launcher(source: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            return trainer(source)

        def get_training_inputs(self) -> dict[str, Any]:
            return {"train": "s3://example-bucket/train/"}

    step = one(Builder())
    names = [channel["ChannelName"] for channel in step.request["InputDataConfig"]]
    assert names == ["code", "sm_drivers", "train"]
    drivers = Path(step.promises.local_channels["sm_drivers"])
    assert "basic_script_driver.py" in (drivers / "sm_train.sh").read_text()
    assert [each.rule for each in cursus.check(Builder()).findings if each.severity == "error"] == []


def test_builder_is_really_run(tmp_path: Path) -> None:
    from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

    (tmp_path / "train.py").write_text("open('/opt/ml/model/m', 'w').write('1')\n")

    class Builder:
        def create_step(self) -> Any:
            return trainer(str(tmp_path))

    tests = TrainingIntegrationTests(Builder, root=str(tmp_path / "root"))
    result = tests.test_framework_specific_training_workflow()
    assert result["details"]["local_job"]["status"] == "Completed"


def test_pipeline(source: str) -> None:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.mlops.workflow.steps import TrainingStep

    step = TrainingStep(name="Train", step_args=trainer(source).train())
    (pipeline,) = load(SDKPipeline(name="Churn", steps=[step], sagemaker_session=PipelineSession()))
    assert isinstance(pipeline, Pipeline) and pipeline.definition["Steps"]
    assert {name: (code.directory, code.entry_point) for name, code in pipeline.sources.items()} == {
        "Train": (source, "train.py")
    }


def test_loops_and_triggers_are_known(source: str) -> None:
    from sagemaker.core.lambda_helper import Lambda
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachStep
    from sagemaker.mlops.workflow.lambda_step import LambdaStep
    from sagemaker.mlops.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
    from sagemaker.mlops.workflow.steps import TrainingStep

    ask = Lambda(function_arn="arn:aws:lambda:us-east-1:123456789012:function:ask")
    train = TrainingStep(name="Train", step_args=trainer(source).train())
    body = LambdaStep(name="Ask", lambda_func=ask, inputs={"region": CurrentItem()})
    loop = ForEachStep("Each", ["us-east-1", "eu-west-1"], 2, [body])
    failed = LambdaStep(
        name="Tell",
        lambda_func=ask,
        inputs={"asked": loop.properties.InputItemCount},
        depends_on=[StepDependency(train, TriggerCondition.FAILED)],
    )
    target = SDKPipeline(name="p", steps=[train, loop, failed], sagemaker_session=PipelineSession())
    assert [f for f in cursus.check(target).findings if f.severity == "error"] == []
