"""The words of cursus as frozen data: Step, Pipeline, Evidence, Finding, Report.

Every other module talks in these. They hold no behaviour beyond reading themselves, import
nothing of cursus, and every value in them is plain data, so that a check and a backend can meet
here without knowing each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

T = TypeVar("T")

Severity = Literal["error", "warning", "info"]
"""`error`: SageMaker would refuse the request, or the job would fail. `warning`: it would run, and
waste money or lose something. `info`: worth knowing."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst first."""

Area = Literal[
    "step",
    "framework",
    "hyperparameters",
    "channels",
    "artifacts",
    "monitoring",
    "distributed",
    "resources",
    "dependencies",
]
"""The nine areas, one for each Level 4 test, in the tests' order."""

AREAS: tuple[Area, ...] = get_args(Area)

Path = tuple[str | int, ...]
"""A place in a request: member names and list positions, such as ``("InputDataConfig", 0, "ChannelName")``."""


def _nearest(values: Mapping[Any, T], path: Path, shortest: int = 0) -> T | None:
    """What ``values`` has for a place, or else for the nearest one around it of at least ``shortest`` parts."""
    for end in range(len(path), shortest - 1, -1):
        found = values.get(path[:end])
        if found is not None:
            return found
    return None


def format_path(path: Sequence[str | int]) -> str:
    """Write a path the way users write it: ``InputDataConfig[0].ChannelName``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file. ``line`` and ``column`` count from 1.

    ``through`` are the places that led here: the hook that gave a value, and the lines in it that mention
    what is written elsewhere.
    """

    file: str
    line: int | None = None
    column: int | None = None
    through: tuple[Location, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        text = self.file
        if self.line is not None:
            text += f":{self.line}"
            if self.column is not None:
                text += f":{self.column}"
        return text


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value of a request came from.

    ``source`` is what a reader would call it (``create_step``, ``get_metrics_config``, ``config``,
    ``request.json``); ``location`` is the file position, where there is one; ``inside`` is the path of the
    value in what the source gave, where that is not all of it.
    """

    source: str
    location: Location | None = None
    inside: Path = ()


@dataclass(frozen=True, slots=True)
class HookFailure:
    """A builder hook that raised, or gave something that cannot be what the hook is for."""

    hook: str
    message: str
    traceback: str = ""
    location: Location | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class SourceCode:
    """The user's training code: a source directory and the entry point inside it (a relative path).

    ``alone``: the entry point is uploaded by itself, without what lies beside it.
    """

    directory: str
    entry_point: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class UpstreamStep:
    """A step that the tested one depends on.

    ``outputs`` are the names it declares, ``None`` where it is not known what it declares;
    ``depends_on`` are the names of the steps it depends on itself.
    """

    name: str
    type: str = ""
    outputs: tuple[str, ...] | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promises:
    """What a builder declares but the request cannot hold.

    ``hooks`` maps the name of each hook that the builder has, and that did not fail, to what it
    returned (plain data). ``places`` has the place of each hook and of what it gave, by the hook's name and a
    path (see ``place``). ``filled`` names the hooks whose value was
    put into the request because the request had no such part. ``answered`` are the calls to AWS that
    making the request made and that were answered on this machine.
    """

    hooks: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[Path, Location] = field(default_factory=dict)
    failures: tuple[HookFailure, ...] = ()
    filled: tuple[str, ...] = ()
    expected_artifacts: tuple[str, ...] = ()
    local_channels: Mapping[str, str] = field(default_factory=dict)
    framework: str | None = None
    framework_version: str | None = None
    python_version: str | None = None
    upstream: tuple[UpstreamStep, ...] | None = None
    dependencies: Mapping[str, Mapping[str, str]] | None = None
    answered: tuple[str, ...] = ()

    def place(self, hook: str, *path: str | int) -> Location | None:
        """Where what the hook gave at ``path`` is written, or what is around it, or the hook itself."""
        return _nearest(self.places, (hook, *path), 1)


NO_PROMISES = Promises()


@dataclass(frozen=True, slots=True)
class Step:
    """One training, tuning, AutoML or other step: the request that it sends, and what stands beside it.

    Attributes:
        name: the step's name, for people.
        operation: the API operation, such as ``CreateTrainingJob``.
        request: the operation's body as plain JSON-like data. Pipeline variables are the mappings
            that a pipeline definition has for them (``{"Get": …}``, ``{"Std:Join": …}``).
        type: the step type as pipelines name it (``Training``, ``Tuning``, ``AutoML``, …).
        in_pipeline: True where the pipeline makes the job's name, so that its absence is right.
        prefix: path of the request inside the document it came from (``("Steps", 0, "Arguments")``).
        origins: where values came from, by their path inside the request; the nearest ancestor counts.
        region: the region the job will run in, where it is known.
        source: the user's training code, where it is known.
        promises: what the builder says beside the request.
        problems: findings made while the step was read (an ambiguous short form, an unknown key).
        companions: the tuning and AutoML requests that the same builder stands for.
    """

    name: str
    operation: str
    request: Mapping[str, Any]
    type: str = "Training"
    in_pipeline: bool = False
    prefix: Path = ()
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    region: str | None = None
    source: SourceCode | None = None
    promises: Promises = NO_PROMISES
    problems: tuple[Finding, ...] = ()
    companions: tuple[Step, ...] = ()

    def origin(self, path: Path) -> Origin | None:
        """The origin of the value at ``path``, or of the nearest value around it that has one."""
        return _nearest(self.origins, path)


UNREAD: Any = object()
"""Stands for a value that only the execution of a file would give."""


@dataclass(frozen=True, slots=True)
class PipelineStart:
    """What a file starts its pipeline with: values by the names of parameters, ``UNREAD`` where not known.

    ``whole`` is True where there are no others. ``steps`` are those that are to be run alone, ``sourceless`` where no
    earlier execution is named that gives them what the others would.
    """

    location: Location
    parameters: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Location] = field(default_factory=dict)
    whole: bool = False
    steps: Mapping[str, Location] = field(default_factory=dict)
    sourceless: bool = False
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline definition, with the parameter values to check it with.

    ``sources`` is the training code of its steps, by their names, where it is known; ``starts`` is what the file that
    makes it starts it with.
    """

    name: str
    definition: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    prefix: Path = ()
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    region: str | None = None
    problems: tuple[Finding, ...] = ()
    sources: Mapping[str, SourceCode] = field(default_factory=dict)
    starts: tuple[PipelineStart, ...] = ()

    def origin(self, path: Path) -> Origin | None:
        """The origin of the value at ``path``, or of the nearest value around it that has one."""
        return _nearest(self.origins, path)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, broken at one place.

    ``path`` is the place in the request (``InputDataConfig[0].ChannelName``), ``remedy`` says what to
    write instead, ``step`` is the step's name where several were checked, and ``from_run`` is True
    where the evidence of a local run shows it. ``meant`` are the places that what stands at ``path`` was meant for:
    nothing is missing there.
    """

    rule: str
    severity: Severity
    message: str
    path: str = ""
    remedy: str = ""
    area: Area = "step"
    location: Location | None = None
    step: str = ""
    from_run: bool = False
    meant: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def file(self) -> str | None:
        """The file that the finding points into."""
        return self.location.file if self.location else None

    @property
    def line(self) -> int | None:
        """The line in ``file``, counted from 1."""
        return self.location.line if self.location else None

    @property
    def column(self) -> int | None:
        """The column in ``line``, counted from 1."""
        return self.location.column if self.location else None

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON data."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "area": self.area,
            "message": self.message,
            "path": self.path,
            "remedy": self.remedy,
            "step": self.step,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "from_run": self.from_run,
        }


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


@dataclass(frozen=True, slots=True)
class Section:
    """One step, or the pipeline itself, in a report."""

    name: str
    operation: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check.

    ``notes`` are plain sentences on what was not looked at and why; ``service_model`` is the date of
    the AWS service model that the requests were held against. With ``strict`` a warning counts as
    an error does.
    """

    findings: tuple[Finding, ...] = ()
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    service_model: str = ""
    strict: bool = False

    @property
    def ok(self) -> bool:
        """True where there is no error (and, with ``strict``, no warning)."""
        bad = ("error", "warning") if self.strict else ("error",)
        return not any(finding.severity in bad for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON data, versioned by ``schema_version``."""
        return {
            "schema_version": 1,
            "ok": self.ok,
            "service_model": self.service_model,
            "sections": [
                {"name": section.name, "operation": section.operation, "type": section.type}
                for section in self.sections
            ],
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
        }
