"""Real failures: each is seen, and its corrected twin is left alone.

``tests/cases`` holds failures of public projects, each a faulty request, definition or script with a corrected twin
that differs in the fault alone. Where ``../shared/cases`` lies beside the repository, its cases and public
requests are held to the same. ``benchmarks/cases.py`` counts both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.model import Finding
from tests import modules

ROOT = Path(__file__).resolve().parents[1]
OWN = sorted((ROOT / "tests" / "cases").glob("*.json"))
SHARED = ROOT.parent / "shared" / "cases"
FAILURES = sorted((SHARED / "failures").glob("*.json"))
KEYS = {"id", "kind", "source", "reported_error", "cause", "effect", "detectable_offline", "bad", "good"}


CASES = modules.load(ROOT / "benchmarks" / "cases.py")


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def findings(
    case: dict[str, Any], side: str, vary: bool | None = False, amiss: list[str] | None = None
) -> list[Finding]:
    region = case.get("region")
    found: list[Finding] = CASES.findings_of(case["kind"], case[side], region, True, vary, amiss)
    return found


def hold(case: dict[str, Any]) -> None:
    """The fault is seen at the level that its effect demands, and the corrected twin gives what it has to."""
    if case["detectable_offline"]:
        wanted = {"error", "warning"} if case["effect"] == "silent" else {"error"}
        found = findings(case, "bad")
        if CASES.worst(found) not in wanted:  # seen only where the run is repeated, which takes longer
            found = findings(case, "bad", vary=None)
        assert CASES.worst(found) in wanted, [f"{f.severity} {f.rule} {f.message}" for f in found]
    amiss: list[str] = []
    found = findings(case, "good", amiss=amiss)
    errors = [f"{f.rule} {f.path}: {f.message}" for f in found if f.severity == "error"]
    assert not errors
    assert not amiss


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = load(path)
    assert set(case) >= KEYS
    assert case["id"] == path.stem
    assert case["bad"] != case["good"]
    hold(case)


def test_a_twin_that_gives_other_values_is_named() -> None:
    case = load(ROOT / "tests" / "cases" / "script-metric-more-no-leading-zero.json")
    case["good"]["expected_values"] = {"model/model.json": {"slope": 7.0}}
    case["good"]["expected_metrics"] = {"loss": 123.0}
    amiss: list[str] = []
    findings(case, "good", amiss=amiss)
    assert ["model.json" in amiss[0], "loss" in amiss[1], len(amiss)] == [True, True, 2]


@pytest.mark.skipif(not FAILURES, reason="no ../shared/cases beside the repository")
@pytest.mark.parametrize("path", FAILURES, ids=lambda path: path.stem)
def test_shared_case(path: Path) -> None:
    hold(load(path))


@pytest.mark.skipif(not (SHARED / "valid.jsonl").exists(), reason="no ../shared/cases beside the repository")
def test_public_requests_have_no_error() -> None:
    judged = json.loads((ROOT / "benchmarks" / "judgements.json").read_text(encoding="utf-8"))
    for number, line in enumerate((SHARED / "valid.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        accepted = judged.get(str(number), {}).get("rules", [])
        errors = [
            f"{f.rule} {f.path}: {f.message}"
            for f in cursus.check(json.loads(line)["request"]).findings
            if f.severity == "error" and f.rule not in accepted
        ]
        assert not errors, f"valid.jsonl:{number}"
