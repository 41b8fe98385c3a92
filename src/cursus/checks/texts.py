"""What a single text of a request may be suspected of, by its member's name and its value alone.

Every rule on texts asks for its own kind of suspects and looks only at those. A request without faults has
hardly any, and what is suspected of one text is remembered.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from cursus.aws import places
from cursus.checks.text_faults import UNFILLED, left_over, location_faults, placeholder
from cursus.redact import is_secret_name, is_secret_value

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

FREE = frozenset({"HyperParameters", "StaticHyperParameters", "Environment", "Tags", "MetricDefinitions"})
"""Members whose texts are the user's own: a URI in them is the script's business."""

HYPERPARAMETERS = frozenset({"HyperParameters", "StaticHyperParameters"})
SUBMIT = "sagemaker_submit_directory"
LOCATIONS = frozenset(
    {"S3Uri", "S3OutputPath", "S3OutputUri", "S3ModelUri", "ModelDataUrl", "S3Path", "S3UploadPath"}
    | {"FeatureSpecificationS3Uri", "ManifestS3Uri", "OutputS3Uri", "DestinationS3Uri", "SamplePayloadUrl"}
)
IMAGES = frozenset({"TrainingImage", "Image", "ImageUri", "RuleEvaluatorImage"})
KEYS = frozenset({"KmsKeyId", "VolumeKmsKeyId", "OutputKmsKeyId", "S3KmsKeyId", "KmsKey"})
ARGUMENTS = frozenset({"ContainerArguments", "ContainerEntrypoint"})
COLUMNS = frozenset({"TargetAttributeName", "TargetLabelColumn", "ContentColumn", "TimestampAttributeName"})
TRIMMED = IMAGES | COLUMNS | {"ContentType", "InstanceType"}
NAMED = (
    IMAGES
    | KEYS
    | {
        "RoleArn",
        "Subnets",
        "SecurityGroupIds",
        "DirectoryPath",
        "AlgorithmName",
        "ContentType",
        "LocalPath",
        "TargetAttributeName",
    }
)
VALUED = NAMED | {"ChannelName", "ExperimentName", "TrialName", "MetricName"}
NOTHING = frozenset({"None", "none", "null", "NULL", "nan", "NaN", "undefined"})
HAVE_NONE = frozenset(
    {"CompressionType", "RecordWrapperType", "S3CompressionType", "SplitType", "AssembleWith"}
)
NOBODY = "0" * 12
CONSOLE_ROLE = ":role/AmazonSageMaker-ExecutionRole-"
"""How a role that the console made is named where its path is missing."""
LINKED_ROLE = ":role/aws-service-role/"
"""How the ARN of a role that a service keeps for itself goes on."""
ROLE_NAME = 64
"""Characters that the name of a role has at most: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
GATED = "s3://jumpstart-private-"
"""How the locations of JumpStart's models begin that have a licence to accept."""
NETWORK = {"Subnets": "subnet-", "SecurityGroupIds": "sg-"}
"""How the ids in these members begin; hexadecimal digits follow."""
CHOICES = HAVE_NONE | {
    "S3DataType",
    "S3DataDistributionType",
    "TrainingInputMode",
    "InputMode",
    "Strategy",
    "Type",
}
"""Members with a fixed set of values: the service model leaves nothing in them to be suspected."""
NAMES = frozenset({"TrainingJobName", "HyperParameterTuningJobName", "AutoMLJobName"})
"""Members whose pattern leaves nothing to be suspected: letters, digits and hyphens."""
USUAL = frozenset({"None", "S3Prefix", "FullyReplicated", "File"})
"""The values of these that no rule asks for."""
READ_PLACE, WRITTEN_PLACE = "S3Uri", "S3OutputPath"
"""Members that hold the S3 locations which rules compare with each other: ``of_places``."""
PROGRAM = "sagemaker_program"
SCRIPTS = {
    ("HyperParameters", PROGRAM): "",
    ("StaticHyperParameters", PROGRAM): "",
    ("Environment", "SAGEMAKER_PROGRAM"): "",
    ("HyperParameters", SUBMIT): "s3://",
    ("StaticHyperParameters", SUBMIT): "s3://",
    ("Environment", "SAGEMAKER_SUBMIT_DIRECTORY"): "s3://",
}
"""Where script mode is told its script, and where the archive with it: how the latter begins."""
LOG_LEVEL = "sagemaker_container_log_level"
LEVELS = {"0": "NOTSET", "10": "DEBUG", "20": "INFO", "30": "WARNING", "40": "ERROR", "50": "CRITICAL"}
"""Python's log levels, as the training toolkit reads them from that hyperparameter."""
CHECKPOINTS = "/opt/ml/checkpoints"
"""The folder that SageMaker keeps on S3 where the request has a CheckpointConfig, unless that names another."""
HOMES = tuple(
    quote + home
    for quote in ("", '"')
    for home in (
        *(
            "/home/ec2-user/",
            "/home/sagemaker-user/",
            "/Users/",
            "/content/drive/",
            "/kaggle/",
            "C:\\",
            "C:/",
            "D:\\",
            "D:/",
        ),
    )
)
"""Folders of notebooks and of people's own machines, which no container has."""
LONG = 256
"""Characters of an S3 location that no limit on them is below."""
AROUND = " \t\r\n\"'`:=-<>"
"""What no option of a program begins or ends with."""
NUMBERS = ("sagemaker_mpi_num_of_processes_per_host", "sagemaker_parameter_server_num_processes")
"""Hyperparameters that the training toolkit reads with int(); a value that it cannot read fails the job."""

