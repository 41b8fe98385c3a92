"""The nine tests by name, and what one of them returns: a plain dict that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cursus.model import Area, Finding
from cursus.redact import redact
from cursus.report.json_data import plain

Result = dict[str, Any]
"""``test_name``, ``passed`` (True, False, None where skipped), ``status``, ``details``, ``errors``,
``warnings``, ``findings``, ``duration_seconds``."""


@dataclass(frozen=True, slots=True)
class LevelFourTest:
    """One of the nine tests: the name of its method, a short id for people, and the area that it views."""

    name: str
    id: str
    title: str
    area: Area


TESTS: tuple[LevelFourTest, ...] = (
    LevelFourTest("test_complete_training_step_creation", "step-creation", "Step creation", "step"),
    LevelFourTest(
        "test_framework_specific_training_workflow", "framework-workflow", "Framework workflow", "framework"
    ),
    LevelFourTest(
        "test_hyperparameter_optimization_integration",
        "hyperparameters",
        "Hyperparameters and tuning",
        "hyperparameters",
    ),
    LevelFourTest("test_data_channel_integration", "data-channels", "Data channels", "channels"),
    LevelFourTest("test_model_artifact_generation", "model-artifacts", "Model artifacts", "artifacts"),
    LevelFourTest("test_training_job_monitoring", "monitoring", "Monitoring", "monitoring"),
    LevelFourTest(
        "test_distributed_training_integration", "distributed", "Distributed training", "distributed"
    ),
    LevelFourTest(
        "test_training_performance_optimization", "performance", "Performance and resources", "resources"
    ),
    LevelFourTest(
        "test_training_dependency_resolution", "dependencies", "Dependency resolution", "dependencies"
    ),
)
BY_NAME = {test.name: test for test in TESTS}


def spell(finding: Finding) -> str:
    """A finding as one line: its rule, what is wrong, and what to write instead."""
    message = finding.message if finding.message.endswith((".", "!", "?")) else f"{finding.message}."
    remedy = f" Remedy: {finding.remedy}" if finding.remedy else ""
    return f"{finding.rule}: {message}{remedy}"


def result(
    test: LevelFourTest,
    *,
    details: Mapping[str, Any],
    errors: Iterable[str],
    warnings: Iterable[str],
    findings: Iterable[Finding],
    skipped: str | None,
    seconds: float,
) -> Result:
    """The dict of one test: failed where there are errors; ``skipped`` says why it had nothing to look at."""
    wrong = list(dict.fromkeys(errors))
    status = "failed" if wrong else "skipped" if skipped else "passed"
    shown: dict[str, Any] = dict(redact(plain(details)))
    if status == "skipped":
        shown["skipped"] = plain(skipped)
    return {
        "test_name": test.name,
        "passed": {"failed": False, "skipped": None, "passed": True}[status],
        "status": status,
        "details": shown,
        "errors": [plain(str(redact(error))) for error in wrong],
        "warnings": [plain(str(redact(warning))) for warning in dict.fromkeys(warnings)],
        "findings": [redact(plain(finding.to_dict())) for finding in findings],
        "duration_seconds": round(seconds, 6),
    }
