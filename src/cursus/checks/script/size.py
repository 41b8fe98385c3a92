"""The size of the source directory, which every host downloads and unpacks before the script starts."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws import instances
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import script_of
from cursus.checks.views import TrainingView, integer
from cursus.redact import show

GIB = 1024**3


@rule("FRM067", scope="script", reads=("ResourceConfig",))
def source_too_large(view: TrainingView) -> Iterator[Problem]:
    """The source directory does not fit the training volume.

    What it does:
        Holds the size of all files of the source directory against ``VolumeSizeInGB``, or the instance's own storage. It is a warning where
        the files fit, and their archive beside them might not.
    Why:
        The whole directory is packed, and every host downloads the archive and unpacks it beside: ``No space left on device`` before the
        first line of the script. AWS names no other limit for the archive.
    Example:
        - ResourceConfig: {InstanceType: ml.m5.xlarge, VolumeSizeInGB: 1}
        + ResourceConfig: {InstanceType: ml.m5.xlarge, VolumeSizeInGB: 30}
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          sizes: {embeddings.bin: 3221225472}
    Source:
        https://github.com/aws/sagemaker-training-toolkit (files.py: download_and_extract);
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    facts = script_of(view)
    if facts.directory_size < GIB // 2:
        return
    volume = integer(view.resources, "VolumeSizeInGB")
    for path, kind, _ in view.instances:
        found = instances.find(kind)
        room = found.nvme if found is not None and found.nvme else volume
        if not room or facts.directory_size * 2 <= room * GIB:
            continue
        name, size = facts.largest_file
        told = f"the source directory has {facts.directory_size / GIB:.1f} GiB ({show(name)} alone {size / GIB:.1f}), and "
        fits = facts.directory_size <= room * GIB
        yield Problem(
            told + f"{kind} has {room} GB" + (" for it and for its archive" if fits else ""),
            (view.resources_member, "VolumeSizeInGB") if room == volume else path,
            remedy="bring large files as a channel instead, or give a larger volume",
            severity="warning" if fits else None,
        )
        return
