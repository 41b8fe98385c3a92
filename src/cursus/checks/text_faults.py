"""Faults in the form of a single text: of an S3 location, of a bucket's name, and what stands for a value never written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from cursus.redact import is_secret_value, show


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one S3 location: the kind, the sentence, and the remedy."""

    kind: str
    message: str
    remedy: str
    certain: bool = True


# Patterns are kept as text and compiled where one is first needed: most requests need hardly any.
_ENDPOINT = r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?"
_BUCKET = r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]"
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}"
_AGAIN = r"(?:s3[an]?|https?):/{0,2}"


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
    if is_secret_value(text):
        faults = tuple([replace(each, remedy="write s3://bucket/prefix/") for each in faults])
    if text != uri:
        faults = (*faults, Fault("space", "has white space at its end or beginning", f"write {text[:80]!r}"))
    return faults


def _s3(text: str) -> tuple[Fault, ...]:
    rest = text[5:]
    bucket, _, key = rest.partition("/")
    if re.match(_AGAIN, rest):
        message = "has two schemes: where a bucket's name belongs, a URI begins again"
        again = re.sub(rf"^(?:{_AGAIN})+", "s3://", rest)
        return (Fault("scheme", message, f"write {again[:80]}"),)
    if rest.startswith("arn:"):
        found = re.match(r"arn:aws[a-z-]*:s3:::([^/]+/?.*)", rest)
        if found is None:
            return ()  # an access point's ARN stands where a bucket's name does
        return (Fault("bucket", "has a bucket's ARN where its name belongs", f"write s3://{found[1]}"[:120]),)
    if not bucket:
        return (Fault("bucket", "has no bucket's name", "write s3://bucket/prefix/"),)
    if "\\" in bucket:
        tidy = re.sub(r"\\+", "/", rest)
        return (
            Fault("bucket", "has a backslash where / ends the bucket's name", f"write s3://{tidy}"[:120]),
        )
    faults: tuple[Fault, ...] = ()
    if not re.fullmatch(_BUCKET, bucket) or "." in bucket:
        endpoint = re.fullmatch(_ENDPOINT, bucket)
        if endpoint:
            name, _, path = (endpoint["bucket"], "", key) if endpoint["bucket"] else key.partition("/")
            better = f"write s3://{name or 'bucket'}/{path}"[:100]
            return (Fault("endpoint", "has an endpoint of S3 where the bucket's name belongs", better),)
        wrong = bucket_fault(bucket) if placeholder(bucket) is None else ""
        if wrong:
            message = f"names a bucket that cannot be: {show(bucket)} {wrong}"
            faults = (Fault("bucket", message, _bucket_remedy(bucket)),)
    if "*" in key:
        message = "has a wildcard, which S3 takes for a part of the key: there is no such object"
        prefix = f"s3://{bucket}/{key.partition('*')[0]}"
        faults = (*faults, Fault("wildcard", message, f"write the prefix itself: {prefix}"[:120]))
    elif "?versionId=" in key:
        message = "names a version, which S3 takes for a part of the key: there is no such object"
        better = f"write s3://{bucket}/{key.partition('?')[0]}: the newest version is read"
        faults = (*faults, Fault("wildcard", message, better[:160]))
    if "\\" in key:
        tidy = re.sub(r"\\+", "/", key)
        message = "has a backslash in its key, which S3 takes for a part of a name, not for a folder"
        faults = (*faults, Fault("slashes", message, f"write s3://{bucket}/{tidy}"[:120], False))
    if "//" in key or key.startswith("/"):
        faults = (*faults, _slashes(bucket, key))
    return faults


def _slashes(bucket: str, key: str) -> Fault:
    if "s3://" in key:
        message = "has a whole URI inside its key: something was joined to what was a URI already"
        return Fault("scheme", message, f"write {key[key.rindex('s3://') :][:100]}", False)
    tidy = re.sub(r"/{2,}", "/", key.lstrip("/"))
    message = "has // in its key, which S3 takes for a folder without a name"
    return Fault("slashes", message, f"write s3://{bucket}/{tidy}"[:120], False)


def _https(text: str) -> tuple[Fault, ...]:
    host, _, path = text.partition("://")[2].partition("/")
    if "console.aws" in host or "console.amazonaws" in host:
        found = re.search(r"buckets?/([a-z0-9.-]+)", path)
        better = f"write s3://{found[1] if found else 'bucket'}/…"
        return (Fault("endpoint", "is a page of the AWS console, not an S3 location", better),)
    endpoint = re.fullmatch(_ENDPOINT, host)
    if endpoint is None:
        return (Fault("endpoint", "is a web address, not an S3 location", "write s3://bucket/prefix/"),)
    if text.startswith("http://") or endpoint["bucket"]:
        bucket = endpoint["bucket"] or path.partition("/")[0]
        key = path if endpoint["bucket"] else path.partition("/")[2]
        better = f"write s3://{bucket}/{key.partition('?')[0]}"[:120]
        return (Fault("endpoint", "is a web address of the bucket where its URI belongs", better),)
    message = (
        "is in the old form, which SageMaker takes for its own data, but the debugger and profiler do not"
    )
    return (Fault("endpoint", message, f"write s3://{path}"[:120], False),)


