"""Several hosts: names, ports, groups, files, and how they end together."""

from __future__ import annotations

import json
import socket
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local.jobs.job import TrainingJob
from tests.local.conftest import MakeStep, Run
from tests.local.elsewhere import client

MEET = """
import json, os, socket, sys, time
me, hosts = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
server = socket.create_server((me, 5000))

def send(host, text):
    while True:
        try:
            with socket.create_connection((host, 5000), 5) as connection:
                return connection.sendall(text.encode())
        except ConnectionRefusedError:
            time.sleep(0.02)

def barrier():
    for host in hosts:
        if host != me:
            send(host, me)
    met = set()
    while len(met) < len(hosts) - 1:
        connection, _ = server.accept()
        with connection:
            met.add(connection.recv(100).decode())
    return sorted(met)
"""


@pytest.fixture(autouse=True)
def namespaces(levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])


def hosts(count: int, **members: Any) -> dict[str, Any]:
    return {"ResourceConfig": {"InstanceCount": count}, **members}


def cluster(*groups: tuple[str, str, int]) -> dict[str, Any]:
    listed = [
        {"InstanceGroupName": name, "InstanceType": kind, "InstanceCount": count}
        for name, kind, count in groups
    ]
    return {"ResourceConfig": {"InstanceGroups": listed, "InstanceType": None, "InstanceCount": None}}


def said(job: TrainingJob, host: str) -> Any:
    """The one line of JSON that a host printed."""
    assert job.status == "Completed", (job.failure_reason, job.logs("algo-1"))
    return json.loads(job.logs(host))


def test_hosts_meet_by_name_on_one_port(run: Run) -> None:
    script = (
        MEET
        + """
names = sorted(name for _, name in socket.if_nameindex())
print(json.dumps([barrier(), socket.gethostname(), names, os.getpid() < 10]))
"""
    )
    job = run(script, hosts(3))
    for host in ("algo-1", "algo-2", "algo-3"):
        others = sorted({"algo-1", "algo-2", "algo-3"} - {host})
        assert said(job, host) == [others, host, ["eth0", "lo"], True]
    assert job.evidence.isolation == "unshare"
    assert dict(job.evidence.exit_codes) == {"algo-1": 0, "algo-2": 0, "algo-3": 0}


def test_order_is_that_of_the_names(run: Run) -> None:
    script = """
import json, os
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
print(json.dumps([config["hosts"], config["current_host"], json.loads(os.environ["SM_HOSTS"])]))
"""
    job = run(script, hosts(11))
    names = sorted(f"algo-{i}" for i in range(1, 12))
    assert names[:3] == ["algo-1", "algo-10", "algo-11"]
    for host in ("algo-1", "algo-10", "algo-2"):
        assert said(job, host) == [names, host, names]


def test_instance_groups(run: Run) -> None:
    script = (
        MEET
        + """
barrier()
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
names = ["SM_CURRENT_INSTANCE_GROUP", "SM_CURRENT_INSTANCE_TYPE", "SM_CURRENT_INSTANCE_GROUP_HOSTS", "SM_IS_HETERO"]
print(json.dumps([*(os.environ[name] for name in names), config["current_group_name"], config["instance_groups"]]))
"""
    )
    job = run(script, cluster(("data", "ml.c5.xlarge", 1), ("train", "ml.m5.xlarge", 2)))
    listed = [
        {"instance_group_name": "data", "instance_type": "ml.c5.xlarge", "hosts": ["algo-1"]},
        {"instance_group_name": "train", "instance_type": "ml.m5.xlarge", "hosts": ["algo-2", "algo-3"]},
    ]
    assert said(job, "algo-1") == ["data", "ml.c5.xlarge", '["algo-1"]', "true", "data", listed]
    assert said(job, "algo-3") == ["train", "ml.m5.xlarge", '["algo-2","algo-3"]', "true", "train", listed]


def test_own_program_on_every_host(run: Run) -> None:
    program = "import os, socket; print(socket.gethostname(), os.getpid(), os.environ['CURRENT_HOST'])"
    patch = hosts(2, AlgorithmSpecification={"ContainerEntrypoint": ["python3", "-c", program]})
    job = run(None, patch)
    assert [job.logs(host) for host in ("algo-1", "algo-2")] == ["algo-1 1 algo-1\n", "algo-2 1 algo-2\n"]


