"""The channels and files that the training script reads, against those that the request brings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws.tables import entries
from cursus.checks.rules import Problem, rule
from cursus.checks.script.arguments import required_argument_missing
from cursus.checks.script.conditions import never_holds
from cursus.checks.script.opened import LEADS, certain, made_places, reads, remote
from cursus.checks.script.places import covers
from cursus.checks.script.request import (
    CHANNEL_VARIABLE,
    INPUT_DATA,
    NONE,
    UNKNOWN,
    Missing,
    channel_names,
    channel_of,
    invocation,
    readable,
    resolve,
    script_of,
    steered,
    variable,
)
from cursus.checks.views import TrainingView
from cursus.model import Path
from cursus.redact import show
from cursus.script.facts import ArgPart, Const, EnvPart, PathUse, ScriptFacts, Text
from cursus.suggest import closest, did_you_mean

CHANNELS: Path = ("InputDataConfig",)
INPUT = INPUT_DATA.rpartition("/")[0]
NO_PATH = "no path"
"""What a problem is about where None is taken for a path."""
SUPPLIED = frozenset({"code", "sm_drivers", "sm_code"})
ALL_CHANNELS = (
    "SM_CHANNELS",
    "channel_input_dirs",
    "SM_INPUT_DIR",
    "SM_INPUT_DATA_CONFIG",
    "inputdataconfig",
    "SM_TRAINING_ENV",
    "input/data",
    "SM_INPUT_CONFIG_DIR",
)


@rule("CHN050", scope="script")
def channel_variable_missing(view: TrainingView) -> Iterator[Problem]:
    """The script reads SM_CHANNEL_… of a channel that the request does not have.

    What it does:
        Finds ``os.environ["SM_CHANNEL_X"]`` on the way that every run takes, also as a default of an argument, and holds it
        against the channels. The toolkit makes one variable a channel, its name upper-cased. The same of ``$SM_CHANNEL_X`` in a shell
        script with ``set -u``.
    Why:
        The read raises ``KeyError: 'SM_CHANNEL_X'`` and the job fails.
    Example:
          files:
            train.py: |
              import os
        -     folder = os.environ["SM_CHANNEL_TRAINING"]
        +     folder = os.environ["SM_CHANNEL_TRAIN"]
              print(os.listdir(folder))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://github.com/aws/amazon-sagemaker-examples/issues/995;
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    facts = script_of(view)
    if not (facts.readable or facts.shell_text) or invocation(view).kind == "command":
        return
    channels = channel_names(view)
    if channels is None:
        return
    for read in facts.env_reads:
        if not (read.hard and read.sure and read.name.startswith(CHANNEL_VARIABLE)):
            continue
        if variable(view, read.name) is not NONE:
            continue
        made = {CHANNEL_VARIABLE + name.upper(): name for name in channels}
        wanted = read.name[len(CHANNEL_VARIABLE) :].lower()
        yield Problem(
            f"the script reads the variable {read.name}, and the job has no channel {wanted!r}: it has "
            f"{listed(channels)}.{did_you_mean(read.name, made)}",
            CHANNELS,
            remedy=rename(wanted, channels),
            location=read.location,
            about=_instead(wanted, channels),
        )


def listed(channels: frozenset[str]) -> str:
    """The names of channels, in a message."""
    return ", ".join(repr(name) for name in sorted(channels)) or "none"


def rename(wanted: str, channels: frozenset[str]) -> str:
    """What to do about a channel that the script wants and the request does not have."""
    for near in _instead(wanted, channels):
        return f"call the channel {wanted!r}, or read the channel {near!r} in the script"
    return f"add a channel {wanted!r} to InputDataConfig, or read another in the script"


def _instead(wanted: str, channels: frozenset[str]) -> tuple[str, ...]:
    """The channel that is meant by another name, where there is one."""
    near = next(iter(channels)) if len(channels) == 1 else closest(wanted, channels)
    return (near,) if near else ()


