"""AWS's patterns in words: what a text has to look like, and what to write instead of a wrong one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cursus.checks.text_faults import placeholder
from cursus.checks.texts import NOTHING, REPR
from cursus.redact import is_secret, show

_HYPHENS = re.compile(
    r"\[a-zA-Z0-9\]\(-\*\[a-zA-Z0-9\]\)(?:\{0,(\d+)\}|\*)|\[a-zA-Z0-9\]\(\[\\-a-zA-Z0-9\]\*\[a-zA-Z0-9\]\)\?"
)

SEVERAL = "these are several values in one text: write each as an item of its own"
_WORDS: tuple[tuple[str, str], ...] = (
    (":role/?", "an IAM role's ARN, such as arn:aws:iam::123456789012:role/SageMakerRole"),
    ("(https|s3)://", "an S3 URI, such as s3://bucket/prefix/"),
    ("(1Y|Y|", "a number and a unit, such as 1H, 30min, D, W, M or Y"),
    ("(fs-", "a file system's id, such as fs-0a1b2c3d"),
    (
        "(arn:aws[a-z\\-]*:sagemaker:[a-z0-9\\-]*:[0-9]{12}:[a-z\\-]*\\/)?",
        "an ARN, or a name of letters, digits and hyphens",
    ),
    ("[Ss][Hh][Aa]256:", "sha256: and 64 hexadecimal digits"),
    ("\\p{L}\\p{Z}\\p{N}_.:", "letters, digits, spaces and _ . : / = + - @"),
    (":lambda:", "a Lambda function's ARN"),
    (":training-plan/", "a training plan's ARN"),
    (":mlflow-", "an MLflow tracking server's or app's ARN"),
    (":model-package-group/", "a model package group's ARN"),
    (":model-package/", "a model package's ARN"),
    (":hub-content", "a hub content's ARN"),
)
_EXACT = {
    "[A-Za-z0-9\\.\\-_]+": "letters, digits, dots, hyphens and underscores",
    "[a-zA-Z_][a-zA-Z0-9_]*": "letters, digits and underscores, not beginning with a digit",
    "[-0-9a-zA-Z]+": "letters, digits and hyphens",
    "[a-zA-Z0-9:/_-]*": "letters, digits, and : / _ - (a key's id, its ARN or its alias)",
    "[a-zA-Z0-9._-]+": "letters, digits, dots, underscores and hyphens",
    ".*": "one line, without line breaks",
    ".+": "one line, without line breaks, not empty",
    "[\\S]+": "a text without spaces",
    "\\d+K": "a number of thousands with a K, such as 32K",
    "(^p[1-9]\\d?$)": "p1 to p99",
    "[a-zA-Z0-9_-]+": "letters, digits, underscores and hyphens",
    "[-\\w]+\\/.+": "a media type, such as text/csv",
    "[a-zA-Z_][a-zA-Z0-9_]{0,1023}": "letters, digits and underscores, not beginning with a digit",
    "[a-zA-Z0-9-]+": "letters, digits and hyphens",
    "[a-zA-Z0-9\\_\\-]+": "letters, digits, underscores and hyphens",
    "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*": "letters, digits and single hyphens between them",
    "[a-zA-Z0-9]([_-]*[a-zA-Z0-9]){0,63}": "letters, digits, underscores and hyphens, with a letter or digit first and last",
    "[A-Z]{2}": "a country's code of two capital letters, such as DE",
}


def describe(pattern: str, longest: int | None = None) -> str:
    """What a pattern allows, in words; empty where there are none for it."""
    found = _HYPHENS.fullmatch(pattern)
    if found:
        most = longest or (int(found[1]) + 1 if found[1] else None)
        limit = f", at most {most} characters" if most else ""
        return f"letters, digits and hyphens, with a letter or digit first and last{limit}"
    if pattern in _EXACT:
        return _EXACT[pattern]
    return next((text for part, text in _WORDS if part in pattern), "")


def words(node: Mapping[str, Any]) -> str:
    """`` (what its pattern allows)`` for the schema of a member, or an empty text."""
    text = describe(str(node.get("awsPattern", "")), node.get("maxLength"))
    return f" ({text})" if text else ""


def fits(node: Mapping[str, Any], text: str) -> bool:
    """True where a text is one that the schema of a member allows, as far as Python's expressions tell."""
    pattern = str(node.get("awsPattern", "")) or "(?s:.*)"
    long_enough = len(text) >= int(node.get("minLength", 0))
    return long_enough and _matches(pattern, text) is not False


def _matches(pattern: str, text: str) -> bool | None:
    """Whether AWS's pattern allows a text; None for one that Python cannot read, as with classes of Unicode's."""
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return None


