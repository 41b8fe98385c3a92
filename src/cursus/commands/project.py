"""What a command works on: the targets named, or the steps that the project's configuration lists."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cursus import config as configuration
from cursus.config import NOTHING, Configuration, StepEntry, misspelt_region
from cursus.errors import ConfigurationError, CursusError, TargetError
from cursus.model import Finding, Pipeline, Step

if TYPE_CHECKING:
    from cursus.checks.views import Settings
    from cursus.ignores import Ignore
    from cursus.steps.reading.documents import Document

STDIN = "-"


class Choices(NamedTuple):
    """What the options of one call say; they come before the configuration."""

    kind: str | None = None
    region: str | None = None
    source_dir: str | None = None
    entry_point: str | None = None
    parameters: Mapping[str, str] = NOTHING
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    skip_others: bool = False
    strict: bool = False
    channels: Mapping[str, str] = NOTHING
    root: str | None = None
    engine: str | None = None
    image: str | None = None
    engine_arguments: tuple[str, ...] = ()


class Project:
    """The configuration and the options of one call, and the steps to work on."""

    def __init__(self, targets: Sequence[str], config: str | None, choices: Choices) -> None:
        self.choices = choices
        builder_config: Mapping[str, Any] | None = None
        if config is not None and not configuration.is_project_file(config):
            builder_config, config = configuration.read_mapping(config), None
        self.configuration: Configuration = configuration.load(config)
        fault = misspelt_region(choices.region) if choices.region else ""
        if fault:
            raise ConfigurationError(fault)
        if choices.kind:
            from cursus.steps.kinds import operation

            operation(choices.kind)
        entries = [self._entry(target, builder_config) for target in targets]
        if not targets:
            entries = [self._with_choices(entry) for entry in self.configuration.steps]
        self.entries = tuple(one for entry in entries for one in _matched(entry))
        if not self.entries:
            where = self.configuration.file
            lacks = (
                f"{where} lists no steps."
                if where
                else (
                    "there is no cursus.toml or [tool.cursus]. `cursus init` writes a starting configuration."
                )
            )
            raise click.UsageError(f"name a TARGET: {lacks}")
        self._ignores = tuple(_ignores(choices.ignore)) if choices.ignore else ()
        for id in (*choices.select, *(ignore.rule for ignore in self._ignores)):
            fault = configuration.unknown_rule(id)
            if fault:
                raise click.UsageError(fault)
        self.strict = choices.strict or self.configuration.strict
        self._used: set[Ignore | tuple[str, int]] = set()
        self._scopes: set[str] = set()
        self._scripts: list[str] = []
        self._steps: list[str] = []
        _make_importable(self.configuration)

    def _entry(self, target: str, builder_config: Mapping[str, Any] | None) -> StepEntry:
        entry = self.configuration.entry(target) or StepEntry(target)
        if builder_config is not None:
            entry = entry._replace(config=builder_config)
        return self._with_choices(entry)

    def _with_choices(self, entry: StepEntry) -> StepEntry:
        choices = self.choices
        return entry._replace(
            kind=choices.kind or entry.kind,
            region=choices.region or entry.region or self.configuration.region,
            source_dir=choices.source_dir or entry.source_dir,
            entry_point=choices.entry_point or entry.entry_point,
            parameters={**(entry.parameters or {}), **choices.parameters} or None,
            channels={**entry.channels, **choices.channels},
        )

    @property
    def root(self) -> str | None:
        """Where jobs live; None leaves it to CURSUS_ROOT and the default."""
        return self.choices.root or self.configuration.root

    def containers(self, entry: StepEntry) -> dict[str, Any]:
        """What ``local.options.Options`` says of containers; a configured image is for runs in an engine alone."""
        forced = os.environ.get("CURSUS_ISOLATION")
        engine = self.choices.engine or self.configuration.engine
        contained = engine is not None or forced in ("podman", "docker")
        return {
            "engine": engine,
            "image": self.choices.image or (entry.image if contained else None),
            "engine_arguments": (*self.configuration.engine_arguments, *self.choices.engine_arguments),
        }

    def load(self, entry: StepEntry, errors: list[TargetError] | None = None) -> list[Step | Pipeline]:
        """The steps and pipelines that a target stands for. What its code prints goes to standard error.

        Files of a folder that cannot be read are put into ``errors``, where given.
        """
        from cursus import steps

        try:
            with quiet():
                loaded = steps.load(
                    read_stdin() if entry.target == STDIN else entry.target,
                    kind=entry.kind,
                    config=entry.config,
                    source_dir=entry.source_dir,
                    entry_point=entry.entry_point,
                    region=entry.region,
                    parameters=entry.parameters,
                    errors=errors,
                    skip_others=self.choices.skip_others,
                )
        except TargetError as error:
            raise TargetError(f"{error}{self._step_meant(entry.target)}") from None
        loaded = [_typed(item, self.choices.parameters) for item in loaded]
        self._note_scopes(loaded)
        return loaded

    def _step_meant(self, target: str) -> str:
        """The configured step whose name is nearly that of a target that is not there."""
        if os.path.exists(target) or os.sep in target or target.endswith((".json", ".yaml", ".yml", ".py")):  # noqa: PTH110
            return ""
        from cursus.suggest import did_you_mean

        return did_you_mean(target, [step.name for step in self.configuration.steps if step.name])

    def settings(self, entry: StepEntry) -> Settings:
        """How the rules look at one target."""
        from cursus.checks.views import Settings

        entries = (*self._ignores, *entry.ignore, *self.configuration.ignore)
        ignores = None
        if entries or self._scripts or not entry.target.endswith(".json"):  # JSON has no comments
            from cursus.ignores import Ignores

            ignores = Ignores(entries, self._used)
        return Settings(
            region=entry.region,
            select=self.choices.select or self.configuration.select,
            allow=(*self.choices.allow, *self.configuration.allow),
            strict=self.strict,
            ignores=ignores,
        )

    def leftovers(self, *, ran: bool = False) -> list[Finding]:
        """Ignores that ignored nothing; none are named where rules were left out by hand."""
        if self.choices.select or self.configuration.select:
            return []
        entries = [*self._ignores, *(ignore for entry in self.entries for ignore in entry.ignore)]
        looked = {entry.target for entry in self.entries}
        if looked.issuperset(entry.target for entry in self.configuration.steps):
            entries.extend(self.configuration.ignore)
        files = [file for entry in self.entries for file in _source_files(entry.target)]
        if not entries and not files and not self._scripts:
            return []
        from cursus.checks.step.configuration import leftovers
        from cursus.ignores import Ignores

        scopes = self._scopes | ({"run", "script"} if ran else set())
        used = Ignores(used=self._used)
        return leftovers(used, dict.fromkeys(entries), files, scopes, self._scripts, self._steps)

    def _note_scopes(self, loaded: Sequence[Step | Pipeline]) -> None:
        from cursus.api import pipeline_sections

        for item in loaded:
            self._steps.append(item.name)
            if isinstance(item, Pipeline):
                if any(ignore.step for ignore in self.configuration.ignore):
                    self._steps += [section.name for section in pipeline_sections(item)]
                self._scopes |= {"pipeline", "schema", "request", "training", "tuning", "automl"}
                continue
            self._scopes |= {"schema", "request", "training", "tuning", "automl"}
            if item.source is not None:
                self._scopes.add("script")
                self._scripts.append(str(Path(item.source.directory, item.source.entry_point)))
            if item.promises.hooks or item.promises.upstream is not None:
                self._scopes.add("step")


def _matched(entry: StepEntry) -> Iterator[StepEntry]:
    """The entry, or one for each file that its pattern matches: not every shell, and no configuration, expands them."""
    if not any(letter in entry.target for letter in "*?[") or os.path.exists(entry.target):  # noqa: PTH110
        yield entry
        return
    import glob

    found = sorted(glob.glob(entry.target, recursive=True))  # noqa: PTH207 - as the shell: relative stays relative
    if not found:
        raise click.UsageError(f"no file matches {entry.target}")
    yield from (entry._replace(target=one, name="") for one in found)


def _ignores(values: Sequence[str]) -> Iterator[Ignore]:
    """What ``--ignore RULE,RULE`` and ``--ignore RULE=REASON`` leave out."""
    from cursus.ignores import Ignore

    for value in values:
        rules, equals, reason = value.partition("=")
        if equals and not reason.strip():
            raise click.UsageError(
                f"--ignore {value} gives no reason: write {rules}=REASON, or {rules} alone"
            )
        names = [*filter(None, map(str.strip, rules.split(",")))]
        if not names:
            raise click.UsageError(f"--ignore {value!r} names no rule: write RULE or RULE=REASON")
        for rule in names:
            yield Ignore(rule, reason.strip() or "asked for by --ignore")


class quiet(redirect_stdout):  # type: ignore[type-arg]  # noqa: N801 - reads as what it does
    """Sends what a builder prints to standard error, and makes an error of a builder that ends Python."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, SystemExit):
            raise TargetError(f"the target's code ended Python with exit code {error.code!r}") from None


