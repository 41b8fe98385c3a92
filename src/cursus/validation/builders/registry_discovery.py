"""Which type of step a builder makes."""

from __future__ import annotations

from typing import Any


def discover_step_type(builder: Any) -> str | None:
    """``Training``, ``Processing``, ``Transform``, ``CreateModel``, ``Tuning``, ``AutoML`` …, or None.

    Decided by the builder's registration, an explicit attribute, the step it returns and its hooks, in that
    order.
    """
    return explain_step_type(builder)[0]


def explain_step_type(builder: Any) -> tuple[str | None, str]:
    """The type of step that a builder makes, and what told it."""
    from cursus.steps import discovery

    return discovery.step_type(builder)
