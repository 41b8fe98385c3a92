"""What rules look at: one training job definition, one tuning request, one AutoML request.

A view pulls out once what many rules need, and hands out only values of the right type: a missing
value, a value of another type (the service model's rules report that) and a pipeline variable all
read as None, so that no rule has to defend itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cursus.aws import algorithms, images
from cursus.aws.members import NOTHING as NOTHING  # rules take these from here
from cursus.aws.members import integer as integer
from cursus.aws.members import listing as listing
from cursus.aws.members import mapping as mapping
from cursus.aws.members import mappings as mappings
from cursus.aws.members import named as named
from cursus.aws.members import text as text
from cursus.aws.references import is_reference as is_reference
from cursus.checks.lazy import lazy
from cursus.checks.locations import s3_path
from cursus.checks.texts import SUBMIT
from cursus.model import Path, Pipeline, Step
from cursus.redact import show

if TYPE_CHECKING:
    from cursus.aws.pipelines import Definition
    from cursus.aws.schema import Violation
    from cursus.checks.monitoring.expressions import Reading
    from cursus.checks.outlines.members import Members
    from cursus.checks.rules import Scope
    from cursus.checks.tuning.ranges import Entry
    from cursus.evidence import Evidence
    from cursus.ignores import Ignores
    from cursus.script.facts import ScriptFacts

TRAINING_MODE: Path = ("AlgorithmSpecification", "TrainingInputMode")
COPIES: tuple[Path, ...] = (("DebugHookConfig", "S3OutputPath"), ("ProfilerConfig", "S3OutputPath"))


class Settings:
    """How a check is made: the region of the job, and the values that the user allows."""

    __slots__ = ("allow", "ignore", "ignores", "region", "select", "strict")

    def __init__(
        self,
        region: str | None = None,
        select: tuple[str, ...] = (),
        ignore: tuple[str, ...] = (),
        allow: tuple[str, ...] = (),
        strict: bool = False,
        ignores: Ignores | None = None,
    ) -> None:
        self.region = region
        self.select = select
        self.ignore = ignore
        self.allow = frozenset(allow)
        self.strict = strict
        self.ignores = ignores


class View:
    """A request, or a part of one at ``path``, with what is known of its step and of the check."""

    def __init__(
        self, step: Step, settings: Settings | None, request: Mapping[str, Any] | None = None, path: Path = ()
    ) -> None:
        self.step = step
        self.settings = settings or Settings()
        self.request = step.request if request is None else request
        self.path = path
        self.region = self.settings.region or step.region


class Channel:
    """One member of InputDataConfig, with its position."""

    __slots__ = ("file_system", "index", "name", "path", "request", "s3")

    def __init__(self, index: int, request: Mapping[str, Any]) -> None:
        self.index = index
        self.path: Path = ("InputDataConfig", index)
        self.request = request
        self.name = text(request, "ChannelName")
        source = mapping(request, "DataSource")
        self.s3 = mapping(source, "S3DataSource")
        self.file_system = mapping(source, "FileSystemDataSource")

    def text(self, name: str) -> str | None:
        """A string member of the channel itself."""
        return text(self.request, name)

    @property
    def label(self) -> str:
        """What a message calls the channel."""
        return f"channel {show(self.name)}" if self.name else f"channel {self.index}"

    @property
    def mode_path(self) -> Path:
        """Where the channel's input mode stands."""
        return (*self.path, "InputMode") if "InputMode" in self.request else TRAINING_MODE


