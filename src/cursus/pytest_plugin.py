"""The pytest plugin: one item for each step and Level 4 test, on one local run a step.

``pytest --cursus`` collects the steps of ``[tool.cursus]`` (or those of the ini option ``cursus_steps``).
``parametrize_with_tests`` makes the same of a test function of your own, in the manner of scikit-learn's
``parametrize_with_checks``.

pytest loads this module in every session of its users, so it imports nothing that is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cursus.commands.trials import Subject
    from cursus.validation.builders.results import Result
    from cursus.validation.builders.trial import Trial


class StepTestError(AssertionError):
    """A Level 4 test failed; the text holds its findings."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cursus``, ``--cursus-config``, ``--cursus-no-run`` and the ini option ``cursus_steps``."""
    group = parser.getgroup("cursus", "SageMaker training steps")
    group.addoption("--cursus", action="store_true", help="test the steps of [tool.cursus] or cursus_steps")
    group.addoption("--cursus-config", metavar="FILE", help="the cursus.toml or pyproject.toml to use")
    group.addoption("--cursus-no-run", action="store_true", help="leave the local training runs out")
    parser.addini(
        "cursus_steps", "steps to test with --cursus, one TARGET a line", type="linelist", default=[]
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the items of the steps, before ``-k`` and ``-m`` select among all of them."""
    if config.getoption("--cursus") and not any(isinstance(item, StepTest) for item in items):
        try:
            items.extend(_collector(session, config).collect())
        except pytest.Collector.CollectError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the configuration file where it is named itself, as in the id of an item."""
    if parent.config.getoption("--cursus") and file_path.suffix == ".toml":
        collector = _collector(parent.session, parent.config)
        if collector.path == file_path:
            return collector
    return None


def _collector(session: pytest.Session, config: pytest.Config) -> StepFile:
    from cursus.config import find

    named = config.getoption("--cursus-config")
    file = (
        Path(named) if named else find(config.rootpath) or config.inipath or config.rootpath / "cursus.toml"
    )
    return StepFile.from_parent(session, path=file.absolute())


class StepFile(pytest.File):
    """The configuration file, as the parent of the items of all steps that it lists."""

    def collect(self) -> Iterable[StepTest]:
        """One item for each step and test."""
        import click

        from cursus.commands.project import Choices, Project
        from cursus.errors import CursusError
        from cursus.validation.builders.results import TESTS

        named = self.config.getoption("--cursus-config")
        targets = tuple(self.config.getini("cursus_steps"))
        config = named or (str(self.path) if self.path.is_file() and _is_configuration(self.path) else None)
        try:
            project = Project(targets, config, Choices())
        except (CursusError, click.UsageError) as error:
            raise self.CollectError(f"cursus: {error}") from None
        for entry in project.entries:
            shared = _Shared(project, entry, execute=not self.config.getoption("--cursus-no-run"))
            for test in TESTS:
                name = f"{test.name}[{entry.label}]"
                item: StepTest = StepTest.from_parent(self, name=name, shared=shared, test=test.name)
                if self.config.pluginmanager.hasplugin("xdist"):
                    item.add_marker(pytest.mark.xdist_group(f"cursus {entry.label}"))
                yield item


def _is_configuration(file: Path) -> bool:
    from cursus.config import find

    return find(file.parent) == file


class _Shared:
    """The subjects of one entry, made when the first item of the step needs them."""

    def __init__(self, project: Any, entry: Any, *, execute: bool) -> None:
        self.project = project
        self.entry = entry
        self.execute = execute
        self.told: set[str] = set()

    def tell(self, subject: Subject) -> None:
        """Fail for what cannot be read; where an item before has told so, skip."""
        __tracebackhide__ = True
        if subject.failure in self.told:
            pytest.skip(f"{subject.label} could not be read, as the test before says")
        self.told.add(subject.failure)
        raise StepTestError(f"{subject.label}: {subject.failure}")

    @cached_property
    def subjects(self) -> list[Subject]:
        from cursus.commands.trials import subjects

        return subjects(self.project, self.entry, execute=self.execute, timeout=None, on_event=None)


class StepTest(pytest.Item):
    """One Level 4 test of one step."""

    def __init__(self, *, shared: _Shared, test: str, **options: Any) -> None:
        super().__init__(**options)
        self.shared = shared
        self.test = test
        reason = {one.test: one.reason for one in shared.entry.expect_fail}.get(test)
        if reason is not None:
            self.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=StepTestError))

    def runtest(self) -> None:
        """Run the test; one local run serves all tests of the step."""
        results: list[Result] = []
        for subject in self.shared.subjects:
            if subject.failure:
                self.shared.tell(subject)
            results.extend(subject.results([self.test]))
        settle(results)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings, without a traceback through cursus."""
        if isinstance(excinfo.value, StepTestError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the item comes from: the configuration."""
        return self.path, None, self.name


