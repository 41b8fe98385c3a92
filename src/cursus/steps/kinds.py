"""What a mapping stands for, told by its members.

A request names its operation by the members that only this operation has. A mapping that has none of
them is held against them with spelling mistakes allowed, so that ``TrainingJobNam`` is reported as the
misspelling that it is and not as an unknown file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.aws.schema import JOB_NAMES
from cursus.errors import TargetError

PIPELINE = "Pipeline"

TYPES: dict[str, str] = {
    "CreateTrainingJob": "Training",
    "CreateHyperParameterTuningJob": "Tuning",
    "CreateAutoMLJob": "AutoML",
    "CreateAutoMLJobV2": "AutoML",
    "CreateProcessingJob": "Processing",
    "CreateTransformJob": "Transform",
    "CreateModel": "Model",
    "CreatePipeline": "Pipeline",
}
"""The step type that pipelines have for each operation."""

TRAINS = ("CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJob", "CreateAutoMLJobV2")
"""Operations that train a model."""

NAMES: dict[str, str] = {**JOB_NAMES, "CreatePipeline": "PipelineName"}
"""The member that holds a request's own name."""

# In the order in which they are asked: an earlier operation's members tell more than a later one's.
_TELLING: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "CreateHyperParameterTuningJob",
        (
            "HyperParameterTuningJobName",
            "HyperParameterTuningJobConfig",
            "TrainingJobDefinition",
            "TrainingJobDefinitions",
        ),
    ),
    ("CreateAutoMLJobV2", ("AutoMLProblemTypeConfig", "AutoMLJobInputDataConfig", "AutoMLComputeConfig")),
    ("CreateAutoMLJob", ("AutoMLJobName", "AutoMLJobConfig", "AutoMLJobObjective")),
    ("CreateProcessingJob", ("ProcessingJobName", "ProcessingResources", "AppSpecification")),
    ("CreateTransformJob", ("TransformJobName", "TransformInput", "TransformResources")),
    (
        "CreateTrainingJob",
        ("TrainingJobName", "AlgorithmSpecification", "StoppingCondition", "ResourceConfig"),
    ),
    ("CreatePipeline", ("PipelineDefinition", "PipelineDefinitionS3Location", "PipelineName")),
    ("CreateModel", ("PrimaryContainer", "Containers", "ExecutionRoleArn", "ModelName")),
)
_OF_DEFINITION = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig")
"""Members of a definition beside its steps."""
_NAMED = frozenset(
    {"CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob", "CreateHyperParameterTuningJob"}
)
"""Operations whose requests alone hold the name of such a job at the top."""
# Members that several operations have: they say that this is a request, not of which kind. A file with one
# of them and nothing else would be a training request, the commonest.
_COMMON = ("InputDataConfig", "OutputDataConfig", "HyperParameters", "RoleArn")

_MEMBERS = frozenset(member for _, members in _TELLING for member in members) | frozenset(_COMMON)

STEP_TYPES: dict[str, str] = {type: operation for operation, type in TYPES.items() if type != PIPELINE}
"""The operation behind the step types of a pipeline definition. (AutoML steps send the second version.)"""


def operation(kind: str) -> str:
    """The operation that ``kind`` names: an API operation, or a word such as ``training`` or ``pipeline``.

    Raises TargetError where it names none.
    """
    if kind in TYPES or kind == PIPELINE:
        return kind
    from cursus.suggest import did_you_mean, plain_name

    plain = plain_name(kind)
    if plain in ("pipeline", "pipelinedefinition", "definition"):
        return PIPELINE
    short = _short(plain.removesuffix("request"))
    for name, type in TYPES.items():
        if short in (_short(name.lower()), type.lower()):
            return name
    known = [*TYPES, PIPELINE]
    near = did_you_mean(kind, known) or did_you_mean(kind, dict.fromkeys(TYPES.values()))
    raise TargetError(f"{kind!r} is no kind of request; known are {', '.join(known)}.{near}")


def _short(name: str) -> str:
    return name.removeprefix("create").replace("job", "")


def is_definition(data: Mapping[str, Any]) -> bool:
    """True for a pipeline definition document."""
    return "Steps" in data and (isinstance(data["Steps"], list) or "Version" in data)


def starts_pipeline(data: Mapping[str, Any]) -> bool:
    """True for a StartPipelineExecution request, which has the pipeline's name as CreatePipeline has."""
    return "PipelineName" in data and not _STARTS.isdisjoint(data) and "PipelineDefinition" not in data


_STARTS = frozenset({"PipelineParameters", "PipelineExecutionDisplayName", "SelectiveExecutionConfig"})


def identify(data: Mapping[str, Any], *, sure: bool = False) -> str | None:
    """The operation of a request, ``Pipeline`` for a definition, None for a mapping that is neither.

    With ``sure`` nothing is guessed: a request then has two of its members, a definition Version and Steps.
    """
    if starts_pipeline(data):
        return None
    if is_definition(data):
        return PIPELINE if not sure or ("Version" in data and isinstance(data["Steps"], list)) else None
    if sure and sum(member in data for member in _MEMBERS) < 2:
        return None
    return told(data) or (None if sure else _nearest(data))


def told(data: Mapping[str, Any]) -> str | None:
    """The operation of a request that has a member which tells it, the job's own name and another one before all."""
    for own, name, members in _OWN:
        if own in data and len(members & data.keys()) > 1:
            return name
    for name, members in _SETS:
        if not members.isdisjoint(data):
            return name
    return None


_OWN = [(NAMES[name], name, frozenset(members)) for name, members in _TELLING if name in _NAMED]
_SETS = [(name, frozenset(members)) for name, members in (*_TELLING, ("CreateTrainingJob", _COMMON))]


def _nearest(data: Mapping[str, Any]) -> str | None:
    """The operation whose telling members the mapping's own names come nearest to."""
    from cursus.suggest import closest

    owners = {member: name for name, members in reversed(_TELLING) for member in members}
    owners.update({"Steps": PIPELINE, **dict.fromkeys(_COMMON, "CreateTrainingJob")})
    votes: dict[str, int] = {}
    listed = False
    for key in list(data)[:50]:
        near = closest(key, owners) if isinstance(key, str) else None
        owner = PIPELINE if key in _OF_DEFINITION else None
        if near is not None and owner is None and (len(key) > 6 or near == "Steps"):
            owner = owners[near]
            listed = listed or (owner == PIPELINE and isinstance(data[key], list))
        if owner is not None:
            votes[owner] = votes.get(owner, 0) + 1
    if not listed:
        votes.pop(PIPELINE, None)
    return max(votes, key=lambda name: votes[name]) if votes else None


def mentions(content: bytes) -> bool:
    """True where a file's content has a word that only requests and definitions have."""
    return any(member.encode() in content for _, members in _TELLING[:-2] for member in members)


def unwrap(data: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any], tuple[str | int, ...]]:
    """Take off a wrapper that names the operation: ``{"CreateTrainingJob": {…}}``.

    Returns the operation it names (None where there is no wrapper), the request, and its path.
    """
    if len(data) == 1:
        name, inner = next(iter(data.items()))
        if isinstance(inner, Mapping) and (name in TYPES or name == PIPELINE):
            return name, inner, (name,)
    return None, data, ()
