"""Where the values that a builder's hooks gave are written: file, line and column, by reading its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

from cursus.aws.members import MISSING, value_at
from cursus.model import Location, Origin, Path
from cursus.steps.reading.origins import Origins


class Written:
    """The source of one builder, and the file of its configuration where there is one.

    In place of a builder it may be a module or a function that gave an object: then the name of the object,
    or of the function, takes the place of the hook's.
    """

    def __init__(self, builder: Any, config: Mapping[Path, Origin]) -> None:
        self.builder = builder
        self.config = config
        self.values: Mapping[str, Any] = {}
        """What each hook gave, where that is known."""
        self._known: dict[tuple[str, Path], Location | None] = {}

    def place(self, hook: str, path: Path, given: Any) -> Location | None:
        """Where the part at ``path`` of what a hook gave is written; ``given`` is all that it gave.

        None where it is not known more exactly than that the hook gave it.
        """
        if not path and not isinstance(self.builder, ModuleType) and not _is_scalar(given):
            return None
        mark = (hook, path)
        if mark not in self._known:
            try:
                self._known[mark] = self._search(hook, path, given)
            except Exception:  # a class of the user's may raise wherever it is looked at
                self._known[mark] = None
        return self._known[mark]

    def _search(self, hook: str, path: Path, given: Any) -> Location | None:
        from cursus.steps.written.expressions import with_items
        from cursus.steps.written.mentions import mentioned
        from cursus.steps.written.roots import root
        from cursus.steps.written.trace import UNKNOWN, Trace

        value = value_at(given, path, MISSING)
        least = 0 if isinstance(self.builder, ModuleType) else 1
        while value is MISSING and len(path) > least:  # it is missing in what stands around it
            path = path[:-1]
            value = value_at(given, path, MISSING)
        if value is MISSING:
            return None
        known = UNKNOWN if isinstance(value, (Mapping, list)) else value
        get = value.get("Get") if isinstance(value, Mapping) else None
        trace = Trace(known, self.config, put_in=isinstance(get, str) and get.startswith("Parameters."))
        if hook == "config" and (given_in_file := trace.of_config(path)) is not None:
            return given_in_file.location
        start = root(self.builder, hook)
        if start is None:
            return None
        found = start.follow(trace, with_items(path, given), self.values.get(hook, UNKNOWN))
        if path and (found is None or found.left >= len(path)):
            found = mentioned(trace, start, path) or (found if isinstance(self.builder, ModuleType) else None)
        return found.location if found is not None else None


def _is_scalar(value: Any) -> bool:
    """True for what a hook gave whole: it is written where the hook returns it."""
    return isinstance(value, (str, int, float))


def of_object(owner: ModuleType | FunctionType, name: str, request: Mapping[str, Any]) -> WrittenOrigins:
    """The origins of what stands in a module under a name, or what a function returned."""
    code = owner.__code__ if isinstance(owner, FunctionType) else None
    location = Location(code.co_filename, code.co_firstlineno) if code is not None else None
    return WrittenOrigins({(): Origin(name, location)}, request, Written(owner, {}))


def _led_by(place: Location, hook: Location | None) -> Location:
    """The place of a value with that of the hook that gave it, where they are not the same line."""
    if hook is None or place.line == hook.line:
        return place
    return replace(place, through=(*place.through, hook))


class WrittenOrigins(Origins):
    """Origins whose places are looked for on the first look: the nearest origin around a value, made exact."""

    __slots__ = ("_base", "_request", "_written")

    def __init__(self, base: Mapping[Path, Origin], request: Mapping[str, Any], written: Written) -> None:
        self._base = base
        self._request = request
        self._written = written

    def __getitem__(self, path: Path) -> Origin:
        for end in range(len(path), -1, -1):
            origin = self._base.get(path[:end])
            if origin is not None:
                found = self._exact(origin, path[:end], path[end:])
                if found is origin and value_at(self._request, path, MISSING) is MISSING:
                    return self._beside(path, end) or found
                return found
        raise KeyError(path)

    def known(self) -> Mapping[Path, Origin]:
        """The origins without their exact places, which cost nothing."""
        return self._base

    def _beside(self, path: Path, end: int) -> Origin | None:
        """Of what is missing in a part that hooks filled: the origin of what they put there."""
        for size in range(len(path) - 1, end, -1):
            for known, origin in self._base.items():
                if known[:size] == path[:size]:
                    return Origin(origin.source, origin.location)
        return None

    def _exact(self, origin: Origin, around: Path, below: Path) -> Origin:
        given = value_at(self._request, around, MISSING)
        for part in reversed(origin.inside):
            given = {part: given}
        place = self._written.place(origin.source, (*origin.inside, *below), given)
        if place is None:
            return origin
        return Origin(origin.source, _led_by(place, origin.location), origin.inside)

    def __iter__(self) -> Iterator[Path]:
        return iter(self._base)


class HookPlaces(Mapping[Path, Location]):
    """The places of hooks, and of what they gave: by the hook's name, and the path in what it gave."""

    __slots__ = ("_hooks", "_values", "_written")

    def __init__(self, hooks: Mapping[str, Location], values: Mapping[str, Any], written: Written) -> None:
        self._hooks = hooks
        self._values = values
        self._written = written

    def __getitem__(self, path: Path) -> Location:
        hook, inside = str(path[0]), path[1:]
        own = self._hooks.get(hook)
        place = self._written.place(hook, inside, self._values.get(hook)) if hook in self._values else None
        if place is None and not inside:
            place = own
        if place is None:
            raise KeyError(path)
        return _led_by(place, own)

    def __iter__(self) -> Iterator[Path]:
        return ((hook,) for hook in self._hooks)

    def __len__(self) -> int:
        return len(self._hooks)
