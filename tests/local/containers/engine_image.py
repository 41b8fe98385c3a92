"""A small image for the tests of containers: a program of its own, and this machine's Python mounted beside it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cursus.local.containers.engine import FOLDER, PATIENCE, Engine, EngineError, find
from cursus.local.containers.engine_probe import SYSTEM
from cursus.local.jobs.job import TrainingJob

ENGINE = os.environ.get("CURSUS_TEST_ENGINE", "podman")
OWN = f"localhost/cursus-test-own:{os.getpid()}"  # several processes may run tests at once
SCRIPT = f"localhost/cursus-test-script:{os.getpid()}"
PYTHON = os.path.realpath(sys.executable)
PREFIX = os.path.realpath(sys.base_prefix)

TOOLKIT = f"""#!/bin/sh
# What stands in for the toolkit of a framework image: it starts the script that the hyperparameters name.
exec {PYTHON} -u /usr/local/toolkit/toolkit.py "$@"
"""
TOOLKIT_PROGRAM = """
import json, os, subprocess, sys
print("toolkit", *sys.argv[1:], flush=True)
settings = json.load(open("/opt/ml/input/config/hyperparameters.json"))
done = subprocess.run([sys.executable, "-u", settings["sagemaker_program"].strip('"')], cwd="/opt/ml/code")
if done.returncode:
    open("/opt/ml/output/failure", "w").write(f"ExecuteUserScriptError:\\nExitCode {done.returncode}")
sys.exit(done.returncode != 0)
"""
TRAIN = f"""#!/bin/sh
# An image of one's own, whose program is a file beside the data.
[ -e /opt/ml/input/data/train/program.sh ] && exec /bin/sh /opt/ml/input/data/train/program.sh
exec {PYTHON} -u /opt/ml/input/data/train/program.py "$@"
"""


def mounted() -> tuple[str, ...]:
    """What the engine is told so that the image has this machine's shell, Python and libraries."""
    places = {path: os.path.realpath(path) for path in SYSTEM if Path(path).is_dir() and path != "/usr"}
    # /usr/local is the image's own: of /usr only what the machine needs
    places |= {
        f"/usr/{name}": f"/usr/{name}"
        for name in ("bin", "lib", "lib64", "sbin")
        if Path(f"/usr/{name}").is_dir()
    }
    # The system's own Python is in what stands above; all of /usr would hide the image's /usr/local.
    if PREFIX != "/usr":
        places[PREFIX] = PREFIX
    return tuple(
        part
        for target, source in places.items()
        for part in ("--mount", f"type=bind,source={source},target={target},readonly")
    )


def made(name: str, entrypoint: str = "", user: str = "") -> Iterator[str]:
    """Import the image under ``name``, and remove it afterwards."""
    engine = find(ENGINE)
    changes = [f'ENTRYPOINT ["{entrypoint}"]'] if entrypoint else []
    changes += ["ENV FROM_IMAGE=yes", "ENV PATH=/usr/local/bin:/usr/bin:/bin"]
    changes += [f"USER {user}"] if user else []
    options = [part for change in changes for part in ("--change", change)]
    subprocess.run(
        [engine.path, "import", *options, "-", name],
        input=_files(),
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    yield name
    with suppress(EngineError):  # what stays is removed by the next run
        engine.ask("rmi", "--force", name)


def sweep() -> None:
    """Remove the images of tests that were killed; a tag is the process that made it."""
    engine = find(ENGINE)
    with suppress(EngineError):  # another process may remove them at the same time
        for name in engine.ask("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            image, _, tag = name.rpartition(":")
            if image.startswith("localhost/cursus-test-") and not Path(f"/proc/{tag}").exists():
                engine.ask("rmi", "--force", name)


def _files() -> bytes:
    files = {
        "usr/local/toolkit/start": TOOLKIT,
        "usr/local/toolkit/toolkit.py": TOOLKIT_PROGRAM,
        "usr/local/bin/train": TRAIN,
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for directory in ("tmp", "root", "etc", "usr", "usr/local", "usr/local/bin", "usr/local/toolkit"):
            one = tarfile.TarInfo(directory)
            one.type, one.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            archive.addfile(one)
        for name, text in files.items():
            one = tarfile.TarInfo(name)
            one.size, one.mode = len(text.encode()), 0o755
            archive.addfile(one, io.BytesIO(text.encode()))
    return data.getvalue()


def left(real: Engine, job: TrainingJob) -> str:
    """What the engine still has of a job."""
    label = f"label={FOLDER}={job.folder}"
    containers = real.ask("ps", "--all", "--quiet", "--filter", label)
    return containers + real.ask("network", "ls", "--quiet", "--filter", label)
