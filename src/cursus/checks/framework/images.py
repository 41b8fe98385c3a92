"""Rules of the area *framework*: whether the training image exists, and is one for training."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from cursus.aws import images
from cursus.aws.tables import dated, table
from cursus.checks.framework.tags import (
    allowed,
    python_faults,
    registry_faults,
    tag_faults,
    version_faults,
)
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.views import Settings, TrainingView
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest

IMAGE: Path = ("AlgorithmSpecification", "TrainingImage")
READS = ("AlgorithmSpecification",)


@rule("FRM001", reads=READS, shared=True, of=READS)
def version(view: TrainingView) -> Iterator[Problem]:
    """The training image's version does not exist.

    What it does:
        Looks up the version in the tag of an image that Amazon publishes.
    Why:
        A tag that is not in the registry fails the request: "Cannot find repository" or "Requested image not
        found". A version above the newest that is known may simply be newer than this data, so that is a warning, but
        where no newer images are made: of MXNet, Chainer, or Transformers on TensorFlow.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.7-cpu-py310
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    """
    image = images.amazon_image(view.image)
    if image is not None and image.trains:
        yield from version_faults(image, IMAGE, view.settings)


@rule("FRM002", reads=READS, shared=True, of=READS, when="framework")
def python_version(view: TrainingView) -> Iterator[Problem]:
    """The training image's version has no image with that Python.

    What it does:
        Compares the Python version in the tag of one of Amazon's framework images with those built for its version.
    Why:
        Each version of a framework is built for one Python version, seldom two. Any other tag is not in the
        registry, and the request fails.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.8.0-cpu-py38
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.8.0-cpu-py36
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    """
    image = view.framework
    if image is not None and image.trains:
        yield from python_faults(image, IMAGE, view.settings)


@rule("FRM003", reads=READS, shared=True, of=READS)
def not_for_training(view: TrainingView) -> Iterator[Problem]:
    """The image is not one for training.

    What it does:
        Says where the training image is one of Amazon's inference, processing, monitoring or compilation images.
    Why:
        Such an image has another program in it: it starts a server, or ends at once, and the job fails or hangs
        until its time is up.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1.0-cpu-py310
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        + HyperParameters:
        +   sagemaker_program: train.py
        +   sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html
    """
    image = images.amazon_image(view.image)
    if image is None or image.trains or not image.scopes or view.algorithm.get("ContainerEntrypoint"):
        return
    other = image.repository.replace("-inference", "-training")
    remedy = "Use an image for training."
    if other != image.repository and images.versions(other):
        remedy = f"Use the repository {other!r}."
    yield Problem(
        f"The image {image.repository!r} is for {' and '.join(image.scopes)}, not for training.",
        IMAGE,
        remedy,
        # Studio runs anything in it, as the SDK's notebook jobs do.
        severity="warning" if image.repository == "sagemaker-distribution-prod" else None,
    )


@rule("FRM004", reads=READS, shared=True, of=READS, when="framework")
def tag(view: TrainingView) -> Iterator[Problem]:
    """The tag of one of Amazon's framework images cannot exist.

    What it does:
        Checks the form of the tag: it has to name the version, the processor and the Python version, and a
        processor that this version is built for. An image made for EC2 has to get a command.
    Why:
        The registries of framework images have no tag `latest` and no short forms. Images ending in `-ec2` lack
        SageMaker's training toolkit.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:latest
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    """
    image = view.framework
    if image is not None and image.trains:
        yield from tag_faults(image, IMAGE, "ContainerEntrypoint" in view.algorithm)


@rule("FRM005", reads=READS, shared=True, of=READS)
def repository(view: TrainingView) -> Iterator[Problem]:
    """The registry is Amazon's, and has no such repository.

    What it does:
        Looks up the repository of an image in one of Amazon's registry accounts.
    Why:
        A repository that is not there fails the request. A known name with a letter or a common word too much or too
        little is an error; any other may be newer than this data, and is a warning.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch_training:2.1.0-cpu-py310
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        + HyperParameters:
        +   sagemaker_program: train.py
        +   sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algos-ecr-paths.html
    """
    image = images.parse_image(view.image)
    if image is not None:
        yield from unknown_repository(image, IMAGE, view.settings)


def unknown_repository(image: images.Image, path: Path, settings: Settings) -> Iterator[Problem]:
    """What is wrong with an image in one of Amazon's registries whose repository the data does not have."""
    if image.framework is not None or image.account not in images.amazon_accounts():
        return
    if image.repository in table("images")["unlisted"] or allowed(settings, image, image.repository):
        return
    known = table("images")["repositories"]
    whole = f"{image.repository}-training"
    longer = [name for name in known if name.endswith(f"-{image.repository}")]  # forecasting-deepar
    near = whole if whole in known else closest(image.repository, known)
    if near is None and len(longer) == 1 and image.account in images.accounts(longer[0], image.region):
        near = longer[0]
    tag = images.TAG.match(image.tag or "")
    newer = tag is not None and near == whole and images.newer_than_known(near, tag["version"])
    if near is not None and not newer and (near in (whole, *longer) or _mistyped(image.repository, near)):
        yield Problem(
            f"Amazon's registry {image.account} has no repository {image.repository!r}. Did you mean {near!r}?",
            path,
            f"Write {near!r}.",
        )
        return
    yield Problem(
        f"The data of {dated('images')} knows no repository {image.repository!r} in Amazon's registry {image.account}.",
        path,
        f"Check that it exists, then allow it (--allow {image.repository}).",
        severity="warning",
        allowable=image.repository,
    )


