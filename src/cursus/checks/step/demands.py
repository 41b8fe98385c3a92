"""Rules of the area *step*: what the service demands of a training job though its model does not.

The model requires three members of CreateTrainingJob. The service also wants an algorithm, instances and a
time limit, each exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.algorithms import names
from cursus.aws.instances import find
from cursus.aws.places import arn
from cursus.aws.tables import table
from cursus.checks.rules import BASICS, Problem, rule
from cursus.checks.views import TrainingView, integer, is_reference, listing, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show

GROUPS = "InstanceGroups"
PREFERENCES = "InstancePreferences"
CONFIGS = "InstanceConfigs"
DAY = 24 * 3600


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _given(container: Mapping[str, Any], name: str) -> bool:
    """True where a member is there with a value, be it a pipeline variable."""
    value = container.get(name)
    return value is not None and value != [] and value != ""


def _serverless(view: TrainingView) -> bool:
    return _given(view.request, "ServerlessJobConfig")


@rule("STP020", shared=True, of=BASICS)
def algorithm(view: TrainingView) -> Iterator[Problem]:
    """A training job has exactly one algorithm: an image, or the name of an algorithm resource.

    What it does:
        Wants AlgorithmSpecification, and in it either TrainingImage or AlgorithmName, which names an algorithm resource, from
        the Marketplace or the user's own: the name of a built-in algorithm is a warning. A serverless job, which has
        ServerlessJobConfig instead, needs none.
    Why:
        The service model leaves all of these optional. Without an algorithm, or with two, the service answers
        with a ValidationException or the job breaks.
    Example:
        - AlgorithmSpecification: {TrainingImage: null}
        + AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmSpecification.html
    """
    specification = view.request.get("AlgorithmSpecification")
    if specification is None:
        if view.tuning is None and not _serverless(view):
            yield Problem(
                "the job has no AlgorithmSpecification: nothing says what it runs",
                ("AlgorithmSpecification",),
                "add AlgorithmSpecification with TrainingImage and TrainingInputMode",
            )
        return
    if is_reference(specification) or not isinstance(specification, Mapping):
        return
    image = _given(specification, "TrainingImage")
    name = _given(specification, "AlgorithmName")
    if image and name:
        yield Problem(
            "AlgorithmSpecification has both TrainingImage and AlgorithmName, which exclude each other",
            ("AlgorithmSpecification", "AlgorithmName"),
            "keep one: TrainingImage for a container, AlgorithmName for an algorithm resource",
        )
    elif not image and not name and not _serverless(view):
        yield Problem(
            "AlgorithmSpecification has neither TrainingImage nor AlgorithmName",
            ("AlgorithmSpecification", "TrainingImage"),
            "add TrainingImage, the image's registry path, or AlgorithmName",
        )
    elif name:
        algorithm = specification["AlgorithmName"]
        parsed = arn(algorithm) if isinstance(algorithm, str) else None
        kind = parsed[2].partition("/")[0] if parsed is not None else "algorithm"
        if kind != "algorithm":
            yield Problem(
                f"AlgorithmName {show(algorithm)} is the ARN of a {kind}, which does not train",
                ("AlgorithmSpecification", "AlgorithmName"),
                "give the name or the ARN of an algorithm resource",
            )
        elif isinstance(algorithm, str) and _bare(algorithm) in map(_bare, names()):
            yield Problem(
                f"AlgorithmName {show(algorithm)} is the name of a built-in algorithm, which is no algorithm resource",
                ("AlgorithmSpecification", "AlgorithmName"),
                "give the algorithm's image as TrainingImage, in place of AlgorithmName",
                severity="warning",
            )


@rule("STP021", shared=True, of=BASICS)
def instances(view: TrainingView) -> Iterator[Problem]:
    """A training job says what it runs on: instance type and count, or instance groups.

    What it does:
        Wants ResourceConfig with InstanceType and InstanceCount, or InstanceGroups, or InstancePreferences; in a
        tuning job HyperParameterTuningResourceConfig will do. A serverless job needs none.
    Why:
        The service model has all of these optional; the service refuses a job without instances.
    Example:
        - ResourceConfig: {InstanceCount: null}
        + ResourceConfig: {InstanceCount: 1}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    member = view.resources_member
    if _serverless(view) or member == "HyperParameterTuningResourceConfig":
        return  # the tuning job's own form has a rule of its own
    config = view.request.get(member)
    if config is None:
        yield Problem(
            f"the job has no {member}: nothing says what it runs on",
            (member,),
            f"add {member} with InstanceType, InstanceCount and VolumeSizeInGB",
        )
        return
    if is_reference(config) or not isinstance(config, Mapping):
        return
    if _given(config, GROUPS) or config.get(CONFIGS) is not None:
        return
    if config.get(PREFERENCES) is not None:
        yield from preference_counts(config, (member,))
        return
    lacking = [name for name in ("InstanceType", "InstanceCount") if config.get(name) is None]
    if lacking:
        shown = " and no ".join(lacking)
        yield Problem(
            f"{member} has no {shown}",
            (member, lacking[0]),
            f"add {' and '.join(lacking)}, or describe InstanceGroups",
        )
    if config.get("InstanceCount") == 0 and config["InstanceCount"] is not False:
        yield Problem(f"{member} asks for 0 instances", (member, "InstanceCount"), "ask for at least 1")


