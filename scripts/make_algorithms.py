"""Make src/cursus/aws/data/algorithms.json: what each built-in algorithm takes.

Sources: the SageMaker developer guide (as tabled in ``scripts/algorithms.yaml``) and, for XGBoost from 0.90
on, the open source of its container, whose own tables are read at the commit of each released version.

    python scripts/make_algorithms.py PATH_TO_CLONE_OF_aws/sagemaker-xgboost-container
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tables
import yaml

HERE = Path(__file__).parent
GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/"
GUIDE_COMMIT = (
    "awsdocs/amazon-sagemaker-developer-guide@a869fa5 (2023-06-15), "
    "and crowecawcaw/aws-docs-history@45fd659 (a later state of the same pages) where they differ"
)
XGBOOST = {
    "0.90-1": "132188b309ef27b17ee9a769a0bdbbe8ddb802ee",
    "0.90-2": "a034e4b46392a65034316106b039422c93c5d909",
    "1.0-1": "0c7a3b8942f8cd75ea1c9e3c32bb83ea4b69b0a5",
    "1.2-1": "0d8f55de0bec7e7afe29923b217714a592ff5d77",
    "1.2-2": "dd637a025b8e644ab356a182fab4cd628b123b97",
    "1.3-1": "07ece4c7b4984690560406ec66a68176820ee921",
    "1.5-1": "4eef773aab5c9e38a9ba945c8ad31c24d764d44a",
    "1.7-1": "f7a93a21e50e44b4077f0889a7f676cad8c226f3",
    "3.0-5": "fe01f24a58fbdcfbcfd52944a0e896672ff5c36e",
}
DATE = "2026-11-23"
TYPES = {"int": "Integer", "float": "Continuous", "choice": "Categorical", "bool": "Categorical"}

# Run in a process of its own: the container's tables, printed as JSON. Only its two pure packages are
# imported; the reader of data files, which needs the container's binary libraries, is read as text instead.
READER = r"""
import json, sys, types
sys.path.insert(0, "src")
stub = types.ModuleType("sagemaker_xgboost_container.data_utils")
sys.modules["sagemaker_xgboost_container.data_utils"] = stub
for name in ("sagemaker_xgboost_container", "sagemaker_xgboost_container.algorithm_mode"):
    package = types.ModuleType(name)
    package.__path__ = ["src/" + name.replace(".", "/")]
    sys.modules[name] = package
import re
plain = {"_content_types.CSV": "text/csv", "xgb_content_types.LIBSVM": "text/libsvm",
         "xgb_content_types.X_LIBSVM": "text/x-libsvm",
         "xgb_content_types.X_PARQUET": "application/x-parquet",
         "xgb_content_types.X_RECORDIO_PROTOBUF": "application/x-recordio-protobuf", "CSV": "csv",
         "LIBSVM": "libsvm", "PARQUET": "parquet", "RECORDIO_PROTOBUF": "recordio-protobuf"}
source = open("src/sagemaker_xgboost_container/data_utils.py").read()
for name in ("VALID_CONTENT_TYPES", "VALID_PIPED_CONTENT_TYPES"):
    listed = re.search(name + r" = \[(.*?)\]", source, re.S).group(1)
    setattr(stub, name, [plain[word.strip()] for word in listed.split(",") if word.strip()])
from sagemaker_xgboost_container.algorithm_mode import channel_validation, hyperparameter_validation, metrics
found = metrics.initialize()
hyperparameters = hyperparameter_validation.initialize(found)
def bounds(interval):
    if interval is None:
        return None
    return [interval.min_open, interval.min_closed, interval.max_open, interval.max_closed]
rows = []
for name, hp in hyperparameters.hyperparameters.items():
    row = {"name": name, "kind": type(hp).__name__}
    row.update(required=bool(hp.required), tunable=bool(hp.tunable))
    if hasattr(hp.range, "min_open"):
        row["bounds"] = bounds(hp.range)
    else:
        values = hp.range if isinstance(hp.range, (list, tuple)) else hp.range.format()
        row["values"] = [str(value) for value in values]
    row["tune"] = bounds(hp.tunable_recommended_range)
    rows.append(row)
channels = channel_validation.initialize()
print(json.dumps({
    "hyperparameters": rows, "aliases": getattr(hyperparameters, "aliases", {}),
    "metrics": {metric.name: metric.direction for metric in found.metrics.values()},
    "channels": {c.name: [bool(c.required), sorted({s[0] for s in c.supported})] for c in channels.channels},
    "piped": stub.VALID_PIPED_CONTENT_TYPES,
    "default_content_type": channels.default_content_type}))
