"""The end of a job: artifacts, evidence, clean-up, the last transition."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cursus.local import artifacts, contract, sandbox
from cursus.local.data import delivery
from cursus.local.host import snapshot
from cursus.local.inside.init import shell_code
from cursus.local.isolation.mounts import ML
from cursus.local.lifecycle.outcome import failure_reason
from cursus.local.lifecycle.spot import billable
from cursus.local.linux.disk import reason, whole
from cursus.local.monitoring.opens import together
from cursus.local.storage import StoreError

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.supervisor import Supervisor

KEPT = ("model/", "output/data/", "output/failure", "input/config/", "output/metrics/", "output/profiler/")
UPLOADED_ELSEWHERE = (
    "output/tensorboard/",
    "output/intermediate/",
    "output/success",
    "input/sm_training.env",
)
HARMLESS = ("__pycache__", ".pyc", ".egg-info", ".ipynb_checkpoints")
LISTED = 1000
"""Files left out, or not of this job, that the evidence names at most. What was written is named whole: a promised
artifact is looked for among it, and the report counts it."""


def finish(job: Supervisor) -> None:
    """Upload, gather the evidence, clean up, and enter the final status."""
    state = job.state
    evidence: dict[str, Any] = {}
    if any(one.log is not None for one in job.hosts):
        if "failure_reason" not in state and job.stopping is None:
            bad = job.cluster.failed()
            if bad is not None:
                state["failure_reason"] = failure_reason(bad)
        job.enter("Uploading")
        evidence = _upload(job)
    evidence.update(_gather(job))
    primary, secondary = _final(job)
    _hide_secrets(job)
    state["metrics"] = {name: list(last) for name, last in job.scanner.last.items()}
    state["log_lines"] = evidence["log_lines"]
    job.scanner.sink.close()
    if not job.plan.get("keep_files"):
        unneeded = [os.path.join(job.folder, "download"), *(one.scratch for one in job.hosts)]
        unneeded += [os.path.join(one.ml, "input", "data") for one in job.hosts]  # copies, or empty places
        sandbox.remove_all(unneeded)
    job.leave()
    evidence["stages"] = job.stages
    if job.starts.ended:
        state["billable"] = billable(job.stages, float(state.get("first_download", 0.0)))
    evidence["log_full"] = job.record.full
    _write(job, evidence)
    job.record.release()
    job.record.transition(primary, secondary, state.get("failure_reason"))


def _final(job: Supervisor) -> tuple[str, str]:
    if job.state.get("failure_reason") is not None:
        text = str(job.state["failure_reason"])
        for secret in job.plan["secrets"]:
            text = text.replace(secret, "***")
        job.state["failure_reason"] = text
        return "Failed", "Failed"
    if job.stopping in ("MaxRuntimeExceeded", "MaxWaitTimeExceeded"):
        return "Stopped", job.stopping
    if job.stopping is not None:
        return "Stopped", "Stopped"
    return "Completed", "Completed"


def _upload(job: Supervisor) -> dict[str, Any]:
    """Make the archives and put them, and the checkpoints, where S3 stands."""
    evidence = dict[str, Any]()
    model = _merge(job, "model")
    output = _merge(job, "output/data")
    evidence["model_files"] = artifacts.listing(model)
    evidence["output_files"] = artifacts.listing(output)
    evidence["left_out"] = [list(item) for item in (*model.left_out, *output.left_out)][:LISTED]
    evidence.update(delivery.deliver(job, {"model": model, "output": output}))
    try:
        files, left_out = job.checkpoints.finish()
        evidence["checkpoint_files"] = files
        evidence["left_out"] = [*evidence["left_out"], *map(list, left_out)][:LISTED]
    except (OSError, StoreError) as error:
        evidence.setdefault("upload_error", f"{reason(error)}: the checkpoints")
    try:
        job.outputs.finish()
    except StoreError as error:
        evidence.setdefault("upload_error", str(error))
    if "upload_error" in evidence and "failure_reason" not in job.state and job.stopping is None:
        job.state["failure_reason"] = f"ClientError: Artifact upload failed:{evidence['upload_error']}"
    return evidence


def _merge(job: Supervisor, name: str) -> artifacts.Collected:
    """One directory of all hosts: what the first host has wins, as the archives are merged."""
    entries: dict[str, artifacts.Entry] = {}
    left_out: list[tuple[str, str]] = []
    for one in job.hosts:
        found = artifacts.collect(os.path.join(one.ml, name), one.ml)
        for entry in found.entries:
            entries.setdefault(entry[0], entry)
        left_out += found.left_out
    return artifacts.Collected(list(entries.values()), left_out)


def _gather(job: Supervisor) -> dict[str, Any]:
    stray = [entry for one in job.hosts for entry in _stray(job, one)]
    opened: dict[str, int | None] = dict.fromkeys(contract.channels(job.request))
    files = together([job.starts.opened, *(one.opens.found for one in job.hosts)])
    opened.update({name: len(found) for name, found in files.items()})
    return {
        "starts": [*job.starts.ended, job.starts.describe()],
        "interruptions_missed": job.starts.interruptions_left,
        "foreign_checkpoints": job.checkpoints.foreign[:LISTED],
        "exit_codes": {one.name: one.exit_code for one in job.hosts},
        "script_exit_codes": {
            one.name: shell_code(one.script_exit) for one in job.hosts if one.script_exit is not None
        },
        "metric_scans": job.scanner.summary(),
        "logs": {one.name: one.log.path for one in job.hosts if one.log is not None},
        "memory_kills": {one.name: one.limit.killed for one in job.hosts if one.limit.killed},
        "log_lines": job.starts.lines + sum(one.log.lines for one in job.hosts if one.log is not None),
        "stray_files": stray,
        "opened": opened,
        "opened_files": {name: sorted(found) for name, found in files.items() if len(found) <= LISTED},
        "fetched": job.facts.get("read_on_demand", {}),
        "usage": {
            one.name: one.sampler.to_dict(one.wall, one.volume.sample(last=True))
            for one in job.hosts
            if one.log is not None
        },
        "runtime": job.facts.get("runtime", {}),
        "signals": _signals(job),
        "isolation": job.state.get("isolation", ""),
        "not_reproduced": _notes(job),
        "waits": job.facts["waits"],
        "failure_file": any(os.path.exists(os.path.join(one.ml, "output", "failure")) for one in job.hosts),
    }


def _notes(job: Supervisor) -> list[str]:
    """What this run did not reproduce, as it turned out."""
    missing = job.plan["missing_requirements"]
    notes = list(dict.fromkeys([*job.plan["not_reproduced"], *job.notes]))
    if missing:
        shown = ", ".join(missing[:10])
        notes.append(f"requirements.txt was not installed; not found in this environment: {shown}")
    if job.hosts and all(one.limit.enforced for one in job.hosts):
        notes = [note for note in notes if not note.startswith("memory limit not enforced")]
    lost = job.starts.lost + sum(one.log.lost for one in job.hosts if one.log is not None)
    if lost:
        notes.append(f"{lost} bytes of the log were lost: the disk was full")
    if "Invalid cross-device link" in str(job.state.get("failure_reason")):
        notes.append(
            "renaming a directory of a channel in place, which an overlay refuses: shutil.move works"
        )
    return notes


def _signals(job: Supervisor) -> dict[str, Any]:
    facts: dict[str, Any] = dict(job.facts["signals"])
    if job.stopping is not None:
        facts["reason"] = job.stopping
        facts["grace"] = job.plan["grace"]
        facts["killed"] = any(one.exit_code in (None, 137) for one in job.hosts)
    for one in job.hosts:
        if one.script_exit is not None and one.script_exit < 0:
            facts["script_ended_by"] = -one.script_exit
    return facts


def _stray(job: Supervisor, one: Host) -> Iterator[dict[str, Any]]:
    """What the script wrote and SageMaker throws away."""
    kept = [*KEPT, *UPLOADED_ELSEWHERE]
    if job.plan["checkpoints"]:
        path = job.plan["checkpoints"]["path"]
        kept.append(path[len(ML) + 1 :] + "/" if path.startswith(ML + "/") else "\0")
    kept += [one.path[len(ML) + 1 :] + "/" for one in job.outputs.outputs if one.path.startswith(ML + "/")]
    for name, (size, changed) in sorted(snapshot(one.ml).items()):
        if name.startswith(tuple(kept)) or any(mark in name for mark in HARMLESS):
            continue
        if name.startswith("input/data/"):
            continue  # a copied channel; what was added to it is thrown away with it
        if name.startswith("code/") and one.code_files.get(name[5:]) == (size, changed):
            continue
        if name in ("input", "code"):
            continue
        yield {"path": f"{ML}/{name}", "size": size}
    for source in job.request.get("InputDataConfig") or ():
        channel = source["ChannelName"]
        upper = os.path.join(one.scratch, "channel-" + channel, "upper")
        ours = one.inputs.linked(channel)
        folder = next((each.folder for each in one.inputs.sources if each.channel == channel), None)
        for name, (size, changed) in sorted(snapshot(upper).items()):
            if name in ours or (folder and _same(os.path.join(folder, name), size, changed)):
                continue  # that of the channel, with other permissions
            yield {"path": f"{ML}/input/data/{channel}/{name}", "size": size}


def _same(path: str, size: int, changed: int) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (size, changed)


def _hide_secrets(job: Supervisor) -> None:
    """Secrets were needed for the run alone: what stays on disk has none of those that we put there."""
    if not job.plan["secrets"]:
        return
    for one in job.hosts:
        for directory in ("input/config", "output"):
            folder = os.path.join(one.ml, directory)
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISREG(os.lstat(path).st_mode) and os.path.getsize(path) < 1 << 20:
                        _replace_secrets(path, job.plan["secrets"])
                except OSError:
                    continue


def _replace_secrets(path: str, secrets: list[str]) -> None:
    with open(path, "rb") as file:
        data = before = file.read()
    for secret in secrets:
        data = data.replace(secret.encode(), b"***").replace(json.dumps(secret)[1:-1].encode(), b"***")
    if data != before:
        with open(path, "wb") as file:
            file.write(data)


def _write(job: Supervisor, evidence: dict[str, Any]) -> None:
    data = json.dumps(evidence).encode()
    for _ in range(2):
        with suppress(OSError):
            with whole(os.path.join(job.folder, "evidence.json")) as part, open(part, "wb") as file:
                file.write(data)
            return
        job.record.release()  # the disk is full: this is what the reserve is for