def shorter(node: Mapping[str, Any], value: object) -> str:
    """What a name that is too long could be instead: its beginning, without a cut word where that leaves enough."""
    if isinstance(value, str) and (left := placeholder(value)):
        return f" ({_filled(left)})"
    most, allowed = node.get("maxLength"), words(node)
    if (
        not isinstance(value, str)
        or not isinstance(most, int)
        or not _HYPHENS.fullmatch(node.get("awsPattern", ""))
    ):
        return allowed
    name = _hyphened(value)
    cut = name[:most].rstrip("-")
    whole = cut.rpartition("-")[0].rstrip("-")
    if len(whole) >= most // 2 and name[len(cut) :][:1] not in ("", "-"):
        cut = whole
    return f", such as {cut!r}{allowed}" if cut else allowed


def _filled(left: str) -> str:
    return f"{show(left)} stands where a value was to be filled in: write the value"


def _hyphened(value: str) -> str:
    """A text as a name of letters, digits and hyphens."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", value).strip("-")


def instead(pattern: str, value: object, key: bool = False) -> str:
    """What to write instead of a text that breaks ``pattern``."""
    allowed = describe(pattern)
    advice = f"allowed: {allowed}" if allowed else f"write a text that matches {pattern} as a whole"
    if not isinstance(value, str) or key:
        return advice
    special = _about_role(value) if ":role/?" in pattern else ""
    if "(https|s3)://" in pattern:
        special = _about_uri(value)
    found = _HYPHENS.fullmatch(pattern)
    if found:
        fixed = _hyphened(value)
        if fixed and fixed != value:
            special = f"write {fixed[: int(found[1]) + 1 if found[1] else None].rstrip('-')!r}"
    left = placeholder(value)
    if left is not None and (found or not special):
        special = _filled(left)
    if value != value.strip() and not special:
        special = "there is white space around it"
    if not special and several(pattern, value):
        special = SEVERAL
    if "\n" in value and pattern in (".*", ".+"):
        special = "there is a line break in it"
    if re.search(REPR + r"|^\{['\"](?:Get|Std:)", value):
        special = "this is how Python shows an object: pass its value, or a pipeline's variable as it is"
    return f"{special}; {advice}" if special else advice


def several(pattern: str, value: object) -> bool:
    """True where the text is a list of values, each of which has the form."""
    if not isinstance(value, str) or len(value) > 5000 or not re.search(r"[,;] *[^,; ]", value):
        return False
    parts = [part.strip(" \"'[]()") for part in re.split("[,;]", value)]
    return all(_matches(pattern, part) for part in parts)


def _about_role(value: str) -> str:
    if not value.startswith("arn:"):
        return "a role's name is not enough: write its ARN"
    parts = value.split(":", 5)
    if len(parts) < 6:
        return "the ARN is cut short"
    if parts[2] == "sts":
        return (
            "this is the ARN of a session that assumed a role: write the role's own ARN, with iam and role/"
        )
    kind = parts[5].split("/")[0]
    if kind == "user":
        return "this is the ARN of an IAM user; SageMaker needs a role that it can assume"
    if kind == "root":
        return "this is the account itself; SageMaker needs a role in it"
    if kind in ("policy", "group", "instance-profile"):
        article = "an" if kind == "instance-profile" else "a"
        return f"this is the ARN of {article} {kind}; SageMaker needs a role"
    if not parts[4].isdigit():
        return (
            "the account is a placeholder: write its twelve digits" if parts[4] else "the account is missing"
        )
    if len(parts[4]) != 12:
        return f"an account has twelve digits, this one has {len(parts[4])}"
    return ""


def _about_uri(value: str) -> str:
    text = value.strip()
    if text in NOTHING:
        return "this is the text of a missing value"
    if is_secret(text):
        return "write s3://bucket/prefix/"
    if text[:1] in ("'", '"') and text[-1:] == text[:1] and text[1:].startswith("s3://"):
        return f"take the quotes off: {text[1:-1][:60]}"
    if text != value and text.startswith(("s3://", "https://")):
        return "there is white space around it"
    scheme, separator, rest = text.partition("://")
    if separator and scheme in ("s3a", "s3n", "S3", "http", "HTTPS"):
        return f"write s3://{rest.partition('/')[0]}/… instead of {scheme}://"
    if text.startswith(("arn:aws", "arn:")) and ":s3:::" in text:
        return f"this is an ARN; write s3://{text.partition(':s3:::')[2][:60]}"
    if text.startswith(("/", "file:", "./")):
        return "this is a local path; SageMaker reads and writes S3 only"
    if separator and scheme not in ("s3", "https"):
        return f"{scheme[:20]}:// is not Amazon S3: copy the data to a bucket there"
    place = re.sub(r"^s3(:/*|/{2,})", "", text).lstrip("/")
    if not place:
        return "there is no bucket in it"
    return f"write s3:// before the bucket's name: s3://{place[:60]}"
