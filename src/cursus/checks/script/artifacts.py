"""What the training script saves, and where: the model directory, output, checkpoints, and places that are lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws.tables import entries
from cursus.checks.artifacts import named_where_kept
from cursus.checks.locations import below
from cursus.checks.rules import Problem, rule
from cursus.checks.script.conditions import holds, never_holds
from cursus.checks.script.request import (
    MODEL_DIR,
    UNKNOWN,
    checkpoint_path,
    habits,
    invocation,
    readable,
    resolve,
    script_of,
    steered,
    told_by_a_file,
)
from cursus.checks.views import TrainingView, mapping
from cursus.model import Location
from cursus.redact import show
from cursus.script.evaluation.conditions import told
from cursus.script.facts import EnvPart, PathUse, ScriptFacts, Text

MODEL_WORDS = ("SM_MODEL_DIR", "SM_TRAINING_ENV", "AIP_MODEL_DIR")
KEPT = (
    "/opt/ml/model",
    "/opt/ml/output",
    "/opt/ml/checkpoints",
    "/opt/ml/input",
    "/opt/ml/code",
    "/opt/ml/processing",
)
OUTPUTS = ("", "data", "failure", "intermediate", "tensors", "tensorboard", "profiler", "metrics", "message")
MODEL_FILE = re.compile(
    r"(?:^|/)(?:\w*model\w*|weights\w*)\.(?:json|pkl|txt)$|\.(?:pth?|ckpt|bin|safetensors|pkl|joblib|h5|keras|onnx|pb|ubj)$"
)
"""Names of files that are a model."""


SYSTEM = re.compile(
    r"/(?:bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|proc|root|run|sbin|scratch|shm|srv|sys|tmp|usr|var)/"
)
"""Folders of the root that are there, or where people put what may go."""


def writes(view: TrainingView) -> list[tuple[PathUse, str]]:
    """Every write with the path it goes to, as far as known."""
    found = []
    for use in script_of(view).paths:
        if use.mode == "write":
            for path in use.paths:
                place = resolve(view, path)
                found.append((use, place if isinstance(place, str) else UNKNOWN))
    return found


def _in_model(place: str) -> bool:
    return place == MODEL_DIR or place.startswith((f"{MODEL_DIR}/", f"{MODEL_DIR}{UNKNOWN}"))


def mentions_folder(view: TrainingView, folder: str) -> bool:
    """True where the script, or a value that it is given, names ``folder`` or may put its name together."""
    facts = script_of(view)
    inside = folder.rstrip("/")
    last = inside.rpartition("/")[2]
    parents = {inside[:i] for i, letter in enumerate(inside) if letter == "/" and i}
    split = False
    for string in facts.strings:
        if re.search(re.escape(inside) + r"(?![\w-])", string):
            return True
        if any(re.search(re.escape(parent) + r"/?(?![\w/-])", string) for parent in parents):
            split = True
    if split and any(_names(string, last) for string in facts.strings):
        return True
    if steered(view, inside):
        return True
    return folder == MODEL_DIR and (
        any(word in string for word in MODEL_WORDS for string in facts.strings)
        or bool(facts.top_imports & entries("libraries", "saving"))
    )


def _names(string: str, last: str) -> bool:
    return re.search(rf"(?:^|/){re.escape(last)}(?:$|/)", string) is not None


@rule("ART050", severity="warning", scope="script")
def nothing_saved(view: TrainingView) -> Iterator[Problem]:
    """The script saves nothing to the model directory.

    What it does:
        Looks for the model directory in everything that the script and its settings name: ``SM_MODEL_DIR``, ``/opt/ml/model``, an
        argument that gets either. The finding stands where there is no mention, where the one argument that holds it is never used, or where
        all that is saved there is in branches that this request switches off (``if args.save_model``).
    Why:
        The job completes, ``model.tar.gz`` is empty, and there is nothing to deploy: the instance's time was for nothing.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     open("model.txt", "w").write("1")
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/3455;
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    facts = readable(view)
    if facts is None or facts.does_nothing is not None:
        return
    found = writes(view)
    if any(_in_model(place) for _, place in found):
        yield from _switched_off(view, facts, found)
        return
    if mentions_folder(view, MODEL_DIR):
        unused = list(_never_used(facts, found))
        yield from unused
        if unused or not _all_elsewhere(view, facts, found):
            return
    elif told_by_a_file(view):
        return
    if any(place.startswith(("s3://", "gs://")) for _, place in found):
        return  # saved to S3 by a library that can: not in model.tar.gz, but not lost
    lost = [(use, place) for use, place in found if UNKNOWN not in place and not place.startswith("s3://")]
    where: Location | None = None
    text = "nothing in the script names the model directory, so that model.tar.gz will be empty"
    if lost:
        use, place = lost[-1]
        where = use.location
        text = (
            f"the script saves {show(place)}, and nothing to the model directory: model.tar.gz will be empty"
        )
    yield Problem(
        text,
        remedy='save below os.environ["SM_MODEL_DIR"] (/opt/ml/model)',
        location=where or Location(facts.entry),
    )


