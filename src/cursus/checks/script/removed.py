"""Names and arguments of libraries that the version in the job's image no longer has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cursus.aws import images, library_apis, library_fields
from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.files import python_severity
from cursus.checks.script.keras import legacy_keras
from cursus.checks.script.request import habits, library_version, readable, resolve
from cursus.checks.script.versions import versions_of
from cursus.checks.views import TrainingView
from cursus.model import Location
from cursus.script.facts import Habit, ScriptFacts
from cursus.suggest import did_you_mean


@rule("FRM072", scope="script")
def name_removed(view: TrainingView) -> Iterator[Problem]:
    """The script uses what the version of a library in the image no longer has.

    What it does:
        Holds imports, calls, their arguments and some values of theirs against the names that scikit-learn, pandas, NumPy, TensorFlow, Keras, XGBoost, LightGBM, PyTorch,
        datasets, accelerate, peft, trl and Lightning have taken out or brought in, and the arguments of transformers' ``Trainer`` and ``TrainingArguments``
        against theirs: in the version that requirements.txt pins, or that the image is of, or pins, or at least has by its Python; the
        standard library's against the image's Python; and experimental names of scikit-learn's against the import that enables them. What is imported in ``try``, or on a condition, is left alone.
    Why:
        ``ImportError``, ``AttributeError`` or ``TypeError``: a script that was written for an older image fails in a newer one.
    Example:
          files:
            train.py: |
              import os
        -     from sklearn.externals import joblib
        +     import joblib
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              joblib.dump([1], os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
            requirements.txt: scikit-learn==1.5.2
    Source:
        https://scikit-learn.org/stable/whats_new.html; https://www.tensorflow.org/guide/migrate; https://keras.io/guides/migrating_to_keras_3/;
        https://github.com/dmlc/xgboost/releases/tag/v2.1.0; https://github.com/huggingface/transformers/releases/tag/v4.46.0
    """
    facts = readable(view)
    if facts is None:
        return
    yield from _experimental(facts)
    for habit in habits(view, "lightning-hook"):
        version = next((one for name in LIGHTNING if (one := versions_of(view, name))), None)
        if version is not None and images.order(version[0]) >= (2,):
            yield Problem(
                f"Lightning {_shown(version)} calls no {habit.detail}, and refuses a module that has one",
                remedy=f"write on_{habit.detail}(self), and keep what the steps give in a list of the module's",
                location=habit.location,
            )
    told: set[str] = set()
    for name, where in _used(facts):
        for problem, hit in _gone(view, name, where):
            if hit not in told:
                told.add(hit)
                yield problem
    for habit in habits(view, "library-words"):
        given = [word for word in habit.key.split(",") if word]
        yield from _arguments(view, habit, given)
        yield from _values(view, habit)
        if habit.sure and library_fields.is_known(habit.detail):
            yield from _unknown_fields(view, habit, given)


def _gone(view: TrainingView, name: str, where: Location) -> Iterator[tuple[Problem, str]]:
    """A name that the job's version of a library no longer has, or does not have yet."""
    top = name.partition(".")[0]
    for entry in _entries().get(top, ()):
        hit = next((one for one in entry["names"] if _is(name, one)), None)
        version = _since(view, entry) if hit is not None else ""
        if hit is not None and version:
            new = entry.get("new", False)
            yield (
                Problem(
                    f"{hit.rstrip('.')} is not in {entry['library']} {version}: it "
                    + (f"came with {entry['since']}" if new else f"was taken out in {entry['since']}"),
                    remedy=f"write {entry['instead']}, or take an image of {'a newer' if new else 'an older'} version",
                    severity=python_severity(view) if entry["library"] == "python" else None,
                    location=where,
                ),
                hit,
            )
            return
    versions = versions_of(view, top)
    hit, having = library_apis.lacking(name, versions) if versions is not None else ("", "")
    if hit and versions is not None:
        yield (
            Problem(
                f"{hit} is not in {top} {_shown(versions)}: {having}",
                remedy="write what that version has, or pin another one in requirements.txt",
                location=where,
            ),
            hit,
        )


def _arguments(view: TrainingView, habit: Habit, given: list[str]) -> Iterator[Problem]:
    """Arguments that the job's version of a function no longer takes, or does not take yet."""
    for entry in table("removals")["words"]:
        gone = sorted(set(given) & set(entry["words"])) if _fits(habit.detail, entry["function"]) else []
        version = _since(view, entry) if gone else ""
        if version and not (entry["library"] == "tensorflow" and legacy_keras(view)):
            yield Problem(
                f"{habit.detail} of {entry['library']} {version} takes no {gone[0]!r}: it was taken out in {entry['since']}",
                remedy=f"write {entry['instead']}",
                severity=None if habit.sure else "warning",
                location=habit.location,
            )
            return
    top = habit.detail.partition(".")[0]
    versions = versions_of(view, top) if given else None
    word, having = library_apis.refused(habit.detail, given, versions) if versions is not None else ("", "")
    if word and versions is not None:
        yield Problem(
            f"{habit.detail} of {top} {_shown(versions)} takes no {word!r}: {having}",
            remedy="write it as that version calls it, or pin another one in requirements.txt",
            severity=None if habit.sure else "warning",
            location=habit.location,
        )


LIGHTNING = ("pytorch_lightning", "lightning")


def _values(view: TrainingView, habit: Habit) -> Iterator[Problem]:
    """Values of an argument that the job's version of a library no longer takes."""
    for one in habit.others:
        value = resolve(view, one.text)
        for entry in table("removals")["values"]:
            if (
                habit.detail not in entry["functions"]
                or one.key != entry["word"]
                or value not in entry["values"]
            ):
                continue
            version = _since(view, entry)
            if version:
                yield Problem(
                    f"{habit.detail} of {entry['library']} {version} takes no {one.key}={value!r}: it was taken out in {entry['since']}",
                    remedy=f"write {entry['instead']}",
                    severity=None if habit.sure else "warning",
                    location=one.location,
                )


def _experimental(facts: ScriptFacts) -> Iterator[Problem]:
    """Names that scikit-learn hands out only after another import."""
    enabled = {name for one in facts.imports if "experimental" in one.module for name in one.names}
    enabled |= {one.module.rpartition(".")[2] for one in facts.imports}
    known: dict[str, str] = table("libraries")["experimental"]
    for one in facts.imports:
        for name in one.names if one.sure else ():
            needed = known.get(f"{one.module}.{name}")
            if needed is not None and needed not in enabled:
                yield Problem(
                    f"{name} is experimental in scikit-learn: explicitly import {needed} before it",
                    remedy=f"from sklearn.experimental import {needed}",
                    location=one.location,
                )


def _shown(versions: tuple[str, str]) -> str:
    """One version, or the oldest or the newest that it may be."""
    low, high = versions
    if low == high:
        return low
    return f"{low} and later" if high == "9999" else f"{low} to {high}"


def _unknown_fields(view: TrainingView, habit: Habit, given: list[str]) -> Iterator[Problem]:
    """Arguments that ``TrainingArguments`` of this version does not have."""
    version, name = library_version(view), habit.detail.rpartition(".")[2]
    known = {field for field, _, _ in library_fields.fields(habit.detail, version)}
    for word in given:
        if word in known:
            continue
        span = library_fields.versions_with(habit.detail, word)
        which = f", which versions {span} have" if span else ""
        yield Problem(
            f"{name} of transformers{version and ' '}{version} takes no {word!r}{which}.{did_you_mean(word, known)}",
            remedy="write it as this version calls it"
            + (", or pin another one in requirements.txt" if span else ""),
            severity=None if span or version in library_fields.versions() else "warning",
            location=habit.location,
        )


def _used(facts: ScriptFacts) -> Iterator[tuple[str, Location]]:
    """The dotted names that every run imports or calls."""
    for one in facts.imports:
        if one.sure and not one.level:
            yield one.module + ".", one.location
            for name in one.names:
                yield f"{one.module}.{name}", one.location
    for used in facts.used:
        if used.sure:
            yield used.name, used.location
    for habit in facts.habits:
        if habit.kind in ("library-words", "library-name") and habit.sure:
            yield habit.detail, habit.location


@lru_cache(maxsize=1)
def _entries() -> dict[str, list[dict[str, Any]]]:
    """The names by the module that they begin with."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in table("removals")["names"]:
        for top in {one.partition(".")[0] for one in entry["names"]}:
            found.setdefault(top, []).append(entry)
    return found


def _is(name: str, removed: str) -> bool:
    return (
        name.startswith(removed)
        if removed.endswith(".")
        else name == removed or name.startswith(f"{removed}.")
    )


def _fits(name: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", r"\w+"), name) is not None


def _since(view: TrainingView, entry: dict[str, Any]) -> str:
    """The version that the job has of a library, where it is one without the name; empty for another or unknown one."""
    versions = versions_of(view, entry["library"])
    if versions is None:
        return ""
    if entry.get("new", False):
        gone = images.order(versions[1]) < images.order(entry["since"])
    else:
        gone = images.order(versions[0]) >= images.order(entry["since"])
    return _shown(versions) if gone else ""
