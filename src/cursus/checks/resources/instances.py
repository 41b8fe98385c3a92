"""Rules of the area *resources*: the instance type, and its storage."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws import instances, places
from cursus.aws.tables import dated
from cursus.checks.rules import BASICS, Problem, rule
from cursus.checks.views import PipelineView, TrainingView, integer, is_reference, listing, mapping
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest

READS = ("ResourceConfig", "HyperParameterTuningResourceConfig")
OF = ("ResourceConfig",)
USUAL_VOLUME = 1024  # GB: the default quota, below which no rule looks further
LOCAL_MODE = frozenset({"local", "localgpu"})
WORDS = {"hosting": "hosting", "notebook": "notebooks", "studio": "Studio", "cluster": "HyperPod"}


def instance_problem(name: str, path: Path, allow: frozenset[str]) -> Problem | None:
    """What is wrong with a training instance type, or None. Shared by requests and builders' promises."""
    if instances.find(name) is not None or name in allow or instances.is_new(name, "training"):
        return None
    if "".join(c for c in name.lower() if c.isalnum()) in LOCAL_MODE:
        return Problem(
            f"{show(name)} is the SDK's word for its local mode; the service knows no such instance type.",
            path,
            "Name an instance type, such as 'ml.m5.xlarge'.",
        )
    near = _near(name)
    hint = f" Did you mean {near!r}?" if near else ""
    uses = instances.other_uses(name)
    if uses:
        listed = " and ".join(WORDS.get(use, use) for use in uses)
        return Problem(
            f"{show(name)} is an instance type for {listed}, not for training.{hint}",
            path,
            _sizes_remedy(name),
        )
    parts = instances.split(name)
    if parts is None:
        remedy = f"Write {near!r}." if near else "Write ml.<family>.<size>, such as 'ml.m5.xlarge'."
        return Problem(f"{show(name)} is no SageMaker instance type.{hint}", path, remedy)
    family, size = parts
    sizes = instances.families().get(family)
    if sizes is not None:
        return Problem(
            f"The family ml.{family} has no size {show(size)} for training.{hint}",
            path,
            f"Use one of its sizes: {', '.join(sizes)}.",
        )
    if family in instances.other_families():
        return Problem(
            f"No instance type of the family ml.{family} is for training.{hint}", path, _sizes_remedy(name)
        )
    if not instances.is_size(size):
        remedy = f"Write {near!r}." if near else "Write a size such as xlarge or 12xlarge."
        return Problem(f"No instance type has the size {show(size)} ({show(name)}).{hint}", path, remedy)
    if instances.is_past(family):
        return Problem(
            f"There is no instance family ml.{family} for training.{hint}", path, _sizes_remedy(name)
        )
    return Problem(
        f"The data of {dated('instances')} knows no instance type {show(name)} for training.{hint}",
        path,
        f"Check that it exists, then allow it (--allow {name}).",
        severity="warning",
        allowable=name,
    )


def _near(name: str) -> str | None:
    plain = name.strip().lower().replace("_", ".")
    for guess in (plain, f"ml.{plain}", plain.replace("ml-", "ml."), plain.replace("ml.", "", 1)):
        if instances.find(guess) is not None:
            return guess
    parts = instances.split(plain)
    if parts is not None and parts[0] in instances.families():
        near = closest(parts[1], instances.families()[parts[0]])
        return f"ml.{parts[0]}.{near}" if near else None
    if parts is not None:
        longer = [family for family in instances.families() if family.startswith(parts[0])]
        near = longer[0] if longer else closest(parts[0], instances.families())
        same = near is not None and parts[1] in instances.families()[near]
        return f"ml.{near}.{parts[1]}" if same else None
    # ml.5.2xlarge may be of any family that ends so.
    return None if plain.removeprefix("ml.")[:1].isdigit() else closest(plain, instances.names())


def _sizes_remedy(name: str) -> str:
    """A type of the same size that trains: that of the family without its letters, where there is one."""
    parts = instances.split(name)
    if parts is not None:
        family, size = parts
        plain = family.rstrip("abcdefghijklmnopqrstuvwxyz-")
        for guess in (plain, f"{plain}i"):
            if instances.find(f"ml.{guess}.{size}") is not None:
                return f"Use one for training, such as 'ml.{guess}.{size}'."
    return "Use an instance type for training, such as 'ml.m5.xlarge'."


