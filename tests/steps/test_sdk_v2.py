"""Real objects of version 2 of the SageMaker SDK, without any connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.model import Pipeline, Step
from cursus.steps import load
from cursus.steps.discovery import discover_step_type
from tests.steps.made_sdk import IMAGE, ROLE, estimator, one, sound, v2

pytestmark = [v2, pytest.mark.usefixtures("credentials")]


def test_training_step(source: str) -> None:
    from sagemaker.inputs import TrainingInput
    from sagemaker.workflow.parameters import ParameterInteger
    from sagemaker.workflow.steps import TrainingStep

    made = estimator(source, hyperparameters={"epochs": ParameterInteger(name="Epochs", default_value=3)})
    inputs = {"train": TrainingInput("s3://example-bucket/train/", content_type="text/csv")}
    sdk_step = TrainingStep(name="Train", step_args=made.fit(inputs))
    step = one(sdk_step)
    assert (step.name, step.operation, step.type, step.in_pipeline) == (
        "Train",
        "CreateTrainingJob",
        "Training",
        True,
    )
    assert "TrainingJobName" not in step.request
    joined = {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}
    assert step.request["HyperParameters"]["epochs"] == joined
    assert step.source and (step.source.directory, step.source.entry_point) == (source, "train.py")
    promises = step.promises
    assert (promises.framework, promises.framework_version, promises.python_version) == (
        "pytorch",
        "2.1",
        "py310",
    )
    assert "s3:PutObject" in promises.answered and step.region == "us-east-1"
    assert discover_step_type(sdk_step) == "Training"
    sound(step)


def test_tuning_step(source: str) -> None:
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
    from sagemaker.workflow.steps import TuningStep

    tuner = HyperparameterTuner(
        estimator(source),
        objective_metric_name="accuracy",
        hyperparameter_ranges={"lr": ContinuousParameter(0.01, 0.1)},
        metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
        max_jobs=3,
        max_parallel_jobs=1,
    )
    step = one(TuningStep(name="Tune", step_args=tuner.fit({"train": "s3://example-bucket/train/"})))
    assert (step.operation, step.type, step.in_pipeline) == ("CreateHyperParameterTuningJob", "Tuning", True)
    assert step.source and step.source.directory == source
    sound(step)


@pytest.mark.parametrize("pipeline", [True, False])
def test_estimator_alone(source: str, pipeline: bool) -> None:
    made = estimator(source, pipeline)
    step = one(made)
    assert step.operation == "CreateTrainingJob" and step.request["TrainingJobName"].startswith("pytorch")
    assert step.in_pipeline is pipeline
    assert made.sagemaker_session._default_bucket is None
    sound(step)


def test_builder_that_starts_a_job(source: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            return estimator(source, pipeline=False).fit({"train": "s3://example-bucket/train/"})

        def get_hyperparameters(self) -> dict[str, Any]:
            return {"lr": 0.1, "name": "x"}

    step = one(Builder())
    assert step.request["InputDataConfig"][0]["ChannelName"] == "train"


@pytest.mark.parametrize("gives", ["the estimator", "the job's name"])
def test_builder_that_starts_a_job_and_goes_on(source: str, gives: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            made = estimator(source, pipeline=False)
            made.fit({"train": "s3://example-bucket/train/"})  # the SDK swallows what ends it
            return made if gives == "the estimator" else "a-job"

    step = one(Builder())
    assert step.request["InputDataConfig"][0]["ChannelName"] == "train"
    assert step.source is not None


def test_estimator_takes_its_channels_from_the_hook(source: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            return estimator(source)

        def get_training_inputs(self) -> dict[str, Any]:
            return {"train": "s3://example-bucket/train/"}

    assert one(Builder()).request["InputDataConfig"][0]["ChannelName"] == "train"
    assert not [each for each in cursus.check(Builder()).findings if each.rule == "CHN080"]


def test_tuner_with_hooks_about_its_training_jobs(source: str) -> None:
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
    from sagemaker.workflow.steps import TuningStep

    class Builder:
        def create_step(self) -> Any:
            ranges = {"lr": ContinuousParameter(0.01, 0.1)}
            metrics = [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}]
            tuner = HyperparameterTuner(estimator(source), "accuracy", ranges, metrics, max_jobs=3)
            return TuningStep(name="Tune", step_args=tuner.fit({"train": "s3://example-bucket/train/"}))

        def get_resource_optimization_config(self) -> dict[str, Any]:
            return {"instance_type": one(estimator(source)).request["ResourceConfig"]["InstanceType"]}

        def get_tuning_config(self) -> dict[str, Any]:
            return {"max_jobs": 3, "hyperparameter_ranges": {"lr": {"min": 0.01, "max": 0.1}}}

    errors = [each for each in cursus.check(Builder()).findings if each.severity == "error"]
    assert errors == []


def test_pipeline(source: str) -> None:
    from sagemaker.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.workflow.pipeline_context import PipelineSession
    from sagemaker.workflow.steps import TrainingStep

    made = estimator(source)
    step = TrainingStep(name="Train", step_args=made.fit({"train": "s3://example-bucket/train/"}))
    found = load(SDKPipeline(name="Churn", steps=[step], sagemaker_session=PipelineSession()))
    (pipeline,) = [one for one in found if isinstance(one, Pipeline)]
    assert pipeline.name == "Churn" and pipeline.definition["Steps"][0]["Name"] == "Train"


def test_pipeline_reads_the_scripts_of_its_steps(source: str) -> None:
    from sagemaker.workflow.condition_step import ConditionStep
    from sagemaker.workflow.conditions import ConditionGreaterThan
    from sagemaker.workflow.parameters import ParameterInteger
    from sagemaker.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.workflow.pipeline_context import PipelineSession
    from sagemaker.workflow.steps import TrainingStep

    Path(source, "train.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\nargs = p.parse_args()\n"
    )
    data = {"train": "s3://example-bucket/train/"}
    new = TrainingStep(name="New", step_args=estimator(source, hyperparameters={"lr": 1}).fit(data))
    old = TrainingStep(name="Old", estimator=estimator(source, hyperparameters={"rate": 1}), inputs=data)
    count = ParameterInteger(name="Count", default_value=1)
    branch = ConditionStep(name="Go", conditions=[ConditionGreaterThan(count, 0)], if_steps=[old])
    target = SDKPipeline(
        name="Churn", parameters=[count], steps=[new, branch], sagemaker_session=PipelineSession()
    )
    (pipeline,) = load(target)
    assert isinstance(pipeline, Pipeline) and pipeline.region == "us-east-1"
    assert {name: code.entry_point for name, code in pipeline.sources.items()} == {
        "New": "train.py",
        "Old": "train.py",
    }
    unknown = [f for f in cursus.check(target).findings if f.rule == "HPO050"]
    assert [(f.step, f.path) for f in unknown] == [
        ("Old", "Steps[1].Arguments.IfSteps[0].Arguments.HyperParameters.rate")
    ]


def test_pipeline_reads_the_scripts_of_its_processing_steps(source: str) -> None:
    from sagemaker.processing import FrameworkProcessor, ProcessingOutput
    from sagemaker.sklearn import SKLearn
    from sagemaker.sklearn.processing import SKLearnProcessor
    from sagemaker.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.workflow.pipeline_context import PipelineSession
    from sagemaker.workflow.steps import ProcessingStep

    Path(source, "tools.py").write_text("def ready(): pass\n")
    Path(source, "prepare.py").write_text(
        "import tools\nopen('/opt/ml/processing/train/a', 'w').write('1')\n"
    )
    session = PipelineSession()
    given: dict[str, Any] = {"framework_version": "1.2-1", "role": ROLE, "sagemaker_session": session}
    given.update(instance_type="ml.m5.xlarge", instance_count=1)
    target = {"outputs": [ProcessingOutput(output_name="train", source="/opt/ml/processing/train")]}
    script = str(Path(source, "prepare.py"))
    steps = [
        ProcessingStep("Alone", step_args=SKLearnProcessor(**given).run(code=script, **target)),
        ProcessingStep("Old", processor=SKLearnProcessor(**given), code=script, **target),
        ProcessingStep(
            "Whole", step_args=FrameworkProcessor(SKLearn, **given).run("prepare.py", source, **target)
        ),
    ]
    (made,) = load(SDKPipeline(name="Churn", steps=steps, sagemaker_session=session))
    assert isinstance(made, Pipeline)
    assert {name: one.entry_point for name, one in made.sources.items()} == dict.fromkeys(
        ("Alone", "Old", "Whole"), "prepare.py"
    )
    (found,) = [one for one in cursus.check(made).findings if one.severity == "error"]
    assert (found.step, found.rule) == ("Alone", "FRM055")
    assert found.message.endswith("The same in Old.")


def test_script_without_source_dir_is_uploaded_alone(source: str) -> None:
    Path(source, "tools.py").write_text("def ready(): pass\n")
    Path(source, "requirements.txt").write_text("-e ../elsewhere\n")
    Path(source, "train.py").write_text("import tools\ntools.ready()\n")
    script = str(Path(source, "train.py"))
    for more, rules in (
        ({"source_dir": None, "entry_point": script}, {"FRM055"}),
        (
            {"source_dir": None, "entry_point": script, "dependencies": [str(Path(source, "tools.py"))]},
            {"FRM052"},
        ),
        ({}, {"FRM052"}),
    ):
        step = one(estimator(source, **more).fit({"train": "s3://example-bucket/train/"}))
        assert {f.rule for f in cursus.check(step).findings if f.severity == "error"} == rules


@pytest.mark.parametrize(
    ("distribution", "told"),
    [
        ({"torch_distribted": {"enabled": True}}, "'torch_distributed'?"),
        ({"torch_distributed": {"enable": True}}, "'enabled'?"),
        ({"torch_distributed": {"enabled": False}}, ""),
        ({"mpi": {"enabled": True, "processes_per_host": 1}}, ""),
    ],
)
def test_distribution_that_the_sdk_does_not_read(
    source: str, distribution: dict[str, Any], told: str
) -> None:
    class Builder:
        def create_step(self) -> Any:
            return estimator(source, distribution=distribution).fit({"train": "s3://example-bucket/train/"})

    found = [one for one in cursus.check(Builder()).findings if one.rule == "DST095"]
    assert [one.message.endswith(told) for one in found] == [True] * bool(told)
    assert all(one.file == __file__ for one in found)


def test_an_estimators_own_image_decides_whatever_framework_its_class_names(source: str) -> None:
    from sagemaker.huggingface import HuggingFace
    from sagemaker.xgboost import XGBoost

    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    given: dict[str, Any] = {"entry_point": "train.py", "source_dir": source, "role": ROLE}
    given |= {"instance_type": "ml.m5.xlarge", "instance_count": 1}
    for target in (
        HuggingFace(image_uri=IMAGE, py_version="py38", **given),
        XGBoost(image_uri=image, framework_version="1.2-1", **given),
    ):
        assert [f.rule for f in cursus.check(target).findings if f.severity == "error"] == []


def test_model_steps(source: str) -> None:
    from sagemaker.model import Model
    from sagemaker.workflow.model_step import ModelStep
    from sagemaker.workflow.pipeline_context import PipelineSession

    model = Model(
        image_uri=IMAGE.replace("pytorch-training", "pytorch-inference"),
        model_data="s3://example-bucket/model.tar.gz",
        role=ROLE,
        sagemaker_session=PipelineSession(),
    )
    (created,) = load(ModelStep(name="Make", step_args=model.create(instance_type="ml.m5.xlarge")))
    assert isinstance(created, Step) and (created.name, created.operation) == (
        "Make-CreateModel",
        "CreateModel",
    )
    sound(created)
    registered = ModelStep(
        name="Register",
        step_args=model.register(
            content_types=["text/csv"], response_types=["text/csv"], model_package_group_name="churn_models"
        ),
    )
    (step,) = load(registered)
    assert isinstance(step, Step) and step.operation == "CreateModelPackage"
    assert {f.path for f in cursus.check(registered).findings if f.severity == "error"} == {
        "ModelPackageGroupName"
    }


def test_step_knows_the_outputs_of_a_processing_step_before_it(source: str) -> None:
    from sagemaker.processing import ProcessingOutput, ScriptProcessor
    from sagemaker.workflow.pipeline_context import PipelineSession
    from sagemaker.workflow.steps import ProcessingStep, TrainingStep

    processor = ScriptProcessor(
        image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1",
        command=["python3"],
        role=ROLE,
        instance_type="ml.m5.xlarge",
        instance_count=1,
        sagemaker_session=PipelineSession(),
    )
    written = ProcessingOutput(output_name="rows", source="/opt/ml/processing/rows")
    code = str(Path(source, "train.py"))
    prepare = ProcessingStep("Prepare", step_args=processor.run(code=code, outputs=[written]))
    for output, rules in (("rows", set()), ("row", {"DEP081"})):
        place = prepare.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri
        step = one(TrainingStep(name="First", step_args=estimator(source).fit({"train": place})))
        assert step.promises.upstream is not None
        assert step.promises.upstream[0].outputs == ("rows",)
        found = cursus.check(step).findings
        assert {finding.rule for finding in found if finding.severity == "error"} == rules


def test_step_knows_the_steps_before_it(source: str) -> None:
    from sagemaker.workflow.steps import TrainingStep

    first = TrainingStep(name="First", step_args=estimator(source).fit())
    data = {"train": first.properties.ModelArtifacts.S3ModelArtifacts}
    second = TrainingStep(name="Second", step_args=estimator(source).fit(data), depends_on=["Prepare", first])
    upstream = one(second).promises.upstream
    assert upstream is not None
    assert [(step.name, step.type) for step in upstream] == [("Prepare", ""), ("First", "Training")]
    assert one(first).promises.upstream is None
    sound(one(second))


def test_step_without_a_request_says_so() -> None:
    from sagemaker.workflow.fail_step import FailStep

    (step,) = load(FailStep(name="Stop", error_message="no data"))
    assert isinstance(step, Step)
    (failure,) = step.promises.failures
    assert "Fail step sends no request of its own" in failure.message
