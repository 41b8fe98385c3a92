"""Rules on what starts a training job by its own command, as functions of the SageMaker SDK do: ``@remote``, and ``@step`` of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from cursus.aws.images import parse_image
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.views import Channel, TrainingView, listing, text
from cursus.redact import show
from cursus.suggest import closest

OPTION = "--client_python_version"
_PYTHON = re.compile(r"py(\d)(\d+)")


@rule("FRM018", reads=("AlgorithmSpecification.ContainerArguments",), shared=True)
def python_of_a_remote_function(view: TrainingView) -> Iterator[Problem]:
    """A function that was packed with one version of Python is to be run with another.

    What it does:
        Compares the Python that the SDK packed the function with (--client_python_version of ContainerArguments) with the one in
        the image's tag. A job that makes a conda environment of its own, or is given the name of one, is left alone.
    Why:
        A packed function is bytecode, which only the same version of Python reads: "Python version found in the container is
        '3.10' which does not match python version '3.11' on the local client" fails the job, once its instance is up.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.2.0-cpu-py310
            ContainerEntrypoint: [/bin/bash, /opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh]
        -   ContainerArguments: [--s3_base_uri, "s3://example-bucket/functions", --client_python_version, "3.11"]
        +   ContainerArguments: [--s3_base_uri, "s3://example-bucket/functions", --client_python_version, "3.10"]
          InputDataConfig:
            - ChannelName: sagemaker_remote_function_bootstrap
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/functions/bootstrap/"}}
    Source:
        sagemaker 2.257.7, sagemaker.remote_function.runtime_environment,
        https://github.com/aws-samples/amazon-sagemaker-build-train-deploy/issues/38
    """
    words = listing(view.algorithm, "ContainerArguments")
    if OPTION not in words[:-1] or "--job_conda_env" in words:
        return
    at = words.index(OPTION) + 1
    image = parse_image(text(view.algorithm, "TrainingImage") or "")
    tag = _PYTHON.fullmatch(image.python_version or "") if image is not None and image.amazon else None
    packed = words[at]
    if tag is None or not isinstance(packed, str) or not re.fullmatch(r"\d+\.\d+", packed):
        return
    settings = words[words.index("--dependency_settings") + 1 :] if "--dependency_settings" in words else []
    if settings and isinstance(settings[0], str) and re.search(r"\.ya?ml\b", settings[0]):
        return  # a conda environment, with a Python of its own
    inside = f"{tag[1]}.{tag[2]}"
    if inside != packed:
        yield Problem(
            f"the function was packed with Python {show(packed)}, and the image has {inside}",
            ("AlgorithmSpecification", "ContainerArguments", at),
            f"give the decorator an image with Python {packed}, or build the pipeline with Python {inside}",
        )


_DATA = re.compile(r"/opt/ml/input/data/([A-Za-z0-9._-]+)")
_SCRIPT = re.compile(r"[\w./-]*\.(?:sh|py)(?![\w./-])")
_ASKED = re.compile(r"\[ |\btest\b|\|\||\bif\b|\bfind\b|\bmkdir\b")
"""A shell that asks whether a folder is there, or makes it, goes on without it."""
_PLACES = ("dir", "path", "file", "folder", "data", "DIR", "PATH", "FILE", "FOLDER", "DATA")
"""How hyperparameters and variables end whose values are places of the container."""


@rule(
    "CHN044",
    reads=(
        "ContainerEntrypoint",
        "ContainerArguments",
        *hyperparameters(*(f"*{each}" for each in _PLACES)),
        *(f"Environment.*{each}" for each in _PLACES),
    ),
)
def channel_of_command(view: TrainingView) -> Iterator[Problem]:
    """A training job's command, hyperparameter or environment names a channel that the job does not have.

    What it does:
        Looks for /opt/ml/input/data/<name> in ContainerEntrypoint, ContainerArguments, hyperparameters such as data_dir or
        train_file and variables such as DATA_DIR, and for the channel of that name. Where the container is only given the path,
        this is a warning, but for nearly the name of a channel. A script that is run from a channel wants it in File mode, and on
        every host.
    Why:
        "/opt/ml/input/data/sm_drivers/sm_train.sh: No such file or directory": SageMaker makes a folder for each channel, and
        no other. A tuning job, or a request that was written by hand, easily loses the channels that the SDK adds itself.
    Example:
          AlgorithmSpecification: {ContainerEntrypoint: [/bin/bash, /opt/ml/input/data/sm_drivers/sm_train.sh]}
        + InputDataConfig:
        +   - ChannelName: sm_drivers
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/drivers/"}}
    Source:
        https://github.com/aws/sagemaker-python-sdk/pull/5634,
        https://github.com/huggingface/transformers/issues/11836,
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    channels = {channel.name: channel for channel in view.channels}
    names = list(channels)
    if None in names or not isinstance(view.request.get("InputDataConfig", []), list):
        return
    entry = listing(view.algorithm, "ContainerEntrypoint")
    words = [*entry, *listing(view.algorithm, "ContainerArguments")]
    told: set[str] = set()
    for at, word in enumerate(words):
        if not isinstance(word, str) or len(word) > 10_000 or _ASKED.search(word):
            continue
        run = at < len(entry) or words[at - 1] == "-c"
        for found in _DATA.finditer(word):
            name = found[1].rstrip(".")
            if run and name in channels and name not in told and _SCRIPT.match(word, found.end()):
                told.add(name)
                yield from _script_in(view, channels[name])
            if name in told or _is_there(name, channels):
                continue
            told.add(name)
            yield Problem(
                f"the command reads {found[0]}, and the job has no channel {show(name)}",
                ("AlgorithmSpecification", "ContainerEntrypoint", at)
                if at < len(entry)
                else ("AlgorithmSpecification", "ContainerArguments", at - len(entry)),
                f"add a channel {name} to InputDataConfig"
                + (f", or name one of {', '.join(map(str, names))}" if names else ""),
                severity=None if run else "warning",
            )
    if view.script is None:  # what a script reads, the rules on scripts say
        yield from _told_to_the_script(view, channels)