def _all_elsewhere(view: TrainingView, facts: ScriptFacts, found: list[tuple[PathUse, str]]) -> bool:
    """True where the place of everything that the script writes is known, and nothing else may write."""
    folders = [place.rpartition("/")[0] or place for _, place in found]
    if not found or facts.outside_effects or any(UNKNOWN in folder for folder in folders):
        return False
    if (facts.parsers and facts.opaque_arguments) or "chdir" in facts.attributes:
        return False
    seen = {use.location for use in facts.paths}
    for habit in habits(view, "handed-on"):
        place = None if habit.text is None else resolve(view, habit.text)
        if habit.location not in seen and (place is None or _in_model(str(place))):
            return False
    return not any(
        not used.own and used.location not in seen and WRITES.match(used.name) for used in facts.used
    )


WRITES = re.compile(
    r"(?!(?:json|pickle|csv|yaml|logging|sys)\.|\.write(?:lines|row|rows|header)?$).*?"
    r"(?:(?:^|[._])(?:save|savefig|export|dump|write|to|store|persist|upload|copy|move|symlink|link|mkstemp|serialize)(?:_|$)"
    r"|File$|Writer$|Checkpoint|Trainer)",
    re.IGNORECASE,
)
"""Calls that may write a file at a place that is not seen; those of an open file do not."""


def _switched_off(
    view: TrainingView, facts: ScriptFacts, found: list[tuple[PathUse, str]]
) -> Iterator[Problem]:
    """Everything that goes to the model directory is in branches that this request never takes."""
    inside = [use for use, place in found if _in_model(place) or UNKNOWN in place]
    if (
        any(_in_model(place) for _, place in found)
        and not mentions_upload(facts)
        and all(never_holds(view, use.tests) for use in inside)
    ):
        tests = told(test for test in inside[0].tests if holds(view, test, others=False) is False)
        yield Problem(
            f"the model is saved in a branch that this request never takes{f' ({tests})' if tests else ''}: model.tar.gz will be empty",
            remedy="save it in any case, or give the hyperparameter the value that switches it on",
            location=inside[0].location,
        )


def _never_used(facts: ScriptFacts, found: list[tuple[PathUse, str]]) -> Iterator[Problem]:
    """An argument that holds the model directory and that nothing looks at."""
    if facts.opaque_arguments or facts.outside_effects or len(facts.parsers) != 1:
        return
    if facts.parsers[0].kind != "argparse" or "vars" in facts.attributes or "__dict__" in facts.attributes:
        return
    holders = [
        argument
        for argument in facts.parsers[0].arguments
        if argument.default is not None
        and any(word in repr(argument.default) for word in ("SM_MODEL_DIR", "/opt/ml/model"))
    ]
    elsewhere = [s for s in facts.strings if MODEL_DIR in s or "SM_MODEL_DIR" in s]
    if len(holders) != 1 or len(elsewhere) > 1:
        return
    holder = holders[0]
    reads_variable = sum(1 for read in facts.env_reads if read.name == "SM_MODEL_DIR")
    if holder.dest in facts.attributes or reads_variable > 1 or any(UNKNOWN in place for _, place in found):
        return
    if any(_in_model(place) for _, place in found) or holder.dest in facts.strings:
        return
    yield Problem(
        f"the argument {holder.flags[0]} holds the model directory, and nothing uses it: model.tar.gz will be empty",
        remedy=f"save below args.{holder.dest}",
        location=holder.location,
    )


