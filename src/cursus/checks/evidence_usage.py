"""Rules on the evidence of a local run: what the job read and used, against what the request gives it."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws import instances
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView, integer
from cursus.model import Evidence
from cursus.redact import show

GIB = 1024**3


@rule("CHN090", area="channels", severity="warning", scope="run", reads=("InputDataConfig",))
def unopened(view: TrainingView) -> Iterator[Problem]:
    """Nobody opened a file of a channel.

    What it does:
        Counts, for each channel, the files that were opened while the job ran.
    Why:
        The channel is downloaded to every instance before training starts, and paid for; a script that trains
        without it often reads the wrong channel, or none.
    Breaks:
        files:
          train.py: |
            open("/opt/ml/model/model.txt", "w").write("weights")
        channels:
          train:
            data.csv: "1,2"
    Right:
        files:
          train.py: |
            text = open("/opt/ml/input/data/train/data.csv").read()
            open("/opt/ml/model/model.txt", "w").write(text)
        channels:
          train:
            data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    Since:
        0.1
    """
    evidence: Evidence = view.evidence  # type: ignore[assignment]
    if evidence.status != "Completed":
        return
    for channel in view.channels:
        if channel.name is not None and evidence.opened.get(channel.name) == 0:
            yield Problem(
                f"the job ended well, and opened no file of channel {channel.name!r}",
                (*channel.path, "ChannelName"),
                remedy=f"read SM_CHANNEL_{channel.name.upper()} in the script, or leave the channel out",
            )


@rule("RES090", area="resources", scope="run", reads=("ResourceConfig",))
def memory(view: TrainingView) -> Iterator[Problem]:
    """The script used more memory than the instance has.

    What it does:
        Holds the peak memory of the local run, sampled from the kernel, against the instance type's memory.
    Why:
        On the instance the kernel kills the process: the job fails with exit code 137.
    Breaks:
        ResourceConfig:
          InstanceType: ml.t3.medium
        files:
          train.py: |
            import mmap
            table = open("/tmp/table", "wb+")
            table.truncate(64 * 1024 * 1024)
            flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
            copies = [mmap.mmap(table.fileno(), 0, flags=flags) for _ in range(68)]
        channels:
          train:
            data.csv: "1,2"
    Right:
        ResourceConfig:
          InstanceType: ml.m5.xlarge
        files:
          train.py: |
            print("small")
        channels:
          train:
            data.csv: "1,2"
    Source:
        https://aws.amazon.com/sagemaker/pricing/
    Since:
        0.1
    """
    evidence: Evidence = view.evidence  # type: ignore[assignment]
    peak = max((usage.peak_memory for usage in evidence.usage.values()), default=0)
    for path, kind, _ in view.instances:
        found = instances.find(kind)
        if found is None or found.memory is None:
            continue
        if evidence.memory_kills and peak <= found.memory * GIB:
            yield Problem(
                f"the script wanted more than the {found.memory:g} GiB of {kind}: the kernel ended "
                f"{sum(evidence.memory_kills.values())} of its processes there",
                path,
                remedy="take an instance type with more memory, or let the script load less at a time",
            )
        elif peak > found.memory * GIB:
            yield Problem(
                f"the script's peak of {peak / GIB:.1f} GiB does not fit the {found.memory:g} GiB of {kind}",
                path,
                remedy="take an instance type with more memory, or let the script load less at a time",
            )


@rule("RES091", area="resources", scope="run", reads=("ResourceConfig.VolumeSizeInGB",))
def disk(view: TrainingView) -> Iterator[Problem]:
    """The job needed more disk than its volume has.

    What it does:
        Holds what the local run downloaded and had written below /opt/ml and /tmp, at its most, against VolumeSizeInGB.
    Why:
        The volume is as large as the request says; when it is full the script's next write fails.
    Breaks:
        ResourceConfig:
          VolumeSizeInGB: 1
        files:
          train.py: |
            with open("/tmp/scratch", "wb") as file:
                file.truncate(1200 * 1024 * 1024)
        channels:
          train:
            data.csv: "1,2"
    Right:
        ResourceConfig:
          VolumeSizeInGB: 30
        files:
          train.py: |
            print("small")
        channels:
          train:
            data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    Since:
        0.1
    """
    evidence: Evidence = view.evidence  # type: ignore[assignment]
    volume = integer(view.resources, "VolumeSizeInGB")
    used = max((usage.disk_written for usage in evidence.usage.values()), default=0)
    if not volume or used <= volume * GIB:
        return
    for _, kind, _ in view.instances:
        found = instances.find(kind)
        if found is not None and found.nvme:
            return  # it trains on its own storage
    yield Problem(
        f"the run had {used / GIB:.1f} GiB on the training volume, which has {volume} GB",
        (view.resources_member, "VolumeSizeInGB"),
        remedy=f"write VolumeSizeInGB: {int(used / GIB * 1.25) + 1}, or remove what is not needed while training",
    )


@rule("RES092", area="resources", severity="warning", scope="run", reads=("StoppingCondition",))
def runtime_exceeded(view: TrainingView) -> Iterator[Problem]:
    """The job did not end within MaxRuntimeInSeconds.

    What it does:
        Looks whether the local run was stopped by the request's own limit.
    Why:
        SageMaker stops the job at the limit; the model is what the script had saved by then. An instance may be
        faster than this machine, so this is a warning.
    Breaks:
        StoppingCondition:
          MaxRuntimeInSeconds: 1
        files:
          train.py: |
            import time
            time.sleep(1.5)
        channels:
          train:
            data.csv: "1,2"
    Right:
        StoppingCondition:
          MaxRuntimeInSeconds: 3600
        files:
          train.py: |
            print("fast")
        channels:
          train:
            data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    Since:
        0.1
    """
    evidence: Evidence = view.evidence  # type: ignore[assignment]
    limit = integer(view.stopping, "MaxRuntimeInSeconds")
    if evidence.signals.get("reason") == "MaxRuntimeExceeded":
        yield Problem(
            f"the job was stopped after MaxRuntimeInSeconds: {show(limit)}; it had not ended",
            ("StoppingCondition", "MaxRuntimeInSeconds"),
            remedy="raise MaxRuntimeInSeconds, or let the script do less; save checkpoints for what may be cut off",
        )
