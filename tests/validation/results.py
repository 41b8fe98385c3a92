"""The nine tests by name, and what is read of their results."""

from __future__ import annotations

from typing import Any

from cursus.validation.builders.results import TESTS
from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

(
    STEP,
    FRAMEWORK,
    HYPERPARAMETERS,
    CHANNELS,
    ARTIFACTS,
    MONITORING,
    DISTRIBUTED,
    PERFORMANCE,
    DEPENDENCIES,
) = NAMES = [test.name for test in TESTS]
KEYS = ["test_name", "passed", "status", "details", "errors", "warnings", "findings", "duration_seconds"]


def statuses(results: dict[str, Any]) -> dict[str, str]:
    return {name: one["status"] for name, one in results["tests"].items()}


def failed(results: dict[str, Any]) -> dict[str, list[str]]:
    return {name: one["errors"] for name, one in results["tests"].items() if one["status"] == "failed"}


def static(builder: Any, config: Any = None) -> dict[str, Any]:
    return TrainingIntegrationTests(builder, config, execute=False).run_all_tests()
