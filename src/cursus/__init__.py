"""cursus proves that a SageMaker training step works before it costs a cent.

``cursus.check`` holds a request, a builder, a step or a file against everything that is known offline;
``cursus.run`` carries the request out on this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "check", "run"]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from cursus.local.job import TrainingJob
    from cursus.model import Report