REPR = (
    r"<[\w.]+(?:\[[^\]]*\])? object at 0x[0-9a-fA-F]+>|<(?:function|bound method|class|module|built-in)\s[^>]*>"
    r"|<[A-Za-z_]\w*\.[A-Za-z_]\w*: [^>]+>"
    r"|\b(?:Parameter(?:String|Integer|Float|Boolean)|ExecutionVariable|Properties(?:List|Map|File)?|Join|JsonGet)"
    r"\((?:[a-z_]+=|'|\")"
    r"|\b(?:Posix|Windows|PurePosix)Path\(|\bdatetime\.(?:datetime|date|timedelta)\(|\bdict_(?:keys|values|items)\("
    r"|\bDecimal\('|^b'[^']*'$|\bOrderedDict\(|\bnp\.(?:float|int)\d+\(|\barray\(\["
)
_KEY = (
    r"(?:mrk-[0-9a-f]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|alias/.+"
    r"|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/.+)"
)
_REFERENCE = r"(?:arn:|\$\{?|\{\{|/opt/ml/|s3://|ssm:|secretsmanager:|resolve:)"
_WORD = r"(?i:true|false|none|null|yes|no|\d+(?:\.\d+)?)?"


def speaks(value: str) -> bool:
    """True where a value under a secret's name is a secret itself, not a switch or a reference to one."""
    bare = value.strip("\"' ")
    return len(bare) > 3 and not re.fullmatch(_WORD, bare) and not re.match(_REFERENCE, bare)


# An S3 URI, or a word or number, in which nothing can be wrong unless it holds one of the hints.
_URI = r"s3://%s(?:/[A-Za-z0-9_.=+-]+)*/?"
_NAME = "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_PLAIN = re.compile(rf"{_URI % f'({_NAME})'}|[A-Za-z0-9_.=+-]*")
_BUCKETS = re.compile(r"s3://([^/\0]+)")
# What may be wrong with such texts nevertheless, in lower case; a letter of some is looked for first.
_HINTS = (
    *("your", "pla", "change", "none", "null", "nan", "undefined", "akia", "asia", "-----begin"),
    *("hf_", "sk-", "glpat", "eyj", "ml/checkpoints"),
    *("/home/", "/users/", "content/drive", "/kaggle/", "c:/", "d:/"),
)
_HINTS_WITH_X = ("fixme", "xxxx", "x-amz-", "xox")
_MORE_HINTS = re.compile("to[-_]?do|gh[pousr]_|github")
_READ = IMAGES | KEYS | ARGUMENTS | {"RoleArn", "Subnets", "SecurityGroupIds"}