def bucket_fault(name: str) -> str:
    """Why no bucket can have this name; empty where one can."""
    if len(name) < 3 or len(name) > 63:
        return f"has {len(name)} character{'' if len(name) == 1 else 's'}; a bucket's name has 3 to 63"
    if "(" in name:
        return "is a call, which stands inside the quotes"
    if any(char.isupper() for char in name):
        return "has capital letters"
    if not re.fullmatch(_BUCKET, name):
        bad = sorted({char for char in name if not re.fullmatch(r"[a-z0-9.-]", char)})
        return f"holds {' '.join(map(repr, bad[:5]))}" if bad else "begins or ends with a dot or hyphen"
    if ".." in name or ".-" in name or "-." in name:
        return "has a dot beside a dot or hyphen"
    return "is an IP address" if re.fullmatch(_ADDRESS, name) else ""


def _bucket_remedy(name: str) -> str:
    if "(" in name:
        return 'let the call stand outside: f"s3://{call()}/…"'
    rules = "3 to 63 lower-case letters, digits, dots and hyphens"
    fixed = re.sub(r"[^a-z0-9.-]+|\.[.-]+|-\.[.-]*", "-", name.lower()).strip("-.")
    return f"a bucket's name has {rules}" + (f", such as {fixed[:63]}" if 3 <= len(fixed) <= 63 else "")


_ANGLES = r"<{1,2}\s*[A-Za-z][\w .:/-]*(?:>{1,2}|$)|<{1,2}\s*(?i:your|my|insert|enter|replace)[^<>\n]*>{0,2}"
CURLY = (
    r"\$\{[A-Za-z_][\w.:-]*\}|\$[A-Z][A-Z0-9_]{2,}|\{\{[^{}\n]*\}\}|\{[A-Za-z_][\w.]*\}|%\([a-z_]\w*\)s|%s"
)
UNFILLED = r"\$\{[A-Za-z_][\w.:-]*\}|\$(?:PATH|PYTHONPATH|LD_LIBRARY_PATH|HOME|SM_[A-Z_]+)\b"
"""What a shell would put into a variable's value, and SageMaker does not."""
_YOUR = (
    r"(?<![A-Za-z])(?:your|YOUR)[-_ ](?:[A-Za-z0-9]+[-_ ])*"
    r"(?:bucket|role|account|region|image|key|prefix|subnet|name|id|arn|path|repo|"
    r"BUCKET|ROLE|ACCOUNT|REGION|IMAGE|KEY|PREFIX|SUBNET|NAME|ID|ARN|PATH|REPO)(?![A-Za-z])"
    r"|(?<![A-Za-z])[Yy]our(?:[A-Z][a-z]+)*(?:Bucket|Role|Account|Region|Image|Key|Prefix|Subnet|Name|Id|Arn|Path|Repo)(?![a-z])"
    r"|(?i:\b(?:replace|change)[-_ ]?(?:me|this|with)\b|\bto[-_]?do\b|\bfixme\b|\bplaceholder\b)"
    r"|(?<![A-Za-z0-9])[xX]{4,}(?![A-Za-z0-9])"
)
# The whole of a hyperparameter's or variable's value: <pad>, {name} and a sentence with TODO in it may be meant.
_LEFT_OVER = (
    r"<{1,2}\s*(?i:your|my|insert|enter|replace|change|fill)[-_ ][^<>\n]*>{1,2}|[xX]{4,}|\$\{[A-Z][A-Z0-9_]*\}"
    r"|(?:your|YOUR)(?:[-_][A-Za-z0-9]+)+|(?i:(?:replace|change)[-_]?(?:me|this)|todo|to[-_]do|fixme|placeholder)"
)
_YOUR_HINTS = ("your", "replace", "change", "todo", "to-do", "to_do", "fixme", "placeholder", "xxxx")


@lru_cache(maxsize=8192)
def placeholder(value: str) -> str | None:
    """The part of a text that looks like a place left to fill in, or None."""
    found = re.search(_ANGLES, value) if "<" in value else None
    if found is None and ("$" in value or "{" in value or "%" in value):
        found = re.search(CURLY, value)
    if found is None:
        low = value.lower()
        if any(hint in low for hint in _YOUR_HINTS):
            found = re.search(_YOUR, value)
    return found[0] if found else None


def left_over(value: str) -> bool:
    """True where a text is nothing but the place of a value that was never written."""
    return len(value) < 80 and re.fullmatch(_LEFT_OVER, value.strip("\"' ")) is not None
