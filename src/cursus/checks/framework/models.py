"""Rules of the area *framework*: what a model says of its containers, and how they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.images import Image, amazon_image, order
from cursus.aws.tables import table
from cursus.checks.framework.images import TOKEN
from cursus.checks.rules import Problem, rule
from cursus.checks.texts import GATED
from cursus.checks.type_words import whole
from cursus.checks.views import RequestView, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest, did_you_mean


def _containers(view: RequestView) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The containers of a model, each with its place."""
    if view.step.operation == "CreateModel":
        single = mapping(view.request, "PrimaryContainer")
        if single:
            yield ("PrimaryContainer",), single
        for i, each in mappings(view.request, "Containers"):
            yield ("Containers", i), each


@rule(
    "FRM031",
    scope="request",
    reads=("InferenceExecutionConfig", "MultiModelConfig", "ModelPackageName", "Containers"),
)
def called_in_another_way(view: RequestView) -> Iterator[Problem]:
    """The containers of a model are called in a way that they are not made for.

    What it does:
        Looks at a model whose InferenceExecutionConfig has the mode Direct: it is to have several containers, each with a
        ContainerHostname. Looks for MultiModelConfig in a container that serves one model, and for Image or ModelDataUrl beside
        ModelPackageName (both warnings).
    Why:
        "The ContainerHostname parameter is required for each container in a multi-container endpoint with direct
        invocation." A model package has its image and its artifact already.
    Example:
          operation: CreateModel
          InferenceExecutionConfig: {Mode: Direct}
        - Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/first:1"}, {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/second:1"}]
        + Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/first:1", ContainerHostname: first}, {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/second:1", ContainerHostname: second}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-endpoints.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """
    found = list(_containers(view))
    if mapping(view.request, "InferenceExecutionConfig").get("Mode") == "Direct":
        if len(found) == 1:
            yield Problem(
                "the mode is Direct, and the model has one container: there is none to choose from",
                ("InferenceExecutionConfig", "Mode"),
                "list the containers in Containers, or leave InferenceExecutionConfig out",
                severity="warning" if found[0][0][0] == "Containers" else None,
            )
        elif len(found) > 1 and all(each.get("ContainerHostname") is None for _, each in found):
            yield Problem(
                "the mode is Direct, and the containers have no ContainerHostname to be called by",
                (*found[0][0], "ContainerHostname"),
                "give each container one",
            )
    for place, container in found:
        if container.get("MultiModelConfig") is not None and container.get("Mode") in (None, "SingleModel"):
            yield Problem(
                "MultiModelConfig is for a container of several models, and this one serves one",
                (*place, "MultiModelConfig"),
                "write Mode: MultiModel, or leave it out",
                severity="warning",
            )
        beside = [name for name in ("Image", "ModelDataUrl") if container.get(name) is not None]
        if container.get("ModelPackageName") is not None and beside:
            yield Problem(
                f"{beside[0]} stands beside ModelPackageName, which has one of its own",
                (*place, beside[0]),
                "keep one of them",
                severity="warning",
            )