@rule("RES001", reads=READS, shared=True, of=OF)
def instance_type(view: TrainingView) -> Iterator[Problem]:
    """The instance type is not one that trains.

    What it does:
        Looks up each instance type: what only hosts or only serves notebooks, a size that its family lacks, a
        name without `ml.` or without the family's letter or number, a family of an old generation, and the SDK's word
        for its local mode are errors. A family that this data does not know may be newer than it, and is a warning.
    Why:
        The request is refused: "Value … at 'resourceConfig.instanceType' failed to satisfy constraint".
    Example:
        - ResourceConfig: {InstanceType: ml.m5d.xlarge}
        + ResourceConfig: {InstanceType: ml.m5.xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    for path, kind, _ in view.instances:
        problem = instance_problem(kind, path, view.settings.allow)
        if problem is not None:
            yield problem


def _local(view: TrainingView) -> list[tuple[Path, instances.Instance]]:
    """(path, instance) of each instance type with local NVMe storage."""
    found = [(path, instances.find(kind)) for path, kind, _ in view.instances]
    return [(path, each) for path, each in found if each is not None and each.nvme]


@rule("RES002", severity="warning", reads=READS, shared=True, of=OF)
def volume_size(view: TrainingView) -> Iterator[Problem]:
    """A volume size larger than the instance's own disk has no effect.

    What it does:
        Compares VolumeSizeInGB with the local storage of instance types that have some.
    Why:
        These instances get no EBS volume: their storage is what is built in. A job that counts on more runs out of
        disk; a tuning job is refused.
    Example:
        - ResourceConfig: {InstanceType: ml.g5.xlarge, VolumeSizeInGB: 500}
        + ResourceConfig: {InstanceType: ml.g5.xlarge, VolumeSizeInGB: null}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    whole = integer(view.resources, "VolumeSizeInGB")
    for (member, *place, _), instance in _local(view):
        entry = listing(view.resources, str(place[0]))[int(place[1])] if place else view.resources
        own = integer(entry, "VolumeSizeInGB")  # only a tuning job's InstanceConfigs have one
        size = whole if own is None else own
        if size is not None and instance.nvme is not None and size > instance.nvme:
            yield Problem(
                f"{instance.name} has {instance.nvme} GB of local storage and gets no volume: {size} GB cannot be had.",
                (member, "VolumeSizeInGB") if own is None else (member, *place, "VolumeSizeInGB"),
                "Leave VolumeSizeInGB out, or use an instance type with enough storage.",
                severity="error" if member == "HyperParameterTuningResourceConfig" else None,
            )
            return


@rule("RES009", reads=READS, shared=True, of=OF)
def volume_limit(view: TrainingView) -> Iterator[Problem]:
    """No volume is larger than 16 TiB.

    What it does:
        Holds VolumeSizeInGB against the greatest volume that the service model has for any job.
    Why:
        The volume is one of Amazon EBS, which makes none that is larger. A size in megabytes or bytes is such a number.
    Example:
        - ResourceConfig: {InstanceType: ml.m5.xlarge, VolumeSizeInGB: 30000}
        + ResourceConfig: {InstanceType: ml.m5.xlarge, VolumeSizeInGB: 30}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html
    """
    size = integer(view.resources, "VolumeSizeInGB")
    if size is None or size <= USUAL_VOLUME:
        return
    from cursus.aws import schema

    document = schema.document("CreateProcessingJob") or {}
    node = schema.at(document, ("ProcessingResources", "ClusterConfig", "VolumeSizeInGB")) or {}
    greatest = node.get("maximum")
    if isinstance(greatest, int) and size > greatest:
        yield Problem(
            f"VolumeSizeInGB is {size}; there is no volume of more than {greatest} GB.",
            (view.resources_member, "VolumeSizeInGB"),
            f"Give a size in gigabytes, {greatest} at most.",
        )


