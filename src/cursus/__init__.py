"""cursus proves that a SageMaker training step works before it costs a cent.

``check`` holds a request, a builder, a step or a file against everything that is known offline;
``run`` carries the request out on this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cursus.api import check, run

__version__ = "0.1.0"
__all__ = ["__version__", "check", "run"]


def __getattr__(name: str) -> Any:
    """``check`` and ``run``, imported when they are first asked for: ``import cursus`` costs nothing."""
    if name not in ("check", "run"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cursus import api

    found = globals()[name] = getattr(api, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
