"""Rules of the area *framework*: what a model says of its containers, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.tables import table
from cursus.checks.framework.images import TOKEN
from cursus.checks.rules import Problem, rule
from cursus.checks.texts import GATED
from cursus.checks.views import RequestView, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show


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
    """A model's container is told of code or a model that it cannot get.

    What it does:
        Looks, in a model with EnableNetworkIsolation, for code in S3 (SAGEMAKER_SUBMIT_DIRECTORY) and for HF_MODEL_ID of the Hub; for
        a gated model of the Hub without a token; and for a gated model of JumpStart's whose licence is not accepted (an error).
    Why:
        The container fetches both itself when it starts, and an isolated one reaches nothing. The Hub answers 401, "You are
        trying to access a gated repo". SageMaker copies a gated model only for those who accept its licence.
    Example:
          operation: CreateModel
        - EnableNetworkIsolation: true
          PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", Environment: {HF_MODEL_ID: google/flan-t5-large}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelAccessConfig.html,
        https://huggingface.co/docs/hub/models-gated
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
            map(TOKEN.search, variables)
        ):
            yield Problem(
                f"{show(model)} is a gated model of the Hugging Face Hub, and the container is given no token",
                (*path, "HF_MODEL_ID"),
                "bring the model as ModelDataSource, or let the container have HF_TOKEN",
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
