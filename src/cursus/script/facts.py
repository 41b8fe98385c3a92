"""What was read from a training script, as frozen data.

A ``Text`` is a string whose unknown pieces are named: an environment variable, a command line
argument, or something that only running the script would tell. Which request stands beside the script is
not known here; ``cursus.checks.script.request`` puts a request's values in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cursus.model import Location
from cursus.script.syntax.pure import Outcome

HP_FILES = frozenset({"hyperparameters.json", "SM_HPS"})
JSON_VARIABLES = frozenset(
    {
        "SM_HOSTS",
        "SM_CHANNELS",
        "SM_HPS",
        "SM_TRAINING_ENV",
        "SM_USER_ARGS",
        "SM_RESOURCE_CONFIG",
        "SM_INPUT_DATA_CONFIG",
        "SM_FRAMEWORK_PARAMS",
    }
)
"""Variables that the training toolkit writes as JSON."""


MEASURE = "name of a measure"
"""What a hole is called that a library fills with a measure's name, and nothing else."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A piece that cannot be read: the format it is printed with, and whether it is surely a number."""

    number: bool = False
    spec: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class EnvPart:
    """The value of an environment variable; ``default`` stands where it is not set, None where nothing does."""

    name: str
    default: Text | Const | None = None


@dataclass(frozen=True, slots=True)
class ArgPart:
    """The value of the command line argument with this ``dest``."""

    dest: str


Part = str | Hole | EnvPart | ArgPart


@dataclass(frozen=True, slots=True)
class Text:
    """A string as a sequence of parts."""

    parts: tuple[Part, ...]

    @property
    def literal(self) -> str | None:
        """The string itself, where nothing in it is unknown."""
        if all(isinstance(part, str) for part in self.parts):
            return "".join(part for part in self.parts if isinstance(part, str))
        return None

    @property
    def only(self) -> Part | None:
        """Its one part, where it has no other."""
        return self.parts[0] if len(self.parts) == 1 else None


