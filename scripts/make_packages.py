"""Make ``src/cursus/aws/data/packages.json``: what pip finds of the packages that training scripts ask for.

    python scripts/make_packages.py NAMES.tsv
    python scripts/make_packages.py --images CONTAINERS.git XGBOOST.git SKLEARN.git

NAMES.tsv has a line for each package of PyPI: name, version, month, rank among the most downloaded (or 0); without it
the names stay as they are. The releases are those that ``pip index versions`` gives, of the packages in ``PINNED``, for
any of ``PYTHONS``: ``wheels`` says for which of them pip finds a build for Linux, ``sources`` for which source alone.

The second form makes ``dockerfiles`` alone, the libraries that images lack, the versions that they pin and the
variables that they set: from clones of https://github.com/aws/deep-learning-containers, whose branch master has the
Dockerfiles of each version, of https://github.com/aws/sagemaker-xgboost-container and of
https://github.com/aws/sagemaker-scikit-learn-container. ``pinned`` has the lowest and the highest version of a package
that any revision of an image's files pins; of those of a tag, where the tag is the image's version.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tables
from tables import git

MOST = 1000
SHORT = 5
"""Letters of a name that one letter more or less tells from another, at least."""
LAST = {"3.6": 15, "3.7": 17, "3.8": 20, "3.9": 25, "3.10": 19, "3.11": 14, "3.12": 12, "3.13": 9}
"""The Pythons of the images, with their last releases: some packages want more than the first (>=3.7.1)."""
PYTHONS = tuple(LAST)
PINNED = [
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "torch",
    "torchvision",
    "transformers",
    "datasets",
    "accelerate",
    "tensorflow",
    "xgboost",
    "lightgbm",
    "matplotlib",
    "pyarrow",
    "tokenizers",
    "peft",
    "sentence-transformers",
    "joblib",
    "tqdm",
]
SCIKIT_LEARN = """
    annotated_types archspec attr attrs bcrypt blinker boltons boto3 botocore brotli certifi cffi chardet
    charset_normalizer click colorama conda Crypto Cryptodome cryptography cycler dateutil distro flask
    frozendict gevent google greenlet gunicorn hyperlink idna inotify_simple itsdangerous jinja2 jmespath
    joblib jsonpatch jsonpointer jsonschema libmambapy markdown_it markupsafe mdurl menuinst mlio
    model_archiver multi_model_server nacl narwhals numpy OpenSSL packaging pandas paramiko PIL pillow pip
    pkg_resources platformdirs pluggy protobuf psutil pyarrow pycosat pycparser pydantic pydantic_core
    pygments pyopenssl pyparsing pysocks pytz requests retrying rich ruamel s3transfer sagemaker_containers
    sagemaker_inference sagemaker_sklearn_container sagemaker_training scipy scp setuptools simplejson six
    sklearn smdebug socks threadpoolctl toolz tqdm truststore typing_extensions tzdata urllib3 virtualenv
    werkzeug wheel yaml zope zstandard
