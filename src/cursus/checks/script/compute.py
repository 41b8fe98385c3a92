"""What the training script makes of the hosts, accelerators, interruptions and signals that the request gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws.tables import entries, table
from cursus.checks.resources.instances import is_on_cpus
from cursus.checks.rules import Problem, rule
from cursus.checks.script.artifacts import mentions_folder, writes
from cursus.checks.script.conditions import never_holds
from cursus.checks.script.request import (
    NONE,
    UNKNOWN,
    channel_names,
    checkpoint_path,
    habits,
    invocation,
    readable,
    resolve,
    script_of,
    variable,
)
from cursus.checks.views import TrainingView
from cursus.model import Severity
from cursus.script.evaluation.calls import PROCESS_GROUP
from cursus.script.facts import ScriptFacts

LOADING = re.compile(
    r"load|restore|resume|latest|checkpoint_exists|listdir|glob|exists|isfile|isdir|iterdir|scandir|from_pretrained|xgb_model|init_model",
    re.IGNORECASE,
)

RESUMING = re.compile(
    r"resume|(?:last|latest)_checkpoint|ckpt_path|load_(?:weights|model|state|checkpoint|from_checkpoint)|restore|BackupAndRestore",
    re.IGNORECASE,
)
"""What makes a library's trainer go on from a checkpoint: none does by itself."""
GIVEN = frozenset({"resume_from_checkpoint", "ckpt_path"})
"""The same as keys of a mapping that is handed on: ``train(**settings)``."""
TAKES = re.compile(
    r"(?!(?:csv|json|yaml|pickle)\.|\.read(?:lines?)?$).*?"
    r"(?:(?:^|[._])(?:load|restore|resume|latest|read|open|connect|from)(?:_|$)|check_?point|ckpt|File$)",
    re.IGNORECASE,
)
"""Calls that may read a file at a place that is not seen; those of an open file do not."""
STARTING = frozenset(
    {f"subprocess.{name}" for name in ("run", "call", "check_call", "Popen")}
    | {f"os.{name}" for name in ("system", "execv", "execvp", "execvpe", "execl", "execlp")}
)


def _spot(view: TrainingView) -> bool:
    return view.request.get("EnableManagedSpotTraining") is True


@rule("RES050", severity="warning", scope="script", reads=("CheckpointConfig",))
def never_resumes(view: TrainingView) -> Iterator[Problem]:
    """A job saves checkpoints, and its script never looks for one.

    What it does:
        In a job with CheckpointConfig whose script names the checkpoint folder: looks for anything that loads, restores, lists or
        resumes. Trainers of libraries go on only where they are told to (``resume_from_checkpoint``, ``ckpt_path``,
        ``BackupAndRestore``); that they are not is said of Spot jobs alone.
    Why:
        After an interruption of a spot job, or when a stopped job is started again with the same checkpoints, SageMaker brings them back; a script that does not look begins at zero,
        and a long training may never end.
    Example:
          files:
            train.py: |
              import os
              rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read()
        -     for epoch in range(3):
        +     done = len(os.listdir("/opt/ml/checkpoints"))
        +     for epoch in range(done, 3):
                  open(f"/opt/ml/checkpoints/{epoch}.txt", "w").write(rows)
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
          EnableManagedSpotTraining: true
          StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
    """
    facts = readable(view)
    folder = checkpoint_path(view)
    if facts is None or folder is None or not mentions_folder(view, folder):
        return
    trainers = bool(facts.top_imports & entries("libraries", "resuming"))
    if trainers and not _spot(view):
        return
    looks = RESUMING if trainers else LOADING
    seen = any(looks.search(name) for name in (*facts.calls, *facts.attributes)) or facts.strings & GIVEN
    if seen and (trainers or not _reads_elsewhere(view, facts, folder)):
        return
    if facts.calls & STARTING and any(folder in one and LOADING.search(one) for one in facts.strings):
        return
    yield Problem(
        f"the script saves to {folder!r} and never looks there: started again, it begins from the start",
        ("CheckpointConfig",),
        remedy="on start, list the folder and load the newest checkpoint",
    )