_COMMON = frozenset({"sagemaker", "training", "inference", "serving", "processing", "container"})
"""Words that say of a repository what it is for, and not what is in it."""


def _mistyped(name: str, known: str) -> bool:
    """True where what sets a repository's name apart from a known one is a slip: jax-training is no mxnet-training."""
    words, others = (re.split(r"[-_]+", one.lower()) for one in (name, known))
    own = "".join(word for word in words if word not in others and word not in _COMMON)
    missing = [word for word in others if word not in words]
    if not own:
        return "training" in words or set(missing) <= {"sagemaker", "training"}
    import difflib

    return difflib.SequenceMatcher(None, own, "".join(missing)).ratio() >= 0.7


@rule("FRM006", reads=READS, shared=True, of=READS)
def registry(view: TrainingView) -> Iterator[Problem]:
    """The image is in a registry that does not have it.

    What it does:
        Compares the registry account of an image that Amazon publishes with the account that it has in the
        image's region. An account that is one digit off a right one counts as mistyped; any other account that is
        not Amazon's is taken for your own mirror. The registry of the framework's newer images is a warning: it may
        hold older ones that are not listed.
    Why:
        Amazon's accounts differ by region and by kind of image. The request fails: "Cannot find repository" or
        "Access denied".
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.af-south-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        +   TrainingImage: 626614931356.dkr.ecr.af-south-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algos-ecr-paths.html
    """
    image = images.parse_image(view.image)
    if image is not None:
        yield from registry_faults(image, IMAGE, view.settings, view.region)


@rule("FRM007", severity="info", reads=READS, shared=True, of=READS, when="framework")
def end_of_support(view: TrainingView) -> Iterator[Problem]:
    """Amazon no longer patches the training image.

    What it does:
        Compares the end of support of a framework image's version with today's date.
    Why:
        The image goes on working, and gets no more security patches.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        +   TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/support_policy/
    """
    image = view.framework
    if image is None or image.engine is None or image.engine_version is None:
        return
    last = images.end_of_support(image.engine, image.engine_version)
    if last is None:
        return
    if last < _today():
        yield Problem(
            f"Amazon has not patched images of {images.title(image.engine)} {image.engine_version} since {last}.",
            IMAGE,
            "Move to a version that is supported.",
        )


