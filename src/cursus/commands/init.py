"""``cursus init``: a starting configuration, never over one that is there."""

from __future__ import annotations

from pathlib import Path

import click

from cursus.commands import common
from cursus.errors import ConfigurationError

TEMPLATE = """\
{head}
# What `cursus test` and `cursus check` work on when no TARGET is named. Paths are relative to this file.
steps = [
{steps}]

# The region that the jobs run in.
# region = "eu-central-1"

# Values that are newer than the facts of this version of cursus.
# allow = ["ml.new8.xlarge"]

# Findings that you have decided to live with. Every ignore carries a reason.
# ignore = [{{ rule = "CHN018", reason = "the script splits the data by date" }}]

# A step with all that can be said about it. TOML takes either the list above or such tables, not both.
# [[{prefix}steps]]
# target = "package.module:Builder"
# name = "churn"
# config = {{ training_instance_type = "ml.m5.xlarge", training_instance_count = 1 }}
# source_dir = "src/churn"
# entry_point = "train.py"
# channels = {{ train = "data/train" }}
# expect_fail = [{{ test = "test_distributed_training_integration", reason = "one instance is enough" }}]
"""


@click.command("init")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
def command(targets: tuple[str, ...]) -> int:
    """Write a starting configuration that lists each TARGET.

    It goes into pyproject.toml as [tool.cursus] where there is a pyproject.toml here, else into cursus.toml.
    What is there already is never changed.
    """
    from cursus import config

    own, shared = Path("cursus.toml"), Path("pyproject.toml")
    if own.exists():
        raise ConfigurationError("cursus.toml is there already; it was not changed")
    if shared.is_file():
        config.load(shared if b"tool.cursus" in shared.read_bytes() else None)
        if config.find() == shared.absolute():
            raise ConfigurationError("pyproject.toml has [tool.cursus] already; it was not changed")
    if shared.is_file():
        file, text = shared, content(targets, "tool.cursus.")
        mode = "a"
        before = shared.read_bytes()
        text = ("" if not before or before.endswith(b"\n") else "\n") + ("\n" if before else "") + text
    else:
        file, text, mode = own, content(targets, ""), "x"
    try:
        with file.open(mode, encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from None
    first = "" if targets else "name your builders in `steps`, then "
    common.write([f"{file}: written. Next: {first}cursus test\n"])
    return common.OK


def content(targets: tuple[str, ...], prefix: str) -> str:
    """The configuration as text; ``prefix`` is the table it stands in."""
    from cursus.report.as_json import dumps

    steps = "".join(f"    {dumps(target)},\n" for target in targets)
    head = f"[{prefix.rstrip('.')}]" if prefix else "# The configuration of cursus."
    return TEMPLATE.format(head=head, steps=steps or '    # "package.module:Builder",\n', prefix=prefix)
