"""The errors of ``cursus.local.Client``: AWS's codes and texts, and botocore's classes where botocore is installed.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cursus.aws.members import aws_path
from cursus.redact import HIDDEN, is_secret_name, is_secret_value

if TYPE_CHECKING:
    from cursus.aws.schema import Violation

MODELLED = ("ResourceInUse", "ResourceNotFound", "ResourceLimitExceeded")
"""Errors that SageMaker's service model names; ``client.exceptions`` has a class for each."""

NOT_FOUND = "Requested resource not found."
SHOWN = 200
"""Characters of a value that a message shows."""


def metadata(status: int = 200) -> dict[str, Any]:
    """ResponseMetadata, as every response of a boto client has it."""
    number = str(uuid.uuid4())
    headers = {"x-amzn-requestid": number, "content-type": "application/x-amz-json-1.1"}
    return {"RequestId": number, "HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": 0}


class PlainClientError(Exception):
    """Stands for ``botocore.exceptions.ClientError`` where botocore is not installed, with the same members."""

    def __init__(self, error_response: dict[str, Any], operation_name: str) -> None:
        error = error_response.get("Error", {})
        super().__init__(
            f"An error occurred ({error.get('Code', 'Unknown')}) when calling the {operation_name} operation: "
            f"{error.get('Message', 'Unknown')}"
        )
        self.response = error_response
        self.operation_name = operation_name


PlainClientError.__name__ = PlainClientError.__qualname__ = "ClientError"


class PlainWaiterError(Exception):
    """Stands for ``botocore.exceptions.WaiterError`` where botocore is not installed, with the same members."""

    def __init__(self, name: str, reason: str, last_response: dict[str, Any]) -> None:
        super().__init__(f"Waiter {name} failed: {reason}")
        self.kwargs = {"name": name, "reason": reason}
        self.last_response = last_response


PlainWaiterError.__name__ = PlainWaiterError.__qualname__ = "WaiterError"


class Exceptions:
    """``client.exceptions``: ``ClientError`` and a class for each error that the service model names."""

    def __init__(self) -> None:
        found = _classes()
        self.ClientError: Any = found["ClientError"]
        self.ResourceInUse: Any = found["ResourceInUse"]
        self.ResourceNotFound: Any = found["ResourceNotFound"]
        self.ResourceLimitExceeded: Any = found["ResourceLimitExceeded"]


@lru_cache(maxsize=1)
def _classes() -> dict[str, Any]:
    """By name, the class of every error that is raised here."""
    try:
        from botocore.exceptions import ClientError, ParamValidationError, WaiterError
    except ImportError:
        base: Any = PlainClientError
        refused, waiter = base, PlainWaiterError
    else:
        base, waiter = ClientError, WaiterError

        class ParameterError(ClientError, ParamValidationError):  # type: ignore[misc]
            """What botocore finds before it sends a request is its own error; the service's code goes with it."""

            def __init__(self, error_response: dict[str, Any], operation_name: str) -> None:
                # Each base would hand its own arguments on to the other.
                Exception.__init__(self, str(ClientError(error_response, operation_name)))
                self.response = error_response
                self.operation_name = operation_name
                self.kwargs = {"report": error_response["Error"]["Message"]}

            def __reduce__(self) -> Any:
                return refusal, (self.response, self.operation_name, "ParameterError")

        refused = ParameterError
    found = {name: type(name, (base,), {"__module__": __name__}) for name in MODELLED}
    return {**found, "ClientError": base, "ParameterError": refused, "WaiterError": waiter}


def refusal(response: dict[str, Any], operation: str, kind: str) -> Exception:
    """An error of one of our classes, from what it holds."""
    made: Exception = _classes()[kind](response, operation)
    return made


def client_error(code: str, message: str, operation: str, *, in_client: bool = False) -> Exception:
    """The error that a boto client raises for this answer of the service.

    Args:
        code: AWS's error code.
        message: its text.
        operation: the API operation, such as ``CreateTrainingJob``.
        in_client: boto would have found it before it sent anything; the error is a ParamValidationError too.
    """
    error = {"Message": message, "Code": code}
    response: dict[str, Any] = {"Error": error, "ResponseMetadata": metadata(400)}
    if code in MODELLED:
        response["message"] = message
        return refusal(response, operation, code)
    return refusal(response, operation, "ParameterError" if in_client else "ClientError")


def waiter_error(name: str, reason: str, last: dict[str, Any]) -> Exception:
    """What a boto waiter raises."""
    made: Exception = _classes()["WaiterError"](name=name, reason=reason, last_response=last)
    return made


IN_CLIENT = ("required", "unknown", "type", "not_json")
"""Kinds of violation that botocore finds itself; minimal lengths and ranges are others."""


def validation_error(violations: Sequence[Violation], operation: str) -> Exception:
    """ValidationException with one sentence for each violation of the service model, in AWS's form."""
    sentences = [_sentence(violation) for violation in violations]
    count = f"{len(sentences)} validation error{'' if len(sentences) == 1 else 's'} detected: "
    in_client = any(one.kind in IN_CLIENT or one.bound == "min" for one in violations)
    return client_error("ValidationException", count + "; ".join(sentences), operation, in_client=in_client)


def _sentence(violation: Violation) -> str:
    place = aws_path(violation.path)
    if violation.kind == "unknown":
        names = f", must be one of: {', '.join(violation.options)}" if violation.options else ""
        return f'Unknown parameter in input: "{violation.path[-1]}"{names}'
    if violation.kind == "required":
        return f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
    message = violation.message
    if violation.kind == "type":
        found = type(violation.value).__name__
        message = f"Member must be of type {violation.limit}, and is {found}"
    elif violation.key:
        place, message = aws_path(violation.path[:-1]), f"Map keys must satisfy constraint: [{message}]"
    value = _value(violation)
    return f"Value {value}at '{place}' failed to satisfy constraint: {message}"


def _value(violation: Violation) -> str:
    """The value with a blank after it; nothing for a list or map, as AWS shows none."""
    value = violation.value
    if violation.key or not isinstance(value, (str, int, float, bool)):
        return ""
    text = str(value)
    names = [part for part in violation.path if isinstance(part, str)]
    if is_secret_value(text) or (names and is_secret_name(names[-1]) and not isinstance(value, bool)):
        return f"'{HIDDEN}' "
    return f"'{text if len(text) <= SHOWN else text[: SHOWN - 1] + '…'}' "
