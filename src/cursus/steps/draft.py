"""A request in the making: what ``create_step`` gave, and what hooks put where it had nothing."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from cursus.model import Origin, Path


class Draft:
    """A builder's request. A value is put only where nothing stands; every value remembers its origin."""

    def __init__(self, request: dict[str, Any], origins: dict[Path, Origin]) -> None:
        self.request = request
        self.origins = origins
        self.filled: list[str] = []

    def fill(self, path: Path, value: Any, source: str, origin: Origin, inside: Path = ()) -> bool:
        """Put ``value`` at ``path`` unless something stands there or in the way. True where it was put.

        ``inside`` is the path of the value in what its source gave.
        """
        if value is None:
            return False
        container: Any = self.request
        for name in path[:-1]:
            inner = container.get(name)
            if inner is None:
                inner = container[name] = {}
            if not isinstance(inner, dict) or _is_variable(inner):
                return False
            container = inner
        if container.get(path[-1]) is not None:
            return False
        # A copy: what a hook promised must not change with the request.
        container[path[-1]] = deepcopy(value) if isinstance(value, (dict, list)) else value
        self.origins[path] = replace(origin, inside=inside) if inside else origin
        if source not in self.filled:
            self.filled.append(source)
        return True

    def fill_members(
        self, path: Path, values: Mapping[str, Any], source: str, origin: Origin, inside: Path = ()
    ) -> None:
        """Put each member of ``values`` below ``path``, where that member is missing."""
        for name, value in values.items():
            if not isinstance(name, str):
                continue
            self.fill((*path, name), value, source, origin, (*inside, name))

    def get(self, *path: str) -> Any:
        """The value at ``path``, None where there is none."""
        value: Any = self.request
        for name in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value


def _is_variable(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet")
