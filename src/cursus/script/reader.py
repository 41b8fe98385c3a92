"""Reads a source directory without running anything of it, and keeps what it read until a file changes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from cursus.model import Location, SourceCode
from cursus.script.facts import EnvRead, Fault, ScriptFacts
from cursus.script.reading import Reading
from cursus.script.source.files import FolderFacts, read_folder, shown_below
from cursus.script.source.modules import TOO_DEEP, Source
from cursus.script.source.shell import after_cd, variable_uses
from cursus.script.source.there import is_file
from cursus.script.source.wrapper import handed_on

CACHE: dict[SourceCode, tuple[tuple[tuple[str, int, int], ...], ScriptFacts]] = {}


def read_source(source: SourceCode) -> ScriptFacts:
    """Everything that can be read of the user's training code.

    The result is kept until a file of the directory changes. Nothing is imported or executed, and no
    content makes this raise: what cannot be read is a ``Fault`` or stays unknown.
    """
    known = CACHE.get(source)
    if known is not None and known[0] == _stamps([name for name, _, _ in known[0]]):
        return known[1]
    if len(CACHE) > 256:
        CACHE.clear()
    facts, watched = _read(source)
    CACHE[source] = (_stamps(watched), facts)
    return facts


def _stamps(files: list[str]) -> tuple[tuple[str, int, int], ...]:
    found = []
    for name in files:
        try:
            status = os.stat(name)  # noqa: PTH116  (this is asked for every check; Path costs more)
            found.append((name, status.st_mtime_ns, status.st_size))
        except (OSError, ValueError):
            found.append((name, -1, -1))
    return tuple(found)


def _read(source: SourceCode) -> tuple[ScriptFacts, list[str]]:
    """What is read of a source, and the files and folders that it depends on."""
    root = Path(source.directory)
    entry = root / source.entry_point
    shown = shown_below(source.directory, source.entry_point)
    folder = read_folder(root, entry, source.directory, shown)
    watched = [str(root), *folder.watched, str(root / folder.largest[0])]
    if source.alone:
        folder = _without_others(folder, source.entry_point, shown)
    base = ScriptFacts(
        entry=shown,
        shell=entry.suffix == ".sh",
        shell_text=folder.texts_by_name.get(source.entry_point, "") if entry.suffix == ".sh" else "",
        requirements=folder.requirements,
        faults=folder.faults,
        directory_listing=folder.listing,
        directory_size=folder.size,
        largest_file=folder.largest,
        strings=frozenset(folder.texts),
    )
    handed = handed_on(base.shell_text) if base.shell_text else None
    if base.shell_text:
        base = _with_shell(base, folder)
    if handed is not None and is_file(root / handed.program):
        entry = root / handed.program
        told = base.strings | {"torchrun"} if handed.launched else base.strings
        base = replace(base, entry=shown_below(source.directory, handed.program), strings=told)
    elif handed is not None:
        fault = Fault("started-missing", handed.program, Location(shown, handed.line))
        base = replace(base, faults=(*base.faults, fault))
    if not _is_python(entry):
        return base, watched
    facts, read = _read_program(source, entry, base, folder)
    if handed is not None:
        opaque = facts.opaque_arguments or not handed.whole
        facts = replace(facts, env_writes=facts.env_writes | handed.exports, opaque_arguments=opaque)
        if handed.own:  # its words are the shell's, and no hyperparameter
            facts = replace(facts, parsers=(), opaque_arguments=False)
    return facts, list(dict.fromkeys((*watched, *read)))


def _without_others(folder: FolderFacts, entry_point: str, shown: str) -> FolderFacts:
    """A folder of which the entry point alone is uploaded."""
    return replace(
        folder,
        requirements=(),
        faults=tuple(fault for fault in folder.faults if fault.location.file == shown),
        listing=folder.listing & {entry_point},
        texts_by_name={},
    )


def _with_shell(base: ScriptFacts, folder: FolderFacts) -> ScriptFacts:
    """With the variables that the shell script reads, and what it looks for in a folder that it has left."""
    uses = variable_uses(base.shell_text) if "SM_" in base.shell_text else ()
    left = after_cd(base.shell_text, folder.listing) if "cd " in base.shell_text else []
    faults = (
        Fault("left-program" if runs else "left-file", f"{name}\n{inside}", Location(base.entry, line))
        for name, inside, line, runs in left
    )
    return replace(
        base,
        env_reads=tuple(
            EnvRead(use.name, use.hard, True, Location(base.entry, use.line), use.bare) for use in uses
        ),
        faults=(*base.faults, *faults),
    )


def _read_program(
    source: SourceCode, entry: Path, base: ScriptFacts, folder: FolderFacts
) -> tuple[ScriptFacts, list[str]]:
    """What is read of a Python program, and the files that were."""
    reading = Reading(Source(Path(source.directory), source.directory, source.alone), entry)
    try:
        facts = reading.facts(base, folder)
    except RecursionError:
        deep = Fault("unread", TOO_DEEP, Location(base.entry))
        facts = replace(base, faults=(*base.faults, *reading.source.faults, deep))
    return facts, [str(path) for path in reading.source.read]


def _is_python(path: Path) -> bool:
    return is_file(path) and (path.suffix == ".py" or (not path.suffix and _looks_python(path)))


def _looks_python(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"python" in file.readline(200)
    except OSError:
        return False
