"""Rules of the area *monitoring*: what SageMaker Debugger's hook is to save, and whether the image has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import algorithms, images
from cursus.aws.tables import table
from cursus.checks.monitoring.debugger import COLLECTED, OF
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView, listing, mapping
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean


@rule("MON012", severity="warning", reads=("DebugRuleConfigurations",), shared=True, of=OF)
def rules_need_hook(view: TrainingView) -> Iterator[Problem]:
    """A debugger rule reads what a hook saves.

    What it does:
        Wants DebugHookConfig where there are debugger rules.
    Why:
        The rules evaluate the tensors that the hook writes to DebugHookConfig.S3OutputPath. Without it there are none.
    Example:
        + DebugHookConfig: {S3OutputPath: "s3://example-bucket/debug/"}
          DebugRuleConfigurations:
            - {RuleConfigurationName: loss, RuleEvaluatorImage: "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest", RuleParameters: {rule_to_invoke: LossNotDecreasing}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DebugHookConfig.html
    """
    if listing(view.request, "DebugRuleConfigurations") and view.request.get("DebugHookConfig") is None:
        yield Problem(
            "debugger rules are given, and no DebugHookConfig saves the tensors that they read",
            ("DebugHookConfig",),
            'add DebugHookConfig: {"S3OutputPath": …}',
        )


@rule("MON013", severity="warning", reads=(*COLLECTED, "DebugRuleConfigurations"), shared=True, of=OF)
def hook_support(view: TrainingView) -> Iterator[Problem]:
    """The image has a debugger hook.

    What it does:
        Where tensors are to be saved, holds the image against the frameworks and algorithms that have a hook, and the
        versions in which it starts by itself. Empty CollectionConfigurations, which the SDK always adds, ask for none.
    Why:
        Without a hook in the image nothing is saved, and the rules have nothing to read. From TensorFlow 2.6 and PyTorch
        1.12 on the script has to register the hook itself.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3
          HyperParameters: {sagemaker_program: train.py, sagemaker_submit_directory: "s3://example-bucket/code.tar.gz"}
        - DebugHookConfig:
        -   S3OutputPath: s3://example-bucket/debug/
        -   CollectionConfigurations: [{CollectionName: losses}]
        + DebugHookConfig: {S3OutputPath: "s3://example-bucket/debug/", CollectionConfigurations: []}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-supported-frameworks.html
    """
    hook = mapping(view.request, "DebugHookConfig")
    rules = listing(view.request, "DebugRuleConfigurations")
    if not (listing(hook, "CollectionConfigurations") or rules) or view.image is None:
        return
    image = images.amazon_image(view.image)
    if image is None or image.engine is None:
        return
    facts = table("debugger")
    path: Path = ("DebugHookConfig", "CollectionConfigurations")
    if not listing(hook, "CollectionConfigurations"):
        path = ("DebugRuleConfigurations",)
    engine, version = image.engine, image.engine_version
    since = facts["hook_since"].get(engine)
    if since is None:
        what = "algorithm" if algorithms.find(view.image) else "image"
        yield Problem(
            f"the {engine} {what} has no debugger hook: no tensors are saved",
            path,
            "leave the collections and rules out",
        )
        return
    if version is None:
        return
    if images.order(version) < images.order(since):
        yield Problem(
            f"the debugger hook is in the {engine} images from {since} on, and this is {version}",
            path,
            "use a newer image, or leave the collections out",
        )
        return
    own = facts["script_hook_since"].get(engine)
    if own is not None and images.order(version) >= images.order(own):
        yield Problem(
            f"from {engine} {own} on the hook does not start by itself",
            path,
            "register it in the script (smdebug), or leave the collections out",
            severity="info",
        )


@rule("MON014", reads=COLLECTED, shared=True, of=OF)
def collections(view: TrainingView) -> Iterator[Problem]:
    """A tensor collection is named once, and its parameters are such that the debugger hook reads.

    What it does:
        Compares CollectionName over DebugHookConfig.CollectionConfigurations, and wants numbers for intervals and steps. A
        warning for names in CollectionParameters and HookParameters that the hook does not read, and for a collection called
        almost like one that the hook fills by itself, without an expression of its own.
    Why:
        A collection has one configuration; SageMaker refuses a name that occurs twice. The hook passes over parameters
        that it does not know, and saves every 500 steps as if nothing were said; with an interval that is no number the
        training stops at the first step.
    Example:
          DebugHookConfig:
            S3OutputPath: s3://example-bucket/debug/
        -   CollectionConfigurations: [{CollectionName: losses}, {CollectionName: losses}]
        +   CollectionConfigurations: [{CollectionName: losses}, {CollectionName: weights}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CollectionConfiguration.html,
        https://github.com/awslabs/sagemaker-debugger
    """
    hook = mapping(view.request, "DebugHookConfig")
    facts = table("debugger")
    yield from _unread(hook, ("DebugHookConfig",), "HookParameters", facts["hook_parameters"])
    seen: set[str] = set()
    for i, collection in enumerate(listing(hook, "CollectionConfigurations")):
        name = collection.get("CollectionName") if isinstance(collection, Mapping) else None
        if not isinstance(name, str):
            continue
        path: Path = ("DebugHookConfig", "CollectionConfigurations", i)
        if name in seen:
            yield Problem(
                f"the collection {show(name)} is configured twice",
                (*path, "CollectionName"),
                "configure it once",
            )
        seen.add(name)
        yield from _unread(collection, path, "CollectionParameters", facts["collection_parameters"])
        given = mapping(collection, "CollectionParameters")
        if name not in facts["collections"] and not {"include_regex", "tensor_names"} & given.keys():
            near = did_you_mean(name, facts["collections"])
            if near:
                yield Problem(
                    f"no hook fills a collection {show(name)} by itself.{near}",
                    (*path, "CollectionName"),
                    "use the name of a built-in collection, or say by include_regex what is in this one",
                    severity="warning",
                )


def _unread(given: Mapping[str, Any], path: Path, member: str, known: list[str]) -> Iterator[Problem]:
    """What is written in the parameters of a hook or a collection that no hook reads, or cannot read."""
    for name, value in mapping(given, member).items():
        if not isinstance(name, str):
            continue
        mode, point, rest = name.partition(".")
        if (
            (rest or name) in table("debugger")["numbers"]
            and isinstance(value, str)
            and not value.strip().isdigit()
        ):
            yield Problem(
                f"{name} is {show(value, name)}, which is no number of steps",
                (*path, member, name),
                "write a whole number, such as 100",
            )
        if name not in known and not (point and mode in table("debugger")["modes"] and rest in known):
            yield Problem(
                f"the debugger hook reads no {show(name)} in {member}.{did_you_mean(name, known)}",
                (*path, member, name),
                f"write one of {', '.join(known)}",
                severity="warning",
            )
