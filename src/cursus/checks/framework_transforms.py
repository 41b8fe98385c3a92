"""Rules of the area *framework*: the images of models that a pipeline makes, and the transform steps that use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws import images, instances
from cursus.aws.algorithms import find
from cursus.aws.pipelines import PipelineStep, parse_get
from cursus.checks.pipeline_models import containers
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, text
from cursus.model import Path, Step
from cursus.redact import show


@rule("FRM021", area="framework", scope="pipeline")
def transform_processor(view: PipelineView) -> Iterator[Problem]:
    """A transform job runs an image for GPUs on an instance without any, or one for CPUs on GPUs.

    What it does:
        Compares the processor in the tag of one of Amazon's framework images, in a model that the pipeline makes, with the
        instance type of each transform step that uses the model.
    Why:
        The server of a GPU image looks for CUDA: "error while loading shared libraries: libcuda.so.1". The container fails
        its health check, and the job ends after minutes of waiting. A CPU image leaves the GPUs idle while they are billed.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.8.0-gpu", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
          - Name: Score
            Type: Transform
            Arguments:
              ModelName: {Get: Steps.Create.ModelName}
              TransformInput: {ContentType: application/json, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
              TransformOutput: {S3OutputPath: "s3://example-bucket/out/"}
              TransformResources: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Right:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.8.0-cpu", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
          - Name: Score
            Type: Transform
            Arguments:
              ModelName: {Get: Steps.Create.ModelName}
              TransformInput: {ContentType: application/json, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
              TransformOutput: {S3OutputPath: "s3://example-bucket/out/"}
              TransformResources: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Source:
        https://github.com/aws/amazon-sagemaker-examples/issues/613,
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html
    Since:
        0.1
    """
    for step, place, model in transforms(view):
        kind = text(mapping(step.request, "TransformResources"), "InstanceType")
        instance = instances.find(kind) if kind is not None else None
        for container in model.values():
            uri = text(container, "Image")
            image = images.parse_image(uri) if uri is not None else None
            if instance is None or image is None or not image.amazon or image.kind != "framework":
                continue
            known = images.facts(image.repository, image.version or "").get("processors", ())
            if image.processor == "gpu" and instance.processor == "cpu":
                # only the server of TensorFlow is linked with CUDA's library
                yield Problem(
                    f"the model's image is for GPUs (tag {image.tag!r}), and {instance.name} has none",
                    (*place, "TransformResources", "InstanceType"),
                    "use an instance type with GPUs, or the image's cpu tag in the model",
                    severity=None if image.engine == "tensorflow" else "warning",
                )
            elif image.processor == "cpu" and instance.gpus and "gpu" in known:
                idle = f"{instance.gpus} GPU" + ("s" if instance.gpus > 1 else "")
                yield Problem(
                    f"the model's image is for CPUs (tag {image.tag!r}): {idle} of {instance.name} stay idle",
                    (*place, "TransformResources", "InstanceType"),
                    "use the image's gpu tag in the model, or an instance type without GPUs",
                    severity="warning",
                )


@rule("FRM022", area="framework", scope="pipeline")
def transform_of_a_source(view: PipelineView) -> Iterator[Problem]:
    """A transform step uses a model whose artifact is given as ModelDataSource.

    What it does:
        Looks for ModelDataSource in the containers of models that the pipeline makes, where a transform step uses them.
    Why:
        "SageMaker Batch currently doesn't support Model entity with container definitions which use ModelDataSource
        attribute": the model is made, and CreateTransformJob is refused. Models that were not compressed, such as those of
        JumpStart, can only be deployed to endpoints.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataSource: {S3DataSource: {S3Uri: "s3://example-bucket/model/", S3DataType: S3Prefix, CompressionType: None}}}
          - Name: Score
            Type: Transform
            Arguments:
              ModelName: {Get: Steps.Create.ModelName}
              TransformInput: {ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
              TransformOutput: {S3OutputPath: "s3://example-bucket/out/"}
              TransformResources: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Right:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model/model.tar.gz"}
          - Name: Score
            Type: Transform
            Arguments:
              ModelName: {Get: Steps.Create.ModelName}
              TransformInput: {ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
              TransformOutput: {S3OutputPath: "s3://example-bucket/out/"}
              TransformResources: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/4777 and /5160
    Since:
        0.1
    """
    for step, place, model in transforms(view):
        if any(container.get("ModelDataSource") is not None for container in model.values()):
            yield Problem(
                f"the model of step {_maker(step)} has a ModelDataSource, which batch transform does not support",
                (*place, "ModelName"),
                "make the model with ModelDataUrl, of an archive model.tar.gz; or deploy it to an endpoint",
            )


@rule("FRM023", area="framework", severity="warning", scope="pipeline")
def unwritten_format(view: PipelineView) -> Iterator[Problem]:
    """A transform step asks a built-in algorithm for predictions in a format that it does not write.

    What it does:
        Compares Accept in TransformOutput with the response formats that are published for the algorithm of the step's
        model, where the pipeline makes the model.
    Why:
        "Failed to parse output from the algorithm as CSV": the answer is JSON all the same, or an error, and the job
        fails after the first file.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
          - Name: Score
            Type: Transform
            Arguments:
              ModelName: {Get: Steps.Create.ModelName}
              TransformInput: {ContentType: text/csv, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
              TransformOutput: {Accept: text/csv, AssembleWith: Line, S3OutputPath: "s3://example-bucket/out/"}
              TransformResources: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Right:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
          - Name: Score
            Type: Transform
            Arguments:
              ModelName: {Get: Steps.Create.ModelName}
              TransformInput: {ContentType: text/csv, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
              TransformOutput: {Accept: application/jsonlines, AssembleWith: Line, S3OutputPath: "s3://example-bucket/out/"}
              TransformResources: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html,
        https://github.com/aws/amazon-sagemaker-examples/issues/821
    Since:
        0.1
    """
    for step, place, model in transforms(view):
        asked = text(mapping(step.request, "TransformOutput"), "Accept")
        last = next(reversed(list(model.values())), None)
        algorithm = find(text(last, "Image") or "") if last is not None else None
        if asked is None or algorithm is None or not algorithm.responses:
            continue
        plain = asked.partition(";")[0].strip().lower()
        if plain not in algorithm.responses:
            yield Problem(
                f"{algorithm.name} writes {', '.join(algorithm.responses)}, not {show(asked)}",
                (*place, "TransformOutput", "Accept"),
                "write application/jsonlines, and take the predictions out of its lines",
                severity="error" if plain in algorithm.no_responses else None,
            )


def transforms(view: PipelineView) -> Iterator[tuple[Step, Path, Mapping[Path, Mapping[str, object]]]]:
    """The transform steps of a model that the pipeline makes: each with its place and the model's containers."""
    models = {step.name: step for step in view.steps if step.type == "Model"}
    for step in view.steps if models else ():
        model = models.get(_maker(step)) if step.operation == "CreateTransformJob" else None
        if model is not None:
            made = PipelineStep(model.name, model.type, {"Arguments": model.request}, ())
            yield step, step.prefix[len(view.pipeline.prefix) :], dict(containers(made))


def _maker(step: Step) -> str:
    """The step that makes the model of a transform step; empty where none does."""
    name = step.request.get("ModelName")
    target = parse_get(str(name.get("Get"))) if isinstance(name, Mapping) else None
    return target.name if target is not None and target.root == "Steps" else ""