class TrainingView(View):
    """One training job definition: a CreateTrainingJob body, or a definition inside a tuning request.

    ``path`` is where the definition stands in the step's request. ``hyperparameters`` are the request's
    own, ``tuned`` the names that a tuning request varies.
    """

    def __init__(
        self,
        step: Step,
        request: Mapping[str, Any],
        path: Path = (),
        settings: Settings | None = None,
        evidence: Evidence | None = None,
        tuning: TuningView | None = None,
    ) -> None:
        super().__init__(step, settings, request, path)
        self.evidence = evidence
        self.tuning = tuning
        self.algorithm = mapping(request, "AlgorithmSpecification")
        self.image = text(self.algorithm, "TrainingImage")
        if tuning is None:
            self.hyperparameters_member = "HyperParameters"
            self.resources_member = "ResourceConfig"
        else:
            self.hyperparameters_member = "StaticHyperParameters"
            self.resources_member = (
                "HyperParameterTuningResourceConfig"
                if "HyperParameterTuningResourceConfig" in request
                else "ResourceConfig"
            )
        self.hyperparameters = named(mapping(request, self.hyperparameters_member))
        self.resources = mapping(request, self.resources_member)

    def input_mode(self, channel: Channel) -> str | None:
        """The input mode that applies to a channel, or None where that is not a literal."""
        if "InputMode" in channel.request:
            return channel.text("InputMode")
        return text(self.algorithm, "TrainingInputMode")

    @lazy
    def environment(self) -> Mapping[str, Any]:
        """Environment."""
        return named(mapping(self.request, "Environment"))

    @lazy
    def stopping(self) -> Mapping[str, Any]:
        """StoppingCondition."""
        return mapping(self.request, "StoppingCondition")

    @lazy
    def output(self) -> Mapping[str, Any]:
        """OutputDataConfig."""
        return mapping(self.request, "OutputDataConfig")

    @lazy
    def channels(self) -> list[Channel]:
        """The channels that are literal, in their order."""
        return [Channel(index, channel) for index, channel in mappings(self.request, "InputDataConfig")]

    @lazy
    def located(self) -> list[tuple[Channel, str, str]]:
        """(channel, bucket/key, S3DataType) of each channel with a literal S3Uri."""
        found = []
        for channel in self.channels:
            uri = channel.s3.get("S3Uri")
            path = s3_path(uri) if isinstance(uri, str) else None
            if path is not None:
                found.append((channel, path, text(channel.s3, "S3DataType") or ""))
        return found

    @lazy
    def metric_definitions(self) -> list[tuple[int, Mapping[str, Any]]]:
        """MetricDefinitions with their positions."""
        return list(mappings(self.algorithm, "MetricDefinitions"))

    @lazy
    def metric_readings(self) -> list[tuple[Path, str, str, Reading]]:
        """(path of the Regex, metric name, expression, reading) of each metric definition."""
        from cursus.checks.monitoring.expressions import read

        found = []
        for i, metric in self.metric_definitions:
            pattern = text(metric, "Regex")
            if pattern is not None:
                place: Path = ("AlgorithmSpecification", "MetricDefinitions", i, "Regex")
                found.append((place, text(metric, "Name") or "", pattern, read(pattern)))
        return found

    @lazy
    def instances(self) -> list[tuple[Path, str, int | None]]:
        """(path of InstanceType, instance type, count) for each instance group or the one ResourceConfig."""
        member = self.resources_member
        found: list[tuple[Path, str, int | None]] = []
        kind = text(self.resources, "InstanceType")
        if kind is not None:
            found.append(((member, "InstanceType"), kind, integer(self.resources, "InstanceCount")))
        for group_member in ("InstanceGroups", "InstanceConfigs", "InstancePreferences"):
            if group_member not in self.resources:
                continue
            for i, group in enumerate(listing(self.resources, group_member)):
                if isinstance(group, Mapping):
                    kind = text(group, "InstanceType")
                    if kind is not None:
                        place: Path = (member, group_member, i, "InstanceType")
                        found.append((place, kind, integer(group, "InstanceCount")))
        return found

    @lazy
    def host_count(self) -> int | None:
        """How many instances the job asks for, or None where that is not a literal."""
        groups = listing(self.resources, "InstanceGroups")
        if groups:
            counts = [integer(g, "InstanceCount") if isinstance(g, Mapping) else None for g in groups]
            known = [count for count in counts if count is not None]
            return sum(known) if len(known) == len(counts) else None
        return integer(self.resources, "InstanceCount")

    @lazy
    def script(self) -> ScriptFacts | None:
        """What the training script reads, parses, prints and writes, by reading its source.

        None without source, and where the image does not run the script but calls its functions.
        """
        if self.step.source is None or images.calls_functions(self.framework):
            return None
        from cursus.script import read_source

        return read_source(self.step.source)

    @lazy
    def builtin(self) -> algorithms.Algorithm | None:
        """The built-in algorithm that the definition runs, or None for a script, an own image or an own command."""
        if self.algorithm.get("ContainerEntrypoint"):
            return None
        code = ""
        if algorithms.CODE_CHANNEL in str(self.hyperparameters.get(SUBMIT)):
            code = next((text(c.s3, "S3Uri") or "" for c in self.channels if c.name == "code"), "")
        return algorithms.of_request(self.image, self.hyperparameters, code)

    @lazy
    def values(self) -> Mapping[str, Any]:
        """The hyperparameters as a built-in algorithm reads them: the training toolkit, which runs one that is a script,
        takes JSON, so that the SDK puts its texts and numbers in quotes."""
        if SUBMIT not in self.hyperparameters:
            return self.hyperparameters
        return {
            name: value[1:-1]
            if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"'
            else value
            for name, value in self.hyperparameters.items()
        }

    @lazy
    def framework(self) -> images.Image | None:
        """Amazon's image for a framework that the definition runs, or None for any other."""
        image = images.parse_image(self.image) if self.image is not None else None
        return image if image is not None and image.amazon and image.kind == "framework" else None

    @lazy
    def tuned(self) -> frozenset[str]:
        """Names of the hyperparameters that a tuning request varies for this definition."""
        return frozenset(name for _, _, name in self.ranges)

    @lazy
    def ranges(self) -> list[tuple[Path, Mapping[str, Any], str]]:
        """(path in the step's request, range, name) of every hyperparameter range that applies here."""
        if self.tuning is None:
            return []
        shared, own = (
            mapping(self.tuning.config, "ParameterRanges"),
            mapping(self.request, "HyperParameterRanges"),
        )
        return [
            *ranges_in(shared, (TUNING, "ParameterRanges")),
            *ranges_in(own, (*self.path, "HyperParameterRanges")),
        ]


