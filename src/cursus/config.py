"""``[tool.cursus]`` in pyproject.toml, or ``cursus.toml``: a project's steps, ignores and allowed values.

Paths in the file are relative to the file. Every fault in it is a ``ConfigurationError`` that names the file,
the line where it can be found, and what to write instead.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cursus.errors import ConfigurationError, TargetError
from cursus.suggest import closest, did_you_mean

if TYPE_CHECKING:
    from cursus.ignores import Ignore

NAMES = ("cursus.toml", "pyproject.toml")
NOTHING: Mapping[str, str] = {}
MAX_BYTES = 4 * 1024 * 1024

# These are named tuples, because a dataclass costs the start of every command five times as much.


class ExpectedFailure(NamedTuple):
    """A Level 4 test that is known to fail, and why. The test must then fail: strict."""

    test: str
    reason: str


class StepEntry(NamedTuple):
    """One entry of ``steps``: what to test, and what stands beside it."""

    target: str
    name: str = ""
    kind: str | None = None
    config: Mapping[str, Any] | None = None
    source_dir: str | None = None
    entry_point: str | None = None
    channels: Mapping[str, str] = NOTHING
    region: str | None = None
    parameters: Mapping[str, Any] | None = None
    expected_artifacts: tuple[str, ...] = ()
    image: str | None = None
    ignore: tuple[Ignore, ...] = ()
    expect_fail: tuple[ExpectedFailure, ...] = ()

    @property
    def label(self) -> str:
        """What people call the step: its name, or its target."""
        return self.name or self.target


class Configuration(NamedTuple):
    """What a project says to cursus. ``file`` is None where there is no configuration."""

    file: str | None = None
    steps: tuple[StepEntry, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    allow: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    region: str | None = None
    root: str | None = None
    strict: bool = False
    engine: str | None = None
    engine_arguments: tuple[str, ...] = ()

    def entry(self, target: str) -> StepEntry | None:
        """The listed step of this name or target."""
        for entry in self.steps:
            if target in (entry.name, entry.target):
                return entry
            if self.file and entry.target == anchored(target, Path.cwd()):
                return entry
        return None


KEYS = frozenset(Configuration._fields) - {"file"}


def find(start: Path | None = None) -> Path | None:
    """The nearest file, from ``start`` upwards, that configures cursus."""
    folder = (start or Path.cwd()).absolute()
    for place in (folder, *folder.parents):
        for name in NAMES:
            file = place / name
            if file.is_file() and (name == "cursus.toml" or _mentions(file)):
                return file
    return None


def _mentions(file: Path) -> bool:
    try:
        return b"[tool.cursus" in file.read_bytes() or "cursus" in _parse(file).get("tool", {})
    except (OSError, ConfigurationError):
        return False  # another tool's pyproject.toml, which is not ours to judge


def load(file: str | Path | None = None) -> Configuration:
    """The configuration in ``file``, or in the nearest file upwards; an empty one where there is none.

    Raises:
        ConfigurationError: the file cannot be read, or says something that cursus does not know.
    """
    path = Path(file) if file is not None else find()
    if path is None:
        return Configuration()
    table: Any = _parse(path)
    if path.name == "pyproject.toml" or (KEYS.isdisjoint(table) and "tool" in table):
        tool = table.get("tool")
        table = tool.get("cursus") if isinstance(tool, dict) else None
        if table is None and file is not None:
            raise ConfigurationError(f"{path}: there is no [tool.cursus] in it")
    return _Reader(path).configuration(table if table is not None else {})


def is_project_file(file: str | Path) -> bool:
    """True where ``file`` configures cursus, and is not the flat configuration of one builder."""
    path = Path(file)
    if path.suffix != ".toml":
        return False
    if path.name in NAMES:
        return True
    table = _parse(path)
    tool = table.get("tool")
    return (isinstance(tool, dict) and "cursus" in tool) or not (KEYS - {"region"}).isdisjoint(table)


def read_mapping(file: str | Path) -> dict[str, Any]:
    """A builder's flat configuration from a JSON, YAML or TOML file.

    Raises:
        ConfigurationError: the file cannot be read, or holds no mapping.
    """
    path = Path(file)
    from cursus.steps.reading.configured import FileMapping

    if path.suffix == ".toml":
        return FileMapping(_parse(path), str(file))
    from cursus.steps.reading import files

    try:
        text = files.text_of(str(path))
        if path.suffix in (".yaml", ".yml"):
            from cursus.steps.reading.yaml_files import as_pyyaml

            found = as_pyyaml(text, str(path))
        else:
            found = files.parse_json(text, str(path)).data
    except TargetError as error:
        raise ConfigurationError(str(error)) from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: a builder's configuration is a mapping, not a {_kind(found)}")
    return FileMapping(found, str(file))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; no configuration is")
    return data


def _parse(path: Path) -> dict[str, Any]:
    parser = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        table: dict[str, Any] = parser.loads(
            _bytes(path).decode("utf-8-sig")
        )  # an editor of Windows marks it
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: this is not UTF-8 ({error.reason}); save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        text = " ".join(str(error).split())
        place = re.search(r" \(at line (\d+), column (\d+)\)$", text)
        at = f":{place[1]}:{place[2]}" if place else ""
        raise ConfigurationError(
            f"{path}{at}: broken TOML: {text[: place.start()] if place else text}"
        ) from None
    return table


def _kind(value: object) -> str:
    if value is None:
        return "file without any"
    names = {dict: "table", list: "list", str: "text", bool: "truth value", int: "number", float: "number"}
    return names.get(type(value), type(value).__name__)


def anchored(target: str, folder: Path) -> str:
    """``target`` with the path in it made absolute, where it is a path below ``folder``."""
    path, colon, name = target.rpartition(":") if ".py:" in target else (target, "", "")
    if (
        not path.endswith((".py", ".json", ".yaml", ".yml"))
        and "/" not in path
        and not (folder / path).exists()
    ):
        return target
    return str(folder / path) + colon + name


class _Reader:
    """Reads the tables of one file, and names the file and line of every fault."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.absolute().parent
        self.lines = _bytes(path).decode("utf-8", "replace").splitlines()

    def fault(self, message: str, key: str = "", line: int | None = None) -> ConfigurationError:
        line = line or self.line_of(key)
        return ConfigurationError(f"{self.path}{f':{line}' if line else ''}: {message}")

    def line_of(self, key: str) -> int | None:
        if not key:
            return None
        form = re.compile(
            rf"(^|[\s{{,\[.\"'])({re.escape(key)})[\"']?\s*([=\].])|=.*[\"']{re.escape(key)}[\"']"
        )
        for number, line in enumerate(self.lines, 1):
            if form.search(line.partition(" #")[0]):
                return number
        return None

    def known(self, table: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
        options = sorted(keys)
        for key in table:
            if key not in options:
                hint = did_you_mean(key, options) or f" Known are {', '.join(options)}."
                raise self.fault(f"{where} has no key {key!r}.{hint}", key)

    def texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list):
            raise self.fault(f"{key} is a list of texts, not a {_kind(value)}", key)
        for i, item in enumerate(value):
            if not isinstance(item, str):
                raise self.fault(f"{key}[{i}] is a text, not a {_kind(item)}", key)
        return tuple(value)

    def text(self, table: Mapping[str, Any], key: str) -> str | None:
        value = table.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.fault(
                f"{key} is a text, not {f'a {_kind(value)}' if value != '' else 'an empty one'}", key
            )
        return value

    def region(self, table: Mapping[str, Any]) -> str | None:
        found = self.text(table, "region")
        fault = misspelt_region(found) if found else ""
        if fault:
            raise self.fault(fault, found or "")
        return found

    def configuration(self, table: Any) -> Configuration:
        if not isinstance(table, dict):
            raise self.fault(f"tool.cursus is a table, not a {_kind(table)}", "cursus")
        self.known(
            table, KEYS, "[tool.cursus]" if self.path.name == "pyproject.toml" else "the configuration"
        )
        steps = table.get("steps", [])
        if not isinstance(steps, list):
            raise self.fault(f"steps is a list of targets or tables, not a {_kind(steps)}", "steps")
        strict = table.get("strict", False)
        if not isinstance(strict, bool):
            raise self.fault(f"strict is true or false, not {strict!r}", "strict")
        root = self.text(table, "root")
        engine = self.text(table, "engine")
        if engine not in (None, "podman", "docker"):
            raise self.fault(f"engine is podman or docker, not {engine!r}", "engine")
        return Configuration(
            file=str(self.path),
            steps=tuple(self.step(entry, number) for number, entry in enumerate(steps)),
            ignore=self.ignores(table),
            allow=self.texts(table, "allow"),
            select=self.rules(self.texts(table, "select"), "select"),
            region=self.region(table),
            root=str(self.folder / root) if root else None,
            strict=strict,
            engine=engine,
            engine_arguments=self.texts(table, "engine_arguments"),
        )

    def step(self, entry: Any, number: int) -> StepEntry:
        where = f"steps[{number}]"
        if isinstance(entry, str):
            entry = {"target": entry}
        if not isinstance(entry, dict):
            raise self.fault(f"{where} is a target or a table, not a {_kind(entry)}", "steps")
        self.known(entry, StepEntry._fields, where)
        target = self.text(entry, "target")
        if target is None:
            raise self.fault(f'{where} has no target: write target = "package.module:Builder"', "steps")
        source = self.text(entry, "source_dir")
        return StepEntry(
            target=anchored(target, self.folder),
            name=self.text(entry, "name") or ("" if anchored(target, self.folder) == target else target),
            kind=self.kind(entry),
            config=self.builder_config(entry, where),
            source_dir=str(self.folder / source) if source else None,
            entry_point=self.text(entry, "entry_point"),
            channels=self.channels(entry, where),
            region=self.region(entry),
            parameters=self.table(entry, "parameters", where),
            expected_artifacts=self.texts(entry, "expected_artifacts"),
            image=self.text(entry, "image"),
            ignore=self.ignores(entry),
            expect_fail=self.expected(entry),
        )

    def kind(self, entry: Mapping[str, Any]) -> str | None:
        found = self.text(entry, "kind")
        if found:
            from cursus.steps.kinds import operation

            try:
                operation(found)
            except TargetError as error:
                raise self.fault(str(error), "kind") from None
        return found

    def table(self, entry: Mapping[str, Any], key: str, where: str) -> dict[str, Any] | None:
        value = entry.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.fault(f"{where}.{key} is a table, not a {_kind(value)}", key)
        return value

    def builder_config(self, entry: Mapping[str, Any], where: str) -> Mapping[str, Any] | None:
        value = entry.get("config")
        if isinstance(value, str):
            return read_mapping(self.folder / value)
        given = self.table(entry, "config", where)
        if not given:
            return given
        from cursus.steps.reading.configured import FileMapping

        return FileMapping(given, str(self.path))

    def channels(self, entry: Mapping[str, Any], where: str) -> dict[str, str]:
        found = self.table(entry, "channels", where) or {}
        for name, path in found.items():
            if not isinstance(path, str) or not path:
                raise self.fault(f"{where}.channels.{name} is a local path, not a {_kind(path)}", name)
        return {name: str(self.folder / path) for name, path in found.items()}

    def rules(self, ids: tuple[str, ...], key: str) -> tuple[str, ...]:
        for id in ids:
            fault = unknown_rule(id)
            if fault:
                raise self.fault(f"{key}: {fault}", id)
        return ids

    def ignores(self, table: Mapping[str, Any]) -> tuple[Ignore, ...]:
        from cursus.ignores import Ignore
        from cursus.model import Location

        value = table.get("ignore", [])
        if not isinstance(value, list):
            raise self.fault('ignore is a list of { rule = "…", reason = "…" }', "ignore")
        found = []
        for item in value:
            if not isinstance(item, dict):
                form = f'{{ rule = "{item}", reason = "…" }}' if isinstance(item, str) else "a table"
                raise self.fault(f"every ignore carries a reason: write {form}", str(item))
            self.known(item, ("rule", "reason", "path", "step"), "ignore")
            id, reason = self.text(item, "rule"), self.text(item, "reason")
            if id is None:
                raise self.fault("an ignore names no rule", "ignore")
            if reason is None or not reason.strip():
                raise self.fault(f'the ignore of {id} has no reason: add reason = "…"', id)
            self.rules((id,), "ignore")
            place = Location(str(self.path), self.line_of(id))
            path, step = self.text(item, "path") or "", self.text(item, "step") or ""
            found.append(Ignore(id, reason, path, step, place))
        return tuple(found)

    def expected(self, table: Mapping[str, Any]) -> tuple[ExpectedFailure, ...]:
        if "expect_fail" not in table:
            return ()
        from cursus.validation.builders.results import TESTS

        names = {name: test.name for test in TESTS for name in (test.name, test.id)}
        value = table["expect_fail"]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.fault('expect_fail is a list of { test = "…", reason = "…" }', "expect_fail")
        found = []
        for item in value:
            self.known(item, ("test", "reason"), "expect_fail")
            given, reason = self.text(item, "test") or "", self.text(item, "reason")
            test = names.get(given)
            if test is None:
                hint = did_you_mean(given, names) or f" Known are {', '.join(dict.fromkeys(names.values()))}."
                raise self.fault(f"expect_fail: there is no test {given!r}.{hint}", given or "expect_fail")
            if reason is None or not reason.strip():
                raise self.fault(f"the expected failure of {test} has no reason", given)
            found.append(ExpectedFailure(test, reason))
        return tuple(found)


def misspelt_region(region: str) -> str:
    """What is wrong with ``region``; empty where nothing is. One of a known form may be newer than our facts."""
    from cursus.aws import places

    if places.partition_of(region):
        return ""
    near = closest(region, places.region_names())
    if near:
        return f"there is no region {region!r}. Did you mean {near!r}?"
    form = re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region)
    return "" if form else f"there is no region {region!r}: write its code, such as eu-central-1."


def unknown_rule(id: str) -> str:
    """What is wrong with ``id`` as the id of a rule or its beginning; empty where nothing is."""
    from cursus import checks
    from cursus.checks.rules import RULES

    checks.load()
    if id and any(known.startswith(id) for known in RULES):
        return ""
    return f"there is no rule {id!r}.{did_you_mean(id, RULES) or ' `cursus rules` lists them all.'}"
