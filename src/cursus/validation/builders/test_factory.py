"""The suite that fits a builder, chosen by the type of step that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cursus.errors import CursusError
from cursus.steps.discovery import STEP_TYPES
from cursus.suggest import did_you_mean
from cursus.validation.builders.registry_discovery import explain_step_type

Suite = Callable[..., Any]
"""Called with a builder and a config; a class of tests, such as ``TrainingIntegrationTests``."""


class NoSuiteError(CursusError):
    """There is no suite for this type of step."""


ENTRY_POINTS = "cursus.test_suites"
"""Group of the entry points that name suites: ``Processing = "package.module:ProcessingTests"``."""

OWN = ("Training", "Tuning", "AutoML")
"""The types of steps that the nine tests are for: all that train."""

_REGISTERED: dict[str, Suite] = {}


def register_suite(step_type: str, suite: Suite) -> Suite:
    """Make ``suite`` the one for builders of ``step_type``, in place of any before it."""
    if not isinstance(step_type, str) or not step_type:
        raise ValueError(f"a step type is a name such as 'Processing', not {step_type!r}")
    if not callable(suite):
        raise TypeError(f"the suite for {step_type} cannot be called: {suite!r}")
    _REGISTERED[step_type] = suite
    return suite


def unregister_suite(step_type: str) -> None:
    """Take back what ``register_suite`` did for ``step_type``."""
    _REGISTERED.pop(step_type, None)


def _installed() -> dict[str, Suite]:
    """Suites that installed packages bring, by the name of their entry point: the type of step."""
    from importlib.metadata import entry_points

    return {point.name: point.load() for point in entry_points(group=ENTRY_POINTS)}


def _own() -> dict[str, Suite]:
    from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

    return dict.fromkeys(OWN, TrainingIntegrationTests)


def _built(builder: type, config: Any) -> Any:
    """The builder built with its config, where that works; else the class itself."""
    from cursus.steps.lowering import constructing

    try:
        return constructing.instance(builder, config)
    except Exception:  # the suite's own step creation says what is wrong with it
        return builder


class UniversalStepBuilderTestFactory:
    """Makes the suite that fits a builder."""

    @property
    def suites(self) -> dict[str, Suite]:
        """Every suite there is, by type of step."""
        return {**_own(), **_installed(), **_REGISTERED}

    def create_test_instance(self, builder: Any, config: Any = None, **options: Any) -> Any:
        """The suite for ``builder``: ``TrainingIntegrationTests`` for one of training, tuning or AutoML steps.

        ``options`` go to the suite (``execute=False`` …).

        Raises:
            NoSuiteError: nothing tells what the builder makes, or there is no suite for it.
        """
        whole = _built(builder, config) if isinstance(builder, type) else builder
        kind, reason = explain_step_type(whole)
        suites = self.suites
        if kind in suites:
            return suites[kind](builder, config, **options)
        known = ", ".join(sorted(suites))
        if kind is None:
            raise NoSuiteError(
                f"Nothing tells which type of step this builder makes: {reason}. Suites: {known}."
            )
        raise NoSuiteError(
            f"There is no suite for steps of type {kind} ({reason}). Suites: {known}."
            f"{did_you_mean(kind, (*suites, *STEP_TYPES)) if kind not in STEP_TYPES else ''}"
        )
