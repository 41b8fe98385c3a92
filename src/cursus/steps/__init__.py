"""Anything a user holds, turned into a ``Step`` or a ``Pipeline``."""

from cursus.steps.requests import of_request
from cursus.steps.targets import load

__all__ = ["load", "of_request"]