def _typed(item: Step | Pipeline, texts: Mapping[str, str]) -> Step | Pipeline:
    """A pipeline with the parameters of the command line in the types that it declares.

    A text that is none of the type stays a text: a rule reports it.
    """
    if not texts or not isinstance(item, Pipeline):
        return item
    values = dict(item.parameters)
    for declared in item.definition.get("Parameters") or ():
        name = declared.get("Name") if isinstance(declared, Mapping) else None
        if isinstance(name, str) and name in texts:
            values[name] = _value(texts[name], declared.get("Type"))
    return replace(item, parameters=values)


def _value(text: str, kind: object) -> Any:
    try:
        if kind == "Integer":
            return int(text)
        if kind == "Float":
            return float(text)
    except ValueError:
        return text
    if kind == "Boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def read_stdin() -> list[Document]:
    """What is on standard input, as JSON or YAML."""
    from cursus.steps.reading.files import read_stream

    if sys.stdin is None:
        raise TargetError("-: standard input is closed")
    return read_stream(sys.stdin.buffer, "<stdin>")


def guarded(action: Any) -> tuple[Any, str]:
    """(result, "") or (None, why the target cannot be used)."""
    try:
        return action(), ""
    except CursusError as error:
        return None, str(error)


def _make_importable(found: Configuration) -> None:
    """Put the project's folder where ``package.module:Builder`` is looked for."""
    for folder in (str(Path(found.file).absolute().parent) if found.file else "", str(Path.cwd())):
        if folder and folder not in sys.path:
            sys.path.insert(0, folder)


def _source_files(target: str) -> Iterator[str]:
    """The files in which ignore comments on a target stand."""
    if target.endswith(".json"):
        return
    path, colon, _ = target.rpartition(":")
    if target.endswith((".py", ".yaml", ".yml")):
        yield target
    elif colon and path.endswith(".py"):
        yield path
    elif colon:
        yield from filter(None, [getattr(sys.modules.get(path), "__file__", None)])
    elif os.path.isdir(target):  # noqa: PTH112
        from cursus.steps.folders import registers
        from cursus.steps.reading.files import candidates

        for file in candidates(target):
            if registers(file) if file.endswith(".py") else not file.endswith(".json"):
                yield file