def test_each_host_has_files_of_its_own_and_the_models_are_merged(run: Run) -> None:
    script = (
        MEET
        + """
open("/opt/ml/input/data/train/mine", "w").write(me)
open("/tmp/mine", "w").write(me)
open("/opt/ml/model/common", "w").write(me)
open("/opt/ml/model/" + me, "w").write(me)
open("/opt/ml/output/data/" + me, "w").write(me)
barrier()
print(json.dumps([open("/tmp/mine").read(), sorted(os.listdir("/opt/ml/input/data/train"))]))
"""
    )
    job = run(script, hosts(2))
    for host in ("algo-1", "algo-2"):
        assert said(job, host) == [host, ["data.csv", "mine"]]
    for artifact, names in (
        (job.model_artifact, ["algo-1", "algo-2", "common"]),
        (job.output_artifact, ["algo-1", "algo-2"]),
    ):
        assert artifact is not None
        with tarfile.open(artifact) as archive:
            assert sorted(archive.getnames()) == names
    assert [path.name for path in (job.folder.parents[2] / "data/train").iterdir()] == ["data.csv"]


def test_metrics_name_their_host(run: Run) -> None:
    definitions = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    patch = hosts(2, AlgorithmSpecification={"MetricDefinitions": definitions})
    job = run("import os; print('loss=' + os.environ['SM_CURRENT_HOST'][-1])", patch)
    assert sorted((point.host, point.value) for point in job.metrics["loss"]) == [
        ("algo-1", 1.0),
        ("algo-2", 2.0),
    ]
    assert set(job.evidence.usage) == {"algo-1", "algo-2"}


@pytest.mark.parametrize("bad", ["algo-1", "algo-3"])
def test_host_that_fails_ends_the_others(run: Run, bad: str) -> None:
    script = (
        MEET
        + f"""
barrier()
if me == {bad!r}:
    raise ValueError("this one")
time.sleep(600)
"""
    )
    job = run(script, hosts(3))
    assert job.status == "Failed"
    assert "ValueError: this one" in str(job.failure_reason)
    assert {host: code for host, code in job.evidence.exit_codes.items() if code != 137} == {bad: 1}


def test_host_that_is_killed_ends_the_others(run: Run) -> None:
    script = (
        MEET
        + """
barrier()
if me == "algo-2":
    import signal
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(600)
"""
    )
    job = run(script, hosts(2))
    assert job.status == "Failed"
    assert dict(job.evidence.script_exit_codes) == {"algo-2": 137}


def test_host_that_ends_early_leaves_the_others_to_go_on(run: Run) -> None:
    script = (
        MEET
        + """
barrier()
if me == "algo-1":
    time.sleep(0.5)
    print("last")
"""
    )
    job = run(script, hosts(2))
    assert (job.status, job.logs("algo-1")) == ("Completed", "last\n")


def test_stop_reaches_every_host(run: Run) -> None:
    program = """
import signal, sys, time, socket
def leave(*_):
    print("leaving", socket.gethostname(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""
    patch = hosts(2, AlgorithmSpecification={"ContainerEntrypoint": ["python3", "-c", program]})
    job = run(None, patch, detach=True)
    while not all("ready" in job.logs(host) for host in ("algo-1", "algo-2")):
        threading.Event().wait(0.02)
    job.stop()
    job.wait()
    assert job.status == "Stopped"
    assert [job.logs(host) for host in ("algo-1", "algo-2")] == [
        "ready\nleaving algo-1\n",
        "ready\nleaving algo-2\n",
    ]


def test_max_runtime_ends_every_host(run: Run) -> None:
    patch = hosts(2, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = run("import time; time.sleep(600)", patch, grace=0.2)
    assert job.describe()["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert dict(job.evidence.exit_codes) == {"algo-1": 137, "algo-2": 137}


def test_network_isolation_leaves_the_hosts_alone_with_each_other(run: Run) -> None:
    listener = socket.create_server(("", 0))
    port = listener.getsockname()[1]
    script = (
        MEET
        + f"""
barrier()
found = []
for host in ("192.0.2.1", "127.0.0.1", {_own_address()!r}, "10.0.0.2"):
    try:
        socket.create_connection((host, {port}), 1).close()
        found.append("reached")
    except OSError as error:
        found.append(type(error).__name__)
