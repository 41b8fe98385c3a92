"""A request as its training script sees it: the command line, the environment, the paths.

Facts: the public training toolkit (``sagemaker_training.mapping.to_cmd_args``, ``environment``) and the
SageMaker SDK's container drivers. Nothing here is a rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cursus.aws import command_line, distribution, library_fields
from cursus.aws.images import amazon_image
from cursus.aws.tables import entries, table
from cursus.checks.rules import Problem
from cursus.checks.script.processing_view import COMMAND, ProcessingView
from cursus.checks.type_words import is_number
from cursus.checks.views import TrainingView, is_reference, listing, mapping, text
from cursus.model import Path
from cursus.redact import show
from cursus.script.facts import ArgPart, Argument, Const, EnvPart, Habit, Parser, ScriptFacts, Text

UNKNOWN = "\0"
MODEL_DIR = "/opt/ml/model"
INPUT_DATA = "/opt/ml/input/data"
CHANNEL_VARIABLE = "SM_CHANNEL_"
LAUNCHER = re.compile(r"torchrun|torch\.distributed|deepspeed|accelerate|horovodrun|mpirun|mpiexec")
HIDDEN_NAMES = frozenset({"_tuning_objective_metric"})


class Missing:
    """The value of something that is not there: a variable of no channel, an argument without default."""

    def __repr__(self) -> str:
        return "None"


NONE = Missing()


@dataclass(frozen=True, slots=True)
class Passed:
    """A hyperparameter as it comes to the script, or an option of its command.

    ``values`` are the texts it can have; None where not known, none where it comes without a value.
    """

    name: str
    flag: str
    values: tuple[str, ...] | None
    path: Path
    tuned: bool = False
    continuous: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """How the container starts the script. ``arguments`` is None where they cannot be known.

    ``toolkit``: the training toolkit; ``driver``: the SDK's container drivers; ``command``: the request's own
    ContainerEntrypoint, in an image of which nothing else is known; ``processing``: that of a processing job in an
    image of Amazon's; ``none``: nothing is passed.
    """

    kind: Literal["toolkit", "driver", "command", "processing", "none"]
    arguments: tuple[Passed, ...] | None

    @property
    def what(self) -> str:
        """What the user calls that which is passed."""
        return "hyperparameter" if self.kind in ("toolkit", "driver") else "argument of the job"

    def given(self, flags: tuple[str, ...]) -> Passed | None:
        """What is passed for an argument with these option strings."""
        for passed in self.arguments or ():
            if passed.flag in flags:
                return passed
        return None


def brought_by(view: TrainingView) -> str:
    """What brings files into the container, and where they are."""
    return "a processing input's LocalPath" if isinstance(view, ProcessingView) else "a channel: SM_CHANNEL_…"


def invocation(view: TrainingView) -> Invocation:
    """How ``view``'s job starts its script; worked out once for each view."""
    known = view.__dict__.get("_invocation")
    if not isinstance(known, Invocation):
        known = view.__dict__["_invocation"] = _invocation(view)
    return known


def _invocation(view: TrainingView) -> Invocation:
    if isinstance(view, ProcessingView):
        passed = None if view.words is None else _options(view.words)
        return Invocation("command" if view.own_image else "processing", passed)
    entry = view.step.source.entry_point if view.step.source is not None else ""
    if text(view.algorithm, "AlgorithmName") is not None:
        return Invocation("none", ())
    command = view.algorithm.get("ContainerEntrypoint")
    if command is not None:
        words = [
            (word, ("AlgorithmSpecification", member, i))
            for member in COMMAND
            for i, word in enumerate(listing(view.algorithm, member))
        ]
        if any("sm_drivers" in str(word) or "sm_train.sh" in str(word) for word, _ in words):
            return Invocation("driver", _hyperparameters(view, driver=True))
        known = isinstance(command, list) and not is_reference(view.algorithm.get("ContainerArguments"))
        return Invocation("command", _command(entry, words) if known else None)
    if not entry.endswith((".py", ".sh")):
        return Invocation("none", ())
    if is_reference(view.request.get(view.hyperparameters_member)):
        return Invocation("toolkit", None)
    return Invocation("toolkit", _hyperparameters(view, driver=False))


Words = Sequence[tuple[object, Path]]


