"""Rules are loaded by scope; no rule may be lost by that."""

from __future__ import annotations

import pytest

from cursus import checks
from cursus.checks.rules import RULES

checks.load()


@pytest.mark.parametrize("name", checks.MODULES)
def test_modules_hold_no_rule_of_another_scope(name: str) -> None:
    found = {rule.scope for rule in RULES.values() if rule.check.__module__ == f"cursus.checks.{name}"}
    assert found <= set(checks.scopes(name) or found)


def test_what_is_held_to_a_scope_is_there() -> None:
    assert checks.ONLY.keys() <= {*checks.MODULES, *(name.partition(".")[0] for name in checks.MODULES)}


def test_modules_without_rules_for_training_jobs_do_not_hold_up_a_training_job() -> None:
    for_training = {rule.check.__module__ for rule in RULES.values() if rule.scope == "training"}
    others = {name for name in checks.MODULES if f"cursus.checks.{name}" not in for_training}
    assert all("training" not in (checks.scopes(name) or ("training",)) for name in others)


def test_every_rule_is_in_a_module_that_is_loaded() -> None:
    known = {f"cursus.checks.{name}" for name in checks.MODULES}
    assert {rule.check.__module__ for rule in RULES.values()} <= known
