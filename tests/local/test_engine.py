"""Hosts as containers of the job's own image, made by podman, or by the engine that
``CURSUS_TEST_ENGINE`` names. Without one that works these tests skip."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local import engine as engines
from cursus.local.job import TrainingJob
from cursus.local.options import Options
from cursus.local.runner import run_step
from tests.local import engine_image
from tests.local.conftest import MakeStep

ENGINE = engine_image.ENGINE
OWN = f"localhost/cursus-test-own:{os.getpid()}"  # several processes may run tests at once
SCRIPT = f"localhost/cursus-test-script:{os.getpid()}"
OTHERS = f"localhost/cursus-test-user:{os.getpid()}"
Contained = Callable[..., TrainingJob]


@pytest.fixture(scope="session")
def real() -> engines.Engine:
    """The engine, where it really runs containers on this machine."""
    from cursus.local.probes import probe_engines

    found = next(one for one in probe_engines() if one.level == ENGINE)
    if not found.works:
        pytest.skip(f"{ENGINE}: {found.reason}")
    if found.limits:
        pytest.skip(f"{ENGINE}: {found.limits[0]}")
    return engines.find(ENGINE)


@pytest.fixture(scope="session")
def images(real: engines.Engine) -> Iterator[None]:
    engine_image.sweep()
    makers = [
        engine_image.made(OWN),
        engine_image.made(SCRIPT, "/usr/local/toolkit/start"),
    ]
    for maker in makers:
        next(maker)
    yield
    for maker in makers:
        for _ in maker:
            pass


@pytest.fixture
def contained(make_step: MakeStep, tmp_path: Path, images: None) -> Contained:
    """``contained(program, patch, …)``: a job of an image of one's own, whose ``train`` is ``program``."""

    def carry_out(program: str, patch: dict[str, Any] | None = None, **options: Any) -> TrainingJob:
        image = options.pop("training_image", OWN)
        own = options.pop("own", True)
        step = make_step(
            None if own else program,
            {"AlgorithmSpecification": {"TrainingImage": image}, **(patch or {})},
            channels={"train": {"program.py": program, "data.csv": "1,2\n"}},
        )
        more = options.pop("options", {})
        arguments = (*engine_image.mounted(), *options.pop("more_arguments", ()))
        options.setdefault("grace", 5.0)
        options.setdefault("root", tmp_path / "root")
        return run_step(
            step,
            options=Options(engine=ENGINE, engine_arguments=arguments, **more),
            **options,
        )

    return carry_out


def left(real: engines.Engine, job: TrainingJob) -> str:
    """What the engine still has of a job."""
    label = f"label={engines.FOLDER}={job.folder}"
    containers = real.ask("ps", "--all", "--quiet", "--filter", label)
    return containers + real.ask("network", "ls", "--quiet", "--filter", label)


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
    _until(lambda: job.logs() == "ready\n")
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


# --- faults -----------------------------------------------------------------------------------------


