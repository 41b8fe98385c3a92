"""What members that the API does not know were meant to be: misspelt, in the SDK's words, or standing elsewhere.

One mistake is told once: a member that is missing where an unknown one belongs is not told again, and every other rule
takes it for given, with a value that is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any

from cursus.aws import schema
from cursus.aws.members import MISSING, value_at
from cursus.aws.schema import Violation
from cursus.aws.tables import table
from cursus.checks.type_words import TYPES
from cursus.model import Path
from cursus.suggest import closest, plain_name

MAX_SOUGHT = 50
"""Unknown members of one request that are looked for at other places than their own."""
HELD = ("HyperParameters", "StaticHyperParameters", "TextGenerationHyperParameters")
ALIKE = (
    ("InputDataConfig", "AutoMLJobInputDataConfig", "ProcessingInputs", "TransformInput"),
    ("OutputDataConfig", "ProcessingOutputConfig", "ProcessingOutputs", "TransformOutput"),
    ("ResourceConfig", "ProcessingResources", "TransformResources"),
    ("AlgorithmSpecification", "AppSpecification", "PrimaryContainer"),
    ("TrainingImage", "ImageUri", "Image"),
    ("RoleArn", "ExecutionRoleArn"),
    ("VpcConfig", "NetworkConfig"),
    ("AutoMLJobConfig", "AutoMLProblemTypeConfig"),
    ("TrainingJobDefinition", "TrainingJobDefinitions"),
    ("HyperParameterRanges", "ParameterRanges"),
    ("StaticHyperParameters", "HyperParameters"),
)
"""What the requests of several operations call the same thing."""

Words = frozenset[tuple[str, ...]]


def places(operation: str, request: Any, violations: Sequence[Violation]) -> dict[Path, Path]:
    """For each unknown member of a request that something can be meant by: where that belongs.

    What only holds members that belong around it has the place of what is around it.
    """
    unknown = [violation for violation in violations if violation.kind == "unknown"]
    if not unknown:
        return {}
    missing = {violation.path for violation in violations if violation.kind == "required"}
    found: dict[Path, Path] = {}
    for number, violation in enumerate(unknown):
        place: Path | None
        if wrapped(request, violation):
            place = violation.path[:-1]
        elif number < MAX_SOUGHT:
            place = _Member(operation, request, violation, missing, found).place()
        else:
            near = closest(str(violation.path[-1]), violation.options)
            place = None if near is None else (*violation.path[:-1], near)
        if place is not None:
            found[violation.path] = place
    return found


def wrapped(request: Any, violation: Violation) -> list[str]:
    """The members of what is around an unknown member that stand in this, as in ``{TrainingJobDefinition: {…}}``."""
    value = value_at(request, violation.path)
    if not isinstance(value, Mapping):
        return []
    found = [name for name in violation.options if name in value]
    return found if len(found) > max(1, len(value) // 2) else []


def taken(operation: str, request: Any, violation: Violation) -> Path | None:
    """The nearest place of an unknown member's name that the request has something at already."""
    return _Member(operation, request, violation, set(), {}).taken()


def answered(name: str) -> bool:
    """True for a member that Describe operations answer with, beside what a job was made with."""
    return name == "ResponseMetadata" or name in table("limits")["answers"]


def operations_with(operation: str, name: str) -> list[str]:
    """The other operations in whose requests a member of this name stands at the top."""
    return [
        other
        for other in schema.JOB_NAMES
        if other != operation and name in ((schema.document(other) or {}).get("properties") or {})
    ]


def given(request: Any, path: Path) -> bool:
    """True where a request has something at a path."""
    return value_at(request, path, MISSING) is not MISSING


