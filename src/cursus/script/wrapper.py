"""The Python program that a shell script hands all its arguments on to, and does nothing else of weight.

Such a script is read as if the program were the entry point: the same arguments, folder and environment reach it.
Where a shell script does more (changes folders, installs, downloads, branches), nothing is taken for granted.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from cursus.script.shell import commands

STARTS = re.compile(
    r"(exec\s+)?(?:/usr/bin/(?:env\s+)?)?python3?\s+(?:-u\s+)?(?:\./)?([\w./-]+\.py)\s+(?:\"\$@\"|\"\$\{@\}\")"
)
EXPORTS = re.compile(r"export\s+([A-Za-z_]\w*)=(?:[\w./:,+-]*|\"[^\"`]*\"|'[^']*')")
IDLE = re.compile(
    r"(?:set\s+[-+][\w ]+|echo\b[^`>|]*|printf\b[^`>|]*|date|pwd|ls\b[^`>|]*|nvidia-smi|env|df\b[^`>|]*|free\b[^`>|]*|"
    r"python3?\s+(?:--version|-V)|true|:|exit(?:\s+(?:\$\?|0))?)"
)
CHANGES = re.compile(r"PYTHON|SM_|PATH$")
"""Variables that change what the program is, or what it is told of the job."""
MOST = 100


@dataclass(frozen=True, slots=True)
class HandedOn:
    """``program``: below the source directory. ``replaced``: exec leaves no shell before it. ``exports``: names."""

    program: str
    line: int
    replaced: bool
    exports: frozenset[str]


def handed_on(text: str) -> HandedOn | None:
    """What a shell script hands its arguments on to; None where it does more, or where that cannot be read."""
    if '"$@"' not in text and '"${@}"' not in text:
        return None
    found = commands(text)
    if len(found) > MOST:
        return None
    program: HandedOn | None = None
    exports: set[str] = set()
    for one in found:
        started = STARTS.fullmatch(one.text)
        if one.after not in ("", ";") or one.function or one.loops:
            return None
        if started is not None and program is None:
            name = posixpath.normpath(started.group(2).removeprefix("/opt/ml/code/"))
            if name.startswith(("/", "..")):
                return None
            program = HandedOn(name, one.line, started.group(1) is not None, frozenset(exports))
        elif IDLE.fullmatch(one.text) is None:
            export = EXPORTS.fullmatch(one.text)
            if export is None or program is not None or "$(" in one.text or CHANGES.match(export.group(1)):
                return None
            exports.add(export.group(1))
    return program
