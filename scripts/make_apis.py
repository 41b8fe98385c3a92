"""Make ``src/cursus/aws/data/apis.json``: names and arguments of libraries that only some of their versions have.

    for version in 0.20.4 … 1.8.0; do pip download --no-deps -d FOLDER scikit-learn==$version; done
    git clone --bare https://github.com/dmlc/xgboost FOLDER/xgboost.git
    python scripts/make_apis.py FOLDER

FOLDER has wheels of the libraries in ``WHEELS``, and clones of those in ``CLONES``, of which each tag is a version. The
sources are parsed and never run. A name, or a method of a class, is kept where some of the versions alone have it;
``[first, last]`` are those, empty where no version is before or after. Where a version's source has the word in any
other way it counts as there. An argument is kept where a function, a method, or a class by its ``__init__``, takes it
by name in some of the versions alone, and takes no others (``**kwargs``).
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tables

WHEELS = {"sklearn": "scikit_learn", "pandas": "pandas", "transformers": "transformers"}
CLONES = {
    # library: (clone, folder of its sources, first version)
    "xgboost": ("xgboost", "python-package/xgboost", "0.90"),
    "lightgbm": ("LightGBM", "python-package/lightgbm", "2.3"),
    "datasets": ("datasets", "src/datasets", "1.5"),
    "accelerate": ("accelerate", "src/accelerate", "0.10"),
    "peft": ("peft", "src/peft", "0.2"),
    "trl": ("trl", "trl", "0.7"),
}
PUBLIC = {
    "sklearn": r"sklearn(?:\.[a-z]\w*){0,2}",
    "pandas": r"pandas|pandas\.(?:api|plotting|errors|tseries\.offsets|io\.json)",
    "transformers": r"transformers\.(?:trainer|trainer_seq2seq)",
    "xgboost": r"xgboost|xgboost\.(?:sklearn|callback|dask|spark)",
    "accelerate": r"accelerate|accelerate\.utils",
}
"""The modules that scripts import from; of other libraries, the library itself."""
ITSELF = {"transformers.trainer.": "transformers.", "transformers.trainer_seq2seq.": "transformers."}
"""Names that scripts have from the library itself, which lists them as it is asked for them."""
BEHIND = {"sklearn"}
"""Libraries whose modules say by ``__getattr__`` what they no longer have."""
HIDDEN = re.compile(
    r"\.(?:_|tests?\b|testing\b|conftest|setup\b|version\b|externals\.\w+\.|utils\.(?:fixes|estimator_checks))"
)
RENAMED = re.compile(r"deprecat|rename", re.IGNORECASE)
PLAIN = frozenset({"object", "ABC", "Generic", "Protocol", "Enum", "str", "dict", "int", "Exception"})
"""Bases that have no members of interest."""
MOVED = "clone/"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Version:
    """The sources of one version, by their paths (``sklearn/svm/__init__.py``)."""

    number: str
    listed: set[str]
    read: Callable[[str], str]
    parsed: dict[str, ast.Module | None] = field(default_factory=dict)
    classes: dict[str, list[str]] = field(default_factory=dict)
    """The modules that a class and those above it are defined in."""
    known_words: dict[str, frozenset[str]] = field(default_factory=dict)

    def module(self, name: str) -> ast.Module | None:
        """A module by its dotted name; None where it has none that can be read."""
        if name not in self.parsed:
            text = self.text(name)
            self.parsed[name] = ast.parse(text) if text else None
        return self.parsed[name]

    def text(self, name: str) -> str:
        """The source of a module; empty for one that is compiled, or not there."""
        paths = (f"{name.replace('.', '/')}/__init__.py", f"{name.replace('.', '/')}.py")
        return next((self.read(path) for path in paths if path in self.listed), "")

    def words(self, name: str) -> frozenset[str]:
        """The words of a module's source."""
        if name not in self.known_words:
            self.known_words[name] = frozenset(re.findall(r"\w+", self.text(name)))
        return self.known_words[name]

    def modules(self, public: str) -> set[str]:
        """The names of the public modules, compiled ones among them."""
        plain = {re.sub(r"(?:/__init__)?(?:\.cpython[^/]*)?\.(?:py|so)$", "", path) for path in self.listed}
        dotted = {path.replace("/", ".") for path in plain if "." not in path}
        return {name for name in dotted if re.fullmatch(public, name) and not HIDDEN.search(name)}


def main(folder: str) -> None:
    """Write the table from what ``folder`` holds."""
    libraries = {}
    sources = []
    for library, versions in (*of_wheels(Path(folder)), *of_clones(Path(folder))):
        libraries[library] = differences(library, versions)
        sources.append(f"{library} {versions[0].number} to {versions[-1].number}")
    table = {
        "source": f"{', '.join(sources)} (PyPI; GitHub: {', '.join(name for name, _, _ in CLONES.values())})",
        "date": tables.today(),
        "libraries": libraries,
    }
    tables.put("apis", json.dumps(table, separators=(",", ":")).replace('"],"', '"],\n"'))


