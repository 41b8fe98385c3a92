"""Rules on the types and names of what a pipeline and its steps hold beside the requests that they send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import schema
from cursus.aws.pipelines import facts, step_type
from cursus.checks.pipeline import unfilled
from cursus.checks.pipeline.values import almost
from cursus.checks.rules import Problem, rule
from cursus.checks.type_words import TYPES, WHAT
from cursus.checks.views import PipelineView, is_reference
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean

BASELINES = ("SuppliedBaselineConstraints", "SuppliedBaselineStatistics")


@rule("DEP009", scope="pipeline")
def step_forms(view: PipelineView) -> Iterator[Problem]:
    """A member of a pipeline step, or an argument of one that sends no request, is of the wrong type or unknown.

    What it does:
        Holds the own members of every step, and the arguments of EMR, lambda, callback, fail, endpoint and lineage steps,
        parameters put in, against the published JSON schema of definitions, and DisplayName and Description against the lengths
        that the service has for them; and looks whether a check's baselines are S3
        URIs, and not each other's.
    Why:
        "Unable to parse pipeline definition": CreatePipeline reads true and false, not "true", and knows no other members.
    Example:
          operation: Pipeline
          Steps:
            - Name: Spark
              Type: EMR
        -     Arguments: {ClusterId: j-1A2B3C4D5E6F7, StepConfig: {HadoopJarStep: {Jar: command-runner.jar, Args: spark-submit job.py}}}
        +     Arguments: {ClusterId: j-1A2B3C4D5E6F7, StepConfig: {HadoopJarStep: {Jar: command-runner.jar, Args: [spark-submit, job.py]}}}
    Source:
        https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/,
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
    """
    for step in view.definition.steps:
        forms = step_type(step.type or "").get("forms")
        if not forms:
            continue
        refused = facts()["refused_arguments"].get(step.type, ())  # told as that
        for name, form in forms.items():
            for problem in _held(view.filled(step.body.get(name)), form, (*step.path, name)):
                if problem.path[-1] not in refused:
                    yield problem
        for name, most in facts()["described"].items():
            said = view.filled(step.body.get(name))
            if isinstance(said, str) and len(said) > most:
                yield Problem(
                    f"the {name} has {len(said)} characters", (*step.path, name), f"keep it to {most}"
                )
        for name in BASELINES:
            uri = view.filled(step.body.get(name))
            # An empty text is what samples give for none.
            if name in forms and isinstance(uri, str) and uri and not uri.startswith(("s3://", "https://")):
                yield Problem(
                    f"{name} {show(uri)} is no S3 URI",
                    (*step.path, name),
                    "write s3://bucket/key",
                    severity=unfilled(uri),
                )
            elif name in forms and isinstance(uri, str) and uri.endswith(_OTHER[name]):
                yield Problem(
                    f"{name} {show(uri)} is the other of the two baselines",
                    (*step.path, name),
                    f"name the file with the {name.removeprefix('SuppliedBaseline').lower()}",
                )


_OTHER = {
    "SuppliedBaselineConstraints": "/statistics.json",
    "SuppliedBaselineStatistics": "/constraints.json",
}
"""How Model Monitor calls the file that the other baseline is."""


def _held(value: Any, form: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """Where a value differs from its form. A reference and null are taken for a value of the right type."""
    pending: list[tuple[Any, Mapping[str, Any], Path]] = [(value, form, place)]
    while pending:
        here, form, place = pending.pop()
        kind = form.get("type")
        if here is None or kind is None or is_reference(here):
            continue
        if isinstance(here, Mapping) and kind != "object" and almost(here) is not None:
            continue  # which is told of its name
        if not _is(here, kind):
            bare = ", without quotes" if isinstance(here, str) and kind == "boolean" else ""
            member = place[-1] if isinstance(place[-1], str) else f"an item of {place[-2]}"
            yield Problem(
                f"{member} is {show(here, str(member))}; this place takes {WHAT[kind]}",
                place,
                f"write {WHAT[kind]}{bare}",
            )
        elif kind == "array":
            items = form.get("items")
            pending.extend((item, items, (*place, i)) for i, item in enumerate(here) if items)
        elif "members" in form:
            members = form["members"]
            yield from _unknown(here, form, place)
            pending.extend((here[key], members[key], (*place, key)) for key in here if key in members)


def _is(value: object, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _unknown(value: Mapping[Any, Any], form: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    known = form["members"]
    for key in value:
        if form["closed"] and key not in known:
            hint = did_you_mean(str(key), known)
            holder = next((name for name, inner in known.items() if key in inner.get("members", ())), None)
            yield Problem(
                f"Unknown Argument member {show(key)}.{hint}",
                (*place, str(key)),
                f"put it into {holder}" if holder else "write one of " + ", ".join(known),
                severity="error"
                if hint or holder
                else "warning",  # the published schema is older than the service
            )


@rule("DEP007", scope="pipeline", reads=("PipelineExperimentConfig", "Metadata", "MlflowConfig"))
def experiment_config(view: PipelineView) -> Iterator[Problem]:
    """The pipeline's experiment has a name that none can have, or its metadata or MLflow server are not as they must be.

    What it does:
        Looks at the members of PipelineExperimentConfig, parameters put in: letters, digits and single hyphens, at most
        120, which no time or ARN of the execution is; at those of MlflowConfig, which names a server or app by its ARN; and whether Metadata is a mapping.
    Why:
        CreatePipeline refuses the definition, or the execution fails when it makes the trial.
    Example:
          operation: Pipeline
        - PipelineExperimentConfig: {ExperimentName: churn_experiment, TrialName: {Get: Execution.PipelineExecutionId}}
        + PipelineExperimentConfig: {ExperimentName: churn-experiment, TrialName: {Get: Execution.PipelineExecutionId}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ExperimentConfig.html
    """
    config = view.filled(view.request.get("PipelineExperimentConfig"))
    yield from _mlflow(view.filled(view.request.get("MlflowConfig")))
    if config is not None:
        yield from _experiment(config)
    metadata = view.request.get("Metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        yield Problem(f"Metadata is a mapping, not {show(metadata)}", ("Metadata",), "write {} for none")


def _mlflow(config: object) -> Iterator[Problem]:
    top, known = "MlflowConfig", facts()["mlflow_members"]
    if config is not None and not isinstance(config, Mapping):
        yield Problem(f"{top} is a mapping, not {show(config)}", (top,), "leave it out for none")
        return
    for member in config or ():
        if member not in known:
            hint = did_you_mean(str(member), known)
            yield Problem(
                f"{top} has no member {show(member)}.{hint}",
                (top, str(member)),
                "its members are " + ", ".join(known),
                severity="error" if hint else "warning",
            )
    arn = (config or {}).get("MlflowResourceArn")
    if isinstance(arn, str) and not re.fullmatch(known["MlflowResourceArn"]["pattern"], arn):
        yield Problem(
            f"{show(arn)} is no ARN of an MLflow server or app",
            (top, "MlflowResourceArn"),
            "write arn:aws:sagemaker:<region>:<account>:mlflow-tracking-server/<name>",
            severity=unfilled(arn),
        )


WITH_COLONS = (
    "Execution.StartDateTime",
    "Execution.CurrentDateTime",
    "Execution.PipelineExecutionArn",
    "Execution.PipelineArn",
)
"""Variables whose values no name of an experiment or a trial can be."""


def _experiment(config: object) -> Iterator[Problem]:
    top = "PipelineExperimentConfig"
    if not isinstance(config, Mapping):
        yield Problem(f"{top} is a mapping, not {show(config)}", (top,), "leave it out for none")
        return
    names = facts()["experiment_variables"]
    shape = (schema.document("CreateTrainingJob") or {}).get("$defs", {}).get("ExperimentEntityName", {})
    for member, value in config.items():
        if member not in names:
            yield Problem(
                f"{top} has no member {show(member)}.{did_you_mean(str(member), names)}",
                (top, member),
                "its members are " + ", ".join(names),
            )
        elif isinstance(value, Mapping) and value.get("Get") in WITH_COLONS:
            yield Problem(
                f"{member} takes letters, digits and hyphens, and {value['Get']} has colons",
                (top, member),
                "write Execution.PipelineExecutionId, or leave it out",
            )
        elif value is None or is_reference(value):
            continue
        elif not isinstance(value, str) or not _matches(value, shape):
            yield Problem(
                f"{member} {show(value)} is not allowed",
                (top, member),
                f"write 1 to {shape.get('maxLength', 120)} letters and digits, with single hyphens between them"
                + (', or {"Get": "Execution.PipelineExecutionId"}' if "{" in str(value) else ""),
            )


def _matches(value: str, shape: Mapping[str, object]) -> bool:
    pattern, most = shape.get("awsPattern"), shape.get("maxLength")
    if isinstance(most, int) and len(value) > most:
        return False
    return not isinstance(pattern, str) or re.fullmatch(pattern, value) is not None
