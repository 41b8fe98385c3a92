"""Rules on what a pipeline definition is made of: its members, steps, names and types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from cursus.aws.members import value_at
from cursus.aws.pipelines import PipelineStep, facts, loop_around, parse_get, references, step_type, texts
from cursus.checks.pipeline import none_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, is_reference
from cursus.model import Path, Severity
from cursus.redact import show
from cursus.suggest import closest, did_you_mean

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


@rule("DEP001", scope="pipeline")
def definition_members(view: PipelineView) -> Iterator[Problem]:
    """A pipeline definition has a member that is unknown, missing or of the wrong form.

    What it does:
        Looks at the definition's own members: Version must be 2020-12-01, Steps a list with at least one step.
    Why:
        CreatePipeline refuses the definition: "Unable to parse pipeline definition".
    Example:
          operation: Pipeline
        - Version: "2020-12-02"
        + Version: "2020-12-01"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
    """
    known = facts()
    version = view.request.get("Version")
    strangers = [name for name in view.request if name not in known["members"]]
    misspelt = {closest(str(name), known["members"]) for name in strangers[:9]} - set(view.request)
    if version != known["version"] and "Version" not in misspelt:
        yield Problem(
            f"the definition's Version is {show(version)}",
            ("Version",),
            f'write "{known["version"]}": there is no other',
        )
    for name in strangers:
        yield none_of("a pipeline definition has no member", name, known["members"], (name,))
    steps = view.request.get("Steps")
    if "Steps" in misspelt:
        return
    if not isinstance(steps, list) or not steps:
        # An empty list is a definition under construction; what the service says to it is not documented.
        empty: Severity = "warning" if steps == [] else "error"
        yield Problem("the definition has no steps", ("Steps",), "write a list of steps", severity=empty)
        return
    for i, step in enumerate(steps):
        if not isinstance(step, Mapping):
            yield Problem(f"a step is a mapping, not {show(step)}", ("Steps", i))


@rule("DEP002", scope="pipeline")
def step_members(view: PipelineView) -> Iterator[Problem]:
    """A pipeline step lacks a member, or has one that its type does not know.

    What it does:
        Looks at every step's own members (Name, Type, Arguments, DependsOn, …) and its name's form.
    Why:
        CreatePipeline refuses the definition: "Unable to parse pipeline definition. Unknown Argument member …".
    Example:
          operation: Pipeline
          Steps:
        -   - Name: "train the model"
        +   - Name: TrainTheModel
              Type: Fail
              Arguments: {ErrorMessage: no data}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html and the published JSON schema
        of pipeline definitions
    """
    for step in view.definition.steps:
        small = [name for name in step.body if isinstance(name, str) and name[:1].islower()]
        unlike = [name for name in small if name.capitalize() in ("Name", "Type")]
        if unlike and step.name is None and step.type is None:
            yield Problem(
                f"the step has no Name and no Type, but {', '.join(map(show, unlike))}",
                (*step.path, unlike[0]),
                "begin the members of a step with a capital: Name, Type, Arguments",
            )
            continue
        misspelt = "Name" not in step.body and any(
            closest(str(one), ("Name",)) for one in list(step.body)[:20]
        )
        if step.name is None and not misspelt:
            given = step.body.get("Name")
            yield Problem(
                f"the Name of the step is a text, not {show(given)}"
                if given is not None
                else "the step has no Name",
                (*step.path, "Name"),
                "give it a name: letters, digits, - and _",
            )
        elif step.name is not None and not _NAME.fullmatch(step.name):
            yield Problem(
                f"the step name {show(step.name)} is not allowed",
                (*step.path, "Name"),
                "use 1 to 64 letters, digits, hyphens and underscores",
            )
        yield from _type(step)


def _type(step: PipelineStep) -> Iterator[Problem]:
    known = facts()["step_types"]
    if step.type is None:
        yield Problem("the step has no Type", (*step.path, "Type"), "write one of " + ", ".join(known))
    elif step.type not in known:
        plain = step.type.removesuffix("Step").removeprefix("Create")
        meant = facts()["meant_types"].get(plain, plain.removesuffix("Job"))
        hint = f" Did you mean {meant!r}?" if meant in known else did_you_mean(step.type, known)
        yield Problem(
            f"there is no step type {show(step.type)}.{hint}",
            (*step.path, "Type"),
            "write one of " + ", ".join(known),
            severity="error" if hint else "warning",
            allowable=None if hint else step.type,
        )
    else:
        yield from _arguments(step)
        yield from _members(step)


def _arguments(step: PipelineStep) -> Iterator[Problem]:
    entry = step_type(str(step.type))
    arguments = step.body.get("Arguments")
    told = entry.get("forms", {}).get("Arguments", {}).get("type")  # by its form
    if arguments is not None and not isinstance(arguments, Mapping) and told is None:
        yield Problem(
            f"the Arguments of a step are a mapping, and not {show(arguments)}",
            step.place,
            "write what the job is asked for, with the API's names",
        )
    known = entry.get("argument_members", ())
    for name in step.arguments if known else ():
        if name not in known:
            yield Problem(
                f"Unknown Argument member {show(name)} of a {step.type} step.{did_you_mean(str(name), known)}",
                (*step.place, name),
                "write one of " + ", ".join(known),
            )


def _members(step: PipelineStep) -> Iterator[Problem]:
    """Members beside the arguments, of a type whose members are known."""
    entry = step_type(str(step.type))
    members = entry.get("members")
    if not members:
        return
    strangers = [name for name in step.body if name not in members]
    meant = {closest(str(name), members) for name in strangers}
    if strangers and "Arguments" in entry["required"] and not {*step.body, *meant} & {"Arguments"}:
        yield Problem(
            f"a {step.type} step needs Arguments, and has no member {' or '.join(map(show, strangers[:5]))}",
            (*step.path, strangers[0]),
            "put what the job is asked for, with the API's names, into Arguments",
        )
        return
    for name in strangers:
        hint = did_you_mean(str(name), members)
        elsewhere = any(name in other.get("members", ()) for other in facts()["step_types"].values())
        yield Problem(
            f"a {step.type} step has no member {show(name)}.{hint}",
            (*step.path, name),
            "write one of " + ", ".join(members),
            severity="error" if hint or elsewhere else "warning",
        )
    for name in entry["required"]:
        if name in ("Name", "Type") or name in meant or step.body.get(name) is not None:
            continue
        null = ", and it is null" if name in step.body else ""
        yield Problem(f"a {step.type} step needs {name}{null}", (*step.path, name), f"add {name}")


@rule("DEP003", scope="pipeline")
def duplicate_step_name(view: PipelineView) -> Iterator[Problem]:
    """Two steps of a pipeline have the same name.

    What it does:
        Compares the names of all steps, those in the branches of conditions included.
    Why:
        "Pipeline steps cannot have duplicate names": references could not be resolved.
    Example:
          operation: Pipeline
          Steps:
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: a}}
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: b}}
        +   - {Name: StopEarly, Type: Fail, Arguments: {ErrorMessage: a}}
        +   - {Name: StopLate, Type: Fail, Arguments: {ErrorMessage: b}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
    """
    for step in view.definition.steps:
        if step.name is not None and view.definition.by_name[step.name] is not step:
            yield Problem(
                f"Pipeline steps cannot have duplicate names: another step is called {show(step.name)} too",
                (*step.path, "Name"),
                "give each step of the pipeline a name of its own, also inside conditions",
            )


_REPR = re.compile(
    r"<sagemaker\.[\w.]+ object at 0x"
    r"|(?<![A-Za-z0-9])(Parameter(String|Integer|Float|Boolean)|ExecutionVariable|Join|JsonGet|Properties|PropertyFile)"
    r"\((name=|on=|step=|step_name=|path=|'|\")"
    r"|['\"]_shape_names['\"]: ?\["
    r"|\bParameter(String|Integer|Float|Boolean)\b.*\bdefault_value="
    r"|\{['\"]Get['\"]: ?['\"](Parameters|Steps|Execution)\."
    r"|\{['\"]Std:(Join|JsonGet)['\"]:"
)


@rule("DEP004", scope="pipeline")
def variable_as_text(view: PipelineView) -> Iterator[Problem]:
    """A pipeline variable was turned into text, so that its representation is in the definition, not its value.

    What it does:
        Looks for the text of SDK objects, and for references written as text ("Parameters.Epochs"), anywhere in the
        definition.
    Why:
        ``str()``, an f-string or ``+`` on a parameter or a property gives the object's representation when the
        pipeline is built. The container gets that text; its script fails on it.
    Example:
          operation: Pipeline
        + Parameters: [{Name: Epochs, Type: Integer, DefaultValue: 5}]
          Steps:
            - Name: Train
              Type: Fail
        -     Arguments: {ErrorMessage: "ParameterInteger(name='Epochs', parameter_type=…)"}
        +     Arguments: {ErrorMessage: {"Std:Join": {"On": "", "Values": [{Get: Parameters.Epochs}]}}}
    Source:
        https://sagemaker.readthedocs.io/en/v2/amazon_sagemaker_model_building_pipeline.html (pipeline variables)
    """
    for place, value in texts(view.request.get("Steps"), ("Steps",)):
        if len(value) < 8:
            continue
        if isinstance(place[-1], str) and place[-1] != "Get" and place[-1].lower() == "get":
            place = place[:-1]  # the whole mapping stands where its value belongs
        if _REPR.search(value):
            yield Problem(
                f"{show(value, limit=120)} is the text of a pipeline variable, not its value",
                place,
                'pass the variable itself, variable.to_string(), or Join(on="", values=[…])',
            )
        elif (inner := _INSIDE.search(value)) and _names_something(view, inner[1]):
            yield Problem(
                f"{show(value, limit=120)} holds {show(inner[0])} as a text: nothing puts a value into its place",
                place,
                f'write {{"Std:Join": {{"On": "", "Values": ["…", {{"Get": "{inner[1][:80]}"}}, "…"]}}}}',
            )
        elif place[-1] != "Get" and (found := _BARE.fullmatch(value)) and _names_something(view, found[1]):
            if _named_beside_its_value(view.request, place, value):
                continue
            yield Problem(
                f"{show(value, limit=120)} is a text: nothing puts a value into its place",
                place,
                f'write {{"Get": "{found[1][:80]}"}}',
            )
        elif place[-1] != "Get" and (word := _written_into(view, place, value)) is not None:
            yield Problem(
                f"{show(value, limit=120)} holds {show(word)} as a text: nothing puts a value into its place",
                place,
                f'write {{"Std:Join": {{"On": "", "Values": ["…", {{"Get": "{word[:80]}"}}, "…"]}}}}',
                severity="warning",
            )


def _written_into(view: PipelineView, place: Path, value: str) -> str | None:
    """The reference that a text has as a part of a path or as a word of an error's message, or a parameter in braces."""
    found = _IN_LOCATION.search(value) or ("ErrorMessage" in place and _AS_WORD.search(value)) or None
    if found is not None and _names_something(view, found[1]):
        return found[1]
    names = (one[1] for one in _IN_BRACES.finditer(value)) if "{" in value else ()
    name = next((name for name in names if name in view.definition.parameters), None)
    meant = f"Parameters.{name}"
    # A template whose values stand beside it is filled in by the script or function; a query is read by none.
    if name is None or any(
        one.text == meant and one.step is not None and place[: len(one.step.path)] == one.step.path
        for one in (view.definition.references if place[-1] != "QueryString" else ())
    ):
        return None
    return meant


_IN_LOCATION = re.compile(
    r"^(?:s3:/|/opt/ml)/(?:[^/]{1,200}/){0,30}((?:Parameters|Steps|Execution)\.[A-Za-z0-9_][^/\s]{0,200})"
)
_AS_WORD = re.compile(r"(?<!\S)((?:Parameters|Steps|Execution)\.[A-Za-z0-9_]\S*)")
_IN_BRACES = re.compile(r"(?<![$\w])\{([A-Za-z][\w-]{0,100})\}")
_INSIDE = re.compile(r"(?<=.)\$?\{{1,2}\s?((?:Parameters|Steps|Execution)\.[A-Za-z0-9_][^{}\s$]*)\s?\}{1,2}")
_BARE = re.compile(r"[${]*((?:Parameters|Steps|Execution)\.[A-Za-z0-9_][^{}\s$]*)}*")


def _named_beside_its_value(definition: object, place: Path, text: str) -> bool:
    """True where the value follows in the same list, as the SDK hands variables to its remote functions."""
    around, last = value_at(definition, place[:-1]), place[-1]
    if not isinstance(around, list) or not isinstance(last, int) or last + 1 >= len(around):
        return False
    value = {"Get": text}  # one that is no text is made one
    return around[last + 1] in (value, {"Std:Join": {"On": "", "Values": [value]}})


def _names_something(view: PipelineView, text: str) -> bool:
    """True where a text has the form of a reference to what the pipeline has."""
    target = parse_get(text)
    if target is None:
        return False
    if target.root == "Parameters":
        return target.name in view.definition.parameters and not target.rest
    if target.root == "Steps":
        return target.name in view.definition.by_name and bool(target.rest)
    return target.name in facts()["execution_variables"]


@rule("DEP005", scope="pipeline")
def depends_on_form(view: PipelineView) -> Iterator[Problem]:
    """DependsOn names a step that is not there, the step itself, or a condition.

    What it does:
        Looks at every name in DependsOn, at the Trigger beside it where there is one, and at what a step that runs where
        another has failed takes from it.
    Why:
        CreatePipeline refuses a definition in which a dependency cannot be resolved. A condition step cannot be
        depended on: what has to wait for it belongs into its branches.
    Example:
          operation: Pipeline
          Steps:
            - {Name: First, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:first", Arguments: {}}
        -   - {Name: Second, Type: Fail, DependsOn: [Frist], Arguments: {ErrorMessage: b}}
        +   - {Name: Second, Type: Fail, DependsOn: [First], Arguments: {ErrorMessage: b}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """
    for step in view.definition.steps:
        depends = step.body.get("DependsOn")
        if depends is None:
            continue
        if not isinstance(depends, list):
            yield Problem(
                f"DependsOn is a list of step names, not {show(depends)}",
                (*step.path, "DependsOn"),
                f"write [{show(depends)}]" if isinstance(depends, str) else "write a list of step names",
            )
            continue
        told: set[str] = set()
        triggers: dict[object, object] = {}
        for i, entry in enumerate(depends):
            name, trigger = entry, "Completed"
            if isinstance(entry, Mapping) and not is_reference(entry):
                yield from _trigger(entry, (*step.path, "DependsOn", i))
                yield from _left_by_failed(step, entry)
                name, trigger = entry.get("Step"), entry.get("Trigger", trigger)
                if name is None and not entry.keys() <= {"Step", "Trigger"}:
                    continue  # what stands in its place is told
            known = isinstance(name, str) and trigger in facts()["triggers"]
            if known and triggers.setdefault(name, trigger) != trigger:
                yield Problem(
                    f"the step depends on {show(name)} with conflicting triggers: {triggers[name]} and {trigger}",
                    (*step.path, "DependsOn", i),
                    "keep one of the two; Any stands for all",
                )
            if not isinstance(name, str) or name not in told:
                yield from _dependency(view, step, name, i)
            if isinstance(name, str):
                told.add(name)


def _trigger(entry: Mapping[str, object], place: Path) -> Iterator[Problem]:
    """An entry that runs the step on another outcome than completion: ``{"Step": …, "Trigger": …}``."""
    triggers = facts()["triggers"]
    for member in entry:
        if member not in ("Step", "Trigger"):
            yield Problem(
                f"an entry of DependsOn has no member {show(member)}.{did_you_mean(str(member), ('Step', 'Trigger'))}",
                (*place, str(member)),
                'write {"Step": …, "Trigger": …}, or the step\'s name alone',
            )
    trigger = entry.get("Trigger")
    if "Trigger" in entry and trigger not in triggers:
        yield none_of("there is no trigger", trigger, triggers, (*place, "Trigger"))


def _left_by_failed(step: PipelineStep, entry: Mapping[str, object]) -> Iterator[Problem]:
    """A step that runs where another has failed has none of the other's results."""
    if entry.get("Trigger") not in ("Failed", "Stopped"):
        return
    for reference in references(step.body.get("Arguments"), step.place, step):
        target = parse_get(reference.text)
        if target is not None and target.name == entry.get("Step") and target.rest[:1] in RESULTS:
            yield Problem(
                f"the step runs where {show(target.name)} has failed, and there is no {show(reference.text)} then",
                reference.path,
                "leave it out, or let the step wait for the other's completion",
            )


RESULTS = (("ModelArtifacts",), ("OutputParameters",))
"""Properties that only a step which has completed has."""


def _dependency(view: PipelineView, step: PipelineStep, name: object, i: int) -> Iterator[Problem]:
    place = (*step.path, "DependsOn", i)
    if is_reference(name):
        yield Problem("DependsOn takes the names of steps, not references", place, "write the step's name")
    elif not isinstance(name, str):
        yield Problem(f"DependsOn takes the names of steps, not {show(name)}", place, "write the step's name")
    elif name == step.name:
        yield Problem(f"step {show(name)} depends on itself", place, "remove it")
    elif name not in view.definition.by_name and view.definition.has_unnamed:
        return
    elif name not in view.definition.by_name:
        others = [other for other in view.definition.by_name if other != step.name]
        yield Problem(
            f"there is no step {show(name)} in this pipeline.{did_you_mean(name, others)}",
            place,
            "name an existing step, or remove the dependency",
        )
    elif (loop := loop_around(view.definition.by_name[name], step)) is not None:
        around = next((other.name for other in view.definition.steps if other.path == loop), None)
        yield Problem(
            f"{show(name)} runs once for each item of a loop: nothing outside can wait for it alone",
            place,
            f"write {around}, the loop's own name",
        )
    elif view.definition.by_name[name].type == "Condition":
        yield Problem(
            f"{show(name)} is a condition step, which no other step can depend on",
            place,
            f"move this step into the IfSteps or ElseSteps of {name}, or depend on what the condition waits for",
        )


@rule("DEP006", scope="pipeline")
def cycle(view: PipelineView) -> Iterator[Problem]:
    """The steps of a pipeline wait for each other in a circle.

    What it does:
        Follows DependsOn, references to other steps' properties, and conditions to their branches.
    Why:
        A pipeline is a directed acyclic graph; "Cycle detected in pipeline step graph".
    Example:
          operation: Pipeline
          Steps:
        -   - {Name: A, Type: Lambda, DependsOn: [B], FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:a", Arguments: {}}
        +   - {Name: A, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:a", Arguments: {}}
            - {Name: B, Type: Fail, DependsOn: [A], Arguments: {ErrorMessage: b}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
    """
    told: set[tuple[str, str]] = set()
    for circle in circles(
        {name: sorted(before, reverse=True) for name, before in view.definition.edges.items()}
    ):
        ways = set(pairwise((*circle, circle[0])))
        if len(circle) > 1 and told.isdisjoint(ways):  # circles with a way in common have one cause
            told |= ways
            yield Problem(
                "Cycle detected in pipeline step graph: the steps wait for each other, "
                + _circle([*circle, circle[0]]),
                view.definition.by_name[circle[0]].path,
                "remove one of these dependencies or references",
            )


def circles(graph: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """Each circle of a graph once, those of one step among them."""
    done: set[str] = set()
    for start in graph:
        # A step, and what of it is not followed yet.
        trail = {} if start in done else {start: iter(graph[start])}
        while trail:
            name = next(reversed(trail))
            nearest = next(trail[name], None)
            if nearest is None:
                done.add(name)
                del trail[name]
            elif nearest in trail:
                around = list(trail)
                yield tuple(around[around.index(nearest) :])
            elif nearest in graph and nearest not in done:
                trail[nearest] = iter(graph[nearest])


def _circle(names: list[str]) -> str:
    """The way round, less its middle where it is long."""
    if len(names) > 12:
        names = [*names[:6], f"{len(names) - 11} more", *names[-5:]]
    return " → ".join(names)
