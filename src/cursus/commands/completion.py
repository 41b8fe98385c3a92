"""``cursus completion``: the script that teaches a shell our commands and options."""

from __future__ import annotations

import click

from cursus.commands import common, options


@click.command("completion")
@click.argument("shell", type=options.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script for SHELL.

    \b
    bash:  eval "$(cursus completion bash)"
    zsh:   eval "$(cursus completion zsh)"
    fish:  cursus completion fish | source
    """
    from click.shell_completion import get_completion_class

    from cursus.commands.cli import cli

    script = get_completion_class(shell)
    assert script is not None
    common.write([script(cli, {}, "cursus", "_CURSUS_COMPLETE").source(), "\n"])
    return common.OK
