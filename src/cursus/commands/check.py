"""``cursus check``: what can be known about a step without running it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from cursus.commands import common, options
from cursus.commands.project import Choices, Project, guarded
from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.report import formats
from cursus.report.outcome import Outcome, TargetOutcome


@click.command("check")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@options.rules
@options.region
@click.option(
    "--kind", metavar="OPERATION", help="The operation a request is for, such as CreateTrainingJob."
)
@options.source
@options.entry
@options.parameter
@click.option("--skip-others", is_flag=True, help="Pass over files that hold neither request nor definition.")
@options.strict
@click.option("--explain", is_flag=True, help="Say below each finding why its rule exists.")
@click.option(
    "--show-request", is_flag=True, help="Print the request that would be sent; findings go to stderr."
)
@options.config
@options.output(formats.FORMATS)
def command(
    targets: tuple[str, ...],
    config: str | None,
    format: str,
    output: str | None,
    explain: bool,
    show_request: bool,
    **options: Any,
) -> int:
    """Check everything about each TARGET that can be known offline. Nothing is run, nothing is sent.

    A TARGET is a builder or an object of the SageMaker SDK (package.module:Builder, file.py:pipeline), a function
    that returns one or starts a job, a Python file, a JSON or YAML file with a request or a pipeline definition,
    a folder, a pattern of files, or - for standard input. Without one, the steps of the configuration.
    """
    project = Project(targets, config, Choices(**options))
    common.spare(output, [entry.target for entry in project.entries])
    with rare_collections():
        checked, requests, date = check_all(project, keep=show_request)
    result = Outcome(
        command="check",
        targets=tuple(checked),
        extra=tuple({**found.to_dict(), "target": ""} for found in project.leftovers()),
        service_model=date,
        strict=project.strict,
    )
    if show_request:
        common.write([shown(requests)], output)
        for piece in formats.render(result, "text"):
            common.say(piece.rstrip("\n"))
    else:
        common.deliver(result, format, output, explain=explain)
    return common.exit_code(result)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage rarely: of a thousand requests hardly any object is in a cycle, and each look costs."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def check_all(project: Project, *, keep: bool) -> tuple[list[TargetOutcome], list[Step | Pipeline], str]:
    """Every target checked, what they were lowered to (with ``keep``), and the date of the service model."""
    from cursus import api

    checked: list[TargetOutcome] = []
    requests: list[Step | Pipeline] = []
    date = ""
    for entry in project.entries:
        errors: list[TargetError] = []
        loaded, failure = guarded(lambda entry=entry, errors=errors: project.load(entry, errors))
        checked.extend(TargetOutcome(entry.label, failure=str(error)) for error in errors)
        if failure:
            checked.append(TargetOutcome(entry.label, failure=failure))
        elif not loaded and not errors and not project.choices.skip_others:
            nothing = "there is no request, definition or builder in it"
            checked.append(TargetOutcome(entry.label, failure=nothing, readable=True))
        if not loaded:
            continue
        try:
            report = api.check_loaded(loaded, project.settings(entry))
        except Exception as error:  # one target must not cost the user what is known of the others
            if os.environ.get("CURSUS_DEBUG"):
                raise
            failure = f"{type(error).__name__}: {error}. CURSUS_DEBUG=1 shows the traceback for a report."
            checked.append(TargetOutcome(entry.label, failure=failure, bug=True))
            continue
        unused = api.unused_parameters(loaded, project.choices.parameters)
        if unused:
            common.say(f"cursus: {entry.label}: {unused}")
        date = report.service_model
        checked.append(TargetOutcome(entry.label, report))
        if keep:
            requests.extend(loaded)
    return checked, requests, date


def shown(loaded: Sequence[Step | Pipeline]) -> str:
    """Requests as JSON: one as itself, several with their names. Secrets are hidden."""
    from cursus.report.as_json import printed

    documents = [document for item in loaded for document in _documents(item)]
    return printed(documents[0]["request"] if len(documents) == 1 else documents)


def _documents(item: Step | Pipeline) -> list[dict[str, Any]]:
    from cursus.redact import redact

    if isinstance(item, Pipeline):
        return [{"name": item.name, "operation": "CreatePipeline", "request": redact(item.definition)}]
    request: Mapping[str, Any] = redact(item.request)
    document = {"name": item.name, "operation": item.operation, "request": request}
    return [document, *(found for companion in item.companions for found in _documents(companion))]
