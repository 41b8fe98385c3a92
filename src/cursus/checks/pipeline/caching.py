"""Rules on what a step finds of earlier executions: its cached results, and their checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cursus.aws.pipelines import PipelineStep, Reference, facts, parse_get, written_out
from cursus.checks.pipeline.data import trainings
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean

_MEMBERS = ("Enabled", "ExpireAfter")
_DURATION = re.compile(
    r"P?(?=[\dT])(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T?(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.IGNORECASE
)
_TIMELESS = re.compile(r"P[^T]*\d[HS]", re.IGNORECASE)
_MONTHS = re.compile(r"P(\d{1,4})M", re.IGNORECASE)
_BUILT = re.compile(r"-\d{4}(?:-\d\d){5}-\d{3}(?!\d)")
"""The time in a name that the SDK makes of a base name when a pipeline is built."""
_PROFILED = re.compile(r"-\d{10}(?!\d)")
"""The time in the name of the profiler's rule that the SDK adds to an estimator."""


@rule("DEP042", scope="pipeline")
def cache_config(view: PipelineView) -> Iterator[Problem]:
    """A step's CacheConfig cannot be read.

    What it does:
        Looks at Enabled (true or false) and ExpireAfter (an ISO 8601 duration; of months alone, more than a year of them).
        A cache without ExpireAfter is a warning.
    Why:
        CreatePipeline refuses the definition. "When you turn on step caching, you must also define a timeout."
    Example:
          operation: Pipeline
        - Steps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", CacheConfig: {Enabled: true, ExpireAfter: one day}}]
        + Steps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", CacheConfig: {Enabled: true, ExpireAfter: P1D}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html
    """
    for step in view.definition.steps:
        config = step.body.get("CacheConfig")
        if config is None:
            continue
        place = (*step.path, "CacheConfig")
        if not isinstance(config, Mapping):
            right = '{"Enabled": true, "ExpireAfter": "P30D"}'
            yield Problem(f"CacheConfig is a mapping, not {show(config)}", place, f"write {right}")
            continue
        strangers = [str(member) for member in config if member not in _MEMBERS]
        for member in strangers:
            yield Problem(
                f"CacheConfig has no member {show(member)}.{did_you_mean(member, _MEMBERS)}",
                (*place, member),
                "its members are Enabled and ExpireAfter",
            )
        enabled, after = config.get("Enabled"), config.get("ExpireAfter")
        if enabled is not None and not isinstance(enabled, bool):
            yield Problem(
                f"Enabled is {show(enabled)}", (*place, "Enabled"), "write true or false, without quotes"
            )
        if after is None and enabled is True and not strangers:
            yield Problem(
                "the cache has no ExpireAfter",
                place,
                "write ExpireAfter: P30D for 30 days",
                severity="warning",
            )
        if after is not None and not (isinstance(after, str) and _DURATION.fullmatch(after)):
            yield Problem(
                f"{show(after)} is no ISO 8601 duration",
                (*place, "ExpireAfter"),
                "write P30D for 30 days, PT2H for two hours",
            )
        elif isinstance(after, str) and _TIMELESS.fullmatch(after):
            yield Problem(
                f"{show(after)} has hours or seconds without a T before them",
                (*place, "ExpireAfter"),
                "write P1DT12H for a day and twelve hours",
                severity="warning",
            )
        if isinstance(after, str) and (months := _MONTHS.fullmatch(after)) and int(months[1]) > 12:
            yield Problem(
                f"{show(after)} is {months[1]} months",
                (*place, "ExpireAfter"),
                f"write PT{months[1]}M for {months[1]} minutes",
                severity="warning",
            )


@rule("DEP055", severity="warning", scope="pipeline")
def never_the_same(view: PipelineView) -> Iterator[Problem]:
    """A cached step has something new in every execution, and is never found in the cache.

    What it does:
        Looks at the attributes that a step with CacheConfig is recognised by: for variables such as
        Execution.StartDateTime; for names and artifacts of jobs and models that are made anew, because their own step
        is not cached or makes a model; and for the time at which the SDK built the pipeline, in sagemaker_job_name, in
        the locations that it uploads code to and in the names of the profiler's rules.
    Why:
        The step runs, and is paid for, each time: its attributes differ from those of every earlier run.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              CacheConfig: {Enabled: true, ExpireAfter: P30D}
              Arguments:
        -       Environment: {RUN: {Get: Execution.PipelineExecutionId}}
        +       Environment: {RUN: {Get: Execution.PipelineName}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html,
        https://github.com/aws/sagemaker-python-sdk/issues/3392, /2736, /2940 and /3651,
        https://github.com/aws/sagemaker-python-sdk/pull/2790 (profiler rules)
    """
    cached = [step for step in view.definition.steps if _cached(step)]
    if not cached:
        return
    for each in cached:
        yield from _named_by_the_clock(each)
    told: set[int] = set()
    for reference in view.definition.references:
        step = reference.step
        if step is None or not _cached(step) or id(step) in told or not _in_key(step, reference):
            continue
        new = _new(view, reference)
        if new:
            told.add(id(step))
            yield Problem(
                f"step {show(step.name)} is cached, and {show(reference.text)} {new}: it is never found in the cache",
                reference.path,
                "leave it out of what the step is recognised by, or turn the step's caching off",
            )


