"""What reading tells and a run confirms is told once, at the line of the script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.evidence import Evidence, Start, Usage
from cursus.model import Finding, Promises
from tests.checks.made import FAILED, SOUND, findings_of, source


def told_of(folder: Path, script: str, evidence: dict[str, Any], **promises: Any) -> list[Finding]:
    """Everything that is told of a run of ``script``, readings included."""
    return findings_of(
        {"HyperParameters": {"sagemaker_program": "train.py"}},
        evidence=Evidence(**{**SOUND, **evidence}),
        promises=Promises(**promises),
        source=source(folder, script),
    )


READS = """import os
print(os.environ['SM_CHANNEL_TRAIN'])
{}
open(os.environ['SM_MODEL_DIR'] + '/model.json', 'w').write('1')
"""


@pytest.mark.parametrize(
    ("line", "error", "rules"),
    [
        ("print(os.environ['SM_CHANNEL_TEST'])", "KeyError: 'SM_CHANNEL_TEST'", ["CHN050"]),
        ("if os.environ.get('A'): print(absent)", "NameError: name 'absent' is not defined", ["FRM070"]),
        ("print({}['label'])", "KeyError: 'label'", ["FRM090"]),
        (
            "print(open('/opt/ml/input/data/test/rows.csv').read())",
            "FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/input/data/test/rows.csv'",
            ["CHN051"],
        ),
        (
            "import json\nname = json.load(open('/opt/ml/input/config/hyperparameters.json')).get('file')\n"
            "print(open('/opt/ml/input/data/train/' + (name or 'rows.csv')).read())",
            "FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/input/data/train/rows.csv'",
            ["CHN093"],
        ),
        (
            "def show(path=os.environ.get('SM_CHANNEL_TEST')): print(os.listdir(os.path.join(path, 'a')))\nshow()",
            "TypeError: expected str, bytes or os.PathLike object, not NoneType",
            ["CHN051"],
        ),
        (
            "where = [os.environ.get('SM_CHANNEL_TEST')]\nif len(where) > 1: print(os.listdir(where[0]))",
            "TypeError: expected str, bytes or os.PathLike object, not NoneType",
            ["CHN093"],
        ),
        (
            "where = [os.environ.get('SM_CHANNEL_TEST')]\nif len(where) > 1: print(os.listdir(where[0]))",
            "TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'",
            ["FRM090"],
        ),
    ],
)
def test_a_failure_that_reading_explains_is_told_once(
    line: str, error: str, rules: list[str], tmp_path: Path
) -> None:
    reason = FAILED.format(f'File "/opt/ml/code/train.py", line 3, in <module>\n{line}\n{error}')
    failed = {
        "status": "Failed",
        "failure_reason": reason,
        "script_exit_codes": {"algo-1": 1},
        "model_files": (),
    }
    found = told_of(tmp_path, READS.format(line), failed)
    assert [finding.rule for finding in found if finding.severity == "error"] == rules


def test_an_argument_of_one_letter_is_told_once_and_not_by_its_own_name(tmp_path: Path) -> None:
    script = READS.format(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--C')\nprint(p.parse_args().C)"
    )
    reason = FAILED.format("train.py: error: unrecognized arguments: -C 0.5")
    found = findings_of(
        {"HyperParameters": {"sagemaker_program": "train.py", "C": "0.5"}},
        evidence=Evidence(
            **{**SOUND, "status": "Failed", "failure_reason": reason, "script_exit_codes": {"algo-1": 2}}
        ),
        source=source(tmp_path, script),
    )
    (error,) = [finding for finding in found if finding.severity == "error"]
    assert error.rule == "HPO050" and "Did you mean '--C'?" in error.message
    assert error.remedy.startswith("declare -C in the script")


def test_a_value_that_a_flag_refuses_is_told_once(tmp_path: Path) -> None:
    script = READS.format(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--fast', action='store_true')\np.parse_args()"
    )
    reason = FAILED.format("train.py: error: unrecognized arguments: True")
    found = findings_of(
        {"HyperParameters": {"sagemaker_program": "train.py", "fast": "true"}},
        evidence=Evidence(**{**SOUND, "status": "Failed", "failure_reason": reason, "model_files": ()}),
        source=source(tmp_path, script),
    )
    assert [finding.rule for finding in found if finding.severity == "error"] == ["HPO054"]


def test_an_artifact_that_is_missing_is_told_once_at_the_line_that_writes_another(tmp_path: Path) -> None:
    found = told_of(tmp_path, READS.format(""), {}, expected_artifacts=("weights.bin",))
    (missing,) = [finding for finding in found if finding.area == "artifacts"]
    assert (missing.rule, missing.severity, missing.line) == ("ART090", "error", 4)
    assert "write /opt/ml/model/weights.bin" in missing.remedy


@pytest.mark.parametrize("closed", [False, True])
def test_a_barrier_of_some_ranks_explains_a_job_that_waits_for_good(tmp_path: Path, closed: bool) -> None:
    script = READS.format(
        "import torch.distributed as dist\ndef save(rank):\n    if rank == 0:\n        dist.barrier()\nsave(0)"
    )
    usage = Usage(wall_seconds=60.0, idle_seconds=58.0, processes=3)
    stopped = {
        "status": "Stopped",
        "usage": {"algo-1": usage},
        "signals": {"reason": "the timeout of this run"},
    }
    left = {"status": "Failed", "failure_reason": FAILED.format("RuntimeError: Connection closed by peer")}
    found = [
        finding
        for finding in told_of(tmp_path, script, left if closed else stopped)
        if finding.rule in ("DST054", "RES098", "FRM090")
    ]
    assert [(finding.rule, finding.severity, finding.line) for finding in found] == [("DST054", "error", 6)]


RESUMES = """import os
folder, first = '/opt/ml/checkpoints', 0
if os.path.isdir(folder):
    first = int(max(os.listdir(folder)).partition('.')[0])
print(os.listdir(os.environ['SM_CHANNEL_TRAIN']))
for epoch in range(first, 3):
    open(f'{folder}/{epoch:02d}.txt', 'w').write('1')
open(os.environ['SM_MODEL_DIR'] + '/model.json', 'w').write('1')
"""


@pytest.mark.parametrize(
    ("failed", "restored", "expected"),
    [(True, 0, [("RES061", "error")]), (False, 0, []), (False, 2, [("RES061", "warning")])],
)
def test_a_first_start_without_a_checkpoint_is_settled_by_a_run(
    failed: bool, restored: int, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    error = "ValueError: max() arg is an empty sequence"
    reason = FAILED.format(f'File "/opt/ml/code/train.py", line 4, in <module>\n{error}')
    ending = {
        "status": "Failed",
        "failure_reason": reason,
        "script_exit_codes": {"algo-1": 1},
        "model_files": (),
    }
    found = findings_of(
        {
            "HyperParameters": {"sagemaker_program": "train.py"},
            "CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"},
        },
        evidence=Evidence(
            **{**SOUND, **(ending if failed else {}), "starts": (Start(0.0, 1.0, restored=restored),)}
        ),
        source=source(tmp_path, RESUMES),
    )
    told = [(finding.rule, finding.severity) for finding in found]
    assert [one for one in told if one[0] in ("RES061", "FRM090")] == expected