"""


def number(text: str) -> int | float:
    value = float(text)
    return int(value) if value == int(value) and "e" not in text.lower() else value


def interval(text: str) -> dict[str, Any]:
    low, _, high = text[1:-1].partition(",")
    found: dict[str, Any] = {}
    if low:
        found["minimum_open" if text[0] == "(" else "minimum"] = number(low)
    if high:
        found["maximum_open" if text[-1] == ")" else "maximum"] = number(high)
    return found


def tuning(words: list[str], type_: str) -> dict[str, Any]:
    """The tunable part of a row: the type of its ranges and what the guide recommends."""
    if words[:1] == ["int"]:
        words, type_ = words[1:], "Integer"
    try:
        low, high = (number(word) for word in words)
    except ValueError:
        return {"tunable": True, "tunable_type": "Categorical", "recommended": words}
    kind = type_ if type_ in ("Integer", "Continuous") else "Continuous"
    return {"tunable": True, "tunable_type": kind, "recommended": [low, high]}


def row(line: str) -> tuple[str, dict[str, Any]]:
    head, *notes = [part.strip() for part in line.split(";")]
    name, kind, *rest = head.split()
    found: dict[str, Any] = {"type": TYPES.get(kind, "FreeText")}
    if kind == "list":
        found["list"] = True
    values = [word for word in rest if word[0] not in "[(+"]
    if kind == "bool":
        values = ["True", "False"]
        found["ignore_case"] = True
    for word in rest:
        if word[0] in "[(":
            found.update(interval(word))
    words = [word[1:] for word in rest if word[0] == "+"]
    if kind in ("choice", "bool"):
        values, words = values + words, []
    if values:
        found["values"] = values
    if words:
        found["words"] = words
    for note in notes:
        first, *more = note.split()
        if first == "required":
            found["required"] = True
        elif first == "tune":
            found.update(tuning(more, found["type"]))
        else:
            raise ValueError(line)
    return name, found


def from_guide(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    found = {
        key: value
        for key, value in entry.items()
        if key not in ("minimize", "maximize", "hyperparameters", "page")
    }
    found["source"] = GUIDE + entry["page"]
    found["hyperparameters"] = dict(row(line) for line in entry.get("hyperparameters", "").splitlines())
    found["metrics"] = dict.fromkeys(entry.get("minimize", "").split(), "Minimize") | dict.fromkeys(
        entry.get("maximize", "").split(), "Maximize"
    )
    return found


def from_container(clone: str, commit: str) -> dict[str, Any]:
    """Read the tables of one version of the XGBoost container by running them."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", f"--git-dir={clone}", "archive", commit, "src"], check=True, capture_output=True
        ).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
        printed = subprocess.run(
            [sys.executable, "-c", READER], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
    read: dict[str, Any] = json.loads(printed)
    read["hyperparameters"] = {entry["name"]: container_row(entry) for entry in read["hyperparameters"]}
    return read


def container_row(entry: dict[str, Any]) -> dict[str, Any]:
    kinds = {"IntegerHyperparameter": "Integer", "ContinuousHyperparameter": "Continuous"}
    found: dict[str, Any] = {"type": kinds.get(entry["kind"], "FreeText")}
    if entry["kind"] == "CategoricalHyperparameter":
        found["type"] = "Categorical"
    if entry["kind"] == "CommaSeparatedListHyperparameter":
        found["list"] = "bare"  # split at its commas, and nothing is taken off
    names = ("minimum_open", "minimum", "maximum_open", "maximum")
    if entry.get("bounds") and found["type"] != "FreeText":
        found.update({n: v for n, v in zip(names, entry["bounds"], strict=True) if v is not None})
    if "values" in entry and entry["kind"] != "TupleHyperparameter":
        found["values"] = sorted(set(entry["values"]))
        if entry["name"] == "eval_metric":
            found["thresholds"] = ["error", "ndcg", "map"]
    if entry["required"]:
        found["required"] = True
    if entry["tunable"]:
        low = next(v for v in entry["tune"][:2] if v is not None)
        high = next(v for v in entry["tune"][2:] if v is not None)
        found.update({"tunable": True, "tunable_type": found["type"], "recommended": [low, high]})
    return found


def versions(clone: str, base: dict[str, Any]) -> dict[str, Any]:
    """Each version of XGBoost as its difference from the version before it, which keeps the file small."""
    found: dict[str, Any] = {}
    before: dict[str, Any] = {}
    for version, commit in XGBOOST.items():
        read = from_container(clone, commit)
        now = read["hyperparameters"]
        for name in base["also_tunable"]:
            now[name] |= {"tunable": True, "tunable_type": "Categorical", "recommended": now[name]["values"]}
        changed = {name: spec for name, spec in now.items() if before.get(name) != spec}
        gone = sorted(name for name in before if name not in now)
        gpu = tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= (1, 2)
        found[version] = {
            "commit": commit,
            "hyperparameters": changed,
            "removed": gone,
            "metrics": read["metrics"],
            "aliases": read["aliases"],
            "gpu": gpu,
        }
        before = now
    del base["also_tunable"]
    base["channels"] = {
        name: ("required" if required else "optional") for name, (required, _) in read["channels"].items()
    }
    base["content_types"] = read["channels"]["train"][1]
    base["pipe_content_types"] = read["piped"]
    base["default_content_type"] = read["default_content_type"]
    return found


def main() -> None:
    clone = sys.argv[1]
    table = yaml.safe_load((HERE / "algorithms.yaml").read_text())["algorithms"]
    algorithms = {name: from_guide(name, entry) for name, entry in table.items()}
    xgboost = algorithms["xgboost"]
    xgboost["versions"] = versions(clone, xgboost)
    document = {
        "source": f"{GUIDE}algos.html, as of {GUIDE_COMMIT}; "
        "aws/sagemaker-xgboost-container at the commits named",
        "date": DATE,
        "algorithms": algorithms,
    }
    tables.write("algorithms", document, compact=True)


if __name__ == "__main__":
    main()