def _hinted(text: str) -> bool:
    low = text.lower()
    for hint in _HINTS:  # faster than any() and than a regular expression
        if hint in low:
            return True
    if "x" in low:
        for hint in _HINTS_WITH_X:
            if hint in low:
                return True
    return ("do" in low or "gh" in low) and _MORE_HINTS.search(low) is not None


@cache
def _harmless() -> tuple[Draft202012Validator, ...]:
    """What lists of texts, of values that may stand in quotes, and of texts that name no region satisfy."""
    from jsonschema_rs import (
        Draft202012Validator,
    )  # a list is looked at in a third of the time that Python's re takes

    hints = _in_any_case("|".join((*_HINTS, *_HINTS_WITH_X, _MORE_HINTS.pattern)))
    words, barred = "[A-Za-z0-9_.=+:,/ -]*", "s3:|http|arn:| "  # no location, no ARN, and not padded

    def wanted(whole: str, quote: str) -> dict[str, Any]:
        uri = {"pattern": f"^{whole.replace('text', _URI % _NAME)}$"}
        padded = {"not": {"pattern": f"^{quote}(?:{barred})| {quote}$"}}
        word = {"pattern": f"^{whole.replace('text', words)}$", **padded}
        return {"type": "string", "not": {"pattern": hints}, "anyOf": [uri, word]}

    unplaced = {"not": {"pattern": "s3://[^/]*-[a-z]+-[0-9]"}}  # as each region's name ends
    each = (wanted("text", ""), wanted('(?:text|"text")', '"?'), unplaced)
    return tuple(Draft202012Validator({"items": one}) for one in each)


def _in_any_case(pattern: str) -> str:
    """The pattern with both cases of each letter: JSON Schema's have no flags."""
    inside = False
    made = []
    for char in pattern:
        inside = char == "[" or (inside and char != "]")
        both = char + char.upper() if char.isalpha() else char
        made.append(f"[{both}]" if len(both) > 1 and not inside else both)
    return "".join(made)


def harmless(texts: list[str], values: list[str], region: str) -> bool:
    """True where ``suspicions`` is empty for each of these texts, which are looked at together.

    It may be False for texts that nothing is wrong with. ``values`` are those of hyperparameters, which may stand
    in quotes. None is of a member that ``is_read`` names.
    """
    plain, quoted, unplaced = _harmless()
    try:
        if not plain.is_valid(texts) or (values and not quoted.is_valid(values)):
            return False
        if unplaced.is_valid(texts):
            return True
    except ValueError:  # a text that is no JSON
        return False
    joined = "\0".join(texts)
    for name in {*_BUCKETS.findall(joined)}:
        named = places.bucket(name)
        if named is not None and (named[0] != region or NOBODY in joined or name.startswith(GATED[5:])):
            return False
    return True


def of_places(read: list[str], written: list[str]) -> list[str]:
    """What the S3 locations of a request (``READ_PLACE``, ``WRITTEN_PLACE``) are suspected of together.

    ``file``: the last part of one has a dot. ``long``: one has more than ``LONG`` characters. ``nested``: one may lie
    in another that is read.
    """
    texts = read + written
    joined = "\0".join(texts)
    found = []
    if "." in joined and any("." in text[text.rfind("/") :] for text in texts):
        found.append("file")
    if len(joined) > LONG and max(map(len, texts)) > LONG:
        found.append("long")
    if len(texts) > 1 and read and _may_be_nested(read, written, joined):
        found.append("nested")
    return found


