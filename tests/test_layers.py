"""Dependencies point one way, and importing cursus loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cursus"

LAYERS: dict[str, set[str]] = {
    # package or module → what it may import of cursus, beside itself
    "model": set(),
    "errors": set(),
    "suggest": set(),
    "redact": set(),
    "ignores": {"model", "errors"},
    "interruptions": {"model"},
    "aws": {"model", "errors", "suggest", "redact"},
    "script": {"model", "errors", "suggest", "redact", "aws"},
    "steps": {"model", "errors", "suggest", "redact", "aws", "script"},
    # Rules on what a builder's short forms hold read the forms with the words of the lowering itself.
    "checks": {"model", "errors", "suggest", "redact", "ignores", "interruptions", "aws", "script", "steps"},
    # The client takes a request as the commands do.
    "local": {
        "model",
        "errors",
        "suggest",
        "redact",
        "interruptions",
        "aws",
        "script",
        "steps",
        "checks",
        "engine",
    },
}
HEAVY = (
    "botocore",
    "boto3",
    "optuna",
    "rich",
    "sagemaker",
    "yaml",
    "jsonschema_rs",
    "click",
    "psutil",
    "isal",
)


def imported(path: Path) -> set[str]:
    """The parts of cursus that a file imports, at the top or late."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "cursus":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {parts[1] for parts in names if parts[0] == "cursus" and len(parts) > 1}
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_dependencies_point_one_way(layer: str) -> None:
    place = SOURCE / layer
    files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    allowed = LAYERS[layer] | {layer, "__version__"}
    wrong = {path.name: imported(path) - allowed for path in files if imported(path) - allowed}
    assert wrong == {}


def test_importing_cursus_loads_nothing_heavy() -> None:
    code = f"import sys, cursus; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
