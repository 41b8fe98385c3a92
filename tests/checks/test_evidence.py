"""Rules on a run's evidence: each sees its own fault, and a sound run has no finding at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.confirmed import told_once
from cursus.checks.evidence.artifacts import found
from cursus.checks.examples import CHANNEL
from cursus.evidence import Evidence, FileEntry, MetricPoint, MetricScan, Usage
from cursus.model import Finding, Location, Promises, SourceCode
from tests.checks.made import FAILED, MODEL, SCIKIT_LEARN, SOUND, findings_of, rules_of


def findings(
    evidence: dict[str, Any],
    patch: dict[str, Any] | None = None,
    expected: tuple[str, ...] = (),
    source: str | None = None,
) -> list[Finding]:
    """What the rules on a run find."""
    found = findings_of(
        patch or {},
        evidence=Evidence(**{**SOUND, **evidence}),
        promises=Promises(expected_artifacts=expected),
        source=None if source is None else SourceCode(source, "train.py"),
    )
    return [finding for finding in found if finding.from_run]


def test_a_sound_run_has_no_finding() -> None:
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/c/"}}
    evidence = {
        "checkpoint_files": (FileEntry("epoch-1", 3),),
        "output_artifact": "/x",
        "model_artifact": "/y",
    }
    assert (
        findings(
            evidence, patch, ("model.json", "saved/1", "model.tar.gz", "output.tar.gz", "checkpoints/epoch-*")
        )
        == []
    )


def test_failed_run_says_why() -> None:
    reason = FAILED.format("KeyError: 'x'")
    [finding] = findings({"status": "Failed", "failure_reason": reason, "script_exit_codes": {"algo-1": 1}})
    assert (finding.rule, finding.severity) == ("FRM090", "error")
    assert "with exit code 1: KeyError: 'x'" in finding.message


def test_failed_run_names_the_line_of_the_script(tmp_path: Path) -> None:
    log = tmp_path / "algo-1.log"
    log.write_text(
        'Traceback (most recent call last):\n  File "/opt/ml/code/train.py", line 6, in <module>\n'
        "    rate = os.environ['SM_HP_RATE']\n           ~~~~~~~~~~^^^^^^^^^^^^^^\n"
        "  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'SM_HP_RATE'\n"
    )
    [finding] = findings({"status": "Failed", "exit_codes": {"algo-1": 1}, "logs": {"algo-1": str(log)}})
    assert 'train.py", line 6' in finding.message
    assert "^" not in finding.message
    assert "frozen" not in finding.message


def test_an_artifact_of_an_empty_model_is_told_once() -> None:
    nothing = {"model_files": ()}
    assert [f.rule for f in findings(nothing, expected=("model.json",))] == ["ART090"]
    assert {f.rule for f in findings(nothing, expected=("output/data/report.json",))} == {"ART090", "ART091"}


def test_a_promised_artifact_among_the_outputs() -> None:
    where = {"output_files": (FileEntry("best.joblib", 12),)}
    missing = next(f for f in findings(where, expected=("best.joblib",)) if f.rule == "ART090")
    assert "/opt/ml/output/data/best.joblib" in missing.remedy
    assert "below /opt/ml/model" in missing.remedy


def test_failed_run_names_the_signal() -> None:
    [finding] = findings(
        {"status": "Failed", "failure_reason": "AlgorithmError: ", "exit_codes": {"algo-1": 139}}
    )
    assert "139 (SIGSEGV)" in finding.message


def test_failed_run_of_several_hosts_names_the_one_that_failed(tmp_path: Path) -> None:
    [finding] = findings(
        {
            "status": "Failed",
            "failure_reason": FAILED.format("ValueError: x"),
            "exit_codes": {"algo-1": 137, "algo-2": 3},
            "logs": {"algo-1": "/logs/algo-1.log", "algo-2": "/logs/algo-2.log"},
        }
    )
    assert "with exit code 3: ValueError: x" in finding.message
    assert "algo-2.log" in str(finding.remedy)
    logs = {"algo-1": tmp_path / "algo-1.log", "algo-2": tmp_path / "algo-2.log"}
    logs["algo-1"].write_text("epoch 1\n")
    logs["algo-2"].write_text("NameError: name 'rows' is not defined\n")
    [quoted] = findings(
        {
            "status": "Failed",
            "failure_reason": FAILED.format(""),
            "exit_codes": {"algo-1": 137, "algo-2": 1},
            "logs": {host: str(log) for host, log in logs.items()},
        }
    )
    assert "'rows'" in quoted.message
    [killed] = findings(
        {"status": "Failed", "failure_reason": "AlgorithmError: ", "exit_codes": {"algo-1": 137}}
    )
    assert "memory" in str(killed.remedy)


@pytest.mark.parametrize(
    ("last", "found"), [("400 examples [00:00, 97051.06 examples/s]", []), ("0 examples", ["MON094"])]
)
def test_of_a_progress_bar_the_last_state_counts(tmp_path: Path, last: str, found: list[str]) -> None:
    log = tmp_path / "algo-1.log"
    log.write_bytes(
        b"Generating train split: 0 examples [00:00, ? examples/s]\rGenerating train split: "
        + last.encode()
        + b"\n"
    )
    assert [one.rule for one in findings({"logs": {"algo-1": str(log)}}) if one.rule == "MON094"] == found


def test_machine_that_cannot_carry_out_the_hosts_is_no_fault_of_the_step() -> None:
    reason = "InternalServerError: 2 hosts cannot be carried out here: unshare: Operation not permitted"
    [finding] = findings({"status": "Failed", "failure_reason": reason, "exit_codes": {"algo-1": None}})
    assert (finding.rule, finding.severity) == ("FRM090", "warning")
    assert "Operation not permitted" in finding.message


def test_driver_of_the_sdk_hides_no_error_of_the_script(tmp_path: Path) -> None:
    log = tmp_path / "algo-2.log"
    log.write_text(
        'File "train.py", line 2, in f\n[rank1]: ValueError: not today\nTraceback (most recent call last):\n'
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \ntrain.py FAILED\n"
        "Command failed with exit code 1. Traceback: Traceback (most recent call last):\n"
        "subprocess.CalledProcessError: Command '['torchrun', 'train.py']' returned non-zero exit status 1.\n"
    )
    reason = (
        'AlgorithmError: Traceback (most recent call last):\n  File "/opt/ml/input/data/sm_drivers/common/utils.py", '
        "line 189, in execute_commands\nsubprocess.CalledProcessError: Command '['torchrun', 'train.py']' returned "
        "non-zero exit status 1., exit code: 1"
    )
    evidence = {
        "status": "Failed",
        "failure_reason": reason,
        "exit_codes": {"algo-1": 137, "algo-2": 1},
        "logs": {"algo-1": str(tmp_path / "none.log"), "algo-2": str(log)},
    }
    [finding] = findings(evidence)
    assert finding.message.endswith("with exit code 1: ValueError: not today")
    log.write_text("ModuleNotFoundError: No module named 'torchvision'\n")
    [missing] = findings(evidence, source=str(tmp_path))
    assert (missing.rule, missing.severity) == ("FRM090", "warning")
    evidence["failure_reason"] = (
        "AlgorithmError: Training Execution failed. For more details, see CloudWatch logs at 'aws/sagemaker'."
    )
    log.write_text("ModuleNotFoundError: No module named 'torch'\n" + "+++ exit\n" * 30)
    [driver] = findings(evidence, source=str(tmp_path))
    assert (driver.rule, driver.severity) == ("FRM090", "warning") and "'torch'" in driver.message


@pytest.mark.parametrize(
    ("what", "member"), [("Artifact", "OutputDataConfig"), ("Checkpoint", "CheckpointConfig")]
)
def test_a_script_is_not_blamed_for_an_upload(what: str, member: str) -> None:
    reason = f"ClientError: {what} upload failed:NoSuchBucket"
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
    (failed,) = (
        finding
        for finding in findings({"status": "Failed", "failure_reason": reason}, patch)
        if finding.rule == "FRM090"
    )
    assert failed.path == member and "mend" not in failed.remedy


OWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"


@pytest.mark.parametrize(
    ("image", "module", "requirements", "severity"),
    [
        (SCIKIT_LEARN, "torch.nn", False, "warning"),
        (SCIKIT_LEARN, "churn_helpers", False, "error"),
        (SCIKIT_LEARN, "churn_helpers", True, "warning"),
        (OWN_IMAGE, "churn_helpers", False, "warning"),
    ],
)
def test_module_that_may_only_be_missing_here(
    tmp_path: Path, image: str, module: str, requirements: bool, severity: str
) -> None:
    if requirements:
        (tmp_path / "requirements.txt").write_text("churn-helpers\n")
    reason = FAILED.format(f"ModuleNotFoundError: No module named '{module}'")
    patch = {"AlgorithmSpecification": {"TrainingImage": image}}
    found = findings({"status": "Failed", "failure_reason": reason}, patch, source=str(tmp_path))
    assert [finding.severity for finding in found if finding.rule == "FRM090"] == [severity]


def test_part_of_a_package_of_another_version(tmp_path: Path) -> None:
    reason = FAILED.format("ModuleNotFoundError: No module named 'tensorflow.contrib'")
    patch = {"AlgorithmSpecification": {"TrainingImage": OWN_IMAGE}}
    found = findings({"status": "Failed", "failure_reason": reason}, patch, source=str(tmp_path))
    told = next(finding.message for finding in found if finding.rule == "FRM090")
    assert "the tensorflow on this machine has no 'tensorflow.contrib'" in told


def test_error_before_what_a_library_says_of_its_own_code() -> None:
    said = "xgboost.core.XGBoostError: label must be in [0,1]\n" + "  [bt] (0) lib\n" * 4
    found = findings({"status": "Failed", "failure_reason": FAILED.format(said)})
    assert "label must be in [0,1]" in next(finding.message for finding in found if finding.rule == "FRM090")


@pytest.mark.parametrize(
    "error",
    [
        "AssertionError: Torch not compiled with CUDA enabled",
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
        "RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.",
        "ValueError: ProcessGroupNCCL is only supported with GPUs, no GPUs found!",
        "ValueError: fp16 mixed precision requires a GPU (not 'cpu').",
        "RuntimeError: Device index must not be negative",
    ],
)
def test_a_gpu_that_only_the_instance_has_is_no_fault_of_the_step(error: str) -> None:
    evidence = {"status": "Failed", "failure_reason": FAILED.format(error), "exit_codes": {"algo-1": 1}}
    for kind, severity in (("ml.g5.xlarge", "warning"), ("ml.m5.xlarge", "error")):
        (found,) = findings(evidence, {"ResourceConfig": {"InstanceType": kind}})
        assert (found.rule, found.severity) == ("FRM090", severity)
        assert error.partition(":")[0] in found.message


def test_module_of_the_users_own_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "helpers").mkdir()
    reason = FAILED.format("ModuleNotFoundError: No module named 'helpers.io'")
    found = findings({"status": "Failed", "failure_reason": reason}, source=str(tmp_path))
    assert [(f.rule, f.severity) for f in found] == [("FRM090", "error")]


@pytest.mark.parametrize(
    ("installed", "rules"), [("1.2.2", []), ("1.2", []), ("1.5.0", ["FRM091"]), (None, ["FRM091"])]
)
def test_version_that_ran(installed: str | None, rules: list[str]) -> None:
    runtime = {"python": "3.11.7", **({"scikit-learn": installed} if installed else {})}
    patch = {"AlgorithmSpecification": {"TrainingImage": SCIKIT_LEARN}}
    assert [f.rule for f in findings({"runtime": runtime}, patch)] == rules


@pytest.mark.parametrize(("opened", "rules"), [(0, ["CHN090"]), (None, []), (3, [])])
def test_channel_that_nobody_opened(opened: int | None, rules: list[str]) -> None:
    assert [f.rule for f in findings({"opened": {"train": opened}})] == rules


@pytest.mark.parametrize(
    ("expected", "paths"),
    [
        ("model.json", ["model.json"]),
        ("/opt/ml/model/model.json", ["model.json"]),
        ("model/model.json", ["model.json"]),
        ("saved", ["saved/1/weights.bin"]),
        ("saved/1/", ["saved/1/weights.bin"]),
        ("*.json", ["model.json"]),
        ("output/data/o.csv", ["o.csv"]),
        ("checkpoints/c", ["c"]),
        ("checkpoints", ["c"]),
        ("other.json", []),
        ("checkpoints/other", []),
    ],
)
def test_what_an_artifact_stands_for(expected: str, paths: list[str]) -> None:
    evidence = Evidence(**SOUND, output_files=(FileEntry("o.csv", 1),), checkpoint_files=(FileEntry("c", 1),))
    assert [file.path for file in found(expected, evidence)] == paths


@pytest.mark.parametrize("folder", ["/opt/ml/ckpt", "/opt/ml/ckpt/", "/tmp/ckpt"])
def test_artifacts_in_the_job_s_own_checkpoint_folder(folder: str) -> None:
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/c/", "LocalPath": folder}}
    evidence = {"checkpoint_files": (FileEntry("epoch-1", 3),)}
    below = folder.rstrip("/").removeprefix("/opt/ml/")
    for name in (f"{below}/epoch-1", f"{folder.rstrip('/')}/epoch-*", "checkpoints/epoch-1"):
        assert findings(evidence, patch, (name,)) == []
    assert [f.rule for f in findings(evidence, patch, (f"{below}/epoch-2",))] == ["ART090"]


def test_artifacts_that_are_missing_or_empty() -> None:
    stray = (FileEntry("/opt/ml/code/history.csv", 3),)
    seen = {
        f.message: f
        for f in findings({"stray_files": stray}, None, ("history.csv", "empty.txt", "output.tar.gz"))
    }
    assert sorted(f.rule for f in seen.values()) == ["ART090", "ART090", "ART092", "ART093"]
    assert any("/opt/ml/code/history.csv, which is thrown away" in f.remedy for f in seen.values())


def test_empty_model() -> None:
    assert [(f.rule, f.severity) for f in findings({"model_files": ()})] == [("ART091", "warning")]
    assert [(f.rule, f.severity) for f in findings({"model_files": MODEL[2:]})] == [("ART092", "warning")]


def test_metrics() -> None:
    patch = {
        "AlgorithmSpecification": {
            "MetricDefinitions": [
                {"Name": name, "Regex": f"{name}=([0-9.]+)"} for name in ("loss", "acc", "some", "none")
            ]
        }
    }
    scans = (
        MetricScan("loss", "loss=(.*)", 3),
        MetricScan("acc", "acc=(.*)", 2, ("best",)),
        MetricScan("some", "some=(.*)", 2, ("nan",)),
        MetricScan("none", "none=(.*)", 0),
    )
    series = {"loss": (MetricPoint(1.0, 0.5),), "some": (MetricPoint(1.0, 0.5),)}
    seen = [
        (f.rule, f.severity, f.path[-8:])
        for f in findings({"metric_scans": scans, "metrics": series, "log_lines": 9}, patch)
    ]
    assert sorted(seen) == [
        ("MON090", "error", "3].Regex"),
        ("MON091", "error", "1].Regex"),
        ("MON091", "warning", "2].Regex"),
    ]


def test_usage_against_the_instance() -> None:
    usage = {"algo-1": Usage(peak_memory=41 << 30, disk_written=31 << 30)}
    seen = {
        f.rule: f for f in findings({"usage": usage}, {"ResourceConfig": {"InstanceType": "ml.m5.large"}})
    }
    assert set(seen) == {"RES090", "RES091"}
    assert "41.0 GiB does not fit the 8 GiB of ml.m5.large" in seen["RES090"].message


def test_stopped_by_its_limit_and_deaf() -> None:
    signals = {
        "reason": "MaxRuntimeExceeded",
        "delivered": True,
        "script_has_handler": True,
        "script_heard": False,
    }
    assert {f.rule for f in findings({"status": "Stopped", "signals": signals})} == {"RES092", "FRM092"}


@pytest.mark.parametrize(
    ("written", "model", "rules"),
    [
        ([], [], []),  # it goes on by the names of the files, and loses nothing
        (["epoch-1.txt", "epoch-2.txt"], [], ["RES097"]),
        ([], ["model.json"], ["RES097"]),
    ],
)
def test_checkpoints_that_are_not_read(written: list[str], model: list[str], rules: list[str]) -> None:
    restart = {
        "status": "Completed",
        "reason": "",
        "restored": 3,
        "read": [],
        "written": written,
        "newest": None,
        "model": model,
    }
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
    files = (FileEntry("epoch-1.txt", 4),)
    found = findings({**SOUND, "checkpoint_files": files, "trials": {"restart": restart}}, patch)
    assert [finding.rule for finding in found] == rules


def test_what_a_run_confirms_is_told_once_at_the_line_of_the_script(tmp_path: Path) -> None:
    script = 'import os\nopen(os.environ["SM_MODEL_DIR"] + "/model.json", "w").write("{}")\n'
    (tmp_path / "train.py").write_text(script)
    patch = {"HyperParameters": {"sagemaker_program": "train.py"}}
    unread = {**SOUND, "opened": {"train": 0}}
    assert [f.rule for f in findings(unread) if f.area == "channels"] == ["CHN090"]
    assert [f.rule for f in findings(unread, patch, source=str(tmp_path)) if f.area == "channels"] == []
    code = SourceCode(str(tmp_path), "train.py")
    told = findings_of(patch, evidence=Evidence(**unread), source=code)
    assert [f.rule for f in told if f.path == "InputDataConfig[0].ChannelName"] == ["CHN052"]


def test_an_empty_model_that_the_script_foretells_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os\nprint(os.listdir(os.environ['SM_CHANNEL_TRAIN']))\n")
    code = SourceCode(str(tmp_path), "train.py")
    told = findings_of({}, evidence=Evidence(**{**SOUND, "model_files": ()}), source=code)
    assert [f.rule for f in told if f.area == "artifacts"] == ["ART050"]


def test_a_key_of_nearly_that_name_explains_what_had_no_effect(tmp_path: Path) -> None:
    script = 'import json, os\nprint(json.loads(os.environ["SM_HPS"]).get("num_epochs", 1))\n'
    (tmp_path / "train.py").write_text(script)
    values = {"sagemaker_program": "train.py", "num-epochs": "5"}
    evidence = Evidence(**SOUND, unmoved={"num-epochs": ("6", "1")})
    code = SourceCode(str(tmp_path), "train.py")
    told = findings_of({"HyperParameters": values}, evidence=evidence, source=code)
    assert [f.rule for f in told if f.path == "HyperParameters.num-epochs"] == ["HPO056"]


def test_of_two_findings_on_one_fault_the_graver_is_kept() -> None:
    read = Finding(
        "MON050", "warning", "no line that the script prints matches", "MetricDefinitions[0].Regex"
    )
    seen = Finding("MON090", "error", "the regex matched nothing", read.path, from_run=True)
    elsewhere = Finding("MON050", "warning", "no line matches", "MetricDefinitions[1].Regex")
    assert told_once([read, elsewhere, seen], Evidence(**SOUND)) == [elsewhere, seen]

    placed = replace(read, location=Location("train.py", 7))
    assert told_once([placed, seen], Evidence(**SOUND)) == [replace(placed, severity="error", from_run=True)]


@pytest.mark.parametrize(("size", "rules"), [(9, {"HPO090", "FRM094"}), (0, {"ART092"})])
def test_an_empty_model_shows_no_effect_of_anything(size: int, rules: set[str]) -> None:
    evidence = {
        "model_files": (FileEntry("model.json", size),),
        "unmoved": {"epochs": ("3", "7", "1")},
        "trials": {"data": {"same": True}},
    }
    found = findings(evidence, {"HyperParameters": {"epochs": "2"}}, ("model.json",))
    assert {f.rule for f in found} == rules
    assert all("with '3', '7' and '1' in place" in f.message for f in found if f.rule == "HPO090")


@pytest.mark.parametrize(
    ("idle", "processes", "reason", "expected"),
    [
        (58.0, 4, "the timeout of this run", ["error"]),
        (58.0, 1, "the timeout of this run", ["warning"]),
        (8.0, 4, "MaxRuntimeExceeded", []),
        (58.0, 4, "StopTrainingJob", []),
    ],
)
def test_a_job_that_waits_for_good(idle: float, processes: int, reason: str, expected: list[str]) -> None:
    usage = Usage(wall_seconds=60.0, idle_seconds=idle, processes=processes)
    seen = findings({"status": "Stopped", "usage": {"algo-1": usage}, "signals": {"reason": reason}})
    assert [finding.severity for finding in seen if finding.rule == "RES098"] == expected
    hosts = {"algo-1": usage, "algo-2": usage}
    seen = findings({"status": "Stopped", "usage": hosts, "signals": {"reason": reason}})
    assert {finding.rule for finding in seen} >= ({"DST090"} if expected else set())
    assert "RES098" not in {finding.rule for finding in seen}


@pytest.mark.parametrize(("second", "rules"), [("3,4", []), ("3,4,5", ["CHN091"])])
def test_all_data_given_to_two_channels_of_which_each_takes_its_part(
    second: str, rules: list[str], tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(
        "import os\nprint(os.environ['SM_CHANNEL_TRAIN'], os.environ['SM_CHANNEL_TEST'])\n"
    )
    for name, text in (("train", "3,4"), ("test", second)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part-0.csv").write_text("1,2")
        (tmp_path / name / "part-1.csv").write_text(text)
    folders = {name: str(tmp_path / name) for name in ("train", "test")}
    opened = {"train": ("part-0.csv",), "test": ("part-0.csv", "part-1.csv")}
    evidence = Evidence(**{**SOUND, "opened": {"train": 1, "test": 2}, "opened_files": opened})
    found = findings_of(
        {"InputDataConfig": [{**CHANNEL, "ChannelName": name} for name in ("train", "test")]},
        "CHN091",
        evidence=evidence,
        promises=Promises(local_channels=folders),
        source=SourceCode(str(tmp_path), "train.py"),
    )
    assert rules_of(found) == rules
