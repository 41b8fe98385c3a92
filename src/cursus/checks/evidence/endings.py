"""Rules on the evidence of a local run: how the script ended, and what it ran with."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from cursus import interruptions
from cursus.aws import images
from cursus.aws.tables import entries, table
from cursus.checks.evidence import of_run
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.evidence import Evidence
from cursus.model import Location, Path

FRAME = re.compile(r'File "/opt/ml/code/([^"]+)", line (\d+)')
"""A line of a traceback that is in the source of the job."""
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([^']+)'")
_RAISED = re.compile(r"(?:\[[^\]\s]*\](?:<std\w+>)?:\s*)*((?:\w+\.)*\w*(?:Error|Exception|Exit)(?:: .*)?)$")
_NO_ACCELERATOR = re.compile(
    r"Torch not compiled with CUDA|[Nn]o NVIDIA driver|[Nn]o CUDA GPUs|CUDA driver version is insufficient"
    r"|torch\.cuda\.is_available\(\) is False|no GPUs? (?:was |were )?found|No GPU found|Distributed package doesn't have NCCL"
    r"|Device index must not be negative|invalid device ordinal|Cannot access accelerator device when none is available"
    r"|(?:fp16|bf16|[Mm]ixed precision|quantization)[^\n]{0,80}(?:CUDA|GPU)|Must have at least one CUDA device"
    r"|not compiled with GPU support|libcuda\.so|libcudart\.so|(?:GPU|CUDA) Tree Learner was not enabled"
)
"""What libraries say where there is no GPU."""
_USAGE = re.compile(r"\S+: error: ")
_DRIVERS = re.compile(r"(?:subprocess\.)?CalledProcessError|(?:\w+\.)*ChildFailedError")
_DRIVER_FAILED = "Training Execution failed. For more details, see CloudWatch logs"
"""What the shell script of the SDK v3's ModelTrainer leaves where its driver did not: sagemaker/train/templates.py."""
HERE = "hosts cannot be carried out here"
"""What a job says that this machine could not run: nothing is wrong with the step."""
TRANSFERS: dict[str, Path] = {
    "ClientError: Data download failed": ("InputDataConfig",),
    "ClientError: Artifact upload failed": ("OutputDataConfig",),
    "ClientError: Checkpoint upload failed": ("CheckpointConfig",),
}
"""Where a request says what a job's FailureReason speaks of."""
_COMMAND_ALONE = "ExecuteUserScriptError:\nCommand "
KILLED = 137
DRIVER_LOG = 1 << 16
"""Bytes of a log's end in which a script's error is looked for before the driver's."""
TRACE = 12
"""Last lines of a log in which the end of a traceback is."""
_QUOTED = re.compile(r'ErrorMessage "(.*)"\n', re.DOTALL)


@rule("FRM090", scope="run")
def failed(view: TrainingView) -> Iterator[Problem]:
    """The job failed when it was run on this machine.

    What it does:
        Looks at the status of the local run, the script's exit code and the failure file.
    Why:
        A program that ends with another exit code than 0 fails the job; what it wrote to
        /opt/ml/output/failure becomes the FailureReason. A module that is merely not installed on this machine,
        and may well be in the image, is a warning, and so is a GPU that the instance has and this machine lacks.
    Example:
          files:
            train.py: |
        -     raise SystemExit("no column named churned")
        +     open("/opt/ml/input/data/train/data.csv").read()
        +     open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    evidence = of_run(view)
    if evidence.status != "Failed":
        return
    reason = evidence.failure_reason or ""
    module = _not_installed(view, evidence)
    if module is not None:
        package, _, part = module.partition(".")
        yield Problem(
            f"the script could not be run here: the {package} on this machine has no {module!r}"
            if part
            else f"the script could not be run here: {module!r} is not installed on this machine",
            remedy=f"install {'the version of ' + package + ' that the script wants' if part else package} here to see the run; "
            "the image has to have it too, or requirements.txt list it",
            severity="warning",
            location=at_line(view, evidence),
        )
        return
    lacking = _accelerator_lacking(view, evidence)
    if lacking is not None:
        yield Problem(
            f"the script could not be run here: it wants the accelerator of {lacking}, and this machine has none "
            f"({brief(evidence)})",
            remedy="run it on a machine that has one, or let the script go on without: "
            'device = "cuda" if torch.cuda.is_available() else "cpu"',
            severity="warning",
        )
        return
    if HERE in reason:
        yield Problem(
            f"the job could not be run here: {reason.partition(': ')[2]}",
            remedy="run it on a machine that can carry out its hosts; of the step nothing is known from this run",
            severity="warning",
        )
        return
    place = next((path for beginning, path in TRANSFERS.items() if reason.startswith(beginning)), ())
    code = exit_code(evidence)
    told = "" if code is None else f" with exit code {code}" + _signal(code)
    yield Problem(
        f"the job failed on this machine{told}: {brief(evidence)}",
        place,
        remedy=_advice(code, place, evidence),
        location=at_line(view, evidence),
    )


def at_line(view: TrainingView, evidence: Evidence) -> Location | None:
    """The innermost line of the source in the traceback at the end of the log."""
    from cursus.script.source.files import shown_below

    frames = FRAME.findall("\n".join(last_lines(evidence, TRACE)))
    if not frames or view.step.source is None:
        return None
    name, line = frames[-1]
    return Location(shown_below(view.step.source.directory, name), int(line))


def _culprit(codes: Mapping[str, int | None]) -> tuple[str | None, int | None]:
    """The host that failed, and its exit code: those that were ended because of it have 137."""
    failed = [(host, code) for host, code in codes.items() if code]
    return next((one for one in failed if one[1] != KILLED), failed[0] if failed else (None, None))


def exit_code(evidence: Evidence) -> int | None:
    """The code that a failed job's script ended with, or else its container."""
    code = _culprit(evidence.script_exit_codes)[1]
    return _culprit(evidence.exit_codes)[1] if code is None else code


