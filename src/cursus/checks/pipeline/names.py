"""Rules on pipelines whose steps do another thing than the names in them say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.metrics import direction_of, words_of
from cursus.aws.pipelines import ACROSS, BRANCHES, parse_get, target_of
from cursus.checks.pipeline import outputs_of
from cursus.checks.pipeline.conditions import ORDERED
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import plain_name, slip

MAKERS = frozenset({"Model", "RegisterModel", "Endpoint"})
"""Steps that take a model further."""
TRAINERS = frozenset({"Training", "Tuning", "AutoML"})
SPREAD = frozenset(
    {"deviation", "std", "variance", "gap", "drift", "diff", "difference", "delta", "drop", "change"}
)
"""Words for how far apart measurements are, of which it is not the metric's name that says what is better."""


@rule("DEP061", severity="warning", scope="pipeline")
def bad_models_go_on(view: PipelineView) -> Iterator[Problem]:
    """A condition lets a model go on where its metric is bad, and stops it where it is good.

    What it does:
        Reads the name of the metric in a comparison: errors and losses are better when they are small, accuracy and auc when
        they are large. The branch for good ones must be the one that makes or registers the model, or the other the one
        that fails. A branch that trains again is left alone.
    Why:
        Good models are thrown away, and bad ones registered. Nothing fails.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Measure, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:measure", Arguments: {}, OutputParameters: [{OutputName: rmse, OutputType: Float}]}
            - Name: Decide
              Type: Condition
              Arguments:
        -       Conditions: [{Type: GreaterThanOrEqualTo, LeftValue: {Get: "Steps.Measure.OutputParameters['rmse']"}, RightValue: 6.0}]
        +       Conditions: [{Type: LessThanOrEqualTo, LeftValue: {Get: "Steps.Measure.OutputParameters['rmse']"}, RightValue: 6.0}]
                IfSteps: [{Name: Register, Type: RegisterModel, Arguments: {ModelPackageGroupName: churn, InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv]}}}]
                ElseSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: not good enough}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (condition step)
    """
    kinds: dict[Path, dict[str, set[str | None]]] = {}
    for step in view.definition.steps:
        for condition, branch in step.branches:
            kinds.setdefault(condition, {}).setdefault(branch, set()).add(step.type)
    for step in view.definition.steps:
        ahead = _ahead(kinds.get(step.path, {})) if step.type == "Condition" else None
        if ahead is None:
            continue
        for i, entry in mappings(step.arguments, "Conditions"):
            kind = entry.get("Type")
            metric, good = _good_when_true(view, entry) if kind in ORDERED else (None, False)
            if metric is not None and good != (ahead == "IfSteps"):
                name, better = metric
                yield Problem(
                    f"the model goes on where {show(name)} is {'small' if better == 'Maximize' else 'large'}, which is where "
                    "it is bad",
                    (*step.place, "Conditions", i, "Type"),
                    "turn the comparison round, or exchange IfSteps and ElseSteps",
                )


def _ahead(kinds: Mapping[str, set[str | None]]) -> str | None:
    """The branch in which a model goes on, of those with steps of these types; None where that is not one alone."""
    if any(types & TRAINERS for types in kinds.values()):
        return None
    makers = [branch for branch in BRANCHES if kinds.get(branch, set()) & MAKERS]
    failing = [branch for branch in BRANCHES if kinds.get(branch) == {"Fail"}]
    if not makers and len(failing) == 1:
        return ACROSS[failing[0]]
    return makers[0] if len(makers) == 1 else None


def _good_when_true(view: PipelineView, entry: Mapping[str, Any]) -> tuple[tuple[str, str] | None, bool]:
    """The metric that a comparison is about, and whether it is true for a good one."""
    found = [_metric(view, entry.get(side)) for side in ("LeftValue", "RightValue")]
    known = [metric for metric in found if metric is not None]
    if len(known) != 1:
        return None, False
    large = str(entry["Type"]).startswith("Greater") == (found[0] is not None)
    return known[0], large == (known[0][1] == "Maximize")