""".split()  # noqa: SIM905
"""The modules that Amazon's images for scikit-learn have, of any version: those of requirements.txt in
https://github.com/aws/sagemaker-scikit-learn-container, of what these need, and of Miniconda."""
LEAVES = {
    "albumentations": "albumentations",
    "autogluon": "autogluon",
    "bitsandbytes": "bitsandbytes",
    "catboost": "catboost",
    "category_encoders": "category-encoders",
    "comet_ml": "comet-ml",
    "datasets": "datasets",
    "deepspeed": "deepspeed",
    "detectron2": "detectron2",
    "evaluate": "evaluate",
    "gensim": "gensim",
    "gluonts": "gluonts",
    "imblearn": "imbalanced-learn",
    "lightgbm": "lightgbm",
    "lightning": "lightning",
    "neptune": "neptune",
    "nltk": "nltk",
    "openpyxl": "openpyxl",
    "optuna": "optuna",
    "peft": "peft",
    "prophet": "prophet",
    "pycocotools": "pycocotools",
    "pytorch_lightning": "pytorch-lightning",
    "pytorch_tabnet": "pytorch-tabnet",
    "rouge_score": "rouge-score",
    "s3fs": "s3fs",
    "sacrebleu": "sacrebleu",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "sentence_transformers": "sentence-transformers",
    "seqeval": "seqeval",
    "timm": "timm",
    "transformers": "transformers",
    "trl": "trl",
    "ultralytics": "ultralytics",
    "wandb": "wandb",
    "xlrd": "xlrd",
    "xgboost": "xgboost",
}
"""Libraries that scripts are written with, by their modules: what an image installs for itself needs none of them, but
for those in ``NEEDED``."""
NEEDED = {
    "tf-models-official": {"nltk", "pycocotools", "sacrebleu", "seqeval"},
    "evaluate": {"datasets"},
    "rouge-score": {"nltk"},
}
IMAGES = {
    "pytorch-training": "pytorch/training/docker",
    "tensorflow-training": "tensorflow/training/docker",
    "huggingface-pytorch-training": "huggingface/pytorch/training/docker",
    "huggingface-tensorflow-training": "huggingface/tensorflow/training/docker",
}
VARIABLE = re.compile(r"^(?:ENV[ \t]+(?=\w+[= ])|[ \t]+(?=\w+=))([A-Z][A-Z0-9_]{2,})[= ]\S", re.MULTILINE)
"""A variable that a Dockerfile sets, alone or as one of several."""
OTHERWISE = {"0.20-0"}
"""Versions whose tag is on another one's files."""
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def main(names: str | None = None) -> None:
    """Write the table."""
    table = tables.read("packages") if names is None else named(names)
    table["source"] = "PyPI: names, and the releases that pip finds"
    table["date"] = tables.today()
    table |= {
        "dockerfiles": tables.read("packages").get("dockerfiles", {}),
        "releases": {},
        "wheels": {},
        "sources": {},
        "images": {"sklearn": SCIKIT_LEARN},
    }
    for name in PINNED:
        found = {python: releases(name, python) for python in PYTHONS}
        built = {python: releases(name, python, "--only-binary=:all:") for python in PYTHONS}
        table["releases"][name] = list(dict.fromkeys(one for python in PYTHONS for one in found[python]))
        table["wheels"][name] = by_pythons(built)
        table["sources"][name] = by_pythons(
            {python: [one for one in found[python] if one not in built[python]] for python in PYTHONS}
        )
    write(table)


def write(table: Mapping[str, Any]) -> None:
    """Write the file, on one line."""
    text = json.dumps(table, indent=0, ensure_ascii=False).replace("\n", " ")
    tables.put("packages", text)


def images(containers: str, xgboost: str, sklearn: str) -> None:
    """Write what Dockerfiles tell into the table as it is.

    That is the libraries that none of an image names, nor what needs them, and the variables that they set.
    """
    table = tables.read("packages")
    told: dict[str, Any] = {"source": [], "date": tables.today()}
    for repository, branch in ((containers, "master"), (xgboost, "HEAD"), (sklearn, "HEAD")):
        told["source"].append(git(repository, "rev-parse", branch).strip())
    listed = git(containers, "ls-tree", "-r", "--name-only", "master").split()
    words: dict[str, set[str]] = {}
    texts: list[str] = []
    for image, folder in IMAGES.items():
        files = [
            one for one in listed if one.startswith(folder) and re.search(r"Dockerfile[^/]*\.[cg]pu$", one)
        ]
        read = [git(containers, "show", f"master:{one}") for one in files]
        texts += read
        words[image] = mentioned(read)
        versions = sorted({one.removeprefix(folder + "/").partition("/")[0] for one in files})
        told[image] = {"versions": versions}
    for image in IMAGES:
        if image.startswith("huggingface-"):  # which stand on those of the framework
            words[image] |= words[image.removeprefix("huggingface-")]
    ages = git(xgboost, "log", "--format=%H", "--", "requirements.txt", "docker").split()
    files = [
        f"{age}:{name}"
        for age in ages
        for name in git(xgboost, "ls-tree", "-r", "--name-only", age, "requirements.txt", "docker").split()
        if name == "requirements.txt" or "Dockerfile" in name
    ]
    read = [git(xgboost, "show", one) for one in files]
    words["sagemaker-xgboost"] = mentioned(read)
    told["variables"] = sorted({name for text in (*texts, *read) for name in VARIABLE.findall(text)})
    told["sagemaker-xgboost"] = {"versions": []}
    for image, those in words.items():
        there = {*those, *(name for other, names in NEEDED.items() if other in those for name in names)}
        told[image]["absent"] = [
            module for module, name in LEAVES.items() if not {module, name, name.replace("-", "_")} & there
        ]
    told["pinned"] = {
        "sagemaker-xgboost": of_tags(xgboost),
        "sagemaker-scikit-learn": of_tags(sklearn),
        **{image: of_dockerfiles(containers, folder, listed) for image, folder in IMAGES.items()},
    }
    write(table | {"dockerfiles": told})


