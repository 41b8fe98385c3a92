"""What the SageMaker SDK refuses while a file is read: a fault of what the file builds, and so a finding on it."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType, TracebackType

from cursus.errors import TargetError
from cursus.model import HookFailure, Location, Pipeline, Promises, Step


class RefusedError(TargetError):
    """The SDK refuses what it is given. Where no finding can be made of it, it is what cannot be read."""

    def __init__(self, message: str, failure: HookFailure) -> None:
        super().__init__(message)
        self.failure = failure


def failed(
    message: str, error: BaseException | None, says: str, place: str | None, remedy: str
) -> TargetError:
    """The error for what code raised at ``place`` (file:line): a RefusedError where the SDK refuses something."""
    if error is None or not _refuses(error):
        return TargetError(message)
    file, _, line = (place or "").rpartition(":")
    failure = HookFailure(
        "create_step",
        f"The SageMaker SDK refuses what it is given: {says}",
        location=Location(file, int(line)) if file else None,
        remedy=remedy,
        refusal=True,
    )
    return RefusedError(message, failure)


def found(read: Callable[[], list[Step | Pipeline]], name: str) -> list[Step | Pipeline]:
    """What is read, or a step without a request that holds the finding on what the SDK refuses."""
    try:
        return read()
    except RefusedError as error:
        promises = Promises(failures=(error.failure,))
        return [Step(name=name, operation="CreateTrainingJob", request={}, promises=promises)]


def is_refused(one: Step | Pipeline) -> bool:
    """True for what ``found`` made of a refusal."""
    return isinstance(one, Step) and any(failure.refusal for failure in one.promises.failures)


def _refuses(error: BaseException) -> bool:
    """True for an error that the SDK raises itself, which is none of its own slips, no answer of AWS, and nothing
    that this machine cannot reach."""
    before = error.__cause__ or error.__context__  # what the SDK was told, and says in its own words
    unreached = isinstance(before, OSError) and not isinstance(before, FileNotFoundError)
    if unreached or type(before).__module__.partition(".")[0] in _ASKS:
        return False
    frames = list(_frames(error.__traceback__))
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in frames]
    if not isinstance(error, (ValueError, TypeError, NotImplementedError, RuntimeError)) or any(
        part in _ASKS for module in modules for part in module.split(".")
    ):
        return False
    frame, line = frames[-1]
    owner = modules[-1].partition(".")[0]
    if owner == "pydantic":
        return type(frame.f_locals.get("self")).__module__.startswith("sagemaker")
    import linecache

    return owner == "sagemaker" and linecache.getline(frame.f_code.co_filename, line).strip().startswith(
        "raise"
    )


_ASKS = frozenset({"botocore", "boto3", "jumpstart", "s3transfer", "urllib3", "requests"})
"""What asks AWS, or goes by what it answered: here that is made up."""


def _frames(traceback: TracebackType | None) -> list[tuple[FrameType, int]]:
    found = []
    while traceback is not None:
        found.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found