def settle(results: Iterable[Result]) -> None:
    """Raise for results that failed; skip where all were skipped."""
    __tracebackhide__ = True
    found = list(results)
    failed = [result for result in found if result["status"] == "failed"]
    if failed:
        raise StepTestError("\n".join(failure_text(result) for result in failed))
    if found and all(result["status"] == "skipped" for result in found):
        pytest.skip(str(found[0]["details"].get("skipped") or "nothing to look at"))


def failure_text(result: Result) -> str:
    """The findings of a failed test, as ``cursus test`` prints them below its name."""
    import textwrap

    from cursus.report.plain import Style
    from cursus.report.text import explained

    return textwrap.dedent("\n".join(map(str.rstrip, explained(result, Style(False)))))


def parametrize_with_tests(
    builders: Iterable[Any],
    config: Any = None,
    *,
    expect_fail: Mapping[str, str] | Callable[[Any], Mapping[str, str]] | None = None,
    execute: bool = True,
    root: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Parametrize a test function over builders and the nine Level 4 tests.

    ::

        @parametrize_with_tests([ChurnBuilder, FraudBuilder], config)
        def test_step(builder, step_test):
            step_test(builder)

    The ids are ``ChurnBuilder-test_data_channel_integration`` and so on, for ``-k``.

    Args:
        builders: builder instances or classes, requests or ``Step`` objects.
        config: the flat training configuration, or a function that gives one for a builder.
        expect_fail: names of tests that must fail, each with the reason; or a function of the builder that
            gives them. A test that then passes fails: the expectation is strict.
        execute: run the steps on this machine, where there is source code and data. One run a builder.
        root: the folder of local jobs.

    Raises:
        ValueError: ``expect_fail`` names none of the nine tests, or gives no reason.
    """
    from cursus.suggest import did_you_mean
    from cursus.validation.builders.results import BY_NAME

    parameters = []
    for builder in builders:
        made = config(builder) if callable(config) else config
        expected = dict(expect_fail(builder) if callable(expect_fail) else expect_fail or {})
        for name, reason in expected.items():
            if name not in BY_NAME:
                raise ValueError(
                    f"expect_fail names {name!r}, none of the nine tests.{did_you_mean(name, BY_NAME)}"
                )
            if not reason:
                raise ValueError(f"expect_fail gives no reason for {name}")
        suite = _Suite(builder, made, execute=execute, root=root)
        for test in BY_NAME:
            marks = []
            if test in expected:
                marks.append(pytest.mark.xfail(reason=expected[test], strict=True, raises=StepTestError))
            parameters.append(
                pytest.param(builder, suite.test(test), id=f"{_label(builder)}-{test}", marks=marks)
            )
    return pytest.mark.parametrize(("builder", "step_test"), parameters)


class _Suite:
    """One builder's tests; what they share is made once."""

    def __init__(self, builder: Any, config: Any, **options: Any) -> None:
        self.builder = builder
        self.config = config
        self.options = options

    @cached_property
    def trial(self) -> Trial:
        from cursus.validation.builders.trial import Trial

        return Trial(self.builder, self.config, **self.options)

    def test(self, name: str) -> Callable[[Any], None]:
        """A function that runs the test ``name`` and raises with its findings."""

        def run(builder: Any) -> None:
            from cursus.validation.builders.suite import run_tests

            __tracebackhide__ = True
            if builder is not self.builder:
                raise TypeError("step_test takes the builder that it was made for")
            settle(run_tests(self.trial, [name]))

        run.__name__ = name
        return run


def _label(builder: Any) -> str:
    if isinstance(builder, Mapping):
        for name, value in builder.items():
            if name in ("TrainingJobName", "HyperParameterTuningJobName", "AutoMLJobName"):
                return str(value)
        return "request"
    name = getattr(builder, "name", None)
    if not isinstance(builder, type) and isinstance(name, str) and name:
        return name
    return builder.__name__ if isinstance(builder, type) else type(builder).__name__
