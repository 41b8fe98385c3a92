"""A request in the making: what ``create_step`` gave, and what hooks put where it had nothing."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from cursus.aws.members import listing, mapping, mappings, value_at
from cursus.aws.references import is_reference
from cursus.model import Origin, Path
from cursus.steps.lowering.tuning import not_in_definition, tuned

_TAKES: Mapping[str, frozenset[str]] = {
    "CreateAutoMLJob": frozenset({"RoleArn", "OutputDataConfig"}),
    "CreateAutoMLJobV2": frozenset({"RoleArn", "OutputDataConfig"}),
    "CreateProcessingJob": frozenset({"RoleArn"}),
}
"""By the operation: the members that it shares with a training job."""


class Draft:
    """A builder's request. A value is put only where nothing stands; every value remembers its origin.

    Paths are those of a training job's request, wherever that stands in the request: in a tuning job it is the
    training job definition.
    """

    def __init__(
        self, request: dict[str, Any], origins: dict[Path, Origin], operation: str = "CreateTrainingJob"
    ) -> None:
        self.request = request
        self.origins = origins
        self.filled: list[str] = []
        self.base: Path = ()
        self.tuned: frozenset[str] = frozenset()
        self.body = request
        self.names: dict[str, str] = {}
        """Members that the training job definition calls by another name."""
        if operation == "CreateHyperParameterTuningJob":
            self._enter_definition()

        self._takes = (
            None if operation == "CreateTrainingJob" or self.base else _TAKES.get(operation, frozenset())
        )

    def _enter_definition(self) -> None:
        """Take the one training job definition of a tuning job for the training job."""
        one, several = self.request.get("TrainingJobDefinition"), self.request.get("TrainingJobDefinitions")
        if isinstance(one, dict) and not is_reference(one) and not several:
            self.base, self.body = ("TrainingJobDefinition",), one
        elif isinstance(several, list) and len(several) == 1 and isinstance(several[0], dict) and not one:
            self.base, self.body = ("TrainingJobDefinitions", 0), several[0]
        if self.base:
            self.names = {"HyperParameters": "StaticHyperParameters"}
            if "HyperParameterTuningResourceConfig" in self.body:
                self.names["ResourceConfig"] = "HyperParameterTuningResourceConfig"
            own = tuned({"ParameterRanges": self.body.get("HyperParameterRanges")})
            self.tuned = frozenset({*tuned(self.request.get("HyperParameterTuningJobConfig")), *own})

    def place(self, path: Path) -> Path:
        """The path in the whole request of what is at ``path`` of a training job's."""
        if path and path[0] in self.names:
            path = (self.names[str(path[0])], *path[1:])
        return (*self.base, *path)

    def training_request(self) -> dict[str, Any]:
        """The request of the training job, or of one that the tuning job starts."""
        if not self.base:
            return self.request
        static = self.body.get("StaticHyperParameters")
        given = {} if static is None else {"HyperParameters": static}
        return {**self.body, **given}

    def values(self) -> dict[str, str]:
        """A value for each hyperparameter that the tuning job has a range of: the first of the range."""
        common = mapping(mapping(self.request, "HyperParameterTuningJobConfig"), "ParameterRanges")
        found: dict[str, str] = {}
        for ranges in (common, mapping(self.body, "HyperParameterRanges")):
            for _, entry in (pair for kind in ranges for pair in mappings(ranges, kind)):
                if entry.get("Name") in self.tuned:
                    first = (*listing(entry, "Values"), entry.get("MinValue"))[0]
                    found[str(entry["Name"])] = str(first)
        return found

    def fill(self, path: Path, value: Any, origin: Origin, inside: Path = ()) -> bool:
        """Put ``value`` at ``path`` unless something stands there or in the way. True where it was put.

        ``inside`` is the path of the value in what its origin gave.
        """
        if value is None or not self._fits(path):
            return False
        if path == ("HyperParameters",) and self.tuned and isinstance(value, Mapping):
            value = {name: one for name, one in value.items() if name not in self.tuned}
        container: Any = self.body
        place = self.place(path)
        for name in place[len(self.base) : -1]:
            inner = container.get(name)
            if inner is None:
                inner = container[name] = {}
            if not isinstance(inner, dict) or is_reference(inner):
                return False
            container = inner
        if container.get(place[-1]) is not None:
            return False
        # A copy: what a hook promised must not change with the request.
        container[place[-1]] = deepcopy(value) if isinstance(value, (dict, list)) else value
        self.note(place, replace(origin, inside=inside) if inside else origin)
        return True

    def note(self, place: Path, origin: Origin) -> None:
        """Remember what the value at ``place`` was filled from."""
        self.origins[place] = origin
        if origin.source not in self.filled:
            self.filled.append(origin.source)

    def _fits(self, path: Path) -> bool:
        if self.base:
            return path[0] not in not_in_definition() or path[0] == "HyperParameters"
        return self._takes is None or path[0] in self._takes

    def fill_members(self, path: Path, values: Mapping[str, Any], origin: Origin, inside: Path) -> None:
        """Put each member of ``values`` below ``path``, where that member is missing."""
        for name, value in values.items():
            if isinstance(name, str):
                self.fill((*path, name), value, origin, (*inside, name))

    def mapping(self, name: str) -> Mapping[str, Any]:
        """The mapping that the member ``name`` of the training job is; empty where it is none."""
        return mapping(self.body, self.names.get(name, name))

    def get(self, *path: str) -> Any:
        """The value at ``path``, None where there is none."""
        return value_at(self.body, self.place(path)[len(self.base) :])
