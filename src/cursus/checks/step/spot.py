"""Rules of the area *step*: time limits, spot instances, warm pools, and the container's reserved paths."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from cursus.aws import instances, places
from cursus.aws.tables import table
from cursus.checks.locations import below
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.texts import CHECKPOINTS
from cursus.checks.views import TrainingView, integer, is_reference, listing, mapping, text
from cursus.redact import show

SPOT = "EnableManagedSpotTraining"
WAIT = "MaxWaitTimeInSeconds"
AN_HOUR = 3600
"""Seconds; a job of less is soon made again."""


@rule("STP024", reads=(SPOT, "*.MaxWaitTimeInSeconds"), shared=True)
def spot_wait(view: TrainingView) -> Iterator[Problem]:
    """A spot job says how long it may wait, and only a spot job does.

    What it does:
        Holds MaxWaitTimeInSeconds against EnableManagedSpotTraining, against MaxRuntimeInSeconds, and against the hour
        of AWS Marketplace algorithms that keep no checkpoints; finds spot training together with InstancePreferences or a
        training plan, whose instances are reserved.
    Why:
        The service refuses the rest: "Invalid MaxWaitTimeInSeconds. It is only supported when
        EnableManagedSpotTraining is set to true", or "It must be present and be greater than or equal to
        MaxRuntimeInSeconds". The waiting time includes the running time.
    Example:
          EnableManagedSpotTraining: true
          CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
        - StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 1800}
        + StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
        https://github.com/Kenza-AI/sagify/issues/111
    """
    spot = view.request.get(SPOT)
    stopping = view.request.get("StoppingCondition")
    if (spot is not None and not isinstance(spot, bool)) or is_reference(stopping):
        return
    if spot and stopping is None:
        return  # that there is none is another rule's
    path = ("StoppingCondition", WAIT)
    run = integer(view.stopping, "MaxRuntimeInSeconds")
    if not spot:
        if view.stopping.get(WAIT) is not None:
            yield Problem(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
                path,
                f"leave {WAIT} out, or set {SPOT} to true",
            )
        return
    wait = view.stopping.get(WAIT)
    if wait is None:
        yield Problem(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
            path,
            f"add {WAIT} of at least {run if run is not None else 'MaxRuntimeInSeconds'}",
        )
    elif isinstance(wait, int) and run is not None and wait < run:
        yield Problem(
            f"Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds: "
            f"it is {wait}, MaxRuntimeInSeconds is {run}",
            path,
            f"write at least {run}: the waiting time includes the running time",
        )
    elif (
        isinstance(wait, int)
        and places.sold(text(view.algorithm, "AlgorithmName") or "")
        and wait > (most := instances.limit("max_wait_without_checkpoints"))
        and not view.request.get("CheckpointConfig")
    ):
        yield Problem(
            f"a spot job of an algorithm from AWS Marketplace without checkpoints may wait {most} seconds at most, not {wait}",
            path,
            f"add CheckpointConfig, where the algorithm writes checkpoints, or wait {most} seconds at most",
        )
    other = next(
        (each for each in ("InstancePreferences", "TrainingPlanArn") if view.resources.get(each)), None
    )
    if other is not None:
        yield Problem(
            f"{SPOT} is set beside {other}; they exclude each other",
            (SPOT,),
            "keep one of the two",
        )


@rule("STP025", severity="warning", reads=(SPOT,), shared=True)
def spot_without_checkpoints(view: TrainingView) -> Iterator[Problem]:
    """A spot job without CheckpointConfig starts from nothing after each interruption.

    What it does:
        Wants CheckpointConfig where EnableManagedSpotTraining is true and the job may run for an hour or more.
    Why:
        An interrupted job is started again. Only what lies in the checkpoint directory is kept, and only where
        CheckpointConfig says where in S3: without it all the work done is lost, and paid.
    Example:
          EnableManagedSpotTraining: true
          StoppingCondition: {MaxWaitTimeInSeconds: 7200}
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
    """
    if view.request.get(SPOT) is not True or view.request.get("CheckpointConfig"):
        return
    if (integer(view.stopping, "MaxRuntimeInSeconds") or AN_HOUR) >= AN_HOUR:
        yield Problem(
            "spot instances may be taken away at any time, and no CheckpointConfig keeps what was done until then",
            (SPOT,),  # what is missing has no line, and an ignore comment would have no place
            "add CheckpointConfig with an S3Uri, and let the script resume from /opt/ml/checkpoints"
            if view.builtin is None
            else "add CheckpointConfig with an S3Uri: the algorithm goes on from the checkpoints that it writes there"
            if view.builtin.checkpoints
            else f"{view.builtin.name} writes no checkpoints: begin again after each interruption, or leave {SPOT} out",
        )


@rule("STP026", reads=("ResourceConfig.KeepAlivePeriodInSeconds",), shared=True)
def warm_pool(view: TrainingView) -> Iterator[Problem]:
    """A warm pool does not go with spot instances, instance groups or tuning.

    What it does:
        Finds KeepAlivePeriodInSeconds beside EnableManagedSpotTraining or InstanceGroups, and in a tuning job.
    Why:
        Managed warm pools are for training jobs on one kind of on-demand instance. SageMaker refuses them with spot
        instances and heterogeneous clusters. In a tuning job it takes the member, drops it, and keeps no pool: a
        warning.
    Example:
          ResourceConfig: {KeepAlivePeriodInSeconds: 600}
        - EnableManagedSpotTraining: true
        - StoppingCondition: {MaxWaitTimeInSeconds: 7200}
        - CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
        https://github.com/aws-controllers-k8s/sagemaker-controller/pull/176
    """
    seconds = integer(view.resources, "KeepAlivePeriodInSeconds")
    if not seconds:
        return
    path = (view.resources_member, "KeepAlivePeriodInSeconds")
    remedy = "leave KeepAlivePeriodInSeconds out"
    if view.request.get(SPOT) is True:
        yield Problem(
            "KeepAlivePeriodInSeconds asks for a warm pool, which spot instances cannot have",
            path,
            f"{remedy}, or {SPOT}",
        )
    elif listing(view.resources, "InstanceGroups"):
        yield Problem(
            "KeepAlivePeriodInSeconds asks for a warm pool, which a heterogeneous cluster cannot have",
            path,
            remedy,
        )
    elif view.tuning is not None:
        yield Problem(
            "KeepAlivePeriodInSeconds asks for a warm pool; a tuning job drops it and keeps none",
            path,
            remedy,
            severity="warning",
        )


@rule("STP029", reads=("CheckpointConfig", "TensorBoardOutputConfig", "DebugHookConfig"), shared=True)
def local_paths(view: TrainingView) -> Iterator[Problem]:
    """A directory that SageMaker syncs is not one that it uses for something else.

    What it does:
        Holds LocalPath, or what stands for it, of CheckpointConfig, TensorBoardOutputConfig and DebugHookConfig against the
        directories of the container contract, against each other, and wants full paths.
    Why:
        Checkpoints below /opt/ml/input lie on a channel, and those below /opt/ml/model go into model.tar.gz. For
        TensorBoard the service says: '"LocalPath" of "TensorBoardOutputConfig" cannot start with the following
        reserved path: [/opt/ml, /tmp, /usr/local/nvidia]'.
    Example:
        - CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/", LocalPath: /opt/ml/model}
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/", LocalPath: /opt/ml/checkpoints}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
        https://github.com/aws/amazon-sagemaker-examples/issues/3620
    """
    synced: dict[str, str] = {}
    for member in ("CheckpointConfig", "TensorBoardOutputConfig", "DebugHookConfig"):
        config = mapping(view.request, member)
        known = table("limits")["directories"].get(member, {})
        free = known.get("default")
        value = text(config, "LocalPath") or (free if config else None)
        if not value:
            continue
        path = (member, "LocalPath")
        if not value.startswith("/"):
            yield Problem(f"LocalPath {show(value)} is no full path", path, "write a path that begins with /")
            continue
        local = posixpath.normpath(value)
        taken = [] if local == free else known.get("taken", [])
        clash = next((root for root in taken if below(local, root)), None)
        if clash is None and member == "CheckpointConfig" and local in ("/", "/opt", "/opt/ml"):
            clash = "/opt/ml"
        if clash is not None:
            yield Problem(
                f'"LocalPath" of "{member}" cannot start with the reserved path {clash}: it is {show(value)}',
                path,
                f"leave LocalPath out (the default is {free}), or choose a directory of its own",
            )
        elif local in synced:
            yield Problem(
                f"{member} and {synced[local]} sync the same directory {show(value)}",
                path,
                "give each a directory of its own",
                severity="warning",
            )
        synced.setdefault(local, member)


_FOLDERS = ("dir", "path", "folder")
"""How hyperparameters end whose values are folders of the container."""


@rule(
    "STP051",
    severity="warning",
    reads=("?checkpoints", *hyperparameters(*(f"*{each}" for each in _FOLDERS))),
)
def checkpoints_of_a_hyperparameter(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter tells the script to save where nothing is kept.

    What it does:
        Finds hyperparameters whose value is /opt/ml/checkpoints, or a folder below it, in a request without
        CheckpointConfig; and those such as model_dir that say opt/ml/… without the first slash.
    Why:
        SageMaker copies /opt/ml/checkpoints to S3 where CheckpointConfig says so. Without it the folder is one like
        any other, and what lies in it is gone with the instance. So is opt/ml/model, which is below the working directory.
    Example:
          HyperParameters: {output_dir: /opt/ml/checkpoints}
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
        https://github.com/huggingface/notebooks/issues/149,
        https://github.com/aws/amazon-sagemaker-examples/issues/738
    """
    kept = bool(view.request.get("CheckpointConfig"))
    for name, value in view.hyperparameters.items():
        bare = value.strip('"').rstrip("/") if isinstance(value, str) else ""
        if bare.startswith("opt/ml/") and isinstance(name, str) and name.endswith(_FOLDERS):
            yield Problem(
                f"{show(name)} is {show(bare, name)}, a folder below the script's working directory",
                (view.hyperparameters_member, name),
                f"write /{bare}",
            )
        elif not kept and below(bare, CHECKPOINTS):
            yield Problem(
                f"{show(name)} is {show(bare, name)}, and no CheckpointConfig keeps what is saved there",
                (view.hyperparameters_member, name),
                "add CheckpointConfig with an S3Uri",
            )
