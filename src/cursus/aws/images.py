"""Training images: reading an image URI, and finding the image of a framework.

The facts are those of ``data/images.json``.
https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algos-ecr-paths.html and
https://aws.github.io/deep-learning-containers/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cursus.aws.tables import table

ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d)\."
    r"(?P<suffix>[a-z0-9.-]+)/(?P<repository>[a-z0-9][a-z0-9._/-]*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
TAG = re.compile(
    r"(?P<version>\d+(?:\.\d+)*(?:-\d+(?=-|$))?)(?:-transformers(?P<transformers>\d+(?:\.\d+)*))?(?P<rest>(?:-.*)?)"
)
PROCESSORS = {"cpu": "cpu", "gpu": "gpu", "neuron": "neuron", "neuronx": "neuron", "hpu": "hpu"}
NAMES = {
    "pytorch": "pytorch",
    "torch": "pytorch",
    "tensorflow": "tensorflow",
    "tf": "tensorflow",
    "mxnet": "mxnet",
    "xgboost": "xgboost",
    "sklearn": "sklearn",
    "scikitlearn": "sklearn",
    "huggingface": "huggingface",
    "transformers": "huggingface",
    "chainer": "chainer",
    "autogluon": "autogluon",
}
TRAINING_REPOSITORIES = {
    "pytorch": ("pytorch-training", "sagemaker-pytorch"),
    "tensorflow": ("tensorflow-training", "sagemaker-tensorflow-scriptmode", "sagemaker-tensorflow"),
    "mxnet": ("mxnet-training", "sagemaker-mxnet"),
    "xgboost": ("sagemaker-xgboost",),
    "sklearn": ("sagemaker-scikit-learn",),
    "huggingface": ("huggingface-pytorch-training", "huggingface-tensorflow-training"),
    "chainer": ("sagemaker-chainer",),
    "autogluon": ("autogluon-training",),
}
SERVING_REPOSITORIES = {
    "pytorch": ("pytorch-inference", "sagemaker-pytorch"),
    "tensorflow": ("tensorflow-inference", "sagemaker-tensorflow-serving", "sagemaker-tensorflow"),
    "mxnet": ("mxnet-inference", "sagemaker-mxnet-serving", "sagemaker-mxnet"),
    "xgboost": ("sagemaker-xgboost",),
}
TITLES = {
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "mxnet": "MXNet",
    "xgboost": "XGBoost",
    "sklearn": "scikit-learn",
    "huggingface": "Hugging Face",
    "chainer": "Chainer",
    "autogluon": "AutoGluon",
}


@dataclass(frozen=True, slots=True)
class Image:
    """An image in Amazon ECR, as its URI tells.

    Attributes:
        uri: the whole URI.
        account, region, suffix: of the registry; ``suffix`` is its domain (``amazonaws.com``).
        repository, tag, digest: of the image; without a tag and a digest ECR takes ``latest``.
        amazon: True where the registry is one of Amazon's accounts for this repository, in any region. A mirror in an
            account of the user's is False, and nothing below is known of it.
        framework: ``pytorch``, ``tensorflow``, ``sklearn``, ``xgboost``, ``huggingface`` …, or the
            algorithm's name.
        kind: ``framework`` (runs a script) or ``algorithm``. XGBoost's image is both.
        scopes: ``training``, ``inference`` …
        version: of the framework as the tag has it: ``2.1.0``, ``1.12``, ``1.7-1``; Transformers' for
            Hugging Face.
        base, base_version: the framework below Hugging Face's (``pytorch``, ``2.1.0``).
        python_version: ``py310``; None where the tag has none.
        processor: ``cpu``, ``gpu`` or ``neuron``; None where the tag does not say.
        cuda: ``cu121``. ``system``: ``ubuntu20.04``.
        architecture: ``x86_64`` or ``arm64``.
    """

    uri: str
    account: str
    region: str
    suffix: str
    repository: str
    tag: str | None = None
    digest: str | None = None
    amazon: bool = False
    framework: str | None = None
    kind: str | None = None
    scopes: tuple[str, ...] = ()
    version: str | None = None
    base: str | None = None
    base_version: str | None = None
    python_version: str | None = None
    processor: str | None = None
    cuda: str | None = None
    system: str | None = None
    architecture: str = "x86_64"

    @property
    def engine(self) -> str | None:
        """The framework that computes: ``pytorch`` for a Hugging Face image on PyTorch."""
        return self.base or self.framework

    @property
    def engine_version(self) -> str | None:
        """The version of ``engine``."""
        return self.base_version if self.base else self.version

    @property
    def trains(self) -> bool:
        """True where the image is made for training."""
        return "training" in self.scopes


def title(framework: str) -> str:
    """A framework's name as its makers write it."""
    return TITLES.get(framework, framework)


