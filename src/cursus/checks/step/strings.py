"""Rules of the area *step*: texts that are almost right. They read every text of a request, whatever its step.

Each rule looks only at the texts that ``cursus.checks.texts`` suspects of its kind of fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cursus.aws.members import value_at
from cursus.checks.framework.commands import SHELLS
from cursus.checks.rules import Problem, rule
from cursus.checks.step.image_names import stands_for_another
from cursus.checks.text_faults import CURLY, UNFILLED, Fault, location_faults, placeholder
from cursus.checks.texts import COLUMNS, HYPERPARAMETERS, NAMED, NOTHING, PROGRAM, REPR, STAND_IN, SUBMIT
from cursus.checks.views import RequestView, mapping
from cursus.model import Path, Severity
from cursus.redact import is_secret_name, show

NO_BUCKET = "s3://None/"
"""How a URI begins whose bucket was Python's None. No bucket has a capital letter."""
EXISTING = NAMED - {"ContentType", "TargetAttributeName"}
"""Members that name what has to be there."""


def _locations(view: RequestView, kind: str) -> Iterator[tuple[Path, str, Fault]]:
    """The faults of one kind among the request's S3 locations."""
    for path, value in view.suspected(kind):
        location = value.strip("\"' ") if len(path) > 1 and path[-2] in HYPERPARAMETERS else value
        for fault in location_faults(location):
            if fault.kind == kind:
                yield path, location, fault


def _where(path: Path, value: str) -> str:
    name = path[-2] if isinstance(path[-1], int) and len(path) > 1 else path[-1]
    return f"{name} {show(value, str(name))}"


