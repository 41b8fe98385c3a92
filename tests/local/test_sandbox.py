"""A host's isolation: what it sees, what it may write, what it may do; and stepping down in the open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from cursus.local.isolation.probes import probe
from cursus.local.sandbox import LEVELS
from cursus.model import Promises, SourceCode, Step
from tests.local.conftest import MakeStep, Run
from tests.local.elsewhere import client

FORBIDDEN = """
import os, subprocess, sys
for path in sys.argv[1:] or [%s]:
    try:
        open(os.path.join(path, "cursus-was-here"), "w").close()
        print("WROTE", path)
    except OSError:
        pass
for command in ("mount -t tmpfs x /mnt", "mount -o remount,rw /usr", "date -s 2001-01-01", "mknod /tmp/disk b 8 0"):
    if subprocess.run(command.split(), capture_output=True).returncode == 0:
        print("DID", command)
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"):
    try:
        open(path, "w").close()
        print("OPENED", path)
    except OSError:
        pass
open("/tmp/mine", "w").write("1")
open(os.path.expanduser("~/mine"), "w").write("1")
os.makedirs("/data/mine")
print("done")
"""


def test_probe_tells_every_level_with_its_reason() -> None:
    found = probe()
    assert [level.level for level in found] == list(LEVELS)
    assert all(level.works or level.reason for level in found)
    assert found[-1].works


KILLED = """
import os, signal
from cursus.local.isolation import probes
with probes.probe_folder() as folder:
    os.makedirs(folder + "/overlay/work/work", 0o000)
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_probe_leaves_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    left = Path(done.stdout.strip())
    assert list(tmp_path.iterdir()) == [left]
    os.utime(left, (0, 0))
    probe()
    assert not list(tmp_path.iterdir())