def _metric(view: PipelineView, value: object) -> tuple[str, str] | None:
    """The metric that a value is read from and what is better, where its name or the tuning job says so."""
    if not isinstance(value, Mapping):
        return None
    path = text(mapping(value, "Std:JsonGet"), "Path")
    target = target_of(value)
    if target is not None and target.root == "Steps" and len(target.rest) > 1:
        path = str(target.rest[1]) if target.rest[0] in ("FinalMetricDataList", "OutputParameters") else None
        step = view.definition.by_name.get(target.name)
        if step is not None and OBJECTIVE in target.rest and target.rest[-1] == "Value":
            job = mapping(step.arguments, "HyperParameterTuningJobConfig")
            objective = mapping(job, "HyperParameterTuningJobObjective")
            name, better = text(objective, "MetricName"), text(objective, "Type")
            return (name, better) if name is not None and better in ("Maximize", "Minimize") else None
    if path is None or words_of(path) & SPREAD:
        return None
    direction = direction_of(path)
    return (path, direction) if direction is not None else None


HELD_OUT = frozenset({"test", "validation", "valid", "val", "eval", "evaluation", "holdout"})
TRAINED_ON = frozenset({"train", "training", "train_data", "training_data"})
OBJECTIVE = "FinalHyperParameterTuningJobObjectiveMetric"


@rule("DEP062", severity="warning", scope="pipeline")
def other_output(view: PipelineView) -> Iterator[Problem]:
    """An input or channel is called as one output of a step, and reads another; or a hyperparameter almost as its parameter.

    What it does:
        Compares the names of channels and of processing inputs with the outputs that they refer to, where the same step has an
        output of that name, or test data is read from what is called train; the references of a step's channels, or inputs, with each other; and with what the step reads
        that makes an output of the same name, which is for nobody. Compares the names of hyperparameters and variables with
        those of the parameters that they get: epcohs for TrainEpochs.
    Why:
        A model that is validated or evaluated on what it was trained with looks better than it is. A script that gets a
        hyperparameter by another name goes on with its own default. Nothing fails.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingOutputConfig:
                  Outputs:
                    - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}
                    - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/churn/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
            - Name: Evaluate
              Type: Processing
              Arguments:
        -       ProcessingInputs: [{InputName: test, S3Input: {S3Uri: {Get: "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}, S3DataType: S3Prefix, LocalPath: /opt/ml/processing/test, S3InputMode: File}}]
        +       ProcessingInputs: [{InputName: test, S3Input: {S3Uri: {Get: "Steps.Prepare.ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri"}, S3DataType: S3Prefix, LocalPath: /opt/ml/processing/test, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html (data dependency between steps),
        https://github.com/aws/sagemaker-python-sdk/issues/2200
    """
    yield from _exchanged(view)
    made = _made_of(view)
    for step in view.definition.steps:
        first: dict[str, str] = {}
        found = list(_inputs(step.arguments))
        twice = [name for name, many in Counter(names[0] for _, names, _ in found).items() if many > 1]
        for place, names, source in found:
            if names[0] in twice:
                continue  # which is told of the name
            target = target_of(source)
            if (
                target is None
                or target.rest[:2] != ("ProcessingOutputConfig", "Outputs")
                or len(target.rest) < 3
            ):
                maker = made.get((names[0], repr(source)))
                if maker is not None and maker != step.name:
                    yield Problem(
                        f"{show(names[0])} reads what {maker} reads, and nothing reads the output of that name which "
                        f"{maker} makes of it",
                        (*step.place, *place),
                        f"refer to Steps.{maker}.ProcessingOutputConfig.Outputs['{names[0]}'].S3Output.S3Uri",
                    )
                continue
            before = view.definition.by_name.get(target.name)
            declared = {
                text(each, "OutputName") for _, each, _ in outputs_of(before.arguments if before else {})
            }
            read = str(target.rest[2])
            if declared and read not in declared:
                continue  # there is no such output, which is another rule's to tell
            meant = next((name for name in names if name in declared), read)
            where = (*step.place, *place)
            if meant != read and read not in names:
                yield Problem(
                    f"{show(names[0])} reads the output {show(read)} of {target.name}, which has an output {show(meant)}",
                    where,
                    f"refer to Outputs['{meant}'], or call it {read}",
                )
            elif names[0] in HELD_OUT and read in TRAINED_ON and len(declared) > 1:
                others = ", ".join(sorted(filter(None, declared - {read})))
                yield Problem(
                    f"{show(names[0])} reads the output {show(read)} of {target.name}, which is what is trained on",
                    where,
                    f"refer to another of its outputs ({others}), or call it {read}",
                )
            elif first.setdefault(str(source["Get"]), names[0]) != names[0]:
                kind = "channel" if place[0] == "InputDataConfig" else "input"
                yield Problem(
                    f"the data of {kind} {show(names[0])} is the data of {kind} {show(first[str(source['Get'])])}",
                    where,
                    "refer to another output",
                )


