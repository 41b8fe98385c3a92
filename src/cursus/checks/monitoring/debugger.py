"""Rules of the area *monitoring*: SageMaker Debugger, the profiler and TensorBoard output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws import images
from cursus.aws.tables import table
from cursus.checks.framework.tags import registry_faults
from cursus.checks.resources.instances import is_on_cpus, other_problem
from cursus.checks.rules import Problem, rule
from cursus.checks.text_faults import placeholder
from cursus.checks.type_words import decimal
from cursus.checks.views import TrainingView, integer, is_reference, listing, mapping, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean

RULE_MEMBERS = ("DebugRuleConfigurations", "ProfilerRuleConfigurations")
COLLECTED = ("CollectionName", "CollectionParameters", "HookParameters")
"""What a hook is told to save; a DebugHookConfig with none of these, which the SDK always adds, saves nothing."""
OF = ("DebugHookConfig", "ProfilerConfig", *RULE_MEMBERS, "AlgorithmSpecification", "ResourceConfig")


def _rules(view: TrainingView) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for member in RULE_MEMBERS:
        for i, configuration in enumerate(listing(view.request, member)):
            if isinstance(configuration, Mapping) and not is_reference(configuration):
                yield member, i, configuration


@rule("MON010", reads=RULE_MEMBERS, shared=True, of=OF)
def rule_named_twice(view: TrainingView) -> Iterator[Problem]:
    """Two debugger or profiler rules have the same name.

    What it does:
        Compares RuleConfigurationName over both lists.
    Why:
        "It must be unique relative to other rule configuration names": SageMaker refuses the request.
    Example:
          DebugHookConfig: {S3OutputPath: "s3://example-bucket/debug/"}
          DebugRuleConfigurations:
            - {RuleConfigurationName: loss, RuleEvaluatorImage: "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest", RuleParameters: {rule_to_invoke: LossNotDecreasing}}
        -   - {RuleConfigurationName: loss, RuleEvaluatorImage: "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest", RuleParameters: {rule_to_invoke: Overfit}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DebugRuleConfiguration.html
    """
    seen: dict[str, str] = {}
    for member, i, configuration in _rules(view):
        name = text(configuration, "RuleConfigurationName")
        if name is None:
            continue
        if name in seen:
            yield Problem(
                f"the rule name {show(name)} is already used by {seen[name]}",
                (member, i, "RuleConfigurationName"),
                "give each rule its own name",
            )
        seen.setdefault(name, f"{member}[{i}]")


@rule("MON011", severity="warning", reads=RULE_MEMBERS, shared=True, of=OF)
def rule_to_invoke(view: TrainingView) -> Iterator[Problem]:
    """A built-in rule is called by its name.

    What it does:
        For rules in Amazon's own rule image: wants rule_to_invoke, looks it up among the built-in debugger and
        profiler rules, and its other parameters among those of the rule, some of which it needs, and some of which are numbers; and
        the collection that it reads among those that the hook saves. The image's registry is
        that of its region; another one, or none, is an error, as is an instance type that processing jobs do not have. A rule of
        your own is to have both source_s3_uri and rule_to_invoke.
    Why:
        The rule runs beside the training job. With a name that it does not know it fails there, and watches nothing.
    Example:
          DebugHookConfig: {S3OutputPath: "s3://example-bucket/debug/"}
          DebugRuleConfigurations:
        -   - {RuleConfigurationName: loss, RuleEvaluatorImage: "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest", RuleParameters: {rule_to_invoke: LossNotDecresing}}
        +   - {RuleConfigurationName: loss, RuleEvaluatorImage: "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest", RuleParameters: {rule_to_invoke: LossNotDecreasing}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html
    """
    for member, i, configuration in _rules(view):
        yield from _evaluator(view, configuration, (member, i))
        yield from _of_own(configuration, (member, i))
        image = text(configuration, "RuleEvaluatorImage") or ""
        if "/sagemaker-debugger-rules" in image and not is_reference(configuration.get("RuleParameters")):
            parameters = mapping(configuration, "RuleParameters")
            yield from _rule_by_name(view, parameters, member, (member, i, "RuleParameters"))


def _evaluator(view: TrainingView, configuration: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """What is wrong with where a rule runs: the instance type, and the registry of the image."""
    kind = text(configuration, "InstanceType")
    if kind is not None and kind not in view.settings.allow:
        fault = other_problem(kind, "processing", (*place, "InstanceType"))
        if fault is not None:
            yield replace(fault, severity=fault.severity or "error")
    image, at = text(configuration, "RuleEvaluatorImage"), (*place, "RuleEvaluatorImage")
    if image is None:
        return
    if "." not in image.partition("/")[0] and placeholder(image) is None:
        yield Problem(
            f"the rule's image {show(image)} names no registry",
            at,
            "write the address of sagemaker-debugger-rules in ECR, in the job's region",
            severity="error",
        )
    evaluator = images.parse_image(image) if "/sagemaker-debugger-rules" in image else None
    for fault in registry_faults(evaluator, at, view.settings, view.region) if evaluator is not None else ():
        yield replace(fault, severity=fault.severity or "error")


def _of_own(configuration: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """A rule of the user's own that has its source or its name alone."""
    image = text(configuration, "RuleEvaluatorImage")
    named = mapping(configuration, "RuleParameters")
    given = [name for name in ("source_s3_uri", "rule_to_invoke") if name in named]
    if image is not None and len(given) == 1 and (CUSTOM in image or "source_s3_uri" in given):
        lacking = "rule_to_invoke" if "source_s3_uri" in given else "source_s3_uri"
        yield Problem(
            f"a rule of your own has a source and a name, and {lacking} is missing",
            (*place, "RuleParameters", lacking),
            f"add {lacking}",
            severity="warning",
        )


def _rule_by_name(
    view: TrainingView, parameters: Mapping[str, Any], member: str, place: Path
) -> Iterator[Problem]:
    """What is wrong with the name by which Amazon's image is to find a rule, and with the rule's parameters."""
    facts = table("debugger")
    given, path = parameters.get("rule_to_invoke"), (*place, "rule_to_invoke")
    own, other = "debugger_rules", "profiler_rules"
    if member == "ProfilerRuleConfigurations":
        own, other = other, own
    if given is None:
        yield Problem(
            "a built-in rule is not named", path, 'add {"rule_to_invoke": …}, such as LossNotDecreasing'
        )
    elif not isinstance(given, str):
        return
    elif given in facts[own]:
        yield from _built_in(view, given, parameters, place)
    elif given in facts[other]:
        there = next(each for each in RULE_MEMBERS if each != member)
        yield Problem(f"{show(given)} is a {other[:8]} rule", path, f"move it to {there}")
    else:
        yield Problem(
            f"there is no built-in rule {show(given)}.{did_you_mean(given, [*facts[own], *facts[other]])}",
            path,
            "use the name of a built-in rule",
            allowable=given,
        )


def _built_in(view: TrainingView, given: str, parameters: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """What is wrong with the parameters, at ``path``, of a built-in rule, and whether it goes with the job's image."""
    facts = table("debugger")
    known = facts["rule_parameters"].get(given)
    for name in parameters if known else ():
        if name in known or name in facts["parameters_of_all"] or not isinstance(name, str):
            continue
        yield Problem(
            f"the rule {given} has no parameter {show(name)}.{did_you_mean(name, known)}",
            (*path, name),
            f"use one of {', '.join(known)}",
            allowable=name,
        )
    for name in facts["rule_numbers"].get(given, ()):
        value = parameters.get(name)
        if isinstance(value, str) and decimal(value) is None:
            yield Problem(
                f"{name} of the rule {given} is a number, and {show(value, name)} is none",
                (*path, name),
                "write a number",
            )
    yield from _lacking_collection(view, given, path)
    if given in facts["rules_of_gpus"] and is_on_cpus(view):
        yield Problem(
            f"the rule {given} watches GPUs, and the job's instances have none",
            (*path, "rule_to_invoke"),
            "leave it out",
        )
    for name in facts["needed_parameters"].get(given, ()):
        if name not in parameters:
            yield Problem(f"the rule {given} needs {name}", (*path, name), f"add {name}")
    image_of_job = images.amazon_image(view.image)
    engine = image_of_job.engine if image_of_job else None
    for kind, names in facts["rules_of"].items():
        if given in names and engine and (engine == "xgboost") != (kind == "xgboost"):
            yield Problem(
                f"{show(given)} is a rule for {kind}; the image is one of {engine}",
                (*path, "rule_to_invoke"),
                "use a rule that goes with the framework",
            )


def _lacking_collection(view: TrainingView, given: str, path: Path) -> Iterator[Problem]:
    """A rule whose tensors the hook is not told to save: the SDK adds them, a request has to name them."""
    hook = mapping(view.request, "DebugHookConfig")
    needed = table("debugger")["rule_collections"].get(given, ())
    saved = [
        one.get("CollectionName")
        for one in listing(hook, "CollectionConfigurations")
        if isinstance(one, Mapping)
    ]
    everything = str(mapping(hook, "HookParameters").get("save_all", "")).lower() in ("true", "1", "yes")
    if not hook or not needed or everything or not all(isinstance(name, str) for name in saved):
        return
    if set(saved).isdisjoint((*needed, "all")):
        yield Problem(
            f"the rule {given} reads the collection {needed[0]}, which DebugHookConfig does not save",
            (*path, "rule_to_invoke"),
            f"add {{CollectionName: {needed[0]}}} to CollectionConfigurations",
        )


CUSTOM = "/sagemaker-debugger-rule-evaluator"
"""The image that evaluates rules of the user's own."""


@rule("MON015", reads=("ProfilerConfig",), shared=True, of=OF)
def profiler(view: TrainingView) -> Iterator[Problem]:
    """The profiler samples at one of six intervals, to a place of its own.

    What it does:
        Holds ProfilingIntervalInMilliseconds against the values that exist, and looks for profiler rules beside
        DisableProfiler true. A warning for settings beside it, and for a profiler without S3OutputPath.
    Why:
        SageMaker refuses any other interval, and a profiler rule where there is no profiler, as the SDK does: "ProfilerRule
        cannot be set when disable_profiler is True". Settings beside a disabled profiler do nothing.
    Example:
        - ProfilerConfig: {S3OutputPath: "s3://example-bucket/profiler/", ProfilingIntervalInMilliseconds: 300}
        + ProfilerConfig: {S3OutputPath: "s3://example-bucket/profiler/", ProfilingIntervalInMilliseconds: 500}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProfilerConfig.html,
        https://github.com/aws/sagemaker-python-sdk/pull/6189
    """
    config = mapping(view.request, "ProfilerConfig")
    interval = integer(config, "ProfilingIntervalInMilliseconds")
    values = table("debugger")["intervals"]
    if interval is not None and interval not in values:
        yield Problem(
            f"the profiling interval {interval} is none of {', '.join(map(str, values))} milliseconds",
            ("ProfilerConfig", "ProfilingIntervalInMilliseconds"),
            f"use {min(values, key=lambda value: abs(value - interval))}",
        )
    if config.get("DisableProfiler") is True:
        for member in ("S3OutputPath", "ProfilingIntervalInMilliseconds", "ProfilingParameters"):
            if config.get(member):
                yield Problem(
                    f"{member} is given, and the profiler is disabled",
                    ("ProfilerConfig", member),
                    "leave it out, or enable the profiler",
                    severity="warning",
                )
        if listing(view.request, "ProfilerRuleConfigurations"):
            yield Problem(
                "profiler rules are given, and the profiler is disabled",
                ("ProfilerRuleConfigurations",),
                "leave them out, or enable the profiler",
            )
    elif config and "S3OutputPath" not in config and config.get("DisableProfiler") in (None, False):
        yield Problem(
            "the profiler has no S3OutputPath to write to",
            ("ProfilerConfig", "S3OutputPath"),
            "add it, or set DisableProfiler to true",
            severity="warning",
        )


@rule("MON018", severity="warning", reads=("ProfilingParameters",), shared=True, of=OF)
def framework_profiling(view: TrainingView) -> Iterator[Problem]:
    """The framework's operations are to be profiled in an image where nothing is.

    What it does:
        Where ProfilingParameters asks for framework metrics (DetailedProfilingConfig and the like), holds Amazon's image
        against the frameworks and versions that Debugger profiles.
    Why:
        MXNet and XGBoost have no framework profiling, and TensorFlow from 2.11 and PyTorch from 2.0 on have none any more.
        The job runs without these metrics; system monitoring goes on.
    Example:
          AlgorithmSpecification: {TrainingImage: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"}
        - ProfilerConfig: {S3OutputPath: "s3://example-bucket/profiler/", ProfilingParameters: {DetailedProfilingConfig: '{"StartStep": 5, "NumSteps": 3}'}}
        + ProfilerConfig: {S3OutputPath: "s3://example-bucket/profiler/"}
          HyperParameters: {sagemaker_program: train.py, sagemaker_submit_directory: "s3://example-bucket/code.tar.gz"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-configure-framework-profiling.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-supported-frameworks.html
    """
    config = mapping(view.request, "ProfilerConfig")
    asked = [name for name in mapping(config, "ProfilingParameters") if str(name).endswith("ProfilingConfig")]
    image = images.amazon_image(view.image)
    if not asked or config.get("DisableProfiler") is True or image is None:
        return
    engine, version = image.engine, image.engine_version
    known = table("debugger")["framework_profiling"]
    if engine in known and version is not None:
        first, end = known[engine]
        if images.order(first) <= images.order(version) < images.order(end):
            return
        what = f"{images.title(str(engine))} {version}, only from {first} on and below {end}"
    elif engine is not None and engine not in known:
        what = images.title(engine)
    else:
        return
    yield Problem(
        f"framework profiling does not read {what}",
        ("ProfilerConfig", "ProfilingParameters"),
        f"leave {' and '.join(asked)} out",
    )


@rule(
    "MON017",
    reads=("DebugHookConfig", "ProfilerConfig", *RULE_MEMBERS),
    shared=True,
    of=OF,
)
def debugger_region(view: TrainingView) -> Iterator[Problem]:
    """The region and the instance type have SageMaker Debugger and its profiler.

    What it does:
        Looks up the region of the job among those without Debugger or its profiler, and its instance types among those
        without the profiler.
    Why:
        There the SDK leaves them out by itself; SageMaker refuses a request that asks for them: "ProfilerConfig is
        currently not supported in".
    Example:
          region: ap-southeast-3
          AlgorithmSpecification: {TrainingImage: 123456789012.dkr.ecr.ap-southeast-3.amazonaws.com/churn-trainer:1.4}
        - DebugHookConfig: {S3OutputPath: "s3://example-bucket/debug/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-supported-frameworks.html
    """
    facts = table("debugger")
    if view.region is not None and view.region in facts["no_debugger_regions"]:
        for member in ("DebugHookConfig", "DebugRuleConfigurations"):
            if view.request.get(member):
                yield Problem(
                    f"SageMaker Debugger is not available in {view.region}",
                    (member,),
                    f"leave {member} out",
                    allowable=view.region,
                )
    config = mapping(view.request, "ProfilerConfig")
    if not config or config.get("DisableProfiler") is True:
        return
    if view.region is not None and view.region in facts["no_profiler_regions"]:
        yield Problem(
            f"ProfilerConfig is not supported in {view.region}",
            ("ProfilerConfig",),
            "leave ProfilerConfig and ProfilerRuleConfigurations out, or set DisableProfiler to true",
            allowable=view.region,
        )
    for _, kind, _ in view.instances:
        if kind.removeprefix("ml.").startswith(tuple(facts["no_profiler_families"])):
            yield Problem(
                f"the profiler does not support {kind}",
                ("ProfilerConfig",),
                "leave ProfilerConfig and ProfilerRuleConfigurations out, or set DisableProfiler to true",
                allowable=kind,
            )
            return
