"""``cursus``: names the commands, and loads each when it is called.

Exit codes: 0 no error; 1 an error, a failed or stopped job, or nothing that could be tested; 2 usage or
unreadable input; 3 a bug of ours; 130 Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from cursus.commands import common
from cursus.errors import CursusError

COMMANDS = {
    "test": "Run the nine Level 4 tests on builders, with a real training run.",
    "check": "Check builders, requests and pipeline definitions; nothing is run.",
    "run": "Carry out one training job on this machine.",
    "rules": "List the rules, or explain one.",
    "init": "Write a starting configuration.",
    "jobs": "List the jobs that ran here.",
    "describe": "Describe one job as DescribeTrainingJob would.",
    "logs": "Print the log of one job.",
    "stop": "Stop a running job as StopTrainingJob would.",
    "clean": "Remove what cursus made.",
    "doctor": "Say what this machine can do for a local run, and why not more.",
    "refresh": "Take the service model from the botocore that is installed.",
    "completion": "Print shell completion for bash, zsh or fish.",
}


class Commands(click.Group):
    """A group that knows its commands by name and imports one only to call it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, most used first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or None where there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"cursus.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name gets a suggestion."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from cursus.suggest import did_you_mean

            hint = did_you_mean(name, COMMANDS)
            if not hint and (os.path.exists(name) or ":" in name):  # noqa: PTH110
                hint = f" To check it: cursus check {name}"
            ctx.fail(f"there is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cursus", message="cursus %(version)s")
def cli() -> None:
    """Prove that a SageMaker training step works before it costs a cent.

    TARGET is package.module:Builder, file.py:pipeline, a JSON or YAML request or pipeline definition, or a
    folder of those; `cursus check --help` lists all forms.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. No error of any kind leaves a traceback."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _run(arguments)
        _flush()
        return code
    except common.ReaderGoneError:
        _silence()
        return common.PIPE_CLOSED
    except CursusError as error:
        _silence()
        common.say(f"cursus: {error}")
        return common.USAGE


def _run(arguments: Sequence[str] | None) -> int:
    try:
        os.getcwd()  # noqa: PTH109 - every path of a configuration starts here
    except OSError as error:
        common.say(f"cursus: the current folder cannot be used: {error.strerror}")
        return common.USAGE
    try:
        code = cli.main(
            args=None if arguments is None else list(arguments), prog_name="cursus", standalone_mode=False
        )
        return code if isinstance(code, int) else common.OK
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        _usage(error)
        return common.USAGE
    except (click.Abort, KeyboardInterrupt):
        common.say("cursus: interrupted")
        return common.INTERRUPTED
    except CursusError as error:
        common.say(f"cursus: {error}")
        return common.USAGE
    except common.ReaderGoneError:
        raise
    except Exception as error:
        if os.environ.get("CURSUS_DEBUG"):
            import traceback

            common.say(traceback.format_exc())
        common.say(
            f"cursus: a bug of ours: {type(error).__name__}: {error}\n"
            "Nothing is known about your step. CURSUS_DEBUG=1 shows the traceback for a report."
        )
        return common.BUG


def _usage(error: click.ClickException) -> None:
    if type(error).__name__ == "NoArgsIsHelpError":  # of click 8.2
        common.say(error.format_message())
        return
    text = f"cursus: {error.format_message()}"
    context = getattr(error, "ctx", None)
    if context is not None:
        text += f"\nTry '{context.command_path} --help'."
    common.say(text)


def _flush() -> None:
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            raise common.stdout_error(error) from None


def _silence() -> None:
    """Let nothing that is still buffered fail again when Python ends."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