def of_tags(repository: str) -> dict[str, dict[str, list[str]]]:
    """What requirements.txt pins at the tags of a version, and on its branch: ``v1.2-1``, ``v1.2-1-1``."""
    found: dict[str, list[str]] = {}
    for name in git(repository, "for-each-ref", "--format=%(refname)").split():
        version = re.fullmatch(r"refs/(?:tags/v|heads/)(\d+\.\d+)[-.](\d)(?:-\d|-py3\d+)?", name)
        if version is not None:
            found.setdefault(f"{version[1]}-{version[2]}", []).append(
                shown(repository, f"{name}:requirements.txt")
            )
    return {version: pins(texts) for version, texts in found.items() if version not in OTHERWISE}


def of_dockerfiles(repository: str, folder: str, listed: list[str]) -> dict[str, dict[str, list[str]]]:
    """What all revisions of the Dockerfiles of each version pin."""
    texts: dict[str, list[str]] = {}
    for path in listed:
        if (
            path.startswith(folder)
            and re.search(r"/Dockerfile(?:\.sagemaker)?\.[cg]pu$", path)
            and "/py2/" not in path
        ) and "example" not in path:
            minor = path.removeprefix(folder + "/").partition("/")[0]
            ages = git(repository, "log", "--format=%H", "master", "--", path).split()
            texts.setdefault(minor, []).extend(shown(repository, f"{age}:{path}") for age in ages)
    found = {minor: pins(those) for minor, those in texts.items()}
    return {minor: those for minor, those in found.items() if those}


def shown(repository: str, path: str) -> str:
    """A file of a revision; empty where it was not there."""
    try:
        return git(repository, "show", path)
    except subprocess.CalledProcessError:
        return ""


def pins(texts: Iterable[str]) -> dict[str, list[str]]:
    """The packages that each text pins which names them, with the lowest and the highest version."""
    found: dict[str, list[str]] = {}
    for text in texts:
        arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
        plain = text
        for name, value in arguments.items():
            plain = re.sub(rf"\$\{{?{name}\b\}}?", value, plain)
        lines = "\n".join(line.partition("#")[0] for line in plain.splitlines())
        for package in PINNED:
            name = re.escape(package)
            for version in re.findall(
                rf"(?<![\w./-]){name}(?:\[[^\]]*\])?(?![\w-])((?:[=<>~!]=?[\w.]+,?)*)", lines
            ):
                found.setdefault(package, []).append(version)
    table = {}
    for package, versions in found.items():
        numbers = [version.lstrip("=") for version in versions if re.fullmatch(r"==?\d+(\.\d+)*", version)]
        if len(numbers) == len(versions):
            numbers.sort(key=lambda version: [int(part) for part in version.split(".")])
            table[package] = [numbers[0], numbers[-1]]
    return table


def mentioned(texts: Iterable[str]) -> set[str]:
    """Every word of these files that could be the name of a package."""
    return {word for text in texts for word in re.findall(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", text.lower())}


def named(names: str) -> dict[str, Any]:
    """The names of the packages that are often asked for, and of those that are called almost as one of them."""
    ranks: dict[str, int] = {}
    every: set[str] = set()
    with Path(names).open(encoding="utf-8") as file:
        next(file)
        for line in file:
            name, _, _, rank = line.split("\t")[:4]
            every.add(name)
            if rank.strip().isdigit() and 0 < int(rank) <= MOST:
                ranks[name] = int(rank)
    popular = sorted(name for name in set(ranks) | set(PINNED) if len(name) >= SHORT)
    near = sorted({other for name in popular for other in around(name) if other in every} - set(popular))
    return {"popular": popular, "near": near}


def by_pythons(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Plain versions by the Pythons that they are found for, such as ``3.8 3.9``."""
    pythons: dict[str, list[str]] = {}
    for python, versions in found.items():
        for version in versions:
            if version.replace(".", "").isdigit():
                pythons.setdefault(version, []).append(python)
    table: dict[str, list[str]] = {}
    for version, those in pythons.items():
        table.setdefault(" ".join(those), []).append(version)
    return table


def around(name: str) -> Iterable[str]:
    """Every name that one letter more, less, another or exchanged makes of ``name``."""
    for at in range(len(name) + 1):
        for letter in LETTERS:
            yield name[:at] + letter + name[at:]
            yield name[:at] + letter + name[at + 1 :]
        yield name[:at] + name[at + 1 :]
        if at + 1 < len(name):
            yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def releases(name: str, python: str, *options: str) -> list[str]:
    """The versions that pip finds for a Python; those that were withdrawn are not among them."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "index",
        "versions",
        name,
        "--pre",
        "--python-version",
        f"{python}.{LAST[python]}",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "No matching distribution" not in done.stderr:
        raise RuntimeError(done.stderr)
    line = next((line for line in done.stdout.splitlines() if line.startswith("Available versions:")), "")
    return [one for one in line.partition(":")[2].replace(" ", "").split(",") if one]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--images"]:
        images(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