@rule("ART051", severity="warning", scope="script")
def artifact_never_written(view: TrainingView) -> Iterator[Problem]:
    """An expected artifact is written nowhere in the script.

    What it does:
        Holds the artifacts that the builder expects against the files that the script writes, where all of them can be read.
    Why:
        What loads the model later looks for this file and does not find it.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "weights.bin"), "w").write("1")
          expected_artifacts: [weights.bin]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    facts = readable(view)
    expected = view.step.promises.expected_artifacts
    if facts is None or not expected or facts.outside_effects:
        return
    found = writes(view)
    if not found or any(UNKNOWN in place or not use.local for use, place in found):
        return
    files = [place for _, place in found]
    for artifact in expected:
        wanted = _container_path(view, artifact)
        if wanted is None or any(
            place == wanted or place.startswith(wanted.rstrip("/") + "/") for place in files
        ):
            continue
        if any(wanted.startswith(place.rstrip("/") + "/") for place in files):
            continue  # something is copied or written there as a folder
        base = artifact.rpartition("/")[2]
        same = [(use, place) for use, place in found if place.rpartition("/")[2] == base]
        hint = (
            f"; it writes {same[0][1]!r} instead"
            if same
            else f"; it writes {', '.join(map(repr, files[:3]))}"
        )
        yield Problem(
            f"the builder expects the artifact {artifact!r}, and the script writes no {wanted}{hint}",
            remedy=f"write {wanted} in the script, or expect what it writes",
            location=(same or found)[0][0].location,
            about=(artifact,),
        )


def _container_path(view: TrainingView, artifact: str) -> str | None:
    name = named_where_kept(artifact, view).strip("/")
    if name in ("model.tar.gz", "output.tar.gz") or any(mark in name for mark in "*?["):
        return None
    if name.startswith("output/data/"):
        return f"/opt/ml/{name}"
    if name.startswith("checkpoints/"):
        local = checkpoint_path(view)
        return f"{local}/{name.removeprefix('checkpoints/')}" if local else None
    return f"{MODEL_DIR}/{name}"


@rule("ART052", severity="warning", scope="script")
def written_to_lost_place(view: TrainingView) -> Iterator[Problem]:
    """The script saves below /opt/ml in a folder that SageMaker does not keep.

    What it does:
        Finds files written to a folder of the root that no image has, as ``os.path.join(folder, "/reports")`` makes one, or to a folder of ``/opt/ml`` that is neither the model directory, output/data, checkpoints nor a path of the
        request's own, mostly a misspelt one; and those written to the working directory under a plain name that nothing else uses.
    Why:
        The folder goes with the instance when the job ends.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -     open("/opt/ml/metrics/auc.txt", "w").write("0.9")
        +     open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "auc.txt"), "w").write("0.9")
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
    """
    facts = readable(view)
    if facts is None:
        return
    kept = [*KEPT, checkpoint_path(view) or KEPT[0]]
    for member in ("DebugHookConfig", "TensorBoardOutputConfig"):
        local = mapping(view.request, member).get("LocalPath")
        if isinstance(local, str):
            kept.append(local.rstrip("/"))
    if "CheckpointConfig" not in view.request:
        kept.remove("/opt/ml/checkpoints")
    told: set[Location | None] | None = None
    for problem in _left_behind(view, facts):
        if told is None:
            told = {
                other.location for others in (nothing_saved, checkpoints_elsewhere) for other in others(view)
            }
        if problem.location not in told:
            yield problem
    for use, place in writes(view):
        known = place.partition(UNKNOWN)[0]
        if known.startswith("/opt/ml/checkpoints/") and (
            not _literal(use) or _looks_for(facts, "/opt/ml/checkpoints")
        ):
            continue  # an argument's default, or a folder that is looked for, for jobs that have checkpoints
        if mentions_upload(facts) or not (_of_root(view, place) or known.startswith("/opt/ml/")):
            continue
        if known.count("/") < 4 and known != place and known.startswith("/opt/ml/"):
            continue
        inside = [folder for folder in kept if below(known, folder)]
        if inside and not (inside == ["/opt/ml/output"] and _misses_output(known, known == place)):
            continue
        if told is None:
            rules = (nothing_saved, checkpoints_elsewhere)
            told = {problem.location for others in rules for problem in others(view)}
        if use.location in told:
            continue  # that it is no place for a model, or for checkpoints, says more
        yield Problem(
            f"the script saves {place.replace(UNKNOWN, '…')!r}, and SageMaker keeps nothing of that folder",
            remedy="give the job a CheckpointConfig"
            if known.startswith("/opt/ml/checkpoints/")
            else "SageMaker reads /opt/ml/output/failure"
            if "fail" in known.rpartition("/")[2]
            else "save below SM_MODEL_DIR, SM_OUTPUT_DATA_DIR or the checkpoint path",
            location=use.location,
            about=(place,),
        )


CARRIED = re.compile(
    r"^shutil\.|^os\.(?:rename|replace|chdir|link|symlink)$|log_|Image|FileLink|add_artifact|^wandb\."
)
"""Functions that may bring a file somewhere else."""


def _left_behind(view: TrainingView, facts: ScriptFacts) -> Iterator[Problem]:
    """Files that are written to the working directory under a name that nothing else uses."""
    if mentions_upload(facts) or any(CARRIED.search(name) for name in facts.calls):
        return
    if facts.top_imports & entries("libraries", "saving"):
        return
    folder = "/opt/ml/code/" if invocation(view).kind == "toolkit" else ""
    for habit in habits(view, "left-behind"):
        if not never_holds(view, habit.tests):
            yield Problem(
                f"the script saves {folder + habit.detail!r} in its working directory, of which SageMaker keeps nothing",
                remedy="save below SM_MODEL_DIR or SM_OUTPUT_DATA_DIR what is to be kept, and the rest below /tmp",
                location=habit.location,
                about=(folder + habit.detail,),
            )


def _of_root(view: TrainingView, place: str) -> bool:
    """True for a file in a folder of the root that no image has, and from which the script takes nothing back."""
    top = re.match(r"/[\w.-]+/", place.partition(UNKNOWN)[0])
    return (
        top is not None
        and SYSTEM.match(top[0]) is None
        and not any(
            other.startswith((UNKNOWN, top[0]))
            for use in script_of(view).paths
            if use.mode not in ("write", "make")
            for other in (resolve(view, path) for path in use.paths)
            if isinstance(other, str)
        )
    )


def _misses_output(known: str, whole: bool) -> bool:
    """True for a file in /opt/ml/output, where SageMaker and its libraries read what is in ``OUTPUTS`` alone.

    ``known`` is the path, or as much of it as is known where it is not ``whole``.
    """
    name, inside, _ = known.removeprefix("/opt/ml/output/").partition("/")
    return known.startswith("/opt/ml/output/") and bool(inside or whole) and name not in OUTPUTS


def _looks_for(facts: ScriptFacts, folder: str) -> bool:
    """True where the script asks whether the folder is there, and does not make it."""
    modes = {
        use.mode
        for use in facts.paths
        for path in use.paths
        if isinstance(path, Text) and path.literal == folder
    }
    return "look" in modes and "make" not in modes


def _literal(use: PathUse) -> bool:
    return all(isinstance(path, Text) and isinstance(path.parts[0], str) for path in use.paths)


def mentions_upload(facts: ScriptFacts) -> bool:
    """True where the script may bring its files to safety itself."""
    return facts.outside_effects or any("upload" in name for name in facts.calls)


@rule("ART053", severity="warning", scope="script", reads=("CheckpointConfig",))
def checkpoints_elsewhere(view: TrainingView) -> Iterator[Problem]:
    """The script never uses the folder that checkpoints are synced from.

    What it does:
        Looks for CheckpointConfig.LocalPath (``/opt/ml/checkpoints`` where it is not given) in everything that the script, its
        settings and its arguments name, but as a default of a variable that is always set.
    Why:
        Only that folder is copied to S3 during the run and brought back after an interruption. The job runs, nothing arrives, and a
        spot interruption begins the training again.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     os.makedirs("outputs", exist_ok=True)
        -     open("outputs/epoch-1.txt", "w").write("1")
        +     print(os.listdir("/opt/ml/checkpoints"))
        +     open("/opt/ml/checkpoints/epoch-1.txt", "w").write("1")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    facts = readable(view)
    folder = checkpoint_path(view)
    if facts is None or folder is None:
        return
    if mentions_folder(view, folder):
        yield from _never_taken(view, facts, folder)
        return
    if any("checkpointconfig.json" in string for string in facts.strings) or told_by_a_file(view):
        return
    found = [(use, place) for use, place in writes(view) if UNKNOWN not in place.partition("/")[0]]
    other = [(use, place) for use, place in found if not _in_model(place)]
    text = f"nothing in the script names the checkpoint folder {folder!r}"
    if other:
        text += f"; it writes {other[0][1].replace(UNKNOWN, '…')!r}"
    yield Problem(
        f"{text}: no checkpoint reaches S3",
        ("CheckpointConfig",),
        remedy=f"save checkpoints below {folder!r}, or set CheckpointConfig.LocalPath to the folder that the script uses",
        location=other[0][0].location if other else None,
    )


def _never_taken(view: TrainingView, facts: ScriptFacts, folder: str) -> Iterator[Problem]:
    """``os.environ.get("SM_OUTPUT_DATA_DIR", "/opt/ml/checkpoints")``: a default in place of what is always set."""
    for use in facts.paths:
        for path in use.paths if use.mode == "write" else ():
            first = path.parts[0] if isinstance(path, Text) else None
            default = first.default if isinstance(first, EnvPart) else None
            place = resolve(view, path)
            meant = isinstance(default, Text) and f"{default.literal}/".startswith(f"{folder.rstrip('/')}/")
            if not meant or not isinstance(first, EnvPart) or not isinstance(place, str):
                continue
            if place.startswith("/opt/ml/") and not place.startswith(folder):
                yield Problem(
                    f"{first.name} is always set, and its default {folder!r} never taken: "
                    f"{place.replace(UNKNOWN, '…')!r} is written, which does not reach S3 as a checkpoint",
                    ("CheckpointConfig",),
                    remedy=f"write to {folder!r} itself",
                    location=use.location,
                )
                return
