"""Interpreters that a script can be run with: another one, or one with the source's requirements installed.

An environment with requirements is made once for each content of ``requirements.txt`` and interpreter, with uv
where that is installed and with venv and pip elsewhere. What the interpreter has already can be seen in it, as
what the image has is seen by what ``pip install -r requirements.txt`` adds to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from typing import Any, NamedTuple

from cursus.errors import RunError
from cursus.local.planning.plan import installable, missing_requirements
from cursus.model import Step

CACHE_VARIABLE = "XDG_CACHE_HOME"
COMPLETE = "complete"
ASK = (
    "import json, os, sys; print(json.dumps([sys.executable, sys.prefix, sys.base_prefix, "
    "[p for p in sys.path if p and os.path.isdir(p)], '%d.%d.%d' % sys.version_info[:3]]))"
)


class Interpreter(NamedTuple):
    """A Python as it describes itself."""

    executable: str
    prefix: str
    base_prefix: str
    paths: list[str]
    version: str


def ask(python: str) -> Interpreter:
    """Let an interpreter describe itself. Raises RunError where it is none."""
    found = shutil.which(python)
    if found is None:
        raise RunError(f"there is no interpreter {python}")
    command = [os.path.abspath(found), "-c", ASK]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
        return Interpreter(*json.loads(done.stdout))
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
        raise RunError(f"{python} is no Python interpreter that can be used: {error}") from None


def choose(python: str | None, requirements: bool, step: Step) -> Interpreter:
    """``python``, or this interpreter, with the source's requirements where they are asked for. Raises RunError."""
    chosen = ask(python or sys.executable)
    return with_requirements(chosen, step) if requirements else chosen


def apply(chosen: Interpreter, planned: dict[str, Any], step: Step) -> None:
    """Let the plan's script run with ``chosen``."""
    planned["missing_requirements"] = missing_requirements(step, chosen.paths)
    scripts = os.path.dirname(chosen.executable)
    planned["python"] = chosen.executable
    planned["python_version"] = chosen.version
    planned["paths"] = chosen.paths
    own = {chosen.prefix, chosen.base_prefix, scripts, *chosen.paths}
    planned["keep"] = sorted(
        {*planned["keep"], *(path for path in own if path != "/" and os.path.exists(path))}
    )
    planned["installable"] = installable(chosen.paths, chosen.prefix, chosen.executable)


def cache_folder() -> str:
    """Where environments are kept: below ``XDG_CACHE_HOME``, or ``~/.cache``."""
    base = os.environ.get(CACHE_VARIABLE) or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "cursus", "environments")


def with_requirements(base: Interpreter, step: Step) -> Interpreter:
    """An environment on top of ``base`` with the source's requirements, from the cache or new.

    Raises:
        RunError: there is no requirements.txt, or it cannot be installed; the last lines of the installer say why.
    """
    source = step.source.directory if step.source is not None else ""
    listed = os.path.join(source, "requirements.txt")
    if not source or not os.path.isfile(listed):
        raise RunError(f"there is no requirements.txt in {source or 'the source: the step has none'}")
    key = hashlib.sha256(json.dumps([base, _content(source)]).encode()).hexdigest()[:24]
    folder = os.path.join(cache_folder(), key)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    import fcntl

    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two jobs at once: the second takes what the first makes
        place = os.path.join(folder, "environment")
        if not os.path.exists(os.path.join(folder, COMPLETE)):
            shutil.rmtree(place, ignore_errors=True)
            _make(base, place, source)
            open(os.path.join(folder, COMPLETE), "w").close()
    return ask(os.path.join(place, "bin", "python"))


def _content(source: str) -> list[list[str]]:
    """The requirements and every file that they name, with what is in each: what makes an environment another one."""
    pending, found = ["requirements.txt"], dict[str, str]()
    for name in pending:
        path = os.path.join(source, name)
        if name in found or not os.path.exists(path):
            continue
        if os.path.isdir(path):
            files = sorted(os.path.join(folder, file) for folder, _, names in os.walk(path) for file in names)
            pending += [os.path.relpath(file, source) for file in files if not file.endswith(".pyc")]
            found[name] = ""
            continue
        with open(path, "rb") as file:
            data = file.read()
        found[name] = hashlib.sha256(data).hexdigest()
        if name.endswith(".txt"):
            text = data.decode("utf-8", "replace")
            inner = os.path.dirname(name)
            pending += [os.path.join(inner, part) for part in _named(text)]
    return sorted([name, digest] for name, digest in found.items())


def _named(text: str) -> list[str]:
    """Files and directories that the lines of a requirements file name."""
    found = []
    for raw in text.splitlines():
        line = raw.partition(" #")[0].strip()
        included = re.match(r"^(?:-r|-c|-e|--requirement|--constraint|--editable)[ =]\s*(\S+)$", line)
        if included:
            found.append(included.group(1))
        elif re.match(r"^(\./|\.\./|[^ @;]+\.(whl|tar\.gz|zip)$)", line) and "://" not in line:
            found.append(line.partition(";")[0].strip())
    return found


def _make(base: Interpreter, place: str, source: str) -> None:
    uv = shutil.which("uv")
    python = os.path.join(place, "bin", "python")
    if uv:
        _run([uv, "venv", "--quiet", "--python", base.executable, place], source)
        install = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        _run([base.executable, "-m", "venv", "--without-pip", place], source)
        install = _pip(base, python, source)
    _see(base, ask(python))
    _run([*install, "-r", "requirements.txt"], source)


def _pip(base: Interpreter, python: str, source: str) -> list[str]:
    """The command of a pip that installs into the environment: the base's own, or one of the environment."""
    found = subprocess.run([base.executable, "-m", "pip", "--version"], capture_output=True, text=True)
    version = re.match(r"pip (\d+)\.(\d+)", found.stdout)
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    if version and (int(version.group(1)), int(version.group(2))) >= (22, 3):
        return [base.executable, "-m", "pip", "--python", python, "install", *quiet]
    _run([python, "-m", "ensurepip", "--default-pip"], source)
    return [python, "-m", "pip", "install", *quiet]


def _see(base: Interpreter, made: Interpreter) -> None:
    """Let the environment see what its base has: that stands in for the packages of the image."""
    packages = [path for path in base.paths if path.endswith(("site-packages", "dist-packages"))]
    own = next(path for path in made.paths if path.startswith(made.prefix) and path.endswith("site-packages"))
    with open(os.path.join(own, "cursus-base.pth"), "w") as file:
        file.write("".join(path + "\n" for path in packages if path != own))


def _run(command: list[str], source: str) -> None:
    done = subprocess.run(command, cwd=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        last = " | ".join(line.strip() for line in done.stdout.strip().splitlines()[-3:])
        raise RunError(f"requirements.txt cannot be installed ({os.path.basename(command[0])}): {last}")
