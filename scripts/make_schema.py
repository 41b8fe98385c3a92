"""Makes src/cursus/aws/data/schema/*.json and partitions.json from the pinned botocore.

python -m pip install botocore==1.44.5
python scripts/make_schema.py            # writes the files
python scripts/make_schema.py --check    # exits 1 where a file is stale
"""

from __future__ import annotations

import sys
from typing import Any

import tables

from cursus.aws import distill, refresh

PINNED = "1.44.5"
DATE = "2026-11-17"  # the date of the files in botocore-1.44.5-py3-none-any.whl
TARGET = tables.DATA / "schema"


def partitions(version: str) -> str:
    from botocore.loaders import Loader

    found = Loader().load_data("partitions")["partitions"]
    document = {
        "source": f"botocore {version}, partitions",
        "date": DATE,
        "partitions": [
            {
                "id": entry["id"],
                "regions": entry["regionRegex"],
                "names": sorted(name for name in entry["regions"] if not name.endswith("-global")),
                "suffix": entry["outputs"]["dnsSuffix"],
            }
            for entry in found
        ],
    }
    return refresh.dump(document)


def of_other_services(version: str) -> dict[str, dict[str, Any]]:
    """The requests that steps of a pipeline send to other services."""
    from botocore.loaders import Loader

    made = {}
    for operation, (service, filled_in) in distill.OF_OTHER_SERVICES.items():
        model = Loader().load_service_model(service, "service-2")
        stamp = {"source": f"botocore {version}, {service}", "date": DATE}
        schema = distill.request_schema(model, operation, filled_in)
        # sagemaker.workflow.bedrock_steps: "pipeline Arguments fields are PascalCase"
        made[operation] = {**stamp, **(distill.with_capitals(schema) if service == "bedrock" else schema)}
    return made


def main() -> int:
    version, model = refresh.installed_model()
    if version != PINNED:
        print(f"botocore {PINNED} is pinned, {version} is installed", file=sys.stderr)
        return 2
    documents = distill.distill(model, f"botocore {version}, sagemaker 2017-07-24", DATE)
    documents |= of_other_services(version)
    if "--check" in sys.argv[1:]:
        stale = [
            name
            for name, document in documents.items()
            if not (TARGET / f"{name}.json").is_file()
            or (TARGET / f"{name}.json").read_text("utf-8") != refresh.dump(document)
        ]
        if (tables.DATA / "partitions.json").read_text("utf-8") != partitions(version):
            stale.append("partitions")
        print("stale: " + ", ".join(stale) if stale else "up to date")
        return 1 if stale else 0
    refresh.write(documents, TARGET)
    (tables.DATA / "partitions.json").write_text(partitions(version), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