print(json.dumps(found))
"""
    )
    job = run(script, hosts(2, EnableNetworkIsolation=True))
    with listener:
        assert "reached" not in said(job, "algo-1")
    assert not any("outbound" in sentence for sentence in job.evidence.not_reproduced)


def _own_address() -> str:
    """An address of this machine that is not its loopback's, as far as it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "192.0.2.1"
        return str(probe.getsockname()[0])


def test_way_out_is_there_or_named(run: Run) -> None:
    with socket.create_server(("", 0)) as listener:
        own, port = _own_address(), listener.getsockname()[1]
        script = f"""
import socket
try:
    socket.create_connection(({own!r}, {port}), 5).close()
    print("reached")
except OSError as error:
    print(error)
"""
        job = run(script, hosts(2))
    named = [sentence for sentence in job.evidence.not_reproduced if "outbound" in sentence]
    if named:
        assert "slirp4netns" in named[0] or "/dev/net/tun" in named[0]
        assert job.logs("algo-1") != "reached\n"
    elif own != "192.0.2.1":
        assert job.logs("algo-1") == job.logs("algo-2") == "reached\n"


def test_host_that_has_ended_is_nobody_else(run: Run) -> None:
    """Not the machine's network either, where its address may well be in use."""
    script = (
        MEET
        + """
barrier()
server.close()
if me == "algo-2":
    time.sleep(1)
    try:
        socket.create_connection(("algo-1", 5000), 3).close()
        print("reached")
    except OSError:
        print("gone")
"""
    )
    assert run(script, hosts(2)).logs("algo-2") == "gone\n"


def test_nothing_is_left_of_the_network(run: Run) -> None:
    def interfaces() -> set[str]:
        """But for those of container engines, whose tests may run at the same time."""
        return {
            name
            for _, name in socket.if_nameindex()
            if not name.startswith(("veth", "cni-", "podman", "docker", "br-"))
        }

    before = interfaces()
    job = run(MEET + "barrier()", hosts(2))
    assert job.status == "Completed"
    assert interfaces() == before


@pytest.mark.parametrize("level", ["bubblewrap", "process"])
def test_level_that_cannot_connect_hosts_is_refused(run: Run, level: str) -> None:
    with pytest.raises(RunError, match=f"2 hosts.*{level}"):
        run("print(1)", hosts(2), level=level)


def test_machine_that_allows_no_namespaces_says_so(make_step: MakeStep, tmp_path: Path) -> None:
    """No user namespaces are to be had inside one that may make none."""
    step = make_step("print(1)", hosts(2))
    limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", limit, "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("the limit of user namespaces cannot be set here")
    command = [*prefix, *client(step, tmp_path / "root", grace=1)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    reason = json.loads(done.stdout)["reason"]
    assert reason.startswith("InternalServerError: 2 hosts cannot be carried out here: unshare: ")
    assert "bubblewrap" in reason and "process" in reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("time.sleep(600)", "connect()", "algo-2 tries to connect to algo-1 again and again"),
        (
            "sys.exit()",
            "time.sleep(0.5); connect()",
            "algo-2 tries to connect to algo-1 on port 4000, which has ended",
        ),
        ("listen()", "listen()", "algo-1 listens on port 4000, no other host has connected"),
    ],
    ids=["nobody listens", "the other has ended", "both listen"],
)
def test_hosts_that_never_meet_are_named_while_they_wait(
    run: Run, first: str, second: str, expected: str
) -> None:
    script = f"""
import os, socket, sys, time

def listen():
    socket.create_server(("", 4000)).accept()

def connect():
    while True:
        try:
            return socket.create_connection(("algo-1", 4000))
        except OSError:
            time.sleep(0.2)

if os.environ["SM_CURRENT_HOST"] == "algo-1":
    {first}
else:
    {second}
"""
    job = run(script, hosts(2), detach=True, grace=0.2)
    told: list[str] = []
    while not any(expected in text for text in told):
        assert job.status == "InProgress", (job.failure_reason, told)
        threading.Event().wait(0.1)
        told = [json.loads(line)["message"] for line in (job.folder / "state.jsonl").read_text().splitlines()]
    job.kill()
    job.wait()
    assert any(expected in sentence for sentence in job.evidence.waits)