@rule("FRM032", severity="warning", scope="request", reads=("ExecutionRoleArn", "PrimaryContainer"))
def out_of_reach(view: RequestView) -> Iterator[Problem]:
    """A model's container is told of code or a model that it cannot get, or of no code where it needs some.

    What it does:
        Looks, in a model with EnableNetworkIsolation, for code in S3 (SAGEMAKER_SUBMIT_DIRECTORY) and for HF_MODEL_ID of the Hub; for
        a gated model of the Hub without a token; for a gated model of JumpStart's whose licence is not accepted (an error); and for a
        container of scikit-learn without SAGEMAKER_PROGRAM.
    Why:
        The container fetches both itself when it starts, and an isolated one reaches nothing. The Hub answers 401, "You are
        trying to access a gated repo". SageMaker copies a gated model only for those who accept its licence. The server of
        scikit-learn loads no model by itself: "'NoneType' object has no attribute 'startswith'", and the health check fails.
    Example:
          operation: CreateModel
        - EnableNetworkIsolation: true
          PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", Environment: {HF_MODEL_ID: google/flan-t5-large}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelAccessConfig.html,
        https://huggingface.co/docs/hub/models-gated,
        https://github.com/aws/sagemaker-scikit-learn-container/issues/82
    """
    isolated = view.request.get("EnableNetworkIsolation") is True
    for place, container in _containers(view):
        variables, path = mapping(container, "Environment"), (*place, "Environment")
        code, model = (
            text(variables, "SAGEMAKER_SUBMIT_DIRECTORY") or "",
            text(variables, "HF_MODEL_ID") or "",
        )
        named = model.count("/") == 1 and not model.startswith(("/", "s3:", "."))
        if isolated and code.startswith("s3://"):
            yield Problem(
                "the model has network isolation, and its container is to fetch its code from S3",
                (*path, "SAGEMAKER_SUBMIT_DIRECTORY"),
                "pack the code into the model's archive, and write /opt/ml/model/code",
            )
        elif isolated and named:
            yield Problem(
                f"the model has network isolation, and its container is to fetch {show(model)} from the Hub",
                (*path, "HF_MODEL_ID"),
                "bring the model as ModelDataSource, and write /opt/ml/model",
            )
        elif model.startswith(tuple(table("limits")["gated_models"])) and not any(
            map(TOKEN.search, map(str, variables))
        ):
            yield Problem(
                f"{show(model)} is a gated model of the Hugging Face Hub, and the container is given no token",
                (*path, "HF_MODEL_ID"),
                "bring the model as ModelDataSource, or let the container have HF_TOKEN",
            )
        image = amazon_image(text(container, "Image"))
        if (
            image is not None
            and image.framework == "sklearn"
            and isinstance(container.get("Environment", {}), Mapping)
            and "SAGEMAKER_PROGRAM" not in variables
            and container.get("Mode") in (None, "SingleModel")
        ):
            yield Problem(
                "the server of scikit-learn needs a script with model_fn, and SAGEMAKER_PROGRAM names none",
                (*path, "SAGEMAKER_PROGRAM"),
                "write SAGEMAKER_PROGRAM: inference.py, and pack code/inference.py into the model's archive",
            )
        source = mapping(mapping(container, "ModelDataSource"), "S3DataSource")
        if (text(source, "S3Uri") or "").startswith(GATED) and (
            mapping(source, "ModelAccessConfig").get("AcceptEula") in (None, False)
            and "HubAccessConfig" not in source
        ):
            yield Problem(
                "the model is a gated one of JumpStart's, and its licence is not accepted",
                (*place, "ModelDataSource", "S3DataSource", "ModelAccessConfig"),
                "read the licence, and write ModelAccessConfig: {AcceptEula: true}",
                severity="error",
            )


NUMBERS = (
    *("SAGEMAKER_MODEL_SERVER_WORKERS", "SAGEMAKER_MODEL_SERVER_TIMEOUT", "MMS_DEFAULT_RESPONSE_TIMEOUT"),
    *(
        "MMS_MAX_REQUEST_SIZE",
        "TS_MAX_REQUEST_SIZE",
        "TS_DEFAULT_RESPONSE_TIMEOUT",
        "SM_NUM_GPUS",
        "MAX_INPUT_LENGTH",
    ),
    *("MAX_TOTAL_TOKENS", "MAX_INPUT_TOKENS", "MAX_BATCH_PREFILL_TOKENS", "MAX_CONCURRENT_REQUESTS"),
)
"""Variables that the servers of Amazon's images read as whole numbers."""
BATCHES = ("auto", "disable", "vllm", "lmi-dist", "lmi-dist-v2", "trtllm", "tnx", "scheduler", "deepspeed")
"""Values of OPTION_ROLLING_BATCH, of all versions of the large model container."""
TGI = "huggingface-pytorch-tgi-inference"
LAUNCHED = NUMBERS[NUMBERS.index("SM_NUM_GPUS") :]
"""Those of the launcher of text-generation-inference, which refuses other values."""
LESS = (("MAX_INPUT_LENGTH", "MAX_TOTAL_TOKENS"), ("MAX_INPUT_TOKENS", "MAX_TOTAL_TOKENS"))


