"""Python sources parsed, without the warnings that Python prints of them."""

from __future__ import annotations

import ast
import warnings


def parse(data: bytes | str, version: tuple[int, int] | None = None) -> ast.Module:
    """The module; ``version`` is the oldest Python whose syntax is taken.

    Raises SyntaxError or ValueError for what is no Python, RecursionError or MemoryError where it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data, feature_version=version)