def of_wheels(folder: Path) -> Iterator[tuple[str, list[Version]]]:
    for library, name in WHEELS.items():
        found = {path.name.split("-")[1]: path for path in folder.glob(f"{name}-*.whl")}
        yield (
            library,
            [
                of_zip(number, found[number], f"{library}/", f"{library}/")
                for number in sorted(found, key=order)
            ],
        )


def of_clones(folder: Path) -> Iterator[tuple[str, list[Version]]]:
    """The last release of each minor version."""
    for library, (name, below, first) in CLONES.items():
        clone = str(next(path for path in (folder / f"{name}.git", folder / name) if path.exists()))
        last: dict[tuple[int, ...], str] = {}
        for tag in tables.git(clone, "tag").split():
            if re.fullmatch(r"v?\d+(\.\d+)+", tag) and order(tag) >= order(first):
                minor = order(tag)[:2]
                last[minor] = max(tag, last.get(minor, tag), key=order)
        versions = []
        for tag in sorted(last.values(), key=order):
            packed = subprocess.run(
                ["git", "--git-dir", clone, "archive", "--format=zip", f"--prefix={MOVED}", tag, below],
                capture_output=True,
                check=False,
            )
            if packed.returncode:
                continue  # the library lay elsewhere then
            versions.append(of_zip(tag.lstrip("v"), io.BytesIO(packed.stdout), f"{MOVED}{below}", library))
        yield library, versions


def of_zip(number: str, file: Path | io.BytesIO, below: str, library: str) -> Version:
    """A version from a wheel, or from a part of a repository."""
    packed = zipfile.ZipFile(file)
    paths = {path.replace(below, library, 1): path for path in packed.namelist() if path.startswith(below)}
    return Version(number, set(paths), lambda path: packed.read(paths[path]).decode())


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition(".post")[0]))


def differences(library: str, versions: list[Version]) -> dict[str, Any]:
    """Names and arguments that some of the versions alone have."""
    numbers = [version.number for version in versions]
    every = [version.modules(PUBLIC.get(library, library)) for version in versions]
    bound: dict[str, set[int]] = {}
    words: dict[str, dict[int, set[str] | None]] = {}
    maybe: dict[str, set[int]] = {}
    for each, version in enumerate(versions):
        for module in every[each]:
            bound.setdefault(f"{module}.", set()).add(each)
            names, open_ended = public(library, version, module)
            if open_ended:
                maybe.setdefault(module, set()).add(each)
            for name, node in names.items():
                shown = next(
                    (to + name for of, to in ITSELF.items() if f"{module}." == of), f"{module}.{name}"
                )
                bound.setdefault(shown, set()).add(each)
                for member, taken in signatures(version, module, name, node):
                    if not member or name in version.classes:
                        bound.setdefault(shown + member, set()).add(each)
                    words.setdefault(shown + member, {})[each] = taken
                if name not in version.classes:
                    maybe.setdefault(f"{shown}()", set()).add(each)
    there = {name: mentioned(library, versions, every, maybe, name, at) for name, at in bound.items()}
    named = {name: sorted(at) for name, at in sorted(there.items()) if f"{name}." not in bound}
    spans = {name: span(at, numbers) for name, at in named.items()}
    kept = {name: one for name, one in spans.items() if one is not None and not covered(name, spans)}
    given = {name: arguments(taken, numbers) for name, taken in sorted(words.items())}
    return {
        "versions": numbers,
        "names": kept,
        "words": {name: found for name, found in given.items() if found},
    }


def mentioned(
    library: str,
    versions: list[Version],
    every: list[set[str]],
    maybe: dict[str, set[int]],
    name: str,
    at: set[int],
) -> set[int]:
    """The versions that have a name, or may have it: its module, or its class, cannot be read, or has the word."""
    if name.endswith("."):
        return at
    owner, last = name.rsplit(".", 1)
    found = set(at)
    for each, version in enumerate(versions):
        module = owner if owner in every[each] else owner.rpartition(".")[0]
        if each in found or module not in every[each]:
            continue
        modules = [module] if module == owner else version.classes.get(owner.rpartition(".")[2], [])
        behind = library in BEHIND and module == owner
        unread = maybe.get(owner if module == owner else f"{owner}()", ())
        if each in unread or (not behind and any(last in version.words(one) for one in modules)):
            found.add(each)
    return found


def covered(name: str, spans: dict[str, list[str] | None]) -> bool:
    """True for a name of a module, or of a class, that is told of itself."""
    parts = name.rstrip(".").split(".")
    above = [".".join(parts[:number]) for number in range(1, len(parts))]
    return any(spans.get(one) or spans.get(f"{one}.") for one in above)


def span(at: list[int], numbers: list[str]) -> list[str] | None:
    """The first and the last of some of the versions, where they follow each other."""
    if len(at) == len(numbers) or at != list(range(at[0], at[-1] + 1)):
        return None
    return [numbers[at[0]] if at[0] else "", numbers[at[-1]] if at[-1] < len(numbers) - 1 else ""]


