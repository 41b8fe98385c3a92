"""Rules on what serves the models that a pipeline makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cursus.aws import images
from cursus.aws.algorithms import find
from cursus.aws.pipelines import PipelineStep, named_step, parse_get, target_of
from cursus.aws.tables import table
from cursus.checks.pipeline import place_of, trained_by
from cursus.checks.pipeline.models import containers_in
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show
from cursus.suggest import slip


@rule("DEP056", severity="warning", scope="pipeline")
def served_by_another(view: PipelineView) -> Iterator[Problem]:
    """A model is served by the image of another framework than it was trained with, or by one that serves nothing.

    What it does:
        Compares the image of a model or registration step's container with the one of the training step whose artifact it
        gets, where both are Amazon's. A container with a script of its own (SAGEMAKER_PROGRAM) is left alone. In a model, an image
        for training alone, such as pytorch-training, is an error whatever it gets.
    Why:
        CreateModel looks into no archive. The endpoint fails its health check, or the transform job ends with an error: the
        server finds no model that it can load, or there is no server in the image: exec: "serve": executable file not found.
    Example:
          operation: Pipeline
          Steps:
            - Name: Train
              Type: Training
              Arguments:
                AlgorithmSpecification: {TrainingImage: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", TrainingInputMode: File}
                HyperParameters: {num_round: "10"}
                InputDataConfig: [{ChannelName: train, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}}]
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310", ModelDataUrl: {Get: Steps.Train.ModelArtifacts.S3ModelArtifacts}}
        +       PrimaryContainer: {Image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", ModelDataUrl: {Get: Steps.Train.ModelArtifacts.S3ModelArtifacts}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html,
        https://github.com/aws/sagemaker-huggingface-inference-toolkit/issues/45,
        https://github.com/aws/sagemaker-pytorch-training-toolkit/issues/139
    """
    trained = {step.name: step.request for step in view.steps if step.operation == "CreateTrainingJob"}
    for step in view.steps:
        if step.type not in ("Model", "RegisterModel"):
            continue
        top = place_of(view, step)
        for place, container in containers_in(step.type, step.request):
            image = _amazon(text(container, "Image"))
            if image is not None and "inference" not in image.scopes and not image.repository.startswith(RL):
                yield Problem(
                    f"the image {show(image.repository)} is made for {' and '.join(image.scopes)}, and serves no models",
                    (*top, *place, "Image"),
                    _server(image),
                    severity="error" if "-training" in image.repository and step.type == "Model" else None,
                )
                continue
            job = trained.get(trained_by(view, target_of(container.get("ModelDataUrl"))) or "")
            if job is None or image is None or "SAGEMAKER_PROGRAM" in mapping(container, "Environment"):
                continue
            trainer = _amazon(text(mapping(job, "AlgorithmSpecification"), "TrainingImage"))
            told = _not_served(trainer, image)
            if told:
                yield Problem(told, (*top, *place, "Image"), "write the image that serves what was trained")


def _amazon(uri: str | None) -> images.Image | None:
    found = images.amazon_image(uri)
    return found if found is not None and found.framework is not None else None


def _not_served(trainer: images.Image | None, image: images.Image) -> str:
    """What keeps an image from serving the model of a training image; empty where nothing known does."""
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


def _server(image: images.Image) -> str:
    """What to write instead of an image that serves nothing."""
    name = image.repository.replace("-training", "-inference")
    known = name != image.repository and name in table("images")["repositories"]
    return f"write the one for inference, {name}" if known else "write the image that serves what was trained"


RL = "sagemaker-rl-"
"""How repositories begin whose images serve some of what they train."""
PICKLED = ("sklearn", "xgboost")
"""Frameworks whose models an older version may be unable to load."""


@rule("DEP064", severity="warning", scope="pipeline")
def code_that_stays_behind(view: PipelineView) -> Iterator[Problem]:
    """A model's container is to get its code from a folder of the builder's machine, or is told it by no known name.

    What it does:
        Looks at SAGEMAKER_SUBMIT_DIRECTORY in the environment of model and registration containers: an archive on S3, or a
        folder below /opt/ml/model, where the model's own archive is unpacked; and for variables that are called almost as one that
        the servers read.
    Why:
        The container has no such folder. The endpoint fails its health check, or serves without the script.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
                PrimaryContainer:
                  Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1.0-cpu-py310"
                  ModelDataUrl: s3://example-bucket/model.tar.gz
        -         Environment: {SAGEMAKER_PROGRAM: inference.py, SAGEMAKER_SUBMIT_DIRECTORY: /home/me/churn/code}
        +         Environment: {SAGEMAKER_PROGRAM: inference.py, SAGEMAKER_SUBMIT_DIRECTORY: /opt/ml/model/code}
    Source:
        https://sagemaker.readthedocs.io/en/v2/frameworks/pytorch/using_pytorch.html (the format of a model archive)
    """
    for step in view.steps:
        if step.type not in ("Model", "RegisterModel"):
            continue
        top = place_of(view, step)
        for place, container in containers_in(step.type, step.request):
            told = mapping(container, "Environment")
            known = SERVED if images.amazon_image(text(container, "Image")) else SERVED_BY_ALL
            for name in told:
                meant = next((each for each in known if _nearly(str(name), each)), None)
                if meant is not None and meant not in told:
                    yield Problem(
                        f"nothing reads the variable {show(name)}. Did you mean {meant!r}?",
                        (*top, *place, "Environment", name),
                        f"call it {meant}",
                    )
            folder = text(told, "SAGEMAKER_SUBMIT_DIRECTORY")
            if not folder or folder.startswith(("s3://", "/opt/ml/", "{", "$", "<")):
                continue
            yield Problem(
                f"SAGEMAKER_SUBMIT_DIRECTORY {show(folder)} is no place in the container, and none on S3",
                (*top, *place, "Environment", "SAGEMAKER_SUBMIT_DIRECTORY"),
                "write the S3 URI of a tar.gz archive with the code, or /opt/ml/model/code",
            )


def _nearly(name: str, known: str) -> bool:
    """True for a slip, other cases or separators, and a name cut short; others begin alike (SAGEMAKER_TS_MAX_WORKERS)."""
    if name == known:
        return False
    same = re.sub("[_-]", "", name).upper() == known.replace("_", "")
    return same or slip(name, known) or (name.count("_") > 1 and known.startswith(name))


SERVED_BY_ALL = (
    *("SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY", "SAGEMAKER_CONTAINER_LOG_LEVEL", "SAGEMAKER_REGION"),
    *("SAGEMAKER_MODEL_SERVER_TIMEOUT", "SAGEMAKER_MODEL_SERVER_WORKERS", "SAGEMAKER_MULTI_MODEL"),
    *("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_SAFE_PORT_RANGE"),
    *("SAGEMAKER_INFERENCE_INPUT", "SAGEMAKER_INFERENCE_OUTPUT", "SAGEMAKER_INFERENCE_SUPPORTED"),
    *("SAGEMAKER_TRITON_DEFAULT_MODEL_NAME", "SAGEMAKER_TFS_DEFAULT_MODEL_NAME"),
)
"""Variables of SageMaker's toolkits, which images of the user's own have as well."""
SERVED = (*SERVED_BY_ALL, "HF_MODEL_ID", "HF_TASK")
"""Variables that the servers in Amazon's images read."""


@rule("DEP070", scope="pipeline")
def made_under_another_name(view: PipelineView) -> Iterator[Problem]:
    """A step names a model or an endpoint configuration as another step asked for it, not as the pipeline calls it.

    What it does:
        Compares ModelName of transform steps, endpoint configurations and inference components, EndpointConfigName of
        endpoints, and what lambda and callback steps are given, with the names, or the parameters, in model and endpoint
        configuration steps. A name that no step gives is a warning where nothing takes what the pipeline makes.
    Why:
        A pipeline makes up the name, or ends it with something of its own, so that executions do not meet: there is no model
        of that name, and the step fails. It does not wait for the other either. A model that was there before is an old one:
        what the pipeline trains is never used.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Create, Type: Model, Arguments: {ExecutionRoleArn: "arn:aws:iam::123456789012:role/SageMakerRole", PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"}}}
            - Name: Score
              Type: Transform
              Arguments:
        -       ModelName: Create
        +       ModelName: {Get: Steps.Create.ModelName}
                TransformInput: {DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/2122 and /2650,
        https://github.com/aws/sagemaker-python-sdk/pull/6224
    """
    made: dict[tuple[str, str], str] = {}
    for step in view.definition.steps:
        member = _NAMED.get(step.type or "")
        if member is not None and step.name is not None:
            asked = _spelt(step.arguments.get(member))
            if asked is not None:
                made[member, asked] = step.name
            if member == "ModelName":
                made.setdefault((member, step.name), step.name)
    targets = (parse_get(reference.text) for reference in view.definition.references)
    taken = {target.name for target in targets if target is not None and target.root == "Steps"}
    idle = {
        _NAMED[step.type]: step.name
        for step in view.definition.steps
        if step.type in _NAMED and step.name not in taken
    }
    for step in view.definition.steps if made else ():
        for place, member, name in _named(step):
            maker = made.get((member, name))
            what = "model" if member == "ModelName" else "endpoint configuration"
            if maker is None and member in idle and step.type not in ("Lambda", "Callback"):
                yield Problem(
                    f"the step takes the {what} {show(name)}, and nothing takes the one that step {idle[member]} makes",
                    (*step.place, *place),
                    f'write {{"Get": "Steps.{idle[member]}.{member}"}}',
                    severity="warning",
                )
            if maker is not None and maker != step.name:
                yield Problem(
                    f"step {maker} makes no {what} of the name {show(name)}: each execution gives it another",
                    (*step.place, *place),
                    f'write {{"Get": "Steps.{maker}.{member}"}}',
                    severity="warning" if step.type in ("Lambda", "Callback") else None,
                )


_NAMED = {"Model": "ModelName", "EndpointConfig": "EndpointConfigName"}


def _named(step: PipelineStep) -> Iterator[tuple[Path, str, str]]:
    """Where a step names a model or an endpoint configuration in so many words: the place, the member and the name."""
    found: list[tuple[Path, str, object]] = []
    if step.type == "Transform":
        found.append((("ModelName",), "ModelName", step.arguments.get("ModelName")))
    elif step.type == "Endpoint":
        found.append(
            (("EndpointConfigName",), "EndpointConfigName", step.arguments.get("EndpointConfigName"))
        )
    elif step.type == "EndpointConfig":
        for i, variant in mappings(step.arguments, "ProductionVariants"):
            found.append((("ProductionVariants", i, "ModelName"), "ModelName", variant.get("ModelName")))
    elif step.type == "InferenceComponent":
        deployed = mapping(step.arguments, "Specification").get("ModelName")
        found.append((("Specification", "ModelName"), "ModelName", deployed))
    elif step.type in ("Lambda", "Callback"):
        for key, value in step.arguments.items():
            found += [((key,), member, value) for member in _NAMED.values()]
    for place, member, value in found:
        name = _spelt(value)
        if name is not None:
            yield place, member, name


def _spelt(value: object) -> str | None:
    """A name in so many words, or the parameter that it is."""
    get = value.get("Get") if isinstance(value, Mapping) else None
    if isinstance(get, str) and get.startswith("Parameters."):
        return get
    return value if isinstance(value, str) else None


@rule("DEP071", scope="pipeline")
def sent_without_a_type(view: PipelineView) -> Iterator[Problem]:
    """A transform step sends CSV without saying so to a built-in algorithm that takes it for something else.

    What it does:
        Looks at transform steps without a ContentType whose model this pipeline makes of an algorithm with another default:
        for a location that ends with .csv, and for a model that was trained on CSV (a warning, where CSV is not asked for
        in the answers too).
    Why:
        The MIME type goes with each request to the model's container. Without one XGBoost reads text/libsvm, and answers each
        request with an error.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
                PrimaryContainer: {Image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: {Get: Steps.Create.ModelName}
        -       TransformInput: {SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/customers.csv"}}}
        +       TransformInput: {ContentType: text/csv, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/customers.csv"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html,
        https://github.com/aws/sagemaker-xgboost-container (data_utils.get_content_type)
    """
    requests = {step.name: step for step in view.steps}
    for step in view.steps:
        source = mapping(step.request, "TransformInput")
        if step.operation != "CreateTransformJob" or not source or source.get("ContentType") is not None:
            continue
        model = requests.get(named_step(step.request.get("ModelName")))
        served = containers_in(model.type, model.request) if model is not None else iter(())
        _, container = next(served, ((), {}))
        algorithm = find(text(container, "Image") or "")
        scripted = "SAGEMAKER_PROGRAM" in mapping(container, "Environment")
        default = algorithm.default_content_type if algorithm is not None and not scripted else None
        if algorithm is None or default is None or "csv" in default:
            continue
        uri = text(mapping(mapping(source, "DataSource"), "S3DataSource"), "S3Uri")
        named = uri is not None and uri.endswith(".csv")
        job = requests.get(named_step(container.get("ModelDataUrl")))
        if named or (job is not None and _trained_on_csv(job)):
            told = f"{show(uri, limit=120)} is CSV" if named else "the model is trained on CSV"
            answered = "csv" in (text(mapping(step.request, "TransformOutput"), "Accept") or "")
            yield Problem(
                f"{told}, and without a ContentType {algorithm.name} takes what it is sent for {default}",
                (*place_of(view, step), "TransformInput", "ContentType"),
                "add ContentType: text/csv",
                severity=None if named or answered else "warning",
            )


def _trained_on_csv(job: Step) -> bool:
    types = [channel.get("ContentType") for _, channel in mappings(job.request, "InputDataConfig")]
    return bool(types) and all(isinstance(kind, str) and "csv" in kind for kind in types)