TUNING = "HyperParameterTuningJobConfig"
RANGE_MEMBERS = (
    "IntegerParameterRanges",
    "ContinuousParameterRanges",
    "CategoricalParameterRanges",
    "AutoParameters",
)


def ranges_in(container: Mapping[str, Any], path: Path) -> list[tuple[Path, Mapping[str, Any], str]]:
    """(path, range, name) of every hyperparameter range in a member that holds them by kind."""
    return [
        ((*path, member, i), entry, name)
        for member in RANGE_MEMBERS
        if member in container
        for i, entry in enumerate(listing(container, member))
        if (type(entry) is dict or isinstance(entry, Mapping)) and (name := text(entry, "Name")) is not None
    ]


MOST_DEFINITIONS = 20
"""Definitions of one tuning job that rules look into. The service model allows 10; each may have all ranges of the job."""


class TuningView(View):
    """A CreateHyperParameterTuningJob request, and a training view for each of its definitions."""

    def __init__(
        self, step: Step, settings: Settings | None = None, evidence: Evidence | None = None
    ) -> None:
        super().__init__(step, settings)
        self.config = mapping(self.request, TUNING)
        self.definitions: list[TrainingView] = []
        single = mapping(self.request, "TrainingJobDefinition")
        if single:
            self.definitions.append(
                TrainingView(step, single, ("TrainingJobDefinition",), self.settings, evidence, self)
            )
        for i, definition in enumerate(listing(self.request, "TrainingJobDefinitions")[:MOST_DEFINITIONS]):
            if isinstance(definition, Mapping) and not is_reference(definition):
                place: Path = ("TrainingJobDefinitions", i)
                self.definitions.append(TrainingView(step, definition, place, self.settings, evidence, self))

    @lazy
    def limits(self) -> Mapping[str, Any]:
        """ResourceLimits of the tuning job."""
        return mapping(self.config, "ResourceLimits")

    @lazy
    def spaces(self) -> list[tuple[Path, list[Entry]]]:
        """Each search space that has ranges: the shared one, and the one of each definition."""
        from cursus.checks.tuning.ranges import RANGES, entries

        found = [(RANGES, list(entries(mapping(self.config, "ParameterRanges"), RANGES)))]
        for definition in self.definitions:
            path = (*definition.path, "HyperParameterRanges")
            found.append((path, list(entries(mapping(definition.request, "HyperParameterRanges"), path))))
        return [(path, space) for path, space in found if space]


