"""Rules on what the containers of a pipeline's quality and bias checks are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import images
from cursus.aws.pipelines import facts
from cursus.checks.locations import below
from cursus.checks.pipeline import is_json, none_of, outputs_of, place_of, read_json
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, is_reference, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show
from cursus.suggest import did_you_mean, slip

IMAGES = {"QualityCheck": "sagemaker-model-monitor-analyzer", "ClarifyCheck": "sagemaker-clarify-processing"}
"""The repository of the image that does the checks of a step's type."""
CONFIGURATION = "/opt/ml/processing/input/config"
"""Where Clarify's container looks for analysis_config.json."""


@rule("DEP098", severity="warning", scope="pipeline")
def quality_checks(view: PipelineView) -> Iterator[Problem]:
    """A check's container is another one, is not told what it looks for, or is told of a folder that it has not.

    What it does:
        Looks in the Environment of a QualityCheck step, and of a processing job with Model Monitor's image, for dataset_format,
        dataset_source and output_path, for the analysis and the problem_type of a check of a model's quality. Errors are a dataset_format that is no JSON, a problem_type that
        is none, a check of a model's quality without labels or predictions, a dataset_source into which no input is put, and
        an image of Amazon's that does no such checks; a ClarifyCheck step without an input at /opt/ml/processing/input/config
        is a warning.
    Why:
        Model Monitor's analyzer reads all that it does from these variables, and ends without them. Clarify's container reads
        analysis_config.json in that folder.
    Example:
          operation: Pipeline
          Steps:
            - Name: Check
              Type: QualityCheck
              CheckType: DATA_QUALITY
              SkipCheck: true
              Arguments:
                AppSpecification: {ImageUri: 156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer}
                ProcessingInputs: [{InputName: baseline_dataset_input, S3Input: {S3Uri: "s3://example-bucket/train/", LocalPath: /opt/ml/processing/input/baseline, S3DataType: S3Prefix, S3InputMode: File}}]
                ProcessingOutputConfig: {Outputs: [{OutputName: quality_check_output, S3Output: {S3Uri: "s3://example-bucket/quality/", LocalPath: /opt/ml/processing/output, S3UploadMode: EndOfJob}}]}
        -       Environment: {dataset_source: /opt/ml/processing/input/baseline, output_path: /opt/ml/processing/output}
        +       Environment: {dataset_format: '{"csv": {"header": true}}', dataset_source: /opt/ml/processing/input/baseline, output_path: /opt/ml/processing/output}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-run.html,
        sagemaker 2.257.7, sagemaker.workflow.quality_check_step and clarify_check_step
    """
    for step in view.steps:
        container = mapping(step.request, "AppSpecification")
        image = images.amazon_image(text(container, "ImageUri"))
        by_hand = (
            step.type == "Processing" and image is not None and image.repository == IMAGES["QualityCheck"]
        )
        if (step.type not in IMAGES and not by_hand) or container.get("ContainerEntrypoint"):
            continue
        if not by_hand and image is not None and image.repository != IMAGES[step.type or ""]:
            yield Problem(
                f"the image {show(image.repository)} does not do what a {step.type} step is for",
                (*place_of(view, step), "AppSpecification", "ImageUri"),
                f"write the one of {IMAGES[step.type]}",
                severity="error",
            )
        folders = [
            text(mapping(entry, "S3Input"), "LocalPath")
            for _, entry in mappings(step.request, "ProcessingInputs")
        ]
        if by_hand or step.type == "QualityCheck":
            yield from _told(view, step, folders)
        elif (
            isinstance(step.request.get("ProcessingInputs", []), list)
            and None not in folders
            and not any(below(CONFIGURATION, str(folder)) for folder in folders)
        ):
            yield Problem(
                f"no input is put into {CONFIGURATION!r}, where the container looks for analysis_config.json",
                (*place_of(view, step), "ProcessingInputs"),
                "put the analysis configuration there",
            )


def _told(view: PipelineView, step: Step, folders: list[str | None]) -> Iterator[Problem]:
    """What the container of a quality check is told in its environment."""
    top = (*place_of(view, step), "Environment")
    body = view.definition.by_name.get(step.name)
    written = mapping(body.arguments if body is not None else {}, "Environment")
    # The empty default of a parameter stands for a value that is given later.
    told = {name: value or written.get(name) for name, value in mapping(step.request, "Environment").items()}
    check = told.get("analysis_type") if step.type == "Processing" else body and body.body.get("CheckType")
    checks_model = check == "MODEL_QUALITY"
    needed = ["dataset_format", "dataset_source", "output_path"]
    needed += ["analysis_type", "problem_type"] if checks_model else []
    missing = [name for name in needed if told.get(name) in (None, "")]
    if missing:
        yield Problem(
            f"the check's container is not told {', '.join(missing)}",
            (*top, missing[0]),
            "let the SDK write the Environment, or add " + ", ".join(missing),
        )
    elif told.get("analysis_type") == "MODEL_QUALITY" and not checks_model:
        yield Problem(
            "the container analyses the quality of a model, and the step checks that of data",
            (*top, "analysis_type"),
            "write CheckType: MODEL_QUALITY, or leave analysis_type out",
        )
    if checks_model and told.get("analysis_type") == "MODEL_QUALITY":
        yield from _compared(told, top)
    yield from _words(told, top)
    yield from _format(told.get("dataset_format"), (*top, "dataset_format"))
    yield from _uploaded(step, told.get("output_path"), top)
    yield from _downloaded(told.get("dataset_source"), folders, top)


