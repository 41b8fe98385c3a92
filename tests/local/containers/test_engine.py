"""Hosts as containers of the job's own image, made by podman, or by the engine that
``CURSUS_TEST_ENGINE`` names. Without one that works these tests skip."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from cursus.local.containers import engine as engines
from cursus.local.options import Options
from cursus.local.runner import run_step
from tests.local.conftest import Contained, MakeStep
from tests.local.containers import engine_image
from tests.local.containers.engine_image import ENGINE, OWN, SCRIPT, left
from tests.waiting import until

OTHERS = f"localhost/cursus-test-user:{os.getpid()}"

FACTS = """
import json, os, socket, sys
data = "/opt/ml/input/data/train/data.csv"
found = {
    "argv": sys.argv[1:], "pid": os.getpid(), "host": socket.gethostname(), "data": open(data).read(),
    "config": sorted(os.listdir("/opt/ml/input/config")), "output": sorted(os.listdir("/opt/ml/output")),
    "environment": {name: value for name, value in os.environ.items()},
    "shm": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
}
open(data, "a").write("more")
open("/opt/ml/model/m", "w").write("1")
print(json.dumps(found))
print("loss=0.5;", file=sys.stderr)
"""


def test_image_of_ones_own_gives_the_contract(
    contained: Contained, real: engines.Engine, tmp_path: Path
) -> None:
    metrics = [{"Name": "loss", "Regex": "loss=(.*?);"}]
    patch = {
        "AlgorithmSpecification": {"TrainingImage": OWN, "MetricDefinitions": metrics},
        "Environment": {"MINE": "a b\nc", "SECRET_TOKEN": "very-secret-token"},
    }
    job = contained(FACTS, patch)
    assert job.status == "Completed", (job.failure_reason, job.logs())
    found = json.loads(job.logs().splitlines()[0])
    assert (found["argv"], found["pid"], found["host"]) == ([], 1, "algo-1")
    assert found["data"] == "1,2\n"
    assert {"hyperparameters.json", "resourceconfig.json", "inputdataconfig.json"} <= set(found["config"])
    assert found["output"] == ["data", "metrics", "profiler", "tensorboard"]
    assert found["environment"]["TRAINING_JOB_NAME"] == job.name
    assert found["environment"]["MINE"] == "a b\nc"
    assert found["environment"]["SECRET_TOKEN"] == "very-secret-token"
    assert found["environment"]["FROM_IMAGE"] == "yes"
    assert not any(name.startswith("SM_") for name in found["environment"])
    assert found["shm"] > 64 << 20
    assert [point.value for point in job.metrics["loss"]] == [0.5]
    assert job.evidence.isolation == ENGINE
    assert job.evidence.exit_codes == {"algo-1": 0}
    assert [entry.path for entry in job.evidence.model_files] == ["m"]
    assert job.evidence.opened["train"] == 2
    assert job.evidence.runtime == {}
    assert not any("packages are those" in note for note in job.evidence.not_reproduced)
    assert any("--mount" in note for note in job.evidence.not_reproduced)
    assert (tmp_path / "data/train/data.csv").read_text() == "1,2\n"
    assert not left(real, job)


def test_script_mode_leaves_the_script_to_the_images_own_toolkit(contained: Contained) -> None:
    script = "import os; print('script', os.getcwd(), os.getpid() > 1); raise SystemExit(3)"
    job = contained(script, own=False, training_image=SCRIPT)
    assert job.logs().splitlines() == ["toolkit train", "script /opt/ml/code True"]
    assert job.failure_reason == "AlgorithmError: ExecuteUserScriptError:\nExitCode 3, exit code: 1"
    assert any(note.startswith("sagemaker_program") for note in job.evidence.not_reproduced)


def test_command_of_the_request(contained: Contained) -> None:
    program = "import sys; print(sys.argv[1:]); sys.exit(7)"
    algorithm = {
        "TrainingImage": SCRIPT,
        "ContainerEntrypoint": [engine_image.PYTHON, "/opt/ml/input/data/train/program.py"],
        "ContainerArguments": ["--a", "b c"],
    }
    job = contained(program, {"AlgorithmSpecification": algorithm})
    assert (job.logs(), job.failure_reason) == ("['--a', 'b c']\n", "AlgorithmError: , exit code: 7")


def test_arguments_alone_go_to_the_images_entry_point(contained: Contained) -> None:
    algorithm = {"TrainingImage": SCRIPT, "ContainerArguments": ["fit", "fast"]}
    patch = {
        "AlgorithmSpecification": algorithm,
        "HyperParameters": {"sagemaker_program": "../input/data/train/program.py"},
    }
    job = contained("print('ran')", patch)
    assert job.logs() == "toolkit fit fast\nran\n"


def test_image_without_the_program_fails_as_on_sagemaker(contained: Contained) -> None:
    algorithm = {"TrainingImage": OWN, "ContainerEntrypoint": ["/nowhere/train"]}
    job = contained("", {"AlgorithmSpecification": algorithm})
    assert job.status == "Failed"
    assert job.failure_reason is not None
    assert job.failure_reason.startswith('AlgorithmError: exec: "/nowhere/train"'), job.failure_reason
    assert job.failure_reason.endswith("exit code: 127")


def test_what_the_engine_cannot_start_is_no_fault_of_the_algorithm(
    make_step: MakeStep, tmp_path: Path, images: None, real: engines.Engine
) -> None:
    step = make_step(None, {"AlgorithmSpecification": {"TrainingImage": OWN}})
    wrong = Options(engine=ENGINE, engine_arguments=("--device", "/dev/null:/dev/x:q"))
    job = run_step(step, root=tmp_path / "root", options=wrong)
    assert job.status == "Failed"
    assert (job.failure_reason or "").startswith("InternalServerError"), job.failure_reason
    assert not left(real, job)


STUBBORN = """
import os, signal, time
def heard(*_):
    print("heard", flush=True)
    {action}