def _reads_elsewhere(view: TrainingView, facts: ScriptFacts, folder: str) -> bool:
    """True where a script saves to a folder, and each place that it reads from is known, and another one."""
    if facts.outside_effects or not any(place.startswith(folder) for _, place in writes(view)):
        return False
    reads = [use for use in facts.paths if use.mode not in ("write", "make", "remove")]
    seen = {use.location for use in facts.paths}
    if any(not used.own and used.location not in seen and TAKES.match(used.name) for used in facts.used):
        return False
    for use in reads:
        for path in use.paths if not never_holds(view, use.tests) else ():
            place = resolve(view, path)
            known, unknown, _ = place.partition(UNKNOWN) if isinstance(place, str) else ("", "", "")
            if known.startswith(folder) or (unknown and folder.startswith(known)):
                return False
    return True


@rule("RES051", severity="warning", scope="script")
def signal_never_heard(view: TrainingView) -> Iterator[Problem]:
    """The script waits for SIGTERM, which the training toolkit does not pass on, or does nothing when it comes.

    What it does:
        Finds a handler for SIGTERM in a script that the toolkit starts, or a shell script without exec, and in any other one that only prints, or sets what nothing reads, or ends the script where a handler of errors catches that. It is a warning where the job counts on interruptions (spot, or checkpoints), and
        information elsewhere.
    Why:
        The signal goes to the container's first process, which is the toolkit; the script is its child and is killed without a word.
        What the handler would save is lost. A handler that only prints saves nothing anywhere: SIGKILL follows after two minutes.
    Example:
          files:
            train.py: |
        -     import os, signal, sys
        +     import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     def stop(number, frame):
        -         open("/opt/ml/checkpoints/last.txt", "w").write("1")
        -         sys.exit(0)
        -     signal.signal(signal.SIGTERM, stop)
              print(os.path.exists("/opt/ml/checkpoints/last.txt"))
        +     open("/opt/ml/checkpoints/last.txt", "w").write("1")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
          EnableManagedSpotTraining: true
          StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/issues/125
    """
    facts = readable(view)
    if facts is None or "SIGTERM" not in facts.attributes:
        return
    severity: Severity | None = None if _spot(view) or checkpoint_path(view) is not None else "info"
    for habit in facts.habits:
        if habit.kind == "deaf-handler":
            yield Problem(
                f"the handler of SIGTERM{habit.detail}",
                remedy=("declare the name with global; and " if " for itself alone" in habit.detail else "")
                + "save checkpoints as the training goes on, every few minutes; where the script is the container's first process, "
                "save one in the handler and exit",
                severity=severity,
                location=habit.location,
            )
            return
    kind = invocation(view).kind
    handed = None
    if kind == "command" and facts.shell_text:
        from cursus.script.source.wrapper import handed_on

        handed = handed_on(facts.shell_text)
    if kind != "toolkit" and (handed is None or handed.replaced):
        return
    for used in facts.used:
        if used.name in ("signal.signal", "signal.sigwait", ".add_signal_handler"):
            yield Problem(
                f"the script handles SIGTERM, which the {'shell' if handed else 'toolkit'} that starts it does not pass on",
                remedy="start it with exec in the shell script"
                if handed
                else "save checkpoints as the training goes on, every few minutes, not on the signal",
                severity=severity,
                location=used.location,
            )
            return


