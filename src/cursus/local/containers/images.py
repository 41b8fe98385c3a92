"""The image that a job's containers are made of: the request's own, or one that stands in for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cursus.aws import instances
from cursus.errors import RunError
from cursus.local import contract
from cursus.local.containers import engine
from cursus.local.containers.engine import Engine, EngineError, Image
from cursus.local.isolation.mounts import ML
from cursus.local.jobs.events import Listener, notice
from cursus.model import Step

if TYPE_CHECKING:
    from cursus.local.options import Options

TRAIN = "train"
"""What SageMaker gives an image to start where the request names nothing else:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html"""

SHELL = ("/bin/sh", "-c", "exec bash -i 2>/dev/null || exec sh -i")
ROOT = ("", "0", "root", "0:0", "root:root")
SET_BY_SDK = (
    "sagemaker_program and sagemaker_submit_directory: the request has none, and they were set as the SDK sets "
    "them when it submits a job"
)
NO_GPUS = (
    "the GPUs of this machine: a container gets them through the engine's own options alone "
    "(--engine-argument=--gpus=all)"
)


def choose(options: Options, step: Step, on_event: Listener | None = None) -> dict[str, Any] | None:
    """The engine and the image, as a plan has them; None where no engine is asked for.

    An image that is not here is pulled, as far as the engine can; ``on_event`` is told before, as that may take long.

    Raises:
        RunError: the engine is missing or does not answer; there is no image, or it is not to be had.
    """
    if options.engine is None:
        return None
    algorithm = step.request.get("AlgorithmSpecification") or {}
    wanted = algorithm.get("TrainingImage")
    name = options.image or wanted
    if not isinstance(name, str) or not name:
        raise RunError(
            "the request names no TrainingImage, so there is nothing to make a container of: "
            "--image NAME says which image of this machine stands for its algorithm"
        )

    try:
        given = (*engine.configured(), *options.engine_arguments)
        found = engine.find(options.engine, given)
        image = engine.image(found, name) or _pulled(found, name, partial(notice, on_event, step.name))
    except EngineError as error:
        raise RunError(str(error)) from error
    return {
        **found._asdict(),
        "image": image.id,
        "shown": name,
        "wanted": wanted,
        "given": sorted({one.partition("=")[0] for one in given if one.startswith("-")}),
        "root": image.user in ROOT,
        "user": image.user,
        "shell": options.shell,
        "executes": [*image.entrypoint, TRAIN],
    }


def _pulled(found: Engine, name: str, say: Callable[[str], None]) -> Image:
    say(f"the image {name} is not here: {found.name} pulls it")
    reason = "the engine said that it did, and has not got it"
    try:
        engine.pull(found, name)
    except EngineError as error:
        reason = str(error)
    image = engine.image(found, name)
    if image is None:
        raise RunError(
            f"the image {name} is not here and could not be pulled: {reason}; build it with that tag, log in to its "
            f"registry with {found.name}, or let a local image stand in for it with --image NAME"
        )
    return image


def apply(found: Mapping[str, Any], planned: dict[str, Any], step: Step) -> None:
    """Put the engine into a plan (see ``planning.plan``): what the image brings along is not this machine's."""
    algorithm = step.request.get("AlgorithmSpecification") or {}
    entrypoint = list(algorithm.get("ContainerEntrypoint") or ())
    arguments = list(algorithm.get("ContainerArguments") or ())
    if found["shell"]:
        entrypoint, arguments = list(SHELL), []
    if not entrypoint and not arguments:
        arguments = [TRAIN]
    shown = [*entrypoint, *arguments] if entrypoint else [*found["executes"][:-1], *arguments]
    planned["engine"] = {
        **found,
        "entrypoint": entrypoint[0] if entrypoint else None,
        "arguments_of_image": [*entrypoint[1:], *arguments],
        "executes": shown,
        "cpus": dict(_processors(step.request)),
    }
    planned["paths"], planned["missing_requirements"], planned["shell"] = [], [], None
    planned["fork_ranks"] = False
    notes: list[str] = planned["not_reproduced"]
    notes[:] = [note for note in notes if "the packages are those of this environment" not in note]
    if found["wanted"] != found["shown"]:
        notes.insert(
            0, f"the image {found['wanted'] or 'of the algorithm'}: {found['shown']} stood in for it"
        )
    if not found["root"]:
        notes.append(f"the rights of the image's user {found['user']}: here it may write anywhere below {ML}")
    if found["given"]:  # by name alone: a value may be a secret
        notes.append(
            f"{found['name']} was given options that SageMaker does not give: {', '.join(found['given'])}"
        )
    given = any("gpu" in one or "device" in one for one in found["arguments"])
    if os.path.exists("/dev/nvidia0") and not given:
        notes.append(NO_GPUS)
    hyperparameters = planned["request"].get("HyperParameters") or {}
    if planned["entry_point"] is not None and "sagemaker_program" not in hyperparameters:
        sent = {"sagemaker_submit_directory": f"{ML}/code", "sagemaker_program": planned["entry_point"]}
        planned["request"] = {**planned["request"], "HyperParameters": {**sent, **hyperparameters}}
        notes.append(SET_BY_SDK)


def _processors(request: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """By host, its instance's processors, where this machine has more than that."""
    for _, kind, names in contract.groups(request):
        found = instances.find(kind) if isinstance(kind, str) else None
        if found is not None and found.vcpus and found.vcpus < (os.cpu_count() or 1):
            for name in names:
                yield name, int(found.vcpus)