signal.signal(signal.SIGTERM, heard)
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.mark.parametrize(
    ("action", "code"),
    [("open('/opt/ml/model/saved', 'w').write('1'); os._exit(0)", 0), ("pass", 137)],
)
def test_stop(contained: Contained, action: str, code: int) -> None:
    job = contained(STUBBORN.format(action=action), grace=0.5, detach=True)
    until(lambda: job.logs() == "ready\n")
    time.sleep(0.5)
    job.stop()
    job.wait()
    assert (job.status, job.logs()) == ("Stopped", "ready\nheard\n")
    assert job.evidence.exit_codes == {"algo-1": code}
    assert [entry.path for entry in job.evidence.model_files] == ([] if code else ["saved"])
    assert job.evidence.signals["killed"] is bool(code)
    assert job.evidence.signals["script_heard"]


def test_spot_interruption_goes_on_from_its_checkpoints(contained: Contained, real: engines.Engine) -> None:
    program = """
import os, time
seen = sorted(os.listdir("/opt/ml/checkpoints"))
print(seen, flush=True)
open(f"/opt/ml/checkpoints/{len(seen)}", "w").write("1")
time.sleep(0 if seen else 60)
"""
    patch = {
        "CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
    }
    job = contained(program, patch, interrupt_after=1.0, grace=0.2)
    assert (job.status, job.logs()) == ("Completed", "[]\n['0']\n")
    assert [start.ended_by for start in job.evidence.starts] == ["interruption", "itself"]
    assert [entry.path for entry in job.evidence.checkpoint_files] == ["0", "1"]
    assert not left(real, job)


def test_pipe_mode_of_an_isolated_host(contained: Contained) -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/train/"}}
    program = """
import os, socket
print(open("/opt/ml/input/data/train_0").read(), end="")
print(sorted(os.listdir("/sys/class/net")), socket.gethostbyname("algo-1"))
"""
    patch = {
        "AlgorithmSpecification": {
            "TrainingImage": OWN,
            "ContainerEntrypoint": [engine_image.PYTHON, "-c", program],
        },
        "InputDataConfig": [{"ChannelName": "train", "DataSource": source, "InputMode": "Pipe"}],
        "EnableNetworkIsolation": True,
    }
    job = contained("second\n", patch)
    assert job.logs() == "1,2\nsecond\n['lo'] 127.0.0.1\n"


