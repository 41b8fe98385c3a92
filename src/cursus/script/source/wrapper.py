"""The Python program that a shell script starts, and does nothing else of weight.

Such a script is read as if the program were the entry point: the same folder and environment reach it, and mostly
the same arguments. Where a shell script does more (changes folders, installs, downloads, branches), nothing is
taken for granted.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from cursus.script.source.shell import commands

STARTS = re.compile(
    r"(exec\s+)?(?:(?:/usr/bin/(?:env\s+)?)?python3?\s+(?:-u\s+)?|"
    r"(?P<launcher>torchrun|accelerate\s+launch|python3?\s+-m\s+torch\.distributed\.run)\s+"
    r"(?:-{1,2}\w[\w-]*(?:[=\s](?:\"[^\"`]*\"|\$\{?\w+\}?|[\w.:/][\w.:/-]*))?\s+)*?)"
    r"(?:\./)?(?P<program>[\w./-]+\.py)(?P<arguments>(?:\s+(?:\"[^\"`]*\"|'[^']*'|[^\s\"'`$();&|<>]+|\$\{?\w+\}?|\$@|\$\*))*)"
)
RANKS = frozenset(
    {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT"}
)
"""What a launcher sets for each process."""
SETS = re.compile(
    r"(export\s+|readonly\s+)?([A-Za-z_]\w*)=(?:[\w./:,+-]*|\"[^\"`]*\"|'[^']*'|\$\w+|\$\{\w+[^`$}]*\})"
)
IDLE = re.compile(
    r"(?:set\s+[-+][\w ]+|echo\b[^`>|]*|printf\b[^`>|]*|date|pwd|ls\b[^`>|]*|nvidia-smi|env|df\b[^`>|]*|free\b[^`>|]*|"
    r"python3?\s+(?:--version|-V)|true|:|exit(?:\s+(?:\$\?|0))?|"
    # The toolkit installs this file before the script begins.
    r"(?:python3?\s+-m\s+)?pip3?\s+install\s+(?:-q\s+|-U\s+|--quiet\s+|--upgrade\s+|--no-cache-dir\s+)*(?:pip|-r\s+(?:\./)?requirements\.txt))"
)
CHANGES = re.compile(r"PYTHON|SM_|PATH$")
"""Variables that change what the program is, or what it is told of the job."""
PASSES = re.compile(r"\$[@*]|\$\{[@*]|\$\{?[1-9]\b|\bshift\b|\bgetopts\b")
"""What takes the shell script's own arguments."""
WHOLE = frozenset({'"$@"', '"${@}"', "$@", "$*"})
MOST = 100
LONGEST = 1000
"""Letters of a command that is read."""


@dataclass(frozen=True, slots=True)
class HandedOn:
    """``program``: below the source directory. ``replaced``: exec leaves no shell before it. ``exports``: names.

    ``launched``: a launcher starts it, once for each GPU or as it is told. ``whole``: with what the shell got, alone.
    ``own``: with what the shell makes of variables, and nothing that it got.
    """

    program: str
    line: int
    replaced: bool
    exports: frozenset[str]
    launched: bool = False
    whole: bool = True
    own: bool = False


def handed_on(text: str) -> HandedOn | None:
    """The one program that a shell script starts; None where it does more, or where that cannot be read."""
    if ".py" not in text:
        return None
    found = commands(text)
    if len(found) > MOST:
        return None
    program: HandedOn | None = None
    exports: set[str] = set()
    for one in found:
        if len(one.text) > LONGEST:
            return None
        started = STARTS.fullmatch(one.text)
        if one.after not in ("", ";") or one.function or one.loops:
            return None
        if started is not None and program is None:
            name = posixpath.normpath(started["program"].removeprefix("/opt/ml/code/"))
            if name.startswith(("/", "..")):
                return None
            exports.update(RANKS if started["launcher"] else ())
            replaced = started.group(1) is not None and not started["launcher"]
            whole = started["arguments"].strip() in WHOLE
            own = not whole and "SM_HP_" in text and PASSES.search(text) is None
            program = HandedOn(
                name, one.line, replaced, frozenset(exports), bool(started["launcher"]), whole, own
            )
        elif IDLE.fullmatch(one.text) is None:
            sets = SETS.fullmatch(one.text)
            if sets is None or program is not None or "$(" in one.text or CHANGES.match(sets[2]):
                return None
            exports.update({sets[2]} if sets[1] else ())
    return program
