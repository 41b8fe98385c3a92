"""requirements.txt: what cannot install in the container, and what fights the image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws.images import order
from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.files import python_of, python_severity
from cursus.checks.script.request import invocation, script_of
from cursus.checks.views import TrainingView
from cursus.model import Severity
from cursus.redact import show
from cursus.script.facts import Requirement
from cursus.script.source.requirements import instead

PROBLEMS: dict[str, tuple[Severity, str, str]] = {
    "editable-vcs": (
        "error",
        "{line} is an editable install from version control, which pip cannot make in the container",
        "name a released version ({name}==…), or the archive's address without -e",
    ),
    "ssh": (
        "error",
        "{line} is fetched over ssh, and the container has no key for it",
        "use a released version, or put the package's wheel into the source directory",
    ),
    "local-path": (
        "error",
        "{line} is a path that the source directory does not have",
        "put it into the source directory and name it relative to requirements.txt",
    ),
    "image-path": (
        "warning",
        "{line} is a path of the container, which only the image could have",
        "put it into the source directory and name it relative to requirements.txt",
    ),
    "conda-build": (
        "error",
        "{line} is a folder of the machine that conda built the package on",
        "write name==version: pip list --format=freeze prints it so",
    ),
    "no-project": (
        "error",
        "{line} names a folder without setup.py or pyproject.toml, which pip cannot install",
        "leave it out: the source directory is on the module path as it is",
    ),
    "python": (
        "error",
        "pip has no package for {line}: the image brings Python",
        "choose the Python version with the image",
    ),
    "renamed": (
        "error",
        "the package {line} on PyPI is no more than an error: its installation fails",
        "write {instead}",
    ),
    "import-name": (
        "error",
        "{line} is the name of an import, and PyPI has no package of that name",
        "write {instead}",
    ),
    "platform": (
        "error",
        "{line} has no build for Linux, which the container runs",
        "leave it out, or add a marker: ; sys_platform == …",
    ),
    "local-version": (
        "error",
        "{line} is a build that PyPI does not have, and the file names no other index",
        "leave the part after + out, or name the index: --extra-index-url …",
    ),
    "spacy-model": (
        "error",
        "{line} is a model of spaCy's, which PyPI does not have, and the file names no other index",
        "name the address of its wheel: {name} @ https://github.com/explosion/spacy-models/releases/download/…",
    ),
    "stdlib": (
        "error",
        "{line} is a module of Python itself, and pip finds no package for it",
        "leave it out",
    ),
    "doubled": (
        "error",
        "{line} is pinned to another version above: pip refuses two versions of one package",
        "keep one of the lines",
    ),
    "no-hash": (
        "error",
        "{line} has no hash, and other lines have one: pip then demands one of every line",
        "give every line its hash, or none",
    ),
    "no-version": (
        "error",
        "no version fulfils {line} together with what is demanded of it elsewhere in the file",
        "let the lower bound be below the upper one",
    ),
    "local-links": (
        "error",
        "{line} names a folder that the source directory does not have",
        "put the wheels into the source directory and name their folder relative to requirements.txt",
    ),
    "missing-file": (
        "error",
        "{line} names a file that the source directory does not have",
        "put the file into the source directory, beside requirements.txt",
    ),
    "syntax": ("error", "pip cannot read {line}", "write name==version"),
    "conda": ("error", "pip cannot read {line}: one = is conda's way", "write two: name==version"),
    "s3": ("error", "pip cannot install from {line}", "put the wheel into the source directory"),
    "vcs": (
        "warning",
        "{line} needs git in the image and a way to the internet",
        "name a released version, or the https address of an archive",
    ),
    "credentials": (
        "warning",
        "a line holds credentials in an address",
        "keep credentials out of requirements.txt",
    ),
    "index-credentials": (
        "warning",
        "{line} has credentials in its address, which go into the source archive",
        "use CodeArtifact through CA_REPOSITORY_ARN",
    ),
}


@rule("FRM052", scope="script")
def requirement_cannot_install(view: TrainingView) -> Iterator[Problem]:
    """A line of requirements.txt cannot be installed in the container.

    What it does:
        Reads requirements.txt, and the files that it includes, as pip does: editable installs from version control, paths outside the
        source directory, included files that are not there, ranges without a version, lines pip cannot read, well-known packages in a
        version that needs a newer Python than the image's; and any line of a job without network.
    Why:
        The toolkit runs ``pip install -r requirements.txt`` before the script. When that fails, the job fails with
        ``InstallRequirementsError``.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -   requirements.txt: "-e git+https://github.com/example-org/tools.git@main#egg=tools"
        +   requirements.txt: "tools==1.4.2"
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/4474; https://pip.pypa.io/en/stable/reference/requirements-file-format/
    """
    facts = script_of(view)
    if not facts.requirements or invocation(view).kind in ("command", "none"):
        return
    if view.request.get("EnableNetworkIsolation") is True:
        needed = [one for one in facts.requirements if one.name]
        if needed:
            yield Problem(
                "requirements.txt is installed from the network, and the job is isolated from it",
                ("EnableNetworkIsolation",),
                remedy="use an image that has the packages",
                severity="warning",
                location=needed[0].location,
            )
    for requirement in facts.requirements:
        if requirement.problem and not (
            requirement.problem == "local-version" and _in_image(requirement, view)
        ):
            yield _requirement(requirement, view)
        elif requirement.name:
            yield from _needs_newer_python(requirement, view)


def _needs_newer_python(requirement: Requirement, view: TrainingView) -> Iterator[Problem]:
    """The version that is demanded is for a newer Python than the image's: pip finds none that it may install."""
    name = requirement.name.lower().replace("_", "-")
    first = {
        order(version): python for version, python in table("libraries")["needs_python"].get(name, {}).items()
    }
    wanted = re.search(r"(?:={2,3}|>=?|~=)\s*(\d+(?:\.\d+)*)", requirement.version)
    has = python_of(view) if first and wanted is not None and ";" not in requirement.line else None
    if has is None or wanted is None:
        return
    needed = max(
        (order(python) for version, python in first.items() if version <= order(wanted[1])), default=has
    )
    if needed > has:
        yield Problem(
            f"{show(requirement.line)} needs Python {needed[0]}.{needed[1]}, and the image has {has[0]}.{has[1]}: "
            "pip finds no version to install",
            remedy="name an older version, or choose an image with a newer Python",
            severity=python_severity(view),
            location=requirement.location,
        )


