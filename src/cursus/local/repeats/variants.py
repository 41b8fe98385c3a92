"""The same step again with one hyperparameter changed: does the job leave anything else?

A hyperparameter that never arrives (misspelt, overwritten, read from another place, a text taken for a truth value)
lets the job end well with another value than the request's. Where a run is short it is repeated, cut off from the
network and in a folder of its own, with other values of each hyperparameter in turn. What leaves the same model,
output, checkpoints, metrics and log each time has no effect.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cursus.aws.command_line import decoded
from cursus.errors import RunError
from cursus.evidence import Evidence
from cursus.local.jobs.job import TrainingJob
from cursus.local.repeats.outcome import CLOCK, digests
from cursus.local.repeats.settled import by_chance, settled
from cursus.model import Step

SHORT = 1.0
"""Seconds of training up to which a run is repeated without being asked."""

BUDGET = 3.0
"""Seconds after which no further repetition is begun, unless they were asked for."""

MANY = 12
FILE = "variants.json"
NO_RESULT = re.compile(
    r"worker|thread|verbos|log|print|report|patience|device|debug|cache|interval|timeout|profil|_every|^every|(^|_)seed|_dir$|_path$|"
    r"^model_dir$|^n_jobs$|prefetch|pin_memory|save_|resume|backend|project|(^|_)tag|^name$|run_name|job_name|experiment|"
    r"(^|_)(user|owner|team|comment|note|version)$|descri|cuda|(^|_)gpus?($|_)|(^|_)(fp16|bf16|amp)$|mixed_precision",
    re.IGNORECASE,
)
"""Names, with underscores, of what is not meant to change a result, or of what this machine may lack."""

FLIPPED = {"true": "false", "false": "true", "True": "False", "False": "True", "yes": "no", "no": "yes"}
RunOne = Callable[[Step, str], TrainingJob]
"""Runs a step to its end in a folder of its own."""
Tell = Callable[[str], None]


def repeat(job: TrainingJob, step: Step, asked: bool | None, run: RunOne, tell: Tell) -> TrainingJob:
    """Repeat a finished run with other hyperparameters, where ``asked``, or where it is None and the run was short.

    Says so to ``tell``. Leaves ``variants.json`` in the job's folder.
    """
    if asked is False or step.source is None or not fits(job.evidence, step, asked):
        return job
    given: Mapping[str, Any] = step.request.get("HyperParameters") or {}
    names = [
        name
        for name, value in given.items()
        if isinstance(value, str)
        and not name.startswith(("sagemaker_", "_"))
        and not NO_RESULT.search(name.replace("-", "_"))
    ]
    if not names or not (asked or len(names) <= MANY):
        return job
    tell(f"Running it again with other values of {', '.join(names)} (--no-vary leaves this out)")
    unmoved: dict[str, list[str]] = {}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="variant-", dir=job.folder) as folder:
        trial = _Trial(job, settled(step), run, folder, by_chance(step))
        for name in names:
            others = alternatives(given[name], _choices(step, name))
            tried: list[str] = []
            for other in others:
                if not asked and time.monotonic() - begun > BUDGET:
                    break
                if not trial.same(name, other):
                    break
                tried.append(other)
            if others and len(tried) == len(others):
                unmoved[name] = tried
    with open(job.folder / FILE, "w", encoding="utf-8") as stream:
        json.dump({"unmoved": unmoved, "seconds": time.monotonic() - begun}, stream)
    job.forget()
    return job


def fits(evidence: Evidence, step: Step, asked: bool | None) -> bool:
    """True where a run can be tried again cut off from everything, and was short or is ``asked`` for."""
    if (
        evidence.status != "Completed"
        or evidence.isolation in ("", "process")
        or not _left_anything(evidence)
    ):
        return False
    if len(evidence.exit_codes) != 1 or any(start.restored for start in evidence.starts):
        return False
    if not asked and evidence.stages.get("Training", SHORT) >= SHORT:
        return False
    channels = step.request.get("InputDataConfig") or ()
    return all(channel.get("ChannelName") in step.promises.local_channels for channel in channels)


def _left_anything(evidence: Evidence) -> bool:
    """False where there is nothing that another run could differ in."""
    if evidence.model_files or evidence.output_files or evidence.checkpoint_files or evidence.metrics:
        return True
    return any(Path(log).is_file() and Path(log).stat().st_size for log in evidence.logs.values())


def _isolated(step: Step) -> Step:
    return dataclasses.replace(step, request={**step.request, "EnableNetworkIsolation": True})


def _changed(step: Step, name: str, value: str) -> Step:
    given = {**step.request["HyperParameters"], name: value}
    return _isolated(dataclasses.replace(step, request={**step.request, "HyperParameters": given}))


class _Trial:
    """The job that is repeated. ``chance``: another run of the same step may leave something else."""

    def __init__(self, job: TrainingJob, step: Step, run: RunOne, folder: str, chance: bool) -> None:
        self._step, self._run, self._folder, self._chance = step, run, folder, chance
        self._first = job.evidence
        self._runs = 0

    def same(self, name: str, other: str) -> bool:
        """True where the step leaves with the other value what it left with its own."""
        names: Mapping[str, str] = self._step.request["HyperParameters"]
        again = self._again(_changed(self._step, name, other))
        if again is None:
            return False
        changed = left(again, other, names)
        if left(self._first, names[name], names) == changed:
            return True
        if not self._chance:
            return False
        self._chance = False  # from here on both runs have the same
        self._first = self._again(_isolated(self._step)) or self._first
        return left(self._first, names[name], names) == changed

    def _again(self, step: Step) -> Evidence | None:
        self._runs += 1
        try:
            return self._run(step, f"{self._folder}/{self._runs}").evidence
        except RunError:
            return None


def left(evidence: Evidence, value: str, names: Iterable[str]) -> tuple[object, ...]:
    """What a run left, without times, and without ``value`` where the log or a JSON file lists the hyperparameters
    ``names``."""
    listed = re.compile("|".join(re.escape(name).replace("\\-", "[-_]") for name in names), re.IGNORECASE)
    return (
        evidence.status,
        _files(evidence.model_artifact, names),
        _files(evidence.output_artifact, names),
        sorted((file.path, file.size) for file in evidence.checkpoint_files),
        {name: [point.value for point in points] for name, points in evidence.metrics.items()},
        [_log(path, value, listed) for path in evidence.logs.values()],
    )


def _files(archive: str | None, names: Iterable[str]) -> dict[str, object]:
    """The files of an archive, without the hyperparameters that a JSON file of them lists."""
    found: dict[str, object] = dict(digests(archive))
    given = {name.replace("-", "_") for name in names if not name.startswith(("sagemaker_", "_"))}
    listing = [name for name in found if name.endswith(".json")] if len(given) > 1 else []
    if archive is None or not listing:
        return found
    import tarfile

    with tarfile.open(archive, "r:gz") as files:
        for name in listing:
            stream = files.extractfile(name)
            try:
                other = _unlisted(json.load(stream), given) if stream is not None else None
            except (ValueError, RecursionError):
                continue
            if other or len(found) > 1:  # else it is all that there is of a model
                found[name] = json.dumps(other)
    return found


def _unlisted(value: object, given: set[str]) -> object:
    """JSON data, of a mapping that has all the hyperparameters what else it has: it lists what was given."""
    if isinstance(value, dict):
        lists = given <= {str(name).replace("-", "_") for name in value}
        return {
            name: _unlisted(inner, given)
            for name, inner in value.items()
            if not (lists and str(name).replace("-", "_") in given)
        }
    return [_unlisted(inner, given) for inner in value] if isinstance(value, list) else value


def _log(path: str, value: str, listed: re.Pattern[str]) -> str:
    """The log as a digest. A line that names a hyperparameter lists what was given; any other shows a value in use."""
    try:
        text = Path(path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
    forms = "|".join(re.escape(form) for form in {value, decoded(value), json.dumps(value)})
    given = re.compile(rf"(?<![\w.])(?:{forms})(?![\w.])")
    lines = CLOCK.sub("", text).splitlines()
    lines = [given.sub("§", line) if listed.search(line) else line for line in lines]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _choices(step: Step, name: str) -> Sequence[object]:
    """What the script's parser lets an argument be."""
    from cursus.script.reader import read_source

    if step.source is None:
        return ()
    for parser in read_source(step.source).parsers:
        for argument in parser.arguments:
            if f"--{name}" in argument.flags and argument.choices:
                return argument.choices
    return ()