def _words(told: Mapping[str, Any], top: Path) -> Iterator[Problem]:
    """Variables that the container does not read, and words that two of them do not take."""
    kind, analyses = told.get("analysis_type"), facts()["checks"]["QualityCheck"]
    if isinstance(kind, str) and kind not in analyses:
        yield Problem(
            f"there is no analysis_type {show(kind)}.{did_you_mean(kind, analyses)}",
            (*top, "analysis_type"),
            "write MODEL_QUALITY for a check of a model's quality, and leave it out for one of data",
            severity="error",
        )
    for name in told:
        meant = next((each for each in _VARIABLES if slip(str(name), each)), None)
        if meant is not None and name not in _VARIABLES and meant not in told:
            yield Problem(
                f"the check's container does not read {show(name)}. Did you mean {meant!r}?",
                (*top, name),
                f"call it {meant}",
            )
    publish, place = told.get("publish_cloudwatch_metrics"), (*top, "publish_cloudwatch_metrics")
    if isinstance(publish, str) and publish not in ("Enabled", "Disabled", ""):
        yield none_of(
            "there is no value of publish_cloudwatch_metrics", publish, ("Enabled", "Disabled"), place
        )


def _downloaded(source: object, folders: list[str | None], top: Path) -> Iterator[Problem]:
    """Where the container looks for the data some input has to be put."""
    if not isinstance(source, str) or not source.startswith("/") or None in folders:
        return
    if not any(below(source, str(folder)) or below(str(folder), source) for folder in folders):
        yield Problem(
            f"no input is put into {show(source)}, where the container looks for the data",
            (*top, "dataset_source"),
            "write the LocalPath of the input",
            severity="error",
        )


_VARIABLES = (
    *("dataset_format", "dataset_source", "output_path", "analysis_type", "problem_type"),
    *("publish_cloudwatch_metrics", "record_preprocessor_script", "post_analytics_processor_script"),
    *("baseline_constraints", "baseline_statistics", "ground_truth_attribute", "inference_attribute"),
    *("probability_attribute", "probability_threshold_attribute"),
)


def _format(form: object, place: Path) -> Iterator[Problem]:
    """The form that the container is told that the data have."""
    formats = read_json(form) if isinstance(form, str) else None
    known = facts()["dataset_formats"]
    if isinstance(formats, dict) and formats and not formats.keys() & set(known):
        named = next(iter(formats))
        yield none_of("there is no dataset_format", named, known, place, severity="error")
    elif isinstance(form, str) and form and not is_json(form):
        yield Problem(
            f"dataset_format {show(form)} is no JSON",
            place,
            'write it as JSON, such as {"csv": {"header": true}}',
            severity="error",
        )


def _uploaded(step: Step, folder: object, top: Path) -> Iterator[Problem]:
    """Where the container puts its results there has to be an output."""
    folders = [text(target, "LocalPath") for _, _, target in outputs_of(step.request)]
    config = step.request.get("ProcessingOutputConfig")
    unknown = is_reference(config) or is_reference(
        mapping(step.request, "ProcessingOutputConfig").get("Outputs")
    )
    if not isinstance(folder, str) or not folder or None in folders or unknown:
        return
    if not any(below(folder, str(output)) for output in folders):
        yield Problem(
            f"the results are put into {show(folder)}, which is the folder of no output",
            (*top, "output_path"),
            "write the LocalPath of the output",
            severity="error",
        )


def _compared(told: Mapping[str, Any], top: Path) -> Iterator[Problem]:
    """What a check of a model's quality compares: the labels with what the model said."""
    kind, known = told.get("problem_type"), facts()["problem_types"]
    if isinstance(kind, str) and kind and kind not in known:
        yield none_of("there is no problem_type", kind, known, (*top, "problem_type"), severity="error")
    for names, what in (
        (("ground_truth_attribute",), "labels"),
        (("inference_attribute", "probability_attribute"), "predictions"),
    ):
        if not any(told.get(name) for name in names):
            yield Problem(
                f"the check's container is not told where the {what} are",
                (*top, names[0]),
                f"add {' or '.join(names)}, such as _c0 for the first column",
            )
