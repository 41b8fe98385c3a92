"""Rules on what the conditions of a pipeline let through, and on what is chosen among many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.metrics import direction_of
from cursus.aws.pipelines import ACROSS, PipelineStep, nodes, parse_get, references, target_of
from cursus.checks.pipeline import trained_by
from cursus.checks.pipeline.models import containers
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, listing, mapping, mappings
from cursus.model import Path
from cursus.redact import show


@rule("DEP101", severity="warning", scope="pipeline")
def never_true(view: PipelineView) -> Iterator[Problem]:
    """What a condition asks for cannot all be true at once.

    What it does:
        Compares the comparisons of one value with each other, parameters put in: bounds that leave nothing between them, and
        two values that it is to be equal to. All of the list must be true.
    Why:
        Every execution takes ElseSteps, and nothing says so. Several values of which one is enough are an In condition, or an
        Or.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {}, OutputParameters: [{OutputName: answer, OutputType: String}]}
            - Name: Decide
              Type: Condition
              Arguments:
                Conditions:
        -         - {Type: Equals, LeftValue: {Get: "Steps.Ask.OutputParameters['answer']"}, RightValue: go}
        -         - {Type: Equals, LeftValue: {Get: "Steps.Ask.OutputParameters['answer']"}, RightValue: run}
        +         - {Type: In, QueryValue: {Get: "Steps.Ask.OutputParameters['answer']"}, Values: [go, run]}
                IfSteps: []
                ElseSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: not today}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (condition step)
    """
    for step in view.definition.steps:
        asked: dict[str, list[tuple[Path, str, Any]]] = {}
        for i, entry in mappings(step.arguments, "Conditions") if step.type == "Condition" else ():
            value = view.filled(entry.get("RightValue"))
            if isinstance(entry.get("LeftValue"), Mapping) and isinstance(value, (int, float, str)):
                left = repr(entry["LeftValue"])
                asked.setdefault(left, []).append(
                    ((*step.place, "Conditions", i), str(entry.get("Type")), value)
                )
        for comparisons in asked.values():
            clash = _clash(comparisons)
            if clash is not None:
                yield Problem(
                    f"the value is to be {clash[0]} and {clash[1]}, which it never is: ElseSteps are always taken",
                    comparisons[-1][0],
                    "join them in an Or, or in an In, where one is enough; else turn one round",
                )


WORDS = {"GreaterThan": "more than", "GreaterThanOrEqualTo": "at least", "LessThan": "less than", "LessThanOrEqualTo": "at most"}  # fmt: skip


def _clash(comparisons: list[tuple[Path, str, Any]]) -> tuple[str, str] | None:
    """Two comparisons of one value that are not both true, in words."""
    equal = [value for _, kind, value in comparisons if kind == "Equals"]
    if any(value != equal[0] for value in equal):
        return f"{show(equal[0])}", f"{show(next(value for value in equal if value != equal[0]))}"
    numbers = [
        (kind, value) for _, kind, value in comparisons if isinstance(value, (int, float)) and kind in WORDS
    ]
    for kind, least in numbers:
        for other, most in numbers:
            if kind.startswith("Greater") and other.startswith("Less"):
                strict = not (kind.endswith("EqualTo") and other.endswith("EqualTo"))
                if least > most or (strict and least == most):
                    return f"{WORDS[kind]} {show(least)}", f"{WORDS[other]} {show(most)}"
    return None


@rule("DEP102", severity="warning", scope="pipeline")
def another_model(view: PipelineView) -> Iterator[Problem]:
    """A condition looks at the measurements of one model, and another goes on in its branches.

    What it does:
        Follows the property files that a condition reads to the steps that write them, and these to the training steps whose
        models they are given; and the models that its branches register or create to the steps that train them.
    Why:
        The model that is registered was measured by nobody: it goes on because another is good.
    Example:
          operation: Pipeline
          Steps:
            - {Name: TrainSmall, Type: Training, Arguments: {}}
            - {Name: TrainLarge, Type: Training, Arguments: {}}
            - Name: Evaluate
              Type: Processing
              PropertyFiles: [{PropertyFileName: report, OutputName: metrics, FilePath: metrics.json}]
              Arguments:
                ProcessingInputs: [{InputName: model, S3Input: {S3Uri: {Get: Steps.TrainLarge.ModelArtifacts.S3ModelArtifacts}, S3DataType: S3Prefix, LocalPath: /opt/ml/processing/model, S3InputMode: File}}]
                ProcessingOutputConfig: {Outputs: [{OutputName: metrics, S3Output: {S3Uri: "s3://example-bucket/metrics/", LocalPath: /opt/ml/processing/metrics, S3UploadMode: EndOfJob}}]}
            - Name: Decide
              Type: Condition
              Arguments:
                Conditions: [{Type: LessThan, LeftValue: {"Std:JsonGet": {PropertyFile: {Get: Steps.Evaluate.PropertyFiles.report}, Path: rmse}}, RightValue: 6.0}]
                IfSteps:
                  - Name: Create
                    Type: Model
        -           Arguments: {PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: {Get: Steps.TrainSmall.ModelArtifacts.S3ModelArtifacts}}}
        +           Arguments: {PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: {Get: Steps.TrainLarge.ModelArtifacts.S3ModelArtifacts}}}
                ElseSteps: []
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
    """
    measured: dict[Path, set[str]] = {}
    for step in view.definition.steps:
        if step.type == "Condition":
            files = [target_of(value) for _, value in nodes(listing(step.arguments, "Conditions"), ())]
            writers = {one.name for one in files if one is not None and one.rest[:1] == ("PropertyFiles",)}
            measured[step.path] = {
                name for writer in writers for name in _models_in(view, view.definition.by_name.get(writer))
            }
    taken = [(step, dict(_taken(view, step))) for step in view.definition.steps if step.branches]
    chosen = {
        branch
        for step, models in taken
        for branch in step.branches
        if measured.get(branch[0], set()).intersection(models.values())
    }
    for step, models in taken:
        # Beside the measured model another may prepare its data; in the branch across, it is the fallback.
        gates = [
            branch
            for branch in step.branches
            if measured.get(branch[0]) and (branch[0], ACROSS[branch[1]]) not in chosen
        ]
        known = {name for condition, _ in gates for name in measured[condition]}
        if not known or known.intersection(models.values()):
            continue
        for place, trained in models.items():
            if not _trained_behind(view, trained, gates):
                yield Problem(
                    f"the model is that of {show(trained)}, and the condition before it measures that of "
                    f"{', '.join(sorted(known))}",
                    place,
                    "take the model that is measured, or measure the one that is taken",
                )


def _taken(view: PipelineView, step: PipelineStep) -> Iterator[tuple[Path, str]]:
    """The places where a step makes or registers models, each with the step that trains what stands there."""
    for place, container in containers(step) if step.type in ("Model", "RegisterModel") else ():
        trained = trained_by(view, target_of(container.get("ModelDataUrl")))
        if trained is not None:
            yield (*place, "ModelDataUrl"), trained


def _trained_behind(view: PipelineView, name: str, gates: list[tuple[Path, str]]) -> bool:
    """True for a model that is trained in the branch of such a condition: on all data, as the one before it was good."""
    trainer = view.definition.by_name.get(name)
    return trainer is not None and any(branch in gates for branch in trainer.branches)


def _models_in(view: PipelineView, step: PipelineStep | None) -> Iterator[str]:
    """The training steps whose models a step is given."""
    for reference in references(step.arguments, step.place, step) if step is not None else ():
        name = trained_by(view, parse_get(reference.text))
        if name is not None:
            yield name


@rule("DEP103", severity="warning", scope="pipeline")
def worse_of_many(view: PipelineView) -> Iterator[Problem]:
    """Of the runs of a loop or the jobs of a tuning step, a worse one is taken than the best.

    What it does:
        Compares a Selector's Pick with the metric that its Field is called as; and looks for references to the second or a
        later of TrainingJobSummaries, which begin with the best, where none is to the best job of that step.
    Why:
        Nothing fails: the pipeline goes on with a model that is worse than one that it has paid for.
    Example:
          operation: Pipeline
          Steps:
            - Name: EachRegion
              Type: ForEach
              Arguments:
                IterableItems: [us-east-1, eu-west-1]
                MaxConcurrency: 2
        -       Selector: {Pick: MinBy, Field: {Get: "IterationOutput.Ask.OutputParameters['accuracy']"}}
        +       Selector: {Pick: MaxBy, Field: {Get: "IterationOutput.Ask.OutputParameters['accuracy']"}}
                ForEachBody: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {region: {Get: ForEach.CurrentItem}}, OutputParameters: [{OutputName: accuracy, OutputType: Float}]}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobsForHyperParameterTuningJob.html,
        sagemaker 3.27.0, sagemaker.mlops.workflow.for_each_step
    """
    for step in view.definition.steps:
        selector = mapping(step.arguments, "Selector") if step.type == "ForEach" else {}
        field, pick = target_of(selector.get("Field")), selector.get("Pick")
        way = direction_of(str(field.rest[-1])) if field is not None and field.rest else None
        wanted = {"Minimize": "MinBy", "Maximize": "MaxBy"}.get(way or "")
        if field is not None and wanted is not None and pick in ("MinBy", "MaxBy") and pick != wanted:
            yield Problem(
                f"{pick} picks the run whose {show(field.rest[-1])} is worst",
                (*step.place, "Selector", "Pick"),
                f"write {wanted}",
            )
    later: dict[str, Path] = {}
    best: set[str] = set()
    for reference in view.definition.references:
        target = parse_get(reference.text)
        if target is None or target.rest[:1] not in (("TrainingJobSummaries",), ("BestTrainingJob",)):
            continue
        if (target.rest[0] == "BestTrainingJob" and target.rest[-1] != "Value") or target.rest[1:2] == (0,):
            best.add(target.name)
        elif target.rest[0] == "TrainingJobSummaries":
            later.setdefault(target.name, reference.path)
    for name, place in later.items():
        if name not in best:
            yield Problem(
                f"a job of {show(name)} is taken that is not its best, and the best nowhere",
                place,
                "write TrainingJobSummaries[0]: the first is the best",
            )