MEET = """
import json, os, socket, time
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
me, hosts = config["current_host"], config["hosts"]
server = socket.create_server(("", 7777))
if me != "algo-1":
    for _ in range(200):
        try:
            peer = socket.create_connection(("algo-1", 7777), 2)
            break
        except OSError:
            time.sleep(0.05)
    print(me, socket.gethostname(), peer.recv(10), os.path.exists("/sys/class/net/eth0"))
else:
    for _ in hosts[1:]:
        server.accept()[0].send(b"hello")
try:
    socket.create_connection(("192.0.2.1", 9), 0.2)
    print("reached the outside")
except OSError:
    pass
open("/opt/ml/model/" + me, "w").write("1")
"""


def test_hosts_meet_by_name_and_isolated_ones_meet_nobody_else(
    contained: Contained, real: engines.Engine
) -> None:
    patch = {"ResourceConfig": {"InstanceCount": 3}, "EnableNetworkIsolation": True}
    job = contained(MEET, patch)
    assert job.status == "Completed", (job.failure_reason, [job.logs(name) for name in job.hosts])
    for name in ("algo-2", "algo-3"):
        assert job.logs(name) == f"{name} {name} b'hello' True\n"
    assert {entry.path for entry in job.evidence.model_files} == {"algo-1", "algo-2", "algo-3"}
    assert not left(real, job)


def test_host_that_fails_ends_the_others(contained: Contained, real: engines.Engine) -> None:
    program = """
import os, sys, time
sys.exit(5) if os.environ["CURRENT_HOST"] == "algo-2" else time.sleep(60)
"""
    job = contained(program, {"ResourceConfig": {"InstanceCount": 2}})
    assert job.failure_reason == "AlgorithmError: , exit code: 5"
    assert job.evidence.exit_codes == {"algo-1": 137, "algo-2": 5}
    assert not left(real, job)


def test_memory_is_a_limit_that_holds(contained: Contained) -> None:
    program = "print('on', flush=True); x = b'x' * (1 << 30); print('over')"
    small = ("--memory", "256m", "--memory-swap", "256m")  # an instance's would take long to fill
    job = contained(program, {"ResourceConfig": {"InstanceType": "ml.t3.medium"}}, more_arguments=small)
    named = [note for note in job.evidence.not_reproduced if note.startswith(("memory limit", "limits of"))]
    if named:
        pytest.skip(named[0])
    assert (job.logs(), job.evidence.exit_codes) == ("on\n", {"algo-1": 137})
    assert job.evidence.memory_kills == {"algo-1": 1}
    assert not Path("/oom").exists()


def test_no_line_is_lost_and_order_is_kept(contained: Contained) -> None:
    program = "import os\nfor number in range(20000): os.write(2, b'%d\\n' % number)"
    assert contained(program).logs().split() == [str(number) for number in range(20000)]


def test_image_of_another_user(make_step: MakeStep, tmp_path: Path, real: engines.Engine) -> None:
    maker = engine_image.made(OTHERS, user="1234")
    name = next(maker)
    try:
        program = (
            "id -u; echo 1 >/opt/ml/model/m; cat /opt/ml/input/config/hyperparameters.json >/opt/ml/model/n"
        )
        step = make_step(
            None,
            {"AlgorithmSpecification": {"TrainingImage": name}},
            channels={"train": {"program.sh": program}},
        )
        options = Options(engine=ENGINE, engine_arguments=engine_image.mounted())
        job = run_step(step, root=tmp_path / "root", options=options)
        assert (job.status, job.logs()) == ("Completed", "1234\n")
        assert any("1234" in note for note in job.evidence.not_reproduced)
    finally:
        for _ in maker:
            pass