def _command(entry: str, words: Words) -> tuple[Passed, ...] | None:
    """The arguments after the script's name in a command, where each is an option."""
    name = entry.rpartition("/")[2]
    at = [i for i, (word, _) in enumerate(words) if isinstance(word, str) and word.rpartition("/")[2] == name]
    return _options(words[at[0] + 1 :]) if len(at) == 1 else None


def _options(words: Words) -> tuple[Passed, ...] | None:
    """The options that these words are, each with its value or none; None where there are others."""
    found: list[Passed] = []
    for word, path in words:
        waiting = bool(found) and found[-1].values == ()
        if isinstance(word, str) and word.startswith("-") and not (waiting and is_number(word)):
            flag, equals, value = word.partition("=")
            found.append(Passed(flag.lstrip("-"), flag, (value,) if equals else (), path))
        elif waiting:
            found[-1] = replace(found[-1], values=(word,) if isinstance(word, str) else None, path=path)
        else:
            return None
    return tuple(found)


def _hyperparameters(view: TrainingView, *, driver: bool) -> tuple[Passed, ...]:
    found: dict[str, Passed] = {}
    place: Path = (view.hyperparameters_member,)
    for name, value in view.hyperparameters.items():
        if _passed(name, driver):
            own = (decoded(value, driver),) if isinstance(value, str) else None
            found[name] = Passed(name, _flag(name, driver), own, (*place, name))
    for path, entry, name in view.ranges:
        if _passed(name, driver):
            values, continuous = _tuned(entry, driver)
            continuous = continuous or "ContinuousParameterRanges" in path
            inner = path[len(view.path) :] if view.path and path[: len(view.path)] == view.path else ()
            found[name] = Passed(name, _flag(name, driver), values, inner, True, continuous)
    return tuple(found[name] for name in sorted(found))


def _passed(name: object, driver: bool) -> bool:
    if not isinstance(name, str) or not name or name in HIDDEN_NAMES:
        return False
    return driver or not name.startswith("sagemaker_")


def _flag(name: str, driver: bool) -> str:
    return f"--{name}" if driver else command_line.flag(name)


def decoded(value: str, driver: bool = False) -> str:
    """A hyperparameter's text as it stands on the command line that the toolkit makes, or the SDK's ``driver``."""
    if not driver:
        return command_line.decoded(value)
    try:
        loaded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return loaded if isinstance(loaded, str) else json.dumps(loaded)


def _tuned(entry: Mapping[str, Any], driver: bool) -> tuple[tuple[str, ...] | None, bool]:
    values = entry.get("Values")
    if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
        return tuple(decoded(value, driver) for value in values), False
    low, high = entry.get("MinValue"), entry.get("MaxValue")
    if isinstance(low, str) and isinstance(high, str):
        try:
            whole = float(low).is_integer() and float(high).is_integer() and "." not in low + high
        except (ValueError, OverflowError):
            return None, False
        return None, not whole
    return None, False


def channel_names(view: TrainingView) -> frozenset[str] | None:
    """The names of the job's channels; None where one of them is not known."""
    given = view.request.get("InputDataConfig")
    if given is None:
        return frozenset()
    if not isinstance(given, list) or len(view.channels) != len(given):
        return None
    names = [channel.name for channel in view.channels]
    if any(name is None for name in names):
        return None
    return frozenset(name for name in names if name is not None)


def variable(view: TrainingView, name: str) -> str | Missing | None:
    """The value of an environment variable: NONE where it is surely not set, None where it is not known."""
    facts = script_of(view)
    if name in facts.env_writes or "*" in facts.env_writes or facts.env_open:
        return None
    given = view.environment.get(name)
    if given is not None:
        return given if isinstance(given, str) else None
    if "Environment" in view.request and not isinstance(view.request.get("Environment"), Mapping):
        return None
    if is_reference(view.request.get("Environment")):
        return None
    if isinstance(view, ProcessingView):  # which the training toolkit does not start
        return NONE if name.startswith("SM_") and not view.own_image else None
    place = table("toolkit")["places"].get(name)
    if place is not None:
        return str(place)
    if name == "SM_NUM_GPUS":
        return _gpus(view)
    if name in entries("toolkit", "rank_variables") and invocation(view).kind == "toolkit":
        started = distribution.switched_on(view.hyperparameters) or any(map(LAUNCHER.search, facts.strings))
        return None if started else NONE
    if name.startswith(CHANNEL_VARIABLE):
        channels = channel_names(view)
        if channels is None:
            return None
        for channel in channels:
            if name == CHANNEL_VARIABLE + channel.upper():
                return f"{INPUT_DATA}/{channel}"
        return NONE
    return None