def _may_be_nested(read: list[str], written: list[str], joined: str) -> bool:
    if "https:" in joined and joined.count(read[0][: read[0].find("/", 8)]) != len(read) + len(written):
        return True  # the same place may be written in several forms
    last = "-"
    for text in sorted(read):
        if text.startswith(last):  # in this order what begins with a text follows it at once
            return True
        last = text
    folders = tuple([text.rstrip("/") for text in read])
    return any(output.startswith(folders) for output in written)


def names_a_script(start: str, value: str) -> bool:
    """True where nothing is wrong with the name of a script, or of the archive with it (``SCRIPTS``), for certain."""
    bare = value[1:-1] if value[:1] == value[-1:] == '"' else value
    if "\\" in bare or '"' in bare:
        return False
    if start:
        return bare.startswith(start) and bare.endswith(".tar.gz")
    return (
        bare.endswith((".py", ".sh"))
        and ":" not in bare
        and ".gz" not in bare
        and bare[:1] not in ("/", "~", " ", "(", "[", "{", "$", "<", "'")
    )


@lru_cache(maxsize=65536)
def suspicions(holder: str, member: str, value: str, region: str = "") -> tuple[str, ...]:
    """What a text is suspected of: kinds that the rules ask for.

    ``holder`` is the member of ``FREE`` that the text lies in, or empty; ``member`` the name of the member, the
    map's key, or the list that holds it. ``region`` is the job's, or the partition where that is all that is known: what
    names the same is not suspected of lying elsewhere.
    """
    if not is_read(holder, member):
        bare = value[1:-1] if holder in HYPERPARAMETERS and value[:1] == value[-1:] == '"' else value
        plain = _PLAIN.fullmatch(bare)
        if plain and not _hinted(value):
            if plain[1] is None or holder or places.bucket(plain[1]) is None:
                return ()
            if NOBODY not in value and not value.startswith(GATED):
                return ("place",) if _is_elsewhere(member, value, region) else ()
    found: list[str] = []
    if holder in HYPERPARAMETERS:
        if member == SUBMIT or "\\" in value:
            found.extend(fault.kind for fault in location_faults(value.strip("\"' ")))
        if member != member.strip(AROUND) or value != value.strip():
            found.append("spaced")
        if member in NUMBERS or value.strip('"') in NOTHING or value[:2] == '"\\':
            found.append("odd")
        if member == LOG_LEVEL and value not in LEVELS:
            found.append("level")
        if CHECKPOINTS in value:
            found.append("checkpoints")
        if value.startswith(HOMES):
            found.append("home")
    elif not holder and member in LOCATIONS:
        found.extend(fault.kind for fault in location_faults(value))
    found.extend(_by_form(holder, member, value))
    if not holder:
        found.extend(_by_member(member, value, region))
    elif holder == "Environment" and len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]:
        found.append("quoted")
    if _is_loose(holder, member, value):
        found.append("space")
    if member in ARGUMENTS or _is_secret(holder, member, value):
        found.append("secret")
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=8192)
def is_read(holder: str, member: str) -> bool:
    """True where the member alone is a reason to read its text closely."""
    if not holder:
        return member in _READ
    if holder in HYPERPARAMETERS and (
        member in NUMBERS or member == LOG_LEVEL or member != member.strip(AROUND)
    ):
        return True
    return member in _READ or is_secret_name(member)


def _is_loose(holder: str, member: str, value: str) -> bool:
    """True for a path or option of a command line, or a path in a variable, with white space around it."""
    bare = value.strip()
    if bare == value or not (member in ARGUMENTS or (holder == "Environment" and bare[:1] != "-")):
        return False
    return _TIGHT.fullmatch(bare) is not None


_TIGHT = re.compile(r"(?:/opt/ml/|s3://|--[A-Za-z])\S*")


def _by_form(holder: str, member: str, value: str) -> list[str]:
    """Suspicions from what the text looks like, wherever it stands."""
    found: list[str] = []
    if member != "Regex":
        if ("(" in value or "<" in value or value[:2] == "b'") and re.search(REPR, value):
            found.append("repr")
        unfilled = left_over(value) if member in ARGUMENTS else _is_placeholder(holder, member, value)
        if unfilled and len(value) <= 1024:
            found.append("placeholder")
    if value in NOTHING:
        if (holder == "Environment" or (not holder and member in VALUED)) and member not in HAVE_NONE:
            found.append("nothing")
    elif value.startswith("s3://") and not NOTHING.isdisjoint(value[5:].split("/")):
        found.append("nothing")
    return found


