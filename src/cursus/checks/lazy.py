"""Attributes of views that are worked out when a rule first reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801 (a decorator, as property is)
    """An attribute that is worked out when it is first read: ``functools.cached_property`` without its lock."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make = make
        self.name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, view: None, owner: type) -> lazy[T]: ...

    @overload
    def __get__(self, view: object, owner: type) -> T: ...

    def __get__(self, view: object | None, owner: type) -> lazy[T] | T:
        if view is None:
            return self
        value = self.make(view)
        view.__dict__[self.name] = value  # found there from now on, before this
        return value