@rule("RES052", scope="script")
def accelerator_missing(view: TrainingView) -> Iterator[Problem]:
    """The script demands a GPU that the instance does not have.

    What it does:
        Finds ``.cuda()``, ``torch.cuda.set_device`` and the NCCL backend on the way that every run takes, in a job whose instances have no GPU; and
        ``mp.spawn`` of as many processes as there are GPUs, divisions by their number, and ``nvidia-smi``; GPUs by a number that there is none
        of (``cuda:1``, ``device_ids``, ``devices`` of Lightning's Trainer); and ``flash_attention_2`` on GPUs older than Ampere's.
    Why:
        ``Found no NVIDIA driver on your system``, ``invalid device ordinal``, ``FlashAttention only supports Ampere GPUs or newer``: the job
        fails. Code that asks ``torch.cuda.is_available()`` or ``device_count()`` first is left alone.
    Example:
          files:
            train.py: |
              import os
              import torch
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     model = torch.nn.Linear(2, 1).cuda()
        +     device = "cuda" if torch.cuda.is_available() else "cpu"
        +     model = torch.nn.Linear(2, 1).to(device)
              torch.save(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
    Source:
        https://pytorch.org/docs/stable/notes/cuda.html
    """
    facts = readable(view)
    if facts is None:
        return
    yield from _no_process(view)
    lacking = next(_too_few(view), None)
    if lacking is not None:
        yield lacking
    if lacking is not None or "torch" not in facts.top_imports:
        return
    joins = [
        used for used in facts.used if used.sure and used.name == PROCESS_GROUP and used.backend is not None
    ]
    nccl = next((used for used in joins if resolve(view, used.backend) == "nccl"), None)
    if nccl is not None and is_on_cpus(view):
        yield Problem(
            f"ProcessGroupNCCL is only supported with GPUs, and {view.instances[0][1]} has none",
            view.instances[0][0],
            remedy='write "gloo" as the backend, or choose an instance with a GPU',
            location=nccl.location,
        )
        return
    if (
        "is_available" in facts.attributes
        or "device_count" in facts.attributes
        or any("SM_NUM_GPUS" in string for string in facts.strings)
    ):
        return
    demands = [used for used in facts.used if used.sure and used.name in (".cuda", "torch.cuda.set_device")]
    if demands and is_on_cpus(view):
        yield Problem(
            f"the script puts its model on a GPU, and {view.instances[0][1]} has none",
            view.instances[0][0],
            remedy='choose an instance with a GPU, or device = "cuda" if torch.cuda.is_available() else "cpu"',
            location=demands[0].location,
        )


def _too_few(view: TrainingView) -> Iterator[Problem]:
    """GPUs that the script names by numbers, or a kernel that they do not have."""
    from cursus.aws import images, instances

    asked = script_of(view).attributes & {"device_count", "is_available", "get_device_capability"}
    kinds = [instances.find(name) for _, name, _ in view.instances]
    known = [kind for kind in kinds if kind is not None]
    if not known or len(known) < len(kinds) or any(kind.neuron_devices for kind in known):
        return
    most = max(known, key=lambda kind: kind.gpus)
    image = view.framework
    falls_back = image is None or image.engine != "xgboost" or images.order(image.version or "2") >= (2,)
    for habit in habits(view, "gpu-number", "gpu-capability", "gpu-hist"):
        if not habit.sure or (habit.kind == "gpu-hist" and falls_back):
            continue
        if habit.kind != "gpu-capability" and int(habit.key) >= most.gpus and not (asked and not most.gpus):
            if "device_count" in asked:
                continue
            yield Problem(
                f"{habit.detail} wants GPU {habit.key}, counted from 0, and {most.name} has "
                + (f"{most.gpus}: invalid device ordinal" if most.gpus else "none"),
                view.instances[0][0],
                remedy="use those that there are, or take an instance type with more GPUs",
                location=habit.location,
            )
        gpu = most.gpu
        if habit.kind == "gpu-capability" and gpu is not None and gpu.capability < float(habit.key):
            yield Problem(
                f"{habit.detail} supports GPUs of compute capability {habit.key} or newer; those of {most.name} ({gpu.kind}) have {gpu.capability:g}",
                view.instances[0][0],
                remedy='write attn_implementation="sdpa", or take newer GPUs, such as ml.g5',
                location=habit.location,
            )


WITHOUT_GPU = {
    "by-no-gpu": ("divides by the number of GPUs, and {} has none: ZeroDivisionError", "take max(1, …)"),
    "step-of-gpus": (
        "is so many times the number of GPUs, and {} has none: range() takes no step of 0",
        "take max(1, …)",
    ),
    "asks-driver": (
        "runs nvidia-smi, and {} has no GPU, and so no such program",
        'ask shutil.which("nvidia-smi") first',
    ),
    "spawn-per-gpu": (
        "starts one process a GPU, and {} has none: nothing is trained",
        "nprocs=max(1, torch.cuda.device_count())",
    ),
}
"""What is told of code that counts on a GPU, and what to write instead of it."""


