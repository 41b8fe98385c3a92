"""Rules of the area *monitoring*: what SageMaker Debugger's hook is to save, and whether the image has one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import algorithms, images
from cursus.aws.tables import table
from cursus.checks.monitoring.debugger import COLLECTED, OF
from cursus.checks.rules import Problem, rule
from cursus.checks.type_words import whole
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
        Compares CollectionName over DebugHookConfig.CollectionConfigurations, wants numbers for intervals and steps, reductions
        that the hook has, and expressions that compile, and of a collection that the hook does not fill by itself an expression of
        its own. A warning for names in CollectionParameters and HookParameters that the hook does not read.
    Why:
        A collection has one configuration; SageMaker refuses a name that occurs twice. The hook passes over parameters
        that it does not know, and saves every 500 steps as if nothing were said. With an interval that is no number, or a collection
        that says nothing of what is in it (``InvalidCollectionConfiguration``), the training stops when the hook starts.
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
        start, end = whole(given.get("start_step")), whole(given.get("end_step"))
        if start is not None and end is not None and end <= start:
            yield Problem(
                f"the collection {show(name)} is saved from step {start} on and before step {end}: never",
                (*path, "CollectionParameters", "end_step"),
                f"write a number above {start}",
                severity="warning",
            )
        if name not in facts["collections"] and not {"include_regex", "tensor_names"} & given.keys():
            yield Problem(
                f"no hook fills a collection {show(name)} by itself.{did_you_mean(name, facts['collections'])}",
                (*path, "CollectionName"),
                "use the name of a built-in collection, or say by include_regex what is in this one",
                severity="warning",  # a script may fill it
            )


def _unread(given: Mapping[str, Any], path: Path, member: str, known: list[str]) -> Iterator[Problem]:
    """What is written in the parameters of a hook or a collection that no hook reads, or cannot read."""
    for name, value in mapping(given, member).items():
        if not isinstance(name, str):
            continue
        mode, point, rest = name.partition(".")
        fault = _fault(rest or name, value) if isinstance(value, str) else None
        if fault is not None:
            what, remedy = fault
            yield Problem(f"{name} is {show(value, name)}, {what}", (*path, member, name), remedy)
        if name not in known and not (point and mode in table("debugger")["modes"] and rest in known):
            yield Problem(
                f"the debugger hook reads no {show(name)} in {member}.{did_you_mean(name, known)}",
                (*path, member, name),
                f"write one of {', '.join(known)}",
                severity="warning",
            )


def _fault(name: str, value: str) -> tuple[str, str] | None:
    """Why the hook cannot read a parameter, and what to write instead; None where it can."""
    facts, parts = table("debugger"), [part.strip() for part in value.split(",")]
    if name in facts["numbers"] and not value.strip().isdigit():
        return "which is no number of steps", "write a whole number, such as 100"
    if name == "save_interval" and whole(value) == 0:
        return "and steps are divided by it", "write a whole number from 1 on"
    if name == "save_steps" and not all(part.isdigit() for part in parts):
        return "which are no numbers of steps", "write whole numbers, such as 0,100,200"
    if name == "reductions":
        unknown = [part for part in parts if part and part not in facts["reductions"]]
        if unknown:
            near = did_you_mean(unknown[0], facts["reductions"])
            known = [one for one in facts["reductions"] if not one.startswith("abs_")]
            return f"and the hook has no {show(unknown[0])}.{near}", f"write any of {', '.join(known)}"
    if name == "include_regex":
        for part in parts:  # as the hook takes them: at each comma
            try:
                re.compile(part)
            except re.error as error:
                return (
                    f"which is no regular expression ({error.msg})",
                    "close what is open, or escape it with \\",
                )
    return None