def _until(found: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


def _kill_session(job: TrainingJob) -> None:
    """End the supervisor, the keepers and the engine's clients at once; what the engine runs goes on."""
    from cursus.local.usage import descendants

    pid = json.loads((job.folder / "job.json").read_text())["supervisor"]
    ours = [one for one in descendants(pid) if not _is_engines(one)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for one in ours:
            os.kill(one, number)
    _until(lambda: not any(Path(f"/proc/{one}/exe").exists() for one in ours))


def _is_engines(pid: int) -> bool:
    try:
        inside = Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
        return inside or Path(f"/proc/{pid}/comm").read_text().strip() == "conmon"
    except OSError:
        return True


SLEEPER = "import time; print('on', flush=True); time.sleep(300)"


def test_supervisor_is_killed_and_its_container_goes_with_it(
    contained: Contained, real: engines.Engine
) -> None:
    job = contained(SLEEPER, detach=True)
    _until(lambda: job.logs() == "on\n")
    os.kill(json.loads((job.folder / "job.json").read_text())["supervisor"], signal.SIGKILL)
    _until(lambda: not left(real, job))
    assert job.status == "Failed"


def test_whole_session_is_killed_and_the_next_command_removes_what_is_left(
    contained: Contained, real: engines.Engine
) -> None:
    job = contained(SLEEPER, {"ResourceConfig": {"InstanceCount": 2}}, detach=True)
    _until(lambda: job.logs() == "on\n")
    _kill_session(job)
    assert left(real, job)
    done = subprocess.run(
        [sys.executable, "-m", "cursus", "describe", job.name, "--root", str(job.folder.parents[1])],
        capture_output=True,
        text=True,
    )
    assert f"left in {ENGINE}" in done.stdout, done
    assert not left(real, job)
    assert f"left in {ENGINE}" in (TrainingJob(job.folder).failure_reason or "")


def test_container_that_somebody_removes_is_a_lost_host(contained: Contained, real: engines.Engine) -> None:
    job = contained(SLEEPER, detach=True)
    _until(lambda: job.logs() == "on\n")
    real.ask("rm", "--force", *left(real, job).split())
    job.wait()
    lost = "InternalServerError: the host algo-1 was lost"
    killed = "AlgorithmError: , exit code: 137"  # where the engine could still be asked
    assert (job.failure_reason or "").startswith((lost, killed)), job.failure_reason
    assert not left(real, job)


def test_clean_removes_containers_of_jobs_whose_folder_is_gone(
    contained: Contained, real: engines.Engine, tmp_path: Path
) -> None:
    import shutil

    job = contained(SLEEPER, detach=True)
    _until(lambda: job.logs() == "on\n")
    _kill_session(job)
    shutil.rmtree(job.folder)
    assert left(real, job)
    command = [sys.executable, "-m", "cursus", "clean", "--yes", "--root", str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "removed" in done.stderr, done
    assert not left(real, job)


# --- asking for it ------------------------------------------------------------------------------------


def test_image_that_is_not_here(make_step: MakeStep, tmp_path: Path, real: engines.Engine) -> None:
    step = make_step(None, {"AlgorithmSpecification": {"TrainingImage": "cursus-test.invalid/none:1"}})
    told: list[str] = []
    with pytest.raises(
        RunError, match=r"cursus-test.invalid/none:1 is not here and could not be pulled: .*--image NAME"
    ):
        run_step(
            step,
            root=tmp_path / "root",
            options=Options(engine=ENGINE),
            on_event=lambda event: told.append(event.text),
        )
    assert told == [f"the image cursus-test.invalid/none:1 is not here: {ENGINE} pulls it"]
    assert not (tmp_path / "root").exists()


class _Registry(BaseHTTPRequestHandler):
    """Serves what ``podman push … dir:`` wrote, as a registry does."""

    folder: Path

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2].removeprefix("sha256:")
        found = self.folder / ("manifest.json" if "/manifests/" in self.path else name)
        data = found.read_bytes() if self.path != "/v2/" and found.is_file() else b"{}"
        kind = "application/octet-stream"
        if "/manifests/" in self.path:
            kind = json.loads(data).get("mediaType") or "application/vnd.oci.image.manifest.v1+json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


def test_image_is_pulled(
    contained: Contained, real: engines.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ENGINE != "podman":
        pytest.skip("only podman writes an image into a folder")
    real.ask("push", OWN, f"dir:{tmp_path}/image")
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Registry", (_Registry,), {"folder": tmp_path / "image"})
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_port}"
    (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation = "{place}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    told: list[str] = []
    try:
        name = f"{place}/own:1"
        job = contained("print('ran')", training_image=name, on_event=lambda event: told.append(event.text))
        assert (job.status, job.logs()) == ("Completed", "ran\n")
        assert told[0] == f"the image {name} is not here: podman pulls it"
        assert not any("stood in" in note for note in job.evidence.not_reproduced)
        real.ask("rmi", name)
    finally:
        server.shutdown()


def test_engine_that_is_not_installed(
    make_step: MakeStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match=f"{ENGINE} is not installed"):
        run_step(make_step(None), root=tmp_path / "root", options=Options(engine=ENGINE))


def test_variable_that_cannot_be_split(
    make_step: MakeStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURSUS_ENGINE_ARGUMENTS", "--label 'a")
    with pytest.raises(
        RunError, match="CURSUS_ENGINE_ARGUMENTS cannot be split into options: No closing quotation"
    ):
        run_step(make_step(None), root=tmp_path / "root", options=Options(engine=ENGINE))


def test_engine_that_does_not_run(
    make_step: MakeStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///x. Is it running?' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RunError, match=r"docker does not answer: Cannot connect .*start it"):
        run_step(make_step(None), root=tmp_path / "root", options=Options(engine="docker"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "lxc"}, "there is no isolation level 'lxc'"),
        ({"image": "x"}, "say which engine"),
        ({"engine": ENGINE, "python": "/usr/bin/python3"}, "leave python, requirements"),
        ({"engine": ENGINE, "requirements": True}, "leave python, requirements"),
    ],
)
def test_options_that_do_not_go_together(
    make_step: MakeStep, tmp_path: Path, options: Any, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        run_step(make_step(""), root=tmp_path / "root", options=Options(**options))


def test_client(tmp_path: Path, images: None) -> None:
    from cursus.checks.examples import BASES, merge
    from cursus.local import Client

    (tmp_path / "data").mkdir()
    (tmp_path / "data/program.py").write_text("print('ran')")
    client = Client(
        tmp_path / "root",
        channels={"train": tmp_path / "data"},
        engine=ENGINE,
        image=OWN,
        engine_arguments=engine_image.mounted(),
    )
    request = merge(BASES["CreateTrainingJob"], {})
    client.create_training_job(**request)
    name = request["TrainingJobName"]
    _until(lambda: client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Completed")
    job = TrainingJob(tmp_path / "root/jobs" / name)
    assert job.logs() == "ran\n"
    assert any(f"{OWN} stood in for it" in note for note in job.evidence.not_reproduced)


def test_command_line_and_configuration(tmp_path: Path, images: None) -> None:
    from cursus.checks.examples import BASES

    (tmp_path / "data").mkdir()
    (tmp_path / "data/program.py").write_text("open('/opt/ml/model/m', 'w').write('1'); print('ran')")
    (tmp_path / "request.json").write_text(json.dumps(BASES["CreateTrainingJob"]))
    (tmp_path / "cursus.toml").write_text(
        f'engine = "{ENGINE}"\nengine_arguments = {list(engine_image.mounted())}\n[[steps]]\ntarget = "request.json"\n'
        f'image = "{OWN}"\nchannels = {{ train = "data" }}\n'
    )
    cursus = [sys.executable, "-m", "cursus"]
    tested = subprocess.run(
        [*cursus, "test", "--format", "json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert f'"isolation": "{ENGINE}"' in json.dumps(json.loads(tested.stdout)["results"]), tested
    again = ["run", "request.json", "--root", "other", "--image", "cursus-test.invalid/none:1"]
    refused = subprocess.run([*cursus, *again], cwd=tmp_path, capture_output=True, text=True)
    assert (refused.returncode, "--image NAME" in refused.stderr) == (2, True), refused


def test_shell_in_the_image(make_step: MakeStep, tmp_path: Path, images: None) -> None:
    from tests.local.test_debugging import Person

    make_step("print(1)", {})
    driver = DRIVER.format(engine=ENGINE, image=OWN, arguments=engine_image.mounted())
    person = Person(tmp_path, "shell", driver)
    person.types("echo $FROM_IMAGE $((40 + 2)); hostname; ls /opt/ml/input/data/train; exit\n")
    person.reads("yes 42")
    person.reads("algo-1")
    person.reads("data.csv")
    person.reads("JOB ")
    assert person.leaves() == 0


DRIVER = """
import sys
from cursus.local.options import Options
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step
from cursus.checks.examples import BASES, merge
folder, kind = sys.argv[1:]
request = merge(BASES["CreateTrainingJob"], {{"AlgorithmSpecification": {{"TrainingImage": "{image}"}}}})
step = Step("t", "CreateTrainingJob", request, source=SourceCode(folder + "/source", "train.py"),
            promises=Promises(local_channels={{"train": folder + "/data/train"}}))
options = Options(**{{kind: True}}, engine="{engine}", engine_arguments={arguments!r})
job = run_step(step, root=folder + "/root", options=options)
print("JOB", job.name, job.status, flush=True)
"""
