"""Real objects of the SageMaker SDK, of the version that is installed, without any connection."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.steps import load
from cursus.steps.discovery import discover_step_type
from cursus.steps.offline import offline

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1-cpu-py310"

try:
    MAJOR = int(importlib.metadata.version("sagemaker").partition(".")[0])
except importlib.metadata.PackageNotFoundError:
    MAJOR = 0
v2 = pytest.mark.skipif(MAJOR != 2, reason="needs the SageMaker SDK, version 2")
v3 = pytest.mark.skipif(MAJOR < 3, reason="needs the SageMaker SDK, version 3")


@pytest.fixture(autouse=True)
def credentials(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print('accuracy=0.9')\n")
    return str(tmp_path / "source")


def estimator(source: str, pipeline: bool = True, **more: Any) -> Any:
    import sagemaker
    from sagemaker.pytorch import PyTorch
    from sagemaker.workflow.pipeline_context import PipelineSession

    return PyTorch(
        role=ROLE,
        instance_type="ml.m5.xlarge",
        instance_count=1,
        framework_version="2.1",
        py_version="py310",
        sagemaker_session=PipelineSession() if pipeline else sagemaker.Session(),
        **{
            "entry_point": "train.py",
            "source_dir": source,
            "hyperparameters": {"lr": 0.1, "name": "x"},
            **more,
        },
    )


def trainer(source: str, pipeline: bool = True) -> Any:
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, SourceCode

    with offline():  # making a trainer asks IAM
        return ModelTrainer(
            training_image=IMAGE,
            role=ROLE,
            sagemaker_session=PipelineSession() if pipeline else Session(),
            source_code=SourceCode(source_dir=source, entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
            hyperparameters={"lr": 0.1},
        )


def one(target: Any) -> Step:
    (step,) = load(target)
    assert isinstance(step, Step)
    assert step.promises.failures == ()
    return step


def sound(step: Step) -> None:
    assert [found for found in cursus.check(step).findings if found.severity == "error"] == []


@v2
def test_v2_training_step(source: str) -> None:
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


@v2
def test_v2_tuning_step(source: str) -> None:
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


@v2
@pytest.mark.parametrize("pipeline", [True, False])
def test_v2_estimator_alone(source: str, pipeline: bool) -> None:
    made = estimator(source, pipeline)
    step = one(made)
    assert step.operation == "CreateTrainingJob" and step.request["TrainingJobName"].startswith("pytorch")
    assert step.in_pipeline is pipeline
    assert made.sagemaker_session._default_bucket is None
    sound(step)


@v2
def test_v2_builder_that_starts_a_job(source: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            return estimator(source, pipeline=False).fit({"train": "s3://example-bucket/train/"})

        def get_hyperparameters(self) -> dict[str, Any]:
            return {"lr": 0.1, "name": "x"}

    step = one(Builder())
    assert step.request["InputDataConfig"][0]["ChannelName"] == "train"


@v2
@pytest.mark.parametrize("gives", ["the estimator", "the job's name"])
def test_v2_builder_that_starts_a_job_and_goes_on(source: str, gives: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            made = estimator(source, pipeline=False)
            made.fit({"train": "s3://example-bucket/train/"})  # the SDK swallows what ends it
            return made if gives == "the estimator" else "a-job"

    step = one(Builder())
    assert step.request["InputDataConfig"][0]["ChannelName"] == "train"
    assert step.source is not None


@v2
def test_v2_estimator_takes_its_channels_from_the_hook(source: str) -> None:
    class Builder:
        def create_step(self) -> Any:
            return estimator(source)

        def get_training_inputs(self) -> dict[str, Any]:
            return {"train": "s3://example-bucket/train/"}

    assert one(Builder()).request["InputDataConfig"][0]["ChannelName"] == "train"
    assert not [each for each in cursus.check(Builder()).findings if each.rule == "CHN080"]


@v2
def test_v2_tuner_with_hooks_about_its_training_jobs(source: str) -> None:
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


@v2
def test_v2_pipeline(source: str) -> None:
    from sagemaker.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.workflow.pipeline_context import PipelineSession
    from sagemaker.workflow.steps import TrainingStep

    made = estimator(source)
    step = TrainingStep(name="Train", step_args=made.fit({"train": "s3://example-bucket/train/"}))
    found = load(SDKPipeline(name="Churn", steps=[step], sagemaker_session=PipelineSession()))
    (pipeline,) = [one for one in found if isinstance(one, Pipeline)]
    assert pipeline.name == "Churn" and pipeline.definition["Steps"][0]["Name"] == "Train"


@v2
def test_v2_pipeline_reads_the_scripts_of_its_steps(source: str) -> None:
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


@v2
def test_v2_pipeline_reads_the_scripts_of_its_processing_steps(source: str) -> None:
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


@v2
def test_v2_script_without_source_dir_is_uploaded_alone(source: str) -> None:
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


@v2
@pytest.mark.parametrize(
    ("distribution", "told"),
    [
        ({"torch_distribted": {"enabled": True}}, "'torch_distributed'?"),
        ({"torch_distributed": {"enable": True}}, "'enabled'?"),
        ({"torch_distributed": {"enabled": False}}, ""),
        ({"mpi": {"enabled": True, "processes_per_host": 1}}, ""),
    ],
)
def test_v2_distribution_that_the_sdk_does_not_read(
    source: str, distribution: dict[str, Any], told: str
) -> None:
    class Builder:
        def create_step(self) -> Any:
            return estimator(source, distribution=distribution).fit({"train": "s3://example-bucket/train/"})

    found = [one for one in cursus.check(Builder()).findings if one.rule == "DST095"]
    assert [one.message.endswith(told) for one in found] == [True] * bool(told)
    assert all(one.file == __file__ for one in found)


@v2
def test_an_estimators_own_image_decides_whatever_framework_its_class_names(source: str) -> None:
    from sagemaker.huggingface import HuggingFace
    from sagemaker.xgboost import XGBoost

    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    given: dict[str, Any] = {"entry_point": "train.py", "source_dir": source, "role": ROLE}
    given |= {"instance_type": "ml.m5.xlarge", "instance_count": 1}
    for one in (
        HuggingFace(image_uri=IMAGE, py_version="py38", **given),
        XGBoost(image_uri=image, framework_version="1.2-1", **given),
    ):
        assert [f.rule for f in cursus.check(one).findings if f.severity == "error"] == []


@v2
def test_v2_model_steps(source: str) -> None:
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


@v2
def test_v2_step_knows_the_outputs_of_a_processing_step_before_it(source: str) -> None:
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


@v2
def test_v2_step_knows_the_steps_before_it(source: str) -> None:
    from sagemaker.workflow.steps import TrainingStep

    first = TrainingStep(name="First", step_args=estimator(source).fit())
    data = {"train": first.properties.ModelArtifacts.S3ModelArtifacts}
    second = TrainingStep(name="Second", step_args=estimator(source).fit(data), depends_on=["Prepare", first])
    upstream = one(second).promises.upstream
    assert upstream is not None
    assert [(step.name, step.type) for step in upstream] == [("Prepare", ""), ("First", "Training")]
    assert one(first).promises.upstream is None
    sound(one(second))


@v2
def test_v2_step_without_a_request_says_so() -> None:
    from sagemaker.workflow.fail_step import FailStep

    (step,) = load(FailStep(name="Stop", error_message="no data"))
    assert isinstance(step, Step)
    (failure,) = step.promises.failures
    assert "Fail step sends no request of its own" in failure.message


@v3
def test_v3_training_step(source: str) -> None:
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


@v3
@pytest.mark.parametrize("pipeline", [True, False])
def test_v3_trainer_alone(source: str, pipeline: bool) -> None:
    step = one(trainer(source, pipeline))
    assert step.operation == "CreateTrainingJob" and step.in_pipeline is pipeline
    sound(step)


@v3
def test_v3_trainer_takes_channels_from_the_hook_and_brings_its_launcher(source: str) -> None:
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


@v3
def test_v3_builder_is_really_run(tmp_path: Path) -> None:
    from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

    (tmp_path / "train.py").write_text("open('/opt/ml/model/m', 'w').write('1')\n")

    class Builder:
        def create_step(self) -> Any:
            return trainer(str(tmp_path))

    tests = TrainingIntegrationTests(Builder, root=str(tmp_path / "root"))
    result = tests.test_framework_specific_training_workflow()
    assert result["details"]["local_job"]["status"] == "Completed"


@v3
def test_v3_pipeline(source: str) -> None:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.pipeline import Pipeline as SDKPipeline
    from sagemaker.mlops.workflow.steps import TrainingStep

    step = TrainingStep(name="Train", step_args=trainer(source).train())
    (pipeline,) = load(SDKPipeline(name="Churn", steps=[step], sagemaker_session=PipelineSession()))
    assert isinstance(pipeline, Pipeline) and pipeline.definition["Steps"]
    assert {name: (code.directory, code.entry_point) for name, code in pipeline.sources.items()} == {
        "Train": (source, "train.py")
    }


@v3
def test_v3_loops_and_triggers_are_known(source: str) -> None:
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