def _no_process(view: TrainingView) -> Iterator[Problem]:
    """One process a GPU, and no GPU: nothing is trained, and the job is completed. Or a division by their number."""
    for habit in habits(view, *WITHOUT_GPU):
        spawns = habit.kind == "spawn-per-gpu"
        if (spawns or habit.sure) and is_on_cpus(view):
            told, remedy = WITHOUT_GPU[habit.kind]
            yield Problem(
                f"{habit.detail} {told.format(view.instances[0][1])}",
                view.instances[0][0],
                remedy=f"{remedy}, or choose an instance with a GPU",
                severity="warning" if spawns else None,
                location=habit.location,
            )


@rule("RES053", severity="warning", scope="script")
def variable_missing(view: TrainingView) -> Iterator[Problem]:
    """The script reads an environment variable that the request does not set.

    What it does:
        Finds ``os.environ["NAME"]`` on the way that every run takes, where the name is neither in Environment nor one that SageMaker, the
        toolkit or the system sets. In a processing job none of the toolkit's is.
    Why:
        The read raises ``KeyError`` and the job fails, unless the image itself sets the variable: a warning where that is not one of Amazon's.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]), os.environ["TARGET_COLUMN"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        + Environment: {TARGET_COLUMN: churned}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    facts = readable(view)
    if facts is None or invocation(view).kind == "command" or facts.env_open or "*" in facts.env_writes:
        return
    from cursus.suggest import closest, did_you_mean

    amazon = view.framework is not None and view.framework.amazon and invocation(view).kind == "toolkit"
    own = table("packages")["dockerfiles"]["variables"] if amazon and facts.env_reads else []
    for read in facts.env_reads:
        of_drivers = read.name in entries("toolkit", "driver_variables")
        unset = _misspelt(read.name) or (of_drivers and invocation(view).kind == "toolkit")
        if not read.hard and unset and read.name not in (*facts.env_writes, *view.environment):
            yield Problem(
                f"the script reads the variable {read.name}, which nobody sets, and goes on with a default"
                f".{did_you_mean(read.name, [each for each in _known() if each != read.name])}",
                ("Environment",),
                remedy="read the variable that the training toolkit sets",
                severity="warning",
                location=read.location,
            )
        if not (read.hard and read.sure) or read.name in facts.env_writes:
            continue
        if read.name in entries("toolkit", "standard_variables"):
            continue
        if invocation(view).kind == "processing" and variable(view, read.name) is NONE:
            yield Problem(
                f"the script reads the variable {read.name}, which training jobs have, and no processing job",
                ("Environment",),
                remedy="read the LocalPath of an input or output, or an argument of the job's",
                severity="error",
                location=read.location,
            )
            continue
        if read.name in own or read.name in view.environment:
            continue
        if not isinstance(view.request.get("Environment", {}), dict):
            continue
        if read.name.startswith(tuple(entries("toolkit", "prefixes"))) and not _misspelt(read.name):
            continue
        if variable(view, read.name) is None and channel_names(view) is not None:
            near = closest(read.name, view.environment)
            yield Problem(
                f"the script reads the variable {read.name}, which Environment does not set"
                f".{did_you_mean(read.name, [*view.environment, *_known()])}",
                ("Environment",),
                remedy="read the variable that the training toolkit sets"
                if _misspelt(read.name)
                else f"{f'read {near}' if near else f'add {read.name} to Environment'}, or give the read a default",
                severity="error" if _misspelt(read.name) or amazon else None,
                location=read.location,
            )


def _known() -> frozenset[str]:
    """The variables of the training toolkit and of the SDK's container drivers."""
    return entries("toolkit", "variables") | entries("toolkit", "driver_variables")


def _misspelt(name: str) -> bool:
    """True for an SM_ variable that the toolkit does not make."""
    return name.startswith("SM_") and not name.startswith(("SM_CHANNEL_", "SM_HP_")) and name not in _known()