def alternatives(value: str, choices: Sequence[object] = ()) -> list[str]:
    """Other values of a hyperparameter, of the same kind; empty where none is plain."""
    plain = decoded(value)
    if choices:
        return [str(choice) for choice in choices if str(choice) not in (value, plain)][:2]
    if value in FLIPPED:
        return [FLIPPED[value]]
    number = _number(plain)
    if number is not None:
        return [repr(other) for other in _far_and_near(number)]
    if value.startswith("{") or plain.startswith(("{", "[", "(", "/", ".")) or "://" in plain:
        return _other_json(value)
    parts = re.split(r"([,; ]+)", plain)
    if len(parts) > 2 and all(_number(part) is not None or part.isidentifier() for part in parts[::2]):
        return ["".join(parts[:-2])]
    return [plain + "x"] if plain.isidentifier() else []


def _far_and_near(number: int | float) -> list[int | float]:
    """Other numbers, a little and much larger and smaller.

    A limit that a short run never meets (``max_iter``, ``max_depth``, a tolerance) shows only where it is drawn tight,
    and what -1 switches off only where a number above 0 switches it on.
    """
    if isinstance(number, float) and 0 < number < 1:
        return [number / 2, (number + 1) / 2]
    sign = -1 if number < 0 else 1
    low = number / 100 if isinstance(number, float) else sign if abs(number) > 1 else 0
    return [other for other in (number + sign, abs(2 * number) + 3, low) if other != number]


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            found = kind(text)
        except ValueError:
            continue
        return found if abs(found) < 1e9 else None
    return None


def _other_json(value: str) -> list[str]:
    """A list without its last item, a mapping with other numbers."""
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        return []
    if isinstance(items, list) and len(items) > 1:
        return [json.dumps(items[:-1])]
    if isinstance(items, dict):
        other = {key: not item if isinstance(item, bool) else _moved(item) for key, item in items.items()}
        return [json.dumps(other)] if other != items else []
    return []


def _moved(item: object) -> object:
    return item / 2 if isinstance(item, float) else item + 1 if isinstance(item, int) else item