def preference_counts(config: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """InstanceCount stands in every preference, or once beside them: in ResourceConfig or ClusterConfig."""
    preferences = [entry for entry in listing(config, PREFERENCES) if isinstance(entry, Mapping)]
    own = [entry for entry in preferences if _given(entry, "InstanceCount")]
    shared = _given(config, "InstanceCount")
    if (shared and own) or (not shared and len(own) < len(preferences)):
        place = (*path, "InstanceCount") if shared else (*path, PREFERENCES)
        if own and not shared:
            entries = enumerate(listing(config, PREFERENCES))
            missing = next(i for i, entry in entries if isinstance(entry, Mapping) and entry not in own)
            place = (*path, PREFERENCES, missing, "InstanceCount")
        yield Problem(
            f"InstanceCount stands in {len(own)} of {len(preferences)} InstancePreferences"
            f"{' and beside them' if shared else ' and not beside them'}",
            place,
            "give every preference its InstanceCount, or none and the job one",
        )


@rule(
    "STP022",
    reads=(
        "*.InstanceGroups",
        "*.InstancePreferences",
        "*.SelectedInstanceType",
        "*.SelectedInstanceCount",
        "*.TrainingPlanArn",
    ),
    shared=True,
)
def instances_once(view: TrainingView) -> Iterator[Problem]:
    """Instances are described in one way only.

    What it does:
        Finds InstanceGroups or InstancePreferences beside InstanceType and InstanceCount, two groups of one name, a type
        preferred twice, groups of no instances, members that only DescribeTrainingJob gives, and an instance type beside a
        training plan of which there are no plans (a warning where it has GPUs, as those may come).
    Why:
        The forms exclude each other, and the service refuses a request that mixes them. (InstanceCount 0 beside
        InstanceGroups, as the SageMaker SDK writes it, is accepted.)
    Example:
          ResourceConfig:
        -   InstanceType: ml.m5.xlarge
        +   InstanceType: null
        +   InstanceCount: null
            InstanceGroups: [{InstanceGroupName: data, InstanceType: ml.c5.xlarge, InstanceCount: 1}]
          InputDataConfig: null
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    member = view.resources_member
    config = view.resources
    for many in (GROUPS, PREFERENCES):  # of InstanceConfigs HPO017 speaks
        if _given(config, many):
            yield from _beside(config, member, many)
        for i, entry in mappings(config, many):
            if integer(entry, "InstanceCount") == 0:
                yield Problem(
                    f"{many}[{i}] asks for 0 instances",
                    (member, many, i, "InstanceCount"),
                    "ask for at least 1",
                    severity="warning",  # which the API's model takes
                )
    yield from twice(
        listing(config, GROUPS), "InstanceGroupName", (member, GROUPS), "instance groups are called"
    )
    yield from twice(listing(config, PREFERENCES), "InstanceType", (member, PREFERENCES), "preferences name")
    for name in ("SelectedInstanceType", "SelectedInstanceCount"):
        if _given(config, name):
            yield Problem(
                f"{name} is what DescribeTrainingJob answers with; a request cannot have it",
                (member, name),
                "leave it out",
            )
    if _given(config, "TrainingPlanArn"):
        yield from _unplanned(view)


def _unplanned(view: TrainingView) -> Iterator[Problem]:
    planned = table("limits")["planned_types"]
    for path, kind, _ in view.instances:
        instance = find(kind)
        if (
            instance is not None and kind not in planned and len(path) == 2
        ):  # of groups not all may be of the plan
            yield Problem(
                f"no training plan reserves {kind}",
                path,
                f"take the type of the plan, one of {', '.join(planned)}, or leave TrainingPlanArn out",
                severity=None if instance.processor == "cpu" else "warning",
                allowable=kind,
            )


def _beside(config: Mapping[str, Any], member: str, many: str) -> Iterator[Problem]:
    others = ["InstanceType"]
    if many == GROUPS:
        others.append("InstanceCount")
    if many == PREFERENCES:
        others += [GROUPS, "InstancePlacementConfig"]
        planned = any("TrainingPlanArns" in entry for _, entry in mappings(config, PREFERENCES))
        others += ["TrainingPlanArn"] if planned else []
    given = [name for name in others if _given(config, name) and config[name] != 0]
    if given:
        names = " and ".join(given)
        yield Problem(
            f"{member} has {names} beside {many}; they exclude each other",
            (member, given[0]),
            f"keep {many} and leave {names} out, or the other way round",
        )


def twice(entries: list[Any], name: str, path: Path, what: str) -> Iterator[Problem]:
    """Entries of a list that have the same value of a member."""
    seen: dict[str, int] = {}
    for i, entry in enumerate(entries):
        value = text(entry, name) if isinstance(entry, Mapping) else None
        if value is None:
            continue
        if value in seen:
            yield Problem(
                f"two {what} {show(value)}: number {seen[value] + 1} and number {i + 1}",
                (*path, i, name),
                "give each its own",
            )
        seen.setdefault(value, i)


@rule("STP023", shared=True, of=BASICS)
def stopping_condition(view: TrainingView) -> Iterator[Problem]:
    """A training job has a time limit.

    What it does:
        Wants StoppingCondition, and holds MaxRuntimeInSeconds against the longest time that SageMaker grants.
    Why:
        The service refuses a job without StoppingCondition, though its model has it optional. MaxRuntimeInSeconds
        is 28 days at most.
    Example:
        - StoppingCondition: null
        + StoppingCondition: {MaxRuntimeInSeconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    if view.request.get("StoppingCondition") is None:
        if view.tuning is None and not _serverless(view):
            yield Problem(
                "the job has no StoppingCondition",
                ("StoppingCondition",),
                "add StoppingCondition with MaxRuntimeInSeconds, such as 86400 for a day",
            )
        return
    limit = view.stopping.get("MaxRuntimeInSeconds")
    if type(limit) is not int or limit < DAY:
        return
    days = table("limits")["longest_job_days"]
    longest = days * DAY
    if longest < limit < 2**31:
        yield Problem(
            f"MaxRuntimeInSeconds is {limit}; SageMaker lets a job run for {days} days ({longest} s) at most",
            ("StoppingCondition", "MaxRuntimeInSeconds"),
            f"write at most {longest}; for a longer training write checkpoints and go on in a second job",
        )


@rule("STP032", reads=("ServerlessJobConfig",), shared=True)
def serverless(view: TrainingView) -> Iterator[Problem]:
    """A serverless job says what kind of evaluation it is and where MLflow keeps it, and accepts the model's licence.

    What it does:
        Wants EvaluationType where JobType is Evaluation, and an MlflowExperimentName in MlflowConfig where there is no
        ModelPackageGroupArn; and finds AcceptEula false, and members that are for other jobs (an algorithm, Environment,
        CheckpointConfig, spot instances and the like).
    Why:
        EvaluationType is required for evaluation jobs; "MlflowExperimentName is required when ModelPackageGroupArn is not
        provided"; a model with a licence is not used until the licence is accepted.
    Example:
          AlgorithmSpecification: null
          ServerlessJobConfig:
            BaseModelArn: arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/some-model/1.0.0
            JobType: Evaluation
        +   EvaluationType: BenchmarkEvaluation
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ServerlessJobConfig.html,
        https://github.com/aws/sagemaker-python-sdk/pull/5582,
        https://github.com/hashicorp/terraform-provider-aws/pull/46892
    """
    config = mapping(view.request, "ServerlessJobConfig")
    for name in table("limits")["not_serverless"] if config else ():
        if _given(view.request, name) and view.request[name] is not False:
            yield Problem(
                f"{name} does not go with ServerlessJobConfig: SageMaker chooses what runs, and on what",
                (name,),
                f"leave {name} out, or ServerlessJobConfig",
            )
    length = text(config, "SequenceLength")
    if length is not None and length[:-1].isdecimal() and not 1 <= int(length[:-1][:9]) <= 1024:
        yield Problem(
            f"SequenceLength is {show(length)}; it goes from 1K to 1024K",
            ("ServerlessJobConfig", "SequenceLength"),
            "write such as 32K, or leave it out",
        )
    if config.get("JobType") == "Evaluation" and not _given(config, "EvaluationType"):
        yield Problem(
            "an evaluation job has no EvaluationType",
            ("ServerlessJobConfig", "EvaluationType"),
            "add EvaluationType: LLMAJEvaluation, CustomScorerEvaluation or BenchmarkEvaluation",
        )
    flow = mapping(view.request, "MlflowConfig")
    group = _given(mapping(view.request, "ModelPackageConfig"), "ModelPackageGroupArn")
    if flow and not group and not _given(flow, "MlflowExperimentName"):
        yield Problem(
            "MlflowExperimentName is required when ModelPackageGroupArn is not provided",
            ("MlflowConfig", "MlflowExperimentName"),
            "add MlflowExperimentName, or ModelPackageConfig with a ModelPackageGroupArn",
        )
    if config.get("AcceptEula") is False:
        yield Problem(
            "AcceptEula is false: a model that has a licence agreement will not be used",
            ("ServerlessJobConfig", "AcceptEula"),
            "read the agreement and set AcceptEula to true",
            severity=None if "llama" in str(config.get("BaseModelArn")).lower() else "warning",
        )