def _of_image(requirement: Requirement, view: TrainingView) -> bool:
    """True where a pinned build (``+cu128``) is the kind of build that PyTorch's image has of torch and its companions."""
    image = view.framework
    build = requirement.version.partition("+")[2]
    if image is None or image.engine != "pytorch" or image.engine_version is None:
        return False
    if requirement.name.lower() not in ("torch", "torchvision", "torchaudio"):
        return False
    if image.cuda is None and image.processor != "cpu":
        from cursus.aws.images import facts

        return build in facts("pytorch-training", image.engine_version).get("cuda", ())
    return build == (image.cuda or "cpu")


def _in_image(requirement: Requirement, view: TrainingView) -> bool:
    """True where the image has torch in the very build that is pinned: pip then looks for no other."""
    version = requirement.version.strip("= ").partition("+")[0]
    image = view.framework
    return (
        image is not None
        and version == image.engine_version
        and requirement.name.lower() == "torch"
        and _of_image(requirement, view)
    )


def _requirement(requirement: Requirement, view: TrainingView) -> Problem:
    severity, message, remedy = PROBLEMS[requirement.problem]
    if requirement.problem == "vcs" and view.framework is not None and "VpcConfig" not in view.request:
        severity = "info"  # AWS's framework images have git
    if requirement.problem == "spacy-model" and "CA_REPOSITORY_ARN" in view.environment:
        severity = "info"  # which may have it
    if (
        requirement.problem == "local-version"
        and requirement.name.lower() != "torch"
        and _of_image(requirement, view)
    ):
        severity = "warning"  # torchvision's and torchaudio's version there is not known here
    line = requirement.line
    if "@" in line.partition("://")[2].partition("/")[0]:
        line = re.sub(r"://[^/@\s]+@", "://…@", line)
    return Problem(
        message.format(line=show(line)),
        remedy=remedy.format(
            name=requirement.name or "name",
            instead=instead(requirement.name),
        ),
        severity=severity,
        location=requirement.location,
    )


@rule("FRM053", severity="warning", scope="script")
def requirement_fights_image(view: TrainingView) -> Iterator[Problem]:
    """requirements.txt replaces the framework that the image is made for.

    What it does:
        Compares an exact pin of the framework's own package with the image's version.
    Why:
        pip replaces the build that was made for the image's CUDA and libraries by a general one: minutes of download on every host,
        and often a framework that no longer fits what is around it.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -   requirements.txt: "torch==1.13.1"
        +   requirements.txt: "torchmetrics==1.2.0"
          region: us-east-1
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html
    """
    facts = script_of(view)
    if not facts.requirements or view.image is None:
        return
    from cursus.aws.images import amazon_image

    image = amazon_image(view.image)
    if image is None or image.engine is None or image.engine_version is None:
        return
    packages = table("libraries")["framework_packages"].get(image.engine, ())
    for requirement in facts.requirements:
        name = requirement.name.lower().replace("_", "-")
        pinned = re.fullmatch(r"={2,3}\s*(\d+(?:\.\d+)*)\S*", requirement.version)
        if name not in packages or pinned is None:
            continue
        wanted, has = pinned.group(1).split("."), image.engine_version.partition("-")[0].split(".")
        length = min(len(wanted), len(has), 3)
        if wanted[:length] != has[:length]:
            yield Problem(
                f"requirements.txt pins {show(requirement.line)}, and the image has {requirement.name} {image.engine_version}",
                remedy="leave the framework out of requirements.txt, or choose the image of that version",
                location=requirement.location,
            )
