"""Make src/cursus/aws/data/offerings.json: the regions in which EC2 never had the hardware of an instance type.

Source: the answers of EC2's DescribeInstanceTypeOfferings that releases of moto keep (PyPI). A type counts as offered
in a region where any of them has it there, so that neither its withdrawal nor a gap in one of them matters. What EC2
does not have in a region SageMaker has not either.

    python scripts/make_offerings.py FOLDER_OF_AN_UNPACKED_MOTO_WHEEL…
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path

import tables
from make_instances import DATE

RELEASES = "moto 2.3.2, 3.1.19, 4.2.14, 5.0.28 and 5.2.5"


def offered(wheel: Path) -> dict[str, set[str]]:
    """Region → the EC2 instance types that one release of moto has there."""
    found: dict[str, set[str]] = {}
    for path in (wheel / "moto" / "ec2" / "resources" / "instance_type_offerings" / "region").iterdir():
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found[path.name.partition(".")[0]] = {entry["InstanceType"] for entry in json.loads(text)}
    return found


def main() -> None:
    regions: dict[str, set[str]] = defaultdict(set)
    for folder in sys.argv[1:]:
        for region, sold in offered(Path(folder)).items():
            regions[region] |= sold
    document = tables.read("instances")
    names = sorted({*document["training"], *document["others"]})
    absent = {
        name: sorted(region for region in regions if name.removeprefix("ml.") not in regions[region])
        for name in names
    }
    families: dict[str, list[str]] = {}
    types: dict[str, list[str]] = {}
    for name, places in absent.items():
        family = name.split(".")[1]
        if not places or len(places) == len(regions):
            continue  # everywhere, or nothing that EC2 sells
        if all(absent[other] == places for other in names if other.split(".")[1] == family):
            families[family] = places
        else:
            types[name] = places
    result = {
        "source": f"EC2 DescribeInstanceTypeOfferings, as kept in {RELEASES} (PyPI)",
        "date": DATE,
        "regions": sorted(regions),
        "families": families,
        "types": types,
    }
    tables.write("offerings", result, compact=True)


if __name__ == "__main__":
    main()
