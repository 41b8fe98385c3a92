"""The grammar of pipeline definitions: steps, references, and what a step of each type offers.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html, and the facts in
``data/pipelines.json``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cursus.aws.members import mapping, value_at
from cursus.aws.tables import table
from cursus.model import Path


def facts() -> Mapping[str, Any]:
    """What a definition may hold, from ``data/pipelines.json``."""
    return table("pipelines")


def step_type(name: str) -> Mapping[str, Any]:
    """The facts of one step type; empty for a type that nobody knows."""
    found: Mapping[str, Any] = facts()["step_types"].get(name, {})
    return found


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """One step of a definition, wherever it stands.

    ``path`` is its place in the definition; ``branches`` are the steps it stands in, from the outermost: the path of
    a condition and ``IfSteps`` or ``ElseSteps``, of a loop and ``ForEachBody``.
    """

    name: str | None
    type: str | None
    body: Mapping[str, Any]
    path: Path
    branches: tuple[tuple[Path, str], ...] = ()
    _names: dict[Path, Mapping[str, None] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the step asks for; nothing where a reference stands for it."""
        return mapping(self.body, "Arguments")

    @property
    def place(self) -> Path:
        """Where its arguments stand in the definition."""
        return (*self.path, "Arguments")

    def other_branch(self, other: PipelineStep | None) -> str | None:
        """The branch that ``other`` stands in of a condition whose other branch this step is in: one never runs."""
        mine, theirs = dict(self.branches), other.branches if other is not None else ()
        return next((branch for at, branch in theirs if mine.get(at, branch) != branch), None)

    def at(self, *place: str) -> Any:
        """What stands there in the step; None where nothing does."""
        return value_at(self.body, place)

    def names(self, *place: str) -> Mapping[str, None] | None:
        """The names that a list of mappings declares, the last of ``place`` being the member that holds them.

        They are kept, as thousands of references may ask. None where one of them is not a literal.
        """
        if place not in self._names:
            self._names[place] = names_in(self.at(*place[:-1]), place[-1])
        return self._names[place]


def names_in(entries: object, member: str) -> Mapping[str, None] | None:
    """The names that a list of mappings declares; None where one of them is not a literal."""
    if not isinstance(entries, list):
        return {} if entries is None else None
    names = [entry.get(member) if isinstance(entry, Mapping) else None for entry in entries]
    literal = dict.fromkeys(name for name in names if isinstance(name, str))
    return literal if all(isinstance(name, str) for name in names) else None


INNER: Mapping[str, tuple[str, ...]] = {"Condition": ("IfSteps", "ElseSteps"), "ForEach": ("ForEachBody",)}
"""The members of a step's arguments that hold steps, by the step's type."""
BRANCHES = INNER["Condition"]
ACROSS = dict(zip(BRANCHES, reversed(BRANCHES), strict=True))
"""The other branch of a condition, by the name of one."""
_INNER = frozenset(member for members in INNER.values() for member in members)


def walk(definition: Mapping[str, Any]) -> list[PipelineStep]:
    """Every step of a definition in reading order, those inside conditions and loops included."""
    found: list[PipelineStep] = []
    pending: list[tuple[Any, Path, tuple[tuple[Path, str], ...]]] = [
        (definition.get("Steps"), ("Steps",), ())
    ]
    while pending:
        steps, path, branches = pending.pop()
        if not isinstance(steps, list):
            continue
        inner: list[tuple[Any, Path, tuple[tuple[Path, str], ...]]] = []
        for i, body in enumerate(steps):
            if not isinstance(body, Mapping):
                continue
            name, kind = body.get("Name"), body.get("Type")
            place: Path = (*path, i)
            found.append(
                PipelineStep(
                    name if isinstance(name, str) else None,
                    kind if isinstance(kind, str) else None,
                    body,
                    place,
                    branches,
                )
            )
            arguments = body.get("Arguments")
            members = INNER.get(kind) if isinstance(kind, str) else None
            if members and isinstance(arguments, Mapping):
                below: Path = (*place, "Arguments")
                inner.extend(
                    (arguments.get(member), (*below, member), (*branches, (place, member)))
                    for member in members
                )
        pending.extend(reversed(inner))
    return found


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``{"Get": …}`` in a definition: its place, its text, and the step whose body it stands in."""

    path: Path
    text: str
    step: PipelineStep | None
    in_json_get: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What a ``Get`` names.

    ``root`` is Parameters, Steps, Execution or PipelineExperimentConfig; ``name`` the parameter, step or
    variable; ``rest`` the members below it (an index or key is its own part).
    """

    root: str
    name: str
    rest: tuple[str | int, ...]


