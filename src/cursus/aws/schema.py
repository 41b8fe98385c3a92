"""The service model, distilled: what each operation's request must look like.

``validate`` holds a request against the model and says every place where it differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cursus.model import Path

Kind = Literal[
    "required", "unknown", "type", "enum", "pattern", "length", "range", "count", "union", "not_json"
]


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a request breaks the service model.

    ``path`` is where (for a missing member: the member itself), ``kind`` which constraint, ``limit`` the
    constraint's own value (the enum, the pattern, the bound), ``value`` what was found, and ``options`` the
    names that would have been right, where there are any.
    """

    path: Path
    kind: Kind
    message: str
    value: Any = None
    limit: Any = None
    options: tuple[str, ...] = ()