class AutoMLView(View):
    """A CreateAutoMLJob (``version`` 1) or CreateAutoMLJobV2 (``version`` 2) request."""

    def __init__(self, step: Step, settings: Settings | None = None) -> None:
        super().__init__(step, settings)
        self.version = 2 if step.operation == "CreateAutoMLJobV2" else 1

    @lazy
    def kind(self) -> str | None:
        """The member of AutoMLProblemTypeConfig that is given (version 2), or TabularJobConfig (version 1)."""
        if self.version == 1:
            return "TabularJobConfig"
        problem = mapping(self.request, "AutoMLProblemTypeConfig")
        given = [name for name, value in problem.items() if value is not None]
        return given[0] if len(given) == 1 and isinstance(given[0], str) else None

    @lazy
    def config(self) -> tuple[Mapping[str, Any], Path]:
        """The mapping with completion criteria and mode, and its path."""
        member = "AutoMLProblemTypeConfig"
        if self.version == 1:
            return mapping(self.request, "AutoMLJobConfig"), ("AutoMLJobConfig",)
        if self.kind is None:
            return NOTHING, (member,)
        return mapping(mapping(self.request, member), self.kind), (member, self.kind)

    @lazy
    def channels(self) -> list[tuple[Path, Mapping[str, Any]]]:
        """The channels, each with its path."""
        member = "InputDataConfig" if self.version == 1 else "AutoMLJobInputDataConfig"
        return [((member, index), channel) for index, channel in mappings(self.request, member)]


AUTOML_OPERATIONS = frozenset({"CreateAutoMLJob", "CreateAutoMLJobV2"})


def request_views(
    step: Step, settings: Settings, evidence: Evidence | None = None
) -> Iterator[tuple[Scope, Any]]:
    """Every view of a step's request but ``RequestView``, in the order of their findings."""
    if step.operation == "CreateTrainingJob":
        yield "training", TrainingView(step, step.request, (), settings, evidence)
    elif step.operation == "CreateHyperParameterTuningJob":
        tuning = TuningView(step, settings, evidence)
        yield "tuning", tuning
        for definition in tuning.definitions:
            yield "training", definition
    elif step.operation in AUTOML_OPERATIONS:
        yield "automl", AutoMLView(step, settings)


class StepView(View):
    """A step of a builder: its request and its promises."""

    def __init__(
        self, step: Step, settings: Settings | None = None, evidence: Evidence | None = None
    ) -> None:
        super().__init__(step, settings)
        self.promises = step.promises
        self.evidence = evidence


class RequestView(View):
    """The request of any step, whatever its type: its texts, each with its place."""

    def __init__(self, step: Step, settings: Settings | None = None) -> None:
        super().__init__(step, settings)
        self._members: Members | None = None

    @lazy
    def suspects(self) -> dict[str, list[tuple[Path, str]]]:
        """The texts that a rule has to look at, with their paths, by what they are suspected of.

        Pipeline variables and what is deeper than any request are left out.
        """
        from cursus.checks.outlines.walk import walk

        found, self._members = walk(self.request, self.region or "")
        return found

    @property
    def members(self) -> Members | None:
        """What the request has at any depth; None where it is too large to tell."""
        return self._members if self.suspects is not None else None

    def suspected(self, kind: str) -> Sequence[tuple[Path, str]]:
        """The texts suspected of one kind of fault, without the copies of the output's location that the SDK makes."""
        found = self.suspects.get(kind, ())
        if len(found) < 2:
            return found
        output = mapping(self.request, "OutputDataConfig").get("S3OutputPath")
        return [(path, value) for path, value in found if value != output or path not in COPIES]


class SchemaView(View):
    """The violations of the service model in one request, as ``cursus.aws.schema`` found them."""

    def __init__(self, step: Step, violations: Sequence[Violation], settings: Settings | None = None) -> None:
        super().__init__(step, settings, step.request if isinstance(step.request, Mapping) else NOTHING)
        self.violations = violations


class PipelineView:
    """A pipeline definition, and the steps that it expands to."""

    def __init__(self, pipeline: Pipeline, steps: Sequence[Step], settings: Settings | None = None) -> None:
        self.pipeline = pipeline
        self.steps = steps
        self.settings = settings or Settings()
        self.request = pipeline.definition
        self.path: Path = ()
        self.region = self.settings.region or pipeline.region

    @lazy
    def definition(self) -> Definition:
        """The definition, read once for all rules."""
        from cursus.aws.pipelines import Definition

        return Definition(self.request)

    @lazy
    def values(self) -> Mapping[str, Any]:
        """The value of every parameter that has one."""
        from cursus.steps.pipelines import parameter_values

        return parameter_values(self.pipeline)

    def filled(self, value: Any) -> Any:
        """What stands in the definition, with the values of parameters put in."""
        from cursus.steps.pipelines import resolve

        return resolve(value, self.values)
