"""Rules of the area *framework*: the records of a transform job, and what the job says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.algorithms import media_types
from cursus.checks.algorithms.channels import base_type
from cursus.checks.rules import Problem, rule
from cursus.checks.views import RequestView, mapping, text
from cursus.redact import show
from cursus.suggest import slip

PROCESSED = ("text/csv", "application/json", "application/jsonlines")
"""What a transform job can filter and join."""
UNREAD = ("text/libsvm", "application/x-recordio-protobuf", "application/x-recordio", "application/x-image")
JOINED = ("SageMakerOutput", "SageMakerInput")
"""The attributes that a job gives to joined records."""


@rule("FRM029", scope="request", reads=("DataProcessing",))
def filtered_records(view: RequestView) -> Iterator[Problem]:
    """A transform job filters or joins records of a format that it does not take apart, or what is not in them.

    What it does:
        Where DataProcessing joins records or filters them, compares ContentType with CSV, JSON and JSON Lines, and wants Accept
        where CSV is joined; and looks in OutputFilter for SageMakerOutput, spelt otherwise or without JoinSource.
    Why:
        "You can use input files in JSON and CSV format only." The attribute SageMakerOutput is in joined records alone.
        Without Accept a container answers as it likes: "Failed to parse output from the algorithm as CSV".
    Example:
          operation: CreateTransformJob
        - TransformInput: {ContentType: text/libsvm, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
        + TransformInput: {ContentType: text/csv, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
          TransformOutput: {Accept: text/csv, AssembleWith: Line}
          DataProcessing: {InputFilter: "$[1:]", JoinSource: Input}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html,
        https://github.com/aws/sagemaker-tensorflow-serving-container/issues/154
    """
    processing = mapping(view.request, "DataProcessing")
    source, target = mapping(view.request, "TransformInput"), mapping(view.request, "TransformOutput")
    joins = processing.get("JoinSource") == "Input"
    filters = [name for name in ("InputFilter", "OutputFilter") if text(processing, name) not in (None, "$")]
    sent = base_type(text(source, "ContentType") or "")
    if sent and sent not in PROCESSED and (joins or filters):
        yield Problem(
            f"{'JoinSource' if joins else filters[0]} takes records of {', '.join(PROCESSED)} apart, not {show(sent)}",
            ("TransformInput", "ContentType"),
            "convert the data to one of these formats, or leave DataProcessing out",
            severity="error" if sent in UNREAD or sent.startswith("image/") else "warning",
        )
    elif joins and sent == "text/csv" and "Accept" not in target:
        yield Problem(
            "CSV is joined with the model's answers, and no Accept asks for CSV",
            ("TransformOutput", "Accept"),
            "write Accept: text/csv, and let the model answer with it",
            severity="warning",
        )
    kept = text(processing, "OutputFilter") or ""
    for name in re.findall(r"\w+", kept):
        meant = next((each for each in JOINED if each.lower() == name.lower().replace("_", "")), None)
        if meant is None or (joins and name == meant):
            continue
        yield Problem(
            f"{show(name)} is in no record: "
            + (f"the attribute is called {meant}" if name != meant else "nothing is joined with the answers"),
            ("DataProcessing", "OutputFilter"),
            f"write {kept.replace(name, meant)}" if name != meant else "write JoinSource: Input",
            severity="warning",
        )


@rule("FRM030", severity="warning", scope="request", reads=("TransformInput",))
def named_otherwise(view: RequestView) -> Iterator[Problem]:
    """What a transform job says of its data is no media type, or not what the file's name says.

    What it does:
        Looks at ContentType and Accept for texts that are no media types, or nearly one that is usual; and, where the input is one
        file, compares CompressionType and ContentType with its ending.
    Why:
        The API takes any text, and sends it to the model's container with each request: "Unsupported Media Type". What is
        compressed and not said to be is sent as it is; what is not compressed cannot be unpacked.
    Example:
          operation: CreateTransformJob
          TransformInput:
        -   ContentType: text/cvs
        +   ContentType: text/csv
            SplitType: Line
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
    """
    source = mapping(view.request, "TransformInput")
    for holder, member in (("TransformInput", "ContentType"), ("TransformOutput", "Accept")):
        name = text(mapping(view.request, holder), member)
        meant = _meant(base_type(name)) if name and not re.search(r"[{}<>$%]", name) else None
        if meant is not None:
            yield Problem(
                f"{show(name)} is no media type that a model's server would know",
                (holder, member),
                f"write {meant}" if meant else "write one such as text/csv or application/json",
            )
    yield from _ending(source)


def _meant(name: str) -> str | None:
    """What is meant by a media type that is none, empty where it cannot be told; None where it may be right."""
    known = media_types()
    if "/" not in name:
        ends = (each for each in known if each.rpartition("/")[2] == name)
        return next(ends, "") if name else None
    if name in known or name.startswith("image/") or name == "application/jsonl":
        return None
    return next((each for each in known if slip(each, name)), None)


def _ending(source: Mapping[str, Any]) -> Iterator[Problem]:
    """The name of the one file to transform that denies what the job says of it."""
    data = mapping(mapping(source, "DataSource"), "S3DataSource")
    uri = (text(data, "S3Uri") or "").lower()
    packed, kind = source.get("CompressionType"), base_type(text(source, "ContentType") or "")
    if data.get("S3DataType") != "S3Prefix" or uri.rpartition("/")[2].count(".") == 0:
        return
    plain = kind in PROCESSED or kind.startswith("text/")
    if uri.endswith(".gz") and packed in (None, "None") and plain:
        yield Problem(
            f"the data ends with .gz, and is sent as {show(kind)} without being unpacked",
            ("TransformInput", "CompressionType"),
            "write CompressionType: Gzip",
        )
    elif packed == "Gzip" and uri.endswith(tuple(_KINDS)):
        yield Problem(
            "CompressionType is Gzip, and the name of the data says that it is not compressed",
            ("TransformInput", "CompressionType"),
            "write None, or compress the data",
        )
    other = next((each for end, each in _KINDS.items() if uri.removesuffix(".gz").endswith(end)), "")
    if other and kind in PROCESSED and kind not in other.split():
        yield Problem(
            f"the data is sent as {show(kind)}, and its name says {other.split()[0]}",
            ("TransformInput", "ContentType"),
            f"write {other.split()[0]}, if the model's server reads it; or convert the data",
        )


_KINDS = {
    ".csv": "text/csv",
    ".json": "application/json application/jsonlines",
    ".jsonl": "application/jsonlines application/json",
    ".libsvm": "text/libsvm",
    ".parquet": "application/x-parquet",
}
"""What the ending of a file says of its format: the media types that go with it."""
