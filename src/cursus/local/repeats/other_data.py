"""A short run once more with other numbers in its data: in all of it, and in one channel alone.

What is the same whatever the data says was not learned from it. A model that is the same whatever the channel ``train``
says was trained on another one; and one that changes with ``test`` was trained on what it is tested with.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from cursus.evidence import Evidence
from cursus.local.repeats.outcome import LARGEST, Outcome
from cursus.model import Step

FILES = 200
NUMBER = re.compile(rb"(?<![\w.-])[0-9]+(?:\.[0-9]+)?(?![\w.-])")
TEXTS = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".libsvm", ".data", ""})
TRAINED_ON = frozenset({"train", "training"})
BEGUN_WITH = frozenset({"pretrained", "pretrained_model", "model", "weights", "checkpoint", "base_model"})
FIRST = 2
"""Lines that are a header and the first example, or the first two."""
KEPT_BACK = frozenset({"test", "testing", "holdout"})
LOOKED_AT = frozenset({"validation", "valid", "val", "eval", "dev"})


def changed(evidence: Evidence, step: Step, folder: Path, after: int = 0) -> Step | None:
    """The step with other numbers in every file of the channels that it read; None where they cannot be changed.

    The first ``after`` lines of each file stay as they are.
    """
    if not any(evidence.opened.values()):
        return None
    local: dict[str, str] = {}
    for name, path in step.promises.local_channels.items():
        place = folder / name
        if not os.path.isdir(path) or not _copy(Path(path), place):
            return None
        if evidence.opened.get(name) and not _rewrite(place, after):
            return None
        local[name] = str(place)
    return _with(step, local)


def channels_apart(
    evidence: Evidence,
    step: Step,
    other: Step,
    left: tuple[Outcome, Outcome],
    run: Callable[[Step], Outcome | None],
) -> dict[str, str]:
    """What the model depends on, where the job read several channels that are for training, validation or a test.

    ``other`` is the step with other numbers in all channels, ``left`` what the two left. The result has
    ``unlearned``, a channel for training whose numbers change nothing in the model, ``learned``, one for a
    test whose numbers do, and ``unused``, one for any of these or a model to begin with that changes nothing at all.
    """
    found: dict[str, str] = {}
    first, second = left
    read = [name for name, count in evidence.opened.items() if count]
    if len(read) < 2 or not first.learned or first.learned == second.learned:
        return found
    for name in read:
        if name not in TRAINED_ON | KEPT_BACK | LOOKED_AT | BEGUN_WITH:
            continue
        places = {**step.promises.local_channels, name: other.promises.local_channels[name]}
        again = run(_with(step, places))
        if again is None or again.status != first.status:
            continue
        same = again.learned == first.learned
        if same and name in TRAINED_ON:
            found["unlearned"] = name
        elif again == first:
            far = Path(places[name]).with_name(f"{name}-far")
            copied = _copy(Path(step.promises.local_channels[name]), far) and _rewrite(far, 0, _far)
            # Numbers that are a little different may be of the same class.
            if copied and run(_with(step, {**places, name: str(far)})) == first:
                found["unused"] = name
        elif not same and name in KEPT_BACK:
            once_more = run(step)  # which says whether the numbers made the difference
            if once_more is not None and once_more.learned == first.learned:
                found["learned"] = name
    return found


def _with(step: Step, places: Mapping[str, str]) -> Step:
    return dataclasses.replace(step, promises=dataclasses.replace(step.promises, local_channels=places))


def _copy(source: Path, target: Path) -> bool:
    """Copy a channel's folder, where it is small."""
    files = [path for path in source.rglob("*") if path.is_file()]
    if len(files) > FILES or sum(path.stat().st_size for path in files) > 8 * LARGEST:
        return False
    shutil.copytree(source, target)
    return True


def _rewrite(folder: Path, after: int, other_for: Callable[[re.Match[bytes]], bytes] | None = None) -> bool:
    """Change the numbers in every file below a folder; False where one has none, or is no small text.

    The first ``after`` lines of each stay as they are.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        if path.suffix.lower() not in TEXTS or path.stat().st_size > LARGEST:
            return False
        lines = path.read_bytes().split(b"\n", after)
        other = NUMBER.sub(other_for or _other, lines[-1])
        if len(lines) <= after or other == lines[-1]:
            return False
        path.write_bytes(b"\n".join([*lines[:-1], other]))
    return bool(files)


def _other(match: re.Match[bytes]) -> bytes:
    """Another number of the same form: its last digit changes, by another amount from place to place."""
    text = match.group()
    return text[:-1] + str((int(text[-1:]) + 1 + match.start() % 7) % 10).encode()


def _far(match: re.Match[bytes]) -> bytes:
    """A number of the same form that is far from it: each of its digits changes."""
    digits = (
        str((int(chr(digit)) + 3 + match.start() % 5) % 10).encode()
        if chr(digit).isdigit()
        else bytes([digit])
        for digit in match.group()
    )
    return b"".join(digits)
