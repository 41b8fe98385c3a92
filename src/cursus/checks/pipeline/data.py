"""Rules on what pipeline steps hand to each other: data, property files, branches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.members import value_at
from cursus.aws.pipelines import PipelineStep, dependencies, nodes, parse_get, step_type, written_out
from cursus.checks.pipeline import again, outputs_of, place_of, writes
from cursus.checks.pipeline.models import metrics
from cursus.checks.pipeline.properties import has_strangers
from cursus.checks.rules import Problem, rule
from cursus.checks.texts import NOTHING
from cursus.checks.views import PipelineView, mapping, mappings
from cursus.model import Path, Step
from cursus.redact import show
from cursus.suggest import did_you_mean, slip


@rule("DEP030", scope="pipeline")
def data_without_edge(view: PipelineView) -> Iterator[Problem]:
    """A step reads what another step writes, and nothing makes it wait.

    What it does:
        Compares the S3 locations that processing and transform steps write with those that other steps read, the
        S3Uri of a JsonGet in a condition among them, and the metrics of a registration (a warning), parameters put in; and with
        the folders right around them (a warning).
    Why:
        Steps without an edge between them start together: the reader finds nothing, or the last execution's data.
        A URI written out twice makes no edge; a reference or DependsOn does.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingOutputConfig: {Outputs: [{OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}]}
            - Name: Train
              Type: Training
        +     DependsOn: [Prepare]
              Arguments:
                InputDataConfig: [{ChannelName: train, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html (data and custom dependencies),
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
    """
    written: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for step in view.steps:
        for uri in _written(step):
            written.setdefault(uri, []).append(step.name)
            below.setdefault(uri.rpartition("/")[0], []).append(step.name)
    if not written:
        return
    told: set[tuple[str, str]] = set()
    readers = list(_readers(view))
    found = [(*reader, producers) for reader in readers for producers in _producers(reader[2], written)]
    around = [
        (*reader, below[reader[2]]) for reader in readers if reader[2].count("/") > 2 and reader[2] in below
    ]
    for name, place, uri, producers in (*found, *around):
        others = [each for each in producers if each != name]
        if any(view.definition.waits(name, each) for each in others):
            continue  # of several steps that write a place one is enough: they stand in for each other
        producer = next((each for each in others if not _in_turn(view, each, name)), None)
        if producer is None or (name, producer) in told:
            continue
        told.add((name, producer))
        yield Problem(
            f"step {name} reads what step {producer} writes, and nothing makes it wait for {producer}",
            place,
            f'add "DependsOn": ["{producer}"], or refer to the output of {producer} instead of writing its URI',
            # Of a folder in which that is one of several, the others may be what is meant.
            severity="warning"
            if producers is below.get(uri) or "ModelMetrics" in place or "DriftCheckBaselines" in place
            else None,
        )


def _in_turn(view: PipelineView, writes: str, reads: str) -> bool:
    """True where a step writes what another reads after that, or where one of them runs alone: it reads what was there."""
    step = view.definition.by_name.get(reads)
    apart = step is not None and step.other_branch(view.definition.by_name.get(writes)) is not None
    return apart or view.definition.waits(writes, reads)


@rule("DEP067", severity="warning", scope="pipeline")
def nearly_what_is_written(view: PipelineView) -> Iterator[Problem]:
    """A step reads a location that is spelt almost as one that a step before it writes.

    What it does:
        Compares locations that are written out with those that the steps before write: the same but for one word, in which two
        letters have changed places, one is missing or too many, or the case is another.
    Why:
        Nothing lies there, and the step fails; or what lies there is old, and the step takes it.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingOutputConfig: {Outputs: [{OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}]}
            - Name: Train
              Type: Training
              DependsOn: [Prepare]
              Arguments:
        -       InputDataConfig: [{ChannelName: train, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/trian/"}}}]
        +       InputDataConfig: [{ChannelName: train, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html (data and custom dependencies)
    """
    written: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for step in view.steps:
        for uri in _written(step):
            parts = uri.split("/")
            for i in range(3, len(parts)):
                around = (*parts[:i], "", *parts[i + 1 :])
                for key in _spellings(parts[i]):
                    written.setdefault(around, {}).setdefault(key, {}).setdefault(parts[i], step.name)
    for name, place, uri in _readers(view) if written else ():
        parts = uri.split("/")
        found = [
            (word, producer)
            for i in range(3, len(parts))
            for key in _spellings(parts[i])
            for word, producer in written.get((*parts[:i], "", *parts[i + 1 :]), {}).get(key, {}).items()
            if word == parts[i] or (slip(word, parts[i]) and view.definition.waits(name, producer))
        ]
        if found and not any(word in parts for word, _ in found):
            word, producer = found[0]
            yield Problem(
                f"step {name} reads {show(uri, limit=120)}, and step {producer} writes to a place with {show(word)} in it",
                place,
                "write it as the step does, or refer to its output",
            )


def _spellings(word: str) -> Iterator[str]:
    """What two words that differ by a slip have in common: their letters, or one without a letter of its own."""
    yield word.lower()
    yield "".join(sorted(word))
    yield f"-{word}"
    yield from (f"-{word[:i]}{word[i + 1 :]}" for i, letter in enumerate(word[:LONGEST]) if letter.isalpha())


LONGEST = 64
"""Letters of a word of which one may be missing: a location may be long."""


def _readers(view: PipelineView) -> Iterator[tuple[str, Path, str]]:
    """Each location that a step reads: the step's name, the place in the definition, the location."""
    for step in view.steps:
        top = place_of(view, step)
        for place, uri in _read(step):
            yield step.name, (*top, *place), uri
    for entry in view.definition.steps:
        found = dict(_json_gets(entry)) if entry.type == "Condition" else {}
        if entry.type == "RegisterModel":
            found = dict(metrics(entry))
        for place, value in found.items() if entry.name is not None else ():
            location = _location(view.filled(value))
            if location and entry.name is not None:
                yield entry.name, place, location


def _json_gets(step: PipelineStep) -> Iterator[tuple[Path, object]]:
    """The S3Uri of every Std:JsonGet among a step's conditions."""
    for place, value in nodes(step.arguments.get("Conditions"), (*step.place, "Conditions")):
        if place[-1:] == ("Std:JsonGet",) and isinstance(value, Mapping):
            yield (*place, "S3Uri"), value.get("S3Uri")


def _location(value: Any) -> str | None:
    """A text that is the same for the same location: the URI, or the join of one with references written out."""
    get = value.get("Get") if isinstance(value, Mapping) else None
    if isinstance(get, str) and get.startswith(
        "Parameters."
    ):  # without a default: the same wherever it stands
        return f"{{{get}}}"
    text = written_out(value)
    if text is None or not (text.startswith("s3://") or (text.startswith("{") and "/" in text)):
        return None
    return text.rstrip("/")


def _written(step: Step) -> Iterator[str]:
    return filter(None, (_location(uri) for _, uri in writes(step)))


def trainings(request: Mapping[str, Any]) -> list[tuple[Path, Mapping[str, Any]]]:
    """A training job's request, or the definitions of a tuning job's, each with its place."""
    single = mapping(request, "TrainingJobDefinition")
    several = mappings(request, "TrainingJobDefinitions")
    return [
        ((), request),
        (("TrainingJobDefinition",), single),
        *((("TrainingJobDefinitions", i), one) for i, one in several),
    ]


def _read(step: Step) -> Iterator[tuple[Path, str]]:
    found: list[tuple[Path, Any]] = []
    for top, job in trainings(step.request):
        for i, channel in mappings(job, "InputDataConfig"):
            source = mapping(mapping(channel, "DataSource"), "S3DataSource")
            place: Path = (*top, "InputDataConfig", i, "DataSource", "S3DataSource", "S3Uri")
            found.append((place, source.get("S3Uri")))
    for i, entry in mappings(step.request, "ProcessingInputs"):
        found.append((("ProcessingInputs", i, "S3Input", "S3Uri"), mapping(entry, "S3Input").get("S3Uri")))
    transform = mapping(mapping(mapping(step.request, "TransformInput"), "DataSource"), "S3DataSource")
    found.append((("TransformInput", "DataSource", "S3DataSource", "S3Uri"), transform.get("S3Uri")))
    for place, value in found:
        uri = _location(value)
        if uri:
            yield place, uri


def _producers(uri: str, written: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Steps that write the location, then those that write a folder around it."""
    yield written.get(uri, [])
    least = 3 if uri.startswith("s3://") else 1
    while uri.count("/") > least:
        uri = uri.rpartition("/")[0]
        yield written.get(uri, [])


@rule("DEP105", severity="warning", scope="pipeline")
def lost_work(view: PipelineView) -> Iterator[Problem]:
    """A step's work is lost: what waits for it takes what it took, not what it made; or another step does the same.

    What it does:
        Looks for steps that DependsOn a processing step of which nothing in the pipeline takes anything, and read a location
        that it reads itself; the same of a training step and the model in a channel of both. Checks, whose result is
        that they succeed, are left out by what they and their outputs are called. And looks for training steps with
        equal arguments whose names differ by a number, and for processing steps that take what a step made and differ only in
        where they put their own.
    Why:
        Nothing fails. The training learns from the raw data, the second stage begins where the first began, the
        models of all folds are the same, and so are the reports of two models.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File}}]
                ProcessingOutputConfig: {Outputs: [{OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}]}
            - Name: Train
              Type: Training
              DependsOn: [Prepare]
              Arguments:
        -       InputDataConfig: [{ChannelName: train, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/raw/"}}}]
        +       InputDataConfig: [{ChannelName: train, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html (data and custom dependencies)
    """
    known = view.definition.by_name
    taken = {target.name for one in view.definition.references if (target := parse_get(one.text)) is not None}
    read = [uri for _, _, uri in _readers(view)]
    makers = {
        step.name: step
        for step in view.steps
        if step.type in ("Processing", "Training") and step.name not in taken and not _checks(step)
    }
    for step in view.steps if makers else ():
        body = known[step.name].body if step.name in known and step.type in _TAKING else {}
        for before in (makers[name] for _, name in dependencies(body) if name in makers):
            made = tuple(f"{uri}/" for uri in _written(before))
            same = [place for place, uri in _read(step) if uri in _given(before, _channel(step, place))]
            if same and not any(f"{uri}/".startswith(made) for uri in read):
                yield Problem(
                    f"step {step.name} waits for {before.name} and takes what that took, and nothing takes what it makes",
                    (*place_of(view, step), *same[0]),
                    f"take the output of {before.name}; or leave DependsOn out",
                )
    alike: dict[tuple[object, ...], list[PipelineStep]] = {}
    for entry in view.definition.steps:
        if (key := _asked(entry)) is not None:
            alike.setdefault(key, []).append(entry)
    for steps in alike.values():
        names = [str(each.name) for each in steps]
        if len(set(names)) > 1:
            yield Problem(
                f"steps {', '.join(names[:MOST_NAMES])}{' …' if len(names) > MOST_NAMES else ''} ask for the very same job",
                steps[1].place,
                "give each what it should have of its own, such as its fold of the data; or keep one",
            )


def _asked(step: PipelineStep) -> tuple[object, ...] | None:
    """What a job is told from others by. Of a processing job that takes what a step made, not where it puts its own."""
    if step.type == "Training" and step.arguments and step.name is not None:
        return step.branches, re.sub(r"\d", "", step.name), repr(step.arguments)
    if step.type != "Processing" or not _TAKEN.search(repr(step.arguments.get("ProcessingInputs"))):
        return None
    kept = {member: value for member, value in step.arguments.items() if member != "ProcessingOutputConfig"}
    outputs = [entry.get("OutputName") for _, entry, _ in outputs_of(step.arguments)]
    return step.branches, repr((kept, outputs))


_TAKEN = re.compile(r"""'Get': ['"]Steps\.""")
MOST_NAMES = 5
_TAKING = ("Training", "Tuning", "Transform")
_MODEL = re.compile("model|checkpoint|pretrained|weights", re.IGNORECASE)
_CHECK = re.compile(
    r"check|valid(?!ation)|verif|report|qualit|profil|stat|metric|monitor|baseline|audit|test|analy|bias|explain|log",
    re.IGNORECASE,
)
"""Names of steps that look at data, and of what they write about it."""


def _checks(step: Step) -> bool:
    outputs = mappings(mapping(step.request, "ProcessingOutputConfig"), "Outputs")
    names = [step.name, *(str(entry.get("OutputName")) for _, entry in outputs)]
    return step.type == "Processing" and (len(names) == 1 or any(_CHECK.search(name) for name in names))


def _given(step: Step, channel: str) -> set[str]:
    """The locations that a processing step reads; of a training step, that of the model in a channel."""
    if step.type == "Processing":
        return {uri for _, uri in _read(step)}
    if not _MODEL.search(channel):
        return set()
    return {uri for place, uri in _read(step) if _channel(step, place) == channel}


def _channel(step: Step, place: Path) -> str:
    """The name of the channel in which a place stands."""
    entry = value_at(step.request, place[:-3]) if "InputDataConfig" in place else None
    return str(entry.get("ChannelName")) if isinstance(entry, Mapping) else ""


@rule("DEP031", scope="pipeline")
def other_branch(view: PipelineView) -> Iterator[Problem]:
    """A step refers to a step in the other branch of the same condition.

    What it does:
        Compares the branches that a reference's two ends stand in.
    Why:
        Of IfSteps and ElseSteps only one is executed: what is referred to never ran, and the step cannot start.
    Example:
          operation: Pipeline
          Steps:
            - Name: Decide
              Type: Condition
              Arguments:
                Conditions: [{Type: Equals, LeftValue: 1, RightValue: 1}]
                IfSteps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {}, OutputParameters: [{OutputName: a, OutputType: String}]}]
        -       ElseSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: "Steps.Ask.OutputParameters['a']"}}}]
        +       ElseSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: not today}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (condition step)
    """
    for reference in view.definition.references:
        target = parse_get(reference.text)
        here = reference.step
        if target is None or target.root != "Steps" or here is None:
            continue
        branch = here.other_branch(view.definition.by_name.get(target.name))
        if branch is not None:
            yield Problem(
                f"step {target.name} is in the {branch} of the condition whose other branch this step is in",
                reference.path,
                "refer to a step that runs in the same case",
            )
    for step in view.definition.steps:
        for i, name in dependencies(step.body) if step.branches else ():
            branch = step.other_branch(view.definition.by_name.get(name))
            if branch is not None:
                yield Problem(
                    f"step {name} is in the {branch} of the condition whose other branch this step is in",
                    (*step.path, "DependsOn", i),
                    "depend on a step that runs in the same case",
                )


@rule("DEP032", scope="pipeline")
def property_files(view: PipelineView) -> Iterator[Problem]:
    """A property file is declared wrongly, or at an output that the step does not have.

    What it does:
        Looks at the PropertyFiles of processing steps: PropertyFileName, OutputName and FilePath, that the output exists,
        and that the file is a JSON file below it.
    Why:
        "Processing output name … defined in property file … not found in processing step": the pipeline is refused, or
        the condition that reads the file fails.
    Example:
          operation: Pipeline
          Steps:
            - Name: Evaluate
              Type: Processing
        -     PropertyFiles: [{PropertyFileName: report, OutputName: evaluation, FilePath: report.json}]
        +     PropertyFiles: [{PropertyFileName: report, OutputName: metrics, FilePath: report.json}]
              Arguments:
                ProcessingOutputConfig: {Outputs: [{OutputName: metrics, S3Output: {S3Uri: "s3://example-bucket/m/", LocalPath: /opt/ml/processing/m, S3UploadMode: EndOfJob}}]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
    """
    for step in view.definition.steps:
        if "PropertyFiles" not in step_type(step.type or "").get("members", ("PropertyFiles",)):
            continue  # the member itself is refused
        declared = step.body.get("PropertyFiles")
        if not isinstance(declared, list):
            if declared is not None:
                place = (*step.path, "PropertyFiles")
                yield Problem(f"PropertyFiles is a list, not {show(declared)}", place, "write a list: [{…}]")
            continue
        outputs = step.names("Arguments", "ProcessingOutputConfig", "Outputs", "OutputName")
        elsewhere = not outputs and has_strangers(step.body.get("Arguments"))
        top: Path = (*step.path, "PropertyFiles")
        files = [
            ((*top, i, "PropertyFileName"), entry.get("PropertyFileName"))
            for i, entry in mappings(step.body, "PropertyFiles")
        ]
        for place, file in again(files):
            yield Problem(
                f"another property file is called {show(file)} too",
                place,
                "give each property file of the step a name of its own",
            )
        for i, entry in enumerate(declared):
            place = (*step.path, "PropertyFiles", i)
            if not isinstance(entry, Mapping):
                yield Problem(f"a property file is a mapping, not {show(entry)}", place)
                continue
            for member in ("PropertyFileName", "OutputName", "FilePath"):
                if not isinstance(entry.get(member), str) or not entry[member]:
                    yield Problem(f"the property file needs {member}", (*place, member), f"add {member}")
            path = entry.get("FilePath")
            if isinstance(path, str) and (path.startswith("/") or "://" in path):
                yield Problem(
                    f"FilePath {show(path)} is looked for below the output's own folder",
                    (*place, "FilePath"),
                    f"write {path.rpartition('/')[2] or 'report.json'}, the path in the output"[:200],
                )
            elif isinstance(path, str) and path.lower().endswith(NO_JSON):
                yield Problem(
                    f"FilePath {show(path)} names no JSON file, which a property file is",
                    (*place, "FilePath"),
                    "let the step write a JSON file, and name it",
                )
            elif isinstance(path, str) and path in NOTHING:
                yield Problem(
                    f"FilePath is {show(path)}, the text of a missing value",
                    (*place, "FilePath"),
                    "write the path of the report in the output, such as report.json",
                )
            name = entry.get("OutputName")
            if isinstance(name, str) and outputs is not None and name not in outputs and not elsewhere:
                yield Problem(
                    f"the step has no output {show(name)}.{did_you_mean(name, outputs)}",
                    (*place, "OutputName"),
                    "name one of the step's ProcessingOutputConfig.Outputs",
                )


NO_JSON = (".csv", ".parquet", ".pkl", ".pickle", ".html", ".png", ".xml", ".yaml", ".yml", ".joblib")
