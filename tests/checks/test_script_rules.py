"""Training scripts beside a request: the fault that each has is seen, and sound ones are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cursus.model import Finding, Promises, SourceCode
from tests.checks.made import TUNING, findings_of, source, told

AREAS = ("HPO", "CHN", "ART", "FRM", "MON", "RES", "DST")
MINE = tuple(f"{area}0{tens}" for area in AREAS for tens in ("5", "6", "7"))
HERE = Path(__file__).parent
FAULTS: list[dict[str, Any]] = yaml.safe_load((HERE / "script_faults.yaml").read_text())
SOUND: list[dict[str, Any]] = yaml.safe_load((HERE / "script_sound.yaml").read_text())
SCRIPT = """\
import os
print(len(os.listdir(os.environ["SM_CHANNEL_TRAIN"])))
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
"""


def check(
    folder: Path,
    files: dict[str, str],
    request: dict[str, Any] | None = None,
    *,
    entry: str = "train.py",
    promises: Promises | None = None,
) -> list[Finding]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    found = findings_of(request or {}, source=SourceCode(str(folder), entry), promises=promises or Promises())
    return [one for one in told(found) if one.rule.startswith(MINE)]


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["name"])
def test_fault_is_seen(case: dict[str, Any], tmp_path: Path) -> None:
    found = check(tmp_path, case["files"], case.get("request"), entry=case.get("entry", "train.py"))
    assert (case["rule"], case["severity"]) in {(finding.rule, finding.severity) for finding in found}, found
    assert all(finding.rule == case["rule"] for finding in found if finding.severity == "error"), found


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case["name"])
def test_sound_script_is_left_alone(case: dict[str, Any], tmp_path: Path) -> None:
    assert check(tmp_path, case["files"], case.get("request"), entry=case.get("entry", "train.py")) == []


REQUIREMENTS = [
    ("-e git+https://github.com/a/b.git#egg=b", "error"),
    ("--editable=git+https://github.com/a/b.git#egg=b", "error"),
    ("git+ssh://git@github.com/a/b.git", "error"),
    ("../shared", "error"),
    ("-e ../shared", "error"),
    ("./wheels/a-1.0-py3-none-any.whl", "error"),
    ("/home/user/a.whl", "error"),
    ("C:\\a\\b.whl", "error"),
    ("-r base.txt", "error"),
    ("-c limits.txt", "error"),
    ("numpy=1.2", "error"),
    ("numpy == ", "error"),
    ("s3://bucket/a.whl", "error"),
    ("pip install numpy", "error"),
    ("pandas>=1.6,<1.3", "error"),
    ("pandas>1.3,<=1.3", "error"),
    ("pandas~=1.3.2,>=1.4", "error"),
    ("pandas==1.3.*,>=1.4", "error"),
    ("numpy<1,>1", "error"),
    ('tqdm; python_version >= "3.7" pyyaml', "error"),
    ("tqdm; python", "error"),
    ("--user", "error"),
    ("--find-links /home/jane/wheels", "error"),
    ("tools @ file:///C:/Users/jo/tools", "error"),
    ("tensorflow_gpu>=2.4", "error"),
    ("git+https://github.com/a/b.git@abc", "warning"),
    ("--index-url https://user:secret@example.org/simple", "warning"),
    ("/opt/wheels/a.whl", "warning"),
]


@pytest.mark.parametrize(("line", "severity"), REQUIREMENTS)
def test_requirement_that_cannot_install(line: str, severity: str, tmp_path: Path) -> None:
    found = check(tmp_path, {"train.py": SCRIPT, "requirements.txt": f"numpy\n{line}\n"})
    assert [(finding.rule, finding.severity, finding.line) for finding in found] == [("FRM052", severity, 2)]
    assert "secret" not in found[0].message


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("torch==2.1.0+cu121", None),
        ("torchvision==0.16.0+cu121", "warning"),
        ("torch==2.0.1+cu118", "error"),
        ("torch==2.0.1+cu121", "error"),
        ("tools==1.0+cu121", "error"),
    ],
)
def test_the_build_of_torch_that_the_image_has_needs_no_index(
    line: str, severity: str | None, tmp_path: Path
) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310"
    request = {
        "AlgorithmSpecification": {"TrainingImage": image},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge"},
    }
    found = check(tmp_path, {"train.py": SCRIPT, "requirements.txt": line + "\n"}, request)
    assert [one.severity for one in found if one.rule == "FRM052"] == ([severity] if severity else [])


@pytest.mark.parametrize("line", ["tensorflow-gpu==2.10.1", "tensorflow-gpu>=2.4,<2.12", "sklearn==0.0"])
def test_versions_of_a_package_from_before_it_was_given_up(line: str, tmp_path: Path) -> None:
    found = check(tmp_path, {"train.py": SCRIPT, "requirements.txt": f"{line}\n"})
    assert "FRM052" not in {one.rule for one in found}


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("numpy==2.1.0", "error"),
        ("numpy>=2.1", "error"),
        ("scikit_learn~=1.7.0", "error"),
        ("numpy==2.0.2", None),
        ("numpy<3", None),
        ('numpy==2.1.0; python_version >= "3.10"', None),
        ("tools==2.1.0", None),
    ],
)
def test_a_package_for_a_newer_python_than_the_image_has(
    line: str, severity: str | None, tmp_path: Path
) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.13.1-cpu-py39"
    request = {"AlgorithmSpecification": {"TrainingImage": image}}
    found = check(tmp_path, {"train.py": SCRIPT, "requirements.txt": line + "\n"}, request)
    assert [one.severity for one in found if one.rule == "FRM052"] == ([severity] if severity else [])


def test_every_requirement_has_a_hash_or_none_has(tmp_path: Path) -> None:
    lines = "tqdm==4.66.1 --hash=sha256:0\nnumpy==1.24.1\n"
    (found,) = check(tmp_path, {"train.py": SCRIPT, "requirements.txt": lines})
    assert (found.rule, found.line) == ("FRM052", 2)


def test_a_stand_in_for_a_module_that_is_not_packed(tmp_path: Path) -> None:
    script = (
        "try:\n    from robust import mean\nexcept ImportError:\n    def mean(v):\n        return 0\n"
        + SCRIPT
    )
    (found,) = check(tmp_path, {"train.py": script})
    assert (found.rule, found.severity, found.line) == ("FRM055", "warning", 1)
    assert check(tmp_path, {"train.py": script, "robust.py": "def mean(v):\n    return 1\n"}) == []


def test_a_module_that_is_named_from_above_the_source_directory(tmp_path: Path) -> None:
    script = "from src.utils import mean\n" + SCRIPT
    (found,) = check(tmp_path, {"train.py": script, "utils.py": "def mean(v):\n    return 1\n"})
    assert found.rule == "FRM055"
    assert "write from utils import" in found.remedy


@pytest.mark.parametrize(("name", "rules"), [("helprs", ["FRM055"]), ("helpers", []), ("helpdesk", [])])
def test_a_module_of_the_source_with_one_letter_wrong(tmp_path: Path, name: str, rules: list[str]) -> None:
    found = check(tmp_path, {"train.py": f"import {name}\n" + SCRIPT, "helpers.py": "RATE = 1\n"})
    assert [one.rule for one in found] == rules
    assert all("Did you mean 'helpers'" in one.message for one in found)


def test_findings_point_into_the_script(tmp_path: Path) -> None:
    script = SCRIPT + "import argparse\nparser = argparse.ArgumentParser()\nparser.parse_args()\n"
    (finding,) = check(tmp_path, {"train.py": script}, {"HyperParameters": {"epochs": "1"}})
    assert (finding.path, finding.file, finding.line, finding.column) == (
        "HyperParameters.epochs",
        f"{tmp_path}/train.py",
        5,
        10,
    )


def test_arguments_of_a_tuning_request_count(tmp_path: Path) -> None:
    script = SCRIPT + (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        'parser.add_argument("--learning_rate", type=int)\nparser.parse_args()\nprint("validation accuracy: 0.5")\n'
    )
    found = findings_of({}, "HPO052", TUNING, source=source(tmp_path, script))
    assert [finding.severity for finding in found] == ["error"]
    assert "continuous" in found[0].message


def test_objective_that_is_never_printed_is_an_error(tmp_path: Path) -> None:
    code = source(tmp_path, SCRIPT + 'print("accuracy of validation: 0.5")\n')
    found = findings_of({}, "MON050", TUNING, source=code)
    assert [finding.severity for finding in found] == ["error"]


def test_expected_artifact_is_held_against_what_is_written(tmp_path: Path) -> None:
    promises = Promises(expected_artifacts=("weights.bin", "model.txt", "model.tar.gz"))
    (finding,) = check(tmp_path, {"train.py": SCRIPT}, promises=promises)
    assert finding.rule == "ART051"
    assert "weights.bin" in finding.message


def test_file_that_the_local_channel_lacks(tmp_path: Path) -> None:
    local = tmp_path / "data"
    local.mkdir()
    (local / "rows.csv").write_text("1\n")
    script = SCRIPT + 'open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "row.csv"))\n'
    promises = Promises(local_channels={"train": str(local)})
    (finding,) = check(tmp_path / "source", {"train.py": script}, promises=promises)
    assert finding.rule == "CHN054"
    assert "rows.csv" in finding.message


SOFT = 'import os\npath = os.environ.get("SM_CHANNEL_VALIDATION")\n'


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (SOFT + "print(path)\n", ["CHN058"]),
        (SOFT + "print(os.path.join(path, 'a.csv'))\n", ["CHN058"]),
        (SOFT + "print(open(path).read())\n", ["CHN051"]),
        (SOFT + "if path:\n    print(path)\n", []),
        (SOFT + "if path is not None:\n    print(path)\n", []),
        (SOFT + "print(path or 'none')\n", []),
        (SOFT + "rows = [] if not path else [path]\n", []),
        (
            SOFT
            + "def load(place):\n    if place is None:\n        return\n    print(place)\n\nload(path)\n",
            [],
        ),
        ('import os\nprint(os.environ.get("SM_CHANNEL_VALIDATION", "/opt/ml/input"))\n', []),
    ],
)
def test_a_variable_of_a_channel_that_there_is_not(tmp_path: Path, code: str, told: list[str]) -> None:
    found = check(tmp_path, {"train.py": code + SCRIPT})
    assert [one.rule for one in found if one.rule in ("CHN051", "CHN058")] == told


def test_the_program_of_the_request_decides(tmp_path: Path) -> None:
    program = {"HyperParameters": {"sagemaker_program": "main.py"}}
    found = check(tmp_path, {"train.py": SCRIPT}, program)
    assert [(one.rule, one.severity) for one in found if one.rule == "FRM060"] == [("FRM060", "error")]
    found = check(tmp_path, {"train.py": SCRIPT, "main.py": SCRIPT}, program)
    assert not [one for one in found if one.rule == "FRM060"]


BROUGHT = {
    "written": "open('utils.py', 'w').write('x = 1')\n",
    "copied": "import shutil\nshutil.copy('/opt/ml/input/data/train/utils.py', '.')\n",
    "cloned": "import subprocess\nsubprocess.run('git clone https://example.com/a/b .', shell=True, check=True)\n",
    "installed": "import pip\npip.main(['install', 'git+https://example.com/a/utils.git'])\n",
    "unpacked": "import zipfile\nzipfile.ZipFile('/opt/ml/input/data/train/code.zip').extractall('.')\n",
}


@pytest.mark.parametrize("way", BROUGHT)
def test_a_module_that_the_script_brings_itself(tmp_path: Path, way: str) -> None:
    use = "import utils\nprint(utils.x)\n" + SCRIPT
    assert [one.rule for one in check(tmp_path, {"train.py": use})] == ["FRM055"]
    brought = {"train.py": BROUGHT[way] + use}
    assert not [one for one in check(tmp_path, brought) if one.rule == "FRM055"]
    old = [one.rule for one in check(tmp_path, {**brought, "utils.py": "y = 1\n"})]
    assert ("FRM070" in old) == (way not in ("written", "copied"))


def test_a_module_that_protoc_makes(tmp_path: Path) -> None:
    script = "import subprocess\nsubprocess.check_call(['protoc', '--python_out=.', 'a.proto'])\n"
    script += "import a_pb2\na_pb2.Row()\n"
    assert not check(tmp_path, {"train.py": script + SCRIPT, "a_pb2.py": "# made when it runs\n"})


def test_what_was_never_loaded_is_no_checkpoint_whose_epoch_is_lost(tmp_path: Path) -> None:
    script = """\
import json, os
rows = [float(row) for row in os.listdir(os.environ["SM_CHANNEL_TRAIN"])]
weights, best = {"w": 0.0}, None
for epoch in range(3):
    loss = sum(abs(row - weights["w"]) for row in rows)
    if best is None or loss < best["loss"]:
        best = {"model": dict(weights), "loss": loss, "epoch": epoch + 1}
    weights["w"] += 0.1
weights = best["model"]
json.dump(best, open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w"))
"""
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
    assert [one.rule for one in check(tmp_path, {"train.py": script}, checkpoints)] == ["ART053"]
