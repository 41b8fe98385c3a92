"""Secrets never reach a report or a log of ours: what looks like one is shown as ``***``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

HIDDEN = "***"

_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth)(_|-|\b|$|[A-Z])"
    r"|(^|_|-)(pwd|pw|pat|apikey)($|_|-)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(num|max|min|pad|eos|bos|unk|cls|sep|mask|image|vocab|special|n|new)_?tokens?|tokens?_?(len|length|count|per|size|type|embed)|"
    r"tokenizer|tokeniz|tokens$|_token_id|secret[_-]?(arn|id|name)|"
    r"[_-](name|column|arn|path|file|url)$|(error|exception|bucket|prefix|table|topic|region|provider|ttl|expiry|timeout|mode|"
    r"enabled|policy|version|method|scheme|format|level|limit)$|author|authoriz(er|ation)_type|passes|passthrough|by_?pass",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bhf_[A-Za-z0-9]{30,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bglpat-[A-Za-z0-9_-]{15,}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?=-----|\Z)"
    r"|\beyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]*)?"
    r"|[a-z][a-z0-9+.-]{0,30}://[^/\s:@]+:[^/\s@]{3,}@|X-Amz-(Signature|Security-Token)=[^&\s'\"]{16,}"
)
"""Repetitions that a failed match would walk again have bounds: a value may be megabytes long."""
_SIGNS = ("AKIA", "ASIA", "gh", "hf_", "sk-", "xox", "glpat-", "-----BEGIN", "eyJ", "@", "X-Amz-S")
"""Each match of it has one of these, which are found sooner than it finds nothing."""
_ASSIGNED = re.compile(
    r"(?<![\w-])(?P<name>[A-Za-z_][\w-]{0,80})(?P<sign>['\"]?\s{0,3}[=:]\s{0,3}['\"]?)(?P<value>[^\s'\",;)}\]]+)"
)
_ACCESS_KEY = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9/+]{40}")
"""AWS's secret access keys have no sign of their own: what is one as a whole is hidden, and no finding for that."""
_LABELLED = frozenset({"Value", "DefaultValue", "EnumValues"})
_OPTION = re.compile(r"(--?(?P<name>[A-Za-z][\w-]*))(?P<value>=.+)?", re.DOTALL)
_BEARER = re.compile(r"\b(Bearer|Basic)\s{1,3}[A-Za-z0-9._~+/=-]{6,}")


def is_secret_name(name: str) -> bool:
    """True where a variable or hyperparameter of this name is likely to hold a secret."""
    if not isinstance(name, str):  # a member name that Python allows and JSON does not
        return False
    return _is_secret_name(name) if len(name) <= LONGEST_NAME else _is_secret_name.__wrapped__(name)


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return bool(_NAME.search(name)) and not _HARMLESS.search(name)


def is_secret_value(value: str) -> bool:
    """True where the text itself has the form of a known kind of secret."""
    for sign in _SIGNS:  # faster than any()
        if sign in value:
            return _VALUE.search(value) is not None
    return False


def is_secret(value: str) -> bool:
    """True where the text has the form of a known kind of secret, or is as a whole a key of AWS's."""
    return is_secret_value(value) or (len(value) == 40 and _ACCESS_KEY.fullmatch(value) is not None)


def show(value: object, name: str = "", limit: int = 80) -> str:
    """A value for a message: quoted, cut after ``limit`` characters, and hidden where it looks like a secret."""
    if isinstance(value, str) and value and (is_secret(value) or (name and is_secret_name(name))):
        return HIDDEN
    if isinstance(value, int) and not isinstance(value, bool) and name and is_secret_name(name):
        return HIDDEN  # a number that should have been a text
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__} that cannot be shown>"
    if is_secret_value(text) or "=" in text or "': " in text:
        text = prose(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


LONGEST_NAME = 200
"""Characters of a name in a path, a section or a heading: more than any that AWS takes."""
LONGEST_TEXT = 8000
"""Characters of a message: AWS's own lists of instance types are not half as long."""


def cut(text: str, limit: int = LONGEST_NAME) -> str:
    """A text of at most ``limit`` characters, with … where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def prose(text: str) -> str:
    """A text that somebody else's code wrote, such as an error's message, with what it says of secrets hidden.

    Hidden are known forms of secrets, values that stand beside a secret's name (``password=…``,
    ``'db_password': '…'``), and what follows ``Bearer``.
    """

    def assigned(match: re.Match[str]) -> str:
        if not is_secret_name(match["name"]):
            return match[0]
        return match["name"] + match["sign"] + HIDDEN

    return _ASSIGNED.sub(assigned, _BEARER.sub(rf"\1 {HIDDEN}", _VALUE.sub(HIDDEN, text)))


def redact(value: Any, name: str = "") -> Any:
    """A copy of plain data in which every secret is replaced."""
    if isinstance(value, Mapping):
        label = value.get("Key") or value.get("Name")  # of a tag, of a pipeline's parameter
        if isinstance(label, str) and is_secret_name(label):
            return {
                key: HIDDEN if key in _LABELLED and item else redact(item, str(key))
                for key, item in value.items()
            }
        inside = name if name and is_secret_name(name) else ""
        return {key: redact(item, inside or str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return _redact_list(value, name)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return HIDDEN if name and is_secret_name(name) else value
    if isinstance(value, str) and value:
        if (name and is_secret_name(name)) or (len(value) == 40 and is_secret(value)):
            return HIDDEN
        if value[0] in "{[":  # a text that holds JSON, whose members may be secrets
            return prose(value)
        if is_secret_value(value):
            return _VALUE.sub(HIDDEN, value)
    return value


def _redact_list(items: Sequence[Any], name: str) -> list[Any]:
    """A list's copy, which may be a command line: ``--token=x`` and ``--token x`` hide what is given."""
    shown: list[Any] = []
    option = ""
    for item in items:
        found = _OPTION.fullmatch(item) if isinstance(item, str) else None
        if found and found["value"] and is_secret_name(found["name"]):
            shown.append(f"{found[1]}={HIDDEN}")
        else:
            plain = redact(item, name if found else option or name)
            # A shell's line: export PASSWORD=… && python train.py
            shown.append(prose(plain) if isinstance(plain, str) and "=" in plain and " " in plain else plain)
        option = found["name"] if found and not found["value"] else ""
    return shown
