"""Rules of the area *step*: texts that are almost right. They read every text of a request, whatever its step.

A rule first asks whether any text of the request can hold what it looks for, so that a request without
costs next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cursus.checks.rules import Problem, rule
from cursus.checks.views import RequestView
from cursus.model import Path
from cursus.redact import show

FREE = frozenset({"HyperParameters", "StaticHyperParameters", "Environment", "Tags", "MetricDefinitions"})
"""Members whose texts are the user's own: a URI in them is the script's business."""

SUBMIT = "sagemaker_submit_directory"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one S3 location: which of the rules below, the sentence, and the remedy."""

    kind: str
    message: str
    remedy: str
    certain: bool = True


_ENDPOINT = re.compile(r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?")
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


@lru_cache(maxsize=8192)
def location_faults(uri: str) -> tuple[Fault, ...]:
    """Everything that is wrong with a text that stands where an S3 location belongs."""
    text = uri.strip()
    if text.startswith("s3://"):
        faults = _s3(text)
    elif text.startswith(("https://", "http://")):
        faults = _https(text)
    else:
        return ()
    if text != uri:
        faults = (*faults, Fault("space", "has white space at its end or beginning", f"write {text[:80]!r}"))
    return faults


def _s3(text: str) -> tuple[Fault, ...]:
    rest = text[5:]
    bucket, _, key = rest.partition("/")
    again = re.match(r"(?:s3[an]?|https?):/{0,2}", rest)
    if again:
        return (
            Fault(
                "scheme",
                "has two schemes: where a bucket's name belongs, a URI begins again",
                f"write {rest[:80]}",
            ),
        )
    if rest.startswith("arn:"):
        return ()  # an access point's ARN stands where a bucket's name does
    if not bucket:
        return (Fault("bucket", "has no bucket's name", "write s3://bucket/prefix/"),)
    endpoint = _ENDPOINT.fullmatch(bucket)
    if endpoint:
        name, _, path = (endpoint["bucket"], "", key) if endpoint["bucket"] else key.partition("/")
        better = f"write s3://{name or 'bucket'}/{path}"[:100]
        return (Fault("endpoint", "has an endpoint of S3 where the bucket's name belongs", better),)
    faults: tuple[Fault, ...] = ()
    if placeholder(bucket) is None:
        wrong = bucket_fault(bucket)
        if wrong:
            faults = (
                Fault(
                    "bucket", f"names a bucket that cannot be: {show(bucket)} {wrong}", _bucket_remedy(bucket)
                ),
            )
    if "s3://" in key:
        inner = key[key.rindex("s3://") :]
        again_inside = "has a whole URI inside its key: something was joined to what was a URI already"
        faults = (*faults, Fault("scheme", again_inside, f"write {inner[:100]}", False))
    elif key.startswith("/") or "//" in key:
        tidy = re.sub(r"/{2,}", "/", key.lstrip("/"))
        faults = (
            *faults,
            Fault(
                "slashes",
                "has // in its key, which S3 takes for a folder without a name",
                f"write s3://{bucket}/{tidy}"[:120],
                False,
            ),
        )
    return faults


def _https(text: str) -> tuple[Fault, ...]:
    host, _, path = text.partition("://")[2].partition("/")
    if "console.aws" in host or "console.amazonaws" in host:
        found = re.search(r"buckets?/([a-z0-9.-]+)", path)
        better = f"write s3://{found[1] if found else 'bucket'}/…"
        return (Fault("endpoint", "is a page of the AWS console, not an S3 location", better),)
    endpoint = _ENDPOINT.fullmatch(host)
    if endpoint is None:
        return (Fault("endpoint", "is a web address, not an S3 location", "write s3://bucket/prefix/"),)
    if text.startswith("http://") or endpoint["bucket"]:
        bucket = endpoint["bucket"] or path.partition("/")[0]
        key = path if endpoint["bucket"] else path.partition("/")[2]
        better = f"write s3://{bucket}/{key}"[:120]
        return (Fault("endpoint", "is a web address of the bucket where its URI belongs", better),)
    return ()


def bucket_fault(name: str) -> str:
    """Why no bucket can have this name; empty where one can."""
    if len(name) < 3 or len(name) > 63:
        return f"has {len(name)} characters; a bucket's name has 3 to 63"
    if any(char.isupper() for char in name):
        return "has capital letters"
    if not _BUCKET.fullmatch(name):
        bad = sorted({char for char in name if not re.fullmatch(r"[a-z0-9.-]", char)})
        return f"holds {' '.join(map(repr, bad[:5]))}" if bad else "begins or ends with a dot or hyphen"
    if ".." in name or ".-" in name or "-." in name:
        return "has a dot beside a dot or hyphen"
    if _ADDRESS.fullmatch(name):
        return "is an IP address"
    return ""


def _bucket_remedy(name: str) -> str:
    rules = "3 to 63 lower-case letters, digits, dots and hyphens"
    fixed = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")
    return f"a bucket's name has {rules}" + (f", such as {fixed[:63]}" if 3 <= len(fixed) <= 63 else "")


LOCATIONS = ("S3Uri", "S3OutputPath", "S3OutputUri", "S3ModelUri", "ModelDataUrl", "S3Path", "S3UploadPath")


def _locations(view: RequestView, kind: str) -> Iterator[tuple[Path, str, Fault]]:
    """The faults of one kind among the request's S3 locations."""
    if "://" not in view.text:
        return
    for path, value in view.texts:
        if path[-1] == SUBMIT:
            value = value.strip("\"' ")
        elif path[-1] not in LOCATIONS or FREE.intersection(path):
            continue
        for fault in location_faults(value):
            if fault.kind == kind:
                yield path, value, fault


def _where(path: Path, value: str) -> str:
    return f"{path[-1]} {show(value)}"


@rule("STP040", area="step", scope="request")
def doubled_scheme(view: RequestView) -> Iterator[Problem]:
    """An S3 URI has two schemes.

    What it does:
        Finds s3://s3://…, s3://https://… and their like; a URI inside a key is legal, and a warning.
    Why:
        Something put s3:// before what was a URI already. The model's pattern allows it; the service then looks
        for a bucket called `s3:` and refuses the request.
    Breaks:
        OutputDataConfig: {S3OutputPath: "s3://s3://example-bucket/models/"}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    Since:
        0.1
    """
    for path, value, fault in _locations(view, "scheme"):
        yield Problem(
            f"{_where(path, value)} {fault.message}",
            path,
            fault.remedy,
            severity=None if fault.certain else "warning",
        )


@rule("STP041", area="step", scope="request")
def endpoint(view: RequestView) -> Iterator[Problem]:
    """A web address stands where an S3 URI belongs.

    What it does:
        Finds the address of a bucket or object as a browser has it, pages of the console, and endpoints after
        s3://. The old form https://s3-<region>.amazonaws.com/<bucket>/… is what SageMaker still takes.
    Why:
        SageMaker takes the host for the bucket's name, and there is no such bucket.
    Breaks:
        OutputDataConfig: {S3OutputPath: "https://example-bucket.s3.us-east-1.amazonaws.com/models/"}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    Since:
        0.1
    """
    for path, value, fault in _locations(view, "endpoint"):
        yield Problem(f"{_where(path, value)} {fault.message}", path, fault.remedy)


@rule("STP042", area="step", scope="request")
def bucket_name(view: RequestView) -> Iterator[Problem]:
    """An S3 URI names a bucket that no one can have.

    What it does:
        Holds the bucket's part of each S3 URI against S3's rules for names.
    Why:
        The model's pattern takes any text; S3 has no bucket whose name breaks its rules, so the job fails or the
        request is refused.
    Breaks:
        OutputDataConfig: {S3OutputPath: "s3://Example_Bucket/models/"}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    Since:
        0.1
    """
    for path, value, fault in _locations(view, "bucket"):
        yield Problem(f"{_where(path, value)} {fault.message}", path, fault.remedy)


@rule("STP043", area="step", scope="request", severity="warning")
def double_slash(view: RequestView) -> Iterator[Problem]:
    """An S3 URI has // in its key.

    What it does:
        Finds keys with an empty part. In sagemaker_submit_directory it is an error right after the bucket.
    Why:
        S3 takes `a//b` and `a/b` for different keys, so that what was written under one is not found under the
        other. The training toolkit drops slashes before a key, and then finds no source archive.
    Breaks:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket//models/"}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    Since:
        0.1
    """
    for path, value, fault in _locations(view, "slashes"):
        lost = path[-1] == SUBMIT and "/" in value[5:] and value[5:].partition("/")[2].startswith("/")
        yield Problem(
            f"{_where(path, value)} {fault.message}", path, fault.remedy, severity="error" if lost else None
        )


_TRIMMED = frozenset(
    {"TrainingImage", "Image", "ImageUri", "RuleEvaluatorImage", "ContentType", "InstanceType"}
)


@rule("STP044", area="step", scope="request")
def white_space(view: RequestView) -> Iterator[Problem]:
    """An S3 URI, image or content type has white space around it.

    What it does:
        Finds blanks, tabs and line ends at the beginning or end of these texts.
    Why:
        They count: S3 finds no such key, and ECR no such image.
    Breaks:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/ "}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    Since:
        0.1
    """
    for path, value, fault in _locations(view, "space"):
        yield Problem(f"{_where(path, value)} {fault.message}", path, fault.remedy)
    for path, value in view.texts:
        if (
            path[-1] in _TRIMMED
            and value
            and (value[0] <= " " or value[-1] <= " ")
            and not FREE.intersection(path)
        ):
            yield Problem(
                f"{_where(path, value)} has white space around it", path, f"write {value.strip()[:80]!r}"
            )


_ANGLES = re.compile(
    r"<{1,2}\s*[A-Za-z][\w .:/-]*(?:>{1,2}|$)|<{1,2}\s*(?i:your|my|insert|enter|replace)[^<>\n]*>{0,2}"
)
_CURLY = re.compile(
    r"\$\{[A-Za-z_][\w.:-]*\}|\$[A-Z][A-Z0-9_]{2,}|\{\{[^{}\n]*\}\}|\{[A-Za-z_][\w.]*\}|%\([a-z_]\w*\)s|%s"
)
_YOUR = re.compile(
    r"(?<![A-Za-z])(?:your|YOUR)[-_ ](?:[A-Za-z0-9]+[-_ ])*"
    r"(?:bucket|role|account|region|image|key|prefix|subnet|name|id|arn|path|repo)(?![a-z])"
    r"|(?i:\b(?:replace|change)[-_ ]?(?:me|this|with)\b|\bto[-_]?do\b|\bfixme\b|\bplaceholder\b)"
)
_SHELL = frozenset({"ContainerArguments", "ContainerEntrypoint"})


@lru_cache(maxsize=8192)
def placeholder(value: str) -> str | None:
    """The part of a text that looks like a place left to fill in, or None."""
    for pattern, needs in ((_ANGLES, "<"), (_CURLY, "${%"), (_YOUR, "")):
        if not needs or any(char in value for char in needs):
            found = pattern.search(value)
            if found:
                return found[0]
    return None


_HINTS = (
    "<",
    "${",
    "$",
    "{",
    "%",
    "your",
    "YOUR",
    "eplace",
    "EPLACE",
    "hange",
    "HANGE",
    "odo",
    "ODO",
    "FIXME",
    "fixme",
    "laceholder",
    "LACEHOLDER",
)


@rule("STP045", area="step", scope="request", severity="warning")
def placeholders(view: RequestView) -> Iterator[Problem]:
    """A placeholder was left in.

    What it does:
        Finds <your-bucket>, YOUR_ROLE, ${VARIABLE}, {name}, %s, REPLACE_ME and their like in names, URIs, ARNs and
        environment. Arguments of a shell, hyperparameters and regular expressions may hold such things rightly.
    Why:
        SageMaker fills in nothing: the text is taken as it stands, and no such bucket, role or image exists.
    Breaks:
        OutputDataConfig: {S3OutputPath: "s3://<your-bucket>/models/"}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    Since:
        0.1
    """
    text = view.text
    if not any(hint in text for hint in _HINTS):
        return
    for path, value in view.texts:
        member = path[-2] if isinstance(path[-1], int) and len(path) > 1 else path[-1]
        if member == "Regex" or member in _SHELL or len(value) > 1024:
            continue
        if FREE.intersection(path) and path[-1] != SUBMIT and not value.startswith("s3://"):
            if not ("Environment" in path and "${" in value):
                continue
            found: str | None = (_CURLY.search(value) or [None])[0]
        elif "://" not in value and not value.startswith("arn:") and member not in _NAMED:
            continue
        else:
            found = placeholder(value)
        if found:
            yield Problem(
                f"{_where(path, value)} still holds the placeholder {found[:40]!r}",
                path,
                "write the real value",
            )


_NAMED = frozenset(
    {
        "RoleArn",
        "TrainingImage",
        "KmsKeyId",
        "VolumeKmsKeyId",
        "Subnets",
        "SecurityGroupIds",
        "DirectoryPath",
        "AlgorithmName",
        "ContentType",
        "ImageUri",
        "Image",
        "LocalPath",
        "TargetAttributeName",
    }
)

_REPR = re.compile(
    r"<[\w.]+(?:\[[^\]]*\])? object at 0x[0-9a-fA-F]+>|<(?:function|bound method|class|module|built-in)\s[^>]*>"
    r"|<[A-Za-z_]\w*\.[A-Za-z_]\w*: [^>]+>"
    r"|\b(?:Parameter(?:String|Integer|Float|Boolean)|ExecutionVariable|Properties(?:List|Map|File)?|Join|JsonGet)"
    r"\((?:[a-z_]+=|'|\")"
    r"|\b(?:Posix|Windows|PurePosix)Path\(|\bdatetime\.(?:datetime|date|timedelta)\(|\bdict_(?:keys|values|items)\("
    r"|\bDecimal\('|^b'[^']*'$|\bOrderedDict\(|\bnp\.(?:float|int)\d+\(|\barray\(\["
)
_REPR_HINTS = ("object at 0x", "<function", "<class", "<bound", "<module", ": ", "(", "b'")


@rule("STP046", area="step", scope="request")
def object_as_text(view: RequestView) -> Iterator[Problem]:
    """The representation of a Python object was put where its value belongs.

    What it does:
        Finds texts such as `<sagemaker.workflow… object at 0x…>`, `ParameterString(name=…)`, `PosixPath('…')` and
        `<Mode.FILE: 'File'>`.
    Why:
        An f-string or str() was used on an object. The service takes the text as it stands: names and URIs are
        refused, and a script receives it as its argument and fails.
    Breaks:
        HyperParameters: {epochs: "ParameterInteger(name='Epochs', default_value=3)"}
    Right:
        HyperParameters: {epochs: "3"}
    Source:
        https://sagemaker.readthedocs.io/en/stable/amazon_sagemaker_model_building_pipeline.html
    Since:
        0.1
    """
    if view.step.in_pipeline and view.step.prefix:
        return  # the pipeline's own rule reads its definition as a whole
    text = view.text
    if not any(hint in text for hint in _REPR_HINTS):
        return
    for path, value in view.texts:
        if path[-1] == "Regex" or not ("(" in value or "<" in value or value.startswith("b'")):
            continue
        found = _REPR.search(value)
        if found:
            yield Problem(
                f"{_where(path, value)} holds the representation of a Python object: {found[0][:60]}",
                path,
                "pass the object's value; for a pipeline variable pass the variable itself, or Join",
            )


NOTHING = frozenset({"None", "none", "null", "NULL", "nan", "NaN", "undefined"})
_NO_NOTHING = frozenset(
    {"CompressionType", "RecordWrapperType", "S3CompressionType", "SplitType", "AssembleWith"}
)
_SENSIBLE = _NAMED | {"ContentType", "ChannelName", "ExperimentName", "TrialName", "MetricName"}


@rule("STP047", area="step", scope="request", severity="warning")
def nothing_as_text(view: RequestView) -> Iterator[Problem]:
    """ "None" or "null" stands where a value belongs, as a text.

    What it does:
        Finds members that are the text None, null or nan, and S3 URIs with such a part. Members that have None
        among their choices, such as CompressionType, are left alone.
    Why:
        A variable had no value when it was put into a text. SageMaker looks for a key, a bucket or a prefix of
        that name.
    Breaks:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/None/models/"}
    Right:
        OutputDataConfig: {S3OutputPath: "s3://example-bucket/churn/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    Since:
        0.1
    """
    text = view.text
    if not any(word in text for word in NOTHING):
        return
    for path, value in view.texts:
        if value in NOTHING:
            name = path[-2] if isinstance(path[-1], int) and len(path) > 1 else path[-1]
            wrong = name in _SENSIBLE or "Environment" in path
        else:
            wrong = value.startswith("s3://") and not NOTHING.isdisjoint(value[5:].split("/"))
        if wrong and path[-1] not in _NO_NOTHING:
            remedy = "leave the member out, or write its value"
            yield Problem(f"{_where(path, value)} holds the text of a missing value", path, remedy)


@rule("STP048", area="step", scope="request")
def quoted(view: RequestView) -> Iterator[Problem]:
    """A value is quoted once more inside its quotes.

    What it does:
        Finds texts that begin and end with a quotation mark in members that are taken as they stand: images,
        content types, keys, paths, and environment variables. Hyperparameters of script mode are JSON, and quoted
        rightly.
    Why:
        The marks are part of the value: there is no image, content type or path of that name.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: '"123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"'
    Right:
        AlgorithmSpecification:
          TrainingImage: 123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmSpecification.html
    Since:
        0.1
    """
    text = view.text
    if '"' not in text and "'" not in text:
        return
    for path, value in view.texts:
        if len(value) < 2 or value[0] not in "\"'" or value[-1] != value[0]:
            continue
        free = "Environment" in path
        if free or path[-1] in _NAMED or path[-1] in _TRIMMED:
            yield Problem(
                f"{_where(path, value)} has quotation marks inside it",
                path,
                f"write {show(value.strip(chr(34) + chr(39)), str(path[-1]))} without them",
                severity="warning" if free else None,
            )
