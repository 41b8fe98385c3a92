"""Make ``src/cursus/aws/data/dataclasses.json``: the fields of dataclasses that scripts give to HfArgumentParser.

    for version in 4.6.1 4.10.2 … 5.23.0; do pip download --no-deps -d WHEELS transformers==$version; done
    python scripts/make_dataclasses.py WHEELS

Every field of any of the versions is kept, as a job may install another one than its image has; ``spans`` has the first
and the last of the versions with a field that some lack, ``required`` with one that has no default. A field's type is
kept where all versions agree on one that HfArgumentParser converts with.
"""

from __future__ import annotations

import ast
import re
import sys
import zipfile
from pathlib import Path

import tables

FILES = {
    "TrainingArguments": "transformers/training_args.py",
    "Seq2SeqTrainingArguments": "transformers/training_args_seq2seq.py",
}
BASES = {"Seq2SeqTrainingArguments": "TrainingArguments"}


def main(folder: str) -> None:
    """Write the table from the wheels in ``folder``."""
    wheels = {_version(path): path for path in Path(folder).glob("transformers-*.whl")}
    if not wheels:
        raise SystemExit(f"no wheel of transformers in {folder}")
    versions = sorted(wheels, key=lambda version: [int(part) for part in version.split(".")])
    fields: dict[str, dict[str, set[str]]] = {name: {} for name in FILES}
    there: dict[str, dict[str, list[str]]] = {name: {} for name in FILES}
    wanted: dict[str, dict[str, list[str]]] = {name: {} for name in FILES}
    for version in versions:
        with zipfile.ZipFile(wheels[version]) as wheel:
            for name, file in FILES.items():
                for field, (kind, required) in _fields(wheel.read(file).decode(), name).items():
                    fields[name].setdefault(field, set()).add(kind)
                    there[name].setdefault(field, []).append(version)
                    if required:
                        wanted[name].setdefault(field, []).append(version)
    known: dict[str, dict[str, str]] = {}
    spans: dict[str, dict[str, list[str]]] = {}
    demanded: dict[str, dict[str, list[str]]] = {}
    for name in FILES:
        base = BASES.get(name, "")
        whole = {**fields.get(base, {}), **fields[name]}
        spans[f"transformers.{name}"] = {
            field: _span(found, versions)
            for field, found in sorted({**there.get(base, {}), **there[name]}.items())
            if found != versions
        }
        demanded[f"transformers.{name}"] = {
            field: _span(found, versions)
            for field, found in sorted({**wanted.get(base, {}), **wanted[name]}.items())
        }
        kinds = {field: sorted(found) for field, found in sorted(whole.items())}
        known[f"transformers.{name}"] = {f: k[0] if len(k) == 1 else "other" for f, k in kinds.items()}
    source = f"transformers {', '.join(versions)} (PyPI)"
    table = {
        "source": source,
        "date": tables.today(),
        "versions": versions,
        "fields": known,
        "spans": spans,
        "required": demanded,
    }
    tables.write("dataclasses", table)


def _span(found: list[str], versions: list[str]) -> list[str]:
    first, last = versions.index(found[0]), versions.index(found[-1])
    if found != versions[first : last + 1]:
        raise SystemExit(f"not in a row: {found}")
    return [found[0], found[-1]]


def _version(path: Path) -> str:
    found = re.match(r"transformers-([\d.]+)-", path.name)
    if found is None:
        raise SystemExit(f"no version in the name of {path}")
    return found[1]


def _fields(source: str, name: str) -> dict[str, tuple[str, bool]]:
    """(type, whether there is no default) of each field."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return {
                entry.target.id: (_kind(ast.unparse(entry.annotation)), _is_required(entry.value))
                for entry in node.body
                if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name)
            }
    raise SystemExit(f"transformers has no {name}")


def _kind(annotation: str) -> str:
    plain = annotation.replace("Optional[", "").rstrip("]").replace(" | None", "").strip()
    return plain if plain in ("int", "float", "str", "bool") else "other"


def _is_required(value: ast.expr | None) -> bool:
    if not isinstance(value, ast.Call):
        return value is None
    return not {"default", "default_factory", "init"} & {word.arg for word in value.keywords}


if __name__ == "__main__":
    main(*sys.argv[1:])
