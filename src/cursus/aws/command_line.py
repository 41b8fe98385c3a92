"""How the training toolkit writes hyperparameters on a script's command line.

``to_cmd_args`` in https://github.com/aws/sagemaker-training-toolkit/blob/master/src/sagemaker_training/mapping.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping


def flag(name: str) -> str:
    """``--epochs``, and ``-k`` for a name of one letter; empty for an empty name."""
    if not name:
        return ""
    return f"--{name}" if len(name) > 1 else f"-{name}"


def word(value: object) -> str:
    """A value as it stands behind its flag: a mapping as ``a=1,b=2``, None as an empty word."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)


def decoded(value: str) -> str:
    """A hyperparameter's text of a request as it stands there: JSON is read first, anything else stays."""
    try:
        return word(json.loads(value))
    except (ValueError, RecursionError):
        return value