@dataclass(frozen=True, slots=True)
class Const:
    """A constant that is no string: a number, a boolean, None."""

    value: object


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument that a script's parser declares.

    Attributes:
        flags: the option strings; for a positional its name, without a dash.
        dest: the attribute it is stored at.
        type: ``int``, ``float``, ``str``, ``bool``, ``other`` (a function whose demands are not known).
        takes_value: False for flags such as ``store_true``.
        sets: the value that a flag stores (``store_true``: True).
        nargs: ``?``, ``*``, ``+`` or a number as text; empty for one value.
        default: ``Const(None)`` where none is given, None where it cannot be read.
        conditional: declared on some runs only, or one of several that exclude each other.
        appends: what is passed is put behind a default that is not empty.
        converter: for type ``other``, what its function makes of a text, as far as that can be read.
    """

    flags: tuple[str, ...]
    dest: str
    location: Location
    type: str = "str"
    required: bool = False
    takes_value: bool = True
    sets: bool | None = None
    nargs: str = ""
    choices: tuple[object, ...] | None = None
    default: Text | Const | None = None
    conditional: bool = False
    appends: bool = False
    converter: Callable[[str], Outcome | None] | None = field(default=None, compare=False, repr=False)

    @property
    def positional(self) -> bool:
        """True for an argument without an option string."""
        return not self.flags[0].startswith("-")


@dataclass(frozen=True, slots=True)
class Parser:
    """The command line parser of a script.

    ``strict``: an unknown argument ends the script. ``complete``: all its arguments were read. ``sure``: it parses
    the command line on every run. ``libraries``: dataclasses of libraries, which have the others. ``leftovers``: words
    that belong to no option are left to the script. ``key`` tells the parsers of one reading apart.
    """

    kind: Literal["argparse", "click", "dataclass", "absl", "typer", "tyro", "fire", "hydra"]
    arguments: tuple[Argument, ...]
    strict: bool
    complete: bool
    sure: bool
    location: Location
    abbreviations: bool = True
    libraries: tuple[str, ...] = ()
    leftovers: bool = False
    key: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EnvRead:
    """An environment variable that is read; ``hard``: its absence ends the script; ``sure``: on every run.

    ``bare``: where it is not set the value is None, as of ``os.environ.get`` without a default.
    """

    name: str
    hard: bool
    sure: bool
    location: Location
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A test that stands before a statement, as far as a request may decide it.

    ``kind``: ``truth`` of ``part``; ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in``, ``not in`` of ``part`` and
    ``value``; ``set``, for a variable that is there; ``first``, for the first of several processes; ``known``, decided
    by the source (``value``); ``and``, ``or``, ``not`` of ``inner``; ``handled``, for an error of the kind that is
    ``written``; empty for any other test. ``number``: ``part`` is made a number first; ``made``: a function
    of the source makes something of it first.
    """

    kind: str
    part: Part | None = None
    value: object = None
    inner: tuple[Condition, ...] = ()
    written: str = ""
    number: bool = False
    made: Callable[[str], Outcome | None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PathUse:
    """A path that a script reads or writes.

    ``paths`` are the paths that are possible; ``sure``: each of them is used on every run. ``call`` is the
    function's name, ``local`` is True where it knows the file system only (``open``), not ``s3://``. ``looped``, of a
    write: it is in a loop, or who calls it is not known. ``tests`` are what has to hold for it, and ``if_tests``: where
    they do, it is sure. ``hub``: a path, or a name on a model hub.
    """

    mode: Literal["read", "list", "write", "make", "look", "remove", "unpack", "hub"]
    paths: tuple[Text | Const, ...]
    call: str
    sure: bool
    local: bool
    location: Location
    looped: bool = True
    tests: tuple[Condition, ...] = ()
    if_tests: bool = False


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line that a script prints. ``level`` is the logging level, empty for a print; ``tests`` have to hold for it."""

    text: Text
    level: str
    location: Location
    tests: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Swallowed:
    """A catch-all handler around the training that lets the script end as if nothing happened.

    ``exits_zero``: the handler ends the script with status 0 itself.
    """

    location: Location
    exits_zero: bool
    around: str


@dataclass(frozen=True, slots=True)
class KeyRead:
    """A key taken from the hyperparameters as a mapping (``SM_HPS``, ``hyperparameters.json``)."""

    key: str
    hard: bool
    sure: bool
    location: Location


@dataclass(frozen=True, slots=True)
class Imported:
    """A module that is imported. ``sure``: on every run and outside ``try``."""

    module: str
    level: int
    sure: bool
    location: Location
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Used:
    """A call worth knowing by name (``signal.signal``, ``torch.distributed.init_process_group``, …).

    ``backend``: of ``init_process_group`` the backend it is given, where that can be read. ``own``: it is the source's.
    """

    name: str
    sure: bool
    location: Location
    backend: Text | Const | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """A place where the script ends itself with a status that is not 0. ``value`` is what it exits with."""

    value: str
    sure: bool
    location: Location


@dataclass(frozen=True, slots=True)
class ArgvRead:
    """``sys.argv[index]``, read by position."""

    index: int
    sure: bool
    location: Location


@dataclass(frozen=True, slots=True)
class NumberUse:
    """A call that wants or makes a number and gets a text: ``text`` is it, None for a value of hyperparameters.json.

    ``key`` is the name of that, where it is known.
    """

    call: str
    text: Text | None
    sure: bool
    location: Location
    key: str = ""


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that runs without an error and does something else than it says; ``kind`` names what.

    ``text`` is the value it is about; where that is one hyperparameter taken from a mapping, ``key`` is its name and
    ``source`` the mapping (``SM_HPS``, ``hyperparameters.json``). ``detail`` is the function, operator or name to show;
    ``others`` are what it is compared or sorted with; ``tests`` are what has to hold for it.
    """

    kind: str
    text: Text | None
    detail: str
    sure: bool
    location: Location
    key: str = ""
    source: str = ""
    others: tuple[Habit, ...] = ()
    tests: tuple[Condition, ...] = ()

    @property
    def part(self) -> Part | None:
        """What the text begins with; None where the habit is about none."""
        return self.text.parts[0] if self.text is not None else None


@dataclass(frozen=True, slots=True)
class Requirement:
    """A line of requirements.txt that says something about installing. ``problem`` is empty for a plain requirement."""

    line: str
    name: str
    version: str
    problem: str
    location: Location


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the source as files: ``kind`` names it, ``detail`` is the value to show."""

    kind: str
    detail: str
    location: Location


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """Everything that was read from a source directory and its entry point.

    Attributes:
        entry: the entry point's file, as the user gave it.
        readable: the entry point is Python that parses; where False all that follows is empty.
        parsers: the parsers that read the command line.
        opaque_arguments: the command line is (also) read in a way that cannot be followed.
        reads_hyperparameters: the hyperparameters are read other than by arguments (SM_HPS, the file, SM_HP_*).
        hyperparameters_whole: the hyperparameters are used as a whole somewhere, not by single keys alone.
        env_writes: environment variables that the script sets itself.
        attributes: every attribute name read and every string, to tell whether a thing is ever mentioned.
        strings: every string constant, docstrings left out, and the text of settings files beside the script.
        top_imports: the first part of every module imported anywhere.
        calls: the dotted names of everything called, as far as known.
        outside_effects: the script starts processes, downloads, unpacks: files can come from anywhere.
        outside_reads: so they can, but for what it unpacks: where to is among ``paths``.
        plain_output: only libraries that print nothing by themselves are imported.
        logging_configured: something sets the level of logging, which is WARNING where nothing does.
        text_as_number: calls that want a number and get an argument, a variable or a value of hyperparameters.json.
        habits: what runs without an error and does something else than it says.
        unread: arguments that are declared and never read.
        shell_text: the text of a shell script that is the entry point.
        directory_size: bytes of all files of the source directory; largest_file: name and size of the largest.
        does_nothing: location where the entry point defines functions and calls none.
    """

    entry: str
    readable: bool = False
    shell: bool = False
    files: tuple[str, ...] = ()
    parsers: tuple[Parser, ...] = ()
    opaque_arguments: bool = False
    reads_hyperparameters: bool = False
    hyperparameters_whole: bool = False
    env_reads: tuple[EnvRead, ...] = ()
    env_writes: frozenset[str] = frozenset()
    env_open: bool = False
    key_reads: tuple[KeyRead, ...] = ()
    paths: tuple[PathUse, ...] = ()
    printed: tuple[PrintedLine, ...] = ()
    swallowed: tuple[Swallowed, ...] = ()
    exits: tuple[Exit, ...] = ()
    argv_reads: tuple[ArgvRead, ...] = ()
    text_as_number: tuple[NumberUse, ...] = ()
    conversions: tuple[NumberUse, ...] = ()
    imports: tuple[Imported, ...] = ()
    top_imports: frozenset[str] = frozenset()
    used: tuple[Used, ...] = ()
    calls: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()
    outside_effects: bool = False
    outside_reads: bool = False
    plain_output: bool = False
    logging_configured: bool = False
    does_nothing: Location | None = None
    habits: tuple[Habit, ...] = ()
    unread: frozenset[str] = frozenset()
    shell_text: str = ""
    requirements: tuple[Requirement, ...] = ()
    faults: tuple[Fault, ...] = ()
    directory_listing: frozenset[str] = field(default_factory=frozenset)
    directory_size: int = 0
    largest_file: tuple[str, int] = ("", 0)

    @property
    def arguments(self) -> list[Argument]:
        """The arguments of all parsers."""
        return [argument for parser in self.parsers for argument in parser.arguments]
