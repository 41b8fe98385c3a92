"""Both examples of every rule are run: the one that breaks it and the one made right."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus import checks, engine
from cursus.checks.examples import Example
from cursus.checks.rules import RULES, Rule, page
from cursus.model import Finding, Pipeline
from tests.local.conftest import with_options

checks.load()


def findings(rule: Rule, heading: str, folder: Path) -> list[Finding]:
    example = Example(rule, heading)
    target = example.build(folder)
    settings = example.settings()
    if isinstance(target, Pipeline):
        return engine.check_pipeline(target, settings)[0]
    evidence = None
    if rule.scope == "run":
        from cursus.local.runner import run_step

        evidence = run_step(target, root=folder / "root", **with_options(example.run)).evidence
    return engine.check_step(target, settings, evidence)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_example_that_breaks_the_rule(rule: Rule, tmp_path: Path) -> None:
    found = findings(rule, "Breaks", tmp_path)
    assert rule.id in {finding.rule for finding in found}, found


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_example_made_right(rule: Rule, tmp_path: Path) -> None:
    found = findings(rule, "Right", tmp_path)
    assert [f for f in found if f.rule == rule.id or f.severity == "error"] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_page_is_complete(rule: Rule) -> None:
    sections = page(rule).sections
    assert rule.title.endswith((".", "?")) is False or rule.title.endswith(".")
    assert "http" in sections["Source"] or "sagemaker" in sections["Source"].lower()
    assert all(text.strip() for text in sections.values())
