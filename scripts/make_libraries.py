"""Make ``src/cursus/aws/data/libraries.json``: the modules and packages that rules on scripts know by name.

    pip install pyyaml
    python scripts/make_libraries.py CONTAINERS.git XGBOOST.git SKLEARN.git

The table is ``scripts/libraries.yaml``, taken by hand from the pages named there. What it says that images have is
looked up in clones of https://github.com/aws/deep-learning-containers, whose branch master has the Dockerfiles of each
version, https://github.com/aws/sagemaker-xgboost-container and
https://github.com/aws/sagemaker-scikit-learn-container.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml
from make_packages import mentioned
from tables import git, today, write

TABLE = Path(__file__).parent / "libraries.yaml"
REPOSITORIES = {
    "aws/deep-learning-containers": "master",
    "aws/sagemaker-xgboost-container": "HEAD",
    "aws/sagemaker-scikit-learn-container": "HEAD",
}
INSTALLS = re.compile(r"Dockerfile|(?:^|/)requirements[^/]*\.txt$")


def main(*clones: str) -> None:
    """Write the table."""
    read = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    facts = {name: found.split() if isinstance(found, str) else found for name, found in read.items()}
    found: set[str] = set()
    commits = []
    for (repository, branch), clone in zip(REPOSITORIES.items(), clones, strict=True):
        commits.append(f"{repository}@{git(clone, 'rev-parse', branch).strip()[:7]}")
        files = git(clone, "ls-tree", "-r", "--name-only", branch).split()
        found |= mentioned(git(clone, "show", f"{branch}:{one}") for one in files if INSTALLS.search(one))
    in_images = {one.partition("=")[0]: one.rpartition("=")[2] for one in facts["in_images"]}
    missing = [name for name in in_images.values() if not {name, name.replace("_", "-")} & found]
    if missing:
        raise SystemExit(f"no image installs {', '.join(missing)}")
    document = {
        "source": f"scripts/libraries.yaml, which names the pages; in_images: {', '.join(commits)}",
        "date": today(),
        **facts,
        "in_images": list(in_images),
    }
    write("libraries", document)


if __name__ == "__main__":
    main(*sys.argv[1:])
