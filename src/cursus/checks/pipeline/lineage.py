"""Rules on what lineage steps of a pipeline record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws.pipelines import facts
from cursus.checks.pipeline import none_of
from cursus.checks.rules import Problem, rule
from cursus.checks.step.demands import twice
from cursus.checks.views import PipelineView, listing, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show

KINDS = {"Action": "ActionName", "Artifact": "ArtifactName", "Context": "ContextName"}
"""The kinds of entities, and the member of each that holds its name."""


@rule("DEP097", scope="pipeline")
def lineage_associations(view: PipelineView) -> Iterator[Problem]:
    """An association of a lineage step is of an unknown type, or has an end that the step does not create.

    What it does:
        Looks for entities of the same name, at the AssociationType of every association, and at its Source and Destination: an
        Arn, or a Name and a Type of an entity that the same step creates.
    Why:
        Names are looked for among what the step creates alone, and the execution fails where one is not there. What lies
        elsewhere is named by its ARN.
    Example:
          operation: Pipeline
          Steps:
            - Name: Record
              Type: Lineage
              Arguments:
                Artifacts: [{ArtifactName: data, ArtifactType: DataSet, Source: {SourceUri: "s3://example-bucket/data/"}}, {ArtifactName: model, ArtifactType: Model, Source: {SourceUri: "s3://example-bucket/model.tar.gz"}}]
        -       Associations: [{Source: {Name: data, Type: DataSet}, Destination: {Name: model, Type: Artifact}}]
        +       Associations: [{Source: {Name: data, Type: Artifact}, Destination: {Name: model, Type: Artifact}}]
    Source:
        sagemaker 3.27.0, sagemaker.mlops.workflow.lineage_step
    """
    for step in view.definition.steps:
        if step.type != "Lineage":
            continue
        arguments, place = step.arguments, (*step.place, "Associations")
        if step.body.get("Arguments") == {}:
            yield Problem(
                "the step records nothing",
                step.place,
                "add Actions, Artifacts, Contexts or Associations",
            )
        created = {
            (kind, name)
            for kind, member in KINDS.items()
            for _, entity in mappings(arguments, f"{kind}s")
            for name in [text(entity, member)]
        }
        for entity, member in KINDS.items():
            listed, top = listing(arguments, f"{entity}s"), (*step.place, f"{entity}s")
            yield from twice(listed, member, top, f"{entity}s are called")
        unknown = {kind for kind, name in created if name is None}  # named when the pipeline runs
        for i, association in mappings(arguments, "Associations"):
            kind, types = text(association, "AssociationType"), facts()["association_types"]
            if kind is not None and kind not in types:
                yield none_of("there is no association type", kind, types, (*place, i, "AssociationType"))
            for end in ("Source", "Destination"):
                yield from _end(mapping(association, end), created, unknown, (*place, i, end))


def _end(
    end: Mapping[str, object], created: set[tuple[str, str | None]], unknown: set[str], place: Path
) -> Iterator[Problem]:
    kind, name = end.get("Type"), end.get("Name")
    if end.get("Arn") is not None:
        if kind is not None or name is not None:
            yield Problem(
                "an end of an association has an Arn, or a Name and a Type", place, "keep one of them"
            )
    elif kind is None or name is None:
        yield Problem(
            f"the {place[-1]} of the association is not named",
            place,
            "write Name and Type of an entity of this step, or the Arn of another",
        )
    elif isinstance(kind, str) and kind not in KINDS:
        yield Problem(
            f"there is no kind of entity {show(kind)}", (*place, "Type"), "write one of " + ", ".join(KINDS)
        )
    elif (
        isinstance(kind, str)
        and isinstance(name, str)
        and kind not in unknown
        and (kind, name) not in created
    ):
        yield Problem(
            f"the step creates no {kind} {show(name)}",
            (*place, "Name"),
            "name what this step creates, or give the Arn of what is there",
        )
