"""Make src/cursus/aws/data/images.json: registries, repositories and versions of training images.

Sources: the image URI tables of the SageMaker Python SDK (PyPI, pinned), every revision of the list of
available images in aws/deep-learning-containers with its present image descriptions and support dates.

    python scripts/make_images.py FOLDER_OF_UNPACKED_SDK_WHEEL CLONE_OF_aws/deep-learning-containers
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tables
import yaml
from tables import git

SDK = "sagemaker 2.257.7"
DATE = "2026-08-21"
TAG = re.compile(r"amazonaws\.com(?:\.cn)?/([a-z0-9-]+):([A-Za-z0-9._-]+)")
# Tags of the model parallelism library's own image, which its release notes name by PyTorch's version and the SDK's
# table by the library's (https://docs.aws.amazon.com/sagemaker/latest/dg/model-parallel-release-notes.html); that with
# CUDA 11.8 is the one that the SDK (image_uris.get_training_image_uri) takes for P4 instances.
MODEL_PARALLEL = "smdistributed-modelparallel"
MODEL_PARALLEL_TAGS = (
    *("2.0.1-gpu-py310-cu118", "2.0.1-gpu-py310-cu121", "2.1.2-gpu-py310-cu121", "2.2.0-gpu-py310-cu121"),
    *("2.3.1-gpu-py311-cu121", "2.4.1-gpu-py311-cu121", "2.5.1-gpu-py311-cu124"),
)
# Tags that no list names: a workshop's that runs (w601sxs/aws-sagemaker-workshop, workshop-k8s-pipeline), one of
# AWS's own notebooks (aws-samples/amazon-sagemaker-generativeai, finetune_gpt_oss_fsdp), and the
# last of the mode before script mode (tensorflow/estimator.py of sagemaker-python-sdk 1.42: it ends below 1.13).
MORE_TAGS = (
    ("tensorflow-training", "1.15.2-gpu-py36-cu100-ubuntu18.04"),
    ("huggingface-pytorch-training", "2.6.0-transformers4.51.3-gpu-py312-cu126-ubuntu22.04"),
    *(("sagemaker-tensorflow", f"{v}-{kind}-py2") for v in ("1.11.0", "1.12.0") for kind in ("cpu", "gpu")),
)
# Repositories in Amazon's registries that no table lists: the transformer of Autopilot's candidates
# (https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-notebook-output.html), and those
# of the first frameworks, one for each Python and device (fw_utils.create_image_uri of sagemaker-python-sdk 1.2).
UNLISTED = [
    "sagemaker-sklearn-automl",
    *(
        f"sagemaker-{framework}-{python}-{device}"
        for framework in ("mxnet", "tensorflow", "pytorch", "chainer")
        for python in ("py2", "py3")
        for device in ("cpu", "gpu")
    ),
]
# Repositories without newer versions: those of MXNet (retired by Apache in 2023), Chainer (in maintenance since 2019),
# Elastic Inference (ended in 2024), the training compiler (no longer developed) and Transformers on TensorFlow (which
# version 5 has not), and the first ones, whose frameworks have other repositories since.
RETIRED = re.compile(
    r"mxnet-.*|sagemaker-(mxnet|chainer|pytorch|tensorflow)(-.*)?|.*-eia|.*-trcomp-training|huggingface-tensorflow-training|xgboost"
)
# Frameworks whose image runs a user's script: what is no entry here, and has no table of its own, is an
# algorithm.
FRAMEWORKS = {
    "pytorch": "pytorch",
    "pytorch-neuron": "pytorch",
    "pytorch-smp": "pytorch",
    "pytorch-training-compiler": "pytorch",
    "hyperpod-recipes-neuron": "pytorch",
    "tensorflow": "tensorflow",
    "mxnet": "mxnet",
    "chainer": "chainer",
    "sklearn": "sklearn",
    "xgboost": "xgboost",
    "autogluon": "autogluon",
    "huggingface": "huggingface",
    "huggingface-neuronx": "huggingface",
    "huggingface-neuron": "huggingface",
    "huggingface-training-compiler": "huggingface",
    "coach-mxnet": "coach",
    "coach-tensorflow": "coach",
    "ray-pytorch": "ray",
    "ray-tensorflow": "ray",
    "vw": "vw",
}


def configurations(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name of the table, scope, entry with `version`) of every version of every image that the SDK knows."""
    for path in sorted((folder / "sagemaker" / "image_uri_config").glob("*.json")):
        document = json.loads(path.read_text())
        parts = [(None, document)] if "versions" in document else list(document.items())
        for scope, table in parts:
            if not isinstance(table, dict) or "versions" not in table:
                continue
            for version, entry in table["versions"].items():
                for found in flatten(entry):
                    given = found.get("processors") or table.get("processors") or document.get("processors")
                    for each in [scope] if scope else table.get("scope", document.get("scope", [])):
                        yield path.stem, each, {"processors": given or [], "table_version": version, **found}


