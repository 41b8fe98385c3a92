"""Rules on what serves the models that a pipeline makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws import images
from cursus.aws.pipelines import PipelineStep, parse_get
from cursus.checks.pipeline_models import containers
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, text
from cursus.redact import show


@rule("DEP056", area="dependencies", severity="warning", scope="pipeline")
def served_by_another(view: PipelineView) -> Iterator[Problem]:
    """A model is served by the image of another framework than it was trained with, or by one that serves nothing.

    What it does:
        Compares the image of a model or registration step's container with the one of the training step whose artifact it
        gets, where both are Amazon's. A container with a script of its own (SAGEMAKER_PROGRAM) is left alone.
    Why:
        CreateModel looks into no archive. The endpoint fails its health check, or the transform job ends with an error: the
        server finds no model that it can load, or there is no server in the image.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Train
            Type: Training
            Arguments:
              AlgorithmSpecification: {TrainingImage: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", TrainingInputMode: File}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              HyperParameters: {num_round: "10"}
              InputDataConfig: [{ChannelName: train, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}}]
              OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
              ResourceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
              StoppingCondition: {MaxRuntimeInSeconds: 3600}
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", ModelDataUrl: {Get: Steps.Train.ModelArtifacts.S3ModelArtifacts}}
    Right:
        operation: Pipeline
        Steps:
          - Name: Train
            Type: Training
            Arguments:
              AlgorithmSpecification: {TrainingImage: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", TrainingInputMode: File}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              HyperParameters: {num_round: "10"}
              InputDataConfig: [{ChannelName: train, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}}]
              OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
              ResourceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
              StoppingCondition: {MaxRuntimeInSeconds: 3600}
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", ModelDataUrl: {Get: Steps.Train.ModelArtifacts.S3ModelArtifacts}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    Since:
        0.1
    """
    trained = {step.name: step.request for step in view.steps if step.operation == "CreateTrainingJob"}
    for step in view.steps if trained else ():
        if step.type not in ("Model", "RegisterModel"):
            continue
        top = step.prefix[len(view.pipeline.prefix) :]
        for place, container in containers(
            PipelineStep(step.name, step.type, {"Arguments": step.request}, ())
        ):
            url = container.get("ModelDataUrl")
            target = parse_get(str(url.get("Get"))) if isinstance(url, Mapping) else None
            job = trained.get(target.name) if target is not None and target.root == "Steps" else None
            image = _amazon(text(container, "Image"))
            if job is None or image is None or "SAGEMAKER_PROGRAM" in mapping(container, "Environment"):
                continue
            trainer = _amazon(text(mapping(job, "AlgorithmSpecification"), "TrainingImage"))
            told = _not_served(trainer, image)
            if told:
                yield Problem(
                    told, (*top, *place[1:], "Image"), "write the image that serves what was trained"
                )


def _amazon(uri: str | None) -> images.Image | None:
    found = images.parse_image(uri) if uri is not None else None
    return found if found is not None and found.amazon and found.framework is not None else None


def _not_served(trainer: images.Image | None, image: images.Image) -> str:
    """What keeps an image from serving the model of a training image; empty where nothing known does."""
    if "inference" not in image.scopes:
        return f"the image {show(image.repository)} is made for {' and '.join(image.scopes)}, and serves no models"
    if trainer is None or not (image.kind == "framework" or image.trains):
        return ""  # servers of several frameworks
    if trainer.engine != image.engine:
        return f"the model is trained with {trainer.engine}, and the image {show(image.repository)} serves {image.engine}"
    versions = (trainer.engine_version, image.engine_version)
    if (
        image.engine in PICKLED
        and all(versions)
        and images.order(str(versions[1])) < images.order(str(versions[0]))
    ):
        return f"the model is trained with {image.engine} {versions[0]}, and served by {versions[1]}, which is older"
    return ""


PICKLED = ("sklearn", "xgboost")
"""Frameworks whose models an older version may be unable to load."""


@rule("DEP064", area="dependencies", severity="warning", scope="pipeline")
def code_that_stays_behind(view: PipelineView) -> Iterator[Problem]:
    """A model's container is to get its code from a folder of the machine that built the pipeline.

    What it does:
        Looks at SAGEMAKER_SUBMIT_DIRECTORY in the environment of model and registration containers: an archive on S3, or a
        folder below /opt/ml/model, where the model's own archive is unpacked.
    Why:
        The container has no such folder. The endpoint fails its health check, or serves without the script.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer:
                Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1.0-cpu-py310"
                ModelDataUrl: s3://example-bucket/model.tar.gz
                Environment: {SAGEMAKER_PROGRAM: inference.py, SAGEMAKER_SUBMIT_DIRECTORY: /home/me/churn/code}
    Right:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer:
                Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1.0-cpu-py310"
                ModelDataUrl: s3://example-bucket/model.tar.gz
                Environment: {SAGEMAKER_PROGRAM: inference.py, SAGEMAKER_SUBMIT_DIRECTORY: /opt/ml/model/code}
    Source:
        https://sagemaker.readthedocs.io/en/v2/frameworks/pytorch/using_pytorch.html (the format of a model archive)
    Since:
        0.1
    """
    for step in view.steps:
        if step.type not in ("Model", "RegisterModel"):
            continue
        top = step.prefix[len(view.pipeline.prefix) :]
        for place, container in containers(
            PipelineStep(step.name, step.type, {"Arguments": step.request}, ())
        ):
            folder = text(mapping(container, "Environment"), "SAGEMAKER_SUBMIT_DIRECTORY")
            if not folder or folder.startswith(("s3://", "/opt/ml/", "{", "$", "<")):
                continue
            yield Problem(
                f"SAGEMAKER_SUBMIT_DIRECTORY {show(folder)} is no place in the container, and none on S3",
                (*top, *place[1:], "Environment", "SAGEMAKER_SUBMIT_DIRECTORY"),
                "write the S3 URI of a tar.gz archive with the code, or /opt/ml/model/code",
            )
