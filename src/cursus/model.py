"""The words of cursus as frozen data: Step, Pipeline, Finding, Report; `evidence.py` has the rest.

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
    """A builder hook that raised, or gave something that cannot be what the hook is for.

    ``refusal``: no hook of the user's did, but the SageMaker SDK, which refuses what a file gives it.
    """

    hook: str
    message: str
    traceback: str = ""
    location: Location | None = None
    remedy: str = ""
    refusal: bool = False


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
    making the request made and that were answered on this machine. ``read_in`` has the places, such as
    ``metrics.auc.value``, that later steps of a pipeline read in a JSON file among ``expected_artifacts``.
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
    read_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
    nothing is missing there. ``about`` are the names that it speaks of (files, arguments, types), for what tells one
    cause once: nobody has to read them out of the message.
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
    about: tuple[str, ...] = field(default=(), compare=False, repr=False)

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
