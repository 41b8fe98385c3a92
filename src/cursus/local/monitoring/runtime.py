"""Which versions a job ran with, read from the installed distributions' folder names, importing nothing."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

FRAMEWORKS = {
    "torch": "torch",
    "tensorflow": "tensorflow",
    "tensorflow_cpu": "tensorflow",
    "tensorflow_intel": "tensorflow",
    "xgboost": "xgboost",
    "xgboost_cpu": "xgboost",
    "scikit_learn": "scikit-learn",
    "mxnet": "mxnet",
    "transformers": "transformers",
    "lightning": "lightning",
    "jax": "jax",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "numpy": "numpy",
    "pandas": "pandas",
    "sagemaker_training": "sagemaker-training",
}
_NAME = re.compile(r"^([A-Za-z0-9_.]+)-([0-9][^-]*)\.(?:dist|egg)-info$")


def installed(paths: Iterable[str], python: str | None = None) -> dict[str, str]:
    """Versions of the frameworks found in ``paths``, the first one of each name, and ``python``'s, or this one's."""
    found = {"python": python or "{}.{}.{}".format(*sys.version_info[:3])}
    for path in paths:
        try:
            names = os.listdir(path)
        except OSError:
            continue
        for name in names:
            match = _NAME.match(name)
            if match:
                known = FRAMEWORKS.get(match.group(1).lower().replace(".", "_"))
                if known:
                    found.setdefault(known, match.group(2))
    return found


def missing_requirements(text: str, paths: Iterable[str]) -> list[str]:
    """The lines of a requirements file whose distribution is in none of ``paths``."""
    known: set[str] = set()
    for path in paths:
        try:
            known.update(
                re.sub(r"[-_.]+", "-", name.rsplit("-", 2)[0]).lower()
                for name in os.listdir(path)
                if name.endswith((".dist-info", ".egg-info"))
            )
        except OSError:
            continue
    missing = []
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.match(r"^(?!\S*://)([A-Za-z0-9][A-Za-z0-9._-]*)", line)
        if match and re.sub(r"[-_.]+", "-", match.group(1)).lower() not in known:
            missing.append(line)
    return missing
