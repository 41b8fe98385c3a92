"""How many real failures are seen, and how many false errors are reported: the table of `make cases`.

CASES is a folder with ``failures/*.json`` (each a faulty request, definition or script with a corrected
twin; failures/FORMAT.md describes them) and ``valid.jsonl`` (requests of public projects). It is found beside
the repository (../shared/cases) unless given. A case counts as seen where an error is reported for
what SageMaker rejects or what fails the job, and at least a warning for what silently goes wrong. A corrected
script has to give the values and metrics that its case names: a case whose twin does not is wrong itself.
With --no-run scripts are only read. Judgements on public requests that really would fail are in
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
from cursus.local.job import TrainingJob
from cursus.model import Finding

HERE = Path(__file__).parent
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"

SIGNAL_AFTER = 0.3
"""Seconds of training after which a case's ``send_signal`` comes, as StopTrainingJob sends it: to the first process."""


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
    for name, content in case["files"].items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    channels = {}
    for channel, files in case["channels"].items():
        for name, content in files.items():
            path = folder / "data" / channel / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        channels[channel] = str(folder / "data" / channel)
    request: dict[str, Any] = {
        "TrainingJobName": "case",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": {
            **case["hyperparameters"],
            "sagemaker_program": case["entry_point"],
            "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
        },
        "InputDataConfig": [
            {
                "ChannelName": name,
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://example-bucket/data/{name}/"}
                },
            }
            for name in channels
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    if not channels:
        del request["InputDataConfig"]
    if case.get("metric_definitions"):
        request["AlgorithmSpecification"]["MetricDefinitions"] = case["metric_definitions"]
    if case.get("checkpoint_local_path"):
        request["CheckpointConfig"] = {
            "S3Uri": "s3://example-bucket/checkpoints/",
            "LocalPath": case["checkpoint_local_path"],
        }
    if not run:
        report = cursus.check(request, source_dir=source, entry_point=case["entry_point"])
        return list(report.findings)
    artifacts = [
        path.removeprefix("model/") if path.startswith("model/") else path
        for path in case.get("expected_artifacts", [])
    ]
    try:
        job = cursus.run(
            request,
            source_dir=source,
            entry_point=case["entry_point"],
            channels=channels,
            expected_artifacts=artifacts,
            root=folder / "root",
            timeout=60,
            stop_after=SIGNAL_AFTER if case.get("send_signal") == "SIGTERM" else None,
            vary=vary,
        )
    except RunError:  # there is no script to run, which the check says as well
        return list(cursus.check(request, source_dir=source, entry_point=case["entry_point"]).findings)
    if amiss is not None:
        amiss += disagreements(case, job)
    return list(job.findings)


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
                got = json.load(file) if file is not None else None
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
    return list(cursus.check(body, region=region).findings)


def worst(findings: list[Finding]) -> str:
    levels = {finding.severity for finding in findings}
    return next((level for level in ("error", "warning", "info") if level in levels), "none")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("cases", type=Path, nargs="?", default=HERE.parents[1] / "shared" / "cases")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what is said of sound requests")
    parser.add_argument("--no-run", action="store_true", help="read scripts, and do not run them")
    given = parser.parse_args(arguments)
    cases, verbose, run = given.cases, given.verbose, not given.no_run
    if not cases.is_dir():
        print(f"no cases at {cases}: give the folder that holds failures/ and valid.jsonl")
        return 2
    judged = json.loads((HERE / "judgements.json").read_text()) if (HERE / "judgements.json").exists() else {}
    seen: Counter[str] = Counter()
    total: Counter[str] = Counter()
    missed: list[str] = []
    false: list[str] = []
    wrong: list[str] = []
    for path in sorted((cases / "failures").glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        kind, region = case["kind"], case.get("region")
        if case["detectable_offline"]:
            total[kind] += 1
            level = worst(findings_of(kind, case["bad"], region, run))
            wanted = ("error", "warning") if case["effect"] == "silent" else ("error",)
            if level in wanted:
                seen[kind] += 1
            else:
                missed.append(f"{case['id']} ({case['effect']}): {level}")
        amiss: list[str] = []
        found = findings_of(kind, case["good"], region, run, amiss=amiss)
        wrong += [f"{case['id']}, corrected: {one}" for one in amiss]
        errors = [f"{f.rule} {f.path}: {f.message}" for f in found if f.severity == "error"]
        if errors:
            false.append(f"{case['id']}, corrected: {'; '.join(errors)}")
        elif verbose:
            for finding in found:
                print(f"  {case['id']}, corrected: {finding.severity} {finding.rule} {finding.message}")
    valid = [json.loads(line) for line in (cases / "valid.jsonl").read_text().splitlines() if line]
    clean = 0
    for i, entry in enumerate(valid, 1):
        found = list(cursus.check(entry["request"]).findings)
        accepted = judged.get(str(i), {}).get("rules", [])
        errors = [
            f"{f.rule} {f.path}: {f.message}"
            for f in found
            if f.severity == "error" and f.rule not in accepted
        ]
        clean += not errors
        if errors:
            false.append(f"valid.jsonl:{i} ({entry['origin']}): {'; '.join(errors)}")
        if verbose:
            for finding in found:
                print(
                    f"  valid.jsonl:{i}: {finding.severity} {finding.rule} {finding.path} {finding.message}"
                )
    print(f"{'what':<34}{'seen':>6}{'of':>6}")
    for kind in sorted(total):
        print(f"{'real failures: ' + kind:<34}{seen[kind]:>6}{total[kind]:>6}")
    print(f"{'real failures: all':<34}{sum(seen.values()):>6}{sum(total.values()):>6}")
    print(f"{'public requests without an error':<34}{clean:>6}{len(valid):>6}")
    for line in missed:
        print("missed:", line)
    for line in false:
        print("false error:", line)
    for line in wrong:
        print("wrong case:", line)
    return 1 if missed or false or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
