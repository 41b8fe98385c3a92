"""Short runs once more with other hyperparameters: which of them change nothing?"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cursus.local.repeats.variants import alternatives
from tests.local.conftest import Run

SCRIPT = """\
import argparse, os
p = argparse.ArgumentParser()
p.add_argument("--rate", type=float, default=0.1)
p.add_argument("--depth", type=int, default=1)
p.add_argument("--num-workers", type=int, default=1)
a = p.parse_args()
print("depth", a.depth)
open("/opt/ml/model/model.txt", "w").write(str(a.rate))
"""


def request(**hyperparameters: str) -> dict[str, object]:
    return {"HyperParameters": hyperparameters, "InputDataConfig": []}


def test_names_those_that_change_nothing(run: Run, tmp_path: Path) -> None:
    job = run(SCRIPT, request(rate="0.5", depth="3", **{"num-workers": "4"}), vary=True)
    # The depth is printed and has no other effect; the workers are not meant to have one.
    assert set(job.evidence.unmoved) == {"depth"}
    assert "3" not in job.evidence.unmoved["depth"]
    assert [path.name for path in (tmp_path / "root" / "jobs").iterdir()] == [job.name]


def test_what_needs_a_gpu_or_only_reports_is_left_out(run: Run) -> None:
    script = SCRIPT.replace("parse_args()", "parse_known_args()[0]")
    names = {"use-cuda": "false", "fp16": "true", "random-seed": "1", "eval-every": "5", "scale": "2"}
    assert set(run(script, request(**names), vary=True).evidence.unmoved) == {"scale"}


def test_is_not_repeated_unless_asked(run: Run) -> None:
    job = run(SCRIPT, request(rate="0.5", depth="3"))
    assert job.evidence.unmoved == {}
    assert not (job.folder / "variants.json").exists()


def test_a_long_run_is_repeated_only_when_asked(run: Run) -> None:
    script = "import time\ntime.sleep(1.1)\nopen('/opt/ml/model/m', 'w').write('1')\n"
    job = run(script, request(rate="0.5"), vary=None)
    assert not (job.folder / "variants.json").exists()


def test_repetitions_have_no_network(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        script = f"""\
import socket
socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=5)
open("/opt/ml/model/model.txt", "w").write("1")
"""
        job = run(script, request(rate="0.5"), vary=True)
        server.accept()[0].close()
        with pytest.raises(TimeoutError):
            server.accept()
    assert job.status == "Completed"
    assert job.evidence.unmoved == {}


def test_a_value_in_a_sentence_of_its_own_has_arrived(run: Run) -> None:
    script = SCRIPT.replace('print("depth", a.depth)', 'print(f"growing {a.depth} levels")')
    assert run(script, request(rate="0.5", depth="3"), vary=True).evidence.unmoved == {}


def test_a_value_that_fails_the_script_has_an_effect(run: Run) -> None:
    script = """\
import argparse
p = argparse.ArgumentParser()
p.add_argument("--kind")
if p.parse_args().kind not in ("adam", "sgd"):
    raise SystemExit("no such optimizer")
open("/opt/ml/model/model.txt", "w").write("1")
"""
    assert run(script, request(kind="adam"), vary=True).evidence.unmoved == {}


def test_choices_of_the_script_are_tried(run: Run) -> None:
    script = """\
import argparse
p = argparse.ArgumentParser()
p.add_argument("--kind", choices=("adam", "sgd"))
p.parse_args()
open("/opt/ml/model/model.txt", "w").write("1")
"""
    assert run(script, request(kind="adam"), vary=True).evidence.unmoved == {"kind": ("sgd",)}


@pytest.mark.parametrize(
    ("value", "others"),
    [
        ("true", ["false"]),
        ("False", ["True"]),
        ("0.5", ["0.25", "0.75"]),
        ('"adam"', ["adamx"]),
        ("a,b,c", ["a,b"]),
        ("[1, 2, 3]", ["[1, 2]"]),
        ('{"depth": 2, "fast": true}', ['{"depth": 3, "fast": false}']),
        ("s3://bucket/key", []),
        ("/opt/ml/model", []),
        ("a b / c", []),
        ("", []),
    ],
)
def test_other_values(value: str, others: list[str]) -> None:
    assert alternatives(value) == others


def test_other_numbers_differ_from_the_one_given() -> None:
    for value in ("0", "1", "-1", "7", "2.5"):
        found = alternatives(value)
        assert found
        assert value not in found
        assert all(float(other) != float(value) for other in found)
        assert any(float(other) > 0 for other in found)  # -1 may switch off what a number above 0 switches on


CHANCE = """\
import argparse, {module}, uuid
p = argparse.ArgumentParser()
p.add_argument("--rate", type=float, default=0.1)
p.add_argument("--depth", type=int, default=1)
a = p.parse_args()
text = f"{{a.rate * {number}}} {{uuid.uuid4()}} {{random.Random().random()}}"
open("/opt/ml/model/model.txt", "w").write(text)
"""


def test_chance_is_the_same_in_the_runs_that_are_compared(run: Run) -> None:
    script = CHANCE.format(module="random", number="random.random()")
    assert set(run(script, request(rate="0.5", depth="3"), vary=True).evidence.unmoved) == {"depth"}


def test_what_begins_with_the_time_is_not_compared(run: Run) -> None:
    script = CHANCE.format(module="random, time", number="time.time_ns()")
    assert run(script, request(rate="0.5", depth="3"), vary=True).evidence.unmoved == {}


def test_a_list_of_the_hyperparameters_is_no_effect(run: Run) -> None:
    script = SCRIPT.replace(
        'print("depth", a.depth)',
        'import json; json.dump({"args": vars(a)}, open("/opt/ml/model/args.json", "w"))',
    )
    found = run(script, request(rate="0.5", depth="3"), vary=True).evidence.unmoved
    assert set(found) == {"depth"}


def test_a_model_of_nothing_but_the_hyperparameters_is_one(run: Run) -> None:
    script = SCRIPT.replace(
        'open("/opt/ml/model/model.txt", "w").write(str(a.rate))',
        'import json; json.dump({"rate": a.rate, "depth": 1}, open("/opt/ml/model/model.json", "w"))',
    ).replace('print("depth", a.depth)', "")
    assert set(run(script, request(rate="0.5", depth="3"), vary=True).evidence.unmoved) == {"depth"}


def test_a_run_that_left_nothing_is_not_repeated(run: Run) -> None:
    evidence = run("import sys\n", request(rate="0.5"), vary=True).evidence
    assert not evidence.model_files
    assert evidence.unmoved == {}
