"""Rules of the area *distributed*: the ways of distributed training that a request switches on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cursus.aws import distribution, images, instances
from cursus.aws.tables import table
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.views import TrainingView, listing, text
from cursus.model import Path

SWITCHES = hyperparameters("*_enabled", distribution.MODEL_PARALLEL)
GROUPS = "sagemaker_distribution_instance_groups"
OWN_IMAGE = "smdistributed-modelparallel"
"""The repository of version 2 of the model parallelism library."""
Switch = tuple[Path, str, distribution.Strategy]


def switches(view: TrainingView) -> list[Switch]:
    """(path, hyperparameter, strategy) of every strategy that the hyperparameters switch on."""
    known: list[Switch] | None = vars(view).get("_switches")
    if known is None:  # asked for by every rule of the area: worked out once for a view
        found = distribution.switched_on(view.hyperparameters)
        member = view.hyperparameters_member
        known = [((member, name), name, strategy) for name, strategy in found.items()]
        vars(view)["_switches"] = known
    return known


def _is_newest(instance: instances.Instance) -> bool:
    return instance.family.startswith(tuple(table("distribution")["newest_families"]))


def framework_problem(
    strategy: distribution.Strategy, framework: str, version: str | None, tag: str, path: Path, neuron: bool
) -> Problem | None:
    """What is wrong with a strategy on a version of a framework, or None."""
    supported = strategy.supports(framework, version, neuron=neuron)
    name = images.title(framework)
    if supported is False and framework not in strategy.versions:
        others = " and ".join(images.title(each) for each in strategy.versions)
        return Problem(
            f"{strategy.title} is for {others}, not for {name}.",
            path,
            f"See {strategy.page}.",
            # A container that does not know one of these switches trains on, each host alone.
            severity="warning" if strategy.name in table("distribution")["unheard"] else None,
        )
    known = (
        strategy.neuron_versions
        if neuron and strategy.neuron_versions
        else strategy.versions.get(framework, ())
    )
    beyond = (
        supported is None
        and version is not None
        and images.resolve(f"{framework}-training", version) is not None
    )
    if supported is False or beyond:
        verb = "begins with" if strategy.open_ended else "supports"
        listed = known[0] if strategy.open_ended else f"{known[0]} to {known[-1]}"
        return Problem(
            f"{strategy.title} does not support {name} {version}: it {verb} {listed}.",
            path,
            f"Use a version that supports it ({strategy.page}), or another way of distributed training.",
        )
    if f"{tag} ".startswith(strategy.excluded_tags):
        return Problem(
            f"{strategy.title} is not in the image with the tag {tag!r}.",
            path,
            "Use another image of this version, or another way of distributed training.",
        )
    return None


def instance_problem(
    strategy: distribution.Strategy,
    instance: instances.Instance,
    framework: str | None,
    version: str | None,
    path: Path,
    named: bool = False,
) -> Problem | None:
    """What is wrong with a strategy on an instance type, or None. ``named``: a builder says its name itself."""
    if instance.processor not in strategy.processors:
        kinds = " or ".join(
            {"gpu": "GPU", "cpu": "CPU", "neuron": "Trainium"}[each] for each in strategy.processors
        )
        return Problem(
            f"{strategy.title} is for {kinds} instances; {instance.name} is none.",
            path,
            f"Use an instance type with the right devices ({strategy.page}).",
            severity="warning" if instance.processor in strategy.unsupported_processors else None,
        )
    types = strategy.types_for(framework, version)
    if types and instance.name not in types:
        said = f" with {images.title(framework)} {version}" if framework and version else ""
        newest = _is_newest(instance)
        plain = not named and not newest and _may_be_plain(strategy, instance, framework, version)
        # Nobody refuses the older types that the page of the model parallelism library does not list.
        older = strategy.name == "smdistributed.modelparallel" and not newest
        return Problem(
            f"{strategy.title} does not support {instance.name}{said}.",
            path,
            f"Use one of {', '.join(types)}" + ("; plain DDP (pytorchddp) runs here." if plain else "."),
            severity="warning" if plain or older else None,
        )
    declining = instance.name in strategy.declining and version is not None
    if declining and types != strategy.types_for(framework, "0"):
        return Problem(
            f"{strategy.title} is no longer developed for {instance.name}.",
            path,
            f"Use one of {', '.join(each for each in types if each != instance.name)}.",
            severity="warning",
        )
    return None


def _may_be_plain(
    strategy: distribution.Strategy, instance: instances.Instance, framework: str | None, version: str | None
) -> bool:
    """True where the data parallelism library may be switched on for plain DDP.

    The SDK sends its `pytorchddp`, which runs on any GPU, under the library's switch
    (sagemaker/pytorch/estimator.py, "rewrite pytorchddp to smdistributed").
    """
    if strategy.name != "smdistributed.dataparallel" or instance.name in strategy.types_for(framework, "0"):
        return False
    if framework is None:
        return True  # an image of one's own, which may have any version of PyTorch
    return framework == "pytorch" and bool(
        distribution.strategies()["pytorchddp"].supports("pytorch", version)
    )


@rule("DST001", reads=SWITCHES)
def framework_support(view: TrainingView) -> Iterator[Problem]:
    """The framework version does not support the way of distributed training.

    What it does:
        Compares each strategy that the hyperparameters switch on with the framework and version of the image.
    Why:
        The launcher or library is not in the image, and the job fails; or nobody reads the switch, and every host
        trains alone.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.13.0-gpu-py310
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.11.0-gpu-py39
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_distributed_dataparallel_enabled: "true"
          ResourceConfig: {InstanceType: ml.p4d.24xlarge, InstanceCount: 2, VolumeSizeInGB: null}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-data-parallel-support.html
    """
    on = switches(view)
    if not on:
        return
    image = view.framework
    if image is None or image.engine is None:
        return
    names = {strategy.name for _, _, strategy in on}
    for path, _, strategy in on:
        tag = "" if "torch_distributed" in names else image.tag or ""
        neuron = image.processor == "neuron"
        if image.repository == OWN_IMAGE and strategy.name != "mpi":
            continue
        problem = framework_problem(strategy, image.engine, image.engine_version, tag, path, neuron)
        if problem is not None:
            yield problem


@rule("DST002", reads=SWITCHES)
def instance_support(view: TrainingView) -> Iterator[Problem]:
    """The instance type does not support the way of distributed training.

    What it does:
        Compares each strategy that the hyperparameters switch on with the instance types that its page lists, and
        on AWS Trainium with torch_distributed, which is the only one there.
    Why:
        Amazon's libraries are built for the network and GPUs of a few instance types. The SDK refuses others, or
        the library ends the job. From PyTorch 1.11 on the data parallelism library's switch may also mean plain DDP
        (the SDK's pytorchddp), which runs on any GPU: that is a warning, an error where the script imports the library
        or joins with its backend, and nothing where it joins with PyTorch's own.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_distributed_dataparallel_enabled: "true"
        - ResourceConfig: {InstanceType: ml.p3.16xlarge, InstanceCount: 2}
        + ResourceConfig: {InstanceType: ml.p4d.24xlarge, InstanceCount: 2, VolumeSizeInGB: null}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-data-parallel-support.html
    """
    on = switches(view)
    if not on:
        return
    image = view.framework
    framework = image.engine if image else None
    version = image.engine_version if image else None
    names = {strategy.name for _, _, strategy in on}
    chosen = groups(view)
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is None or (chosen is not None and _group_name(view, path) not in chosen):
            continue
        for _, _, strategy in on:
            if instance.neuron_devices and strategy.name != "torch_distributed":
                yield Problem(
                    f"On AWS Trainium ({kind}) there is torch_distributed only, not {strategy.title}.",
                    path,
                    "Switch sagemaker_torch_distributed_enabled on instead.",
                )
                continue
            newest = strategy.name.startswith("smdistributed") and _is_newest(instance)
            if newest and "torch_distributed" in names:
                continue  # from version 2 on the libraries run below torchrun, which knows these types
            problem = instance_problem(strategy, instance, framework, version, path)
            if problem is not None and _may_be_plain(strategy, instance, framework, version):
                problem = _as_the_script_has_it(view, strategy, problem)
            if problem is not None:
                yield problem


def _as_the_script_has_it(
    view: TrainingView, strategy: distribution.Strategy, problem: Problem
) -> Problem | None:
    """An error where the script uses the data parallelism library itself, nothing where it is plain DDP."""
    if view.step.source is None:
        return problem
    from cursus.checks.script.distributed import data_parallel_library

    found = data_parallel_library(view)
    if found is None:
        return problem
    if found.name != strategy.name:
        return None
    message = problem.message.rstrip(".") + ", and the script uses that library itself."
    remedy = problem.remedy.partition(";")[0] + '; or backend "nccl" and no import of the library: plain DDP.'
    return replace(problem, message=message, remedy=remedy, severity="error", location=found.location)


def groups(view: TrainingView) -> list[str] | None:
    """The instance groups that train together, or None where the request does not choose."""
    value = view.hyperparameters.get(GROUPS)
    if not isinstance(value, str):
        return None
    from json import loads

    try:
        found = loads(value)
    except (ValueError, RecursionError):
        return None
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) and found else None


def _group_name(view: TrainingView, path: Path) -> str | None:
    """The name of the instance group that a path to an InstanceType lies in."""
    index = path[2] if len(path) == 4 else None
    entries = listing(view.resources, "InstanceGroups")
    if not isinstance(index, int) or index >= len(entries) or not isinstance(entries[index], dict):
        return None
    return text(entries[index], "InstanceGroupName")


@rule("DST003", severity="warning", reads=SWITCHES)
def several_strategies(view: TrainingView) -> Iterator[Problem]:
    """Two ways of distributed training are switched on that exclude each other.

    What it does:
        Looks at pairs of strategies in the hyperparameters.
    Why:
        The training toolkit launches one of them and ignores the other without a word.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.11.0-gpu-py39
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_mpi_enabled: "true"
        -   sagemaker_parameter_server_enabled: "true"
          ResourceConfig: {InstanceType: ml.p3.2xlarge, InstanceCount: 2}
    Source:
        https://github.com/aws/sagemaker-training-toolkit
    """
    on = switches(view)
    together = table("distribution")["together"]
    for i, (_, one, first) in enumerate(on):
        for path, other, second in on[i + 1 :]:
            if [first.name, second.name] not in together and [second.name, first.name] not in together:
                yield Problem(
                    f"{one!r} and {other!r} are both on; only one of them is launched.",
                    path,
                    "Switch one off.",
                )
