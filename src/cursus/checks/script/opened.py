"""Files that the training script opens: by a URI, and where the container has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.aws.tables import entries
from cursus.checks.locations import looks_like_one_object
from cursus.checks.rules import Problem, rule
from cursus.checks.script.conditions import all_hold, never_holds
from cursus.checks.script.places import covers, own_file, searched
from cursus.checks.script.request import (
    INPUT_DATA,
    UNKNOWN,
    Invocation,
    Missing,
    channel_of,
    invocation,
    readable,
    resolve,
    script_of,
)
from cursus.checks.views import TrainingView, text
from cursus.redact import show
from cursus.script.facts import PathUse, ScriptFacts
from cursus.suggest import did_you_mean

REMOTE = ("s3://", "s3a://", "https://s3")
LEADS = {"write": "saves to", "make": "makes the folder"}


def reads(
    view: TrainingView, facts: ScriptFacts
) -> Iterator[tuple[PathUse, list[str | Missing], Invocation]]:
    """What the script reads or lists, with the places that this is in the request's container."""
    started = invocation(view)
    for use in facts.paths:
        if use.mode in ("read", "list", "hub") and not never_holds(view, use.tests):
            yield use, [resolve(view, path) for path in use.paths], started


def made_places(view: TrainingView) -> list[str]:
    """The places that the script writes, makes or unpacks something into."""
    found = []
    for use in script_of(view).paths:
        if use.mode in ("write", "make", "unpack"):
            for path in use.paths:
                place = resolve(view, path)
                if isinstance(place, str):
                    found.append(place)
    return found


def certain(view: TrainingView, use: PathUse) -> bool:
    """True where this request's script comes to a use of a path on every run."""
    return use.sure or (use.if_tests and all_hold(view, use.tests))


def remote(view: TrainingView, facts: ScriptFacts) -> Iterator[tuple[PathUse, str]]:
    """The URIs that are used as paths of the file system, each once."""
    seen = set()
    for use in facts.paths:
        if not use.local or (use.mode == "look" and use.call not in entries("libraries", "searching")):
            continue
        for path in use.paths:
            place = resolve(view, path)
            if isinstance(place, str) and place not in seen and place.startswith(REMOTE):
                seen.add(place)
                if not never_holds(view, use.tests):
                    yield use, place
                break


@rule("CHN053", scope="script")
def s3_uri_as_path(view: TrainingView) -> Iterator[Problem]:
    """The script uses an S3 URI as a path of the file system.

    What it does:
        Finds ``open``, ``os.listdir``, ``glob``, ``torch.save``, ``from_pretrained`` and their kin on a path that is an ``s3://`` URI, by
        itself, from a settings file of the source, or through an argument that gets one, and folders made by such a name. pandas and
        others that read S3 by themselves are left alone.
    Why:
        The file system knows no ``s3://``: ``No such file or directory: 's3://…'``. Data comes by a channel, results leave by the
        model directory.
    Example:
          files:
            train.py: |
              import os
        -     rows = open("s3://example-bucket/churn/train/data.csv").read()
        +     rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read()
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(rows)
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
    """
    facts = readable(view)
    if facts is None:
        return
    for use, place in remote(view, facts):
        yield Problem(
            f"{use.call} {LEADS.get(use.mode, 'reads')} {show(place.replace(UNKNOWN, '…'))}: it is a URI, and {use.call} "
            "knows the file system only",
            remedy="read from the channel's folder (SM_CHANNEL_…), save below SM_MODEL_DIR",
            severity=None if use.mode != "make" and certain(view, use) else "warning",
            location=use.location,
        )


