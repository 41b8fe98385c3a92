"""Where values came from: lookups that cost nothing until a finding asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cursus.model import Origin, Path


class Origins(Mapping[Path, Origin]):
    """Origins that are looked for when one is asked for; to say that there is one would cost a look."""

    __slots__ = ()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True


class LazyOrigins(Origins):
    """Origins that are worked out on the first look."""

    __slots__ = ("_found", "_make")

    def __init__(self, make: Callable[[], Mapping[Path, Origin]]) -> None:
        self._make = make
        self._found: Mapping[Path, Origin] | None = None

    def _all(self) -> Mapping[Path, Origin]:
        if self._found is None:
            self._found = self._make()
        return self._found

    def __getitem__(self, path: Path) -> Origin:
        return self._all()[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._all())


class OriginsAt(Origins):
    """The origins of a document as seen from one place in it."""

    __slots__ = ("_origins", "_place")

    def __init__(self, origins: Mapping[Path, Origin], place: Path) -> None:
        self._origins = origins
        self._place = place

    def __getitem__(self, path: Path) -> Origin:
        return self._origins[self._place + path]

    def __iter__(self) -> Iterator[Path]:
        size = len(self._place)
        return (path[size:] for path in self._origins if path[:size] == self._place)


def at(origins: Mapping[Path, Origin], place: Path) -> Mapping[Path, Origin]:
    """``origins`` as seen from ``place``."""
    return OriginsAt(origins, place) if place and origins else origins