def canonical(framework: str) -> str | None:
    """The name in the data of a framework that a user named (``PyTorch``, ``scikit-learn``), or None."""
    return NAMES.get(re.sub(r"[^a-z]", "", framework.lower()))


def amazon_image(uri: str | None) -> Image | None:
    """The image of a URI, where it is one that Amazon publishes."""
    image = parse_image(uri)
    return image if image is not None and image.amazon else None


@lru_cache(maxsize=512)
def parse_image(uri: str | None) -> Image | None:
    """Read an ECR image URI; None where it is none (another registry, no registry, not well formed)."""
    found = ECR.fullmatch(uri) if uri is not None else None
    if uri is None or found is None:
        return None
    account, repository, tag = found["account"], found["repository"], found["tag"]
    region, suffix, digest = found["region"], found["suffix"], found["digest"]
    entry = table("images")["repositories"].get(repository)
    if entry is None:
        return Image(uri, account, region, suffix, repository, tag, digest)
    version, base_version, rest = _read_tag(tag, entry)
    parts = rest.split("-")
    cuda = _numbered(parts, "cu")  # those on Amazon Linux name it in place of the GPU
    processor = next((PROCESSORS[part] for part in parts if part in PROCESSORS), "gpu" if cuda else None)
    return Image(
        uri,
        account,
        region,
        suffix,
        repository,
        tag,
        digest,
        amazon=any(account in accounts(repository, each) for each in _regions(repository)),
        framework=entry["framework"],
        kind=entry["kind"],
        scopes=tuple(entry["scopes"]),
        version=version,
        base=entry.get("base"),
        base_version=base_version,
        python_version=_numbered(parts, "py"),
        processor="neuron" if "-neuron" in repository else processor,
        cuda=cuda,
        system=next((part for part in parts if part.startswith(("ubuntu", "amzn"))), None),
        architecture=entry.get("architecture", "x86_64"),
    )


def _read_tag(tag: str | None, entry: Mapping[str, Any]) -> tuple[str | None, str | None, str]:
    """(version, version of the framework below, what follows them) in a tag."""
    text = tag or ""
    for version, facts_of in entry["versions"].items():
        for prefix in facts_of.get("tag_prefixes", ()):
            if text == prefix or text.startswith(f"{prefix}-"):
                return version, None, text[len(prefix) :]
    found = TAG.fullmatch(text)
    if found is None:
        return None, None, f"-{text}"
    if entry["framework"] == "huggingface":
        return found["transformers"], found["version"], found["rest"]
    return found["version"], None, found["rest"]


def _numbered(parts: list[str], letters: str) -> str | None:
    """The last part of a tag that is ``letters`` and digits: ``py310``; ``py3`` in ``1.4-2-py312-cpu-py3``."""
    return next((part for part in reversed(parts) if part[:2] == letters and part[2:].isdecimal()), None)


def _regions(repository: str) -> Iterable[str]:
    tables = table("images")["registries"]
    return {
        region
        for number in table("images")["repositories"][repository]["registries"]
        for region in tables[number]
    }


@lru_cache(maxsize=1024)
def accounts(repository: str, region: str) -> frozenset[str]:
    """Amazon's registry accounts for a repository in a region; empty where the data has none."""
    entry = table("images")["repositories"].get(repository)
    if entry is None:
        return frozenset()
    tables = table("images")["registries"]
    found = {tables[number].get(region) for number in entry["registries"]}
    return frozenset(account for account in found if account)


@cache
def amazon_accounts() -> frozenset[str]:
    """Every registry account of Amazon's that the data knows."""
    return frozenset(account for each in table("images")["registries"] for account in each.values())


