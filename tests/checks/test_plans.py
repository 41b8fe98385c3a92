"""What a plan leaves out, and what is remembered, would find nothing else: each rule is run on everything here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cursus import checks, engine
from cursus.aws import schema
from cursus.checks.examples import Example, merge
from cursus.checks.rules import RULES, SHARED, Rule
from cursus.checks.texts import FREE, READ_PLACE, WRITTEN_PLACE
from cursus.checks.views import AutoMLView, RequestView, Settings, TrainingView, TuningView
from cursus.model import Step, format_path

checks.load()

SCOPES = ("request", "training", "tuning", "automl")
EXAMPLES = [Example(rule, "Breaks") for rule in RULES.values() if rule.scope in SCOPES]
OPERATIONS = ("CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJob", "CreateAutoMLJobV2")


def everything(step: Step, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """What every rule says of a step, whether or not it has something to read."""
    views: list[tuple[str, Any]] = [("request", RequestView(step, settings))]
    if step.operation == "CreateTrainingJob":
        views.append(("training", TrainingView(step, step.request, (), settings)))
    elif step.operation == "CreateHyperParameterTuningJob":
        tuning = TuningView(step, settings)
        views.append(("tuning", tuning))
        views.extend(("training", definition) for definition in tuning.definitions)
    else:
        views.append(("automl", AutoMLView(step, settings)))
    for scope, view in views:
        for rule in RULES.values():
            if rule.scope == scope:
                for problem in rule.check(view):
                    if problem.allowable is None or problem.allowable not in settings.allow:
                        yield rule.id, problem.message, format_path((*view.path, *problem.path))


def mixed(index: int) -> Iterator[dict[str, Any]]:
    """Patches of one example and of some others on the same operation, so that members meet."""
    example = EXAMPLES[index]
    yield example.patch
    operation = example.rest.get("operation", "CreateTrainingJob")
    same = [other for other in EXAMPLES if other.rest.get("operation", "CreateTrainingJob") == operation]
    for stride in (5, 7, 11, 23, 37, 61, 97):
        yield merge(example.patch, same[(index * stride + stride) % len(same)].patch)


@pytest.mark.parametrize("index", range(len(EXAMPLES)), ids=[example.rule.id for example in EXAMPLES])
def test_a_plan_leaves_out_only_rules_with_nothing_to_find(index: int, tmp_path: Path) -> None:
    example = EXAMPLES[index]
    made = example.build(tmp_path)
    assert isinstance(made, Step)
    if made.operation not in OPERATIONS:
        pytest.skip("a request that has no view of its own")
    for patch in mixed(index):
        example.patch = patch
        step = example.build(tmp_path)
        assert isinstance(step, Step)
        if step.source is not None or schema.validate(step.operation, step.request):
            continue
        for settings in (example.settings(), Settings(region="eu-central-1", allow=("PyTorch 9.1.0",))):
            wanted = sorted(everything(step, settings))
            engine.check_step(replace(step, request=another(step.request)), settings)
            for _ in range(2):  # the second time from what is remembered
                found = engine.check_step(step, settings)
                assert sorted((f.rule, f.message, f.path) for f in found if known(f.rule)) == wanted


def another(value: Any, member: str = "", holder: str = "") -> Any:
    """The request of another job with the same outline: its open texts are others."""
    if isinstance(value, dict):
        inner = holder if holder in FREE else member
        return {key: another(each, key, inner) for key, each in value.items()}
    if isinstance(value, list):
        return [another(each, member, holder) for each in value]
    if isinstance(value, str) and member in (READ_PLACE, WRITTEN_PLACE) and holder not in FREE:
        return f"s3://another-bucket/{abs(hash(value))}/"
    is_open = holder in ("HyperParameters", "StaticHyperParameters", "Environment")
    return "another" if isinstance(value, str) and is_open else value


def known(rule: str) -> bool:
    found: Rule | None = RULES.get(rule)
    return found is not None and found.scope in SCOPES


def test_the_shared_rules_are_many() -> None:
    assert {rule.scope for rule in RULES.values() if rule.shared} == set(SHARED)
