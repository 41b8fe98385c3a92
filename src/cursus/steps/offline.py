"""Keeping a builder's AWS calls on this machine while its request is made.

Making a request with the SageMaker SDK asks AWS for the account, looks for a bucket and uploads the source
archive; a real session would even start the job. While ``offline`` is active botocore's HTTP layer asks ``answers``
first.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cursus.model import Finding
from cursus.steps.answers import KEY, Answers, answer
from cursus.steps.made_up import FALLBACK_REGION

_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


_active: list[Answers] = []
_regions: list[str | None] = []


def answered_here(calls: tuple[str, ...]) -> Finding:
    """The finding that names what was answered here; for a step the rule STP098 gives the same."""
    return Finding(
        rule="STP098",
        severity="info",
        message=f"making the request asked AWS for {', '.join(calls)}. This was answered here: nothing was sent or "
        "uploaded, and account and default bucket in the request are made up.",
        remedy="Give role, bucket and region yourself to have them checked too.",
        area="step",
    )


@contextmanager
def in_region(region: str | None) -> Iterator[None]:
    """What is imported and made meanwhile is made in this region, where one is given, not in the machine's own."""
    _regions.append(region or next(reversed(_regions), None))
    try:
        yield
    finally:
        _regions.pop()


@contextmanager
def offline(region: str | None = None) -> Iterator[Answers]:
    """Answer the SDK's calls on this machine for the time being. May be nested."""
    if _active:
        yield _active[-1]
        return
    region = region or next(reversed(_regions), None)
    answers = Answers()
    _active.append(answers)
    before = dict(os.environ)
    made_up = _environment(region)
    answers.region_made_up = "AWS_DEFAULT_REGION" in made_up and region is None
    os.environ.update(made_up)
    finder = _Finder()
    for name, patch in _PATCHES.items():
        if name in sys.modules:
            patch(sys.modules[name])
    sys.meta_path.insert(0, finder)
    try:
        with _quiet_sdk():
            yield answers
    finally:
        _active.pop()
        for name in made_up:
            if os.environ.get(name) == made_up[name]:
                os.environ.pop(name, None)
                if name in before:
                    os.environ[name] = before[name]
        sys.meta_path.remove(finder)


@contextmanager
def _quiet_sdk() -> Iterator[None]:
    """Leave out what the SDKs say of settings, telemetry, credentials, and of permissions that nobody was asked for."""
    loggers = [logging.getLogger(name) for name in ("sagemaker", "sagemaker.config", "botocore")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(max(logger.level, logging.ERROR))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Running within a PipelineSession")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _environment(region: str | None) -> dict[str, str]:
    """Settings without which the SDK does not start, where the machine has none of its own."""
    home = Path("~").expanduser() / ".aws"
    files = (
        Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"),
        Path(os.environ.get("AWS_CONFIG_FILE") or home / "config"),
    )
    made_up = (
        {"SAGEMAKER_SUPPRESS_V2_WARNING": "1"} if "SAGEMAKER_SUPPRESS_V2_WARNING" not in os.environ else {}
    )
    has_files = any(file.is_file() for file in files)
    if not any(os.environ.get(name) for name in _CREDENTIALS) and not has_files and not _on_ec2():
        made_up.update(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=KEY)
    names = [name for name in ("AWS_DEFAULT_REGION", "AWS_REGION") if os.environ.get(name)]
    # A region that is none is reported by the checks; here it would only stop the SDK.
    if region and region.replace("-", "").isalnum() and region.isascii():
        made_up.update(dict.fromkeys({*names, "AWS_DEFAULT_REGION"}, region))
    elif not names and (region or not has_files):
        made_up["AWS_DEFAULT_REGION"] = FALLBACK_REGION
    return made_up


def _on_ec2() -> bool:
    try:
        return Path("/sys/class/dmi/id/sys_vendor").read_text(encoding="utf-8").startswith("Amazon EC2")
    except (OSError, UnicodeDecodeError):
        return False


class _Finder:
    """Patches botocore's HTTP layer, and the SDK's usage reports, when a builder imports them only now."""

    def __init__(self) -> None:
        self.busy = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        patch = _PATCHES.get(name)
        if patch is None or self.busy:
            return None
        self.busy = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.busy = False
        loader: Any = spec.loader if spec else None
        if loader is None:
            return None
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            patch(module)

        loader.exec_module = exec_module
        return spec


def _patch_http(module: Any) -> None:
    """Ask here first in ``URLLib3Session.send``; once, and without effect while ``offline`` is not active."""
    owner = module.URLLib3Session
    send = owner.send
    if getattr(send, "asks_cursus", False):
        return

    def answer_or_send(self: Any, request: Any) -> Any:
        found = answer(request, _active[-1]) if _active else None
        return send(self, request) if found is None else found

    answer_or_send.asks_cursus = True  # type: ignore[attr-defined]
    owner.send = answer_or_send


def _patch_telemetry(module: Any) -> None:
    """Send no usage report of the SDK, which goes past botocore, while ``offline`` is active."""
    helper = getattr(module, "_requests_helper", None)
    if helper is None or getattr(helper, "asks_cursus", False):
        return

    def report(*args: Any, **kwargs: Any) -> Any:
        return None if _active else helper(*args, **kwargs)

    report.asks_cursus = True  # type: ignore[attr-defined]
    module._requests_helper = report


_PATCHES: dict[str, Callable[[Any], None]] = {
    "botocore.httpsession": _patch_http,
    "sagemaker.telemetry.telemetry_logging": _patch_telemetry,
    "sagemaker.core.telemetry.telemetry_logging": _patch_telemetry,
}
