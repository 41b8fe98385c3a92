"""How an engine and an image are asked for, and what is said where they cannot be had."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local.containers import engine as engines
from cursus.local.jobs.job import TrainingJob
from cursus.local.options import Options
from cursus.local.runner import run_step
from tests.local.conftest import Contained, MakeStep
from tests.local.containers import engine_image
from tests.local.containers.engine_image import ENGINE, OWN
from tests.local.terminal import Person
from tests.waiting import until


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
    until(lambda: client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Completed")
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