def flatten(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries below one version: some tables split by Python version or by base framework."""
    if "repository" in entry:
        yield entry
        return
    for name, below in entry.items():
        if isinstance(below, dict) and "repository" in below:
            base = re.fullmatch(r"(pytorch|tensorflow)([0-9.]+)", name)
            extra = {"base": base[1], "base_version": base[2]} if base else {"py_versions": [name]}
            yield {**extra, **below}


def tags(clone: str) -> set[tuple[str, str]]:
    """(repository, tag) of every image that any revision of the list of available images named."""
    found: set[tuple[str, str]] = set()
    for commit in git(clone, "log", "--all", "--format=%H", "--", "available_images.md").split():
        found.update(TAG.findall(git(clone, "show", f"{commit}:available_images.md", check=False)))
    for name in described(clone):
        found.update((name.split("/")[3], tag) for tag in show(clone, name).get("tags", ()))
    return found


def show(clone: str, name: str) -> Any:
    """What a file of today says."""
    return yaml.safe_load(git(clone, "show", f"HEAD:{name}"))


def described(clone: str) -> list[str]:
    """The files that describe the images of today."""
    listed = git(clone, "ls-tree", "-r", "--name-only", "HEAD", "docs/src/data").split()
    return [name for name in listed if name.endswith(".yml")]


def support(clone: str) -> dict[str, dict[str, str]]:
    """framework → major.minor → last day of patches."""
    found: dict[str, dict[str, str]] = {}
    for framework, rows in show(clone, "docs/src/legacy/legacy_support.yml").items():
        for row in rows:
            found.setdefault(framework, {})[str(row["version"])] = str(row["eop"])
    for name in described(clone):
        if "-training/" in name:
            row = show(clone, name)
            framework = str(row["framework"]).lower()
            if "eop" in row and framework in ("pytorch", "tensorflow"):
                found.setdefault(framework, {})[str(row["version"])] = str(row["eop"])
    return found


SYSTEM = r"(?:ubuntu|amzn)[0-9.]+"
TAG_VERSION = re.compile(r"(\d+\.\d+(?:\.\d+)?)(?:-transformers([0-9.]+))?-")


def add_tag(repository: dict[str, Any], tag: str) -> None:
    """What one real tag shows: a version, its Python, its processor, its CUDA, its system."""
    found = TAG_VERSION.match(tag)
    python = re.search(r"-(py\d+)(?:-|$)", tag)
    # Those on Amazon Linux have one Python, which they do not name.
    named = python is not None or "amzn" in tag
    if found is None or not named or found[1].count(".") < 2 or tag.endswith(("-ec2", "-e3")):
        return
    version = found[2] or found[1]
    entry = repository["versions"].setdefault(version, {"python": [], "processors": []})
    if python:
        add(entry["python"], python[1])
    processor = re.search(r"-(cpu|gpu|neuronx|neuron|hpu)(?:-|$)", tag)
    cuda = re.search(r"-(cu\d+)(?:-|$)", tag)
    if processor or cuda:
        add(entry["processors"], processor[1].replace("neuronx", "neuron") if processor else "gpu")
    if cuda:
        add(entry.setdefault("cuda", []), cuda[1])
    system = re.search(SYSTEM, tag)
    if system:
        add(entry.setdefault("systems", []), system[0])
    if found[2]:
        add(entry.setdefault("base_versions", []), found[1])


def add(values: list[Any], value: Any) -> None:
    if value not in values:
        values.append(value)


class Registries:
    """The tables of region → account, each kept once."""

    def __init__(self) -> None:
        self.tables: list[dict[str, str]] = []

    def number(self, table: dict[str, str]) -> int:
        if table not in self.tables:
            self.tables.append(table)
        return self.tables.index(table)


def from_sdk(folder: Path, registries: Registries) -> dict[str, dict[str, Any]]:
    repositories: dict[str, dict[str, Any]] = {}
    for table, scope, entry in configurations(folder):
        repository = repositories.setdefault(
            entry["repository"],
            {"framework": FRAMEWORKS.get(table, table), "scopes": [], "registries": [], "versions": {}},
        )
        scope = "inference" if scope.startswith(("inference", "eia")) else scope
        if scope not in repository["scopes"]:
            repository["scopes"].append(scope)
        repository["kind"] = "framework" if table in FRAMEWORKS else "algorithm"
        add(repository["registries"], registries.number(entry["registries"]))
        version = repository["versions"].setdefault(entry["table_version"], {"python": [], "processors": []})
        for python in entry.get("py_versions") or ():
            add(version["python"], python)
        for processor in entry["processors"]:
            add(
                version["processors"],
                {"trn": "neuron", "inf": "neuron", "neuronx": "neuron"}.get(processor, processor),
            )
        if "base" in entry:
            repository["base"] = entry["base"]
            add(version.setdefault("base_versions", []), entry["base_version"])
        if "tag_prefix" in entry:
            add(version.setdefault("tag_prefixes", []), entry["tag_prefix"])
        cuda = re.match(r"cu\d+", (entry.get("container_version") or {}).get("gpu", ""))
        if cuda:
            add(version.setdefault("table_cuda", []), cuda[0])
        for suffix in (entry.get("container_version") or {}).values():
            if system := re.search(SYSTEM, suffix):
                add(version.setdefault("systems", []), system[0])
    return repositories


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def torch_versions(folder: Path) -> list[str]:
    """Versions of PyTorch that the SDK's own distribution checks name: images that its table leaves out."""
    text = (folder / "sagemaker" / "fw_utils.py").read_text()
    found = re.search(r"TORCH_DISTRIBUTED_GPU_SUPPORTED_FRAMEWORK_VERSIONS = \[(.*?)\]", text, re.DOTALL)
    assert found is not None
    return re.findall(r"\"([0-9.]+)\"", found[1])


def complete(repositories: dict[str, dict[str, Any]], folder: Path, clone: str) -> None:
    names = {"pytorch": "pytorch", "tensorflow": "tensorflow", "mxnet": "mxnet", "huggingface": "huggingface"}
    tables = {name: entry["registries"] for name, entry in repositories.items()}
    for name, tag in sorted(tags(clone)):
        # That of PyTorch from 2.11 on is called by the framework alone, and is for training.
        if name != "pytorch" and not name.endswith(
            ("-training", "-inference", "-neuronx", "-neuron", "-graviton", "-arm64", "-habana")
        ):
            continue
        if name not in repositories:
            framework = names.get(name.split("-")[0])
            if framework is None or "pytorch-training" not in tables:
                continue
            scope = "training" if "training" in name or name == "pytorch" else "inference"
            repositories[name] = {
                "framework": framework,
                "scopes": [scope],
                "registries": tables["pytorch-training"],
                "versions": {},
                "kind": "framework",
            }
            if framework == "huggingface":
                repositories[name]["base"] = "tensorflow" if "tensorflow" in name else "pytorch"
        add_tag(repositories[name], tag)
    for name, tag in MORE_TAGS:
        add_tag(repositories[name], tag)
    for tag in MODEL_PARALLEL_TAGS:
        add_tag(repositories[MODEL_PARALLEL], tag)
    # The list's tag 1.4-2-py312 beside the SDK's 1.4-2-cpu-py3.
    add(repositories["sagemaker-scikit-learn"]["versions"]["1.4-2"]["python"], "py312")
    versions = repositories["pytorch-training"]["versions"]
    for version in torch_versions(folder):
        if version not in versions:
            minor = version.rpartition(".")[0] + "."
            same = next(entry for known, entry in versions.items() if known.startswith(minor))
            versions[version] = {"python": same["python"], "processors": same["processors"]}
    for name in [name for name, repository in repositories.items() if not repository["versions"]]:
        del repositories[name]  # images for EC2 only
    for name, repository in repositories.items():
        repository["versions"] = dict(sorted(repository["versions"].items(), key=lambda item: order(item[0])))
        if name.endswith(("-graviton", "-arm64")):
            repository["architecture"] = "arm64"
        # The SDK's `py3` and `py2` are short tags of the one Python of that time, which both kinds of tag
        # name.
        for entry in repository["versions"].values():
            entry["python"].sort(key=order)
            cuda = [each for each in entry.pop("table_cuda", ()) if each not in entry.get("cuda", ())]
            if cuda:  # the list's own stay last: they are those of its newest base
                entry["cuda"] = cuda + entry.get("cuda", [])


def main() -> None:
    folder, clone = Path(sys.argv[1]), sys.argv[2]
    registries = Registries()
    repositories = from_sdk(folder, registries)
    complete(repositories, folder, clone)
    aliases = {}
    for name in ("pytorch", "tensorflow", "mxnet", "huggingface", "chainer", "autogluon"):
        document = json.loads((folder / "sagemaker" / "image_uri_config" / f"{name}.json").read_text())
        aliases[name] = document.get("training", document).get("version_aliases", {})
    document = {
        "source": f"{SDK} (PyPI) image_uri_config; aws/deep-learning-containers, all revisions of "
        f"available_images.md and docs/src at {DATE}",
        "date": DATE,
        "registries": registries.tables,
        "aliases": aliases,
        "end_of_support": support(clone),
        "repositories": dict(sorted(repositories.items())),
        "unlisted": UNLISTED,
        "retired": sorted(filter(RETIRED.fullmatch, repositories)),
    }
    tables.write("images", document, compact=True)


if __name__ == "__main__":
    main()