def _by_member(member: str, value: str, region: str) -> list[str]:
    """Suspicions that depend on what the member is for."""
    found: list[str] = []
    if (member in IMAGES or value.startswith(("arn:", "s3://"))) and place(member, value) is not None:
        if member in IMAGES:
            found.append("image")
        if _is_elsewhere(member, value, region):
            found.append("place")
        if value.startswith(GATED):
            found.append("gated")
        if NOBODY in value:
            found.append("nobody")
    if member in TRIMMED and value and (value[0] <= " " or value[-1] <= " "):
        found.append("space")
    if member == "RoleArn" and (
        CONSOLE_ROLE in value
        or LINKED_ROLE in value
        or ":role/" not in value
        or not 1 < len(value) - value.rfind("/") <= ROLE_NAME + 1
    ):
        found.append("role")
    if member in KEYS and value and not re.fullmatch(_KEY, value):
        found.append("key")
    if (
        (member in NAMED or member in TRIMMED)
        and len(value) > 1
        and value[0] in "\"'"
        and value[-1] == value[0]
    ):
        found.append("quoted")
    if member in NETWORK:
        found.append("network")
        if not re.fullmatch(f"{NETWORK[member]}[0-9a-f]{{8,}}", value):
            found.append("vpc")
    return found


_TEMPLATES = ("prompt", "template", "format", "text")


def _is_placeholder(holder: str, member: str, value: str) -> bool:
    if holder and member != SUBMIT and not value.startswith("s3://"):
        unfilled = holder == "Environment" and "$" in value and re.search(UNFILLED, value) is not None
        unformatted = value == f"{{{member}}}" and not any(word in member for word in _TEMPLATES)
        return unfilled or unformatted or (holder != "MetricDefinitions" and left_over(value))
    if "://" not in value and not value.startswith("arn:") and member not in NAMED:
        return False
    return placeholder(value) is not None


def _is_secret(holder: str, member: str, value: str) -> bool:
    if holder and holder not in ("Tags", "MetricDefinitions") and is_secret_name(member) and speaks(value):
        return True
    return len(value) > 15 and is_secret_value(value)


# AWS writes 111122223333 for "an account" in its documentation; an image `example` there stands for any other.
STAND_IN = r"111122223333\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/example(?::.*)?"


@lru_cache(maxsize=4096)
def place(member: str, value: str) -> tuple[str, places.Place, bool] | None:
    """(what it is, where it is, whether it is bound to that region for certain) of one text."""
    if member in IMAGES:
        found = places.image(value)
        return ("the image's registry", found, re.fullmatch(STAND_IN, value) is None) if found else None
    if value.startswith("arn:"):
        parsed = places.arn(value)
        if parsed is None:
            return None
        service, where, _ = parsed
        if service in ("kms", "sagemaker") and where.account != "aws":
            return ("the KMS key" if service == "kms" else "the ARN", where, True)
        return ("the role" if service == "iam" else "the ARN", places.Place(where.partition), True)
    if value.startswith("s3://"):
        named = places.bucket(value[5:].partition("/")[0])
        if named:
            return "the bucket (by its name)", places.Place(places.partition_of(named[0]), named[0]), named[1]
    return None


def _is_elsewhere(member: str, value: str, region: str) -> bool:
    """True where a text names a place that is not for certain the job's region, or partition."""
    named = place(member, value)
    if named is None or not region:
        return named is not None
    where, partition = named[1], places.partition_of(region) or region
    if where.region not in ("", region) or (member in IMAGES and places.wrong_suffix(value) is not None):
        return True
    return bool(where.partition and partition and where.partition != partition)
