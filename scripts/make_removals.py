"""Make ``src/cursus/aws/data/removals.json``: what libraries no longer have, and what they have not had for long.

    pip install pyyaml
    python scripts/make_removals.py

The table is ``scripts/removals.yaml``, taken by hand from the release notes named there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tables
import yaml

PYTHON = "https://docs.python.org/3/whatsnew/{}.html"
PYTORCH = "https://github.com/pytorch/pytorch/releases/tag/v{}.0"


def new(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry on names that are there since a version, with its library and its source."""
    library, notes = ("pytorch", PYTORCH) if entry["names"].startswith("torch.") else ("python", PYTHON)
    since = entry["since"]
    return {"library": library, "since": since, "new": True, "source": notes.format(since), **entry}


def main() -> None:
    """Write the table."""
    read = yaml.safe_load(Path(__file__).with_name("removals.yaml").read_text(encoding="utf-8"))
    names = [*read["names"], *map(new, read["new"])]
    document = {
        "source": "release notes, named at each entry; github.com/aws/sagemaker-{scikit-learn,xgboost}-container",
        "date": tables.today(),
        "names": [{**entry, "names": entry["names"].split()} for entry in names],
        "pythons": read["pythons"],
        "values": [
            {**entry, "functions": entry["functions"].split(), "values": entry["values"].split()}
            for entry in read["values"]
        ],
        "words": [{**entry, "words": entry["words"].split()} for entry in read["words"]],
    }
    tables.write("removals", document)


if __name__ == "__main__":
    main()