_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+|'[^']*'|\"[^\"]*\")\]")


@lru_cache(maxsize=4096)
def parse_get(text: str) -> Target | None:
    """Read the text of a ``Get``; None where it has not the form of a reference."""
    root, dot, _ = text.partition(".")
    if not dot or "[" in root:
        return None
    parts: list[str | int] = []
    position = len(root)
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            return None
        name, key = match.groups()
        if name is not None:
            parts.append(name)
        elif key[0] in "'\"":
            parts.append(key[1:-1])
        else:
            parts.append(int(key))
        position = match.end()
    if not parts or not isinstance(parts[0], str):
        return None
    return Target(root, parts[0], tuple(parts[1:]))


def target_of(value: object) -> Target | None:
    """What a value refers to; None where it is no reference."""
    get = value.get("Get") if isinstance(value, Mapping) else None
    return parse_get(get) if isinstance(get, str) else None


def named_step(value: object) -> str:
    """The step that a reference is to; empty where the value is no reference, or one to something else."""
    target = target_of(value)
    return target.name if target is not None and target.root == "Steps" else ""


def references(value: Any, path: Path, step: PipelineStep | None) -> Iterator[Reference]:
    """Every ``Get`` at or below ``value``, one that is no text as Python shows it. Steps inside conditions and loops
    are left to their own walk."""
    pending: list[tuple[Any, Path, bool]] = [(value, path, False)]
    while pending:
        here, place, in_json_get = pending.pop()
        if isinstance(here, Mapping):
            get = here.get("Get")
            if len(here) == 1 and "Get" in here:
                if isinstance(get, str) and "<sagemaker." in get and " object at 0x" in get:
                    continue  # an object's text refers to nothing, and is told as that
                yield Reference(place, get if isinstance(get, str) else repr(get)[:80], step, in_json_get)
                continue
            for key, inner in here.items():
                if (key in _INNER and place and place[-1] == "Arguments") or (
                    key == "DependsOn" and place == path
                ):
                    continue  # DependsOn takes names: a reference there stands for nothing
                pending.append((inner, (*place, key), in_json_get or key == "Std:JsonGet"))
        elif isinstance(here, list):
            pending.extend((inner, (*place, i), in_json_get) for i, inner in enumerate(here))


_LEAVES = frozenset({str, int, float, bool, type(None)})


def nodes(
    value: Any, path: Path, is_whole: Callable[[Path, Any], bool] | None = None
) -> Iterator[tuple[Path, Any]]:
    """``value`` and everything in it, each with its place; nothing inside of that for which ``is_whole`` says True."""
    pending: list[tuple[Any, Path]] = [(value, path)]
    while pending:
        here, place = pending.pop()
        yield place, here
        # Most are texts, of which isinstance() of an abstract class asks long.
        if type(here) in _LEAVES or (is_whole is not None and is_whole(place, here)):
            continue
        if isinstance(here, Mapping):
            pending.extend((inner, (*place, key)) for key, inner in here.items() if isinstance(key, str))
        elif isinstance(here, list):
            pending.extend((inner, (*place, i)) for i, inner in enumerate(here))


def texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every string at or below ``value`` with its place."""
    return ((place, here) for place, here in nodes(value, path) if isinstance(here, str))


def loop_around(step: PipelineStep, other: PipelineStep | None) -> Path | None:
    """The place of the loop in which ``step`` runs once for each item, and ``other`` does not, where there is one."""
    shared = other.branches if other is not None else ()
    return next(
        (
            place
            for place, member in step.branches
            if member == "ForEachBody" and (place, member) not in shared
        ),
        None,
    )


def dependencies(body: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The names in a step's DependsOn with their positions: texts, and the Step of entries with a Trigger."""
    depends = body.get("DependsOn")
    for i, entry in enumerate(depends if isinstance(depends, list) else []):
        name = entry.get("Step") if isinstance(entry, Mapping) else entry
        if isinstance(name, str):
            yield i, name


def written_out(value: Any, unknown: str = "") -> str | None:
    """A text, or the text that a Std:Join makes, as far as it is known before an execution; None for anything else.

    A part that only an execution knows is written as ``unknown``, or as ``{reference}`` where that is empty.
    """
    if isinstance(value, str):
        return value
    join = value.get("Std:Join") if isinstance(value, Mapping) and len(value) == 1 else None
    if not isinstance(join, Mapping):
        return None
    parts, on = join.get("Values"), join.get("On", "")
    if not isinstance(parts, list) or not parts or not isinstance(on, str):
        return None
    return on.join(_part(part, unknown) for part in parts)


