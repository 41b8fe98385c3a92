"""Dependencies point one way, and importing cursus loads nothing heavy."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cursus"
ROWS = (
    # from the bottom: each may import of cursus what stands in a row before its own
    ("model", "evidence", "errors", "suggest", "redact"),
    ("ignores", "interruptions"),
    ("aws",),
    ("script",),
    ("steps",),
    ("checks",),  # rules on what a builder's short forms hold read them with the words of the lowering
    ("engine",),
    ("local", "report"),  # the client refuses a request by the rules, as the service would
    ("validation",),
    ("config",),
    ("api",),
    ("commands",),
    ("pytest_plugin",),
)
SCRIPT_ROWS = (
    # the same for what reads scripts
    ("syntax",),
    ("facts",),
    ("source", "evaluation"),
    ("hyperparameters", "data", "checkpoints", "training", "distributed", "lines", "ends", "python"),
    ("habits",),
    ("reach",),
    ("reading",),
    ("reader",),
)
HEAVY = (
    "botocore",
    "boto3",
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


def test_every_part_has_its_row() -> None:
    parts = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or any(path.rglob("*.py"))}
    assert parts - {"__init__", "__main__"} == {part for row in ROWS for part in row}


@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda number: ROWS[number][0])
def test_dependencies_point_one_way(number: int) -> None:
    before = {part for row in ROWS[:number] for part in row} | {"__version__"}
    for part in ROWS[number]:
        place = SOURCE / part
        files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        found = {path.name: imported(path) - before - {part} for path in files}
        assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("number", range(len(SCRIPT_ROWS)), ids=lambda number: SCRIPT_ROWS[number][0])
def test_what_reads_scripts_points_one_way(number: int) -> None:
    before = {part for row in SCRIPT_ROWS[:number] for part in row}
    for part in SCRIPT_ROWS[number]:
        place = SOURCE / "script" / part
        files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        assert files
        for path in files:
            assert of_scripts(path) <= before | {part}, path.name


def of_scripts(path: Path) -> set[str]:
    """The parts of ``cursus.script`` that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[:2] == ["cursus", "script"]:
                found |= {parts[2]} if len(parts) > 2 else {alias.name for alias in node.names}
    return found


def test_what_runs_inside_a_host_needs_no_cursus() -> None:
    files = [*(SOURCE / "local" / "inside").rglob("*.py")]
    assert {path.name: wrong for path in files if (wrong := imported(path))} == {}
    assert {"init.py", "launch.py", "secure_shell.py"} <= {path.name for path in files}


def test_what_the_kernel_offers_knows_nothing_of_jobs() -> None:
    files = [*(SOURCE / "local" / "linux").rglob("*.py")]
    found = {
        name for path in files for name in re.findall(r"from (cursus[\w.]*) import", path.read_text("utf-8"))
    }
    assert {name for name in found if not name.startswith("cursus.local.linux")} == set()
    assert found


def test_importing_cursus_loads_nothing_heavy() -> None:
    code = f"import sys, cursus; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