def _named_by_the_clock(step: PipelineStep) -> Iterator[Problem]:
    """What has another name each time that the pipeline is built, of what the step is recognised by: the first of it."""
    found: list[tuple[Path, str | None]] = []
    for inside, job in trainings(step.arguments):
        for member in ("HyperParameters", "StaticHyperParameters"):
            held = mapping(job, member)
            found += [
                ((*inside, member, name), text(held, name))
                for name in ("sagemaker_submit_directory", "sagemaker_job_name")
            ]
    for i, entry in mappings(step.arguments, "ProcessingInputs"):
        uri = written_out(mapping(entry, "S3Input").get("S3Uri"))
        if uri is not None and ("/input/" in uri or "/source/" in uri):  # what the SDK uploads, not data
            found.append((("ProcessingInputs", i, "S3Input", "S3Uri"), uri))
    for i, entry in mappings(step.arguments, "ProfilerRuleConfigurations"):
        member = "RuleConfigurationName"
        found.append((("ProfilerRuleConfigurations", i, member), text(entry, member)))
    for place, value in found:
        pattern = _PROFILED if place[-1] == "RuleConfigurationName" else _BUILT
        if value is not None and (time := pattern.search(value)):
            yield Problem(
                f"step {show(step.name)} is cached, and {show(value, limit=120)} has the time at which the pipeline was "
                f"built, {time[0][1:]}: built again, it is not found in the cache",
                (*step.place, *place),
                "set disable_profiler=True, or name the profiler's rule yourself"
                if pattern is _PROFILED
                else "build it with a current SDK and a PipelineSession, which name code by its content, or leave the name out",
            )
            return


def _cached(step: PipelineStep) -> bool:
    config = step.body.get("CacheConfig")
    return isinstance(config, Mapping) and config.get("Enabled") is True


def _in_key(step: PipelineStep, reference: Reference) -> bool:
    """True where the reference stands in an attribute that the step is recognised by."""
    inside = reference.path[len(step.path) :]
    if (
        inside[:1] != ("Arguments",) or "ContainerArguments" in inside
    ):  # where the SDK's remote functions have the id
        return False
    keys = facts()["caching"]["keys"].get(step.type, ())
    return any(inside[1 : 1 + len(parts)] == parts for parts in (tuple(key.split(".")) for key in keys))


def _new(view: PipelineView, reference: Reference) -> str:
    """Why a reference has another value in each execution; empty where it may have the same."""
    target = parse_get(reference.text)
    known = facts()["caching"]
    if target is None:
        return ""
    if target.root == "Execution":
        return "is another in each execution" if target.name in known["new_variables"] else ""
    before = view.definition.by_name.get(target.name) if target.root == "Steps" else None
    if (
        before is None
        or not target.rest
        or target.rest[0] not in known["new_properties"].get(before.type, ())
    ):
        return ""
    return "" if _cached(before) else f"is made anew by step {target.name}, which is not cached"


@rule("DEP065", severity="warning", scope="pipeline")
def checkpoints_of_the_last_execution(view: PipelineView) -> Iterator[Problem]:
    """A training step keeps its checkpoints in the same place in every execution.

    What it does:
        Looks for a CheckpointConfig whose S3Uri is written out, in training and tuning steps.
    Why:
        SageMaker copies what lies there into the container before the script starts. A script that resumes from checkpoints
        takes those of the last execution, which has ended: it trains nothing, on whatever new data.
    Example:
          operation: Pipeline
          Steps:
            - Name: Train
              Type: Training
              Arguments:
        -       CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
        +       CheckpointConfig: {S3Uri: {"Std:Join": {"On": "/", "Values": ["s3://example-bucket/checkpoints", {Get: Execution.PipelineExecutionId}]}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    for step in view.definition.steps:
        if step.type not in ("Training", "Tuning"):
            continue
        inside: Path = ("TrainingJobDefinition",) if "TrainingJobDefinition" in step.arguments else ()
        job = mapping(step.arguments, "TrainingJobDefinition") if inside else step.arguments
        uri = mapping(job, "CheckpointConfig").get("S3Uri")
        if isinstance(uri, str) and uri.startswith("s3://"):
            yield Problem(
                f"{show(uri, limit=120)} holds the checkpoints of the last execution when the next one starts",
                (*step.place, *inside, "CheckpointConfig", "S3Uri"),
                'make it another in each: {"Std:Join": {"On": "/", "Values": […, {"Get": "Execution.PipelineExecutionId"}]}}',
            )
