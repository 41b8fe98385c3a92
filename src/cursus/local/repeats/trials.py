"""A short run once more: started again with the checkpoints that it left, and with other numbers in its data.

What a checkpoint is good for shows when the job starts again: SageMaker brings the files back, and a script that is
done has nothing left to do. And what is the same whatever the data says was not learned from it. Each trial has a
folder of its own and no network.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cursus.errors import RunError
from cursus.local.jobs.job import TrainingJob
from cursus.local.repeats import other_data
from cursus.local.repeats.outcome import Outcome, outcome
from cursus.local.repeats.settled import by_chance, settled
from cursus.local.repeats.variants import RunOne, Tell, fits
from cursus.local.storage import choice, store_path
from cursus.model import Step

FILE = "trials.json"
LISTED = 20


def _why(found: Outcome) -> str:
    """Why a run failed: where the reason quotes nothing, the last line that it printed."""
    lines = [line.strip() for log in found.logs for line in log.splitlines() if line.strip()]
    return lines[-1] if lines and 'ErrorMessage ""' in found.reason else found.reason


def try_again(job: TrainingJob, step: Step, asked: bool | None, run: RunOne, tell: Tell) -> TrainingJob:
    """Try a finished run again, where ``asked``, or where it is None and the run was short.

    Says so to ``tell``. Leaves ``trials.json`` in the job's folder.
    """
    evidence = job.evidence
    if asked is False or choice(None) is not None or not fits(evidence, step, asked):
        return job
    begun = time.monotonic()
    trial = Trial(
        job, dataclasses.replace(step, request={**step.request, "EnableNetworkIsolation": True}), run
    )
    first = outcome(evidence)
    if not first.model and not evidence.checkpoint_files:
        return job
    parts = ["other data"] * bool(first.model) + ["the checkpoints that it left"] * bool(
        evidence.checkpoint_files
    )
    tell(f"Running it again with {' and with '.join(parts)} (--no-vary leaves this out)")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="data-", dir=job.folder) as folder:
        changed = other_data.changed(evidence, trial.step, Path(folder) / "all") if first.model else None
        other = None
        if changed is not None:
            rest = other_data.changed(evidence, trial.step, Path(folder) / "rest", other_data.FIRST)
            other = _with_other_data(trial, first, (changed, rest), found)
        if evidence.checkpoint_files:
            found["restart"] = _restart(trial, first, changed, other)
    if not found:
        return job
    (job.folder / FILE).write_text(json.dumps({**found, "seconds": time.monotonic() - begun}))
    job.forget()
    return job


def _with_other_data(
    trial: Trial, first: Outcome, steps: tuple[Step, Step | None], found: dict[str, Any]
) -> Outcome | None:
    """What the job leaves with other numbers in its data; what that shows is put into ``found``.

    ``steps`` have other numbers everywhere, and after the first lines of each file.
    """
    changed, rest = steps
    other = trial.run_in(changed)
    if other is None:
        return None
    plain, before, after = trial.step, first, other
    if other != first and by_chance(plain):
        plain, changed, rest = settled(plain), settled(changed), rest and settled(rest)
        again, afresh = trial.run_in(plain), trial.run_in(changed)
        if again is None or afresh is None:
            return other
        before, after = again, afresh
    evidence = trial.job.evidence
    apart = other_data.channels_apart(evidence, plain, changed, (before, after), trial.run_in)
    first_only = rest is not None and before != after and trial.run_in(rest) == before
    found["data"] = {"same": before == after, "first_only": first_only, **apart}
    return other


@dataclass(frozen=True, slots=True)
class Trial:
    """The job that is tried again, and how."""

    job: TrainingJob
    step: Step
    run: RunOne

    def run_in(self, step: Step, *, checkpoints: bool = False) -> Outcome | None:
        """One more run in a folder of its own, with the job's checkpoints or without; None where it cannot be made."""
        with tempfile.TemporaryDirectory(prefix="trial-", dir=self.job.folder) as folder:
            if checkpoints and not self._bring(folder):
                return None
            try:
                return outcome(self.run(step, folder).evidence)
            except RunError:
                return None

    def _bring(self, folder: str) -> bool:
        config = self.step.request.get("CheckpointConfig")
        uri = config.get("S3Uri") if isinstance(config, Mapping) else None
        if not isinstance(uri, str):
            return False
        name = uri.rstrip("/") + "/x"
        kept, target = store_path(str(self.job.folder.parent.parent), name), store_path(folder, name)
        if kept is None or target is None or not os.path.isdir(os.path.dirname(kept)):
            return False
        shutil.copytree(os.path.dirname(kept), os.path.dirname(target))
        return True


# -- started again ----------------------------------------------------------------------------------


def _restart(trial: Trial, first: Outcome, changed: Step | None, other: Outcome | None) -> dict[str, Any]:
    """What the job does when it starts again with its checkpoints.

    ``read``: those of them that were read, None where that cannot be seen; ``newest``: the one with the highest number,
    where only others were read; ``written``: those that were written once more; ``model``: files that are not as the
    first run left them; ``unused``: True where, with other data, the job leaves the same with its checkpoints as
    without.
    """
    again = trial.run_in(trial.step, checkpoints=True)
    if again is None or not again.restored:
        return {}
    kept = [file.path for file in trial.job.evidence.checkpoint_files]
    found: dict[str, Any] = {
        "status": again.status,
        "reason": _why(again),
        "restored": again.restored,
        "read": None if again.read is None else again.read[:LISTED],
        "written": [name for name in again.written if name in kept][:LISTED],
        "newest": passed_over(again.read or (), kept),
    }
    if again.status != "Completed":
        return found
    names = {*first.model, *again.model}
    differing = sorted(name for name in names if first.model.get(name) != again.model.get(name))
    if differing:
        # A format that holds the time differs whatever the script does: then two restarts differ as well.
        third = trial.run_in(trial.step, checkpoints=True)
        differing = differing if third is not None and third.model == again.model else []
    found["model"] = differing
    if (
        again.read
        and not differing
        and changed is not None
        and other is not None
        and other.model != first.model
    ):
        both = trial.run_in(changed, checkpoints=True)
        # One that says less than without them has left something out.
        found["unused"] = both is not None and both.model == other.model and _said(both) >= _said(other)
    return found


def _said(outcome: Outcome) -> int:
    """How many lines the run printed."""
    return sum(log.count("\n") for log in outcome.logs)


def passed_over(read: Sequence[str], names: Sequence[str]) -> str | None:
    """Of files named alike but for one number, the one with the highest, where only others were read."""
    found: dict[str, dict[int, str]] = {}
    for name in names:
        numbers = re.findall(r"\d+", name)
        if len(numbers) == 1:
            found.setdefault(re.sub(r"\d+", "#", name), {})[int(numbers[0])] = name
    for alike in found.values():
        newest = alike[max(alike)]
        if len(alike) > 1 and newest not in read and any(name in read for name in alike.values()):
            return newest
    return None
