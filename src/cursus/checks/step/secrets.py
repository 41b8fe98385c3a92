"""The rule on secrets: SageMaker shows every text of a request to whoever may describe the job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.texts import ARGUMENTS, FREE, HYPERPARAMETERS, speaks
from cursus.checks.views import RequestView
from cursus.model import format_path
from cursus.redact import is_secret_name, is_secret_value

_KEY_ID = re.compile("(AKIA|ASIA)[A-Z0-9]{16}")
_OPTION = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?", re.DOTALL)


@rule("STP049", scope="request", suspects="secret", severity="warning")
def secrets(view: RequestView) -> Iterator[Problem]:
    """A secret stands in plain text in the request.

    What it does:
        Looks for names such as password and api_key, and for the forms of known keys and tokens, in hyperparameters,
        environment, arguments and the other texts; an AWS access key id among hyperparameters is an error. The value is
        never shown.
    Why:
        Everyone who may describe the job reads it, it lies in logs and in the container's files. AWS asks not to put
        secrets there, and may refuse a request in which it recognises credentials.
    Example:
        - Environment: {DB_PASSWORD: correct-horse-battery}
        + Environment: {DB_SECRET_ID: arn:aws:secretsmanager:us-east-1:123456789012:secret:churn-db}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    previous: tuple[object, str] = ("", "")
    for path, value in view.suspected("secret"):
        holder = path[-2] if len(path) > 1 else ""
        found = ""
        if holder in FREE:
            name = str(path[-1])
            if is_secret_name(name) and speaks(value):
                found = f"{name} has the name of a secret, and its value is in plain text"
        elif holder in ARGUMENTS:
            found = _argument(value, previous[1] if previous[0] == path[:-1] else "")
            previous = (path[:-1], value)
        if not found and is_secret_value(value):
            found = f"{format_path(path)} holds what looks like a key or token"
        if found:
            yield Problem(
                found,
                path,
                "keep it in AWS Secrets Manager or Parameter Store, pass its name, and read it with the job's role",
                severity="error"
                if holder in HYPERPARAMETERS and _KEY_ID.fullmatch(value.strip('"'))
                else None,
            )


def _argument(value: str, before: str) -> str:
    """What is wrong with one argument, which may be an option with its value or the value of the one before."""
    option = _OPTION.fullmatch(value)
    if option and option[2] is not None and is_secret_name(option[1]) and speaks(option[2]):
        return f"--{option[1]} has the name of a secret, and its value is in plain text"
    named = _OPTION.fullmatch(before)
    if named and named[2] is None and not option and is_secret_name(named[1]) and speaks(value):
        return f"--{named[1]} has the name of a secret, and its value is in plain text"
    return ""