def _said(evidence: Evidence) -> str:
    """The error that a script or the SDK's driver printed, where the reason is the failure of a command alone."""
    from pathlib import Path as FilePath

    reason = evidence.failure_reason or ""
    path = evidence.logs.get(_culprit(evidence.exit_codes)[0] or "")
    driven = "CalledProcessError" in reason and "sm_drivers" in reason
    if path is None or not (driven or reason.removeprefix("AlgorithmError: ").startswith(_DRIVER_FAILED)):
        return ""
    try:
        with FilePath(path).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - DRIVER_LOG))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    raised = [found for line in lines if (found := _RAISED.match(line.strip()))]
    return next((found.group(1) for found in reversed(raised) if not _DRIVERS.match(found.group(1))), "")


def _signal(code: int) -> str:
    import signal

    if code <= 128:
        return ""
    try:
        return f" ({signal.Signals(code - 128).name})"
    except ValueError:
        return ""


def brief(evidence: Evidence) -> str:
    """What a failed job died of, in a line: what its script said last where it said anything."""
    reason = (evidence.failure_reason or "").strip()
    quoted = _QUOTED.search(reason)
    text = _said(evidence) or (quoted.group(1) if quoted else reason.removeprefix("AlgorithmError: "))
    text = "" if text.startswith(_COMMAND_ALONE) else re.sub(r", exit code: [0-9]+$", "", text)
    lines = [line.strip() for line in text.splitlines() if _telling(line)]
    if not lines:
        lines = [line for line in last_lines(evidence, TRACE) if _telling(line)]
    if lines and _USAGE.match(lines[-1]):
        return lines[-1][:600]  # before it a parser of arguments prints all that it takes
    # Some libraries print where they are in their own code behind the error.
    raised = [at for at, line in enumerate(lines) if _RAISED.match(line) and ": " in line]
    first = raised[-1] if raised and raised[-1] < len(lines) - 3 else len(lines) - 3
    return " | ".join(lines[max(0, first) :][:3])[:600] or "it printed nothing"


def _telling(line: str) -> bool:
    """False for marks below a line of a traceback, and for places in the interpreter's own code."""
    return bool(line.strip(" ^~")) and not line.lstrip().startswith('File "<frozen ')


def last_lines(evidence: Evidence, count: int = 3) -> list[str]:
    """The last lines that the host which failed printed; where none did, the job's first host."""
    from pathlib import Path as FilePath

    culprit = _culprit(evidence.script_exit_codes)[0] or _culprit(evidence.exit_codes)[0]
    for path in (evidence.logs.get(culprit or ""), *evidence.logs.values()):
        if path is None:
            continue
        try:
            with FilePath(path).open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 4096))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        return [line.strip() for line in lines if line.strip()][-count:]
    return []


def _advice(code: int | None, place: Path, evidence: Evidence) -> str:
    if place == ("InputDataConfig",):
        return (
            "give the channel a local path (channels={name: DIR}), or put the data where the job's S3, local or real, "
            "has it for these credentials"
        )
    if place:
        return "the script is not to blame: look at the location, and at who may write to it"
    if code == 137:
        return "the process was killed (SIGKILL), as the kernel does when memory runs out: let it use less"
    if code == 127:
        return "name a program that exists in the image, by its full path or on PATH"
    host = _culprit(evidence.exit_codes)[0] or ""
    log = evidence.logs.get(host) or next(iter(evidence.logs.values()), "")
    return f"mend the script; its whole output is in {log}" if log else "see the job's folder"


