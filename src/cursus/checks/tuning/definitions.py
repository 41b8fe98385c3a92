"""Rules of the area *hyperparameters* for tuning requests: training job definitions, their resources, warm start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TUNING, TrainingView, TuningView, is_reference, listing, mapping
from cursus.redact import show


@rule("HPO016", scope="tuning", shared=True)
def definitions(view: TuningView) -> Iterator[Problem]:
    """One TrainingJobDefinition, or several named ones.

    What it does:
        Wants TrainingJobDefinition or TrainingJobDefinitions and not both; in the list, each with a DefinitionName of
        its own, a TuningObjective and HyperParameterRanges, and no more environment variables in all than one may have.
    Why:
        SageMaker refuses a tuning job without a definition, with both forms, or with definitions that it cannot tell
        apart or has no objective for.
    Example:
          operation: CreateHyperParameterTuningJob
        - TrainingJobDefinition: null
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/multiple-algorithm-hpo-create-tuning-jobs.html
    """
    single, several = view.request.get("TrainingJobDefinition"), view.request.get("TrainingJobDefinitions")
    if single is None and several is None:
        yield Problem(
            "the tuning job has no training job definition",
            ("TrainingJobDefinition",),
            "add TrainingJobDefinition, or TrainingJobDefinitions for several algorithms",
        )
    elif single is not None and several is not None:
        yield Problem(
            "TrainingJobDefinition and TrainingJobDefinitions are both given",
            ("TrainingJobDefinitions",),
            "keep one of them",
        )
    elif isinstance(several, list):
        yield from _several(view)


def _several(view: TuningView) -> Iterator[Problem]:
    if len(view.definitions) > 1:
        yield from _of_one_algorithm(view)
    seen: dict[str, int] = {}
    for i, definition in enumerate(view.definitions):
        given = definition.request.get("DefinitionName")
        if given is None:
            yield Problem(
                "a definition among several has no DefinitionName",
                (*definition.path, "DefinitionName"),
                "name each definition",
            )
        elif isinstance(given, str) and seen.setdefault(given, i) != i:
            yield Problem(
                f"two definitions are called {show(given)}",
                (*definition.path, "DefinitionName"),
                "name them differently",
            )
        for member in ("TuningObjective", "HyperParameterRanges"):
            top = "HyperParameterTuningJobObjective" if member == "TuningObjective" else "ParameterRanges"
            if definition.request.get(member) is None and "Autotune" not in view.request:
                moved = " (the tuning job's own does not count here)" if top in view.config else ""
                yield Problem(
                    f"a definition among several has no {member}{moved}",
                    (*definition.path, member),
                    f"give each definition its own {member}",
                )


def _of_one_algorithm(view: TuningView) -> Iterator[Problem]:
    """What a tuning job of several definitions cannot have, or has to no effect."""
    if view.request.get("WarmStartConfig") is not None:
        yield Problem(
            "a warm start is available only where a single algorithm is tuned",
            ("WarmStartConfig",),
            "tune each algorithm in a job of its own, or leave WarmStartConfig out",
        )
    if view.config.get("TrainingJobEarlyStoppingType") == "Auto":
        yield Problem(
            "early stopping is available only where a single algorithm is tuned",
            (TUNING, "TrainingJobEarlyStoppingType"),
            "set it to Off",
        )
    most = table("tuning")["max_environment"]
    held = [len(mapping(definition.request, "Environment")) for definition in view.definitions]
    if sum(held) > most >= max(held):
        yield Problem(
            f"the definitions have {sum(held)} environment variables in all; a tuning job takes {most}",
            ("TrainingJobDefinitions",),
            "put what is the same everywhere into StaticHyperParameters, or into the image",
        )
    for top, member in (
        ("HyperParameterTuningJobObjective", "TuningObjective"),
        ("ParameterRanges", "HyperParameterRanges"),
    ):
        if view.config.get(top) and all(d.request.get(member) for d in view.definitions):
            yield Problem(
                f"{top} belongs to a tuning job of one definition; here each has its own {member}",
                (TUNING, top),
                "leave it out",
                severity="warning",
            )


@rule("HPO017", scope="tuning", shared=True, of=("ResourceConfig",))
def resources_of_definitions(view: TuningView) -> Iterator[Problem]:
    """Each definition has resources in one of two forms, and not in both.

    What it does:
        Looks for ResourceConfig beside HyperParameterTuningResourceConfig; in the latter, wants one instance type or a
        list InstanceConfigs, not both, and at least one instance.
    Why:
        SageMaker refuses two forms beside each other: it could not tell which counts.
    Example:
          operation: CreateHyperParameterTuningJob
          TrainingJobDefinition:
        +   ResourceConfig: null
            HyperParameterTuningResourceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningResourceConfig.html
    """
    for definition in view.definitions:
        plain = definition.request.get("ResourceConfig")
        flexible = definition.request.get("HyperParameterTuningResourceConfig")
        if plain is not None and flexible is not None:
            yield Problem(
                "ResourceConfig and HyperParameterTuningResourceConfig are both given",
                (*definition.path, "HyperParameterTuningResourceConfig"),
                "keep one of them",
            )
        if isinstance(flexible, Mapping) and not is_reference(flexible):
            yield from _flexible(definition, flexible)


def _flexible(definition: TrainingView, config: Mapping[str, object]) -> Iterator[Problem]:
    path = (*definition.path, "HyperParameterTuningResourceConfig")
    beside = [name for name in ("InstanceType", "InstanceCount", "VolumeSizeInGB") if name in config]
    if "InstanceConfigs" in config and beside:
        named = " and ".join(filter(None, (", ".join(beside[:-1]), beside[-1])))
        yield Problem(
            f"InstanceConfigs has {named} beside it; they exclude each other",
            (*path, beside[0]),
            f"keep InstanceConfigs and leave {named} out, or the other way round",
        )
    elif "InstanceConfigs" not in config:
        for name in ("InstanceType", "InstanceCount"):
            if name not in config:
                yield Problem(f"{name} is missing", (*path, name), "give InstanceType and InstanceCount")
    entries = enumerate(listing(config, "InstanceConfigs"))
    for place, each in ((path, config), *(((*path, "InstanceConfigs", i), each) for i, each in entries)):
        count = each.get("InstanceCount") if isinstance(each, Mapping) else None
        if count == 0 and count is not False:
            yield Problem(
                "InstanceCount asks for 0 instances", (*place, "InstanceCount"), "ask for at least 1"
            )


@rule("HPO018", scope="tuning", reads=("WarmStartConfig",))
def warm_start(view: TuningView) -> Iterator[Problem]:
    """A warm start names its parents.

    What it does:
        Wants each parent named, once, and none of them this job itself.
    Why:
        SageMaker refuses a parent without a name, a parent given twice, and a job that starts from itself. (That the
        hyperparameters of the parents are the same can only be seen in the account.)
    Example:
          operation: CreateHyperParameterTuningJob
          WarmStartConfig:
            WarmStartType: TransferLearning
        -   ParentHyperParameterTuningJobs: [{HyperParameterTuningJobName: churn-tuning}]
        +   ParentHyperParameterTuningJobs: [{HyperParameterTuningJobName: churn-tuning-1}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
    """
    config = mapping(view.request, "WarmStartConfig")
    seen: set[str] = set()
    for i, parent in enumerate(listing(config, "ParentHyperParameterTuningJobs")):
        if not isinstance(parent, Mapping) or is_reference(parent):
            continue
        path = ("WarmStartConfig", "ParentHyperParameterTuningJobs", i, "HyperParameterTuningJobName")
        name = parent.get("HyperParameterTuningJobName")
        if name is None:
            yield Problem("a parent tuning job has no name", path, "give HyperParameterTuningJobName")
        elif isinstance(name, str):
            if name == view.request.get("HyperParameterTuningJobName"):
                yield Problem(
                    f"the tuning job {show(name)} is its own parent", path, "name a tuning job that has ended"
                )
            elif name in seen:
                yield Problem(f"the parent {show(name)} is given twice", path, "give each parent once")
            seen.add(name)
