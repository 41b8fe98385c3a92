"""Short runs once more, with the checkpoints that they left and with other numbers in their data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.local.repeats.trials import passed_over
from tests.local.conftest import Run, channel

CHECKPOINTS: dict[str, Any] = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
GOES_ON = """\
import glob, os
rate = float(open("/opt/ml/input/data/train/data.csv").read().split(",")[0])
found = sorted(glob.glob("/opt/ml/checkpoints/epoch-*.txt"))
weight, first = 0.0, 0
{resume}
for epoch in range(first, 3):
    weight += rate
    open(f"/opt/ml/checkpoints/epoch-{{epoch}}.txt", "w").write(repr(weight))
open("/opt/ml/model/model.txt", "w").write(repr(weight))
"""


DATA = {"train": {"data.csv": "1.5,2\n"}}


def restart(run: Run, resume: str) -> dict[str, Any]:
    request = {**CHECKPOINTS, "InputDataConfig": [channel("train")]}
    job = run(GOES_ON.format(resume=resume), request, channels=DATA, vary=True)
    assert job.evidence.status == "Completed"
    assert job.evidence.trials["data"] == {"same": False, "first_only": False}
    found: dict[str, Any] = job.evidence.trials["restart"]
    assert found["restored"] == 3
    return found


def test_a_job_that_goes_on_has_nothing_left_to_do(run: Run) -> None:
    found = restart(run, "if found: weight, first = float(open(found[-1]).read()), len(found)")
    assert found["status"] == "Completed"
    assert found["read"] == ["epoch-2.txt"]
    assert (found["newest"], found["model"], found["written"], found["unused"]) == (None, [], [], False)


def test_a_checkpoint_that_nobody_reads(run: Run) -> None:
    assert restart(run, "")["read"] == []


def test_an_older_checkpoint(run: Run) -> None:
    found = restart(run, "if found: weight, first = float(open(found[0]).read()), 1")
    assert found["newest"] == "epoch-2.txt"
    assert found["written"] == ["epoch-1.txt", "epoch-2.txt"]


def test_what_was_read_and_not_used(run: Run) -> None:
    assert restart(run, "if found: open(found[-1]).read()")["unused"] is True


def test_less_that_is_said_is_something_left_out(run: Run) -> None:
    speaks = "print(len(found))\nif not found: print('trained')"
    assert restart(run, f"if found: open(found[-1]).read()\n{speaks}")["unused"] is False


def test_epochs_that_are_trained_again(run: Run) -> None:
    found = restart(run, "if found: weight = float(open(found[-1]).read())")
    assert found["model"] == ["model.txt"]


def test_a_restart_that_fails(run: Run) -> None:
    found = restart(run, "assert not found, 'the folder is not empty'")
    assert found["status"] == "Failed"
    assert "the folder is not empty" in found["reason"]


def test_what_does_not_depend_on_the_data(run: Run, tmp_path: Path) -> None:
    script = "open('/opt/ml/input/data/train/data.csv').read()\nopen('/opt/ml/model/model.txt', 'w').write('0.5')\n"
    job = run(script, {"InputDataConfig": [channel("train")]}, channels=DATA, vary=True)
    assert job.evidence.trials["data"]["same"]
    assert (tmp_path / "data" / "train" / "data.csv").read_text() == "1.5,2\n"
    assert [path.name for path in (tmp_path / "root" / "jobs").iterdir()] == [job.name]


def test_data_that_is_no_text_is_left_alone(run: Run) -> None:
    script = (
        "open('/opt/ml/input/data/train/data.parquet').read()\nopen('/opt/ml/model/m', 'w').write('0.5')\n"
    )
    job = run(
        script,
        {"InputDataConfig": [channel("train")]},
        channels={"train": {"data.parquet": "1.5"}},
        vary=True,
    )
    assert job.evidence.trials == {}


def test_is_not_tried_unless_asked(run: Run) -> None:
    job = run(
        GOES_ON.format(resume=""), {**CHECKPOINTS, "InputDataConfig": [channel("train")]}, channels=DATA
    )
    assert job.evidence.trials == {}
    assert not (job.folder / "trials.json").exists()


@pytest.mark.parametrize(
    ("read", "names", "newest"),
    [
        (["e-9"], ["e-9", "e-10"], "e-10"),
        (["e-10"], ["e-9", "e-10"], None),
        (["last"], ["e-9", "e-10", "last"], None),
        (["e-1-of-2"], ["e-1-of-2", "e-2-of-2"], None),
        (["e-3"], ["e-3"], None),
    ],
)
def test_the_newest_is_the_one_with_the_highest_number(
    read: list[str], names: list[str], newest: str | None
) -> None:
    assert passed_over(read, names) == newest


@pytest.mark.parametrize(("steps", "same"), [(0, True), (1, False)])
def test_weights_of_chance_are_not_learned_ones(run: Run, steps: int, same: bool) -> None:
    script = f"""\
import random
rate = float(open("/opt/ml/input/data/train/data.csv").read().split(",")[0])
weight = random.random()
for _ in range({steps}):
    weight += rate
open("/opt/ml/model/model.txt", "w").write(repr(weight))
"""
    job = run(script, {"InputDataConfig": [channel("train")]}, channels=DATA, vary=True)
    assert job.evidence.trials["data"] == {"same": same, "first_only": False}


@pytest.mark.parametrize(
    ("training", "measured", "found"),
    [
        ("train", "test", {}),
        ("test", "train", {"unlearned": "train", "learned": "test"}),
        ("train + test", "test", {"learned": "test"}),
        ("train", "train", {"unused": "test"}),
    ],
)
def test_what_the_model_depends_on(run: Run, training: str, measured: str, found: dict[str, str]) -> None:
    script = f"""\
import json
def read(name):
    return [float(x) for x in open(f"/opt/ml/input/data/{{name}}/data.csv").read().split(",")]
train, test = read("train"), read("test")
weight = sum({training})
json.dump({{"weight": weight, "test_error": weight - sum({measured})}}, open("/opt/ml/model/model.json", "w"))
"""
    data = {**DATA, "test": {"data.csv": "2.5,3\n"}}
    request = {"InputDataConfig": [channel("train"), channel("test")]}
    job = run(script, request, channels=data, vary=True)
    assert job.evidence.trials["data"] == {"same": False, "first_only": False, **found}


@pytest.mark.parametrize(("taken", "found"), [("[:2]", True), ("", False)])
def test_a_loop_that_ends_with_the_first_lines(run: Run, taken: str, found: bool) -> None:
    script = f"""\
rows = open("/opt/ml/input/data/train/data.csv").read().split()
open("/opt/ml/model/model.txt", "w").write(str(sum(float(row) for row in rows{taken})))
"""
    data = {"train": {"data.csv": "1.5\n2.5\n3.5\n4.5\n"}}
    job = run(script, {"InputDataConfig": [channel("train")]}, channels=data, vary=True)
    assert job.evidence.trials["data"] == {"same": False, "first_only": found}