def arguments(taken: Mapping[int, set[str] | None], numbers: list[str]) -> dict[str, list[str]]:
    """The arguments of a function that some of the versions with it alone take."""
    there = [numbers[each] for each in sorted(taken)]
    spans: dict[str, list[str]] = {}
    for name in sorted(set().union(*(names or () for names in taken.values()))):
        at = [
            place for place, (_, names) in enumerate(sorted(taken.items())) if names is None or name in names
        ]
        found = span(at, there)
        if found is not None and name.isidentifier() and name != "self":
            spans[name] = found
    return spans


def public(library: str, version: Version, module: str) -> tuple[dict[str, ast.AST], bool]:
    """What a module binds, with the statement that does, and whether it may have other names."""
    tree = version.module(module)
    if tree is None:
        return {}, True
    names: dict[str, ast.AST] = {}
    listed: dict[str, ast.AST] = {}
    open_ended = False
    package = f"{module.replace('.', '/')}/__init__.py" in version.listed
    for node in statements(tree):
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            open_ended |= node.name == "__getattr__" and library not in BEHIND
            names[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            open_ended |= any(one.name == "*" for one in node.names)
            if package and (node.level or (node.module or "").partition(".")[0] == library):
                names |= {one.asname or one.name: node for one in node.names}
        elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Dict, ast.List)) and package:
            texts = [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
            listed |= {one: node for one in texts if isinstance(one, str) and one.isidentifier()}
    return {name: node for name, node in {**listed, **names}.items() if not name.startswith("_")}, open_ended


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a module, those of its branches among them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.ExceptHandler)):
            yield from statements(node)


def signatures(
    version: Version, module: str, name: str, node: ast.AST
) -> Iterator[tuple[str, set[str] | None]]:
    """What a function takes by name, or a class and, behind a dot, its methods; None for anything."""
    found = definition(version, module, name, node)
    module, node = found if found is not None else (module, node)
    if isinstance(node, FUNCTIONS):
        yield "", parameters(node)
    elif not isinstance(node, ast.ClassDef):
        yield "", None
    else:
        classes = list(inherited(version, module, node))
        # Of what stands behind a class of another library, a method may come from that.
        made = [
            one for _, one in itertools.takewhile(lambda one: one[1] is not None, classes) if one is not None
        ]
        yield "", initial(made)
        if len(made) == len(classes):
            version.classes.setdefault(name, [module for module, _ in classes])
        members = {
            one.name: one for each in reversed(made) for one in each.body if isinstance(one, FUNCTIONS)
        }
        for member in members.values():
            if not member.name.startswith("_"):
                yield f".{member.name}", parameters(member)


def definition(
    version: Version, module: str, name: str, node: ast.AST, depth: int = 0
) -> tuple[str, ast.AST] | None:
    """The module and the statement that define what another one imports."""
    if not isinstance(node, ast.ImportFrom):
        return module, node
    package = (
        module if f"{module.replace('.', '/')}/__init__.py" in version.listed else module.rpartition(".")[0]
    )
    for _ in range(max(node.level - 1, 0)):
        package = package.rpartition(".")[0]
    source = node.module or ""
    if node.level:
        source = f"{package}.{source}".rstrip(".")
    tree = version.module(source) if depth < 5 else None
    original = next((one.name for one in node.names if (one.asname or one.name) == name), name)
    for one in reversed(list(statements(tree)) if tree is not None else []):
        named = [(each.asname or each.name) for each in one.names] if isinstance(one, ast.ImportFrom) else []
        if getattr(one, "name", None) == original or original in named:
            return definition(version, source, original, one, depth + 1)
    return None


def inherited(
    version: Version, module: str, node: ast.ClassDef, depth: int = 0
) -> Iterator[tuple[str, ast.ClassDef | None]]:
    """A class and those of the library that it inherits from, each with its module; None for one of another's."""
    yield module, node
    tree = version.module(module)
    for base in node.bases if tree is not None else ():
        name = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
        if name in PLAIN:
            continue
        found = None
        for one in statements(tree) if tree is not None and depth < 8 else ():
            named = (
                [(each.asname or each.name) for each in one.names] if isinstance(one, ast.ImportFrom) else []
            )
            if name and one is not node and (getattr(one, "name", None) == name or name in named):
                found = definition(version, module, name, one)
        if found is not None and isinstance(found[1], ast.ClassDef):
            yield from inherited(version, found[0], found[1], depth + 1)
        else:
            yield module, None


def initial(classes: Iterable[ast.ClassDef]) -> set[str] | None:
    """The arguments of a class: of its ``__init__``, or of that of the class it inherits from."""
    for node in classes:
        for one in node.body:
            if isinstance(one, FUNCTIONS) and one.name in ("__init__", "__new__"):
                return parameters(one)
        if any("dataclass" in ast.dump(one) for one in node.decorator_list):
            return None
    return None


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str] | None:
    given = node.args
    if given.kwarg is not None:
        return None
    names = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)} - {"self", "cls"}
    decorated = [
        one
        for each in node.decorator_list
        if RENAMED.search(ast.unparse(each).partition("(")[0])
        for one in ast.walk(each)
        if isinstance(one, ast.Constant)
    ]
    return names | {one.value for one in decorated if isinstance(one.value, str) and one.value.isidentifier()}


if __name__ == "__main__":
    main(*sys.argv[1:])