@rule("RES003", reads=READS, shared=True, of=OF)
def no_volume(view: TrainingView) -> Iterator[Problem]:
    """An instance without a disk of its own is given no volume.

    What it does:
        Wants VolumeSizeInGB, of at least 1, where an instance type has no local storage.
    Why:
        There is nowhere to put data and model; the service demands the size of the volume.
    Example:
        - ResourceConfig: {InstanceType: ml.m5.xlarge, VolumeSizeInGB: null}
        + ResourceConfig: {InstanceType: ml.m5.xlarge, VolumeSizeInGB: 30}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    size = view.resources.get("VolumeSizeInGB")
    if (size is not None and size != 0) or "InstanceConfigs" in view.resources:
        return
    for _, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is not None and instance.nvme == 0:
            yield Problem(
                f"{kind} has no local storage, and the request gives it no volume (VolumeSizeInGB).",
                (view.resources_member, "VolumeSizeInGB"),
                "Set VolumeSizeInGB to what data, code and model need, for example 30.",
            )
            return


@rule("RES004", reads=READS, shared=True, of=OF)
def volume_key(view: TrainingView) -> Iterator[Problem]:
    """A volume key is given for an instance that has no volume.

    What it does:
        Says where VolumeKmsKeyId goes with an instance type that has local NVMe storage.
    Why:
        Local storage is encrypted by hardware in the instance, with no key of yours; the request is refused. It is
        often a default that was put in for a whole organisation.
    Example:
          ResourceConfig:
        -   InstanceType: ml.g5.xlarge
        -   VolumeSizeInGB: null
        +   InstanceType: ml.m5.xlarge
            VolumeKmsKeyId: 1234abcd-12ab-34cd-56ef-1234567890ab
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    key = view.resources.get("VolumeKmsKeyId")
    if key is None or (isinstance(key, str) and not key):
        return
    for _, instance in _local(view):
        yield Problem(
            f"{instance.name} has local NVMe storage, which takes no VolumeKmsKeyId.",
            (view.resources_member, "VolumeKmsKeyId"),
            "Leave VolumeKmsKeyId out: the storage is encrypted by the instance.",
        )
        return


def region_of(view: TrainingView) -> str | None:
    """The job's region; where that is not known, the one of its image's registry, which has to be the same."""
    place = places.image(view.image) if not view.region and view.image is not None else None
    return view.region or (place.region or None if place is not None else None)


@rule("RES005", severity="info", reads=READS, shared=True, of=("AlgorithmSpecification", *OF))
def previous_generation(view: TrainingView) -> Iterator[Problem]:
    """The instance type is of a previous generation.

    What it does:
        Names the newer family where AWS lists an instance family as previous generation.
    Why:
        Old families are slower for the price and are short in many regions; new accounts have no quota for some.
    Example:
        - ResourceConfig: {InstanceType: ml.m4.xlarge}
        + ResourceConfig: {InstanceType: ml.m5.xlarge}
    Source:
        https://aws.amazon.com/ec2/previous-generation/
    """
    where = region_of(view)
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if where is not None and instances.is_absent(kind, where):
            continue  # RES020 says more
        if instance is not None and instance.successor is not None:
            yield Problem(
                f"{kind} is of a previous generation.", path, f"Use the family {instance.successor}."
            )


@rule("RES006", severity="info", reads=READS, shared=True, of=OF)
def burstable(view: TrainingView) -> Iterator[Problem]:
    """The instance type runs at full speed only for a while.

    What it does:
        Names instance types whose processor time is paid by credits. ml.t3.medium is a warning: the service model has it
        for training, and no region is known where a job was let run on it.
    Why:
        Training uses the processors without a pause, and runs at a fraction of their speed once the credits are gone.
        Of ml.t3.medium the service says: "The requested resource training-job/ml.t3.medium is not available in this
        region".
    Example:
        - ResourceConfig: {InstanceType: ml.t3.large}
        + ResourceConfig: {InstanceType: ml.m5.large}
    Source:
        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html
    """
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instances.is_refused(kind) and kind not in view.settings.allow:
            yield Problem(
                f"{kind} has been refused for training wherever it was tried",
                path,
                "use ml.m5.large; or check that the region has it by now",
                severity="warning",
                allowable=kind,
            )
        elif instance is not None and instance.burstable:
            yield Problem(
                f"{kind} is burstable: it slows down during a long job.", path, "Use an ml.m5 type."
            )


