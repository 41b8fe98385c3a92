"""What a job leaves, into archives in its own folder, and from there to where S3 stands.

Every archive is made before any is delivered, and each is delivered whatever becomes of the others: a store that is
read-only, full or gone fails the job, and loses nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cursus.local import artifacts, storage
from cursus.local.linux.disk import reason

if TYPE_CHECKING:
    from cursus.local.supervisor import Supervisor


def deliver(job: Supervisor, found: dict[str, artifacts.Collected]) -> dict[str, Any]:
    """Make and deliver ``model`` and ``output``; members of the evidence, ``upload_error`` being the first error."""
    evidence: dict[str, Any] = {}
    errors: list[str] = []
    made: dict[str, str] = {}
    for key, collected in found.items():
        if not artifacts.listing(collected):
            continue
        path = os.path.join(job.folder, "output", key + ".tar.gz")
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            artifacts.pack(collected, path, threads=1 + (os.cpu_count() or 1))
            evidence[key + "_artifact"] = made[key] = path
        except OSError as error:
            errors.append(f"{reason(error)}: {path}; the files themselves are in {job.folder}/hosts")
    whole = (job.request.get("OutputDataConfig") or {}).get("CompressionType") == "NONE"
    for key, path in made.items():
        uri = job.plan["uris"][key]
        if not uri:
            continue
        try:
            if job.plan.get("store"):
                _to_s3(job, found[key] if whole else None, path, uri)
            else:
                _to_folder(job, found[key] if whole else None, path, uri)
        except (OSError, storage.StoreError) as error:
            errors.append(f"{reason(error)}: {uri}; it is kept at {path}")
    if errors:
        evidence["upload_error"] = errors[0]
    return evidence


def _to_folder(job: Supervisor, files: artifacts.Collected | None, path: str, uri: str) -> None:
    target = storage.store_path(job.plan["root"], uri)
    if target is None:
        raise storage.StoreError("its key leads out of its bucket")
    if files is None:
        artifacts.place(path, target)
    else:
        artifacts.upload_tree(files, target)


def _to_s3(job: Supervisor, files: artifacts.Collected | None, path: str, uri: str) -> None:
    pairs = [(path, uri)]
    if files is not None:
        pairs = [
            (os.path.realpath(place), f"{uri}/{name}")
            for name, place, _ in files.entries
            if os.path.isfile(place)
        ]
    _send(job, pairs, (job.request.get("OutputDataConfig") or {}).get("KmsKeyId"))


def _send(job: Supervisor, pairs: list[tuple[str, str]], kms: str | None) -> None:
    from cursus.local.s3.transfer import carried

    def meanwhile() -> None:
        job.wait(0.05)
        if job.hurried:
            raise storage.StoreError("the upload was ended")

    work = {"store": job.plan["store"], "region": job.plan["region"], "up": pairs, "kms": kms}
    carried(work, meanwhile)