def _is_there(name: str, channels: Container[str | None]) -> bool:
    """True for a channel's folder, and for the pipes and manifests that SageMaker puts beside it."""
    return name in channels or re.sub(r"_\d+$|-manifest$", "", name) in channels


def _told_to_the_script(view: TrainingView, channels: dict[str | None, Channel]) -> Iterator[Problem]:
    names = [each for each in channels if each is not None]
    given: list[tuple[str, object, object]] = [
        *((view.hyperparameters_member, *each) for each in view.hyperparameters.items()),
        *(("Environment", *each) for each in view.environment.items()),
    ]
    for member, parameter, value in given:
        if not isinstance(parameter, str) or not parameter.endswith(_PLACES) or not isinstance(value, str):
            continue
        found = _DATA.match(value.strip("\"' "))
        name = found[1].rstrip(".") if found is not None else ""
        if not name or _is_there(name, channels):
            continue
        near = next((each for each in names if each.startswith(name) or _goes_on(each, name)), None)
        near = near or closest(name, names)
        yield Problem(
            f"{show(parameter)} is below /opt/ml/input/data/{name}, and the job has no channel {show(name)}",
            (member, parameter),
            f"name the channel {near}" if near else f"add a channel {name} to InputDataConfig",
            severity="warning" if near is None or _MADE.search(parameter) else None,
        )


_MADE = re.compile("(?i)cache|log|out|save|te?mp")
"""In the names of hyperparameters and variables whose folders a script makes itself."""


def _goes_on(channel: str, name: str) -> bool:
    """True for ``training`` of the channel ``train``; ``train_labels`` is another name."""
    return name.startswith(channel) and name[len(channel) :].isalpha()


def _script_in(view: TrainingView, channel: Channel) -> Iterator[Problem]:
    """A script is a file, and each host runs it."""
    mode = view.input_mode(channel)
    if mode in ("Pipe", "FastFile"):
        yield Problem(
            f"the command is in the channel {show(channel.name)}, which is in {mode} mode",
            channel.mode_path,
            f"write InputMode: File at {channel.name}",
            severity=None if mode == "Pipe" else "warning",
        )
    sharded = channel.s3.get("S3DataDistributionType") == "ShardedByS3Key"
    if sharded and (view.host_count or 1) > 1:
        yield Problem(
            f"the command is in the channel {show(channel.name)}, of which each host gets another part",
            (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType"),
            "write FullyReplicated",
        )
