"""How many real failures are seen, and how many false errors are reported: the table of `make cases`.

CASES is a folder with ``failures/*.json`` (each a faulty request, definition or script with a corrected
twin; failures/FORMAT.md describes them) and ``valid.jsonl`` (requests of public projects). It is found beside
the repository (../shared/cases) unless given. A case counts as seen where an error is reported for
what SageMaker rejects or what fails the job, and at least a warning for what silently goes wrong. A corrected
script has to give the values and metrics that its case names: a case whose twin does not is wrong itself.
The last line is about the service model: each of its constraints, broken alone, has to be reported at its place,
and nothing else. With --no-run scripts are only read. Judgements on public requests that really would fail are in
benchmarks/judgements.json.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import cursus
from cursus.errors import RunError
from cursus.local.jobs.job import TrainingJob
from cursus.model import Finding

HERE = Path(__file__).parent
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"

SIGNAL_AFTER = 0.3
"""Seconds of training after which a case's ``send_signal`` comes, as StopTrainingJob sends it: to the first process."""


def write(folder: Path, files: dict[str, str]) -> None:
    """Put files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def script_request(case: dict[str, Any]) -> dict[str, Any]:
    """The training job that a script case is run in."""
    request: dict[str, Any] = {
        "TrainingJobName": "case",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": {
            **case["hyperparameters"],
            "sagemaker_program": case["entry_point"],
            "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
        },
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    channels = [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://example-bucket/data/{name}/"}
            },
        }
        for name in case["channels"]
    ]
    if channels:
        request["InputDataConfig"] = channels
    if case.get("metric_definitions"):
        request["AlgorithmSpecification"]["MetricDefinitions"] = case["metric_definitions"]
    if case.get("checkpoint_local_path"):
        request["CheckpointConfig"] = {
            "S3Uri": "s3://example-bucket/checkpoints/",
            "LocalPath": case["checkpoint_local_path"],
        }
    return request


def script_findings(
    case: dict[str, Any],
    folder: Path,
    run: bool,
    vary: bool | None = None,
    amiss: list[str] | None = None,
) -> list[Finding]:
    """What a run of a script case shows, static findings included; with ``run`` off, only those.

    What the run leaves otherwise than the case says is put into ``amiss``.
    """
    source = folder / "source"
    write(source, case["files"])
    channels = {name: str(folder / "data" / name) for name in case["channels"]}
    for name, files in case["channels"].items():
        write(Path(channels[name]), files)
    request = script_request(case)
    if run:
        try:
            job = cursus.run(
                request,
                source_dir=source,
                entry_point=case["entry_point"],
                channels=channels,
                expected_artifacts=[
                    path.removeprefix("model/") for path in case.get("expected_artifacts", [])
                ],
                root=folder / "root",
                timeout=60,
                stop_after=SIGNAL_AFTER if case.get("send_signal") == "SIGTERM" else None,
                vary=vary,
            )
        except RunError:
            pass  # there is no script to run, which the check says as well
        else:
            if amiss is not None:
                amiss += disagreements(case, job)
            return list(job.findings)
    return list(cursus.check(request, source_dir=source, entry_point=case["entry_point"]).findings)


def disagreements(case: dict[str, Any], job: TrainingJob) -> list[str]:
    """Values of artifacts and of metrics that the case names, and the run did not give."""
    found = []
    archive = job.evidence.model_artifact
    for place, wanted in case.get("expected_values", {}).items():
        got = None
        if archive is not None:
            with tarfile.open(archive) as tar:
                member = next(
                    (m for m in tar if m.name.removeprefix("./") == place.removeprefix("model/")), None
                )
                file = tar.extractfile(member) if member is not None else None
                content = file.read() if file is not None else b""
                got = json.loads(content) if content else None
        if not isinstance(got, dict) or any(not same(got.get(key), value) for key, value in wanted.items()):
            found.append(f"{place} holds {got}, not {wanted}")
    for name, wanted in case.get("expected_metrics", {}).items():
        points = [point.value for point in job.metrics.get(name, ())]
        if not any(same(value, wanted) for value in points):
            found.append(f"the metric {name} gets {points[:5]}, not {wanted}")
    return found


def same(one: object, other: object) -> bool:
    """Equal, numbers to nine digits."""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9) or (one != one and other != other)
    return one == other


def findings_of(
    kind: str,
    body: dict[str, Any],
    region: str | None,
    run: bool,
    vary: bool | None = None,
    amiss: list[str] | None = None,
) -> list[Finding]:
    if kind == "script_run":
        with tempfile.TemporaryDirectory(prefix="cursus-case-") as folder:
            return script_findings(body, Path(folder), run, vary, amiss)
    if kind == "processing_script":
        with tempfile.TemporaryDirectory(prefix="cursus-case-") as folder:
            write(Path(folder), body["files"])
            read = {"source_dir": folder, "entry_point": body["entry_point"], "region": region}
            return list(cursus.check(body["request"], **read).findings)
    return list(cursus.check(body, region=region).findings)


def worst(findings: list[Finding]) -> str:
    levels = {finding.severity for finding in findings}
    return next((level for level in ("error", "warning", "info") if level in levels), "none")


class Table:
    """What was counted, and a line for each thing that is not as it should be."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.clean = self.requests = 0
        self.alone = self.constraints = 0
        self.amiss: dict[str, list[str]] = {"missed": [], "false error": [], "wrong case": []}

    def failure(self, case: dict[str, Any], run: bool, verbose: bool) -> None:
        """Count a failure and its corrected twin."""
        kind, region = case["kind"], case.get("region")
        if case["detectable_offline"]:
            self.total[kind] += 1
            level = worst(findings_of(kind, case["bad"], region, run))
            if level in (("error", "warning") if case["effect"] == "silent" else ("error",)):
                self.seen[kind] += 1
            else:
                self.amiss["missed"].append(f"{case['id']} ({case['effect']}): {level}")
        amiss: list[str] = []
        found = findings_of(kind, case["good"], region, run, amiss=amiss)
        self.amiss["wrong case"] += [f"{case['id']}, corrected: {one}" for one in amiss]
        self._sound(f"{case['id']}, corrected", found, [], verbose)

    def request(self, name: str, request: dict[str, Any], accepted: list[str], verbose: bool) -> None:
        """Count a public request; ``accepted`` are rules whose errors were judged to be right."""
        self.requests += 1
        self.clean += self._sound(name, list(cursus.check(request).findings), accepted, verbose)

    def model(self) -> None:
        """Count the constraints of the service model that are reported where they are broken, and alone."""
        sys.path.insert(0, str(HERE.parent))
        from tests.aws.constraints import OPERATIONS, cases

        for operation in OPERATIONS:
            for case in cases(operation):
                self.constraints += 1
                if case.reported() == case.expected:
                    self.alone += 1
                else:
                    self.amiss["missed"].append(str(case))

    def _sound(self, name: str, found: list[Finding], accepted: list[str], verbose: bool) -> bool:
        errors = [
            f"{one.rule} {one.path}: {one.message}"
            for one in found
            if one.severity == "error" and one.rule not in accepted
        ]
        if errors:
            self.amiss["false error"].append(f"{name}: {'; '.join(errors)}")
        for one in found if verbose else ():
            print(f"  {name}: {one.severity} {one.rule} {one.path} {one.message}")
        return not errors

    def show(self) -> bool:
        """Print it; True where nothing is amiss."""
        print(f"{'what':<34}{'seen':>6}{'of':>6}")
        for kind in sorted(self.total):
            print(f"{'real failures: ' + kind:<34}{self.seen[kind]:>6}{self.total[kind]:>6}")
        print(f"{'real failures: all':<34}{sum(self.seen.values()):>6}{sum(self.total.values()):>6}")
        print(f"{'public requests without an error':<34}{self.clean:>6}{self.requests:>6}")
        print(f"{'constraints of the service model':<34}{self.alone:>6}{self.constraints:>6}")
        for what, lines in self.amiss.items():
            for line in lines:
                print(f"{what}: {line}")
        return not any(self.amiss.values())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("cases", type=Path, nargs="?", default=HERE.parents[1] / "shared" / "cases")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what is said of sound requests")
    parser.add_argument("--no-run", action="store_true", help="read scripts, and do not run them")
    given = parser.parse_args(arguments)
    if not (given.cases / "failures").is_dir() or not (given.cases / "valid.jsonl").is_file():
        print(f"no cases at {given.cases}: give the folder that holds failures/ and valid.jsonl")
        return 2
    judged = json.loads((HERE / "judgements.json").read_text()) if (HERE / "judgements.json").exists() else {}
    table = Table()
    for path in sorted((given.cases / "failures").glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        table.failure(case, not given.no_run, given.verbose)
    lines = [line for line in (given.cases / "valid.jsonl").read_text().splitlines() if line]
    for i, entry in enumerate(map(json.loads, lines), 1):
        accepted = judged.get(str(i), {}).get("rules", [])
        table.request(f"valid.jsonl:{i} ({entry['origin']})", entry["request"], accepted, given.verbose)
    table.model()
    return 0 if table.show() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
