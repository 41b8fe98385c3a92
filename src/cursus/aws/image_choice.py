"""Chooses the training image of a framework in a version, for an instance type and a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cursus.aws import images, places
from cursus.aws.tables import dated
from cursus.suggest import closest


@dataclass(frozen=True, slots=True)
class Choice:
    """The image for a framework, or why there is none: exactly one of ``uri`` and ``problem`` is set."""

    uri: str | None = None
    problem: str | None = None
    remedy: str = ""


def find_image(
    framework: str,
    version: str | None,
    python_version: str | None,
    region: str | None = None,
    instance_type: str | None = None,
) -> Choice:
    """The training image of a framework in a version, for an instance type.

    ``framework`` and ``python_version`` may be in anyone's spelling. Without a region the image is that of us-east-1.
    """
    name = images.canonical(framework)
    if name is None:
        known = sorted(images.TRAINING_REPOSITORIES)
        near = closest(framework, known)
        return Choice(
            problem=f"{framework!r} is no framework that Amazon has training images for",
            remedy=f"Write {near!r}, or name an image."
            if near
            else f"Use one of {', '.join(known)}, or name an image.",
        )
    if not version:
        return Choice(
            problem=f"no version of {images.title(name)} is given",
            remedy=f"Set framework_version, for example {_newest(name)!r}.",
        )
    processor = _processor_for(instance_type)
    repository = _repository(name, version, processor)
    full = None if repository is None else images.resolve(repository, version)
    if repository is None or full is None:
        return _no_version(name, version)
    entry = images.facts(repository, full)
    python = images.python_tag(python_version) if python_version else None
    if python and entry["python"] and not images.has_python(entry["python"], python):
        return _no_python(name, repository, full, python, entry["python"])
    if python and not images.is_built_for(repository, full, python):
        python = None  # any Python 3, of a version that has no short tag for it
    if processor and entry["processors"] and processor not in entry["processors"] and processor != "cpu":
        kinds = " and ".join(entry["processors"])
        return Choice(
            problem=f"{images.title(name)} {full} has images for {kinds}; {instance_type} needs {processor}",
            remedy=f"Use an instance type with {entry['processors'][0]}.",
        )
    if processor not in entry["processors"] and entry["processors"]:
        processor = entry["processors"][0]
    place = region or "us-east-1"
    registry = sorted(images.accounts(repository, place))
    if not registry:
        return Choice(
            problem=f"the data of {dated('images')} has no registry of {repository} in {place}",
            remedy="Name the image's URI.",
        )
    tag = _tag(name, full, entry, processor, python)
    return Choice(
        uri=f"{registry[0]}.dkr.ecr.{place}.{places.suffix_of(place) or 'amazonaws.com'}/{repository}:{tag}"
    )


def _tag(name: str, full: str, entry: Mapping[str, Any], processor: str | None, python: str | None) -> str:
    written = python or next(iter(reversed(entry["python"])), None)
    if name == "huggingface":
        base = entry["base_versions"][-1]
        cuda = f"-{entry['cuda'][-1]}" if processor == "gpu" and entry.get("cuda") else ""
        return f"{base}-transformers{full}-{processor or 'gpu'}-{written}{cuda}"
    if name == "xgboost" and not entry["python"]:
        return full
    return "-".join(part for part in (full, processor, written) if part)


def _processor_for(instance_type: str | None) -> str | None:
    if instance_type is None:
        return "cpu"
    from cursus.aws import instances

    instance = instances.find(instance_type)
    return "cpu" if instance is None else instance.processor


def _repository(name: str, version: str, processor: str | None) -> str | None:
    """The first repository that has the version.

    One for Trainium where that is what the instance type has.
    """
    for repository in images.TRAINING_REPOSITORIES[name]:
        if processor == "neuron" and images.resolve(f"{repository}-neuronx", version):
            return f"{repository}-neuronx"
        if images.resolve(repository, version):
            return repository
    return None


def _newest(name: str) -> str:
    return images.versions(images.TRAINING_REPOSITORIES[name][0])[-1]


def _no_version(name: str, version: str) -> Choice:
    known = [
        each for repository in images.TRAINING_REPOSITORIES[name] for each in images.versions(repository)
    ]
    near = [each for each in known if each.startswith(f"{version}-")]
    near = near or [
        each for each in known if "." in version and each.startswith(version.rpartition(".")[0] + ".")
    ]
    told = f"no training image of {images.title(name)} {version} is known (data of {dated('images')})"
    listed = ", ".join(near or sorted(known, key=images.order)[-6:])
    return Choice(
        problem=f"{told}. Did you mean {near[-1]!r}?" if near else told,
        remedy=f"Use a version that has one: {listed}.",
    )


def _no_python(name: str, repository: str, full: str, python: str, pythons: list[str]) -> Choice:
    shown = [each for each in pythons if len(each) > 3] or pythons
    others = [
        each
        for each in images.versions(repository)
        if images.has_python(images.facts(repository, each).get("python", ()), python)
    ]
    remedy = f"Use {shown[-1]}"
    if others:
        nearest = min(others, key=lambda each: _distance(images.order(each), images.order(full)))
        remedy += f", or {images.title(name)} {nearest}, whose image has {python}"
    return Choice(
        problem=f"no image of {images.title(name)} {full} for training has {python}: they have {', '.join(shown)}",
        remedy=remedy + ".",
    )


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    width = max(len(one), len(other))
    padded = [(*each, *(0,) * (width - len(each))) for each in (one, other)]
    return tuple(abs(a - b) for a, b in zip(*padded, strict=True))
