"""requirements.txt as pip reads it inside the container: what cannot install there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cursus.aws.tables import entries, table
from cursus.model import Location
from cursus.script.facts import Requirement
from cursus.script.source.there import is_dir, is_file

NAME = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*"
    r"(?P<rest>@.*|(?:\(?\s*(?P<version>(?:===|==|~=|!=|<=|>=|<|>)[^;]*?)\s*\)?)?\s*(?:;.*)?)$"
)
VERSIONS = re.compile(r"\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9][A-Za-z0-9._*+!-]*\s*$")
VCS = re.compile(r"(?:git|hg|svn|bzr)\+", re.IGNORECASE)
CREDENTIAL = re.compile(r"://[^/@\s]+@")
WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
BUILDS = re.compile(r"^/(?:tmp/build|croot|home/conda/feedstock_root|opt/conda/conda-bld|opt/concourse)/")
COMMENT = re.compile(r"(^|\s+)#.*$")


def read_requirements(path: Path, shown: str, seen: frozenset[Path] = frozenset()) -> tuple[Requirement, ...]:
    """The lines of a requirements file, those of included files with them."""
    try:
        data = path.read_bytes()
    except OSError:
        return ()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        text = data.decode("utf-8-sig", errors="replace")
    found: list[Requirement] = []
    for number, line in _lines(text):
        found.extend(_line(path, line, Location(shown, number), seen | {path}))
    return tuple(found) if seen else _hashes(_ranges(_local_builds(_doubled(found), text)))


def _hashes(found: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """The requirements, with a problem for those without a hash where others have one."""
    if not any("--hash" in one.line for one in found):
        return found
    return tuple(
        dataclasses.replace(one, problem="no-hash")
        if one.name and "--hash" not in one.line and not one.problem
        else one
        for one in found
    )


def _ranges(found: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """The requirements, with a problem where no version is in all the ranges given for one name."""
    demands: dict[str, set[str]] = {}
    marked = []
    for one in found:
        name = re.sub(r"[-_.]+", "-", one.name.lower())
        if not one.problem and name and one.version and ";" not in one.line:
            given = demands.setdefault(name, set())
            given.update(part.strip() for part in one.version.split(",") if part.strip())
            if len(given) <= MANY and no_version(given):
                one = dataclasses.replace(one, problem="no-version")
        marked.append(one)
    return tuple(marked)


DEMAND = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*v?(\d{1,18}(?:\.\d{1,18})*)(\.\*)?$")
MANY = 100
"""Ranges of one package that are held against each other."""


def no_version(demands: Iterable[str]) -> bool:
    """True where surely no version fulfils all of ``demands`` (``>=1.6``); what cannot be read demands nothing."""
    low: tuple[tuple[int, ...], bool] = ((0,), True)
    high: tuple[tuple[int, ...], bool] | None = None
    for demand in demands:
        match = DEMAND.match(demand)
        if match is None:
            continue
        sign, version = match.group(1), _version(match.group(2))
        if match.group(3) and sign == "==":
            sign = "~="
            version = (*version, 0)
        if sign in (">=", ">", "==", "===", "~="):
            low = max(low, (version, sign != ">"), key=lambda bound: (bound[0], not bound[1]))
        ends = (
            (version, sign != "<")
            if sign in ("<=", "<", "==", "===")
            else ((*version[:-2], version[-2] + 1), False)
            if sign == "~=" and len(version) > 1
            else None
        )
        if ends is not None:
            high = ends if high is None else min(high, ends)
    if high is None:
        return False
    length = max(len(low[0]), len(high[0]))
    below, above = ((*bound, *[0] * (length - len(bound))) for bound in (low[0], high[0]))
    return below > above or (below == above and not (low[1] and high[1]))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


SPACY_MODEL = re.compile(r"[a-z]{2}[-_](?:core|dep)[-_](?:web|news)[-_](?:sm|md|lg|trf)$")
"""The packages of spaCy's trained pipelines, which are on GitHub alone: https://spacy.io/usage/models#production"""