def _part(part: Any, unknown: str) -> str:
    if isinstance(part, Mapping):
        inner = written_out(part, unknown) if "Std:Join" in part else None
        return inner if inner is not None else unknown or f"{{{part.get('Get', part)}}}"
    if isinstance(part, bool):
        return "true" if part else "false"
    return unknown or repr(part) if isinstance(part, list) or part is None else str(part)


def _is_parameter(entry: object) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get("Name"), str)


def _misspelt(holder: Mapping[str, Any], member: str) -> bool:
    """True where a member stands under a name in another case, or a nearly right one."""
    from cursus.suggest import closest

    return member not in holder and any(
        closest(name, (member,)) is not None for name in list(holder)[:20] if isinstance(name, str)
    )


class Definition:
    """A definition read once for all rules: its steps, their names, its references and its edges."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.steps = walk(definition)
        self.by_name: dict[str, PipelineStep] = {}
        for step in self.steps:
            if step.name is not None:
                self.by_name.setdefault(step.name, step)
        self.references: list[Reference] = []
        for step in self.steps:
            self.references.extend(references(step.body, step.path, step))
        for member in ("PipelineExperimentConfig",):
            self.references.extend(references(definition.get(member), (member,), None))
        found = definition.get("Parameters")
        self.parameters: dict[str, Mapping[str, Any]] = {}
        for entry in found if isinstance(found, list) else []:
            if isinstance(entry, Mapping) and isinstance(entry.get("Name"), str):
                self.parameters.setdefault(entry["Name"], entry)
        self.edges = self._edges()
        listed = definition.get("Steps")
        self.has_unnamed = not all(step.name for step in self.steps) or (
            isinstance(listed, list) and not all(isinstance(entry, Mapping) for entry in listed)
        )
        """True where a step has no name that can be read: a name that no other step has may be its own."""
        entries = found if isinstance(found, list) else []
        self.has_unread_parameters = (
            len(self.parameters) < len(entries) and not all(map(_is_parameter, entries))
        ) or (not isinstance(found, list) and (found is not None or _misspelt(definition, "Parameters")))
        """The same of the parameters."""

    def _edges(self) -> dict[str, set[str]]:
        """For each step, the steps that have to end before it starts."""
        edges: dict[str, set[str]] = {step.name: set() for step in self.steps if step.name is not None}
        names = {step.path: step.name for step in self.steps if step.type in INNER}
        for step in self.steps:
            if step.name is None or self.by_name[step.name] is not step:
                continue  # a name that stands twice makes no edges: the second step is not meant
            mine = edges[step.name]
            mine.update(name for _, name in dependencies(step.body) if name in edges)
            if step.branches:
                around = names.get(step.branches[-1][0])
                if around is not None:
                    mine.add(around)
        for reference in self.references:
            target = parse_get(reference.text)
            if target is None or target.root != "Steps" or target.name not in edges:
                continue
            here = reference.step
            if here and here.name is not None and self.by_name[here.name] is here:
                edges[here.name].add(target.name)
        return edges

    def waits(self, name: str, other: str) -> bool:
        """True where ``other`` has to end before ``name`` starts, directly or not."""
        return other in self.edges.get(name, ()) or any(here == other for here in self.before(name))

    def before(self, name: str) -> Iterator[str]:
        """The steps that have to end before ``name`` starts, the nearest first; in a circle ``name`` is one of them."""
        seen: set[str] = set()
        pending = deque(self.edges.get(name, ()))
        while pending:
            here = pending.popleft()
            if here not in seen:
                seen.add(here)
                yield here
                pending.extend(self.edges.get(here, ()))


def output_shape(operation: str) -> Mapping[str, Any] | None:
    """The JSON Schema of what a Describe operation answers; None where the service model here lacks it."""
    from cursus.aws import schema_store

    document = schema_store.document("descriptions")
    found = document["operations"].get(operation) if document else None
    return _shape(found, document["$defs"]) if document and found else None


def inner_shape(shape: Mapping[str, Any], part: str | int) -> Mapping[str, Any] | None:
    """The shape one step further down; None where there is no such member, or nothing below."""
    from cursus.aws import schema_store

    document = schema_store.document("descriptions") or {}
    inner: Any
    if "items" in shape:
        inner = shape["items"]
    elif "properties" in shape:
        inner = shape["properties"].get(part)
    else:
        inner = shape.get("additionalProperties")
    return _shape(inner, document.get("$defs", {})) if isinstance(inner, Mapping) else None


def _shape(shape: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in shape:
        shape = defs[shape["$ref"].rpartition("/")[2]]
    return shape