def _gpus(view: TrainingView) -> str | None:
    """The number of GPUs of each host, where all have the same."""
    from cursus.aws import instances

    found = [instances.find(kind) for _, kind, _ in view.instances]
    counts = {None if one is None else one.gpus for one in found}
    only = counts.pop() if len(counts) == 1 else None
    return None if only is None else str(only)


def resolve(view: TrainingView, value: Text | Const | None, depth: int = 0) -> str | Missing:
    """A path of the script with this request's values; ``UNKNOWN`` stands for what is not known in it."""
    if value is None or depth > 6:
        return UNKNOWN
    if isinstance(value, Const):
        return NONE if value.value is None else UNKNOWN
    if len(value.parts) == 1:
        return _part(view, value.parts[0], depth)
    found = [_part(view, part, depth) for part in value.parts]
    if any(isinstance(piece, Missing) for piece in found):
        return NONE
    joined = "".join(piece for piece in found if isinstance(piece, str))
    return re.sub(r"(?<!:)/{2,}", "/", _from_root(view, joined))


def _from_root(view: TrainingView, place: str) -> str:
    """A place of a script that a ScriptProcessor starts, which is in the root folder of Amazon's images."""
    rooted = place.startswith("opt/ml/") and isinstance(view, ProcessingView) and view.alone
    return f"/{place}" if rooted else place


def _part(view: TrainingView, part: object, depth: int) -> str | Missing:
    if isinstance(part, str):
        return _from_root(view, part) if depth == 0 else part
    if isinstance(part, EnvPart):
        known = variable(view, part.name)
        if isinstance(known, str):
            return known
        if known is NONE and part.default is not None:
            return resolve(view, part.default, depth + 1)
        return UNKNOWN  # not known, or read with [] and so a KeyError before it is used
    if isinstance(part, ArgPart):
        return _argument(view, part.dest, depth)
    return UNKNOWN


def _argument(view: TrainingView, dest: str, depth: int) -> str | Missing:
    facts, started = script_of(view), invocation(view)
    declared = [argument for argument in facts.arguments if argument.dest == dest]
    if len(declared) != 1 or started.arguments is None or facts.opaque_arguments:
        return UNKNOWN
    argument = declared[0]
    if argument.nargs or argument.type != "str" or argument.conditional:
        return UNKNOWN
    passed = started.given(argument.flags)
    if passed is not None:
        if passed.values is None or len(passed.values) != 1:
            return UNKNOWN
        return passed.values[0]
    if any(
        other.flag.startswith("--") and argument.flags[-1].startswith(other.flag)
        for other in started.arguments
    ):
        return UNKNOWN
    return resolve(view, argument.default, depth + 1)


def channel_of(path: str) -> str | None:
    """The channel that a path below /opt/ml/input/data belongs to; None for other paths, and where it is not known."""
    start = INPUT_DATA + "/"
    if not path.startswith(start):
        return None
    name, _slash, _ = path[len(start) :].partition("/")
    if not name or UNKNOWN in name:
        return None
    return name


def steered(view: TrainingView, word: str) -> bool:
    """True where a hyperparameter, an environment variable or the command of the request mentions ``word``."""
    return any(word in text for text in _told(view)) or any(
        word in str(value) for _, entry, _ in view.ranges for value in listing(entry, "Values")
    )


def _told(view: TrainingView) -> Iterator[str]:
    """The texts by which a request tells its script something."""
    texts: Iterator[object] = iter(
        [
            *view.hyperparameters.values(),
            *view.environment.values(),
            *listing(view.algorithm, "ContainerEntrypoint"),
            *listing(view.algorithm, "ContainerArguments"),
        ]
    )
    return (text for text in texts if isinstance(text, str))


def told_by_a_file(view: TrainingView) -> bool:
    """True where a script has its settings from a file in a channel, which may name any place."""
    facts = script_of(view)
    if "TrlParser" in facts.attributes and "output_dir" not in view.hyperparameters:
        return True  # whose --config is such a file
    return any(_SETTINGS.search(text) for text in (*_told(view), facts.shell_text))