@rule("CHN054", scope="script")
def file_missing(view: TrainingView) -> Iterator[Problem]:
    """The script opens a file that the container will not have.

    What it does:
        Finds files that every run opens or searches for by a relative path, one that leads out of the source directory included,
        or by a path of a home folder, and that are neither in the source directory nor written by the script; and files of a
        channel that its local data lacks, or that is called otherwise than the one object that the channel has (a warning).
    Why:
        ``No such file or directory``: the container has the source directory, the channels and the image, nothing of the machine
        that the script was written on.
    Example:
          files:
            train.py: |
              import os
        -     rows = open("data/train.csv").read()
        +     rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv")).read()
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(rows)
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
    """
    facts = readable(view)
    if facts is None or facts.outside_effects or "chdir" in facts.attributes:
        return
    made = made_places(view)
    seen = set()
    yield from _looked_for(view, facts)
    yield from searched(view, facts, made)
    for use, places, started in reads(view, facts):
        if not use.sure or use.mode == "hub" or started.kind == "command":
            continue
        for place in places:
            if place in seen:
                continue
            seen.add(place)
            if not isinstance(place, str) or UNKNOWN in place or place in ("", ".") or "://" in place:
                continue
            if any(covers(other, place) for other in made):
                continue
            channel = channel_of(place)
            problem = _local_file(view, place, use) if channel else own_file(view, place, use)
            if problem is None and channel:
                problem = _other_object(view, channel, place, use)
            if problem is not None:
                yield problem


def _other_object(view: TrainingView, name: str, place: str, use: PathUse) -> Problem | None:
    """A file of another name than the one object that the channel has."""
    wanted = place.rpartition("/")[2]
    for channel, prefix, kind in view.located:
        there = prefix.rpartition("/")[2]
        ending = wanted.rpartition(".")[2]
        if (
            channel.name == name
            and kind == "S3Prefix"
            and looks_like_one_object(prefix)
            and "." in wanted
            and use.call in entries("libraries", "opening")
            and there.endswith(f".{ending}")
            and there != wanted
            and f"{INPUT_DATA}/{name}/{wanted}" == place
        ):
            return Problem(
                f"the script opens {show(wanted)}, and the channel {show(name)} has the object {show(there)} alone",
                (*channel.path, "DataSource", "S3DataSource", "S3Uri"),
                remedy=f"open {show(there)}, or whatever file the folder has",
                severity="warning",  # another object may begin with the same name
                location=use.location,
            )
    return None


def _looked_for(view: TrainingView, facts: ScriptFacts) -> Iterator[Problem]:
    """A file of a channel that is looked for under nearly the name that it has."""
    for use in facts.paths:
        if use.mode != "look" or use.call not in ("os.path.exists", "os.path.isfile", "exists", "is_file"):
            continue
        for path in use.paths:
            place = resolve(view, path)
            if not isinstance(place, str) or UNKNOWN in place or channel_of(place) is None:
                continue
            problem = _local_file(view, place, use, looked_for=True)
            if problem is not None:
                yield problem


def _local_file(view: TrainingView, place: str, use: PathUse, *, looked_for: bool = False) -> Problem | None:
    """A file of a channel that the local data lacks; nothing is known where there is no local data.

    One that is ``looked_for`` may be missing, unless there is one of nearly its name.
    """
    name = channel_of(place) or ""
    local = view.step.promises.local_channels.get(name)
    if local is None or not FilePath(local).is_dir():
        return None
    for channel in view.channels:
        if channel.name == name and (
            text(channel.request, "InputMode") == "Pipe" or channel.text("CompressionType") == "Gzip"
        ):
            return None
    inside = place[len(f"{INPUT_DATA}/{name}") :].strip("/")
    if not inside or (FilePath(local) / inside).exists():
        return None
    names = [child.name for child in sorted(FilePath(local).iterdir())[:200]]
    hint = did_you_mean(inside, names)
    if looked_for and not hint:
        return None
    return Problem(
        f"the script reads {inside!r} from the channel {name!r}, and the channel's local data does not have it"
        f".{hint}",
        ("InputDataConfig",),
        remedy=f"the data has {', '.join(repr(one) for one in names[:5]) or 'no files'}",
        severity="warning",
        location=use.location,
    )
