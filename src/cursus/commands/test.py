"""``cursus test``: the nine Level 4 tests, with a real run where there is code and data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cursus.commands import common, options, run_options
from cursus.commands.project import Choices, Project, quiet
from cursus.commands.trials import Subject, subjects
from cursus.report import formats
from cursus.report.outcome import Outcome, TargetOutcome

if TYPE_CHECKING:
    from cursus.local.jobs.events import Event


@click.command("test")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--no-run", is_flag=True, help="Leave the local training run out.")
@options.timeout
@options.region
@options.source
@options.entry
@options.channel
@options.rules
@options.strict
@run_options.containers
@options.root
@options.config
@options.output(formats.FORMATS)
def command(
    targets: tuple[str, ...],
    config: str | None,
    no_run: bool,
    timeout: float | None,
    format: str,
    output: str | None,
    **options: Any,
) -> int:
    """Run the nine Level 4 tests on each TARGET.

    Where the training script and its data are known, the step is really trained on this machine, once for
    all nine tests. Without a TARGET, the steps of the configuration are tested.
    """
    project = Project(targets, config, Choices(**options))
    common.spare(output, [entry.target for entry in project.entries])
    live = format == "text" and output is None and common.is_live()
    tested: list[TargetOutcome] = []
    broken: list[str] = []
    for entry in project.entries:
        relay = _Relay()
        found = subjects(project, entry, execute=not no_run, timeout=timeout, on_event=relay)
        for subject in found:
            tested.append(_tested(subject, relay, live=live, said=format == "text"))
            if subject.trial is not None and subject.trial.run.broken:
                broken.append(f"{subject.label}: {subject.trial.run.summary}")
    from cursus.aws import schema

    result = Outcome(
        command="test",
        targets=tuple(tested),
        extra=tuple({**found.to_dict(), "target": ""} for found in project.leftovers(ran=not no_run)),
        service_model=schema.model_date(),
        strict=project.strict,
        live=live,
    )
    common.deliver(result, format, output)
    for why in broken:
        common.say(f"cursus: {why}")
    return common.exit_code(result) or (common.USAGE if broken else common.OK)


class _Relay:
    """Hands the events of a run to whoever shows the step that runs."""

    def __init__(self) -> None:
        self.listener: Any = None

    def __call__(self, event: Any) -> None:
        if self.listener is not None:
            self.listener(event)


def _say_status(event: Event) -> None:
    """Tell whoever reads a log of us that a long run goes on."""
    if event.kind == "status":
        stops = event.data.get("secondary") == "Stopping"
        common.say(f"-- {event.job}: {event.text}{' (Ctrl-C again ends it at once)' if stops else ''}")


def _tested(subject: Subject, relay: _Relay, *, live: bool, said: bool) -> TargetOutcome:
    if subject.suite is not None:
        with quiet():
            return TargetOutcome(subject.label, tests=subject.suite.run_all_tests())
    if subject.trial is None:
        return TargetOutcome(subject.label, failure=subject.failure, readable=subject.readable)
    if not live:
        relay.listener = _say_status if said else None
        results = list(subject.results())
        return TargetOutcome(subject.label, tests=subject.verdict(results))
    from cursus.report.console import LiveTests
    from cursus.validation.builders.results import TESTS

    shown = LiveTests(subject.label, [test.name for test in TESTS], color=common.want_color())
    results = []
    with shown.shown():
        relay.listener = lambda event: shown.say(event.text)
        try:
            for result in subject.results():
                results.append(result)
                shown.result(result)
        finally:
            relay.listener = None
    return TargetOutcome(subject.label, tests=subject.verdict(results))