class _Member:
    """A member that the API does not know, and what is missing around it."""

    def __init__(
        self,
        operation: str,
        request: Any,
        violation: Violation,
        missing: set[Path],
        found: Mapping[Path, Path],
    ) -> None:
        from cursus.steps.written.names import meanings

        self.operation, self.request = operation, request
        self.around, self.name = violation.path[:-1], str(violation.path[-1])
        self.value = value_at(request, violation.path)
        self.words = meanings(self.name)
        self.missing = missing - {*found.values()}
        self.beside = {place[:-1] for path, place in found.items() if path[:-1] == self.around}
        self.options = [o for o in violation.options if not given(request, (*self.around, o))]
        self.twice = self._second(violation.options)
        self.lacking = [o for o in self.options if (*self.around, o) in self.missing]

    def place(self) -> Path | None:
        """The place that was meant, from the surest reason to the least."""
        own = self._same() or self._called_otherwise() or self._longer(self.lacking)
        if own is None:
            place = self._elsewhere(frozenset({(plain_name(self.name),)}))
            place = (
                place
                or self._elsewhere(self.words, there=True)
                or self._held()
                or self._elsewhere(self.words)
            )
            if place is not None:
                return place
            own = self._alike()
            if own is None and self.twice is None and not self._foreign():
                own = closest(self.name, self.options) or self._alone() or self._longer(self.options)
        return None if own is None else (*self.around, own, *self._inside(own))

    def taken(self) -> Path | None:
        if self.twice is not None:
            return (*self.around, self.twice)
        return self._elsewhere(frozenset({(plain_name(self.name),)}), taken=True)

    def _second(self, options: Sequence[str]) -> str | None:
        """The member beside it that is given, and that it is a second time: misspelt, or in another request's word."""
        near = closest(self.name, options)
        same = {other for group in ALIKE if self.name in group for other in group}
        given = [option for option in options if option not in self.options]
        return near if near in given else next((option for option in given if option in same), None)

    def _same(self) -> str | None:
        return next((option for option in self.options if plain_name(option) == plain_name(self.name)), None)

    def _called_otherwise(self) -> str | None:
        """The member of this structure that the SDK has another word for, a required one first."""
        ends = _plain_names(self.around)
        found = [
            option
            for option in self.options
            if any((*ends, plain_name(option))[-len(word) :] == word for word in self.words)
        ]
        return next((option for option in found if option in self.lacking), found[0] if found else None)

    def _longer(self, options: list[str]) -> str | None:
        """The member that has a longer name, or a shorter one: JobName, AutoMLJobInputDataConfig."""
        found = [o for o in options if o.endswith(self.name) or self.name.endswith(o)]
        return found[0] if len(found) == 1 and len(self.name) > 3 else None

    def _alike(self) -> str | None:
        """What this is called in the request of another operation."""
        same = {other for group in ALIKE if self.name in group for other in group}
        return next((option for option in self.options if option in same), None)

    def _inside(self, own: str) -> Path:
        """The member of another member that has this one's shape: ``Outputs`` of ``ProcessingOutputConfig`` for a list."""
        node = schema.at(schema.document(self.operation) or {}, (*self.around, own)) or {}
        members = node.get("properties") or {}
        if isinstance(self.value, Mapping):
            names = (
                []
                if any(name in members for name in self.value)
                else [
                    name
                    for name, each in members.items()
                    if {*self.value} & {*(each.get("properties") or {})}
                ]
            )
        else:
            names = [
                name
                for name, each in members.items()
                if isinstance(self.value, TYPES.get(str(each.get("type")), ()))
            ]
        return (names[0],) if len(names) == 1 and node.get("type") == "object" else ()

    def _foreign(self) -> bool:
        """True for a member of another operation's request."""
        return not self.around and bool(operations_with(self.operation, self.name))

    def _alone(self) -> str | None:
        """The only required member that is missing beside it, if it takes such a value."""
        if len(self.lacking) != 1:
            return None
        node = schema.at(schema.document(self.operation) or {}, (*self.around, self.lacking[0])) or {}
        kinds = TYPES.get(str(node.get("type")), ())
        return self.lacking[0] if isinstance(self.value, kinds) and self.value != "" else None

    def _elsewhere(self, words: Words, *, taken: bool = False, there: bool = False) -> Path | None:
        """The nearest place of this name, of those that the request has or that would stand right beside it.

        ``taken``: of those at which there is something; ``there``: of those in what the request has.
        """
        near = tuple(0 if isinstance(part, int) else part for part in self.around)
        best: tuple[tuple[bool, int, bool, bool], Path] | None = None
        for place in _named(self.operation, words):
            pairs = zip(place[:-1], near, strict=False)
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            real = (*self.around[:shared], *place[shared:])
            held = given(self.request, real[:-1])
            if real[:-1] == self.around or given(self.request, real) != taken:
                continue
            if not held and (there or real[:-2] != self.around):
                continue
            rank = (real[:-1] in self.beside, shared, held, real in self.missing)
            if best is None or rank > best[0]:
                best = (rank, real)
        return None if best is None else best[1]

    def _held(self) -> Path | None:
        """The place among hyperparameters of what is no name of the API's at all, where the request has none of these."""
        if not self.name[:1].islower() or isinstance(self.value, (dict, list)):
            return None
        return next(((*self.around, held, self.name) for held in HELD if held in self.options), None)


def _plain_names(path: Path) -> tuple[str, ...]:
    return tuple(plain_name(part) for part in path if isinstance(part, str))


@lru_cache(maxsize=64)
def _named(operation: str, words: Words) -> tuple[Path, ...]:
    """The places of a model whose ends are one of these, as plain names."""
    found = []
    for place in _members(operation):
        names = _plain_names(place)
        if any(names[-len(word) :] == word for word in words):
            found.append(place)
    return tuple(found)


@lru_cache(maxsize=16)
def _members(operation: str) -> tuple[Path, ...]:
    """The paths of all members of an operation's model, the outer ones first."""
    return tuple(_walk(schema.document(operation) or {}))


def _walk(document: Mapping[str, Any]) -> Iterator[Path]:
    queue: list[Path] = [()]
    for path in queue:
        node = schema.at(document, path) or {}
        for name in node.get("properties", ()):
            yield (*path, name)
            queue.append((*path, name))
        if "items" in node:
            queue.append((*path, 0))