def told(evidence: Evidence) -> tuple[str, str, str]:
    """What a job that failed said of it. Some containers keep the script's words out of FailureReason: then its log has them."""
    return evidence.failure_reason or "", _said(evidence), "\n".join(last_lines(evidence))


def _accelerator_lacking(view: TrainingView, evidence: Evidence) -> str | None:
    """The instance type with an accelerator whose absence here made the script fail."""
    if not any(_NO_ACCELERATOR.search(text) for text in told(evidence)):
        return None
    from cursus.aws import instances

    found = [(name, instances.find(name)) for _, name, _ in view.instances]
    return next(
        (name for name, kind in found if kind is not None and (kind.gpus or kind.neuron_devices)), None
    )


def _not_installed(view: TrainingView, evidence: Evidence) -> str | None:
    """The module that the script lacked, where the image or a requirements file may have it."""
    found = next((found for text in told(evidence) if (found := _MISSING.search(text))), None)
    if found is None:
        return None
    name = found.group(1)
    module = name.partition(".")[0]
    if module in sys.stdlib_module_names or view.step.source is None:
        return None
    from pathlib import Path as FilePath

    source = FilePath(view.step.source.directory)
    if (source / module).is_dir() or (source / f"{module}.py").is_file():
        return None
    image = images.amazon_image(view.image)
    if (
        image is None
        or module in entries("libraries", "in_images")
        or (source / "requirements.txt").is_file()
    ):
        return name  # what an own image holds, or a requirements file brings with it, cannot be known here
    return None


@rule("FRM091", severity="info", scope="run", reads=("AlgorithmSpecification",))
def other_version(view: TrainingView) -> Iterator[Problem]:
    """The local run used another version of the framework than the image has.

    What it does:
        Compares the version of the framework installed on this machine with the one in the image's tag.
    Why:
        The run proves the script against the version here; what changed between the two is not proved.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:0.23-1-cpu-py3
        - HyperParameters:
        -   sagemaker_program: train.py
        -   sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        +   TrainingImage: 123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4
          files:
            train.py: |
              print("trained")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    """
    evidence = of_run(view)
    image = images.amazon_image(view.image)
    if image is None or image.kind != "framework" or not evidence.runtime:
        return
    wanted = [(image.framework, image.version), (image.base, image.base_version)]
    for framework, version in wanted:
        packages = table("libraries")["framework_packages"].get(framework or "")
        if packages is None or version is None:
            continue
        name = packages[0]
        here = evidence.runtime.get(name)
        full = version.partition("-")[0]
        if here is None:
            message = (
                f"the image has {images.title(framework or '')} {version}, and {name} is not installed here"
            )
        elif not _same(here, full):
            message = f"the run used {name} {here}, and the image has {version}"
        else:
            continue
        yield Problem(
            message,
            ("AlgorithmSpecification", "TrainingImage"),
            remedy=f"install {name}=={full} on this machine to prove the script against the image's version",
        )


def _same(one: str, other: str) -> bool:
    left, right = images.order(one), images.order(other)
    length = min(len(left), len(right), 2)
    return left[:length] == right[:length]


@rule("FRM092", severity="warning", scope="run")
def unheard(view: TrainingView) -> Iterator[Problem]:
    """The script waits for SIGTERM, and in script mode never hears it.

    What it does:
        Looks in the kernel whether the stopped script had a handler for SIGTERM, and whether one could be reached.
    Why:
        The container's first process is the training toolkit, which passes no signal on; nor does a shell that starts the script without
        exec. What the handler does (save a checkpoint, close a file) does not happen on stop, timeout or spot interruption.
    Example:
        - StoppingCondition:
        -   MaxRuntimeInSeconds: 1
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
        -     import signal, time
        -     signal.signal(signal.SIGTERM, lambda *_: print("saved"))
        -     time.sleep(2)
        +     open("/opt/ml/checkpoints/epoch-1", "w").write("state")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://github.com/aws/sagemaker-training-toolkit and
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    signals = view.evidence.signals if view.evidence is not None else {}
    if (
        signals.get("delivered")
        and signals.get("script_has_handler")
        and signals.get("script_heard") is False
    ):
        yield Problem(
            f"the script has a handler for SIGTERM, and it was never called: {interruptions.keeper(signals)} passes no signal on",
            remedy="save checkpoints while training instead, or start the script as the container's own program"
            + (", with exec where a shell starts it" if signals.get("behind_shell") else ""),
        )
