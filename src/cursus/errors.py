"""Errors that cursus raises at its users: each names what is wrong and what to do."""

from __future__ import annotations


class CursusError(Exception):
    """Base of every error that cursus raises on purpose. Commands end with exit code 2."""


class TargetError(CursusError):
    """What was given is no builder, request, definition or file that cursus can read."""


class ConfigurationError(CursusError):
    """A configuration (``[tool.cursus]``, ``cursus.toml``, a builder's config) cannot be used."""


class RunError(CursusError):
    """A request cannot be run here at all: not a training job, no code, a name in use."""


class NameInUseError(RunError):
    """The TrainingJobName is that of another job in the same root."""