@lru_cache(maxsize=256)
def versions(repository: str) -> tuple[str, ...]:
    """The versions that a repository has images of, oldest first."""
    entry = table("images")["repositories"].get(repository)
    return tuple(entry["versions"]) if entry else ()


@lru_cache(maxsize=256)
def resolve(repository: str, version: str) -> str | None:
    """The full version that a repository has for ``version`` (``2.1`` → ``2.1.0``), or None.

    No tag is as short as ``2``.
    """
    known = versions(repository)
    if version in known:
        return version
    entry = table("images")["repositories"].get(repository)
    alias = table("images")["aliases"].get(entry["framework"], {}).get(version) if entry else None
    if alias in known:
        return str(alias)
    longer = [each for each in known if "." in version and each.startswith(f"{version}.")]
    return longer[-1] if longer else None


def facts(repository: str, version: str) -> Mapping[str, Any]:
    """What the data has of one version: ``python``, ``processors``, ``cuda``, ``systems``.

    Empty lists where nothing is known.
    """
    full = resolve(repository, version)
    if full is None:
        return {}
    entry: Mapping[str, Any] = table("images")["repositories"][repository]["versions"][full]
    return entry


@lru_cache(maxsize=4096)
def order(version: str) -> tuple[int, ...]:
    """A version as numbers, to compare."""
    return tuple(int(part[:9]) for part in re.findall(r"\d+", version))


def newer_than_known(repository: str, version: str) -> bool:
    """True where ``version`` is above every version in the data, in a repository that still gets newer ones.

    So that it may simply be newer than the data.
    """
    known = versions(repository)
    if not known or repository in table("images")["retired"]:
        return False
    return order(version) > order(known[-1]) and ("." in version) >= ("." in known[-1])


def moved_to(repository: str, version: str, serves: bool) -> str | None:
    """The repository that has a version of a framework which ``repository`` has only older ones of, or None.

    ``serves``: one for inference.
    """
    for name, known in (SERVING_REPOSITORIES if serves else TRAINING_REPOSITORIES).items():
        if (repository in known or repository == name) and name != "huggingface":
            return next((each for each in known if each != repository and resolve(each, version)), None)
    return None


def calls_functions(image: Image | None) -> bool:
    """True for an image that imports the user's script and calls its functions, in place of running it."""
    if image is None or image.version is None:
        return False
    first = table("limits")["functions_called_below"].get(image.repository)
    return first is not None and order(image.version) < order(first)


def needs_driver(image: Image) -> bool:
    """True for a GPU image whose framework cannot be imported where there is no driver of NVIDIA's."""
    end = table("limits")["driver_needed_below"].get(image.engine)
    if image.processor != "gpu" or end is None or image.engine_version is None:
        return False
    return order(image.engine_version) < order(end)


@lru_cache(maxsize=256)
def end_of_support(framework: str, version: str) -> str | None:
    """The last day (ISO) on which Amazon patches the images of a version.

    Or None where it is not published.
    """
    known = table("images")["end_of_support"].get(framework, {})
    found = known.get(".".join(version.split(".")[:2]))
    return None if found is None else str(found)


def python_tag(python_version: str) -> str:
    """A Python version as images write it: ``3.10``, ``python3.10`` and ``py310`` are ``py310``."""
    text = python_version.strip().lower()
    found = re.fullmatch(r"(?:py(?:thon)?)?[ -]?(\d)(?:\.?(\d+))?(?:\.\d+)?", text)
    return f"py{found[1]}{found[2] or ''}" if found else text


def has_python(pythons: Iterable[str], python: str) -> bool:
    """True where one of the images' Python versions is ``python``; ``py3`` stands for any Python 3."""
    return python in pythons or (python == "py3" and any(each.startswith("py3") for each in pythons))


def is_built_for(repository: str, version: str, python: str) -> bool:
    """True where a version has an image whose tag names ``python``, or may have one.

    ``py3`` is a tag of its own: the versions after the last one that is known to have it have none.
    """
    pythons = facts(repository, version).get("python", ())
    if python != "py3" or python in pythons:
        return not pythons or python in pythons
    short = [each for each in versions(repository) if python in facts(repository, each).get("python", ())]
    return bool(short) and order(version) < order(short[-1]) and has_python(pythons, python)
