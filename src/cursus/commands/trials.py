"""What the nine tests are run on: the steps of each target, with the failures that are expected of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cursus.commands.project import Project, guarded, quiet
from cursus.config import StepEntry
from cursus.errors import TargetError
from cursus.model import Pipeline, Step, UpstreamStep
from cursus.steps.kinds import TRAINS

if TYPE_CHECKING:
    from cursus.validation.builders.results import Result
    from cursus.validation.builders.trial import Trial

OnEvent = Callable[[Any], None]


@dataclass(frozen=True)
class Subject:
    """One step to test, or why there is none (``readable``: the target holds nothing that could be tested).

    ``suite`` is one that somebody registered for another type of step; it has ``run_all_tests``.
    ``expected`` maps the name of a test that is known to fail to the reason.
    """

    label: str
    trial: Trial | None = None
    suite: Any = None
    failure: str = ""
    readable: bool = False
    expected: Mapping[str, str] = field(default_factory=dict)

    def results(self, tests: Iterable[str] | None = None) -> Iterator[Result]:
        """The results of ``tests`` (all nine where None), each as it ends."""
        from cursus.validation.builders.suite import run_tests

        if self.trial is None:
            return
        pending = run_tests(self.trial, tests)
        while True:
            with quiet():
                result = next(pending, None)
            if result is None:
                return
            yield judged(result, self.expected)

    def verdict(self, results: Iterable[Result]) -> dict[str, Any]:
        """What ``run_all_tests`` returns, with expected failures counted as what they are."""
        from cursus.validation.builders.suite import summarise

        assert self.trial is not None
        found = list(results)
        with quiet():
            whole = summarise(self.trial, found)
        created = found[0] if found else {"passed": False}
        sound = created["passed"] is True or created.get("expectation") == "expected"
        whole["all_tests_passed"] = sound and not any(is_failure(result) for result in found)
        whole["summary"]["expected_failures"] = sum(r.get("expectation") == "expected" for r in found)
        run = self.trial.run
        whole["local_run"] = {"summary": run.summary, "warning": run.warning, **run.job}
        return whole


def judged(result: Result, expected: Mapping[str, str]) -> Result:
    """The result; ``expectation`` says whether a failure that was expected came (``expected``) or not."""
    reason = expected.get(result["test_name"])
    if reason is None or result["status"] == "skipped":
        return result
    met = "expected" if result["status"] == "failed" else "unexpected"
    return {**result, "expectation": met, "expected_reason": reason}


def is_failure(result: Result) -> bool:
    """True where a test failed and was not expected to, or passed and was expected to fail."""
    expectation = result.get("expectation")
    return expectation == "unexpected" or (result["status"] == "failed" and expectation is None)


def subjects(
    project: Project, entry: StepEntry, *, execute: bool, timeout: float | None, on_event: OnEvent | None
) -> list[Subject]:
    """The steps of one target. A builder that cannot make its step is a subject too: it fails there."""
    from cursus.validation.builders.trial import Trial

    expected = {one.test: one.reason for one in entry.expect_fail}

    def trial(target: Any) -> Trial:
        return Trial(
            target,
            entry.config,
            execute=execute,
            settings=project.settings(entry),
            root=project.root,
            containers=project.containers(entry),
            timeout=timeout,
            on_event=on_event,
        )

    suite = _registered_suite(entry)
    if suite is not None:
        return [Subject(entry.label, suite=suite, expected=expected)]
    errors: list[TargetError] = []
    loaded, failure = guarded(lambda: project.load(entry, errors))
    if failure:
        builder, unusable = guarded(lambda: _builder(entry.target))
        if unusable or builder is None:
            return [Subject(entry.label, failure=failure)]
        return [Subject(entry.label, trial(builder), expected=expected)]
    unreadable = [Subject(entry.label, failure=str(error)) for error in errors]
    steps = [step for step in all_steps(loaded) if step.operation in TRAINS]
    if not steps and unreadable:
        return unreadable
    if not steps:
        nothing = "there is no training, tuning or AutoML step in it to test"
        return [Subject(entry.label, failure=nothing, readable=True)]
    several = len(steps) > 1
    return unreadable + [
        Subject(
            f"{entry.label}#{step.name}" if several else entry.label,
            trial(_with_local(step, entry)),
            expected=expected,
        )
        for step in steps
    ]


def _registered_suite(entry: StepEntry) -> Any:
    """The suite that somebody registered for what this builder makes; None where ours is the one, or there is none."""
    from cursus.validation.builders.test_factory import OWN, UniversalStepBuilderTestFactory
    from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

    others = UniversalStepBuilderTestFactory().suites.keys() - set(OWN)
    builder = guarded(lambda: _builder(entry.target))[0] if others or ":" in entry.target else None
    factory = UniversalStepBuilderTestFactory()  # importing the builder may have registered more
    if builder is None or all(suite is TrainingIntegrationTests for suite in factory.suites.values()):
        return None
    from cursus.validation.builders.registry_discovery import discover_step_type

    with quiet():
        kind = discover_step_type(builder)
    if kind is None or factory.suites.get(kind) in (None, TrainingIntegrationTests):
        return None
    return factory.create_test_instance(builder, entry.config)


def _builder(target: str) -> Any:
    """The builder itself, where a target names one."""
    from cursus.steps.imports import named_object

    path, colon, name = target.rpartition(":")
    with quiet():
        return named_object(path, name) if colon and path and name else None


def all_steps(loaded: Iterable[Step | Pipeline]) -> list[Step]:
    """The steps themselves, those of pipelines included."""
    found: list[Step] = []
    for item in loaded:
        if isinstance(item, Pipeline):
            from cursus.steps.pipelines import expand

            around = {one.name: one for one in _around(item)}
            found.extend(_with_upstream(step, around) for step in expand(item))
        else:
            found.append(item)
    return found


def _with_upstream(step: Step, around: Mapping[str, UpstreamStep]) -> Step:
    """The step with those that its request refers to; with all others, where one of those is not there."""
    from cursus.aws.pipelines import parse_get, references

    targets = [parse_get(one.text) for one in references(step.request, (), None)]
    wanted = {one.name for one in targets if one is not None and one.root == "Steps"}
    if not wanted:
        return step
    names = wanted if wanted <= around.keys() else around
    upstream = tuple(around[name] for name in names if name != step.name)
    return replace(step, promises=replace(step.promises, upstream=upstream))


def _around(pipeline: Pipeline) -> Iterator[UpstreamStep]:
    """The steps of a pipeline as those around one of them."""
    from cursus.aws.members import mapping, mappings
    from cursus.aws.pipelines import walk
    from cursus.steps.lowering.upstream import upstream_step

    for member in walk(pipeline.definition):
        config = mapping(mapping(member.body, "Arguments"), "ProcessingOutputConfig")
        outputs = [one.get("OutputName") for _, one in mappings(config, "Outputs")]
        yield upstream_step({**member.body, "outputs": outputs if "Outputs" in config else None})


def with_source(step: Step, entry: StepEntry) -> Step:
    """The step with the source code that the entry names; a pipeline's steps come without."""
    if step.source is not None or (entry.source_dir is None and entry.entry_point is None):
        return step
    from cursus.steps.sources import source_code

    return replace(step, source=source_code(entry.source_dir, entry.entry_point, step.request))


def _with_local(step: Step, entry: StepEntry) -> Step:
    """The step with the source code, data and artifacts that the entry names."""
    step = with_source(step, entry)
    if not entry.channels and not entry.expected_artifacts:
        return step
    promises = step.promises
    promises = replace(
        promises,
        local_channels={**promises.local_channels, **entry.channels},
        expected_artifacts=tuple(
            dict.fromkeys((*step.promises.expected_artifacts, *entry.expected_artifacts))
        ),
    )
    return replace(step, promises=promises)