def _exchanged(view: PipelineView) -> Iterator[Problem]:
    """A hyperparameter or variable whose name is the end of its parameter's, but for two letters that changed places."""
    for reference in view.definition.references:
        at = next((i for i, part in enumerate(reference.path[:-1]) if part in _NAMED_BY_USERS), None)
        target = parse_get(reference.text)
        if at is None or target is None or target.root != "Parameters":
            continue
        if target.name not in view.definition.parameters:
            continue  # it is the reference that is misspelt
        name = str(reference.path[at + 1])
        plain = plain_name(name)
        meant = plain_name(target.name)[-len(plain) :]
        if len(meant) == len(plain) > 4 and plain != meant and slip(plain, meant):
            yield Problem(
                f"{show(name)} gets the parameter {show(target.name)}, and is called almost so: two letters changed places",
                reference.path[: at + 2],
                f"call it {meant}, if the program knows that name",
            )


_NAMED_BY_USERS = ("HyperParameters", "StaticHyperParameters", "Environment")


def _made_of(view: PipelineView) -> dict[tuple[str, str], str]:
    """For each output to which nothing refers, and each source that its processing step reads: the step."""
    targets = (parse_get(one.text) for one in view.definition.references)
    used = {
        one.rest[2]
        for one in targets
        if one is not None and one.rest[:2] == ("ProcessingOutputConfig", "Outputs") and len(one.rest) > 2
    }
    found: dict[tuple[str, str], str] = {}
    for step in view.definition.steps:
        names = [text(entry, "OutputName") for _, entry, _ in outputs_of(step.arguments)]
        free = [name for name in names if name is not None and name not in used]
        for _, _, source in _inputs(step.arguments) if free else ():
            for name in free:
                found.setdefault((name, repr(source)), str(step.name))
    return found


def _inputs(arguments: Mapping[str, Any]) -> Iterator[tuple[Path, list[str], Mapping[str, Any]]]:
    """The place, names and source of each channel and processing input that is one reference."""
    for i, channel in mappings(arguments, "InputDataConfig"):
        name = text(channel, "ChannelName")
        uri = mapping(mapping(channel, "DataSource"), "S3DataSource").get("S3Uri")
        if name is not None and isinstance(uri, Mapping):
            yield ("InputDataConfig", i, "DataSource", "S3DataSource", "S3Uri"), [name], uri
    for i, entry in mappings(arguments, "ProcessingInputs"):
        source = mapping(entry, "S3Input")
        names = [text(entry, "InputName"), (text(source, "LocalPath") or "").rstrip("/").rpartition("/")[2]]
        uri = source.get("S3Uri")
        if isinstance(uri, Mapping) and (known := [name for name in names if name]):
            yield ("ProcessingInputs", i, "S3Input", "S3Uri"), known, uri