def _local_builds(found: Iterable[Requirement], text: str) -> tuple[Requirement, ...]:
    """The requirements, with a problem where PyPI lacks a local version (``+cu117``) or a package, without an index."""
    if re.search(r"(?m)^\s*(?:-i|-f|--(?:extra-)?index-url|--find-links)\b", text):
        return tuple(found)
    return tuple(
        dataclasses.replace(one, problem="local-version")
        if not one.problem and re.match(r"={2,3}[^;]*\+(?:cu[0-9]|cpu|rocm)", one.version.replace(" ", ""))
        else dataclasses.replace(one, problem="spacy-model")
        if not one.problem and SPACY_MODEL.match(one.name) and not re.search("[@;]", one.line)
        else one
        for one in found
    )


def _doubled(found: list[Requirement]) -> tuple[Requirement, ...]:
    """The requirements, with a problem where one name is pinned to two versions."""
    pins: dict[str, str] = {}
    marked = []
    for one in found:
        name = re.sub(r"[-_.]+", "-", one.name.lower())
        pin = one.version.replace(" ", "")
        pinned = not one.problem and name and pin.startswith("==") and ";" not in one.line and "*" not in pin
        if pinned and pins.setdefault(name, pin) != pin:
            one = dataclasses.replace(one, problem="doubled")
        marked.append(one)
    return tuple(marked)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first line: continued lines joined, comments left out."""
    held = ""
    start = 0
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            held += raw[:-1]
            continue
        line = COMMENT.sub("", held + raw).strip()
        if line:
            yield start, line
        held, start = "", 0
    if held.strip():
        yield start, held.strip()


def _line(path: Path, line: str, where: Location, seen: frozenset[Path]) -> Iterator[Requirement]:
    option, _, rest = line.partition(" ")
    if line.startswith("--"):
        pieces = re.split(r"[=\s]+", line, maxsplit=1)
        option, rest = pieces[0], pieces[1] if len(pieces) > 1 else ""
    elif line.startswith(("-e", "-r", "-c", "-i", "-f")) and not line[2:3].isspace():
        option, rest = line[:2], line[2:]
    rest = rest.strip()
    if option in ("-r", "--requirement", "-c", "--constraint"):
        yield from _included(path, line, rest, where, seen, follow=option in ("-r", "--requirement"))
    elif option in ("-e", "--editable"):
        yield Requirement(line, _egg(rest), "", _editable(path, rest), where)
    elif option.startswith("-"):
        if option in ("-i", "--index-url", "--extra-index-url") and CREDENTIAL.search(rest):
            yield Requirement(option, "", "", "index-credentials", where)
        elif (
            option in ("-f", "--find-links")
            and "://" not in rest
            and _path_problem(path, rest) == "local-path"
        ):
            yield Requirement(line, "", "", "local-links", where)
        elif option in ("-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links"):
            yield Requirement(option, "", "", "", where)
        elif option not in entries("libraries", "requirements_options"):
            yield Requirement(line, "", "", "syntax", where)
    else:
        yield _plain(path, line, where)


def _included(
    path: Path, line: str, rest: str, where: Location, seen: frozenset[Path], *, follow: bool
) -> Iterator[Requirement]:
    if "://" in rest:
        return
    target = path.parent / rest
    if not is_file(target):
        yield Requirement(line, rest, "", "missing-file", where)
    elif follow and target not in seen and len(seen) < 10:
        shown = where.file.rpartition("/")[0]
        yield from read_requirements(target, f"{shown}/{rest}" if shown else rest, seen)


def _egg(rest: str) -> str:
    return rest.rpartition("#egg=")[2] if "#egg=" in rest else ""


def _editable(path: Path, rest: str) -> str:
    if VCS.match(rest):
        return "editable-vcs"
    if "://" in rest:
        return "editable-vcs"
    return _path_problem(path, rest)


HOMES = ("/home/", "/Users/", "/root/", "/content/", "/mnt/", "~")


def _path_problem(path: Path, rest: str) -> str:
    """Why a path requirement cannot install; an absolute path may be the image's own."""
    target = rest.removeprefix("/opt/ml/code/")
    if WINDOWS.match(target.lstrip("/")):
        return "local-path"
    if _local(path, target):
        return "no-project" if _no_project(path, target) else ""
    if BUILDS.match(target):
        return "conda-build"
    return "image-path" if target.startswith("/") and not target.startswith(HOMES) else "local-path"


def _no_project(path: Path, rest: str) -> bool:
    """True for a folder without what pip needs to install it."""
    folder = path.parent / re.sub(r"\[[^\]]*\]$", "", rest.partition(";")[0].strip())
    return is_dir(folder) and not any(
        is_file(folder / name) for name in ("setup.py", "pyproject.toml", "setup.cfg")
    )


