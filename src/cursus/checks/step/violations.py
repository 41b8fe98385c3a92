"""Violations of the service model, as the rules on them read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.aws import schema
from cursus.aws.schema import Violation
from cursus.checks.views import SchemaView
from cursus.model import Path


def of_kind(view: SchemaView, kind: str) -> list[Violation]:
    """The violations of one kind of constraint."""
    return [violation for violation in view.violations if violation.kind == kind]


def name_of(path: Path) -> str:
    """The member's name, for messages and for hiding secrets."""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def node_at(view: SchemaView, path: Path) -> Mapping[str, Any]:
    """The service model's schema of a place; empty where it has no such place."""
    document = schema.document(view.step.operation)
    return (schema.at(document, path) if document else None) or {}