def test_probe_that_runs_now_keeps_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cursus.local.isolation.probes import probe_folder

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with probe_folder() as folder:
        os.utime(folder, (0, 0))
        probe()
        assert list(tmp_path.iterdir()) == [Path(folder)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("level", ["unshare", "bubblewrap"])
def test_nothing_outside_is_written(run: Run, tmp_path: Path, levels: dict[str, str], level: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    outside = tmp_path / "outside"
    outside.mkdir()
    places = [
        "/",
        "/etc",
        "/usr",
        "/var",
        "/home",
        "/opt",
        "/mnt",
        "/sys",
        "/dev",
        str(Path.home()),
        str(Path(__file__).parent),
    ]
    listed = ", ".join(map(repr, places))
    job = run(FORBIDDEN % listed, level=level)
    assert job.status == "Completed", job.logs()
    own = {"/", "/opt", "/dev", "/root"}  # made for the host alone
    wrote = {line.split()[1] for line in job.logs().splitlines() if line.startswith("WROTE")}
    assert wrote <= own
    assert not any(line.startswith(("DID", "OPENED")) for line in job.logs().splitlines()), job.logs()
    for place in places:
        assert not (Path(place) / "cursus-was-here").exists()
    assert not Path("/tmp/mine").exists()
    assert not Path("/data/mine").exists()
    assert not (Path.home() / "mine").exists()


@pytest.mark.parametrize("level", ["unshare", "bubblewrap"])
def test_each_level_gives_the_contract(run: Run, levels: dict[str, str], level: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    script = """
import os, socket, sys
print(socket.gethostname(), os.getpid() < 10, os.getuid(), sys.argv, open("/opt/ml/input/data/train/data.csv").read())
open("/opt/ml/input/data/train/data.csv", "a").write("more")
open("/opt/ml/input/data/train/new", "w").write("more")
print(sorted(os.listdir("/opt/ml/input/data/train")))
"""
    job = run(script, {"HyperParameters": {"a": "1"}}, level=level)
    assert job.evidence.isolation == level
    assert job.logs() == "algo-1 True 0 ['train.py', '-a', '1'] 1,2\n\n['data.csv', 'new']\n"
    data = job.folder.parents[2] / "data/train"
    assert [path.name for path in data.iterdir()] == ["data.csv"]
    assert (data / "data.csv").read_text() == "1,2\n"


def test_plain_process_says_what_it_cannot_do(run: Run) -> None:
    script = "import os; print(open(os.environ['SM_CHANNEL_TRAIN'] + '/data.csv').read(), os.environ['SM_MODEL_DIR'])"
    job = run(script, level="process")
    assert job.logs() == f"1,2\n {job.folder}/hosts/algo-1/ml/model\n"
    assert any("/opt/ml is not literal" in sentence for sentence in job.evidence.not_reproduced)


def test_no_level_that_works_is_a_clear_failure(run: Run) -> None:
    job = run("print(1)", {"EnableNetworkIsolation": True}, level="process")
    assert job.status == "Failed"
    assert "EnableNetworkIsolation" in job.describe()["FailureReason"]


def test_network_isolation(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    script = """
import socket, threading
server = socket.create_server(("algo-1", 0))
socket.create_connection(server.getsockname(), 2)
print(sorted(name for _, name in socket.if_nameindex()))
try:
    socket.create_connection(("192.0.2.1", 9), 1)
except OSError as error:
    print(error.errno)
"""
    job = run(script, {"EnableNetworkIsolation": True})
    assert job.logs() == "['eth0', 'lo']\n101\n"


def test_other_things_in_opt_stay_visible(run: Run) -> None:
    job = run("import os; print(sorted(os.listdir('/opt')))")
    assert job.logs().strip() == str(sorted({*(path.name for path in Path("/opt").glob("*")), "ml"}))


def test_packages_can_be_installed_and_are_gone_afterwards(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    site = sysconfig.get_paths()["purelib"]
    if not os.access(site, os.W_OK):
        pytest.skip(f"{site} is not this user's")
    job = run(
        f"open({site!r} + '/cursus_installed.py', 'w').write('x = 1')\n"
        "import cursus_installed; print(cursus_installed.x)"
    )
    assert job.logs() == "1\n", job.logs()
    assert not (Path(site) / "cursus_installed.py").exists()


UNPRIVILEGED = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


def _usable_by_others() -> str | None:
    """A Python that nobody may run, with the versions of packages that this one has."""
    version = "{}.{}".format(*sys.version_info[:2])
    for path in (os.path.realpath(sys.executable), f"/usr/bin/python{version}", "/usr/bin/python3"):
        done = subprocess.run(
            [
                *UNPRIVILEGED,
                path,
                "-c",
                "import subprocess, sys; subprocess.run([sys.executable, '-V'], check=True, stdout=2);"
                "print('{}.{}'.format(*sys.version_info[:2]))",
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode == 0 and done.stdout.strip() == version:
            return path
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test here is run by an ordinary user already")
def test_by_an_ordinary_user_without_home(
    tmp_path_factory: pytest.TempPathFactory, levels: dict[str, str]
) -> None:
    import shutil
    import tempfile

    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    python = _usable_by_others() if shutil.which("setpriv") else None
    if python is None:
        pytest.skip("no Python here that another user may run")
    from cursus.checks.examples import BASES

    folder = Path(tempfile.mkdtemp(prefix="cursus-test-"))
    try:
        (folder / "train.py").write_text(
            "import os\nopen('/opt/ml/input/data/train/x', 'w').write('1')\nopen('/opt/ml/model/m', 'w').write('1')\n"
            "print(os.getuid(), os.environ['HOME'], os.path.exists('/etc/hosts'))\n"
        )
        (folder / "data").mkdir()
        (folder / "data/d.csv").write_text("1")
        for path in (folder, folder / "data", folder / "train.py", folder / "data/d.csv"):
            os.chown(path, 65534, 65534)
        import cursus

        packages = [
            str(Path(cursus.__file__).parents[1]),
            *(path for path in sys.path if path.endswith("-packages")),
        ]
        step = Step(
            "t",
            "CreateTrainingJob",
            BASES["CreateTrainingJob"],
            source=SourceCode(str(folder), "train.py"),
            promises=Promises(local_channels={"train": str(folder / "data")}),
        )
        done = subprocess.run(
            [*UNPRIVILEGED, *client(step, folder / "root", python=python)],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(packages)},
            capture_output=True,
            text=True,
            cwd="/",
        )
        if "Permission denied" in done.stderr and "import" in done.stderr:
            pytest.skip("the packages of this environment are not readable by others")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["status"], told["level"], told["logs"]) == ("Completed", "unshare", "0 /root True\n")
        assert [path.name for path in (folder / "data").iterdir()] == ["d.csv"]
    finally:
        shutil.rmtree(folder)


def test_without_overlays_channels_are_copied(
    make_step: MakeStep, tmp_path: Path, levels: dict[str, str]
) -> None:
    """A root that lies on an overlay itself, as in a container's own file system, takes no other one."""
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work,userxattr"
    script = f'mount -t overlay overlay -o {layers} {tmp_path}/merged && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    denied = subprocess.run([*prefix, "true"], capture_output=True, text=True)
    if denied.returncode:
        pytest.skip(f"no overlay here: {denied.stderr.strip()}")
    step = make_step("open('/opt/ml/input/data/train/data.csv', 'a').write('more'); print('done')")
    command = [*prefix, *client(step, tmp_path / "merged/root", grace=1)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["status"], told["level"], told["logs"]) == ("Completed", "unshare", "done\n")
    assert any("channels were copied" in sentence for sentence in told["not_reproduced"])
    assert (tmp_path / "data/train/data.csv").read_text() == "1,2\n"
    import shutil

    (tmp_path / "work/work").chmod(0o700)
    shutil.rmtree(tmp_path / "work")