@rule("CHN051", scope="script")
def channel_folder_missing(view: TrainingView) -> Iterator[Problem]:
    """The script reads a folder below /opt/ml/input/data that is no channel.

    What it does:
        Follows the paths that the script opens or lists, through variables, ``os.path.join``, functions and arguments'
        defaults, and holds those below ``/opt/ml/input/data`` against the channels, and the pipes of those in Pipe mode.
        A path that is None, because it comes from a variable or an argument that the job does not set, counts too, and so does
        one beside the channels, ``/opt/ml/input/train``.
        What ``glob`` and ``os.walk`` go over counts (a warning) where the script knows nothing of a channel that the job has.
    Why:
        ``No such file or directory``, or ``expected str, bytes or os.PathLike object, not NoneType``: the job fails.
    Example:
          files:
            train.py: |
              import os
        -     names = os.listdir("/opt/ml/input/data/training")
        +     names = os.listdir("/opt/ml/input/data/train")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(names))
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    facts = readable(view)
    channels = channel_names(view)
    if facts is None or channels is None or facts.outside_reads:
        return
    made = made_places(view)
    seen: set[object] = set()
    yield from _searched(view, facts, channels, made)
    for use, places, _ in reads(view, facts):
        for place in places:
            if isinstance(place, Missing):
                # Where an argument is lacking, the parser ends the script before.
                if use.location not in seen and opens(use) and not any(required_argument_missing(view)):
                    seen.add(use.location)
                    yield _none(view, facts, use)
                continue
            name = channel_of(place)
            if name is None and use.mode != "hub" and (certain(view, use) and _beside_data(place, made)):
                yield Problem(
                    f"the script reads {show(place.replace(UNKNOWN, '…'))}, and {INPUT} holds data and config alone: the channels "
                    f"are below {INPUT_DATA}",
                    CHANNELS,
                    remedy="read SM_CHANNEL_<NAME>",
                    location=use.location,
                )
            if name is None or _is_channel(view, name, channels) or name in seen:
                continue
            folder = f"{INPUT_DATA}/{name}"
            if any(other.startswith(folder) or other == UNKNOWN for other in made):
                continue
            sure = certain(view, use)
            if not sure and (not _literal(use, folder) or _looked_at(view, facts, folder)):
                continue
            seen.add(name)
            yield Problem(
                f"the script reads {place.replace(UNKNOWN, '…')!r}, and the job has no channel {name!r}: it has "
                f"{listed(channels)}",
                CHANNELS,
                remedy=rename(name, channels),
                severity=None if sure else "warning",
                location=use.location,
                about=_instead(name, channels),
            )


def _searched(
    view: TrainingView, facts: ScriptFacts, channels: frozenset[str], made: list[str]
) -> Iterator[Problem]:
    """A folder that ``glob`` or ``os.walk`` finds empty, where the script knows nothing of a channel that the job has."""
    unknown = [name for name in channels if not _mentioned(facts, name) and name not in SUPPLIED]
    if not unknown or _reads_all(facts):
        return
    for use in facts.paths:
        if (
            use.mode != "look"
            or use.call not in entries("libraries", "searching")
            or never_holds(view, use.tests)
        ):
            continue
        for place in (resolve(view, path) for path in use.paths):
            name = channel_of(place) if isinstance(place, str) else None
            if name is None or UNKNOWN in name or "*" in name or _is_channel(view, name, channels):
                continue
            folder = f"{INPUT_DATA}/{name}"
            if not any(other.startswith(folder) or other == UNKNOWN for other in made):
                yield Problem(
                    f"the script looks for files in {folder!r} and finds none: the job has no channel {name!r}, it has {listed(channels)}",
                    CHANNELS,
                    remedy=rename(name, channels),
                    severity="warning",
                    location=use.location,
                    about=_instead(name, channels),
                )
                return


def _beside_data(place: str, made: list[str]) -> bool:
    """True for a place beside the folder of the channels, that nothing makes."""
    first = place.removeprefix(INPUT + "/").partition("/")[0]
    return (
        place.startswith(INPUT + "/")
        and UNKNOWN not in first
        and first not in ("data", "config")
        and not any(covers(other, place) for other in made)
    )


def opens(use: PathUse) -> bool:
    """True where None as the path ends the script for certain."""
    return use.sure and use.local and use.call in ("open", "os.listdir", "os.scandir")


def _none(view: TrainingView, facts: ScriptFacts, use: PathUse) -> Problem:
    source = next((told for path in use.paths if (told := _unset(view, facts, path))), "")
    return Problem(
        f"{use.call} gets None for a path: {source or 'the path comes from a variable or an argument that this job does not set'}",
        CHANNELS,
        remedy="add the channel, or give the path a default, such as os.environ['SM_CHANNEL_…']",
        location=use.location,
        about=(NO_PATH,),
    )


def _unset(view: TrainingView, facts: ScriptFacts, path: Text | Const | None) -> str:
    """Which part of a path is None, in words; empty where that is not known."""
    for part in path.parts if isinstance(path, Text) else ():
        if isinstance(part, EnvPart) and variable(view, part.name) is NONE:
            return f"the variable {part.name} is not set, as the job has no such channel"
        if isinstance(part, ArgPart):
            argument = next((one for one in facts.arguments if one.dest == part.dest), None)
            if argument is not None and isinstance(argument.default, Text):
                return _unset(view, facts, argument.default)
            if argument is not None:
                return f"{argument.flags[-1]} has no default, and no hyperparameter gives it"
    return ""


def _is_channel(view: TrainingView, name: str, channels: frozenset[str]) -> bool:
    """True for a channel, its manifest, and the pipes (``train_0``) of one that may be in Pipe mode."""
    if name in channels or (name.endswith("-manifest") and name[: -len("-manifest")] in channels):
        return True
    base, underscore, epoch = name.rpartition("_")
    modes = [view.input_mode(channel) for channel in view.channels if channel.name == base]
    return bool(underscore) and epoch.isdigit() and base in channels and not {*modes} & {"File", "FastFile"}


def _literal(use: PathUse, folder: str) -> bool:
    """True where the script names the folder itself, not by an argument or a variable."""
    first = [path.parts[0] for path in use.paths if hasattr(path, "parts")]
    return len(use.paths) == 1 and bool(first) and isinstance(first[0], str) and first[0].startswith(folder)


def _looked_at(view: TrainingView, facts: ScriptFacts, folder: str) -> bool:
    for use in facts.paths:
        if use.mode == "look":
            for path in use.paths:
                place = resolve(view, path)
                if isinstance(place, str) and (place.startswith(folder) or UNKNOWN in place):
                    return True
    return False


@rule("CHN052", severity="warning", scope="script")
def channel_not_read(view: TrainingView) -> Iterator[Problem]:
    """The script mentions a configured channel nowhere.

    What it does:
        Looks for each channel's name in everything that the script reads: variables, arguments, paths. A script that goes over
        all channels counts as reading each.
    Why:
        The channel is downloaded to every host and paid for, and nothing uses it; often its name is wrong.
    Example:
          files:
            train.py: |
              import os
        +     print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
    """
    facts = readable(view)
    channels = channel_names(view)
    if facts is None or not channels or facts.opaque_arguments:
        return
    if facts.top_imports & {"sagemaker_training", "sagemaker_containers", "sagemaker"} or _reads_all(facts):
        return
    wrong = [*channel_variable_missing(view), *channel_folder_missing(view)]
    told = {name for problem in wrong for name in problem.about}
    if NO_PATH in told:
        return  # a folder that the script is to be told, and is not: which one, nobody knows
    if any(use.mode not in LEADS for use, _ in remote(view, facts)):
        return  # what comes by the channel, the script takes from where it lies
    for channel in view.channels:
        name = channel.name or ""
        if name in SUPPLIED or _mentioned(facts, name) or steered(view, f"{INPUT_DATA}/{name}"):
            continue
        if any(str(value).lstrip('"').startswith(f"{name}/") for value in view.hyperparameters.values()):
            continue  # a file of the channel, for a script that is told the folder of all channels
        if name in told:
            continue  # the script reads it under another name, which is the same mistake
        yield Problem(
            f"nothing in the script reads the channel {name!r}: neither {CHANNEL_VARIABLE}{name.upper()} nor "
            f"{INPUT_DATA}/{name}",
            (*channel.path, "ChannelName"),
            remedy="read it in the script, or take it out of the request",
        )


def _reads_all(facts: ScriptFacts) -> bool:
    for string in facts.strings:
        if string.rstrip("/").endswith(
            ("/opt/ml", "/opt/ml/input", "/opt/ml/input/data", "SM_CHANNEL", "SM_CHANNEL_")
        ):
            return True
        if any(word in string for word in ALL_CHANNELS if word != "input/data"):
            return True
        if "input/data" in string and not re.search(r"input/data/[\w.-]", string):
            return True
    return "channel_input_dirs" in facts.attributes or (
        "environ" in facts.attributes and _walks_environment(facts)
    )


def _walks_environment(facts: ScriptFacts) -> bool:
    return bool(
        facts.calls & {".items", ".keys", "os.environ.items", "os.environ.keys", "os.environ.copy"}
    ) and any(
        string.startswith("SM_")
        and not string.startswith((CHANNEL_VARIABLE, "SM_MODEL", "SM_OUTPUT", "SM_HOST"))
        for string in facts.strings
    )


def _mentioned(facts: ScriptFacts, name: str) -> bool:
    variable_name = re.compile(rf"{CHANNEL_VARIABLE}{re.escape(name.upper())}(?![A-Z0-9_])")
    pattern = re.compile(rf"(?:^|[/{{}}$\s\"'=-]){re.escape(name)}(?:$|[/\s\"'=:,.-])", re.IGNORECASE)
    whole = re.compile(rf"/{re.escape(name)}(?![A-Za-z0-9])|(?<![A-Za-z0-9]){re.escape(name)}/")
    for string in facts.strings:
        if len(string) > 2000:
            if variable_name.search(string) or pattern.search(string):
                return True
            continue
        if (
            variable_name.search(string)
            or string.lower() == name.lower()
            or (name in string and whole.search(string))
        ):
            return True
        if (
            string.startswith("--")
            and string.lstrip("-").replace("-", "_").lower() == name.replace("-", "_").lower()
        ):
            return True
    return False