def _local(path: Path, rest: str) -> bool:
    """True where a path requirement names something that travels with the source directory."""
    target = re.sub(r"\[[^\]]*\]$", "", rest.partition(";")[0].strip().removeprefix("file:"))
    if target.startswith(("/", "~")) or WINDOWS.match(target):
        return False
    place = (path.parent / target).resolve()
    root = path.parent.resolve()
    return (is_file(place) or is_dir(place)) and (place == root or root in place.parents)


def _plain(path: Path, line: str, where: Location) -> Requirement:
    bare = re.split(r"\s+--(?:hash|global-option|config-settings|install-option)", line)[0].strip()
    direct = bare.partition("@")[2].strip() if re.match(r"[\w.\[\],-]+\s*@\s*", bare) else ""
    target = direct or bare
    name = re.split(r"[\s@\[<>=!~;]", bare)[0]
    if VCS.match(target):
        return Requirement(line, _egg(target) or (name if direct else ""), "", _vcs(target), where)
    if target.startswith("file://"):
        problem = _path_problem(path, target.removeprefix("file://"))
        return Requirement(line, name, "", problem, where)
    if target.startswith(("s3://", "codecommit")):
        return Requirement(line, "", "", "s3", where)
    if "://" in target:
        return Requirement(line, name if direct else "", "", "", where)
    if (
        target.startswith((".", "/", "~"))
        or WINDOWS.match(target)
        or target.endswith((".whl", ".tar.gz", ".zip"))
    ):
        return Requirement(line, "", "", _path_problem(path, target), where)
    if "/" in target.partition(";")[0] or "\\" in target:
        return Requirement(line, "", "", _path_problem(path, target), where)
    match = NAME.fullmatch(bare)
    if match is None:
        return Requirement(
            line, "", "", "conda" if re.fullmatch(r"[\w.-]+=[\w.]+(=[\w.]+)?", bare) else "syntax", where
        )
    if ";" in bare and not _is_marker(bare.partition(";")[2]):
        return Requirement(line, match.group("name"), "", "syntax", where)
    version = (match.group("version") or "").strip().rstrip(")")
    problem = "" if ";" in bare else _not_installed(match.group("name"), version)
    if problem:
        return Requirement(line, match.group("name"), version, problem, where)
    if version and not all(VERSIONS.fullmatch(part) for part in version.split(",") if part.strip()):
        return Requirement(line, match.group("name"), version, "syntax", where)
    return Requirement(line, match.group("name"), version, "", where)


def instead(name: str) -> str:
    """What to write for a package that pip installs nothing useful for; the name itself where that is not known."""
    known = table("libraries")["not_installed"].get(_normal(name), {})
    return str(known.get("instead", name))


def _not_installed(name: str, version: str) -> str:
    """What is wrong with a name that pip installs nothing useful for in a Linux container; empty for any other."""
    plain = _normal(name)
    known = table("libraries")["not_installed"].get(plain)
    if known is None:
        return "stdlib" if plain in entries("libraries", "no_package") else ""
    still = known.get("still")  # the versions that are the package itself
    return "" if still and re.match(still, version.replace(" ", "")) else str(known["problem"])


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


TOKENS = re.compile(
    r"""\s*(?:(\()|(\))|(and|or)\b|(===|[=!~<>]=|[<>]|not\s+in\b|in\b)|('[^']*'|"[^"]*"|[a-z_.]+))"""
)


def _is_marker(text: str) -> bool:
    """True for an environment marker as pip reads it: ``python_version >= "3.8" and sys_platform == "linux"``."""
    shape, at, end = "", 0, len(text.rstrip())
    while at < end:
        match = TOKENS.match(text, at)
        if match is None or match.end() == at:
            return False
        shape += "()aov"[(match.lastindex or 1) - 1]
        at = match.end()
    before = None
    while before != shape:
        before, shape = shape, shape.replace("vov", "c").replace("(c)", "c").replace("cac", "c")
    return shape == "c"


def _vcs(target: str) -> str:
    if "+ssh://" in target.lower() or re.search(r"\+git@|//git@", target):
        return "ssh"
    return "credentials" if CREDENTIAL.search(target) else "vcs"
