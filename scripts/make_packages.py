"""Make ``src/cursus/aws/data/packages.json``: what pip finds of the packages that training scripts ask for.

    python scripts/make_packages.py NAMES.tsv

NAMES.tsv has a line for each package of PyPI: name, version, month, rank among the most downloaded (or 0). The
releases are those that ``pip index versions`` gives, of the packages in ``PINNED``, for any of ``PYTHONS``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

OUT = Path(__file__).parents[1] / "src/cursus/aws/data/packages.json"
MOST = 1000
SHORT = 5
"""Letters of a name that one letter more or less tells from another, at least."""
PYTHONS = ("3.6", "3.8", "3.11")
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
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def main(names: str) -> None:
    """Write the table."""
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
    table = {
        "source": "PyPI: names, and the releases that pip finds",
        "date": date.today().isoformat(),
        "popular": popular,
        "near": near,
        "releases": {name: releases(name) for name in PINNED},
    }
    OUT.write_text(
        json.dumps(table, indent=0, ensure_ascii=False).replace("\n", " ") + "\n", encoding="utf-8"
    )


def around(name: str) -> Iterable[str]:
    """Every name that one letter more, less, another or exchanged makes of ``name``."""
    for at in range(len(name) + 1):
        for letter in LETTERS:
            yield name[:at] + letter + name[at:]
            yield name[:at] + letter + name[at + 1 :]
        yield name[:at] + name[at + 1 :]
        if at + 1 < len(name):
            yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def releases(name: str) -> list[str]:
    """The versions that pip finds; those that were withdrawn are not among them."""
    found: list[str] = []
    for python in PYTHONS:
        command = [
            sys.executable,
            "-m",
            "pip",
            "index",
            "versions",
            name,
            "--pre",
            "--python-version",
            python,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        line = next(line for line in done.stdout.splitlines() if line.startswith("Available versions:"))
        found.extend(line.partition(":")[2].replace(" ", "").split(","))
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    main(sys.argv[1])
