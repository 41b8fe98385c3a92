"""Which type of step a builder makes: ``Training``, ``Processing``, … (``steps.discovery``)."""

from cursus.steps.discovery import discover_step_type
from cursus.steps.discovery import step_type as explain_step_type

__all__ = ["discover_step_type", "explain_step_type"]
