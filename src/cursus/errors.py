"""Errors that cursus raises at its users: each names what is wrong and what to do."""

from __future__ import annotations


def first_words(error: BaseException) -> str:
    """What an error of somebody else's code says, in a line.

    The first line of a heading (``Parameter validation failed:``, ``2 validation errors for Config``) is what stands
    below it, too.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and (lines[0].endswith(":") or " validation error" in lines[0]):
        return f"{lines[0]} {'; '.join(lines[1:3])}{' …' if len(lines) > 3 else ''}"
    return lines[0] if lines else ""


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