@cache
def _today() -> str:
    """Today as an ISO date; taken once, so that all findings of a run agree."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%d", gmtime())


@rule("RES057", severity="warning", reads=("Environment.SM_*",))
def variable_of_the_toolkit(view: TrainingView) -> Iterator[Problem]:
    """Environment sets a variable that the training toolkit sets itself.

    What it does:
        Looks in Environment for the toolkit's own names with another value: SM_MODEL_DIR and its kin, SM_CHANNEL_* of the
        job's channels and SM_HP_* of its hyperparameters.
    Why:
        The toolkit writes its own values over them before it starts the script: what the request says has no effect.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        - Environment: {SM_MODEL_DIR: /opt/ml/output/model}
        + Environment: {SM_MODEL_DIR: /opt/ml/model}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    if not any(name.startswith("SM_") for name in view.environment):
        return
    # Late: few requests name such a variable.
    from cursus.checks.script.request import CHANNEL_VARIABLE, decoded, invocation

    if invocation(view).kind != "toolkit" and (
        "sagemaker_program" not in view.hyperparameters or "ContainerEntrypoint" in view.algorithm
    ):
        return
    own = dict(table("toolkit")["places"])
    for channel in view.channels:
        if channel.name:
            own[f"{CHANNEL_VARIABLE}{channel.name.upper()}"] = f"/opt/ml/input/data/{channel.name}"
    for name, value in view.hyperparameters.items():
        own[f"SM_HP_{name.upper()}"] = decoded(value) if isinstance(value, str) else ""
    for name, value in view.environment.items():
        if name in own and isinstance(value, str) and value.rstrip("/") != own[name].rstrip("/"):
            yield Problem(
                f"{name} is set to {show(value, name)}, and the toolkit that starts the script writes its own value over it",
                ("Environment", name),
                "give the variable a name of its own, and read that in the script",
            )


_NAMES = (
    "model",
    "model_id",
    "model_name",
    "model_name_or_path",
    "hf_model_id",
    "base_model",
    "base_model_id",
)
_MODEL = (*_NAMES, *(name.upper() for name in _NAMES), "pretrained_model_name_or_path")
"""Hyperparameters and variables by which scripts are told a model of the Hugging Face Hub."""


@rule(
    "FRM028",
    severity="warning",
    reads=(*hyperparameters(*_MODEL), *(f"Environment.{name}" for name in _MODEL)),
)
def gated_model_of_the_hub(view: TrainingView) -> Iterator[Problem]:
    """A model of the Hugging Face Hub that is given to those alone who have accepted its licence.

    What it does:
        Where a script in one of Amazon's images is told such a model by its name on the Hub (`meta-llama/Llama-3.2-3B`),
        and no channel is named after a model, wants a token among Environment and the hyperparameters, by whatever name.
    Why:
        The Hub answers 401, "You are trying to access a gated repo", and the job fails, unless the script gets a token
        from elsewhere.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04
          ResourceConfig: {InstanceType: ml.g5.2xlarge}
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            model_id: meta-llama/Llama-3.2-3B
        + Environment: {HF_TOKEN_SECRET: "arn:aws:secretsmanager:us-east-1:123456789012:secret:hub-AbCdEf"}
    Source:
        https://huggingface.co/docs/hub/models-gated
    """
    given = {view.hyperparameters_member: view.hyperparameters, "Environment": view.environment}
    gated = tuple(table("limits")["gated_models"])
    told = [
        ((member, name), value)
        for member, each in given.items()
        for name in _MODEL
        if name in each and isinstance(value := each[name], str) and value.strip('"').startswith(gated)
    ]
    if not told or view.framework is None or view.builtin is not None:
        return
    if any("model" in (channel.name or "") for channel in view.channels):
        return  # which brings it
    if any(TOKEN.search(str(name)) for each in given.values() for name in each):
        return
    if logs_in(view, "huggingface_hub"):
        return
    for place, value in told:
        yield Problem(
            f"{show(value)} is a gated model of the Hugging Face Hub, and the job is given no token",
            place,
            "let the script read a token, such as from Secrets Manager (never put it into the request itself)",
        )


TOKEN = re.compile("(?i)token|secret|_key|login|hub_auth")


def logs_in(view: TrainingView, library: str) -> bool:
    """True where the script, as far as it is known, brings the key of a library itself."""
    if view.script is None:
        return False
    from cursus.checks.script.endings import logged_in

    return logged_in(view, view.script, library)