_SETTINGS = re.compile(
    rf"(?i){INPUT_DATA}/\S*(?:conf|args|param|setting|recipe)\S*\.(?:ya?ml|toml|ini|cfg|json)\b"
)


NOTHING_READ = ScriptFacts("")


def script_of(view: TrainingView) -> ScriptFacts:
    """What was read of the job's script: nothing where there is none that the job runs."""
    return view.script or NOTHING_READ


def readable(view: TrainingView) -> ScriptFacts | None:
    """The script, where it is Python that can be read."""
    facts = script_of(view)
    return facts if facts.readable else None


def started_script(view: TrainingView) -> tuple[ScriptFacts, Invocation] | None:
    """The script and how it is started, where both can be read."""
    facts = readable(view)
    if facts is None:
        return None
    started = invocation(view)
    return None if started.arguments is None else (facts, started)


def habits(view: TrainingView, *kinds: str) -> Iterator[Habit]:
    """What the script does of these kinds."""
    for habit in script_of(view).habits:
        if habit.kind in kinds:
            yield habit


def habit_problems(
    view: TrainingView, words: Mapping[str, tuple[str, str]], path: Path = ()
) -> Iterator[Problem]:
    """A problem for each habit of the kinds of ``words``: what is wrong, and what to write instead.

    In both ``{}`` stands for the habit's detail, ``{shown}`` for the same as a value is shown, ``{key}`` for its key.
    """
    for habit in habits(view, *words):
        shown, key = show(habit.detail), show(habit.key)
        message, remedy = (text.format(habit.detail, shown=shown, key=key) for text in words[habit.kind])
        yield Problem(message, path, remedy, location=habit.location)


def parsed(view: TrainingView) -> list[Parser]:
    """The parsers that surely read the command line, where nothing unreadable reads it beside them."""
    facts = script_of(view)
    if facts.opaque_arguments:
        return []
    return [_with_libraries(view, parser) for parser in facts.parsers if parser.sure]


def _with_libraries(view: TrainingView, parser: Parser) -> Parser:
    """``parser`` with the fields of the libraries' dataclasses that it reads, where all of these are known."""
    if not parser.libraries:
        return parser
    from cursus.script.hyperparameters.arguments import field_argument

    if not all(library_fields.is_known(name) for name in parser.libraries):
        return parser
    version = library_version(view)
    own = {argument.dest for argument in parser.arguments}  # a class may give a field of its base a default
    arguments = [
        field_argument(field, kind, parser.location, required=required)
        for name in parser.libraries
        for field, kind, required in library_fields.fields(name, version)
        if field not in own
    ]
    return replace(parser, arguments=(*parser.arguments, *arguments), complete=True)


def library_version(view: TrainingView) -> str:
    """The version of transformers that the job has: the one that is pinned, else the image's; empty where neither is known."""
    for requirement in script_of(view).requirements:
        if requirement.name.lower() == "transformers":
            pinned = re.fullmatch(r"={2,3}\s*(\d+(?:\.\d+)*)", requirement.version)
            return pinned[1] if pinned is not None else ""
    image = amazon_image(view.image)
    return image.version or "" if image is not None and image.framework == "huggingface" else ""


def lookup(parser: Parser, flag: str) -> tuple[Argument | None, tuple[str, ...]]:
    """The argument that ``flag`` means, and the option strings it may abbreviate where it is none exactly.

    A positional argument has its value of an option that ``parse_known_args`` does not know: the option is skipped, and
    the word after it is left over.
    """
    skips = parser.kind == "argparse" and not parser.strict
    for argument in parser.arguments:
        if flag in argument.flags or (skips and argument.positional and flag.lstrip("-") in argument.flags):
            return argument, ()
    if parser.kind == "click" or not parser.abbreviations or not flag.startswith("--"):
        return None, ()
    near = [
        (other, argument)
        for argument in parser.arguments
        for other in argument.flags
        if other.startswith(flag)
    ]
    if len({id(argument) for _, argument in near}) == 1:
        return near[0][1], (near[0][0],)
    return None, tuple(other for other, _ in near)


def checkpoint_path(view: TrainingView) -> str | None:
    """Where the job's checkpoints are synced from; None where it has no CheckpointConfig."""
    if "CheckpointConfig" not in view.request:
        return None
    config = mapping(view.request, "CheckpointConfig")
    local = config.get("LocalPath", "/opt/ml/checkpoints")
    return local.rstrip("/") if isinstance(local, str) else None