@rule(
    "FRM038",
    severity="warning",
    scope="request",
    reads=tuple(
        f"Environment.{name}" for name in ("HF_TASK", "HF_MODEL_ID", "OPTION_ROLLING_BATCH", *NUMBERS)
    ),
)
def variables_of_servers(view: RequestView) -> Iterator[Problem]:
    """A model's server is told what it does not take.

    What it does:
        Where a model has one of Amazon's images, looks at HF_TASK, which is a task of transformers' pipelines (an error, where another one is
        nearly that), at the variables that are whole numbers, at the length of a prompt for TGI, which is less than that of all tokens, at
        OPTION_ROLLING_BATCH, and at models of the Hub that are newer than the server.
    Why:
        "Unknown task", "invalid literal for int()", "`max_input_tokens` must be < `max_total_tokens`", "Unsupported model type mistral":
        the server ends when it starts, and the endpoint or transform job fails its health check.
    Example:
          operation: CreateModel
        - PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.1.0-transformers4.37.0-cpu-py310-ubuntu22.04", Environment: {HF_MODEL_ID: distilbert-base-uncased, HF_TASK: text_classification}}
        + PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.1.0-transformers4.37.0-cpu-py310-ubuntu22.04", Environment: {HF_MODEL_ID: distilbert-base-uncased, HF_TASK: text-classification}}
    Source:
        https://github.com/aws/sagemaker-huggingface-inference-toolkit,
        https://huggingface.co/docs/text-generation-inference/reference/launcher
    """
    for place, container in _containers(view):
        image = amazon_image(text(container, "Image"))
        if image is None or (image.kind != "framework" and "inference" not in image.scopes):
            continue
        variables, path = mapping(container, "Environment"), (*place, "Environment")
        packed = not container.keys().isdisjoint(("ModelDataUrl", "ModelDataSource"))
        yield from _newer(image, text(variables, "HF_MODEL_ID") or "", place, packed)
        batch = text(variables, "OPTION_ROLLING_BATCH")
        if batch and image.repository == "djl-inference" and batch.lower() not in BATCHES:
            plain = re.sub("[^a-z]", "", batch.lower())
            meant = "trtllm" if plain == "tensorrtllm" else closest(batch, BATCHES)
            yield Problem(
                f"there is no rolling batch {show(batch)}",
                (*path, "OPTION_ROLLING_BATCH"),
                f"write {meant}" if meant else "write one such as auto",
                # The server for Neuron takes auto instead, and says so in its log alone.
                severity="error" if meant and image.processor != "neuron" else None,
            )
        task, known = text(variables, "HF_TASK"), table("trainer")["tasks"]
        if task and task not in known and not re.fullmatch(r"translation_\w+_to_\w+", task):
            near = closest(task, known)
            scripted = packed or "SAGEMAKER_PROGRAM" in variables
            yield Problem(
                f"there is no task {show(task)} of transformers' pipelines.{did_you_mean(task, known)}",
                (*path, "HF_TASK"),
                f"write {near}" if near else "write one such as text-classification",
                severity="error" if near and not scripted else None,  # an archive may have code/inference.py
            )
        numbers: dict[str, int] = {}
        for name in NUMBERS:
            value = text(variables, name)
            if value is None or (name == "SM_NUM_GPUS" and value in ("", "all")):
                continue
            number = whole(value)
            if number is not None:
                numbers[name] = number
            elif not re.search(r"[${<]", value):
                yield Problem(
                    f"{name} is {show(value)}, and the server reads a whole number",
                    (*path, name),
                    "write one",
                    severity="error" if image.repository == TGI and name in LAUNCHED else None,
                )
        for less, more in LESS:
            if less in numbers and more in numbers and numbers[less] >= numbers[more]:
                yield Problem(
                    f"{less} is {numbers[less]}, and is to be less than {more}, which is {numbers[more]}",
                    (*path, less),
                    "leave room for what is generated",
                    severity="error",
                )


def _newer(image: Image, model: str, place: Path, packed: bool) -> Iterator[Problem]:
    """A model of the Hub whose architecture the server in the image does not know yet."""
    tgi = image.repository == TGI and image.processor == "gpu"
    if not tgi and image.repository != "huggingface-pytorch-inference":
        return
    since, server = known_since(model, tgi), "text-generation-inference" if tgi else "transformers"
    if since and image.version and order(image.version) < order(since):
        yield Problem(
            f"{show(model)} is newer than {server} {image.version} in the image, which cannot load it",
            (*place, "Image"),
            f"take an image with {server} {since} or later",
            severity="warning"
            if packed and not tgi
            else "error",  # an archive may have code/requirements.txt
        )


def known_since(model: str, tgi: bool = False) -> str | None:
    """The first version of transformers, or of text-generation-inference, that knows the architecture of a model of the Hub."""
    begins = table("limits")["models_served_since"]
    # of several beginnings the longest tells the model
    known = max((each for each in begins if model.startswith(each)), key=len, default=None)
    return None if known is None else str(begins[known][0 if tgi else 1])
