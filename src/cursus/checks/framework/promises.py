"""What a builder says of framework, version and Python, held against the images that there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws import image_choice, images
from cursus.checks.framework.images import IMAGE, READS
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.model import Location
from cursus.redact import show
from cursus.suggest import did_you_mean

OWN = frozenset({"custom", "byo", "own"})


@rule("FRM014", when="promises")
def promised_image(view: TrainingView) -> Iterator[Problem]:
    """No image has the framework, version and Python that the builder names.

    What it does:
        Looks for the training image of the framework, framework version and Python version that the builder's
        configuration names, where the request does not name one. Where it has an image of your own, it only warns.
    Why:
        An SDK refuses to make the request, and no tag that one could write exists. A version above the newest known
        may be newer than this data, so that is a warning.
    Example:
          framework: pytorch
          framework_version: 1.8.0
        - python_version: py38
        + python_version: py36
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    """
    promises = view.step.promises
    if not promises.framework or not promises.framework_version or promises.framework.lower() in OWN:
        return
    if view.framework is not None:
        return  # whose tag other rules read, and FRM015 holds what the builder names against it
    kinds = [kind for _, kind, _ in view.instances]
    version = str(promises.framework_version)
    found = image_choice.find_image(
        promises.framework, version, promises.python_version, view.region, kinds[0] if kinds else None
    )
    if found.problem is None:
        return
    name = images.canonical(promises.framework)
    own = view.image is not None and images.amazon_image(view.image) is None
    newer = name is not None and all(
        images.newer_than_known(each, version) for each in images.TRAINING_REPOSITORIES[name][:1]
    )
    custom = name is None
    if (custom and own) or view.settings.allow & {version, f"{promises.framework} {version}"}:
        return
    yield Problem(
        f"The builder's framework has no image: {found.problem.removesuffix('.')}.",
        IMAGE,
        found.remedy,
        severity="warning" if own or newer or custom else None,
        allowable=version if newer else None,
        location=_said(
            view, "python_version" if str(promises.python_version) in found.problem else "framework_version"
        ),
    )


def _said(view: TrainingView, key: str) -> Location | None:
    """Where the builder's configuration, or its hook, names the framework or a version."""
    promises = view.step.promises
    for source in ("config", "get_step_config"):
        told = promises.hooks.get(source)
        if isinstance(told, Mapping) and told.get(key):
            return promises.place(source, key)
    return None


@rule("FRM015", reads=READS, when="promises")
def promised_framework(view: TrainingView) -> Iterator[Problem]:
    """The builder names another framework, version or Python than its image has.

    What it does:
        Compares the framework, framework version and Python version of the builder's configuration with the
        training image of its request. A framework that none of Amazon's images has is a warning.
    Why:
        The image decides. A script written for the other version fails, or trains something else.
    Example:
          framework: pytorch
        - framework_version: 2.0.1
        + framework_version: 2.1.0
          python_version: py310
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html
    """
    promises = view.step.promises
    if not promises.framework and not promises.python_version:
        return
    image = view.framework
    if image is None:
        return
    name = images.canonical(promises.framework) if promises.framework else None
    if promises.framework and name is None and promises.framework.lower() not in OWN:
        yield Problem(
            f"The builder names the framework {show(promises.framework)}, and its image is "
            f"{images.title(image.framework or '')}'s ({image.repository})."
            f"{did_you_mean(promises.framework, sorted(images.TRAINING_REPOSITORIES))}",
            IMAGE,
            f"Name {image.framework}, or use an image of your own.",
            severity="warning",
            location=_said(view, "framework"),
        )
        return
    if name is not None and name not in (image.framework, image.engine):
        yield Problem(
            f"The builder names {images.title(name)}, and its image is {images.title(image.framework or '')}'s "
            f"({image.repository}).",
            IMAGE,
            f"Use an image of {images.title(name)}, or name the framework of this one.",
            location=_said(view, "framework"),
        )
        return
    version = image.version if name in (None, image.framework) else image.engine_version
    said = promises.framework_version
    if said and version and name is not None and not _same_version(image, str(said), version):
        yield Problem(
            f"The builder names {images.title(name)} {said}, and its image has {version} (tag {image.tag!r}).",
            IMAGE,
            f"Use an image with {said}, or name {version}.",
            location=_said(view, "framework_version"),
        )
    python = images.python_tag(promises.python_version) if promises.python_version else None
    if python and image.python_version and not images.has_python((image.python_version,), python):
        built = images.facts(image.repository, image.version or "").get("python", ())
        if image.python_version == "py3" and python in built:
            return
        yield Problem(
            f"The builder names Python {promises.python_version}, and its image has {image.python_version} "
            f"(tag {image.tag!r}).",
            IMAGE,
            f"Name {image.python_version}, or use an image that has {python}.",
            location=_said(view, "python_version"),
        )


def _same_version(image: images.Image, said: str, version: str) -> bool:
    """True where a version as a builder says it, perhaps shortened, is that of the image."""
    if version.startswith((f"{said}.", f"{said}-")) or said.startswith((f"{version}.", f"{version}-")):
        return True
    full = images.resolve(image.repository, said)
    return said == version or (full is not None and full == images.resolve(image.repository, version))
