"""The command line as a process: streams, locales, signals, and errors of our own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cursus.commands.cli import COMMANDS
from tests.commands.conftest import Cursus, process


def test_every_command_has_help(cursus: Cursus) -> None:
    assert cursus("--help").code == 0
    for name in COMMANDS:
        done = cursus(name, "--help")
        assert done.code == 0 and done.out.startswith(f"Usage: cursus {name}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chekc",), "there is no command 'chekc'. Did you mean 'check'?"),
        (("good.json",), "To check it: cursus check good.json"),
        (("--nope",), "--nope"),
    ],
)
def test_unknown_command(cursus: Cursus, good: dict[str, Any], arguments: tuple[str, ...], said: str) -> None:
    done = cursus(*arguments)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err


def test_reader_that_goes_away(folder: Path) -> None:
    command = [sys.executable, "-m", "cursus", "rules"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=folder, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_closed_standard_output(folder: Path, good: dict[str, Any]) -> None:
    command = f"{sys.executable} -m cursus check good.json >&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 2 and "standard output is closed" in done.stderr


def test_full_standard_output(folder: Path, good: dict[str, Any]) -> None:
    streams: dict[str, Any] = {"capture_output": False, "stderr": subprocess.PIPE}
    with Path("/dev/full").open("w") as full:
        done = process("check", "good.json", cwd=folder, stdout=full, **streams)
    assert done.returncode == 2
    assert b"standard output cannot be written: No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr


def test_current_folder_that_has_gone(folder: Path, good: dict[str, Any]) -> None:
    (folder / "gone").mkdir()
    command = f"cd gone && rmdir ../gone && {sys.executable} -P -m cursus check {folder}/good.json"
    command = command if sys.version_info >= (3, 11) else command.replace(" -P ", " ")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 2 and "the current folder cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_errors_that_nobody_can_read(folder: Path, stderr: str) -> None:
    command = f"{sys.executable} -m cursus check nowhere.json {stderr}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 2


def test_locale_without_unicode(folder: Path, good: dict[str, Any]) -> None:
    (folder / "ümlaut.json").write_text("[1]")
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = process("check", "ümlaut.json", "good.json", cwd=folder, env=env)
    assert done.returncode == 2 and b"mlaut.json:1:2: unreadable" in done.stdout
    assert b"Traceback" not in done.stderr


def test_without_home_and_with_hidden_names(folder: Path, good: dict[str, Any]) -> None:
    (folder / "a\x1b[31mb.json").write_text("[1]")
    done = process("check", "good.json", "a\x1b[31mb.json", cwd=folder, env={"HOME": ""})
    assert done.returncode == 2 and b"\x1b" not in done.stdout
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "USER", "LOGNAME")}
    command = [sys.executable, "-m", "cursus", "check", "good.json"]
    assert (
        subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False).returncode == 0
    )


def in_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """What a command prints into a terminal of 60 columns."""
    main, other = pty.openpty()
    process_ = subprocess.Popen(
        [sys.executable, "-m", "cursus", *arguments],
        stdin=other,
        stdout=other,
        stderr=other,
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "60", **environment},
    )
    os.close(other)
    text = b""
    while True:
        try:
            data = os.read(main, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    process_.wait()
    os.close(main)
    return text.decode()


def test_colours(folder: Path, twice: dict[str, Any]) -> None:
    assert "\x1b[1;31m" in in_terminal(folder, "check", "twice.json", NO_COLOR="")
    assert "\x1b" not in in_terminal(folder, "check", "twice.json", NO_COLOR="1")
    assert "\x1b" not in in_terminal(folder, "check", "twice.json", TERM="dumb", NO_COLOR="")
    assert b"\x1b[1;31m" in process("check", "twice.json", cwd=folder, env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b" not in process("check", "twice.json", cwd=folder).stdout


def test_table_in_a_terminal(folder: Path, twice: dict[str, Any]) -> None:
    text = in_terminal(folder, "test", "twice.json", "--no-run", NO_COLOR="")
    assert "FAILED" in text and "test_data_channel_integration" in text and "error[CHN001]" in text


def test_cold_check_imports_only_what_it_needs(folder: Path, good: dict[str, Any]) -> None:
    program = (
        "import sys; from cursus.commands.cli import main; code = main(['check', 'good.json']);"
        "print(*sorted({name.split('.')[0] for name in sys.modules})); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded.isdisjoint({"rich", "yaml", "typer", "botocore", "asyncio", "tomllib", "pydantic"})


def test_ctrl_c_while_the_commands_are_imported_leaves_no_traceback(folder: Path) -> None:
    (folder / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from cursus.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_a_bug_of_ours_is_named_as_one(folder: Path) -> None:
    program = (
        "import sys, cursus.commands.rules as r\n"
        "def broken(**options): raise ZeroDivisionError('unforeseen')\n"
        "r.command.callback = broken\n"
        "from cursus.commands.cli import main\n"
        "sys.exit(main(['rules']))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "a bug of ours: ZeroDivisionError: unforeseen" in done.stderr and "CURSUS_DEBUG=1" in done.stderr
    assert "Traceback" not in done.stderr
    environment = {**os.environ, "CURSUS_DEBUG": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 3 and "Traceback" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(cursus: Cursus, shell: str) -> None:
    done = cursus("completion", shell)
    assert done.code == 0 and "_CURSUS_COMPLETE" in done.out


def test_completion_completes(folder: Path) -> None:
    env = {"_CURSUS_COMPLETE": "bash_complete", "COMP_WORDS": "cursus che", "COMP_CWORD": "1"}
    assert process(cwd=folder, env=env).stdout == b"plain,check\n"


def test_rules(cursus: Cursus) -> None:
    assert "CHN001" in cursus("rules").out
    done = cursus("rules", "chn001")
    assert done.code == 0 and "Why" in done.out and "Right" in done.out
    rules = cursus("rules", "CHN", "--format", "json").json()["rules"]
    assert {rule["area"] for rule in rules} == {"channels"} and rules[0]["page"]["Why"]
    done = cursus("rules", "CHX001")
    assert done.code == 2 and "Did you mean 'CHN001'?" in done.err


@pytest.mark.parametrize(
    ("words", "id", "other"), [("Duplicate channel name", "CHN001", "CHN002"), ("tuning", "", "CHN001")]
)
def test_rules_are_found_by_their_area_and_by_the_words_of_a_message(
    cursus: Cursus, words: str, id: str, other: str
) -> None:
    done = cursus("rules", words)
    assert done.code == 0 and id in done.out and f"  {other}  " not in done.out
    done = cursus("rules", "no such words anywhere")
    assert done.code == 2 and "no rule's page has all of these words" in done.err


def test_without_a_command_the_help_stands_alone() -> None:
    done = process(cwd=Path.cwd())
    assert done.returncode == 2 and (done.stdout + done.stderr).startswith(b"Usage: cursus ")


def test_init_says_what_comes_next(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    assert "name your builders in `steps`, then cursus test" in cursus("init").out
    (folder / "cursus.toml").unlink()
    assert "Next: cursus test" in cursus("init", "good.json").out


def test_init_never_overwrites(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    assert cursus("init", "good.json").code == 0
    text = (folder / "cursus.toml").read_text()
    assert cursus("check").code == 0
    done = cursus("init")
    assert done.code == 2 and "there already" in done.err
    assert (folder / "cursus.toml").read_text() == text


def test_init_adds_to_pyproject(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "x"')
    assert cursus("init", "good.json").code == 0
    assert (folder / "pyproject.toml").read_text().startswith('[project]\nname = "x"\n\n[tool.cursus]\n')
    assert cursus("check").code == 0
    assert cursus("init").code == 2
    (folder / "pyproject.toml").write_text("[tool.cursus]\nbroken = [")
    done = cursus("init")
    assert done.code == 2 and "broken TOML" in done.err


def test_init_template_is_sound_when_uncommented(cursus: Cursus, folder: Path) -> None:
    from cursus import config
    from cursus.commands.init import content

    text = content(("good.json",), "")
    lines = [line.removeprefix("# ") if " = " in line or "[[" in line else line for line in text.splitlines()]
    lines.remove("steps = [")
    lines.remove('    "good.json",')
    lines.remove("]")
    (folder / "cursus.toml").write_text("\n".join(lines))
    found = config.load(folder / "cursus.toml")
    assert found.steps[0].name == "churn" and found.ignore and found.region


def test_doctor(cursus: Cursus) -> None:
    data = cursus("doctor", "--format", "json").json()
    assert data["isolation"]["level"] and data["service_model"]["date"]
    levels = data["isolation"]["levels"]
    assert all(one["works"] or one["reason"] for one in levels)
    assert data["isolation"]["level"] in cursus("doctor").out


def test_refresh_without_home_or_botocore(folder: Path) -> None:
    program = (
        "import sys; sys.modules['botocore'] = None; from cursus.commands.cli import main; "
        "sys.exit(main(['refresh']))"
    )
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "XDG_DATA_HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2 and "no botocore is installed" in done.stderr


@pytest.mark.parametrize("arguments", [["rules", "STP024"], ["check", "--explain", "request.json"]])
def test_without_docstrings_there_are_no_pages_and_the_user_is_told(
    folder: Path, arguments: list[str]
) -> None:
    (folder / "request.json").write_text('{"TrainingJobName": "churn", "EnableManagedSpotTraining": true}')
    command = [sys.executable, "-OO", "-m", "cursus", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "PYTHONOPTIMIZE" in done.stderr


def test_doctor_names_a_level_that_there_is_not(cursus: Cursus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURSUS_ISOLATION", "nope")
    done = cursus("doctor")
    assert done.code == 2 and "CURSUS_ISOLATION is 'nope'" in done.err and "process" in done.err
    monkeypatch.setenv("CURSUS_ISOLATION", "process")
    done = cursus("doctor")
    assert done.code == 0 and "CURSUS_ISOLATION asks for process" in done.out