@rule("STP040", scope="request", suspects="scheme")
def doubled_scheme(view: RequestView) -> Iterator[Problem]:
    """An S3 URI has two schemes.

    What it does:
        Finds s3://s3://…, s3://https://… and their like; a URI inside a key is legal, and a warning.
    Why:
        Something put s3:// before what was a URI already. The model's pattern allows it; the service then looks
        for a bucket called `s3:` and refuses the request.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://s3://example-bucket/models/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    for path, value, fault in _locations(view, "scheme"):
        yield Problem(
            f"{_where(path, value)} {fault.message}",
            path,
            fault.remedy,
            severity=None if fault.certain else "warning",
        )


def _more(places: list[Path]) -> str:
    """What to add to a message about the first of several places with one mistake."""
    more = len(places) - 1
    return f" (and {more} more such place{'s' if more > 1 else ''})" if more else ""


@rule("STP041", scope="request", suspects="endpoint")
def endpoint(view: RequestView) -> Iterator[Problem]:
    """A web address stands where an S3 URI belongs.

    What it does:
        Finds the address of a bucket or object as a browser has it, pages of the console, and endpoints after
        s3://. The old form https://s3-<region>.amazonaws.com/<bucket>/… is still taken for data and models, and is a
        warning; for the debugger's and profiler's output it is an error. ModelDataUrl takes an object's address too.
    Why:
        SageMaker takes the host for the bucket's name, and there is no such bucket: "BucketRegionError: bucket must be
        in the same region as the job".
    Example:
        - OutputDataConfig: {S3OutputPath: "https://example-bucket.s3.us-east-1.amazonaws.com/models/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://github.com/aws/amazon-sagemaker-examples/issues/3881
    """
    taken: list[tuple[Path, str, Fault]] = []
    for path, value, fault in _locations(view, "endpoint"):
        if path[-1] == "ModelDataUrl" and value.startswith("https://") and ".amazonaws." in value:
            continue
        if fault.certain or path[0] in ("DebugHookConfig", "ProfilerConfig", "TensorBoardOutputConfig"):
            yield Problem(f"{_where(path, value)} {fault.message}", path, fault.remedy)
        else:
            taken.append((path, value, fault))
    if taken:  # whoever writes one so, the CDK for one, writes all so
        path, value, fault = taken[0]
        message = f"{_where(path, value)} {fault.message}{_more([each[0] for each in taken])}"
        yield Problem(message, path, fault.remedy, severity="warning")


@rule("STP042", scope="request", suspects="bucket")
def bucket_name(view: RequestView) -> Iterator[Problem]:
    """An S3 URI names a bucket that no one can have.

    What it does:
        Holds the bucket's part of each S3 URI against S3's rules for names. What only stands for a bucket to be filled
        in (BUCKET-NAME, MyBucket, ...) is a warning.
    Why:
        The model's pattern takes any text; S3 has no bucket whose name breaks its rules, so the job fails or the
        request is refused.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://Example_Bucket/models/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    for path, value, fault in _locations(view, "bucket"):
        if f"{value}/".startswith(NO_BUCKET):
            continue  # the rule on missing values says more of it
        severity: Severity | None = "warning" if _stands(_bucket(value)) else None
        yield Problem(f"{_where(path, value)} {fault.message}", path, fault.remedy, severity=severity)


def _bucket(uri: str) -> str:
    return uri[5:].partition("/")[0]


def _stands(bucket: str) -> bool:
    """True for words in capital letters, or several in one, where a reader is to put a bucket; and for what is hidden."""
    if "***" in bucket or not any(map(str.isalnum, bucket)):
        return True
    mixed = bucket.isalnum() and not bucket.islower()
    one = bucket.isupper() or mixed or bucket.lower().endswith("-here")
    return one and stands_for_another(bucket.removeprefix("S3"))


@rule("STP038", scope="request", suspects="wildcard")
def wildcard(view: RequestView) -> Iterator[Problem]:
    """An S3 URI has no wildcard, and names no version.

    What it does:
        Finds * and ?versionId= in the key of an S3 URI.
    Why:
        SageMaker reads every object whose key begins with the prefix as it stands, and finds none: "No S3 objects found
        under S3 URL". Results would go to a folder of that name.
    Example:
          InputDataConfig:
            - ChannelName: train
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/*.csv"}}
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    for path, value, fault in _locations(view, "wildcard"):
        read = (
            path[-1] in ("S3Uri", "ModelDataUrl")
            and path[0] != "CheckpointConfig"
            and not _stands(_bucket(value))
        )
        yield Problem(
            f"{_where(path, value)} {fault.message}", path, fault.remedy, severity=None if read else "warning"
        )


@rule("STP043", scope="request", suspects="slashes", severity="warning")
def double_slash(view: RequestView) -> Iterator[Problem]:
    """An S3 URI has // or a backslash in its key.

    What it does:
        Finds keys with an empty part, and keys joined with backslashes, as on Windows. In sagemaker_submit_directory
        a backslash is an error, and so is // right after the bucket.
    Why:
        S3 takes `a//b` and `a/b` for different keys, so that what was written under one is not found under the
        other. The training toolkit drops slashes before a key, and then finds no source archive.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://example-bucket//models/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    for path, value, fault in _locations(view, "slashes"):
        key = value[5:].partition("/")[2]
        lost = path[-1] == SUBMIT and (key.startswith("/") or "\\" in key)
        yield Problem(
            f"{_where(path, value)} {fault.message}", path, fault.remedy, severity="error" if lost else None
        )


@rule("STP044", scope="request", suspects="space")
def white_space(view: RequestView) -> Iterator[Problem]:
    """An S3 URI, image, content type, column, or a path or option of a program has white space around it.

    What it does:
        Finds blanks, tabs and line ends at the beginning or end of these texts, and of paths below /opt/ml, S3 URIs and
        options among the arguments of a container; of such paths and URIs in variables too, as a warning.
    Why:
        They count: S3 finds no such key, ECR no such image, and a program no such file: "No such file or directory:
        ' /opt/ml/processing/input/train.csv'".
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/ "}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html,
        https://github.com/aws-samples/amazon-sagemaker-from-idea-to-production/issues/8
    """
    for path, value in view.suspected("space"):
        if not _by_a_shell(view, path):
            yield Problem(
                f"{_where(path, value)} has white space around it",
                path,
                f"write {value.strip()[:80]!r}",
                severity="warning" if "Environment" in path or _in_header(path, value) else None,
            )


def _by_a_shell(view: RequestView, path: Path) -> bool:
    """True for a word of a command line that a shell takes apart, and so without the blanks."""
    holder = value_at(view.request, path[:-2]) if path[-2:-1] else None
    command = holder.get("ContainerEntrypoint") if isinstance(holder, Mapping) else None
    words = command if isinstance(command, list) else []
    return any(str(word).rpartition("/")[2] in SHELLS for word in words)


def _in_header(path: Path, value: str) -> bool:
    """True for a column that the data's header may name so. What is in a variable, a script may strip."""
    return path[-1] in COLUMNS and value.strip(" ") == value.strip()


@rule("STP045", scope="request", suspects="placeholder", severity="warning")
def placeholders(view: RequestView) -> Iterator[Problem]:
    """A placeholder was left in.

    What it does:
        Finds <your-bucket>, YOUR_ROLE, ${VARIABLE}, {name}, %s, REPLACE_ME and their like in names, URIs, ARNs and
        environment. Arguments of a shell, hyperparameters and regular expressions may hold such things rightly, unless
        the value of a hyperparameter, variable, tag or argument of another program is nothing else (TODO, <your value>).
        One of a language's own (${VARIABLE}, {name}, %s) in a bucket's name or an input, or in place of a number such
        as the epochs, is an error where role and image are filled in. What is there for a reader to replace, such as <your-bucket>, marks a sample.
    Why:
        SageMaker fills in nothing: the text is taken as it stands, and no such bucket, role or image exists.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://<your-bucket>/models/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    # The rule below, or that on secrets, says more of these.
    others = [entry for entry in view.suspected("secret") if is_secret_name(str(entry[0][-1]))]
    others += view.suspected("repr")
    suspected = view.suspected("placeholder")
    left: dict[str, list[tuple[Path, str, bool]]] = {}
    for path, value in suspected:
        if (path, value) in others or _by_a_shell(view, path):
            continue
        curly = re.search(CURLY, value) if "Environment" in path else None
        found = curly[0] if curly else placeholder(value) or value
        forgotten = False
        if value.startswith("s3://"):
            in_bucket = found in value[5:].partition("/")[0]
            unformatted = re.fullmatch(_FORMAT, found) and not found.startswith(("{ENTER", "{YOUR"))
            if (in_bucket or "InputDataConfig" in path) and unformatted and _filled_in(view):
                message, remedy = "was not formatted", "put an f before the text, or format it"
                yield Problem(
                    f"{_where(path, value)} {message}: it still holds {found[:40]!r}",
                    path,
                    remedy,
                    severity="error",
                )
                continue
            # No bucket is called so. A request with several of them is a template as a whole.
            forgotten = in_bucket and found[0] == "$" and len(suspected) == 1 and _filled_in(view)
        elif not HYPERPARAMETERS.isdisjoint(path) and found[0] in "${":
            by_shell = str(value_at(view.request, (*path[:-1], PROGRAM), "")).strip('" ').endswith(".sh")
            forgotten = re.search(_COUNTED, str(path[-1])) is not None and not by_shell and _filled_in(view)
        left.setdefault(found, []).append((path, value, forgotten))
    for found, places in left.items():
        path, value, forgotten = places[0]
        more = _more([place[0] for place in places])
        expanded = "Environment" in path and re.fullmatch(UNFILLED, found) is not None
        yield Problem(
            f"{_where(path, value)} still holds the placeholder {found[:40]!r}{more}",
            path,
            "write the real value: no shell puts it in" if expanded else "write the real value",
            severity="error" if forgotten else None,
        )


_COUNTED = r"(?i)epoch|batch_?size|learning_?rate|^lr$|(?:max|num)_.*steps?|seed|num_(?:round|classes|workers)|max_depth"
"""Names of hyperparameters that are numbers, which a place to fill in is not."""
_FORMAT = r"\{[A-Za-z_][\w.]*\}|%s|%\([a-z_]\w*\)s"


def _filled_in(view: RequestView) -> bool:
    """True where the role is an ARN with an account's number and the image a name: the request is no template."""
    request = mapping(view.request, "TrainingJobDefinition") or view.request
    role = request.get("RoleArn")
    image = mapping(request, "AlgorithmSpecification").get("TrainingImage", "")
    if not isinstance(role, str) or re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+", role) is None:
        return False
    template = isinstance(image, str) and re.fullmatch(STAND_IN, image) is not None
    return (
        isinstance(image, str) and not template and placeholder(role) is None and placeholder(image) is None
    )


@rule("STP046", scope="request", suspects="repr")
def object_as_text(view: RequestView) -> Iterator[Problem]:
    """The representation of a Python object was put where its value belongs.

    What it does:
        Finds texts such as `<sagemaker.workflow… object at 0x…>`, `ParameterString(name=…)`, `PosixPath('…')` and
        `<Mode.FILE: 'File'>`.
    Why:
        An f-string or str() was used on an object. The service takes the text as it stands: names and URIs are
        refused, and a script receives it as its argument and fails.
    Example:
        - HyperParameters: {epochs: "ParameterInteger(name='Epochs', default_value=3)"}
        + HyperParameters: {epochs: "3"}
    Source:
        https://sagemaker.readthedocs.io/en/stable/amazon_sagemaker_model_building_pipeline.html
    """
    if view.step.in_pipeline and view.step.prefix:
        return  # the pipeline's own rule reads its definition as a whole
    for path, value in view.suspected("repr"):
        found = re.search(REPR, value)
        if found:
            yield Problem(
                f"{_where(path, value)} holds the representation of a Python object: {found[0][:60]}",
                path,
                "pass the object's value; for a pipeline variable pass the variable itself, or Join",
            )


@rule("STP047", scope="request", suspects="nothing", severity="warning")
def nothing_as_text(view: RequestView) -> Iterator[Problem]:
    """ "None" or "null" stands where a value belongs, as a text.

    What it does:
        Finds members that are the text None, null or nan, and S3 URIs with such a part. Members that have None
        among their choices, such as CompressionType, are left alone. An error where the text has to name what is
        there: an image, a key, a subnet, a security group, a path, a bucket.
    Why:
        A variable had no value when it was put into a text. SageMaker looks for a key, a bucket or a prefix of
        that name.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://example-bucket/None/models/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/churn/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    for path, value in view.suspected("nothing"):
        lost = f"{value}/".startswith(NO_BUCKET)
        message = "names no bucket: it holds" if lost else "holds"
        remedy = "write the bucket's name" if lost else "leave the member out, or write its value"
        absent = value in NOTHING and "Environment" not in path and not EXISTING.isdisjoint(path)
        yield Problem(
            f"{_where(path, value)} {message} the text of a missing value",
            path,
            remedy,
            severity="error" if lost or absent else None,
        )


@rule("STP048", scope="request", suspects="quoted")
def quoted(view: RequestView) -> Iterator[Problem]:
    """A value is quoted once more inside its quotes.

    What it does:
        Finds texts that begin and end with a quotation mark in members that are taken as they stand: images,
        content types, keys, paths, and environment variables. Hyperparameters of script mode are JSON, and quoted
        rightly.
    Why:
        The marks are part of the value: there is no image, content type or path of that name.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: '"123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"'
        +   TrainingImage: 123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmSpecification.html
    """
    for path, value in view.suspected("quoted"):
        bare = value.strip(chr(34) + chr(39))
        yield Problem(
            f"{_where(path, value)} has quotation marks inside it",
            path,
            "write it without them"
            if len(bare) > 60
            else f"write it without them: {show(bare, str(path[-1]))}",
            severity="warning" if "Environment" in path else None,
        )
