"""A source directory as files: names, sizes, line ends, requirements, settings files."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cursus.aws.tables import entries
from cursus.model import Location
from cursus.script.facts import Fault, Requirement
from cursus.script.source.requirements import read_requirements
from cursus.script.source.there import is_dir, is_file

MAX_ENTRIES = 20_000
MAX_TEXT = 200_000
SETTINGS = frozenset({".sh", ".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".py", ".conf"})
SKIPPED = frozenset({".git", "__pycache__", ".venv", "venv", "node_modules", ".ipynb_checkpoints", ".cursus"})
AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What a source directory holds. ``texts_by_name`` are the contents of its small text files.

    ``size`` is that of all its files in bytes, ``largest`` the name and size of the largest.
    """

    requirements: tuple[Requirement, ...]
    faults: tuple[Fault, ...]
    listing: frozenset[str]
    texts_by_name: dict[str, str]
    watched: tuple[str, ...]
    size: int = 0
    largest: tuple[str, int] = ("", 0)

    @property
    def texts(self) -> tuple[str, ...]:
        """The contents alone."""
        return tuple(self.texts_by_name.values())


def shown_below(directory: str, name: str) -> str:
    """A file of a directory as messages name it: below the directory as the user gave it."""
    return name if directory in ("", ".") else f"{directory.rstrip('/')}/{name}"


def read_folder(root: Path, entry: Path, directory: str, shown: str) -> FolderFacts:
    """Look over the files below ``root``."""
    if not is_dir(root):
        return FolderFacts(
            (), (Fault("no-directory", directory, Location(directory or ".")),), frozenset(), {}, ()
        )
    display = shown_below(directory, "")
    sizes = _sizes(root)
    faults = list(_entry_faults(root, entry, shown, sizes))
    faults.extend(_shadowing(root, entry, display))
    texts, watched = _texts(root, entry, sizes)
    faults.extend(_keys(texts, display))
    requirements: tuple[Requirement, ...] = ()
    listed = root / "requirements.txt"
    if is_file(listed):
        requirements = read_requirements(listed, display + "requirements.txt")
    return FolderFacts(
        requirements,
        tuple(faults),
        frozenset(sizes),
        texts,
        (str(listed), str(entry), *(str(root / name) for name in watched)),
        sum(sizes.values()),
        max(sizes.items(), key=lambda entry: entry[1], default=("", 0)),
    )


def _sizes(root: Path) -> dict[str, int]:
    """Relative path → size of every file, directories included with size 0."""
    found: dict[str, int] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        inside = os.path.relpath(folder, root)
        start = "" if inside == "." else inside.replace(os.sep, "/") + "/"
        for name in folders:
            found[start + name] = 0
        for name in names:
            try:
                found[start + name] = os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
            except OSError:
                continue
        if len(found) > MAX_ENTRIES:
            break
    return found


def _entry_faults(root: Path, entry: Path, shown: str, sizes: dict[str, int]) -> list[Fault]:
    where = Location(shown)
    try:
        inside = root.resolve() in entry.resolve().parents
    except (OSError, RuntimeError, ValueError):
        inside = True
    if not inside:
        return [Fault("entry-outside", shown, where)]
    if not is_file(entry):
        if not is_dir(entry) and os.path.lexists(entry):
            return [Fault("entry-special", shown, where)]  # a pipe, a device, or a link that leads nowhere
        kind = "entry-directory" if is_dir(entry) else "entry-missing"
        near = [name for name in sizes if name.endswith((".py", ".sh"))]
        return [Fault(kind, "\n".join(near[:50]), where)]
    found = []
    if entry.suffix in (".sh", ""):
        try:
            with entry.open("rb") as file:
                data = file.read(100_000)
        except OSError:
            data = b""
        first = data.partition(b"\n")[0]
        if data and first.endswith(b"\r"):
            found.append(Fault("crlf", shown, Location(shown, 1)))
    elif entry.suffix == ".ipynb":
        found.append(Fault("notebook", shown, where))
    elif entry.suffix != ".py":
        found.append(Fault("entry-kind", entry.suffix, where))
    return found


def _shadowing(root: Path, entry: Path, display: str) -> list[Fault]:
    """Files on the script's module path that hide a module that the script or its libraries need."""
    found = []
    folder = entry.parent if is_dir(entry.parent) else root
    try:
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    except OSError:
        return []
    for child in children:
        name = child.name
        try:
            if name.endswith(".py") and child.is_file():
                stem = name[:-3]
            elif child.is_dir() and (Path(child.path) / "__init__.py").is_file():
                stem = name
            else:
                continue
        except OSError:  # a link that leads to itself
            continue
        where = Path(child.path).relative_to(root).as_posix() if root in Path(child.path).parents else name
        if stem in entries("libraries", "best_known"):
            found.append(Fault("shadows-library", stem, Location(display + where)))
        elif (
            stem in sys.stdlib_module_names
            and stem not in sys.builtin_module_names
            and not stem.startswith("_")
        ):
            found.append(Fault("shadows-stdlib", stem, Location(display + where)))
    return found


def _texts(root: Path, entry: Path, sizes: dict[str, int]) -> tuple[dict[str, str], list[str]]:
    """The contents of the small text files that can steer a script, and the files that were looked at."""
    found: dict[str, str] = {}
    watched: list[str] = []
    budget = 2_000_000
    for name, size in sizes.items():
        suffix = os.path.splitext(name)[1]  # noqa: PTH122
        if suffix not in SETTINGS or not 0 < size <= MAX_TEXT or budget < size or len(watched) > 300:
            continue
        watched.append(name)
        budget -= size
        if (root / name) == entry and suffix == ".py":
            continue
        try:
            found[name] = (root / name).read_text(errors="replace")
        except OSError:
            continue
    return found, watched


def _keys(texts: dict[str, str], display: str) -> list[Fault]:
    found = []
    for name, text in texts.items():
        match = AWS_KEY.search(text)
        if match and "EXAMPLE" not in match.group():
            line = text.count("\n", 0, match.start()) + 1
            found.append(Fault("aws-key", name, Location(display + name, line)))
    return found