@rule("RES007", severity="warning", reads=("StoppingCondition",), shared=True, of=BASICS)
def run_time(view: TrainingView) -> Iterator[Problem]:
    """The time limit is above the default quota.

    What it does:
        Compares MaxRuntimeInSeconds with the quota that an account has unless it was raised.
    Why:
        A job may run 5 days by default. A request above the quota is refused.
    Example:
        - StoppingCondition: {MaxRuntimeInSeconds: 1000000}
        + StoppingCondition: {MaxRuntimeInSeconds: 86400}
    Source:
        https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
    """
    seconds = integer(view.stopping, "MaxRuntimeInSeconds")
    quota = instances.limit("max_runtime_quota")
    if seconds is not None and quota < seconds <= instances.limit("max_runtime"):
        yield Problem(
            f"{seconds} seconds are more than the default quota of {quota} (5 days).",
            ("StoppingCondition", "MaxRuntimeInSeconds"),
            "Have the quota raised first, or set less.",
        )


@rule("RES022", severity="warning", reads=("MaxPendingTimeInSeconds",), shared=True)
def pending_time(view: TrainingView) -> Iterator[Problem]:
    """A time limit for waiting is set for a job whose instances have none.

    What it does:
        Looks for MaxPendingTimeInSeconds in a job on CPU instances alone.
    Why:
        It "takes effect only for jobs that request accelerated computing instance types": the job does not wait for
        capacity, whatever the limit says.
    Example:
        - StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxPendingTimeInSeconds: 86400}
        + StoppingCondition: {MaxRuntimeInSeconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    if integer(view.stopping, "MaxPendingTimeInSeconds") is not None and is_on_cpus(view):
        yield Problem(
            "MaxPendingTimeInSeconds has no effect on jobs on CPU instances alone",
            ("StoppingCondition", "MaxPendingTimeInSeconds"),
            "leave it out",
        )


OTHER_MEMBERS: dict[str, tuple[tuple[str, ...], str]] = {
    "CreateProcessingJob": (("ProcessingResources", "ClusterConfig"), "processing"),
    "CreateTransformJob": (("TransformResources",), "transform"),
}


@rule("RES008", scope="pipeline")
def other_steps(view: PipelineView) -> Iterator[Problem]:
    """The instance type of a processing or transform step does not exist for it.

    What it does:
        Looks up the instance types of a pipeline's processing and transform steps.
    Why:
        The step is refused when the pipeline comes to it, after the steps before it were paid for.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingResources:
        -         ClusterConfig: {InstanceType: m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
        +         ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
                AppSpecification: {ImageUri: 123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1}
                RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html
    """
    for step in view.steps:
        place = OTHER_MEMBERS.get(step.operation)
        if place is None:
            continue
        members, use = place
        config = step.request
        for member in members:
            config = mapping(config, member)
        kinds: list[tuple[Path, object]] = [(("InstanceType",), config.get("InstanceType"))]
        for index, each in enumerate(listing(config, "InstancePreferences")):
            if isinstance(each, dict):
                kinds.append((("InstancePreferences", index, "InstanceType"), each.get("InstanceType")))
        for where, kind in kinds:
            if isinstance(kind, str) and not is_reference(kind) and kind not in view.settings.allow:
                problem = other_problem(kind, use, (*step.prefix, *members, *where))
                if problem is not None:
                    yield problem


def other_problem(kind: str, use: str, path: Path) -> Problem | None:
    """What is wrong with the instance type of a processing or transform job, or of a debugger's rule, which is one."""
    known = instances.of_use(use)
    if kind in known or instances.is_new(kind, use):
        return None
    near = f"ml.{kind}" if f"ml.{kind}" in known else closest(kind, known)
    hint = f" Did you mean {near!r}?" if near else ""
    parts = instances.split(kind)
    if parts is not None and not any(name.startswith(f"ml.{parts[0]}.") for name in instances.all_names()):
        return Problem(
            f"The data of {dated('instances')} knows no instance type {show(kind)} for a {use} job.{hint}",
            path,
            f"Check that it exists, then allow it (--allow {kind}).",
            severity="warning",
            allowable=kind,
        )
    return Problem(
        f"{show(kind)} is no instance type of a {use} job.{hint}",
        path,
        f"Use a type for {use} jobs, such as 'ml.m5.xlarge'.",
    )


def is_on_cpus(view: TrainingView) -> bool:
    """True where every instance of the job surely has neither a GPU nor a Neuron device."""
    kinds = [instances.find(name) for _, name, _ in view.instances]
    return bool(kinds) and all(kind is not None and kind.processor == "cpu" for kind in kinds)
