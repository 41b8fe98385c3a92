"""What a local run leaves behind, as frozen data: Evidence, and what it is made of. Imports nothing of cursus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value that a metric regex captured: seconds since the epoch, the number, and the host that printed it."""

    timestamp: float
    value: float
    host: str = "algo-1"


@dataclass(frozen=True, slots=True)
class MetricScan:
    """What one metric definition met in the logs: lines that matched, and matches that held no number."""

    name: str
    regex: str
    matches: int
    not_numbers: tuple[str, ...] = ()
    given_up: bool = False
    """A search for it came to no end within seconds of processor time; later lines were not searched."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file that a job left: its path relative to its directory, its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What one host used, as sampled from the kernel every ``interval`` seconds.

    Sizes are bytes; ``cpu_seconds`` is user and system time of all the host's processes; ``open_files`` and
    ``processes`` are the most seen at once, ``disk_written`` the most seen on the training volume, downloads included;
    ``idle_seconds`` is how long no process had computed anything when the host was last looked at.
    """

    peak_memory: int = 0
    cpu_seconds: float = 0.0
    disk_written: int = 0
    open_files: int = 0
    wall_seconds: float = 0.0
    interval: float = 0.0
    samples: int = 0
    processes: int = 0
    idle_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a job's hosts. There is more than one where a spot interruption or a retry ended one.

    Attributes:
        began: when the script was started, in seconds since the epoch.
        seconds: how long it ran.
        ended_by: ``itself``, ``interruption`` or ``InternalServerError``.
        signals: facts on SIGTERM, as ``Evidence.signals`` has them.
        exit_codes, script_exit_codes: by host.
        restored: how many checkpoint files were there when it began.
        restored_read: which of them were read; None where that cannot be seen.
        synced: how many checkpoint files were kept when it was interrupted.
        points: by metric name, the first and the end of its values in the whole series.
    """

    began: float
    seconds: float
    ended_by: str = "itself"
    signals: Mapping[str, Any] = field(default_factory=dict)
    exit_codes: Mapping[str, int | None] = field(default_factory=dict)
    script_exit_codes: Mapping[str, int] = field(default_factory=dict)
    restored: int = 0
    restored_read: tuple[str, ...] | None = ()
    synced: int = 0
    points: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a local run left behind. Plain data; ``folder`` holds the job's files.

    Attributes:
        status: ``Completed``, ``Failed`` or ``Stopped``.
        folder: the job's folder.
        description: a DescribeTrainingJob response.
        failure_reason: FailureReason, where the job failed.
        exit_codes: by host; None where the host was never started; negative never occurs (128 + signal).
        script_exit_codes: by host, of the script that the training toolkit started there.
        metrics: by metric name, in the order printed.
        metric_scans: one entry per metric definition.
        logs: log file of each host.
        log_lines: number of log lines over all hosts.
        model_artifact: path of ``model.tar.gz``, where one was written.
        output_artifact: path of ``output.tar.gz``, where one was written.
        model_files, output_files, checkpoint_files: files below /opt/ml/model, /opt/ml/output/data and the
            checkpoint directory.
        stray_files: files that the script wrote and that SageMaker throws away (working directory,
            elsewhere below /opt/ml), as absolute paths inside the container.
        left_out: (name, reason) of what is in the model or output directory and in no archive.
        opened: by channel, how many of its files the script opened; None where it cannot be observed.
        opened_files: by channel, their places in it, where they are not too many to list.
        fetched: by channel that was read on demand from S3, the bytes that came from there, over all hosts.
        usage: by host.
        runtime: versions it ran with: ``python``, and each framework found (``torch``, ``xgboost``, …).
        signals: facts on signals: ``delivered`` (SIGTERM sent), ``script_heard`` and so on.
        stages: seconds spent in each stage (``Starting``, ``Downloading``, ``Training``, ``Uploading``).
        isolation: the isolation level that carried it out.
        not_reproduced: plain sentences on what this run could not reproduce.
        waits: plain sentences on hosts that waited for each other, while they did.
        starts: every start of the hosts, the last one last.
        interruptions_missed: spot interruptions asked for that never came: the script had ended.
        foreign_checkpoints: restored files whose keys only begin as CheckpointConfig.S3Uri does.
        memory_kills: by host, how many processes the kernel ended at the instance's memory.
        comparison: what an uninterrupted run of the same step left beside this one, where it was asked for.
        unmoved: by hyperparameter, the other values with which the run left the very same.
        trials: what a short run did when it was started again with its checkpoints (``restart``) and with other numbers
            in its data (``data``), as ``cursus.local.repeats.trials`` says.
    """

    status: str
    folder: str
    description: Mapping[str, Any] = field(default_factory=dict)
    failure_reason: str | None = None
    exit_codes: Mapping[str, int | None] = field(default_factory=dict)
    script_exit_codes: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, tuple[MetricPoint, ...]] = field(default_factory=dict)
    metric_scans: tuple[MetricScan, ...] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    log_lines: int = 0
    model_artifact: str | None = None
    output_artifact: str | None = None
    model_files: tuple[FileEntry, ...] = ()
    output_files: tuple[FileEntry, ...] = ()
    checkpoint_files: tuple[FileEntry, ...] = ()
    stray_files: tuple[FileEntry, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    opened: Mapping[str, int | None] = field(default_factory=dict)
    opened_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fetched: Mapping[str, int] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)
    runtime: Mapping[str, str] = field(default_factory=dict)
    signals: Mapping[str, Any] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    isolation: str = ""
    not_reproduced: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    starts: tuple[Start, ...] = ()
    interruptions_missed: int = 0
    memory_kills: Mapping[str, int] = field(default_factory=dict)
    foreign_checkpoints: tuple[str, ...] = ()
    comparison: Mapping[str, Any] = field(default_factory=dict)
    unmoved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trials: Mapping[str, Any] = field(default_factory=dict)
