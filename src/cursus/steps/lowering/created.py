"""What a builder gave, in whatever form: a request, and what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cursus.model import Finding, HookFailure, Origin, Path, UpstreamStep


@dataclass(slots=True)
class Created:
    """What ``create_step`` gave: a request and what stands beside it; an empty request where it failed."""

    request: dict[str, Any] = field(default_factory=dict)
    operation: str = "CreateTrainingJob"
    type: str = ""
    name: str = ""
    in_pipeline: bool = False
    origins: dict[Path, Origin] = field(default_factory=dict)
    failures: tuple[HookFailure, ...] = ()
    problems: tuple[Finding, ...] = ()
    region: str | None = None
    source_dir: Any = None
    entry_point: Any = None
    alone: bool = False  # the SDK uploads the entry point by itself
    framework: str | None = None
    framework_version: str | None = None
    python_version: str | None = None
    answered: tuple[str, ...] = ()
    upstream: tuple[UpstreamStep, ...] | None = None
    depends: tuple[str, ...] = ()  # the steps that the step itself says it waits for
    open_inputs: bool = False  # an estimator or tuner: whoever starts its job gives the channels
    drivers: dict[str, bytes] = field(default_factory=dict)  # the launcher of the SDK's ModelTrainer
    returned: Any = None  # what create_step returned where that is no request
